"""The recurrent layers, multilayer LSTM with dropout ("Step 1" to "Step 3" of "The build method").

Cell: Hochreiter and Schmidhuber 1997, in the form of Zaremba, Sutskever and Vinyals 2014 (arXiv:1409.2329), which is
`BasicLSTMCell`: gates in the order i (input), j (candidate), f (forget), o (output), one kernel of the shape
[D + H, 4H] for the input and the hidden units, 1.0 added to the forget gate's argument.

Shapes: N batch, T time steps, D input size, H lstm_size.
"""

import tensorflow as tf

__all__ = ['ENGINES', 'build', 'cells', 'reading_numbers']

ENGINES = ('book',)


def build(engine, inputs, lstm_size, num_layers, keep_prob):
    """Add the layers to the default graph.

    Parameters
    ----------
    engine : {'book'}
        ``'book'``: the chapter's cells under `tf.nn.dynamic_rnn`.
    inputs : tf.Tensor of float32, shape (N, T, D)
        N is known.
    lstm_size : int
        H, the units of each layer.
    num_layers : int
    keep_prob : tf.Tensor of float32, shape ()
        The probability that dropout keeps an output.

    Returns
    -------
    outputs : tf.Tensor of float32, shape (N, T, H)
    initial_state, final_state : tuple of `num_layers` LSTMStateTuple, each (c, h) of shape (N, H)
        The zero state, which a session may feed, and the state after the last step.
    """
    return {'book': _book}[engine](inputs, lstm_size, num_layers, keep_prob)


def _book(inputs, lstm_size, num_layers, keep_prob):
    """The chapter's layers, op for op: the graph-level seed makes initial weights a function of the ops before them."""
    cells = tf.contrib.rnn.MultiRNNCell(
        [tf.contrib.rnn.DropoutWrapper(tf.contrib.rnn.BasicLSTMCell(lstm_size), output_keep_prob=keep_prob)
         for _ in range(num_layers)])
    initial_state = cells.zero_state(inputs.shape[0].value, tf.float32)             # per layer: c, h (N, H)
    # Book: parallel_iterations is left at 32, so that the dropout ops of several time steps run in any order and two
    # runs with one seed differ. One at a time changes nothing else.
    outputs, final_state = tf.nn.dynamic_rnn(cells, inputs, initial_state=initial_state,
                                             parallel_iterations=1)                 # (N, T, H)
    return outputs, initial_state, final_state


def cells(engine, lstm_size, num_layers):
    """The layers without dropout as one cell, for a graph of any number of time steps and rows.

    Parameters
    ----------
    engine : {'book', 'fused'}
        ``'book'``: the chapter's cells, with the outputs of `build` to the last bit. ``'fused'``: `LSTMBlockCell`, one
        op a layer, of the same variables.
    lstm_size : int
        H, the units of each layer.
    num_layers : int

    Returns
    -------
    tf.nn.rnn_cell.RNNCell
        Its state is a tuple of `num_layers` LSTMStateTuple. Its variables have the names of those of `build` once
        `tf.nn.dynamic_rnn` has made them.
    """
    def layer():
        if engine == 'book':
            return tf.contrib.rnn.BasicLSTMCell(lstm_size)
        return tf.contrib.rnn.LSTMBlockCell(lstm_size, forget_bias=1.0, name='basic_lstm_cell')

    return tf.contrib.rnn.MultiRNNCell([layer() for _ in range(num_layers)])


def reading_numbers(cells, depth):
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
