"""`model.json`, the description that lies beside every checkpoint: what is needed to use the weights.

It holds the class, the constructor's arguments, the vocabulary with the way text is cleaned for it, the number of this
format and the version of the library. It names no path, so that a model's folder can be moved.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from rnnbook import __version__
from rnnbook.base.checks import MAX_LAYERS, check_bool, check_int, shorten
from rnnbook.base.files import check_format, damage_errors, read_json, write_text
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.preprocessing.vocabulary import Vocabulary

__all__ = ['Description', 'MODEL_JSON', 'KINDS', 'FREE', 'SINCE', 'class_name', 'write_description',
           'read_description', 'check_vocabulary', 'differences', 'changes', 'variables', 'directions', 'summary']

MODEL_JSON = 'model.json'
FORMAT = 1
MAX_BYTES = 2 ** 28
#: What the vocabulary of each class numbers.
KINDS = {'SentimentRNN': 'words', 'CharRNN': 'characters'}
#: How characters are treated; `vocabulary.Vocabulary` says it for words.
CHARACTERS = {'cleaning': None, 'unknown': None}

#: Arguments that older files lack, with the values that their models have.
SINCE = {'optimizer': 'adam', 'pooling': 'last', 'bidirectional': False, 'embed_keep_prob': 1.0, 'embed_init': 1.0,
         'grad_clip': None, 'recurrent_keep_prob': 1.0}
#: The arguments that say how a model is computed: two models that differ in them alone are the same model.
FREE = {'engine', 'shards'}


class Description(NamedTuple):
    """What `model.json` says; `read_description` makes a vocabulary of words a `vocabulary.Vocabulary`."""

    class_name: str
    arguments: Dict[str, object]
    vocabulary: Optional[Dict[str, int]]

    def digests(self) -> Dict[str, Optional[str]]:
        """Two sha256, of the model and of its vocabulary: a checkpoint's record keeps them, to know its own model."""
        arguments = {name: value for name, value in self.arguments.items()
                     if name not in FREE and (name, value) not in SINCE.items()}
        ids = self.vocabulary
        if ids is not None and KINDS[self.class_name] == 'words':       # whose settings say how text is numbered
            ids = [self.treatment(), ids]
        return {'model': _sha256([self.class_name, arguments]), 'vocabulary': ids and _sha256(ids)}

    def treatment(self) -> Dict[str, object]:
        """How text is treated before the vocabulary numbers it."""
        return CHARACTERS if KINDS[self.class_name] == 'characters' else Vocabulary.of(
            'vocabulary', self.vocabulary).treatment()


def _sha256(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode('ascii')).hexdigest()


def class_name(model: type) -> str:
    """The class of `KINDS` that a folder names for a class of models: itself, or the one that it derives from."""
    return next(each.__name__ for each in model.__mro__ if each.__name__ in KINDS)


def write_description(folder: str, description: Description) -> None:
    """Write the description into a folder, whole or not at all."""
    vocabulary = description.vocabulary
    if vocabulary is not None:
        vocabulary = {'kind': KINDS[description.class_name], **description.treatment(), 'ids': vocabulary}
    content = {'format': FORMAT, 'rnnbook_version': __version__, 'class': description.class_name,
               'arguments': description.arguments, 'vocabulary': vocabulary}
    write_text(os.path.join(folder, MODEL_JSON), json.dumps(content, indent=1) + '\n')


def read_description(folder: str, class_name: Optional[str] = None) -> Description:
    """Read the description of a model, which must be of this class if one is given."""
    path = os.path.join(folder, MODEL_JSON)
    if not os.path.isfile(path):
        raise FileError('%s holds no model: there is no %s in it' % (folder, MODEL_JSON))
    content = read_json(path, MAX_BYTES)
    with damage_errors(path):
        found, form, arguments = content['class'], content['format'], content['arguments']
        vocabulary = content['vocabulary']
    check_format(path, form, FORMAT)
    wanted = [class_name] if class_name else list(KINDS)
    if found not in wanted:
        raise FileError('%s describes a %s, not a %s' % (path, shorten(found), ' or a '.join(wanted)))
    if not isinstance(arguments, dict):
        raise FileError('%s is damaged: its arguments are no object' % path)
    if arguments.pop('ngram_size', 0):
        raise FileError('%s describes a model with n-grams, which rnnbook 0.2 was the last version to have; use that '
                        'one, or train the model again' % path)
    if vocabulary is not None:
        vocabulary = _read_vocabulary(path, vocabulary, KINDS[found])
    return Description(found, arguments, vocabulary)


def check_vocabulary(description: Description) -> None:
    """Refuse a model whose numbers stand for no words or characters."""
    if description.vocabulary is None:
        raise ArgumentValueError('this model was trained without a vocabulary, so it cannot read texts; '
                                 'train(..., vocabulary=%s) saves one with the weights'
                                 % {'SentimentRNN': 'word_to_int', 'CharRNN': 'char2int'}[description.class_name])


def _read_vocabulary(path, vocabulary, kind):
    """The numbers of a vocabulary, if it treats text in a way that this version knows."""
    ids = vocabulary.get('ids') if isinstance(vocabulary, dict) else None
    if not isinstance(ids, dict) or not all(type(number) is int for number in ids.values()):
        raise FileError('%s is damaged: its vocabulary is no object of numbers' % path)
    treatment = {name: value for name, value in vocabulary.items() if name not in ('kind', 'ids')}
    try:
        if vocabulary.get('kind') != kind:
            raise ArgumentValueError('kind must be %r' % kind)
        if kind == 'words':
            return Vocabulary.read(ids, treatment)
        if treatment != CHARACTERS:
            raise ArgumentValueError('cleaning and unknown must be null')
    except (ArgumentTypeError, ArgumentValueError) as error:
        treatment = {name: value for name, value in vocabulary.items() if name != 'ids'}
        raise FileError('%s has a vocabulary that treats text by %s; this version of rnnbook knows others: %s'
                        % (path, shorten(treatment, 200), error)) from error
    return ids


def differences(found: Description, wanted: Description, names: Optional[Iterable[str]] = None) -> List[str]:
    """What differs between two descriptions: in these arguments, by default in all that are not `FREE`."""
    names = sorted((set(found.arguments) | set(wanted.arguments)) - FREE) if names is None else names
    differs = changes({**SINCE, **found.arguments}, wanted.arguments, names)
    if found.vocabulary is not None and wanted.vocabulary is not None and found.vocabulary != wanted.vocabulary:
        differs.append('another vocabulary')
    return differs


def changes(found: Dict[str, object], wanted: Dict[str, object], names: Iterable[str]) -> List[str]:
    """What differs between two dicts of settings, such as ``['lstm_size 64, not 128']``."""
    return ['%s %s, not %s' % (name, shorten(found.get(name)), shorten(wanted.get(name)))
            for name in names if found.get(name) != wanted.get(name)]


def variables(description: Description) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """Names and shapes of the variables that a model computes with (not the optimizer's), from the bottom up."""
    def size(name):
        return check_int(name, description.arguments.get(name))

    units, words = size('lstm_size'), description.class_name == 'SentimentRNN'
    inputs, classes = (size('embed_size'), 1) if words else (size('num_classes'),) * 2
    if words:
        yield 'embedding', (size('n_words'), inputs)
    scopes = directions(description)
    for scope in scopes:
        for layer in range(check_int('num_layers', description.arguments.get('num_layers'), 1, MAX_LAYERS)):
            yield scope % layer + 'kernel', ((units if layer else inputs) + units, 4 * units)
            yield scope % layer + 'bias', (4 * units,)
    pooled = units * len(scopes) * (1 + (description.arguments.get('pooling') == 'meanmax'))
    yield 'logits/kernel', (pooled, classes)
    yield 'logits/bias', (classes,)


def directions(description: Description) -> List[str]:
    """For each direction in which a row is read, the start of the names of a layer's variables; %d is the layer."""
    forward = 'rnn/multi_rnn_cell/cell_%d/basic_lstm_cell/'
    return [forward] + ['backward/' + forward] * check_bool('bidirectional',
                                                            description.arguments.get('bidirectional', False))


def summary(description: Description) -> str:
    """The variables that a model computes with, their shapes and numbers of weights, and the total."""
    sizes = {name: (shape, int(np.prod(shape, dtype=np.int64))) for name, shape in variables(description)}
    rows = [('variable', 'shape', 'weights'),
            *((name, ' x '.join(map(str, shape)), format(weights, ',')) for name, (shape, weights) in sizes.items()),
            ('total', '', format(sum(weights for _, weights in sizes.values()), ','))]
    name, shape, weights = (max(map(len, column)) for column in zip(*rows))
    settings = ', '.join('%s=%s' % item for item in sorted(description.arguments.items()))
    return '\n'.join(['%s(%s)' % (description.class_name, settings)] + [
        '%-*s  %*s  %*s' % (name, row[0], shape, row[1], weights, row[2]) for row in rows])
