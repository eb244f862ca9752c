"""`export` and `portable` held against TensorFlow: the same weights, and the same labels, probabilities and texts."""

import itertools
import json
import os
import re
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf

from conftest import ROOT
import models
from rnnbook import portable
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder import reading
from rnnbook.model_folder.description import Description, read_description, write_description
from rnnbook.portable import export, weights
from rnnbook.sentiment import SentimentRNN

sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import export_model                                         # noqa: E402


@pytest.fixture(scope='module', params=[1, 2], ids=['one layer', 'two layers'])
def reviews(request, tmp_path_factory):
    """A folder of a review model and its weights, exported."""
    folder = tmp_path_factory.mktemp('reviews')
    models.sentiment(num_layers=request.param).train(*models.reviews(), 3, ckpt_dir=folder, vocabulary=models.WORDS)
    export.write_weights(folder)
    return folder


@pytest.fixture(scope='module', params=[1, 2], ids=['one layer', 'two layers'])
def text(request, tmp_path_factory):
    """A folder of a character model and its weights, exported."""
    folder = tmp_path_factory.mktemp('text')
    rnn = models.char(num_layers=request.param, learning_rate=0.05)
    rnn.train(*models.characters(), 4, folder, vocabulary=models.CHAR2INT)
    export.write_weights(folder)
    return folder


@pytest.fixture(scope='module')
def one_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('one')
    models.char().train(*models.characters(), 4, folder, vocabulary=models.CHAR2INT)
    export.write_weights(folder)
    return folder


@pytest.fixture
def copy(one_folder, tmp_path):
    """A folder of a character model and its weights, to be changed."""
    shutil.copytree(str(one_folder), str(tmp_path / 'model'))
    return tmp_path / 'model'


@pytest.mark.parametrize('make', [models.sentiment, models.char])
@pytest.mark.parametrize('layers', [1, 3])
def test_the_variables_are_those_that_the_graph_trains(make, layers):
    rnn = make(num_layers=layers)
    description = Description(type(rnn).__name__, rnn.arguments(), None)
    trained = {variable.op.name: tuple(variable.shape.as_list()) for variable in
               rnn.g.get_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES)}
    assert dict(weights.variables(description)) == trained


def test_the_file_holds_the_checkpoints_own_numbers_and_no_more(text):
    saved = models.variables(text)
    with np.load(str(text / 'weights.npz'), allow_pickle=False) as arrays:
        names = set(arrays.files) - {'about'}
        assert names == {name for name in saved if 'Adam' not in name and 'power' not in name}
        for name in names:
            assert arrays[name].dtype == np.float32
            np.testing.assert_array_equal(arrays[name], saved[name])
    assert not list(text.glob('*.part'))


def test_reviews_are_classified_as_with_tensorflow(reviews):
    rnn, light = SentimentRNN.load(reviews), portable.load(reviews)
    # None, less than a batch, a batch, two and a tail.
    for rows, carry_state in itertools.product((0, 1, 5, 13), (True, False)):
        x = np.random.RandomState(rows).randint(0, 6, size=(rows, 4))
        expected = rnn.predict(x, return_proba=True, carry_state=carry_state)
        found = light.predict(x, return_proba=True, carry_state=carry_state)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        labels = light.predict(x, carry_state=carry_state)
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, rnn.predict(x, carry_state=carry_state))


def test_a_text_is_drawn_and_evaluated_as_with_tensorflow(text):
    rnn, light = CharRNN.load(text), portable.load(text)
    for settings in ({}, {'top_n': 2}, {'temperature': 0.5}, {'temperature': 3.0, 'top_n': 99}):
        np.random.seed(7)
        expected = rnn.sample(60, text, 'the ', **settings)
        np.random.seed(7)
        assert light.sample(60, 'the ', **settings) == expected
    assert light.evaluate(models.TEXT) == pytest.approx(rnn.evaluate(models.TEXT), rel=0, abs=1e-5)


def test_the_newest_checkpoint_is_written_unless_another_is_named(copy):
    first, last = (os.path.basename(path) for path in
                   (tf.train.get_checkpoint_state(str(copy)).all_model_checkpoint_paths[i] for i in (0, -1)))
    assert portable.load(copy).checkpoint == last
    assert export.write_weights(str(copy), first) == str(copy / 'weights.npz')
    light = portable.load(copy)                             # no warning: it was asked for
    assert light.checkpoint == first
    np.random.seed(7)
    expected = CharRNN.load(copy).sample(30, copy, 'the ', checkpoint=first)
    np.random.seed(7)
    assert light.sample(30, 'the ') == expected


def test_weights_of_before_a_further_training_are_noticed(copy):
    models.char().train(*models.characters(), 2, copy, vocabulary=models.CHAR2INT)
    with pytest.warns(UserWarning, match=r'weights\.npz holds language_modeling\.ckpt-\d+ as it was exported; '
                                         r'the model has been trained since, up to language_modeling\.ckpt-\d+'):
        portable.load(copy)
    export.write_weights(copy)
    portable.load(copy)


def test_weights_of_another_vocabulary_are_refused(copy):
    turned = dict(zip(models.CHAR2INT, reversed(range(len(models.CHAR2INT)))))
    models.char().train(*models.characters(), 1, copy, vocabulary=turned, overwrite=True)
    with pytest.raises(FileError, match=r'was written for another model\.json than the one beside it'):
        portable.load(copy)


BAD_EXPORTS = [
    (lambda folder: (folder / 'none',), FileError, 'none is not there; train saves into it'),
    (lambda folder: (folder.parent,), FileError, 'holds no checkpoint'),
    (lambda folder: (folder, 'newest'), ArgumentValueError, 'checkpoint must be one of those in .*language_modeling'),
    (lambda folder: (3,), ArgumentTypeError, 'ckpt_dir must be a path, not 3'),
    (lambda folder: (folder / 'model.json',), FileError, 'is not there'),
]


@pytest.mark.parametrize('arguments, error, message', BAD_EXPORTS)
def test_what_cannot_be_exported_is_named(arguments, error, message, copy):
    with pytest.raises(error, match=message):
        export.write_weights(*arguments(copy))


def test_a_checkpoint_without_a_model_or_of_another_one_is_refused(copy):
    description = read_description(str(copy))
    wider = description._replace(arguments=dict(description.arguments, lstm_size=7))
    write_description(str(copy), wider)
    with pytest.raises(FileError, match=r'cannot export .*: rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel has the '
                                        r'shape \[\d+, 28\] in model.json, and \[\d+, 24\] there'):
        export.write_weights(copy)
    write_description(str(copy), description._replace(arguments=dict(description.arguments, lstm_size=None)))
    with pytest.raises(FileError, match=r'model\.json: lstm_size must be an integer'):
        export.write_weights(copy)
    (copy / 'model.json').unlink()
    with pytest.raises(FileError, match='holds no model: there is no model.json in it'):
        export.write_weights(copy)


def test_a_checkpoint_that_is_cut_short_leaves_the_file_as_it_was(copy):
    before = (copy / 'weights.npz').read_bytes()
    for data in copy.glob('*.data*'):
        data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(FileError, match='holds no checkpoint that is whole: .*language_modeling'):
        export.write_weights(copy)
    assert (copy / 'weights.npz').read_bytes() == before


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing_behind(copy):
    (copy / 'weights.npz').unlink()
    (copy / 'weights.npz').mkdir()
    with pytest.raises(FileError, match='cannot write .*weights.npz'):
        export.write_weights(copy)
    assert not list(copy.glob('*.part'))


def test_the_script_prints_the_path_or_one_line_of_error(copy, capsys):
    (copy / 'weights.npz').unlink()
    assert export_model.main(['--ckpt-dir', str(copy)]) == 0
    assert capsys.readouterr().out == str(copy / 'weights.npz') + '\n'
    assert (copy / 'weights.npz').is_file()
    assert export_model.main(['--ckpt-dir', str(copy), '--checkpoint', 'newest']) == 2
    out, err = capsys.readouterr()
    assert out == '' and 'checkpoint must be one of those in' in err and err.count('\n') == 1


def test_a_page_is_of_the_newest_checkpoint_and_tensorflow_is_needed_only_once(copy, tmp_path, monkeypatch, capsys):
    path = str(tmp_path / 'page.html')

    def checkpoint():
        assert export_model.main(['--ckpt-dir', str(copy), '--page', path]) == 0
        with open(path, encoding='utf-8') as file:
            return json.loads(re.search('id="model">(.*?)</script>', file.read()).group(1))
    first = checkpoint()
    (label, trained), (other, loss) = first['facts'][-2:]
    assert (label, other) == ('Trained', 'In training, with its dropout')
    assert re.match(r'epoch 4, iteration \d+, learning rate 0\.', trained)
    nats, bits = map(float, re.match(r'loss (\S+) nats, (\S+) bits per character$', loss).groups())
    assert bits == pytest.approx(nats / np.log(2), rel=1e-3)
    with monkeypatch.context() as patch:
        patch.setattr(export, 'write_weights', None)        # would be an error
        assert checkpoint() == first
    models.char().train(*models.characters(), 5, copy, vocabulary=models.CHAR2INT, resume=True)
    second = checkpoint()
    assert first['checkpoint'] != second['checkpoint'] == portable.load(copy).checkpoint
    assert export_model.main(['--ckpt-dir', str(copy), '--page', path, '--checkpoint', first['checkpoint']]) == 0
    assert portable.load(copy).checkpoint == first['checkpoint']
    (copy / 'weights.npz').unlink()
    assert checkpoint() == second
    capsys.readouterr()


def test_weights_of_before_a_further_training_are_noticed_without_the_list_of_checkpoints(copy):
    models.char().train(*models.characters(), 5, copy, vocabulary=models.CHAR2INT, resume=True)
    (copy / 'checkpoint').unlink()
    assert not weights.is_current(str(copy))
    with pytest.warns(UserWarning, match='the model has been trained since, up to language_modeling'):
        portable.load(copy)


@pytest.mark.parametrize('dtype', ['float64', 'str'])
def test_variables_of_another_type_are_refused(dtype, copy):
    before, newest = (copy / 'weights.npz').read_bytes(), reading.find(str(copy))
    values = dict(reading.tensors(newest))
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value.astype(dtype) if name == 'logits/bias' else value)
        sess.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(sess, newest)
    os.remove(newest + '.progress.json')
    with pytest.warns(UserWarning), pytest.raises(FileError, match=r'bias must be float32, not (float64|string)'):
        export.write_weights(copy)
    assert (copy / 'weights.npz').read_bytes() == before
