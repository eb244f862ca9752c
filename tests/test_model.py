"""What the two models share: how they show themselves, and a lack of memory."""

import inspect
import typing

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentValueError, OutOfMemoryError
from rnnbook.model_folder import reading


def test_repr_is_short_and_says_class_sizes_engine_and_folder(tmp_path):
    assert repr(models.char()) == "CharRNN(num_classes=14, lstm_size=6, num_layers=1, engine='book', ckpt_dir=None)"
    rnn = models.sentiment(engine='fused', pooling='mean')
    assert repr(rnn).startswith('SentimentRNN(n_words=6, embed_size=2, lstm_size=3, num_layers=1, pooling=\'mean\', ')
    assert repr(rnn).endswith(", engine='fused', ckpt_dir=None)")
    models.char().train(*models.characters(), 1, tmp_path / 'm', vocabulary=models.CHAR2INT, quiet=True)
    assert repr(CharRNN.load(tmp_path / 'm')).endswith(', ckpt_dir=%r)' % str(tmp_path / 'm'))
    assert len(repr(rnn)) < 200


@pytest.fixture
def folders(tmp_path):
    """A folder with a trained model of each kind."""
    models.sentiment().train(*models.reviews(), 1, ckpt_dir=tmp_path / 's', vocabulary=models.WORDS, quiet=True)
    models.char().train(*models.characters(), 1, tmp_path / 'c', vocabulary=models.CHAR2INT, quiet=True)
    return tmp_path


ERRORS = [tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating tensor with shape[9]'), MemoryError()]
CALLS = {
    'train reviews': (lambda at: models.sentiment().train(*models.reviews(), 1, ckpt_dir=at / 'new'),
                      'batch_size = 5, seq_len = 4, lstm_size = 3; reduce one of these'),
    'train characters': (lambda at: models.char().train(*models.characters(), 1, at / 'new'),
                         'batch_size = 4, num_steps = 10, lstm_size = 6; reduce one of these'),
    'predict': (lambda at: models.sentiment().predict(models.reviews()[0], ckpt_dir=at / 's'),
                'batch_size = 5, seq_len = 4, lstm_size = 3; predict fewer rows at a time'),
    'sample': (lambda at: models.char(sampling=True).sample(5, at / 'c', 'the '),
               'lstm_size = 6; reduce num_samples or output_length'),
    'sample_stream': (lambda at: list(models.char(sampling=True).sample_stream(5, at / 'c', 'the ')),
                      'lstm_size = 6; reduce num_samples or output_length'),
    'evaluate': (lambda at: models.char().evaluate('the cat', at / 'c'), 'lstm_size = 6; evaluate a shorter text')}


@pytest.mark.parametrize('error', ERRORS, ids=['TensorFlow', 'NumPy'])
@pytest.mark.parametrize('call', sorted(CALLS))
def test_a_lack_of_memory_is_one_line_that_says_what_to_do(call, error, folders, monkeypatch):
    def run(*arguments, **keywords):
        raise error
    monkeypatch.setattr(reading, 'restore', lambda *arguments: None)
    monkeypatch.setattr(tf.compat.v1.Session, 'run', run)
    with pytest.raises(OutOfMemoryError, match='^out of memory with batch_size = ') as caught:
        CALLS[call][0](folders)
    assert str(caught.value).endswith(CALLS[call][1]) and '\n' not in str(caught.value)


def test_a_method_that_reports_lack_of_memory_keeps_its_signature():
    names = list(inspect.signature(CharRNN.train).parameters)
    assert names[:4] == ['self', 'train_x', 'train_y', 'num_epochs']
    assert typing.get_type_hints(CharRNN.train)['num_epochs'] is int and CharRNN.train.__doc__.startswith('Train')


@pytest.mark.parametrize('samples, length, message', [
    (2 * 10 ** 9, 500, r'num_samples \* \(output_length \+ 1\) must be at most 67108864, not 2000000000 \* 501; '),
    (None, 10 ** 9, r'num_samples \* \(output_length \+ 1\) must be at most 67108864, not 1 \* 1000000001'),
    (2 ** 23, 0, 'num_samples must be at most 4793490 for a model of this size, not 8388608')])
def test_more_characters_than_memory_holds_are_refused_before_anything_is_read(samples, length, message, tmp_path):
    state = np.random.get_state()[1].tolist()
    with pytest.raises(ArgumentValueError, match='^' + message):
        models.char(sampling=True).sample(length, tmp_path / 'missing', num_samples=samples)
    assert np.random.get_state()[1].tolist() == state
