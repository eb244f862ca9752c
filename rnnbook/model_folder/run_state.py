"""`NAME.progress.json`, the record that the save NAME is whole: how far the run was, and the sha256 of its files.

It is written last, holds the sha256 of its own content too, and is JSON; the carried state stands in it as base64.
"""

from __future__ import annotations

import base64
import binascii
import collections
import dataclasses
import hashlib
import json
import math
import os
import re
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from rnnbook.base.checks import check_int, check_number, shorten
from rnnbook.base.files import check_format, damage_errors, read_json, sha256, sync, write_text
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError

__all__ = ['Progress', 'Record', 'ENDING', 'COLUMNS', 'TIMING', 'BEST', 'best', 'fingerprint', 'plain', 'progress_of',
           'write', 'read', 'check']

ENDING = '.progress.json'
FORMAT = 1
MAX_BYTES = 2 ** 28
#: The columns of a history in their order; a model has some of them.
COLUMNS = ('epoch', 'iteration', 'loss', 'accuracy', 'bits_per_char', 'val_loss', 'val_accuracy', 'val_bits_per_char',
           'learning_rate', 'words_per_second', 'chars_per_second', 'seconds')
#: Those that differ from run to run.
TIMING = ('words_per_second', 'chars_per_second', 'seconds')
#: The columns by which epochs are compared: 1 where the highest is the best, -1 where the lowest is.
BEST = {'val_accuracy': 1, 'val_bits_per_char': -1}
#: The carried state: (c, h) of each layer.
State = Tuple[Tuple[np.ndarray, np.ndarray], ...]
#: What was hashed in this process: path -> (`_stamp` of the file before it was read, its sha256).
_hashed: Dict[str, Tuple[Tuple[int, ...], str]] = {}


@dataclasses.dataclass
class Progress:
    """How far a run is: what it has to remember besides the variables of its graph."""

    iteration: int = 0
    epochs: int = 0
    position: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    right: int = 0
    seen: int = 0
    history: List[Dict[str, Any]] = dataclasses.field(default_factory=list)
    state: Optional[State] = None

    def where(self) -> str:
        """The place in words, for a message."""
        return 'in epoch %d, iteration %d' % (self.epochs + (self.position > 0), self.iteration)

    @property
    def loss(self) -> float:
        """The mean of the losses of the epoch so far."""
        return self.loss_sum / self.position

    def count(self, loss: float, state: State, seconds: float, right: Optional[np.ndarray] = None) -> None:
        """Take in one batch."""
        self.iteration += 1
        self.position += 1
        self.loss_sum += loss
        self.seconds += seconds
        self.state = state
        if right is not None:
            self.right += int(right.sum())
            self.seen += len(right)

    def end_epoch(self, figures: Optional[Dict[str, float]] = None) -> None:
        """Close the epoch: its row goes to the history, and the next one starts from the zero state."""
        self.epochs += 1
        self.history.append({'epoch': self.epochs, 'iteration': self.iteration, 'loss': self.loss, **(figures or {}),
                             'seconds': round(self.seconds, 3)})
        self.position, self.loss_sum, self.seconds, self.right, self.seen, self.state = 0, 0.0, 0.0, 0, 0, None


Record = collections.namedtuple('Record', 'number progress settings files')
Record.__doc__ = """What a progress file says.

Fields: `number`, an int that rises from save to save in a folder; `progress`, a Progress; `settings`, a dict of what
the run was told; `files`, a dict of the ending of each file of the weights to its (size in bytes, sha256).
"""


def best(history: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """The row of the epoch with the best validation, the earlier one of equals; None where nothing was validated."""
    for column, sign in BEST.items():
        rows = [row for row in history if isinstance(row.get(column), (int, float))]
        if rows:
            return max(rows, key=lambda row: sign * row[column])
    return None


def fingerprint(*arrays: np.ndarray) -> str:
    """The sha256 of training data: of types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(('%s %s ' % (array.dtype.str, array.shape)).encode('ascii'))
        # Row by row where a copy in one piece would be needed, of an array that may lie on disk.
        for part in [array] if array.flags.c_contiguous else array:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def write(prefix: str, number: int, progress: Progress, settings: Dict[str, Any]) -> None:
    """Write the record of a checkpoint whose other files are complete, after they have reached the disk."""
    files = {}
    for ending in _endings(prefix):
        sync(prefix + ending)
        files[ending] = [os.path.getsize(prefix + ending), sha256(prefix + ending)]
    content = {'format': FORMAT, 'number': number, 'progress': plain(progress), 'settings': settings, 'files': files}
    write_text(prefix + ENDING, json.dumps({'sha256': _digest(content), 'record': content}, indent=1) + '\n')


def read(prefix: str) -> Record:
    """Read the record of a checkpoint."""
    path = prefix + ENDING
    if not os.path.isfile(path):
        raise FileError('%s is missing' % path)
    whole = read_json(path, MAX_BYTES)
    with damage_errors(path):
        content = whole['record']
        if whole['sha256'] != _digest(content):
            raise ValueError('its sha256 is another one')
        check_format(path, content['format'], FORMAT)
        return Record(check_int('number', content['number'], 0), progress_of(content['progress']),
                      dict(content['settings']), {_ending(ending): (int(size), str(digest)) for ending, (size, digest)
                                                  in content['files'].items()})


def check(prefix: str, *, reread: bool = True) -> Record:
    """Read the record of a checkpoint, and compare the files of the weights with it."""
    record = read(prefix)
    for ending, (size, digest) in sorted(record.files.items()):
        path = prefix + ending
        if not os.path.isfile(path):
            raise FileError('%s is missing' % path)
        if os.path.getsize(path) != size:
            raise FileError('%s has %d bytes, not the %d that were written' % (path, os.path.getsize(path), size))
        if _sha256(path, reread) != digest:
            raise FileError('%s is damaged: its sha256 is not that of what was written' % path)
    if not record.files:
        raise FileError('%s is damaged: it names no files' % (prefix + ENDING))
    return record


def _sha256(path, reread):
    """The sha256 of a file, read or remembered."""
    path, stamp = os.path.abspath(path), _stamp(path)
    if reread or _hashed.get(path, ((), ''))[0] != stamp:
        _hashed[path] = stamp, sha256(path)                 # a stamp from before it was read: never newer than that
    return _hashed[path][1]


def _stamp(path):
    """Numbers of which one changes where a file is written to, replaced, or given back its old time."""
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _endings(prefix):
    """The endings of the files that hold a checkpoint's weights: the index and the shards (not the graph, `.meta`)."""
    folder, name = os.path.split(prefix)
    return sorted(file[len(name):] for file in os.listdir(folder)
                  if file.startswith((name + '.index', name + '.data-')))


def _ending(ending):
    """The ending of a file of weights, if it is one: what a record names lies beside it."""
    if not re.fullmatch(r'\.index|\.data-[0-9]{5}-of-[0-9]{5}', ending):
        raise ValueError('%s is the ending of no file of weights' % ascii(ending))
    return ending


def _digest(content):
    return hashlib.sha256(json.dumps(content, allow_nan=False).encode('ascii')).hexdigest()


def plain(progress: Progress) -> Dict[str, Any]:
    """A progress as what JSON can hold, which `progress_of` takes back to the bit."""
    return dict(vars(progress), state=_encode(progress.state))


def _encode(state):
    """The carried state as JSON can hold it."""
    return state and [[{'shape': list(array.shape), 'float32': base64.b64encode(
        np.ascontiguousarray(array, dtype='<f4')).decode('ascii')} for array in layer] for layer in state]


def _decode(state):
    return state and tuple(tuple(_array(entry) for entry in layer) for layer in state)


def _array(entry):
    try:
        values = np.frombuffer(base64.b64decode(entry['float32'], validate=True), dtype='<f4')
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if not np.isfinite(values).all():
        raise ValueError('the carried state is not finite')
    return values.reshape([check_int('shape', size, 0) for size in entry['shape']]).astype(np.float32)


def progress_of(fields: Dict[str, Any]) -> Progress:
    """The fields as a `Progress`, each checked."""
    most = 2 ** 62
    history = [dict(row) for row in fields['history']]
    for row in history:
        for column, value in row.items():
            if not (value is None or isinstance(value, (int, str)) or isinstance(value, float)
                    and math.isfinite(value)):
                raise ArgumentTypeError('%s of the history is %s' % (shorten(column), shorten(value)))
    fields = {'right': 0, 'seen': 0, **fields}              # which older records lack
    counts = {name: check_int(name, fields[name], 0, most)
              for name in ('iteration', 'epochs', 'position', 'right', 'seen')}
    sums = {name: check_number(name, fields[name]) for name in ('loss_sum', 'seconds')}
    progress = Progress(history=history, state=_decode(fields['state']), **counts, **sums)
    if len(history) != progress.epochs or (progress.state is None) != (progress.position == 0):
        raise ArgumentValueError('its epochs, position and state do not go together')
    return progress
