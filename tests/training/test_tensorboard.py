"""Event files: TensorBoard's own reader finds figures and graph, a resumed run doubles nothing, the words fit."""

import os

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

import models
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder import checkpoint_files, run_state
from rnnbook.training import tensorboard

X, Y = models.reviews(15)


def read(logdir):
    """What TensorBoard shows: the tags, and the points of each."""
    found = event_accumulator.EventAccumulator(str(logdir))
    found.Reload()
    return found, {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in found.Tags()['scalars']}


@pytest.fixture(scope='module')
def rnn():
    return models.sentiment(engine='fused', n_words=9)


def train(rnn, place, num_epochs=2, name='model', **run):
    rnn.train(X, Y, num_epochs, ckpt_dir=place / name, vocabulary=models.WORDS, logdir=place / 'log', validation=FLAT,
              quiet=True, log_every=2, **run)


FLAT = (X[:5], Y[:5])


@pytest.fixture(scope='module')
def alone(rnn, tmp_path_factory):
    place = tmp_path_factory.mktemp('alone')
    train(rnn, place)
    return place


def test_the_reader_lists_figures_and_graph(alone, rnn):
    found, points = read(alone / 'log')
    assert sorted(points) == ['epoch/accuracy', 'epoch/learning_rate', 'epoch/loss', 'epoch/val_accuracy',
                              'epoch/val_loss', 'epoch/words_per_second', 'step/gradient_norm', 'step/learning_rate',
                              'step/loss']
    assert {step for step, _ in points['step/loss']} == {2, 4, 6}
    rows = run_state.read_record(str(alone / 'model' / 'sentiment-1.ckpt')).state.history
    for column in ('loss', 'accuracy', 'val_loss', 'val_accuracy', 'learning_rate', 'words_per_second'):
        assert points['epoch/' + column] == [(row['iteration'], np.float32(row[column])) for row in rows]
    assert all(norm > 0 for _, norm in points['step/gradient_norm'])
    assert {node.name for node in found.Graph().node} == {op.name for op in rnn.g.get_operations()}


def test_a_training_is_the_same_to_the_bit_with_a_log_or_without(alone, rnn, tmp_path):
    from rnnbook.model_folder import reading
    rnn.train(X, Y, 2, ckpt_dir=tmp_path, quiet=True)
    assert reading.checksum(str(tmp_path)) == reading.checksum(str(alone / 'model'))


def test_a_run_that_goes_on_from_an_earlier_step_takes_back_what_it_does_again(alone, rnn, tmp_path):
    asked = []
    train(rnn, tmp_path, save_every=1, stop=lambda: asked.append(None) or len(asked) == 5)
    checkpoint_files.remove(str(tmp_path / 'model'), 'sentiment-1.ckpt-5')         # back to the end of the first epoch
    train(rnn, tmp_path, resume=True)
    found, points = read(tmp_path / 'log')
    _, expected = read(alone / 'log')
    del points['epoch/words_per_second'], expected['epoch/words_per_second']
    assert points == expected and found.Tags()['graph']
    train(rnn, tmp_path, 1, name='another')                 # which starts anew in the same log
    assert [step for step, _ in read(tmp_path / 'log')[1]['epoch/loss']] == [3]


def test_the_words_stand_beside_their_vectors(alone):
    folder = alone / 'log'
    assert (folder / tensorboard.METADATA).read_text('utf-8') == 'good\nbad\nfilm\na\n!\n6\n7\n8\n'
    assert tensorboard.METADATA in (folder / 'projector_config.pbtxt').read_text()
    newest = tf.train.latest_checkpoint(str(folder))        # as the plugin finds it
    assert newest == str(folder / 'words.ckpt-6') and checkpoint_files.names(str(folder)) == ['words.ckpt-6']
    np.testing.assert_array_equal(tf.train.load_variable(newest, tensorboard.TENSOR),
                                  models.variables(alone / 'model')['embedding'][1:])


def test_the_plugin_shows_the_most_frequent_words(alone, rnn, tmp_path, monkeypatch, capsys):
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.projector import projector_plugin
    monkeypatch.setattr(tensorboard, 'MAX_WORDS', 4)
    rnn.train(X, Y, 1, ckpt_dir=tmp_path / 'model', logdir=tmp_path / 'log', vocabulary=models.WORDS)
    assert 'TensorBoard: the projector shows the 4 most frequent of 8 words\n' in capsys.readouterr().out
    from tensorboard.backend.event_processing import event_multiplexer
    runs = event_multiplexer.EventMultiplexer({'run': str(tmp_path / 'log')}).Reload()
    plugin = projector_plugin.ProjectorPlugin(base_plugin.TBContext(logdir=str(tmp_path), multiplexer=runs))
    embedding, = plugin.configs['run'].embeddings
    assert (embedding.tensor_name, list(embedding.tensor_shape)) == (tensorboard.TENSOR, [4, 2])
    assert (tmp_path / 'log' / embedding.metadata_path).read_text('utf-8').split() == ['good', 'bad', 'film', 'a']


@pytest.mark.parametrize('word, shown', [
    ('film', 'film'), ('caf\u00e9', 'caf\u00e9'), ('\\', '\\'), ('a\tb', 'a\\tb'), ('a\r\nb', 'a\\r\\nb'),
    ('\u2028', '\\u2028'), ('\ud800', '\\ud800'), ('', "''"), (' ', "' '"), ('\U0001f600', '\U0001f600')])
def test_a_word_is_one_line_that_is_not_empty(word, shown):
    assert tensorboard.label(word) == shown
    assert len(shown.splitlines()) == 1 and '\t' not in shown and shown.strip()
    shown.encode('utf-8')


def test_the_folder_of_a_model_is_no_place_for_a_log(alone, rnn, tmp_path):
    for ckpt_dir, logdir in ((tmp_path / 'new', tmp_path / 'new'), (tmp_path / 'new', alone / 'model'),
                             (alone / 'model', alone / 'model' / '..' / 'model')):
        with pytest.raises(ArgumentValueError, match='^logdir must be a folder that no model is saved into, not '):
            rnn.train(X, Y, 1, ckpt_dir=ckpt_dir, logdir=logdir)
    assert os.listdir(str(tmp_path)) == []
