"""What `test_horovod.py` has two processes do, started by `horovodrun`; not a test itself.

    distributed_job.py TASK FOLDER

Rank 0 leaves what it has measured in the folder, for the test to look at.
"""

import json
import os
import signal
import sys

import models
import numpy as np
import tensorflow as tf

from rnnbook import cli
from rnnbook.model_folder import run_state
from rnnbook.network import distributed

STEPS = 50
#: What is trained in two processes and in one: a kind of model, and an engine.
MODELS = [('sentiment', 'book'), ('sentiment', 'fused'), ('pooled', 'book'), ('pooled', 'fused'), ('char', 'book'),
          ('char', 'fused')]
#: The iterations of `resumed` after which its first and its second part end, both within an epoch.
FIRST, SECOND = 13, 27


def model_and_data(kind, engine, processes=1):
    """A small model without dropout for a part of a batch of 20 rows or 4 stretches, and data for 10 such batches."""
    several = {'engine': engine, 'distributed': processes > 1}
    if kind == 'pooled':
        several.update(pooling='meanmax', bidirectional=True, optimizer='lazy_adam')
    if kind != 'char':
        return models.sentiment(batch_size=20 // processes, **several), models.reviews(200)
    return models.char(batch_size=4 // processes, keep_prob=1.0, **several), models.characters()


def train(model, data, folder, **run):
    """Train for `STEPS` steps; gives the loss of each step that this call has taken."""
    losses, count = [], run_state.RunState.count

    def noted(self, loss, *more):
        losses.append(loss)
        return count(self, loss, *more)

    run_state.RunState.count = noted
    batches = 10 if hasattr(model, 'n_words') else data[0].shape[1] // model.num_steps
    keep = {'keep_prob': 1.0} if hasattr(model, 'n_words') else {}
    try:
        model.train(*data, STEPS // batches, ckpt_dir=folder, log_every=1000, **keep, **run)
    finally:
        run_state.RunState.count = count
    return losses


def after(iterations, what, rank=None):
    """A `stop` that calls `what` at its so manieth call, at one rank or at all."""
    calls = []

    def stop():
        calls.append(None)
        return len(calls) == iterations and (rank is None or rank == 0) and bool(what())
    return stop


def measure(folder):
    """Losses of the models, what is averaged, and a run that a signal to rank 1 stops."""
    for kind, engine in MODELS:
        model, data = model_and_data(kind, engine, 2)
        losses = train(model, data, os.path.join(folder, kind + engine))
        note(model.world, folder, kind + engine, losses=losses, ckpt_dir=model.ckpt_dir)
    world = distributed.join('distributed', True)
    note(world, folder, 'world', rank=world.rank, size=world.size, local_size=world.local_size, own=str(world.own(3)),
         shared=world.share({'from': world.rank}), gathered=world.gather(np.full((1, 2), world.rank)).tolist(),
         **averages(world))
    model, data = model_and_data('sentiment', 'fused', 2)
    with cli.StopOnSignal() as stop:
        def signalled():
            if len(calls) == FIRST - 1 and model.world.rank == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            calls.append(None)
            return stop()
        calls = []
        losses = train(model, data, os.path.join(folder, 'resumed'), stop=signalled)
        stop.agree(model.world)
    note(model.world, folder, 'stopped', losses=losses, status=stop.status)
    return 0


def averages(world):
    """A tensor, and an embedding's gradient in which the ranks have one row in common, averaged."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        own = float(world.rank + 1)
        slices = tf.IndexedSlices(tf.constant([[own, 0.0], [0.0, own]]), tf.constant([0, world.rank + 1]),
                                  tf.constant([4, 2]))
        dense, sparse = world.average([tf.constant([own, 10.0]), slices])
        found = sess.run([dense, sparse.indices, sparse.values])
    return dict(zip(('dense', 'rows', 'values'), (array.tolist() for array in found)))


def end(folder):
    """The last part of the stopped run, and a run in which rank 1 dies."""
    model, data = model_and_data('sentiment', 'fused', 2)
    note(model.world, folder, 'last', losses=train(model, data, os.path.join(folder, 'resumed'), resume=True))

    def die():
        if model.world.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    train(model, data, os.path.join(folder, 'killed'), save_every=1, stop=after(FIRST, die))
    return 0


def note(world, folder, name, **found):
    """Leave what rank 0 has found."""
    if world.rank == 0:
        with open(os.path.join(folder, name + '.json'), 'w') as file:
            json.dump(found, file)


@cli.command
def main(argv):
    """Do one task."""
    return {'measure': measure, 'end': end}[argv[0]](argv[1])


if __name__ == '__main__':
    sys.exit(main())
