"""What train, predict and sample share, feeding the last state and fetching the next; and the settings of a run."""

import collections
import dataclasses
import itertools
import math
import numbers
import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from rnnbook.model_folder import run_state
from rnnbook.errors import (ArgumentTypeError, ArgumentValueError, DivergenceError, check_bool, check_int, check_number,
                            shorten)
from rnnbook.base.files import check_path
from rnnbook.base.hints import ArrayLike, StrPath

__all__ = ['CarriedState', 'Inference', 'Plan', 'Run', 'Serving', 'Step', 'Validator', 'fit']

#: A graph that uses a model's variables and trains nothing: its graph, states and `tf.train.Saver`.
Inference = collections.namedtuple('Inference', 'g initial_state final_state saver')
#: A graph for other programs: its `tf.train.Saver`, what it is called, and its tensors by the names that they see.
Serving = collections.namedtuple('Serving', 'g saver name inputs outputs')
#: What a run validates with. `session` gives a context manager with a session of a graph that trains nothing, whose
#: variables may be anything; `figures` takes that session and gives the columns of the history, by name.
Validator = collections.namedtuple('Validator', 'session figures')
#: What is told of an iteration: its loss, the global norm of its gradients, and the learning rate that it was made at.
Step = collections.namedtuple('Step', 'loss gradient_norm learning_rate')


class Plan(NamedTuple):
    """One training of a model, in the terms that all models have in common.

    Fields: `form`, a format of the printed line with places for the epoch, the number of epochs, the iteration and the
    loss; `num_epochs`; `batches` and `units`, the batches of an epoch and the words or characters in them; `unit`, what
    they are, in the plural; `feeds`, called with the number of each epoch, from 1, gives the feed of every batch in
    turn; `name` gives the book's name of a checkpoint from a `run_state.Progress`; `settings`, what the run was told
    besides its `Run`, by name; `vocabulary`; `labels`, the tensor of a batch's predicted labels if it has such;
    `embedding`, the variable of the vectors of words if it has one; `validator`, if there is something to validate
    on.
    """

    form: str
    num_epochs: int
    batches: int
    units: int
    unit: str
    feeds: Callable[[int], Iterable[Dict[str, Any]]]
    name: Callable[[run_state.Progress], str]
    settings: Dict[str, Any]
    vocabulary: Optional[Dict[str, int]] = None
    labels: Optional[str] = None
    embedding: Optional[str] = None
    validator: Optional[Validator] = None


class CarriedState:
    """A session whose every run starts from the state in which the run before ended.

    Parameters
    ----------
    sess : tf.Session
    model : object with `initial_state` and `final_state`
        Nested tuples of tensors of one structure.
    """

    def __init__(self, sess: Any, model: Any) -> None:
        self._sess, self._model = sess, model
        self.reset()

    @property
    def state(self) -> Any:
        """Nested tuples of numpy.ndarray: the state that the next run starts from."""
        return self._state

    def reset(self, state: Any = None) -> None:
        """Go back to the zero state, or to another one.

        Parameters
        ----------
        state : nested tuples of numpy.ndarray, optional
        """
        self._state = self._sess.run(self._model.initial_state) if state is None else state

    def run(self, fetches: List[Any], feed: Dict[str, Any]) -> List[Any]:
        """Run the fetches from the carried state, and keep the final one.

        Parameters
        ----------
        fetches : list
            As `tf.Session.run` takes it.
        feed : dict
            What to feed besides the state.

        Returns
        -------
        list
            The fetched values.
        """
        values, self._state = self._sess.run([fetches, self._model.final_state],
                                             {**feed, self._model.initial_state: self._state})
        return values


@dataclasses.dataclass(frozen=True)
class Run:
    """Settings of a training run; both `train` methods take these as keywords.

    Parameters
    ----------
    resume : bool, default False
        Go on from the newest whole checkpoint in the folder as if the run had not been interrupted; start where the
        folder is missing or empty; do nothing where the run is complete.
    save_every : int, optional
        Save after every so many epochs, 0 for none; the last epoch always saves. Default: as the book does, 10 for
        reviews and 1 for characters.
    save_minutes : float, optional
        Save also when so many minutes have passed since the last save, within an epoch too. Default: not.
    max_to_keep : int, default 5
        Keep so many checkpoints, the newest; 0 keeps all.
    log_every : int, optional
        Print the loss every so many iterations, also on a terminal. Default: as the book does, 20 for reviews and 10
        for characters; on a terminal, a bar for each epoch in their place.
    overwrite : bool, default False
        Train even where the folder holds another model, which is then lost.
    stop : callable, optional
        Called without arguments after each iteration; once it returns true, the run saves and ends.
    validation : float, or pair of array_like, optional
        What to hold the model against at the end of each epoch, without training on it: a fraction of the training
        data above 0 and below 1, which is taken from their end (the last rows of reviews; the last columns of each row
        of characters), or a pair of arrays as `train` takes them. Default: nothing.
    keep_best : bool, default False
        Keep the model of the epoch with the best validation in the folder ``best`` of the model's own: with the highest
        accuracy of reviews, or the fewest bits per character. It needs `validation`.
    patience : int, optional
        Stop after so many epochs in a row without a better validation. It needs `validation`. Default: never.
    decay : float, default 1.0
        Multiply the learning rate by this after each epoch; above 0 and at most 1.
    decay_after : int, default 0
        The first so many epochs have the full rate.
    quiet : bool, default False
        Print no lines of the training and show no bar.
    logdir : str or path, optional
        The folder to write event files for TensorBoard into: losses and the other figures, the graph, and the vectors
        of words. Default: none are written.

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
    lines: bool = dataclasses.field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self):
        for name, minimum in (('save_every', 0), ('log_every', 1), ('patience', 1)):
            if getattr(self, name) is not None:
                self._set(name, check_int(name, getattr(self, name), minimum))
        if self.save_minutes is not None:
            check_number('save_minutes', self.save_minutes, above=0)
        self._set('max_to_keep', check_int('max_to_keep', self.max_to_keep, 0))
        for name in ('resume', 'overwrite', 'keep_best', 'quiet'):
            check_bool(name, getattr(self, name))
        if self.stop is not None and not callable(self.stop):
            raise ArgumentTypeError('stop must be a function without arguments, not %r' % (self.stop,))
        _check_validation(self.validation)
        for name in ('keep_best', 'patience'):
            if getattr(self, name) and self.validation is None:
                raise ArgumentValueError('%s needs validation: a fraction of the training data, or a pair of arrays'
                                         % name)
        self._set('decay', check_number('decay', self.decay, above=0, maximum=1))
        self._set('decay_after', check_int('decay_after', self.decay_after, 0))
        if self.logdir is not None:
            self._set('logdir', check_path('logdir', self.logdir))

    def _set(self, name, value):
        """Set a field once more, as the check has made it: an int of NumPy's is an int then."""
        object.__setattr__(self, name, value)

    @classmethod
    def of(cls, settings: Dict[str, Any], **book: Any) -> 'Run':
        """The settings of a run from the keywords that a user gave.

        Parameters
        ----------
        settings : dict of str to object
            What was given; `None` means the default.
        **book
            The defaults of those fields that each model has its own of: the book's values.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            A name that is no field, or a value that breaks a rule.
        """
        names = [field.name for field in dataclasses.fields(cls) if field.init]
        for name in settings:
            if name not in names:
                raise ArgumentTypeError('train has no argument %r; its settings of a run are %s'
                                        % (name, ', '.join(names)))
        given = {name: value for name, value in settings.items() if value is not None}
        run = cls(**{**book, **given})
        run._set('lines', 'log_every' in given)
        return run

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

    def out_of_patience(self, progress: run_state.Progress) -> bool:
        """Whether the last `patience` epochs, or more, have brought no better validation.

        Parameters
        ----------
        progress : record.Progress
        """
        best = run_state.best(progress.history)
        return (self.patience is not None and best is not None
                and len(progress.history) - 1 - progress.history.index(best) >= self.patience)

    def over(self, progress: run_state.Progress, num_epochs: int) -> bool:
        """Whether nothing is left to train.

        Parameters
        ----------
        progress : record.Progress
        num_epochs : int
        """
        return progress.epochs >= num_epochs or self.out_of_patience(progress)


def _check_validation(value):
    rule = 'validation must be a fraction above 0 and below 1, or a pair of arrays, not %s'
    if value is None:
        return
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        if not 0 < value < 1:
            raise ArgumentValueError(rule % shorten(value))
    elif not isinstance(value, (tuple, list)):
        raise ArgumentTypeError(rule % shorten(value))
    elif len(value) != 2:
        raise ArgumentValueError(rule % ('%d of them' % len(value)))


def fit(sess: Any, model: Any, run: Run, plan: Plan, progress: run_state.Progress, monitor: Any, folder: Any,
        validate: Optional[Callable[[], Dict[str, float]]] = None) -> None:
    """Train up to a number of epochs, the state carried from batch to batch and zero at the start of each epoch.

    Parameters
    ----------
    sess : tf.Session
        With its variables initialised, or restored.
    model : object with `initial_state`, `final_state`, `learning_rate` and `world`
        In its graph ``cost:0``, ``gradient_norm:0``, ``learning_rate:0`` and ``train_op``.
    run : Run
    plan : Plan
    progress : record.Progress
        Where to start; it is kept up to date.
    monitor : monitor.Monitor
        Is told every iteration and every epoch.
    folder : checkpoints.Folder
        Saves.
    validate : callable, optional
        Called at the end of each epoch; gives the columns of the history that it adds.

    Raises
    ------
    DivergenceError
        The loss is NaN or infinite.
    PeerError
        Another process that trains with this one has ended.
    """
    carried, saved = CarriedState(sess, model), time.monotonic()
    while not run.over(progress, plan.num_epochs):
        carried.reset(progress.state)
        epoch = progress.epochs + 1
        rate = run.rate(model.learning_rate, epoch)
        for feed in monitor.watch(itertools.islice(plan.feeds(epoch), progress.position, None), progress):
            if run.decay != 1:
                feed = {**feed, 'learning_rate:0': rate}
            step = _train_on(carried, feed, plan.labels, rate, progress, model.world)
            if not math.isfinite(step.loss):
                raise DivergenceError('the loss is %s %s; learning rate %g, gradient norm %g; %s'
                                      % (step.loss, progress.where(), rate, step.gradient_norm, folder.left()))
            monitor.step(progress, step)
            stopped, due = _agree(model.world, run.stop is not None and run.stop(), bool(
                run.save_minutes and time.monotonic() - saved >= 60 * run.save_minutes))
            if stopped or due:
                folder.save(progress)
                saved = time.monotonic()
            if stopped:
                return
        _end_epoch(plan, progress, rate, validate, folder)
        monitor.epoch(progress)
        folder.keep_best(progress)
        # Book: saves at every tenth epoch only, so that a shorter run leaves nothing to restore.
        if run.over(progress, plan.num_epochs) or (run.save_every and progress.epochs % run.save_every == 0):
            folder.save(progress)
            saved = time.monotonic()


def _train_on(carried, feed, labels, rate, progress, world):
    """One step of the optimizer on a batch, which goes into the progress; the `Step`."""
    begin = time.perf_counter()
    fetches = ['train_op', 'cost:0', 'gradient_norm:0'] + ([] if labels is None else [labels])
    _, loss, norm, *predicted = carried.run(fetches, feed)
    loss = float(world.gather(np.array([loss], dtype=np.float64)).mean())
    right = [world.gather(batch == feed['tf_y:0']) for batch in predicted]
    progress.count(loss, carried.state, time.perf_counter() - begin, *right)
    return Step(loss, float(norm), rate)


def _agree(world, *wishes):
    """What at least one of the processes wishes, so that all do the same."""
    return world.gather(np.array([wishes])).any(axis=0).tolist()


def _end_epoch(plan, progress, rate, validate, folder):
    """Close the epoch with all figures of its row."""
    figures = {'accuracy': progress.right / progress.seen} if progress.seen else {}
    if plan.unit == 'characters':
        figures['bits_per_char'] = progress.loss / math.log(2)
    for name, value in validate().items() if validate else ():
        if not math.isfinite(value):
            raise DivergenceError('%s is %s %s; learning rate %g; %s'
                                  % (name, value, progress.where(), rate, folder.left()))
        figures[name] = value
    speed = {'words': 'words_per_second', 'characters': 'chars_per_second'}[plan.unit]
    progress.end_epoch({**figures, 'learning_rate': rate, speed: round(plan.units / max(progress.seconds, 1e-9), 1)})
