"""What the processes of `scripts/benchmark_corpus.py` do: encode a text or train on it; each says what that took."""

import itertools
import os
import statistics
import tempfile
import time

import clock
import numpy as np


def encode(job):
    """Megabytes of UTF-8 a second, and the most memory."""
    from rnnbook import hamlet
    begin = time.perf_counter()
    numbers, char2int = hamlet.encode_file(job['text'], job['numbers'], progress=False)
    seconds = time.perf_counter() - begin
    return {'megabytes_per_second': os.path.getsize(job['text']) / seconds / 1e6, 'peak_bytes': clock.peak_bytes(),
            'characters': len(numbers), 'classes': len(char2int)}


def train(job):
    """The most memory of a training by `CharRNN.train` that is stopped after some steps, without what is mapped."""
    from rnnbook import hamlet
    from rnnbook.charrnn import BOOK_RUN, CharRNN
    x, y = _rows(job['numbers'], BOOK_RUN, hamlet)
    steps, memory = itertools.count(1), []

    def stop():
        memory.append(_own_bytes())
        return next(steps) >= job['steps']

    with tempfile.TemporaryDirectory() as folder:
        CharRNN(job['classes'], engine='fused').train(x, y, 10 ** 6, os.path.join(folder, 'model'), stop=stop,
                                                      quiet=True)
    return {'own_bytes': max(memory)}


def _own_bytes():
    """The memory of this process but for the pages of mapped files, which the system takes back when it needs them."""
    with open('/proc/self/status', encoding='ascii', errors='replace') as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith('RssAnon:'))


def _rows(path, run, hamlet):
    return hamlet.reshape_data(np.load(path, mmap_mode='r', allow_pickle=False), run['batch_size'], run['num_steps'])


def steps(job):
    """Seconds of a training step on each of several texts, which take turns in one model; the median of each."""
    import tensorflow as tf
    from rnnbook import hamlet
    from rnnbook.charrnn import BOOK_RUN, CharRNN
    model = CharRNN(job['classes'], engine='fused')
    feeds = []
    for path in job['numbers']:
        x, y = _rows(path, BOOK_RUN, hamlet)
        feeds.append(itertools.chain.from_iterable(
            hamlet.create_batch_generator(x, y, BOOK_RUN['num_steps']) for _ in itertools.count()))
    seconds = [[] for _ in feeds]
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        for turn in range(job['turns'] + 1):
            for times, batches in zip(seconds, feeds):
                for _ in range(job['steps']):
                    begin = time.perf_counter()             # reading the batch included: that is what differs
                    batch_x, batch_y = next(batches)
                    sess.run('train_op', {'tf_x:0': batch_x, 'tf_y:0': batch_y, 'tf_keepprob:0': 0.5})
                    if turn:
                        times.append(time.perf_counter() - begin)
    return {'seconds': [statistics.median(times) for times in seconds]}


if __name__ == '__main__':
    given = clock.job_given()
    clock.answer({'encode': encode, 'train': train, 'steps': steps}[given['case']](given))
