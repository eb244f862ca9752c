"""Tables of reviews in the shapes that people have them in: packing, encoding, separator, columns, labels, order."""

import bz2
import csv
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from conftest import ROOT
from rnnbook import imdb
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, RequirementError
from rnnbook.preprocessing import review_csv
from rnnbook.preprocessing.review_csv import CsvLayout, ReviewFile

ROWS = [('Good; \u201cvery\u201d, good', '1'), ('bad,\tbad film', '0'), ('', '1'), ('caf\u00e9\nbad', '0')]
TEXTS, LABELS = [text for text, _ in ROWS], [1, 0, 1, 0]


def table(rows=ROWS, header=('review', 'sentiment'), encoding='utf-8', **dialect):
    """The bytes of a table."""
    text = io.StringIO(newline='')
    csv.writer(text, **dict(dict(lineterminator='\n'), **dialect)).writerows(([header] if header else []) + list(rows))
    return text.getvalue().encode(encoding)


def zipped(*names):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, table())
    return packed.getvalue()


def put(folder, data, name='reviews.csv'):
    (folder / name).write_bytes(data)
    return str(folder / name)


def read(folder, data, **layout):
    texts, labels = imdb.load_reviews(put(folder, data), **layout)
    return texts, labels.tolist()


CP1252 = [('na\u00efve \u2019', '1'), ('dull', '0')]


@pytest.mark.parametrize('data, layout', [
    (gzip.compress(table()), {}),
    (bz2.compress(table()), {}),
    (lzma.compress(table()), {}),
    (zipped('a/IMDB Dataset.csv'), {}),
    (zipped('reviews.csv', '__MACOSX/._reviews.csv', 'folder/'), {}),
    (table(encoding='utf-8-sig'), {}),
    (table(encoding='utf-16'), {}),
    (table(encoding='utf-32'), {}),
    (table(encoding='utf-16-le'), dict(encoding='utf-16-le')),
    (gzip.compress(table(encoding='utf-16')), {}),
    (table(encoding='utf-8-sig'), dict(encoding='UTF8')),
    (table(delimiter=';'), {}),
    (table(delimiter='\t'), {}),
    (table(delimiter='\t', quoting=csv.QUOTE_ALL, lineterminator='\r\n'), {}),
    (table(delimiter='|'), dict(separator='|')),
    (table(delimiter='\t'), dict(separator='tab')),
    (table(delimiter='\t'), dict(separator='\\t')),
    (table(header=('Review ', ' SENTIMENT')), {}),
    (table(header=('text', 'label')), dict(text_column='TEXT', label_column=' label')),
    (table([('7', label, text) for text, label in ROWS], ('id', 'sentiment', 'review'), delimiter='\t'), {}),
    (table(header=None), dict(no_header=True, text_column='0', label_column=1)),
    (table([(label, text) for text, label in ROWS], None, delimiter=';'),
     dict(no_header=True, text_column=1, label_column='0')),
    (b'\n \n' + table(), {}),
], ids=['gzip', 'bz2', 'xz', 'zip', 'zip of a Mac', 'BOM', 'UTF-16', 'UTF-32', 'UTF-16 named', 'UTF-16 in gzip',
        'BOM named', 'semicolon', 'tab', 'quoted tsv', 'pipe', 'tab named', 'tab escaped', 'case and blanks',
        'other names', 'id first', 'no header', 'no header, label first', 'blank lines first'])
def test_a_table_of_any_shape_gives_the_same_reviews(tmp_path, data, layout):
    assert read(tmp_path, data, **layout) == (TEXTS, LABELS)


def test_another_encoding_has_to_be_named(tmp_path):
    data = table(CP1252, encoding='cp1252')
    with pytest.raises(FileError, match=r'is not UTF-8: byte 19 is 0xef, in line 2; .* encoding=, such as cp1252$'):
        read(tmp_path, data)
    assert read(tmp_path, data, encoding='cp1252') == ([text for text, _ in CP1252], [1, 0])
    with pytest.raises(FileError, match=r'has a NUL character; is it UTF-16\? Name its encoding with encoding=$'):
        read(tmp_path, table([('a', '1')], encoding='utf-16-le'))
    with pytest.raises(FileError, match='is not ASCII: byte 19 is 0xc3, in line 2'):
        read(tmp_path, table(CP1252), encoding='ascii')


@pytest.mark.parametrize('data, message', [
    (zipped('a.csv', 'b.csv'), 'holds 2 files; a zip must hold a single one$'),
    (zipped(), 'holds 0 files; a zip must hold a single one$'),
    (gzip.compress(table())[:-9], 'is damaged: Compressed file ended before'),
    (lzma.compress(table())[:-20], 'is damaged: Compressed file ended before'),
    (bz2.compress(table())[:-9], 'is damaged: Compressed file ended before'),
    (zipped('a.csv')[:-30], 'is damaged: File is not a zip file'),
    (gzip.compress(table())[:12] + b'\xff' * 40, 'is damaged: |cannot read .*: |is not UTF-8'),
    (table([('a', '1', 'x')] * 3, header=('review', 'sentiment')), 'row 0 has more than the 2 fields'),
    (table(header=('review', 'sentiment', 'Sentiment'), rows=[('a', '1', '0')]),
     "'review, sentiment, Sentiment'. Choose .* by names that occur once;"),
    (table(header=('review', 'sentiment', 'id', 'ID'), rows=[('a', '1', '2', '3')]), None),
    (table(delimiter='|'), 'separator= sets what separates them$'),
    (table(header=None), 'without a header, give no_header and numbers from 0'),
    (table([('x' * 200, 'y')], header=None), 'without a header, give no_header and numbers from 0'),
])
def test_what_cannot_be_read_is_one_clear_line(tmp_path, data, message):
    if message is None:
        read(tmp_path, data)
        return
    with pytest.raises(FileError, match=message) as caught:
        read(tmp_path, data)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 700 + len(str(tmp_path))


@pytest.mark.parametrize('labels', [
    '1 0', '1.0 0.0', 'True False', 'TRUE FALSE', 'positive negative', 'Positive NEGATIVE', 'pos neg', '1 -1', '+1 -1',
    '1. 0.', ' 1 0'])
def test_pairs_of_labels_are_understood_in_any_case(tmp_path, labels):
    positive, negative = labels.split()
    assert read(tmp_path, table([('a', positive), ('b', negative), ('c', ' %s ' % positive)]))[1] == [1, 0, 1]


@pytest.mark.parametrize('labels, positive, found', [
    ('1 2 4 5', '4,5', [0, 0, 1, 1]), ('1.0 2.0 4.0', '4', [0, 0, 1]), ('Ham spam', 'HAM', [1, 0]),
    ('0 1', '0', [1, 0]), ('yes no', ' yes , ', [1, 0])])
def test_other_labels_are_named(tmp_path, labels, positive, found):
    assert read(tmp_path, table([('a', label) for label in labels.split()]), positive=positive)[1] == found


@pytest.mark.parametrize('labels, positive, message', [
    ('1 2 4 4', None, r"has the labels '4' \(2 rows, first in row 2\), '1' \(1 row, first in row 0\), '2' \(1 row, "
                      r'first in row 1\); it must hold .*; or name those of positive reviews with positive=$'),
    ('-1 0 1', None, "has the labels '-1' .*, '0' .*, '1' "),
    ('1 pos', None, "has the labels '1' .*, 'pos' "),
    ('a b c d e f g h', None, r"'f' \(1 row, first in row 5\) and others; it must hold"),
    ('1 2', '3', "has the labels '1' .*, '2' .*; or name those of positive reviews with positive=$"),
    ('yes no', 'yes,maybe', "has the labels 'yes' .*, 'no' .*; or name those"),
    ('1 ""', '1', r"'' \(1 row, first in row 1\)"),
    ('1 0 ""', None, r"'' \(1 row, first in row 2\)"),
    ('nan 1', None, "'nan'"),
])
def test_labels_that_say_nothing_are_listed_with_their_rows(tmp_path, labels, positive, message):
    rows = [('a', label.strip('"')) for label in labels.split()]
    with pytest.raises(FileError, match=message):
        read(tmp_path, table(rows), positive=positive)


@pytest.mark.parametrize('layout, error, message', [
    (dict(encoding='klingon'), ArgumentValueError, 'encoding must name a text encoding such as utf-8'),
    (dict(encoding='hex'), ArgumentValueError, 'encoding must name a text encoding such as utf-8'),
    (dict(separator=''), ArgumentValueError, "separator must be one character, or tab, not ''"),
    (dict(separator=', '), ArgumentValueError, 'separator must be one character'),
    (dict(separator='"'), ArgumentValueError, 'separator must be one character'),
    (dict(separator=5), ArgumentTypeError, 'separator must be a str, not 5'),
    (dict(text_column=None), ArgumentTypeError, 'text_column must be a str, not None'),
    (dict(no_header=1), ArgumentTypeError, 'no_header must be True or False, not 1'),
    (dict(no_header=True), ArgumentValueError, "text_column must be a number from 0 where no_header is given, not 're"),
    (dict(no_header=True, text_column=-1, label_column=0), ArgumentValueError, "text_column must be .*, not '-1'"),
    (dict(text_column='Sentiment'), ArgumentValueError, "text_column and label_column are the same, 'Sent"),
    (dict(no_header=True, text_column=1, label_column='1'), ArgumentValueError, 'text_column and label_col'),
    (dict(positive=' , '), ArgumentValueError, 'positive must be labels separated by commas'),
    (dict(positive=1), ArgumentTypeError, 'positive must be a str, not 1'),
    (dict(shuffle_rows=-1), ArgumentValueError, 'shuffle_rows must be an integer from 0 to 4294967295, not -1'),
    (dict(seperator=','), ArgumentTypeError, "load_reviews has no setting 'seperator'; its settings are encoding, "),
])
def test_a_wrong_setting_is_refused_before_the_file_is_looked_at(layout, error, message):
    with pytest.raises(error, match='^' + message):
        imdb.load_reviews('none.csv', **layout)
    if 'seperator' not in layout:
        with pytest.raises(error, match='^' + message):
            imdb.load_indexed('none.csv', **layout)


def test_a_column_beyond_the_last_is_named(tmp_path):
    with pytest.raises(FileError, match='needs the columns 0 and 2; it has .*, give no_header and numbers'):
        read(tmp_path, table(header=None), no_header=True, text_column=0, label_column=2)


def test_numbers_of_columns_need_no_header(tmp_path):
    with pytest.raises(FileError, match="'review, stars'. Choose .*, give no_header and numbers from 0;"):
        read(tmp_path, table(header=('review', 'stars')), label_column=1)
    assert read(tmp_path, table(header=('review', '2024')), label_column=2024)[1] == LABELS


def test_rows_are_shuffled_as_the_book_shuffled_its_own(tmp_path):
    path = put(tmp_path, table([('w%d' % row, row % 2) for row in range(20)]))
    order = np.random.RandomState(5).permutation(20)
    texts, labels = imdb.load_reviews(path, shuffle_rows=5)
    assert (texts, labels.tolist()) == (['w%d' % row for row in order], (order % 2).tolist())
    sequences, labels, vocabulary = imdb.load_indexed(path, 2, cache=False, shuffle_rows=5)
    assert (list(vocabulary), labels.tolist()) == (texts, (order % 2).tolist())
    assert sequences[:, 1].tolist() == list(range(1, 21))


def test_every_field_of_the_layout_has_an_entry_of_its_own_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path, table([('w%d' % row, row % 2, row // 2, 'v%d' % row) for row in range(4)],
                               ('review', 'sentiment', 'o', 't')))
    layouts = [{}, dict(label_column='o'), dict(text_column='t'), dict(shuffle_rows=1), dict(positive='0')]
    first = [imdb.load_indexed(path, 2, **layout) for layout in layouts]
    monkeypatch.setattr(review_csv.ReviewFile, 'texts', None)
    for layout, (sequences, labels, vocabulary) in zip(layouts[1:], first[1:]):
        found = imdb.load_indexed(path, 2, **layout)
        assert (found[0].tolist(), found[1].tolist(), found[2]) == (sequences.tolist(), labels.tolist(), vocabulary)
    assert len({repr((x.tolist(), y.tolist(), dict(words))) for x, y, words in first}) == len(layouts)


def test_no_review_with_a_word_is_an_error(tmp_path):
    path = put(tmp_path, table([('', '1'), (' ', '0')]))
    with pytest.raises(FileError, match='no review has a word; text_column is review$'):
        imdb.load_indexed(path, cache=False)


def test_all_columns_of_a_table_are_given_for_predictions(tmp_path):
    path = put(tmp_path, table([('7', 'Good'), ('8', 'a\r\nb')], ('id', 'review'), delimiter=';'))
    file = ReviewFile(path, labelled=False)
    assert [frame.values.tolist() for frame in file.frames()] == [[['7', 'Good'], ['8', 'a\r\nb']]]
    assert (file.separator, file.header, file.columns) == (';', ['id', 'review'], [1])
    with pytest.raises(FileError, match="needs the column review; it has 'text'. Choose with text_column, "):
        list(ReviewFile(put(tmp_path, table([('a',)], ('text',))), labelled=False).frames())
    file = ReviewFile(put(tmp_path, table()), CsvLayout(text_column='sentiment'), labelled=False)
    assert (len(list(file.frames())), file.columns) == (1, [1])


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no named pipes in the file system')
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path):
    os.mkfifo(str(tmp_path / 'pipe'))
    for path in (tmp_path / 'pipe', '/dev/zero', '/dev/null'):
        for call in (imdb.load_reviews, imdb.load_indexed):
            with pytest.raises(FileError, match=' is a pipe or a device, not a regular file; save what it gives in a '):
                call(path)


def test_rows_of_many_fields_take_no_time_or_memory(tmp_path):
    data = table() + b'a' + b',b' * 4900 + b'\n' + b'c,1\n' * 3000
    with pytest.raises(FileError, match='row 4 has more than the 2 fields|has a line of more than 5000 fields'):
        read(tmp_path, data)


def test_pandas_is_imported_when_a_table_is_read_and_missed_by_name(tmp_path, monkeypatch):
    code = 'import sys, rnnbook.imdb; assert "pandas" not in sys.modules'
    assert subprocess.run([sys.executable, '-c', code], cwd=ROOT).returncode == 0
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(RequirementError, match='^pandas is needed to read .*.csv and cannot be imported .*; run'):
        read(tmp_path, table())
