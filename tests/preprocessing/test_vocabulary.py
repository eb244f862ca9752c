"""A vocabulary with its settings: how it is made and treats text, that it is a dict, and its way into a model."""

import copy
import json
import pickle

import numpy as np
import pytest

from rnnbook import imdb, portable
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.imdb import Settings, Vocabulary
from rnnbook.model_folder.description import Description, differences, read_description, write_description
from rnnbook.portable import weights

REVIEWS = ['Good film.<br /><br />Good cast!', 'bad film', 'bad bad <i>odd</i> end', 'end 2 < 3 > 1']


def prepare(reviews, length=12, **settings):
    return imdb.prepare(reviews, length, progress=False, **settings)


@pytest.mark.parametrize('text, dropped', [
    ('a<br />b', 'a b'),
    ('a<br>b</p>c<A HREF="x">d', 'a b c d'),
    ('2 < 3 and 4 > 1', '2 < 3 and 4 > 1'),
    ('a <3 b>', 'a <3 b>'),
    ('<b<br/>', '<b '),
    ('no mark', 'no mark'),
    ('open <br', 'open <br'),
    ('two\n<br\n/>lines', 'two\n lines'),
])
def test_tags_become_spaces(text, dropped):
    assert imdb.drop_markup(text) == dropped


def test_drop_markup_wants_a_str():
    with pytest.raises(ArgumentTypeError, match='^text must be a str, not None$'):
        imdb.drop_markup(None)


def test_with_the_books_settings_prepare_equals_the_steps():
    sequences, vocabulary = prepare(REVIEWS)
    mapped, word_to_int = imdb.index_reviews(REVIEWS, progress=False)
    assert list(vocabulary.items()) == list(word_to_int.items())
    assert (sequences.dtype, sequences.tolist()) == (np.int32, imdb.fixed_length(mapped, 12).tolist())
    assert type(word_to_int) is dict and all(type(number) is int for number in vocabulary.values())


@pytest.mark.parametrize('settings, ids', [
    (dict(drop_markup=True), {'bad': 1, 'good': 2, 'film': 3, 'end': 4, '.': 5, 'cast': 6, '!': 7, 'odd': 8, '2': 9,
                              '<': 10, '3': 11, '>': 12, '1': 13}),
    (dict(drop_markup=True, min_count=2), {'bad': 1, 'good': 2, 'film': 3, 'end': 4}),
    (dict(drop_markup=True, max_words=2), {'bad': 1, 'good': 2}),
    (dict(drop_markup=True, min_count=2, max_words=3, training_half=True), {'good': 1, 'film': 2}),
    (dict(drop_markup=True, min_count=9), {}),
])
def test_settings_decide_the_words(settings, ids):
    vocabulary = prepare(REVIEWS, **settings)[1]
    assert list(vocabulary.items()) == list(ids.items())
    assert (vocabulary.unknown, vocabulary.n_words) == (None, len(ids) + 1)


def test_words_that_are_left_out_make_room_for_those_before_them():
    settings = dict(drop_markup=True, min_count=2)
    sequences, _ = prepare(REVIEWS, 3, **settings)
    assert sequences.tolist() == [[2, 3, 2], [0, 1, 3], [1, 1, 4], [0, 0, 4]]


def test_unknown_words_take_the_number_after_the_last():
    sequences, vocabulary = prepare(REVIEWS, 5, drop_markup=True, min_count=2, unknown=True)
    assert (vocabulary.unknown, vocabulary.n_words, len(vocabulary)) == (5, 6, 4)
    assert sequences.tolist() == [[3, 5, 2, 5, 5], [0, 0, 0, 1, 3], [0, 1, 1, 5, 4], [5, 5, 5, 5, 5]]


@pytest.mark.parametrize('settings', [{}, dict(unknown=True), dict(drop_markup=True, min_count=2),
                                      dict(drop_markup=True, unknown=True, max_words=3, training_half=True)])
def test_encode_treats_text_as_the_settings_say(settings):
    sequences, vocabulary = prepare(REVIEWS, **settings)
    assert imdb.encode(REVIEWS, vocabulary, 12).tolist() == sequences.tolist()


def test_encode_counts_unknown_words_with_and_without_a_number_for_them():
    for unknown, row in ((False, [0, 0, 1]), (True, [2, 1, 2])):
        vocabulary = Vocabulary({'good': 1}, Settings(unknown=unknown, drop_markup=True))
        sequences, counts = imdb.encode(['A good<br />film'], vocabulary, 3, return_unknown=True)
        assert (sequences.tolist(), counts.tolist()) == ([row], [2])


@pytest.mark.parametrize('settings, error, message', [
    (dict(min_count=0), ArgumentValueError, 'min_count must be an integer of at least 1, not 0'),
    (dict(max_words=0), ArgumentValueError, 'max_words must be an integer of at least 1, not 0'),
    (dict(max_words=2.5), ArgumentTypeError, 'max_words must be an integer of at least 1, not 2.5'),
    (dict(unknown=1), ArgumentTypeError, 'unknown must be True or False, not 1'),
    (dict(drop_markup='yes'), ArgumentTypeError, "drop_markup must be True or False, not 'yes'"),
    (dict(training_half=None), ArgumentTypeError, 'training_half must be True or False, not None'),
    (dict(stem=True), ArgumentTypeError, "a vocabulary has no setting 'stem'; its settings are min_count, max_words, "
                                         "unknown, drop_markup, training_half"),
])
@pytest.mark.parametrize('call', [prepare, lambda path, **settings: imdb.load_indexed('none.csv', **settings)],
                         ids=['prepare', 'load_indexed'])
def test_a_wrong_setting_is_refused_by_name(call, settings, error, message):
    with pytest.raises(error) as caught:
        call(['a'], **settings)
    assert str(caught.value) == message


def test_no_words_make_an_empty_vocabulary():
    for reviews in ([], ['', ' '], ['a']):
        sequences, vocabulary = prepare(reviews, 2, min_count=2)
        assert (sequences.tolist(), vocabulary, vocabulary.n_words) == ([[0, 0]] * len(reviews), {}, 1)


# A dict

def test_it_is_a_dict_and_equal_to_one_that_treats_text_alike():
    vocabulary = Vocabulary({'a': 1}, Settings(min_count=5))
    assert vocabulary == {'a': 1} and {'a': 1} == vocabulary and not vocabulary != {'a': 1}
    assert json.loads(json.dumps(vocabulary)) == {'a': 1}
    for settings in (Settings(unknown=True), Settings(drop_markup=True)):
        other = Vocabulary({'a': 1}, settings)
        assert other != vocabulary and other != {'a': 1} and {'a': 1} != other
        assert other == Vocabulary({'a': 1}, settings)
    assert vocabulary != Vocabulary({'a': 2}) and vocabulary != 'a'


@pytest.mark.parametrize('duplicate', [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_keep_the_settings(duplicate):
    vocabulary = Vocabulary({'a': 1}, Settings(unknown=True))
    again = duplicate(vocabulary)
    assert (again, again.settings, again.unknown) == (vocabulary, vocabulary.settings, 2)


def test_a_checked_vocabulary_keeps_its_settings_and_needs_room_for_unknown_words():
    vocabulary = Vocabulary({'a': np.int64(1)}, Settings(unknown=True))
    assert imdb.check_word_to_int('vocabulary', vocabulary, 3).settings == vocabulary.settings
    with pytest.raises(ArgumentValueError) as caught:
        imdb.check_word_to_int('vocabulary', vocabulary, 2)
    assert str(caught.value) == 'vocabulary must fit n_words = 2: it has the number 2 for unknown words'


# model.json

DESCRIPTION = Description('SentimentRNN', {'n_words': 4, 'seq_len': 3, 'batch_size': 2, 'embed_size': 2,
                                           'lstm_size': 2, 'num_layers': 1, 'engine': 'book', 'seed': 123,
                                           'learning_rate': 0.1}, None)


@pytest.mark.parametrize('settings, entries', [
    (Settings(), {'cleaning': 'separate_punctuation', 'unknown': None}),
    (Settings(unknown=True), {'cleaning': 'separate_punctuation', 'unknown': 3}),
    (Settings(drop_markup=True, min_count=5, max_words=2, training_half=True),
     {'cleaning': 'drop_markup, separate_punctuation', 'unknown': None, 'min_count': 5, 'max_words': 2,
      'training_half': True}),
])
def test_model_json_gives_the_object_back(tmp_path, settings, entries):
    vocabulary = Vocabulary({'bad': 1, 'good': 2}, settings)
    write_description(str(tmp_path), DESCRIPTION._replace(vocabulary=vocabulary))
    written = json.loads((tmp_path / 'model.json').read_text())['vocabulary']
    assert written == dict(entries, kind='words', ids={'bad': 1, 'good': 2})
    found = read_description(str(tmp_path)).vocabulary
    assert (found, found.settings) == (vocabulary, settings)
    differs = differences(read_description(str(tmp_path)), DESCRIPTION._replace(vocabulary={'bad': 1, 'good': 2}))
    assert differs == ([] if not (settings.unknown or settings.drop_markup) else ['another vocabulary'])


@pytest.mark.parametrize('entries, message', [
    ({'cleaning': 'stemming', 'unknown': None}, "cleaning must be one of 'separate_punctuation', 'drop_markup, "),
    ({'cleaning': ['x'], 'unknown': None}, 'cleaning must be one of'),
    ({'unknown': None}, 'cleaning must be one of'),
    ({'cleaning': 'separate_punctuation'}, 'unknown must be null or 3'),
    ({'cleaning': 'separate_punctuation', 'unknown': 2}, 'unknown must be null or 3'),
    ({'cleaning': 'separate_punctuation', 'unknown': True}, 'unknown must be null or 3'),
    ({'cleaning': 'separate_punctuation', 'unknown': None, 'min_count': 0}, 'min_count must be an integer of at least'),
    ({'cleaning': 'separate_punctuation', 'unknown': None, 'stem': True}, "a vocabulary has no setting 'stem'"),
    ({'cleaning': 'separate_punctuation', 'unknown': None, 'drop_markup': True}, 'there is no drop_markup beside'),
])
def test_an_unknown_treatment_is_refused_by_name(tmp_path, entries, message):
    write_description(str(tmp_path), DESCRIPTION)
    content = json.loads((tmp_path / 'model.json').read_text())
    content['vocabulary'] = dict(entries, kind='words', ids={'bad': 1, 'good': 2})
    (tmp_path / 'model.json').write_text(json.dumps(content))
    with pytest.raises(FileError, match='model.json has a vocabulary that treats text by .*' + message):
        read_description(str(tmp_path))


def test_the_portable_model_treats_text_alike(tmp_path):
    vocabulary = Vocabulary({'bad': 1, 'good': 2}, Settings(unknown=True, drop_markup=True))
    draw = np.random.RandomState(0)
    for words, folder in ((vocabulary, tmp_path / 'ours'), (dict(vocabulary), tmp_path / 'book')):
        description = DESCRIPTION._replace(vocabulary=words)
        folder.mkdir()
        write_description(str(folder), description)
        description = read_description(str(folder))
        draw.seed(1)
        arrays = {name: draw.uniform(-1, 1, shape).astype(np.float32) for name, shape in weights.variables(description)}
        weights.write(str(folder), arrays, description, 'sentiment-0.ckpt')
    ours, book = portable.load(tmp_path / 'ours'), portable.load(tmp_path / 'book')
    assert (ours.vocabulary, ours.vocabulary.settings) == (vocabulary, vocabulary.settings)
    rows = np.array([[3, 2, 3]])
    assert ours.predict_text('a good<br />film') == ours.predict(rows, return_proba=True, carry_state=False)[0]
    assert book.predict_text('a good<br />film') == ours.predict([[0, 0, 2]], return_proba=True, carry_state=False)[0]
    with pytest.raises(FileError, match='was written for another model.json'):
        (tmp_path / 'book' / 'model.json').write_bytes((tmp_path / 'ours' / 'model.json').read_bytes())
        portable.load(tmp_path / 'book')


def test_repr_says_how_many_words_and_which_settings_differ():
    assert repr(Vocabulary({'a': 1})) == 'Vocabulary(1 word)'
    settings = Settings(min_count=5, unknown=True)
    assert repr(Vocabulary({'a': 1, 'b': 2}, settings)) == 'Vocabulary(2 words, min_count=5, unknown=True)'
