#!/usr/bin/env python3
"""The side of the package in `scripts/benchmark.py`. What is timed is what `train`, `predict` and `sample` run."""

import os

import clock
import numpy as np

from rnnbook import hamlet, imdb


# -------------------------------------------------------------------------------------------------------- training

def training(model, epoch, keep_prob):
    """Train without end as `train` does, a step each time; the loss of each.

    Parameters
    ----------
    model : SentimentRNN or CharRNN
    epoch : callable
        Gives the pairs of x and y of one epoch.
    keep_prob : float
    """
    from rnnbook.network.devices import tf
    from rnnbook.training.loop import CarriedState
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        carried = CarriedState(sess, model)
        while True:
            carried.reset()
            for x, y in epoch():
                yield carried.run(['cost:0', 'train_op'], {'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': keep_prob})[0]


def review_step(job):
    """Training steps on reviews."""
    from rnnbook import SentimentRNN
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = data['x'], data['y']
    model = SentimentRNN(**job['model'], **job['keywords'])
    return 1, training(model, lambda: imdb.create_batch_generator(x, y, model.batch_size), job['keep_prob'])


def char_step(job):
    """Training steps on characters."""
    from rnnbook import CharRNN
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = data['x'], data['y']
    model = CharRNN(**job['model'], **job['keywords'])
    return 1, training(model, lambda: hamlet.create_batch_generator(x, y, model.num_steps), job['keep_prob'])


# ---------------------------------------------------------------------------------------- prediction and sampling

def again(call):
    """Call a function without end."""
    while True:
        yield call()


def _predictor(job):
    from rnnbook import SentimentRNN
    with np.load(job['data'], allow_pickle=False) as data:
        return SentimentRNN(**job['model'], **job['keywords']), data['x'][:job['rows']]


def predicting(sess, inference, x, size):
    """The probabilities of each whole batch in turn, as in `predict`."""
    from rnnbook.training.loop import CarriedState
    carried = CarriedState(sess, inference)
    for batch in imdb.create_batch_generator(x, None, size):
        yield carried.run(['probabilities:0'], {'tf_x:0': batch})[0]


def review_predict(job):
    """Batches of reviews, the graph built and the weights restored before."""
    from rnnbook.model_folder import reading
    from rnnbook.network.devices import tf
    model, x = _predictor(job)
    inference = model._inference()                          # the graph that `predict` runs on

    def work():
        with tf.compat.v1.Session(graph=inference.g, config=model.session_config()) as sess:
            reading.restore(sess, *os.path.split(job['checkpoint']))
            while True:
                yield from predicting(sess, inference, x, model.batch_size)

    return model.batch_size, work()


def review_predict_call(job):
    """The whole of `predict`."""
    model, x = _predictor(job)
    return len(x), again(lambda: model.predict(x, ckpt_dir=job['ckpt_dir']))


def sampling(job):
    """The whole of `sample`; with `num_samples` among the call's keywords, of several sequences together."""
    from rnnbook import CharRNN
    model = CharRNN(**job['model'], sampling=True, **job['keywords'])
    return (job['characters'] * job['call'].get('num_samples', 1),
            again(lambda: model.sample(job['characters'], job['ckpt_dir'], job['starter'], **job['call'])))


# --------------------------------------------------------------------------------------------------- preprocessing

def rows_of(job):
    """From the CSV to the rows, their labels and the vocabulary; from the cache or not, as the call's keywords say."""
    return imdb.load_indexed(job['csv'], job['sequence_length'], progress=False, **job['call'])


def preprocess(job):
    """From the CSV to the rows. The cache lies in the working directory, which is the benchmark's own folder."""
    if job['call']['cache']:
        rows_of(job)                                        # so that there is something in it
    return 1, again(lambda: rows_of(job))


def encode_text(job):
    """From a text's file to the rows of a model."""
    def rows():
        text = hamlet.load_text(job['text'])
        char2int, _ = hamlet.char_vocabulary(text)
        return hamlet.reshape_data(hamlet.encode(text, char2int), job['batch_size'], job['num_steps'])

    return 1, again(rows)


CASES = {'review-step': review_step, 'char-step': char_step, 'review-predict': review_predict,
         'review-predict-call': review_predict_call, 'sample': sampling, 'preprocess': preprocess,
         'encode-text': encode_text}

if __name__ == '__main__':
    clock.turns(CASES)
