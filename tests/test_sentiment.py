"""`SentimentRNN`: arguments, training, prediction, folders."""

import inspect
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import imdb
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.sentiment import SMOKE_RUN, SentimentRNN


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A model of two epochs, its folder and its rows."""
    folder = tmp_path_factory.mktemp('sentiment')
    x, y = models.reviews()
    rnn = models.sentiment(anew=True)
    rnn.train(x, y, 2, ckpt_dir=folder, vocabulary=models.WORDS)
    return rnn, folder, x


def test_the_constructor_has_the_books_arguments_order_and_defaults():
    parameters = inspect.signature(SentimentRNN).parameters
    books = {name: p.default for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert list(books.items()) == [('n_words', inspect.Parameter.empty), ('seq_len', 200), ('lstm_size', 256),
                                   ('num_layers', 1), ('batch_size', 64), ('learning_rate', 0.0001),
                                   ('embed_size', 200)]
    assert {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY} == {
        'engine': 'book', 'optimizer': 'adam', 'pooling': 'last', 'bidirectional': False, 'embed_keep_prob': 1.0,
        'embed_init': 1.0, 'grad_clip': None, 'shards': None, 'seed': 123, 'device': 'auto',
        'intra_op_threads': None, 'inter_op_threads': None, 'distributed': False, 'scale_learning_rate': False}


@pytest.mark.parametrize('pooling', ['last', 'max'])
def test_shuffled_rows_are_taken_in_another_order_and_a_run_resumes_in_it(pooling, tmp_path):
    x, y = models.reviews(20)
    x[:, 0] = 0
    kinds = {'whole': dict(shuffle=True), 'parts': dict(shuffle=True), 'in order': {}}
    for name, how in kinds.items():
        for num_epochs in (1, 3) if name == 'parts' else (3,):
            models.sentiment(engine='fused', pooling=pooling).train(
                x, y, num_epochs, ckpt_dir=tmp_path / name, resume=True, save_every=1, **how)
    whole, parts, in_order = (models.variables(tmp_path / name, 'sentiment-2.ckpt') for name in kinds)
    for variable in whole:
        np.testing.assert_array_equal(whole[variable], parts[variable])
    assert (whole['logits/kernel'] != in_order['logits/kernel']).any()
    with pytest.raises(FileError, match='shuffle True, not None'):
        models.sentiment(engine='fused', pooling=pooling).train(x, y, 4, ckpt_dir=tmp_path / 'whole', resume=True)


@pytest.mark.parametrize('pooling', ['last', 'max'])
def test_spans_are_dropped_and_a_run_resumes_with_the_same_ones(pooling, tmp_path, monkeypatch):
    monkeypatch.setattr(imdb, 'SPAN', 1)
    x, y = models.reviews(20)
    for name, epochs, how in (('whole', [3], 0.5), ('parts', [1, 3], 0.5), ('all', [3], 1)):
        for num_epochs in epochs:
            models.sentiment(engine='fused', pooling=pooling).train(
                x, y, num_epochs, ckpt_dir=tmp_path / name, resume=True, save_every=1, span_keep_prob=how)
    whole, parts, all_ = (models.variables(tmp_path / name, 'sentiment-2.ckpt') for name in ('whole', 'parts', 'all'))
    for variable in whole:
        np.testing.assert_array_equal(whole[variable], parts[variable])
    assert (whole['logits/kernel'] != all_['logits/kernel']).any()
    with pytest.raises(FileError, match='span_keep_prob 0.5, not None'):
        models.sentiment(engine='fused', pooling=pooling).train(x, y, 4, ckpt_dir=tmp_path / 'whole', resume=True)


def test_numpy_integers_are_integers():
    assert models.sentiment(lstm_size=np.int64(3)).arguments()['lstm_size'] == 3


X, Y = models.reviews()


def test_training_prints_the_books_lines_and_saves_under_the_books_names(tmp_path, capsys):
    models.sentiment().train(X, Y, 12, ckpt_dir=tmp_path / 'm', log_every=3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith('Epoch: 1/12 Iteration: 3 | Train loss: 0.')
    assert len(lines[0].split()[-1]) == len('0.70637')
    saved = sorted(path.name for path in (tmp_path / 'm').glob('*.index'))
    assert saved == ['sentiment-11.ckpt.index', 'sentiment-9.ckpt.index']


def test_a_run_of_fewer_than_ten_epochs_is_saved(trained):
    rnn, folder, _ = trained
    assert sorted(path.name for path in folder.iterdir()) == [
        '.lock', 'checkpoint', 'history.csv', 'model.json', 'sentiment-1.ckpt.data-00000-of-00001',
        'sentiment-1.ckpt.index', 'sentiment-1.ckpt.meta', 'sentiment-1.ckpt.progress.json']
    assert rnn.ckpt_dir == str(folder)


def test_without_ckpt_dir_the_folder_is_the_books_and_then_the_objects_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rnn = models.sentiment()
    rnn.train(X, Y, 1)
    assert os.path.isfile('model/sentiment-0.ckpt.index')
    rnn.train(X, Y, 1, ckpt_dir='other')
    shutil.rmtree('model')
    assert len(rnn.predict(X)) == 15


def test_predict_returns_a_row_for_every_row(trained):
    rnn, folder, x = trained
    for rows in (0, 1, 4, 5, 6, 13):
        labels, probabilities = rnn.predict(x[:rows]), rnn.predict(x[:rows], return_proba=True)
        assert labels.shape == probabilities.shape == (rows,)
        assert (labels.dtype, probabilities.dtype) == (np.int32, np.float32)
        np.testing.assert_array_equal(labels, np.round(probabilities))


def test_predict_carries_the_state_through_the_batches_as_the_listing_does(trained):
    rnn, folder, x = trained
    expected = []
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        rnn.saver.restore(sess, tf.train.latest_checkpoint(str(folder)))
        state = sess.run(rnn.initial_state)
        for start in (0, 5, 10):
            feed = {'tf_x:0': x[start:start + 5], 'tf_keepprob:0': 1.0, rnn.initial_state: state}
            probabilities, state = sess.run(['probabilities:0', rnn.final_state], feed_dict=feed)
            expected.extend(probabilities)
    np.testing.assert_array_equal(rnn.predict(x, return_proba=True), expected)
    assert not np.allclose(rnn.predict(x[5:], return_proba=True), expected[5:], atol=1e-7)


def test_without_the_carried_state_a_prediction_does_not_depend_on_the_rows_before(trained):
    rnn, _, x = trained
    together = rnn.predict(x, return_proba=True, carry_state=False)
    # Not to the last bit: the product of a matrix rounds a row by where in the matrix it stands.
    alone = rnn.predict(x[7:], return_proba=True, carry_state=False)
    np.testing.assert_allclose(together[7:], alone, rtol=0, atol=1e-6)


def test_evaluate_holds_the_predictions_against_the_labels(trained):
    rnn, _, x = trained
    y = models.reviews()[1]
    found = rnn.evaluate(x, y)
    assert found.accuracy == np.mean(rnn.predict(x) == y)
    assert found.confusion.sum() == 15
    alone = rnn.evaluate(x, y, carry_state=False)
    p = rnn.predict(x, return_proba=True, carry_state=False).astype(np.float64)
    assert alone.log_loss == pytest.approx(-np.mean(np.log(np.where(y == 1, p, 1 - p))))
    with pytest.raises(ArgumentValueError, match=r"y_data must have the shape \(15,\)"):
        rnn.evaluate(x, y[1:])
    with pytest.raises(ArgumentValueError, match="X_data must have at least one row"):
        rnn.evaluate(x[:0], y[:0])


def test_texts_are_classified_each_alone_and_unknown_words_are_counted(trained):
    rnn, folder, _ = trained
    texts = ["A good film!", "bad, bad", "", "a zebra"] * 3
    probabilities, unknown = rnn.predict_text(texts, return_unknown=True)
    assert (probabilities.dtype, unknown.tolist()) == (np.float32, [0, 1, 0, 1] * 3)
    np.testing.assert_allclose(probabilities, rnn.predict_text(texts[::-1])[::-1], rtol=0, atol=1e-6)
    one = rnn.predict_text("A good film!")
    assert isinstance(one, float) and one == pytest.approx(probabilities[0], abs=1e-6)
    assert rnn.predict_text("zebra", return_unknown=True)[1] == 1
    row = np.array([[0, 0, 0, models.WORDS["bad"]]])
    assert rnn.predict_text("bad") == pytest.approx(rnn.predict(row, return_proba=True, carry_state=False)[0], abs=1e-6)
    assert models.sentiment().predict_text("bad", ckpt_dir=folder) == pytest.approx(rnn.predict_text("bad"), abs=1e-6)
    assert rnn.predict_text([]).shape == (0,)
    with pytest.raises(ArgumentTypeError, match="texts must be a sequence of str; row 1 is 5"):
        rnn.predict_text(["good", 5])


def test_texts_need_a_vocabulary(tmp_path):
    rnn = models.sentiment()
    rnn.train(X, Y, 1, ckpt_dir=tmp_path)
    with pytest.raises(ArgumentValueError, match="this model cannot read texts"):
        rnn.predict_text("good")


def test_the_summary_lists_every_variable_and_counts_the_weights():
    lines = models.sentiment(num_layers=2).summary().splitlines()
    assert lines[0].startswith("SentimentRNN(batch_size=5, ")
    assert [line.split()[0] for line in lines[2:-1]] == [
        variable.op.name for variable in models.sentiment(num_layers=2).g.get_collection("trainable_variables")]
    assert lines[2].split() == ["embedding", "6", "x", "2", "12"]
    assert lines[-1].split() == ["total", str(12 + 5 * 12 + 12 + 6 * 12 + 12 + 3 + 1)]


def test_a_batch_of_one_row_works(tmp_path):
    rnn = models.sentiment(batch_size=1)
    rnn.train(X[:3], Y[:3], 1, ckpt_dir=tmp_path)
    assert rnn.predict(X[:3]).shape == (3,)


def test_prediction_needs_a_folder_with_a_fitting_model(trained, tmp_path):
    _, folder, x = trained
    with pytest.raises(FileError, match='is not there; train saves into it'):
        models.sentiment().predict(x, ckpt_dir=tmp_path / 'none')
    with pytest.raises(FileError, match='holds no checkpoint'):
        models.sentiment().predict(x, ckpt_dir=tmp_path)
    with pytest.raises(FileError, match='does not fit this one: lstm_size 3, not 4'):
        models.sentiment(lstm_size=4).predict(x, ckpt_dir=folder)
    with pytest.raises(ArgumentValueError, match=r"checkpoint must be one of those in .*sentiment-1\.ckpt.*not 'last'"):
        models.sentiment().predict(x, ckpt_dir=folder, checkpoint='last')


def test_a_named_checkpoint_is_used_instead_of_the_newest(tmp_path):
    rnn = models.sentiment()
    rnn.train(X, Y, 3, ckpt_dir=tmp_path, save_every=1)
    first = rnn.predict(X, return_proba=True, checkpoint='sentiment-0.ckpt')
    assert not np.array_equal(first, rnn.predict(X, return_proba=True))
    other = models.sentiment(anew=True)
    other.train(X, Y, 1, ckpt_dir=tmp_path / 'other')
    np.testing.assert_array_equal(first, other.predict(X, return_proba=True))


def test_load_brings_back_everything_in_a_fresh_process_from_a_moved_folder(trained, tmp_path):
    rnn, folder, x = trained
    moved = tmp_path / 'a folder with spaces'
    shutil.copytree(str(folder), str(moved))
    np.save(str(tmp_path / 'x.npy'), x)
    code = ('import sys, numpy as np, rnnbook\n'
            'rnn = rnnbook.SentimentRNN.load(sys.argv[1])\n'
            'np.save(sys.argv[3], rnn.predict(np.load(sys.argv[2]), return_proba=True))\n'
            'print(sorted(rnn.arguments().items()), dict(rnn.vocabulary))\n')
    out = subprocess.check_output([sys.executable, '-c', code, str(moved), str(tmp_path / 'x.npy'),
                                   str(tmp_path / 'p.npy')])
    np.testing.assert_array_equal(np.load(str(tmp_path / 'p.npy')), rnn.predict(x, return_proba=True))
    assert out.decode().strip() == '%s %s' % (sorted(rnn.arguments().items()), models.WORDS)


def test_two_models_live_at_once_and_do_not_touch_each_other(tmp_path):
    one, two = models.sentiment(), models.sentiment(seed=7, lstm_size=5)
    one.train(X, Y, 1, ckpt_dir=tmp_path / 'one')
    before = one.predict(X, return_proba=True)
    two.train(X, Y, 1, ckpt_dir=tmp_path / 'two')
    np.testing.assert_array_equal(one.predict(X, return_proba=True), before)
    assert not np.array_equal(two.predict(X, return_proba=True), before)


def test_a_notebook_cell_run_again_gives_the_same_weights_under_a_new_name(tmp_path, capsys):
    for _ in range(2):
        models.sentiment(anew=True).train(X, Y, 1, ckpt_dir=tmp_path)
    assert 'holds an earlier run of this model, which this one replaces' in capsys.readouterr().out
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('sentiment-0.ckpt-2')
    first, second = (models.variables(tmp_path, name) for name in ('sentiment-0.ckpt', 'sentiment-0.ckpt-2'))
    assert sorted(first) == sorted(second) != []
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_the_same_object_trains_again_from_fresh_weights(tmp_path):
    rnn = models.sentiment()
    rnn.train(X, Y, 1, ckpt_dir=tmp_path / 'a')
    rnn.train(X, Y, 1, ckpt_dir=tmp_path / 'b')
    first, second = models.variables(tmp_path / 'a'), models.variables(tmp_path / 'b')
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_another_seed_gives_other_weights(tmp_path):
    models.sentiment().train(X, Y, 1, ckpt_dir=tmp_path / 'a')
    models.sentiment(seed=124).train(X, Y, 1, ckpt_dir=tmp_path / 'b')
    name = 'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel'
    assert not np.array_equal(models.variables(tmp_path / 'a')[name], models.variables(tmp_path / 'b')[name])


def test_two_layers_train_and_predict(tmp_path):
    rnn = models.sentiment(num_layers=2)
    rnn.train(X, Y, 1, ckpt_dir=tmp_path)
    assert len(SentimentRNN.load(tmp_path).predict(X)) == 15
    assert 'rnn/multi_rnn_cell/cell_1/basic_lstm_cell/kernel' in models.variables(tmp_path)


def test_a_stop_saves_in_the_middle_of_an_epoch_and_can_be_predicted_from(tmp_path):
    asked = []
    rnn = models.sentiment()
    rnn.train(X, Y, 5, ckpt_dir=tmp_path, stop=lambda: asked.append(1) or len(asked) == 4)
    assert len(asked) == 4
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('sentiment-1.ckpt-4')
    assert len(rnn.predict(X)) == 15


def test_a_notebook_can_run_the_graph_itself():
    rnn = models.sentiment()
    with tf.compat.v1.Session(graph=rnn.g, config=rnn.session_config()) as sess:
        sess.run(rnn.init_op)
        cost, _ = sess.run(['cost:0', 'train_op'], {'tf_x:0': X[:5], 'tf_y:0': Y[:5], 'tf_keepprob:0': 0.5})
    assert 0 < cost < 2


def test_every_public_tensor_has_the_shape_and_type_that_the_table_states():
    g = models.sentiment().g
    stated = {'tf_x:0': ((5, 4), tf.int32), 'tf_y:0': ((5,), tf.float32), 'embedding:0': ((6, 2), tf.float32),
              'probabilities:0': ((5,), tf.float32), 'labels:0': ((5,), tf.int32), 'cost:0': ((), tf.float32)}
    for name, (shape, dtype) in stated.items():
        tensor = g.get_tensor_by_name(name)
        assert (tuple(tensor.shape.as_list()), tensor.dtype.base_dtype) == (shape, dtype)
    assert g.get_tensor_by_name('tf_keepprob:0').shape.ndims is None


def test_cpu_hides_the_gpu_in_every_session_of_the_model():
    assert dict(models.sentiment(device='cpu').session_config().device_count) == {'GPU': 0}


def test_the_smoke_run_fits_the_constructor():
    arguments = {name: value for name, value in SMOKE_RUN.items() if name != 'num_epochs'}
    assert models.sentiment(**arguments).arguments()['seq_len'] == 20
