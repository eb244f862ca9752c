"""The text of a file in blocks: packed or not, in any encoding, with one clear error for a file that is not text."""

import bz2
import codecs
import gzip
import io
import itertools
import lzma
import os
import re
import zipfile
from typing import BinaryIO, Iterator, Optional

from rnnbook.base import bar as bars
from rnnbook.base.files import DamagedError, check_regular, damage_errors

#: How many bytes are read at a time.
BLOCK = 2 ** 18
#: UTF-32 first: its mark begins with that of UTF-16.
MARKS = {codecs.BOM_UTF32_LE: 'utf-32', codecs.BOM_UTF32_BE: 'utf-32', codecs.BOM_UTF16_LE: 'utf-16',
         codecs.BOM_UTF16_BE: 'utf-16'}


def read_blocks(path: str, encoding: Optional[str] = None, *, fold: bool = True,
                title: Optional[str] = None) -> Iterator[str]:
    r"""The text of a file, packed or not, without its byte order mark; with `fold`, every line ends in `\n`.

    A `title` shows a progress bar.
    """
    check_regular(path)
    with damage_errors(path), open(path, 'rb') as raw:
        file = _unpacked(raw)
        blocks = decode(path, file, encoding, fold=fold)
        yield from bars.show_bar(blocks, os.path.getsize(path) // BLOCK + 1, title) if title and file is raw else blocks


def _unzip(raw: BinaryIO) -> BinaryIO:
    """The file in a zip of one file."""
    archive = zipfile.ZipFile(raw)
    names = [name for name in archive.namelist() if not name.endswith('/') and not name.startswith('__MACOSX/')]
    if len(names) != 1:
        raise DamagedError('%s holds %d files; a zip must hold a single one' % (raw.name, len(names)))
    return archive.open(names[0])


#: What opens a packed file, by what it begins with; no text begins like that.
OPENERS = {br'\x1f\x8b': gzip.open, br'BZh\d1AY&SY': bz2.open, br'\xfd7zXZ\0': lzma.open,
           br'PK(\x03\x04|\x05\x06)': _unzip}


def _unpacked(raw: BinaryIO) -> BinaryIO:
    """The file, or the one that is packed in it."""
    start = raw.read(10)
    raw.seek(0)
    return next((opener(raw) for mark, opener in OPENERS.items() if re.match(mark, start)), raw)


def decode(name: str, file: BinaryIO, encoding: Optional[str] = None, *, fold: bool = True) -> Iterator[str]:
    """The text of a file in blocks; if no encoding is given, UTF-8 or what a byte order mark says."""
    start, position, line, begun = file.read(4), 0, 1, False
    encoding = encoding or next((known for mark, known in MARKS.items() if start.startswith(mark)), 'utf-8')
    decoder = codecs.getincrementaldecoder(encoding)()
    if fold:
        decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
    for block in itertools.chain([start], iter(lambda: file.read(BLOCK), b''), [b'']):
        position += len(block)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:                       # which may be about bytes of the block before, too
            data, at = getattr(error, 'object', block), getattr(error, 'start', 0)
            raise DamagedError(
                '%s is not %s: byte %d is 0x%02x, in line %d; if it is text, name its encoding with encoding=, such as '
                'cp1252' % (name, encoding.upper(), position - len(data) + at, data[at],
                            line + data[:at].count(b'\n'))) from error
        if text:
            yield text if begun else text.lstrip('\ufeff')
            begun = True
            line += len(text.split('\n')) - 1               # several times as fast as str.count
