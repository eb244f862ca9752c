"""The recurrent layers, multilayer LSTM with dropout ("Step 1" to "Step 3" of "The build method"), in two engines.

Cell: Hochreiter and Schmidhuber 1997, in the form of Zaremba, Sutskever and Vinyals 2014 (arXiv:1409.2329), which is
`BasicLSTMCell`: gates in the order i (input), j (candidate), f (forget), o (output), one kernel of the shape
[D + H, 4H] for the input and the hidden units, 1.0 added to the forget gate's argument. Both engines have variables of
the same names, shapes and initial values, so that a checkpoint of one restores in the other.

Shapes: N batch, n rows of a shard, T time steps, D input size, H lstm_size.
"""

from __future__ import annotations

from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Tuple

import tensorflow as tf

__all__ = ['ENGINES', 'build', 'cells', 'reading_numbers', 'initial_seeds', 'seeded', 'shard_sizes', 'step_counter']

ENGINES = ('book', 'fused')


def build(engine: str, ids: tf.Tensor, lookup: Callable[[tf.Tensor], tf.Tensor], lstm_size: int, num_layers: int,
          keep_prob: Optional[tf.Tensor] = None, *, last: bool = False, seed: Optional[int] = None,
          shards: int = 1, rank: int = 0) -> Tuple[tf.Tensor, Tuple[Any, ...], Tuple[Any, ...]]:
    """Add the layers to the default graph.

    Parameters
    ----------
    engine : {'book', 'fused'}
        ``'book'``: the chapter's cells under `tf.nn.dynamic_rnn`. ``'fused'``: one `LSTMBlockFusedCell` a layer, which
        computes all time steps in one op; dropout on its output sequence.
    ids : tf.Tensor of int32, shape (N, T)
    lookup : callable
        Gives the inputs of ids of any shape: (..., D) for (...).
    lstm_size : int
        H, the units of each layer.
    num_layers : int
    keep_prob : tf.Tensor of float32, shape (), optional
        The probability that dropout keeps an output. Default: no dropout.
    last : bool, default False
        Give the outputs of the last time step only.
    seed : int
        Of the dropout of ``'fused'``, which is a function of the seed, the rank, the step (see `step_counter`)
        and the layer;
        that of ``'book'`` follows from the graph-level seed.
    shards : int, default 1
        ``'fused'`` computes the batch in so many parts, side by side, where N is known. ``'book'`` has no use for it.
    rank : int, default 0
        Of this process among those that train together, whose dropout differs.

    Returns
    -------
    outputs : tf.Tensor of float32, shape (N, T, H), or (N, H) with `last`
    initial_state, final_state : tuple of `num_layers` LSTMStateTuple, each (c, h) of shape (N, H)
        The zero state, which a session may feed, and the state after the last step.
    """
    if engine == 'book':
        outputs, initial_state, final_state = _book(lookup(ids), lstm_size, num_layers, keep_prob, rank)
        return outputs[:, -1] if last else outputs, initial_state, final_state
    return _fused(ids, lookup, lstm_size, num_layers, _Dropout(keep_prob, seed, num_layers, rank), last, shards)


def _book(inputs, lstm_size, num_layers, keep_prob, rank):
    """The chapter's layers, op for op: the graph-level seed makes initial weights a function of the ops before them."""
    layers = cells('book', lstm_size, num_layers, keep_prob, rank)
    initial_state = layers.zero_state(_rows(inputs), tf.float32)                    # per layer: c, h (N, H)
    # Book: parallel_iterations is left at 32, so that the dropout ops of several time steps run in any order and two
    # runs with one seed differ. One at a time changes nothing else.
    outputs, final_state = tf.nn.dynamic_rnn(layers, inputs, initial_state=initial_state,
                                             parallel_iterations=1)                 # (N, T, H)
    return outputs, initial_state, final_state


def cells(engine: str, lstm_size: int, num_layers: int,
          keep_prob: Optional[tf.Tensor] = None, rank: int = 0) -> tf.compat.v1.nn.rnn_cell.RNNCell:
    """The layers as one cell, which computes one time step, for a graph of any number of time steps and rows.

    Parameters
    ----------
    engine : {'book', 'fused'}
        ``'book'``: the chapter's cells, with the outputs of `build` to the last bit. ``'fused'``: `LSTMBlockCell`, one
        op a layer, of the same variables.
    lstm_size : int
        H, the units of each layer.
    num_layers : int
    keep_prob : tf.Tensor of float32, shape (), optional
        The probability that dropout keeps an output. Default: no dropout.
    rank : int, default 0
        As in `build`. Rank 0 has the op-level seeds of the chapter, which are those of the order of its ops.

    Returns
    -------
    tf.nn.rnn_cell.RNNCell
        Its state is a tuple of `num_layers` LSTMStateTuple. Its variables have the names of those of `build` once
        `tf.nn.dynamic_rnn` has made them.
    """
    def layer(number):
        cell = (tf.contrib.rnn.BasicLSTMCell(lstm_size) if engine == 'book'
                else tf.contrib.rnn.LSTMBlockCell(lstm_size, name='basic_lstm_cell'))
        seed = rank * num_layers + number if rank else None
        return cell if keep_prob is None else tf.contrib.rnn.DropoutWrapper(cell, output_keep_prob=keep_prob, seed=seed)

    return tf.contrib.rnn.MultiRNNCell([layer(number) for number in range(num_layers)])


def reading_numbers(cells: tf.compat.v1.nn.rnn_cell.RNNCell, depth: int) -> Callable[..., Any]:
    """The same layers for numbers in place of one-hot rows: rows of the kernel are looked up, not multiplied.

    Faster for many rows. The sums are added up in another order, so that the last bits of the outputs differ.

    Parameters
    ----------
    cells : tf.nn.rnn_cell.RNNCell
        As `cells` gives them, with their variables made.
    depth : int
        D, the length of the one-hot rows.

    Returns
    -------
    callable
        Called with the numbers, shape (N,), and a state; gives the outputs, shape (N, H), and the new state.
    """
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


def _rows(tensor):
    """N, as a number where it is known."""
    return tf.shape(tensor)[0] if tensor.shape[0].value is None else tensor.shape[0].value


def _fused(ids, lookup, lstm_size, num_layers, dropout, last, shards):
    """The same layers, time-major, each layer of each shard one op."""
    rows = _rows(ids)
    sizes = shard_sizes(rows, shards) if isinstance(rows, int) else [rows]
    initial_state = tuple(tf.contrib.rnn.LSTMStateTuple(tf.zeros([rows, lstm_size]), tf.zeros([rows, lstm_size]))
                          for _ in range(num_layers))                               # per layer: c, h (N, H)
    # Each id is looked up once, however often it stands in the batch: no product with its vector is done twice.
    unique, positions = tf.unique(tf.reshape(tf.transpose(ids), [-1]))              # (U,), (T * N,)
    vectors = lookup(unique)                                                        # (U, D)
    inputs = [(vectors, part) for part in
              tf.split(tf.reshape(positions, [-1, rows]), sizes, axis=1)]           # per shard: (U, D), (T, n)
    final_state = []
    for layer, state in enumerate(initial_state):
        with tf.compat.v1.variable_scope('rnn/multi_rnn_cell/cell_%d' % layer):
            cell = tf.contrib.rnn.LSTMBlockFusedCell(lstm_size, name='basic_lstm_cell')
            states = zip(*[tf.split(tensor, sizes) for tensor in state])
            outputs, finals = zip(*[_layer(cell, *given, before, last and layer == num_layers - 1)
                                    for given, before in zip(inputs, states)])
        final_state.append(tf.contrib.rnn.LSTMStateTuple(*[tf.concat(parts, axis=0) for parts in zip(*finals)]))
        outputs = dropout(layer, outputs, sizes)                                    # per shard: (T, n, H) or (n, H)
        inputs = [(output, None) for output in outputs]
    outputs = tf.concat(outputs, axis=-2)
    return outputs if last else tf.transpose(outputs, [1, 0, 2]), initial_state, tuple(final_state)


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


class _Dropout:
    """Dropout as a function of seed, rank, step and layer: it needs no generator that would have to be saved, and it
    is the same for any number of shards.
    """

    def __init__(self, keep_prob, seed, num_layers, rank):
        self._keep_prob, self._num_layers = keep_prob, num_layers
        if keep_prob is not None:                           # a seed is less than 2 ** 31
            self._key = tf.stack([tf.constant(seed + (rank << 31), tf.int64), step_counter().read_value()])

    def __call__(self, layer, outputs, sizes):
        """What is kept of the outputs, (T, n, H) or (n, H) for each shard, scaled so that their mean stays."""
        if self._keep_prob is None:
            return outputs
        whole = tf.concat([tf.shape(outputs[0])[:-2], [sum(sizes)], tf.shape(outputs[0])[-1:]], axis=0)
        key = self._key * [1, self._num_layers] + [0, layer]
        kept = tf.floor(tf.random.stateless_uniform(whole, key) + self._keep_prob) / self._keep_prob
        dropped = [output * part for output, part in zip(outputs, tf.split(kept, sizes, axis=-2))]
        for after, before in zip(dropped, outputs):
            after.set_shape(before.shape)                   # the keep probability of the book has no known shape
        return dropped


def shard_sizes(rows: int, shards: int) -> List[int]:
    """The rows of each shard: as equal as can be, the longer ones first.

    Parameters
    ----------
    rows : int
    shards : int

    Returns
    -------
    list of int
        `shards` long, or `rows` if that is fewer.
    """
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
    """The op-level seeds of the initial weights in a graph of the chapter, for a graph with other ops in it.

    Parameters
    ----------
    build : callable
        Adds the chapter's graph, up to its last variable, to the default graph; what it adds is thrown away.
    seed : int
        The graph-level seed.

    Returns
    -------
    dict of str to int
        Name of the variable to seed; variables that do not start at random are left out.
    """
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
    """A context in which `tf.get_variable` starts variables of these names with these op-level seeds.

    Parameters
    ----------
    seeds : dict of str to int
        As `initial_seeds` gives them; empty, the context changes nothing at all.
    """
    def seed(getter, name, **arguments):
        if name in seeds:
            arguments['initializer'] = tf.compat.v1.glorot_uniform_initializer(seed=seeds[name])
        return getter(name, **arguments)

    return tf.compat.v1.variable_scope(tf.compat.v1.get_variable_scope(), custom_getter=seed)
