"""`SentimentRNN`, the many-to-one model of "Project one - performing sentiment analysis of IMDb movie reviews".

Shapes: N batch (`batch_size`), T time steps (`seq_len`), E embedding (`embed_size`), H `lstm_size`, V `n_words`,
F the pooled output of a row, H by default.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from rnnbook import imdb
from rnnbook.base.bar import show_bar
from rnnbook.base.checks import (MAX_LAYERS, ArrayLike, StrPath, check_bool, check_choice, check_ids, check_int,
                                 check_rate, check_size, row_lengths)
from rnnbook.errors import ArgumentValueError
from rnnbook.model import Model, memory_errors
from rnnbook.model_folder import reading
from rnnbook.model_folder.checkpoint_files import folder_of
from rnnbook.model_folder.graphs import Inference, Serving
from rnnbook.network import fused, lstm, optimizers
from rnnbook.network.devices import tf
from rnnbook.network.pooling import POOLINGS, check_carry_state
from rnnbook.training import loop, validation
from rnnbook.training.plan import Plan
from rnnbook.training.run import Run

__all__ = ['SentimentRNN', 'BOOK_RUN', 'BEST_RUN', 'SMOKE_RUN']

#: The run that the chapter prints; the constructor's own defaults are others. Names are those of `SentimentRNN`.
BOOK_RUN = {'seq_len': 200, 'embed_size': 256, 'lstm_size': 128, 'num_layers': 1, 'batch_size': 100,
            'learning_rate': 0.001, 'num_epochs': 40}
#: The best run on the 50,000 reviews that was found, by validation, see docs/results.md. Names are those of
#: `SentimentRNN`, of its `train` and of `imdb.Settings`.
BEST_RUN = {'seq_len': 600, 'embed_size': 128, 'lstm_size': 128, 'num_layers': 1, 'batch_size': 50,
            'learning_rate': 0.001, 'engine': 'fused', 'optimizer': 'lazy_adam', 'pooling': 'meanmax',
            'bidirectional': True, 'embed_keep_prob': 0.5, 'embed_init': 0.05, 'grad_clip': 5.0,
            'num_epochs': 12, 'keep_prob': 0.5, 'shuffle': True, 'span_keep_prob': 0.5, 'decay': 0.75, 'save_every': 1,
            'min_count': 5, 'unknown': True, 'drop_markup': True, 'training_half': True}
#: A run of a few seconds, to see that everything is in place.
SMOKE_RUN = {'seq_len': 20, 'embed_size': 8, 'lstm_size': 8, 'num_layers': 1, 'batch_size': 10,
             'learning_rate': 0.01, 'num_epochs': 2}


class SentimentRNN(Model):
    """A multilayer LSTM that reads a review word by word and predicts whether it is positive.

    The chapter's "Building an RNN model". Arguments not described here, attributes and errors are those of `Model`.

    ===================  ==========  ========  ==================================================================
    tensor of `g`        shape       dtype     meaning
    ===================  ==========  ========  ==================================================================
    ``tf_x:0``           (N, T)      int32     word numbers, 0 for padding on the left
    ``tf_y:0``           (N,)        float32   labels, 0 or 1
    ``tf_keepprob:0``    unset       float32   probability that dropout keeps an output of a layer
    ``embedding:0``      (V, E)      float32   the vectors of the words
    ``probabilities:0``  (N,)        float32   probability of the label 1
    ``labels:0``         (N,)        int32     the probability rounded
    ``cost:0``           ()          float32   mean sigmoid cross entropy, in nats, of each logit
    ``gradient_norm:0``  ()          float32   global norm of the gradients
    ``learning_rate:0``  ()          float32   of this step; may be fed, else the argument
    ``train_op``                               an operation: one step of Adam
    ===================  ==========  ========  ==================================================================

    Parameters
    ----------
    n_words : int
        V, the largest word number plus 1.
    seq_len : int, default 200
        T, the number of words in a row.
    batch_size : int, default 64
        N, the number of rows in a batch.
    embed_size : int, default 200
        E, the length of a word vector.
    optimizer : {'adam', 'lazy_adam'}, default 'adam'
        ``'lazy_adam'`` updates only the vectors of the words in the batch: not the chapter's rule, but faster with a
        large vocabulary.
    pooling : {'last', 'mean', 'max', 'meanmax'}, default 'last'
        How the outputs of all time steps become one vector: the last output, as in the chapter, or each unit's mean or
        maximum over the words of the row, or both. Dropout is applied to that vector. Except with ``'last'``, each row
        is read on its own, from the zero state and without its padding.
    bidirectional : bool, default False
        Also read the row from its end to its start, with layers of the same size, as
        `tf.nn.bidirectional_dynamic_rnn` does, and append their output.
    embed_keep_prob : float, default 1
        Probability that dropout keeps an element of a word vector while training, above 0 and at most 1. A word loses
        the same elements wherever it occurs in the batch.
    embed_init : float, default 1
        Word vectors start at random between minus this and this.
    grad_clip : float, optional
        Largest global norm of the gradients; larger ones are scaled down to it. Default: no clipping.
    """

    ARGUMENTS = ('n_words', 'seq_len', 'lstm_size', 'num_layers', 'batch_size', 'learning_rate', 'embed_size', 'engine',
                 'optimizer', 'pooling', 'bidirectional', 'embed_keep_prob', 'embed_init', 'grad_clip', 'shards',
                 'seed')
    SHAPING = ('n_words', 'embed_size', 'lstm_size', 'num_layers', 'pooling', 'bidirectional')

    def __init__(self, n_words: int, seq_len: int = 200, lstm_size: int = 256, num_layers: int = 1,
                 batch_size: int = 64, learning_rate: float = 0.0001, embed_size: int = 200, *, engine: str = 'book',
                 optimizer: str = 'adam', pooling: str = 'last', bidirectional: bool = False,
                 embed_keep_prob: float = 1.0, embed_init: float = 1.0, grad_clip: Optional[float] = None,
                 shards: Optional[int] = None, seed: int = 123, device: str = 'auto',
                 intra_op_threads: Optional[int] = None, inter_op_threads: Optional[int] = None,
                 distributed: bool = False, scale_learning_rate: bool = False) -> None:
        self.n_words = check_int('n_words', n_words)
        self.seq_len = check_int('seq_len', seq_len)
        self.lstm_size = check_int('lstm_size', lstm_size)
        self.num_layers = check_int('num_layers', num_layers, 1, MAX_LAYERS)
        self.batch_size = check_int('batch_size', batch_size)
        self.learning_rate = check_rate('learning_rate', learning_rate)
        self.embed_size = check_int('embed_size', embed_size)
        self.optimizer = check_choice('optimizer', optimizer, optimizers.OPTIMIZERS)
        self.pooling = check_choice('pooling', pooling, POOLINGS)
        self.bidirectional = check_bool('bidirectional', bidirectional)
        self.embed_keep_prob = check_rate('embed_keep_prob', embed_keep_prob, maximum=1)
        self.embed_init = check_rate('embed_init', embed_init)
        self.grad_clip = grad_clip if grad_clip is None else check_rate('grad_clip', grad_clip)
        check_size('n_words * embed_size', self.n_words, self.embed_size)
        for name in ('embed_size', 'lstm_size'):
            check_size('batch_size * seq_len * ' + name, self.batch_size, self.seq_len, getattr(self, name))
            check_size(name + ' * lstm_size', getattr(self, name), self.lstm_size)
        self._place(engine, shards, seed, device, intra_op_threads, inter_op_threads, distributed, scale_learning_rate)
        self._inference_graphs = {}
        self._construct()

    def build(self) -> None:
        """Add the chapter's graph to the default graph; the constructor calls it."""
        # Placeholders for the rows, their labels, and the keep probability of dropout
        tf_x = tf.compat.v1.placeholder(tf.int32, shape=(self.batch_size, self.seq_len), name='tf_x')
        tf_y = tf.compat.v1.placeholder(tf.float32, shape=(self.batch_size,), name='tf_y')
        tf_keepprob = tf.compat.v1.placeholder(tf.float32, name='tf_keepprob')

        # Embedding, multilayer LSTM, logits, and what they predict
        logits, self.initial_state, self.final_state = self._forward(self.engine, tf_x, tf_keepprob)

        # Cost, and the optimizer
        cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf_y, logits=logits), name='cost')
        self._optimize(cost, self.optimizer, self.grad_clip)

    def _forward(self, engine, tf_x, tf_keepprob=None):
        """Add probabilities and labels; the logits, (N,), and the states before and after."""
        # Create the embedding layer
        embedding = tf.Variable(tf.random.uniform(
            (self.n_words, self.embed_size), minval=-self.embed_init, maxval=self.embed_init,
            seed=self._seeds.get('embedding')), name='embedding')

        def embed(ids):
            return tf.nn.embedding_lookup(embedding, ids, name='embeded_x')                         # (..., E)

        layers, pooled = self._layers(engine), self.pooling != 'last' or self.bidirectional
        with lstm.seeded(self._seeds):
            # Define LSTM cells, their initial state and all time steps; keep the output of the last one
            if engine == 'listing' and not pooled and self.embed_keep_prob == 1:
                outputs, *states = lstm.build(layers, embed(tf_x), tf_keepprob)
                outputs = outputs[:, -1]                                                            # (N, H)
            else:
                outputs, *states = fused.read(
                    layers, tf_x, embed, tf_keepprob, pooling=self.pooling, bidirectional=self.bidirectional,
                    embed_keep_prob=self.embed_keep_prob)                                           # (N, F)
            logits = tf.compat.v1.layers.dense(outputs, units=1, activation=None, name='logits')    # (N, 1)
            # Book: squeezes without an axis, which leaves no batch axis at all if batch_size is 1.
            logits = tf.squeeze(logits, axis=1, name='logits_squeezed')                             # (N,)
        probabilities = tf.nn.sigmoid(logits, name='probabilities')
        tf.cast(tf.round(probabilities), tf.int32, name='labels')
        return (logits, *states)

    def _build_listing(self):
        rows = tf.compat.v1.placeholder(tf.int32, shape=(self.batch_size, self.seq_len))
        tf.compat.v1.placeholder(tf.float32)
        self._forward('listing', rows, tf.compat.v1.placeholder(tf.float32))

    def _inference(self):
        """The graph that predicts `global_batch_size` rows, without dropout and training."""
        rows = self.global_batch_size
        if rows not in self._inference_graphs:
            with tf.Graph().as_default() as g:
                tf_x = tf.compat.v1.placeholder(tf.int32, shape=(rows, self.seq_len), name='tf_x')
                _, initial_state, final_state = self._forward(self.engine, tf_x)
                self._inference_graphs[rows] = Inference(g, initial_state, final_state)
        return self._inference_graphs[rows]

    def serving(self, word_ids: Optional[tf.Tensor] = None) -> Serving:
        """Add what `export.write_saved_model` writes to the default graph; each row is read from the zero state.

        Parameters
        ----------
        word_ids : tf.Tensor of int32, shape (rows, T), optional
            The rows to read. Default: a placeholder.
        """
        if word_ids is None:
            word_ids = tf.compat.v1.placeholder(tf.int32, shape=(None, self.seq_len), name='tf_x')
        self._forward(self.engine, word_ids)
        outputs = {name: word_ids.graph.get_tensor_by_name(name + ':0') for name in ('probabilities', 'labels')}
        return Serving('classify', {'word_ids': word_ids}, outputs)

    @memory_errors('reduce one of these')
    def train(self, X_train: ArrayLike, y_train: ArrayLike, num_epochs: int, *, ckpt_dir: Optional[StrPath] = None,
              keep_prob: float = 0.5, vocabulary: Optional[Mapping[str, int]] = None, shuffle: bool = False,
              span_keep_prob: float = 1.0, **run: Any) -> None:
        """Train and save checkpoints, ``sentiment-9.ckpt`` after the tenth epoch and so on.

        As in the chapter, rows are taken in order in whole batches, and the state is carried from each batch to the
        next, zero at the start of an epoch.

        Parameters
        ----------
        X_train, y_train : array_like of int, shapes (rows, T) and (rows,)
            Word numbers and labels, 0 or 1: at least `global_batch_size` rows; all of them, in every process.
        num_epochs : int
        ckpt_dir : str or path, optional
            The folder to save into. Default: where this object was loaded from or trained into, else ``./model/``.
        keep_prob : float, default 0.5
            The probability that dropout keeps an output, above 0 and at most 1.
        vocabulary : dict of str to int, optional
            The `word_to_int` of the rows, to be saved with the weights, so that raw texts can be classified later.
        shuffle : bool, default False
            Take the rows in a new order at each epoch, see `imdb.shuffled`; if `pooling` leaves padding out, the rows
            of a batch have similar lengths, which is faster.
        span_keep_prob : float, default 1
            The probability that a span of 25 words of a review is kept, above 0 and at most 1. Each epoch leaves out
            different spans; a review of which nothing would be left stays whole. See `imdb.drop_spans`.
        **run
            The fields of `training.Run`; defaults are `save_every` 10 epochs and `log_every` 20 iterations. A pair of
            arrays to validate on is like `X_train` and `y_train`, with any number of rows.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            An argument of the wrong type, shape or range, before anything is written.
        FileError, DivergenceError
            As for `Model`.
        """
        data, held_out = self._labelled('X_train', X_train, 'y_train', y_train, self.global_batch_size), None
        num_epochs = check_int('num_epochs', num_epochs)
        keep_prob = check_rate('keep_prob', keep_prob, maximum=1)
        shuffle = check_bool('shuffle', shuffle)
        span_keep_prob = check_rate('span_keep_prob', span_keep_prob, maximum=1)
        run = Run.of(run, save_every=10, log_every=20)
        x, y = data
        if isinstance(run.validation, tuple):
            held_out = self._labelled('validation[0]', run.validation[0], 'validation[1]', run.validation[1], 1)
        elif run.validation is not None:
            (x, y), held_out = validation.last_rows(data, run.validation, self.global_batch_size)
        settings = {'keep_prob': keep_prob, **validation.fingerprints(data, run.validation, held_out)}
        if shuffle:                                         # older records lack this setting and the next
            settings['shuffle'] = True
        if span_keep_prob < 1:
            settings['span_keep_prob'] = span_keep_prob
        batches = len(x) // self.global_batch_size
        loop.train(self, folder_of('ckpt_dir', ckpt_dir, self.ckpt_dir), run, _Plan(
            num_epochs, batches, int(np.count_nonzero(x[:batches * self.global_batch_size]) * span_keep_prob), settings,
            self._check_vocabulary('vocabulary', vocabulary), held_out, self, x, y, keep_prob, shuffle,
            span_keep_prob, run.quiet))

    def _check_vocabulary(self, name: str, vocabulary: Optional[Mapping[str, int]]) -> Optional[imdb.Vocabulary]:
        """The vocabulary as an `imdb.Vocabulary`, if its numbers fit `n_words`."""
        return imdb.check_word_to_int(name, vocabulary, self.n_words)

    def _labelled(self, x_name, x, y_name, y, least):
        """Rows and their labels, checked."""
        x = check_ids(x_name, x, self.n_words, 'n_words', self.seq_len)
        if len(x) < least:
            rows = 'one row' if least == 1 else self.world.counted('batch_size', self.batch_size, 'row')
            raise ArgumentValueError('%s must have at least %s, not %d' % (x_name, rows, len(x)))
        return x, imdb.check_labels(y_name, y, len(x))

    def predict(self, X_data: ArrayLike, return_proba: bool = False, *, ckpt_dir: Optional[StrPath] = None,
                checkpoint: Optional[str] = None, carry_state: Optional[bool] = None) -> np.ndarray:
        """Predict labels with the weights of a checkpoint.

        Parameters
        ----------
        X_data : array_like of int, shape (rows, T)
            Word numbers, any number of rows.
        return_proba : bool, default False
            Return probabilities instead of labels.
        ckpt_dir : str or path, optional
            The folder to restore from. Default: the one this object was loaded from or trained into, else ``./model/``.
        checkpoint : str, optional
            Name of a checkpoint in the folder, such as ``'sentiment-9.ckpt'``. Default: the newest.
        carry_state : bool, optional
            Carry the state from each batch to the next as the chapter does, so that a row's prediction depends on the
            rows before it; False starts each batch from the zero state. Default: True if `pooling` is ``'last'``;
            otherwise there is no state to carry.

        Returns
        -------
        numpy.ndarray of int32, or of float32 for probabilities, shape (rows,)

        Raises
        ------
        ArgumentTypeError, ArgumentValueError, FileError
            An argument of the wrong type, shape or range; no checkpoint, or one that is damaged or of another model.
        """
        x = check_ids('X_data', X_data, self.n_words, 'n_words', self.seq_len)
        check_bool('return_proba', return_proba)
        probabilities = self._probabilities(x, ckpt_dir, checkpoint, carry_state)
        return probabilities if return_proba else np.rint(probabilities).astype(np.int32)       # half to even: tf.round

    def _probabilities(self, x, ckpt_dir, checkpoint, carry_state):
        """The probabilities of checked rows, float32 (rows,), with the weights of a checkpoint."""
        carry_state = check_carry_state('carry_state', carry_state, self.pooling)
        folder, found = reading.described(self, ckpt_dir, checkpoint)
        inference = self._inference()
        session = tf.compat.v1.Session(graph=inference.g, config=self.session_config())
        with self._memory_errors('predict fewer rows at a time'), session as sess:
            reading.restore(sess, folder, checkpoint, found)
            return self._run(loop.CarriedState(sess, inference), x, carry_state)

    def _run(self, state, x, carry_state, quiet=False):
        """The probabilities of checked rows, computed in the chapter's batches."""
        # Book: drops the rows after the last whole batch; here it is padded with zero rows, which are discarded.
        rows = len(x)
        padding = np.zeros((-rows % self.global_batch_size, self.seq_len), dtype=np.int32)
        x, order = np.concatenate([x, padding]), slice(None)
        if self.pooling != 'last':                          # rows of similar length together, which is faster
            order = np.argsort(row_lengths(x), kind='stable')
        batches = imdb.create_batch_generator(x[order], None, self.global_batch_size)
        probabilities = [np.zeros(0, dtype=np.float32)]
        for batch_x in batches if quiet else show_bar(batches, len(x) // self.global_batch_size, 'Predicting'):
            if not carry_state:
                state.reset()
            # Book: feeds a keep probability of 1, as 'tf_kepprob:0' in print; this graph has no dropout.
            probabilities += state.run(['probabilities:0'], {'tf_x:0': batch_x})
        found = np.empty(len(x), dtype=np.float32)
        found[order] = np.concatenate(probabilities)
        return found[:rows]

    def evaluate(self, X_data: ArrayLike, y_data: ArrayLike, *, ckpt_dir: Optional[StrPath] = None,
                 checkpoint: Optional[str] = None, carry_state: Optional[bool] = None) -> validation.Evaluation:
        """Compare predictions with labels.

        Parameters
        ----------
        X_data, y_data : array_like of int, shapes (rows, T) and (rows,)
            Word numbers and labels, 0 or 1, of at least one row.
        ckpt_dir, checkpoint, carry_state
            As for `predict`.

        Returns
        -------
        validation.Evaluation
            `accuracy`, `log_loss` in nats, `confusion` (2, 2) by label and prediction, and `auc`.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError, FileError
            As for `predict`, or labels of the wrong type, shape or range.
        """
        x = check_ids('X_data', X_data, self.n_words, 'n_words', self.seq_len)
        y = imdb.check_labels('y_data', y_data, len(x))
        if not len(x):
            raise ArgumentValueError('X_data must have at least one row, not none')
        return validation.evaluate(y, self._probabilities(x, ckpt_dir, checkpoint, carry_state))

    def predict_text(self, texts: Union[str, Sequence[str]], *, ckpt_dir: Optional[StrPath] = None,
                     checkpoint: Optional[str] = None, return_unknown: bool = False) -> Any:
        """Predict the probability that a review is positive; each is read from the zero state, whatever is beside it.

        Parameters
        ----------
        texts : str or sequence of str
            Treated as the training texts were. Words that the vocabulary lacks are left out, or get its number for
            unknown words; then the last `seq_len` words are read.
        ckpt_dir, checkpoint
            As for `predict`.
        return_unknown : bool, default False
            Also return the number of words that the vocabulary lacks.

        Returns
        -------
        probabilities : float, or numpy.ndarray of float32, shape (texts,)
            Probability of the label 1; a float for a single `str`.
        unknown : int, or numpy.ndarray of int64, shape (texts,)
            Only with `return_unknown`.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError, FileError
            As for `predict`, or the model was trained without a vocabulary.
        """
        check_bool('return_unknown', return_unknown)
        vocabulary = self.vocabulary
        if vocabulary is None:
            vocabulary = SentimentRNN.load(folder_of('ckpt_dir', ckpt_dir, self.ckpt_dir)).vocabulary
        if vocabulary is None:
            raise ArgumentValueError('this model cannot read texts, because it was trained without a vocabulary; '
                                     'train(..., vocabulary=word_to_int) saves one with the weights')
        rows = [texts] if isinstance(texts, str) else texts
        x, unknown = imdb.encode(rows, vocabulary, self.seq_len, return_unknown=True)
        probabilities = self._probabilities(x, ckpt_dir, checkpoint, carry_state=False)
        if isinstance(texts, str):
            probabilities, unknown = float(probabilities[0]), int(unknown[0])
        return (probabilities, unknown) if return_unknown else probabilities


@dataclasses.dataclass
class _Plan(Plan):
    """A training of `SentimentRNN` on these rows."""

    model: SentimentRNN
    x: np.ndarray
    y: np.ndarray
    keep_prob: float
    shuffle: bool
    span_keep_prob: float
    quiet: bool

    unit, labels, embedding = 'words', 'labels:0', 'embedding:0'
    line = 'Epoch: %d/%d Iteration: %d | Train loss: %.5f'

    def feeds(self, epoch):
        model, all_x, rows = self.model, self.x, slice(None)
        own = model.world.own(model.batch_size)
        if self.span_keep_prob < 1:
            all_x = imdb.drop_spans(all_x, self.span_keep_prob, model.seed, epoch)
        if self.shuffle:
            rows = imdb.shuffled(all_x, model.global_batch_size, model.seed, epoch, by_length=model.pooling != 'last')
        for x, y in imdb.create_batch_generator(all_x[rows], self.y[rows], model.global_batch_size):
            yield {'tf_x:0': x[own], 'tf_y:0': y[own], 'tf_keepprob:0': self.keep_prob}

    def checkpoint(self, state):                            # the book numbers epochs from 0 here
        return ('sentiment-%d.ckpt-%d' % (state.epochs, state.iteration) if state.position else
                'sentiment-%d.ckpt' % (state.epochs - 1))

    def session(self):
        return tf.compat.v1.Session(graph=self.model._inference().g, config=self.model.session_config())

    def validate(self, sess):
        model, (x, y) = self.model, self.held_out
        found = validation.evaluate(y, model._run(loop.CarriedState(sess, model._inference()), x, check_carry_state(
            'carry_state', None, model.pooling), self.quiet))
        return {'val_loss': found.log_loss, 'val_accuracy': found.accuracy}
