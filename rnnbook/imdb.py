"""Movie reviews as rows of word indices ("Project one - performing sentiment analysis", "Preparing the data").

The chapter's two cells as functions: words are counted over all reviews and numbered from 1 by falling count, then
each review becomes its last 200 numbers, with zeros on the left. NumPy is all that importing this module needs.

Shapes: N reviews (rows), T words kept of a review (`sequence_length`).
"""

import io
import warnings
from collections import Counter
from collections.abc import Mapping
from numbers import Integral
from string import punctuation

import numpy as np

from rnnbook import progress as bars
from rnnbook.errors import (INT32_MAX, ArgumentTypeError, ArgumentValueError, FileError, as_array, check_bool,
                            check_int, check_length, check_str, check_unicode, shorten)
from rnnbook.files import LineLimit, check_path, read_text

__all__ = ['load_reviews', 'separate_punctuation', 'count_words', 'make_word_to_int', 'map_reviews', 'index_reviews',
           'fixed_length', 'encode', 'check_word_to_int', 'check_labels', 'split_halves', 'create_batch_generator']

_SPACED = str.maketrans({mark: ' %s ' % mark for mark in punctuation})


def load_reviews(path):
    """Read a CSV of labelled reviews, such as ``movie_data.csv``.

    Parameters
    ----------
    path : str or path
        A UTF-8 file with a header and at least the columns ``review`` and ``sentiment`` (0 or 1). Other columns are
        ignored. An empty field is a review without a word; no text, ``NA`` say, is taken for a missing one.

    Returns
    -------
    reviews : list of str, N long
    labels : numpy.ndarray of int64, shape (N,)

    Raises
    ------
    FileError
        Missing, a folder, empty, not UTF-8, not a CSV, without one of the columns, without rows, with a line of more
        than 2 ** 20 characters or a header of more than 1000 columns; or a label other than 0 and 1, with its row (the
        first one after the header is row 0, as in a data frame).
    """
    import pandas
    path = check_path('path', path)
    text = read_text(path, max_bytes=2 ** 31, fold=False)
    if not text.strip():
        raise FileError('%s is empty; it needs the columns review and sentiment' % path)
    LineLimit(path).feed(text)
    if '\0' in text:                                        # pandas would drop the rest of that field
        raise FileError('%s cannot be read as a CSV: character %d is NUL' % (path, text.index('\0')))
    try:
        with warnings.catch_warnings():                     # of rows longer than the header, whose ends it drops
            warnings.simplefilter('error', pandas.errors.ParserWarning)
            frame = pandas.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, index_col=False)
    except pandas.errors.ParserWarning as error:
        raise FileError('%s has rows longer than its header; a review with a comma needs quotes' % path) from error
    except (pandas.errors.ParserError, ValueError) as error:
        raise FileError('%s cannot be read as a CSV: %s' % (path, ' '.join(str(error).split()))) from error
    for column in ('review', 'sentiment'):
        if column not in frame.columns:
            raise FileError('%s needs the columns review and sentiment; it has %s'
                            % (path, shorten(', '.join(map(str, frame.columns)), 200)))
    if not len(frame):
        raise FileError('%s has a header and no rows' % path)
    labels = frame['sentiment'].str.strip()
    wrong = np.flatnonzero(~labels.isin(['0', '1']))
    if len(wrong):
        raise FileError('%s: sentiment must be 0 or 1, not %s as in row %d'
                        % (path, shorten(labels[wrong[0]]), wrong[0]))
    return list(frame['review']), labels.values.astype(np.int64)


def separate_punctuation(text):
    """Put a space on either side of each character of `string.punctuation`, and change to lower case.

    Splitting the result at white space gives the chapter's words. Applied a second time, it gives the same words.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    ArgumentTypeError
        Not a `str`.
    """
    return check_str('text', text).translate(_SPACED).lower()


def _check_dict(name, value, meaning):
    if not isinstance(value, Mapping):
        raise ArgumentTypeError('%s must be a dict of word to %s, not %s' % (name, meaning, shorten(value)))


def _texts(name, texts):
    """The argument as something to loop over and measure; each item is checked by `_words` when its turn comes."""
    if isinstance(texts, str):
        raise ArgumentTypeError('%s must be a sequence of str, not one str; try [text]' % name)
    try:
        return texts if hasattr(texts, '__len__') else list(texts)
    except TypeError:
        raise ArgumentTypeError('%s must be a sequence of str, not %s' % (name, shorten(texts))) from None


def _words(name, row, text):
    """The words of one text."""
    if not isinstance(text, str):
        raise ArgumentTypeError('%s must be a sequence of str; row %d is %s' % (name, row, shorten(text)))
    return separate_punctuation(text).split()


def _each(items, title, shown):
    """Go through the items under the chapter's bar, from the start, or without one."""
    return bars.progress(items, len(items), title, patience=0) if check_bool('progress', shown) else items


def count_words(reviews, *, progress=True):
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
    reviews = _texts('reviews', reviews)
    counts = Counter()
    for row, review in enumerate(_each(reviews, 'Counting words occurences', progress)):
        counts.update(_words('reviews', row, review))
    return counts


def make_word_to_int(counts):
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
    _check_dict('counts', counts, 'count')
    for word, count in counts.items():
        if not isinstance(count, Integral):
            raise ArgumentTypeError('counts[%s] must be an integer, not %s' % (shorten(word), shorten(count)))
    return {word: number for number, word in enumerate(sorted(counts, key=counts.get, reverse=True), 1)}


def map_reviews(reviews, word_to_int, *, progress=True):
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
    _check_dict('word_to_int', word_to_int, 'number')
    reviews = _texts('reviews', reviews)
    mapped = []
    for row, review in enumerate(_each(reviews, 'Map reviews to ints', progress)):
        try:
            mapped.append([word_to_int[word] for word in _words('reviews', row, review)])
        except KeyError as error:
            raise ArgumentValueError('word_to_int has no number for %s in row %d of reviews; encode leaves such words '
                                     'out' % (shorten(error.args[0]), row)) from None
    return mapped


def index_reviews(reviews, *, progress=True):
    """`count_words`, `make_word_to_int` and `map_reviews` in one pass over the texts.

    Words are numbered as they come and renumbered by falling count at the end, so that no text is split twice.

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
    reviews = _texts('reviews', reviews)
    counts, firsts = Counter(), {}
    mapped = []
    for row, review in enumerate(_each(reviews, 'Counting words occurences', progress)):
        words = _words('reviews', row, review)
        counts.update(words)
        mapped.append([firsts.setdefault(word, len(firsts)) for word in words])
    word_to_int = make_word_to_int(counts)
    number = [word_to_int[word] for word in firsts]         # by order of first occurrence
    return [[number[first] for first in row] for row in mapped], word_to_int


def fixed_length(mapped, sequence_length=200):
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
    return _fixed_length('mapped', mapped, check_int('sequence_length', sequence_length))


def _fixed_length(name, mapped, sequence_length):
    """The rows of `fixed_length`; `name` is the argument that the numbers come from."""
    sequences = np.zeros((check_length(name, mapped), sequence_length), dtype=np.int64)             # (N, T)
    each = 'each row of ' + name
    for row, numbers in enumerate(mapped):
        # Book: the listing assigns to `[-len(row):]`, which stops at a review without a word.
        if check_length(each, numbers):
            last = as_array(each, numbers[-sequence_length:])
            if last.ndim != 1 or last.dtype.kind not in 'iu':
                raise ArgumentTypeError('%s must hold integers, not %s as in row %d' % (name, shorten(numbers), row))
            sequences[row, -len(last):] = last
    wrong = np.flatnonzero(((sequences < 0) | (sequences > INT32_MAX)).any(axis=1))
    if len(wrong):
        raise ArgumentValueError('%s must hold integers from 0 to %d, not others as in row %d'
                                 % (name, INT32_MAX, wrong[0]))
    return sequences.astype(np.int32)


def encode(texts, vocabulary, sequence_length=200, *, return_unknown=False):
    """Turn new texts into rows for a model that was trained with this vocabulary. Words that it lacks are left out.

    Parameters
    ----------
    texts : sequence of str, N long
    vocabulary : dict of str to int
        The `word_to_int` of the training texts.
    sequence_length : int, default 200
        T, the words kept.
    return_unknown : bool, default False
        Return the number of words left out as well.

    Returns
    -------
    sequences : numpy.ndarray of int32, shape (N, T)
    unknown : numpy.ndarray of int64, shape (N,)
        How many words of each text were left out; only with `return_unknown`.

    Raises
    ------
    ArgumentTypeError
        A text that is not a `str`, with its row; a vocabulary that is not a dict.
    """
    _check_dict('vocabulary', vocabulary, 'number')
    mapped, unknown = [], []
    for row, text in enumerate(_texts('texts', texts)):
        words = _words('texts', row, text)
        mapped.append([vocabulary[word] for word in words if word in vocabulary])
        unknown.append(len(words) - len(mapped[-1]))
    sequences = _fixed_length('vocabulary', mapped, check_int('sequence_length', sequence_length))
    return (sequences, np.array(unknown, dtype=np.int64)) if check_bool('return_unknown', return_unknown) else sequences


def check_word_to_int(name, vocabulary, n_words):
    """The vocabulary as a dict of str to int, or None if it is None.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    vocabulary : dict of str to int, or None
    n_words : int
        Words have the numbers from 1 to `n_words - 1`, each its own.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
    """
    if vocabulary is None:
        return None
    _check_dict(name, vocabulary, 'number')
    seen = {}
    for word, number in vocabulary.items():
        if not isinstance(word, str):
            raise ArgumentTypeError('%s must have words for keys, not %s' % (name, shorten(word)))
        check_unicode(name, word)
        number = check_int('%s[%s]' % (name, shorten(word)), number, 1, n_words - 1)
        if seen.setdefault(number, word) != word:
            raise ArgumentValueError('%s must have a number of its own for each word, not %d for both %s and %s'
                                     % (name, number, shorten(seen[number]), shorten(word)))
    return {word: int(number) for word, number in vocabulary.items()}


def check_labels(name, labels, rows):
    """The labels as float32, which is what `tf_y` takes.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    labels : array_like, shape (rows,)
        0 and 1, as integers, floats or bools.
    rows : int
        The number that is needed.

    Returns
    -------
    numpy.ndarray of float32, shape (rows,)

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Not numbers, another shape, or another value than 0 and 1; the first such row is named.
    """
    array = as_array(name, labels)
    if array.dtype.kind not in 'iufb':
        raise ArgumentTypeError('%s must hold the numbers 0 and 1, not %s' % (name, array.dtype))
    if array.shape != (rows,):
        raise ArgumentValueError('%s must have the shape (%d,), one label a row, not %s' % (name, rows, array.shape))
    wrong = np.flatnonzero((array != 0) & (array != 1))
    if len(wrong):
        raise ArgumentValueError('%s must hold 0 and 1, not %s as in row %d' % (name, array[wrong[0]], wrong[0]))
    return array.astype(np.float32)


def split_halves(x, y):
    """Split in the middle, without shuffling: the first half to train, the rest to test (25,000 each in the chapter).

    Parameters
    ----------
    x : sequence, N long
        Rows, or texts.
    y : sequence, N long
        Their labels.

    Returns
    -------
    x_train, y_train, x_test, y_test

    Raises
    ------
    ArgumentValueError
        Fewer than 2 rows, or lengths that differ.
    """
    if check_length('x', x) != check_length('y', y):
        raise ArgumentValueError('y must have one label for each of the %d rows of x, not %d' % (len(x), len(y)))
    if len(x) < 2:
        raise ArgumentValueError('x must have at least 2 rows to be split in halves, not %d' % len(x))
    half = len(x) // 2
    # Book: `df.loc[:25000]` includes its end, so the listing takes 25,001 labels.
    return x[:half], y[:half], x[half:], y[half:]


def create_batch_generator(x, y=None, batch_size=64):
    """Go through the rows in whole batches, in order; rows after the last whole batch are left out, as in the chapter.

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
    return _batches(x, y, batch_size)


def _batches(x, y, batch_size):
    for start in range(0, len(x) - batch_size + 1, batch_size):
        stop = start + batch_size
        yield x[start:stop] if y is None else (x[start:stop], y[start:stop])
