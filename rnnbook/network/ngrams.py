"""The words and the pairs of neighbouring words of a row as one vector, in NumPy and in TensorFlow side by side.

A model without TensorFlow imports this file too, so the function of tensors imports TensorFlow itself.

Reference: Joulin et al. 2016, arXiv:1607.01759, section 2.2.

Shapes: N batch, T time steps, V `n_words`, G `ngram_size`.
"""

from __future__ import annotations

from typing import Callable, TypeVar

import numpy as np

from rnnbook.base.checks import check_int, check_size
from rnnbook.network.pooling import Tensor

__all__ = ['BUCKETS', 'check_ngram_size', 'numbers', 'pool', 'pool_tensor']

#: The numbers that pairs of words share, as in a hash table; a power of 2.
BUCKETS = 2 ** 18
FACTOR = 1000003                                            # odd, so that the pairs of one word spread over all buckets

#: A number, an array or a tensor.
Ids = TypeVar('Ids')


def check_ngram_size(name: str, value: object, n_words: int) -> int:
    """The length of the vectors of n-grams as an `int`, 0 for none."""
    size = check_int(name, value, 0)
    check_size('(n_words + %d) * %s' % (BUCKETS, name), n_words + BUCKETS, size)
    return size


def numbers(first: Ids, second: Ids, n_words: int) -> Ids:
    """The numbers of pairs of words, which follow those of single words; several pairs may share one."""
    return n_words + (first * FACTOR + second) % BUCKETS


def pool(vectors: np.ndarray, x: np.ndarray, n_words: int) -> np.ndarray:
    """The sum of the vectors of each row's n-grams, divided by the root of their number: (N, G)."""
    words = x.astype(np.int64)
    found = np.concatenate([words, numbers(words[:, :-1], words[:, 1:], n_words)], axis=1)          # (N, 2T - 1)
    there = np.concatenate([words > 0, (words[:, :-1] > 0) & (words[:, 1:] > 0)], axis=1)
    sums = (vectors[found] * there[:, :, np.newaxis]).sum(axis=1, dtype=np.float32)                 # (N, G)
    return sums / np.sqrt(np.maximum(there.sum(axis=1, keepdims=True, dtype=np.float32), 1))


def pool_tensor(lookup: Callable[[Tensor], Tensor], ids: Tensor, n_words: int) -> Tensor:
    """`pool` of a tensor; `lookup` turns numbers of n-grams into their vectors."""
    from rnnbook.network.devices import tf
    words = tf.cast(ids, tf.int64)
    pairs = numbers(words[:, :-1], words[:, 1:], n_words)
    there = words > 0
    there = tf.concat([there, there[:, :-1] & there[:, 1:]], axis=1)                                # (N, 2T - 1)
    found = tf.boolean_mask(tf.cast(tf.concat([words, pairs], axis=1), tf.int32), there)
    return tf.math.unsorted_segment_sqrt_n(lookup(found), tf.where(there)[:, 0], tf.shape(ids)[0])
