"""A model's folder as it is used without training: checkpoints are found, checked, read and restored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from typing import Callable, Dict, Iterator, Optional, Sequence, Tuple, Type, TypeVar

import numpy as np

from rnnbook.base.checks import StrPath, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, RnnbookError
from rnnbook.model_folder.checkpoint_files import BEST, by_age, check_folder, folder_of, names
from rnnbook.model_folder.description import (MODEL_JSON, Description, class_name, differences, read_description,
                                              variables)
from rnnbook.model_folder.graphs import Trainable
from rnnbook.model_folder.run_state import ENDING, Record, check_record, fingerprint, read_record
from rnnbook.network.devices import tf

__all__ = ['MisfitError', 'check_folder', 'folder_of', 'names', 'find', 'best_folder', 'newest_whole', 'read_weights',
           'restore', 'assign', 'check_owner', 'check_fits', 'checksum', 'described', 'load', 'tensors', 'reason']

T = TypeVar('T')
M = TypeVar('M', bound=Trainable)


class MisfitError(FileError):
    """A checkpoint is whole, and its weights must not be used: an older one in its place would hide that."""


def newest_whole(folder: str, check: Callable[[str], T], checkpoint: Optional[str] = None) -> Tuple[str, T]:
    """The path of the newest checkpoint that passes a check, or of the one of a name, and the result of the check.

    The folder is listed again after each failure: a run that is saving into it may have replaced the checkpoint.
    """
    if checkpoint is not None:
        if checkpoint not in names(folder):
            raise ArgumentValueError('checkpoint must be one of those in %s (%s), not %r'
                                     % (folder, ', '.join(names(folder)) or 'none', checkpoint))
        return os.path.join(folder, checkpoint), check(os.path.join(folder, checkpoint))
    bad: Dict[str, FileError] = {}
    while True:
        there = by_age(folder)
        left = [name for name in there if name not in bad]
        if not left:
            raise FileError('ckpt_dir %s holds no checkpoint%s' % (folder, bad and ' that is whole: ' + '; '.join(
                map(str, bad.values())) or ''))
        try:
            result = check(os.path.join(folder, left[-1]))
        except MisfitError:
            raise
        except FileError as error:
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
        # The index holds the checksums of the weights, which TensorFlow compares when it reads them.
        return check_record(prefix, sizes_only=True)
    if not os.path.isfile(prefix + '.index'):
        raise FileError('%s.index is missing' % prefix)
    for _ in tensors(prefix):
        pass
    if os.path.exists(os.path.join(os.path.dirname(prefix), MODEL_JSON)):
        warnings.warn('%s is missing, so nothing shows that the checkpoint belongs to the %s beside it'
                      % (prefix + ENDING, MODEL_JSON), stacklevel=1)
    return None


def check_owner(prefix: str, record: Optional[Record], description: Optional[Description]) -> None:
    """Refuse the checkpoint of another model than the one that `model.json` describes."""
    if record is not None and description is not None and not record.fits(description):
        raise MisfitError('%s does not belong to the %s beside it: one of them was changed or comes from another model'
                          % (prefix, MODEL_JSON))


def _open(prefix, shapes, doing, where):
    """The reader of a checkpoint that has float32 variables of these names and shapes."""
    with _tensorflow_errors(prefix):
        reader = tf.train.load_checkpoint(prefix)
    found, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    for name, shape in shapes.items():
        if found.get(name) != shape:
            raise MisfitError('cannot %s %s: %s has the shape %s in %s, and %s there'
                              % (doing, prefix, name, shape, where, found.get(name, 'does not stand')))
        if types[name] != tf.float32:
            raise MisfitError('cannot %s %s: %s must be float32, not %s' % (doing, prefix, name, types[name].name))
    return reader


def _misfit_unless_finite(prefix, name, value):
    if not np.isfinite(value).all():
        raise MisfitError('cannot use %s: variable %s is not finite in it' % (prefix, name))


def read_weights(folder: str, checkpoint: Optional[str], description: Description, doing: str) -> Tuple[
        str, Dict[str, np.ndarray]]:
    """The path of a checkpoint, and the variables that a model of this description computes with."""
    shapes = _shapes(folder, description)

    def attempt(prefix):
        record, reader, values = _check(prefix), _open(prefix, shapes, doing, MODEL_JSON), {}
        check_owner(prefix, record, description)
        for name in shapes:
            with _tensorflow_errors(prefix):
                values[name] = reader.get_tensor(name)
            _misfit_unless_finite(prefix, name, values[name])
        return values

    return newest_whole(folder, attempt, checkpoint)


def _shapes(folder, description):
    """The shapes of the variables of the model that a folder describes."""
    try:
        return {name: list(shape) for name, shape in variables(description)}
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error


def restore(sess: tf.compat.v1.Session, folder: str, checkpoint: Optional[str] = None,
            description: Optional[Description] = None) -> str:
    """Restore a session from the newest whole checkpoint of a folder, or from the one of a name; gives its path."""
    shapes = {variable.op.name: variable.shape.as_list() for variable in sess.graph.get_collection('variables')}
    prefix_tensor, sums = _restoring(sess.graph)

    def attempt(prefix):
        record, reader = _check(prefix), _open(prefix, shapes, 'restore', 'this model')
        check_owner(prefix, record, description)
        with _tensorflow_errors(prefix):
            for name, restored in zip(shapes, sess.run(sums, {prefix_tensor: prefix})):
                if not np.isfinite(restored):               # finite values whose sum is not are allowed
                    _misfit_unless_finite(prefix, name, reader.get_tensor(name))

    return newest_whole(folder, attempt, checkpoint)[0]


def _restoring(graph):
    """The prefix to feed, and the sums of the variables right after they are restored: a check that copies none."""
    try:
        return graph.get_tensor_by_name('restoring/Const:0'), graph.get_tensor_by_name('restoring/sums:0')
    except KeyError:                                        # the first restore of this graph
        with graph.as_default():
            saver = tf.compat.v1.train.Saver(name='restoring')
            with tf.control_dependencies([graph.get_operation_by_name(saver.saver_def.restore_op_name)]):
                tf.stack([tf.reduce_sum(variable.read_value()) for variable in graph.get_collection('variables')],
                         name='restoring/sums')
        return _restoring(graph)


def assign(sess: tf.compat.v1.Session, values: Dict[str, np.ndarray]) -> None:
    """Give variables of a session these values, by their names, without an op or a file."""
    variables = [variable for variable in sess.graph.get_collection('variables') if variable.op.name in values]
    sess.run([variable.initializer for variable in variables],
             {variable.initializer.inputs[1]: values[variable.op.name] for variable in variables})


def load(cls: Type[M], folder: str, **more: object) -> M:
    """The object that a folder describes, with its vocabulary; arguments of `more` that are None are left out."""
    find(folder)
    given = {name: value for name, value in more.items() if value is not None}
    found = read_description(folder, class_name(cls))
    shapes = _shapes(folder, found)

    def attempt(prefix):
        record = _check(prefix)
        _open(prefix, shapes, 'load', MODEL_JSON)           # before a graph is built in whatever size was written there
        return record

    prefix, record = newest_whole(folder, attempt)
    try:
        model = cls(**{**found.arguments, **given})
        model.vocabulary = model._check_vocabulary('vocabulary', found.vocabulary)
    except (TypeError, ValueError) as error:
        if str(error).startswith(tuple(name + ' must ' for name in given)):    # the caller is to blame, not the file
            raise
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error
    check_owner(prefix, record, found)
    model.ckpt_dir, model.loaded = folder, True
    return model


def described(model: Trainable, ckpt_dir: Optional[StrPath], checkpoint: Optional[str]) -> Tuple[
        str, Optional[Description]]:
    """The folder to restore a model from, which has checkpoints, and its description, if there is one, which fits."""
    folder = folder_of('ckpt_dir', ckpt_dir, model.ckpt_dir)
    find(folder, checkpoint)
    if not os.path.exists(os.path.join(folder, MODEL_JSON)):
        return folder, None
    wanted = model.description(None)
    found = read_description(folder, wanted.class_name)
    check_fits(folder, found, wanted, model.SHAPING)
    return folder, found


def check_fits(folder: str, found: Description, wanted: Description, names: Sequence[str]) -> None:
    """Refuse the model of a folder if it differs from another one in these arguments, or in its vocabulary."""
    differs = differences(found, wanted, names)
    if differs:
        raise FileError('the model in %s does not fit this one: %s' % (folder, '; '.join(differs)))


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
