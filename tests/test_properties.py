"""Properties of the preprocessing and of model.json, on texts and arrays that hypothesis makes up."""

import collections
import json
import tempfile

import numpy as np
import pytest

from rnnbook import hamlet, imdb
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder.description import KINDS, Description, differences, read_description, write_description
from rnnbook.network import drawing

hypothesis = pytest.importorskip('hypothesis')
st = pytest.importorskip('hypothesis.strategies')

# The same examples in every run, nothing left on the disk, and no clock: a busy machine fails no test.
HOME = tempfile.TemporaryDirectory()                        # for its tables of characters, which it always writes
hypothesis.configuration.set_hypothesis_home_dir(HOME.name)
hypothesis.settings.register_profile('rnnbook', derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile('rnnbook')
given = hypothesis.given

ANY = st.text(st.characters(blacklist_categories=()), max_size=40)      # surrogates and what is not assigned too
WORDY = st.text(st.sampled_from('aAbé.,!<>\'"-_ \n\t\u00a0\u2028İß\U0001f600\u0301\0'), max_size=40)
TEXTS = st.lists(st.one_of(ANY, WORDY), max_size=8)
ROWS = st.lists(st.lists(st.integers(0, 2 ** 31 - 1), max_size=12), max_size=8)


@given(st.one_of(ANY, WORDY))
def test_separating_twice_gives_the_same_words(text):
    words = imdb.separate_punctuation(text).split()
    assert imdb.separate_punctuation(' '.join(words)).split() == words
    assert imdb.separate_punctuation(imdb.separate_punctuation(text)).split() == words


@given(st.one_of(ANY, WORDY))
def test_separating_loses_and_adds_nothing_but_space_and_case(text):
    assert ''.join(imdb.separate_punctuation(text).split()) == ''.join(text.lower().split())


@given(TEXTS)
def test_index_reviews_equals_the_three_steps(texts):
    counts = imdb.count_words(texts, progress=False)
    word_to_int = imdb.make_word_to_int(counts)
    mapped, in_one_pass = imdb.index_reviews(texts, progress=False)
    assert list(in_one_pass.items()) == list(word_to_int.items())
    assert mapped == imdb.map_reviews(texts, word_to_int, progress=False)
    assert counts == collections.Counter(word for text in texts for word in imdb.separate_punctuation(text).split())


@given(TEXTS)
def test_words_have_the_numbers_from_1_by_falling_count(texts):
    counts = imdb.count_words(texts, progress=False)
    word_to_int = imdb.make_word_to_int(counts)
    assert sorted(word_to_int.values()) == list(range(1, len(counts) + 1))
    by_number = [counts[word] for word in sorted(word_to_int, key=word_to_int.get)]
    assert by_number == sorted(by_number, reverse=True)


@given(ROWS, st.integers(1, 9))
def test_rows_of_one_length_are_the_last_numbers_behind_zeros(mapped, length):
    sequences = imdb.fixed_length(mapped, length)
    assert (sequences.shape, sequences.dtype) == ((len(mapped), length), np.int32)
    for row, numbers in zip(sequences.tolist(), mapped):
        assert row == ([0] * length + numbers)[-length:]


@given(TEXTS, TEXTS, st.integers(1, 9))
def test_encode_is_the_three_steps_on_the_words_that_are_known(texts, others, length):
    mapped, word_to_int = imdb.index_reviews(texts, progress=False)
    assert imdb.encode(texts, word_to_int, length).tolist() == imdb.fixed_length(mapped, length).tolist()
    sequences, unknown = imdb.encode(others, word_to_int, length, return_unknown=True)
    for row, lacks, text in zip(sequences.tolist(), unknown.tolist(), others):
        words = imdb.separate_punctuation(text).split()
        known = [word_to_int[word] for word in words if word in word_to_int]
        assert row == ([0] * length + known)[-length:] and lacks == len(words) - len(known)


@given(st.integers(0, 40), st.integers(1, 9))
def test_batches_cover_the_whole_ones_in_order(rows, size):
    x, y = np.arange(3 * rows).reshape(rows, 3), np.arange(rows)
    batches = list(imdb.create_batch_generator(x, y, size))
    assert [len(part) for batch in batches for part in batch] == [size] * 2 * (rows // size)
    for whole, parts in zip((x, y), zip(*batches)):
        assert np.concatenate(parts).tolist() == whole[:rows // size * size].tolist()


@given(st.text(st.characters(blacklist_categories=()), min_size=1, max_size=60))
def test_characters_and_numbers_are_one_to_one(text):
    char2int, int2char = hamlet.char_vocabulary(text)
    assert sorted(int2char) == list(range(len(set(text)))) and set(char2int) == set(text)
    assert all(int2char[number] == char for char, number in char2int.items())
    numbers = hamlet.encode(text, char2int)
    assert numbers.dtype == np.int32 and ''.join(int2char[number] for number in numbers) == text


@given(st.integers(0, 300), st.integers(1, 6), st.integers(1, 9))
def test_targets_are_the_text_one_further_on_and_windows_cover_the_rows(length, batch_size, num_steps):
    sequence = np.arange(length)
    if length < batch_size * num_steps + 1:
        with pytest.raises(ArgumentValueError, match='sequence must have at least'):
            hamlet.reshape_data(sequence, batch_size, num_steps)
        return
    x, y = hamlet.reshape_data(sequence, batch_size, num_steps)
    assert x.shape == y.shape and len(x) == batch_size and x.shape[1] % num_steps == 0
    assert (y == x + 1).all() and x.ravel().tolist() == list(range(x.size))
    assert length - 1 - x.size < batch_size * num_steps     # no whole batch is left over
    windows = list(hamlet.create_batch_generator(x, y, num_steps))
    assert all(part.shape == (batch_size, num_steps) for window in windows for part in window)
    for whole, parts in zip((x, y), zip(*windows)):
        assert (np.concatenate(parts, axis=1) == whole).all()


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=9), st.floats(5e-324, 1e300))
def test_any_temperature_keeps_order_and_zeros(probas, temperature):
    hypothesis.assume(max(probas) > 0)
    heated = drawing.apply_temperature(np.array(probas), temperature)
    assert np.isfinite(heated).all() and heated.max() > 0 and heated.min() >= 0
    assert (np.diff(heated[np.argsort(probas, kind='stable')]) >= -1e-12 * heated.max()).all()
    assert not heated[np.array(probas) == 0].any()
    assert 0 <= hamlet.get_top_char(heated, len(probas), 3) < len(probas)


WORDS = st.dictionaries(st.text(max_size=9), st.integers(0, 10 ** 6), max_size=8)   # by default without surrogates
VALUES = st.one_of(st.integers(-2 ** 62, 2 ** 62), st.text(max_size=9), st.none(), st.floats(allow_nan=False),
                   st.booleans())
ARGUMENTS = st.dictionaries(st.text(max_size=9), VALUES, max_size=5)


@given(st.sampled_from(sorted(KINDS)), ARGUMENTS, st.one_of(st.none(), WORDS))
def test_a_description_is_read_back_as_it_was_written(class_name, arguments, vocabulary):
    description = Description(class_name, arguments, vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        write_description(folder, description)
        found = read_description(folder)
    assert found == description and differences(found, description) == []
    if vocabulary is not None:
        assert list(found.vocabulary.items()) == list(vocabulary.items())


@given(st.dictionaries(ANY, st.just(1), min_size=1, max_size=1))
def test_a_vocabulary_that_would_not_come_back_is_refused(vocabulary):
    if json.loads(json.dumps(vocabulary)) != vocabulary:
        with pytest.raises(ArgumentValueError, match='vocabulary must have keys that UTF-8 can hold'):
            imdb.check_word_to_int('vocabulary', vocabulary, 2)
    else:
        try:
            assert imdb.check_word_to_int('vocabulary', vocabulary, 2) == vocabulary
        except ArgumentValueError:
            assert any('\ud800' <= char <= '\udfff' for char in list(vocabulary)[0])
