"""A model's folder as it is used without training: checkpoints are found, checked, read and restored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Type, TypeVar

import numpy as np

from rnnbook.base.checks import shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, RnnbookError
from rnnbook.model_folder.checkpoint_files import BEST, by_age, check_folder, folder_of, names
from rnnbook.model_folder.description import (MODEL_JSON, Description, class_name, differences, read_description,
                                              variables)
from rnnbook.model_folder.graphs import Trainable
from rnnbook.model_folder.run_state import ENDING, Record, check_record, fingerprint, read_record
from rnnbook.network.devices import tf

__all__ = ['MisfitError', 'check_folder', 'folder_of', 'names', 'candidates', 'find', 'best_folder', 'newest_whole',
           'read_weights', 'restore', 'assign', 'check_owner', 'checksum', 'read_matching', 'load', 'tensors', 'reason']

T = TypeVar('T')
M = TypeVar('M', bound=Trainable)


class MisfitError(FileError):
    """A checkpoint is whole, and its weights must not be used: an older one in its place would hide that."""


def candidates(folder: str, checkpoint: Optional[str] = None) -> List[str]:
    """The names of the checkpoints to try, the newest last, or the one that was asked for."""
    if checkpoint is None:
        return by_age(folder)
    there = names(folder)
    if checkpoint not in there:
        raise ArgumentValueError('checkpoint must be one of those in %s (%s), not %r'
                                 % (folder, ', '.join(there) or 'none', checkpoint))
    return [checkpoint]


def newest_whole(folder: str, check: Callable[[str], T], checkpoint: Optional[str] = None) -> Tuple[str, T]:
    """The path of the newest checkpoint that passes a check, and the result of the check.

    The folder is listed again after each failure: a run that is saving into it may have replaced the checkpoint.
    """
    bad: Dict[str, FileError] = {}
    while True:
        there = candidates(folder, checkpoint)
        left = [name for name in there if name not in bad]
        if not left:
            raise FileError('ckpt_dir %s holds no checkpoint%s' % (folder, bad and ' that is whole: ' + '; '.join(
                map(str, bad.values())) or ''))
        try:
            result = check(os.path.join(folder, left[-1]))
        except FileError as error:
            if checkpoint is not None or isinstance(error, MisfitError):
                raise
            bad[left[-1]] = error
            continue
        for name in bad:
            if name in there:
                warnings.warn('%s; using %s instead' % (bad[name], left[-1]), stacklevel=4)
        return os.path.join(folder, left[-1]), result


def find(folder: str, checkpoint: Optional[str] = None) -> str:
    """The path of the newest checkpoint whose files are there, without their endings; or of the one of a name."""
    return newest_whole(folder, _check, checkpoint)[0]


@contextlib.contextmanager
def _tensorflow_errors(prefix):
    """Within the block, what TensorFlow raises about a checkpoint is a `FileError`."""
    try:
        yield
    except (RnnbookError, tf.errors.ResourceExhaustedError):
        raise
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot read %s: %s' % (prefix, reason(error))) from error


def _check(prefix):
    """The record of a checkpoint, whose files must have the right sizes; None where the book's code has made it."""
    if os.path.lexists(prefix + ENDING):
        return check_record(prefix, sizes_only=True)        # the Saver compares its own checksums when it restores
    if not os.path.isfile(prefix + '.index'):
        raise FileError('%s.index is missing' % prefix)
    for _ in tensors(prefix):
        pass
    return None


def check_owner(prefix: str, record: Optional[Record], description: Optional[Description]) -> None:
    """Refuse the checkpoint of another model than the one that `model.json` describes."""
    if record is not None and description is not None and not record.fits(description):
        raise MisfitError('%s does not belong to the %s beside it: one of them was changed or comes from another model'
                          % (prefix, MODEL_JSON))


def _open(prefix, shapes, doing, where):
    """The reader of a checkpoint that has these variables, given as pairs of name and shape."""
    with _tensorflow_errors(prefix):
        reader = tf.train.load_checkpoint(prefix)
    found = reader.get_variable_to_shape_map()
    for name, shape in shapes:
        if found.get(name) != list(shape):
            raise MisfitError('cannot %s %s: %s has the shape %s in %s, and %s there'
                              % (doing, prefix, name, list(shape), where, found.get(name, 'does not stand')))
    return reader


def _check_finite(prefix, name, value):
    if not np.isfinite(value).all():
        raise MisfitError('cannot use %s: variable %s is not finite in it' % (prefix, name))


def restore(sess: tf.compat.v1.Session, saver: tf.compat.v1.train.Saver, folder: str, checkpoint: Optional[str] = None,
            description: Optional[Description] = None) -> str:
    """Restore a session from the newest whole checkpoint of a folder, or from the one of a name; gives its path."""
    model = {variable.op.name: variable for variable in sess.graph.get_collection('variables')}

    def attempt(prefix):
        record = _check(prefix)
        shapes = ((name, variable.shape.as_list()) for name, variable in model.items())
        reader = _open(prefix, shapes, 'restore', 'this model')
        check_owner(prefix, record, description)
        with _tensorflow_errors(prefix):
            for name in model:                              # fetching them would compile a graph for each new session
                _check_finite(prefix, name, reader.get_tensor(name))
            saver.restore(sess, prefix)

    return newest_whole(folder, attempt, checkpoint)[0]


def assign(sess: tf.compat.v1.Session, values: Dict[str, np.ndarray]) -> None:
    """Give variables of a session these values, by their names, without an op or a file."""
    variables = [variable for variable in sess.graph.get_collection('variables') if variable.op.name in values]
    sess.run([variable.initializer for variable in variables],
             {variable.initializer.inputs[1]: values[variable.op.name] for variable in variables})


def read_weights(folder: str, checkpoint: Optional[str], description: Description, doing: str) -> Tuple[
        str, Dict[str, np.ndarray]]:
    """The path of a checkpoint, and the variables that a model of this description computes with."""
    def attempt(prefix):
        record, reader, arrays = _check(prefix), _reader(prefix, description, doing), {}
        check_owner(prefix, record, description)
        for name, _ in variables(description):
            with _tensorflow_errors(prefix):
                arrays[name] = reader.get_tensor(name)
            _check_finite(prefix, name, arrays[name])
        return arrays

    return newest_whole(folder, attempt, checkpoint)


def _reader(prefix, description, doing):
    """The reader of a checkpoint of a model of this description."""
    try:
        return _open(prefix, variables(description), doing, MODEL_JSON)
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise MisfitError('%s: %s' % (os.path.join(os.path.dirname(prefix), MODEL_JSON), error)) from error


def load(cls: Type[M], folder: str, **more: object) -> M:
    """The object that a folder describes, with its vocabulary; arguments of `more` that are None are left out."""
    find(folder)
    found = read_description(folder, class_name(cls))

    def attempt(prefix):
        record = _check(prefix)
        _reader(prefix, found, 'load')                      # before a graph is built in whatever size was written there
        return record

    prefix, record = newest_whole(folder, attempt)
    try:
        model = cls(**{**found.arguments, **{name: value for name, value in more.items() if value is not None}})
        model.vocabulary = model._check_vocabulary('vocabulary', found.vocabulary)
    except (TypeError, ValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error
    check_owner(prefix, record, found)
    model.ckpt_dir, model.loaded = folder, True
    return model


def read_matching(folder: str, description: Description, names: Sequence[str]) -> Optional[Description]:
    """The description of the model in a folder, which must agree with this one in these arguments, if there is one."""
    if not os.path.exists(os.path.join(folder, MODEL_JSON)):
        return None
    found = read_description(folder, description.class_name)
    differs = differences(found, description, names)
    if differs:
        raise FileError('the model in %s does not fit this one: %s' % (folder, '; '.join(differs)))
    return found


def best_folder(folder: str) -> Tuple[str, int]:
    """The folder of the best epoch in a model's folder, as `train(..., keep_best=True)` keeps it, and that epoch."""
    path = os.path.join(folder, BEST)
    return path, read_record(find(path)).state.epochs


def checksum(folder: str, checkpoint: Optional[str] = None) -> str:
    """The sha256 of all variables of a checkpoint: their names, types, shapes and values, sorted by name."""
    digest = hashlib.sha256()
    for name, value in tensors(find(folder, checkpoint)):
        digest.update(name.encode('utf-8') + fingerprint(value).encode('ascii'))
    return digest.hexdigest()


def tensors(prefix: str) -> Iterator[Tuple[str, np.ndarray]]:
    """Names and values of a checkpoint's variables, sorted by name; every checksum of the Saver is compared."""
    with _tensorflow_errors(prefix):
        reader = tf.train.load_checkpoint(prefix)
        for name in sorted(reader.get_variable_to_shape_map()):
            yield name, reader.get_tensor(name)


def reason(error: BaseException) -> str:
    """The first line of an error."""
    return shorten(str(error).splitlines()[0], 200).strip('\'"') if str(error) else type(error).__name__
