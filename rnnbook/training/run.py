"""The settings of a training run."""

import dataclasses
import numbers
import os
from typing import Callable, Dict, Mapping, Optional, Tuple, Union

import numpy as np

from rnnbook.base.checks import ArrayLike, StrPath, check_bool, check_fields, check_int, check_number, shorten
from rnnbook.base.files import check_local
from rnnbook.errors import ArgumentTypeError, ArgumentValueError
from rnnbook.model_folder.checkpoint_files import check_folder
from rnnbook.model_folder.run_state import RunState, best_row

__all__ = ['Run']


@dataclasses.dataclass(frozen=True)
class Run:
    """Settings of a training run; both `train` methods take these as keywords.

    Parameters
    ----------
    resume : bool, default False
        Continue from the newest whole checkpoint in the folder, so that the run ends as if it had not been interrupted;
        only with the engine ``'book'`` and several layers, dropout differs. Where the folder is missing or empty, a run
        starts; where its run is complete, nothing is done.
    save_every : int, optional
        Save after every N epochs, 0 for never; the last epoch always saves. Default: as in the book, 10 for reviews and
        1 for characters.
    save_minutes : float, optional
        Save also when this many minutes have passed since the last save, even within an epoch. Default: never.
    max_to_keep : int, default 5
        Keep the N newest checkpoints; 0 keeps all.
    log_every : int, optional
        Print the loss every N iterations, also on a terminal. Default: as in the book, every 20 for reviews and every
        10 for characters; on a terminal, a bar for each epoch instead.
    overwrite : bool, default False
        Train even where the folder holds another model, which is then lost.
    stop : callable, optional
        Called without arguments after each iteration; once it returns true, the run saves and ends.
    validation : float, or pair of array_like, optional
        Data to evaluate on after each epoch, without training on them: a fraction of the training data above 0 and
        below 1, taken from their end (the last rows of reviews, the last columns of each row of characters), or a pair
        of arrays as `train` takes them. Default: none.
    keep_best : bool, default False
        Keep the model of the epoch with the best validation in the folder ``best`` within the model's own: the highest
        accuracy of reviews, or the fewest bits per character. Needs `validation`.
    patience : int, optional
        Stop after N epochs in a row without a better validation. Needs `validation`. Default: never.
    decay : float, default 1.0
        Multiply the learning rate by this after each epoch; above 0 and at most 1.
    decay_after : int, default 0
        Train the first N epochs at the full learning rate.
    quiet : bool, default False
        Print no lines about the training and show no bar.
    logdir : str or path, optional
        The folder to write event files for TensorBoard into: losses and the other figures, the graph, and the vectors
        of words. Default: none are written.
    init_from : str or path, optional
        The folder of a trained model, or ``best`` in it, whose weights the run starts from; its vocabulary is used, and
        the optimizer, the steps and the history start fresh. Default: fresh weights, or those of the folder that the
        object was loaded from.

    Attributes
    ----------
    lines : bool
        Whether `log_every` was asked for.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A setting of the wrong type or out of range, or one that needs another which was not given.
    """

    resume: bool = False
    save_every: Optional[int] = None
    save_minutes: Optional[float] = None
    max_to_keep: int = 5
    log_every: Optional[int] = None
    overwrite: bool = False
    stop: Optional[Callable] = None
    validation: Optional[Union[float, Tuple[ArrayLike, ArrayLike]]] = dataclasses.field(default=None, compare=False)
    keep_best: bool = False
    patience: Optional[int] = None
    decay: float = 1.0
    decay_after: int = 0
    quiet: bool = False
    logdir: Optional[StrPath] = None
    init_from: Optional[StrPath] = None
    lines: bool = dataclasses.field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self):
        for name, minimum in (('save_every', 0), ('max_to_keep', 0), ('decay_after', 0), ('log_every', 1),
                              ('patience', 1)):
            if getattr(self, name) is not None:
                self._set(name, check_int(name, getattr(self, name), minimum))
        if self.save_minutes is not None:
            check_number('save_minutes', self.save_minutes, above=0)
        for name in ('resume', 'overwrite', 'keep_best', 'quiet'):
            check_bool(name, getattr(self, name))
        if self.stop is not None and not callable(self.stop):
            raise ArgumentTypeError('stop must be a function without arguments, not %r' % (self.stop,))
        self._set('validation', _check_validation(self.validation))
        for name in ('keep_best', 'patience'):
            if getattr(self, name) and self.validation is None:
                raise ArgumentValueError('%s needs validation: a fraction of the training data, or a pair of arrays'
                                         % name)
        self._set('decay', check_number('decay', self.decay, above=0, maximum=1))
        if self.logdir is not None:
            self._set('logdir', check_local('logdir', self.logdir))
        if self.init_from is not None:
            self._set('init_from', os.path.normpath(check_folder('init_from', self.init_from)))

    def _set(self, name, value):
        """Set a field to what its check has made of it, an int of NumPy's int64 for example."""
        object.__setattr__(self, name, value)

    @classmethod
    def of(cls, settings: Mapping[str, object], **book: object) -> 'Run':
        """The settings of a run from the keywords that a user gave.

        Parameters
        ----------
        settings : dict of str to object
            What was given; `None` means the default.
        **book
            Defaults that differ between the models: the book's values.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            A name that is no field, or a value that breaks a rule.
        """
        check_fields('train', cls, settings)
        given = {name: value for name, value in settings.items() if value is not None}
        run = cls(**{**book, **given})
        run._set('lines', 'log_every' in given)
        return run

    def recorded(self) -> Dict[str, object]:
        """The settings that the record of a checkpoint keeps."""
        return {name: getattr(self, name) for name in (
            'save_every', 'save_minutes', 'max_to_keep', 'log_every', 'patience', 'keep_best', 'decay', 'decay_after')}

    def rate(self, learning_rate: float, epoch: int) -> float:
        """The learning rate of an epoch.

        Parameters
        ----------
        learning_rate : float
            The full one.
        epoch : int
            Counted from 1.
        """
        return learning_rate * self.decay ** max(0, epoch - max(1, self.decay_after))

    def out_of_patience(self, state: RunState) -> bool:
        """Whether the last `patience` epochs, or more, have brought no better validation.

        Parameters
        ----------
        state : RunState
        """
        best = best_row(state.history)
        return (self.patience is not None and best is not None
                and len(state.history) - 1 - state.history.index(best) >= self.patience)

    def over(self, state: RunState, num_epochs: int) -> bool:
        """Whether nothing is left to train.

        Parameters
        ----------
        state : RunState
        num_epochs : int
        """
        return state.epochs >= num_epochs or self.out_of_patience(state)


def _check_validation(value):
    """A fraction as a float, a pair as a tuple."""
    rule = 'validation must be a fraction above 0 and below 1, or a pair of arrays, not %s'
    if value is None:
        return None
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        if not 0 < value < 1:
            raise ArgumentValueError(rule % shorten(value))
        return float(value)
    if not isinstance(value, (tuple, list)):
        raise ArgumentTypeError(rule % shorten(value))
    if len(value) != 2:
        raise ArgumentValueError(rule % ('%d of them' % len(value)))
    return tuple(value)
