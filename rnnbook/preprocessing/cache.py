"""Arrays that took long to make, kept in ``./data/cache`` for the next run.

An entry is one `.npz` file without pickles, named by the sha256 of everything that its arrays depend on: the source's
checksum, the settings, the version of the code. It is written whole or not at all. An entry that cannot be read, or
that was made from something else, counts as missing.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import sys
from typing import Dict, Mapping, Optional, Union

import numpy as np

from rnnbook.base.files import OURS, atomic_path, file_errors
from rnnbook.errors import FileError

__all__ = ['get', 'put', 'folder']

#: How many entries of a kind are kept, the most recently used ones.
KEEP = 4
#: The array that holds the key in JSON, to tell an entry from another one that was put under its name.
KEY = 'key'

Key = Mapping[str, Union[str, int, bool, None]]


def folder() -> str:
    """The folder of the entries, below the working directory."""
    return os.path.join(OURS, 'cache')


def _locate(kind, key):
    """The path of an entry, and its key as JSON."""
    text = json.dumps(key, sort_keys=True)
    return os.path.join(folder(), '%s-%s.npz' % (kind, hashlib.sha256(text.encode('ascii')).hexdigest()[:32])), text


def get(kind: str, key: Key) -> Optional[Dict[str, np.ndarray]]:
    """The arrays of an entry, or None if there is none that can be used."""
    path, text = _locate(kind, key)
    if not os.path.isfile(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as entry:    # each array's checksum is compared
            arrays = {name: entry[name] for name in entry.files}
        if str(arrays.pop(KEY)) != text:
            raise ValueError('it was made from something else')
        os.utime(path)                                      # marks it as recently used
    except Exception as error:                              # zipfile, zlib, NumPy and Python's parser of headers differ
        print('rnnbook: %s cannot be used and is made again: %s' % (path, error), file=sys.stderr)
        return None
    return arrays


def put(kind: str, key: Key, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays, and delete the least recently used entries of their kind. A failure to write is reported only."""
    path, text = _locate(kind, key)
    try:
        with file_errors('cannot write %s' % path), atomic_path(path) as temporary, open(temporary, 'wb') as file:
            np.savez(file, **{KEY: np.array(text)}, **arrays)
    except FileError as error:
        print('rnnbook: nothing is kept for the next run: %s' % error, file=sys.stderr)
        return
    entries = [(os.stat(entry).st_mtime_ns, entry) for entry in glob.glob(os.path.join(folder(), kind + '-*.npz'))]
    for _, entry in sorted(entries)[:-KEEP]:
        with contextlib.suppress(OSError):                  # another process has removed it, or is reading it
            os.remove(entry)
