"""`NAME.progress.json`, the record that the save NAME is whole: how far the run was, and the sha256 of its files.

It is written last, holds the sha256 of its own content too, and is JSON; the carried state is in it as base64.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import json
import math
import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

import numpy as np

from rnnbook.base.checks import check_int, check_number, shorten
from rnnbook.base.files import check_format, damage_errors, file_errors, read_json, sha256, sync, write_text
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder.description import Description

__all__ = ['RunState', 'Record', 'State', 'Row', 'ENDING', 'COLUMNS', 'TIMING', 'COMPARED', 'best_row', 'fingerprint',
           'map_state', 'write_record', 'read_record', 'check_record']

ENDING = '.progress.json'
FORMAT = 1
MAX_BYTES = 2 ** 28
#: The columns of a history in their order; a model has some of them.
COLUMNS = ('epoch', 'iteration', 'loss', 'accuracy', 'bits_per_char', 'val_loss', 'val_accuracy', 'val_bits_per_char',
           'learning_rate', 'words_per_second', 'chars_per_second', 'seconds')
#: Those that differ from run to run.
TIMING = ('words_per_second', 'chars_per_second', 'seconds')
#: The columns by which epochs are compared: 1 where the highest is the best, -1 where the lowest is.
COMPARED = {'val_accuracy': 1, 'val_bits_per_char': -1}
#: The carried state: (c, h) of each layer.
State = Tuple[Tuple[np.ndarray, np.ndarray], ...]
#: The figures of an epoch, by the names of their columns.
Row = Dict[str, float]
T = TypeVar('T')


@dataclasses.dataclass
class RunState:
    """How far a run is: what it has to remember besides the variables of its graph."""

    iteration: int = 0
    epochs: int = 0
    position: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    right: int = 0
    seen: int = 0
    history: List[Row] = dataclasses.field(default_factory=list)
    carried: Optional[State] = None

    def where(self) -> str:
        """The place in words, for a message."""
        return 'in epoch %d, iteration %d' % (self.epochs + (self.position > 0), self.iteration)

    @property
    def loss(self) -> float:
        """The mean of the losses of the epoch so far."""
        return self.loss_sum / self.position

    def count(self, loss: float, carried: State, seconds: float, right: Optional[np.ndarray] = None) -> None:
        """Add a batch; `right` says of each row whether it was predicted correctly."""
        self.iteration += 1
        self.position += 1
        self.loss_sum += loss
        self.seconds += seconds
        self.carried = carried
        if right is not None:
            self.right += int(right.sum())
            self.seen += len(right)

    def end_epoch(self, figures: Optional[Row] = None) -> None:
        """Close the epoch: its row is added to the history, and the next one starts from the zero state."""
        self.epochs += 1
        self.history.append({'epoch': self.epochs, 'iteration': self.iteration, 'loss': self.loss, **(figures or {}),
                             'seconds': round(self.seconds, 3)})
        self.position, self.loss_sum, self.seconds, self.right, self.seen, self.carried = 0, 0.0, 0.0, 0, 0, None

    def to_json(self) -> Dict[str, Any]:
        """A dict that JSON can hold and that `from_json` turns back into the same state, to the last bit."""
        fields = dict(vars(self))
        return {**fields, 'state': map_state(_encode, fields.pop('carried'))}

    @classmethod
    def from_json(cls, fields: Dict[str, Any]) -> RunState:
        """The state that `to_json` described; every field is checked."""
        history = [dict(row) for row in fields['history']]
        for row in history:
            for column, value in row.items():
                if not (value is None or isinstance(value, (int, str)) or isinstance(value, float)
                        and math.isfinite(value)):
                    raise ArgumentTypeError('%s of the history is %s' % (shorten(column), shorten(value)))
        fields = {'right': 0, 'seen': 0, **fields}          # which older records lack
        counts = {name: check_int(name, fields[name], 0, 2 ** 62)
                  for name in ('iteration', 'epochs', 'position', 'right', 'seen')}
        sums = {name: check_number(name, fields[name]) for name in ('loss_sum', 'seconds')}
        state = cls(history=history, carried=map_state(_decode, fields['state']), **counts, **sums)
        if len(history) != state.epochs or (state.carried is None) != (state.position == 0):
            raise ArgumentValueError('its epochs, position and state do not go together')
        return state


class Record(NamedTuple):
    """What a record says."""

    number: int                                             # rises from save to save in a folder
    state: RunState
    settings: Dict[str, object]
    files: Dict[str, Tuple[int, str]]                       # size and sha256 of each file of the weights, by its ending
    model: Optional[Dict[str, Optional[str]]]               # the `digests` of the description; older records have none

    def fits(self, description: Description) -> bool:
        """Whether the checkpoint is one of the model that `model.json` describes, as far as the record knows."""
        digests = description.digests()
        return self.model is None or all(self.model[name] in (None, digests[name]) for name in digests)


def best_row(history: List[Row]) -> Optional[Row]:
    """The row of the epoch with the best validation, the earlier one of equals; None where nothing was validated."""
    for column, sign in COMPARED.items():
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


def write_record(prefix: str, number: int, state: RunState, settings: Dict[str, object],
                 model: Optional[Dict[str, Optional[str]]] = None) -> None:
    """Write the record of a checkpoint whose other files are complete, after they have reached the disk."""
    files = {}
    for ending in _endings(prefix):
        sync(prefix + ending)
        files[ending] = [os.path.getsize(prefix + ending), sha256(prefix + ending)]
    content = {'format': FORMAT, 'number': number, 'progress': state.to_json(), 'settings': settings, 'files': files,
               'model': model}
    write_text(prefix + ENDING, json.dumps({'sha256': _digest(content), 'record': content}, indent=1) + '\n')


def read_record(prefix: str) -> Record:
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
        model = content.get('model')                        # which older records lack
        return Record(check_int('number', content['number'], 0), RunState.from_json(content['progress']),
                      dict(content['settings']), {_ending(ending): (int(size), str(digest)) for ending, (size, digest)
                                                  in content['files'].items()},
                      model and {name: model[name] for name in ('model', 'vocabulary')})


def check_record(prefix: str, *, sizes_only: bool = False) -> Record:
    """Read the record of a checkpoint, and compare its files with it: the sha256 of all, or of the index only."""
    record = read_record(prefix)
    for ending, (size, digest) in sorted(record.files.items()):
        path = prefix + ending
        if not os.path.isfile(path):
            raise FileError('%s is missing' % path)
        with file_errors('cannot read ' + path):            # another run may have just removed it
            found = os.path.getsize(path)
        if found != size:
            raise FileError('%s has %d bytes, not the %d that were written' % (path, found, size))
        if (ending == '.index' or not sizes_only) and sha256(path) != digest:
            raise FileError('%s is damaged: its sha256 is not that of what was written' % path)
    if not record.files:
        raise FileError('%s is damaged: it names no files' % (prefix + ENDING))
    return record


def _endings(prefix):
    """The endings of the files that hold a checkpoint's weights: the index and the shards (not the graph, `.meta`)."""
    folder, name = os.path.split(prefix)
    return sorted(file[len(name):] for file in os.listdir(folder)
                  if file.startswith((name + '.index', name + '.data-')))


def _ending(ending):
    """The ending, if it is that of a file of weights: a record may name only files beside it."""
    if not re.fullmatch(r'\.index|\.data-[0-9]{5}-of-[0-9]{5}', ending):
        raise ValueError('%s is the ending of no file of weights' % ascii(ending))
    return ending


def _digest(content):
    return hashlib.sha256(json.dumps(content, allow_nan=False).encode('ascii')).hexdigest()


def map_state(change: Callable[[T], object], carried: Optional[Sequence[Sequence[T]]]) -> Optional[
        Tuple[Tuple[object, ...], ...]]:
    """A carried state with each array changed; None where it is None, at the start of an epoch."""
    return carried and tuple(tuple(change(array) for array in layer) for layer in carried)


def _encode(array):
    """An array of the carried state as JSON can hold it."""
    values = np.ascontiguousarray(array, dtype='<f4')
    return {'shape': list(array.shape), 'float32': base64.b64encode(values).decode('ascii')}


def _decode(entry):
    try:
        values = np.frombuffer(base64.b64decode(entry['float32'], validate=True), dtype='<f4')
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if not np.isfinite(values).all():
        raise ValueError('the carried state is not finite')
    return values.reshape([check_int('shape', size, 0) for size in entry['shape']]).astype(np.float32)
