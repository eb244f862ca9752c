"""Bad input, a table a rule: each case gives the named error, in one line, before a folder is made or a graph is built.

What one function alone refuses is tested beside it (`test_errors.py`, `test_imdb.py`, `test_hamlet.py`, ...); here
stands what the models, the files and the folders of models refuse.
"""

import collections
import gzip
import io
import json
import os
import pickle
import shutil
import tarfile
import time
import warnings
import zipfile

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import datasets, hamlet, imdb, portable
from rnnbook.base import files
from rnnbook.charrnn import CharRNN, get_top_char
from rnnbook.datasets import aclimdb, archives
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, RnnbookError
from rnnbook.model_folder.description import read_description
from rnnbook.network import drawing
from rnnbook.portable import export
from rnnbook.sentiment import SentimentRNN

VALUE, TYPE, FILE = ArgumentValueError, ArgumentTypeError, FileError
NAN, INFINITY = float('nan'), float('inf')
V = len(models.CHAR2INT)
X, Y = models.reviews()
CHAR_X, CHAR_Y = models.characters()
MAX_SECONDS = 30                                            # of one case, on a busy machine

#: {rule: [Case]}, filled below.
RULES = collections.OrderedDict()
Case = collections.namedtuple('Case', 'call error message')


class Place:
    """Where a case is tried: an empty working directory, and two trained models to copy and to spoil."""

    def __init__(self, path, folders, loaded, light):
        self.path, self.loaded, self.light = path, loaded, light
        self._folders = folders

    def file(self, data, name='input'):
        """The path of a file, from bytes or str."""
        path = self.path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode('utf-8'))
        return str(path)

    def folder(self, which, spoil=None):
        """The path of a copy of a trained model, after `spoil(path)`."""
        copy = self.path / which
        shutil.copytree(str(self._folders[which]), str(copy))
        if spoil:
            spoil(copy)
        return str(copy)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """The folders of a review model and of a character model, and what the two ways to use them load."""
    reviews, text = tmp_path_factory.mktemp('reviews'), tmp_path_factory.mktemp('text')
    models.sentiment().train(X, Y, 1, ckpt_dir=reviews, vocabulary=models.WORDS)
    models.char().train(CHAR_X, CHAR_Y, 1, text, vocabulary=models.CHAR2INT)
    for folder in (reviews, text):
        export.write_weights(folder)
    return ({'reviews': reviews, 'text': text}, {'reviews': SentimentRNN.load(reviews), 'text': CharRNN.load(text)},
            {'reviews': portable.load(reviews), 'text': portable.load(text)})


@pytest.fixture
def place(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, *trained)


# ---- arguments of the constructors -----------------------------------------------------------------------------------

MODELS = {models.sentiment: ('n_words seq_len lstm_size num_layers batch_size embed_size',
                             'learning_rate embed_keep_prob embed_init', 'bidirectional'),
          models.char: ('num_classes batch_size num_steps lstm_size num_layers', 'learning_rate keep_prob grad_clip',
                        'sampling')}


def without_graph(make, name, value):
    """A call of a constructor in which building a graph would be another error."""
    def call(place):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tf, 'Graph', None)
            make(**{name: value})
    return call


def constructor(names, values, error, rule):
    """Each of these values for each argument whose kind is number `names` in `MODELS`."""
    return [Case(without_graph(make, name, value), error, '^%s must be %s' % (name, rule))
            for make, kinds in MODELS.items() for name in kinds[names].split() for value in values]


RULES['sizes are integers of at least 1'] = constructor(
    0, (0, -1), VALUE, 'an integer (of at least 1|from 1 to 100), not')
RULES['sizes are of 32 bits'] = constructor(0, (2 ** 31, 2 ** 70), VALUE, 'an integer from 1 to (2147483647|100), not')
RULES['sizes are no text, fraction, nothing, switch or list'] = constructor(
    0, ('8', 2.0, None, True, NAN, [3]), TYPE, 'an integer (of at least 1|from 1 to 100), not')
RULES['rates and probabilities are finite and above 0'] = constructor(
    1, (0, -0.1, NAN, INFINITY, 10 ** 400), VALUE, 'a finite number above 0')
RULES['rates and probabilities stay above 0 in float32'] = constructor(
    1, (1e-300, 1e-40), VALUE, 'a number that float32 holds, from 1.1754944e-38 to 3.4028235e.38, not 1e-')
RULES['rates are finite in float32'] = [
    Case(without_graph(make, name, 1e300), VALUE, '^%s must be a number that float32 holds, .*, not 1e.300' % name)
    for make, kinds in MODELS.items() for name in kinds[1].split() + ['grad_clip'] if 'keep_prob' not in name]
RULES['rates and probabilities are numbers'] = constructor(
    1, ('fast', None, True, 1j, [0.1]), TYPE, 'a finite number above 0')
RULES['switches are True or False'] = constructor(2, (1, 'yes', None), TYPE, 'True or False')
RULES['the rest of the constructors'] = [
    Case(without_graph(make, name, value), error, '^%s must be ' % name) for make in MODELS for name, value, error in (
        ('engine', 'fast', VALUE), ('engine', None, VALUE), ('engine', 1, VALUE),
        ('seed', -1, VALUE), ('seed', 2 ** 31, VALUE), ('seed', None, TYPE),
        ('seed', 0.5, TYPE), ('device', 'GPU', VALUE), ('device', 0, VALUE),
        ('shards', 0, VALUE), ('shards', 6, VALUE), ('shards', 'all', TYPE), ('intra_op_threads', -1, VALUE),
        ('intra_op_threads', 'all', TYPE), ('inter_op_threads', 2 ** 20, VALUE), ('inter_op_threads', 0.5, TYPE))
] + [Case(without_graph(models.sentiment, 'optimizer', value), VALUE, '^optimizer must be ')
     for value in ('sgd', None)] + [
    Case(without_graph(models.sentiment, name, value), VALUE, '^%s must be ' % name)
    for name, value in (('pooling', 'min'), ('pooling', None), ('grad_clip', 0), ('grad_clip', NAN))] + [
    Case(without_graph(models.sentiment, 'embed_keep_prob', 1.5), VALUE, 'must be .* of at most 1, not 1.5'),
    Case(without_graph(models.char, 'keep_prob', 1.5), VALUE, 'keep_prob must be .* of at most 1, not 1.5'),
    Case(without_graph(models.char, 'recurrent_keep_prob', 0.0), VALUE, 'recurrent_keep_prob must be .* above 0'),
    Case(without_graph(models.char, 'recurrent_keep_prob', 0.5), VALUE, 'recurrent_keep_prob must be 1 without engine')]
RULES['a tensor holds fewer than 2 ** 31 numbers'] = [
    Case(without_graph(make, name, 2 ** 31 - 1), VALUE, r'\b%s\b.* must be below 2 \*\* 31' % name)
    for make, kinds in MODELS.items() for name in kinds[0].split() if name != 'num_layers']


# ---- rows and settings of a training ---------------------------------------------------------------------------------

def train_reviews(x=X, y=Y, **settings):
    return lambda place: models.sentiment().train(x, y, **{'num_epochs': 1, 'ckpt_dir': 'model', **settings})


def train_text(x=CHAR_X, y=CHAR_Y, **settings):
    return lambda place: models.char().train(x, y, **{'num_epochs': 1, 'ckpt_dir': 'model', **settings})


RULES['rows of reviews to train on'] = [
    Case(train_reviews(x, y), error, message) for x, y, error, message in (
        (None, Y, VALUE, r'X_train must have the shape \(rows, 4\), not \(\)'),
        (X[0], Y, VALUE, r'X_train must have the shape \(rows, 4\), not \(4,\)'),
        (X[:, :, None], Y, VALUE, r'X_train must have the shape \(rows, 4\), not \(15, 4, 1\)'),
        (X[:, :3], Y, VALUE, r'X_train must have the shape \(rows, 4\), not \(15, 3\)'),
        ([[1, 2, 3, 4], [1]], Y[:2], RnnbookError, r'X_train must '),
        (X.astype(float), Y, TYPE, 'X_train must hold integers, not float64'),
        (X.astype(bool), Y, TYPE, 'X_train must hold integers, not bool'),
        (X.astype(complex), Y, TYPE, 'X_train must hold integers, not complex128'),
        (X.astype(object), Y, TYPE, 'X_train must hold integers, not object'),
        (X.astype('M8[s]'), Y, TYPE, r'X_train must hold integers, not datetime64'),
        ([['a'] * 4] * 15, Y, TYPE, 'X_train must hold integers, not <U1'),
        (X[:4], Y[:4], VALUE, 'X_train must have at least batch_size = 5 rows, not 4'),
        (X[:0], Y[:0], VALUE, 'X_train must have at least batch_size = 5 rows, not 0'),
        (np.where(X == X.max(), 6, X), Y, VALUE, r'ids from 0 to 5 \(n_words - 1\), not 6 as in row'),
        (X - 1, Y, VALUE, r'ids from 0 to 5 \(n_words - 1\), not -1 as in row'),
        (X.astype(np.uint64) + np.uint64(2 ** 63), Y, VALUE, r'ids from 0 to 5 .*, not 92233720'),
        (X, None, TYPE, 'y_train must be an array or a list of rows, not None'),
        (X, Y[:-1], VALUE, r'y_train must have the shape \(15,\), one label a row, not \(14,\)'),
        (X, Y[:, None], VALUE, r'y_train must have the shape \(15,\), one label a row, not \(15, 1\)'),
        (X, Y + 1, VALUE, 'y_train must hold 0 and 1, not 2 as in row'),
        (X, Y - 1, VALUE, 'y_train must hold 0 and 1, not -1 as in row'),
        (X, Y * 0.5, VALUE, 'y_train must hold 0 and 1, not 0.5 as in row'),
        (X, np.where(Y, NAN, 0), VALUE, 'y_train must hold 0 and 1, not nan as in row'),
        (X, ['pos'] * 15, TYPE, "y_train must hold the numbers 0 and 1, not 'pos' as in row 0"))]
RULES['rows of characters to train on'] = [
    Case(train_text(x, y), error, message) for x, y, error, message in (
        (CHAR_X[0], CHAR_Y[0], VALUE, r'train_x must have the shape \(rows, columns\), not'),
        (CHAR_X[:3], CHAR_Y[:3], VALUE, 'train_x and train_y must have batch_size = 4 rows'),
        (CHAR_X, CHAR_Y[:, 1:], VALUE, 'train_x and train_y must have .* and one shape'),
        (CHAR_X[:, :9], CHAR_Y[:, :9], VALUE, 'train_x must have at least num_steps = 10 columns, not 9'),
        (CHAR_X.astype(float), CHAR_Y, TYPE, 'train_x must hold integers, not float64'),
        (CHAR_X, None, VALUE, 'train_y must have the shape'),
        (CHAR_X + V, CHAR_Y, VALUE, r'train_x must hold ids from 0 to %d \(num_classes - 1\)' % (V - 1)),
        (CHAR_X, CHAR_Y - V, VALUE, 'train_y must hold ids from 0 to'))]
RULES['settings of a run'] = [
    Case(train(**settings), error, message) for train in (train_reviews, train_text) for settings, error, message in (
        (dict(num_epochs=0), VALUE, 'num_epochs must be an integer of at least 1, not 0'),
        (dict(num_epochs=-1), VALUE, 'num_epochs must be an integer of at least 1, not -1'),
        (dict(num_epochs=1.5), TYPE, 'num_epochs must be'),
        (dict(num_epochs='1'), TYPE, 'num_epochs must be'),
        (dict(num_epochs=2 ** 31), VALUE, 'num_epochs must be an integer from 1 to 2147483647'),
        (dict(save_every=-1), VALUE, 'save_every must be'),
        (dict(log_every=-1), VALUE, 'log_every must be'),
        (dict(max_to_keep=-1), VALUE, 'max_to_keep must be'),
        (dict(stop=True), TYPE, 'stop must be a function'),
        (dict(validation=1.5), VALUE, 'validation must be a fraction above 0 and below 1, or a pair .*, not 1.5'),
        (dict(validation=0.99), VALUE, 'validation must hold out at least one of .* and leave .* or more to train on'),
        (dict(validation=1e-9), VALUE, 'validation must hold out at least one of .*, not 1e-09, which holds out 0'),
        (dict(validation='a tenth'), TYPE, "validation must be .*, not 'a tenth'"),
        (dict(validation=(X,)), VALUE, 'validation must be .* or a pair of arrays, not 1 of them'),
        (dict(keep_best=True), VALUE, 'keep_best needs validation'),
        (dict(patience=2), VALUE, 'patience needs validation'),
        (dict(patience=0, validation=0.3), VALUE, 'patience must be an integer of at least 1, not 0'),
        (dict(decay=0), VALUE, 'decay must be a finite number above 0 and of at most 1, not 0'),
        (dict(decay=2), VALUE, 'decay must be a finite number above 0 and of at most 1, not 2'),
        (dict(decay_after=-1), VALUE, 'decay_after must be an integer of at least 0, not -1'),
        (dict(quiet=None, logdir=3), TYPE, 'logdir must be a path, not 3'),
        (dict(logdir='model'), VALUE, 'logdir must be a folder that no model is saved into, not model'),
        (dict(epochs=3), TYPE, "train has no setting 'epochs'; its settings are resume, save_every"),
        (dict(ckpt_dir=3), TYPE, 'ckpt_dir must be a path, not 3'),
        (dict(ckpt_dir=''), VALUE, 'ckpt_dir must be a path of at least one character'),
        (dict(ckpt_dir='a\0b'), VALUE, 'ckpt_dir must be a path .* without NUL'),
        (dict(ckpt_dir='model[1]'), VALUE, r'ckpt_dir must be a path without \* \? \[ \] and'),
        (dict(ckpt_dir='mod*'), VALUE, r'ckpt_dir must be a path without \* \? \[ \] and'),
        (dict(vocabulary=['good']), TYPE, 'vocabulary must be a dict'),
        (dict(vocabulary='good'), TYPE, 'vocabulary must be a dict'))]
RULES['a pair of arrays to validate on'] = [
    Case(train_reviews(validation=(x, y)), error, message) for x, y, error, message in (
        (X[:, :3], Y, VALUE, r'validation\[0\] must have the shape \(rows, 4\), not \(15, 3\)'),
        (X + 6, Y, VALUE, r'validation\[0\] must hold ids from 0 to 5'),
        (X[:0], Y[:0], VALUE, r'validation\[0\] must have at least one row, not 0'),
        (X, Y[1:], VALUE, r'validation\[1\] must have the shape \(15,\)'),
        (X, Y + 1, VALUE, r'validation\[1\] must hold 0 and 1, not 2'))
] + [
    Case(train_text(validation=(x, y)), error, message) for x, y, error, message in (
        (CHAR_X[0], CHAR_Y[0], VALUE, r'validation\[0\] must have the shape \(rows, columns\)'),
        (CHAR_X, CHAR_Y[:, 1:], VALUE, r'validation\[0\] and validation\[1\] must have at least one row and one shape'),
        (CHAR_X[:0], CHAR_Y[:0], VALUE, r'validation\[0\] and validation\[1\] must have at least one row'),
        (CHAR_X, CHAR_Y + V, VALUE, r'validation\[1\] must hold ids from 0 to'),
        (CHAR_X.astype(float), CHAR_Y, TYPE, r'validation\[0\] must hold integers'))]
RULES['settings of one model'] = [
    Case(train_reviews(keep_prob=0), VALUE, 'keep_prob must be .* above 0 and of at most 1, not 0'),
    Case(train_reviews(keep_prob=1.1), VALUE, 'keep_prob must be'),
    Case(train_reviews(keep_prob=NAN), VALUE, 'keep_prob must be'),
    Case(train_reviews(keep_prob='all'), TYPE, 'keep_prob must be'),
    Case(train_reviews(span_keep_prob=0), VALUE, '^span_keep_prob must be .* above 0 and of at most 1, not 0'),
    Case(train_reviews(span_keep_prob='all'), TYPE, '^span_keep_prob must be a finite number'),
    Case(train_reviews(vocabulary={'good': 6}), VALUE, 'must be an integer from 1 to 5, not 6'),
    Case(train_reviews(vocabulary={'good': 0}), VALUE, 'must be an integer from 1 to 5, not 0'),
    Case(train_reviews(vocabulary={'good': 1, 'bad': 1}), VALUE, 'a number of its own for each word'),
    Case(train_reviews(vocabulary={'\ud83d\ude00': 1}), VALUE, 'keys that UTF-8 can hold'),
    Case(train_text(vocabulary={'ab': 0}), TYPE, 'vocabulary must have characters for keys'),
    Case(train_text(vocabulary={'e\u0301': 0}), TYPE, 'vocabulary must have characters for keys'),
    Case(train_text(vocabulary={'a': 0}), VALUE, 'one character for each number from 0 to num_classes'),
    Case(train_text(vocabulary={**models.CHAR2INT, 't': 0}), VALUE, 'one character for each number'),
    Case(train_text(vocabulary={**models.CHAR2INT, 't': V}), VALUE, 'must be an integer from 0 to'),
    Case(train_text(vocabulary={**models.CHAR2INT, '\ud800': 0}), VALUE, 'keys that UTF-8 can hold'),
    Case(lambda place: models.char(sampling=True).train(CHAR_X, CHAR_Y, 1), VALUE, 'sampling must be Fal'),
]


# ---- what a trained model is asked for, with TensorFlow and without --------------------------------------------------

def with_both(which, use):
    """The same call of the object with TensorFlow and of the one with NumPy alone."""
    return [lambda place: use(place.loaded[which]), lambda place: use(place.light[which])]


RULES['rows to predict'] = [
    Case(call, error, message) for arguments, error, message in (
        (dict(X_data=X[0]), VALUE, r'X_data must have the shape \(rows, 4\)'),
        (dict(X_data=X[:, :3]), VALUE, r'X_data must have the shape \(rows, 4\)'),
        (dict(X_data=X + 6), VALUE, r'X_data must hold ids from 0 to 5 \(n_words - 1\)'),
        (dict(X_data=X - 6), VALUE, r'X_data must hold ids from 0 to 5 \(n_words - 1\)'),
        (dict(X_data=X.astype(float)), TYPE, 'X_data must hold integers'),
        (dict(X_data='a film'), VALUE, r'X_data must have the shape \(rows, 4\), not \(\)'),
        (dict(X_data=tf.zeros((2, 4), tf.int32)), TYPE, 'X_data must be an array, or rows of equal length'),
        (dict(return_proba='yes'), TYPE, 'return_proba must be True or False'),
        (dict(carry_state=1), TYPE, 'carry_state must be True or False'))
    for call in with_both('reviews', lambda model, arguments=arguments: model.predict(**{'X_data': X, **arguments}))]
RULES['texts to classify'] = [
    Case(call, TYPE, message) for texts, message in (
        (['a film', None], 'texts must be a sequence of str; row 1 is None'),
        ([NAN], 'texts must be a sequence of str; row 0 is nan'),
        (b'a film', 'texts must be a sequence of str; row 0 is 97'),
        (3, 'texts must be a sequence of str, .*, not of the type int'))
    for call in with_both('reviews', lambda model, texts=texts: model.predict_text(texts))]
RULES['rows to evaluate on'] = [
    Case(lambda place, x=x, y=y: place.loaded['reviews'].evaluate(x, y), error, message) for x, y, error, message in (
        (X[:0], Y[:0], VALUE, 'X_data must have at least one row'),
        (X - 1, Y, VALUE, 'X_data must hold ids from 0 to 5'),
        (X, Y[1:], VALUE, r'y_data must have the shape \(15,\)'),
        (X, Y + 1, VALUE, 'y_data must hold 0 and 1, not 2'),
        (X, np.where(Y, NAN, 0), VALUE, 'y_data must hold 0 and 1, not nan'),
        (X, None, TYPE, 'y_data must be an array or a list of rows, not None'))]


def draw(model, **arguments):
    arguments = {'output_length': 5, 'starter_seq': 'the ', **arguments}
    return model.sample(**arguments) if isinstance(model, portable.PortableChar) else model.sample(
        ckpt_dir=model.ckpt_dir, **arguments)


RULES['texts to write'] = [
    Case(call, error, message) for arguments, error, message in (
        (dict(output_length=-1), VALUE, 'output_length must be an integer of at least 0, not -1'),
        (dict(output_length='9'), TYPE, 'output_length must be'),
        (dict(output_length=2 ** 31), VALUE, 'output_length must be an integer from 0 to'),
        (dict(starter_seq=''), VALUE, 'starter_seq must have at least one character'),
        (dict(starter_seq='the Zoo'), VALUE, "starter_seq has 'Z', which the vocabulary lacks"),
        (dict(starter_seq='the\0'), VALUE, r"starter_seq has '\\x00'"),
        (dict(starter_seq='\ud800'), VALUE, r"starter_seq has '\\ud800'"),
        (dict(starter_seq='the \U0001f600'), VALUE, "starter_seq has '\U0001f600'"),
        (dict(starter_seq='cafe\u0301'), VALUE, "starter_seq has 'f', '\u0301'"),
        (dict(starter_seq=None), TYPE, 'starter_seq must be a str'),
        (dict(starter_seq=b'the '), TYPE, 'starter_seq must be a str'),
        (dict(top_n=0), VALUE, 'top_n must be an integer of at least 1, not 0'),
        (dict(top_n=-1), VALUE, 'top_n must be an integer of at least 1, not -1'),
        (dict(top_n=2.5), TYPE, 'top_n must be'),
        (dict(temperature=0), VALUE, 'temperature must be a finite number above 0'),
        (dict(temperature=-1), VALUE, 'temperature must be a finite number above 0'),
        (dict(temperature=NAN), VALUE, 'temperature must be'),
        (dict(temperature=INFINITY), VALUE, 'temperature must be'),
        (dict(temperature='warm'), TYPE, 'temperature must be'))
    for call in with_both('text', lambda model, arguments=arguments: draw(model, **arguments))
] + [Case(lambda place, more=more: draw(place.loaded['text'], **more), VALUE, message)
     for more, message in ((dict(vocabulary={'a': 0}), 'vocabulary must have one character for each number'),
                           (dict(checkpoint='newest'), 'checkpoint must be one of those in'),
                           (dict(checkpoint='../text/language_modeling.ckpt-10'), 'checkpoint must be one of'))]
RULES['texts to evaluate'] = [
    Case(call, error, message) for text, error, message in (
        ('', VALUE, 'text must have at least 2 characters, not 0'),
        ('t', VALUE, 'text must have at least 2 characters, not 1'),
        (None, TYPE, 'text must be a str'),
        (b'the', TYPE, 'text must be a str'),
        ('the Zoo', VALUE, "text has 'Z', which the vocabulary lacks"),
        ('the\0', VALUE, r"text has '\\x00', which the vocabulary lacks"),
        ('\ud83d\ude00', VALUE, r"text has '\\ud83d', '\\ude00', which the vocabulary lacks"))
    for call in with_both('text', lambda model, text=text: model.evaluate(text))]
RULES['probabilities to draw from'] = [
    Case(lambda place, arguments=arguments: get_top_char(**{'probas': [0.5, 0.5], 'char_size': 2, **arguments}), error,
         message) for arguments, error, message in (
        (dict(probas=[0.5, NAN]), VALUE, 'probas must be finite'),
        (dict(probas=[0.5, INFINITY]), VALUE, 'probas must be finite'),
        (dict(probas=[1.5, -0.5]), VALUE, 'not negative'),
        (dict(probas=[0.0, 0.0]), VALUE, 'at least one above 0'),
        (dict(probas=[1e308, 1e308]), VALUE, 'probas must have a finite sum, not inf'),
        (dict(probas=[0.5, 0.3, 0.2]), VALUE, 'probas must hold char_size = 2 probabilities, not 3'),
        (dict(probas=['a', 'b']), TYPE, 'probas must hold numbers'),
        (dict(probas=tf.zeros(2)), TYPE, 'probas must be an array'),
        (dict(char_size=0), VALUE, 'char_size must be'),
        (dict(top_n=0), VALUE, 'top_n must be'),
        (dict(top_n=2.5), TYPE, 'top_n must be'))
] + [Case(lambda place, temperature=temperature: drawing.apply_temperature(np.array([0.5, 0.5]), temperature), error,
          'temperature must be a finite number above 0') for temperature, error in (
     (0, VALUE), (-1, VALUE), (NAN, VALUE), ('1', TYPE))
     ] + [Case(lambda place: drawing.apply_temperature(['a'], 0.5), TYPE, 'probas must hold numbers')]


# ---- the preprocessing -----------------------------------------------------------------------------------------------

RULES['numbers of words'] = [
    Case(lambda place, mapped=mapped: imdb.fixed_length(mapped, 3), error, message) for mapped, error, message in (
        (None, TYPE, 'mapped must be an array or a list of rows, not None'),
        ('abc', TYPE, "mapped must be an array or a list of rows, not 'abc'"),
        ({1: 2}, TYPE, 'mapped must be an array or a list of rows'),
        ([1, 2], TYPE, 'each row of mapped must be an array or a list of rows, not 1'),
        ([[1], 'ab'], TYPE, "each row of mapped must be an array or a list of rows, not 'ab'"),
        ([[1], ['a']], TYPE, r"mapped must hold integers, not \['a'\] as in row 1"),
        ([[1.5]], TYPE, r'mapped must hold integers, not \[1.5\] as in row 0'),
        ([[None]], TYPE, r'mapped must hold integers, not \[None\] as in row 0'),
        ([[[1]]], TYPE, r'mapped must hold integers, not \[\[1\]\] as in row 0'),
        ([[2 ** 70]], TYPE, 'mapped must hold integers, not .* as in row 0'),
        ([[1], [2 ** 40]], VALUE, 'mapped must hold integers from 0 to 2147483647, not .* as in row 1'),
        ([[1], [-1]], VALUE, 'mapped must hold integers from 0 to 2147483647, not .* as in row 1'))]
RULES['numbers of a vocabulary'] = [
    Case(call, error, message) for number, error in (
        ('x', TYPE), (None, TYPE), (1.5, TYPE), (2 ** 40, VALUE),
        (-1, VALUE)) for call, message in (
        (lambda place, number=number: imdb.encode(['a'], {'a': number}, 3), '^vocabulary'),
        (lambda place, number=number: hamlet.encode('a', {'a': number}), r"^char2int\['a'\] must be an integer"))
] + [Case(lambda place, count=count: imdb.make_word_to_int({'a': 1, 'b': count}), TYPE,
          r"counts\['b'\] must be an integer, not") for count in ('x', None, 1.5)]
RULES['rows to cut into batches'] = [
    Case(call, error, message) for call, error, message in (
        (lambda place: imdb.create_batch_generator(None), TYPE, 'x must be an array or a list of rows'),
        (lambda place: imdb.create_batch_generator(X, 5), TYPE, 'y must be an array or a list of rows'),
        (lambda place: imdb.create_batch_generator(X, Y, 0), VALUE, 'batch_size must be'),
        (lambda place: imdb.create_batch_generator([], [1]), VALUE, 'y must have one row for each of the 0'),
        (lambda place: imdb.split_halves(None, Y), TYPE, 'x must be an array or a list of rows'),
        (lambda place: imdb.split_halves(np.array(1), Y), TYPE, 'x must be an array or a list of rows'),
        (lambda place: imdb.split_halves(iter(X), Y), TYPE, 'x must be an array or a list of rows'),
        (lambda place: hamlet.create_batch_generator(None, None, 1), VALUE, 'data_x and data_y must have one'),
        (lambda place: hamlet.create_batch_generator(tf.zeros(2), 1, 1), TYPE, 'data_x must be an array'),
        (lambda place: hamlet.reshape_data(tf.zeros(9, tf.int32), 1, 1), TYPE, 'sequence must be an array'),
        (lambda place: hamlet.reshape_data(None, 1, 1), VALUE, 'sequence must have one dimension'),
        (lambda place: hamlet.reshape_data([0, 1], 2 ** 31, 1), VALUE, 'batch_size must be an integer from'))]
RULES['switches of the preprocessing'] = [
    Case(lambda place: imdb.count_words(['a'], progress='no'), TYPE, 'progress must be True or False'),
    Case(lambda place: imdb.encode(['a'], {'a': 1}, return_unknown=1), TYPE, 'return_unknown must be True'),
    Case(lambda place: datasets.fetch_imdb(allow_fallback=0), TYPE, 'allow_fallback must be True or False'),
    Case(lambda place: datasets.fetch_hamlet(download_if_missing='no'), TYPE, 'download_if_missing must be'),
]


# ---- files -----------------------------------------------------------------------------------------------------------

LONG = 200 * 2 ** 20


def long_line(place, head=b'', tail=b''):
    """The path of a file of 200 MB without a line end in it."""
    path = place.path / 'long'
    with path.open('wb') as file:
        file.write(head)
        for _ in range(LONG >> 20):
            file.write(b'a' * 2 ** 20)
        file.write(tail)
    return str(path)


def sparse(place):
    """The path of a file of 200 MB of NUL, which takes no room on the disk."""
    with (place.path / 'long').open('wb') as file:
        file.truncate(LONG)
    return file.name


PNG = b'\x89PNG\r\n\x1a\n' + bytes(range(256)) * 20
READERS = {imdb.load_reviews: 'a CSV', hamlet.load_text: 'a text'}
RULES['files of either kind'] = [
    Case(lambda place, read=read, make=make: read(make(place)), error, message) for read in READERS
    for make, error, message in (
        (lambda place: place.path / 'none', FILE, 'cannot read .*none: No such file or directory'),
        (lambda place: place.path, FILE, 'is a folder, not a file'),
        (lambda place: place.path / 'none' / 'below', FILE, 'cannot read .*below: No such file or directory'),
        (lambda place: place.file(b''), FILE, 'input is empty; '),
        (lambda place: place.file(PNG), FILE, 'input is not UTF-8: byte 0 is 0x89'),
        (lambda place: place.file('review,sentiment\nCaf\u00e9,1\n'.encode('latin-1')), FILE, 'is not UTF-8: byte 20'),
        (lambda place: place.file(b'review,sentiment\nCut,1\xe2\x82'), FILE, 'is not UTF-8: byte 22 is 0xe2'),
        (lambda place: place.file('half a pair \ud83d'.encode('utf-8', 'surrogatepass')), FILE, 'not UTF-8: byte 12'),
        (lambda place: place.file(gzip.compress(b'review,sentiment\nGood,1\n')[:-9]), FILE, 'is damaged|not UTF-8'),
        (lambda place: None, TYPE, 'path must be a path, not None'),
        (lambda place: 'a\0b', VALUE, 'path must be a path .* without NUL'),
        (lambda place: '', VALUE, 'path must be a path of at least one character'))]
RULES['a CSV of reviews'] = [
    Case(lambda place, data=data: imdb.load_reviews(place.file(data)), FILE, message) for data, message in (
        ('sentiment,review\nGood,1\nBad,0\n', r"sentiment has the labels 'good' \(1 row, first in row 0\), 'bad'"),
        ('review,sentiment\n1,Good\n0,Bad\n', r"sentiment has the labels 'good' \(1 row, first in row 0\), 'bad'"),
        ('review,sentiment\na,1\n"b,0\nc,1\n', 'cannot be read as a CSV: .*EOF inside string'),
        ('review,sentiment\n"a,1\n', 'cannot be read as a CSV: .*EOF inside string'),
        ('review,"sentiment\na,1\n', 'cannot be read as a CSV: .*EOF inside string|needs the columns'),
        ('review,sentiment\na\0b,1\n', 'has a NUL character'),
        ('review,sentiment,' + 'x,' * 6000 + '\na,1\n', 'has a line of more than 5000 fields'),
        ('\n\n' + ',' * 5000 + '\n', 'needs the columns review and sentiment; it has'),
        ('review,sentiment\na' + ',' * 2 ** 21 + '\n', 'has a line of more than '),
        ('review,sentiment\na' + ',' * 2 ** 20 + '\n' + 'b,1\n' * 2000, 'has a line of more than 5000 fields'))]
RULES['a line of 200 MB'] = [
    Case(lambda place: imdb.load_reviews(long_line(place)), FILE, 'has a line of more than 1048576 characters'),
    Case(lambda place: imdb.load_reviews(long_line(place, b'review,sentiment\n', b',1\n')), FILE, 'has a line of mor'),
    Case(lambda place: imdb.load_reviews(long_line(place, b'review,sentiment\n"')), FILE, 'has a line of more than'),
    Case(lambda place: imdb.load_reviews(sparse(place)), FILE, 'has a line of more than|a NUL character'),
    Case(lambda place: read_description(os.path.dirname(shutil.move(sparse(place), 'model.json')) or '.'), FILE,
         'model.json is damaged'),
]
RULES['where data are looked for'] = [
    Case(lambda place: datasets.fetch_hamlet(3), TYPE, 'data_dir must be a path, not 3'),
    Case(lambda place: datasets.fetch_hamlet('none'), FILE, 'data_dir must name a folder that exists, not none'),
    Case(lambda place: datasets.fetch_imdb(place.file('x')), FILE, 'data_dir must name a folder that exists, not'),
    Case(lambda place: datasets.describe(None), TYPE, 'path must be a path, not None'),
    Case(lambda place: datasets.describe('a\0b'), VALUE, 'path must be a path .* without NUL'),
    Case(lambda place: datasets.describe('none'), FILE, 'cannot read none: No such file'),
]


# ---- archives --------------------------------------------------------------------------------------------------------

def archive(place, *members, mode='w'):
    """The path of a tar archive of (name, bytes, fields of `TarInfo`)."""
    path = str(place.path / 'a.tar')
    with tarfile.open(path, mode) as tar:
        for name, data, fields in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(data))
    return path


def cut_off(path):
    """The path, after its file was cut short."""
    os.truncate(path, 900)
    return path


def everything(path):
    return list(archives.read_tar(path, lambda name: True, 1000))


def long_header(place):
    """A gzipped tar whose long name, of 200 MB, takes 200 kB of the disk."""
    member = tarfile.TarInfo('././@LongLink')
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, LONG
    path = str(place.path / 'a.tar.gz')
    with gzip.open(path, 'wb') as file:
        file.write(member.tobuf())
        for _ in range(LONG >> 20):
            file.write(b'a' * 2 ** 20)
    return path


def claimed_size(place):
    """A long name that would take 200 MB, behind an empty file that claims this size, so that nothing is skipped."""
    record = b'GNU.sparse.realsize=%d\n' % LONG
    record = b'%d %s' % (len(record) + 3, record)
    data = b''
    for name, kind, size, content in (('x', tarfile.XHDTYPE, len(record), record), ('a', tarfile.REGTYPE, 0, b''),
                                      ('././@LongLink', tarfile.GNUTYPE_LONGNAME, LONG, b'a' * 2 ** 22)):
        member = tarfile.TarInfo(name)
        member.type, member.size = kind, size
        data += member.tobuf() + content + bytes(-len(content) % 512)
    return place.file(data, 'a.tar')


def sparse_member(place):
    """A tar with a member of the old GNU format for sparse files, which claims to have more parts than it lists."""
    header = bytearray(tarfile.TarInfo('hole').tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[482:483] = tarfile.GNUTYPE_SPARSE, b'\1'
    header[148:156] = b' ' * 8
    header[148:156] = b'%06o\0 ' % sum(header)
    return place.file(bytes(header) + bytes(2 ** 16), 'a.tar')


def wheel(place, spoil, **how):
    """The path of a wheel of reviews whose bytes went through `spoil`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w', **how) as file:
        file.writestr(aclimdb.WHEEL_MEMBER, 'text,label,source\nGood,1,imdb\n' * 200)
    return place.file(spoil(data.getvalue()), 'w.whl')


def flip_flags(data):
    """A wheel whose members say that they are encrypted."""
    return data.replace(b'PK\1\2\x14\x03\x14\0\0\0', b'PK\1\2\x14\x03\x14\0\1\0')


NOISE = np.random.RandomState(0).bytes(20000)
OUTSIDE = [('../x', b'x', {}), ('/etc/x', b'x', {}), ('a/../../x', b'x', {}), ('test/pos/1_9.txt/../../x', b'x', {}),
           ('C:\\x', b'x', {})] + [
    ('test/pos/%d_9.txt' % number, b'', {'type': kind, 'linkname': '/etc/hostname'}) for number, kind in enumerate(
        (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE))]
RULES['archives'] = [
    Case(lambda place, make=make: everything(make(place)), FILE, message) for make, message in (
        (lambda place: place.path / 'none', 'cannot read .*none: No such file'),
        (lambda place: place.path, 'cannot read .*: Is a directory'),
        (lambda place: place.file(b''), 'input is damaged: '),
        (lambda place: place.file(b'\x1f\x8b'), 'input is damaged: '),
        (lambda place: place.file(b'neither tar nor gzip' * 100), 'input is damaged: '),
        (lambda place: place.file(gzip.compress(NOISE)[:9000]), 'input is damaged: '),
        (lambda place: cut_off(archive(place, ('a', NOISE[:1000], {}))), ' is damaged: '),
        (lambda place: cut_off(archive(place, ('a', NOISE[:1000], {}), mode='w:gz')), ' is damaged: '),
        (lambda place: archive(place, ('a', NOISE, {})), "a.tar: 'a' is larger than 1000 bytes"),
        (long_header, 'is damaged: '))
] + [
    Case(lambda place: list(archives.read_tar(claimed_size(place), str.isdigit, 1000)), FILE, 'is damaged: '),
    Case(lambda place: aclimdb.labelled_rows(sparse_member(place)), FILE, 'holds 0 labelled reviews, not 50000')
] + [Case(lambda place, member=member: aclimdb.labelled_rows(archive(place, member)), FILE,
          'holds 0 labelled reviews, not 50000') for member in OUTSIDE]
RULES['wheels and gzip files'] = [
    Case(lambda place, spoil=spoil: aclimdb.wheel_rows(wheel(place, spoil)), FILE, r'w\.whl is ') for spoil in (
        lambda data: b'', lambda data: data[:100], lambda data: data[:-30], lambda data: data.replace(b'Good', b'Evil'),
        lambda data: b'nothing of the sort', flip_flags)
] + [Case(lambda place: archives.gunzip(place.file(gzip.compress(NOISE)[:9000]), 'out', 10 ** 6), FILE, 'is damaged'),
     Case(lambda place: archives.gunzip(place.file(gzip.compress(NOISE)), 'out', 1000), FILE, 'more than 1000 bytes'),
     Case(lambda place: archives.gunzip(place.file(b'plain'), 'out', 1000), FILE, ' is damaged: ')]


# ---- folders of models -----------------------------------------------------------------------------------------------

def put(name, data):
    """A change of a folder: this file with these bytes in it."""
    return lambda folder: (folder / name).write_bytes(data)


def change(**arguments):
    """A change of a folder: other arguments in its model.json."""
    def spoil(folder):
        content = json.loads((folder / 'model.json').read_text())
        content['arguments'].update(arguments)
        (folder / 'model.json').write_text(json.dumps(content))
    return spoil


def elsewhere(folder):
    """A change of a folder: its checkpoint moved out, and named there by the file ``checkpoint``."""
    (folder.parent / 'elsewhere').mkdir()
    for path in folder.glob('*.ckpt*'):
        shutil.move(str(path), str(folder.parent / 'elsewhere'))
    put('checkpoint', b'model_checkpoint_path: "../elsewhere/language_modeling.ckpt-10"')(folder)


def rewrite(change):
    """A change of a folder: its weights.npz after `change(dict of arrays)`."""
    def spoil(folder):
        with np.load(str(folder / 'weights.npz'), allow_pickle=False) as arrays:
            arrays = dict(arrays)
        change(arrays)
        np.savez(str(folder / 'weights.npz'), **arrays)
    return spoil


def about(**changes):
    """A change of arrays: of the entry `about`."""
    def spoil(arrays):
        arrays['about'] = np.array(json.dumps({**json.loads(str(arrays['about'])), **changes}))
    return spoil


def header(text):
    """A change of a folder: this text for the header of an array in its weights.npz."""
    def spoil(folder):
        path = str(folder / 'weights.npz')
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members['about.npy'] = b'\x93NUMPY\1\0' + len(text).to_bytes(2, 'little') + text
        with zipfile.ZipFile(path, 'w') as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    return spoil


def twice(folder):
    """A change of a folder: a character of its vocabulary with two numbers."""
    path = folder / 'model.json'
    path.write_text(path.read_text().replace('"ids": {', '"ids": {"a": 1, '))


HUGE = 2 ** 31 - 1
RULES['a model.json written by hand'] = [
    Case(lambda place, spoil=spoil: CharRNN.load(place.folder('text', spoil)), FILE, message)
    for spoil, message in (
        (lambda folder: (folder / 'model.json').unlink(), 'holds no model: there is no model.json in it'),
        (put('model.json', b''), 'model.json is damaged'),
        (put('model.json', b'{"format": 1, "cl'), 'model.json is damaged'),
        (put('model.json', '{"format": 1}'.encode('utf-16')), 'model.json is damaged'),
        (put('model.json', b'[' * 10 ** 5), 'model.json is damaged'),
        (put('model.json', b'{"format": ' + b'9' * 10 ** 6 + b'}'), 'is damaged: .*an integer of 1000000 digits'),
        (twice, 'is damaged: a name is repeated'),
        (change(num_classes=HUGE), r'cannot load .*kernel has the shape \[2147483653, 24\] in model.json, and'),
        (change(lstm_size=HUGE), r'cannot load .*kernel has the shape .* in model.json, and'),
        (change(num_layers=2), 'cannot load .*cell_1.* in model.json, and does not stand there'),
        (change(num_layers=10 ** 9), 'model.json: num_layers must be an integer from 1 to 100, not 1000000000'),
        (change(batch_size=HUGE), r'model.json: batch_size \* num_steps \* num_classes must be below 2 \*\* 31'),
        (change(num_steps=2 ** 40), 'model.json: num_steps must be an integer from 1 to 2147483647'),
        (change(num_steps='../../etc/passwd'), 'model.json: num_steps must be an integer'),
        (change(learning_rate=NAN), 'model.json: learning_rate must be a finite number above 0, not nan'),
        (change(engine='os.system'), "model.json: engine must be one of 'book'"),
        (change(include='/etc/passwd'), 'model.json: .*include'))
] + [Case(lambda place, spoil=spoil: SentimentRNN.load(place.folder('reviews', spoil)), FILE, message)
     for spoil, message in (
        (change(n_words=HUGE), r'cannot load .*embedding has the shape \[2147483647, 2\] in model.json, and \[6, 2\]'),
        (change(n_words=2 ** 60), 'model.json: n_words must be an integer from 1 to 2147483647'),
        (change(seq_len=HUGE), r'model.json: batch_size \* seq_len \* embed_size must be below 2 \*\* 31'))]
USES = [CharRNN.load, export.write_weights,
        lambda folder: models.char(sampling=True).sample(2, folder, 'the ')]
RULES['a file `checkpoint` that names one elsewhere'] = [
    Case(lambda place, use=use: use(place.folder('text', elsewhere)), FILE, 'holds no checkpoint') for use in USES]
KERNEL = 'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel'
OTHER = r'weights\.npz was written for another model\.json than the one beside it; .* writes it again'
RULES['a weights.npz written by hand'] = [
    Case(lambda place, spoil=spoil: portable.load(place.folder('text', spoil)), FILE, r'weights\.npz.*' + message)
    for spoil, message in [(put('weights.npz', data), 'is damaged') for data in (b'', PNG)] + [
        (put('weights.npz', b'PK\5\6' + bytes(18)), 'has no array about'), (header(b'-' * 60000), 'is damaged'),
        (header(b'(' * 60000), 'is damaged'),
        (header(b'{"descr": "O", "fortran_order": False, "shape": ()}\n'), 'not object'),
        (header(b'open("exploded", "w")'), 'is damaged')] + [
        (rewrite(spoil), message) for spoil, message in (
            (lambda arrays: arrays.pop('logits/bias'), 'has no array logits/bias'),
            (lambda arrays: arrays.pop('about'), 'has no array about'),
            (lambda arrays: arrays.update({KERNEL: arrays[KERNEL] * np.float32(NAN)}),
             'kernel is not finite; export the model again'),
            (lambda arrays: arrays.update({'logits/bias': arrays['logits/bias'] + np.float32('inf')}),
             'logits/bias is not finite; export the model again'),
            (lambda arrays: arrays.update({KERNEL: arrays[KERNEL].T}),
             r'kernel must be float32 of the shape \(\d+, 24\), not float32 of \(24, \d+\)'),
            (lambda arrays: arrays.update({KERNEL: arrays[KERNEL].astype(float)}), r'must be .*, not float64'),
            (lambda arrays: arrays.update({KERNEL: np.array([print, open], dtype=object)}),
             r'must be float32 of .*, not object of \(2,\)'),
            (lambda arrays: arrays.update(about=np.array(print, dtype=object)),
             r'about must be a short text of .*, not object of \(\)'),
            (lambda arrays: arrays.update(about=np.array(' ' * 9999)), 'about must be a short text'),
            (lambda arrays: arrays.update(about=np.array('{')), 'is damaged'),
            (lambda arrays: arrays.update(about=np.array('[]')), 'is damaged'),
            (lambda arrays: arrays.update(about=np.array('[' * 2000)), 'is damaged'),
            (lambda arrays: arrays.update(about=np.array('{"format": 1}')), 'is damaged'),
            (about(checkpoint=3), 'is damaged'),
            (about(format=2), 'has the format 2; this version of rnnbook reads format 1'),
            (about(vocabulary='0' * 64), r'was written for another model\.json than the one beside it'),
            (about(model='0' * 64), r'was written for another model\.json than the one beside it'))]]
RULES['a model.json that does not fit weights.npz'] = [
    Case(lambda place, which=which, spoil=spoil: portable.load(place.folder(which, change(**spoil))), FILE, message)
    for which, spoil, message in (
        ('reviews', dict(n_words=7), r'embedding must be float32 of the shape \(7, 2\), not float32 of \(6'),
        ('reviews', dict(n_words=HUGE), r'embedding must be float32 of the shape \(2147483647'),
        ('reviews', dict(num_layers=2), r'has no array rnn/multi_rnn_cell/cell_1/'),
        ('reviews', dict(num_layers=HUGE), r'model\.json: num_layers must be an integer from 1 to 100'),
        ('reviews', dict(lstm_size='3'), r'model\.json: lstm_size must be an integer of at least 1'),
        ('reviews', dict(embed_size=None), r'model\.json: embed_size must be an integer'),
        ('reviews', dict(batch_size=0), OTHER),
        ('reviews', dict(seq_len=2.5), OTHER),
        ('reviews', dict(seq_len=HUGE), OTHER),
        ('text', dict(num_classes=True), r'model\.json: num_classes must be an integer'))]


# ---- the tables, tried -----------------------------------------------------------------------------------------------

CASES = [pytest.param(case, id='%s-%d' % (rule, number)) for rule, cases in RULES.items()
         for number, case in enumerate(cases)]


@pytest.mark.parametrize('case', CASES)
def test_bad_input_is_named(case, place):
    before = time.time()
    with pytest.raises(case.error, match=case.message) as caught:
        case.call(place)
    assert isinstance(caught.value, RnnbookError)
    assert len(str(caught.value).splitlines()) == 1
    assert not os.path.exists('model')
    assert time.time() - before < MAX_SECONDS


def test_there_are_enough_cases():
    counts = {rule: len(cases) for rule, cases in RULES.items()}
    print('\n'.join('%4d %s' % (count, rule) for rule, count in counts.items()), '\n%4d in all' % sum(counts.values()))
    assert min(counts.values()) > 0 and sum(counts.values()) >= 150


def test_texts_with_anything_in_them_are_numbered():
    texts = ['a\0b', '\ud800 half', '\U0001f600 \U0001f468\u200d\U0001f469', 'cafe\u0301 caf\u00e9',
             '\u200f\ufeff\u2028']
    mapped, word_to_int = imdb.index_reviews(texts, progress=False)
    assert [len(row) for row in mapped] == [1, 2, 2, 2, 1]
    assert imdb.encode(texts, word_to_int, 2).tolist() == imdb.fixed_length(mapped, 2).tolist()
    char2int, int2char = hamlet.char_vocabulary(''.join(texts))
    numbers = hamlet.encode(texts[3], char2int)
    assert len(numbers) == len('cafe\u0301 caf\u00e9') and ''.join(int2char[number] for number in numbers) == texts[3]


@pytest.mark.slow
@pytest.mark.parametrize('use', USES + [portable.load])
@pytest.mark.parametrize('data', [b'', PNG, b'model_checkpoint_path: "gone.ckpt-9"',
                                  b'model_checkpoint_path: "/etc/hosts"', b'model_checkpoint_path: ".."',
                                  b'model_checkpoint_path: "caf\xe9"',
                                  b'model_checkpoint_path: "a\0b"', b'"' * 2 ** 16])
def test_a_file_checkpoint_with_anything_in_it_is_passed_over_or_refused(data, use, place):
    folder = place.folder('text', put('checkpoint', data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')                 # of what is not there, and what is used instead
            used = use(folder)
    except FileError as error:
        assert folder in str(error) and len(str(error).splitlines()) == 1
    else:
        assert used is not None                             # the checkpoint that is there after all


def test_a_checkpoint_file_written_by_hand_has_nothing_deleted_elsewhere(place):
    folder, kept = place.folder('text'), place.path / 'kept'
    shutil.copytree(folder, str(kept))
    name = next(kept.glob('*.index')).name[:-len('.index')]
    before = sorted(os.listdir(str(kept)))
    paths = ['model_checkpoint_path: "../kept/%s"' % name] + ['all_model_checkpoint_paths: "../kept/%s"' % name] * 2
    with open(os.path.join(folder, 'checkpoint'), 'w') as file:
        file.write('\n'.join(paths))
    models.char().train(CHAR_X, CHAR_Y, 3, folder, vocabulary=models.CHAR2INT, max_to_keep=1)
    assert sorted(os.listdir(str(kept))) == before


@pytest.mark.parametrize('error', [PermissionError(13, 'The file is in use'), OSError(28, 'No space left on device')])
def test_a_file_that_another_program_holds_open_as_on_windows_stays_whole(place, monkeypatch, error):
    path = place.file('old')

    def refuse(*arguments, **more):
        raise error

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(FileError, match='cannot write .*input: ' + error.strerror):
        files.write_text(path, 'new')
    assert os.listdir('.') == ['input'] and open(path).read() == 'old'
    monkeypatch.setattr(os, 'remove', refuse)               # the temporary file, too, is held open
    with pytest.raises(FileError, match='cannot write .*input: ' + error.strerror):
        files.write_text(path, 'new')
    assert open(path).read() == 'old'


def test_the_smallest_temperature_takes_the_likeliest(place):
    probas = np.array([0.3, 0.2, 0.0, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert drawing.apply_temperature(probas, 5e-324).tolist() == [0, 0, 0, 1]


# ---- nothing in a file is run ----------------------------------------------------------------------------------------

class Bomb:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return os.mkdir, ('exploded',)


BOMB = pickle.dumps(Bomb())


def npz(entry):
    """A weights.npz in which this entry is the bomb, as NumPy itself would pickle it."""
    return rewrite(lambda arrays: arrays.update({entry: np.array([Bomb()], dtype=object)}))


BOMBS = [(which, spoil) for which in ('text', 'reviews') for spoil in (
    put('weights.npz', BOMB), npz('about'), npz('logits/bias'), put('model.json', BOMB), put('checkpoint', BOMB))]


@pytest.mark.parametrize('which, spoil', BOMBS)
def test_a_pickle_in_a_models_folder_is_not_loaded(which, spoil, place):
    pickle.loads(BOMB)                                      # it works
    os.rmdir('exploded')
    folder, refused = place.folder(which, spoil), 0
    for load in (portable.load, CharRNN.load, SentimentRNN.load, export.write_weights):
        try:
            load(folder)
        except FileError:
            refused += 1
    assert refused >= 1                                     # a loader that has no use for the file may well succeed
    assert not os.path.exists('exploded')


@pytest.mark.parametrize('read', [imdb.load_reviews, hamlet.load_text, everything, aclimdb.wheel_rows],
                         ids=lambda read: read.__name__)
def test_a_pickle_for_a_data_file_is_not_loaded(read, place):
    with pytest.raises(FileError):
        read(place.file(BOMB))
    assert not os.path.exists('exploded')
