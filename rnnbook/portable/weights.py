"""`weights.npz`, the weights of a checkpoint beside `model.json`: float32 arrays by the variables' names, no pickles.

`export` writes it with TensorFlow, `portable` reads it without. One more entry, `about`, is a text (JSON) that says
which checkpoint the weights are of, and lets `read` notice that the folder has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from typing import Dict, Mapping, Tuple

import numpy as np

from rnnbook.base import npz
from rnnbook.base.checks import shorten
from rnnbook.base.files import sha256
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder.checkpoint_files import listed
from rnnbook.model_folder.description import NAME as MODEL_JSON, Description, variables
from rnnbook.preprocessing.vocabulary import Settings

__all__ = ['NAME', 'write', 'read']

NAME = 'weights.npz'
ABOUT = 'about'
FORMAT = 1


def write(folder: str, arrays: Mapping[str, np.ndarray], description: Description, checkpoint: str) -> str:
    """Write the file into a model's folder, whole or not at all."""
    path = os.path.join(folder, NAME)
    about = {'format': FORMAT, 'checkpoint': checkpoint, 'vocabulary': _fingerprint(description),
             'newest': _newest(folder)[1]}
    npz.write(path, dict(arrays, **{ABOUT: np.array(json.dumps(about))}))
    return path


def read(folder: str, description: Description) -> Tuple[Dict[str, np.ndarray], str]:
    """Read the file of a model's folder. Its shapes are checked before the weights are read."""
    path = os.path.join(folder, NAME)
    if not os.path.isfile(path):
        raise FileError('%s has no %s; scripts/export_model.py writes it, with TensorFlow, from a checkpoint'
                        % (folder, NAME))
    try:
        with zipfile.ZipFile(path) as archive:
            about = _about(path, archive)
            if about['vocabulary'] != _fingerprint(description):
                raise FileError('%s was written for another %s than the one beside it; scripts/export_model.py writes '
                                'it anew' % (path, MODEL_JSON))
            for arrays in (None, {}):                       # every header before any of the weights
                for name, shape in _expected(folder, description):
                    array = npz.member(path, archive, name, shape, np.dtype('<f4'), arrays is None)
                    if arrays is not None:
                        arrays[name] = array
            checkpoint = about['checkpoint']
    except FileError:
        raise
    except npz.DAMAGE as error:
        raise FileError('%s is damaged or no such file: %s' % (path, shorten(str(error), 100))) from error
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror or error)) from error
    newest, fingerprint = _newest(folder)
    if fingerprint not in (None, about['newest']):
        warnings.warn('%s holds %s as it was exported; the model has been trained since, up to %s'
                      % (path, checkpoint, newest), stacklevel=3)
    return arrays, checkpoint


def _expected(folder, description):
    """`variables`, its errors being those of the file that the arguments stand in."""
    try:
        yield from variables(description)
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error


def _about(path, archive):
    """The entry `about` as a dict."""
    text = npz.member(path, archive, ABOUT, (), None)
    about = json.loads(str(text))
    if about['format'] != FORMAT:
        raise FileError('%s has the format %s; this version of rnnbook reads format %d'
                        % (path, shorten(about['format']), FORMAT))
    for name in ('checkpoint', 'vocabulary', 'newest'):
        if not isinstance(about[name], (str, type(None))):
            raise ValueError('%s is %s' % (name, shorten(about[name])))
    return about


def _fingerprint(description):
    """sha256 of the class and the vocabulary with its settings: what the shapes of the arrays do not show."""
    entries = [description.class_name, description.vocabulary]
    if getattr(description.vocabulary, 'settings', Settings()) != Settings():   # those of the book go without saying
        entries.append(description.vocabulary.treatment())
    text = json.dumps(entries, sort_keys=True)
    return hashlib.sha256(text.encode('ascii')).hexdigest()


def _newest(folder):
    """The name of a folder's newest checkpoint, and the sha256 of its index, which has the checksums of the variables.

    Both are None where there is none: `model.json` and `weights.npz` are all that a copy of the folder needs.
    """
    name = (listed(folder) or [''])[-1]
    index = os.path.join(folder, name + '.index')
    return (name, sha256(index)) if os.path.isfile(index) else (None, None)
