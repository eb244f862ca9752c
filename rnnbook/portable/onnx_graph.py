"""A model as an ONNX graph, built from `weights.npz`: ONNX Runtime and many other programs run it. No TensorFlow here.

The operator LSTM has its gates in the order i (input), o (output), f (forget), c (candidate, our j), a matrix for the
input and one for the hidden units, and no forget bias: the 1.0 goes into the forget gate's bias.

Shapes: N rows or texts, T `seq_len`, L words of the longest row, E embedding, H `lstm_size`, F the pooled output of a
row, V `num_classes`.
"""

from __future__ import annotations

import os

import numpy as np

from rnnbook import __version__
from rnnbook.base.checks import StrPath, check_choice, check_int
from rnnbook.base.files import atomic_path, check_path, check_regular, read_text
from rnnbook.errors import FileError, RequirementError
from rnnbook.model_folder.checkpoint_files import check_output
from rnnbook.model_folder.description import MODEL_JSON, directions, read_description
from rnnbook.network.pooling import POOLINGS
from rnnbook.portable import weights

__all__ = ['write_onnx']

#: The newest that ONNX Runtime 1.10 has, the last for CPython 3.7.
OPSET, IR_VERSION = 15, 8
#: A file is one protobuf message, which must be smaller than 2 GiB.
MAX_BYTES = 2 ** 31 - 2 ** 20
INT32, INT64, FLOAT = np.int32, np.int64, np.float32


def write_onnx(folder: StrPath, path: StrPath) -> str:
    """Write an exported model as an ONNX file with the inputs and outputs of its SavedModel.

    The graph is named ``classify`` (reviews) or ``next_char`` (characters), as the SavedModel's signature is. An input
    and an output cannot share a name in ONNX: the state after a character is ``next_c_0``, ``next_h_0`` and so on.
    The file's metadata hold the folder's ``model.json``, with the vocabulary, and the name of the checkpoint.

    Parameters
    ----------
    folder : str or path
        A folder with ``model.json`` and ``weights.npz``; TensorFlow is not needed.
    path : str or path
        The file to write; an earlier one is replaced.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        `folder` or `path` is no path.
    FileError
        The folder cannot be read, see `portable.load`, the model takes 2 GiB or more, or the file cannot be written.
    RequirementError
        The package onnx is not there.
    """
    folder, path = check_path('folder', folder), check_output('path', path)
    check_regular(path)
    try:
        import onnx
    except ImportError as error:
        raise RequirementError('write_onnx needs the package onnx, which cannot be imported (%s); run: pip install onnx'
                               % error) from error
    description = read_description(folder)
    arrays, checkpoint = weights.read(folder, description)
    metadata = {MODEL_JSON: read_text(os.path.join(folder, MODEL_JSON)), 'checkpoint': checkpoint}
    if sum(array.nbytes for array in arrays.values()) + len(metadata[MODEL_JSON]) > MAX_BYTES:
        raise FileError('the model in %s takes 2 GiB or more, which an ONNX file cannot hold' % folder)
    graph, build = _Graph(onnx), {'SentimentRNN': _classify, 'CharRNN': _next_char}[description.class_name]
    with weights.description_errors(folder):
        build(graph, description, arrays)
    model = graph.model(build.__name__[1:])
    onnx.helper.set_model_props(model, metadata)
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        file.write(model.SerializeToString())
    return path


class _Graph:
    """A graph while it is built; tensors are known by their names."""

    def __init__(self, onnx):
        self._onnx = onnx
        self._nodes, self._constants, self._inputs, self._outputs = [], [], [], []

    def add(self, op, *inputs, outputs=1, **attributes):
        """Add a node, whose inputs are names, arrays or integers; the name of its output, or the names of all."""
        names = ['%s_%d_%d' % (op, len(self._nodes), number) for number in range(outputs)]
        inputs = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        self._nodes.append(self._onnx.helper.make_node(op, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def _constant(self, value):
        name, dtype = 'constant_%d' % len(self._constants), None if hasattr(value, 'dtype') else INT64
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value, dtype, order='C'), name))
        return name

    def _info(self, name, dtype, shape):
        return self._onnx.helper.make_tensor_value_info(name, self._type(dtype), shape)

    def _type(self, dtype):
        return self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def input(self, name, dtype, *shape):
        """Add an input; if it has no rows, it gets one: with none, the LSTM of ONNX Runtime ends the process."""
        self._inputs.append(self._info(name, dtype, shape))
        self._rows = self.add('Shape', name, start=0, end=1)                                        # (1,)
        spare = self.add('Sub', [1], self.add('Min', self._rows, [1]))
        beside = [0] * (len(shape) - 1)
        return self.add('Pad', name, self.add('Concat', [0] + beside, spare, beside, axis=0))

    def output(self, tensor, name, dtype, *shape):
        """Add an output, with as many rows as the inputs have."""
        self._outputs.append(self._info(name, dtype, shape))
        found = self.add('Slice', tensor, [0], self._rows, [0])
        self._nodes.append(self._onnx.helper.make_node('Identity', [found], [name]))

    def cast(self, tensor, dtype):
        return self.add('Cast', tensor, to=self._type(dtype))

    def lstm(self, x, kernel, bias, direction='forward', lengths='', h='', c=''):
        """One layer over inputs (L, N, D): the outputs (L, N, H), and h and c after them, (N, H) each."""
        units, size = len(bias) // 4, len(kernel) - len(bias) // 4
        i, j, f, o = np.split(np.vstack([kernel, bias]), 4, axis=1)                                 # (D + H + 1, H)
        f[-1] += 1
        gates = np.concatenate([i, o, f, j], axis=1).T[np.newaxis]                                  # (1, 4H, D + H + 1)
        bias = np.concatenate([gates[:, :, -1], np.zeros((1, 4 * units), FLOAT)], axis=1)           # (1, 8H)
        found = self.add('LSTM', x, gates[:, :, :size], gates[:, :, size:-1], bias, lengths, h, c, outputs=3,
                         hidden_size=units, direction=direction)
        return [self.add('Squeeze', tensor, [axis]) for tensor, axis in zip(found, (1, 0, 0))]

    def dense(self, x, arrays, name):
        return self.add('Gemm', x, arrays[name + '/kernel'], arrays[name + '/bias'])

    def model(self, name):
        """The finished graph as a model."""
        graph = self._onnx.helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        return self._onnx.helper.make_model(
            graph, producer_name='rnnbook', producer_version=__version__, ir_version=IR_VERSION,
            opset_imports=[self._onnx.helper.make_opsetid('', OPSET)])


def _classify(graph, description, arrays):
    """Reviews: `PortableSentiment` without a carried state."""
    settings = description.arguments
    pooling = check_choice('pooling', settings.get('pooling', 'last'), POOLINGS)
    steps = check_int('seq_len', settings.get('seq_len'))
    ids = graph.input('word_ids', INT32, 'rows', steps)                                      # (N, T)
    lengths, mask = '', None
    if pooling != 'last':
        ids, lengths, mask = _words_first(graph, ids, steps)                                        # (N, L)
    embed_x = graph.add('Gather', arrays['embedding'], graph.add('Transpose', ids))                 # (L, N, E)
    pooled = []
    for scope, direction in zip(directions(description), ('forward', 'reverse')):
        outputs = embed_x
        for layer in range(settings['num_layers']):
            outputs, h, _ = graph.lstm(outputs, arrays[scope % layer + 'kernel'], arrays[scope % layer + 'bias'],
                                       direction, lengths)                                          # (L, N, H)
        pooled += [h] if pooling == 'last' else _pool(graph, pooling, outputs, mask)
    logits = graph.dense(graph.add('Concat', *pooled, axis=1), arrays, 'logits')                    # (N, 1)
    probabilities = graph.add('Sigmoid', graph.add('Squeeze', logits, [1]))                         # (N,)
    graph.output(probabilities, 'probabilities', FLOAT, 'rows')
    graph.output(graph.cast(graph.add('Round', probabilities), INT32), 'labels', INT32, 'rows')     # half to even


def _words_first(graph, rows, steps):
    """`pooling.words_first`: rows with their padding on the right, their lengths (N,), and what is a word, (L, N, 1).
    """
    words = graph.add('Or', graph.add('Greater', rows, INT32(0)), np.arange(steps) == steps - 1)    # (N, T)
    first = graph.add('ArgMax', graph.cast(words, INT32), axis=1)                                   # (N, 1)
    lengths = graph.add('Sub', steps, first)                                                        # (N, 1)
    columns = graph.add('Range', 0, graph.add('ReduceMax', lengths, keepdims=0), 1)                 # (L,)
    source = graph.add('Min', graph.add('Add', columns, first), steps - 1)                          # (N, L)
    mask = graph.cast(graph.add('Transpose', graph.add('Less', columns, lengths)), FLOAT)           # (L, N)
    return (graph.add('GatherElements', rows, source, axis=1),
            graph.add('Squeeze', graph.cast(lengths, INT32), [1]), graph.add('Unsqueeze', mask, [2]))


def _pool(graph, pooling, outputs, mask):
    """`pooling.pool` for all but ``'last'``: a list of tensors (N, H)."""
    outputs, pooled = graph.add('Mul', outputs, mask), []                                           # (L, N, H)
    if 'mean' in pooling:
        pooled.append(graph.add('Div', graph.add('ReduceSum', outputs, [0], keepdims=0),
                                graph.add('ReduceSum', mask, [0], keepdims=0)))
    if 'max' in pooling:
        outputs = graph.add('Add', outputs, graph.add('Sub', mask, FLOAT(1)))
        pooled.append(graph.add('ReduceMax', outputs, axes=[0], keepdims=0))
    return pooled


def _next_char(graph, description, arrays):
    """Characters: one step of any number of texts."""
    settings = description.arguments
    size, units = settings['num_classes'], settings['lstm_size']
    ids = graph.cast(graph.input('character_ids', INT32, 'texts'), INT64)                           # (N,)
    x = graph.add('OneHot', ids, size, np.array([0, 1], FLOAT))                                     # (N, V)
    after = []
    for layer in range(settings['num_layers']):
        scope = directions(description)[0] % layer
        before = {part: graph.add('Unsqueeze', graph.input('%s_%d' % (part, layer), FLOAT, 'texts', units), [0])
                  for part in 'ch'}                                                                 # (1, N, H)
        _, x, c = graph.lstm(graph.add('Unsqueeze', x, [0]), arrays[scope + 'kernel'], arrays[scope + 'bias'], **before)
        after += [('next_c_%d' % layer, c), ('next_h_%d' % layer, x)]                               # (N, H)
    graph.output(graph.add('Softmax', graph.dense(x, arrays, 'logits')), 'probabilities', FLOAT, 'texts', size)
    for name, tensor in after:
        graph.output(tensor, name, FLOAT, 'texts', units)
