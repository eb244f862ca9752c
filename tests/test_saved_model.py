"""A SavedModel, run by a plain session in a process that has never heard of this package."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import models
from rnnbook import export
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentTypeError, FileError
from rnnbook.sentiment import SentimentRNN

# Reads a list of feeds, each a dict by the signature's names, and writes what comes out; a state goes from one to the
# next where the signature has one.
PLAIN = """
import sys
import numpy as np
import tensorflow as tf
path, name, given, found = sys.argv[1:]
feeds = np.load(given)
results = []
with tf.compat.v1.Session(graph=tf.Graph()) as sess:
    meta = tf.compat.v1.saved_model.load(sess, ['serve'], path)
    signature = meta.signature_def[name]
    state = {}
    for key in sorted(feeds.files):
        first = [k for k in signature.inputs if k.endswith('_ids')][0]
        feed = {signature.inputs[first].name: feeds[key]}
        for part in signature.inputs:
            if part != first:
                units = signature.inputs[part].tensor_shape.dim[1].size
                feed[signature.inputs[part].name] = state.get(part, np.zeros((len(feeds[key]), units), 'f4'))
        state = sess.run({part: info.name for part, info in signature.outputs.items()}, feed)
        results.append(state)
assert not [module for module in sys.modules if module.startswith('rnnbook')]
np.savez(found, **{'%s_%d' % (part, i): value for i, result in enumerate(results) for part, value in result.items()})
"""


def run_elsewhere(path, name, feeds, folder):
    """What the SavedModel gives for these feeds, in order."""
    given, found = str(folder / 'given.npz'), str(folder / 'found.npz')
    np.savez(given, **{'%03d' % number: feed for number, feed in enumerate(feeds)})
    subprocess.check_call([sys.executable, '-c', PLAIN, path, name, given, found], cwd=str(folder),
                          stderr=subprocess.DEVNULL)
    return np.load(found)


@pytest.mark.parametrize('engine', ['book', 'fused'])
def test_classify_gives_what_predict_gives_for_any_number_of_rows(engine, tmp_path):
    x, y = models.reviews()
    rnn = models.sentiment(engine=engine, num_layers=2)
    rnn.train(x, y, 2, ckpt_dir=tmp_path / 'model', vocabulary=models.WORDS)
    path = export.write_saved_model(rnn, tmp_path / 'served')
    found = run_elsewhere(path, 'classify', [x, x[:1]], tmp_path)
    expected = rnn.predict(x, return_proba=True, carry_state=False)
    np.testing.assert_allclose(found['probabilities_0'], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found['probabilities_1'], expected[:1], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found['labels_0'], np.rint(found['probabilities_0']))
    with open(os.path.join(path, 'assets.extra', 'model.json'), encoding='utf-8') as file:
        assert json.load(file)['class'] == 'SentimentRNN'


@pytest.mark.parametrize('engine', ['book', 'fused'])
def test_next_char_goes_on_from_the_state_that_it_gave(engine, tmp_path):
    models.char(engine=engine, num_layers=2).train(*models.characters(), num_epochs=1, ckpt_dir=tmp_path / 'model',
                                                   vocabulary=models.CHAR2INT)
    rnn = CharRNN.load(tmp_path / 'model')
    path = export.write_saved_model(rnn, tmp_path / 'served')
    texts = ['the cat', 'the dog']
    feeds = [np.array([models.CHAR2INT[char] for char in column], np.int32) for column in zip(*texts)]
    found = run_elsewhere(path, 'next_char', feeds, tmp_path)
    last = found['probabilities_%d' % (len(feeds) - 1)]
    assert last.shape == (2, len(models.CHAR2INT))
    np.testing.assert_allclose(last.sum(axis=1), 1, rtol=1e-5)
    # The mean of the logarithms along a text is what `evaluate` gives for it.
    for row, text in enumerate(texts):
        bits = [-np.log2(found['probabilities_%d' % step][row, models.CHAR2INT[char]])
                for step, char in enumerate(text[1:])]
        assert np.mean(bits) == pytest.approx(rnn.evaluate(text), rel=1e-5)


def test_a_folder_that_is_there_is_left_alone_and_bad_arguments_are_named(tmp_path):
    x, y = models.reviews()
    rnn = models.sentiment()
    rnn.train(x, y, 1, ckpt_dir=tmp_path / 'model')
    (tmp_path / 'mine').mkdir()
    with pytest.raises(FileError, match='mine is there already'):
        export.write_saved_model(rnn, tmp_path / 'mine')
    with pytest.raises(ArgumentTypeError, match='out must be a path'):
        export.write_saved_model(rnn, 3)
    with pytest.raises(FileError, match='is not there; train saves into it'):
        export.write_saved_model(rnn, tmp_path / 'new', ckpt_dir=tmp_path / 'none')
    with pytest.raises(FileError, match='cannot restore .*kernel has the shape'):
        export.write_saved_model(models.sentiment(lstm_size=7), tmp_path / 'new', ckpt_dir=tmp_path / 'model')
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileError, match='cannot write'):
        export.write_saved_model(rnn, tmp_path / 'file' / 'new')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'mine', 'model']


def test_the_script_writes_either_form(tmp_path):
    x, y = models.reviews()
    models.sentiment().train(x, y, 1, ckpt_dir=tmp_path / 'model', vocabulary=models.WORDS)
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'scripts', 'export_model.py')
    for flags, made in (([], 'model/weights.npz'), (['--saved-model', 'served'], 'served/saved_model.pb')):
        out = subprocess.check_output([sys.executable, script, '--ckpt-dir', 'model'] + flags, cwd=str(tmp_path))
        assert out.decode().split() == ['model/weights.npz' if not flags else 'served']
        assert (tmp_path / made).is_file()
    assert SentimentRNN.load(tmp_path / 'model').vocabulary == models.WORDS
