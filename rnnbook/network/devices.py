"""The check of Python and TensorFlow, and devices and threads as a `tf.ConfigProto`.

Whoever needs TensorFlow imports this module before anything that imports TensorFlow itself: it checks what is there and
imports it without the chatter that is not the user's business.

The thread pools of TensorFlow 1.15 belong to the process: its first session sets their sizes, later ones cannot.
"""

from __future__ import annotations

import collections
import importlib
import os
import platform
import warnings
from typing import Any, Optional

from rnnbook.base.checks import check_choice, check_int
from rnnbook.errors import ArgumentValueError, RequirementError

__all__ = ['DEVICES', 'Threads', 'load_tensorflow', 'check_device', 'check_shards', 'cores', 'init_op', 'on_gpu',
           'session_config']

DEVICES = ('auto', 'cpu', 'gpu')


def load_tensorflow() -> Any:
    """Import TensorFlow 1.15 (any build of it) quietly.

    Returns
    -------
    module

    Raises
    ------
    RequirementError
        It is not there, another version is there, or it does not import; one line says what is needed.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')      # what goes wrong in C++ reaches Python as an exception
    need = 'rnnbook\'s models need TensorFlow 1.15, which needs CPython 3.7 (see "python3 scripts/bootstrap.py --help")'
    have = '%s %s' % (platform.python_implementation(), platform.python_version())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')                 # NumPy's FutureWarning about TensorFlow's own types
            tensorflow = importlib.import_module('tensorflow')
    except ImportError as error:
        raise RequirementError('%s; this is %s: %s' % (need, have, error)) from error
    except TypeError as error:                              # protobuf 4 refuses TensorFlow's generated modules
        raise RequirementError('%s and protobuf below 3.21; this is %s: %s'
                               % (need, have, str(error).splitlines()[0])) from error
    version = getattr(tensorflow, '__version__', 'unknown')
    if version.split('.')[:2] != ['1', '15']:
        raise RequirementError('%s; this is %s with TensorFlow %s' % (need, have, version))
    tensorflow.compat.v1.logging.set_verbosity(tensorflow.compat.v1.logging.ERROR)
    return tensorflow


tf = load_tensorflow()


def check_device(name: str, device: str, gpu: Optional[int] = None) -> str:
    """The device, if TensorFlow can use it.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    device : {'auto', 'cpu', 'gpu'}
    gpu : int, optional
        The number of the one GPU that this process may take. Default: all that are there.

    Raises
    ------
    ArgumentValueError
        Not one of the three; ``'gpu'`` where TensorFlow sees none; or it sees some, and none of the number `gpu`.
    """
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
    """The processors that this process may use.

    Parameters
    ----------
    processes : int, default 1
        That share those of the machine alike.
    """
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:                                  # only some systems have it
        found = os.cpu_count() or 1
    return max(1, found // processes)


def on_gpu(device: str) -> bool:
    """Whether a model of this device computes on a GPU.

    Parameters
    ----------
    device : {'auto', 'cpu', 'gpu'}
    """
    return device != 'cpu' and bool(tf.config.experimental.list_physical_devices('GPU'))


def check_shards(name: str, shards: Optional[int], engine: str, device: str, batch_size: int,
                 processes: int = 1) -> Optional[int]:
    """The number of parts in which `engine='fused'` computes a batch.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    shards : int, optional
        Default: one a core on the CPU, one on a GPU, and never more than rows.
    engine : {'book', 'fused'}
    device : {'auto', 'cpu', 'gpu'}
    batch_size : int
    processes : int, default 1
        That share the machine.

    Returns
    -------
    int or None
        None where `engine` has no use for it.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
    """
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
        """The sizes for an engine and a device, given those that the user set.

        Parameters
        ----------
        intra_op, inter_op : int or None
            What was given as `intra_op_threads` and `inter_op_threads`. Default: 1 and one a core for ``'fused'`` on
            the CPU, whose shards keep the cores busy, so that splitting their small products costs more than it gains;
            else 0, or where several processes share the machine's cores, of both pools as many as each has.
        engine : {'book', 'fused'}
        device : {'auto', 'cpu', 'gpu'}
        processes : int, default 1
            That share the machine.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
        """
        given = [None if value is None else check_int(name, value, 0, 1024)
                 for name, value in (('intra_op_threads', intra_op), ('inter_op_threads', inter_op))]
        share = cores(processes)
        alone = (share, share) if processes > 1 else (0, 0)
        defaults = (1, share) if engine == 'fused' and not on_gpu(device) else alone
        return cls(*[default if value is None else value for value, default in zip(given, defaults)])


def session_config(device: str = 'auto', threads: Threads = Threads(0, 0),
                   gpu: Optional[int] = None) -> tf.compat.v1.ConfigProto:
    """The settings of a session.

    Parameters
    ----------
    device : {'auto', 'cpu', 'gpu'}
        ``'auto'``, the default: a GPU where TensorFlow sees one. ``'cpu'`` hides it. ``'gpu'`` is checked by
        `check_device`; what a GPU cannot compute is left to the CPU.
    threads : Threads
        Default: TensorFlow's own choice. Only the first session of a process sets them.
    gpu : int, optional
        The number of the one GPU to take. Default: all that are there.

    Returns
    -------
    tf.ConfigProto
        Memory of a GPU is taken as it is needed, not all at once.
    """
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
