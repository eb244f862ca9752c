"""Text as rows of character indices: worked batches, bad inputs, and the golden figures of the real play."""

import codecs
import gzip
import hashlib
import os

import numpy as np
import pytest

from rnnbook import hamlet
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError


# Files

@pytest.mark.parametrize('data, text', [
    (b'To be\nor not', 'To be\nor not'),
    (b'\xef\xbb\xbfTo be\r\nor not\r\n', 'To be\nor not\n'),
    (b'caf\xc3\xa9', 'caf\u00e9'),
    (b'\n', '\n'),
    (b'To be\ror not\r\r\n', 'To be\nor not\n\n'),
    ('To be\r\n\u00e9'.encode('utf-16'), 'To be\n\u00e9'),
    (codecs.BOM_UTF16_BE + 'a\r\u00e9'.encode('utf-16-be'), 'a\n\u00e9'),
    ('a\u00e9'.encode('utf-32'), 'a\u00e9'),
    (gzip.compress(b'\xef\xbb\xbfTo be\r\n'), 'To be\n'),
], ids=['plain', 'bom and crlf', 'utf-8', 'one line end', 'cr', 'utf-16', 'utf-16-be', 'utf-32', 'gzip'])
def test_a_text_is_read_with_line_ends_folded(tmp_path, data, text):
    (tmp_path / 'text.txt').write_bytes(data)
    assert hamlet.load_text(tmp_path / 'text.txt') == text


def test_of_the_etext_the_play_is_kept(tmp_path):
    play = hamlet.FIRST_LINES + '.\n\nA line of our own.\n\n' + hamlet.LAST_LINE
    (tmp_path / 'text.txt').write_bytes(('A header.\n\n' + play + '\n\nA footer.\n').replace('\n', '\r\n').encode())
    assert hamlet.load_text(tmp_path / 'text.txt') == play


@pytest.mark.parametrize('name, data, message', [
    ('text.txt', b'', 'text.txt is empty; there is no text to read$'),
    ('text.txt', b'\xef\xbb\xbf', 'text.txt is empty; there is no text to read$'),
    ('text.txt', b'caf\xe9', 'text.txt is not UTF-8: byte 3 is 0xe9, in line 1; .* encoding=, such as cp1252$'),
    ('missing.txt', b'a', '^cannot read .*missing.txt: No such file or directory$'),
    ('.', b'a', ' is a folder, not a file$'),
])
def test_a_text_that_cannot_be_read_is_a_file_error(tmp_path, name, data, message):
    (tmp_path / 'text.txt').write_bytes(data)
    with pytest.raises(FileError, match=message):
        hamlet.load_text(tmp_path / name)


@pytest.mark.parametrize('data, encoding, text', [
    (b'caf\xe9 \x80', 'cp1252', 'caf\u00e9 \u20ac'),
    ('\u00e9\r\n'.encode('utf-16-le'), 'utf-16-le', '\u00e9\n'),
    (codecs.BOM_UTF16_LE + 'a'.encode('utf-16-le'), 'utf-16-le', 'a'),
    (codecs.BOM_UTF8 + b'a', 'utf-8', 'a'),
    ('\u65e5\u672c'.encode('shift-jis'), 'shift-jis', '\u65e5\u672c'),
    (gzip.compress(b'caf\xe9'), 'latin-1', 'caf\u00e9'),
], ids=['cp1252', 'no mark', 'a mark', 'UTF-8', 'two bytes', 'gzip'])
def test_a_text_in_another_encoding(tmp_path, data, encoding, text):
    (tmp_path / 'text').write_bytes(data)
    assert hamlet.load_text(tmp_path / 'text', encoding=encoding) == text


@pytest.mark.parametrize('encoding, error, message', [
    ('none', ArgumentValueError, "encoding must name a text encoding such as utf-8 or cp1252, not 'none'"),
    ('', ArgumentValueError, "encoding must name a text encoding such as utf-8 or cp1252, not ''"),
    ('rot13', ArgumentValueError, "encoding must name a text encoding such as utf-8 or cp1252, not 'rot13'"),
    ('a\0', ArgumentValueError, "encoding must name a text encoding such as utf-8 or cp1252, not 'a\\x00'"),
    (8, ArgumentTypeError, 'encoding must be a str, not 8'),
])
def test_an_unknown_encoding_is_refused_before_the_file_is_read(tmp_path, encoding, error, message):
    for call in (lambda: hamlet.load_text(tmp_path / 'none', encoding=encoding),
                 lambda: hamlet.encode_file(tmp_path / 'none', tmp_path / 'a.npy', encoding=encoding)):
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value) == message


@pytest.mark.parametrize('data, encoding, message', [
    (b'a\r\nb\rc\n\xe9', None, 'is not UTF-8: byte 7 is 0xe9, in line 4; '),
    (b'a', 'utf-16', 'is not UTF-16: '),
    (b'abc', 'utf-16', 'is not UTF-16: byte 0 is 0x61'),
    (b'a\x81', 'cp1252', 'is not CP1252: byte 1 is 0x81, in line 1; '),
    (gzip.compress(b'a' * 99)[:-9], None, 'is damaged: '),
    (gzip.compress(b'a' * 99)[:-8] + b'12345678', None, 'is damaged: CRC check failed'),
    (gzip.compress(b'a\xe9'), None, 'is not UTF-8: byte 1 is 0xe9, in line 1; '),
    (gzip.compress(b''), None, 'is empty; there is no text to read$'),
])
def test_a_text_that_cannot_be_decoded_is_a_file_error(tmp_path, data, encoding, message):
    (tmp_path / 'text').write_bytes(data)
    with pytest.raises(FileError, match=message):
        hamlet.load_text(tmp_path / 'text', encoding=encoding)


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(str(tmp_path / 'pipe'))
    for path in (tmp_path / 'pipe', '/dev/zero'):
        for call in (lambda: hamlet.load_text(path), lambda: hamlet.encode_file(path, tmp_path / 'a.npy')):
            with pytest.raises(FileError, match=' is a pipe or a device, not a regular file; save what it gives'):
                call()


def test_a_path_that_is_none_is_refused_by_name():
    with pytest.raises(ArgumentTypeError, match='^path must be a path, not None$'):
        hamlet.load_text(None)


# Characters and their numbers

def test_characters_are_numbered_from_0_by_code_point():
    char2int, int2char = hamlet.char_vocabulary('Hello, \u00e9!\n')
    chars = ['\n', ' ', '!', ',', 'H', 'e', 'l', 'o', '\u00e9']
    assert list(char2int.items()) == list(zip(chars, range(9)))
    assert list(int2char.items()) == list(enumerate(chars))


def test_the_order_of_the_text_makes_no_difference():
    assert hamlet.char_vocabulary('cab') == hamlet.char_vocabulary('abcabc') == ({'a': 0, 'b': 1, 'c': 2},
                                                                                 {0: 'a', 1: 'b', 2: 'c'})


@pytest.mark.parametrize('text, error, message', [
    ('', ArgumentValueError, 'text must have at least one character, not none'),
    (b'abc', ArgumentTypeError, "text must be a str, not b'abc'"),
    (None, ArgumentTypeError, 'text must be a str, not None'),
    (['a'], ArgumentTypeError, "text must be a str, not ['a']"),
])
def test_what_has_no_characters_has_no_vocabulary(text, error, message):
    with pytest.raises(error) as caught:
        hamlet.char_vocabulary(text)
    assert str(caught.value) == message


def test_encode_leaves_out_unknown_characters_if_it_is_told_to():
    assert hamlet.encode('abxa', {'a': 0, 'b': 1}, unknown='skip').tolist() == [0, 1, 0]
    with pytest.raises(ArgumentValueError, match="unknown must be one of 'error', 'skip', not 'drop'"):
        hamlet.encode('a', {'a': 0}, unknown='drop')


def test_encode_gives_the_number_of_each_character():
    numbers = hamlet.encode('abca', {'a': 0, 'b': 1, 'c': 2})
    assert (numbers.dtype, numbers.tolist()) == (np.int32, [0, 1, 2, 0])
    assert hamlet.encode('', {'a': 0}).shape == (0,)


def test_encoding_and_decoding_give_the_text_back():
    text = 'Who\'s there?\nNay, answer me.'
    char2int, int2char = hamlet.char_vocabulary(text)
    assert ''.join(int2char[number] for number in hamlet.encode(text, char2int)) == text


@pytest.mark.parametrize('text, vocabulary, error, message', [
    ('abxcx', {'a': 0, 'b': 1, 'c': 2}, ArgumentValueError,
     "text has 'x', which the vocabulary lacks; it has the 3 characters 'abc'"),
    ('\u2014', {'b': 0, 'a': 1}, ArgumentValueError,
     "text has '\u2014', which the vocabulary lacks; it has the 2 characters 'ab'"),
    ('a', {}, ArgumentValueError, "text has 'a', which the vocabulary lacks; it has the 0 characters ''"),
    (b'a', {'a': 0}, ArgumentTypeError, "text must be a str, not b'a'"),
    ('a', ['a'], ArgumentTypeError, "char2int must be a dict of character to number, not ['a']"),
    ('a', {0: 'a'}, ArgumentTypeError, "char2int must be a dict of character to number, not {0: 'a'}"),
])
def test_encode_names_the_unknown_character_and_its_position(text, vocabulary, error, message):
    with pytest.raises(error) as caught:
        hamlet.encode(text, vocabulary)
    assert str(caught.value) == message


def test_a_good_vocabulary_becomes_a_dict_of_int():
    checked = hamlet.check_char2int('vocabulary', {'b': np.int64(1), 'a': 0}, 2)
    assert list(checked.items()) == [('b', 1), ('a', 0)]
    assert [type(number) for number in checked.values()] == [int, int]
    assert hamlet.check_char2int('vocabulary', None, 2) is None


@pytest.mark.parametrize('vocabulary, error, message', [
    (['a', 'b'], ArgumentTypeError, "vocabulary must be a dict of character to number, not ['a', 'b']"),
    ({0: 'a', 1: 'b'}, ArgumentTypeError, 'vocabulary must have characters for keys, not 0'),
    ({'a': 0, 'bc': 1}, ArgumentTypeError, "vocabulary must have characters for keys, not 'bc'"),
    ({'a': 0, '': 1}, ArgumentTypeError, "vocabulary must have characters for keys, not ''"),
    ({'a': 0, 'b': 2}, ArgumentValueError, "vocabulary['b'] must be an integer from 0 to 1, not 2"),
    ({'a': -1, 'b': 0}, ArgumentValueError, "vocabulary['a'] must be an integer from 0 to 1, not -1"),
    ({'a': 0, 'b': 1.0}, ArgumentTypeError, "vocabulary['b'] must be an integer from 0 to 1, not 1.0"),
    ({'a': 0, 'b': 0}, ArgumentValueError,
     'vocabulary must have one character for each number from 0 to num_classes - 1 = 1; it has 2 characters'),
    ({'a': 0}, ArgumentValueError,
     'vocabulary must have one character for each number from 0 to num_classes - 1 = 1; it has 1 character'),
    ({}, ArgumentValueError,
     'vocabulary must have one character for each number from 0 to num_classes - 1 = 1; it has 0 characters'),
])
def test_a_bad_vocabulary_is_refused_with_the_character(vocabulary, error, message):
    with pytest.raises(error) as caught:
        hamlet.check_char2int('vocabulary', vocabulary, 2)
    assert str(caught.value) == message


# Rows and windows

def test_targets_are_the_same_rows_one_character_on():
    x, y = hamlet.reshape_data(np.arange(14, dtype=np.int32), batch_size=2, num_steps=3)
    assert x.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert y.tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]
    assert (x.dtype, y.dtype) == (np.int32, np.int32)


@pytest.mark.parametrize('length, columns', [
    (7, 3),                                                 # one batch of 2 x 3 and its last target
    (12, 3),                                                # two batches, and no character left for the last target
    (13, 6),
    (18, 6),
    (19, 9),
])
def test_one_batch_fewer_where_no_character_is_left_for_the_last_target(length, columns):
    x, y = hamlet.reshape_data(list(range(length)), 2, 3)
    assert x.shape == y.shape == (2, columns)
    assert x.ravel().tolist() == list(range(2 * columns))
    assert y.ravel().tolist() == list(range(1, 2 * columns + 1))


@pytest.mark.parametrize('sequence, sizes, error, message', [
    (range(6), (2, 3), ArgumentValueError,
     'sequence must have at least batch_size * num_steps + 1 = 7 characters for one batch, not 6'),
    ([], (64, 100), ArgumentValueError,
     'sequence must have at least batch_size * num_steps + 1 = 6401 characters for one batch, not 0'),
    ([1], (1, 1), ArgumentValueError,
     'sequence must have at least batch_size * num_steps + 1 = 2 characters for one batch, not 1'),
    ([[1, 2], [3, 4]], (1, 1), ArgumentValueError, 'sequence must have one dimension, not the shape (2, 2)'),
    (5, (1, 1), ArgumentValueError, 'sequence must have one dimension, not the shape ()'),
    ([0.0, 1.0], (1, 1), ArgumentTypeError, 'sequence must hold integers, not float64'),
    (['a', 'b'], (1, 1), ArgumentTypeError, 'sequence must hold integers, not <U1'),
    ('ab', (1, 1), ArgumentValueError, 'sequence must have one dimension, not the shape ()'),
    ([0, 1], (0, 1), ArgumentValueError, 'batch_size must be an integer of at least 1, not 0'),
    ([0, 1], (1, 0), ArgumentValueError, 'num_steps must be an integer of at least 1, not 0'),
    ([0, 1], (1.0, 1), ArgumentTypeError, 'batch_size must be an integer of at least 1, not 1.0'),
    ([0, 1], (1, None), ArgumentTypeError, 'num_steps must be an integer of at least 1, not None'),
])
def test_reshape_data_names_argument_and_rule(sequence, sizes, error, message):
    with pytest.raises(error) as caught:
        hamlet.reshape_data(sequence, *sizes)
    assert str(caught.value) == message


@pytest.mark.parametrize('columns, starts', [(6, [0, 3]), (7, [0, 3]), (8, [0, 3]), (3, [0]), (2, []), (0, [])])
def test_windows_are_whole_and_go_from_left_to_right(columns, starts):
    x = np.arange(2 * columns).reshape(2, columns)
    windows = list(hamlet.create_batch_generator(x, x + 1, num_steps=3))
    assert [window_x.tolist() for window_x, _ in windows] == [
        [[s, s + 1, s + 2], [columns + s, columns + s + 1, columns + s + 2]] for s in starts]
    assert all((window_y == window_x + 1).all() for window_x, window_y in windows)


@pytest.mark.parametrize('x, y, steps, error, message', [
    (np.zeros((2, 4)), np.zeros((2, 5)), 2, ArgumentValueError,
     'data_x and data_y must have one shape (rows, columns), not (2, 4) and (2, 5)'),
    (np.zeros(4), np.zeros(4), 2, ArgumentValueError,
     'data_x and data_y must have one shape (rows, columns), not (4,) and (4,)'),
    (np.zeros((2, 4)), np.zeros((2, 4)), 0, ArgumentValueError, 'num_steps must be an integer of at least 1, not 0'),
    (np.zeros((2, 4)), np.zeros((2, 4)), 2.0, ArgumentTypeError,
     'num_steps must be an integer of at least 1, not 2.0'),
])
def test_a_batch_generator_refuses_at_the_call(x, y, steps, error, message):
    with pytest.raises(error) as caught:
        hamlet.create_batch_generator(x, y, steps)
    assert str(caught.value) == message


# The real play

def test_golden_figures_of_hamlet(hamlet_path, golden):
    golden = golden['hamlet']
    text = hamlet.load_text(hamlet_path)
    assert len(text) == golden['characters']
    assert hashlib.sha256(text.encode('utf-8')).hexdigest() == golden['text_sha256']

    char2int, int2char = hamlet.char_vocabulary(text)
    assert len(char2int) == len(int2char) == golden['unique']
    numbers = hamlet.encode(text, char2int)
    assert hashlib.sha256(numbers.tobytes()).hexdigest() == golden['text_ints_int32_sha256']

    for num_steps in (100, 10):
        x, y = hamlet.reshape_data(numbers, 64, num_steps)
        assert list(x.shape) == list(y.shape) == golden['reshape_64_%d' % num_steps]
        assert len(list(hamlet.create_batch_generator(x, y, num_steps))) == x.shape[1] // num_steps
    assert ''.join(int2char[number] for number in x[0, :22]) == 'The Tragedie of Hamlet'
    assert ''.join(int2char[number] for number in y[0, :21]) == 'he Tragedie of Hamlet'
