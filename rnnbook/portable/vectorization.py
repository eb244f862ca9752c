"""Texts as rows of word numbers in TensorFlow's ops: `imdb.encode` inside a graph, which runs without Python.

Characters change case as in the Python that builds the graph. `tf.strings.lower` cannot do that: it ends a text at a
NUL, obeys the locale, and gets 28 letters wrong.

Shapes: N texts, T words kept of a text (`sequence_length`).
"""

from __future__ import annotations

import numpy as np

from rnnbook.network.devices import tf
from rnnbook.preprocessing.vocabulary import TAG, Vocabulary

__all__ = ['encode', 'lower']

SIGMA, FINAL_SIGMA, DOTTED_I = '\u03a3', '\u03c2', '\u0130'
#: All code points but those of ideographs, of no use yet, and of private use.
PLANES = range(0x20000), range(0xe0000, 0xe1000)


def encode(texts: tf.Tensor, vocabulary: Vocabulary, sequence_length: int) -> tf.Tensor:
    """What `imdb.encode` gives for texts as UTF-8, int32 (N, T); U+FFFD stands for bytes that are not UTF-8."""
    texts = tf.strings.unicode_transcode(texts, 'UTF-8', 'UTF-8')                                   # (N,)
    if vocabulary.settings.drop_markup:
        texts = tf.strings.regex_replace(texts, TAG.pattern, ' ')
    texts = lower(tf.strings.regex_replace(texts, '([[:punct:]])', r' \1 '))
    words = tf.compat.v1.strings.split(texts, result_type='RaggedTensor')                           # N rows of words
    unknown = -1 if vocabulary.unknown is None else vocabulary.unknown
    numbers = {**vocabulary, '': unknown}                   # no word is empty, but no table may be
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(
        list(numbers), list(numbers.values()), tf.string, tf.int32), unknown)
    ids = words.with_values(table.lookup(words.values))
    if vocabulary.unknown is None:
        ids = tf.ragged.boolean_mask(ids, ids.with_values(ids.values >= 0))
    padded = tf.concat([tf.zeros((tf.size(texts), sequence_length), tf.int32), ids], axis=1)
    return tf.reshape(padded[:, -sequence_length:].values, (-1, sequence_length))                   # (N, T)


def lower(texts: tf.Tensor) -> tf.Tensor:
    """What `str.lower` makes of texts as UTF-8, with a space for each white space."""
    cased, ignorable, shifts = _case_tables()
    # A sigma at the end of a word has a form of its own, and a capital I with a dot becomes two characters.
    texts = tf.strings.regex_replace(texts, '([{0}][{0}{1}]*){2}([{1}]*(?:[^{0}{1}]|$))'.format(
        cased, ignorable, SIGMA), r'\1%s\2' % FINAL_SIGMA)
    texts = tf.strings.regex_replace(texts, DOTTED_I, DOTTED_I.lower())
    codes = tf.strings.unicode_decode(texts, 'UTF-8')                                               # N rows
    shifted = codes.values + tf.gather(shifts, tf.minimum(codes.values, len(shifts) - 1))
    return tf.strings.unicode_encode(codes.with_values(shifted), 'UTF-8')


def _case_tables():
    """Ranges of the characters with a case and of those a final sigma looks past; the step of each to lower case."""
    chars = [chr(code) for codes in PLANES for code in codes]
    cased = {char for char in chars if (char + SIGMA).lower().endswith(FINAL_SIGMA)}
    ignorable = {char for char in chars if ('a' + char + SIGMA).lower().endswith(FINAL_SIGMA)} - cased
    shifts = np.array([ord(' ' if char.isspace() else char.lower()[0]) - ord(char) for char in chars], np.int32)
    return _ranges(cased), _ranges(ignorable), shifts[:np.flatnonzero(shifts)[-1] + 2]


def _ranges(chars):
    """The inside of a class of characters in a regular expression."""
    codes = np.array(sorted(map(ord, chars)))
    spans = np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1)
    return ''.join(r'\x{%x}-\x{%x}' % (span[0], span[-1]) for span in spans)
