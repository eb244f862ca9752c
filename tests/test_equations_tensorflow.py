"""The equations against TensorFlow's own cells, gradients and losses: the largest error over all elements.

Legend as in `rnnbook.equations`: N batch, T time steps, D input size, H hidden size, V classes.
"""

import numpy as np
import pytest
import tensorflow as tf

from rnnbook import equations as eq

N, T, D, H, V = 5, 20, 7, 16, 11
LENGTHS = np.array([T, 13, 1, 0, T - 1])
CELLS = {'rnn': (tf.nn.rnn_cell.BasicRNNCell, eq.rnn), 'lstm': (tf.nn.rnn_cell.BasicLSTMCell, eq.lstm),
         'gru': (tf.nn.rnn_cell.GRUCell, eq.gru)}
BPTT = {'rnn': eq.rnn_bptt, 'lstm': eq.lstm_bptt}

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)


class Network:
    """TensorFlow's cells under `dynamic_rnn` in a graph of their own, and the same weights as our layers."""

    def __init__(self, kind, num_layers, padding, dtype=np.float32):
        random = np.random.RandomState(num_layers)
        self.kind = kind
        self.x = random.randn(N, T, D).astype(dtype)
        self.lengths = LENGTHS if padding else None
        self.state = self._state(random, num_layers, dtype)
        self.d_outputs = random.randn(N, T, H).astype(dtype)
        with tf.Graph().as_default() as self.graph:
            self.tf_x = tf.compat.v1.placeholder(dtype, (N, None, D))
            cells = [CELLS[kind][0](H) for _ in range(num_layers)]
            cell = tf.nn.rnn_cell.MultiRNNCell(cells) if num_layers > 1 else cells[0]
            self.tf_state = cell.zero_state(N, dtype)
            self.tf_outputs, self.tf_final = tf.compat.v1.nn.dynamic_rnn(
                cell, self.tf_x, sequence_length=self.lengths, initial_state=self.tf_state, dtype=dtype)
            self.variables = tf.compat.v1.trainable_variables()
            # Kernels as the cells' own initialiser draws them; far larger ones make an RNN chaotic, and two orders of
            # summing drift apart in float32. Biases other than zero and one, so that their place in the formula counts.
            limits = [(variable, np.sqrt(6 / sum(variable.shape.as_list())) if len(variable.shape) == 2 else 0.3)
                      for variable in self.variables]
            weights = [random.uniform(-limit, limit, variable.shape).astype(dtype) for variable, limit in limits]
            self.session = tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(
                device_count={'GPU': 0}, intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))
            for variable, weight in zip(self.variables, weights):
                variable.load(weight, self.session)
        self.layers = self.as_layers(weights)

    def _state(self, random, num_layers, dtype):
        def array():
            return random.uniform(-0.9, 0.9, (N, H)).astype(dtype)
        return [eq.LSTMState(array(), array()) if self.kind == 'lstm' else array() for _ in range(num_layers)]

    def as_layers(self, arrays):
        """The variables, or their gradients, in the form of our layers."""
        if self.kind == 'gru':
            return [eq.GRULayer(*arrays[i:i + 4]) for i in range(0, len(arrays), 4)]
        pairs = list(zip(arrays[::2], arrays[1::2]))
        if self.kind == 'lstm':
            return [eq.LSTMLayer(*pair) for pair in pairs]
        return [eq.RNNLayer(kernel[:-H], kernel[-H:], bias) for kernel, bias in pairs]

    def run(self, fetches, x, state=None):
        """Fetches, with x and the state fed; zeros where none is given, as `zero_state` makes them."""
        feeds = {self.tf_x: x}
        if state is not None:
            feeds.update(zip(leaves(self.tf_state), leaves(state)))
        return self.session.run(fetches, feeds)

    def forward(self, x, state=None):
        """Our outputs and final state."""
        return CELLS[self.kind][1](x, self.layers, state, self.lengths)


def leaves(tree):
    """The arrays or tensors of a nested structure of tuples and lists, in order."""
    if isinstance(tree, (tuple, list)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def absolute_error(ours, theirs):
    """The largest difference of two structures of arrays, over all their elements."""
    ours, theirs = leaves(ours), leaves(theirs)
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    assert [array.dtype for array in ours] == [array.dtype for array in theirs]
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs))


def relative_error(ours, theirs):
    """For each array the largest difference over the largest entry; the worst of them."""
    return max(absolute_error(a, b) / np.abs(b).max() for a, b in zip(leaves(ours), leaves(theirs)))


@pytest.mark.parametrize('kind', sorted(CELLS))
@pytest.mark.parametrize('padding', [False, True])
@pytest.mark.parametrize('num_layers, dtype, limit', [
    (1, np.float32, 1e-6), (3, np.float32, 1e-6), (3, np.float64, 1e-13)])
def test_forward(kind, num_layers, padding, dtype, limit):
    network = Network(kind, num_layers, padding, dtype)
    for state in (None, network.state):
        theirs = network.run([network.tf_outputs, network.tf_final], network.x, state)
        assert absolute_error(network.forward(network.x, state), theirs) <= limit


def test_state_carried_from_one_run_into_the_next():
    # The chapter's way: fetch final_state, feed it as the next initial_state.
    network = Network('lstm', 3, padding=False)
    theirs, ours = None, None
    for start in range(0, T, 4):
        window = network.x[:, start:start + 4]
        their_outputs, theirs = network.run([network.tf_outputs, network.tf_final], window, theirs)
        our_outputs, ours = network.forward(window, ours)
        assert absolute_error((our_outputs, ours), (their_outputs, theirs)) <= 1e-6


@pytest.mark.parametrize('kind', sorted(BPTT))
@pytest.mark.parametrize('padding', [False, True])
@pytest.mark.parametrize('num_layers, dtype, limit', [
    (1, np.float32, 1e-5), (3, np.float32, 1e-5), (3, np.float64, 1e-12)])
def test_bptt(kind, num_layers, padding, dtype, limit):
    network = Network(kind, num_layers, padding, dtype)
    with network.graph.as_default():
        sources = network.variables + [network.tf_x] + leaves(network.tf_state)
        gradients = tf.gradients(tf.reduce_sum(network.tf_outputs * network.d_outputs), sources)
    theirs = network.run(gradients, network.x, network.state)
    count = len(network.variables)
    ours = BPTT[kind](network.x, network.layers, network.d_outputs, network.state, network.lengths)
    assert relative_error(ours, [network.as_layers(theirs[:count]), theirs[count:]]) <= limit


@pytest.mark.parametrize('num_layers', [1, 3])
@pytest.mark.parametrize('num_steps', [5, 8])
def test_windows_are_what_the_chapter_feeds(num_layers, num_steps):
    # CharRNN.train without its updates: windows of num_steps, the final state fed into the next, gradients added up.
    network = Network('lstm', num_layers, padding=False)
    with network.graph.as_default():
        tf_d_outputs = tf.compat.v1.placeholder(np.float32, (N, None, H))
        gradients = tf.gradients(tf.reduce_sum(network.tf_outputs * tf_d_outputs), network.variables)
    state, sums = network.state, 0
    for start in range(0, T, num_steps):
        feeds = dict(zip(leaves(network.tf_state), leaves(state)))
        feeds[network.tf_x] = network.x[:, start:start + num_steps]
        feeds[tf_d_outputs] = network.d_outputs[:, start:start + num_steps]
        state, window = network.session.run([network.tf_final, gradients], feeds)
        sums = [total + part for total, part in zip(sums, window)] if start else window
    ours, _, _ = eq.lstm_bptt(network.x, network.layers, network.d_outputs, network.state, num_steps=num_steps)
    assert relative_error(ours, network.as_layers(sums)) <= 1e-5


def evaluate(build):
    """The value of what `build` makes in a graph of its own."""
    with tf.Graph().as_default(), tf.compat.v1.Session(
            config=tf.compat.v1.ConfigProto(device_count={'GPU': 0})) as session:
        return session.run(build())


def test_activations_and_cross_entropies():
    random = np.random.RandomState(0)
    logits = (4 * random.randn(N, T, V)).astype(np.float32)
    targets = random.randint(V, size=(N, T))
    labels = eq.one_hot(targets, V)

    def build():
        tensor = tf.constant(logits)
        softmax_loss = tf.nn.softmax_cross_entropy_with_logits(logits=tensor, labels=labels)
        sigmoid_loss = tf.nn.sigmoid_cross_entropy_with_logits(logits=tensor, labels=labels)
        return [tf.sigmoid(tensor), tf.nn.softmax(tensor), softmax_loss, sigmoid_loss, tf.one_hot(targets, V),
                tf.gradients(softmax_loss, tensor), tf.gradients(sigmoid_loss, tensor)]
    theirs = evaluate(build)
    ours = [eq.sigmoid(logits), eq.softmax(logits), eq.softmax_cross_entropy(logits, labels),
            eq.sigmoid_cross_entropy(logits, labels), labels,
            [eq.softmax_cross_entropy_gradient(logits, labels)], [eq.sigmoid_cross_entropy_gradient(logits, labels)]]
    assert relative_error(ours, theirs) <= 1e-6


def test_output_layer_and_its_gradients():
    random = np.random.RandomState(1)
    h, W_hy, b_y, d_logits = [random.randn(*shape).astype(np.float32) for shape in ((N, T, H), (H, V), (V,), (N, T, V))]

    def build():
        tensors = [tf.constant(W_hy), tf.constant(b_y), tf.constant(h)]
        logits = tf.tensordot(tensors[2], tensors[0], 1) + tensors[1]
        return [logits, tf.gradients(tf.reduce_sum(logits * d_logits), tensors)]
    logits, gradients = evaluate(build)
    assert relative_error(eq.output_layer(h, W_hy, b_y), logits) <= 1e-6
    assert relative_error(eq.output_layer_gradients(h, W_hy, d_logits), gradients) <= 1e-6


def test_embedding():
    random = np.random.RandomState(2)
    embedding = random.uniform(-1, 1, (V, D)).astype(np.float32)
    ids = random.randint(V, size=(N, T))
    looked_up, multiplied = evaluate(lambda: [
        tf.nn.embedding_lookup(embedding, ids), tf.tensordot(tf.one_hot(ids, V), tf.constant(embedding), 1)])
    np.testing.assert_array_equal(eq.embedding_lookup(embedding, ids), looked_up)
    np.testing.assert_array_equal(eq.one_hot_matmul(ids, embedding), looked_up)
    np.testing.assert_array_equal(multiplied, looked_up)


@pytest.mark.parametrize('size', [0.01, 1, 100])
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_clip_by_global_norm(size, dtype):
    random = np.random.RandomState(3)
    gradients = [(size * random.randn(*shape)).astype(dtype) for shape in ((H, V), (V,), (3, 4, 5))]
    theirs, their_norm = evaluate(lambda: tf.clip_by_global_norm([tf.constant(array) for array in gradients], 5))
    ours, our_norm = eq.clip_by_global_norm(gradients, 5)
    assert relative_error(ours + [np.asarray(our_norm)], theirs + [np.asarray(their_norm)]) <= 1e-6
    if size == 0.01:                                    # far below the limit: not touched, in either
        for ours_one, theirs_one in zip(ours, theirs):
            np.testing.assert_array_equal(ours_one, theirs_one)


def test_clip_by_global_norm_at_the_edges():
    def build():
        return [tf.clip_by_global_norm([tf.zeros((2,))], 5), tf.clip_by_global_norm([tf.constant([1., np.inf])], 5)]
    for (ours, our_norm), (theirs, their_norm) in zip(
            [eq.clip_by_global_norm([np.zeros(2, np.float32)], 5),
             eq.clip_by_global_norm([np.array([1, np.inf], np.float32)], 5)], evaluate(build)):
        np.testing.assert_array_equal(ours, theirs)
        assert our_norm == their_norm
    ours, _ = eq.clip_by_global_norm([None, np.ones(2)], 1)
    assert ours[0] is None                              # as TensorFlow hands back the None of tf.gradients
