"""The check of Python and TensorFlow, and devices and threads as a `tf.ConfigProto`.

Everything else gets TensorFlow from here: this module checks which version is installed and imports it without the
warnings that do not concern the user.

The thread pools of TensorFlow 1.15 belong to the process: its first session sets their sizes, later ones cannot.
"""

from __future__ import annotations

import collections
import importlib
import os
import platform
import sys
import warnings
from typing import Any, Optional

from rnnbook.base.checks import check_choice, check_int
from rnnbook.errors import ArgumentValueError, RequirementError

__all__ = ['DEVICES', 'Threads', 'load_tensorflow', 'check_device', 'check_shards', 'cores', 'init_op', 'on_gpu',
           'session_config']

DEVICES = ('auto', 'cpu', 'gpu')


def load_tensorflow() -> Any:
    """Import TensorFlow 1.15 (any build of it) quietly."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')      # what goes wrong in C++ reaches Python as an exception
    need = 'rnnbook\'s models need TensorFlow 1.15, which needs CPython 3.7 (see "python3 scripts/bootstrap.py --help")'
    have = '%s %s' % (platform.python_implementation(), platform.python_version())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')                 # NumPy's FutureWarning about TensorFlow's own types
            tensorflow = importlib.import_module('tensorflow')
    except ImportError as error:
        raise RequirementError('%s; this is %s: %s' % (need, have, error)) from error
    except TypeError as error:                              # protobuf refuses TensorFlow's generated modules
        if any('\udc80' <= char <= '\udcff' for char in ''.join(sys.path)):    # bytes that the locale cannot decode
            raise RequirementError('TensorFlow cannot be imported from a path with other than ASCII characters in this '
                                   'locale; set LC_ALL=C.UTF-8, or move the checkout') from error
        raise RequirementError('%s and protobuf below 3.21; this is %s: %s'
                               % (need, have, str(error).splitlines()[0])) from error
    version = getattr(tensorflow, '__version__', 'unknown')
    if version.split('.')[:2] != ['1', '15']:
        raise RequirementError('%s; this is %s with TensorFlow %s' % (need, have, version))
    tensorflow.compat.v1.logging.set_verbosity(tensorflow.compat.v1.logging.ERROR)
    return tensorflow


tf = load_tensorflow()


def check_device(name: str, device: str, gpu: Optional[int] = None) -> str:
    """The device, if TensorFlow can use it."""
    check_choice(name, device, DEVICES)
    seen = len(tf.config.experimental.list_physical_devices('GPU')) if device != 'cpu' and gpu is not None else 0
    if seen and gpu >= seen:
        raise ArgumentValueError("%s must be 'cpu' where a machine has more processes than GPUs, not %r: each takes "
                                 "one, and TensorFlow sees %d" % (name, device, seen))
    if device == 'gpu' and not tf.config.experimental.list_physical_devices('GPU'):
        built = tf.test.is_built_with_cuda()
        raise ArgumentValueError(
            "%s must be 'auto' or 'cpu' here, not 'gpu': TensorFlow %s sees no GPU (it is built %s CUDA%s)"
            % (name, tf.__version__, 'with' if built else 'without',
               '; the official wheel needs CUDA 10.0 and cuDNN 7' if built else '; tensorflow-gpu==1.15 is'))
    return device


def cores(processes: int = 1) -> int:
    """The processors that this process may use."""
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:                                  # only some systems have it
        found = os.cpu_count() or 1
    return max(1, found // processes)


def on_gpu(device: str) -> bool:
    """Whether a model of this device computes on a GPU."""
    return device != 'cpu' and bool(tf.config.experimental.list_physical_devices('GPU'))


def check_shards(name: str, shards: Optional[int], engine: str, device: str, batch_size: int,
                 processes: int = 1) -> Optional[int]:
    """The number of parts in which `engine='fused'` computes a batch."""
    if shards is not None:
        check_int(name, shards, 1, batch_size)
    elif engine == 'fused':
        shards = 1 if on_gpu(device) else min(cores(processes), batch_size)
    return shards


class Threads(collections.namedtuple('Threads', 'intra_op inter_op')):
    """Sizes of TensorFlow's two thread pools: the threads of one op, and the ops that run at a time; 0 is its own
    choice.
    """

    @classmethod
    def of(cls, intra_op: Optional[int], inter_op: Optional[int], engine: str, device: str,
           processes: int = 1) -> Threads:
        """The sizes for an engine and a device, given those that the user set."""
        given = [None if value is None else check_int(name, value, 0, 1024)
                 for name, value in (('intra_op_threads', intra_op), ('inter_op_threads', inter_op))]
        share = cores(processes)
        alone = (share, share) if processes > 1 else (0, 0)
        defaults = (1, share) if engine == 'fused' and not on_gpu(device) else alone
        return cls(*[default if value is None else value for value, default in zip(given, defaults)])


def session_config(device: str = 'auto', threads: Threads = Threads(0, 0),
                   gpu: Optional[int] = None) -> tf.compat.v1.ConfigProto:
    """The settings of a session."""
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=threads.intra_op,
                                      inter_op_parallelism_threads=threads.inter_op)
    config.gpu_options.allow_growth = True
    if gpu is not None and on_gpu(device):                  # without any, TensorFlow aborts the process
        config.gpu_options.visible_device_list = str(gpu)
    if device == 'cpu':
        config.device_count['GPU'] = 0
    return config


def init_op() -> tf.Operation:
    """The operation that initialises every variable of the default graph, those outside a checkpoint included."""
    return tf.group(tf.compat.v1.global_variables_initializer(), tf.compat.v1.local_variables_initializer(),
                    name='init')
