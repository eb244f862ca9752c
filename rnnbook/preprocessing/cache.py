"""Arrays that took long to make, kept in ``./data/cache`` for the next run.

An entry is one `.npz` file without pickles, named by the sha256 of everything that its arrays depend on: the source's
checksum, the settings, the version of the code. It is written whole or not at all. An entry that cannot be read counts
as missing.
"""

import glob
import hashlib
import json
import os
import sys
from typing import Dict, Mapping, Optional, Union

import numpy as np

from rnnbook.base.files import OURS, atomic_path

#: How many entries are kept, the most recently used ones.
KEEP = 4

Key = Mapping[str, Union[str, int, bool, None]]


def locate(name: str) -> str:
    """The path of an entry, or the pattern of several, below the working directory."""
    return os.path.join(OURS, 'cache', 'reviews-%s.npz' % name)


def _path(key):
    return locate(hashlib.sha256(json.dumps(key, sort_keys=True).encode('ascii')).hexdigest()[:32])


def get(key: Key) -> Optional[Dict[str, np.ndarray]]:
    """The arrays of an entry, or None if there is none that can be used."""
    path = _path(key)
    if not os.path.isfile(path):
        return None
    try:
        os.utime(path)                                      # marks it as recently used
        with np.load(path, allow_pickle=False) as entry:    # each array's checksum is compared
            return dict(entry)
    except Exception as error:                              # zipfile, zlib, NumPy and Python's parser of headers differ
        print('rnnbook: %s cannot be used and is made again: %s' % (path, error), file=sys.stderr)
        return None


def put(key: Key, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays, and delete the least recently used entries. A failure to write is reported only."""
    try:
        with atomic_path(_path(key)) as temporary, open(temporary, 'wb') as file:
            np.savez(file, **arrays)
        for entry in sorted(glob.glob(locate('*')), key=os.path.getmtime)[:-KEEP]:
            os.remove(entry)
    except OSError as error:                                # of ours, too; or another process is reading an old entry
        print('rnnbook: nothing is kept for the next run: %s' % error, file=sys.stderr)
