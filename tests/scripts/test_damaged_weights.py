"""Weights that are NaN or infinite: every script and method that would compute with them refuses them in one line."""

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import CharRNN, SentimentRNN
from rnnbook.errors import FileError
from test_scripts import main_of


def spoil(rnn, folder, value):
    """Put a number into one weight of each checkpoint of a folder; the book's code would have written such a file."""
    for record in folder.glob('*.progress.json'):
        record.unlink()                                     # sizes and checksums of the file that was there
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        newest = tf.train.latest_checkpoint(str(folder))
        rnn.saver.restore(sess, newest)
        bias = rnn.g.get_collection('trainable_variables')[-1]
        bias.load(np.full(bias.shape.as_list(), value), sess)
        rnn.saver.save(sess, newest)


@pytest.fixture
def folders(tmp_path):
    """A folder with a trained model of each kind, and the models."""
    made = {'reviews': models.sentiment(), 'text': models.char()}
    made['reviews'].train(*models.reviews(), 1, ckpt_dir=tmp_path / 'reviews', vocabulary=models.WORDS, quiet=True)
    made['text'].train(*models.characters(), 1, tmp_path / 'text', vocabulary=models.CHAR2INT, quiet=True)
    return tmp_path, made


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_the_scripts_refuse_weights_that_are_not_finite(value, folders, capsys):
    place, made = folders
    for name, script, more in (('reviews', 'predict_sentiment.py', ['--text', 'a good film !']),
                               ('text', 'sample_charrnn.py', ['--starter', 'the '])):
        spoil(made[name], place / name, value)
        assert main_of(script)(['--ckpt-dir', str(place / name)] + more) == 2
        out, err = capsys.readouterr()
        assert out == '' and err.splitlines()[-1].endswith('is not finite in it') and 'Traceback' not in err


def test_the_methods_refuse_weights_that_are_not_finite(folders):
    place, made = folders
    for name, rnn in made.items():
        spoil(rnn, place / name, np.nan)
    rnn, text = SentimentRNN.load(place / 'reviews'), CharRNN.load(place / 'text')
    for call in (lambda: rnn.predict(models.reviews()[0]), lambda: rnn.evaluate(*models.reviews()),
                 lambda: rnn.predict_text('a good film !'), lambda: text.sample(5, place / 'text', 'the '),
                 lambda: list(text.sample_stream(5, place / 'text', 'the ')), lambda: text.evaluate('the cat')):
        with pytest.raises(FileError, match='variable .* is not finite in it'):
            call()
