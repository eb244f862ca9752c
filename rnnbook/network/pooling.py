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
    """Whether predictions carry the state from batch to batch.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    carry_state : bool, optional
        What was given. Default: whether `pooling` is ``'last'``.
    pooling : {'last', 'mean', 'max', 'meanmax'}

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not a bool, or true where rows are read on their own.
    """
    if carry_state is None:
        return pooling == 'last'
    if check_bool(name, carry_state) and pooling != 'last':
        raise ArgumentValueError('%s must be False or None where pooling is %r, which reads each row on its own, not '
                                 'True' % (name, pooling))
    return carry_state


def words_first(x: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with their padding on the right, where reading it changes nothing that is pooled.

    Parameters
    ----------
    x : numpy.ndarray of int, shape (N, T)
        Word numbers, padding of zeros on the left. A row without a word keeps one of them.

    Returns
    -------
    forward, backward : numpy.ndarray of int, shape (N, L)
        The words of each row from the first to the last, and from the last to the first. L is the length of the longest
        row.
    words : numpy.ndarray of bool, shape (N, L)
        Where a word stands, and not padding.
    """
    there = np.concatenate([x[:, :-1] > 0, np.ones((len(x), 1), dtype=bool)], axis=1)
    lengths = x.shape[1] - there.argmax(axis=1)                                                     # (N,)
    columns = np.arange(lengths.max() if len(x) else 1)
    words = columns < lengths[:, np.newaxis]
    from_ = np.minimum(columns + (x.shape[1] - lengths)[:, np.newaxis], x.shape[1] - 1)
    return np.take_along_axis(x, from_, axis=1) * words, x[:, ::-1][:, :len(columns)], words


def pool(pooling: str, outputs: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Make one vector of the outputs of each row.

    Parameters
    ----------
    pooling : {'last', 'mean', 'max', 'meanmax'}
        ``'last'``: the output of the last time step, as in the chapter. ``'mean'`` and ``'max'``: of each unit, over
        the steps that read a word. ``'meanmax'``: both, one after the other.
    outputs : numpy.ndarray of float32, shape (N, T, H)
        Between -1 and 1, as those of an LSTM are.
    words : numpy.ndarray of bool, shape (N, T)
        Where a word is read, and not padding; at least one in each row.

    Returns
    -------
    numpy.ndarray of float32, shape (N, H), or (N, 2 * H) for ``'meanmax'``
    """
    if pooling == 'last':
        return outputs[:, -1]
    mask, pooled = words[:, :, np.newaxis].astype(np.float32), []                                   # (N, T, 1)
    if 'mean' in pooling:
        pooled.append((outputs * mask).sum(axis=1) / mask.sum(axis=1))
    if 'max' in pooling:
        pooled.append(np.where(mask > 0, outputs, -1).max(axis=1))
    return np.concatenate(pooled, axis=-1)
