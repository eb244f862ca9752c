r"""Text files of any kind and size: read in blocks, and turned into one array of character numbers on disk.

The array is for texts larger than memory. It takes two readings: one to find the characters, one to write their
numbers. The vocabulary, ``corpus.json`` beside ``corpus.npy`` say, is written last: where it is, both are whole.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import warnings
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.lib import format as npy

from rnnbook.base import bar as bars
from rnnbook.base.checks import StrPath, check_encoding, counted, shorten
from rnnbook.base.files import (OURS, DamagedError, atomic_path, check_format, check_path, damage_errors, file_errors,
                                read_json, write_text)
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.preprocessing.text_blocks import read_blocks

__all__ = ['encode_file', 'load_encoded', 'text_files']

FORMAT = 1
#: How many bytes are read at a time.
BLOCK = 2 ** 22
CODE_POINTS = 0x110000
MAX_JSON_BYTES = 2 ** 26
#: A folder with this file in it is a model's.
MODEL = 'model.json'


def text_files(path: StrPath, leave_out: Sequence[str] = (), encoding: Optional[str] = None) -> List[str]:
    """The files that a path stands for.

    Parameters
    ----------
    path : str or path
        A file; a folder, for all texts in it and below it; or a pattern such as ``'texts/*.txt'``, in which ``**``
        stands for any folders. A folder's hidden and binary files, the folders of models (with a ``model.json``) and
        ``./data`` are left out, and a warning says how many.
    leave_out : sequence of str
        Paths of files that do not count.
    encoding : str, optional
        What the texts of a folder are encoded in. Default: UTF-16 where a file begins with its byte order mark,
        else UTF-8.

    Returns
    -------
    list of str
        Sorted by path.

    Raises
    ------
    FileError
        There are none, or the folder is a model's.
    """
    path, encoding = check_path('path', path), check_encoding('encoding', encoding)
    without = set(map(os.path.abspath, leave_out))
    if os.path.isdir(path):
        paths, files, folders = _below(path)
        paths = sorted(name for name in paths if os.path.abspath(name) not in without)
        found = [name for name in paths if _is_text(name, encoding)]
        files += len(paths) - len(found)
        skipped = [counted(count, what) for count, what in ((files, 'file'), (folders, 'folder')) if count]
        if skipped:
            warnings.warn("%s: %s left out (hidden, binary, in another encoding, a model's, or ./data); texts read: %d"
                          % (path, ' and '.join(skipped), len(found)))
    elif os.path.lexists(path) or not glob.has_magic(path):
        return [path]                                       # if it is not there, opening it says so
    else:
        found = sorted(name for name in glob.glob(path, recursive=True)
                       if os.path.isfile(name) and os.path.abspath(name) not in without)
    if not found:
        raise FileError('%s %s' % (path, 'holds no text' if os.path.isdir(path) else 'matches no file'))
    return found


def _below(root):
    """The files of a folder, and how many of its files and folders are left out without looking into them."""
    found, files, skipped = [], 0, 0
    if os.path.exists(os.path.join(root, MODEL)):
        raise FileError("%s is a model's folder, with a %s; give a folder of texts" % (root, MODEL))
    for folder, folders, names in os.walk(root, onerror=_fail):
        below = [name for name in folders if not (
            name.startswith('.') or os.path.exists(os.path.join(folder, name, MODEL))
            or os.path.realpath(os.path.join(folder, name)) == os.path.realpath(OURS))]
        paths = [os.path.join(folder, name) for name in names if not name.startswith('.')]
        paths = [path for path in paths if os.path.isfile(path)]    # not a pipe, which would be waited for
        skipped, files = skipped + len(folders) - len(below), files + len(names) - len(paths)
        found += paths
        folders[:] = below
    return found, files, skipped


def _fail(error):
    raise FileError('cannot read %s: %s' % (error.filename, error.strerror)) from error


def _is_text(path, encoding):
    """Whether a file can be unpacked and decoded and holds no NUL."""
    try:
        return all('\0' not in block for block in read_blocks(path, encoding, size=BLOCK))
    except DamagedError:
        return False


def encode_file(path: StrPath, out: StrPath, *, encoding: Optional[str] = None,
                progress: bool = True) -> Tuple[np.memmap, Dict[str, int]]:
    r"""Turn text of any size into an array of character numbers on disk.

    Reads twice in blocks of a few megabytes, so memory does not grow with the text. ``\r\n`` and ``\r`` become ``\n``,
    byte order marks are dropped, packed files (gzip, bz2, xz, a zip of one file) are unpacked, and files are joined
    without anything between them.

    Parameters
    ----------
    path : str or path
        A file, a folder or a pattern, see `text_files`. The files that `out` names are left out.
    out : str or path
        Where to write the array, a name that ends in ``.npy``; the vocabulary goes beside it, with the ending
        ``.json``. Each is written whole or not at all, and replaces what was there before.
    encoding : str, optional
        Such as ``'cp1252'``. Default: UTF-16 where a file begins with its byte order mark, else UTF-8.
    progress : bool, default True
        Show a progress bar on standard error if it takes long.

    Returns
    -------
    sequence : numpy.memmap of the smallest unsigned integer type that holds the vocabulary, shape (characters,)
        For `hamlet.reshape_data`; read-only.
    char2int : dict of str to int
        As `hamlet.char_vocabulary` makes it from the whole text.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, an `out` without that ending, or an unknown `encoding`.
    FileError
        A file that is missing or cannot be decoded (its first bad byte is named), no text at all, a text that changed
        between the two readings, or an `out` that cannot be written.
    """
    out, vocabulary = _names('out', out)
    files = text_files(path, (out, vocabulary), encoding)
    seen = np.zeros(CODE_POINTS, dtype=bool)
    length = 0
    for text in _blocks(files, encoding, 'Finding characters', progress):
        _mark(seen, text)
        length += len(text)
    if not length:
        raise FileError('%s is empty; there is no text to read' % path)
    chars = np.flatnonzero(seen)
    dtype = np.min_scalar_type(len(chars) - 1)
    numbers = np.zeros(CODE_POINTS, dtype)
    numbers[chars] = np.arange(len(chars))
    with atomic_path(out) as temporary:
        _write(temporary, numbers, seen, length, _blocks(files, encoding, 'Writing numbers', progress))
        with contextlib.suppress(FileNotFoundError):        # no pair exists until the vocabulary is written again
            os.remove(vocabulary)
    write_text(vocabulary, json.dumps({'format': FORMAT, 'characters': length, 'dtype': dtype.name,
                                       'vocabulary': ''.join(map(chr, chars))}) + '\n')
    return load_encoded(out)


def _names(name: str, out: StrPath) -> Tuple[str, str]:
    """The paths of the array and of its vocabulary."""
    out = check_path(name, out)
    if not out.endswith('.npy'):
        raise ArgumentValueError('%s must end in .npy, not %s' % (name, shorten(os.path.basename(out))))
    return out, out[:-len('.npy')] + '.json'


def _write(path: str, numbers: np.ndarray, seen: np.ndarray, length: int, blocks: Iterable[str]) -> None:
    """Write the array. For each code point, `numbers` has its number and `seen` whether it occurs."""
    again, written = np.zeros_like(seen), 0
    # Not through a memory map, whose pages would count as memory of this process until they are on disk.
    with file_errors('cannot write %s' % path), open(path, 'wb') as file:
        npy.write_array_header_1_0(file, {'descr': npy.dtype_to_descr(numbers.dtype), 'fortran_order': False,
                                          'shape': (length,)})
        for text in blocks:
            _mark(again, text)
            written += len(text)
            file.write(_numbered(text, numbers))
    if written != length or not np.array_equal(again, seen):
        raise FileError('the text changed while it was read; nothing was written')


def _blocks(files, encoding, title, progress):
    """The texts, one after the other, in blocks."""
    blocks = (block for path in files for block in read_blocks(path, encoding, size=BLOCK))
    total = sum(os.path.getsize(path) // BLOCK + 1 for path in files if os.path.isfile(path))
    return bars.show_bar(blocks, total, title) if progress else blocks


def _latin(text):
    """The code points of a text as bytes, or None if one does not fit: `bytes.translate` is faster than NumPy."""
    try:
        return text.encode('latin-1')
    except UnicodeEncodeError:
        return None


def _code_points(text):
    return np.frombuffer(text.encode('utf-32-le'), dtype='<u4')


def _mark(seen, text):
    """Set `seen`, an array of bool, at the code points of a text."""
    latin = _latin(text)
    if latin is None:
        seen[_code_points(text)] = True
    else:
        new = latin.translate(None, bytes(np.flatnonzero(seen[:256]).tolist()))
        seen[np.frombuffer(new, dtype=np.uint8)] = True


def _numbered(text, numbers):
    """The numbers of a text's characters as the bytes of the array."""
    latin = _latin(text) if numbers.dtype == np.uint8 else None
    return numbers[_code_points(text)].data if latin is None else latin.translate(numbers[:256].tobytes())


def load_encoded(path: StrPath) -> Tuple[np.memmap, Dict[str, int]]:
    """Open an array that `encode_file` has written.

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
        The array or its vocabulary is missing or damaged, or they do not belong together.
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
    with damage_errors(path):
        sequence = np.load(path, mmap_mode='r', allow_pickle=False)
    if not isinstance(sequence, np.memmap) or (sequence.shape, sequence.dtype.name) != ((length,), dtype) \
            or sequence.dtype != np.min_scalar_type(len(chars) - 1):
        raise FileError('%s does not belong to %s' % (path, vocabulary))
    return sequence, {char: number for number, char in enumerate(chars)}
