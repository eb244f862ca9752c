"""A model's folder as those use it who have not trained the model: finding a checkpoint, reading it, restoring it."""

from __future__ import annotations

import hashlib
import os
import warnings
from typing import Any, Callable, Iterator, Optional, Sequence, Tuple, Type, TypeVar

import numpy as np
import tensorflow as tf

from rnnbook.base.checks import shorten
from rnnbook.base.files import check_path
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder import checkpoint_files, description as sidecar, run_state

__all__ = ['check_folder', 'folder_of', 'names', 'find', 'best', 'reader', 'restore', 'fingerprint', 'match', 'rebuild',
           'variables', 'reason', 'newest_whole']

T = TypeVar('T')

names = checkpoint_files.names


def _check(prefix):
    """Raise FileError unless a checkpoint is whole: by its record, or where it has none by the Saver's checksums."""
    if os.path.exists(prefix + run_state.ENDING):
        run_state.check(prefix, reread=False)           # the Saver compares checksums of its own when it restores
        return
    if not os.path.isfile(prefix + '.index'):
        raise FileError('%s.index is missing' % prefix)
    try:
        for _ in variables(prefix):
            pass
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('%s is damaged: %s' % (prefix, reason(error))) from error


def fingerprint(folder: str, checkpoint: Optional[str] = None) -> str:
    """The sha256 over all variables of a checkpoint: their names, types, shapes and values, sorted by name."""
    digest = hashlib.sha256()
    for name, value in variables(find(folder, checkpoint)):
        digest.update(name.encode('utf-8') + run_state.fingerprint(value).encode('ascii'))
    return digest.hexdigest()


def find(folder: str, checkpoint: Optional[str] = None) -> str:
    """The path of a whole checkpoint, without the endings of its files."""
    there = checkpoint_files.names(folder)
    if checkpoint is None:
        return os.path.join(folder, newest_whole(folder, checkpoint_files.by_age(folder), _check)[0])
    if checkpoint not in there:
        raise ArgumentValueError('checkpoint must be one of those in %s (%s), not %r'
                                 % (folder, ', '.join(there) or 'none', checkpoint))
    prefix = os.path.join(folder, checkpoint)
    _check(prefix)
    return prefix


def best(folder: str) -> Tuple[str, int]:
    """The folder of the best epoch in a model's folder, as `train(..., keep_best=True)` keeps it."""
    path = os.path.join(folder, checkpoint_files.BEST)
    return path, run_state.read(find(path)).progress.epochs


def reader(prefix: str, description: sidecar.Description, doing: str) -> Any:
    """The reader of a checkpoint that has every variable that a description asks for, in the shape that it asks for."""
    try:
        found = tf.train.load_checkpoint(prefix)
        shapes = found.get_variable_to_shape_map()
        for name, shape in sidecar.variables(description):
            if shapes.get(name) != list(shape):
                raise FileError('cannot %s %s: %s has the shape %s in %s, and %s there'
                                % (doing, prefix, name, list(shape), sidecar.NAME,
                                   shapes.get(name, 'does not stand')))
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(os.path.dirname(prefix), sidecar.NAME), error)) from error
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot read %s: %s' % (prefix, str(error).splitlines()[0])) from error
    return found


def match(folder: str, description: sidecar.Description, names: Sequence[str]) -> Optional[sidecar.Description]:
    """The description of the model in a folder, which must agree with this one."""
    if not os.path.exists(os.path.join(folder, sidecar.NAME)):
        return None
    found = sidecar.read(folder, description.class_name)
    differs = sidecar.differences(found, description, names)
    if differs:
        raise FileError('the model in %s does not fit this one: %s' % (folder, '; '.join(differs)))
    return found


def check_folder(name: str, path: Any) -> str:
    """The path of a model's folder as a `str`."""
    path = check_path(name, path)
    if set('*?[]') & set(path) or ('\\' in path and os.sep == '/'):
        raise ArgumentValueError('%s must be a path without * ? [ ] and \\, which TensorFlow reads as a pattern, not %s'
                                 % (name, shorten(path)))
    return path


def folder_of(name: str, value: Any, own: Optional[str]) -> str:
    """The folder that a method uses: its argument, else the object's own, else the book's ``./model/``."""
    return check_folder(name, value) if value is not None else own or './model/'


def rebuild(cls: Type[T], folder: str, check: Callable[[str, Any, T], Any], **more: Any) -> T:
    """The object that a folder describes, with its `vocabulary`; the newest checkpoint must fit the description."""
    prefix = find(folder)
    found = sidecar.read(folder, sidecar.class_name(cls))
    reader(prefix, found, 'load')                           # before a graph is built in whatever size was written there
    try:
        model = cls(**{**found.arguments, **{name: value for name, value in more.items() if value is not None}})
        model.vocabulary = check('vocabulary', found.vocabulary, model)
    except (TypeError, ValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, sidecar.NAME), error)) from error
    model.ckpt_dir = folder
    return model


def variables(prefix: str) -> Iterator[Tuple[str, np.ndarray]]:
    """Names and values of a checkpoint's variables, sorted by name; every checksum of the Saver is compared."""
    reader = tf.train.load_checkpoint(prefix)
    for name in sorted(reader.get_variable_to_shape_map()):
        yield name, reader.get_tensor(name)


def reason(error: BaseException) -> str:
    """The first line of an error."""
    return shorten(str(error).splitlines()[0], 200).strip('\'"') if str(error) else type(error).__name__


def newest_whole(folder: str, candidates: Sequence[str], check: Callable[[str], T]) -> Tuple[str, T]:
    """The newest checkpoint that passes a check."""
    bad = []
    for name in reversed(candidates):
        try:
            result = check(os.path.join(folder, name))
        except FileError as error:
            bad.append(str(error))
            continue
        for reason in bad:
            warnings.warn('%s; using %s instead' % (reason, name), stacklevel=4)
        return name, result
    raise FileError('ckpt_dir %s holds no checkpoint%s' % (folder, ' that is whole: ' + '; '.join(bad) if bad else ''))


def restore(sess: Any, saver: Any, prefix: str) -> None:
    """Restore the variables of a session."""
    try:
        shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
        for variable in sess.graph.get_collection('variables'):
            name, shape = variable.op.name, variable.shape.as_list()
            if shapes.get(name) != shape:
                raise FileError('cannot restore %s: %s has the shape %s in this model, and %s there'
                                % (prefix, name, shape, shapes.get(name, 'does not stand')))
        saver.restore(sess, prefix)
    except (tf.errors.OpError, ValueError) as error:
        raise FileError('cannot restore %s: %s' % (prefix, str(error).splitlines()[0])) from error
