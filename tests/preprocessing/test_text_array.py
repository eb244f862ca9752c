r"""Texts of any size as arrays on disk: equal to the text read at once, whatever the blocks; `make_corpus.py`."""

import gzip
import hashlib
import json
import os
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from rnnbook import hamlet
from rnnbook.base.checks import check_ids
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.preprocessing import text_blocks


def put(folder, **texts):
    """Write files, from str or bytes."""
    for name, data in texts.items():
        (folder / (name + '.txt')).write_bytes(data if isinstance(data, bytes) else data.encode('utf-8'))


def encoded(path, out, text):
    """Encode, and hold the result against the text that it must stand for."""
    sequence, char2int = hamlet.encode_file(path, out, progress=False)
    assert isinstance(sequence, np.memmap) and not sequence.flags.writeable
    assert char2int == hamlet.char_vocabulary(text)[0]
    assert sequence.tolist() == hamlet.encode(text, char2int).tolist()
    assert sequence.dtype == np.min_scalar_type(len(char2int) - 1)
    again, vocabulary = hamlet.load_encoded(out)
    assert (again.tolist(), again.dtype, vocabulary) == (sequence.tolist(), sequence.dtype, char2int)
    return sequence


@pytest.mark.parametrize('data, text', [
    (b'To be\r\nor not\r\n', 'To be\nor not\n'),
    (b'\r\r\n\n\r', '\n\n\n\n'),
    (b'\xef\xbb\xbfcaf\xc3\xa9', 'caf\u00e9'),
    ('\U0001f600 \u20ac \u00e9 e'.encode('utf-8'), '\U0001f600 \u20ac \u00e9 e'),
    (b'\xc3\xa9\r\n' * 9, '\u00e9\n' * 9),
    (b'a', 'a'),
    (b'\0\xc2\x85', '\0\x85'),
    ('a\r\n\u20ac\U0001f600\r'.encode('utf-16'), 'a\n\u20ac\U0001f600\n'),
    (gzip.compress(b'a\r\nb\rc'), 'a\nb\nc'),
], ids=['crlf', 'lone cr', 'bom', 'wide', 'latin', 'one', 'controls', 'utf-16', 'gzip'])
@pytest.mark.parametrize('block', [1, 2, 3, 5, 2 ** 22])
def test_blocks_may_end_anywhere(tmp_path, monkeypatch, data, text, block):
    monkeypatch.setattr(text_blocks, 'BLOCK', block)
    put(tmp_path, text=data)
    encoded(tmp_path / 'text.txt', tmp_path / 'out.npy', text)
    assert hamlet.load_text(tmp_path / 'text.txt') == text
    assert sorted(os.listdir(str(tmp_path))) == ['out.json', 'out.npy', 'text.txt']


@pytest.mark.parametrize('distinct, dtype', [(1, np.uint8), (256, np.uint8), (257, np.uint16), (70000, np.uint32)])
def test_the_type_is_the_smallest_that_holds_the_vocabulary(tmp_path, distinct, dtype):
    text = ''.join(chr(code if code < 0xd800 else code + 0x800) for code in range(64, 64 + distinct))
    put(tmp_path, text=text)
    assert encoded(tmp_path / 'text.txt', tmp_path / 'out.npy', text).dtype == dtype


def test_a_folder_is_read_in_sorted_order_without_what_is_hidden_or_made(tmp_path):
    folder = tmp_path / 'texts'
    (folder / 'b').mkdir(parents=True)
    (folder / '.git').mkdir()
    put(folder, c='third', a='first\r')
    put(folder / 'b', d='\nsecond', empty='')
    put(folder / '.git', x='no')
    (folder / '.hidden').write_text('no')
    for _ in range(2):                                      # the second time, with what the first has made in it
        with pytest.warns(UserWarning, match='texts: 2 files and folders left out .*; texts read: 4$'):
            encoded(folder, folder / 'out.npy', 'first\n' + '\nsecond' + 'third')


def test_of_a_folder_the_files_that_are_no_text_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, a='one ', b=b'nul\0', c='two '.encode('utf-16'), d=gzip.compress(b'three'), e=b'caf\xe9')
    (tmp_path / '.hidden').write_text('no')
    os.mkfifo(str(tmp_path / 'pipe'))
    os.symlink('nowhere', str(tmp_path / 'dangling'))
    for folder in ('data/encoded', 'model', 'model/best', 'sub/data', '.git'):
        (tmp_path / folder).mkdir(parents=True)
        put(tmp_path / folder, x='sub' if folder == 'sub/data' else 'no')
    (tmp_path / 'model' / 'model.json').write_text('{}')
    with pytest.warns(UserWarning) as caught:
        encoded('.', 'out.npy', 'one two threesub')
        assert hamlet.text_files('.', ['out.npy', 'out.json']) == ['./a.txt', './c.txt', './d.txt', './sub/data/x.txt']
    assert {str(warning.message) for warning in caught} == {
        ".: 8 files and folders left out (hidden, binary, in another encoding, a model's, or ./data); texts read: 4"}


def test_of_a_folder_archives_that_are_no_text_are_left_out(tmp_path):
    put(tmp_path, a='one', cut=gzip.compress(b'two' * 99)[:-9], zip=b'PK\3\4 no zip')
    for name, members in (('book.docx', ['a', 'b']), ('three.zip', ['a'])):
        with zipfile.ZipFile(str(tmp_path / name), 'w') as archive:
            for member in members:
                archive.writestr(member, 'three')
    with pytest.warns(UserWarning, match='3 files and folders left out .*; texts read: 2$'):
        encoded(tmp_path, tmp_path / 'out.npy', 'onethree')


def test_another_encoding_makes_text_of_what_was_none(tmp_path, recwarn):
    put(tmp_path, a=b'caf\xe9', b=b'\x80')
    assert hamlet.encode_file(tmp_path, tmp_path / 'out.npy', encoding='cp1252')[1].keys() == set('caf\u00e9\u20ac')
    assert not recwarn.list


def test_a_folder_that_cannot_be_listed_is_not_passed_over(tmp_path, monkeypatch):
    put(tmp_path, a='good')
    monkeypatch.setattr(os, 'scandir', lambda path: open(os.path.join(str(path), 'none')))
    with pytest.raises(FileError, match='^cannot read .*: No such file or directory$'):
        hamlet.text_files(tmp_path)


def test_a_models_folder_is_no_text(tmp_path):
    (tmp_path / 'model.json').write_text('{}')
    with pytest.raises(FileError, match="is a model's folder, with a model.json; give a folder of texts$"):
        hamlet.text_files(tmp_path)


def test_a_pattern_is_read_in_sorted_order(tmp_path):
    put(tmp_path, b2='two', b1='one', a='no')
    (tmp_path / 'b3.txt').mkdir()
    encoded(tmp_path / 'b*.txt', tmp_path / 'out.npy', 'onetwo')
    (tmp_path / 'b[1].txt').write_text('itself')            # a name that is there is no pattern
    encoded(tmp_path / 'b[1].txt', tmp_path / 'out.npy', 'itself')


@pytest.mark.parametrize('path, message', [
    ('none.txt', '^cannot read .*none.txt: No such file or directory$'),
    ('none*.txt', 'none.*txt matches no file$'),
    ('folder', 'folder holds no text$'),
    ('empty.txt', 'empty.txt is empty; there is no text to read$'),
    ('bad*.txt', 'bad2.txt is not UTF-8: byte 5 is 0xe9, in line 1; '),
    ('cut.txt', 'cut.txt is not UTF-8: byte 3 is 0xc3, in line 1; '),
])
@pytest.mark.parametrize('block', [1, 4, 2 ** 22])
def test_what_cannot_be_read_is_a_file_error_and_nothing_is_written(tmp_path, monkeypatch, path, message, block):
    monkeypatch.setattr(text_blocks, 'BLOCK', block)
    (tmp_path / 'folder').mkdir()
    put(tmp_path, empty=b'', bad1='good \u00e9', bad2=b'\xc3\xa9caf\xe9\xe9', cut=b'caf\xc3')
    before = sorted(os.listdir(str(tmp_path)))
    with pytest.raises(FileError, match=message):
        hamlet.encode_file(tmp_path / path, tmp_path / 'out.npy')
    assert sorted(os.listdir(str(tmp_path))) == before


@pytest.mark.parametrize('path, out, error, message', [
    (None, 'out.npy', ArgumentTypeError, 'path must be a path, not None'),
    ('text.txt', None, ArgumentTypeError, 'out must be a path, not None'),
    ('text.txt', 'out.txt', ArgumentValueError, "out must end in .npy, not 'out.txt'"),
    ('text.txt', '', ArgumentValueError, "out must be a path of at least one character and without NUL, not ''"),
])
def test_a_wrong_argument_is_refused_by_name(path, out, error, message):
    with pytest.raises(error) as caught:
        hamlet.encode_file(path, out)
    assert str(caught.value) == message


def test_a_failed_run_leaves_what_was_there_before(tmp_path):
    put(tmp_path, good='good', bad=b'\xff')
    encoded(tmp_path / 'good.txt', tmp_path / 'out.npy', 'good')
    with pytest.raises(FileError):
        hamlet.encode_file(tmp_path / 'bad.txt', tmp_path / 'out.npy')
    assert hamlet.load_encoded(tmp_path / 'out.npy')[0].tolist() == [1, 2, 2, 0]


@pytest.mark.parametrize('changed', ['goose', 'good good', 'doog!', 'g'])
def test_a_text_that_changes_while_it_is_read_is_an_error(tmp_path, monkeypatch, changed):
    put(tmp_path, text='good!')
    os.utime(str(tmp_path / 'text.txt'), (1e9, 1e9))
    header = npy.write_array_header_1_0                     # called between the two readings
    monkeypatch.setattr(npy, 'write_array_header_1_0', lambda *rest: (put(tmp_path, text=changed), header(*rest)))
    with pytest.raises(FileError, match='^the text changed while it was read; nothing was written$'):
        hamlet.encode_file(tmp_path / 'text.txt', tmp_path / 'out.npy')
    assert os.listdir(str(tmp_path)) == ['text.txt']


def test_an_out_that_cannot_be_written_is_a_file_error(tmp_path):
    put(tmp_path, text='good')
    with pytest.raises(FileError, match='^cannot write .*out.npy: '):
        hamlet.encode_file(tmp_path / 'text.txt', tmp_path / 'text.txt' / 'out.npy')


def test_progress_goes_over_both_readings(tmp_path, monkeypatch):
    bars = []
    monkeypatch.setattr('rnnbook.base.bar.show_bar', lambda items, total, title: bars.append((title, total)) or items)
    monkeypatch.setattr(text_blocks, 'BLOCK', 2)
    put(tmp_path, a='four', b='x')
    hamlet.encode_file(tmp_path / '[ab].txt', tmp_path / 'out.npy')
    assert bars == [('Finding characters', 4), ('Writing numbers', 4)]


DAMAGES = {
    'no array': (lambda npy, js: os.remove(npy), 'cannot read .*out.npy: No such file'),
    'no vocabulary': (lambda npy, js: os.remove(js), 'cannot read .*out.json: No such file'),
    'array cut': (lambda npy, js: open(npy, 'r+b').truncate(130), 'out.npy is damaged: '),
    'array empty': (lambda npy, js: open(npy, 'wb').close(), 'out.npy is damaged: '),
    'another array': (lambda npy, js: np.save(npy, np.zeros(9, np.uint8)), 'out.npy does not belong to .*out.json$'),
    'another type': (lambda npy, js: np.save(npy, np.zeros(4, np.int16)), 'out.npy does not belong to .*out.json$'),
    'pickle': (lambda npy, js: np.save(npy, np.array([None] * 4)), 'out.npy is damaged: '),
    'json cut': (lambda npy, js: open(js, 'r+b').truncate(20), 'out.json is damaged: '),
    'list': (lambda npy, js: json.dump([], open(js, 'w')), 'out.json is damaged: '),
    'doubled': (lambda npy, js: json.dump(dict(json.load(open(js)), vocabulary='aab'), open(js, 'w')), 'is damaged: '),
    'newer': (lambda npy, js: json.dump(dict(json.load(open(js)), format=2), open(js, 'w')),
              'out.json has the format 2; this version of rnnbook reads format 1$'),
}


@pytest.mark.parametrize('damage', sorted(DAMAGES))
def test_files_that_are_damaged_or_no_pair_are_refused(tmp_path, damage):
    put(tmp_path, text='good')
    hamlet.encode_file(tmp_path / 'text.txt', tmp_path / 'out.npy')
    spoil, message = DAMAGES[damage]
    spoil(str(tmp_path / 'out.npy'), str(tmp_path / 'out.json'))
    with pytest.raises(FileError, match=message):
        hamlet.load_encoded(tmp_path / 'out.npy')


# What works on such an array

@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.uint32, np.int8, np.int32, np.int64])
def test_rows_windows_and_checks_copy_nothing(tmp_path, dtype):
    np.save(str(tmp_path / 'out.npy'), np.arange(100).astype(dtype))
    sequence = np.load(str(tmp_path / 'out.npy'), mmap_mode='r')
    x, y = hamlet.reshape_data(sequence, 3, 4)
    assert np.shares_memory(x, sequence) and np.shares_memory(y, sequence)
    checked = check_ids('train_x', x, 100, 'num_classes', copy=False)
    assert np.shares_memory(checked, sequence) and checked.dtype == dtype
    for window_x, window_y in hamlet.create_batch_generator(checked, y, 4):
        assert np.shares_memory(window_x, sequence) and window_x.dtype == dtype
        assert (window_y == window_x + 1).all()


@pytest.mark.parametrize('dtype', [np.uint8, np.int8, np.int64])
@pytest.mark.parametrize('copy', [True, False])
def test_the_first_wrong_id_is_named(dtype, copy):
    ids = np.zeros((2, 9), dtype)
    ids[1, 4] = 5
    assert check_ids('x', ids, 6, 'n', copy=copy).tolist() == ids.tolist()
    with pytest.raises(ArgumentValueError) as caught:
        check_ids('x', ids, 5, 'n', copy=copy)
    assert str(caught.value) == 'x must hold ids from 0 to 4 (n - 1), not 5 as in row 1, column 4'


def test_decoding_gives_the_text_back_and_names_a_number_without_a_character():
    char2int, _ = hamlet.char_vocabulary('To be')
    assert hamlet.decode(hamlet.encode('To be', char2int), char2int) == 'To be'
    assert hamlet.decode(np.zeros(0, np.uint8), char2int) == ''
    with pytest.raises(ArgumentValueError) as caught:
        hamlet.decode([0, 9], char2int)
    assert str(caught.value) == 'numbers has 9 at position 1, which is not in the vocabulary of 5'


def test_golden_figure_of_hamlet(hamlet_path, golden, tmp_path):
    sequence, char2int = hamlet.encode_file(hamlet_path, tmp_path / 'hamlet.npy')
    assert (len(sequence), len(char2int)) == (golden['hamlet']['characters'], golden['hamlet']['unique'])
    assert hashlib.sha256(sequence.astype(np.int32).tobytes()).hexdigest() == golden['hamlet']['text_ints_int32_sha256']
