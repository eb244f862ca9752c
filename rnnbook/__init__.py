"""Chapter 16 of *Python Machine Learning*, 2nd edition, as a library.

The names below are resolved on first use, so that `import rnnbook` costs nothing and the preprocessing, the equations
and the NumPy engine work where TensorFlow 1.15 does not exist. Asking for a class that needs it says so in one line.
"""

import importlib

from rnnbook.version import __version__

# Public name -> the module that it comes from.
_NAMES = {
    'SentimentRNN': 'sentiment',
    'CharRNN': 'charrnn',
    'get_top_char': 'hamlet',
}
_MODULES = ('charrnn', 'datasets', 'equations', 'errors', 'export', 'hamlet', 'imdb', 'portable', 'sentiment',
            'training')

__all__ = ['__version__', 'SentimentRNN', 'CharRNN', 'get_top_char',
           'charrnn', 'datasets', 'equations', 'errors', 'export', 'hamlet', 'imdb', 'portable', 'sentiment',
           'training']


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module('rnnbook.' + _NAMES[name]), name)
        globals()[name] = value                 # the next use finds it without coming here
        return value
    if name in _MODULES:
        return importlib.import_module('rnnbook.' + name)
    raise AttributeError('module %r has no attribute %r' % (__name__, name))


def __dir__():
    return sorted(set(globals()) | set(__all__))
