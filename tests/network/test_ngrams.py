"""The n-grams of a row: their numbers, their vector, and what a review model makes of it."""

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import portable
from rnnbook.errors import FileError
from rnnbook.model_folder import description
from rnnbook.network import ngrams
from rnnbook.portable import export
from rnnbook.sentiment import SentimentRNN

V = 7


@pytest.fixture(scope='module')
def vectors():
    return np.random.RandomState(0).normal(size=(V + ngrams.BUCKETS, 3)).astype(np.float32)


def test_pairs_follow_the_words_and_their_order_matters():
    first, second = np.meshgrid(np.arange(1, 300), np.arange(1, 300))
    found = ngrams.numbers(first, second, 300)
    assert found.min() >= 300 and found.max() < 300 + ngrams.BUCKETS
    assert len(np.unique(found)) > 0.8 * found.size         # at random, 85 percent of 89,401 pairs
    assert ngrams.numbers(1, 2, 300) != ngrams.numbers(2, 1, 300)


def test_numbers_do_not_overflow():
    assert ngrams.numbers(np.array([2 ** 31 - 2]), np.array([2 ** 31 - 2]), 5)[0] == (
        5 + ((2 ** 31 - 2) * 1000003 + 2 ** 31 - 2) % 2 ** 18)


def test_a_row_is_the_sum_of_its_words_and_pairs_over_the_root_of_their_number(vectors):
    x = np.array([[0, 0, 2, 5, 2], [0, 0, 0, 0, 4], [3, 0, 6, 0, 0], [0, 0, 0, 0, 0]])
    grams = [[2, 5, 2, (2, 5), (5, 2)], [4], [3, 6], []]    # a gap parts a pair
    for row, expected in zip(ngrams.pool(vectors, x, V), grams):
        found = [vectors[each if isinstance(each, int) else ngrams.numbers(*each, V)] for each in expected]
        np.testing.assert_allclose(row, np.sum(found, axis=0) / np.sqrt(max(1, len(found))), rtol=0, atol=1e-6)


def test_padding_changes_nothing(vectors):
    x = np.array([[2, 5, 1, 1, 6]])
    padded = np.hstack([np.zeros((1, 9), int), x])
    np.testing.assert_allclose(ngrams.pool(vectors, padded, V), ngrams.pool(vectors, x, V), rtol=0, atol=1e-6)


def test_a_row_of_one_word_has_no_pair(vectors):
    np.testing.assert_array_equal(ngrams.pool(vectors, np.array([[4]]), V), vectors[[4]])


def logits(model, feed):
    """The two logits before their mean, and the cost, from the first weights."""
    parts = [model.g.get_tensor_by_name('logits_squeezed:0'), model.g.get_operation_by_name('ngram_logits/BiasAdd')]
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        return sess.run([parts[0], parts[1].outputs[0], 'cost:0', 'probabilities:0'], feed)


def test_each_logit_is_trained_and_their_mean_decides():
    x, y = models.reviews(5)
    layers, beside, cost, probabilities = logits(
        models.sentiment(ngram_size=3), {'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': 1.0})
    beside = beside[:, 0]
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-(layers + beside) / 2)), rtol=0, atol=1e-6)
    signs = np.where(y == 1, -1.0, 1.0)
    expected = [np.logaddexp(0, signs * part).mean() for part in (layers, beside)]
    assert cost == pytest.approx(np.mean(expected), abs=1e-6)
    assert cost >= np.logaddexp(0, signs * (layers + beside) / 2).mean()


def test_the_vectors_of_ngrams_are_dropped_while_training():
    x, y = models.reviews(5)
    feed = {'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': 1.0}
    whole, dropped = (logits(models.sentiment(ngram_size=30), {**feed, 'tf_keepprob:0': keep})[1]
                      for keep in (1.0, 0.5))
    assert (np.abs(whole - dropped) > 1e-3).all()


def test_they_learn_what_the_order_of_two_words_means(tmp_path):
    """Rows of the same words, told apart by which comes first."""
    x = np.array([[1, 2], [2, 1]] * 10)
    y = np.array([1, 0] * 10)
    rnn = SentimentRNN(n_words=3, seq_len=2, lstm_size=2, batch_size=10, embed_size=2, learning_rate=0.05,
                       embed_init=0.05, ngram_size=4)
    rnn.train(x, y, 60, ckpt_dir=tmp_path, keep_prob=1.0, quiet=True)
    found = rnn.evaluate(x, y)
    assert found.accuracy == 1 and found.log_loss < 0.1


def test_a_folder_keeps_them_and_another_length_does_not_fit(tmp_path):
    x, y = models.reviews()
    models.sentiment(ngram_size=2).train(x, y, 1, ckpt_dir=tmp_path, vocabulary=models.WORDS)
    assert description.read_description(str(tmp_path)).arguments['ngram_size'] == 2
    assert models.variables(tmp_path)['ngrams'].shape == (6 + ngrams.BUCKETS, 2)
    rnn = SentimentRNN.load(tmp_path)
    text = ['good film! a bad', '', 'nothing known']
    export.write_weights(tmp_path)
    np.testing.assert_allclose(portable.load(tmp_path).predict_text(text), rnn.predict_text(text), rtol=0, atol=1e-6)
    export.write_saved_model(rnn, tmp_path / 'saved')
    with tf.compat.v1.Session(graph=tf.Graph()) as sess:
        loaded = tf.compat.v1.saved_model.load(sess, ['serve'], str(tmp_path / 'saved'))
        signature = loaded.signature_def['classify']
        served = sess.run(signature.outputs['probabilities'].name, {signature.inputs['word_ids'].name: x[:3]})
    np.testing.assert_allclose(served, rnn.predict(x[:3], True, carry_state=False), rtol=0, atol=1e-6)
    for other, said in ((0, '2, not 0'), (3, '2, not 3')):
        with pytest.raises(FileError, match='ngram_size ' + said):
            models.sentiment(ngram_size=other).predict(x, ckpt_dir=tmp_path)


def test_a_run_goes_on_to_the_bit(tmp_path):
    x, y = models.reviews(20)
    for name, parts in (('whole', (3,)), ('parts', (1, 3))):
        for num_epochs in parts:
            models.sentiment(ngram_size=2, engine='fused', optimizer='lazy_adam').train(
                x, y, num_epochs, ckpt_dir=tmp_path / name, resume=True, save_every=1)
    whole, parts = (models.variables(tmp_path / name, 'sentiment-2.ckpt') for name in ('whole', 'parts'))
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])
