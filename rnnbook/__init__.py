"""Chapter 16 of *Python Machine Learning*, 2nd edition, as a library.

The names below are imported on first use. So `import rnnbook` is fast, and preprocessing, equations and the NumPy
engine work without TensorFlow 1.15. A class that needs TensorFlow says so in one line.
"""

import importlib

__version__ = '0.3.0'

#: The module of each public name, or the module that it is.
_PLACES = {
    'SentimentRNN': 'rnnbook.sentiment', 'CharRNN': 'rnnbook.charrnn', 'get_top_char': 'rnnbook.network.drawing',
    'export': 'rnnbook.portable.export', 'metrics': 'rnnbook.training.validation',
    **{name: 'rnnbook.' + name for name in ('charrnn', 'datasets', 'equations', 'errors', 'hamlet', 'imdb', 'portable',
                                            'sentiment', 'training')},
}
__all__ = ['__version__', *_PLACES]


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError('module %r has no attribute %r' % (__name__, name))
    place = importlib.import_module(_PLACES[name])
    value = getattr(place, name) if name[0].isupper() or name == 'get_top_char' else place
    globals()[name] = value                                 # so that the next use does not come here
    return value


def __dir__():
    return sorted(__all__)
