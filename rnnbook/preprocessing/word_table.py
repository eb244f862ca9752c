"""Words of many texts counted and numbered in one pass, without cleaning or splitting a text twice.

Words get the number of their first occurrence when they come by, in one dictionary that no Python code is run for;
what remains, counting and renumbering, is arithmetic on arrays.

Legend: N texts, W distinct words.
"""

from __future__ import annotations

import collections
import itertools
import operator
import struct
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from rnnbook.base import bar as bars
from rnnbook.base.checks import check_bool, shorten
from rnnbook.errors import ArgumentTypeError
from rnnbook.preprocessing.vocabulary import Settings, Vocabulary, words_of

__all__ = ['Texts', 'DROPPED', 'sized', 'text_of', 'each']

#: Stands for a word that is left out, where the others have their numbers.
DROPPED = -1
#: How many texts are renumbered at a time.
BLOCK = 1000


def sized(name: str, texts: Any) -> Sequence[Any]:
    """The argument as something to loop over and measure; each item is checked by `text_of` when its turn comes."""
    if isinstance(texts, str):
        raise ArgumentTypeError('%s must be a sequence of str, not one str; try [text]' % name)
    try:
        return texts if hasattr(texts, '__len__') else list(texts)
    except TypeError:
        raise ArgumentTypeError('%s must be a sequence of str, not %s' % (name, shorten(texts))) from None


def text_of(name: str, row: int, text: Any) -> str:
    """One of the texts, if it is one."""
    if not isinstance(text, str):
        raise ArgumentTypeError('%s must be a sequence of str; row %d is %s' % (name, row, shorten(text)))
    return text


def each(items: Sequence[Any], title: str, shown: bool) -> Iterable[Any]:
    """Go through the items under the chapter's bar, from the start, or without one."""
    return bars.show_bar(items, len(items), title, patience=0) if check_bool('progress', shown) else items


class Texts:
    """Texts as rows of words, which are numbered from 0 in order of first occurrence."""

    def __init__(self, drop_markup: bool = False) -> None:
        self.rows = []
        self._drop_markup = drop_markup
        # Numbers are kept as the four bytes that an array has for them, which are joined much faster than an array is
        # filled. The empty word, which no text has, is nothing.
        self._numbers = collections.defaultdict(map(struct.Struct('=i').pack, itertools.count()).__next__, {'': b''})

    @property
    def words(self) -> List[str]:
        """The distinct words."""
        return list(itertools.islice(self._numbers, 1, None))

    def extend(self, name: str, items: Iterable[str]) -> None:
        """Add texts."""
        for row, text in enumerate(items, len(self.rows)):
            words = words_of(text_of(name, row, text), self._drop_markup)
            # itemgetter wants two at least, and returns no tuple for one.
            numbers = operator.itemgetter('', '', *words)(self._numbers)
            self.rows.append(np.frombuffer(b''.join(numbers), dtype=np.int32))

    def make_vocabulary(self, settings: Settings) -> Tuple[Vocabulary, np.ndarray]:
        """Number the words by falling count, ties in order of first occurrence."""
        words = self.words
        counts = np.zeros(len(words), dtype=np.int64)
        for rows in self._blocks(self.rows[:len(self.rows) // 2] if settings.training_half else self.rows):
            counts += np.bincount(np.concatenate(rows), minlength=len(words))
        order = np.argsort(-counts, kind='stable')
        order = order[counts[order] >= settings.min_count][:settings.max_words]
        made = Vocabulary(zip((words[word] for word in order.tolist()), itertools.count(1)), settings)
        numbers = np.full(len(words), made.unknown if settings.unknown else DROPPED, dtype=np.int32)
        numbers[order] = np.arange(1, len(order) + 1)
        return made, numbers

    def numbered(self, numbers: np.ndarray, keep: Optional[int] = None) -> Iterator[Tuple[np.ndarray, List[int]]]:
        """The texts as rows of other numbers of the words, those that are `DROPPED` left out."""
        drops = bool((numbers == DROPPED).any())
        for rows in self._blocks(self.rows):
            if keep is not None and not drops:
                rows = [row[-keep:] for row in rows]
            values = numbers[np.concatenate(rows)]
            ends = np.cumsum([len(row) for row in rows])
            if drops:
                kept = values != DROPPED
                values, ends = values[kept], np.append(0, np.cumsum(kept))[ends]
            yield values, ends.tolist()

    @staticmethod
    def _blocks(rows):
        return (rows[start:start + BLOCK] for start in range(0, len(rows), BLOCK))
