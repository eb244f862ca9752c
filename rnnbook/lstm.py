"""The recurrent layers, multilayer LSTM with dropout ("Step 1" to "Step 3" of "The build method").

Cell: Hochreiter and Schmidhuber 1997, in the form of Zaremba, Sutskever and Vinyals 2014 (arXiv:1409.2329), which is
`BasicLSTMCell`: gates in the order i (input), j (candidate), f (forget), o (output), one kernel of the shape
[D + H, 4H] for the input and the hidden units, 1.0 added to the forget gate's argument.

Shapes: N batch, T time steps, D input size, H lstm_size.
"""

import tensorflow as tf

__all__ = ['ENGINES', 'build', 'cells']

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
    """The layers without dropout as one cell, for a graph that computes a time step at a time or any number of them.

    Parameters
    ----------
    engine : {'book'}
        ``'book'``: the chapter's cells, with the outputs of `build` to the last bit.
    lstm_size : int
        H, the units of each layer.
    num_layers : int

    Returns
    -------
    tf.nn.rnn_cell.RNNCell
        Its state is a tuple of `num_layers` LSTMStateTuple. Called in the scope ``'rnn'``, as `tf.nn.dynamic_rnn` does,
        its variables have the names of those of `build`.
    """
    cell = {'book': tf.contrib.rnn.BasicLSTMCell}[engine]
    return tf.contrib.rnn.MultiRNNCell([cell(lstm_size) for _ in range(num_layers)])
