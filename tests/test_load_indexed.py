"""Rows from a CSV and from the cache: equal to the steps, never of another CSV, never of a damaged entry."""

import glob
import os

import numpy as np
import pytest

from rnnbook import imdb
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.preprocessing import cache, review_csv, review_rows, text_blocks

ROWS = [('Good film, good!', 1), ('bad film', 0), ('', 1), ('the caf\u00e9 & the bad', 0), ('end', 1)]


def write(path, rows):
    path.write_text('review,sentiment\n' + ''.join('"%s",%d\n' % row for row in rows), encoding='utf-8')


@pytest.fixture
def csv(tmp_path, monkeypatch):
    """A CSV, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'reviews.csv'
    write(path, ROWS)
    return path


@pytest.fixture
def parsed(monkeypatch):
    """How many CSVs have been read."""
    count = []
    texts = review_csv.ReviewFile.texts
    monkeypatch.setattr(review_csv.ReviewFile, 'texts', lambda self, limit=None: count.append(1) or texts(self, limit))
    return count


def same(found, wanted):
    """Whether two results of `load_indexed` are equal in values, types and settings."""
    return (np.array_equal(found[0], wanted[0]) and found[0].dtype == wanted[0].dtype == np.int32
            and np.array_equal(found[1], wanted[1]) and found[1].dtype == wanted[1].dtype == np.int64
            and list(found[2].items()) == list(wanted[2].items()) and found[2].settings == wanted[2].settings)


def entries():
    return sorted(glob.glob(cache.locate('*')))


SETTINGS = [{}, dict(min_count=2), dict(unknown=True, min_count=2), dict(drop_markup=True), dict(max_words=3),
            dict(training_half=True)]


@pytest.mark.parametrize('settings', SETTINGS)
def test_a_csv_gives_the_same_rows_with_and_without_the_cache(csv, parsed, settings):
    texts, labels = imdb.load_reviews(csv)
    wanted = imdb.prepare(texts, 4, progress=False, **settings)
    wanted = (wanted[0], labels, wanted[1])
    del parsed[:]
    assert same(imdb.load_indexed(csv, 4, cache=False, **settings), wanted)
    assert entries() == []
    assert same(imdb.load_indexed(csv, 4, **settings), wanted)
    assert (len(entries()), len(parsed)) == (1, 2)
    assert same(imdb.load_indexed(csv, 4, **settings), wanted)
    assert len(parsed) == 2                                 # the third came from the cache


def test_what_comes_from_the_cache_may_be_written_to(csv):
    for _ in range(2):
        sequences, labels, _ = imdb.load_indexed(csv, 4)
        sequences += 1
        labels += 1
    assert same(imdb.load_indexed(csv, 4), imdb.load_indexed(csv, 4, cache=False))


def test_every_setting_has_an_entry_of_its_own(csv, parsed, monkeypatch):
    monkeypatch.setattr(cache, 'KEEP', 100)
    calls = [dict(sequence_length=length, limit=limit, **settings) for settings in SETTINGS
             for length in (3, 4) for limit in (None, 1)]
    first = [imdb.load_indexed(csv, **call) for call in calls]
    assert len(entries()) == len(parsed) == len(calls)
    assert all(same(imdb.load_indexed(csv, **call), result) for call, result in zip(calls, first))
    assert len(parsed) == len(calls)


def test_a_changed_csv_is_read_anew_even_with_its_old_size_and_time(csv, parsed):
    imdb.load_indexed(csv, 4)
    stat = os.stat(str(csv))
    write(csv, [('Good film, evil!', 1)] + ROWS[1:])
    os.utime(str(csv), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert os.path.getsize(str(csv)) == stat.st_size
    assert 'evil' in imdb.load_indexed(csv, 4)[2]
    assert len(parsed) == 2


def test_a_csv_that_changes_while_it_is_read_is_not_kept(csv, monkeypatch):
    texts = review_csv.ReviewFile.texts

    def change(self, limit):
        write(csv, ROWS[:2])
        return texts(self, limit)

    with monkeypatch.context() as patch:
        patch.setattr(review_csv.ReviewFile, 'texts', change)
        assert len(imdb.load_indexed(csv, 4)[0]) == 2
    assert entries() == []
    write(csv, ROWS)
    assert len(imdb.load_indexed(csv, 4)[0]) == len(ROWS)


def test_another_version_of_the_treatment_is_made_anew(csv, parsed, monkeypatch):
    imdb.load_indexed(csv, 4)
    monkeypatch.setattr(review_rows, 'CACHE_FORMAT', review_rows.CACHE_FORMAT + 1)
    imdb.load_indexed(csv, 4)
    assert len(parsed) == 2


@pytest.mark.parametrize('damage', ['cut', 'empty', 'end', 'flip', 'text'])
def test_a_damaged_entry_is_found_said_and_made_anew(csv, parsed, capsys, damage):
    wanted = imdb.load_indexed(csv, 4)
    path = entries()[0]
    with open(path, 'rb') as file:
        data = file.read()
    # The last occurrence of the vocabulary, as UTF-8, lies in the data of an array.
    at = data.index('film'.encode())
    with open(path, 'wb') as file:
        file.write({'cut': data[:len(data) // 2], 'empty': b'', 'end': data[:-1], 'text': b'nothing of the kind',
                    'flip': data[:at] + b'g' + data[at + 1:]}[damage])
    capsys.readouterr()
    assert same(imdb.load_indexed(csv, 4), wanted)
    assert '%s cannot be used and is made again: ' % path in capsys.readouterr().err
    assert len(parsed) == 2
    assert same(imdb.load_indexed(csv, 4), wanted)
    assert len(parsed) == 2


def test_the_entries_used_last_stay(csv, monkeypatch):
    monkeypatch.setattr(cache, 'KEEP', 2)
    times = iter(range(1, 100))

    def touch(path):
        os.utime(path, ns=(0, next(times) * 10 ** 9))

    def load(length):
        before = set(entries())
        imdb.load_indexed(csv, length)
        return set(entries()) - before

    (one,), (two,) = load(1), load(2)
    for name in (one, two):
        touch(name)
    load(1)                                                 # used again: now the newer one
    (three,) = load(3)
    assert entries() == sorted([one, three])


def test_a_folder_that_cannot_be_written_to_is_said_and_no_error(csv, capsys):
    (csv.parent / 'data').write_text('a file')
    sequences, _, _ = imdb.load_indexed(csv, 4)
    assert sequences.shape == (len(ROWS), 4)
    assert 'rnnbook: nothing is kept for the next run: cannot write ' in capsys.readouterr().err


@pytest.mark.parametrize('limit, rows', [(1, [0, 2]), (2, [0, 1, 2, 3]), (3, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])])
def test_a_limit_takes_the_first_of_each_half_and_their_words_only(csv, limit, rows):
    sequences, labels, vocabulary = imdb.load_indexed(csv, 4, limit=limit)
    wanted, words = imdb.prepare([ROWS[row][0] for row in rows], 4, progress=False)
    assert (sequences.tolist(), vocabulary) == (wanted.tolist(), words)
    assert labels.tolist() == [ROWS[row][1] for row in rows]


@pytest.mark.parametrize('arguments, error, message', [
    (dict(sequence_length=0), ArgumentValueError, 'sequence_length must be an integer of at least 1, not 0'),
    (dict(limit=0), ArgumentValueError, 'limit must be an integer of at least 1, not 0'),
    (dict(cache='no'), ArgumentTypeError, "cache must be True or False, not 'no'"),
    (dict(path=None), ArgumentTypeError, 'path must be a path, not None'),
])
def test_a_wrong_argument_is_refused_by_name(csv, arguments, error, message):
    with pytest.raises(error) as caught:
        imdb.load_indexed(**dict(dict(path=csv), **arguments))
    assert str(caught.value) == message
    assert entries() == []


@pytest.mark.parametrize('cached', [True, False])
def test_a_csv_that_is_not_there_or_bad_is_a_file_error_and_nothing_is_kept(csv, cached):
    with pytest.raises(FileError, match='^cannot read none.csv: No such file or directory$'):
        imdb.load_indexed('none.csv', cache=cached)
    csv.write_text('review,sentiment\na,2\n')
    with pytest.raises(FileError, match="sentiment has the labels '2' "):
        imdb.load_indexed(csv, cache=cached)
    assert entries() == []


def test_reading_in_blocks_makes_no_difference(csv, monkeypatch):
    wanted = imdb.load_indexed(csv, 4, cache=False)
    for block, rows in ((1, 1), (2, 2), (7, 3), (64, 5)):   # within a character of two bytes, too
        monkeypatch.setattr(text_blocks, 'BLOCK', block)
        monkeypatch.setattr(review_csv, 'ROWS', rows)
        monkeypatch.setattr('rnnbook.preprocessing.word_table.BLOCK', rows)
        assert same(imdb.load_indexed(csv, 4, cache=False), wanted)


@pytest.mark.parametrize('data, message', [
    (b'review,sentiment\na,1\nb,0\nc,1\nd,7\n', r"'7' \(1 row, first in row 3\)"),
    (b'review,sentiment\na,1\nb,0\ncaf\xe9,1\n', 'is not UTF-8: byte 28 is 0xe9, in line 4;'),
    (b'review,sentiment\na,1\nb,0\ncaf\xc3', 'is not UTF-8: byte 28 is 0xc3, in line 4;'),
    (b'review,sentiment\na,1\ncaf\xc3\xa9\0,1\n', 'has a NUL character; is it UTF-16'),
    (b'review,sentiment\na,1\nb,0\nc,1\nd,e,0\n', 'row 3 has more than the 2 fields of the first line'),
    (b'review,sentiment\na,1\nb,0\nc,1\nd,,0\n', 'row 3 has more than the 2 fields of the first line'),
    (b'review,sentiment\na,1\nb,,,,0\nc,1\nd,0\n', 'row 1 has more than the 2 fields of the first line'),
], ids=['label', 'latin-1', 'cut character', 'nul', 'comma', 'first of a chunk', 'empty fields'])
def test_errors_count_from_the_start_of_the_file(tmp_path, monkeypatch, data, message):
    (tmp_path / 'bad.csv').write_bytes(data)
    for block, rows in ((1, 1), (3, 2), (2 ** 18, 3), (2 ** 18, 1000)):
        monkeypatch.setattr(text_blocks, 'BLOCK', block)
        monkeypatch.setattr(review_csv, 'ROWS', rows)
        with pytest.raises(FileError, match=message):
            imdb.load_indexed(tmp_path / 'bad.csv', cache=False)
