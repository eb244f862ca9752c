"""A CSV of labelled reviews, read in chunks, so that its size does not decide how much memory that takes."""

import codecs
import hashlib
import io
import os
import warnings

import numpy as np

from rnnbook import progress as bars
from rnnbook.errors import ArgumentValueError, FileError, shorten
from rnnbook.files import check_path

__all__ = ['ReviewFile', 'load_reviews', 'split_halves']

#: How many bytes are read at a time, and how many rows are handed out.
BLOCK = 2 ** 18
ROWS = 1000


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
        Missing, a folder, empty, not UTF-8, not a CSV, without one of the columns, without rows; or a label other than
        0 and 1, with its row (the first one after the header is row 0, as in a data frame).
    """
    return ReviewFile(path).all()


class ReviewFile:
    """A UTF-8 CSV with a header and at least the columns ``review`` and ``sentiment``, read once from start to end.

    Parameters
    ----------
    path : str or path
    progress : bool, default True
        Show a progress bar on standard error where it takes long.

    Attributes
    ----------
    sha256 : str
        Of the bytes that were read, 64 hexadecimal digits; of the file once all chunks are.
    """

    def __init__(self, path, *, progress=True):
        self.path = check_path('path', path)
        self._stream = _Stream(self.path, progress)

    @property
    def sha256(self):
        """Of the bytes that were read, 64 hexadecimal digits."""
        return self._stream.digest.hexdigest()

    def chunks(self):
        """Read the rows.

        Yields
        ------
        reviews : list of str
        labels : numpy.ndarray of int64

        Raises
        ------
        FileError
            See `load_reviews`.
        """
        import pandas
        row = 0
        with self._stream:
            frames = self._guarded(pandas, lambda: pandas.read_csv(
                self._stream, dtype=str, keep_default_na=False, index_col=False, chunksize=ROWS))
            while True:
                frame = self._guarded(pandas, lambda: next(frames, None))
                if frame is None or not len(frame):
                    break
                yield self._columns(frame, row)
                row += len(frame)
        if not row:
            if frame is not None:                           # pandas gives one frame without rows, or none at all
                self._columns(frame, row)
            raise FileError('%s has a header and no rows' % self.path)

    def all(self):
        """All rows at once: what `load_reviews` returns."""
        chunks = list(self.chunks())
        return [review for reviews, _ in chunks for review in reviews], np.concatenate([some for _, some in chunks])

    def _guarded(self, pandas, step):
        """One step of pandas, its complaints being errors about the file."""
        try:
            with warnings.catch_warnings():                 # of rows longer than the header, whose ends it drops
                warnings.simplefilter('error', pandas.errors.ParserWarning)
                return step()
        except FileError:
            raise
        except pandas.errors.ParserWarning as error:
            raise FileError('%s has rows longer than its header; a review with a comma needs quotes'
                            % self.path) from error
        except (pandas.errors.ParserError, ValueError) as error:
            raise FileError('%s cannot be read as a CSV: %s' % (self.path, ' '.join(str(error).split()))) from error

    def _columns(self, frame, row):
        """The two columns of a frame whose first row is this one of the file."""
        for column in ('review', 'sentiment'):
            if column not in frame.columns:
                raise FileError('%s needs the columns review and sentiment; it has %s'
                                % (self.path, shorten(', '.join(map(str, frame.columns)), 200)))
        labels = frame['sentiment'].str.strip()
        wrong = np.flatnonzero(~labels.isin(['0', '1']))
        if len(wrong):
            raise FileError('%s: sentiment must be 0 or 1, not %s as in row %d'
                            % (self.path, shorten(labels.iloc[wrong[0]]), row + wrong[0]))
        return list(frame['review']), labels.values.astype(np.int64)


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
    if len(x) != len(y):
        raise ArgumentValueError('y must have one label for each of the %d rows of x, not %d' % (len(x), len(y)))
    if len(x) < 2:
        raise ArgumentValueError('x must have at least 2 rows to be split in halves, not %d' % len(x))
    half = len(x) // 2
    # Book: `df.loc[:25000]` includes its end, so the listing takes 25,001 labels.
    return x[:half], y[:half], x[half:], y[half:]


class _Stream(io.TextIOBase):
    """The text of the file as pandas takes it, checked and hashed on the way."""

    def __init__(self, path, progress):
        self._path, self._progress = path, progress
        self.digest = hashlib.sha256()

    def __enter__(self):
        try:
            if os.path.isdir(self._path):
                raise FileError('%s is a folder, not a file' % self._path)
            self._file = open(self._path, 'rb')
            total = -(-os.path.getsize(self._path) // BLOCK)
        except FileError:
            raise
        except OSError as error:
            raise FileError('cannot read %s: %s' % (self._path, error.strerror)) from error
        blocks = iter(lambda: self._file.read(BLOCK), b'')
        self._blocks = bars.progress(blocks, total, 'Reading ' + self._path) if self._progress else blocks
        self._decoder = codecs.getincrementaldecoder('utf-8-sig')()
        self._bytes = self._characters = 0
        self._blank = True
        return self

    def __exit__(self, *exception):
        self._file.close()

    def readable(self):
        return True

    def read(self, size=-1):
        text = ''
        while not text:                                     # a block may end within its first character
            try:
                block = next(self._blocks, b'')
            except OSError as error:
                raise FileError('cannot read %s: %s' % (self._path, error.strerror)) from error
            text = self._decode(block)
            if not block:
                break
        self._blank = self._blank and not text.strip()
        if not text and self._blank:
            raise FileError('%s is empty; it needs the columns review and sentiment' % self._path)
        if '\0' in text:                                    # pandas would drop the rest of that field
            raise FileError('%s cannot be read as a CSV: character %d is NUL'
                            % (self._path, self._characters + text.index('\0')))
        self._characters += len(text)
        return text

    def _decode(self, block):
        self.digest.update(block)
        left = len(self._decoder.getstate()[0])             # of the block before: the start of a character
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise FileError('%s is not UTF-8: byte %d is 0x%02x'
                            % (self._path, self._bytes - left + error.start, error.object[error.start])) from error
        self._bytes += len(block)
        return text
