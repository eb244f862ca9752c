"""Checkpoints, written and restored: each save under a new name, looked at, and whole or not there at all."""

from __future__ import annotations

import os
import warnings
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, TypeVar

import numpy as np
import tensorflow as tf

from rnnbook.model_folder import run_state, description as sidecar, checkpoint_files
from rnnbook.errors import DivergenceError, FileError, shorten

__all__ = ['Writer', 'variables', 'reason', 'newest_whole', 'restore']

T = TypeVar('T')


class Writer:
    """Saves the variables of a session into a folder, with all that using the model or resuming its run needs.

    Parameters
    ----------
    path : str
        The folder, which is there.
    saver : tf.train.Saver
    description : sidecar.Description
        Of the model.
    settings : dict
        What the run was told, for the record of each checkpoint.

    Attributes
    ----------
    description : sidecar.Description
        May be changed between saves.
    kept : list of str
        The names of the checkpoints that are there, the newest last.
    lost : list of str
        The names of those that are to go with the next save.
    """

    def __init__(self, path: str, saver: Any, description: sidecar.Description, settings: Dict[str, Any]) -> None:
        self.path, self._saver, self.description, self._settings = path, saver, description, settings
        self.kept, self.lost, self._number = [], [], checkpoint_files.last_number(path)

    @property
    def newest(self) -> str:
        """The path of the newest checkpoint, without the endings of its files."""
        return os.path.join(self.path, self.kept[-1])

    def save(self, sess: Any, progress: run_state.Progress, name: str, keep: int, rate: float, left: str) -> None:
        """Save the variables of a session.

        Parameters
        ----------
        sess : tf.Session
        progress : record.Progress
        name : str
            The book's name of the checkpoint; a number goes behind it if one has it or had it.
        keep : int
            How many checkpoints may stay, the newest; 0 keeps all.
        rate : float
            The learning rate, for the message of a variable that is not finite.
        left : str
            What a run that ends here leaves, in words, for a message.

        Raises
        ------
        FileError
            It could not be written, and what was there before is as it was.
        DivergenceError
            A variable is NaN or infinite; nothing is saved.
        """
        name = self._free(name)
        kept = (self.kept + [name])[-keep:]                                 # all of them where it is 0
        try:
            with checkpoint_files.staging(self.path) as staging:
                prefix = os.path.join(staging, name)
                self._saver.save(sess, prefix, write_state=False)
                for variable, value in variables(prefix):                   # the Saver compares its checksums
                    if not np.isfinite(value).all():
                        raise DivergenceError('variable %s is not finite %s, and is not saved; learning rate %g; %s'
                                              % (variable, progress.where(), rate, left))
                sidecar.write(staging, self.description)
                checkpoint_files.write_list(staging, kept)
                run_state.write(prefix, self._number + 1, progress, self._settings)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise FileError('cannot save %s: %s; %s' % (os.path.join(self.path, name), reason(error), left)) from error
        gone = [other for other in self.kept + self.lost if other not in kept]
        self.kept, self.lost, self._number = kept, [], self._number + 1
        self._remove(gone)

    def keep(self, names: Sequence[str]) -> None:
        """Keep these checkpoints only, the newest last, and remove the others.

        Parameters
        ----------
        names : sequence of str
            At least one.

        Raises
        ------
        FileError
        """
        gone = [other for other in self.kept + self.lost if other not in names]
        self.kept, self.lost = list(names), []
        if gone:
            checkpoint_files.write_list(self.path, names)
            self._remove(gone)

    def _remove(self, names: List[str]) -> None:
        for name in names:
            try:
                checkpoint_files.remove(self.path, name)
            except OSError:                                 # open elsewhere, on Windows: at the next save then
                self.lost.append(name)

    def _free(self, name):
        """The name, with a number behind it if a checkpoint has it or had it in its list."""
        taken, free, number = set(checkpoint_files.by_age(self.path)), name, 1
        while free in taken:
            number += 1
            free = '%s-%d' % (name, number)
        return free


def variables(prefix: str) -> Iterator[Tuple[str, np.ndarray]]:
    """Names and values of a checkpoint's variables, sorted by name; every checksum of the Saver is compared.

    Parameters
    ----------
    prefix : str
        The path of the checkpoint, without the endings of its files.

    Raises
    ------
    tf.errors.OpError, ValueError
        It cannot be read.
    """
    reader = tf.train.load_checkpoint(prefix)
    for name in sorted(reader.get_variable_to_shape_map()):
        yield name, reader.get_tensor(name)


def reason(error: BaseException) -> str:
    """The first line of an error.

    Parameters
    ----------
    error : BaseException
    """
    return shorten(str(error).splitlines()[0], 200).strip('\'"') if str(error) else type(error).__name__


def newest_whole(folder: str, candidates: Sequence[str], check: Callable[[str], T]) -> Tuple[str, T]:
    """The newest checkpoint that passes a check.

    Parameters
    ----------
    folder : str
    candidates : sequence of str
        Names, the newest last.
    check : callable
        Called with the path of a checkpoint, without the endings of its files; raises FileError.

    Returns
    -------
    name : str
    result : object
        What the check gives.

    Raises
    ------
    FileError
        None passes.

    Warns
    -----
    UserWarning
        A newer one does not; it is named.
    """
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
    """Restore the variables of a session.

    Parameters
    ----------
    sess : tf.Session
    saver : tf.train.Saver
        Of all global variables of the session's graph.
    prefix : str
        The path of the checkpoint, without the endings of its files.

    Raises
    ------
    FileError
        It cannot be read, or lacks a variable, or has one of another shape; the first such is named.
    """
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
