"""Draw characters from probabilities: one by one as in the chapter, and many at once with the same result.

V is the number of characters.
"""

from __future__ import annotations

from typing import Iterable, Iterator, List, Mapping, Optional, Union

import numpy as np

from rnnbook.base.checks import ArrayLike, as_array, check_int, check_number, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError

__all__ = ['check_top_n', 'get_top_char', 'apply_temperature', 'uniform_numbers', 'draw', 'spell']

#: The rule that `_drawable` checks.
UNDRAWABLE = 'probas must be finite and not negative, with at least one above 0'


def check_top_n(name: str, top_n: Union[int, str, None], num_classes: int) -> int:
    """The number of likeliest characters to draw from, at most `num_classes`; 'all' and None mean all."""
    if top_n is None or (isinstance(top_n, str) and top_n == 'all'):
        return num_classes
    if isinstance(top_n, str):
        raise ArgumentValueError("%s must be an integer of at least 1 or 'all', not %s" % (name, shorten(top_n)))
    if isinstance(top_n, int) and top_n > num_classes:      # however large
        return num_classes
    return min(check_int(name, top_n), num_classes)


def get_top_char(probas: ArrayLike, char_size: int, top_n: int = 5) -> int:
    """Draw one of the likeliest characters with numpy's global generator, as the chapter does.

    Parameters
    ----------
    probas : array_like of float, `char_size` in all
        The probabilities of the characters, in any shape such as (1, V); not changed.
    char_size : int
        V, the number of characters.
    top_n : int, default 5
        How many of the likeliest to draw from; V or more means all of them.

    Returns
    -------
    int
        The number of the character.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A size below 1, or probabilities that are not `char_size` in number, are negative, infinite, NaN or all zero,
        or have an infinite sum.
    """
    char_size = check_int('char_size', char_size)
    top_n = check_top_n('top_n', top_n, char_size)
    # Book: squeezes without copying, and so overwrites parts of the caller's own array with zeros.
    p = np.array(as_array('probas', probas)).reshape(-1)                            # (V,)
    if p.dtype.kind not in 'fiu':
        raise ArgumentTypeError('probas must hold numbers, not %s' % p.dtype)
    if len(p) != char_size:
        raise ArgumentValueError('probas must hold char_size = %d probabilities, not %d' % (char_size, len(p)))
    if not _drawable(p):
        raise ArgumentValueError(UNDRAWABLE)
    p[np.argsort(p)[:-top_n]] = 0
    with np.errstate(over='ignore'):
        total = np.sum(p)
    if not np.isfinite(total):
        raise ArgumentValueError('probas must have a finite sum, not %s' % total)
    p = p / total
    return int(np.random.choice(char_size, 1, p=p)[0])


def apply_temperature(probas: ArrayLike, temperature: float) -> np.ndarray:
    """Raise probabilities to the power of `1 / temperature`; `get_top_char` scales them to a sum of 1."""
    if check_number('temperature', temperature, above=0) == 1:
        return probas
    probas = as_array('probas', probas)
    if probas.dtype.kind not in 'fiu':
        raise ArgumentTypeError('probas must hold numbers, not %s' % probas.dtype)
    with np.errstate(divide='ignore', over='ignore'):       # log 0; overflow at a temperature near 0
        logs = np.log(probas.astype(np.float64))
        return np.exp((logs - logs.max(axis=-1, keepdims=True)) / temperature)


def uniform_numbers(steps: int, samples: int = 1, seed: Optional[int] = None) -> np.ndarray:
    """Draw in advance the random numbers that `get_top_char` would consume, (steps, samples)."""
    generator = np.random if seed is None else np.random.RandomState(seed)
    return generator.random_sample((samples, steps)).T


def draw(probas: ArrayLike, uniform: ArrayLike, top_n: int = 5) -> np.ndarray:
    """Draw a character for each row of probabilities, as `get_top_char` would with these random numbers."""
    rows = np.ascontiguousarray(probas).reshape(-1, probas.shape[-1])                           # (rows, V)
    if not _drawable(rows):
        raise ArgumentValueError(UNDRAWABLE)
    numbers = _likeliest(rows, top_n)                                                           # (rows, top_n)
    kept = np.zeros_like(rows)
    np.put_along_axis(kept, numbers, np.take_along_axis(rows, numbers, axis=-1), axis=-1)
    kept /= kept.sum(axis=-1, keepdims=True)                # the order of a sum decides its last bit: over all V
    cdf = np.take_along_axis(kept, numbers, axis=-1).T.astype(np.float64)                       # (top_n, rows)
    for below, here in zip(cdf, cdf[1:]):                   # numpy's own cumsum is ten times slower on short rows
        here += below
    cdf /= cdf[-1]
    # A character of probability 0 does not raise the sum, so it is never the first to exceed the random number.
    ranks = np.sum(cdf <= uniform.reshape(-1), axis=0)
    return np.take_along_axis(numbers, ranks[:, np.newaxis], axis=-1).reshape(uniform.shape)


def _likeliest(rows, top_n):
    """The numbers of the `top_n` largest in each row, ascending; ties are broken as `np.argsort` sorts them."""
    start = rows.shape[1] - top_n
    numbers = np.argpartition(rows, start, axis=-1)[:, start:]
    least = np.take_along_axis(rows, numbers, axis=-1).min(axis=-1, keepdims=True)
    if np.count_nonzero(rows >= least) > numbers.size:      # some row has a tie for the last place
        numbers = np.argsort(rows, axis=-1)[:, start:]
    return np.sort(numbers, axis=-1)                                                            # (rows, top_n)


def _drawable(probas):
    """Whether every row, along the last axis, can be drawn from."""
    return bool(np.all(np.isfinite(probas)) and probas.min() >= 0 and probas.max(axis=-1).min() > 0)


def spell(blocks: Iterable[np.ndarray], int2char: Mapping[int, str],
          stop: Optional[str] = None) -> Iterator[List[str]]:
    """Turn numbers of characters into text, block by block."""
    texts = None
    for block in blocks:
        texts = texts or [_Text(int2char, stop) for _ in range(block.shape[1])]
        yield [text.add(column) for text, column in zip(texts, block.T.tolist())]
        if all(text.ended for text in texts):
            return


class _Text:
    """A sample that grows until it ends."""

    def __init__(self, int2char, stop):
        self._int2char, self._stop = int2char, stop
        self._tail, self.ended = '', False                  # `stop` may begin in the tail

    def add(self, numbers):
        """The text that these characters add."""
        if self.ended:
            return ''
        piece = ''.join(map(self._int2char.__getitem__, numbers))
        if self._stop is None:
            return piece
        text = self._tail + piece
        end = text.find(self._stop)
        if end >= 0:
            self.ended = True
            return text[len(self._tail):end + len(self._stop)]
        self._tail = text[-len(self._stop):]
        return piece
