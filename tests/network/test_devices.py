"""TensorFlow's presence, and devices as settings of a session."""

import subprocess
import sys

import pytest

from rnnbook.errors import ArgumentValueError, RequirementError
from rnnbook.network import devices


def test_tensorflow_1_15_is_accepted_and_other_versions_are_named(monkeypatch):
    module = devices.load_tensorflow()
    monkeypatch.setattr(module, '__version__', '1.15.5')
    assert devices.load_tensorflow() is module
    monkeypatch.setattr(module, '__version__', '2.11.0')
    with pytest.raises(RequirementError, match=r'need TensorFlow 1\.15.*with TensorFlow 2\.11\.0'):
        devices.load_tensorflow()


@pytest.mark.parametrize('door', ['import rnnbook; rnnbook.SentimentRNN', 'from rnnbook import CharRNN',
                                  'import rnnbook.sentiment'])
def test_without_tensorflow_a_class_fails_with_one_line_that_says_what_is_needed(door):
    code = 'import sys; sys.modules["tensorflow"] = None\n' + door
    run = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    last = run.stderr.decode().strip().splitlines()[-1]
    assert run.returncode == 1
    assert 'need TensorFlow 1.15, which needs CPython 3.7' in last


@pytest.mark.slow
def test_importing_and_running_a_model_prints_nothing():
    code = ('import numpy as np, rnnbook\n'
            'm = rnnbook.SentimentRNN(5, seq_len=3, lstm_size=2, batch_size=2, embed_size=2)\n'
            'import tensorflow as tf\n'
            'with tf.Session(graph=m.g, config=m.session_config()) as sess:\n'
            '    sess.run(m.init_op)\n')
    run = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, b'', b'')


def test_cpu_hides_every_gpu_and_memory_grows_as_needed():
    assert dict(devices.session_config('cpu').device_count) == {'GPU': 0}
    for device in ('auto', 'gpu'):
        assert dict(devices.session_config(device).device_count) == {}
    for device in devices.DEVICES:
        config = devices.session_config(device)
        assert config.gpu_options.allow_growth and config.allow_soft_placement


def test_gpu_is_an_error_where_tensorflow_sees_none_and_passes_where_it_sees_one(monkeypatch):
    config = devices.tf.config.experimental
    monkeypatch.setattr(config, 'list_physical_devices', lambda kind: [])
    with pytest.raises(ArgumentValueError, match="device must be 'auto' or 'cpu' here, not 'gpu'.*sees no GPU"):
        devices.check_device('device', 'gpu')
    monkeypatch.setattr(config, 'list_physical_devices', lambda kind: ['one'] if kind == 'GPU' else [])
    assert devices.check_device('device', 'gpu') == 'gpu'


@pytest.mark.parametrize('device', ['tpu', 'GPU', None, 0])
def test_another_device_is_refused_with_the_choices(device):
    with pytest.raises(ArgumentValueError, match="device must be one of 'auto', 'cpu', 'gpu'"):
        devices.check_device('device', device)


def test_threads_follow_the_engine_and_what_is_given_counts():
    cores = devices.cores()
    assert devices.Threads.of(None, None, 'fused', 'cpu') == (1, cores)
    assert devices.Threads.of(None, None, 'book', 'cpu') == (0, 0)
    assert devices.Threads.of(3, None, 'fused', 'cpu') == (3, cores)
    assert devices.Threads.of(None, 0, 'fused', 'cpu') == (1, 0)
    config = devices.session_config('cpu', devices.Threads(3, 5))
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (3, 5)


def test_on_a_gpu_there_is_one_shard_and_tensorflow_picks_the_threads(monkeypatch):
    monkeypatch.setattr(devices.tf.config.experimental, 'list_physical_devices',
                        lambda kind: ['one'] if kind == 'GPU' else [])
    assert devices.Threads.of(None, None, 'fused', 'auto') == (0, 0)
    assert devices.check_shards('shards', None, 'fused', 'gpu', 100) == 1
    assert devices.check_shards('shards', None, 'fused', 'cpu', 100) == min(100, devices.cores())
    assert devices.check_shards('shards', 3, 'fused', 'gpu', 100) == 3


@pytest.mark.parametrize('value, error', [(-1, ValueError), (1025, ValueError), ('2', TypeError), (True, TypeError)])
def test_bad_threads_are_named(value, error):
    with pytest.raises(error, match='intra_op_threads must be an integer from 0 to 1024'):
        devices.Threads.of(value, None, 'book', 'cpu')
    with pytest.raises(error, match='inter_op_threads must be an integer from 0 to 1024'):
        devices.Threads.of(None, value, 'book', 'cpu')


def test_a_path_that_the_locale_cannot_decode_is_not_blamed_on_protobuf(monkeypatch):
    def refuse(name):
        raise TypeError('Descriptors should not be created directly')

    monkeypatch.setattr(devices.importlib, 'import_module', refuse)
    with pytest.raises(RequirementError, match='protobuf below 3.21.*Descriptors should not'):
        devices.load_tensorflow()
    monkeypatch.syspath_prepend('/caf\udcc3\udca9')
    with pytest.raises(RequirementError, match='^TensorFlow cannot be imported from a path with .*LC_ALL=C.UTF-8'):
        devices.load_tensorflow()
