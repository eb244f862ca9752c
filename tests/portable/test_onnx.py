"""ONNX files: checked in full, and held against TensorFlow in ONNX Runtime; the guide's code on them."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from test_docs import FENCE, read
from test_portable import CHAR, SENTIMENT, make
from rnnbook import portable
from rnnbook.errors import ArgumentTypeError, FileError, RequirementError
from rnnbook.model_folder import reading
from rnnbook.portable import onnx_graph, weights

tf = pytest.importorskip('tensorflow')
onnx = pytest.importorskip('onnx', reason='onnx comes with the extra onnx')
onnxruntime = pytest.importorskip('onnxruntime', reason='ONNX Runtime comes with the extra onnx')

import models                                               # noqa: E402
from rnnbook.network.pooling import POOLINGS                # noqa: E402
from rnnbook.portable import export                         # noqa: E402

sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import export_model                                         # noqa: E402


def session(path):
    """The file in ONNX Runtime, after the full check."""
    onnx.checker.check_model(str(path), full_check=True)
    return onnxruntime.InferenceSession(str(path))


# ---- equal to TensorFlow ---------------------------------------------------------------------------------------------

def rows_of(count):
    """Rows of 6 columns, padded on the left, with zeros between words too; the first row is all zeros."""
    random = np.random.RandomState(0)
    x = random.randint(0, 6, size=(count, 6)) * (np.arange(6) >= random.randint(0, 6, size=(count, 1)))
    x[0] = 0
    return x.astype(np.int32)


def compare(found, predict):
    """Hold the graph `classify` against `predict`, for any number of rows."""
    x = rows_of(13)
    for rows in (x, x[:1], x[3:4], x[:0]):
        expected = predict(rows, return_proba=True, carry_state=False)
        probabilities, labels = found.run(['probabilities', 'labels'], {'word_ids': rows})
        assert probabilities.dtype == np.float32 and labels.dtype == np.int32
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(labels, np.rint(probabilities))


@pytest.mark.slow
@pytest.mark.parametrize('options', [
    dict(engine='book'),
    dict(engine='book', num_layers=2, pooling='meanmax', bidirectional=True),
    dict(bidirectional=True),
    dict(pooling='mean', num_layers=2),
    dict(pooling='max', bidirectional=True),
    dict(pooling='meanmax', bidirectional=True, num_layers=2),
], ids=lambda options: ' '.join(map(str, options.values())))
def test_classify_gives_what_predict_gives_from_the_zero_state(options, tmp_path):
    rnn = models.sentiment(anew=True, **{'engine': 'fused', 'seq_len': 6, 'learning_rate': 0.1, **options})
    x = rows_of(10)
    rnn.train(x, (x == 1).any(axis=1).astype(int), 20, ckpt_dir=tmp_path, vocabulary=models.WORDS)
    export.write_weights(tmp_path)
    assert np.ptp(rnn.predict(rows_of(13), return_proba=True, carry_state=False)) > 0.1
    compare(session(onnx_graph.write_onnx(tmp_path, tmp_path / 'a.onnx')), rnn.predict)


@pytest.mark.parametrize('num_layers', [1, 2])
@pytest.mark.parametrize('bidirectional', [False, True])
@pytest.mark.parametrize('pooling', POOLINGS)
def test_classify_gives_what_numpy_gives_whatever_the_options(pooling, bidirectional, num_layers, tmp_path):
    make(tmp_path, SENTIMENT._replace(arguments=dict(
        SENTIMENT.arguments, seq_len=6, num_layers=num_layers, pooling=pooling, bidirectional=bidirectional)))
    compare(session(onnx_graph.write_onnx(tmp_path, tmp_path / 'a.onnx')), portable.load(tmp_path).predict)


@pytest.mark.slow
@pytest.mark.parametrize('engine, layers', [('book', 1), ('fused', 2)])
def test_next_char_gives_what_the_served_graph_gives_and_goes_on_from_its_state(engine, layers, tmp_path):
    rnn = models.char(anew=True, engine=engine, num_layers=layers, learning_rate=0.05)
    rnn.train(*models.characters(), num_epochs=4, ckpt_dir=tmp_path, vocabulary=models.CHAR2INT)
    export.write_weights(tmp_path)
    found = session(onnx_graph.write_onnx(tmp_path, tmp_path / 'characters.onnx'))
    state = ['%s_%d' % (part, layer) for layer in range(layers) for part in 'ch']
    assert [each.name for each in found.get_inputs()] == ['character_ids'] + state
    names = [each.name for each in found.get_outputs()]
    assert names == ['probabilities'] + ['next_' + name for name in state]
    folder, description = reading.described(rnn, tmp_path, None)
    before = {name: np.zeros((2, 6), np.float32) for name in state}
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        serving = rnn.serving()
        reading.restore(sess, folder, None, description)
        for column in zip('the cat', 'and mat'):
            feeds = {'character_ids': np.array([models.CHAR2INT[char] for char in column], np.int32), **before}
            expected = sess.run(serving.outputs, {serving.inputs[name]: value for name, value in feeds.items()})
            got = dict(zip(names, found.run(None, feeds)))
            before = {name: got['next_' + name] for name in state}
            for name, value in [('probabilities', got['probabilities']), *before.items()]:
                assert value.dtype == np.float32
                np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-5, err_msg=name)
    assert got['probabilities'].max() > 0.3
    none = found.run(None, {name: value[:0] for name, value in feeds.items()})
    assert [each.shape for each in none] == [(0, len(models.CHAR2INT))] + [(0, 6)] * 2 * layers


# ---- the file --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('description, graph', [(SENTIMENT, 'classify'), (CHAR, 'next_char')])
def test_the_description_travels_in_the_metadata(description, graph, tmp_path):
    folder = make(tmp_path / 'model', description)
    assert onnx_graph.write_onnx(folder, tmp_path / 'new' / 'a.onnx') == str(tmp_path / 'new' / 'a.onnx')
    about = session(tmp_path / 'new' / 'a.onnx').get_modelmeta()
    assert (about.graph_name, about.producer_name) == (graph, 'rnnbook')
    assert about.custom_metadata_map['checkpoint'] == 'hand-1.ckpt'
    assert json.loads(about.custom_metadata_map['model.json']) == json.loads((folder / 'model.json').read_text())
    opset, = onnx.load(str(tmp_path / 'new' / 'a.onnx')).opset_import
    assert opset.version == 15


def test_two_writings_are_equal_and_the_second_replaces_the_first(tmp_path):
    folder, path = make(tmp_path / 'model', SENTIMENT), tmp_path / 'a.onnx'
    onnx_graph.write_onnx(folder, path)
    before = path.read_bytes()
    path.write_text('another')
    onnx_graph.write_onnx(folder, path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ['a.onnx', 'model']


def test_the_guides_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = {**SENTIMENT.vocabulary, 'fine': 5}
    del words['!']
    for description, name in (SENTIMENT._replace(vocabulary=words), 'reviews'), (CHAR, 'characters'):
        onnx_graph.write_onnx(make(tmp_path / name, description), name + '.onnx')
    code, = [block.group('code') for block in FENCE.finditer(read('docs/guides/elsewhere.md'))
             if 'import onnxruntime\n' in block.group('code')]
    names = {}
    exec(compile(code, 'docs/guides/elsewhere.md', 'exec'), names)
    printed, char = capsys.readouterr().out.splitlines()
    found, = re.findall(r'0\.\d+', printed)
    assert float(found) == pytest.approx(portable.load('reviews').predict_text('a fine film'), abs=1e-5)
    assert np.array_equal(names['rows'], [[0, 4, 5, 3]]) and char in CHAR.vocabulary
    logits, _ = portable.load('characters')._forward(np.array([CHAR.vocabulary[char] for char in 'The ']), None)
    assert CHAR.vocabulary[char] == logits[0, -1].argmax()


# ---- bad input -------------------------------------------------------------------------------------------------------

def test_what_cannot_be_written_is_named_and_leaves_nothing_behind(tmp_path, monkeypatch):
    folder = make(tmp_path / 'model', SENTIMENT)
    (tmp_path / 'file').write_text('')
    for path, error, message in [(3, ArgumentTypeError, 'path must be a path, not 3'),
                                 (folder, FileError, 'model is a folder, not a file'),
                                 (tmp_path / 'file' / 'a.onnx', FileError, 'cannot write .*a.onnx: ')]:
        with pytest.raises(error, match=message):
            onnx_graph.write_onnx(folder, path)
    for place, message in [(tmp_path / 'none', 'none holds no model: there is no model.json in it'),
                           (make(tmp_path / 'odd', SENTIMENT._replace(arguments=dict(
                               SENTIMENT.arguments, pooling='least'))), "model.json: pooling must be one of 'last'")]:
        with pytest.raises(FileError, match=message):
            onnx_graph.write_onnx(place, tmp_path / 'new' / 'a.onnx')
    monkeypatch.setattr(onnx_graph, 'MAX_BYTES', 1000)
    with pytest.raises(FileError, match='the model in .*model takes 2 GiB or more, which an ONNX file cannot hold'):
        onnx_graph.write_onnx(folder, tmp_path / 'new' / 'a.onnx')
    (folder / 'weights.npz').unlink()
    with pytest.raises(FileError, match=r'has no weights\.npz; scripts/export_model\.py writes it'):
        onnx_graph.write_onnx(folder, tmp_path / 'new' / 'a.onnx')
    assert sorted(each.name for each in tmp_path.iterdir()) == ['file', 'model', 'odd']


def test_without_onnx_one_line_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    folder = make(tmp_path / 'model', SENTIMENT)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(RequirementError, match='write_onnx needs the package onnx, .* run: pip install onnx'):
        onnx_graph.write_onnx(folder, tmp_path / 'a.onnx')
    assert export_model.main(['--ckpt-dir', str(folder), '--onnx', str(tmp_path / 'a.onnx')]) == 2
    error, = capsys.readouterr().err.splitlines()
    assert 'run: python3 scripts/bootstrap.py --extra onnx scripts/export_model.py' in error
    assert not (tmp_path / 'a.onnx').exists()


# ---- the script ------------------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_the_script_exports_the_weights_first_where_that_is_needed(tmp_path, capsys):
    folder, path = tmp_path / 'model', tmp_path / 'a.onnx'
    rnn = models.sentiment(anew=True)
    rnn.train(*models.reviews(), 2, ckpt_dir=folder, vocabulary=models.WORDS, save_every=1)

    def run(*flags):
        capsys.readouterr()
        status = export_model.main(['--ckpt-dir', str(folder), '--onnx', str(path), *flags])
        out, err = capsys.readouterr()
        assert (status, out, err) == (0, '%s\n' % path, '')
        return onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map['checkpoint']

    assert run() == 'sentiment-1.ckpt'
    written = os.stat(str(folder / 'weights.npz')).st_mtime_ns
    assert run() == 'sentiment-1.ckpt' and os.stat(str(folder / 'weights.npz')).st_mtime_ns == written
    assert run('--checkpoint', 'sentiment-0.ckpt') == 'sentiment-0.ckpt'
    assert run() == 'sentiment-1.ckpt'
    rnn.train(*models.reviews(), 4, ckpt_dir=folder, vocabulary=models.WORDS, overwrite=True)
    assert run() == 'sentiment-3.ckpt'
    for name in os.listdir(str(folder)):
        if name not in ('model.json', 'weights.npz'):
            os.remove(str(folder / name))
    assert run() == 'sentiment-3.ckpt'
    for arguments, message in [(['--onnx', str(folder)], 'model is a folder, not a file'),
                               (['--onnx', ''], '--onnx must be a path of at least one character'),
                               (['--onnx', 'x', '--saved-model', 'y'], 'give --saved-model or --onnx, not both')]:
        assert export_model.main(['--ckpt-dir', str(folder), *arguments]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_script_works_from_exported_weights_without_tensorflow(tmp_path):
    folder = make(tmp_path / 'model', CHAR)
    code = ('import sys; sys.modules["tensorflow"] = None; sys.path.insert(0, sys.argv.pop(1)); import export_model; '
            'sys.exit(export_model.main(sys.argv[1:]))')
    command = [sys.executable, '-c', code, os.path.join(ROOT, 'scripts'), '--ckpt-dir', str(folder)]
    env = dict(os.environ, PYTHONPATH=ROOT)
    subprocess.check_call(command + ['--onnx', str(tmp_path / 'a.onnx')], env=env, stdout=subprocess.DEVNULL)
    assert session(tmp_path / 'a.onnx')
    (folder / 'weights.npz').unlink()
    done = subprocess.run(command + ['--onnx', str(tmp_path / 'b.onnx')], env=env, stderr=subprocess.PIPE)
    assert done.returncode == 2 and b'need TensorFlow 1.15' in done.stderr and done.stderr.count(b'\n') == 1


def test_weights_are_current_while_they_are_of_the_checkpoint_that_is_asked_for(tmp_path):
    folder = make(tmp_path / 'model', SENTIMENT)
    assert weights.is_current(str(folder)) and weights.is_current(str(folder), 'hand-1.ckpt')
    assert not weights.is_current(str(folder), 'hand-2.ckpt')
    shutil.copy(str(folder / 'weights.npz'), str(tmp_path))
    (folder / 'weights.npz').write_bytes(b'PK')
    assert not weights.is_current(str(folder))
    (folder / 'weights.npz').unlink()
    assert not weights.is_current(str(folder))
    make(folder, SENTIMENT._replace(vocabulary=None))
    shutil.copy(str(tmp_path / 'weights.npz'), str(folder))
    assert not weights.is_current(str(folder))              # model.json has another vocabulary
    assert not weights.is_current(str(tmp_path / 'none'))
