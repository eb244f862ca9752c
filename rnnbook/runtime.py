"""The check of Python and TensorFlow, and devices as a `tf.ConfigProto`.

Whoever needs TensorFlow imports this module before anything that imports TensorFlow itself: it checks what is there and
imports it without the chatter that is not the user's business.

The thread pools of TensorFlow 1.15 belong to the process: its first session sets their sizes, later ones cannot.
"""

import importlib
import os
import platform
import warnings

from rnnbook.errors import ArgumentValueError, RequirementError, check_choice

__all__ = ['DEVICES', 'load_tensorflow', 'check_device', 'session_config']

DEVICES = ('auto', 'cpu', 'gpu')


def load_tensorflow():
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


def check_device(name, device):
    """The device, if TensorFlow can use it.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    device : {'auto', 'cpu', 'gpu'}

    Raises
    ------
    ArgumentValueError
        Not one of the three, or ``'gpu'`` where TensorFlow sees none.
    """
    check_choice(name, device, DEVICES)
    if device == 'gpu' and not tf.config.experimental.list_physical_devices('GPU'):
        built = tf.test.is_built_with_cuda()
        raise ArgumentValueError(
            "%s must be 'auto' or 'cpu' here, not 'gpu': TensorFlow %s sees no GPU (it is built %s CUDA%s)"
            % (name, tf.__version__, 'with' if built else 'without',
               '; the official wheel needs CUDA 10.0 and cuDNN 7' if built else '; tensorflow-gpu==1.15 is'))
    return device


def session_config(device='auto'):
    """The settings of a session.

    Parameters
    ----------
    device : {'auto', 'cpu', 'gpu'}
        ``'auto'``, the default: a GPU where TensorFlow sees one. ``'cpu'`` hides it. ``'gpu'`` is checked by
        `check_device`; what a GPU cannot compute is left to the CPU.

    Returns
    -------
    tf.ConfigProto
        Memory of a GPU is taken as it is needed, not all at once.
    """
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    if device == 'cpu':
        config.device_count['GPU'] = 0
    return config
