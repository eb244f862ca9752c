"""How the outputs of a row's time steps become one vector, in NumPy and in TensorFlow side by side.

A model without TensorFlow imports this file too, so the functions of tensors import TensorFlow themselves.

Shapes: N batch, n rows of a shard, T time steps, L words of the longest row, H lstm_size, F pooled size.
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np

from rnnbook.base.checks import check_bool, row_lengths
from rnnbook.errors import ArgumentValueError

__all__ = ['POOLINGS', 'Tensor', 'check_carry_state', 'tensor_lengths', 'words_first', 'words_first_tensor', 'pool',
           'pool_tensor']

POOLINGS = ('last', 'mean', 'max', 'meanmax')

#: A `tf.Tensor`.
Tensor = Any


def check_carry_state(name: str, carry_state: Optional[bool], pooling: str) -> bool:
    """Whether predictions carry the state from batch to batch."""
    if carry_state is None:
        return pooling == 'last'
    if check_bool(name, carry_state) and pooling != 'last':
        raise ArgumentValueError('%s must be False or None where pooling is %r, which reads each row on its own, not '
                                 'True' % (name, pooling))
    return carry_state


def tensor_lengths(ids: Tensor) -> Tensor:
    """`row_lengths` of a tensor (N, T): the columns from the first word on, at least 1, (N,)."""
    from rnnbook.network.devices import tf
    there = tf.concat([ids[:, :-1] > 0, tf.ones_like(ids[:, -1:], tf.bool)], axis=1)
    return tf.shape(ids)[1] - tf.argmax(tf.cast(there, tf.int32), axis=1, output_type=tf.int32)


def words_first(x: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (N, T) with their padding moved to the right, read forwards and backwards, and which are words, (N, L)."""
    lengths = row_lengths(x)                                                        # (N,)
    columns = np.arange(lengths.max() if len(x) else 1)                             # (L,)
    words = columns < lengths[:, np.newaxis]
    source = np.minimum(columns + (x.shape[1] - lengths)[:, np.newaxis], x.shape[1] - 1)
    return np.take_along_axis(x, source, axis=1) * words, x[:, ::-1][:, :len(columns)], words


def words_first_tensor(ids: Tensor, lengths: Tensor) -> Tensor:
    """The first result of `words_first`, of a tensor."""
    from rnnbook.network.devices import tf
    columns = tf.range(tf.reduce_max(tf.concat([[1], lengths], axis=0)))[tf.newaxis]           # (1, L), also of no row
    source = tf.minimum(columns + (tf.shape(ids)[1] - lengths)[:, tf.newaxis], tf.shape(ids)[1] - 1)
    return tf.gather(ids, source, batch_dims=1) * tf.cast(columns < lengths[:, tf.newaxis], ids.dtype)


def pool(pooling: str, outputs: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Pool outputs (N, T, H) over the words (N, T) of each row: (N, F)."""
    if pooling == 'last':
        return outputs[:, -1]
    mask, pooled = words[:, :, np.newaxis].astype(np.float32), []                   # (N, T, 1)
    if 'mean' in pooling:
        pooled.append((outputs * mask).sum(axis=1) / mask.sum(axis=1))
    if 'max' in pooling:
        pooled.append((outputs * mask + (mask - 1)).max(axis=1))                    # -1 is below every output
    return np.concatenate(pooled, axis=-1)


def pool_tensor(pooling: str, outputs: Tensor, words: Tensor) -> Tensor:
    """`pool` of tensors with time first, (T, n, H) and (T, n), for all but ``'last'``: (n, F)."""
    from rnnbook.network.devices import tf
    mask, pooled = tf.cast(words, tf.float32)[:, :, tf.newaxis], []                 # (T, n, 1)
    if 'mean' in pooling:
        pooled.append(tf.reduce_sum(outputs * mask, axis=0) / tf.reduce_sum(mask, axis=0))
    if 'max' in pooling:
        pooled.append(tf.reduce_max(outputs * mask + (mask - 1.0), axis=0))
    return tf.concat(pooled, axis=-1)
