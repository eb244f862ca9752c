"""A model as one HTML file: the weights inside, and the network in JavaScript, computed by the reader's browser.

`page_files/network.js` computes what `portable` does; `page_files` also has all else that a page is made of.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
from typing import Optional, Sequence

import numpy as np

from rnnbook import __version__, imdb, portable
from rnnbook.base.checks import ArrayLike, StrPath, check_int
from rnnbook.base.files import check_local, check_path, check_regular, read_text, write_text
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder.description import Description
from rnnbook.model_folder.run_state import ENDING, read_record
from rnnbook.network.ngrams import BUCKETS

__all__ = ['write_page']

FORMAT = 1
#: Weights that take more bytes than this are written in 16 bits instead of 32.
LARGE = 2 ** 22
FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page_files')
#: Nothing is fetched, and nothing is sent anywhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
PAGE = '''<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rnnbook</title>
<style>
{style}</style>
</head>
<body>
{body}<script type="application/json" id="model">{payload}</script>
{scripts}</body>
</html>
'''


def write_page(folder: StrPath, path: StrPath, *, words: int = 10000, texts: Optional[Sequence[str]] = None,
               labels: Optional[ArrayLike] = None) -> str:
    """Write an exported model as a page that any browser opens, without a network.

    Weights of more than 4 MiB are rounded to 16 bits. A character of the page is drawn as `portable` draws it.

    Parameters
    ----------
    folder : str or path
        A folder with ``model.json`` and ``weights.npz``; TensorFlow is not needed.
    path : str or path
        The file to write; an earlier one is replaced.
    words : int, default 10000
        Of a review model, the page knows only the words with the numbers up to this one: the most frequent words, as
        `imdb` numbers them. The other words are treated as words that the model does not know.
    texts : sequence of str, optional
        Reviews on which to measure what that costs; the page says it. Default: the page says that nobody measured it.
    labels : array_like of int, shape (texts,), optional
        The labels of `texts`.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        An argument of the wrong type or range, or a review model that was trained without a vocabulary.
    FileError
        The folder cannot be read, see `portable.load`, or the file cannot be written.
    """
    folder, path, words = check_path('folder', folder), check_local('path', path), check_int('words', words)
    check_regular(path)
    model = portable.load(folder)
    reviews = isinstance(model, portable.PortableSentiment)
    if reviews:
        name, content = 'review', _reviews(model, words, texts, labels)
    else:
        name, content = 'char', _characters(model)
    payload = {'format': FORMAT, 'class_name': 'SentimentRNN' if reviews else 'CharRNN', 'arguments': model.arguments,
               'checkpoint': model.checkpoint, 'written': datetime.date.today().isoformat(), 'version': __version__,
               'examples': {}, **content}
    payload['facts'] = [*content['facts'], ['Settings', ', '.join('%s %s' % item for item in model.arguments.items())],
                        *_training(folder, model.checkpoint)]
    write_text(path, PAGE.format(
        policy=POLICY, style=_file('page.css'), body=_file(name + '.html'), payload=_escape(payload),
        scripts=''.join('<script>\n%s</script>\n' % _file(script) for script in ('network.js', 'page.js', name + '.js'))))
    return path


def _file(name):
    return read_text(os.path.join(FILES, name))


def _escape(payload):
    """JSON of ASCII alone, in which nothing can end the element that holds it."""
    text = json.dumps(payload)
    for mark in '<>&':
        text = text.replace(mark, '\\u%04x' % ord(mark))
    return text


def _characters(model):
    chars = sorted(model.vocabulary, key=model.vocabulary.get)
    arrays, bits = _rounded(model.arrays)
    return {'vocabulary': chars, 'settings': None, 'arrays': {name: _encoded(array) for name, array in arrays.items()},
            'facts': [['Vocabulary', '%d characters' % len(chars)], _weights(model, bits)]}


def _reviews(model, words, texts, labels):
    if model.vocabulary is None:
        raise ArgumentValueError('this model was trained without a vocabulary, so it cannot read texts; '
                                 'train(..., vocabulary=word_to_int) saves one with the weights')
    vocabulary, arrays = model.vocabulary, dict(model.arrays)
    kept = imdb.Vocabulary({word: number for word, number in vocabulary.items() if number <= words},
                           vocabulary.settings)
    by_number = [None] * (kept.n_words - kept.settings.unknown)
    for word, number in kept.items():
        by_number[number] = word
    if 'ngrams' in arrays:              # all that is done with their vectors is a sum and a product with this kernel
        arrays['ngrams'] = arrays['ngrams'].dot(arrays.pop('ngram_logits/kernel'))
    rows = np.arange(len(by_number))
    if vocabulary.unknown is not None:
        rows = np.append(rows, vocabulary.unknown)
    held = dict(arrays, embedding=arrays['embedding'][rows])
    if 'ngrams' in arrays:
        held['ngrams'] = arrays['ngrams'][np.append(rows, np.arange(len(arrays['ngrams']) - BUCKETS,
                                                                    len(arrays['ngrams'])))]
    held, bits = _rounded(held)
    facts = [['Vocabulary', '%s words' % format(len(kept), ',') if len(kept) == len(vocabulary) else
              'the %s most frequent of %s words; the others are treated as words that the model does not know'
              % (format(len(kept), ','), format(len(vocabulary), ','))], _weights(model, bits)]
    return {'vocabulary': by_number, 'facts': facts, 'arrays': {name: _encoded(array) for name, array in held.items()},
            'settings': {'drop_markup': vocabulary.settings.drop_markup, 'unknown': vocabulary.unknown}}


def _rounded(arrays):
    """The arrays in the type that the page holds, and its bits."""
    kind = np.float16 if sum(array.nbytes for array in arrays.values()) > LARGE else np.float32
    return {name: array.astype(kind) for name, array in arrays.items()}, 8 * np.dtype(kind).itemsize


def _weights(model, bits):
    return ['Weights', '%s, in %d bits' % (format(sum(array.size for array in model.arrays.values()), ','), bits)]


def _encoded(array):
    """An array as JSON can hold it."""
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder('<'))
    return {'shape': list(array.shape), 'type': array.dtype.name, 'data': base64.b64encode(data).decode('ascii')}


def _training(folder, checkpoint):
    """What the record of the checkpoint says about its training, where the folder still has it."""
    prefix = os.path.join(folder, checkpoint)
    if not os.path.isfile(prefix + ENDING):
        return []
    record = read_record(prefix)
    last = record.state.history[-1] if record.state.history else {}
    return [['Training', ', '.join('%s %.4g' % item for item in last.items() if isinstance(item[1], (int, float)))]]
