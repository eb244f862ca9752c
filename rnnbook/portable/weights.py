"""`weights.npz`, the weights of a checkpoint beside `model.json`: float32 arrays by the variables' names, no pickles.

`export` writes it with TensorFlow, `portable` reads it without. One more entry, `about`, is a text (JSON) that says
which checkpoint the weights are of, and lets `read` notice that the folder has changed since.
"""

from __future__ import annotations

import functools
import hashlib
import json
import operator
import os
import warnings
import zipfile
from typing import Dict, Iterator, List, Mapping, Tuple

import numpy as np

from rnnbook.base import npz
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError, check_int, shorten
from rnnbook.base.files import sha256
from rnnbook.network.ngrams import BUCKETS, check_ngram_size
from rnnbook.model_folder.description import NAME as MODEL_JSON, Description
from rnnbook.model_folder.checkpoint_files import listed
from rnnbook.preprocessing.vocabulary import Settings

__all__ = ['NAME', 'variables', 'directions', 'summary', 'write', 'read']

NAME = 'weights.npz'
ABOUT = 'about'
FORMAT = 1


def variables(description: Description) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """Names and shapes of the variables that a model computes with (not the optimizer's), from the bottom up.

    Parameters
    ----------
    description : sidecar.Description

    Yields
    ------
    name : str
    shape : tuple of int

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        An argument that decides a shape is missing, or no integer of at least 1.
    """
    def size(name):
        return check_int(name, description.arguments.get(name))

    units, words = size('lstm_size'), description.class_name == 'SentimentRNN'
    inputs, classes = (size('embed_size'), 1) if words else (size('num_classes'),) * 2
    ngram_size = 0
    if words:
        yield 'embedding', (size('n_words'), inputs)
        ngram_size = check_ngram_size('ngram_size', description.arguments.get('ngram_size', 0), size('n_words'))
    if ngram_size:
        yield 'ngrams', (size('n_words') + BUCKETS, ngram_size)
    scopes = directions(description)
    for scope in scopes:
        for layer in range(size('num_layers')):
            yield scope % layer + 'kernel', ((units if layer else inputs) + units, 4 * units)
            yield scope % layer + 'bias', (4 * units,)
    pooled = units * len(scopes) * (1 + (description.arguments.get('pooling') == 'meanmax'))
    yield 'logits/kernel', (pooled, classes)
    yield 'logits/bias', (classes,)
    if ngram_size:
        yield 'ngram_logits/kernel', (ngram_size, 1)
        yield 'ngram_logits/bias', (1,)


def directions(description: Description) -> List[str]:
    """What the names of the variables of a layer begin with, with a place for its number: for each direction in which
    a row is read.

    Parameters
    ----------
    description : sidecar.Description
    """
    forward = 'rnn/multi_rnn_cell/cell_%d/basic_lstm_cell/'
    return [forward] + ['backward/' + forward] * (description.arguments.get('bidirectional') is True)


def summary(description: Description) -> str:
    """The variables that a model computes with, their shapes and numbers of weights, and their sum.

    Parameters
    ----------
    description : sidecar.Description

    Returns
    -------
    str
        A table, one variable a line.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        As `variables` does.
    """
    rows = [(name, ' x '.join(map(str, shape)), '{:,}'.format(functools.reduce(operator.mul, shape, 1)))
            for name, shape in variables(description)]
    total = sum(int(count.replace(',', '')) for _, _, count in rows)
    settings = ', '.join('%s=%s' % (name, description.arguments[name]) for name in sorted(description.arguments))
    rows = [('variable', 'shape', 'weights')] + rows + [('in all', '', '{:,}'.format(total))]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ['  '.join([name.ljust(widths[0]), shape.rjust(widths[1]), count.rjust(widths[2])])
             for name, shape, count in rows]
    return '\n'.join(['%s(%s)' % (description.class_name, settings)] + lines)


def write(folder: str, arrays: Mapping[str, np.ndarray], description: Description, checkpoint: str) -> str:
    """Write the file into a model's folder, whole or not at all.

    Parameters
    ----------
    folder : str
    arrays : dict of str to numpy.ndarray of float32
        One for each of `variables`.
    description : sidecar.Description
        What the folder's model.json says.
    checkpoint : str
        The name of the checkpoint in the folder.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    FileError
    """
    path = os.path.join(folder, NAME)
    about = {'format': FORMAT, 'checkpoint': checkpoint, 'vocabulary': _fingerprint(description),
             'newest': _newest(folder)[1]}
    npz.write(path, dict(arrays, **{ABOUT: np.array(json.dumps(about))}))
    return path


def read(folder: str, description: Description) -> Tuple[Dict[str, np.ndarray], str]:
    """Read the file of a model's folder. Its shapes are checked before the weights are read.

    Parameters
    ----------
    folder : str
    description : sidecar.Description
        What the folder's model.json says.

    Returns
    -------
    arrays : dict of str to numpy.ndarray of float32
        One for each of `variables`.
    checkpoint : str
        The name of the checkpoint that they are of.

    Raises
    ------
    FileError
        Missing, damaged, without one of the arrays or with another shape or type than model.json asks for, or written
        for another model.json.

    Warns
    -----
    UserWarning
        The folder holds a newer checkpoint than it did when the file was written.
    """
    path = os.path.join(folder, NAME)
    if not os.path.isfile(path):
        raise FileError('%s has no %s; scripts/export_model.py writes it, with TensorFlow, from a checkpoint'
                        % (folder, NAME))
    try:
        with zipfile.ZipFile(path) as archive:
            about = _about(path, archive)
            if about['vocabulary'] != _fingerprint(description):
                raise FileError('%s was written for another %s than the one beside it; scripts/export_model.py writes '
                                'it anew' % (path, MODEL_JSON))
            for arrays in (None, {}):                       # every header before any of the weights
                for name, shape in _expected(folder, description):
                    array = npz.member(path, archive, name, shape, np.dtype('<f4'), arrays is None)
                    if arrays is not None:
                        arrays[name] = array
            checkpoint = about['checkpoint']
    except FileError:
        raise
    except npz.DAMAGE as error:
        raise FileError('%s is damaged or no such file: %s' % (path, shorten(str(error), 100))) from error
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror or error)) from error
    newest, fingerprint = _newest(folder)
    if fingerprint not in (None, about['newest']):
        warnings.warn('%s holds %s as it was exported; the model has been trained since, up to %s'
                      % (path, checkpoint, newest), stacklevel=3)
    return arrays, checkpoint


def _expected(folder, description):
    """`variables`, its errors being those of the file that the arguments stand in."""
    try:
        yield from variables(description)
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error


def _about(path, archive):
    """The entry `about` as a dict."""
    text = npz.member(path, archive, ABOUT, (), None)
    about = json.loads(str(text))
    if about['format'] != FORMAT:
        raise FileError('%s has the format %s; this version of rnnbook reads format %d'
                        % (path, shorten(about['format']), FORMAT))
    for name in ('checkpoint', 'vocabulary', 'newest'):
        if not isinstance(about[name], (str, type(None))):
            raise ValueError('%s is %s' % (name, shorten(about[name])))
    return about


def _fingerprint(description):
    """sha256 of the class and the vocabulary with its settings: what the shapes of the arrays do not show."""
    entries = [description.class_name, description.vocabulary]
    if getattr(description.vocabulary, 'settings', Settings()) != Settings():   # those of the book go without saying
        entries.append(description.vocabulary.treatment())
    text = json.dumps(entries, sort_keys=True)
    return hashlib.sha256(text.encode('ascii')).hexdigest()


def _newest(folder):
    """The name of a folder's newest checkpoint, and the sha256 of its index, which has the checksums of the variables.

    Both are None where there is none: `model.json` and `weights.npz` are all that a copy of the folder needs.
    """
    name = (listed(folder) or [''])[-1]
    index = os.path.join(folder, name + '.index')
    return (name, sha256(index)) if os.path.isfile(index) else (None, None)
