"""Reviews as rows of word indices: worked batches, bad inputs, and the golden figures of the real reviews."""

import collections
import string

import numpy as np
import pandas
import pytest

from rnnbook import imdb
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError

REVIEWS = ['A good film. A GOOD one!', 'Bad, bad film', '', '...']
WORD_TO_INT = {'.': 1, 'a': 2, 'good': 3, 'film': 4, 'bad': 5, 'one': 6, '!': 7, ',': 8}
MAPPED = [[2, 3, 4, 1, 2, 3, 6, 7], [5, 8, 5, 4], [], [1, 1, 1]]


def csv(folder, data):
    """Write a CSV, from str or bytes."""
    path = folder / 'reviews.csv'
    path.write_bytes(data if isinstance(data, bytes) else data.encode('utf-8'))
    return path


# Words and their numbers

@pytest.mark.parametrize('text, separated', [
    ('', ''),
    ('Good', 'good'),
    ('Good.', 'good . '),
    ("Isn't it?!", "isn ' t it ?  ! "),
    ('<br />', ' < br  /  > '),
    ('a_b-c', 'a _ b - c'),
    ('\u201cCaf\u00c9\u201d \u2014', '\u201ccaf\u00e9\u201d \u2014'),          # only ASCII punctuation is set apart
    ('two\nlines\t', 'two\nlines\t'),
])
def test_punctuation_is_set_apart_and_letters_become_lower_case(text, separated):
    assert imdb.separate_punctuation(text) == separated


def test_every_mark_of_string_punctuation_is_set_apart():
    assert imdb.separate_punctuation('x'.join(string.punctuation)).split() == list('x'.join(string.punctuation))


def test_separating_twice_gives_the_same_words():
    once = imdb.separate_punctuation(REVIEWS[0])
    assert imdb.separate_punctuation(once).split() == once.split()


def test_words_are_counted_over_all_reviews_in_order_of_first_occurrence():
    counts = imdb.count_words(REVIEWS, progress=False)
    assert isinstance(counts, collections.Counter)
    assert list(counts.items()) == [('a', 2), ('good', 2), ('film', 2), ('.', 4), ('one', 1), ('!', 1), ('bad', 2),
                                    (',', 1)]


def test_numbers_go_by_falling_count_and_ties_by_first_occurrence():
    counts = collections.Counter('b a c a d c'.split())
    assert list(imdb.make_word_to_int(counts).items()) == [('a', 1), ('c', 2), ('b', 3), ('d', 4)]
    assert imdb.make_word_to_int(imdb.count_words(REVIEWS, progress=False)) == WORD_TO_INT


def test_no_words_have_no_numbers():
    assert imdb.make_word_to_int(imdb.count_words([], progress=False)) == {}


def test_reviews_are_mapped_word_by_word():
    assert imdb.map_reviews(REVIEWS, WORD_TO_INT, progress=False) == MAPPED


def test_index_reviews_equals_the_three_steps():
    mapped, word_to_int = imdb.index_reviews(REVIEWS, progress=False)
    assert mapped == MAPPED
    assert list(word_to_int.items()) == list(WORD_TO_INT.items())


def test_index_reviews_equals_the_three_steps_on_many_ties():
    words = ['w%d' % number for number in np.random.RandomState(1).randint(0, 300, size=2000)]
    reviews = [' '.join(words[start:start + 20]) for start in range(0, 2000, 20)]
    word_to_int = imdb.make_word_to_int(imdb.count_words(reviews, progress=False))
    mapped, in_one_pass = imdb.index_reviews(reviews, progress=False)
    assert list(in_one_pass.items()) == list(word_to_int.items())
    assert mapped == imdb.map_reviews(reviews, word_to_int, progress=False)


@pytest.mark.parametrize('kind', [tuple, pandas.Series, np.array, iter],
                         ids=['tuple', 'column of a data frame', 'array', 'iterator'])
def test_reviews_may_be_any_sequence(kind):
    assert imdb.index_reviews(kind(REVIEWS), progress=False) == (MAPPED, WORD_TO_INT)


def test_a_column_of_a_shuffled_data_frame_is_read_in_its_order():
    column = pandas.Series(['b', 'a'], index=[1, 0])
    assert imdb.index_reviews(column, progress=False)[0] == [[1], [2]]


NOT_A = 'must be a sequence of str, such as a list or one column of a data frame, not of the type '
STEPS = {
    'count_words': lambda reviews: imdb.count_words(reviews, progress=False),
    'map_reviews': lambda reviews: imdb.map_reviews(reviews, {'good': 1}, progress=False),
    'index_reviews': lambda reviews: imdb.index_reviews(reviews, progress=False),
    'encode': lambda reviews: imdb.encode(reviews, {'good': 1}, 3),
}


@pytest.mark.parametrize('step', sorted(STEPS))
@pytest.mark.parametrize('reviews, rule', [
    (['good', 'good', 3], 'must be a sequence of str; row 2 is 3'),
    (['good', float('nan')], 'must be a sequence of str; row 1 is nan'),
    ([None], 'must be a sequence of str; row 0 is None'),
    (pandas.Series(['good', np.nan], index=[7, 8]), 'must be a sequence of str; row 1 is nan'),
    ([b'good'], "must be a sequence of str; row 0 is b'good'"),
    ([['good']], "must be a sequence of str; row 0 is ['good']"),
    ('good', 'must be a sequence of str, not one str; try [text]'),
    (5, NOT_A + 'int'),
    (None, NOT_A + 'NoneType'),
    ({'good': 1}, NOT_A + 'dict'),
    ({'good'}, NOT_A + 'set'),
    (pandas.DataFrame({'review': ['good']}), NOT_A + 'DataFrame'),
], ids=['number', 'nan', 'none', 'nan in a data frame', 'bytes', 'list', 'one str', 'no sequence', 'nothing', 'dict',
        'set', 'data frame'])
def test_what_is_no_text_is_refused_with_its_row(step, reviews, rule):
    name = 'texts' if step == 'encode' else 'reviews'
    with pytest.raises(ArgumentTypeError) as caught:
        STEPS[step](reviews)
    assert str(caught.value) == '%s %s' % (name, rule)


@pytest.mark.parametrize('call, message', [
    (lambda: imdb.separate_punctuation(None), 'text must be a str, not None'),
    (lambda: imdb.make_word_to_int(['a']), "counts must be a dict of word to count, not ['a']"),
    (lambda: imdb.map_reviews(['a'], ['a'], progress=False), "word_to_int must be a dict of word to number, not ['a']"),
    (lambda: imdb.encode(['a'], None), 'vocabulary must be a dict of word to number, not None'),
])
def test_what_has_the_wrong_type_is_refused_by_name(call, message):
    with pytest.raises(ArgumentTypeError) as caught:
        call()
    assert str(caught.value) == message


def test_map_reviews_names_a_word_without_a_number_and_its_row():
    with pytest.raises(ArgumentValueError, match="^word_to_int has no number for 'worse' in row 1 of reviews; encode "):
        imdb.map_reviews(['bad', 'even worse'], {'bad': 1, 'even': 2}, progress=False)


def test_bars_carry_the_titles_of_the_chapter(monkeypatch):
    titles = []

    def bar(items, total, title, patience):
        titles.append((title, total, patience))
        return items

    monkeypatch.setattr('rnnbook.base.bar.show_bar', bar)
    counts = imdb.count_words(REVIEWS)
    imdb.map_reviews(REVIEWS, imdb.make_word_to_int(counts))
    imdb.index_reviews(REVIEWS)
    imdb.index_reviews(REVIEWS, progress=False)
    assert titles == [('Counting words occurences', 4, 0), ('Map reviews to ints', 4, 0),
                      ('Counting words occurences', 4, 0)]


# Rows of one length

def test_the_last_words_are_kept_with_zeros_on_the_left():
    sequences = imdb.fixed_length([[1, 2, 3, 4, 5], [6, 7, 8], [9], []], 3)
    assert sequences.dtype == np.int32
    assert sequences.tolist() == [[3, 4, 5], [6, 7, 8], [0, 0, 9], [0, 0, 0]]


def test_two_hundred_words_are_kept_unless_said_otherwise():
    sequences = imdb.fixed_length([list(range(1, 202)), [7]])
    assert sequences.shape == (2, 200)
    assert sequences[0].tolist() == list(range(2, 202))
    assert sequences[1].tolist() == [0] * 199 + [7]


def test_no_reviews_give_no_rows():
    assert imdb.fixed_length([], 3).shape == (0, 3)


def test_a_review_without_a_word_becomes_a_row_of_zeros():
    mapped, _ = imdb.index_reviews(['', ' \n', 'good'], progress=False)
    assert imdb.fixed_length(mapped, 2).tolist() == [[0, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize('length, error, message', [
    (0, ArgumentValueError, 'sequence_length must be an integer of at least 1, not 0'),
    (2.0, ArgumentTypeError, 'sequence_length must be an integer of at least 1, not 2.0'),
])
@pytest.mark.parametrize('call', [lambda length: imdb.fixed_length([[1]], length),
                                  lambda length: imdb.encode(['a'], {'a': 1}, length)], ids=['fixed_length', 'encode'])
def test_a_length_below_one_is_refused(call, length, error, message):
    with pytest.raises(error) as caught:
        call(length)
    assert str(caught.value) == message


def test_encode_treats_new_text_as_the_training_text():
    sequences = imdb.encode(['GOOD film!', 'a.'], WORD_TO_INT, 4)
    assert sequences.dtype == np.int32
    assert sequences.tolist() == [[0, 3, 4, 7], [0, 0, 2, 1]]


def test_encode_leaves_unknown_words_out_and_counts_them():
    sequences, unknown = imdb.encode(['a really good one', 'nothing known', ''], WORD_TO_INT, 3, return_unknown=True)
    assert sequences.tolist() == [[2, 3, 6], [0, 0, 0], [0, 0, 0]]
    assert (unknown.dtype, unknown.tolist()) == (np.int64, [1, 2, 0])


def test_encode_keeps_the_last_known_words():
    assert imdb.encode(['a good film unseen words'], WORD_TO_INT, 2).tolist() == [[3, 4]]


def test_encode_of_no_texts_gives_no_rows():
    sequences, unknown = imdb.encode([], WORD_TO_INT, 3, return_unknown=True)
    assert (sequences.shape, unknown.shape) == ((0, 3), (0,))


# Checks that the model uses

def test_a_good_vocabulary_becomes_a_dict_of_int():
    checked = imdb.check_word_to_int('vocabulary', {'a': np.int64(2), 'b': 1}, 3)
    assert checked == {'a': 2, 'b': 1}
    assert [type(number) for number in checked.values()] == [int, int]
    assert imdb.check_word_to_int('vocabulary', {}, 3) == {}
    assert imdb.check_word_to_int('vocabulary', None, 3) is None


@pytest.mark.parametrize('vocabulary, error, message', [
    (['a'], ArgumentTypeError, "vocabulary must be a dict of word to number, not ['a']"),
    ({1: 'a'}, ArgumentTypeError, 'vocabulary must have words for keys, not 1'),
    ({'a': 0}, ArgumentValueError, "vocabulary['a'] must be an integer from 1 to 2, not 0"),
    ({'a': 1, 'b': 3}, ArgumentValueError, "vocabulary['b'] must be an integer from 1 to 2, not 3"),
    ({'a': 1.0}, ArgumentTypeError, "vocabulary['a'] must be an integer from 1 to 2, not 1.0"),
    ({'a': '1'}, ArgumentTypeError, "vocabulary['a'] must be an integer from 1 to 2, not '1'"),
    ({'a': 2, 'b': 2}, ArgumentValueError,
     "vocabulary must have a number of its own for each word, not 2 for both 'a' and 'b'"),
])
def test_a_bad_vocabulary_is_refused_with_the_word(vocabulary, error, message):
    with pytest.raises(error) as caught:
        imdb.check_word_to_int('vocabulary', vocabulary, 3)
    assert str(caught.value) == message


@pytest.mark.parametrize('labels', [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True],
                                    np.array([0, 1, 1], np.uint8), pandas.Series([0, 1, 1], index=[5, 6, 7])])
def test_labels_become_float32(labels):
    checked = imdb.check_labels('y_train', labels, 3)
    assert (checked.dtype, checked.tolist()) == (np.float32, [0, 1, 1])


@pytest.mark.parametrize('labels, error, message', [
    ([0, 1, 2], ArgumentValueError, 'y_train must hold 0 and 1, not 2 as in row 2'),
    ([0, -1, 1], ArgumentValueError, 'y_train must hold 0 and 1, not -1 as in row 1'),
    ([0.5, 0, 1], ArgumentValueError, 'y_train must hold 0 and 1, not 0.5 as in row 0'),
    ([0, 1, np.nan], ArgumentValueError, 'y_train must hold 0 and 1, not nan as in row 2'),
    (['0', '1', '1'], ArgumentTypeError, "y_train must hold the numbers 0 and 1, not '0' as in row 0"),
    (['pos', 'neg', 'pos'], ArgumentTypeError, "y_train must hold the numbers 0 and 1, not 'pos' as in row 0"),
    ([0, 1, None], ArgumentTypeError, 'y_train must hold the numbers 0 and 1, not None as in row 2'),
    ([0, 1], ArgumentValueError, 'y_train must have the shape (3,), one label a row, not (2,)'),
    ([[0], [1], [1]], ArgumentValueError, 'y_train must have the shape (3,), one label a row, not (3, 1)'),
    (1, ArgumentTypeError, 'y_train must be an array or a list of rows, not 1'),
])
def test_labels_other_than_0_and_1_are_refused_with_the_row(labels, error, message):
    with pytest.raises(error) as caught:
        imdb.check_labels('y_train', labels, 3)
    assert str(caught.value) == message


# Halves and batches

def test_the_first_half_trains_and_the_rest_tests():
    x_train, y_train, x_test, y_test = imdb.split_halves(np.arange(10).reshape(5, 2), [0, 1, 0, 1, 1])
    assert (x_train.tolist(), y_train) == ([[0, 1], [2, 3]], [0, 1])
    assert (x_test.tolist(), y_test) == ([[4, 5], [6, 7], [8, 9]], [0, 1, 1])


@pytest.mark.parametrize('x, y, message', [
    (['a', 'b', 'c'], [0, 1], 'y must have one label for each of the 3 rows of x, not 2'),
    (['a'], [0], 'x must have at least 2 rows to be split in halves, not 1'),
    ([], [], 'x must have at least 2 rows to be split in halves, not 0'),
])
def test_what_has_no_halves_is_refused(x, y, message):
    with pytest.raises(ArgumentValueError) as caught:
        imdb.split_halves(x, y)
    assert str(caught.value) == message


@pytest.mark.parametrize('rows, starts', [(6, [0, 3]), (7, [0, 3]), (8, [0, 3]), (3, [0]), (2, []), (0, [])])
def test_batches_are_whole_and_in_order(rows, starts):
    x, y = np.arange(2 * rows).reshape(rows, 2), np.arange(rows) + 100
    batches = list(imdb.create_batch_generator(x, y, batch_size=3))
    assert [batch_y.tolist() for _, batch_y in batches] == [[100 + s, 101 + s, 102 + s] for s in starts]
    assert [batch_x[:, 0].tolist() for batch_x, _ in batches] == [[2 * s, 2 * s + 2, 2 * s + 4] for s in starts]


def test_batches_without_labels_are_x_alone():
    batches = list(imdb.create_batch_generator(np.array([[1], [2], [3]]), batch_size=2))
    assert [batch.tolist() for batch in batches] == [[[1], [2]]]


def test_batches_have_64_rows_unless_said_otherwise():
    assert [len(batch) for batch in imdb.create_batch_generator(np.zeros((130, 1)))] == [64, 64]


@pytest.mark.parametrize('y, size, error, message', [
    (None, 0, ArgumentValueError, 'batch_size must be an integer of at least 1, not 0'),
    (None, '2', ArgumentTypeError, "batch_size must be an integer of at least 1, not '2'"),
    ([1, 2], 1, ArgumentValueError, 'y must have one row for each of the 3 rows of x, not 2'),
])
def test_a_batch_generator_refuses_at_the_call(y, size, error, message):
    with pytest.raises(error) as caught:
        imdb.create_batch_generator(np.zeros((3, 2)), y, size)
    assert str(caught.value) == message


# Files

@pytest.mark.parametrize('data, reviews, labels', [
    ('review,sentiment\nGood.,1\nBad.,0\n', ['Good.', 'Bad.'], [1, 0]),
    ('id,sentiment,review\n7,1,Good\n', ['Good'], [1]),
    ('\ufeffreview,sentiment\nGood,1\n', ['Good'], [1]),
    ('review,sentiment\n,1\n"",0\nNA,1\nnan,0\nnull,1\n', ['', '', 'NA', 'nan', 'null'], [1, 0, 1, 0, 1]),
    ('review,sentiment\n"Well, ""good""\nand long",1\n', ['Well, "good"\nand long'], [1]),
    ('review,sentiment\r\n"a\r\nb",1\r\n', ['a\r\nb'], [1]),
    ('review,sentiment\nGood, 1 \n', ['Good'], [1]),
    ('review,sentiment\nGood,1,\nBad,0,\n', ['Good', 'Bad'], [1, 0]),
    ('review,sentiment\n\nGood,1\n\n', ['Good'], [1]),
    ('review,sentiment\n007,1\n1e3,0\n', ['007', '1e3'], [1, 0]),
    ('review,sentiment\nCaf\u00e9 \u2014,1', ['Caf\u00e9 \u2014'], [1]),
    ('review,sentiment\na,1.0\nb,0.0\n', ['a', 'b'], [1, 0]),
    ('review,sentiment\n"Great" movie,1\n', ['Great movie'], [1]),
    ('review,sentiment\ra,1\rb,0\r', ['a', 'b'], [1, 0]),
    ('review,sentiment\n5" disk,1\n', ['5" disk'], [1]),
], ids=['plain', 'more columns', 'bom', 'empty and NA', 'quoted', 'crlf', 'spaced label', 'comma at each end',
        'blank lines', 'numbers', 'utf-8 without a last line end', 'floats', 'quoted word', 'old Mac',
        'inch'])
def test_a_csv_is_read_as_text_and_labels(tmp_path, data, reviews, labels):
    found, numbers = imdb.load_reviews(csv(tmp_path, data))
    assert found == reviews
    assert (numbers.dtype, numbers.tolist()) == (np.int64, labels)


@pytest.mark.parametrize('data, message', [
    ('', 'reviews.csv is empty'),
    (' \n\n', 'reviews.csv is empty'),
    ('\ufeff', 'reviews.csv is empty'),
    ('review,sentiment\n', 'reviews.csv has a header and no rows'),
    ('text,label\nGood,1\n', "reviews.csv needs the columns review and sentiment; it has 'text, label'. Choose with "
                             'text_column and label_column, '),
    ('review\nGood\n', "reviews.csv needs the columns review and sentiment; it has 'review'.* separator= sets what"),
    ('Good,1\nBad,0\n', "it has 'Good, 1'. Choose .*; without a header, give no_header and numbers from 0;"),
    ('review|sentiment\nGood|1\n', "needs the columns review and sentiment; it has 'review|sentiment'.*separator="),
    ('review,sentiment,Review \na,1,b\n', "it has 'review, sentiment, Review '. Choose .* by names that occur once;"),
    (b'review,sentiment\nCaf\xe9,1\n', r'reviews.csv is not UTF-8: byte 20 is 0xe9, in line 2; .* encoding='),
    ('review,sentiment\na,1\n"b,0\nc,1\n', 'reviews.csv cannot be read as a CSV: .*EOF inside string'),
    ('review,sentiment\na,1\nb, c,0\n', "reviews.csv: row 1 has more than the 2 fields of the first line; a field that "
                                        "contains ',' needs quotes$"),
    ('sentiment,review\n1,Good, really\n', 'reviews.csv: row 0 has more than the 2 fields'),
    ('review,sentiment\na\0b,1\n', 'reviews.csv has a NUL character; is it UTF-16'),
    ('review,sentiment\na,1\nb,2\n', r"sentiment has the labels '1' \(1 row, first in row 0\), '2' \(1 row, first in "
                                     r'row 1\); it must hold 0 and 1, .*positive='),
    ('review,sentiment\na,excellent\n', r"reviews.csv: sentiment has the labels 'excellent' \(1 row, first in row 0\)"),
    ('review,sentiment\na,1\nb,\n', r"'' \(1 row, first in row 1\)"),
    ('review,sentiment\na,0\nb\n', r"'' \(1 row, first in row 1\)"),
    ('review,sentiment\na,0.5\n', r"'0.5' \(1 row, first in row 0\)"),
    ('review,sentiment\na,-1\nb,0\nc,1\n', "has the labels '-1' .*, '0' .*, '1' "),
], ids=['empty', 'blank', 'bom alone', 'header only', 'other columns', 'one column', 'no header', 'pipes',
        'two of a name', 'latin-1', 'open quote', 'comma', 'comma in every row', 'nul', 'label 2', 'label a word',
        'label empty', 'label missing', 'label a fraction', 'three labels'])
def test_a_csv_that_cannot_be_used_is_a_file_error(tmp_path, data, message):
    path = csv(tmp_path, data)
    with pytest.raises(FileError, match=message) as caught:
        imdb.load_reviews(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize('name, message', [('missing.csv', '^cannot read .*missing.csv: No such file or directory$'),
                                           ('.', '^.* is a folder, not a file$')])
def test_a_csv_that_is_no_file_is_a_file_error(tmp_path, name, message):
    with pytest.raises(FileError, match=message):
        imdb.load_reviews(tmp_path / name)


def test_a_path_that_is_none_is_refused_by_name():
    with pytest.raises(ArgumentTypeError, match='^path must be a path, not None$'):
        imdb.load_reviews(None)


# shuffled

def padded(*lengths):
    """Rows of that many words."""
    x = np.zeros((len(lengths), 50), dtype=np.int32)
    for row, length in zip(x, lengths):
        row[50 - length:] = 7
    return x


def test_shuffled_takes_every_row_at_most_once_in_whole_batches_and_another_order_at_each_epoch_and_seed():
    x = padded(*range(1, 24))
    orders = [imdb.shuffled(x, 4, *key) for key in ((1, 1), (1, 2), (2, 1), (1, 1))]
    for order in orders:
        assert len(order) == len(set(order)) == 20 and set(order) <= set(range(23))
    assert orders[0].tolist() == orders[3].tolist()
    assert len({tuple(order) for order in orders}) == 3


def test_shuffled_by_length_gives_the_rows_of_a_batch_like_lengths(monkeypatch):
    monkeypatch.setattr(imdb, 'POOL', 5)
    lengths = np.random.RandomState(0).permutation(40) + 1
    x = padded(*lengths)
    order = imdb.shuffled(x, 4, 1, 1, by_length=True)
    assert sorted(order) == list(range(40))
    spread = np.ptp(lengths[order].reshape(-1, 4), axis=1)
    assert spread.max() < 20 < np.ptp(lengths[imdb.shuffled(x, 4, 1, 1)].reshape(-1, 4), axis=1).max()
    longest = lengths[order].reshape(-1, 4).max(axis=1)
    assert (np.diff(longest) < 0).any() and (np.diff(longest) > 0).any()        # the batches are not sorted
    assert imdb.shuffled(padded(0, 0, 3, 0), 2, 1, 1, by_length=True).shape == (4,)


def test_spans_of_neighbouring_words_are_dropped_and_the_others_keep_their_order(monkeypatch):
    monkeypatch.setattr(imdb, 'SPAN', 5)
    x = np.tile(np.r_[np.zeros(20), 1:101].astype(np.int32), (200, 1))
    found = imdb.drop_spans(x, 0.6, 1, 1)
    assert found.shape == x.shape and found.dtype == x.dtype
    assert abs((found > 0).sum() / 20000 - 0.6) < 0.03
    for row in found:
        words = row[row > 0]
        assert (row[-len(words):] == words).all() and (np.diff(words) > 0).all()        # padding on the left, in order
        gaps = np.diff(words)[np.diff(words) > 1] - 1
        assert (gaps % 5 == 0).all()
    assert len(np.unique(found, axis=0)) == 200


def test_the_spans_that_are_dropped_follow_from_seed_and_epoch():
    x = np.arange(1, 401, dtype=np.int32).reshape(2, 200)
    found = [imdb.drop_spans(x, 0.5, *key) for key in ((1, 1), (1, 2), (2, 1), (1, 1))]
    np.testing.assert_array_equal(found[0], found[3])
    assert (found[0] != found[1]).any() and (found[0] != found[2]).any()


def test_a_row_of_which_nothing_would_be_left_stays_whole():
    x = np.array([[0, 0, 4, 5], [0, 0, 0, 0], [1, 2, 3, 4]], np.int32)
    np.testing.assert_array_equal(imdb.drop_spans(x, 1e-9, 1, 1), x)
    np.testing.assert_array_equal(imdb.drop_spans(x[:0], 0.5, 1, 1), x[:0])
