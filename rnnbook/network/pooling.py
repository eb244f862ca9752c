"""How the outputs of a row's time steps become one vector: the choices, and the mathematics in NumPy.

Shapes: N batch, T time steps, L words of the longest row, H lstm_size.
"""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from rnnbook.base.checks import check_bool
from rnnbook.errors import ArgumentValueError

__all__ = ['POOLINGS', 'check_carry_state', 'words_first', 'pool']

POOLINGS = ('last', 'mean', 'max', 'meanmax')


def check_carry_state(name: str, carry_state: Optional[bool], pooling: str) -> bool:
    """Whether predictions carry the state from batch to batch."""
    if carry_state is None:
        return pooling == 'last'
    if check_bool(name, carry_state) and pooling != 'last':
        raise ArgumentValueError('%s must be False or None where pooling is %r, which reads each row on its own, not '
                                 'True' % (name, pooling))
    return carry_state


def words_first(x: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with their padding on the right, where reading it changes nothing that is pooled."""
    there = np.concatenate([x[:, :-1] > 0, np.ones((len(x), 1), dtype=bool)], axis=1)
    lengths = x.shape[1] - there.argmax(axis=1)                                                     # (N,)
    columns = np.arange(lengths.max() if len(x) else 1)
    words = columns < lengths[:, np.newaxis]
    from_ = np.minimum(columns + (x.shape[1] - lengths)[:, np.newaxis], x.shape[1] - 1)
    return np.take_along_axis(x, from_, axis=1) * words, x[:, ::-1][:, :len(columns)], words


def pool(pooling: str, outputs: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Make one vector of the outputs of each row."""
    if pooling == 'last':
        return outputs[:, -1]
    mask, pooled = words[:, :, np.newaxis].astype(np.float32), []                                   # (N, T, 1)
    if 'mean' in pooling:
        pooled.append((outputs * mask).sum(axis=1) / mask.sum(axis=1))
    if 'max' in pooling:
        pooled.append(np.where(mask > 0, outputs, -1).max(axis=1))
    return np.concatenate(pooled, axis=-1)
