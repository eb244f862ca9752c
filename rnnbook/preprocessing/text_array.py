r"""Texts larger than memory as one array of character numbers on disk, to be memory-mapped.

The text is read twice, in blocks: once to find its characters, once to write their numbers. Beside the array,
``corpus.npy`` say, lies ``corpus.json`` with the vocabulary; it is written last, so that where it is, both are whole.
"""

from __future__ import annotations

import codecs
import contextlib
import glob
import json
import os
from typing import Dict, List, Sequence, Tuple

import numpy as np
from numpy.lib import format as npy

from rnnbook.base import bar as bars
from rnnbook.base.checks import StrPath, shorten
from rnnbook.base.files import atomic_path, check_format, check_path, damage_errors, read_json, write_text
from rnnbook.errors import ArgumentValueError, FileError

__all__ = ['encode_file', 'load_encoded', 'text_files']

FORMAT = 1
#: How many bytes are read at a time.
BLOCK = 2 ** 22
CODE_POINTS = 0x110000
MAX_JSON_BYTES = 2 ** 26


def text_files(path: StrPath, leave_out: Sequence[str] = ()) -> List[str]:
    """The files that a path stands for.

    Parameters
    ----------
    path : str or path
        A file; a folder, for all files in it and below it but those whose name, or whose folder's, begins with a dot;
        or a pattern such as ``'texts/*.txt'``, in which ``**`` stands for any folders.
    leave_out : sequence of str
        Paths of files that do not count.

    Returns
    -------
    list of str
        Sorted by path.

    Raises
    ------
    FileError
        There are none.
    """
    path = check_path('path', path)
    if os.path.isdir(path):
        found = []
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith('.')]
            found += [os.path.join(folder, name) for name in names if not name.startswith('.')]
    elif os.path.lexists(path) or not glob.has_magic(path):
        return [path]                                       # if it is not there, opening it says so
    else:
        found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
    without = set(map(os.path.abspath, leave_out))
    found = sorted(name for name in found if os.path.abspath(name) not in without)
    if not found:
        raise FileError('%s stands for no file' % path)
    return found


def encode_file(path: StrPath, out: StrPath, *, progress: bool = True) -> Tuple[np.memmap, Dict[str, int]]:
    r"""Turn UTF-8 text of any size into an array of character numbers on disk.

    Reads twice in blocks of a few megabytes; memory does not grow with the text. ``\r\n`` is folded to ``\n``, and byte
    order marks go. Files follow each other without anything between them.

    Parameters
    ----------
    path : str or path
        A file, a folder or a pattern, see `text_files`. What `out` names is left out.
    out : str or path
        Where the array goes, a name that ends in ``.npy``; the vocabulary goes beside it under the ending ``.json``.
        Each is written whole or not at all; what was there before is replaced.
    progress : bool, default True
        Show a progress bar on standard error where it takes long.

    Returns
    -------
    sequence : numpy.memmap of the smallest unsigned integer type that holds the vocabulary, shape (characters,)
        For `hamlet.reshape_data`. It is not to be written to.
    char2int : dict of str to int
        As `hamlet.char_vocabulary` makes it of the whole text.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, or an `out` without that ending.
    FileError
        A file that is not there or not UTF-8 (its first bad byte is named), no text at all, a text that changed
        between the two readings, or an `out` that cannot be written.
    """
    out, vocabulary = _names('out', out)
    files = text_files(path, (out, vocabulary))
    seen = np.zeros(CODE_POINTS, dtype=bool)
    length = 0
    for text in _blocks(files, 'Finding characters', progress):
        _mark(seen, text)
        length += len(text)
    if not length:
        raise FileError('%s is empty; there is no text to read' % path)
    chars = np.flatnonzero(seen)
    dtype = np.min_scalar_type(len(chars) - 1)
    numbers = np.zeros(CODE_POINTS, dtype)
    numbers[chars] = np.arange(len(chars))
    with atomic_path(out) as temporary:
        _write(temporary, numbers, seen, length, _blocks(files, 'Writing numbers', progress))
        with contextlib.suppress(FileNotFoundError):        # from here on, until it is written anew, there is no pair
            os.remove(vocabulary)
    write_text(vocabulary, json.dumps({'format': FORMAT, 'characters': length, 'dtype': dtype.name,
                                       'vocabulary': ''.join(map(chr, chars))}) + '\n')
    return load_encoded(out)


def _names(name, out):
    out = check_path(name, out)
    if not out.endswith('.npy'):
        raise ArgumentValueError('%s must end in .npy, not %s' % (name, shorten(os.path.basename(out))))
    return out, out[:-len('.npy')] + '.json'


def _write(path, numbers, seen, length, blocks):
    """Write the array. `numbers` are those of all code points, `seen` says which of them have one."""
    again, written = np.zeros_like(seen), 0
    try:
        # Not through a memory map, whose pages would count as memory of this process until they are on disk.
        with open(path, 'wb') as file:
            npy.write_array_header_1_0(file, {'descr': npy.dtype_to_descr(numbers.dtype), 'fortran_order': False,
                                              'shape': (length,)})
            for text in blocks:
                _mark(again, text)
                written += len(text)
                file.write(_numbered(text, numbers))
    except FileError:
        raise
    except OSError as error:
        raise FileError('cannot write %s: %s' % (path, error.strerror)) from error
    if written != length or not np.array_equal(again, seen):
        raise FileError('the text changed while it was read; nothing was written')


def _blocks(files, title, progress):
    """The texts, one after the other, with their line ends folded, in blocks."""
    total = sum(map(_blocks_of, files))
    blocks = (text for path in files for text in _file_blocks(path))
    return bars.show_bar(blocks, total, title) if progress else blocks


def _blocks_of(path):
    try:
        return os.path.getsize(path) // BLOCK + 1
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror)) from error


def _file_blocks(path):
    decoder, position, held = codecs.getincrementaldecoder('utf-8-sig')(), 0, ''
    try:
        if os.path.isdir(path):
            raise FileError('%s is a folder, not a file' % path)
        with open(path, 'rb') as file:
            block = None
            while block != b'':
                block = file.read(BLOCK)
                left = len(decoder.getstate()[0])           # of the block before: the start of a character
                text = held + decoder.decode(block, final=not block)
                position += len(block)
                held = '\r' if block and text.endswith('\r') else ''    # whose \n may be the next block's first
                yield (text[:-1] if held else text).replace('\r\n', '\n')
    except UnicodeDecodeError as error:
        raise FileError('%s is not UTF-8: byte %d is 0x%02x'
                        % (path, position - left + error.start, error.object[error.start])) from error
    except FileError:
        raise
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror)) from error


def _latin(text):
    """The code points of a text as bytes, or None where one does not fit. Bytes are looked up faster than by NumPy."""
    try:
        return text.encode('latin-1')
    except UnicodeEncodeError:
        return None


def _code_points(text):
    return np.frombuffer(text.encode('utf-32-le'), dtype='<u4')


def _mark(seen, text):
    """Set `seen`, an array of bool, for the code points of a text."""
    latin = _latin(text)
    if latin is None:
        seen[_code_points(text)] = True
    else:
        new = latin.translate(None, bytes(np.flatnonzero(seen[:256]).tolist()))
        seen[np.frombuffer(new, dtype=np.uint8)] = True


def _numbered(text, numbers):
    """The numbers of the characters of a text, as the bytes of the array; `numbers` has one for each code point."""
    latin = _latin(text) if numbers.dtype == np.uint8 else None
    return numbers[_code_points(text)].data if latin is None else latin.translate(numbers[:256].tobytes())


def load_encoded(path: StrPath) -> Tuple[np.memmap, Dict[str, int]]:
    """Open what `encode_file` has written.

    Parameters
    ----------
    path : str or path
        The array, a name that ends in ``.npy``.

    Returns
    -------
    sequence : numpy.memmap, shape (characters,)
    char2int : dict of str to int

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, or one without that ending.
    FileError
        One of the two files is missing or damaged, or they do not belong together.
    """
    path, vocabulary = _names('path', path)
    for name in (path, vocabulary):
        if not os.path.isfile(name):
            raise FileError('%s is not there; encode_file writes it' % name)
    content = read_json(vocabulary, MAX_JSON_BYTES)
    with damage_errors(vocabulary):
        form, chars, length, dtype = (content[name] for name in ('format', 'vocabulary', 'characters', 'dtype'))
        if type(chars) is not str or sorted(set(chars)) != list(chars) or not chars:
            raise ValueError('vocabulary')
    check_format(vocabulary, form, FORMAT)
    try:
        sequence = np.load(path, mmap_mode='r', allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, OSError) as error:
        raise FileError('%s is damaged or cannot be read: %s' % (path, shorten(str(error), 100))) from error
    if not isinstance(sequence, np.memmap) or (sequence.shape, sequence.dtype.name) != ((length,), dtype) \
            or sequence.dtype != np.min_scalar_type(len(chars) - 1):
        raise FileError('%s does not belong to %s' % (path, vocabulary))
    return sequence, {char: number for number, char in enumerate(chars)}
