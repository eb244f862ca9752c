"""One training of either model: the plan, the loop over its batches, and all that is put together around it."""

import collections
import contextlib
import itertools
import math
import os
import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional

import numpy as np
import tensorflow as tf

from rnnbook.errors import ArgumentValueError, DivergenceError
from rnnbook.model_folder import description, run_state, writing
from rnnbook.training import monitor, tensorboard, validation
from rnnbook.training.run import Run

__all__ = ['CarriedState', 'Inference', 'Plan', 'Serving', 'Step', 'Validator', 'fit', 'train']

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
    """One training of a model, in the terms that all models have in common."""

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
    """A session whose every run starts from the state in which the run before ended."""

    def __init__(self, sess: Any, model: Any) -> None:
        self._sess, self._model = sess, model
        self.reset()

    @property
    def state(self) -> Any:
        """Nested tuples of numpy.ndarray: the state that the next run starts from."""
        return self._state

    def reset(self, state: Any = None) -> None:
        """Go back to the zero state, or to another one."""
        self._state = self._sess.run(self._model.initial_state) if state is None else state

    def run(self, fetches: List[Any], feed: Dict[str, Any]) -> List[Any]:
        """Run the fetches from the carried state, and keep the final one."""
        values, self._state = self._sess.run([fetches, self._model.final_state],
                                             {**feed, self._model.initial_state: self._state})
        return values


def train(model: Any, ckpt_dir: str, run: Run, plan: Plan) -> None:
    """Train a model as a plan has it, into a folder."""
    _check_logdir(run.logdir, ckpt_dir)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(writing.Folder(ckpt_dir, model, run, plan))
        sess = stack.enter_context(tf.compat.v1.Session(graph=model.g, config=model.session_config()))
        progress, validate, events = place.begin(sess), None, None
        if not run.over(progress, plan.num_epochs):
            if plan.validator is not None:
                validate = _validation(sess, stack.enter_context(plan.validator.session()), plan.validator,
                                       model.world)
            if run.logdir is not None and model.world.rank == 0:
                events = stack.enter_context(contextlib.closing(_events(sess, model, run, plan, place, progress)))
        teller = monitor.Monitor(run, plan, place.path, events, tells=model.world.rank == 0)
        if progress.history:
            teller.write_history(progress)                  # the file may be ahead of the checkpoint, or gone
        fit(sess, model, run, plan, progress, teller, place, validate)
        teller.end(progress)


def _check_logdir(logdir, ckpt_dir):
    """Refuse the folder of a model: its list of checkpoints would be taken for the projector's."""
    if logdir is not None and (os.path.realpath(logdir) == os.path.realpath(ckpt_dir)
                               or os.path.exists(os.path.join(logdir, description.NAME))):
        raise ArgumentValueError('logdir must be a folder that no model is saved into, not %s' % logdir)


def _validation(sess, other, validator, world):
    """What validates: it takes the weights over into the other session, whatever that had, and measures there."""
    def validate():
        validation.copy_variables(sess, other)
        return world.share(validator.figures(other))        # of rank 0, so that all decide alike
    return validate


def _events(sess, model, run, plan, place, progress):
    """The event files of a run, with the projector where the model has vectors of words."""
    projector = None
    if plan.embedding is not None:
        projector = tensorboard.Projector(run.logdir, plan.embedding, place.vocabulary, model.n_words)
        if projector.shown < model.n_words - 1 and not run.quiet:
            print('TensorBoard: the projector shows the %d most frequent of %d words'
                  % (projector.shown, model.n_words - 1), flush=True)
    return tensorboard.Events(run.logdir, sess, progress.iteration, projector)


def fit(sess: Any, model: Any, run: Run, plan: Plan, progress: run_state.Progress, monitor: Any, folder: Any,
        validate: Optional[Callable[[], Dict[str, float]]] = None) -> None:
    """Train up to a number of epochs, the state carried from batch to batch and zero at the start of each epoch."""
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
