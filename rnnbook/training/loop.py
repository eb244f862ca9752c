"""One training of either model: the loop over the batches of its epochs, and everything around the loop."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from typing import List, Optional, Union

import numpy as np

from rnnbook.base.files import make_folder
from rnnbook.errors import ArgumentValueError, DivergenceError
from rnnbook.model_folder.checkpoint_files import refuse_links
from rnnbook.model_folder.description import MODEL_JSON
from rnnbook.model_folder.graphs import Inference, Trainable
from rnnbook.model_folder.run_state import RunState, State
from rnnbook.model_folder.writing import Folder, Request
from rnnbook.network.devices import tf
from rnnbook.training.monitor import Monitor
from rnnbook.training.plan import Feed, Plan, Step
from rnnbook.training.run import Run
from rnnbook.training.tensorboard import Events, Projector
from rnnbook.training.validation import copy_variables

__all__ = ['CarriedState', 'Training', 'train']


class CarriedState:
    """A session in which every run starts from the state in which the run before it ended."""

    def __init__(self, sess: tf.compat.v1.Session, graph: Union[Trainable, Inference]) -> None:
        self._sess, self._graph = sess, graph
        self.reset()

    def reset(self, state: Optional[State] = None) -> None:
        """Go back to the zero state, or to another one."""
        self.state = self._sess.run(self._graph.initial_state) if state is None else state

    def run(self, fetches: List[str], feed: Feed) -> List[np.ndarray]:
        """Run the fetches from the carried state, and keep the final one."""
        values, self.state = self._sess.run([fetches, self._graph.final_state],
                                            {**feed, self._graph.initial_state: self.state})
        return values


def train(model: Trainable, ckpt_dir: str, run: Run, plan: Plan) -> None:
    """Train a model as planned, and save it into a folder."""
    _check_logdir(run.logdir, ckpt_dir)
    request = Request({**plan.settings, 'num_epochs': plan.num_epochs, **run.recorded()}, plan.vocabulary, run.resume,
                      run.overwrite, run.keep_best, run.max_to_keep, run.init_from)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(Folder(ckpt_dir, model, request))
        sess = stack.enter_context(tf.compat.v1.Session(graph=model.g, config=model.session_config()))
        state, validating, events = folder.begin(sess), None, None
        over = run.over(state, plan.num_epochs)
        if folder.newest is not None:
            print(('%s is complete, %s.' if over else 'Resuming from %s, %s.') % (folder.newest, state.where()))
        if not over and plan.held_out is not None:
            validating = stack.enter_context(plan.session())
        if not over and run.logdir is not None and model.world.rank == 0:
            events = stack.enter_context(contextlib.closing(_events(sess, model, run, plan, folder, state)))
        monitor = Monitor(run, plan, folder.path, events, tells=model.world.rank == 0)
        if state.history:
            monitor.write_history(state)                    # the file may be ahead of the checkpoint, or gone
        Training(sess, model, run, plan, state, monitor, folder, validating).fit()
        monitor.end(state)


def _check_logdir(logdir, ckpt_dir):
    """Refuse the folder of a model: its list of checkpoints would be taken for the projector's."""
    if logdir is None:
        return
    if os.path.realpath(logdir) == os.path.realpath(ckpt_dir) or os.path.exists(os.path.join(logdir, MODEL_JSON)):
        raise ArgumentValueError('logdir must be a folder that no model is saved into, not %s' % logdir)
    inside = os.path.realpath(os.path.dirname(os.path.abspath(logdir))) == os.path.realpath(ckpt_dir)
    refuse_links(ckpt_dir, *[logdir] if inside else [])


def _events(sess, model, run, plan, folder, state):
    """The event files of a run, with the projector where the model has vectors of words."""
    make_folder('logdir', run.logdir)
    projector = None
    if plan.embedding is not None:
        projector = Projector(run.logdir, plan.embedding, folder.vocabulary, model.n_words)
        if projector.shown < model.n_words - 1 and not run.quiet:
            print('TensorBoard: the projector shows the %d most frequent of %d words'
                  % (projector.shown, model.n_words - 1), flush=True)
    return Events(run.logdir, sess, state.iteration, projector)


class Training:
    """The loop over epochs and batches, and what it needs."""

    def __init__(self, sess: tf.compat.v1.Session, model: Trainable, run: Run, plan: Plan, state: RunState,
                 monitor: Monitor, folder: Folder, validating: Optional[tf.compat.v1.Session] = None) -> None:
        self.sess, self.model, self.run, self.plan, self.state = sess, model, run, plan, state
        self.monitor, self.folder, self.validating = monitor, folder, validating
        self.rate = model.learning_rate

    def fit(self) -> None:
        """Train up to the last epoch; the state is carried from batch to batch, and zero at the start of each epoch."""
        carried, state, run = CarriedState(self.sess, self.model), self.state, self.run
        self._saved = time.monotonic()
        while not run.over(state, self.plan.num_epochs):
            carried.reset(state.carried)
            self.rate = run.rate(self.model.learning_rate, state.epochs + 1)
            feeds = itertools.islice(self.plan.feeds(state.epochs + 1), state.position, None)
            for feed in self.monitor.watch(feeds, state):
                self.monitor.step(state, self._step(carried, feed))
                stopped, due = self._agree(run.stop is not None and run.stop(), bool(
                    run.save_minutes and time.monotonic() - self._saved >= 60 * run.save_minutes))
                if stopped or due:
                    self._save()
                if stopped:
                    return
            state.end_epoch(self._figures())
            self.monitor.epoch(state)
            self.folder.keep_best(state, self.plan.checkpoint(state), self.rate)
            # Book: saves at every tenth epoch only, so that a shorter run leaves nothing to restore.
            if run.over(state, self.plan.num_epochs) or (run.save_every and state.epochs % run.save_every == 0):
                self._save()

    def _step(self, carried, feed):
        """One step of the optimizer on a batch, which is counted."""
        if self.run.decay != 1:
            feed = {**feed, 'learning_rate:0': self.rate}
        begin, labels = time.perf_counter(), self.plan.labels
        _, loss, norm, *predicted = carried.run(
            ['train_op', 'cost:0', 'gradient_norm:0'] + ([] if labels is None else [labels]), feed)
        loss = float(self.model.world.gather(np.array([loss], dtype=np.float64)).mean())
        right = [self.model.world.gather(batch == feed['tf_y:0']) for batch in predicted]
        self.state.count(loss, carried.state, time.perf_counter() - begin, *right)
        self._check_finite('the loss', loss, ', gradient norm %g' % norm)
        return Step(loss, float(norm), self.rate)

    def _check_finite(self, name, value, more=''):
        if not math.isfinite(value):
            raise DivergenceError('%s is %s %s; learning rate %g%s; %s' % (name, value, self.state.where(), self.rate,
                                                                           more, self.folder.left()))

    def _agree(self, *wishes):
        """For each wish, whether at least one of the processes has it, so that all do the same."""
        return self.model.world.gather(np.array([wishes])).any(axis=0).tolist()

    def _save(self):
        self.folder.save(self.state, self.plan.checkpoint(self.state), self.rate)
        self._saved = time.monotonic()

    def _figures(self):
        """The figures of the epoch that ends, for its row in the history."""
        state, figures = self.state, {}
        if state.seen:
            figures['accuracy'] = state.right / state.seen
        if self.plan.unit == 'characters':
            figures['bits_per_char'] = state.loss / math.log(2)
        for name, value in self._validate().items():
            self._check_finite(name, value)
            figures[name] = value
        return {**figures, 'learning_rate': self.rate,
                self.plan.speed: round(self.plan.units / max(state.seconds, 1e-9), 1)}

    def _validate(self):
        """The validation of the weights as they are now."""
        if self.validating is None:
            return {}
        copy_variables(self.sess, self.validating)
        return self.model.world.share(self.plan.validate(self.validating))      # of rank 0, so that all decide alike
