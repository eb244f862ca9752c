"""A CSV of labelled reviews, read in chunks, so that its size does not decide how much memory that takes."""

from __future__ import annotations

import codecs
import csv
import hashlib
import itertools
import os
from typing import Any, Iterator, List, Sequence, Tuple

import numpy as np

from rnnbook.base import bar as bars
from rnnbook.base.checks import StrPath, check_bool, check_length, shorten
from rnnbook.base.files import LineLimit, check_path
from rnnbook.errors import ArgumentValueError, FileError

__all__ = ['ReviewFile', 'load_reviews', 'split_halves']

#: How many bytes are read at a time, and how many rows are handed out.
BLOCK = 2 ** 18
ROWS = 1000
#: The longest field; the standard library's own limit is smaller than some texts.
MAX_FIELD = 2 ** 31 - 1


def load_reviews(path: StrPath) -> Tuple[List[str], np.ndarray]:
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
    return ReviewFile(path).all()


class ReviewFile:
    """A UTF-8 CSV with a header and at least the columns ``review`` and ``sentiment``, read once from start to end."""

    def __init__(self, path: StrPath, *, progress: bool = True) -> None:
        self.path = check_path('path', path)
        self._progress = check_bool('progress', progress)
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of the bytes that were read, 64 hexadecimal digits."""
        return self._digest.hexdigest()

    def chunks(self) -> Iterator[Tuple[List[str], np.ndarray]]:
        """Read the rows."""
        # Not by pandas: read in chunks, it cuts a row that is too long without a word if it is a chunk's first.
        reader = csv.reader(self._lines(), strict=True)
        header = self._rows(reader, 1)
        if not header:
            raise FileError('%s is empty; it needs the columns review and sentiment' % self.path)
        header, row = header[0], 0
        for column in ('review', 'sentiment'):
            if column not in header:
                raise FileError('%s needs the columns review and sentiment; it has %s'
                                % (self.path, shorten(', '.join(header), 200)))
        review, sentiment = header.index('review'), header.index('sentiment')
        for rows in iter(lambda: self._rows(reader, ROWS, len(header)), []):
            yield [fields[review] for fields in rows], self._labels([fields[sentiment] for fields in rows], row)
            row += len(rows)
        if not row:
            raise FileError('%s has a header and no rows' % self.path)

    def all(self) -> Tuple[List[str], np.ndarray]:
        """All rows at once: what `load_reviews` returns."""
        chunks = list(self.chunks())
        return [review for reviews, _ in chunks for review in reviews], np.concatenate([some for _, some in chunks])

    def _rows(self, reader, count, width=None):
        """The next rows that are not blank, each with that many fields: missing ones are empty, empty ones may go."""
        limit = csv.field_size_limit(MAX_FIELD)
        rows = []
        try:
            for row in itertools.islice(filter(_is_row, reader), count):
                if width is not None and len(row) != width:
                    if any(row[width:]):
                        raise FileError('%s cannot be read as a CSV: Expected %d fields in line %d, saw %d; a review '
                                        'with a comma needs quotes' % (self.path, width, reader.line_num, len(row)))
                    row += [''] * (width - len(row))
                rows.append(row)
        except csv.Error as error:
            what = 'EOF inside string' if 'unexpected end' in str(error) else error
            raise FileError('%s cannot be read as a CSV: line %d: %s' % (self.path, reader.line_num, what)) from error
        finally:
            csv.field_size_limit(limit)
        return rows

    def _labels(self, fields, row):
        """The labels in these fields, the first of which stands in this row of the file."""
        labels = [field.strip() for field in fields]
        for place, label in enumerate(labels):
            if label not in ('0', '1'):
                raise FileError('%s: sentiment must be 0 or 1, not %s as in row %d'
                                % (self.path, shorten(label), row + place))
        return np.array(labels, dtype=np.int64)

    def _lines(self):
        """The lines of the file with their ends."""
        rest = []
        for text in self._texts():
            lines = text.split('\n')
            for line in lines[:-1]:
                yield ''.join(rest) + line + '\n'
                rest = []
            rest.append(lines[-1])
        if any(rest):
            yield ''.join(rest)

    def _texts(self):
        """The text of the file in blocks, checked and hashed on the way."""
        decoder, position, characters = codecs.getincrementaldecoder('utf-8-sig')(), 0, 0
        limit = LineLimit(self.path)
        for block in itertools.chain(self._blocks(), [b'']):
            self._digest.update(block)
            left = len(decoder.getstate()[0])               # of the block before: the start of a character
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise FileError('%s is not UTF-8: byte %d is 0x%02x'
                                % (self.path, position - left + error.start, error.object[error.start])) from error
            if '\0' in text:
                raise FileError('%s cannot be read as a CSV: character %d is NUL'
                                % (self.path, characters + text.index('\0')))
            limit.feed(text)
            position += len(block)
            characters += len(text)
            yield text

    def _blocks(self):
        """The bytes of the file in blocks."""
        try:
            if os.path.isdir(self.path):
                raise FileError('%s is a folder, not a file' % self.path)
            with open(self.path, 'rb') as file:
                blocks, total = iter(lambda: file.read(BLOCK), b''), -(-os.path.getsize(self.path) // BLOCK)
                yield from bars.show_bar(blocks, total, 'Reading ' + self.path) if self._progress else blocks
        except FileError:
            raise
        except OSError as error:
            raise FileError('cannot read %s: %s' % (self.path, error.strerror)) from error


def _is_row(fields):
    return len(fields) > 1 or fields and not fields[0].isspace()


def split_halves(x: Sequence[Any], y: Sequence[Any]) -> Tuple[Any, Any, Any, Any]:
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
