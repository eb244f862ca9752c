"""A SavedModel, run by a plain session in a process that has never heard of this package."""

import importlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from conftest import ROOT
import models
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentTypeError, FileError
from rnnbook.network.lstm import ENGINES
from rnnbook.network.pooling import POOLINGS
from rnnbook.portable import export
from rnnbook.sentiment import SentimentRNN

pytestmark = pytest.mark.slow

# For each SavedModel: reads a list of feeds by the signature's name, and writes what comes out; a state goes from one
# to the next where the signature has one.
PLAIN = """
import sys
import numpy as np
import tensorflow as tf

def run(path, name, given, found):
    feeds = np.load(given)
    results = []
    with tf.compat.v1.Session(graph=tf.Graph()) as sess:
        meta = tf.compat.v1.saved_model.load(sess, ['serve'], path)
        signature = meta.signature_def[name]
        state = {}
        for key in sorted(feeds.files):
            first = [k for k in signature.inputs if k.endswith('_ids') or k == 'texts'][0]
            feed = {signature.inputs[first].name: feeds[key]}
            for part in signature.inputs:
                if part != first:
                    units = signature.inputs[part].tensor_shape.dim[1].size
                    feed[signature.inputs[part].name] = state.get(part, np.zeros((len(feeds[key]), units), 'f4'))
            state = sess.run({part: info.name for part, info in signature.outputs.items()}, feed)
            results.append(state)
    np.savez(found, **{'%s_%d' % (part, i): value for i, result in enumerate(results)
                       for part, value in result.items()})

for path, name in zip(sys.argv[1::2], sys.argv[2::2]):
    run(path, name, '%s.%s.given.npz' % (path, name), '%s.%s.found.npz' % (path, name))
assert not [module for module in sys.modules if module.startswith('rnnbook')]
"""
X, Y = models.reviews()
TEXTS = ['the cat', 'the dog']
REVIEWS = ['A GOOD film!', '', 'nothing known', 'bad\xa0film. a good, good, BAD film!', 'good<br />film',
           'a\0 bad\0\u0130!']


def export_both(engine, place):
    """SavedModels of a review model and a character model: what is loaded, path, and the feeds of each signature."""
    rnn = models.sentiment(engine=engine, num_layers=2, anew=True)
    rnn.train(X, Y, 2, ckpt_dir=place / 'reviews', vocabulary=models.WORDS)
    texts = np.array([text.encode('utf-8') for text in REVIEWS])
    yield rnn, export.write_saved_model(rnn, place / 'reviews_served'), {
        'classify': [X, X[:1]], 'serving_default': [X], 'classify_text': [texts, texts[:0]]}
    models.char(engine=engine, num_layers=2).train(*models.characters(), num_epochs=1, ckpt_dir=place / 'text',
                                                   vocabulary=models.CHAR2INT)
    rnn = CharRNN.load(place / 'text')
    feeds = [np.array([models.CHAR2INT[char] for char in column], np.int32) for column in zip(*TEXTS)]
    yield rnn, export.write_saved_model(rnn, place / 'text_served'), {'next_char': feeds, 'serving_default': feeds}


@pytest.fixture(scope='module')
def served(tmp_path_factory):
    """Of each engine, two models with the paths of their SavedModels and, by signature, what these give elsewhere."""
    made = {engine: list(export_both(engine, tmp_path_factory.mktemp(engine))) for engine in ENGINES}
    words = []
    for _, path, signatures in sum(made.values(), []):
        for name, feeds in signatures.items():
            words += [path, name]
            np.savez('%s.%s.given.npz' % (path, name), **{'%03d' % row: feed for row, feed in enumerate(feeds)})
    subprocess.check_call([sys.executable, '-c', PLAIN] + words, cwd=str(tmp_path_factory.mktemp('elsewhere')),
                          stderr=subprocess.DEVNULL)
    return {engine: [(rnn, path, {name: np.load('%s.%s.found.npz' % (path, name)) for name in signatures})
                     for rnn, path, signatures in each] for engine, each in made.items()}


@pytest.mark.parametrize('engine', ENGINES)
def test_classify_gives_what_predict_gives_for_any_number_of_rows(engine, served):
    (rnn, path, signatures), _ = served[engine]
    found, default = signatures['classify'], signatures['serving_default']
    expected = rnn.predict(X, return_proba=True, carry_state=False)
    np.testing.assert_allclose(found['probabilities_0'], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found['probabilities_1'], expected[:1], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found['labels_0'], np.rint(found['probabilities_0']))
    for name in ('probabilities_0', 'labels_0'):
        np.testing.assert_array_equal(default[name], found[name])
    with open(os.path.join(path, 'assets.extra', 'model.json'), encoding='utf-8') as file:
        assert json.load(file)['class'] == 'SentimentRNN'


@pytest.mark.parametrize('engine', ENGINES)
def test_classify_text_gives_what_predict_text_gives(engine, served):
    (rnn, _, signatures), _ = served[engine]
    found = signatures['classify_text']
    np.testing.assert_allclose(found['probabilities_0'], rnn.predict_text(REVIEWS), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found['labels_0'], np.rint(found['probabilities_0']))
    assert len(set(found['probabilities_0'])) == len(REVIEWS) - 1                       # two have no known word
    assert found['probabilities_1'].shape == found['labels_1'].shape == (0,)


@pytest.mark.parametrize('pooling', POOLINGS)
def test_no_rows_give_no_predictions(pooling):
    rnn = models.sentiment(pooling=pooling)
    with tf.Graph().as_default() as g, tf.compat.v1.Session(graph=g) as sess:
        serving = rnn.serving()
        sess.run(tf.compat.v1.global_variables_initializer())
        found = sess.run(serving.outputs, {serving.inputs['word_ids']: np.zeros((0, rnn.seq_len), np.int32)})
    assert [found[name].shape for name in ('probabilities', 'labels')] == [(0,), (0,)]


@pytest.mark.parametrize('vocabulary, names', [(None, ['classify', 'serving_default']),
                                               ({}, ['classify', 'classify_text', 'serving_default'])])
def test_without_a_vocabulary_there_is_no_signature_for_texts(vocabulary, names, tmp_path):
    rnn = models.sentiment()
    rnn.train(X, Y, 1, ckpt_dir=tmp_path / 'model', vocabulary=vocabulary)
    path = export.write_saved_model(rnn, tmp_path / 'served')
    with tf.compat.v1.Session(graph=tf.Graph()) as sess:
        found = tf.compat.v1.saved_model.load(sess, ['serve'], path).signature_def
    assert sorted(found) == names


@pytest.mark.parametrize('engine', ENGINES)
def test_next_char_goes_on_from_the_state_that_it_gave(engine, served):
    _, (rnn, _, signatures) = served[engine]
    found, default = signatures['next_char'], signatures['serving_default']
    assert sorted(default.files) == sorted(found.files)
    np.testing.assert_array_equal(default['probabilities_0'], found['probabilities_0'])
    last = found['probabilities_%d' % (len(TEXTS[0]) - 1)]
    assert last.shape == (2, len(models.CHAR2INT))
    np.testing.assert_allclose(last.sum(axis=1), 1, rtol=1e-5)
    # The mean of the logarithms along a text is what `evaluate` gives for it.
    for row, text in enumerate(TEXTS):
        bits = [-np.log2(found['probabilities_%d' % step][row, models.CHAR2INT[char]])
                for step, char in enumerate(text[1:])]
        assert np.mean(bits) == pytest.approx(rnn.evaluate(text), rel=1e-5)


def test_a_folder_that_is_there_is_left_alone_and_bad_arguments_are_named(tmp_path):
    rnn = models.sentiment()
    rnn.train(X, Y, 1, ckpt_dir=tmp_path / 'model')
    (tmp_path / 'mine').mkdir()
    with pytest.raises(FileError, match='mine is there already'):
        export.write_saved_model(rnn, tmp_path / 'mine')
    with pytest.raises(ArgumentTypeError, match='out must be a path'):
        export.write_saved_model(rnn, 3)
    with pytest.raises(FileError, match='is not there; train saves into it'):
        export.write_saved_model(rnn, tmp_path / 'new', ckpt_dir=tmp_path / 'none')
    with pytest.raises(FileError, match='does not fit this one: lstm_size 3, not 7'):
        export.write_saved_model(models.sentiment(lstm_size=7), tmp_path / 'new', ckpt_dir=tmp_path / 'model')
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match='cannot write'):
        export.write_saved_model(rnn, tmp_path / 'file' / 'new')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'mine', 'model']


def test_the_script_writes_either_form(tmp_path, monkeypatch, capsys):
    models.sentiment().train(X, Y, 1, ckpt_dir=tmp_path / 'model', vocabulary=models.WORDS)
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(os.path.join(ROOT, 'scripts'))
    main = importlib.import_module('export_model').main
    for flags, said, made in (([], 'model/weights.npz', 'model/weights.npz'),
                              (['--saved-model', 'served'], 'served', 'served/saved_model.pb')):
        assert main(['--ckpt-dir', 'model'] + flags) == 0
        assert capsys.readouterr().out.split() == [said]
        assert (tmp_path / made).is_file()
    assert SentimentRNN.load(tmp_path / 'model').vocabulary == models.WORDS
