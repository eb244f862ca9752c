"""Models with NumPy alone, on any Python from 3.7 on: classify reviews and sample texts without TensorFlow.

Only `scripts/export_model.py` (or `export.write_weights`), which first writes the weights into the folder, needs
TensorFlow. The mathematics is that of `equations`.

Legend: N batch, T time steps, E embedding, H lstm_size, F what `pooling` makes of a row, V `num_classes`.
"""

from __future__ import annotations

from typing import Mapping, Optional, Sequence, Union

import numpy as np

from rnnbook import equations, hamlet, imdb
from rnnbook.base.bar import show_bar
from rnnbook.base.checks import (ArrayLike, StrPath, check_bool, check_choice, check_ids, check_int, check_number,
                                 check_size, check_str)
from rnnbook.base.files import check_path
from rnnbook.errors import ArgumentValueError
from rnnbook.model_folder.description import Description, directions, read_description
from rnnbook.network import drawing
from rnnbook.network.pooling import POOLINGS, check_carry_state, pool, words_first
from rnnbook.portable import weights

__all__ = ['load', 'PortableSentiment', 'PortableChar']

#: The most floats in the inputs and outputs of one forward pass; longer inputs are computed in pieces.
PIECE = 2 ** 24


def load(folder: StrPath) -> Union[PortableSentiment, PortableChar]:
    """Load the model that a folder describes, with the weights that were exported into it.

    Parameters
    ----------
    folder : str or path
        A folder with ``model.json`` and ``weights.npz``; nothing else is needed.

    Returns
    -------
    PortableSentiment or PortableChar

    Raises
    ------
    FileError
        The folder, the model or its exported weights are missing, damaged or do not fit each other.

    Warns
    -----
    UserWarning
        The model has been trained further since the weights were exported.
    """
    folder = check_path('folder', folder)
    description = read_description(folder)
    arrays, checkpoint = weights.read(folder, description)
    cls = {'SentimentRNN': PortableSentiment, 'CharRNN': PortableChar}[description.class_name]
    with weights.description_errors(folder):
        return cls(description, arrays, checkpoint)


class _Portable:
    """What both models have."""

    def __init__(self, description: Description, arrays: Mapping[str, np.ndarray], checkpoint: str) -> None:
        self.arguments, self.checkpoint = dict(description.arguments), checkpoint
        self.arrays = arrays
        # For each direction from the bottom up, as `equations.lstm` takes them.
        self._layers = [[equations.LSTMLayer(arrays[scope % layer + 'kernel'], arrays[scope % layer + 'bias'])
                         for layer in range(self.arguments['num_layers'])] for scope in directions(description)]

    def _output_layer(self, name, outputs):
        return equations.output_layer(outputs, self.arrays[name + '/kernel'], self.arrays[name + '/bias'])


class PortableSentiment(_Portable):
    """A trained `SentimentRNN` without TensorFlow; `load` makes it.

    Parameters
    ----------
    description : Description
    arrays : dict of str to numpy.ndarray of float32
        As `weights.read` gives them.
    checkpoint : str
        The name of their checkpoint.

    Attributes
    ----------
    arguments : dict
        The arguments of the `SentimentRNN`.
    vocabulary : dict of str to int, or None
        The `word_to_int` that was saved with the weights.
    checkpoint : str
    """

    def __init__(self, description: Description, arrays: Mapping[str, np.ndarray], checkpoint: str) -> None:
        super().__init__(description, arrays, checkpoint)
        self.vocabulary = imdb.check_word_to_int('vocabulary', description.vocabulary, self.arguments['n_words'])
        self._seq_len = check_int('seq_len', self.arguments.get('seq_len'))
        self._batch_size = check_int('batch_size', self.arguments.get('batch_size'))
        self._pooling = check_choice('pooling', self.arguments.get('pooling', 'last'), POOLINGS)
        for name in ('embed_size', 'lstm_size'):
            check_size('seq_len * ' + name, self._seq_len, self.arguments[name])
        width = self.arguments['embed_size'] + 2 * self.arguments['lstm_size']
        self._rows = max(1, PIECE // (self._seq_len * width))

    def predict(self, X_data: ArrayLike, return_proba: bool = False, *,
                carry_state: Optional[bool] = None) -> np.ndarray:
        """Predict the labels of rows, as `SentimentRNN.predict` does.

        Parameters
        ----------
        X_data : array_like of int, shape (rows, T)
            Word numbers, any number of rows.
        return_proba : bool, default False
            Return probabilities instead of labels.
        carry_state : bool, optional
            Carry the state from each batch of `batch_size` rows to the next as the chapter does, so that a prediction
            depends on the rows before. False starts each row from the zero state. Default: True if `pooling` is
            ``'last'``; otherwise there is nothing to carry.

        Returns
        -------
        numpy.ndarray of int32, or of float32 for probabilities, shape (rows,)

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An argument of the wrong type, shape or range.
        """
        x = check_ids('X_data', X_data, self.arguments['n_words'], 'n_words', self._seq_len)
        check_bool('return_proba', return_proba)
        carry_state = check_carry_state('carry_state', carry_state, self._pooling)
        batch = self._batch_size if carry_state else max(1, len(x))
        probabilities = np.zeros(len(x), dtype=np.float32)
        states = {}                                         # of the rows of a batch, by where its pieces start
        # Row i of a batch carries on from row i of the batch before. In the last batch, the rows that would only fill
        # it up are no predecessors of any.
        pieces = [(start, first, min(first + self._rows, batch, len(x) - start))
                  for start in range(0, len(x), batch) for first in range(0, min(batch, len(x) - start), self._rows)]
        for start, first, stop in show_bar(pieces, len(pieces), 'Predicting'):
            state = states.get(first) if carry_state else None
            rows = slice(start + first, start + stop)
            if state is not None:
                state = [(c[:stop - first], h[:stop - first]) for c, h in state]
            probabilities[rows], states[first] = self._forward(x[rows], state)
        # Half to even, as tf.round.
        return probabilities if return_proba else np.rint(probabilities).astype(np.int32)

    def _forward(self, x, state):
        """The probabilities of some rows, and their final state."""
        backwards, words = x[:, ::-1], np.ones(x.shape, dtype=bool)                        # (N, T)
        if self._pooling != 'last':
            x, backwards, words = words_first(x)

        def read(ids, layers, state=None):
            embed_x = equations.embedding_lookup(self.arrays['embedding'], ids)                    # (N, T, E)
            outputs, state = equations.lstm(embed_x, layers, state)                                 # (N, T, H)
            return pool(self._pooling, outputs, words), state

        forward, state = read(x, self._layers[0], state)
        pooled = [forward] + [read(backwards, layers)[0] for layers in self._layers[1:]]
        logits = self._output_layer('logits', np.concatenate(pooled, axis=-1))                      # (N, 1)
        return equations.sigmoid(logits[:, 0]), state                                               # (N,)

    def predict_text(self, texts: Union[str, Sequence[str]]) -> Union[float, np.ndarray]:
        """The probability that a review is positive; each starts from the zero state, so the others do not matter.

        Parameters
        ----------
        texts : str or sequence of str
            Words that are not in the vocabulary are left out; of the others, the last `seq_len` are read.

        Returns
        -------
        float, or numpy.ndarray of float32, shape (texts,)
            A float for a single `str`. Above 0.5 means the label 1.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            Not texts; or the model was trained without a vocabulary.
        """
        if self.vocabulary is None:
            raise ArgumentValueError('this model was trained without a vocabulary, so it cannot read texts; '
                                     'train(..., vocabulary=word_to_int) saves one with the weights')
        if isinstance(texts, str):
            return float(self.predict_text([texts])[0])
        return self.predict(imdb.encode(texts, self.vocabulary, self._seq_len), return_proba=True, carry_state=False)


class PortableChar(_Portable):
    """A trained `CharRNN` without TensorFlow; `load` makes it.

    Parameters
    ----------
    description, arrays, checkpoint
        As for `PortableSentiment`.

    Attributes
    ----------
    arguments : dict
        The arguments of the `CharRNN`.
    vocabulary : dict of str to int
        The `char2int` of the text that it was trained on.
    checkpoint : str

    Raises
    ------
    ArgumentValueError
        The model was trained without a vocabulary, so its numbers stand for no characters.
    """

    def __init__(self, description: Description, arrays: Mapping[str, np.ndarray], checkpoint: str) -> None:
        super().__init__(description, arrays, checkpoint)
        self._num_classes = self.arguments['num_classes']
        self.vocabulary = hamlet.check_char2int('vocabulary', description.vocabulary, self._num_classes)
        if self.vocabulary is None:
            raise ArgumentValueError('vocabulary must not be null; train(..., vocabulary=char2int) saves it')

    def sample(self, output_length: int, starter_seq: str = 'The ', *, top_n: int = 5, temperature: float = 1.0) -> str:
        """Write a text: the starter, one character, and `output_length` more, as `CharRNN.sample` does.

        Characters are drawn by `get_top_char`, so `np.random.seed` before the call repeats a text, and gives the
        text of `CharRNN.sample` under that seed.

        Parameters
        ----------
        output_length : int
            At least 0.
        starter_seq : str, default 'The '
            The beginning of the text: at least one character, all of them in the vocabulary.
        top_n : int, default 5
            Draw from this many of the likeliest characters.
        temperature : float, default 1.0
            Above 0. Below 1 gives safer texts, above 1 wilder ones: probabilities are raised to the power of 1 over it.

        Returns
        -------
        str
            ``len(starter_seq) + 1 + output_length`` characters.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An argument has the wrong type or range, or the starter a character that is not in the vocabulary.
        """
        output_length = check_int('output_length', output_length, 0)
        top_n = check_int('top_n', top_n)
        temperature = check_number('temperature', temperature, above=0)
        starter = hamlet.encode_starter(starter_seq, self.vocabulary)
        int2char = {number: char for char, number in self.vocabulary.items()}

        def draw(logits):
            probas = drawing.apply_temperature(equations.softmax(logits[0]), temperature)            # (1, V)
            return drawing.get_top_char(probas, self._num_classes, top_n)

        state, drawn = None, []
        for number in starter:
            logits, state = self._forward(np.array([number]), state)
        for _ in show_bar(range(output_length), output_length, 'Sampling'):
            drawn.append(draw(logits))
            logits, state = self._forward(np.array(drawn[-1:]), state)
        drawn.append(draw(logits))
        return starter_seq + ''.join(int2char[number] for number in drawn)

    def _forward(self, numbers, state):
        """The logits after each of these characters, shape (1, T, V), and the state after the last."""
        x_onehot = equations.one_hot(numbers[np.newaxis], self._num_classes)                        # (1, T, V)
        outputs, state = equations.lstm(x_onehot, self._layers[0], state)                             # (1, T, H)
        return self._output_layer('logits', outputs), state

    def evaluate(self, text: str) -> float:
        """How well the model predicts a text, in bits per character, as `CharRNN.evaluate` computes it.

        This is the mean cross entropy of each character but the first, given all before it, without dropout. The state
        starts at zero and is carried through the whole text.

        Parameters
        ----------
        text : str
            At least 2 characters, all of them in the vocabulary.

        Returns
        -------
        float
            Bits: the cross entropy in nats over ln 2.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            The text is too short or has a character that is not in the vocabulary.
        """
        if len(check_str('text', text)) < 2:
            raise ArgumentValueError('text must have at least 2 characters, not %d' % len(text))
        numbers = hamlet.encode(text, self.vocabulary)
        x, y = numbers[:-1], numbers[1:]
        length = max(1, PIECE // (self._num_classes + 2 * self.arguments['lstm_size']))
        state, total = None, 0.0
        starts = range(0, len(x), length)
        for start in show_bar(starts, len(starts), 'Evaluating'):
            logits, state = self._forward(x[start:start + length], state)                           # (1, T, V)
            labels = equations.one_hot(y[np.newaxis, start:start + length], self._num_classes)
            total += float(equations.softmax_cross_entropy(logits, labels).sum(dtype=np.float64))
        return total / len(x) / np.log(2)
