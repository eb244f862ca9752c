"""The text of a file in blocks: packed or not, in any encoding, with one clear error for a file that is not text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import itertools
import lzma
import os
import zipfile
from typing import BinaryIO, Iterable, Iterator, Optional

from rnnbook.base import bar as bars
from rnnbook.base.files import DamagedError, check_regular, damage_errors

__all__ = ['read_blocks', 'decode']

#: The bytes of a block where nothing else is asked for.
BLOCK = 2 ** 18
#: UTF-32 first: its mark begins with that of UTF-16.
MARKS = {codecs.BOM_UTF32_LE: 'utf-32', codecs.BOM_UTF32_BE: 'utf-32', codecs.BOM_UTF16_LE: 'utf-16',
         codecs.BOM_UTF16_BE: 'utf-16'}


def read_blocks(path: str, encoding: Optional[str] = None, *, fold: bool = True, size: int = BLOCK,
                title: Optional[str] = None) -> Iterator[str]:
    r"""The text of a file, packed or not, without its byte order mark; with `fold`, every line ends in `\n`.

    `size` bytes are read at a time; a `title` shows a progress bar.
    """
    check_regular(path)
    with damage_errors(path), open(path, 'rb') as raw:
        file = _unpacked(path, raw)
        blocks = iter(lambda: file.read(size), b'')
        if title and file is raw:
            blocks = bars.show_bar(blocks, -(-os.path.getsize(path) // size), title)
        yield from decode(path, blocks, encoding, fold=fold)


def _unpacked(path: str, raw: BinaryIO) -> BinaryIO:
    """The file, or the one that is packed in it. No text begins like a packed file."""
    start = raw.read(10)
    raw.seek(0)
    if start.startswith((b'PK\3\4', b'PK\5\6')):
        archive = zipfile.ZipFile(raw)
        names = [name for name in archive.namelist() if not name.endswith('/') and not name.startswith('__MACOSX/')]
        if len(names) != 1:
            raise DamagedError('%s holds %d files; a zip must hold a single one' % (path, len(names)))
        return archive.open(names[0])
    if start.startswith(b'BZh') and start[4:] == b'1AY&SY':
        return bz2.open(raw)
    openers = {b'\x1f\x8b': gzip.open, b'\xfd7zXZ\0': lzma.open}
    return next((opener for mark, opener in openers.items() if start.startswith(mark)), lambda file: file)(raw)


def decode(name: str, blocks: Iterable[bytes], encoding: Optional[str] = None, *, fold: bool = True) -> Iterator[str]:
    """The text of these bytes in blocks; if no encoding is given, UTF-8 or what a byte order mark says."""
    blocks, start = iter(blocks), b''
    while len(start) < 4:
        block = next(blocks, b'')
        if not block:
            break
        start += block
    encoding = encoding or next((name for mark, name in MARKS.items() if start.startswith(mark)), 'utf-8')
    decoder = codecs.getincrementaldecoder(encoding)()
    if fold:
        decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
    position, line, begun = 0, 1, False
    for block in itertools.chain([start] if start else [], blocks, [b'']):
        position += len(block)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:                 # its object ends where the block does
            start = error.start
            line += error.object[:start].replace(b'\r\n', b'\n').replace(b'\r', b'\n').count(b'\n')
            raise _undecodable(name, encoding, 'byte %d is 0x%02x, in line %d' % (
                position - len(error.object) + start, error.object[start], line)) from error
        except UnicodeError as error:                       # UTF-16 that was asked for, and has no mark
            raise _undecodable(name, encoding, error) from error
        if text:
            text, begun = text[not begun and text[0] == '\ufeff':], True
            line += len(text.split('\n')) - 1               # several times as fast as str.count
            yield text


def _undecodable(name, encoding, why):
    return DamagedError('%s is not %s: %s; if it is text, name its encoding with encoding=, such as cp1252'
                        % (name, encoding.upper(), why))
