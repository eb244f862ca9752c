"""The recurrent layers, multilayer LSTM with dropout ("Step 1" to "Step 3" of "The build method"), in two engines.

Cell: Hochreiter and Schmidhuber 1997, in the form of Zaremba, Sutskever and Vinyals 2014 (arXiv:1409.2329), which is
`BasicLSTMCell`: gates in the order i (input), j (candidate), f (forget), o (output), one kernel of the shape
[D + H, 4H] for the input and the hidden units, 1.0 added to the forget gate's argument. Both engines have variables of
the same names, shapes and initial values, so that a checkpoint of one restores in the other.

Shapes: N batch, n rows of a shard, T time steps, D input size, U distinct ids, H lstm_size.
"""

from __future__ import annotations

from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Tuple

import tensorflow as tf

__all__ = ['ENGINES', 'build', 'cells', 'reading_numbers', 'initial_seeds', 'seeded', 'shard_sizes', 'step_counter']

ENGINES = ('book', 'fused')


def build(engine: str, ids: tf.Tensor, lookup: Callable[[tf.Tensor], tf.Tensor], lstm_size: int, num_layers: int,
          keep_prob: Optional[tf.Tensor] = None, *, pooling: Optional[str] = None, bidirectional: bool = False,
          embed_keep_prob: float = 1.0, beside: Optional[tf.Tensor] = None, seed: Optional[int] = None,
          shards: int = 1, rank: int = 0) -> Tuple[tf.Tensor, Tuple[Any, ...], Tuple[Any, ...]]:
    """Add the layers to the default graph."""
    if (engine == 'book' and pooling in (None, 'last') and not bidirectional and embed_keep_prob == 1
            and beside is None):
        layers = cells('book', lstm_size, num_layers, keep_prob, seed=rank * num_layers if rank else None)
        outputs, *states = _dynamic_rnn(lookup(ids), layers)
        return (outputs if pooling is None else outputs[:, -1], *states)

    rows, carried = _rows(ids), pooling in (None, 'last')
    lengths = tf.fill([rows], tf.shape(ids)[1]) if carried else _lengths(ids)       # (N,)
    if not carried:
        ids = _words_first(ids, lengths)                                            # (N, T) from here on: the longest
    sizes = shard_sizes(rows, shards) if engine == 'fused' and isinstance(rows, int) else [rows]
    places = num_layers * (1 + bidirectional)
    dropout = _Dropout(keep_prob, seed, places + (embed_keep_prob < 1), rank)
    # Each id is looked up once, however often it stands in the batch: no product with its vector is done twice.
    unique, positions = tf.unique(tf.reshape(tf.transpose(ids), [-1]))              # (U,), (T * N,)
    vectors = dropout.inputs(places, lookup(unique), embed_keep_prob)               # (U, D)
    positions = tf.reshape(positions, [-1, rows])                                   # (T, N)
    words = tf.range(tf.shape(positions)[0])[:, tf.newaxis] < lengths               # (T, N)

    def read(place, positions):
        """The outputs of each shard, pooled where they are to be, and the states before and after them."""
        stack = _cells if engine == 'book' else _fused
        outputs, *states = stack(vectors, positions, sizes, lstm_size, num_layers, dropout, place, pooling == 'last')
        if not carried:
            outputs = [_pool(pooling, *given) for given in zip(outputs, tf.split(words, sizes, axis=1))]
        return outputs, states

    outputs, (initial_state, final_state) = read(0, positions)
    if bidirectional:
        with tf.compat.v1.variable_scope('backward'):
            backward, _ = read(num_layers, tf.reverse_sequence(positions, lengths, seq_axis=0, batch_axis=1))
        outputs = [tf.concat(both, axis=-1) for both in zip(outputs, backward)]
    if beside is not None:
        outputs = [tf.concat(both, axis=-1) for both in zip(outputs, tf.split(beside, sizes))]
    outputs = tf.concat(dropout.outputs(num_layers - 1, outputs, sizes), axis=-2)
    outputs = tf.transpose(outputs, [1, 0, 2]) if pooling is None else outputs
    return outputs, initial_state, final_state if carried else initial_state


def _lengths(ids):
    """Of rows (N, T) with zeros on the left, the columns from the first other number on: (N,), at least 1."""
    there = tf.concat([ids[:, :-1] > 0, tf.ones_like(ids[:, -1:], tf.bool)], axis=1)
    return tf.shape(ids)[1] - tf.argmax(tf.cast(there, tf.int32), axis=1, output_type=tf.int32)


def _words_first(ids, lengths):
    """The rows with their padding on the right, and no longer than the longest."""
    columns = tf.range(tf.reduce_max(lengths))[tf.newaxis]                          # (1, T)
    from_ = tf.minimum(columns + (tf.shape(ids)[1] - lengths)[:, tf.newaxis], tf.shape(ids)[1] - 1)
    return tf.gather(ids, from_, batch_dims=1) * tf.cast(columns < lengths[:, tf.newaxis], ids.dtype)


def _dynamic_rnn(inputs, layers):
    """The chapter's layers, op for op: the graph-level seed makes initial weights a function of the ops before them."""
    initial_state = layers.zero_state(_rows(inputs), tf.float32)                    # per layer: c, h (N, H)
    # Book: parallel_iterations is left at 32, so that the dropout ops of several time steps run in any order and two
    # runs with one seed differ. One at a time changes nothing else.
    outputs, final_state = tf.nn.dynamic_rnn(layers, inputs, initial_state=initial_state,
                                             parallel_iterations=1)                 # (N, T, H)
    return outputs, initial_state, final_state


def _cells(vectors, positions, sizes, lstm_size, num_layers, dropout, place, last):
    """The chapter's layers, but that the outputs of the last one are not dropped; the whole batch is one shard."""
    inputs = tf.gather(vectors, tf.transpose(positions))                            # (N, T, D)
    layers = cells('book', lstm_size, num_layers, dropout.keep_prob, top=False, seed=dropout.op_seed(place))
    outputs, *states = _dynamic_rnn(inputs, layers)
    return ([outputs[:, -1] if last else tf.transpose(outputs, [1, 0, 2])], *states)


def cells(engine: str, lstm_size: int, num_layers: int,
          keep_prob: Optional[tf.Tensor] = None, *, top: bool = True,
          seed: Optional[int] = None) -> tf.compat.v1.nn.rnn_cell.RNNCell:
    """The layers as one cell, which computes one time step, for a graph of any number of time steps and rows."""
    def layer(number):
        cell = (tf.contrib.rnn.BasicLSTMCell(lstm_size) if engine == 'book'
                else tf.contrib.rnn.LSTMBlockCell(lstm_size, name='basic_lstm_cell'))
        drops = keep_prob is not None and (top or number < num_layers - 1)
        own = None if seed is None else seed + number
        return tf.contrib.rnn.DropoutWrapper(cell, output_keep_prob=keep_prob, seed=own) if drops else cell

    return tf.contrib.rnn.MultiRNNCell([layer(number) for number in range(num_layers)])


def reading_numbers(cells: tf.compat.v1.nn.rnn_cell.RNNCell, depth: int) -> Callable[..., Any]:
    """The same layers for numbers in place of one-hot rows: rows of the kernel are looked up, not multiplied."""
    first, *others = cells._cells
    kernel, bias = first.trainable_weights
    i, j, f, o = tf.split(kernel[:depth] + bias, 4, axis=1)
    from_input = tf.concat([i, j, f + 1.0, o], axis=1)                              # (D, 4H)
    from_hidden = kernel[depth:]                                                    # (H, 4H)

    def step(numbers, state):
        c, h = state[0]
        gates = tf.gather(from_input, numbers) + tf.matmul(h, from_hidden)          # (N, 4H)
        i, j, f, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)                          # (N, H)
        h = tf.sigmoid(o) * tf.tanh(c)                                              # (N, H)
        output, states = h, [tf.nn.rnn_cell.LSTMStateTuple(c, h)]
        for cell, before in zip(others, state[1:]):
            output, after = cell(output, before)
            states.append(after)
        return output, tuple(states)
    return step


def _rows(tensor, axis=0):
    """N, as a number where it is known."""
    return tf.shape(tensor)[axis] if tensor.shape[axis].value is None else tensor.shape[axis].value


def _fused(vectors, positions, sizes, lstm_size, num_layers, dropout, place, last):
    """The same layers, time-major, each layer of each shard one op; takes and gives what `_cells` does."""
    rows = _rows(positions, 1)
    initial_state = tuple(tf.contrib.rnn.LSTMStateTuple(tf.zeros([rows, lstm_size]), tf.zeros([rows, lstm_size]))
                          for _ in range(num_layers))                               # per layer: c, h (N, H)
    inputs = [(vectors, part) for part in tf.split(positions, sizes, axis=1)]       # per shard: (U, D), (T, n)
    final_state = []
    for layer, state in enumerate(initial_state):
        top = layer == num_layers - 1
        with tf.compat.v1.variable_scope('rnn/multi_rnn_cell/cell_%d' % layer):
            cell = tf.contrib.rnn.LSTMBlockFusedCell(lstm_size, name='basic_lstm_cell')
            states = zip(*[tf.split(tensor, sizes) for tensor in state])
            outputs, finals = zip(*[_layer(cell, *given, before, last and top)
                                    for given, before in zip(inputs, states)])
        final_state.append(tf.contrib.rnn.LSTMStateTuple(*[tf.concat(parts, axis=0) for parts in zip(*finals)]))
        inputs = [] if top else [(output, None) for output in dropout.outputs(place + layer, outputs, sizes)]
    return outputs, initial_state, tuple(final_state)


def _layer(cell, vectors, positions, state, last):
    """One layer: its outputs (T, n, H), or (n, H) with `last`, and its final state.

    The inputs are `vectors`, (T, n, D), or where there are `positions`, (T, n), those rows of `vectors`, (U, D).
    """
    inputs = vectors if positions is None else tf.gather(vectors, positions)        # (T, n, D)
    outputs, _ = cell(inputs, initial_state=state)
    forward, (kernel, bias) = outputs.op, cell.trainable_variables

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


def _pool(pooling, outputs, words):
    """`pooling.pool` of outputs (T, n, H) and words (T, n), for all but ``'last'``."""
    mask, pooled = tf.cast(words, tf.float32)[:, :, tf.newaxis], []                 # (T, n, 1)
    if 'mean' in pooling:
        pooled.append(tf.reduce_sum(outputs * mask, axis=0) / tf.reduce_sum(mask, axis=0))
    if 'max' in pooling:
        pooled.append(tf.reduce_max(outputs * mask + (mask - 1.0), axis=0))         # -1 is below every output
    return tf.concat(pooled, axis=-1)


class _Dropout:
    """Dropout as a function of seed, rank, step and place: it needs no generator that would have to be saved, and it is
    the same for any number of shards. Without a keep probability, nothing is dropped.
    """

    def __init__(self, keep_prob, seed, places, rank):
        self.keep_prob, self._places, self._rank = keep_prob, places, rank
        if keep_prob is not None:                           # a seed is less than 2 ** 31
            self._key = tf.stack([tf.constant(seed + (rank << 31), tf.int64), step_counter().read_value()])

    def op_seed(self, place):
        """The op-level seed of the first of the book's layers, which has this place; None for the chapter's."""
        return self._rank * self._places + place if self._rank else None

    def _kept(self, place, shape, keep_prob):
        """0 for what is dropped; for what is kept, what makes up for it, so that the mean stays."""
        key = self._key * [1, self._places] + [0, place]
        return tf.floor(tf.random.stateless_uniform(shape, key) + keep_prob) / keep_prob

    def inputs(self, place, vectors, keep_prob):
        """What is kept of the inputs, (U, D)."""
        if self.keep_prob is None or keep_prob == 1:
            return vectors
        return vectors * self._kept(place, tf.shape(vectors), keep_prob)

    def outputs(self, place, outputs, sizes):
        """What is kept of the outputs of a layer, (T, n, H) or (n, H) for each shard."""
        if self.keep_prob is None:
            return outputs
        whole = tf.concat([tf.shape(outputs[0])[:-2], [sum(sizes)], tf.shape(outputs[0])[-1:]], axis=0)
        kept = tf.split(self._kept(place, whole, self.keep_prob), sizes, axis=-2)
        dropped = [output * part for output, part in zip(outputs, kept)]
        for after, before in zip(dropped, outputs):
            after.set_shape(before.shape)                   # the keep probability of the book has no known shape
        return dropped


def shard_sizes(rows: int, shards: int) -> List[int]:
    """The rows of each shard: as equal as can be, the longer ones first."""
    shards = min(rows, shards)
    return [rows // shards + (number < rows % shards) for number in range(shards)]


def step_counter() -> tf.Variable:
    """The number of training steps so far, a local variable of the default graph named ``step``; made at the first
    call.
    """
    with tf.compat.v1.variable_scope(tf.compat.v1.get_variable_scope(), reuse=tf.compat.v1.AUTO_REUSE):
        return tf.compat.v1.get_variable(
            'step', (), tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True,
            collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES])


def initial_seeds(build: Callable[[], Any], seed: int) -> Dict[str, int]:
    """The op-level seeds of the initial weights in a graph of the chapter, for a graph with other ops in it."""
    seeds = {}
    with tf.Graph().as_default() as graph:
        tf.compat.v1.set_random_seed(seed)
        build()
        for variable in graph.get_collection('trainable_variables'):
            ahead = [variable.initial_value.op]
            while ahead:
                op = ahead.pop()
                if op.type == 'RandomUniform':
                    seeds[variable.op.name] = op.get_attr('seed2')
                ahead.extend(tensor.op for tensor in op.inputs)
    return seeds


def seeded(seeds: Mapping[str, int]) -> ContextManager[Any]:
    """A context in which `tf.get_variable` starts variables of these names with these op-level seeds."""
    def seed(getter, name, **arguments):
        if name in seeds:
            arguments['initializer'] = tf.compat.v1.glorot_uniform_initializer(seed=seeds[name])
        return getter(name, **arguments)

    return tf.compat.v1.variable_scope(tf.compat.v1.get_variable_scope(), custom_getter=seed)
