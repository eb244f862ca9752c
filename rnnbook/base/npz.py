"""`.npz` files without pickles: written whole, and read with every header and checksum looked at."""

from __future__ import annotations

import functools
import lzma
import operator
import os
import struct
import tokenize
import zipfile
import zlib
from typing import Mapping, Optional, Tuple

import numpy as np
from numpy.lib import format as npy

from rnnbook.base.files import atomic_path
from rnnbook.errors import FileError

__all__ = ['write', 'member']

MAX_TEXT = 8192
#: All that zipfile, its decompressors and NumPy's reader of headers raise about damaged bytes. A header is read by
#: Python's own parser, which says MemoryError where something is nested too deep for it.
DAMAGE = (ValueError, KeyError, TypeError, EOFError, RuntimeError, SyntaxError, MemoryError, struct.error,
          tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def write(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all."""
    try:
        with atomic_path(path) as temporary:
            with open(temporary, 'wb') as file:             # given a name, NumPy would put another ending to it
                np.savez(file, **arrays)
    except FileError:
        raise
    except OSError as error:
        raise FileError('cannot write %s: %s' % (path, error.strerror)) from error


def member(path: str, archive: zipfile.ZipFile, name: str, shape: Tuple[int, ...], dtype: Optional[np.dtype],
           header_only: bool = False) -> Optional[np.ndarray]:
    """One array of an archive, which must have this shape and type; no pickle is ever read."""
    try:
        info = archive.getinfo(name + '.npy')
    except KeyError:
        raise FileError('%s has no array %s' % (path, name)) from None
    with archive.open(info) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError('%s is no array of NumPy\'s format 1.0' % name)
        found, fortran, kind = npy.read_array_header_1_0(file)
        if dtype is None and kind.kind == 'U' and kind.itemsize <= MAX_TEXT:
            dtype = kind
        if (found, kind) != (shape, dtype):
            raise FileError('%s: %s must be %s of the shape %s, not %s of %s'
                            % (path, name, 'a short text' if dtype is None else dtype, shape, kind, found))
        size = functools.reduce(operator.mul, shape, dtype.itemsize)
        # A header is not longer than 64 KiB, and nothing in the file longer than the file.
        if not size < info.file_size <= size + 2 ** 16 or info.compress_size > os.path.getsize(path):
            raise ValueError('%s has %d bytes, not %d and a header' % (name, info.file_size, size))
        if header_only:
            return None
        data = file.read(size + 1)                          # to its end, where the checksum is compared
    if len(data) != size:
        raise ValueError('%s has %d bytes of data, not %d' % (name, len(data), size))
    array = np.frombuffer(data, dtype).reshape(shape, order='F' if fortran else 'C')
    return array.astype(dtype.newbyteorder('='), copy=False)
