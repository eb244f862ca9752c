"""What train, predict and sample share, feeding the last state and fetching the next; and the settings of a run."""

import collections
import dataclasses
import itertools
import math
import time
from typing import Callable, Optional

import numpy as np

from rnnbook.errors import ArgumentTypeError, DivergenceError, check_bool, check_int, check_number

__all__ = ['CarriedState', 'Inference', 'Run', 'Serving', 'fit']

#: A graph that uses a model's variables and trains nothing: its graph, states and `tf.train.Saver`.
Inference = collections.namedtuple('Inference', 'g initial_state final_state saver')
#: A graph for other programs: its `tf.train.Saver`, what it is called, and its tensors by the names that they see.
Serving = collections.namedtuple('Serving', 'g saver name inputs outputs')


class CarriedState:
    """A session whose every run starts from the state in which the run before ended.

    Parameters
    ----------
    sess : tf.Session
    model : object with `initial_state` and `final_state`
        Nested tuples of tensors of one structure.
    """

    def __init__(self, sess, model):
        self._sess, self._model = sess, model
        self.reset()

    @property
    def state(self):
        """Nested tuples of numpy.ndarray: the state that the next run starts from."""
        return self._state

    def reset(self, state=None):
        """Go back to the zero state, or to another one.

        Parameters
        ----------
        state : nested tuples of numpy.ndarray, optional
        """
        self._state = self._sess.run(self._model.initial_state) if state is None else state

    def run(self, fetches, feed):
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
        Print the loss every so many iterations. Default: as the book does, 20 for reviews and 10 for characters.
    overwrite : bool, default False
        Train even where the folder holds another model, which is then lost.
    stop : callable, optional
        Called without arguments after each iteration; once it returns true, the run saves and ends.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A setting of the wrong type or out of range.
    """

    resume: bool = False
    save_every: Optional[int] = None
    save_minutes: Optional[float] = None
    max_to_keep: int = 5
    log_every: Optional[int] = None
    overwrite: bool = False
    stop: Optional[Callable] = None

    def __post_init__(self):
        for name, minimum in (('save_every', 0), ('log_every', 1)):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), minimum)
        if self.save_minutes is not None:
            check_number('save_minutes', self.save_minutes, above=0)
        check_int('max_to_keep', self.max_to_keep, 0)
        check_bool('resume', self.resume)
        check_bool('overwrite', self.overwrite)
        if self.stop is not None and not callable(self.stop):
            raise ArgumentTypeError('stop must be a function without arguments, not %r' % (self.stop,))

    @classmethod
    def of(cls, settings, **book):
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
        names = [field.name for field in dataclasses.fields(cls)]
        for name in settings:
            if name not in names:
                raise ArgumentTypeError('train has no argument %r; its settings of a run are %s'
                                        % (name, ', '.join(names)))
        given = {name: value for name, value in settings.items() if value is not None}
        return cls(**{**book, **given})


def fit(sess, model, run, num_epochs, feeds, progress, monitor, folder):
    """Train up to a number of epochs, the state carried from batch to batch and zero at the start of each epoch.

    Parameters
    ----------
    sess : tf.Session
        With its variables initialised, or restored.
    model : object with `initial_state`, `final_state`, `learning_rate` and `world`
        In its graph ``cost:0``, ``train_op`` and ``gradient_norm:0``.
    run : Run
    num_epochs : int
        Those of `progress` included.
    feeds : callable
        Called at the start of each epoch; gives the feed of every batch in turn.
    progress : record.Progress
        Where to start; it is kept up to date.
    monitor : monitor.Monitor
        Is told every `run.log_every`-th iteration and every epoch.
    folder : checkpoints.Folder
        Saves.

    Raises
    ------
    DivergenceError
        The loss is NaN or infinite.
    PeerError
        Another process that trains with this one has ended.
    """
    carried, saved = CarriedState(sess, model), time.monotonic()
    if progress.history:
        monitor.epoch(progress)                             # the file may be ahead of the checkpoint, or gone
    while progress.epochs < num_epochs:
        carried.reset(progress.state)
        for feed in itertools.islice(feeds(), progress.position, None):
            before, begin = carried.state, time.perf_counter()
            loss = carried.run(['cost:0', 'train_op'], feed)[0]
            loss, stopped, due = _agree(model.world, loss, run.stop is not None and run.stop(), bool(
                run.save_minutes and time.monotonic() - saved >= 60 * run.save_minutes))
            progress.count(loss, carried.state, time.perf_counter() - begin)
            if not math.isfinite(loss):
                norm = sess.run('gradient_norm:0', {**feed, model.initial_state: before})
                raise DivergenceError('the loss is %s %s; learning rate %g, gradient norm %g; %s'
                                      % (loss, progress.where(), model.learning_rate, norm, folder.left()))
            if progress.iteration % run.log_every == 0:
                monitor.step(progress, loss)
            if stopped or due:
                folder.save(progress)
                saved = time.monotonic()
            if stopped:
                return
        progress.end_epoch()
        monitor.epoch(progress)
        # Book: saves at every tenth epoch only, so that a shorter run leaves nothing to restore.
        if progress.epochs == num_epochs or (run.save_every and progress.epochs % run.save_every == 0):
            folder.save(progress)
            saved = time.monotonic()


def _agree(world, loss, *wishes):
    """The mean loss of all processes, and what at least one of them wishes, so that all do the same."""
    losses, *wished = world.gather(np.array([[loss, *wishes]], dtype=np.float64)).T
    return (float(losses.mean()), *(bool(wish.any()) for wish in wished))
