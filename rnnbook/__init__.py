"""Chapter 16 of *Python Machine Learning*, 2nd edition, as a library: public names are resolved on first use."""

import importlib

from rnnbook.version import __version__

_HOME = {'SentimentRNN': 'sentiment', 'CharRNN': 'charrnn', 'get_top_char': 'charrnn'}
_MODULES = ('charrnn', 'checkpoints', 'cli', 'datasets', 'errors', 'hamlet', 'imdb', 'sentiment', 'training')


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module('rnnbook.' + _HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module('rnnbook.' + name)
    raise AttributeError('module rnnbook has no attribute %r' % name)
