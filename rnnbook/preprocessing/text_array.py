r"""Text files of any kind and size: read in blocks, and turned into one array of character numbers on disk.

The array is for texts larger than memory. It takes two readings: one to find the characters, one to write their
numbers. The vocabulary, ``corpus.json`` beside ``corpus.npy`` say, is written last: where it is, both are whole.
"""

import contextlib
import glob
import json
import os
import warnings
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.lib import format as npy

from rnnbook.base import bar as bars
from rnnbook.base.checks import StrPath, check_encoding, counted, shorten
from rnnbook.base.files import (OURS, DamagedError, atomic_path, check_format, check_path, damage_errors, read_json,
                                stamp, write_text)
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.preprocessing import text_blocks

FORMAT = 1
CODE_POINTS = 0x110000
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
        found, left_out = _below(path, without, encoding)
        if left_out:
            warnings.warn("%s: %s left out (hidden, binary, in another encoding, a model's, or ./data); texts read: %d"
                          % (path, counted(left_out, 'file or folder', 'files and folders'), len(found)))
    elif os.path.lexists(path) or not glob.has_magic(path):
        return [path]                                       # if it is not there, opening it says so
    else:
        found = [name for name in glob.glob(path, recursive=True)
                 if os.path.isfile(name) and os.path.abspath(name) not in without]
    if not found:
        raise FileError('%s %s' % (path, 'holds no text' if os.path.isdir(path) else 'matches no file'))
    return sorted(found)


def _below(root, without, encoding):
    """The texts of a folder, and how many of its files and folders are left out without looking into them."""
    if os.path.exists(os.path.join(root, MODEL)):
        raise FileError("%s is a model's folder, with a %s; give a folder of texts" % (root, MODEL))
    found, left_out = [], 0
    for folder, folders, names in os.walk(root, onerror=_fail):
        paths = [os.path.join(folder, name) for name in names]
        paths = [path for path in paths if os.path.abspath(path) not in without]
        texts = [path for path in paths if _is_text(path, encoding)]
        below = [name for name in folders if not (
            name.startswith('.') or os.path.exists(os.path.join(folder, name, MODEL))
            or os.path.realpath(os.path.join(folder, name)) == os.path.realpath(OURS))]
        left_out += len(paths) - len(texts) + len(folders) - len(below)
        found += texts
        folders[:] = below
    return found, left_out


def _fail(error):
    raise FileError('cannot read %s: %s' % (error.filename, error.strerror)) from error


def _is_text(path, encoding):
    """Whether a file is not hidden, can be unpacked and decoded, and holds no NUL. A pipe would be waited for."""
    try:
        return (not os.path.basename(path).startswith('.') and os.path.isfile(path)
                and all('\0' not in block for block in text_blocks.read_blocks(path, encoding)))
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
    before, length, seen = list(map(stamp, files)), 0, np.zeros(CODE_POINTS, dtype=bool)
    for points in _code_points(files, encoding, 'Finding characters', progress):
        seen[np.flatnonzero(np.bincount(points))] = True
        length += len(points)
    if not length:
        raise FileError('%s is empty; there is no text to read' % path)
    chars = np.flatnonzero(seen)
    numbers = np.zeros(CODE_POINTS, np.min_scalar_type(len(chars) - 1))
    numbers[chars] = np.arange(len(chars))
    # Not through a memory map, whose pages would count as memory of this process until they are on disk.
    with atomic_path(out) as temporary, open(temporary, 'wb') as file:
        npy.write_array_header_1_0(file, {'descr': npy.dtype_to_descr(numbers.dtype), 'fortran_order': False,
                                          'shape': (length,)})
        for points in _code_points(files, encoding, 'Writing numbers', progress):
            file.write(numbers.take(points).data)
        if list(map(stamp, files)) != before:
            raise FileError('the text changed while it was read; nothing was written')
        with contextlib.suppress(FileNotFoundError):        # no pair exists until the vocabulary is written again
            os.remove(vocabulary)
    write_text(vocabulary, json.dumps({'format': FORMAT, 'characters': length, 'dtype': numbers.dtype.name,
                                       'vocabulary': ''.join(map(chr, chars))}) + '\n')
    return load_encoded(out)


def _names(name: str, out: StrPath) -> Tuple[str, str]:
    """The paths of the array and of its vocabulary."""
    out = check_path(name, out)
    if not out.endswith('.npy'):
        raise ArgumentValueError('%s must end in .npy, not %s' % (name, shorten(os.path.basename(out))))
    return out, out[:-len('.npy')] + '.json'


def _code_points(files, encoding, title, progress):
    """The code points of the texts, one after the other, in blocks."""
    blocks = (np.frombuffer(block.encode('utf-32-le'), dtype='<u4')
              for path in files for block in text_blocks.read_blocks(path, encoding))
    total = sum(os.path.getsize(path) // text_blocks.BLOCK + 1 for path in files if os.path.isfile(path))
    return bars.show_bar(blocks, total, title) if progress else blocks


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
    content = read_json(vocabulary)
    with damage_errors(vocabulary):
        check_format(vocabulary, content['format'], FORMAT)
        chars, length = content['vocabulary'], content['characters']
        if type(chars) is not str or sorted(set(chars)) != list(chars) or not chars:
            raise ValueError('vocabulary')
    with damage_errors(path):
        sequence = np.load(path, mmap_mode='r', allow_pickle=False)
    if not isinstance(sequence, np.memmap) or (sequence.shape, sequence.dtype) != (
            (length,), np.min_scalar_type(len(chars) - 1)):
        raise FileError('%s does not belong to %s' % (path, vocabulary))
    return sequence, {char: number for number, char in enumerate(chars)}
