"""The second engine: one `LSTMBlockFusedCell` a layer, time-major, the batch in shards that are computed in parallel.

`read` runs either engine and adds what the chapter does not have: pooling, two directions, dropout of the inputs.

Shapes: N batch, n rows of a shard, T time steps, D input size, U distinct ids, H lstm_size, F pooled size.
"""

from __future__ import annotations

import functools
from typing import Callable, List, Optional, Tuple

from rnnbook.network import lstm
from rnnbook.network.devices import tf
from rnnbook.network.optimizers import step_counter
from rnnbook.network.pooling import pool_tensor, tensor_lengths, words_first_tensor

__all__ = ['read', 'shard_sizes']


def read(layers: lstm.Layers, ids: tf.Tensor, lookup: Callable[[tf.Tensor], tf.Tensor],
         keep_prob: Optional[tf.Tensor] = None, *, pooling: Optional[str] = None, bidirectional: bool = False,
         embed_keep_prob: float = 1.0) -> Tuple[tf.Tensor, lstm.State, lstm.State]:
    """Read rows of ids (N, T) with either engine, including what the chapter does not have.

    The outputs are (N, T, H), or pooled (N, F); the states are those of `lstm.build`.
    """
    rows, carried = lstm.size_of(ids), pooling in (None, 'last')
    lengths = tf.fill([rows], tf.shape(ids)[1]) if carried else tensor_lengths(ids)     # (N,)
    if not carried:
        ids = words_first_tensor(ids, lengths)              # (N, T) with T the longest row from here on
    sizes = shard_sizes(rows, layers.shards) if layers.engine == 'fused' and isinstance(rows, int) else [rows]
    places = layers.num_layers * (1 + bidirectional)
    masks = places * (1 + (layers.recurrent_keep_prob < 1)) + (embed_keep_prob < 1)
    dropout = _Dropout(layers, keep_prob, masks, sizes)
    # Each id is looked up once, however often it occurs in the batch: no product with its vector is computed twice.
    unique, positions = tf.unique(tf.reshape(tf.transpose(ids), [-1]))              # (U,), (T * N,)
    vectors = dropout.inputs(places, lookup(unique), embed_keep_prob)               # (U, D)
    positions = tf.reshape(positions, [-1, rows])                                   # (T, N)
    words = tf.range(tf.shape(positions)[0])[:, tf.newaxis] < lengths               # (T, N)

    def run(place, positions):
        """The outputs of each shard, pooled if asked for, and the states before and after."""
        engine = _chapter if layers.engine != 'fused' else _predicting if keep_prob is None else _fused
        outputs, *states = engine(layers, vectors, positions, dropout, place, pooling == 'last')
        if not carried:
            outputs = [pool_tensor(pooling, *shard) for shard in zip(outputs, tf.split(words, sizes, axis=1))]
        return outputs, states

    outputs, (initial_state, final_state) = run(0, positions)
    if bidirectional:
        with tf.compat.v1.variable_scope('backward'):
            backward, _ = run(layers.num_layers, tf.reverse_sequence(positions, lengths, seq_axis=0, batch_axis=1))
        outputs = [tf.concat(both, axis=-1) for both in zip(outputs, backward)]
    outputs = tf.concat(dropout.outputs(layers.num_layers - 1, outputs), axis=-2)
    outputs = tf.transpose(outputs, [1, 0, 2]) if pooling is None else outputs
    return outputs, initial_state, final_state if carried else initial_state


def shard_sizes(rows: int, shards: int) -> List[int]:
    """The rows of each shard: as equal as possible, the larger ones first."""
    shards = min(rows, shards)
    return [rows // shards + (number < rows % shards) for number in range(shards)]


def _chapter(layers, vectors, positions, dropout, place, last):
    """What `_fused` does, by the chapter's layers; the whole batch is one shard."""
    if layers.engine == 'listing':                          # in the ops on whose number the initial weights depend
        inputs = tf.gather(vectors, tf.transpose(positions))                        # (N, T, D)
        outputs, *states = lstm.build(layers, inputs, dropout.keep_prob, top=False)
        return ([outputs[:, -1] if last else tf.transpose(outputs, [1, 0, 2])], *states)
    inputs = tf.gather_nd(vectors, positions[:, :, tf.newaxis])     # (T, N, D); the gradient of `gather` would warn
    outputs, *states = lstm.build(layers, inputs, dropout.keep_prob, top=False, first_seed=dropout.op_seed(place),
                                  time_major=True)
    return ([outputs[-1] if last else outputs], *states)


def _fused(layers, vectors, positions, dropout, place, last):
    """The outputs of each shard, (T, n, H) or the last (n, H), without dropout on top; the initial and final state."""
    sizes = dropout.sizes
    initial_state = lstm.cells(layers).zero_state(lstm.size_of(positions, 1), tf.float32)       # per layer: c, h (N, H)
    inputs = [(vectors, part) for part in tf.split(positions, sizes, axis=1)]       # per shard: (U, D), (T, n)
    final_state = []
    for layer, state in enumerate(initial_state):
        top = layer == layers.num_layers - 1
        with tf.compat.v1.variable_scope('rnn/multi_rnn_cell/cell_%d' % layer):
            cell = _Cell(layers.lstm_size, name='basic_lstm_cell')
            cell.masked = functools.partial(dropout.kernel, place + layer, layers.recurrent_keep_prob)
            states = zip(*[tf.split(tensor, sizes) for tensor in state])
            outputs, finals = zip(*[_layer(cell, *given, before, last and top)
                                    for given, before in zip(inputs, states)])
        final_state.append(tf.contrib.rnn.LSTMStateTuple(*[tf.concat(parts, axis=0) for parts in zip(*finals)]))
        inputs = [] if top else [(output, None) for output in dropout.outputs(place + layer, outputs)]
    return outputs, initial_state, tuple(final_state)


class _Cell(tf.contrib.rnn.LSTMBlockFusedCell):
    """The cell, which computes with what `masked` makes of its kernel."""

    def build(self, input_shape):
        super().build(input_shape)
        self._kernel = self.masked(self._kernel)


def _predicting(layers, vectors, positions, dropout, place, last):
    """What `_fused` does, for graphs without a gradient: in single steps, no word multiplied by the kernel twice."""
    stack, sizes = lstm.cells(layers), dropout.sizes
    initial_state = stack.zero_state(lstm.size_of(positions, 1), tf.float32)        # per layer: c, h (N, H)
    with tf.compat.v1.variable_scope('rnn'):
        stack(vectors[:1], stack.zero_state(1, tf.float32))                         # makes the variables
    cell = lstm.ByNumber(stack, vectors)
    shards = zip(tf.split(positions[:, :, tf.newaxis], sizes, axis=1),
                 zip(*[tf.split(part, sizes) for part in tf.nest.flatten(initial_state)]))
    outputs, finals = zip(*[tf.nn.dynamic_rnn(
        cell, part, initial_state=tf.nest.pack_sequence_as(initial_state, state), time_major=True,
        parallel_iterations=1) for part, state in shards])
    final_state = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *finals)
    return [final[-1].h for final in finals] if last else outputs, initial_state, final_state


def _layer(cell, vectors, positions, state, last):
    """One layer: its outputs (T, n, H), or (n, H) with `last`, and its final state.

    The inputs are `vectors`, (T, n, D), or where there are `positions`, (T, n), those rows of `vectors`, (U, D).
    """
    inputs = vectors if positions is None else tf.gather(vectors, positions)        # (T, n, D)
    outputs, _ = cell(inputs, initial_state=state)
    forward = outputs.op
    kernel, bias = forward.inputs[4], forward.inputs[8]

    # TensorFlow's own gradient adds to the kernel's at each time step. That of all steps in one product is the same
    # sum, at half the cost.
    @tf.custom_gradient
    def with_gradient(vectors, kernel, bias, c, h):
        cells, outputs = forward.outputs[1], forward.outputs[6]

        def gradient(*grads):
            return _gradient(forward, vectors, positions, kernel, (c, h), *grads)

        results = (cells[-1], outputs[-1]) + (() if last else (tf.identity(outputs),))
        return results, gradient

    c, h, *outputs = with_gradient(vectors, kernel, bias, *state)
    return h if last else outputs[0], tf.contrib.rnn.LSTMStateTuple(c, h)


def _gradient(forward, vectors, positions, kernel, state, d_c, d_h, d_outputs=None):
    """The gradients for the vectors, the kernel, the bias and the initial state of a layer: BPTT.

    `forward` is the `BlockLSTM` op, whose outputs are the gates, cells and hidden units of all steps.
    """
    gates = forward.outputs                                 # i, cs, f, o, ci, co, h, each (T, n, H)
    inputs, wci, wcf, wco, bias = (forward.inputs[number] for number in (1, 5, 6, 7, 8))
    size, units = inputs.shape[-1].value, gates[6].shape[-1].value
    c_before, h_before = (tf.concat([first[tf.newaxis], all_[:-1]], axis=0)
                          for first, all_ in zip(state, (gates[1], gates[6])))      # (T, n, H)
    no_input, w_x, w_h = tf.zeros_like(inputs[0]), kernel[:size], tf.transpose(kernel[size:])

    def step(t, d_c, d_h, d_gates):
        if d_outputs is not None:
            d_h += tf.gather(d_outputs, t)
        i, cs, f, o, ci, co, _ = (tf.gather(tensor, t) for tensor in gates)         # (n, H)
        d_c, d_gate, _, _, _ = tf.raw_ops.LSTMBlockCellGrad(
            x=no_input, cs_prev=tf.gather(c_before, t), h_prev=state[1], w=kernel, wci=wci, wcf=wcf, wco=wco, b=bias,
            i=i, cs=cs, f=f, o=o, ci=ci, co=co, cs_grad=d_c, h_grad=d_h, use_peephole=False)
        return t - 1, d_c, tf.matmul(d_gate, w_h), d_gates.write(t, d_gate)

    steps = tf.shape(inputs)[0]
    _, d_c, d_h, d_gates = tf.while_loop(
        lambda t, *_: t >= 0, step, (steps - 1, d_c, d_h, tf.TensorArray(tf.float32, steps)), parallel_iterations=4)
    d_gates = tf.reshape(d_gates.stack(), [-1, 4 * units])                          # (T * n, 4H)
    d_w_h = tf.matmul(tf.reshape(h_before, [-1, units]), d_gates, transpose_a=True)
    if positions is not None:                               # what all positions of a vector give it, added up first
        d_gates = tf.math.unsorted_segment_sum(d_gates, tf.reshape(positions, [-1]), tf.shape(vectors)[0])
    d_w_x = tf.matmul(tf.reshape(vectors, [-1, size]), d_gates, transpose_a=True)
    d_vectors = tf.reshape(tf.matmul(d_gates, w_x, transpose_b=True), tf.shape(vectors))
    return d_vectors, tf.concat([d_w_x, d_w_h], axis=0), tf.reduce_sum(d_gates, axis=0), d_c, d_h


class _Dropout:
    """Dropout as a function of seed, rank, step and place: there is no generator to save, and the number of shards does
    not matter. Without a keep probability nothing is dropped.
    """

    def __init__(self, layers, keep_prob, places, sizes):
        self.keep_prob, self._rank, self._places, self.sizes = keep_prob, layers.rank, places, sizes
        if keep_prob is not None:
            seed = tf.constant(layers.seed + (layers.rank << 31), tf.int64)         # a seed is less than 2 ** 31
            step = step_counter()                           # 0 where a checkpoint, which lacks it, was just restored
            step = step.read_value() if layers.engine == 'listing' else step.initialized_value()
            self._key = tf.stack([seed, step])

    def op_seed(self, place):
        """The op-level seed of the first of the book's layers, at this place; None, as in the chapter, at rank 0."""
        return self._rank * self._places + place if self._rank else None

    def _kept(self, place, shape, keep_prob):
        """The factors: 0 for what is dropped, 1 / keep_prob for the rest, which preserves the mean."""
        key = self._key * [1, self._places] + [0, place]
        return tf.floor(tf.random.stateless_uniform(shape, key) + keep_prob) / keep_prob

    def inputs(self, place, vectors, keep_prob):
        """The inputs (U, D) after dropout."""
        if self.keep_prob is None or keep_prob == 1:
            return vectors
        return vectors * self._kept(place, tf.shape(vectors), keep_prob)

    def kernel(self, place, keep_prob, kernel):
        """A layer's kernel (D + H, 4H) after dropout of its recurrent weights, the same at all steps of a window."""
        if self.keep_prob is None or keep_prob == 1:
            return kernel
        columns, keep_prob = kernel.shape[1].value, tf.where(self.keep_prob < 1, keep_prob, 1.0)
        kept = self._kept(self._places - 1 - place, [columns // 4, columns], keep_prob)  # (H, 4H)
        return kernel * tf.concat([tf.ones([kernel.shape[0].value - columns // 4, columns]), kept], axis=0)

    def outputs(self, place, outputs):
        """The outputs of a layer after dropout, (T, n, H) or (n, H) for each shard."""
        if self.keep_prob is None:
            return outputs
        whole = tf.concat([tf.shape(outputs[0])[:-2], [sum(self.sizes)], tf.shape(outputs[0])[-1:]], axis=0)
        kept = tf.split(self._kept(place, whole, self.keep_prob), self.sizes, axis=-2)
        dropped = [output * part for output, part in zip(outputs, kept)]
        for after, before in zip(dropped, outputs):
            after.set_shape(before.shape)                   # the book's keep probability has no known shape
        return dropped
