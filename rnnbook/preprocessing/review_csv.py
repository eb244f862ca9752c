"""A CSV of labelled reviews, read with pandas in chunks, so that memory does not grow with the file."""

from __future__ import annotations

import collections
import csv
import dataclasses
import functools
import io
import itertools
import re
import types
from typing import Iterator, List, Optional, Sequence, Tuple, TypeVar

import numpy as np

from rnnbook.base.checks import (StrPath, check_bool, check_encoding, check_fields, check_int, check_length, check_str,
                                 counted, shorten)
from rnnbook.base.files import check_path
from rnnbook.errors import ArgumentValueError, FileError, RequirementError
from rnnbook.preprocessing.text_blocks import read_blocks

Row, Label = TypeVar('Row'), TypeVar('Label')

#: The rows of a chunk.
ROWS = 2000
#: Columns read beyond those of the header, since pandas silently drops the fields beyond its columns.
SPARE = 8
#: Limits for what pandas would take minutes and gigabytes to refuse: it gives each row of a chunk as many fields as the
#: row before it had.
MAX_LINE, MAX_FIELDS = 2 ** 20, 5000
SEPARATORS = ',;\t'
#: The pairs of labels that need no explanation, negative first; numbers are written without a fraction.
LABELS = [('0', '1'), ('-1', '1'), ('false', 'true'), ('negative', 'positive'), ('neg', 'pos')]
KNOWN = {label for pair in LABELS for label in pair}


@dataclasses.dataclass(frozen=True)
class CsvLayout:
    """How a CSV of reviews is laid out. The defaults suit the book's file; encoding and separator are detected.

    Parameters
    ----------
    encoding : str, optional
        The file's encoding, such as ``cp1252``. Default: UTF-8, or UTF-16 if the file starts with its byte order mark.
    separator : str, optional
        The character between two fields; ``tab`` for a tab. Default: the comma, semicolon or tab of the first line.
    text_column : str, default 'review'
        The column of the reviews: its name, in upper or lower case, or its number from 0 with `no_header`.
    label_column : str, default 'sentiment'
        The column of the labels, given like `text_column`.
    no_header : bool, default False
        The first line is a row, not the names of the columns.
    positive : str, optional
        The labels of positive reviews, separated by commas, such as ``4,5``; all other labels are negative.
        Default: 1 (0 or -1 is negative), true, positive or pos, in upper or lower case.
    shuffle_rows : int, optional
        Shuffle the rows with this seed before they are split into halves. Default: keep the order of the file.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A setting of the wrong type or out of range.
    """

    encoding: Optional[str] = None
    separator: Optional[str] = None
    text_column: str = 'review'
    label_column: str = 'sentiment'
    no_header: bool = False
    positive: Optional[str] = None
    shuffle_rows: Optional[int] = None

    def __post_init__(self) -> None:
        check_encoding('encoding', self.encoding)
        if self.separator is not None:
            separator = {'tab': '\t', '\\t': '\t'}.get(check_str('separator', self.separator), self.separator)
            if len(separator) != 1 or separator in '"\r\n\0':
                raise ArgumentValueError('separator must be one character, or tab, not %s' % shorten(self.separator))
            object.__setattr__(self, 'separator', separator)
        check_bool('no_header', self.no_header)
        for name in ('text_column', 'label_column'):
            column = getattr(self, name)
            object.__setattr__(self, name, str(column) if type(column) is int else check_str(name, column))
        if self.positive is not None and not _values(check_str('positive', self.positive)):
            raise ArgumentValueError('positive must be labels separated by commas, not %s' % shorten(self.positive))
        if self.shuffle_rows is not None:
            check_int('shuffle_rows', self.shuffle_rows, 0, 2 ** 32 - 1)


def load_reviews(path: StrPath, **layout: object) -> Tuple[List[str], np.ndarray]:
    """Read a CSV of labelled reviews, such as ``movie_data.csv``.

    Parameters
    ----------
    path : str or path
        A CSV, or one in a gzip, bz2, xz or zip file. Columns other than those of the texts and the labels are
        ignored. An empty field is a review without a word; text such as ``NA`` stays text.
    **layout
        The fields of `CsvLayout`: `encoding`, `separator`, `text_column`, `label_column`, `no_header`, `positive`,
        `shuffle_rows`.

    Returns
    -------
    reviews : list of str, N long
    labels : numpy.ndarray of int64, shape (N,)
        1 for a positive review, 0 for a negative one.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        A wrong setting.
    FileError
        The file is missing, no regular file, empty, damaged or not in its encoding; it is not a CSV, lacks one of the
        columns or has two of its name, has no rows, or has a line of more than 2 ** 20 characters; or its labels are
        not understood. Rows are counted from 0 after the header, as in a data frame.
    RequirementError
        pandas cannot be imported.
    """
    check_fields('load_reviews', CsvLayout, layout)
    file = ReviewFile(path, CsvLayout(**layout))
    reviews = list(itertools.chain.from_iterable(file.texts()))
    return reviews, file.labels


class ReviewFile:
    """A CSV of reviews, read once from start to end; its first row tells `separator`, `header` and `columns`."""

    def __init__(self, path: StrPath, layout: CsvLayout = CsvLayout(), *, labelled: bool = True,
                 progress: bool = True) -> None:
        self.path, self.layout = check_path('path', path), layout
        self.separator: str = ','
        self.header: List[str] = []
        self.columns: Optional[List[int]] = None            # the numbers of those of the texts and the labels
        self._needed = {name: _plain(getattr(layout, name)) for name in ('text_column', 'label_column')[:1 + labelled]}
        for name, column in self._needed.items():
            if layout.no_header and not column.isdigit():
                raise ArgumentValueError('%s must be a number from 0 where no_header is given, not %s'
                                         % (name, shorten(column)))
        if len(set(self._needed.values())) < len(self._needed):
            raise ArgumentValueError('text_column and label_column are the same, %s' % shorten(layout.text_column))
        self._title = 'Reading ' + self.path if check_bool('progress', progress) else None

    def _blocks(self):
        """The text of the file in blocks; what pandas would misread or choke on is refused."""
        rest = ''
        for text in read_blocks(self.path, self.layout.encoding, fold=False, title=self._title):
            lines = (rest + text).replace('\r', '\n').split('\n')
            rest = lines[-1]
            if len(rest) > MAX_LINE:
                raise FileError('%s has a line of more than %d characters' % (self.path, MAX_LINE))
            if any(len(line) > MAX_FIELDS and line.count(self.separator) > MAX_FIELDS for line in lines):
                raise FileError('%s has a line of more than %d fields' % (self.path, MAX_FIELDS))
            if '\0' in text:
                raise FileError('%s has a NUL character; is it UTF-16? Name its encoding with encoding=' % self.path)
            yield text

    def _read_header(self, blocks):
        """Find out the separator and the columns from the first row; the text that was read for it."""
        head = ''
        for block in blocks:
            head += block
            if re.search('[\r\n]', head.lstrip()):
                break
        rows = {separator: _first_row(head, separator) for separator in self.layout.separator or SEPARATORS}
        self.separator = max(rows, key=lambda separator: self._fit(rows[separator]))
        self.header = rows[self.separator]
        if not self.header:
            raise FileError('%s is empty; it must have a text on each row and its label' % self.path)
        self.columns = self._find(self.header)
        if self.columns is None:
            raise FileError(
                '%s needs the column%s %s; it has %s. Choose with %s, by names that occur once; without a header, give '
                'no_header and numbers from 0; separator= sets what separates them'
                % (self.path, 's' * (len(self._needed) > 1), ' and '.join(self._needed.values()),
                   shorten(', '.join(self.header), 200), ' and '.join(self._needed)))
        return head

    def _find(self, row):
        """The numbers of the columns that are needed, by the first row; None if it lacks one or has two of a name."""
        names = list(map(str, range(len(row)))) if self.layout.no_header else list(map(_plain, row))
        needed = self._needed.values()
        return [names.index(name) for name in needed] if all(names.count(name) == 1 for name in needed) else None

    def _fit(self, row):
        """How well a first row has the columns that are needed; without a header, a known label is a good sign."""
        columns = self._find(row)
        known = columns is not None and _label(row[columns[-1]]) in KNOWN | _values(self.layout.positive or '')
        return columns is not None, known, len(row)

    def frames(self) -> Iterator['pandas.DataFrame']:       # noqa: F821 (imported only where a CSV is read)
        """All columns of the rows, a data frame of str for each chunk."""
        try:
            import pandas
        except ImportError as error:
            raise RequirementError('pandas is needed to read %s and cannot be imported (%s); run: pip install pandas'
                                   % (self.path, error)) from error
        blocks = self._blocks()
        blocks = filter(None, itertools.chain([self._read_header(blocks)], blocks))
        # What pandas takes for a file: `read` gives the next block, however long, and '' at the end.
        file = types.SimpleNamespace(read=lambda size: next(blocks, ''), __iter__=None)
        columns, row, skip = len(self.header), 0, int(not self.layout.no_header)
        try:
            for frame in pandas.read_csv(file, sep=self.separator, header=None, names=range(columns + SPARE),
                                         index_col=False, dtype=str, keep_default_na=False, na_filter=False,
                                         engine='c', chunksize=ROWS):
                frame, skip = frame.iloc[skip:], 0
                beyond = frame.iloc[:, columns:].values.astype(bool).any(axis=1)
                if beyond.any():
                    raise FileError('%s: row %d has more than the %d fields of the first line; a field that contains %r'
                                    ' needs quotes' % (self.path, row + beyond.argmax(), columns, self.separator))
                row += len(frame)
                yield frame.iloc[:, :columns]
        except ValueError as error:                         # pandas' own errors are such
            raise FileError('%s cannot be read as a CSV: %s; is a quote not closed?'
                            % (self.path, ' '.join(str(error).split()))) from error
        if not row:
            raise FileError('%s has a header and no rows' % self.path)

    def texts(self, limit: Optional[int] = None) -> Iterator[List[str]]:
        """The reviews, a chunk at a time, of each half the first `limit`; `labels` and `label_names` are there then."""
        texts, labels, whole = [], [], limit is not None or self.layout.shuffle_rows is not None
        for frame in self.frames():
            chunk, found = (frame.iloc[:, column].tolist() for column in self.columns)
            labels += map(_label, found)
            if whole:
                texts += chunk
            else:
                yield chunk
        meaning, rows, half = self._meaning(labels), np.arange(len(labels)), len(labels) // 2
        if self.layout.shuffle_rows is not None:
            # Book: chapter 8 shuffles its file in this way once, before it is written.
            rows = np.random.RandomState(self.layout.shuffle_rows).permutation(len(labels))
        rows = np.append(rows[:half][:limit], rows[half:][:limit])
        self.label_names = [labels[row] for row in rows]
        self.labels = np.array([meaning[label] for label in self.label_names], dtype=np.int64)
        if whole:
            yield [texts[row] for row in rows]

    def _meaning(self, labels):
        """Of each label, whether it is positive, as 0 or 1."""
        counts, positive = collections.Counter(labels), _values(self.layout.positive or '')
        if positive and positive <= set(counts) and '' not in counts:
            return {label: int(label in positive) for label in counts}
        for pair in LABELS:
            if not positive and set(counts) <= set(pair):
                return dict(zip(pair, (0, 1)))
        found = ['%s (%s, first in row %d)' % (shorten(label, 30), counted(rows, 'row'), labels.index(label))
                 for label, rows in counts.most_common(6)]
        raise FileError(
            '%s: %s has the labels %s%s; it must hold 0 and 1, negative and positive, neg and pos, false and true, or '
            '-1 and 1, on each row; or name those of positive reviews with positive=' % (
                self.path, self.layout.label_column, ', '.join(found), ' and others' * (len(counts) > 6)))


def _first_row(text, separator):
    """The fields of the first row that is not blank."""
    try:
        rows = csv.reader(io.StringIO(text, newline=''), delimiter=separator)
        return next((row for row in rows if len(row) > 1 or ''.join(row).strip()), [])
    except csv.Error:                                       # a field of more than 128 kB: no header
        return [text]


def _plain(name):
    """The name of a column as it is compared."""
    return name.strip().lower()


@functools.lru_cache()
def _label(field):
    """A label as it is compared: 1 for 1.0 and +1. A file repeats few labels on many rows."""
    text = field.strip().lower()
    number = re.fullmatch(r'\+?(-?\d+)(?:\.0*)?', text)
    return number.group(1) if number else text


def _values(text):
    """The labels in a list with commas."""
    return set(filter(None, map(_label, text.split(','))))


def split_halves(x: Sequence[Row], y: Sequence[Label]) -> Tuple[
        Sequence[Row], Sequence[Label], Sequence[Row], Sequence[Label]]:
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
