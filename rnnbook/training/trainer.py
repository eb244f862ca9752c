"""One training of either model, put together: the folder, the sessions, the loop, and what is told of it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import tensorflow as tf

from rnnbook.model_folder import writing, description
from rnnbook.training import monitor, tensorboard, loop, validation
from rnnbook.errors import ArgumentValueError

__all__ = ['train']


def train(model: Any, ckpt_dir: str, run: loop.Run, plan: loop.Plan) -> None:
    """Train a model as a plan has it, into a folder.

    Parameters
    ----------
    model : SentimentRNN or CharRNN
    ckpt_dir : str
    run : training.Run
    plan : training.Plan

    Raises
    ------
    ArgumentValueError, FileError, DivergenceError, PeerError
        As the models' own `train`.
    """
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
        loop.fit(sess, model, run, plan, progress, teller, place, validate)
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
