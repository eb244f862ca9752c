"""The chapter's mathematics in NumPy: RNN, LSTM and GRU forward, losses over time, BPTT, gradient clipping.

It is written to be read. The tests use it as their oracle, and `rnnbook.portable` as its engine without TensorFlow.

Legend: N batch, T time steps, D input size, H hidden size (the book's lstm_size), V classes. The chapter writes
columns, W_xh x; here, as in TensorFlow, a sample is a row and the product is x W_xh, with W_xh of shape (D, H).

A layer is a named tuple of its weights (`RNNLayer`, `LSTMLayer`, `GRULayer`; a plain tuple in the same order will do).
A multilayer network is a list of layers from the bottom up, and its state is a tuple with one state per layer.

All functions compute in the dtype that they are given, float32 or float64 (integers count as float64, a mixture as the
wider one), and change none of their arguments. They raise `ArgumentValueError` for a shape or value that breaks a rule
and `ArgumentTypeError` for anything but an array of real numbers; the message names the argument.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from rnnbook.base.checks import ArrayLike, check_choice, check_int, check_number, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError

__all__ = ['RNNLayer', 'LSTMLayer', 'GRULayer', 'LSTMState', 'sigmoid', 'softmax',
           'embedding_lookup', 'one_hot', 'one_hot_matmul',
           'rnn_step', 'lstm_step', 'gru_step', 'rnn', 'lstm', 'gru', 'output_layer', 'output_layer_gradients',
           'softmax_cross_entropy', 'softmax_cross_entropy_gradient',
           'sigmoid_cross_entropy', 'sigmoid_cross_entropy_gradient', 'loss_over_time', 'rnn_bptt', 'lstm_bptt',
           'hidden_state_jacobians', 'jacobian_norms', 'one_unit_factors', 'clip_by_global_norm']

RNNLayer = namedtuple('RNNLayer', 'W_xh W_hh b_h')
LSTMLayer = namedtuple('LSTMLayer', 'kernel bias')
GRULayer = namedtuple('GRULayer', 'gate_kernel gate_bias candidate_kernel candidate_bias')
LSTMState = namedtuple('LSTMState', 'c h')                  # both (N, H), in the order of TensorFlow's LSTMStateTuple

_HState = namedtuple('_HState', 'h')                        # of the other two kinds; a caller gives and gets h alone

# For each kind of layer: its state, the length of its last weight as a multiple of H, and the shapes of all weights.
_KINDS = {RNNLayer: (_HState, 1, lambda D, H: ((D, H), (H, H), (H,))),
          LSTMLayer: (LSTMState, 4, lambda D, H: ((D + H, 4 * H), (4 * H,))),
          GRULayer: (_HState, 1, lambda D, H: ((D + H, 2 * H), (2 * H,), (D + H, H), (H,)))}


# ---- arguments -------------------------------------------------------------------------------------------------------

def _array(name, value, dtypes, numbers, shape):
    """The value as an array of one of these kinds of dtype, of exactly this shape if one is given."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in dtypes:
            raise ValueError
    except ValueError:                                      # NumPy's own is for rows of unequal length
        raise ArgumentTypeError('%s must be an array of %s, not %s' % (name, numbers, shorten(value))) from None
    if shape is not None and array.shape != shape:
        raise ArgumentValueError('%s must have the shape %s, not %s' % (name, shape, array.shape))
    return array


def _floats(name, value, shape=None, ndim=None):
    """The value as an array of float, of exactly this shape or this number of dimensions if one is given."""
    array = _array(name, value, 'fiub', 'real numbers', shape)
    if ndim is not None and (array.ndim != ndim or 0 in array.shape[1:]):
        raise ArgumentValueError('%s must have %d dimensions, not the shape %s' % (name, ndim, array.shape))
    return array if array.dtype.kind == 'f' else array.astype(np.float64)


def _layer(name, kind, layer, D):
    """One layer of this kind for inputs of size D, checked, and its H."""
    if not isinstance(layer, (tuple, list)) or len(layer) != len(kind._fields):
        raise ArgumentTypeError('%s must be a tuple (%s), not %s' % (name, ', '.join(kind._fields), shorten(layer)))
    names = ['%s.%s' % (name, field) for field in kind._fields]
    weights = [_floats(*pair) for pair in zip(names, layer)]
    _, multiple, shapes = _KINDS[kind]
    H = weights[-1].size // multiple
    return kind(*[_floats(*triple) for triple in zip(names, weights, shapes(D, H))]), H


def _network(kind, x, layers, initial_state, sequence_length):
    """Check x, layers, states and lengths; a state is a tuple that ends with h, by default of zeros."""
    x = _floats('x', x, ndim=3)                             # (N, T, D)
    N, T, D = x.shape
    if isinstance(layers, kind) or not isinstance(layers, (tuple, list)) or not layers:
        raise ArgumentTypeError('layers must be a list of at least one %s, not %s' % (kind.__name__, shorten(layers)))
    checked, sizes = [], [D]
    for number, layer in enumerate(layers):
        layer, H = _layer('layers[%d]' % number, kind, layer, sizes[-1])
        checked.append(layer)
        sizes.append(H)
    if initial_state is None:
        state_kind = _KINDS[kind][0]
        dtype = np.result_type(x, *[weight for layer in checked for weight in layer])
        states = [state_kind(*[np.zeros((N, H), dtype) for _ in state_kind._fields]) for H in sizes[1:]]
    elif not isinstance(initial_state, (tuple, list)) or len(initial_state) != len(layers):
        raise ArgumentTypeError('initial_state must be a tuple of one state for each of the %d layers, not %s'
                                % (len(layers), shorten(initial_state)))
    else:
        states = [_state('initial_state[%d]' % number, kind, state, (N, H))
                  for number, (state, H) in enumerate(zip(initial_state, sizes[1:]))]
    return x, checked, states, _live(sequence_length, N, T)


def _state(name, kind, state, shape):
    """One layer's state, checked, each part an array of this shape."""
    if kind is not LSTMLayer:
        return _HState(_floats(name, state, shape))
    if not isinstance(state, (tuple, list)) or len(state) != 2:
        raise ArgumentTypeError('%s must be a tuple (c, h), not %s' % (name, shorten(state)))
    return LSTMState(_floats(name + '.c', state[0], shape), _floats(name + '.h', state[1], shape))


def _given_back(states):
    """States as a caller gets them."""
    return tuple(state.h if isinstance(state, _HState) else state for state in states)


def _live(sequence_length, N, T):
    """Whether step t of each sequence is within its length, (N, T, 1)."""
    if sequence_length is None:
        return np.ones((N, T, 1), bool)
    lengths = _ids('sequence_length', sequence_length, T + 1, (N,))
    return (np.arange(T) < lengths[:, np.newaxis])[:, :, np.newaxis]


def _classes(name, value):
    """The value as an array of float with at least one class along its last axis."""
    array = _floats(name, value)
    if 0 in array.shape[-1:] or array.ndim == 0:
        raise ArgumentValueError('%s must have the shape (..., V) with V at least 1, not %s' % (name, array.shape))
    return array


def _ids(name, ids, end, shape=None):
    """The value as an array of integers from 0 to `end - 1`, of exactly this shape if one is given."""
    array = _array(name, ids, 'iu', 'integers', shape)
    if array.size and (array.min() < 0 or array.max() >= end):
        raise ArgumentValueError('%s must hold integers from 0 to %d, not %d'
                                 % (name, end - 1, array[(array < 0) | (array >= end)][0]))
    return array


# ---- activations and inputs ------------------------------------------------------------------------------------------

def sigmoid(z: ArrayLike) -> np.ndarray:
    """The logistic sigmoid of each number, 1 / (1 + exp(-z)), without overflow for any z.

    Parameters
    ----------
    z : array_like of float, any shape

    Returns
    -------
    numpy.ndarray, the shape of z
    """
    z = _floats('z', z)
    small = np.exp(-np.abs(z))                              # never above 1
    return np.where(np.signbit(z), small, np.ones_like(small)) / (1 + small)


def softmax(z: ArrayLike) -> np.ndarray:
    """Softmax over the last axis, exp(z_v) / sum over u of exp(z_u), without overflow for any z.

    Parameters
    ----------
    z : array_like of float, shape (..., V)

    Returns
    -------
    numpy.ndarray, shape (..., V)
        Rows that sum to 1.
    """
    z = _classes('z', z)
    power = np.exp(z - z.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


def embedding_lookup(embedding: ArrayLike, ids: ArrayLike) -> np.ndarray:
    """The rows of the embedding matrix for some ids: "Embedding", step 2, `tf.nn.embedding_lookup`.

    Parameters
    ----------
    embedding : array_like of float, shape (n_words, D)
    ids : array_like of int, any shape
        From 0 to n_words - 1.

    Returns
    -------
    numpy.ndarray, shape ids.shape + (D,)
        Equal to `one_hot_matmul(ids, embedding)`, without the n_words products for each id.
    """
    embedding = _floats('embedding', embedding, ndim=2)
    return embedding[_ids('ids', ids, len(embedding))]


def one_hot(ids: ArrayLike, depth: int, dtype: Any = np.float32) -> np.ndarray:
    """One-hot rows: "Embedding", the naive way, and the inputs of "Building a character-level RNN model".

    Parameters
    ----------
    ids : array_like of int, any shape
        From 0 to depth - 1. Any other id is an error here; `tf.one_hot` makes a row of zeros of it.
    depth : int
        The number of classes.
    dtype : numpy dtype, default float32

    Returns
    -------
    numpy.ndarray, shape ids.shape + (depth,)
    """
    depth = check_int('depth', depth)
    ids = _ids('ids', ids, depth)
    return (ids[..., np.newaxis] == np.arange(depth)).astype(dtype)


def one_hot_matmul(ids: ArrayLike, embedding: ArrayLike) -> np.ndarray:
    """One-hot rows times the embedding matrix: what `embedding_lookup` computes, the long way.

    Parameters
    ----------
    ids, embedding
        As for `embedding_lookup`.

    Returns
    -------
    numpy.ndarray, shape ids.shape + (D,)
    """
    embedding = _floats('embedding', embedding, ndim=2)
    return np.matmul(one_hot(ids, len(embedding), embedding.dtype), embedding)


# ---- one step: the new state, and what the backward step needs -------------------------------------------------------

def _rnn_step(x, state, layer):
    h = np.tanh(np.matmul(x, layer.W_xh) + np.matmul(state.h, layer.W_hh) + layer.b_h)                # (N, H)
    return _HState(h), (x, state.h, h)


def _rnn_step_back(d_state, tape, layer):
    x, h_previous, h = tape
    d_z = d_state.h * (1 - h * h)                                                                     # (N, H)
    gradients = RNNLayer(np.matmul(x.T, d_z), np.matmul(h_previous.T, d_z), d_z.sum(axis=0))
    return np.matmul(d_z, layer.W_xh.T), _HState(np.matmul(d_z, layer.W_hh.T)), gradients


def _lstm_step(x, state, layer, forget_bias):
    c, h = state
    xh = np.concatenate([x, h], axis=1)                                                               # (N, D + H)
    i, j, f, o = np.split(np.matmul(xh, layer.kernel) + layer.bias, 4, axis=1)                        # each (N, H)
    i, j, f, o = sigmoid(i), np.tanh(j), sigmoid(f + forget_bias), sigmoid(o)
    c_new = c * f + i * j
    tanh_c = np.tanh(c_new)
    return LSTMState(c_new, tanh_c * o), (xh, c, i, j, f, o, tanh_c)


def _lstm_step_back(d_state, tape, layer):
    xh, c, i, j, f, o, tanh_c = tape
    d_c, d_h = d_state
    d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)
    d_z = np.concatenate([d_c * j * i * (1 - i), d_c * i * (1 - j * j), d_c * c * f * (1 - f),
                          d_h * tanh_c * o * (1 - o)], axis=1)                                        # (N, 4H)
    d_xh = np.matmul(d_z, layer.kernel.T)                                                             # (N, D + H)
    D = xh.shape[1] - c.shape[1]
    return d_xh[:, :D], LSTMState(d_c * f, d_xh[:, D:]), LSTMLayer(np.matmul(xh.T, d_z), d_z.sum(axis=0))


def _gru_step(x, state, layer):
    h, = state
    gates = sigmoid(np.matmul(np.concatenate([x, h], axis=1), layer.gate_kernel) + layer.gate_bias)   # (N, 2H)
    r, u = np.split(gates, 2, axis=1)
    candidate = np.tanh(np.matmul(np.concatenate([x, r * h], axis=1), layer.candidate_kernel)
                        + layer.candidate_bias)                                                       # (N, H)
    return _HState(u * h + (1 - u) * candidate), None


def _one_step(step, kind, x, name, state, layer):
    """A step of one layer, with its arguments checked; `name` is the state's."""
    x = _floats('x', x, ndim=2)
    layer, H = _layer('layer', kind, layer, x.shape[1])
    new_state, _ = step(x, _state(name, kind, state, (len(x), H)), layer)
    return _given_back([new_state])[0]


def _lstm_stepper(forget_bias):
    return functools.partial(_lstm_step, forget_bias=check_number('forget_bias', forget_bias))


def rnn_step(x: ArrayLike, h: ArrayLike, layer: RNNLayer) -> np.ndarray:
    """h(t) of a simple RNN: "Computing activations in an RNN", h(t) = tanh(W_xh x(t) + W_hh h(t-1) + b_h).

    Parameters
    ----------
    x, h : array_like of float, shapes (N, D) and (N, H)
        The input x(t), or h(t) of the layer below, and the layer's own h(t-1).
    layer : RNNLayer
        W_xh (D, H), W_hh (H, H), b_h (H,). TensorFlow's `BasicRNNCell` holds W_xh on top of W_hh as one kernel.

    Returns
    -------
    numpy.ndarray, shape (N, H)
    """
    return _one_step(_rnn_step, RNNLayer, x, 'h', h, layer)


def lstm_step(x: ArrayLike, state: Sequence[ArrayLike], layer: LSTMLayer, forget_bias: float = 1.0) -> LSTMState:
    """C(t) and h(t) of an LSTM: "LSTM units", with the gates that the section's figure shows; `BasicLSTMCell`.

    With z = [x(t), h(t-1)] kernel + bias, cut into four parts of H columns in the order i, j, f, o (input gate,
    candidate, forget gate, output gate)::

        C(t) = C(t-1) * sigmoid(f + forget_bias) + sigmoid(i) * tanh(j)
        h(t) = sigmoid(o) * tanh(C(t))

    Parameters
    ----------
    x : array_like of float, shape (N, D)
        The input x(t), or h(t) of the layer below.
    state : LSTMState or tuple of two array_like
        C(t-1) and h(t-1), each (N, H).
    layer : LSTMLayer
        kernel (D + H, 4H), bias (4H,).
    forget_bias : float, default 1.0
        Added to the forget gate's net input; it is not one of the weights.

    Returns
    -------
    LSTMState
        c and h, each (N, H).

    References
    ----------
    Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997. The forget gate came with Gers,
    Schmidhuber and Cummins, Learning to Forget, Neural Computation 12(10), 2000.
    """
    return _one_step(_lstm_stepper(forget_bias), LSTMLayer, x, 'state', state, layer)


def gru_step(x: ArrayLike, h: ArrayLike, layer: GRULayer) -> np.ndarray:
    """h(t) of a gated recurrent unit: named at the end of "LSTM units", without its equations; here as `GRUCell`.

    ::

        [r, u] = sigmoid([x(t), h(t-1)] gate_kernel + gate_bias)
        candidate = tanh([x(t), r * h(t-1)] candidate_kernel + candidate_bias)
        h(t) = u * h(t-1) + (1 - u) * candidate

    The paper writes z for 1 - u, and h(t) = z * candidate + (1 - z) * h(t-1).

    Parameters
    ----------
    x, h : array_like of float, shapes (N, D) and (N, H)
        The input x(t), or h(t) of the layer below, and the layer's own h(t-1).
    layer : GRULayer
        gate_kernel (D + H, 2H), gate_bias (2H,), candidate_kernel (D + H, H), candidate_bias (H,).

    Returns
    -------
    numpy.ndarray, shape (N, H)

    References
    ----------
    Chung and others, Empirical Evaluation of Gated Recurrent Neural Networks on Sequence Modeling, 2014.
    """
    return _one_step(_gru_step, GRULayer, x, 'h', h, layer)


# ---- whole sequences -------------------------------------------------------------------------------------------------

def _unroll(step, x, layers, states, live, keep=False):
    """All steps of all layers: outputs (N, T, H), final states and, if kept, the tape of T steps of each layer.
    """
    final_states, tapes = [], []
    all_live = live.all(axis=(0, 2))                                      # (T,)
    for layer, state in zip(layers, states):
        outputs, tape = [], []
        for t in range(x.shape[1]):
            new_state, entry = step(x[:, t], state, layer)
            output = new_state.h                                          # (N, H)
            if not all_live[t]:
                output = np.where(live[:, t], output, np.zeros_like(output))
                new_state = type(state)(*[np.where(live[:, t], new, old) for new, old in zip(new_state, state)])
            state = new_state
            outputs.append(output)
            if keep:                                                      # several times the size of the outputs
                tape.append(entry)
        x = np.stack(outputs, axis=1)                                     # (N, T, H), the input of the next layer
        final_states.append(state)
        tapes.append(tape)
    return x, final_states, tapes


def _run(step, kind, *arguments):
    """Outputs and final states of whole sequences, the arguments being those of `rnn`."""
    outputs, states, _ = _unroll(step, *_network(kind, *arguments))
    return outputs, _given_back(states)


def rnn(x: ArrayLike, layers: Sequence[RNNLayer], initial_state: Optional[Sequence[ArrayLike]] = None,
        sequence_length: Optional[ArrayLike] = None) -> Tuple[np.ndarray, Tuple[np.ndarray, ...]]:
    """The activations of a simple RNN for t = 1 to T: "Understanding the structure and flow of an RNN".

    Layer 1 reads x(t) and its own h1(t-1); layer 2 reads h1(t) of the layer below and its own h2(t-1); and so on.
    This is what `BasicRNNCell`s in a `MultiRNNCell` compute under `tf.nn.dynamic_rnn`.

    Parameters
    ----------
    x : array_like of float, shape (N, T, D)
        T at least 1.
    layers : list of RNNLayer
        From the bottom up; the D of each is the H of the one below.
    initial_state : sequence of array_like, each (N, H), optional
        h(0) of each layer: zeros, or the `final_state` of what came before. Default: zeros.
    sequence_length : array_like of int, shape (N,), optional
        The steps of each sequence, from 0 to T; the rest of x is padding, where outputs are zero and the state does not
        change. Default: T.

    Returns
    -------
    outputs : numpy.ndarray, shape (N, T, H)
        h(1) to h(T) of the top layer.
    final_state : tuple of numpy.ndarray, each (N, H)
        h of each layer after its sequence's last step.
    """
    return _run(_rnn_step, RNNLayer, x, layers, initial_state, sequence_length)


def lstm(x: ArrayLike, layers: Sequence[LSTMLayer], initial_state: Optional[Sequence[Sequence[ArrayLike]]] = None,
         sequence_length: Optional[ArrayLike] = None,
         forget_bias: float = 1.0) -> Tuple[np.ndarray, Tuple[LSTMState, ...]]:
    """The activations of an LSTM for t = 1 to T: `lstm_step` over time, the layers stacked as in `rnn`.

    This is what `BasicLSTMCell`s in a `MultiRNNCell` compute under `tf.nn.dynamic_rnn`.

    Parameters
    ----------
    x, layers, initial_state, sequence_length
        As for `rnn`, the layers as `LSTMLayer`, a state as `LSTMState` or a tuple (c, h).
    forget_bias : float, default 1.0
        As for `lstm_step`.

    Returns
    -------
    outputs, final_state
        As from `rnn`, the states as `LSTMState`.
    """
    return _run(_lstm_stepper(forget_bias), LSTMLayer, x, layers, initial_state, sequence_length)


def gru(x: ArrayLike, layers: Sequence[GRULayer], initial_state: Optional[Sequence[ArrayLike]] = None,
        sequence_length: Optional[ArrayLike] = None) -> Tuple[np.ndarray, Tuple[np.ndarray, ...]]:
    """The activations of a GRU for t = 1 to T: `gru_step` over time, the layers stacked as in `rnn`.

    Parameters
    ----------
    x, layers, initial_state, sequence_length
        As for `rnn`, the layers as `GRULayer`.

    Returns
    -------
    outputs, final_state
        As from `rnn`.
    """
    return _run(_gru_step, GRULayer, x, layers, initial_state, sequence_length)


def output_layer(h: ArrayLike, W_hy: ArrayLike, b_y: ArrayLike) -> np.ndarray:
    """The net input of the output layer, W_hy h(t) + b_y: "Computing activations in an RNN"; `tf.layers.dense`.

    y(t) is `softmax` of it (language modelling) or `sigmoid` of it (sentiment, from the last h(t) alone).

    Parameters
    ----------
    h, W_hy, b_y : array_like of float, shapes (..., H), (H, V) and (V,)

    Returns
    -------
    numpy.ndarray, shape (..., V)
        The logits.
    """
    W_hy = _floats('W_hy', W_hy, ndim=2)
    h = _floats('h', h, np.shape(h)[:-1] + W_hy.shape[:1])
    return np.matmul(h, W_hy) + _floats('b_y', b_y, W_hy.shape[1:])


def output_layer_gradients(h: ArrayLike, W_hy: ArrayLike,
                           d_logits: ArrayLike) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From dL/d logits to the gradients of the output layer's weights and inputs: "Training RNNs using BPTT".

    W_hy and b_y are shared by all time steps, so their gradients are sums over all of them; the gradient of h is the
    factor dL(t)/dy(t) dy(t)/dh(t) of the chapter's equation, where BPTT starts: the `d_outputs` of `rnn_bptt`.

    Parameters
    ----------
    h, W_hy, d_logits : array_like of float, shapes (..., H), (H, V) and (..., V)

    Returns
    -------
    d_W_hy, d_b_y, d_h : numpy.ndarray, shapes (H, V), (V,) and (..., H)
    """
    W_hy = _floats('W_hy', W_hy, ndim=2)
    H, V = W_hy.shape
    h = _floats('h', h, np.shape(h)[:-1] + (H,))
    d_logits = _floats('d_logits', d_logits, h.shape[:-1] + (V,))
    d_rows = d_logits.reshape(-1, V)
    return np.matmul(h.reshape(-1, H).T, d_rows), d_rows.sum(axis=0), np.matmul(d_logits, W_hy.T)


# ---- losses ----------------------------------------------------------------------------------------------------------

def softmax_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """L(t) of a language model, -sum over v of labels_v log softmax(logits)_v, for each position.

    "Building a character-level RNN model", the cost before its mean; `tf.nn.softmax_cross_entropy_with_logits`.

    Parameters
    ----------
    logits, labels : array_like of float, shape (..., V)
        Labels are one-hot rows, or any rows that sum to 1.

    Returns
    -------
    numpy.ndarray, shape (...)
        In nats.
    """
    logits = _classes('logits', logits)
    labels = _floats('labels', labels, logits.shape)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return (labels * (log_sum - shifted)).sum(axis=-1)


def softmax_cross_entropy_gradient(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """dL(t) / d logits of `softmax_cross_entropy`: softmax(logits) - labels.

    Parameters
    ----------
    logits, labels : array_like of float, shape (..., V)
        Labels are one-hot rows, or any rows that sum to 1.

    Returns
    -------
    numpy.ndarray, shape (..., V)
    """
    logits = _classes('logits', logits)
    return softmax(logits) - _floats('labels', labels, logits.shape)


def sigmoid_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """The loss of one yes-or-no output, -y log(p) - (1 - y) log(1 - p) with p = sigmoid(logits).

    The sentiment model's cost before its mean; `tf.nn.sigmoid_cross_entropy_with_logits`, and like it computed as
    max(x, 0) - x y + log(1 + exp(-abs(x))), which no logit can overflow.

    Parameters
    ----------
    logits, labels : array_like of float, of one shape
        Labels are 0 or 1, or probabilities.

    Returns
    -------
    numpy.ndarray, the shape of logits
        In nats.
    """
    logits = _floats('logits', logits)
    labels = _floats('labels', labels, logits.shape)
    return np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))


def sigmoid_cross_entropy_gradient(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """dL / d logits of `sigmoid_cross_entropy`: sigmoid(logits) - labels.

    Parameters
    ----------
    logits, labels : array_like of float, of one shape

    Returns
    -------
    numpy.ndarray, the shape of logits
    """
    logits = _floats('logits', logits)
    return sigmoid(logits) - _floats('labels', labels, logits.shape)


def loss_over_time(losses: ArrayLike, sequence_length: Optional[ArrayLike] = None) -> np.ndarray:
    """The overall loss of each sequence, L = L(1) + ... + L(T): "Training RNNs using BPTT".

    The chapter's `CharRNN` minimises the mean of L(t) over batch and time instead: this sum, for all sequences,
    over N T.

    Parameters
    ----------
    losses : array_like of float, shape (N, T)
        L(t) of each sequence.
    sequence_length : array_like of int, shape (N,)
        The number of steps of each sequence that count, from 0 to T. Default: T.

    Returns
    -------
    numpy.ndarray, shape (N,)
    """
    losses = _floats('losses', losses, ndim=2)
    live = _live(sequence_length, *losses.shape)[:, :, 0]                 # (N, T)
    return np.where(live, losses, np.zeros_like(losses)).sum(axis=1)


# ---- backpropagation through time ------------------------------------------------------------------------------------

def _add(one, other):
    """The sum of two layers or states, part by part."""
    return type(one)(*map(np.add, one, other))


def _back(step_back, layers, tapes, d_outputs):
    """BPTT through all steps of the tapes: the gradients of the layers, of x and of the state before the first step."""
    layer_gradients, d_states = [], []
    for layer, tape in zip(reversed(layers), reversed(tapes)):
        state_kind, _, _ = _KINDS[type(layer)]
        d_state = state_kind(*[np.zeros_like(d_outputs[:, 0]) for _ in state_kind._fields])     # (N, H)
        sums, d_inputs = None, []
        for t in reversed(range(len(tape))):
            d_state = d_state._replace(h=d_state.h + d_outputs[:, t])     # h(t) goes into y(t) and into step t + 1
            d_x, d_state, gradients = step_back(d_state, tape[t], layer)
            sums = gradients if sums is None else _add(sums, gradients)
            d_inputs.insert(0, d_x)
        d_outputs = np.stack(d_inputs, axis=1)                            # (N, steps, D): the H of the layer below
        layer_gradients.insert(0, sums)
        d_states.insert(0, d_state)
    return layer_gradients, d_outputs, d_states


def _spans(T, num_steps, scheme):
    """The spans (start, stop, first) that BPTT goes back through, each with the losses from step `first` on."""
    check_choice('scheme', scheme, ('windows', 'sliding'))
    num_steps = T if num_steps is None else check_int('num_steps', num_steps)
    if scheme == 'windows' or num_steps >= T:
        return [(start, min(start + num_steps, T), start) for start in range(0, T, num_steps)]
    return [(max(0, t + 1 - num_steps), t + 1, t) for t in range(T)]


def _bptt(step, step_back, network, d_outputs, num_steps, scheme):
    """Forward, then backward through each span; the sums over the spans. A span's first state counts as a constant."""
    x, layers, states, live = network
    outputs, _, tapes = _unroll(step, x, layers, states, live, keep=True)
    d_outputs = _floats('d_outputs', d_outputs, outputs.shape)
    # Outputs past a sequence's end are constants. Nothing after the end has a loss, so nothing else comes back there.
    d_outputs = np.where(live, d_outputs, np.zeros_like(d_outputs))
    sums, d_initial_state, d_x = [], [], np.zeros(x.shape, np.result_type(outputs, d_outputs))
    for start, stop, first in _spans(x.shape[1], num_steps, scheme):
        d_span = np.concatenate([np.zeros_like(d_outputs[:, start:first]), d_outputs[:, first:stop]], axis=1)
        gradients, d_inputs, d_states = _back(step_back, layers, [tape[start:stop] for tape in tapes], d_span)
        sums = list(map(_add, sums, gradients)) or gradients
        if start == 0:                                                    # the first span always starts there
            d_initial_state = list(map(_add, d_initial_state, d_states)) or d_states
        d_x[:, start:stop] += d_inputs
    return sums, d_x, _given_back(d_initial_state)


def rnn_bptt(x: ArrayLike, layers: Sequence[RNNLayer], d_outputs: ArrayLike,
             initial_state: Optional[Sequence[ArrayLike]] = None, sequence_length: Optional[ArrayLike] = None,
             num_steps: Optional[int] = None,
             scheme: str = 'windows') -> Tuple[List[RNNLayer], np.ndarray, Tuple[np.ndarray, ...]]:
    """BPTT for the simple RNN: "Training RNNs using BPTT", full or truncated.

    For each t, dL(t)/dW_hh = dL(t)/dy(t) dy(t)/dh(t) (sum over k = 1 to t of dh(t)/dh(k) dh(k)/dW_hh), where
    dh(t)/dh(k) is the product of dh(i)/dh(i-1) over i = k + 1 to t; here the sum of that over t, for every weight.

    Truncated BPTT, of which the chapter's list of topics gives only the name, comes in two schemes:

    ``'windows'``
        The sequence is cut into windows of `num_steps`. The state is carried from one into the next, and counts there
        as a constant: L(t) reaches back to the start of its own window, from 1 to `num_steps` steps. It is what the
        chapter's `CharRNN` does, batch after batch (which also updates the weights after each). T steps back.
    ``'sliding'``
        Every L(t) reaches back exactly `num_steps` steps: of the sum over k only k = t - num_steps + 1 to t remain,
        and h(t - num_steps) counts as a constant. About T num_steps steps back.

    With `num_steps` of T or more both are the full BPTT. The activations of all T steps are kept in any case.

    Parameters
    ----------
    x, layers, initial_state, sequence_length
        As for `rnn`.
    d_outputs : array_like of float, shape (N, T, H)
        dL(t)/dh(t) for the top layer, through y(t) alone: see `output_layer_gradients`. Zero for all t but the last
        in a many-to-one network. Its values at steps of padding are ignored.
    num_steps : int, optional
        How many steps truncated BPTT goes back, at least 1. Default: all of them.
    scheme : {'windows', 'sliding'}, default 'windows'
        Used only with `num_steps`.

    Returns
    -------
    gradients : list of RNNLayer
        The gradient of each weight, in its place.
    d_x : numpy.ndarray, shape (N, T, D)
    d_initial_state : tuple of numpy.ndarray, each (N, H)

    References
    ----------
    Werbos, Backpropagation Through Time: What It Does and How to Do It, Proceedings of the IEEE 78(10), 1990.
    """
    network = _network(RNNLayer, x, layers, initial_state, sequence_length)
    return _bptt(_rnn_step, _rnn_step_back, network, d_outputs, num_steps, scheme)


def lstm_bptt(x: ArrayLike, layers: Sequence[LSTMLayer], d_outputs: ArrayLike,
              initial_state: Optional[Sequence[Sequence[ArrayLike]]] = None,
              sequence_length: Optional[ArrayLike] = None, num_steps: Optional[int] = None, scheme: str = 'windows',
              forget_bias: float = 1.0) -> Tuple[List[LSTMLayer], np.ndarray, Tuple[LSTMState, ...]]:
    """BPTT for the LSTM, full or truncated: as `rnn_bptt`, the gradient flowing back along both h and C.

    Parameters
    ----------
    x, layers, initial_state, sequence_length, forget_bias
        As for `lstm`.
    d_outputs, num_steps, scheme
        As for `rnn_bptt`; where it stops, both h and C count as constants.

    Returns
    -------
    gradients, d_x, d_initial_state
        As from `rnn_bptt`, the gradients as `LSTMLayer` and those of the states as `LSTMState`.
    """
    network = _network(LSTMLayer, x, layers, initial_state, sequence_length)
    return _bptt(_lstm_stepper(forget_bias), _lstm_step_back, network, d_outputs, num_steps, scheme)


# ---- long-range interactions -----------------------------------------------------------------------------------------

def hidden_state_jacobians(outputs: ArrayLike, W_hh: ArrayLike) -> np.ndarray:
    """dh(T)/dh(k) of a simple RNN of one layer, for k = T down to 0: the product in "Training RNNs using BPTT".

    dh(i)/dh(i-1) has the entries (1 - h_a(i)^2) W_hh[b, a] for the units a of step i and b of step i - 1.

    Parameters
    ----------
    outputs, W_hh : array_like of float, shapes (N, T, H) and (H, H)
        h(1) to h(T) as `rnn` gives them, and the layer's recurrent weights.

    Returns
    -------
    numpy.ndarray, shape (N, T + 1, H, H)
        At [n, d, a, b] the derivative of h_a(T) by h_b(T - d), d the distance t - k. The first is the identity, the
        last reaches the initial state.
    """
    outputs = _floats('outputs', outputs, ndim=3)
    N, T, H = outputs.shape
    W_hh = _floats('W_hh', W_hh, (H, H))
    dtype = np.result_type(outputs, W_hh)
    products = [np.broadcast_to(np.eye(H, dtype=dtype), (N, H, H))]
    for t in reversed(range(T)):
        slope = 1 - outputs[:, t] * outputs[:, t]                         # (N, H), tanh' at step t
        products.append(np.matmul(products[-1], slope[:, :, np.newaxis] * W_hh.T))
    return np.stack(products, axis=1)


def jacobian_norms(jacobians: ArrayLike) -> np.ndarray:
    """How much of a gradient is left after t - k steps: "The challenges of learning long-range interactions".

    Parameters
    ----------
    jacobians : array_like of float, shape (N, T + 1, H, H)
        From `hidden_state_jacobians`.

    Returns
    -------
    numpy.ndarray, shape (N, T + 1)
        At [n, d] the spectral norm of dh(T)/dh(T - d): the most by which d steps back can grow a gradient.
    """
    return np.linalg.norm(_floats('jacobians', jacobians, ndim=4), ord=2, axis=(-2, -1))


def one_unit_factors(w: float, distance: int) -> np.ndarray:
    """w^(t-k), what the section on long-range interactions shows as a figure: one unit, one recurrent weight.

    It vanishes for abs(w) < 1, explodes for abs(w) > 1, and keeps its size for abs(w) = 1, which is what the cell
    state of an LSTM is after. The slope of tanh, at most 1, is left out; `hidden_state_jacobians` has it.

    Parameters
    ----------
    w, distance : float and int
        The weight of the recurrent edge, and the largest t - k, at least 0.

    Returns
    -------
    numpy.ndarray of float64, shape (distance + 1,)
        The factors for t - k = 0 to `distance`.
    """
    return check_number('w', w) ** np.arange(check_int('distance', distance, minimum=0) + 1.)


def clip_by_global_norm(gradients: Sequence[Optional[ArrayLike]],
                        clip_norm: float) -> Tuple[List[Optional[np.ndarray]], Any]:
    """Scale all gradients by one factor so that their global norm is at most `clip_norm`; `tf.clip_by_global_norm`.

    "Building a character-level RNN model", against exploding gradients: each gradient is multiplied by
    clip_norm / max(global norm, clip_norm), where the global norm is the root of the sum of all squares.

    Parameters
    ----------
    gradients : list of array_like of float
        None, for a variable without a gradient, stays None and does not count.
    clip_norm : float
        Above 0; the book's `grad_clip`.

    Returns
    -------
    clipped : list of numpy.ndarray
        All NaN if the global norm is not finite, as TensorFlow makes them.
    global_norm : numpy.floating
        Before the clipping.
    """
    clip_norm = check_number('clip_norm', clip_norm, above=0)
    arrays = [None if gradient is None else _floats('gradients[%d]' % number, gradient)
              for number, gradient in enumerate(gradients)]
    known = [array for array in arrays if array is not None]
    if not known:
        raise ArgumentValueError('gradients must hold at least one array')
    dtype = np.result_type(*known)
    clip_norm = dtype.type(clip_norm)
    with np.errstate(over='ignore'):
        norm = dtype.type(np.sqrt(sum(np.sum(array * array) for array in known)))
    # The same operations as TensorFlow in the same order, so that gradients get the very factor that they get there.
    scale = clip_norm * min(1 / norm if norm else np.inf, 1 / clip_norm) if np.isfinite(norm) else np.nan
    return [None if array is None else array * dtype.type(scale) for array in arrays], norm
