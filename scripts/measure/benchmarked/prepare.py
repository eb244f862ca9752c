#!/usr/bin/env python3
"""What the sides of `scripts/benchmark.py` are measured on: data and checkpoints, made once into a temporary folder.

Real data where the data folder has them; else made ones of the same shapes, and the name says so.
"""

import csv
import os
import platform
import sys

import clock
import numpy as np

from rnnbook import datasets, hamlet, imdb
from rnnbook.errors import FileError

#: The shapes of the chapter's data: reviews, words of a review in the mean, `n_words`; characters of the play.
REVIEWS, WORDS, N_WORDS, CHARACTERS = 50000, 270, 102967, 162849
#: The same where only the machinery is to be tried.
FEW_REVIEWS, FEW_WORDS, FEW_N_WORDS, FEW_CHARACTERS = 80, 30, 200, 2000
#: 65 characters, the number that the play has.
ALPHABET = ''.join(map(chr, range(32, 97)))


def _split(run):
    """The arguments of a model's constructor in a named run, without those that the measurements set themselves."""
    return {name: value for name, value in run.items() if name not in ('num_epochs', 'keep_prob')}


def _zipf(random, end, size):
    """Numbers from 1 to `end - 1` whose frequency falls as one over the number, as that of words does."""
    return np.exp(random.uniform(0, np.log(end), size)).astype(np.int32).clip(1, end - 1)


def _made_csv(path, reviews, words, n_words):
    random = np.random.RandomState(0)
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['review', 'sentiment'])
        for label, length in enumerate(random.poisson(words, reviews)):
            numbers = _zipf(random, n_words, max(1, length))
            # Punctuation is numbers 1 to 3, which come as often as marks do in English.
            text = ' '.join('w%d' % number if number > 3 else ',.!'[number - 1] for number in numbers)
            writer.writerow([text.replace(' ,', ',').replace(' .', '.'), label % 2])
    return path


def reviews(job):
    """The CSV of the reviews, their rows as ``reviews.npz``, and the constructor's arguments that go with them.

    The job has ``'folder'``, ``'data_dir'`` and ``'quick'``.
    """
    from rnnbook.sentiment import BOOK_RUN, SMOKE_RUN
    model = _split(SMOKE_RUN if job['quick'] else BOOK_RUN)
    path = None if job['quick'] else _real(datasets.fetch_imdb, job['data_dir'], allow_fallback=False)
    name = datasets.describe(path) if path else 'made reviews'
    if path is None:
        path = _made_csv(os.path.join(job['folder'], 'reviews.csv'),
                         *((FEW_REVIEWS, FEW_WORDS, FEW_N_WORDS) if job['quick'] else (REVIEWS, WORDS, N_WORDS)))
    texts, labels = imdb.load_reviews(path)
    mapped, word_to_int = imdb.index_reviews(texts, progress=False)
    half = len(texts) // 2
    data = os.path.join(job['folder'], 'reviews.npz')
    np.savez(data, x=imdb.fixed_length(mapped[:half], model['seq_len']), y=labels[:half])
    return {'name': name, 'csv': os.path.abspath(path), 'data': data, 'texts': len(texts),
            'model': dict(model, n_words=len(word_to_int) + 1)}


def characters(job):
    """The text, its rows as ``characters.npz``, and the constructor's arguments that go with them.

    The job has ``'folder'``, ``'data_dir'`` and ``'quick'``.
    """
    from rnnbook.charrnn import BOOK_RUN, SMOKE_RUN
    model = _split(SMOKE_RUN if job['quick'] else BOOK_RUN)
    path = None if job['quick'] else _real(datasets.fetch_hamlet, job['data_dir'])
    name = datasets.describe(path) if path else 'a made text'
    if path is None:
        path = os.path.join(job['folder'], 'text.txt')
        draws = _zipf(np.random.RandomState(0), len(ALPHABET) + 1, FEW_CHARACTERS if job['quick'] else CHARACTERS)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(ALPHABET + ''.join(ALPHABET[draw - 1] for draw in draws[len(ALPHABET):]))
    text = hamlet.load_text(path)
    char2int, _ = hamlet.char_vocabulary(text)
    x, y = hamlet.reshape_data(hamlet.encode(text, char2int), model['batch_size'], model['num_steps'])
    data = os.path.join(job['folder'], 'characters.npz')
    np.savez(data, x=x, y=y)
    return {'name': name, 'text': os.path.abspath(path), 'data': data, 'chars': ''.join(char2int),
            'starter': 'The ' if set('The ') <= set(char2int) else text[0],
            'model': dict(model, num_classes=len(char2int))}


def _real(fetch, data_dir, **how):
    """The path that `fetch` finds, without asking the net; None where the data are not there."""
    try:
        return fetch(data_dir, download_if_missing=False, **how)
    except FileError as error:
        if data_dir is not None and not os.path.isdir(data_dir):
            raise
        print('rnnbook: %s' % error, file=sys.stderr)
        return None


def review_checkpoint(job):
    """A checkpoint after one step on the reviews; the job has the model, the data and the folder."""
    from rnnbook import SentimentRNN
    from rnnbook.model_folder import reading
    model = SentimentRNN(**job['model'])
    with np.load(job['data'], allow_pickle=False) as data:
        model.train(data['x'][:model.batch_size], data['y'][:model.batch_size], 1, ckpt_dir=job['ckpt_dir'])
    return {'checkpoint': reading.find(job['ckpt_dir'])}


def char_checkpoint(job):
    """A checkpoint after one epoch on the characters; the job has the model, the data, ``'chars'`` and the folder."""
    from rnnbook import CharRNN
    from rnnbook.model_folder import reading
    model = CharRNN(**job['model'])
    with np.load(job['data'], allow_pickle=False) as data:
        model.train(data['x'], data['y'], 1, job['ckpt_dir'], log_every=10 ** 9,
                    vocabulary={char: number for number, char in enumerate(job['chars'])})
    return {'checkpoint': reading.find(job['ckpt_dir'])}


def made_rows(job):
    """Rows of words of a vocabulary of any size, as ``job['data']``."""
    random = np.random.RandomState(0)
    np.savez(job['data'], x=_zipf(random, job['n_words'], (job['rows'], job['seq_len'])),
             y=random.randint(0, 2, job['rows']))
    return {}


def shorter_csv(job):
    """The first ``job['rows']`` reviews of a CSV, as ``job['path']``."""
    texts, labels = imdb.load_reviews(job['csv'])
    with open(job['path'], 'w', encoding='utf-8', newline='') as file:
        csv.writer(file).writerows([('review', 'sentiment')] + list(zip(texts, labels))[:job['rows']])
    return {}


def longer_text(job):
    """A text several times over, as ``job['path']``."""
    text = hamlet.load_text(job['text'])[100:]              # without the title by which `load_text` finds the play
    with open(job['path'], 'w', encoding='utf-8') as file:
        file.write(text * job['times'])
    return {}


def versions(job):
    """What the measurements of this interpreter run on."""
    from rnnbook.network.devices import tf
    return {'versions': {'python': platform.python_version(), 'tensorflow': tf.__version__, 'numpy': np.__version__,
                         'system': '%s %s' % (platform.system(), platform.machine()), 'cores': clock.cores()}}


CASES = {function.__name__: function for function in (
    reviews, characters, review_checkpoint, char_checkpoint, made_rows, shorter_csv, longer_text, versions)}

if __name__ == '__main__':
    given = clock.job_given()
    clock.answer(CASES[given['case']](given))
