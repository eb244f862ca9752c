"""The equations against worked examples, finite differences and brute force. No TensorFlow; any Python and NumPy.

Legend as in `rnnbook.equations`: N batch, T time steps, D input size, H hidden size, V classes.
"""

import inspect
import math
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

from rnnbook import equations as eq
from rnnbook.errors import ArgumentTypeError, ArgumentValueError

KINDS = {'rnn': (eq.rnn, eq.rnn_bptt, eq.RNNLayer), 'lstm': (eq.lstm, eq.lstm_bptt, eq.LSTMLayer),
         'gru': (eq.gru, None, eq.GRULayer)}
BPTT = ['rnn', 'lstm']
N, T, D, H = 3, 5, 2, 3


def make_layers(random, kind, num_layers, dtype=np.float64):
    """Random layers of H units, the first of inputs of size D; scaled so that tanh is far from flat."""
    shapes = {'rnn': lambda size: [(size, H), (H, H), (H,)],
              'lstm': lambda size: [(size + H, 4 * H), (4 * H,)],
              'gru': lambda size: [(size + H, 2 * H), (2 * H,), (size + H, H), (H,)]}[kind]
    return [KINDS[kind][2](*[random.uniform(-0.7, 0.7, shape).astype(dtype) for shape in shapes(size)])
            for size in [D] + [H] * (num_layers - 1)]


def make_state(random, kind, num_layers, dtype=np.float64):
    """A random state, as it would be carried over from earlier steps."""
    def array():
        return random.uniform(-0.9, 0.9, (N, H)).astype(dtype)
    return tuple(eq.LSTMState(array(), array()) if kind == 'lstm' else array() for _ in range(num_layers))


def make_case(random, kind, num_layers):
    """x, layers and a carried state."""
    return random.randn(N, T, D), make_layers(random, kind, num_layers), make_state(random, kind, num_layers)


def leaves(tree):
    """The arrays of a nested structure of tuples and lists, in order."""
    if isinstance(tree, (tuple, list)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def relative_error(actual, expected):
    """The largest difference of two arrays over the largest entry of the expected one."""
    assert actual.shape == expected.shape
    return np.abs(actual - expected).max() / np.abs(expected).max()


def numeric_gradient(loss, array, step=1e-5):
    """Central finite differences of loss() by each entry of an array, which is changed in place and restored."""
    gradient = np.empty_like(array)
    for index in np.ndindex(*array.shape):
        value = array[index]
        array[index] = value + step
        above = loss()
        array[index] = value - step
        below = loss()
        array[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


# ---- worked by hand, the decimals from 40-digit arithmetic -----------------------------------------------------------

def test_rnn_of_one_unit_and_two_steps_by_hand():
    # z(1) = 0.5 * 1 + 2 * 0 + 0.1 = 0.6                              h(1) = tanh(z(1)) = 0.53704956699804
    # z(2) = 0.5 * -1 + 2 * h(1) + 0.1 = 0.67409913399607             h(2) = tanh(z(2)) = 0.58766982192431
    outputs, (state,) = eq.rnn([[[1.], [-1.]]], [eq.RNNLayer([[0.5]], [[2.]], [0.1])])
    np.testing.assert_allclose(outputs, [[[0.53704956699804], [0.58766982192431]]], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(state, outputs[:, -1])
    # z_y(2) = 3 h(2) - 1
    np.testing.assert_allclose(eq.output_layer(state, [[3.]], [-1.]), [[0.76300946577293]], rtol=0, atol=3e-14)


def test_bptt_of_one_unit_and_two_steps_by_hand():
    # L = h(2), so d z(2) = 1 - h(2)^2 = 0.65464418039945
    # d h(1) = 2 d z(2), so d z(1) = d h(1) (1 - h(1)^2) = 0.93166048235877
    # d W_xh = d z(1) x(1) + d z(2) x(2), d W_hh = d z(1) h(0) + d z(2) h(1), d b_h = d z(1) + d z(2)
    def assert_close(actual, expected):
        np.testing.assert_allclose(np.concatenate([np.ravel(leaf) for leaf in leaves(actual)]), expected,
                                   rtol=0, atol=1e-14)
    arguments = ([[[1.], [-1.]]], [eq.RNNLayer([[0.5]], [[2.]], [0.1])], [[[0.], [1.]]])
    (layer,), d_x, (d_h0,) = eq.rnn_bptt(*arguments)
    assert_close(layer, [0.27701630195932, 0.35157637362131, 1.58630466275822])
    assert_close(d_x, [0.93166048235877 / 2, 0.65464418039945 / 2])
    assert_close(d_h0, [0.93166048235877 * 2])
    for scheme in ('windows', 'sliding'):               # one step back: h(1) is a constant
        (layer,), d_x, (d_h0,) = eq.rnn_bptt(*arguments, num_steps=1, scheme=scheme)
        assert_close(layer, [-0.65464418039945, 0.35157637362131, 0.65464418039945])
        assert_close(d_x, [0, 0.65464418039945 / 2])
        assert_close(d_h0, [0])


def test_lstm_of_one_unit_by_hand():
    # x = 1, h = 0.5, C = -1; the net inputs of i, j, f, o are 1, -0.25, 0.75 and 0.
    # C = -sigmoid(0.75 + 1) + sigmoid(1) tanh(-0.25), h = sigmoid(0) tanh(C)
    x, state = [[1.]], ([[-1.]], [[0.5]])
    kernel = [[0.5, -1., 0.25, 1.], [1., 1., 1., -2.]]
    expected = [[[-1.03100269118513]], [[-0.38715508656309]]]
    np.testing.assert_allclose(eq.lstm_step(x, state, (kernel, [0., 0.25, 0., 0.])), expected, rtol=0, atol=1e-14)
    moved = eq.lstm_step(x, state, (kernel, [0., 0.25, 1., 0.]), forget_bias=0)
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-14)


def test_gru_of_one_unit_by_hand():
    # r = sigmoid(0) = 0.5; u = sigmoid(log 3) = 0.75; the candidate is tanh(1 + 2 * 0.5 * 0.4) = tanh(1.4)
    h = eq.gru_step([[1.]], [[0.4]], eq.GRULayer([[0., 0.], [0., 0.]], [0., math.log(3)], [[1.], [2.]], [0.]))
    np.testing.assert_allclose(h, [[0.52133791205057]], rtol=0, atol=1e-14)


def test_second_layer_reads_the_first_at_the_same_step():
    random = np.random.RandomState(0)
    x, layers, state = make_case(random, 'rnn', 2)
    outputs, final = eq.rnn(x, layers, state)
    h1, h2 = state
    for t in range(T):
        h1 = np.tanh(x[:, t] @ layers[0].W_xh + h1 @ layers[0].W_hh + layers[0].b_h)
        h2 = np.tanh(h1 @ layers[1].W_xh + h2 @ layers[1].W_hh + layers[1].b_h)
        np.testing.assert_allclose(outputs[:, t], h2, rtol=1e-14)
    np.testing.assert_allclose(final, (h1, h2), rtol=1e-14)


# ---- sequences -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('kind', sorted(KINDS))
@pytest.mark.parametrize('num_layers', [1, 3])
def test_state_carried_over_equals_one_long_sequence(kind, num_layers):
    random = np.random.RandomState(1)
    x, layers, state = make_case(random, kind, num_layers)
    forward = KINDS[kind][0]
    outputs, final = forward(x, layers, state)
    first, middle = forward(x[:, :3], layers, state)
    second, last = forward(x[:, 3:], layers, middle)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), outputs)
    for ours, expected in zip(leaves(last), leaves(final)):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize('kind', sorted(KINDS))
def test_padding_equals_each_sequence_on_its_own(kind):
    random = np.random.RandomState(2)
    x, layers, state = make_case(random, kind, 2)
    forward = KINDS[kind][0]
    outputs, final = forward(x, layers, state, [2, T, 0])
    x[0, 2:], x[2] = np.nan, np.nan                     # whatever stands in the padding
    np.testing.assert_array_equal(forward(x, layers, state, [2, T, 0])[0], outputs)
    alone, _ = forward(x[:1, :2], layers, [rows(part, 0) for part in state])
    np.testing.assert_allclose(outputs[:1, :2], alone, rtol=1e-13)
    np.testing.assert_array_equal(outputs[0, 2:], np.zeros((T - 2, H)))
    np.testing.assert_array_equal(outputs[2], np.zeros((T, H)))
    for after, before in zip(leaves(final), leaves(state)):
        np.testing.assert_array_equal(after[2], before[2])
    np.testing.assert_allclose(leaves(final)[-1][0], alone[0, -1], rtol=1e-13)


def rows(state, number):
    """One row of a layer's state, as a batch of one."""
    if isinstance(state, tuple):
        return eq.LSTMState(*[part[number:number + 1] for part in state])
    return state[number:number + 1]


@pytest.mark.parametrize('kind', sorted(KINDS))
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_the_dtype_is_that_of_the_inputs(kind, dtype):
    random = np.random.RandomState(3)
    forward, bptt, _ = KINDS[kind]
    x, layers = random.randn(N, T, D).astype(dtype), make_layers(random, kind, 2, dtype)
    given = [array.copy() for array in leaves([x, layers])]
    outputs, final = forward(x, layers, sequence_length=[1, 2, T])
    results = [outputs, final]
    if bptt:
        results.append(bptt(x, layers, np.ones_like(outputs), num_steps=2, scheme='sliding'))
    assert {array.dtype for array in leaves(results)} == {np.dtype(dtype)}
    for before, after in zip(given, leaves([x, layers])):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize('function', [eq.sigmoid, eq.softmax, lambda z: eq.softmax_cross_entropy(z, z * 0),
                                      lambda z: eq.sigmoid_cross_entropy(z, z * 0),
                                      lambda z: eq.clip_by_global_norm([z], 1)])
def test_functions_of_arrays_keep_float32(function):
    assert {array.dtype for array in leaves(function(np.ones((2, 3), np.float32)))} == {np.dtype(np.float32)}


# ---- activations, embedding, losses ----------------------------------------------------------------------------------

@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_nothing_overflows(dtype):
    z = np.array([[-1e4, 0, 1e4], [1e4, 1e4, 1e4]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        np.testing.assert_array_equal(eq.sigmoid(z), [[0, 0.5, 1], [1, 1, 1]])
        np.testing.assert_allclose(eq.softmax(z), [[0, 0, 1], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)
        np.testing.assert_allclose(eq.softmax_cross_entropy(z, [[1., 0, 0], [0, 1, 0]]), [2e4, math.log(3)], rtol=1e-6)
        np.testing.assert_allclose(eq.sigmoid_cross_entropy(z[0], [1., 0, 0]), [1e4, math.log(2), 1e4], rtol=1e-6)
    assert eq.sigmoid(-40.) == math.exp(-40) / (1 + math.exp(-40))      # a tail, not zero


def test_cross_entropies_against_their_definitions():
    random = np.random.RandomState(4)
    logits, targets = random.randn(2, 3, 5), random.randint(5, size=(2, 3))
    losses = eq.softmax_cross_entropy(logits, eq.one_hot(targets, 5))
    for n in range(2):
        for t in range(3):
            total = sum(math.exp(value) for value in logits[n, t])
            assert losses[n, t] == pytest.approx(-math.log(math.exp(logits[n, t, targets[n, t]]) / total), rel=1e-13)
    np.testing.assert_allclose(eq.sigmoid_cross_entropy([2., 2.], [1., 0.]),
                               [-math.log(1 / (1 + math.exp(-2))), -math.log(1 - 1 / (1 + math.exp(-2)))], rtol=1e-14)


def test_gradients_of_the_cross_entropies():
    random = np.random.RandomState(5)
    logits, labels = random.randn(3, 5), eq.softmax(random.randn(3, 5))
    for loss, gradient in ((eq.softmax_cross_entropy, eq.softmax_cross_entropy_gradient),
                           (eq.sigmoid_cross_entropy, eq.sigmoid_cross_entropy_gradient)):
        expected = numeric_gradient(lambda: loss(logits, labels).sum(), logits)
        assert relative_error(gradient(logits, labels), expected) < 1e-8


def test_loss_over_time_is_the_sum_of_the_losses():
    losses = [[1., 2., 4.], [8., 16., np.nan]]
    np.testing.assert_array_equal(eq.loss_over_time(losses, [3, 2]), [7, 24])
    np.testing.assert_array_equal(eq.loss_over_time(losses[:1]), [7])


def test_embedding_equals_one_hot_times_the_matrix():
    embedding = np.array([[0.5, -1], [2, 3], [-0.25, 7]], np.float32)
    ids = [[2, 0], [1, 2]]
    expected = [[[-0.25, 7], [0.5, -1]], [[2, 3], [-0.25, 7]]]
    np.testing.assert_array_equal(eq.embedding_lookup(embedding, ids), expected)
    np.testing.assert_array_equal(eq.one_hot_matmul(ids, embedding), expected)
    np.testing.assert_array_equal(eq.one_hot([1, 0], 3), [[0, 1, 0], [1, 0, 0]])
    assert eq.one_hot([1, 0], 3).dtype == np.float32


# ---- BPTT ------------------------------------------------------------------------------------------------------------

def weighted_loss(kind, x, layers, state, d_outputs, lengths=None):
    """A loss whose gradient by the outputs is d_outputs: sum over t of L(t) = d_outputs(t) . h(t)."""
    return (KINDS[kind][0](x, layers, state, lengths)[0] * d_outputs).sum()


@pytest.mark.parametrize('kind', BPTT)
@pytest.mark.parametrize('num_layers', [1, 3])
@pytest.mark.parametrize('lengths', [None, [T, 2, 0]])
def test_bptt_against_finite_differences(kind, num_layers, lengths):
    random = np.random.RandomState(6)
    x, layers, state = make_case(random, kind, num_layers)
    d_outputs = random.randn(N, T, H)
    results = KINDS[kind][1](x, layers, d_outputs, state, lengths)
    for actual, array in zip(leaves(results), leaves([layers, x, state])):
        expected = numeric_gradient(lambda: weighted_loss(kind, x, layers, state, d_outputs, lengths), array)
        assert relative_error(actual, expected) < 1e-6


@pytest.mark.parametrize('kind', BPTT)
def test_bptt_from_the_loss_of_a_language_model(kind):
    # The whole chain of "Training RNNs using BPTT": logits, softmax, L = sum of L(t), down to every weight.
    random = np.random.RandomState(7)
    V = 3
    x, layers, state = make_case(random, kind, 1)
    W_hy, b_y, labels = random.randn(H, V), random.randn(V), eq.one_hot(random.randint(V, size=(N, T)), V, float)
    forward, bptt, _ = KINDS[kind]

    def loss():
        logits = eq.output_layer(forward(x, layers, state)[0], W_hy, b_y)
        return eq.loss_over_time(eq.softmax_cross_entropy(logits, labels)).sum()
    outputs, _ = forward(x, layers, state)
    d_logits = eq.softmax_cross_entropy_gradient(eq.output_layer(outputs, W_hy, b_y), labels)
    d_W_hy, d_b_y, d_h = eq.output_layer_gradients(outputs, W_hy, d_logits)
    results = [d_W_hy, d_b_y, bptt(x, layers, d_h, state)]
    for actual, array in zip(leaves(results), leaves([W_hy, b_y, layers, x, state])):
        assert relative_error(actual, numeric_gradient(loss, array)) < 1e-6


@pytest.mark.parametrize('kind', BPTT)
@pytest.mark.parametrize('num_layers', [1, *(pytest.param(layers, marks=pytest.mark.slow) for layers in (2, 3))])
@pytest.mark.parametrize('num_steps', [1, 2, 3])
@pytest.mark.parametrize('scheme', ['windows', 'sliding'])
def test_truncated_bptt_against_its_definition(kind, num_layers, num_steps, scheme):
    # The definition, in forward passes alone: L(t) as a function of the weights, with the state before the step that
    # it reaches back to held fast. Finite differences of that, added up over t.
    random = np.random.RandomState(8)
    x, layers, state = make_case(random, kind, num_layers)
    d_outputs, lengths = random.randn(N, T, H), np.array([T, T - 2, 0])
    forward, bptt, _ = KINDS[kind]
    starts = {'windows': [t // num_steps * num_steps for t in range(T)],
              'sliding': [max(0, t - num_steps + 1) for t in range(T)]}[scheme]
    fast = [forward(x[:, :start], layers, state, np.minimum(lengths, start))[1] if start else state for start in starts]

    def loss():
        total = 0
        for t, start in enumerate(starts):
            left = np.clip(lengths - start, 0, t + 1 - start)
            total += (forward(x[:, start:t + 1], layers, fast[t], left)[0][:, -1] * d_outputs[:, t]).sum()
        return total
    results = bptt(x, layers, d_outputs, state, lengths, num_steps, scheme)
    for actual, array in zip(leaves(results), leaves([layers, x, state])):
        assert relative_error(actual, numeric_gradient(loss, array)) < 1e-6


@pytest.mark.parametrize('kind', BPTT)
def test_truncation_as_long_as_the_sequence_is_none(kind):
    random = np.random.RandomState(9)
    arguments = random.randn(N, T, D), make_layers(random, kind, 2), random.randn(N, T, H), make_state(random, kind, 2)
    bptt = KINDS[kind][1]
    full = leaves(bptt(*arguments))
    for scheme in ('windows', 'sliding'):
        for num_steps in (T, T + 5):
            for actual, expected in zip(leaves(bptt(*arguments, num_steps=num_steps, scheme=scheme)), full):
                assert relative_error(actual, expected) < 1e-13
        shorter = leaves(bptt(*arguments, num_steps=T - 1, scheme=scheme))
        assert all(relative_error(actual, expected) > 1e-4 for actual, expected in zip(shorter[:2], full))


# ---- long-range interactions, clipping -------------------------------------------------------------------------------

def test_jacobians_against_finite_differences():
    random = np.random.RandomState(10)
    x, layers, state = make_case(random, 'rnn', 1)
    outputs, _ = eq.rnn(x, layers, state)
    jacobians = eq.hidden_state_jacobians(outputs, layers[0].W_hh)
    assert jacobians.shape == (N, T + 1, H, H)
    np.testing.assert_array_equal(jacobians[:, 0], [np.eye(H)] * N)
    for distance in range(1, T + 1):
        before = state[0].copy() if distance == T else outputs[:, T - distance - 1].copy()
        for a in range(H):
            expected = numeric_gradient(lambda: eq.rnn(x[:, T - distance:], layers, [before])[1][0][:, a].sum(), before)
            assert relative_error(jacobians[:, distance, a], expected) < 1e-6


def test_jacobians_are_what_bptt_multiplies_with():
    random = np.random.RandomState(11)
    x, layers, d_outputs = random.randn(N, T, D), make_layers(random, 'rnn', 1), np.zeros((N, T, H))
    d_outputs[:, -1] = random.randn(N, H)
    jacobians = eq.hidden_state_jacobians(eq.rnn(x, layers)[0], layers[0].W_hh)
    _, _, (d_h0,) = eq.rnn_bptt(x, layers, d_outputs)
    np.testing.assert_allclose(np.einsum('na,nab->nb', d_outputs[:, -1], jacobians[:, -1]), d_h0, rtol=1e-12)


def test_one_unit_vanishes_keeps_or_explodes():
    np.testing.assert_array_equal(eq.one_unit_factors(0.5, 4), [1, 0.5, 0.25, 0.125, 0.0625])
    np.testing.assert_array_equal(eq.one_unit_factors(-1, 3), [1, -1, 1, -1])
    np.testing.assert_array_equal(eq.one_unit_factors(2, 3), [1, 2, 4, 8])
    assert eq.one_unit_factors(0.9, 100)[-1] < 3e-5 and eq.one_unit_factors(1.1, 100)[-1] > 1e4
    for w in (0.5, -1., 2.):                            # the same from a network whose tanh has the slope 1
        norms = eq.jacobian_norms(eq.hidden_state_jacobians(np.zeros((1, 5, 1)), [[w]]))
        np.testing.assert_allclose(norms[0], np.abs(eq.one_unit_factors(w, 5)), rtol=1e-15)


def test_norms_stay_under_the_power_of_the_weights_norm():
    random = np.random.RandomState(12)
    layers = make_layers(random, 'rnn', 1)
    norms = eq.jacobian_norms(eq.hidden_state_jacobians(eq.rnn(random.randn(N, T, D), layers)[0], layers[0].W_hh))
    bound = eq.one_unit_factors(np.linalg.norm(layers[0].W_hh, 2), T)
    assert norms.shape == (N, T + 1) and np.all(norms <= bound * (1 + 1e-12))
    np.testing.assert_allclose(norms[:, 0], 1, rtol=1e-15)


def test_clipping_by_hand():
    (a, nothing, b), norm = eq.clip_by_global_norm([[3., 0.], None, [[4.]]], 1)
    assert norm == 5 and nothing is None
    np.testing.assert_allclose(a, [0.6, 0], rtol=1e-15)
    np.testing.assert_allclose(b, [[0.8]], rtol=1e-15)
    (a, b), norm = eq.clip_by_global_norm([[3., 0.], [[4.]]], 8)        # small enough as they are
    np.testing.assert_array_equal(a, [3, 0])
    assert norm == 5
    (a,), norm = eq.clip_by_global_norm([[0., 0.]], 5)
    np.testing.assert_array_equal(a, [0, 0])
    (a,), norm = eq.clip_by_global_norm([[1., np.inf]], 5)
    assert np.isnan(a).all() and norm == np.inf


# ---- arguments -------------------------------------------------------------------------------------------------------

RNN = [eq.RNNLayer(np.zeros((2, 3)), np.zeros((3, 3)), np.zeros(3))]
LSTM = [eq.LSTMLayer(np.zeros((5, 12)), np.zeros(12))]
X = np.zeros((4, 5, 2))


@pytest.mark.parametrize('call, error, message', [
    (lambda: eq.rnn(X[0], RNN), ArgumentValueError, r'^x must have 3 dimensions, not the shape \(5, 2\)$'),
    (lambda: eq.rnn(X[:, :0], RNN), ArgumentValueError, r'^x must have 3 dimensions, not the shape \(4, 0, 2\)$'),
    (lambda: eq.rnn(X.astype(complex), RNN), ArgumentTypeError, '^x must be an array of real numbers'),
    (lambda: eq.rnn([[1.], [2., 3.]], RNN), ArgumentTypeError, '^x must be an array of real numbers'),
    (lambda: eq.rnn(X, RNN[0]), ArgumentTypeError, '^layers must be a list of at least one RNNLayer'),
    (lambda: eq.rnn(X, []), ArgumentTypeError, '^layers must be a list of at least one RNNLayer'),
    (lambda: eq.rnn(X, LSTM), ArgumentTypeError, r'^layers\[0\] must be a tuple \(W_xh, W_hh, b_h\)'),
    (lambda: eq.rnn(X, RNN * 2), ArgumentValueError, r'^layers\[1\]\.W_xh must have the shape \(3, 3\), not \(2, 3\)$'),
    (lambda: eq.lstm(X, [(LSTM[0].kernel, [0.])]), ArgumentValueError, r'^layers\[0\]\.kernel must have the shape'),
    (lambda: eq.rnn(X, RNN, np.zeros((4, 3))), ArgumentTypeError, '^initial_state must be a tuple of one state'),
    (lambda: eq.rnn(X, RNN, [np.zeros((1, 3))]), ArgumentValueError, r'^initial_state\[0\] must have the shape'),
    (lambda: eq.lstm(X, LSTM, [np.zeros((4, 3))]), ArgumentTypeError, r'^initial_state\[0\] must be a tuple \(c, h\)'),
    (lambda: eq.lstm(X, LSTM, [(np.zeros((4, 3)), np.zeros(3))]), ArgumentValueError, r'^initial_state\[0\]\.h must'),
    (lambda: eq.rnn(X, RNN, sequence_length=[5, 5, 6, 5]), ArgumentValueError,
     '^sequence_length must hold integers from 0 to 5, not 6$'),
    (lambda: eq.rnn(X, RNN, sequence_length=[5]), ArgumentValueError, r'^sequence_length must have the shape \(4,\)'),
    (lambda: eq.rnn(X, RNN, sequence_length=[1.] * 4), ArgumentTypeError,
     '^sequence_length must be an array of integers'),
    (lambda: eq.rnn_bptt(X, RNN, np.zeros((4, 3))), ArgumentValueError, r'^d_outputs must have the shape \(4, 5, 3\)'),
    (lambda: eq.rnn_bptt(X, RNN, np.zeros((4, 5, 3)), num_steps=0), ArgumentValueError, '^num_steps must be'),
    (lambda: eq.rnn_bptt(X, RNN, np.zeros((4, 5, 3)), scheme='window'), ArgumentValueError,
     "^scheme must be one of 'windows', 'sliding'"),
    (lambda: eq.lstm(X, LSTM, forget_bias=None), ArgumentTypeError, '^forget_bias must be'),
    (lambda: eq.lstm_step(X[:, 0], np.zeros((4, 3)), LSTM[0]), ArgumentTypeError, r'^state must be a tuple \(c, h\)'),
    (lambda: eq.rnn_step(X[:, 0], np.zeros((4, 2)), RNN[0]), ArgumentValueError, '^h must have the shape'),
    (lambda: eq.gru_step(X[:, 0], np.zeros((4, 2)), RNN[0]), ArgumentTypeError, '^layer must be a tuple'),
    (lambda: eq.output_layer(X, np.zeros((3, 2)), [0., 0.]), ArgumentValueError, '^h must have the shape'),
    (lambda: eq.output_layer(X, np.zeros((2, 3)), [0.]), ArgumentValueError, '^b_y must have the shape'),
    (lambda: eq.output_layer_gradients(X, np.zeros((2, 3)), X), ArgumentValueError, '^d_logits must have the shape'),
    (lambda: eq.embedding_lookup(np.zeros((3, 2)), [[3]]), ArgumentValueError,
     '^ids must hold integers from 0 to 2, not 3$'),
    (lambda: eq.one_hot([-1], 3), ArgumentValueError, '^ids must hold integers from 0 to 2, not -1$'),
    (lambda: eq.one_hot([[1], [1, 2]], 3), ArgumentTypeError, '^ids must be an array of integers'),
    (lambda: eq.one_hot([0.5], 3), ArgumentTypeError, '^ids must be an array of integers'),
    (lambda: eq.softmax_cross_entropy(np.zeros((2, 3)), [0, 1]), ArgumentValueError, '^labels must have the shape'),
    (lambda: eq.softmax(1.), ArgumentValueError, r'^z must have the shape \(\.\.\., V\)'),
    (lambda: eq.softmax_cross_entropy(np.zeros((2, 0)), np.zeros((2, 0))), ArgumentValueError, '^logits must have'),
    (lambda: eq.clip_by_global_norm([[1.]], 0), ArgumentValueError, '^clip_norm must be'),
    (lambda: eq.clip_by_global_norm([None], 1), ArgumentValueError, '^gradients must hold'),
])
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize('name', eq.__all__)
def test_docstrings_say_what_goes_in_and_what_comes_out(name):   # every argument: test_docstrings.py
    function = getattr(eq, name)
    if inspect.isfunction(function):
        for section in ('Parameters', 'Returns'):
            assert re.search(r'^    %s\n    -+$' % section, function.__doc__, re.MULTILINE)


def test_all_lists_every_public_name():
    own = {name for name, value in vars(eq).items()
           if not name.startswith('_') and getattr(value, '__module__', None) == eq.__name__}
    assert own == set(eq.__all__)


def test_import_needs_numpy_alone():
    code = ("import sys; import rnnbook.equations; "
            "sys.exit(bool({'tensorflow', 'tensorflow_core', 'pandas'} & set(sys.modules)))")
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    assert subprocess.call([sys.executable, '-c', code], cwd=root) == 0
