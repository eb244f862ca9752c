"""The recurrent layers, multilayer LSTM with dropout: "Step 1" to "Step 3" of the chapter's `build` method.

Cell: Hochreiter and Schmidhuber 1997, in the form of Zaremba, Sutskever and Vinyals 2014 (arXiv:1409.2329), which is
`BasicLSTMCell`: gates in the order i (input), j (candidate), f (forget), o (output), one kernel of the shape
[D + H, 4H] for the input and the hidden units, 1.0 added to the forget gate's argument. Both engines have variables of
the same names, shapes and initial values, so that a checkpoint of one restores in the other.

Shapes: N batch, T time steps, D input size, U distinct inputs, H lstm_size.
"""

from __future__ import annotations

from typing import Callable, ContextManager, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from rnnbook.network.devices import tf

__all__ = ['ENGINES', 'Layers', 'State', 'build', 'cells', 'ByNumber', 'size_of', 'initial_seeds', 'seeded']

#: A third, 'listing', has the ops of the printed listing one for one: only the seeds of its initial weights are used.
ENGINES = ('book', 'fused')

#: For each layer its `LSTMStateTuple`: c and h, (N, H) each.
State = Tuple[tf.contrib.rnn.LSTMStateTuple, ...]


class Layers(NamedTuple):
    """The recurrent layers of a model, and what their dropout depends on."""

    engine: str
    lstm_size: int
    num_layers: int
    shards: Optional[int] = None
    seed: int = 0
    rank: int = 0
    recurrent_keep_prob: float = 1.0


def build(layers: Layers, inputs: tf.Tensor, keep_prob: Optional[tf.Tensor] = None, *, top: bool = True,
          first_seed: Optional[int] = None, time_major: bool = False) -> Tuple[tf.Tensor, State, State]:
    """The chapter's layers over inputs (N, T, D): the outputs (N, T, H), the initial and the final state.

    With `time_major`, inputs and outputs have T first; without `top`, the last layer has no dropout.
    """
    # Step 1: the cells of all layers
    stack = cells(layers, keep_prob, top=top, first_seed=first_seed)

    # Step 2: the initial state
    initial_state = stack.zero_state(size_of(inputs, int(time_major)), tf.float32)  # per layer: c, h (N, H)

    # Step 3: all time steps
    # Book: drops outputs in the loop, in which the dropout ops of 32 time steps run in any order, so that two runs with
    # one seed differ. Here those of the last layer are dropped after it, and between layers one time step at a time.
    outputs, final_state = tf.nn.dynamic_rnn(stack, inputs, initial_state=initial_state, time_major=time_major,
                                             parallel_iterations=32 if layers.num_layers == 1 else 1)
    return outputs, initial_state, final_state


def cells(layers: Layers, keep_prob: Optional[tf.Tensor] = None, *, top: bool = True,
          first_seed: Optional[int] = None) -> tf.compat.v1.nn.rnn_cell.MultiRNNCell:
    """The layers as one cell that computes one time step; without `top`, the last layer has no dropout."""
    def layer(number):
        cell = (tf.contrib.rnn.LSTMBlockCell(layers.lstm_size, name='basic_lstm_cell') if layers.engine == 'fused'
                else tf.contrib.rnn.BasicLSTMCell(layers.lstm_size))
        if keep_prob is None or (number == layers.num_layers - 1 and not top):
            return cell
        seed = None if first_seed is None else first_seed + number
        return tf.contrib.rnn.DropoutWrapper(cell, output_keep_prob=keep_prob, seed=seed)

    return tf.contrib.rnn.MultiRNNCell([layer(number) for number in range(layers.num_layers)])


class ByNumber(tf.compat.v1.nn.rnn_cell.MultiRNNCell):
    """Cells for numbers (N,) or (N, 1) in place of inputs (N, D), by looking up their product with the kernel.

    A number stands for a row of `vectors`, (U, D), or for a one-hot row. The variables are those of the cells."""

    def __init__(self, cells: tf.compat.v1.nn.rnn_cell.MultiRNNCell, vectors: Optional[tf.Tensor] = None) -> None:
        super().__init__(cells._cells)
        kernel, bias = self._cells[0].trainable_weights
        w_x, self._w_h = kernel[:-self.output_size], kernel[-self.output_size:]     # (D, 4H), (H, 4H)
        gates = zip(tf.split(w_x, 4, axis=1), tf.split(bias, 4), (0.0, 0.0, 1.0, 0.0))
        self._table = tf.concat([(w if vectors is None else tf.matmul(vectors, w)) + (b + one) for w, b, one in gates],
                                axis=1)                     # (U, 4H), in four products that run in parallel

    def __call__(self, numbers, state, scope=None):
        c, h = state[0]
        gates = tf.gather(self._table, tf.reshape(numbers, [-1])) + tf.matmul(h, self._w_h)         # (N, 4H)
        i, j, f, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)                          # (N, H)
        h = tf.sigmoid(o) * tf.tanh(c)                                              # (N, H)
        output, states = h, [tf.nn.rnn_cell.LSTMStateTuple(c, h)]
        for cell, before in zip(self._cells[1:], state[1:]):
            output, after = cell(output, before)
            states.append(after)
        return output, tuple(states)


def size_of(tensor: tf.Tensor, axis: int = 0) -> Union[int, tf.Tensor]:
    """The size of an axis: an int where the graph knows it, else a tensor."""
    return tf.shape(tensor)[axis] if tensor.shape[axis].value is None else tensor.shape[axis].value


def initial_seeds(build: Callable[[], None], seed: int) -> Dict[str, int]:
    """The op-level seeds of the initial weights in a graph of the chapter, for a graph with other ops in it."""
    seeds = {}
    with tf.Graph().as_default() as graph:
        tf.compat.v1.set_random_seed(seed)
        build()
        for variable in graph.get_collection('trainable_variables'):
            ahead: List[tf.Operation] = [variable.initial_value.op]
            while ahead:
                op = ahead.pop()
                if op.type == 'RandomUniform':
                    seeds[variable.op.name] = op.get_attr('seed2')
                ahead.extend(tensor.op for tensor in op.inputs)
    return seeds


def seeded(seeds: Mapping[str, int]) -> ContextManager[tf.compat.v1.VariableScope]:
    """A context in which `tf.get_variable` uses these op-level seeds for variables of these names."""
    def seed(getter, name, **arguments):
        if name in seeds:
            arguments['initializer'] = tf.compat.v1.glorot_uniform_initializer(seed=seeds[name])
        return getter(name, **arguments)

    return tf.compat.v1.variable_scope(tf.compat.v1.get_variable_scope(), custom_getter=seed)
