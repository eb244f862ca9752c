"""`model.json`: what is written is read back, and what cannot be used is refused by name."""

import json
import os

import pytest

from rnnbook import __version__
from rnnbook.errors import FileError
from rnnbook.model_folder import description
from rnnbook.model_folder.description import Description, differences, read_description, write_description

WORDS = Description('SentimentRNN', {'n_words': 4, 'learning_rate': 0.001, 'engine': 'book'},
                    {'the': 1, 'caf\u00e9': 2, '"': 3})
CHARS = Description('CharRNN', {'num_classes': 3, 'keep_prob': 0.5}, {'\n': 0, '\\': 1, '\u2014': 2})


def content(**changes):
    """What a good file of words holds, with changes; a change to None takes the entry out."""
    entries = {'format': 1, 'rnnbook_version': '0.0.1', 'class': 'SentimentRNN', 'arguments': {'n_words': 3},
               'vocabulary': {'kind': 'words', 'cleaning': 'separate_punctuation', 'unknown': None,
                              'ids': {'a': 1, 'b': 2}}}
    entries.update(changes)
    return {name: value for name, value in entries.items() if value is not None}


def put(folder, data):
    """Write a `model.json` by hand."""
    (folder / 'model.json').write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode('utf-8'))
    return str(folder)


@pytest.mark.parametrize('description', [
    WORDS, CHARS, WORDS._replace(vocabulary=None), CHARS._replace(vocabulary={}),
], ids=['words', 'characters', 'no vocabulary', 'empty vocabulary'])
def test_what_is_written_is_read_back(tmp_path, description):
    write_description(str(tmp_path), description)
    assert read_description(str(tmp_path), description.class_name) == description
    assert os.listdir(str(tmp_path)) == ['model.json']


def test_a_vocabulary_keeps_its_order(tmp_path):
    ids = {word: number for number, word in enumerate('zebra yak ant'.split(), 1)}
    write_description(str(tmp_path), WORDS._replace(vocabulary=ids))
    assert list(read_description(str(tmp_path), 'SentimentRNN').vocabulary) == ['zebra', 'yak', 'ant']


def test_the_file_is_plain_json_without_a_path(tmp_path):
    write_description(str(tmp_path), CHARS)
    text = (tmp_path / 'model.json').read_bytes().decode('ascii')
    assert json.loads(text) == {
        'format': 1, 'rnnbook_version': __version__, 'class': 'CharRNN',
        'arguments': {'num_classes': 3, 'keep_prob': 0.5},
        'vocabulary': {'kind': 'characters', 'cleaning': None, 'unknown': None,
                       'ids': {'\n': 0, '\\': 1, '\u2014': 2}}}
    assert str(tmp_path) not in text


def test_a_second_description_replaces_the_first(tmp_path):
    write_description(str(tmp_path), WORDS)
    write_description(str(tmp_path), WORDS._replace(arguments={'n_words': 9}))
    assert read_description(str(tmp_path), 'SentimentRNN').arguments == {'n_words': 9}


def test_a_file_written_by_hand_may_have_more_in_it_and_another_order(tmp_path):
    data = dict(reversed(list(content(note='from another tool').items())))
    found = read_description(put(tmp_path, data), 'SentimentRNN')
    assert found == Description('SentimentRNN', {'n_words': 3}, {'a': 1, 'b': 2})


@pytest.mark.parametrize('data, message', [
    (b'', 'model.json is damaged: '),
    (b'{"format": 1, "cl', 'model.json is damaged: '),
    (b'\xff\xfe{', 'model.json is damaged: '),
    (b'[1, 2]', 'model.json is damaged: '),
    (b'null', 'model.json is damaged: '),
    (b'[' * 100000, 'model.json is damaged: '),
    ({}, 'model.json is damaged: '),
    ({name: value for name, value in content().items() if name != 'format'}, "model.json is damaged: .*format"),
    ({name: value for name, value in content().items() if name != 'arguments'}, "model.json is damaged: .*arguments"),
    ({name: value for name, value in content().items() if name != 'vocabulary'}, "is damaged: .*vocabulary"),
    (content(format=2), 'model.json has the format 2; this version of rnnbook reads format 1$'),
    (content(format='one'), "model.json has the format 'one'; this version of rnnbook reads format 1$"),
    (content(**{'class': 'CharRNN'}), "model.json describes a 'CharRNN', not a SentimentRNN$"),
    (content(**{'class': ['x']}), r"model.json describes a \['x'\], not a SentimentRNN$"),
    (content(arguments=[1]), 'model.json is damaged: its arguments are no object$'),
    (content(vocabulary=['a', 'b']), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={}), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={'ids': ['a']}), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={'ids': {'a': '1'}}), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={'ids': {'a': True}}), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={'ids': {'a': 1.0}}), 'model.json is damaged: its vocabulary is no object of numbers$'),
    (content(vocabulary={'ids': {'a': 1}}), "model.json has a vocabulary that treats text by {}; this version of"),
    (content(vocabulary={'kind': 'words', 'cleaning': 'stemming', 'unknown': None, 'ids': {'a': 1}}),
     "treats text by .*'stemming'.*; this version of rnnbook knows .*'separate_punctuation'"),
    (content(vocabulary={'kind': 'characters', 'cleaning': None, 'unknown': None, 'ids': {'a': 0}}),
     "treats text by .*'characters'.*; this version of rnnbook knows .*'words'"),
], ids=['empty', 'cut off', 'not utf-8', 'list', 'null', 'deep', 'no entries', 'no format', 'no arguments',
        'no vocabulary', 'newer', 'odd format', 'other class', 'odd class', 'odd arguments', 'vocabulary a list',
        'no ids', 'ids a list', 'ids of str', 'ids of bool', 'ids of float', 'no treatment', 'other cleaning',
        'other kind'])
def test_what_cannot_be_used_is_a_file_error_that_names_the_file(tmp_path, data, message):
    with pytest.raises(FileError, match=message) as caught:
        read_description(put(tmp_path, data), 'SentimentRNN')
    assert str(caught.value).startswith(str(tmp_path / 'model.json'))


def test_a_file_of_before_the_optimizers_had_names_is_of_adam():
    old, new, lazy = (Description('SentimentRNN', {'n_words': 5, **more}, None) for more in (
        {}, {'optimizer': 'adam', 'pooling': 'last', 'grad_clip': None}, {'optimizer': 'lazy_adam'}))
    assert differences(old, new) == []
    assert differences(old, lazy) == ["optimizer 'adam', not 'lazy_adam'"]


def test_a_model_with_ngrams_is_refused_with_the_version_that_reads_it(tmp_path):
    old = {'n_words': 5, 'ngram_size': 0}
    assert read_description(put(tmp_path, content(arguments=old)), 'SentimentRNN').arguments == {'n_words': 5}
    with pytest.raises(FileError, match='model.json describes a model with n-grams, .* rnnbook 0.2 .*; use that one'):
        read_description(put(tmp_path, content(arguments=dict(old, ngram_size=64))), 'SentimentRNN')


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(description, 'MAX_BYTES', 50)
    with pytest.raises(FileError, match='model.json is larger than 50 bytes, the most that can be read$'):
        read_description(put(tmp_path, content()), 'SentimentRNN')


@pytest.mark.parametrize('make', [lambda path: None, lambda path: path.mkdir(),
                                  lambda path: (path.mkdir(), (path / 'model.json').mkdir())],
                         ids=['no folder', 'empty folder', 'a folder of that name'])
def test_a_folder_without_a_description_holds_no_model(tmp_path, make):
    make(tmp_path / 'model')
    with pytest.raises(FileError, match='model holds no model: there is no model.json in it$'):
        read_description(str(tmp_path / 'model'), 'SentimentRNN')


@pytest.mark.parametrize('wanted, names, differs', [
    (WORDS, None, []),
    (WORDS._replace(arguments=dict(WORDS.arguments, n_words=9)), None, ['n_words 4, not 9']),
    (WORDS._replace(arguments=dict(WORDS.arguments, n_words=9)), ['engine'], []),
    (WORDS._replace(arguments=dict(WORDS.arguments, n_words=9, learning_rate=0.1)), None,
     ['learning_rate 0.001, not 0.1', 'n_words 4, not 9']),
    (WORDS._replace(arguments=dict(WORDS.arguments, engine='fused', shards=2)), None, []),
    (WORDS._replace(arguments=dict(WORDS.arguments, seq_len=20)), None, ['seq_len None, not 20']),
    (WORDS._replace(vocabulary={'a': 1}), None, ['another vocabulary']),
    (WORDS._replace(vocabulary=None), None, []),
], ids=['same', 'one', 'not asked for', 'two', 'another engine', 'missing', 'vocabulary', 'none given'])
def test_differences_name_each_argument_with_both_values(wanted, names, differs):
    assert differences(WORDS, wanted, names) == differs
