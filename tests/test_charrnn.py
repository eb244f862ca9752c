"""`CharRNN`: arguments, training, sampling, folders."""

import inspect
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook.charrnn import SMOKE_RUN, CharRNN, get_top_char
from rnnbook.errors import ArgumentValueError, FileError

V = len(models.CHAR2INT)
X, Y = models.characters()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A model of two epochs."""
    folder = tmp_path_factory.mktemp('char')
    models.char().train(X, Y, 2, folder, vocabulary=models.CHAR2INT)
    return folder


def test_the_constructor_has_the_books_arguments_order_and_defaults():
    parameters = inspect.signature(CharRNN).parameters
    books = {name: p.default for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert list(books.items()) == [('num_classes', inspect.Parameter.empty), ('batch_size', 64), ('num_steps', 100),
                                   ('lstm_size', 128), ('num_layers', 1), ('learning_rate', 0.001),
                                   ('keep_prob', 0.5), ('grad_clip', 5), ('sampling', False)]


def test_training_prints_the_books_lines_and_saves_under_the_books_names(tmp_path, capsys):
    models.char().train(X, Y, 3, tmp_path)
    windows = X.shape[1] // 10
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * windows // 10
    assert lines[0].startswith('Epoch 1/3 Iteration 10| Training loss: 2.')
    assert len(lines[0].split()[-1]) == len('3.2233')
    saved = sorted(path.name for path in tmp_path.glob('*.index'))
    assert saved == ['language_modeling.ckpt-%d.index' % (windows * epoch) for epoch in (1, 2, 3)]


def test_the_newest_five_checkpoints_are_kept_over_several_runs(tmp_path):
    for _ in range(3):
        models.char().train(X, Y, 3, tmp_path)
    assert len(list(tmp_path.glob('*.index'))) == 5
    models.char().train(X, Y, 7, tmp_path, max_to_keep=0)
    assert len(list(tmp_path.glob('*.index'))) == 12


def test_sample_writes_the_starter_one_character_and_the_length(folder):
    rnn = CharRNN(V, lstm_size=6, sampling=True)
    for length in (0, 1, 20):
        text = rnn.sample(length, folder, starter_seq='the ')
        assert text.startswith('the ') and len(text) == len('the ') + 1 + length
        assert set(text) <= set(models.CHAR2INT)


def test_sample_is_what_the_listing_draws_under_numpys_global_seed(folder):
    rnn = CharRNN.load(folder)
    np.random.seed(5)
    text = rnn.sample(30, folder, starter_seq='the ')
    np.random.seed(5)
    drawn = []
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        rnn.saver.restore(sess, tf.train.latest_checkpoint(str(folder)))
        state = sess.run(rnn.initial_state)

        def step(number):
            return sess.run(['probabilities:0', rnn.final_state],
                            {'tf_x:0': [[number]], 'tf_keepprob:0': 1.0, rnn.initial_state: state})

        for char in 'the ':
            probas, state = step(models.CHAR2INT[char])
        drawn.append(get_top_char(probas, V))
        for _ in range(30):
            probas, state = step(drawn[-1])
            drawn.append(get_top_char(probas, V))
    assert text == 'the ' + ''.join(models.INT2CHAR[number] for number in drawn)


def test_temperature_near_zero_and_top_n_of_one_both_take_the_likeliest(folder):
    rnn = CharRNN.load(folder)
    assert (rnn.sample(20, folder, 'the ', top_n=1)
            == rnn.sample(20, folder, 'the ', temperature=1e-4, top_n=V)
            == rnn.sample(20, folder, 'the ', temperature=1e-300))


def test_the_two_modes_say_which_object_they_need(folder, tmp_path):
    with pytest.raises(ArgumentValueError, match='sampling must be True for sample'):
        models.char().sample(5, folder)
    with pytest.raises(ArgumentValueError, match='sampling must be False for train'):
        models.char(sampling=True).train(X, Y, 1, tmp_path / 'model')


def test_sampling_needs_a_folder_with_a_fitting_model_and_a_vocabulary(folder, tmp_path):
    with pytest.raises(FileError, match='is not there; train saves into it'):
        models.char(sampling=True).sample(5, tmp_path / 'none', 'the ')
    with pytest.raises(FileError, match='does not fit this one: lstm_size 6, not 7'):
        models.char(sampling=True, lstm_size=7).sample(5, folder, 'the ')
    models.char().train(X, Y, 1, tmp_path)
    with pytest.raises(ArgumentValueError, match='vocabulary must be given: there is none in'):
        models.char(sampling=True).sample(5, tmp_path, 'the ')
    assert models.char(sampling=True).sample(5, tmp_path, 'the ', vocabulary=models.CHAR2INT).startswith('the ')


def test_another_vocabulary_than_the_models_is_refused(folder):
    other = {char: V - 1 - number for char, number in models.CHAR2INT.items()}
    for use in (lambda rnn, ids: rnn.sample(5, folder, 'the ', vocabulary=ids),
                lambda rnn, ids: rnn.evaluate('the cat', folder, vocabulary=ids)):
        rnn = models.char(sampling=True)
        with pytest.raises(ArgumentValueError, match='^vocabulary must be that of the model in '):
            use(rnn, other)
        use(rnn, dict(models.CHAR2INT))


@pytest.mark.slow
def test_load_brings_back_everything_in_a_fresh_process_from_a_moved_folder(folder, tmp_path):
    moved = tmp_path / 'moved'
    shutil.copytree(str(folder), str(moved))
    code = ('import sys, numpy as np, rnnbook\n'
            'np.random.seed(1)\n'
            'rnn = rnnbook.CharRNN.load(sys.argv[1])\n'
            'print(rnn.sample(40, sys.argv[1], "the "))\n')
    out = subprocess.check_output([sys.executable, '-c', code, str(moved)])
    np.random.seed(1)
    assert out.decode() == CharRNN.load(folder).sample(40, folder, 'the ') + '\n'


def test_load_gives_either_mode_with_every_argument(folder):
    assert CharRNN.load(folder).sampling is True
    rnn = CharRNN.load(folder, sampling=False)
    assert (rnn.sampling, rnn.vocabulary) == (False, models.CHAR2INT)
    assert rnn.arguments() == models.char().arguments()


def test_training_goes_into_another_models_folder_only_when_told_to(tmp_path):
    models.char().train(X, Y, 1, tmp_path)
    before = sorted(os.listdir(str(tmp_path)))
    with pytest.raises(FileError, match=r'holds another model \(lstm_size 6, not 9\); choose another folder, or over'):
        models.char(lstm_size=9).train(X, Y, 1, tmp_path)
    assert sorted(os.listdir(str(tmp_path))) == before
    models.char(lstm_size=9).train(X, Y, 1, tmp_path, overwrite=True)
    assert CharRNN.load(tmp_path).lstm_size == 9


def test_evaluate_are_the_cross_entropy_of_all_but_the_first(folder):
    rnn = CharRNN.load(folder)
    text = 'the dog sat'
    nats = []
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        rnn.saver.restore(sess, tf.train.latest_checkpoint(str(folder)))
        state = sess.run(rnn.initial_state)
        for char, following in zip(text, text[1:]):
            probas, state = sess.run(['probabilities:0', rnn.final_state],
                                     {'tf_x:0': [[models.CHAR2INT[char]]], 'tf_keepprob:0': 1.0,
                                      rnn.initial_state: state})
            nats.append(-np.log(probas[0, models.CHAR2INT[following]]))
    assert len(nats) == 10
    assert rnn.evaluate(text) == pytest.approx(np.mean(nats) / np.log(2), rel=1e-5)


def test_dropout_is_the_same_in_two_runs_and_not_idle(tmp_path):
    batches = models.feeds(models.char(), X, Y, keep_prob=0.5)
    first, second = models.losses(models.char(), batches, 12), models.losses(models.char(anew=True), batches, 12)
    np.testing.assert_array_equal(first, second)
    kept = models.losses(models.char(), models.feeds(models.char(), X, Y, keep_prob=1.0), 12)
    assert np.abs(first - kept).max() > 1e-4


def test_gradients_are_clipped_to_the_global_norm():
    rnn = models.char(grad_clip=1e-9, learning_rate=1.0)
    batches = models.feeds(rnn, X, Y, keep_prob=1.0)
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        sess.run(rnn.init_op)
        sess.run('train_op', batches[0])
        slots = [variable for variable in rnn.g.get_collection('variables') if variable.op.name.endswith('/Adam')]
        norm = np.sqrt(sum(np.sum(np.square(value.astype(np.float64))) for value in sess.run(slots)))
    assert len(slots) == 4
    assert norm == pytest.approx((1 - 0.9) * 1e-9, rel=1e-3)    # the first moment after one step is 0.1 of the gradient


def test_every_public_tensor_has_the_shape_and_type_that_the_table_states():
    for sampling, n, t in ((False, 4, 10), (True, 1, 1)):
        g = models.char(sampling=sampling).g
        stated = {'tf_x:0': ((n, t), tf.int32), 'tf_y:0': ((n, t), tf.int32),
                  'probabilities:0': ((n * t, V), tf.float32), 'cost:0': ((), tf.float32)}
        for name, (shape, dtype) in stated.items():
            tensor = g.get_tensor_by_name(name)
            assert (tuple(tensor.shape.as_list()), tensor.dtype) == (shape, dtype)


def test_get_top_char_leaves_its_argument_as_it_is():
    probas = np.array([[0.1, 0.2, 0.3, 0.4]])
    np.random.seed(0)
    drawn = {get_top_char(probas, 4, top_n=2) for _ in range(50)}
    assert drawn == {2, 3}
    np.testing.assert_array_equal(probas, [[0.1, 0.2, 0.3, 0.4]])


def test_get_top_char_takes_all_where_top_n_is_past_the_vocabulary():
    np.random.seed(0)
    assert {get_top_char([0.5, 0.5], 2, top_n=9) for _ in range(50)} == {0, 1}
    assert get_top_char([[1.0]], 1) == 0


def test_the_smoke_run_fits_the_constructor():
    arguments = {name: value for name, value in SMOKE_RUN.items() if name != 'num_epochs'}
    assert models.char(**arguments).arguments()['num_steps'] == 10
