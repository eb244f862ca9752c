"""Adam's update of an embedding, against TensorFlow's own, row by row."""

import numpy as np
import pytest
import tensorflow as tf

from rnnbook.network import optimizers

ROWS, SIZE = 12, 5
START = np.linspace(-1, 1, ROWS * SIZE).reshape(ROWS, SIZE).astype('f4')


def run(make, steps=6):
    """The embedding and its two moments after some steps on batches that hold some rows twice and most never."""
    random = np.random.RandomState(0)
    batches = [random.randint(0, 5, size=7) for _ in range(steps)]
    with tf.Graph().as_default() as g, tf.compat.v1.Session() as sess:
        table = tf.compat.v1.Variable(START, name='embedding')
        ids = tf.compat.v1.placeholder(tf.int32, [7])
        cost = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)) * tf.range(1.0, 8.0)[:, tf.newaxis])
        optimizer = make()
        gradients = optimizers.gradients(cost, [table])
        train = optimizer.apply_gradients(zip(gradients, [table]))
        sess.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.local_variables_initializer()])
        for batch in batches:
            sess.run(train, {ids: batch})
        slots = [optimizer.get_slot(table, name) for name in ('m', 'v')]
        return sess.run([table] + slots), [variable.op.name for variable in g.get_collection('variables')]


def test_adam_moves_every_row_as_tensorflows_own_does():
    (ours, names), (theirs, their_names) = (run(lambda: make(0.1)) for make in (
        optimizers.Adam, tf.compat.v1.train.AdamOptimizer))
    assert names == their_names
    for one, other in zip(ours, theirs):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    one_step = run(lambda: optimizers.Adam(0.1), steps=1)[0]
    # A row that only the first batch has goes on moving, by its moments.
    assert np.any(np.abs(one_step[0] - ours[0]) > 1e-3)
    np.testing.assert_array_equal(ours[0][5:], START[5:])   # never in a batch: no moments, no movement


def test_lazy_adam_is_another_rule():
    adam, lazy = (run(lambda: optimizers.make(name, 0.1))[0] for name in ('adam', 'lazy_adam'))
    assert np.abs(adam[0] - lazy[0]).max() > 1e-3
    np.testing.assert_array_equal(adam[0][5:], lazy[0][5:])


def test_the_buffer_is_zero_again_after_each_step_and_no_part_of_a_checkpoint():
    with tf.Graph().as_default() as g, tf.compat.v1.Session() as sess:
        table = tf.compat.v1.Variable(tf.ones((ROWS, SIZE)), name='embedding')
        cost = tf.reduce_sum(tf.nn.embedding_lookup(table, [3, 3, 7]))
        train = optimizers.make('adam', 0.1).apply_gradients(zip(optimizers.gradients(cost, [table]), [table]))
        buffer, = g.get_collection('local_variables')
        assert buffer not in tf.compat.v1.train.Saver()._var_list
        sess.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.local_variables_initializer()])
        sess.run(train)
        assert sess.run(buffer).tolist() == np.zeros((ROWS, SIZE)).tolist()
        assert (sess.run(table) != 1).any(axis=1).tolist() == [row in (3, 7) for row in range(ROWS)]


def test_rows_that_stand_several_times_are_added_up():
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [4.0]]), tf.constant([8, 2, 8]), tf.constant([9, 1]))
        summed = optimizers.sum_rows(slices)
        rows, sums = sess.run([summed.indices, summed.values])
        dense = tf.ones((2, 2))
        assert optimizers.sum_rows(dense) is dense
    assert dict(zip(rows.tolist(), sums[:, 0].tolist())) == {8: 5.0, 2: 2.0}


@pytest.mark.parametrize('name', optimizers.OPTIMIZERS)
def test_every_optimizer_has_a_name(name):
    assert isinstance(optimizers.make(name, 0.1), tf.compat.v1.train.AdamOptimizer)
