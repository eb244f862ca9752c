"""The two engines against each other: one truth, whatever the number of layers and shards."""

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import portable
from rnnbook.base.checks import row_lengths
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentValueError
from rnnbook.network import fused, lstm, optimizers, pooling
from rnnbook.portable import export
from rnnbook.sentiment import SentimentRNN

CASES = [(models.sentiment, models.reviews(20), 'reviews'), (models.char, models.characters(), 'characters')]
make_both = pytest.mark.parametrize('make, data', [case[:2] for case in CASES], ids=[case[2] for case in CASES])
SETTINGS = [dict(num_layers=1, shards=1), dict(num_layers=1, shards=2), dict(num_layers=2, shards=3)]  # uneven ones too
SLOW = [dict(num_layers=2, shards=1), dict(num_layers=3, shards=3)]
settings = pytest.mark.parametrize(
    'settings', SETTINGS + [pytest.param(each, marks=pytest.mark.slow) for each in SLOW],
    ids=lambda s: '%(num_layers)d layers, %(shards)d shards' % s)


def architecture(**settings):
    """Reviews of which some are padded and one has no word at all, and what makes models of them."""
    x, y = models.reviews(20)
    x[:, 0], x[1, :2], x[2] = 0, 0, 0
    return lambda **more: models.sentiment(**settings, **more), (x, y)


MAX = dict(pooling='max', embed_keep_prob=0.5, embed_init=0.05, optimizer='lazy_adam')
ARCHITECTURES = [{}, MAX, dict(pooling='mean', bidirectional=True), dict(bidirectional=True, grad_clip=0.01),
                 dict(pooling='meanmax', bidirectional=True, num_layers=2, embed_keep_prob=0.7)]
architectures = pytest.mark.parametrize(
    'settings', [each if each in ({}, MAX) else pytest.param(each, marks=pytest.mark.slow)
                 for each in ARCHITECTURES], ids=lambda settings: ' '.join(sorted(settings)) or 'the chapter')


def values(model, fetches, feed=None):
    """What a session of its own fetches from a model's initial weights."""
    with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
        sess.run(model.init_op)
        return sess.run(fetches, feed)


def trainable(model):
    return {variable.op.name: variable for variable in model.g.get_collection('trainable_variables')}


@make_both
@settings
def test_the_initial_weights_are_the_books_to_the_bit(make, data, settings):
    book = values(*(lambda model: (model, trainable(model)))(make(num_layers=settings['num_layers'])))
    fused = values(*(lambda model: (model, trainable(model)))(make(engine='fused', **settings)))
    assert list(book) == list(fused)
    for name in book:
        np.testing.assert_array_equal(book[name], fused[name])
    assert any(np.abs(value).max() > 0 for name, value in fused.items() if name.endswith('kernel'))


def random_feed(model, data, random):
    """A batch and a state that is not zero."""
    feed = dict(models.feeds(model, *data, keep_prob=1.0)[0])
    for c, h in model.initial_state:
        feed.update({tensor: random.normal(size=tensor.shape.as_list()).astype('f4') for tensor in (c, h)})
    return feed


@make_both
@settings
def test_outputs_states_and_gradients_are_the_books(make, data, settings):
    found = []
    for model in (make(num_layers=settings['num_layers']), make(engine='fused', **settings)):
        with model.g.as_default():
            gradients = [tf.convert_to_tensor(gradient) for gradient in
                         optimizers.gradients(model.g.get_tensor_by_name('cost:0'), list(trainable(model).values()))]
            towards_state = tf.gradients(model.g.get_tensor_by_name('cost:0'), list(model.initial_state[0]))
        fetches = {'probabilities': 'probabilities:0', 'cost': 'cost:0', 'state': model.final_state,
                   'gradients': gradients, 'towards_state': towards_state, 'norm': 'gradient_norm:0'}
        found.append(values(model, fetches, random_feed(model, data, np.random.RandomState(0))))
    book, fused = found
    np.testing.assert_allclose(fused['probabilities'], book['probabilities'], rtol=0, atol=1e-6)
    np.testing.assert_allclose(fused['cost'], book['cost'], rtol=1e-6)
    np.testing.assert_allclose(fused['norm'], book['norm'], rtol=1e-5)
    np.testing.assert_allclose(fused['state'], book['state'], rtol=0, atol=1e-6)
    for one, other in zip(fused['gradients'] + fused['towards_state'], book['gradients'] + book['towards_state']):
        assert np.abs(other).max() > 0
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


@pytest.mark.slow
@make_both
@settings
def test_the_losses_of_a_training_are_the_books(make, data, settings):
    book, fused = make(num_layers=settings['num_layers']), make(engine='fused', **settings)
    batches = models.feeds(book, *data, keep_prob=1.0)
    np.testing.assert_allclose(models.losses(fused, batches, 50), models.losses(book, batches, 50), rtol=0, atol=1e-5)


@pytest.mark.slow
@make_both
def test_a_checkpoint_of_one_engine_goes_on_in_the_other(make, data, tmp_path):
    """Weights and slots, both ways: after a restore, the next steps have the losses of a run that was not changed."""
    batches = models.feeds(make(), *data, keep_prob=1.0)
    costs = {}
    for first, second in (('book', 'book'), ('book', 'fused'), ('fused', 'book'), ('fused', 'fused')):
        before, after = make(engine=first, num_layers=2), make(engine=second, num_layers=2)
        with tf.compat.v1.Session(graph=before.g, config=before.session_config()) as sess:
            sess.run(before.init_op)
            for _ in range(3):
                sess.run('train_op', batches[0])
            before.saver.save(sess, str(tmp_path / first))
        with tf.compat.v1.Session(graph=after.g, config=after.session_config()) as sess:
            sess.run(after.init_op)
            after.saver.restore(sess, str(tmp_path / first))
            costs[first, second] = [sess.run(['cost:0', 'train_op'], batches[0])[0] for _ in range(4)]
    assert costs['book', 'book'][0] > costs['book', 'book'][-1]
    for pair in costs:
        np.testing.assert_allclose(costs[pair], costs['book', 'book'], rtol=0, atol=1e-6)


def test_a_folder_of_one_engine_is_loaded_as_the_other(tmp_path):
    x, y = models.reviews()
    models.sentiment().train(x, y, 1, ckpt_dir=tmp_path)
    rnn = SentimentRNN.load(tmp_path, engine='fused')
    assert (SentimentRNN.load(tmp_path).engine, rnn.engine) == ('book', 'fused')
    np.testing.assert_allclose(rnn.predict(x, return_proba=True),
                               SentimentRNN.load(tmp_path).predict(x, return_proba=True), rtol=0, atol=1e-6)


def test_the_number_of_shards_is_stored_and_comes_back(tmp_path):
    models.char(engine='fused', shards=3).train(*models.characters(), num_epochs=1, ckpt_dir=tmp_path)
    assert CharRNN.load(tmp_path, sampling=False).shards == 3


@pytest.mark.slow
@make_both
def test_dropout_is_the_same_for_any_number_of_shards_and_another_at_each_step_and_seed(make, data):
    batches = models.feeds(make(), *data, keep_prob=0.5)[:1]

    def losses(**more):
        return models.losses(make(**{**dict(engine='fused', num_layers=2, learning_rate=1e-30), **more}), batches, 4)

    one = losses(shards=1)
    np.testing.assert_allclose(losses(shards=3), one, rtol=0, atol=1e-6)
    assert len(set(one)) == 4                               # nothing is learned, so that only the dropout differs
    # The seed of the weights is another as well; what is kept of them is seen by how far the losses spread.
    assert not np.allclose(np.diff(losses(shards=1, seed=5)), np.diff(one), atol=1e-6)


def test_dropout_keeps_the_share_that_it_should_and_the_mean():
    model = CharRNN(5, batch_size=50, num_steps=40, lstm_size=20, engine='fused', shards=2)
    kept = [op for op in model.g.get_operations() if op.type == 'Floor']
    assert len(kept) == 1
    ones = values(model, kept[0].outputs[0], {'tf_keepprob:0': 0.8})
    assert ones.shape == (40, 50, 20) and set(np.unique(ones)) == {0.0, 1.0}
    assert ones.mean() == pytest.approx(0.8, abs=0.01)
    assert (values(model, kept[0].outputs[0], {'tf_keepprob:0': 1.0}) == 1).all()


def test_recurrent_weights_are_dropped_for_a_whole_window_others_at_each_step_and_none_where_nothing_is_dropped():
    rnn, plain = (CharRNN(5, batch_size=3, num_steps=4, lstm_size=8, num_layers=2, engine='fused', shards=2, **more)
                  for more in (dict(recurrent_keep_prob=0.5), {}))
    x, y = np.random.RandomState(0).randint(0, 5, size=(2, 3, 4))
    feed = {'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': np.nextafter(np.float32(1), np.float32(0)),
            'learning_rate:0': 0.0}
    used = [op.inputs[4] for op in rnn.g.get_operations() if op.type == 'BlockLSTM']
    assert [tensor.op.type for tensor in used] == ['Mul'] * 4 and len(set(used)) == 2   # one for both shards of a layer
    used = used[::2]
    gradients = []
    for model in (rnn, plain):
        with model.g.as_default():
            gradients.append(optimizers.gradients(model.g.get_tensor_by_name('cost:0'),
                                                  list(trainable(model).values())))
    with tf.compat.v1.Session(graph=rnn.g, config=rnn.session_config()) as sess:
        sess.run(rnn.init_op)
        weights = sess.run(trainable(rnn))
        kernels = sorted(name for name in weights if 'lstm_cell/kernel' in name)
        masked, found = sess.run([used, gradients[0]], feed)
        np.testing.assert_equal(sess.run(used, feed), masked)
        sess.run('train_op', feed)
        assert (sess.run(used[0], feed) != masked[0]).any()
        np.testing.assert_equal(sess.run(used, {**feed, 'tf_keepprob:0': 1.0}), [weights[name] for name in kernels])
    factors = {name: after / weights[name] for name, after in zip(kernels, masked)}
    for factor in factors.values():
        assert (factor[:-8] == 1).all() and set(np.unique(factor[-8:])) == {0.0, 2.0}
        assert (factor[-8:] == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert (factors[kernels[0]][-8:] != factors[kernels[1]][-8:]).any()

    # The gradient is that of a model whose kernels are the masked ones, times the factors.
    with tf.compat.v1.Session(graph=plain.g, config=plain.session_config()) as sess:
        sess.run(plain.init_op)
        for name, variable in trainable(plain).items():
            variable.load(dict(zip(kernels, masked)).get(name, weights[name]), sess)
        wanted = sess.run(gradients[1], feed)
    for name, one, other in zip(weights, found, wanted):
        np.testing.assert_allclose(one, other * factors.get(name, 1), rtol=0, atol=1e-6)


def test_the_step_counts_is_no_part_of_a_checkpoint_and_can_be_set():
    for engine in lstm.ENGINES:
        model = models.char(engine=engine)
        batch = models.feeds(model, *models.characters(), keep_prob=0.5)[0]
        assert 'step' not in [variable.op.name for variable in model.saver._var_list]
        with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
            sess.run(model.init_op)
            for step in range(3):
                assert sess.run(model.step) == step
                sess.run('train_op', batch)
            model.step.load(41, sess)
            sess.run('train_op', batch)
            assert sess.run(model.step) == 42


@pytest.mark.parametrize('rows, shards, sizes', [(4, 1, [4]), (4, 2, [2, 2]), (5, 2, [3, 2]), (7, 3, [3, 2, 2]),
                                                 (2, 3, [1, 1]), (1, 4, [1])])
def test_shards_are_as_equal_as_can_be(rows, shards, sizes):
    assert fused.shard_sizes(rows, shards) == sizes


def test_shards_are_checked():
    with pytest.raises(ValueError, match='shards must be an integer from 1 to 5, not 6'):
        models.sentiment(engine='fused', shards=6)
    assert models.sentiment(engine='fused', batch_size=1).shards == 1
    assert models.sentiment().shards is None


# ---- pooling, two directions, dropout of the inputs ------------------------------------------------------------------

@architectures
def test_every_architecture_is_the_same_in_both_engines(settings):
    """Weights to the bit, and the losses of a training, with the dropout too that does not lie between layers."""
    make, data = architecture(**settings)
    book, fused, one = make(), make(engine='fused', shards=2), make(engine='fused', shards=1)
    first = [values(model, trainable(model)) for model in (book, fused)]
    assert list(first[0]) == list(first[1])
    for name in first[0]:
        np.testing.assert_array_equal(first[0][name], first[1][name])
    batches = models.feeds(book, *data, keep_prob=1.0 if 'num_layers' in settings else 0.5)
    losses = models.losses(fused, batches, 12)
    for model in (book, one):
        np.testing.assert_allclose(losses, models.losses(model, batches, 12), rtol=0, atol=1e-6)


@architectures
def test_numpy_computes_what_every_architecture_predicts(settings, tmp_path):
    """From the weights that `portable` reads, with `pooling.pool`; the state carried and not."""
    make, (x, y) = architecture(**settings)
    make(engine='fused', shards=2).train(x, y, 2, ckpt_dir=tmp_path)
    export.write_weights(tmp_path)
    rnn, light = SentimentRNN.load(tmp_path), portable.load(tmp_path)
    rows = np.vstack([x, x[:3]])
    for carry_state in (None, False):
        found = rnn.predict(rows, True, carry_state=carry_state)
        np.testing.assert_allclose(light.predict(rows, True, carry_state=carry_state), found, rtol=0, atol=1e-6)
    if 'pooling' in settings:
        for model in (rnn, light):
            with pytest.raises(ArgumentValueError, match='^carry_state must be False or None where pooling is'):
                model.predict(rows, carry_state=True)
    again = rnn.predict(rows[::-1], True)[::-1]             # beside other rows
    assert (np.abs(again - rnn.predict(rows, True)).max() < 1e-6) == ('pooling' in settings)


def test_rows_are_read_from_their_first_word_on():
    x = np.array([[0, 0, 3, 0, 4], [0, 5, 6, 7, 8], [0, 0, 0, 0, 0]])
    forward, backward, words = pooling.words_first(x)
    assert forward.tolist() == [[3, 0, 4, 0], [5, 6, 7, 8], [0, 0, 0, 0]]
    assert backward.tolist() == [[4, 0, 3, 0], [8, 7, 6, 5], [0, 0, 0, 0]]
    assert words.sum(axis=1).tolist() == [3, 4, 1]


def test_padding_is_left_out_of_what_is_pooled():
    outputs = np.array([[[0.2, 0.4], [-0.3, 0.1], [0.5, -0.9]], [[-0.5, 0.9], [0.8, 0.8], [0.7, 0.7]]])
    words = np.array([[True, True, False], [True, False, False]])
    mean, largest = [[-0.05, 0.25], [-0.5, 0.9]], [[0.2, 0.4], [-0.5, 0.9]]
    for pooling_, expected in (('last', outputs[:, 2]), ('mean', mean), ('max', largest),
                               ('meanmax', np.hstack([mean, largest]))):
        np.testing.assert_allclose(pooling.pool(pooling_, outputs, words), expected, rtol=0, atol=1e-7)


@pytest.mark.slow
def test_gradients_are_clipped_where_they_are_asked_to_be():
    make, data = architecture(grad_clip=1e-3, learning_rate=0.5)
    free = architecture(learning_rate=0.5)[0]
    batch = models.feeds(make(), *data, keep_prob=1.0)[0]
    norms = [values(model, 'gradient_norm:0', batch) for model in (make(), free())]
    assert norms[0] == norms[1] > 1e-3                      # that of before
    moments = []
    for model in (make(), free()):
        with tf.compat.v1.Session(graph=model.g) as sess:   # after one step, those of Adam are a tenth of the gradients
            sess.run(model.init_op)
            sess.run('train_op', batch)
            moments.append([10 * sess.run(name + '/Adam:0') for name in trainable(model)])
    clipped, whole = (np.sqrt(sum((moment ** 2).sum() for moment in each)) for each in moments)
    np.testing.assert_allclose([clipped, whole], [1e-3, norms[0]], rtol=1e-4)


@pytest.mark.slow
def test_the_words_of_a_batch_that_are_dropped_are_others_at_each_step():
    make, data = architecture(embed_keep_prob=0.5, engine='fused', learning_rate=1e-30, pooling='max')
    batch = models.feeds(make(), *data, keep_prob=1.0)[:1]
    losses = models.losses(make(), batch, 4)
    assert len(set(losses)) == 4
    np.testing.assert_array_equal(losses, models.losses(make(anew=True), batch, 4))
    assert losses[0] != models.losses(make(seed=124), batch, 4)[0]


def test_numpy_and_tensorflow_agree_on_rows_of_words_and_pools():
    x = np.array([[0, 0, 3, 0, 4], [0, 5, 6, 7, 8], [0, 0, 0, 0, 0], [0, 0, 0, 0, 9]], dtype=np.int32)
    outputs = np.random.RandomState(0).uniform(-1, 1, (4, 5, 3)).astype(np.float32)
    lengths, (forward, _, words) = row_lengths(x), pooling.words_first(x)
    assert lengths.tolist() == [3, 4, 1, 1]
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        ids = tf.constant(x)
        tensor_lengths = pooling.tensor_lengths(ids)
        found = sess.run([tensor_lengths, pooling.words_first_tensor(ids, tensor_lengths)])
        np.testing.assert_array_equal(found[0], lengths)
        np.testing.assert_array_equal(found[1], forward)
        for kind in pooling.POOLINGS[1:]:
            pooled = sess.run(pooling.pool_tensor(kind, outputs[:, :4].transpose(1, 0, 2), words.T))
            np.testing.assert_allclose(pooled, pooling.pool(kind, outputs[:, :4], words), rtol=0, atol=1e-6)
