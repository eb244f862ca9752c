"""The reviews of a CSV as rows of word numbers, with their labels and vocabulary: read from the file or the cache."""

import collections
import itertools
import json
import unicodedata
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from rnnbook.base.checks import StrPath, check_bool, check_int
from rnnbook.base.files import sha256, stamp
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.preprocessing import cache as cached
from rnnbook.preprocessing.review_csv import CsvLayout, ReviewFile
from rnnbook.preprocessing.vocabulary import Settings, Vocabulary
from rnnbook.preprocessing.word_table import Texts

#: Raise it when the same reviews and settings give other arrays than before.
CACHE_FORMAT = 4


class ReviewRows(NamedTuple):
    """What `imdb.load_indexed` makes from a CSV, and facts about the rows used that are worth printing."""

    sequences: np.ndarray
    labels: np.ndarray
    vocabulary: Vocabulary
    #: Of each label: its text, what it means, and its rows.
    label_counts: List[Tuple[str, int, int]]
    #: The average of the reviews.
    mean_words: float


def read_rows(path: StrPath, sequence_length: int, *, limit: Optional[int] = None, cache: bool = True,
              progress: bool = True, vocabulary: Optional[Vocabulary] = None, **settings: object) -> ReviewRows:
    """What `imdb.load_indexed` does, with the facts about the rows; or rows for a vocabulary that is there already."""
    layout = CsvLayout(**{name: settings.pop(name) for name in vars(CsvLayout()) if name in settings})
    settings = Settings.of(settings)
    sequence_length = check_int('sequence_length', sequence_length)
    limit = None if limit is None else check_int('limit', limit)
    file = ReviewFile(path, layout, progress=progress)
    if not check_bool('cache', cache) or vocabulary is not None:
        return _index(file, sequence_length, limit, settings, vocabulary)
    before = stamp(file.path)
    key = {**vars(layout), **vars(settings), 'sequence_length': sequence_length, 'limit': limit,
           'format': CACHE_FORMAT, 'unicode': unicodedata.unidata_version, 'sha256': sha256(file.path)}
    found = cached.get(key)
    if found:
        words, *facts = json.loads(found['facts'].tobytes().decode('ascii'))
        vocabulary = Vocabulary(zip(words, itertools.count(1)), settings)
        return ReviewRows(found['sequences'], found['labels'].astype(np.int64), vocabulary, *facts)
    made = _index(file, sequence_length, limit, settings)
    if stamp(file.path) == before:                              # else it was changed while it was read
        facts = json.dumps([list(made.vocabulary), made.label_counts, made.mean_words]).encode('ascii')
        cached.put(key, {'sequences': made.sequences, 'labels': made.labels.astype(np.int8),
                         'facts': np.frombuffer(facts, dtype=np.uint8)})
    return made


def _index(file, sequence_length, limit, settings, vocabulary=None):
    """Read and number the reviews of a file."""
    texts = Texts((settings if vocabulary is None else vocabulary.settings).drop_markup)
    for reviews in file.texts(limit):
        texts.extend('reviews', reviews)
    if vocabulary is None:
        vocabulary, numbers = texts.make_vocabulary(settings)
    else:
        _, numbers = texts.look_up(vocabulary)
    words = sum(map(len, texts.rows))
    if not words:
        raise FileError('%s: no review has a word; text_column is %s' % (file.path, file.layout.text_column))
    if not vocabulary and settings.min_count > 1:
        raise ArgumentValueError('min_count %d leaves no word of the reviews; lower it' % settings.min_count)
    counts = collections.Counter(zip((-file.labels).tolist(), file.label_names))
    return ReviewRows(texts.sequences(numbers, sequence_length), file.labels, vocabulary,
                      [(name, -meaning, rows) for (meaning, name), rows in sorted(counts.items())],
                      words / len(texts.rows))
