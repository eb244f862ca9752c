"""The private graph of a character model, which reads a text, and writes one in a loop inside the graph.

The graph proposes characters and NumPy checks them. What the graph draws from its float32 sums is nearly always what
`get_top_char` would have drawn. The graph also returns the probabilities, from which NumPy computes every draw exactly;
at the first difference the text is cut and goes on from the right character.

Shapes: M samples, T time steps, H lstm_size, V num_classes.
"""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from rnnbook.base.checks import StrPath
from rnnbook.errors import ArgumentValueError
from rnnbook.network import drawing, lstm
from rnnbook.network.devices import tf

__all__ = ['Arguments', 'SamplingGraph', 'check_amount', 'checked', 'window']

#: Time steps in one run of the graph: in reading, and at most in writing.
WINDOW = 256
#: Time steps in one run when somebody waits for the characters.
STREAM = 16
#: How many probabilities one run may return in writing.
MOST = 2 ** 22
#: The largest inverse temperature that the graph draws with, so that no float32 overflows; NumPy needs no such bound.
SHARPEST = 1e6

#: How many characters one call may write: 8 bytes of random numbers are held for each.
MOST_CHARACTERS = 2 ** 26
#: What to do if they do not fit in memory.
SMALLER = 'reduce num_samples or output_length'


class Arguments(NamedTuple):
    """The arguments that `CharRNN.sample` and `CharRNN.sample_stream` share."""

    output_length: int
    ckpt_dir: Optional[StrPath]
    starter_seq: str
    top_n: Union[int, str, None]
    temperature: float
    vocabulary: Optional[Mapping[str, int]]
    checkpoint: Optional[str]
    stop: Optional[str]
    seed: Optional[int]
    unknown: str


def check_amount(samples: int, steps: int, width: int) -> None:
    """Refuse more characters than memory is likely to hold; `width` is the most numbers that a step has per sample."""
    if samples * steps > MOST_CHARACTERS:
        raise ArgumentValueError('num_samples * (output_length + 1) must be at most %d, not %d * %d; write shorter '
                                 'texts, or fewer at a time' % (MOST_CHARACTERS, samples, steps))
    if samples * width > MOST_CHARACTERS:
        raise ArgumentValueError('num_samples must be at most %d for a model of this size, not %d; write fewer texts '
                                 'at a time' % (MOST_CHARACTERS // width, samples))


class SamplingGraph:
    """A graph with the variables of a `CharRNN`, for any number of time steps and samples, without dropout."""

    def __init__(self, num_classes: int, layers: lstm.Layers, config: tf.compat.v1.ConfigProto) -> None:
        self._num_classes, self._config = num_classes, config
        self._idle = []                                     # open sessions that are free
        self._loops = {}                                    # the fetches of writing, for one sample and for several
        self.g = tf.Graph()
        with self.g.as_default():
            self._cells, self._logits = lstm.cells(layers), tf.compat.v1.layers.Dense(num_classes, name='logits')
            sizes = tf.nest.flatten(self._cells.state_size)
            self._zero = [np.zeros((1, size), np.float32) for size in sizes]
            self._state = [tf.compat.v1.placeholder(tf.float32, (None, size)) for size in sizes]    # (M, H) each
            self._x = tf.compat.v1.placeholder(tf.int32, (None, None))                              # (M, T)
            self._y = tf.compat.v1.placeholder(tf.int32, (None, None))                              # (M, T)
            self._last = tf.compat.v1.placeholder(tf.int32, (None,))                                # (M,)
            self._uniform = tf.compat.v1.placeholder(tf.float32, (None, None))                      # (T, M)
            self._top_n = tf.compat.v1.placeholder(tf.int32, ())
            self._sharpness = tf.compat.v1.placeholder(tf.float32, ())                              # 1 / temperature
            self._read, self._nats = self._reading()

    def _initial_state(self):
        return tf.nest.pack_sequence_as(self._cells.state_size, self._state)

    def _one_hot(self, numbers):
        return tf.one_hot(numbers, self._num_classes)

    def _reading(self):
        """The state after texts of equal length, and the sum of their characters' cross entropies."""
        outputs, state = tf.nn.dynamic_rnn(self._cells, self._one_hot(self._x), initial_state=self._initial_state(),
                                           parallel_iterations=1)                                   # (M, T, H)
        costs = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self._y, logits=self._logits(outputs))
        return tf.nest.flatten(state), tf.reduce_sum(tf.cast(costs, tf.float64))

    def _writing(self, several):
        """The characters drawn in T steps, their probabilities, and the state after them."""
        steps = tf.shape(self._uniform)[0]
        uniform = tf.TensorArray(tf.float32, steps).unstack(self._uniform[:, :, tf.newaxis])        # T of (M, 1)
        if several:
            read, cumsum = lstm.ByNumber(self._cells), _many_cumsum(self._num_classes)
        else:
            def read(number, state):
                return self._cells(self._one_hot(number), state)
            cumsum = tf.cumsum

        def step(t, number, state, numbers, probas):
            outputs, state = read(number, state)                                                    # (M, H)
            scores = self._logits(outputs)                                                          # (M, V)
            number = _draw(scores * self._sharpness, self._top_n, uniform.read(t), cumsum)          # (M,)
            return t + 1, number, state, numbers.write(t, number), probas.write(t, tf.nn.softmax(scores))

        _, _, state, numbers, probas = tf.while_loop(
            lambda t, *_: t < steps, step,
            (0, self._last, self._initial_state(), tf.TensorArray(tf.int32, steps), tf.TensorArray(tf.float32, steps)),
            parallel_iterations=1)
        return numbers.stack(), probas.stack(), tf.nest.flatten(state)                              # (T, M), (T, M, V)

    def _loop(self, several):
        if several not in self._loops:
            with self.g.as_default():
                self._loops[several] = self._writing(several)
        return self._loops[several]

    @contextlib.contextmanager
    def session(self) -> Iterator[tf.compat.v1.Session]:
        """A session that only this block uses: an idle one from an earlier block, or a new one."""
        try:
            sess = self._idle.pop()
        except IndexError:
            sess = tf.compat.v1.Session(graph=self.g, config=self._config)
        try:
            yield sess
        finally:
            self._idle.append(sess)

    def read(self, sess: tf.compat.v1.Session, numbers: np.ndarray) -> List[np.ndarray]:
        """The state after a text that is read from the zero state."""
        state = self._zero
        for start in range(0, len(numbers), WINDOW):
            state = sess.run(self._read, {self._x: [numbers[start:start + WINDOW]], **self._from(state)})
        return state

    def costs(self, sess: tf.compat.v1.Session, x: np.ndarray, y: np.ndarray) -> Iterator[float]:
        """The cross entropy of texts of equal length, each read from the zero state, window by window."""
        state, steps = [np.repeat(zero, len(x), axis=0) for zero in self._zero], window(len(x) * self._num_classes)
        for start in range(0, x.shape[1], steps):
            columns = slice(start, start + steps)
            nats, state = sess.run([self._nats, self._read],
                                   {self._x: x[:, columns], self._y: y[:, columns], **self._from(state)})
            yield float(nats)

    def write(self, sess: tf.compat.v1.Session, starter: np.ndarray, uniform: np.ndarray, top_n: int,
              temperature: float, window: int) -> Iterator[np.ndarray]:
        """Write M texts of equal length, block by block."""
        samples = uniform.shape[1]
        fetches = self._loop(several=samples > 1)
        state = [np.repeat(values, samples, axis=0) for values in self.read(sess, starter[:-1])]
        last = np.full(samples, starter[-1])

        def propose(state, last, uniform):
            return sess.run(fetches, {
                self._last: last, self._uniform: uniform, self._top_n: top_n,
                self._sharpness: min(1 / temperature, SHARPEST), **self._from(state)})

        def exact(probas, uniform):
            return drawing.draw(drawing.apply_temperature(probas, temperature), uniform, top_n)

        for start in range(0, len(uniform), window):
            block, state = checked(propose, exact, state, last, uniform[start:start + window])
            last = block[-1]
            yield block

    def _from(self, state):
        """The feeds of a state."""
        return dict(zip(self._state, state))


def _many_cumsum(width):
    """`tf.cumsum` along the last axis, 1, of many rows: for short ones, a product with a triangle is faster."""
    if width > 256:
        return tf.cumsum
    triangle = tf.constant(np.triu(np.ones((width, width), np.float32)))
    return lambda rows, axis: tf.matmul(rows, triangle)


def _draw(scores, top_n, uniform, cumsum):
    """One number a row: scores (M, V), uniform (M, 1), result (M,)."""
    p = tf.nn.softmax(scores)
    least = tf.reduce_min(tf.nn.top_k(p, top_n, sorted=False)[0], axis=1, keepdims=True)            # (M, 1)
    cdf = cumsum(tf.where(p >= least, p, tf.zeros_like(p)), axis=1)                                 # (M, V)
    beyond = tf.raw_ops.UpperBound(sorted_inputs=cdf, values=uniform * cdf[:, -1:])                 # (M, 1)
    return tf.minimum(tf.reshape(beyond, [-1]), tf.shape(cdf)[1] - 1)       # the product may round up to the whole sum


def window(width: int) -> int:
    """The time steps of one run in writing: `WINDOW`, or fewer if there are many samples and characters."""
    return max(1, min(WINDOW, MOST // width))


#: The states of all layers as arrays.
Arrays = List[np.ndarray]
#: From a state, the last characters and random numbers: characters, their probabilities, and the state after them.
Propose = Callable[[Arrays, np.ndarray, np.ndarray], Tuple[np.ndarray, np.ndarray, Arrays]]


def checked(propose: Propose, exact: Callable[[np.ndarray, np.ndarray], np.ndarray], state: Arrays, last: np.ndarray,
            uniform: np.ndarray) -> Tuple[np.ndarray, Arrays]:
    """A block of characters, proposed in runs, each corrected at its first wrong character; and the state after it."""
    done, runs, size = 0, [], len(uniform)
    while done < len(uniform):
        numbers = uniform[done:done + size]
        proposed, probas, after = propose(state, last, numbers)
        right = exact(probas, numbers)
        wrong = np.flatnonzero((right != proposed).any(axis=1))
        if len(wrong) and wrong[0] + 1 < len(numbers):
            size = wrong[0] + 1                             # run again, up to there
            continue
        # The last characters of a run only decide what is read next, so they may be corrected.
        runs.append(right)
        done, state, last, size = done + len(numbers), after, right[-1], 2 * size
    return np.concatenate(runs), state
