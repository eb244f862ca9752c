"""The guide's code that takes `weights.npz` into PyTorch and into Keras 3, run where those are. No TensorFlow here."""

import os

import numpy as np
import pytest

from test_docs import FENCE, read
from test_portable import CHAR, SENTIMENT, make
from rnnbook import equations, portable

BLOCKS = [block.group('code') for block in FENCE.finditer(read('docs/guides/elsewhere.md')) if block.group('not_run')]


def run_guide(starts, folder, description, layers, monkeypatch):
    """The names that these blocks of the guide define, with such a model where the guide has one."""
    make(folder, description._replace(arguments=dict(description.arguments, num_layers=layers)))
    monkeypatch.chdir(os.path.dirname(str(folder)))
    names = {}
    for start in starts:
        code, = [block for block in BLOCKS if start in block]
        exec(compile(code, 'docs/guides/elsewhere.md', 'exec'), names)
    return names


def test_the_weights_are_those_of_an_lstm_with_the_gates_i_f_j_o_and_no_forget_bias(tmp_path, monkeypatch):
    names = run_guide(['def read('], tmp_path / 'model', SENTIMENT, 2, monkeypatch)
    settings, word_to_int, weights, layers = names['read']('./model/')
    light = portable.load(tmp_path / 'model')
    assert (settings, word_to_int) == (light.arguments, light.vocabulary)
    rows = np.array([[1, 5, 0, 2], [0, 0, 0, 3]])
    x = weights['embedding'][rows]                                                                  # (N, T, E)
    for w_x, w_h, bias in layers:
        h, c, outputs = np.zeros((2, 3)), np.zeros((2, 3)), []
        for step in range(4):
            i, f, j, o = np.split(x[:, step].dot(w_x) + h.dot(w_h) + bias, 4, axis=1)
            c = equations.sigmoid(f) * c + equations.sigmoid(i) * np.tanh(j)
            h = equations.sigmoid(o) * np.tanh(c)
            outputs.append(h)
        x = np.stack(outputs, axis=1)
    logits = equations.output_layer(h, weights['logits/kernel'], weights['logits/bias'])
    expected = light.predict(rows, return_proba=True, carry_state=False)
    np.testing.assert_allclose(equations.sigmoid(logits[:, 0]), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('layers', [1, 2])
def test_pytorch_predicts_the_next_character(layers, tmp_path, monkeypatch):
    pytest.importorskip('torch', reason='PyTorch is not installed')
    names = run_guide(['def read(', 'import torch\n'], tmp_path / 'model-100', CHAR, layers, monkeypatch)
    light = portable.load(tmp_path / 'model-100')
    logits, state = light._forward(np.array([light.vocabulary[char] for char in 'The ']), None)
    np.testing.assert_allclose(names['probabilities'].numpy(), equations.softmax(logits)[0, -1], rtol=0, atol=1e-5)
    h, c = (tensor.numpy()[:, 0] for tensor in names['state'])                                      # (layers, H)
    np.testing.assert_allclose(h, [layer.h[0] for layer in state], rtol=0, atol=1e-5)
    np.testing.assert_allclose(c, [layer.c[0] for layer in state], rtol=0, atol=1e-5)


@pytest.mark.parametrize('layers', [1, 2])
def test_keras_classifies_reviews(layers, tmp_path, monkeypatch):
    pytest.importorskip('keras', minversion='3', reason='Keras 3 is not installed')
    names = run_guide(['def read(', 'import keras\n'], tmp_path / 'model', SENTIMENT, layers, monkeypatch)
    light = portable.load(tmp_path / 'model')
    x = np.random.RandomState(0).randint(0, 6, size=(20, 4))
    x[0], x[1, :3] = 0, 0
    expected = light.predict(x, return_proba=True, carry_state=False)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(names['rnn'].predict(x, verbose=0)[:, 0], expected, rtol=0, atol=1e-5)
    row = [[0, light.vocabulary['a'], light.vocabulary['good'], light.vocabulary['film']]]
    np.testing.assert_array_equal(names['rows'], row)
