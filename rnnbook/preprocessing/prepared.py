"""Reviews as rows at once: the chapter's steps in one, and what comes of them kept for the next run.

Shapes: N reviews (rows), T words kept of a review (`sequence_length`), W distinct words.
"""

from __future__ import annotations

import dataclasses
import itertools
import unicodedata
from typing import Any, Iterable, Optional, Tuple

import numpy as np

from rnnbook.preprocessing import cache as cached
from rnnbook.errors import check_bool, check_int
from rnnbook.base.files import check_path, sha256
from rnnbook.base.hints import StrPath
from rnnbook.preprocessing.word_table import Texts, each, sized
from rnnbook.preprocessing.review_csv import ReviewFile, split_halves
from rnnbook.preprocessing.vocabulary import Settings, Vocabulary

__all__ = ['prepare', 'load_indexed', 'rows']

#: To be raised when other arrays come of the same reviews and settings.
CACHE_FORMAT = 1


def prepare(reviews: Iterable[str], sequence_length: int = 200, *, progress: bool = True,
            **settings: Any) -> Tuple[np.ndarray, Vocabulary]:
    """Turn reviews into rows and make their vocabulary: `index_reviews` and `fixed_length` at once, and faster.

    Parameters
    ----------
    reviews : sequence of str, N long
    sequence_length : int, default 200
        T, the words cached.
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
    texts.extend('reviews', each(sized('reviews', reviews), 'Counting words occurences', progress))
    return _prepared(texts, sequence_length, settings)


def _prepared(texts, sequence_length, settings):
    """Rows of one length, and the vocabulary."""
    vocabulary, numbers = texts.make_vocabulary(settings)
    return rows(texts, numbers, sequence_length), vocabulary


def rows(texts: Texts, numbers: np.ndarray, sequence_length: int) -> np.ndarray:
    """Rows of one length: the last words of each text, zeros on the left.

    Parameters
    ----------
    texts : indexing.Texts
    numbers : numpy.ndarray of int32, shape (W,)
        Those of the distinct words, see `word_table.Texts.numbered`.
    sequence_length : int
        T, the words cached.

    Returns
    -------
    numpy.ndarray of int32, shape (N, T)
    """
    sequences = np.zeros((len(texts.rows), sequence_length), dtype=np.int32)        # (N, T)
    row = 0
    for values, ends in texts.numbered(numbers, keep=sequence_length):
        start = 0
        for end in ends:
            last = min(end - start, sequence_length)
            if last:
                sequences[row, -last:] = values[end - last:end]
            row, start = row + 1, end
    return sequences


def load_indexed(path: StrPath, sequence_length: int = 200, *, limit: Optional[int] = None, cache: bool = True,
                 progress: bool = True, **settings: Any) -> Tuple[np.ndarray, np.ndarray, Vocabulary]:
    """Read a CSV of labelled reviews as rows: `load_reviews` and `prepare` at once, or from the cache.

    What is made is kept in ``./data/cache``, under the sha256 of the CSV and the settings, so that a CSV or a setting
    that changed is never answered from there. The file is read in chunks; memory holds the numbers, not the texts.

    Parameters
    ----------
    path : str or path
        As for `load_reviews`.
    sequence_length : int, default 200
        T, the words cached.
    limit : int, optional
        Take so many reviews of each half at most, the first ones. Default: all.
    cache : bool, default True
        Look into the cache, and keep what is made there.
    progress : bool, default True
        Show a progress bar on standard error where it takes long.
    **settings
        The fields of `Settings`: `min_count`, `max_words`, `unknown`, `drop_markup`, `training_half`.

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
    FileError
        See `load_reviews`.
    """
    settings = Settings.of(settings)
    sequence_length = check_int('sequence_length', sequence_length)
    limit = None if limit is None else check_int('limit', limit)
    found = None
    if check_bool('cache', cache):
        found = cached.get('reviews', _key(sha256(check_path('path', path)), sequence_length, limit, settings))
    if found:
        words = bytes(found['words']).decode('utf-8').split('\n')
        return found['sequences'], found['labels'].astype(np.int64), Vocabulary(
            zip(filter(None, words), itertools.count(1)), settings)
    file = ReviewFile(path, progress=progress)
    texts, labels = _limited(file, limit, settings) if limit else _all(file, settings)
    sequences, vocabulary = _prepared(texts, sequence_length, settings)
    if cache:                                               # by what was read, in case that it has changed meanwhile
        cached.put('reviews', _key(file.sha256, sequence_length, limit, settings), {
            'sequences': sequences, 'labels': labels.astype(np.int8),
            'words': np.frombuffer('\n'.join(vocabulary).encode('utf-8'), dtype=np.uint8)})
    return sequences, labels, vocabulary


def _key(digest, sequence_length, limit, settings):
    """All that the arrays of a CSV depend on."""
    return dict(dataclasses.asdict(settings), format=CACHE_FORMAT, unicode=unicodedata.unidata_version, sha256=digest,
                sequence_length=sequence_length, limit=limit)


def _all(file, settings):
    texts, labels = Texts(settings.drop_markup), []
    for reviews, some in file.chunks():
        texts.extend('reviews', reviews)
        labels.append(some)
    return texts, np.concatenate(labels)


def _limited(file, limit, settings):
    x_train, y_train, x_test, y_test = split_halves(*file.all())
    texts = Texts(settings.drop_markup)
    texts.extend('reviews', x_train[:limit] + x_test[:limit])
    return texts, np.append(y_train[:limit], y_test[:limit])
