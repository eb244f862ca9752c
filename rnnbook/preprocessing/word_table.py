"""Words of many texts counted and numbered in one pass, without cleaning or splitting a text twice.

A dictionary numbers the words in order of first occurrence without running Python code for a word; counting and
renumbering are arithmetic on arrays.

Legend: N texts, W distinct words.
"""

import collections
import itertools
import operator
import struct
from collections.abc import Mapping, Set
from typing import Iterable, Iterator, List, Tuple

import numpy as np

from rnnbook.base import bar as bars
from rnnbook.base.checks import INT32_MAX, check_bool, check_int, shorten
from rnnbook.errors import ArgumentTypeError
from rnnbook.preprocessing.vocabulary import Settings, Vocabulary, words_of

#: Stands for a word that is left out, where the others have their numbers.
DROPPED = -1
#: How many texts are counted at a time.
BLOCK = 1000


def check_texts(name: str, texts: Iterable[str], title: str = '', progress: bool = False) -> Iterable[str]:
    """The texts to loop over, under the chapter's progress bar if asked for; `split_texts` checks each of them."""
    if isinstance(texts, str):
        raise ArgumentTypeError('%s must be a sequence of str, not one str; try [text]' % name)
    # A data frame would give the names of its columns.
    if isinstance(texts, (Mapping, Set)) or hasattr(texts, 'columns') or not hasattr(texts, '__iter__'):
        raise ArgumentTypeError('%s must be a sequence of str, such as a list or one column of a data frame, not of '
                                'the type %s' % (name, type(texts).__name__))
    texts = texts if hasattr(texts, '__len__') else list(texts)
    return bars.show_bar(texts, len(texts), title, patience=0) if check_bool('progress', progress) else texts


def split_texts(name: str, texts: Iterable[str], drop_markup: bool = False, first: int = 0) -> Iterator[List[str]]:
    """The words of each text; an error names the row, counted from `first`."""
    for row, text in enumerate(texts, first):
        if not isinstance(text, str):
            raise ArgumentTypeError('%s must be a sequence of str; row %d is %s' % (name, row, shorten(text)))
        yield words_of(text, drop_markup)


class Texts:
    """Texts as rows of words, which are numbered from 0 in order of first occurrence."""

    def __init__(self, drop_markup: bool = False) -> None:
        self.rows = []
        self._drop_markup = drop_markup
        # Numbers are kept as the four bytes that an array holds for them: joining bytes is much faster than filling an
        # array. No text has the empty word, which stands for no bytes.
        self._numbers = collections.defaultdict(map(struct.Struct('=i').pack, itertools.count()).__next__, {'': b''})

    @property
    def words(self) -> List[str]:
        """The distinct words."""
        return list(itertools.islice(self._numbers, 1, None))

    def extend(self, name: str, items: Iterable[str]) -> None:
        """Add texts."""
        for words in split_texts(name, items, self._drop_markup, len(self.rows)):
            # itemgetter returns a tuple only for two items or more.
            numbers = operator.itemgetter('', '', *words)(self._numbers)
            self.rows.append(np.frombuffer(b''.join(numbers), dtype=np.int32))

    def make_vocabulary(self, settings: Settings) -> Tuple[Vocabulary, np.ndarray]:
        """Number the words by falling count, ties in order of first occurrence."""
        words, rows = self.words, self.rows[:len(self.rows) // 2] if settings.training_half else self.rows
        counts = np.zeros(len(words), dtype=np.int64)
        for start in range(0, len(rows), BLOCK):
            counts += np.bincount(np.concatenate(rows[start:start + BLOCK]), minlength=len(words))
        order = np.argsort(-counts, kind='stable')
        order = order[counts[order] >= settings.min_count][:settings.max_words]
        made = Vocabulary(zip((words[word] for word in order.tolist()), itertools.count(1)), settings)
        numbers = np.full(len(words), made.unknown if settings.unknown else DROPPED, dtype=np.int32)
        numbers[order] = np.arange(1, len(order) + 1)
        return made, numbers

    def look_up(self, vocabulary: Vocabulary) -> Tuple[np.ndarray, np.ndarray]:
        """Which words the vocabulary has, and the number of each word in it, as `numbered` takes them."""
        words = self.words
        known = np.array([word in vocabulary for word in words], dtype=bool)
        numbers = np.full(len(words), DROPPED if vocabulary.unknown is None else vocabulary.unknown, dtype=np.int32)
        given = np.array([vocabulary[word] for word in words if word in vocabulary])
        if given.size and (given.dtype.kind not in 'iu' or given.min() < 0 or given.max() > INT32_MAX):
            for word, number in vocabulary.items():         # slower, and names the word
                check_int('vocabulary[%s]' % shorten(word), number, 0)
        numbers[known] = given
        return known, numbers

    def numbered(self, numbers: np.ndarray) -> Iterator[np.ndarray]:
        """The texts as rows of these numbers of the words, without the words that are `DROPPED`."""
        drops = bool((numbers == DROPPED).any())
        for row in self.rows:
            row = numbers[row]
            yield row[row != DROPPED] if drops else row

    def sequences(self, numbers: np.ndarray, length: int) -> np.ndarray:
        """Rows of one length: these numbers of the last words of each text, zeros on the left."""
        sequences = np.zeros((len(self.rows), length), dtype=np.int32)                              # (N, T)
        for sequence, row in zip(sequences, self.numbered(numbers)):
            last = row[-length:]
            sequence[length - len(last):] = last
        return sequences
