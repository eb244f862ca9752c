"""The n-grams of a row, its words and its pairs of neighbouring words, as one vector: the numbers, and the mathematics
in NumPy (Joulin et al. 2016, arXiv:1607.01759, section 2.2).

Shapes: N batch, T time steps, V `n_words`, G `ngram_size`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnbook.base.checks import check_int, check_sizes

__all__ = ['BUCKETS', 'check_ngram_size', 'numbers', 'pool']

#: The numbers that pairs of words share, as a hash table would have them; a power of 2.
BUCKETS = 2 ** 18
FACTOR = 1000003                                            # odd, so that the pairs of one word do not fall together


def check_ngram_size(name: str, value: Any, n_words: int) -> int:
    """The length of the vectors of n-grams as an `int`, 0 for none."""
    size, rows = check_int(name, value, 0), '(n_words+%d)' % BUCKETS
    check_sizes({rows: n_words + BUCKETS, name: size}, '%s %s' % (rows, name))
    return size


def numbers(first: Any, second: Any, n_words: int) -> Any:
    """The numbers of pairs of words, which follow those of single words; several pairs may have the same."""
    return n_words + (first * FACTOR + second) % BUCKETS


def pool(vectors: np.ndarray, x: np.ndarray, n_words: int) -> np.ndarray:
    """The sum of the vectors of a row's n-grams, over the root of how many they are."""
    words = x.astype(np.int64)
    found = np.concatenate([words, numbers(words[:, :-1], words[:, 1:], n_words)], axis=1)          # (N, 2T - 1)
    there = np.concatenate([words > 0, (words[:, :-1] > 0) & (words[:, 1:] > 0)], axis=1)
    sums = (vectors[found] * there[:, :, np.newaxis]).sum(axis=1, dtype=np.float32)                 # (N, G)
    return sums / np.sqrt(np.maximum(there.sum(axis=1, keepdims=True, dtype=np.float32), 1))
