"""Movie reviews as rows of word indices ("Project one - performing sentiment analysis", "Preparing the data").

The chapter's two cells as functions: words are counted over all reviews and numbered from 1 by falling count, then
each review becomes its last 200 numbers, with zeros on the left. Importing this module needs only NumPy.

Shapes: N reviews (rows), T words kept of a review (`sequence_length`).
"""

from collections import Counter
from numbers import Integral, Real
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from rnnbook.base.checks import (INT32_MAX, ArrayLike, StrPath, as_array, check_bool, check_int, check_length,
                                 row_lengths, shorten)
from rnnbook.errors import ArgumentTypeError, ArgumentValueError
from rnnbook.preprocessing.review_csv import CsvLayout, load_reviews, split_halves
from rnnbook.preprocessing.review_rows import read_rows
from rnnbook.preprocessing.vocabulary import (Settings, Vocabulary, check_dict, check_word_to_int, drop_markup,
                                              separate_punctuation)
from rnnbook.preprocessing.word_table import Texts, check_texts, split_texts

__all__ = ['load_reviews', 'separate_punctuation', 'drop_markup', 'count_words', 'make_word_to_int', 'map_reviews',
           'index_reviews', 'fixed_length', 'prepare', 'load_indexed', 'encode', 'check_word_to_int', 'check_labels',
           'split_halves', 'create_batch_generator', 'shuffled', 'drop_spans', 'CsvLayout', 'Settings', 'Vocabulary']

#: How many batches' rows `shuffled` sorts by length together.
POOL = 10
#: The words that `drop_spans` drops or keeps together.
SPAN = 25


def count_words(reviews: Iterable[str], *, progress: bool = True) -> Counter:
    """Count every word of all reviews.

    Parameters
    ----------
    reviews : sequence of str, N long
    progress : bool, default True
        Show the chapter's progress bar on standard error.

    Returns
    -------
    collections.Counter
        Word to count, in order of first occurrence.

    Raises
    ------
    ArgumentTypeError
        A review that is not a `str` (NaN for instance), with its row.
    """
    counts = Counter()
    for words in split_texts('reviews', check_texts('reviews', reviews, 'Counting words occurences', progress)):
        counts.update(words)
    return counts


def make_word_to_int(counts: Mapping[str, int]) -> Dict[str, int]:
    """Number the words from 1 by falling count, ties in order of first occurrence. 0 is left for padding.

    Parameters
    ----------
    counts : collections.Counter
        As `count_words` gives it.

    Returns
    -------
    dict of str to int

    Raises
    ------
    ArgumentTypeError
        `counts` is not a dict, or a count is no integer.
    """
    check_dict('counts', counts, 'count')
    for word, count in counts.items():
        if not isinstance(count, Integral):
            raise ArgumentTypeError('counts[%s] must be an integer, not %s' % (shorten(word), shorten(count)))
    return {word: number for number, word in enumerate(sorted(counts, key=counts.get, reverse=True), 1)}


def map_reviews(reviews: Iterable[str], word_to_int: Mapping[str, int], *, progress: bool = True) -> List[List[int]]:
    """Replace every word by its number.

    Parameters
    ----------
    reviews : sequence of str, N long
    word_to_int : dict of str to int
    progress : bool, default True
        Show the chapter's progress bar on standard error.

    Returns
    -------
    list of list of int, N long

    Raises
    ------
    ArgumentTypeError
        A review that is not a `str`, with its row; a `word_to_int` that is not a dict.
    ArgumentValueError
        A word that has no number, with its row (`encode` leaves such words out).
    """
    check_dict('word_to_int', word_to_int)
    mapped = []
    for words in split_texts('reviews', check_texts('reviews', reviews, 'Map reviews to ints', progress)):
        try:
            mapped.append([word_to_int[word] for word in words])
        except KeyError as error:
            raise ArgumentValueError('word_to_int has no number for %s in row %d of reviews; encode leaves such words '
                                     'out' % (shorten(error.args[0]), len(mapped))) from None
    return mapped


def index_reviews(reviews: Iterable[str], *, progress: bool = True) -> Tuple[List[List[int]], Dict[str, int]]:
    """`count_words`, `make_word_to_int` and `map_reviews` in one pass over the texts, with the same results.

    Parameters
    ----------
    reviews : sequence of str, N long
    progress : bool, default True
        Show a progress bar on standard error.

    Returns
    -------
    mapped : list of list of int, N long
    word_to_int : dict of str to int

    Raises
    ------
    ArgumentTypeError
        A review that is not a `str`, with its row.
    """
    texts = Texts()
    texts.extend('reviews', check_texts('reviews', reviews, 'Counting words occurences', progress))
    word_to_int, numbers = texts.make_vocabulary(Settings())
    return [row.tolist() for row in texts.numbered(numbers)], dict(word_to_int)


def fixed_length(mapped: Sequence[Sequence[int]], sequence_length: int = 200) -> np.ndarray:
    """Make rows of one length: the last `sequence_length` numbers of each, zeros on the left.

    Parameters
    ----------
    mapped : sequence of sequences of int, N long
        As `map_reviews` gives it. An empty one becomes a row of zeros.
    sequence_length : int, default 200
        T, the words kept.

    Returns
    -------
    numpy.ndarray of int32, shape (N, T)

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        `sequence_length` is not an integer of at least 1, or `mapped` holds something else than rows of integers from
        0 to the largest int32.
    """
    sequence_length = check_int('sequence_length', sequence_length)
    sequences = np.zeros((check_length('mapped', mapped), sequence_length), dtype=np.int32)         # (N, T)
    for row, numbers in enumerate(mapped):
        # Book: the listing assigns to `[-len(row):]`, which stops at a review without a word.
        if check_length('each row of mapped', numbers):
            last = as_array('each row of mapped', numbers[-sequence_length:])
            if last.ndim != 1 or last.dtype.kind not in 'iu':
                raise ArgumentTypeError('mapped must hold integers, not %s as in row %d' % (shorten(numbers), row))
            if last.min() < 0 or last.max() > INT32_MAX:
                raise ArgumentValueError('mapped must hold integers from 0 to %d, not %s as in row %d'
                                         % (INT32_MAX, shorten(numbers), row))
            sequences[row, -len(last):] = last
    return sequences


def prepare(reviews: Iterable[str], sequence_length: int = 200, *, progress: bool = True,
            **settings: object) -> Tuple[np.ndarray, Vocabulary]:
    """Turn reviews into rows and make their vocabulary: `index_reviews` and `fixed_length` at once, and faster.

    Parameters
    ----------
    reviews : sequence of str, N long
    sequence_length : int, default 200
        T, the words kept.
    progress : bool, default True
        Show a progress bar on standard error.
    **settings
        The fields of `Settings`: `min_count`, `max_words`, `unknown`, `drop_markup`, `training_half`.

    Returns
    -------
    sequences : numpy.ndarray of int32, shape (N, T)
    vocabulary : Vocabulary
        A dict like `word_to_int`, with the settings.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A review that is not a `str`, with its row; a wrong length or setting.
    """
    settings = Settings.of(settings)
    sequence_length = check_int('sequence_length', sequence_length)
    texts = Texts(settings.drop_markup)
    texts.extend('reviews', check_texts('reviews', reviews, 'Counting words occurences', progress))
    vocabulary, numbers = texts.make_vocabulary(settings)
    return texts.sequences(numbers, sequence_length), vocabulary


def load_indexed(path: StrPath, sequence_length: int = 200, *, limit: Optional[int] = None, cache: bool = True,
                 progress: bool = True, **settings: object) -> Tuple[np.ndarray, np.ndarray, Vocabulary]:
    """Read a CSV of labelled reviews as rows: `load_reviews` and `prepare` at once, or from the cache.

    Results are kept in ``./data/cache`` under the sha256 of the CSV and all settings, so a changed CSV or setting
    never hits a stale entry. The file is read in chunks; memory holds the numbers, not the texts.

    Parameters
    ----------
    path : str or path
        As for `load_reviews`.
    sequence_length : int, default 200
        T, the words kept.
    limit : int, optional
        Use only the first reviews of each half, at most this many. Default: all.
    cache : bool, default True
        Read and write the cache.
    progress : bool, default True
        Show a progress bar on standard error if it takes long.
    **settings
        The fields of `CsvLayout`, as for `load_reviews`, and of `Settings`: `min_count`, `max_words`, `unknown`,
        `drop_markup`, `training_half`.

    Returns
    -------
    sequences : numpy.ndarray of int32, shape (N, T)
    labels : numpy.ndarray of int64, shape (N,)
    vocabulary : Vocabulary
        A dict like `word_to_int`, with the settings.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        An argument of the wrong type or out of range.
    FileError, RequirementError
        See `load_reviews`; or no review has a word.
    """
    return read_rows(path, sequence_length, limit=limit, cache=cache, progress=progress, **settings)[:3]


def encode(texts: Iterable[str], vocabulary: Mapping[str, int], sequence_length: int = 200, *,
           return_unknown: bool = False) -> Union[np.ndarray, Tuple[np.ndarray, np.ndarray]]:
    """Turn new texts into rows for a model that was trained with this vocabulary.

    Text is cleaned as the vocabulary's settings say. Words that it lacks are left out, or get its number for unknown
    words.

    Parameters
    ----------
    texts : sequence of str, N long
    vocabulary : dict of str to int
        The `word_to_int` of the training texts, or their `Vocabulary`.
    sequence_length : int, default 200
        T, the words kept.
    return_unknown : bool, default False
        Also return how many words the vocabulary lacks.

    Returns
    -------
    sequences : numpy.ndarray of int32, shape (N, T)
    unknown : numpy.ndarray of int64, shape (N,)
        The words of each text that the vocabulary lacks; only with `return_unknown`.

    Raises
    ------
    ArgumentTypeError
        A text that is not a `str`, with its row; a vocabulary that is not a dict.
    """
    vocabulary = Vocabulary.of('vocabulary', vocabulary)
    sequence_length = check_int('sequence_length', sequence_length)
    check_bool('return_unknown', return_unknown)
    found = Texts(vocabulary.settings.drop_markup)
    found.extend('texts', check_texts('texts', texts))
    known, numbers = found.look_up(vocabulary)
    sequences = found.sequences(numbers, sequence_length)
    if not return_unknown:
        return sequences
    return sequences, np.array([len(row) - known[row].sum() for row in found.rows], dtype=np.int64)


def check_labels(name: str, labels: ArrayLike, rows: int) -> np.ndarray:
    """The labels as float32, which is what `tf_y` takes.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    labels : array_like, shape (rows,)
        0 and 1, as integers, floats or bools.
    rows : int
        How many there must be.

    Returns
    -------
    numpy.ndarray of float32, shape (rows,)

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not numbers, another shape, or a value other than 0 and 1; the message names the first such row.
    """
    check_length(name, labels)
    array = as_array(name, labels)
    if array.shape != (rows,):
        raise ArgumentValueError('%s must have the shape (%d,), one label a row, not %s' % (name, rows, array.shape))
    for row, label in enumerate(array.tolist()):
        if not isinstance(label, Real):
            raise ArgumentTypeError('%s must hold the numbers 0 and 1, not %s as in row %d'
                                    % (name, shorten(label), row))
        if label not in (0, 1):
            raise ArgumentValueError('%s must hold 0 and 1, not %s as in row %d' % (name, label, row))
    return array.astype(np.float32)


def create_batch_generator(x: np.ndarray, y: Optional[np.ndarray] = None, batch_size: int = 64) -> Union[
        Iterator[np.ndarray], Iterator[Tuple[np.ndarray, np.ndarray]]]:
    """Yield the rows in whole batches, in order; rows after the last whole batch are left out, as in the chapter.

    Parameters
    ----------
    x : numpy.ndarray, shape (N, ...)
    y : numpy.ndarray, shape (N, ...), optional
    batch_size : int, default 64

    Yields
    ------
    x, y : arrays of `batch_size` rows
        `x` alone where no `y` is given.
    """
    batch_size = check_int('batch_size', batch_size)
    rows = check_length('x', x)
    if y is not None and check_length('y', y) != rows:
        raise ArgumentValueError('y must have one row for each of the %d rows of x, not %d' % (rows, len(y)))
    batches = (slice(start, start + batch_size) for start in range(0, rows - batch_size + 1, batch_size))
    return (x[batch] if y is None else (x[batch], y[batch]) for batch in batches)


def shuffled(x: np.ndarray, batch_size: int, seed: int, epoch: int, *, by_length: bool = False) -> np.ndarray:
    """A random order of the rows, different for each epoch.

    Parameters
    ----------
    x : numpy.ndarray of int, shape (N, T)
        Word numbers, padding of zeros on the left.
    batch_size : int
    seed, epoch : int
        The order follows from them.
    by_length : bool, default False
        Put rows of similar length into a batch: the rows of each `POOL` batches are sorted by length, then all batches
        are shuffled.

    Returns
    -------
    numpy.ndarray of int, shape (N // batch_size * batch_size,)
        Numbers of rows. Rows that would not fill a batch are left out, different ones in each epoch.
    """
    random = np.random.RandomState([seed, epoch])
    order = random.permutation(len(x))[:len(x) // batch_size * batch_size]
    if not by_length:
        return order
    lengths = row_lengths(x[order])
    pools = np.arange(len(order)) // (POOL * batch_size)
    batches = order[np.lexsort((lengths, pools))].reshape(-1, batch_size)
    return random.permutation(batches).ravel()


def drop_spans(x: np.ndarray, keep_prob: float, seed: int, epoch: int) -> np.ndarray:
    """Leave out spans of neighbouring words at random, as dropout for whole passages of a review.

    Parameters
    ----------
    x : numpy.ndarray of int, shape (N, T)
        Word numbers, padding of zeros on the left.
    keep_prob : float
        Probability that a span of `SPAN` words is kept. A row of which nothing would be left stays whole.
    seed, epoch : int
        The spans follow from them.

    Returns
    -------
    numpy.ndarray of int, shape (N, T)
        The words that are kept, with more padding on the left.
    """
    random = np.random.RandomState([seed, epoch, SPAN])
    rows, steps = x.shape
    spans, start = random.random_sample((rows, steps // SPAN + 2)) < keep_prob, random.randint(SPAN)
    words = x > 0
    kept = words & np.repeat(spans, SPAN, axis=1)[:, start:start + steps]
    kept |= words & ~kept.any(axis=1, keepdims=True)
    found = np.zeros_like(x)
    found[np.arange(steps) >= steps - kept.sum(axis=1, keepdims=True)] = x[kept]
    return found
