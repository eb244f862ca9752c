"""Adam as the book applies it, and what else is offered (Kingma and Ba 2015, arXiv:1412.6980)."""

from __future__ import annotations

from typing import List, Union

from rnnbook.network.devices import tf


__all__ = ['OPTIMIZERS', 'Adam', 'LazyAdam', 'gradients', 'sum_rows', 'make', 'step_counter']


def gradients(cost: tf.Tensor, variables: List[tf.Variable]) -> List[Union[tf.Tensor, tf.IndexedSlices]]:
    """The gradient of the cost with respect to each variable."""
    # Together: or a variable may be updated while the gradient of what lies below it is still to be computed from it.
    return tf.tuple([sum_rows(gradient) for gradient in tf.gradients(cost, variables)])


def sum_rows(gradient: Union[tf.Tensor, tf.IndexedSlices]) -> Union[tf.Tensor, tf.IndexedSlices]:
    """The gradient with each row once: what several positions of a batch give to one word added up, in their order."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, positions = tf.unique(gradient.indices)
    sums = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(rows))
    return tf.IndexedSlices(sums, rows, gradient.dense_shape)


class _UniqueRows:
    """For optimizers whose sparse gradients come from `gradients`, and need not be added up once more."""

    def _apply_sparse_duplicate_indices(self, grad, var):
        return self._apply_sparse(grad, var)


class Adam(_UniqueRows, tf.compat.v1.train.AdamOptimizer):
    """`AdamOptimizer` with the same update of every row of an embedding, in one pass."""

    def _apply_sparse(self, grad, var):
        with tf.init_scope():
            buffer = tf.compat.v1.Variable(
                tf.zeros(var.shape), trainable=False, use_resource=False, name=var.op.name + '/gradient',
                collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES])
        filled = tf.compat.v1.scatter_update(buffer, grad.indices, grad.values)
        applied = self._apply_dense(filled, var)
        with tf.control_dependencies([applied]):
            cleared = tf.compat.v1.scatter_update(buffer, grad.indices, tf.zeros_like(grad.values))
        return tf.group(applied, cleared)


class LazyAdam(_UniqueRows, tf.contrib.opt.LazyAdamOptimizer):
    """Adam that leaves alone the rows of an embedding that a batch does not have: another rule, faster for large ones.
    """


_CLASSES = {'adam': Adam, 'lazy_adam': LazyAdam}
OPTIMIZERS = tuple(_CLASSES)


def make(name: str, learning_rate: Union[float, tf.Tensor]) -> tf.compat.v1.train.Optimizer:
    """An optimizer."""
    return _CLASSES[name](learning_rate)


def step_counter() -> tf.Variable:
    """The number of training steps so far: the local variable ``step`` of the default graph, made at the first call."""
    with tf.compat.v1.variable_scope(tf.compat.v1.get_variable_scope(), reuse=tf.compat.v1.AUTO_REUSE):
        return tf.compat.v1.get_variable(
            'step', (), tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True,
            collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES])
