"""Folders that version 0.1.0 has written: they are read, used without TensorFlow, and their runs go on to the same end.

`format1/` holds, for each model, a run that was stopped in its second epoch, and `expected.json` what that version's
own code made of the folders: predictions, a sampled text, bits per character, and the history of the resumed run.
"""

import csv
import json
import os
import shutil

import numpy as np
import pytest

from models import CHAR2INT, TEXT
from rnnbook import CharRNN, SentimentRNN, hamlet, imdb, portable

FOLDERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'format1')
STOP_AFTER = {'sentiment': 7, 'char': 14}
REVIEWS = ['a fine film , a fine cast !', 'dull and dull again', 'the cast is fine', 'a dull film', 'never again',
           'a film with a fine story', 'the story is dull', 'fine'] * 5
LABELS = [1, 0, 1, 0, 0, 1, 0, 1] * 5
TIMING = ('words_per_second', 'chars_per_second', 'seconds')


def training(kind):
    """A model, the positional arguments of its `train`, and the keywords."""
    if kind == 'sentiment':
        x, vocabulary = imdb.prepare(REVIEWS, 6, progress=False, unknown=True, min_count=2, drop_markup=True)
        model = SentimentRNN(vocabulary.n_words, 6, 3, 1, 8, 0.01, 4, engine='fused', shards=2, pooling='meanmax',
                             bidirectional=True, embed_keep_prob=0.8)
        return model, (x, LABELS, 3), dict(vocabulary=vocabulary, validation=0.2)
    model = CharRNN(len(CHAR2INT), 4, 10, 5, 2, 0.01, engine='fused', shards=2)
    rows = hamlet.reshape_data(hamlet.encode(TEXT, CHAR2INT), 4, 10)
    return model, (*rows, 2), dict(vocabulary=CHAR2INT)


def figures(kind, folder):
    """What a folder's model answers, and the history of its run without its times."""
    with open(os.path.join(folder, 'history.csv'), encoding='utf-8') as file:
        history = [{name: float(value) for name, value in row.items() if name not in TIMING}
                   for row in csv.DictReader(file)]
    if kind == 'sentiment':
        return {'history': history,
                'probabilities': SentimentRNN.load(folder).predict_text(REVIEWS[:8] + ['unheard of']).tolist()}
    rnn = CharRNN.load(folder)
    np.random.seed(123)
    return {'history': history, 'text': rnn.sample(40, folder, 'the '), 'bits': rnn.evaluate(TEXT[:60])}


def portable_figures(kind, folder):
    """The same of the exported weights, with NumPy alone."""
    model = portable.load(folder)
    if kind == 'sentiment':
        return {'probabilities': model.predict_text(REVIEWS[:8] + ['unheard of']).tolist()}
    np.random.seed(123)
    return {'text': model.sample(40, 'the '), 'bits': model.evaluate(TEXT[:60])}


def assert_same(found, wanted):
    """Equal texts and columns, numbers within the rounding of another processor."""
    assert found.keys() == wanted.keys()
    assert found.get('text') == wanted.get('text')
    for name in ('probabilities', 'bits'):
        if name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-5)
    for row, expected in zip(found.get('history', []), wanted.get('history', [])):
        assert list(row) == list(expected)
        np.testing.assert_allclose(list(row.values()), list(expected.values()), atol=1e-4)
    assert len(found.get('history', [])) == len(wanted.get('history', []))


@pytest.fixture(scope='module')
def expected():
    with open(os.path.join(FOLDERS, 'expected.json'), encoding='utf-8') as file:
        return json.load(file)


@pytest.mark.parametrize('kind', ['sentiment', 'char'])
def test_a_folder_of_format_1_is_read(kind, expected):
    assert_same(figures(kind, os.path.join(FOLDERS, kind)), expected[kind]['before'])


@pytest.mark.parametrize('kind', ['sentiment', 'char'])
def test_the_weights_of_format_1_are_used_without_tensorflow(kind, expected):
    assert_same(portable_figures(kind, os.path.join(FOLDERS, kind)), expected[kind]['portable'])


@pytest.mark.parametrize('kind', ['sentiment', 'char'])
def test_a_run_of_format_1_is_resumed_to_the_same_end(kind, expected, tmp_path):
    folder = str(tmp_path / 'model')
    shutil.copytree(os.path.join(FOLDERS, kind), folder)
    model, data, settings = training(kind)
    model.train(*data, ckpt_dir=folder, resume=True, quiet=True, **settings)
    assert_same(figures(kind, folder), expected[kind]['after'])
