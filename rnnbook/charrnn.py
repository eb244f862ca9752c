"""`CharRNN`, the many-to-many model of "Project two - implementing an RNN for character-level language modeling".

Shapes: N batch (`batch_size`), T time steps (`num_steps`), H `lstm_size`, V `num_classes`; N and T are 1 when sampling.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Dict, Iterator, List, Mapping, Optional, Union

import numpy as np

from rnnbook import hamlet
from rnnbook.base.bar import show_bar
from rnnbook.base.checks import (MAX_LAYERS, ArrayLike, StrPath, check_bool, check_ids, check_int, check_number,
                                 check_rate, check_size, check_str)
from rnnbook.errors import ArgumentValueError
from rnnbook.model import Model, memory_errors
from rnnbook.model_folder import reading
from rnnbook.model_folder.checkpoint_files import check_folder, folder_of
from rnnbook.model_folder.graphs import Serving
from rnnbook.network import drawing, fused, lstm, sampling
from rnnbook.network.devices import tf
from rnnbook.network.drawing import get_top_char
from rnnbook.training import loop, validation
from rnnbook.training.plan import Plan
from rnnbook.training.run import Run

__all__ = ['CharRNN', 'get_top_char', 'BOOK_RUN', 'BEST_RUN', 'SMOKE_RUN']

#: The run that the chapter prints. Names are those of `CharRNN`.
BOOK_RUN = {'batch_size': 64, 'num_steps': 100, 'lstm_size': 128, 'num_layers': 1, 'learning_rate': 0.001,
            'keep_prob': 0.5, 'grad_clip': 5.0, 'num_epochs': 100}
#: The best run on *Hamlet* that was found, by validation, see docs/results.md; names as above, and of `training.Run`.
BEST_RUN = {'batch_size': 32, 'num_steps': 25, 'lstm_size': 256, 'num_layers': 2, 'learning_rate': 0.003,
            'keep_prob': 0.5, 'recurrent_keep_prob': 0.75, 'grad_clip': 5.0, 'engine': 'fused', 'num_epochs': 28,
            'decay': 0.85, 'decay_after': 9}
#: A run of a few seconds, to see that everything is in place.
SMOKE_RUN = {'batch_size': 4, 'num_steps': 10, 'lstm_size': 8, 'num_layers': 1, 'learning_rate': 0.01,
             'keep_prob': 0.5, 'grad_clip': 5.0, 'num_epochs': 2}


class CharRNN(Model):
    """A multilayer LSTM that reads a text character by character and predicts the next one.

    The chapter's "Building a character-level RNN model". Arguments not described here, attributes and errors are those
    of `Model`.

    ===================  ==========  ========  ==================================================================
    tensor of `g`        shape       dtype     meaning
    ===================  ==========  ========  ==================================================================
    ``tf_x:0``           (N, T)      int32     character numbers
    ``tf_y:0``           (N, T)      int32     the numbers of the characters that follow
    ``tf_keepprob:0``    unset       float32   probability that dropout keeps an output of a layer
    ``probabilities:0``  (N * T, V)  float32   of each next character
    ``cost:0``           ()          float32   mean softmax cross entropy, in nats a character
    ``gradient_norm:0``  ()          float32   global norm of the gradients, before they are clipped
    ``learning_rate:0``  ()          float32   of this step; may be fed, else the argument
    ``train_op``                               an operation: one step of Adam, gradients clipped
    ===================  ==========  ========  ==================================================================

    Parameters
    ----------
    num_classes : int
        V, the number of distinct characters.
    batch_size : int, default 64
        N, the number of stretches of text that are read in parallel.
    num_steps : int, default 100
        T, the number of characters in a window; backpropagation through time stops at its start.
    keep_prob : float, default 0.5
        Probability that dropout keeps an output while training, above 0 and at most 1.
    grad_clip : float, default 5
        Largest global norm of the gradients; larger ones are scaled down to it.
    sampling : bool, default False
        Build the graph for `sample`, with one character at a time, instead of the one for `train`.
    recurrent_keep_prob : float, default 1
        Probability that a recurrent weight is kept throughout a window of training (Merity et al. 2018,
        arXiv:1708.02182); below 1 with the engine ``'fused'`` only, and without effect where ``tf_keepprob`` is fed 1.
    """

    ARGUMENTS = ('num_classes', 'batch_size', 'num_steps', 'lstm_size', 'num_layers', 'learning_rate', 'keep_prob',
                 'recurrent_keep_prob', 'grad_clip', 'engine', 'shards', 'seed')
    SHAPING = ('num_classes', 'lstm_size', 'num_layers')

    def __init__(self, num_classes: int, batch_size: int = 64, num_steps: int = 100, lstm_size: int = 128,
                 num_layers: int = 1, learning_rate: float = 0.001, keep_prob: float = 0.5, grad_clip: float = 5,
                 sampling: bool = False, *, recurrent_keep_prob: float = 1.0, engine: str = 'book',
                 shards: Optional[int] = None, seed: int = 123, device: str = 'auto',
                 intra_op_threads: Optional[int] = None, inter_op_threads: Optional[int] = None,
                 distributed: bool = False, scale_learning_rate: bool = False) -> None:
        self.num_classes = check_int('num_classes', num_classes)
        self.batch_size = check_int('batch_size', batch_size)
        self.num_steps = check_int('num_steps', num_steps)
        self.lstm_size = check_int('lstm_size', lstm_size)
        self.num_layers = check_int('num_layers', num_layers, 1, MAX_LAYERS)
        self.learning_rate = check_rate('learning_rate', learning_rate)
        self.keep_prob = check_rate('keep_prob', keep_prob, maximum=1)
        self.recurrent_keep_prob = check_rate('recurrent_keep_prob', recurrent_keep_prob, maximum=1)
        self.grad_clip = check_rate('grad_clip', grad_clip)
        self.sampling = check_bool('sampling', sampling)
        check_size('batch_size * num_steps * num_classes', self.batch_size, self.num_steps, self.num_classes)
        check_size('batch_size * num_steps * lstm_size', self.batch_size, self.num_steps, self.lstm_size)
        check_size('num_classes * lstm_size', self.num_classes, self.lstm_size)
        check_size('lstm_size * lstm_size', self.lstm_size, self.lstm_size)
        self._place(engine, shards, seed, device, intra_op_threads, inter_op_threads, distributed, scale_learning_rate)
        if self.recurrent_keep_prob < 1 and not self.sampling and (self.engine == 'book' or self.keep_prob == 1):
            raise ArgumentValueError("recurrent_keep_prob must be 1 without engine='fused' and keep_prob below 1, not "
                                     '%g' % self.recurrent_keep_prob)
        self._private = None
        self._construct(sampling=self.sampling)

    def build(self, sampling: bool) -> None:
        """Add the chapter's graph to the default graph; the constructor calls it.

        Parameters
        ----------
        sampling : bool
            Read one character at a time, instead of `batch_size` rows of `num_steps`.
        """
        # Placeholders for the characters, the next characters, and the keep probability of dropout
        shape = (1, 1) if sampling else (self.batch_size, self.num_steps)
        tf_x = tf.compat.v1.placeholder(tf.int32, shape=shape, name='tf_x')
        tf_y = tf.compat.v1.placeholder(tf.int32, shape=shape, name='tf_y')
        tf_keepprob = tf.compat.v1.placeholder(tf.float32, name='tf_keepprob')

        # One-hot encoding, multilayer LSTM, and the logits of every time step
        y_onehot = tf.one_hot(tf_y, depth=self.num_classes)                                         # (N, T, V)
        logits, self.initial_state, self.final_state = self._forward(self.engine, tf_x, tf_keepprob)
        tf.nn.softmax(logits, name='probabilities')

        # Cost
        y_reshaped = tf.reshape(y_onehot, shape=[-1, self.num_classes], name='y_reshaped')          # (N * T, V)
        cost = tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y_reshaped), name='cost')

        # Clipping against exploding gradients, and the optimizer
        self._optimize(cost, 'adam', self.grad_clip)

    def _forward(self, engine, tf_x, tf_keepprob=None):
        """The logits of every character, shape (N * T, V), and the states before and after them."""
        def one_hot(ids):
            return tf.one_hot(ids, depth=self.num_classes)                                          # (..., V)

        layers = self._layers(engine)
        with lstm.seeded(self._seeds):
            # Define LSTM cells, their initial state and all time steps
            if engine == 'listing':
                outputs, *states = lstm.build(layers, one_hot(tf_x), tf_keepprob)                   # (N, T, H)
            else:
                outputs, *states = fused.read(layers, tf_x, one_hot, tf_keepprob)  # (N, T, H)
            seq_output_reshaped = tf.reshape(outputs, shape=[-1, self.lstm_size], name='seq_output_reshaped')
            logits = tf.compat.v1.layers.dense(
                seq_output_reshaped, units=self.num_classes, activation=None, name='logits')        # (N * T, V)
        return (logits, *states)

    def _build_listing(self):
        shape = (self.batch_size, self.num_steps)
        x, y = (tf.compat.v1.placeholder(tf.int32, shape=shape) for _ in range(2))
        keep_prob = tf.compat.v1.placeholder(tf.float32)
        tf.one_hot(y, depth=self.num_classes)
        self._forward('listing', x, keep_prob)

    def serving(self) -> Serving:
        """Add what `export.write_saved_model` writes to the default graph: one step of any number of texts.

        From ``character_ids``, int32 (texts,), and the state before them, ``c_0``, ``h_0`` and so on for each layer,
        float32 (texts, H), zeros at the start of a text; to ``probabilities`` of the next character, float32
        (texts, V), and the state after them under the same names.
        """
        ids = tf.compat.v1.placeholder(tf.int32, shape=(None,), name='character_ids')
        logits, *states = self._forward(self.engine, ids[:, tf.newaxis])
        before, after = ({'%s_%d' % (part, layer): tensor for layer, pair in enumerate(state)
                          for part, tensor in zip('ch', pair)} for state in states)
        probabilities = tf.nn.softmax(logits, name='probabilities')
        return Serving('next_char', {'character_ids': ids, **before}, {'probabilities': probabilities, **after})

    @memory_errors('reduce one of these')
    def train(self, train_x: ArrayLike, train_y: ArrayLike, num_epochs: int, ckpt_dir: StrPath = './model/', *,
              vocabulary: Optional[Mapping[str, int]] = None, **run: Any) -> None:
        """Train and save checkpoints, ``language_modeling.ckpt-25`` after 25 iterations and so on.

        As in the chapter, the state is carried from each window to the next, zero at the start of an epoch.

        Parameters
        ----------
        train_x, train_y : array_like of int, shape (global_batch_size, columns)
            Character numbers, and those that follow, as `hamlet.reshape_data` gives them; at least `num_steps` columns.
        num_epochs : int
        ckpt_dir : str or path, default './model/'
            The folder to save into.
        vocabulary : dict of str to int, optional
            The `char2int` of the text, to be saved with the weights: `sample` needs it.
        **run
            The fields of `training.Run`; default `save_every` is 1 epoch, `log_every` 10 iterations. A pair of arrays
            to validate on has any number of rows and columns; each row is a text of its own, read from the zero state.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An argument of the wrong type, shape or range, before anything is written; or `sampling` is true.
        FileError, DivergenceError
            As for `Model`.
        """
        if self.sampling:
            raise ArgumentValueError('sampling must be False for train; this object was made for sample')
        x, y = data = self._texts('train_x', train_x, 'train_y', train_y, self.global_batch_size)
        if x.shape[1] < self.num_steps:
            raise ArgumentValueError('train_x must have at least num_steps = %d columns, not %d'
                                     % (self.num_steps, x.shape[1]))
        num_epochs, held_out = check_int('num_epochs', num_epochs), None
        run = Run.of(run, save_every=1, log_every=10)
        if isinstance(run.validation, tuple):
            held_out = self._texts('validation[0]', run.validation[0], 'validation[1]', run.validation[1])
        elif run.validation is not None:
            (x, y), held_out = validation.last_columns(data, run.validation, self.num_steps)
        batches = x.shape[1] // self.num_steps
        loop.train(self, folder_of('ckpt_dir', ckpt_dir, self.ckpt_dir), run, _Plan(
            num_epochs, batches, batches * self.num_steps * self.global_batch_size,
            validation.fingerprints(data, run.validation, held_out), self._check_vocabulary('vocabulary', vocabulary),
            held_out, self, x, y))

    def _check_vocabulary(self, name: str, vocabulary: Optional[Mapping[str, int]]) -> Optional[Dict[str, int]]:
        """The vocabulary as a dict, if it has a character for each of the `num_classes` numbers."""
        return hamlet.check_char2int(name, vocabulary, self.num_classes)

    def _texts(self, x_name, x, y_name, y, rows=None):
        """Rows of characters and of those that follow, checked."""
        x = check_ids(x_name, x, self.num_classes, 'num_classes', copy=False)
        y = check_ids(y_name, y, self.num_classes, 'num_classes', copy=False)
        if x.shape != y.shape or len(x) != (rows or max(1, len(x))):
            raise ArgumentValueError('%s and %s must have %s and one shape, not %s and %s' % (
                x_name, y_name, self.world.counted('batch_size', self.batch_size, 'row') if rows else
                'at least one row', x.shape, y.shape))
        return x, y

    def sample(self, output_length: int, ckpt_dir: StrPath, starter_seq: str = 'The ', *,
               top_n: Union[int, str, None] = 5, temperature: float = 1.0,
               vocabulary: Optional[Mapping[str, int]] = None, checkpoint: Optional[str] = None,
               stop: Optional[str] = None, seed: Optional[int] = None, num_samples: Optional[int] = None,
               unknown: str = 'error') -> Union[str, List[str]]:
        """Write a text: the starter, one character, and `output_length` more, as in the chapter.

        The characters are those that `get_top_char` draws one by one, so `np.random.seed` before the call repeats it.

        Parameters
        ----------
        output_length : int
            At least 0.
        ckpt_dir : str or path
            The folder to restore from.
        starter_seq : str, default 'The '
            The beginning of the text: one or more characters, all of them in the vocabulary.
        top_n : int, 'all' or None, default 5
            Draw from the `top_n` likeliest characters; ``'all'``, None and V or more mean all of them.
        temperature : float, default 1.0
            Above 0. Probabilities are raised to the power of its inverse: values below 1 give safer texts, values
            above 1 wilder ones.
        vocabulary : dict of str to int, optional
            The `char2int` of the training text. Default: the one saved in the folder.
        checkpoint : str, optional
            Name of a checkpoint in the folder, such as ``'language_modeling.ckpt-25'``. Default: the newest.
        stop : str, optional
            End the text with the first occurrence of this string after the starter.
        seed : int, optional
            Draw with `np.random.RandomState(seed)`. Default: numpy's global generator, as in the chapter.
        num_samples : int, optional
            Write this many texts together, much faster than one after the other, and return a list. They are the texts
            of as many calls without a seed in between: each uses ``output_length + 1`` random numbers, wherever it
            stops (rarely, rounding changes one of them). Default: one text, returned as a `str`.
        unknown : {'error', 'skip'}, default 'error'
            What to do with characters of `starter_seq` that the vocabulary lacks; ``'skip'`` leaves them out.

        Returns
        -------
        str, or list of str
            ``len(starter_seq) + 1 + output_length`` characters; fewer with `stop` or skipped characters.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An argument out of range, a character that the vocabulary lacks, or no vocabulary; or `sampling` is false.
        FileError
            No checkpoint in the folder, or one that is damaged or belongs to another model.
        """
        samples = 1 if num_samples is None else check_int('num_samples', num_samples)
        how = sampling.Arguments(output_length, ckpt_dir, starter_seq, top_n, temperature, vocabulary, checkpoint, stop,
                                 seed, unknown)
        starter, pieces = self._write('sample', how, samples, sampling.window(samples * self.num_classes))
        texts = [starter + ''.join(column) for column in zip(*pieces)]
        return texts[0] if num_samples is None else texts

    def sample_stream(self, output_length: int, ckpt_dir: Optional[StrPath], starter_seq: str = 'The ', *,
                      top_n: Union[int, str, None] = 5, temperature: float = 1.0,
                      vocabulary: Optional[Mapping[str, int]] = None, checkpoint: Optional[str] = None,
                      stop: Optional[str] = None, seed: Optional[int] = None,
                      unknown: str = 'error') -> Iterator[str]:
        """Write the text of `sample` and yield its characters as they come.

        All random numbers are drawn when the method is called, so numpy's global generator may be used between two
        characters.

        Parameters
        ----------
        output_length, ckpt_dir, starter_seq, top_n, temperature, vocabulary, checkpoint, stop, seed, unknown
            As for `sample`.

        Returns
        -------
        iterator of str
            Single characters, starting with those of the starter.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError, FileError
            As for `sample`, when the method is called; a checkpoint that cannot be restored, at the first character.
        """
        how = sampling.Arguments(output_length, ckpt_dir, starter_seq, top_n, temperature, vocabulary, checkpoint, stop,
                                 seed, unknown)
        starter, pieces = self._write('sample_stream', how, 1, sampling.STREAM)
        return itertools.chain(starter, (char for piece, in pieces for char in piece))

    def _write(self, method, how, samples, window):
        """The starter, and an iterator over blocks of `window` steps: what each adds to each of the samples."""
        if not self.sampling:
            raise ArgumentValueError('sampling must be True for %s; this object was made for train' % method)
        steps = check_int('output_length', how.output_length, 0) + 1
        sampling.check_amount(samples, steps, max(self.num_classes, self.lstm_size * self.num_layers))
        top_n = drawing.check_top_n('top_n', how.top_n, self.num_classes)
        temperature = check_number('temperature', how.temperature, above=0)
        seed = how.seed if how.seed is None else check_int('seed', how.seed, 0, 2 ** 32 - 1)
        folder, found, char2int = self._restorable(how.ckpt_dir, how.vocabulary, how.checkpoint)
        starter = hamlet.encode_starter(how.starter_seq, char2int, how.unknown)
        stop = how.stop if how.stop is None else hamlet.check_known('stop', how.stop, char2int)
        int2char = {number: char for char, number in char2int.items()}
        with self._memory_errors(sampling.SMALLER):
            uniform = drawing.uniform_numbers(steps, samples, seed)

        def blocks():
            graph = self._private_graph()
            with self._memory_errors(sampling.SMALLER), graph.session() as sess:
                reading.restore(sess, folder, how.checkpoint, found)
                yield from graph.write(sess, starter, uniform, top_n, temperature, window)

        return (''.join(int2char[number] for number in starter),
                drawing.spell(show_bar(blocks(), -(-steps // window), 'Sampling'), int2char, stop))

    def _private_graph(self):
        """The graph of `sample` and `evaluate`, made when it is first needed."""
        if self._private is None:
            self._private = sampling.SamplingGraph(self.num_classes, self._layers(self.engine), self.session_config())
        return self._private

    def evaluate(self, text: str, ckpt_dir: Optional[StrPath] = None, *, vocabulary: Optional[Mapping[str, int]] = None,
                 checkpoint: Optional[str] = None) -> float:
        """Measure how well the model predicts a text, in bits per character.

        That is the mean cross entropy of every character but the first, given all before it: from the zero state, which
        is carried through the whole text, without dropout.

        Parameters
        ----------
        text : str
            At least 2 characters, all of them in the vocabulary.
        ckpt_dir : str or path, optional
            The folder to restore from. Default: the one this object was loaded from, else ``./model/``.
        vocabulary : dict of str to int, optional
            The `char2int` of the training text. Default: the one saved in the folder.
        checkpoint : str, optional
            Name of a checkpoint in the folder. Default: the newest.

        Returns
        -------
        float
            Bits: the cross entropy in nats over ln 2.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError, FileError
            As for `sample`, or a text that is too short.
        """
        if len(check_str('text', text)) < 2:
            raise ArgumentValueError('text must have at least 2 characters, not %d' % len(text))
        folder, found, char2int = self._restorable(ckpt_dir, vocabulary, checkpoint)
        numbers = hamlet.encode(text, char2int)
        graph = self._private_graph()
        with self._memory_errors('evaluate a shorter text'), graph.session() as sess:
            reading.restore(sess, folder, checkpoint, found)
            windows = -(-(len(numbers) - 1) // sampling.WINDOW)
            nats = sum(show_bar(graph.costs(sess, numbers[None, :-1], numbers[None, 1:]), windows, 'Evaluating'))
        return nats / (len(numbers) - 1) / np.log(2)

    def _restorable(self, ckpt_dir, vocabulary, checkpoint):
        """The folder to restore from, its description, and the vocabulary to use."""
        folder, found = reading.described(self, ckpt_dir, checkpoint)
        saved, given = (self._check_vocabulary('vocabulary', ids) for ids in (found and found.vocabulary, vocabulary))
        if saved is None and given is None:
            raise ArgumentValueError('vocabulary must be given: there is none in %s; train can save it there' % folder)
        if saved is not None and given is not None and saved != given:
            raise ArgumentValueError('vocabulary must be that of the model in %s, or be left out' % folder)
        return folder, found, given or saved

    @classmethod
    def load(cls, ckpt_dir: StrPath, sampling: bool = True, *, engine: Optional[str] = None, device: str = 'auto',
             intra_op_threads: Optional[int] = None, inter_op_threads: Optional[int] = None) -> CharRNN:
        """Make the object that a folder describes, as `Model.load` does.

        Parameters
        ----------
        ckpt_dir : str or path
            A folder that `train` has saved into.
        sampling : bool, default True
            Make the object for `sample` instead of the one for `train`.
        engine, device, intra_op_threads, inter_op_threads
            As for `Model.load`.
        """
        check_bool('sampling', sampling)
        return reading.load(cls, check_folder('ckpt_dir', ckpt_dir), sampling=sampling, engine=engine, device=device,
                            intra_op_threads=intra_op_threads, inter_op_threads=inter_op_threads)


@dataclasses.dataclass
class _Plan(Plan):
    """A training of `CharRNN` on these rows."""

    model: CharRNN
    x: np.ndarray
    y: np.ndarray

    unit, speed = 'characters', 'chars_per_second'
    line = 'Epoch %d/%d Iteration %d| Training loss: %.4f'

    def feeds(self, epoch):
        own = self.model.world.own(self.model.batch_size)
        for x, y in hamlet.create_batch_generator(self.x[own], self.y[own], self.model.num_steps):
            yield {'tf_x:0': x, 'tf_y:0': y, 'tf_keepprob:0': self.model.keep_prob}

    def checkpoint(self, state):
        return 'language_modeling.ckpt-%d' % state.iteration

    def session(self):
        return self.model._private_graph().session()

    def validate(self, sess):
        x, y = self.held_out
        nats = sum(self.model._private_graph().costs(sess, x, y)) / y.size
        return {'val_loss': nats, 'val_bits_per_char': nats / np.log(2)}
