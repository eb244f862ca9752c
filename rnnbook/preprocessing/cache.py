"""Arrays that took long to make, kept in ``./data/cache`` for the next run.

An entry is one `.npz` file without pickles. Its name comes from the sha256 of what it was made of: the source's
checksum, the settings, the version of the code. It is written whole or not at all, each array has its checksum, and an
entry that fails it, or any other check, counts as not there.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import sys
import zipfile
from typing import Any, Dict, Mapping, Optional

import numpy as np

from rnnbook.base import npz
from rnnbook.base.files import OURS
from rnnbook.errors import FileError

__all__ = ['get', 'put', 'folder']

#: How many entries of one kind stay, those used last.
KEEP = 4
ABOUT = 'about'


def folder() -> str:
    """Where entries are kept, below the working directory."""
    return os.path.join(OURS, 'cache')


def _path(kind, key):
    text = json.dumps(key, sort_keys=True)
    return os.path.join(folder(), '%s-%s.npz' % (kind, hashlib.sha256(text.encode('ascii')).hexdigest()[:32]))


def get(kind: str, key: Mapping[str, Any]) -> Optional[Dict[str, np.ndarray]]:
    """Look for an entry."""
    path = _path(kind, key)
    if not os.path.isfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(str(npz.member(path, archive, ABOUT, (), None)))
            if about['key'] != json.loads(json.dumps(key)):
                raise FileError('%s was made of something else' % path)
            arrays = {name: npz.member(path, archive, name, tuple(shape), np.dtype(dtype))
                      for name, (dtype, shape) in about['arrays'].items()}
        os.utime(path)                                      # used last
    except npz.DAMAGE + (OSError,) as error:
        print('rnnbook: %s is not used, and made anew: %s' % (path, error), file=sys.stderr)
        return None
    return {name: array.copy() for name, array in arrays.items()}      # what is made anew may be written to as well


def put(kind: str, key: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays; of the older entries of this kind, the newest stay. That nothing can be written is no error."""
    path = _path(kind, key)
    about = {'key': key, 'arrays': {name: (array.dtype.str, array.shape) for name, array in arrays.items()}}
    try:
        npz.write(path, dict(arrays, **{ABOUT: np.array(json.dumps(about))}))
    except FileError as error:
        print('rnnbook: nothing is kept for the next run: %s' % error, file=sys.stderr)
        return
    entries = [(os.stat(entry).st_mtime_ns, entry) for entry in glob.glob(os.path.join(folder(), kind + '-*.npz'))]
    for _, entry in sorted(entries)[:-KEEP]:
        with contextlib.suppress(OSError):                  # another process has removed it, or is reading it
            os.remove(entry)
