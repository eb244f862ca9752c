"""What train, predict and sample share, feeding the last state and fetching the next; and the settings of a run."""

import collections
import dataclasses
from typing import Callable, Optional

from rnnbook.errors import ArgumentTypeError, check_bool, check_int

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

    def reset(self):
        """Go back to the zero state."""
        self._state = self._sess.run(self._model.initial_state)

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
    save_every : int, optional
        Save after every so many epochs; the last epoch always saves. Default: as the book does, 10 for reviews and 1
        for characters.
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

    save_every: Optional[int] = None
    max_to_keep: int = 5
    log_every: Optional[int] = None
    overwrite: bool = False
    stop: Optional[Callable] = None

    def __post_init__(self):
        for name in ('save_every', 'log_every'):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name))
        check_int('max_to_keep', self.max_to_keep, 0)
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


def fit(sess, model, run, num_epochs, feeds, log, save):
    """Train for a number of epochs, the state carried from batch to batch and zero at the start of each epoch.

    Parameters
    ----------
    sess : tf.Session
        With its variables initialised.
    model : object with `initial_state`, `final_state`, and ``cost:0`` and ``train_op`` in its graph
    run : Run
    num_epochs : int
    feeds : callable
        Called at the start of each epoch; gives the feed of every batch in turn.
    log : callable
        Called with the epoch and the iteration, both from 1, and the loss, at every `run.log_every`-th iteration.
    save : callable
        Called with the epoch, from 1, the iteration, and whether the epoch is complete.
    """
    carried = CarriedState(sess, model)
    iteration = 0
    for epoch in range(1, num_epochs + 1):
        carried.reset()
        for feed in feeds():
            loss, _ = carried.run(['cost:0', 'train_op'], feed)
            iteration += 1
            if iteration % run.log_every == 0:
                log(epoch, iteration, loss)
            if run.stop is not None and run.stop():
                save(epoch, iteration, False)
                return
        # Book: saves at every tenth epoch only, so that a shorter run leaves nothing to restore.
        if epoch % run.save_every == 0 or epoch == num_epochs:
            save(epoch, iteration, True)
