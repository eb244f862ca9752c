"""A model as one HTML file: the weights inside, and the network in JavaScript, computed by the reader's browser.

`page_files/network.js` computes what `portable` does; the other files there are what the page looks like.

Shapes: V words of the model, K of them on the page, N reviews.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
from typing import Optional, Sequence

import numpy as np

from rnnbook import __version__, imdb, portable
from rnnbook.base.checks import ArrayLike, StrPath, check_int, check_str
from rnnbook.base.files import check_path, check_regular, read_text, write_text
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder.checkpoint_files import check_output
from rnnbook.model_folder.description import MODEL_JSON, Description, check_vocabulary
from rnnbook.model_folder.run_state import ENDING, read_record
from rnnbook.preprocessing.word_table import check_texts

__all__ = ['write_page']

FORMAT = 1
#: Weights that take more bytes than this are rounded to 16 bits.
LARGE = 2 ** 22
FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page_files')
#: What is said of the last epoch: each figure of a run's history, in plain words, under the label of its kind.
FIGURES = {
    'Trained': {'epoch': 'epoch %.6g', 'iteration': 'iteration %.6g', 'learning_rate': 'learning rate %.6g'},
    'In training, with its dropout': {'loss': 'loss %.4g nats', 'accuracy': 'accuracy %.4g',
                                      'bits_per_char': '%.4g bits per character'},
    'In validation': {'val_loss': 'loss %.4g nats', 'val_accuracy': 'accuracy %.4g',
                      'val_bits_per_char': '%.4g bits per character'},
}
WHOLE = 'Compared with the whole model'
#: The policy lets the browser fetch nothing and run nothing but this script.
PAGE = '''<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
script-src 'sha256-{digest}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}<script type="application/json" id="model">{payload}</script>
<script>{script}</script>
</body>
</html>
'''


def write_page(folder: StrPath, path: StrPath, *, words: int = 10000, texts: Optional[Sequence[str]] = None,
               labels: Optional[ArrayLike] = None, trained_on: Optional[str] = None) -> str:
    """Write an exported model as a page that works in any browser, without a network.

    Weights that take more than 4 MiB are rounded to 16 bits. TensorFlow is not needed.

    Parameters
    ----------
    folder : str or path
        A folder with ``model.json`` and ``weights.npz``.
    path : str or path
        The file to write; an earlier one is replaced.
    words : int, default 10000
        For a review model, keep the words with the numbers up to this one: the most frequent words, as `imdb.prepare`
        numbers them. The others are treated as words that the model does not know.
    texts : sequence of str, optional
        At least 1 review, on which to compare the page with the whole model. Default: the page says that it is not
        compared.
    labels : array_like of int, shape (texts,), optional
        The labels of `texts`, 0 and 1.
    trained_on : str, optional
        What the page says the model was trained on. Default: nothing.

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
    folder, path, words = check_path('folder', folder), check_output('path', path), check_int('words', words)
    check_regular(path)
    model = portable.load(folder)
    if isinstance(model, portable.PortableSentiment):
        name, title, content = 'review', 'A review model', _reviews(model, words, texts, labels)
    elif texts is None and labels is None:
        name, title, content = 'char', 'A character model', _characters(model)
    else:
        raise ArgumentValueError('texts and labels must be None for a CharRNN, of which nothing is left out')
    facts = content.pop('facts') + [['Settings', ', '.join(
        '%s %s' % (name, {False: 'no', True: 'yes'}[value] if isinstance(value, bool) else value)
        for name, value in model.arguments.items() if value is not None)]]
    facts += _training(folder, model.checkpoint)
    if trained_on is not None:
        facts.append(['Trained on', check_str('trained_on', trained_on)])
    payload = dict(content, format=FORMAT, arguments=model.arguments, facts=facts, examples={}, version=__version__,
                   checkpoint=model.checkpoint, written=datetime.date.today().isoformat())
    try:
        payload = _escape(payload)
    except ValueError as error:                             # JSON has no NaN and no infinity
        raise FileError('%s: every number must be finite: %s' % (os.path.join(folder, MODEL_JSON), error)) from error
    script = ''.join(_file(each) for each in ('network.js', 'page.js', name + '.js'))
    digest = base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')
    write_text(path, PAGE.format(title=title, digest=digest, style=_file('page.css'), body=_file(name + '.html'),
                                 payload=payload, script=script))
    return path


def _file(name):
    return read_text(os.path.join(FILES, name))


def _escape(payload):
    """JSON in ASCII, in which nothing can end the element that holds it."""
    text = json.dumps(payload, allow_nan=False)
    for mark in '<>&':                                      # JSON has them in strings only
        text = text.replace(mark, '\\u%04x' % ord(mark))
    return text


def _characters(model):
    arrays = _rounded(model.arrays)
    return dict(class_name='CharRNN', vocabulary=sorted(model.vocabulary, key=model.vocabulary.get), settings=None,
                arrays=_encoded(arrays), facts=[_weights(model, arrays)])


def _reviews(model, words, texts, labels):
    """What the page holds of a review model: the rows of the words that are kept, and of the one for unknown words."""
    vocabulary = model.vocabulary
    check_vocabulary(Description('SentimentRNN', model.arguments, vocabulary))
    kept = imdb.Vocabulary({word: number for word, number in vocabulary.items() if number <= words},
                           vocabulary.settings)
    by_number = [None] * (max(kept.values(), default=0) + 1)
    for word, number in kept.items():
        by_number[number] = word
    numbers = [*range(len(by_number)), *[vocabulary.unknown] * kept.settings.unknown]               # (K,)
    held = _rounded({**model.arrays, 'embedding': model.arrays['embedding'][numbers]})
    left_out = len(kept) < len(vocabulary)
    facts = [['Words', ('{:,}, the most frequent of {:,}; the others are treated as words that the model does not know'
                        if left_out else '{:,}').format(len(kept), len(vocabulary))], _weights(model, held)]
    if texts is not None or labels is not None:
        facts.append([WHOLE, _compared(model, kept, numbers, held, texts, labels)])
    elif left_out or held['embedding'].dtype == np.float16:
        facts.append([WHOLE, 'not compared; export_model.py --csv does it'])
    return dict(class_name='SentimentRNN', vocabulary=by_number, arrays=_encoded(held), facts=facts,
                settings={'drop_markup': vocabulary.settings.drop_markup, 'unknown': vocabulary.unknown})


def _compared(model, kept, numbers, held, texts, labels):
    """How the page's model differs from the whole one on these reviews."""
    texts = list(check_texts('texts', texts))
    if not texts:
        raise ArgumentValueError('texts must have at least 1 review')
    encoded = imdb.encode(texts, kept, model.arguments['seq_len'])                                  # (N, T)
    labels = imdb.check_labels('labels', labels, len(encoded))
    if kept.unknown is not None:
        encoded[encoded == kept.unknown] = model.vocabulary.unknown
    arrays = {name: array.astype(np.float32) for name, array in held.items()}
    arrays['embedding'] = np.zeros_like(model.arrays['embedding'])      # words that are left out have no row
    arrays['embedding'][numbers] = held['embedding']
    description = Description('SentimentRNN', model.arguments, kept)
    here = portable.PortableSentiment(description, arrays, model.checkpoint).predict(encoded, True, carry_state=False)
    whole = model.predict_text(texts)                                                               # (N,)
    accuracy = [np.mean(np.rint(found) == labels) for found in (whole, here)]
    change = np.abs(here - whole)
    return ('on the {:,} review{} given: accuracy {:.4f} with the whole model and {:.4f} on this page; the probability '
            'differs by {:.4f} on average and by {:.4f} at most'.format(
                len(labels), 's' * (len(labels) > 1), *accuracy, change.mean(), change.max()))


def _rounded(arrays):
    """The arrays as the page holds them."""
    large = sum(array.nbytes for array in arrays.values()) > LARGE
    return {name: array.astype(np.float16) if large and np.abs(array).max() <= np.finfo(np.float16).max else array
            for name, array in arrays.items()}


def _weights(model, held):
    return ['Weights', '{:,}, in {} bits'.format(sum(array.size for array in model.arrays.values()),
                                                 8 * held['logits/kernel'].itemsize)]


def _encoded(arrays):
    """Arrays as JSON can hold them."""
    return {name: {'shape': array.shape, 'type': array.dtype.name, 'data': base64.b64encode(
        array.astype(array.dtype.newbyteorder('<')).tobytes()).decode('ascii')} for name, array in arrays.items()}


def _training(folder, checkpoint):
    """What the record of the checkpoint says about the training, where the folder still has it."""
    prefix = os.path.join(folder, checkpoint)
    history = read_record(prefix).state.history if os.path.isfile(prefix + ENDING) else []
    facts = [[label, ', '.join(text % row[name] for name, text in figures.items()
                               if isinstance(row.get(name), (int, float)))]
             for row in history[-1:] for label, figures in FIGURES.items()]
    return [fact for fact in facts if fact[1]]
