"""One of the processes whose training steps `scripts/benchmark_horovod.py` measures, started by it or by `horovodrun`.

It is told what to do in JSON, and takes a turn whenever the number in the file `turn` of its folder rises.
"""

import json
import os
import sys
import time

import numpy as np

from rnnbook import CharRNN, SentimentRNN, sentiment
from rnnbook.base.files import write_text
from rnnbook.training.loop import CarriedState


def own_bytes():
    """The bytes that this machine has sent to itself."""
    with open('/proc/net/dev') as file:
        return next(int(line.split()[9]) for line in file if line.strip().startswith('lo:'))


class Job:
    """A model that takes training steps on synthetic or real rows of its own."""

    def __init__(self, job):
        data = np.load(job['data'], allow_pickle=False)
        self._x, self._y, self._steps = data['x'], data['y'], job['steps']
        make = {'reviews': SentimentRNN, 'characters': CharRNN}[job['kind']]
        if job['dense']:
            sentiment.join = dense(sentiment.join)
        self.model = make(**job['model'])
        self.exchanged, self._number = [], 0

    def feeds(self):
        """The feed of each step, of this process's rows, over and over."""
        own, rows = self.model.world.own(self.model.batch_size), self.model.global_batch_size
        while True:
            if isinstance(self.model, SentimentRNN):
                for start in range(0, len(self._x) - rows + 1, rows):
                    yield {'tf_x:0': self._x[start:start + rows][own], 'tf_y:0': self._y[start:start + rows][own],
                           'tf_keepprob:0': 0.5}
            else:
                width = self.model.num_steps
                for start in range(0, self._x.shape[1] - width + 1, width):
                    yield {'tf_x:0': self._x[own, start:start + width], 'tf_y:0': self._y[own, start:start + width],
                           'tf_keepprob:0': 0.5}

    def rows(self, feed):
        """The words of a batch, each once: the rows of the gradient that other processes are sent."""
        return len(np.unique(feed['tf_x:0'])) if isinstance(self.model, SentimentRNN) else 0


def dense(join):
    """A `join` whose world turns the gradient of the embedding into a whole table before it is averaged."""
    def other(name, distributed):
        import tensorflow as tf
        world = join(name, distributed)
        average = world.average
        world.average = lambda gradients: average([tf.convert_to_tensor(gradient) for gradient in gradients])
        return world
    return other


def main(job):
    """Take turns until the number is negative."""
    import tensorflow as tf
    work = Job(job)
    model, world, done = work.model, work.model.world, 0
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        state, feeds = CarriedState(sess, model), work.feeds()
        for _ in range(2):                                  # warms up
            state.run(['cost:0', 'train_op'], next(feeds))
        say(world, job, done, {'variables': [[variable.op.name, variable.shape.as_list()]
                                             for variable in model.g.get_collection('trainable_variables')]})
        while True:
            turn = world.share(wait(job, done) if world.rank == 0 else None)
            if turn < 0:
                return
            batches = [next(feeds) for _ in range(job['steps'])]
            rows = world.gather(np.array([[work.rows(feed) for feed in batches]]))
            sent, begin = own_bytes(), time.perf_counter()
            for feed in batches:
                state.run(['cost:0', 'train_op'], feed)
            world.gather(np.zeros(1))                       # until all are through
            seconds = time.perf_counter() - begin
            done = turn
            say(world, job, done, {'seconds': seconds / job['steps'], 'sent': (own_bytes() - sent) / job['steps'],
                                   'rows': float(rows.mean())})


def wait(job, done):
    """The number in the file `turn`, once it is another one."""
    while True:
        with open(os.path.join(job['folder'], 'turn')) as file:
            number = file.read()
        if number and int(number) != done:
            return int(number)
        time.sleep(0.02)


def say(world, job, done, found):
    """Leave what a turn has found."""
    if world.rank == 0:
        write_text(os.path.join(job['folder'], 'found-%d' % done), json.dumps(found))


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
