"""The errors and the checks of arguments: name, rule and value stand in each message."""

import decimal
import re

import numpy as np
import pytest

from rnnbook import errors
from rnnbook.base import checks
from rnnbook.errors import ArgumentTypeError, ArgumentValueError


@pytest.mark.parametrize('error, builtin', [
    (errors.ArgumentValueError, ValueError),
    (errors.ArgumentTypeError, TypeError),
    (errors.FileError, OSError),
    (errors.RequirementError, ImportError),
])
def test_every_error_is_ours_and_a_builtin_one(error, builtin):
    assert issubclass(error, errors.RnnbookError)
    assert issubclass(error, builtin)


@pytest.mark.parametrize('value, width, text', [
    ('short', 60, "'short'"),
    ('caf\u00e9', 60, "'caf\u00e9'"),
    ('a\x1b\ud800', 60, "'a\\x1b\\ud800'"),
    ([1, 2, 3], 9, '[1, 2, 3]'),
    ([1, 2, 3], 8, '[1, 2...'),
    ('a' * 100, 10, "'aaaaaa..."),
    (np.eye(2), 60, 'array([[1., 0.], [0., 1.]])'),
    ('two\nlines', 60, "'two\\nlines'"),
])
def test_shorten_gives_one_line_of_at_most_that_width(value, width, text):
    assert checks.shorten(value, width) == text


@pytest.mark.parametrize('value', [3, np.int32(3), np.uint8(3), np.array(3)])
def test_check_int_takes_any_integer_and_returns_an_int(value):
    number = checks.check_int('lstm_size', value)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize('value', [0, 5])
def test_check_int_includes_both_ends(value):
    assert checks.check_int('seed', value, 0, 5) == value


@pytest.mark.parametrize('value, limits, error, message', [
    (0, {}, ArgumentValueError, 'n must be an integer of at least 1, not 0'),
    (np.int64(-3), {}, ArgumentValueError, 'n must be an integer of at least 1, not -3'),
    (6, {'minimum': 0, 'maximum': 5}, ArgumentValueError, 'n must be an integer from 0 to 5, not 6'),
    (-1, {'minimum': 0, 'maximum': 5}, ArgumentValueError, 'n must be an integer from 0 to 5, not -1'),
    (True, {}, ArgumentTypeError, 'n must be an integer of at least 1, not True'),
    (np.bool_(False), {}, ArgumentTypeError, 'n must be an integer of at least 1, not False'),
    (2.0, {}, ArgumentTypeError, 'n must be an integer of at least 1, not 2.0'),
    ('2', {}, ArgumentTypeError, "n must be an integer of at least 1, not '2'"),
    (None, {}, ArgumentTypeError, 'n must be an integer of at least 1, not None'),
    (np.array([1, 2]), {}, ArgumentTypeError, 'n must be an integer of at least 1, not array([1, 2])'),
])
def test_check_int_names_argument_rule_and_value(value, limits, error, message):
    with pytest.raises(error) as caught:
        checks.check_int('n', value, **limits)
    assert str(caught.value) == message


@pytest.mark.parametrize('value', [1, 1.0, np.float32(1), np.int8(1)])
def test_check_number_takes_any_real_number_and_returns_a_float(value):
    number = checks.check_number('keep_prob', value, above=0, maximum=1)
    assert (number, type(number)) == (1.0, float)


@pytest.mark.parametrize('value, limits, error, message', [
    (0, {'above': 0}, ArgumentValueError, 'p must be a finite number above 0, not 0'),
    (1.5, {'above': 0, 'maximum': 1}, ArgumentValueError,
     'p must be a finite number above 0 and of at most 1, not 1.5'),
    (1, {'minimum': 2}, ArgumentValueError, 'p must be a finite number of at least 2, not 1'),
    (float('nan'), {}, ArgumentValueError, 'p must be a finite number, not nan'),
    (float('inf'), {'above': 0}, ArgumentValueError, 'p must be a finite number above 0, not inf'),
    (-float('inf'), {}, ArgumentValueError, 'p must be a finite number, not -inf'),
    (True, {}, ArgumentTypeError, 'p must be a finite number, not True'),
    ('0.5', {}, ArgumentTypeError, "p must be a finite number, not '0.5'"),
    (None, {'above': 0}, ArgumentTypeError, 'p must be a finite number above 0, not None'),
    (1j, {}, ArgumentTypeError, 'p must be a finite number, not 1j'),
    (decimal.Decimal(1), {}, ArgumentTypeError, "p must be a finite number, not Decimal('1')"),
])
def test_check_number_names_argument_rule_and_value(value, limits, error, message):
    with pytest.raises(error) as caught:
        checks.check_number('p', value, **limits)
    assert str(caught.value) == message


def test_check_number_refuses_an_int_beyond_every_float():
    with pytest.raises(ArgumentValueError, match=r'^grad_clip must be a finite number, not 1000+\.\.\.$'):
        checks.check_number('grad_clip', 10 ** 400)


def test_check_choice_returns_the_value():
    assert checks.check_choice('engine', 'book', ('book', 'fused')) == 'book'


@pytest.mark.parametrize('value, given', [('fast', "'fast'"), ('boo', "'boo'"), (None, 'None'), (1, '1')])
def test_check_choice_names_all_choices(value, given):
    with pytest.raises(ArgumentValueError) as caught:
        checks.check_choice('engine', value, ('book', 'fused'))
    assert str(caught.value) == "engine must be one of 'book', 'fused', not " + given


@pytest.mark.parametrize('value', [True, False, np.bool_(True), np.bool_(False)])
def test_check_bool_returns_a_bool(value):
    assert checks.check_bool('sampling', value) is bool(value)


@pytest.mark.parametrize('value', [0, 1, None, 'True'])
def test_check_bool_refuses_what_is_only_true_or_false_in_spirit(value):
    with pytest.raises(ArgumentTypeError) as caught:
        checks.check_bool('sampling', value)
    assert str(caught.value) == 'sampling must be True or False, not %r' % (value,)


def test_check_str_returns_the_text():
    assert checks.check_str('starter_seq', '') == ''


@pytest.mark.parametrize('value', [b'The', 1, None, ['The']])
def test_check_str_names_argument_and_value(value):
    with pytest.raises(ArgumentTypeError) as caught:
        checks.check_str('starter_seq', value)
    assert str(caught.value) == 'starter_seq must be a str, not %r' % (value,)


@pytest.mark.parametrize('values', [
    [[0, 1, 2], [3, 4, 5]],
    np.array([[0, 1, 2], [3, 4, 5]], dtype=np.uint8),
    np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int64),
])
def test_check_ids_gives_an_int32_matrix(values):
    ids = checks.check_ids('X_train', values, 6, 'n_words', columns=3)
    assert ids.dtype == np.int32
    assert ids.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_check_ids_does_not_copy_int32():
    values = np.array([[0, 1]], dtype=np.int32)
    assert checks.check_ids('X_train', values, 2, 'n_words') is values


def test_check_ids_takes_no_rows():
    assert checks.check_ids('X_data', np.zeros((0, 3), np.int32), 6, 'n_words', columns=3).shape == (0, 3)


@pytest.mark.parametrize('values, columns, error, message', [
    ([[1, 2], [3, 6]], None, ArgumentValueError,
     'X_data must hold ids from 0 to 5 (n_words - 1), not 6 as in row 1, column 1'),
    ([[1, -1], [9, 9]], None, ArgumentValueError,
     'X_data must hold ids from 0 to 5 (n_words - 1), not -1 as in row 0, column 1'),
    ([1, 2], None, ArgumentValueError, 'X_data must have the shape (rows, columns), not (2,)'),
    ([], None, ArgumentValueError, 'X_data must have the shape (rows, columns), not (0,)'),
    (3, None, ArgumentValueError, 'X_data must have the shape (rows, columns), not ()'),
    ([[]], None, ArgumentValueError, 'X_data must have the shape (rows, columns), not (1, 0)'),
    ([[1, 2]], 3, ArgumentValueError, 'X_data must have the shape (rows, 3), not (1, 2)'),
    ([[[1]]], None, ArgumentValueError, 'X_data must have the shape (rows, columns), not (1, 1, 1)'),
    ([[1.0, 2.0]], None, ArgumentTypeError, 'X_data must hold integers, not float64'),
    ([[True, False]], None, ArgumentTypeError, 'X_data must hold integers, not bool'),
    ([['a', 'b']], None, ArgumentTypeError, 'X_data must hold integers, not <U1'),
    ([[2 ** 70]], None, ArgumentTypeError, 'X_data must hold integers, not object'),
])
def test_check_ids_names_argument_rule_and_place(values, columns, error, message):
    with pytest.raises(error) as caught:
        checks.check_ids('X_data', values, 6, 'n_words', columns)
    assert str(caught.value) == message


def test_check_ids_refuses_rows_of_several_lengths():
    with pytest.raises((ArgumentTypeError, ArgumentValueError), match='^X_data must '):
        checks.check_ids('X_data', [[1, 2], [3]], 6, 'n_words')


def test_messages_are_one_line_whatever_the_value():
    with pytest.raises(ArgumentTypeError) as caught:
        checks.check_int('n', np.zeros((50, 50)))
    assert re.fullmatch(r'n must be an integer of at least 1, not .{60}', str(caught.value))


def test_the_length_of_a_row_counts_from_its_first_word_and_is_at_least_one():
    rows = np.array([[0, 0, 3], [0, 2, 0], [1, 1, 1], [0, 0, 0]])
    assert checks.row_lengths(rows).tolist() == [1, 2, 3, 1]
    assert checks.row_lengths(rows[:0]).shape == (0,)


@pytest.mark.parametrize('number, text', [(0, '0 words'), (1, '1 word'), (2, '2 words'), (1000, '1000 words')])
def test_a_number_agrees_with_its_noun(number, text):
    assert checks.counted(number, 'word') == text


@pytest.mark.parametrize('number, words', [(0, '0 losses'), (1, '1 loss'), (2, '2 losses')])
def test_counted_puts_the_noun_in_the_plural_but_for_one(number, words):
    assert (checks.counted(number, 'loss', 'losses'), checks.counted(number, 'word')) == (
        words, words.replace('losses', 'words').replace('loss', 'word'))
