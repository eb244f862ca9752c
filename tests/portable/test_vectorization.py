"""Texts as rows of word numbers inside a graph: the same rows as `imdb.encode`, whatever the text."""

import random
import sys

import numpy as np
import pytest
import tensorflow as tf

from rnnbook import imdb
from rnnbook.portable import vectorization

AWKWARD = {
    'nothing': ['', ' ', '\t\n\r\v\f', '\0', '\ufeff'],
    'words': ['A good film. A GOOD one!', "Isn't it?!", 'a_b-c', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', '...'],
    'nul': ['a\0b a\0 \0', '\0good\0'],
    'white space': ['a\x1cb\x1dc\x1ed\x1fe', 'a\x85b\xa0c\u1680d\u2003e\u2028f\u202fg\u205fh\u3000i',
                    'a\u200bb\u180ec'],
    'markup': ['a<br />b<br>c</p>d<A HREF="x">e', '2 < 3 and 4 > 1', 'a <3 b>', '<b<br/>', 'open <br', 'a<br\n/>b',
               '<\u212a>k</\u212a>', '<b\0>c', '</ b> <b \u0130>', '<b\u2028>c'],
    'case': ['\u0130STANBUL I\u0307 \u0131I', '\u212a\u212b\u1e9e\xdf\u01c5', '\u24b6\U00010400', 'E\u0301\xc9',
             '\u1f88'],
    'sigma': ['\u039f\u03a3 \u03a3\u039f\u03a3 \u03a3', "\u039f\u03a3' \u039f\u03a3'\u0391", '\u039f\u03a3\u2019\u0391',
              '\u039f\u2019\u03a3\u2019', '\u039f\u03a3\u0301 \u039f\u03a3\u02b0\u03a3', '1\u03a3 a1\u03a3',
              '\u0130\u03a3'],
    'digits': ['\u0663\u0664 \uff11 \u09e7 \xb2'],
    'long': ['good ' * 3000 + 'film', 'a' * 100000, 'x ' * 1000 + 'good'],
}
TEXTS = sum(AWKWARD.values(), [])


def run(make, texts):
    """What the tensor that `make` gives for a placeholder has for these texts, of str or bytes."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        placeholder = tf.compat.v1.placeholder(tf.string, (None,))
        made = make(placeholder)
        sess.run(tf.compat.v1.tables_initializer())
        given = np.array([text.encode('utf-8') if isinstance(text, str) else text for text in texts], dtype=object)
        return sess.run(made, {placeholder: given})


def encoded_in_a_graph(texts, vocabulary, sequence_length):
    """What `imdb.encode` gives, by the graph."""
    return run(lambda tensor: vectorization.encode(tensor, vocabulary, sequence_length), texts)


@pytest.mark.parametrize('length, settings', [
    (7, {}), (200, dict(unknown=True)), (1, dict(drop_markup=True)), (7, dict(drop_markup=True, unknown=True)),
    (200, dict(drop_markup=True, min_count=2)), (7, dict(max_words=9))])
def test_awkward_texts_become_the_rows_of_encode(length, settings):
    sequences, vocabulary = imdb.prepare(TEXTS, length, progress=False, **settings)
    found = encoded_in_a_graph(TEXTS, vocabulary, length)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, sequences)


@pytest.mark.slow
@pytest.mark.parametrize('settings', [{}, dict(drop_markup=True, min_count=5, unknown=True)])
def test_real_reviews_become_the_rows_of_encode(settings, imdb_csv):
    texts = imdb.load_reviews(imdb_csv)[0][:1000]
    sequences, vocabulary = imdb.prepare(texts, 200, progress=False, **settings)
    np.testing.assert_array_equal(encoded_in_a_graph(texts, vocabulary, 200), sequences)


def test_words_stand_on_the_right_and_unknown_ones_are_left_out():
    texts = ['a really good one', 'nothing known', '', 'one<br />a good a.']
    for settings, rows in (({}, [[0, 2, 3], [0, 0, 0], [0, 0, 0], [2, 3, 2]]),
                           (dict(unknown=True, drop_markup=True), [[6, 3, 6], [0, 6, 6], [0, 0, 0], [3, 2, 6]])):
        vocabulary = imdb.Vocabulary({'a': 2, 'good': 3, 'br': 4, '>': 5}, imdb.Settings(**settings))
        assert encoded_in_a_graph(texts, vocabulary, 3).tolist() == rows


@pytest.mark.parametrize('words, unknown', [({}, False), ({}, True), ({'': 1, 'A': 2, 'a b': 3, 'a\0': 4}, False)])
def test_a_vocabulary_may_be_empty_and_hold_words_that_no_text_can_have(words, unknown):
    vocabulary, texts = imdb.Vocabulary(words, imdb.Settings(unknown=unknown)), ['', 'a', 'A a b\n', 'a\0 b']
    np.testing.assert_array_equal(encoded_in_a_graph(texts, vocabulary, 3), imdb.encode(texts, vocabulary, 3))


def test_no_texts_give_no_rows():
    assert encoded_in_a_graph([], imdb.Vocabulary({'a': 1}), 3).shape == (0, 3)


def test_bytes_that_are_not_utf8_are_read_as_python_replaces_them():
    draw = random.Random(0)
    parts = [b'good', b' ', b'<b', b'>', b'\xc3', b'\xe2\x82', b'\xf0\x9f\x98', b'\xed\xa0\x80', b'\xf4\x90\x80\x80',
             b'\xc0\xaf', b'\x80', b'\xff']
    texts = [b''.join(draw.choice(parts) for _ in range(9)) for _ in range(3000)]
    replaced = [text.decode('utf-8', 'replace') for text in texts]
    _, vocabulary = imdb.prepare(replaced, 9, progress=False, drop_markup=True)
    np.testing.assert_array_equal(encoded_in_a_graph(texts, vocabulary, 9), imdb.encode(replaced, vocabulary, 9))


def lowered(texts):
    """What `vectorization.lower` must give."""
    spaces = dict.fromkeys((code for code in range(sys.maxunicode + 1) if chr(code).isspace()), ' ')
    return [text.lower().translate(spaces) for text in texts]


def test_every_character_of_unicode_is_lowered_as_python_does():
    chars = [chr(code) for code in range(sys.maxunicode + 1) if not 0xd800 <= code < 0xe000]
    texts = [' '.join(chars[start:start + 10000]) for start in range(0, len(chars), 10000)]
    assert [text.decode('utf-8') for text in run(vectorization.lower, texts)] == lowered(texts)


def test_a_sigma_is_final_where_python_says_so():
    draw = random.Random(0)
    near = 'aA1 .\u03a3\u03c3\u0130\u0301\u0345\u2019\xad\u02b0\xaa\u24b6\u01c5\0\U000e0001\U0001f600\U00010400'
    texts = [''.join(draw.choice('\u03a3' + near) for _ in range(draw.randrange(1, 9))) for _ in range(20000)]
    texts += ['%s\u03a3 a%s\u03a3 a\u03a3%s a\u03a3%sa' % ((chr(code),) * 4) for code in range(0x3000)]
    assert [text.decode('utf-8') for text in run(vectorization.lower, texts)] == lowered(texts)
