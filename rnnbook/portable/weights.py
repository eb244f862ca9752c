"""`weights.npz`, the weights of a checkpoint beside `model.json`: float32 arrays by the variables' names, no pickles.

`export` writes it with TensorFlow, `portable` reads it without. One more entry, `about`, is a text (JSON) that says
which checkpoint the weights are of, and lets `read` notice that the folder has changed since.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import operator
import os
import warnings
import zipfile
from typing import Dict, Iterator, Mapping, Optional, Tuple

import numpy as np
from numpy.lib import format as npy

from rnnbook.base.checks import shorten
from rnnbook.base.files import atomic_path, check_format, damage_errors, sha256
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder.checkpoint_files import WEIGHTS as NAME, by_age
from rnnbook.model_folder.description import MODEL_JSON, Description, read_description, variables
from rnnbook.preprocessing.vocabulary import Settings

__all__ = ['NAME', 'write', 'read', 'is_current', 'description_errors']

ABOUT = 'about'
FORMAT = 1
FLOAT32 = np.dtype('<f4')
MAX_TEXT = 8192
#: How many times its own size a file may be unpacked; weights hardly compress, but zeros do.
MAX_RATIO = 100


def write(folder: str, arrays: Mapping[str, np.ndarray], description: Description, checkpoint: str) -> str:
    """Write the file into a model's folder, whole or not at all."""
    path = os.path.join(folder, NAME)
    about = {'format': FORMAT, 'checkpoint': checkpoint, 'vocabulary': _fingerprint(description),
             'model': description.digests()['model'], 'newest': _newest(folder)[1]}
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:     # a name would get another ending
        np.savez(file, **arrays, **{ABOUT: np.array(json.dumps(about))})
    return path


def read(folder: str, description: Description) -> Tuple[Dict[str, np.ndarray], str]:
    """Read the file of a model's folder. An array's shape and size are checked before it is read."""
    path = os.path.join(folder, NAME)
    if not os.path.isfile(path):
        raise FileError('%s has no %s; scripts/export_model.py writes it, with TensorFlow, from a checkpoint'
                        % (folder, NAME))
    with damage_errors(path), description_errors(folder), zipfile.ZipFile(path) as archive:
        size, unpacked = os.path.getsize(path), sum(info.file_size for info in archive.infolist())
        if unpacked > MAX_RATIO * size:
            raise FileError('%s, of %d bytes, would unpack to %d bytes, which no weights do' % (path, size, unpacked))
        about = _about(path, archive)
        if about['vocabulary'] != _fingerprint(description):
            raise _misfit(path)
        # A damaged model.json may ask for arrays without an end; the first one that is not there is an error.
        arrays = {name: _member(path, archive, name, shape, FLOAT32) for name, shape in variables(description)}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise FileError('%s: %s is not finite; export the model again' % (path, name))
        model = description.digests()['model']
        if about.get('model', model) != model:              # older files do not say it
            raise _misfit(path)
    newest, fingerprint = _newest(folder)
    if fingerprint not in (None, about['newest']):
        warnings.warn('%s holds %s as it was exported; the model has been trained since, up to %s'
                      % (path, about['checkpoint'], newest), stacklevel=3)
    return arrays, about['checkpoint']


def is_current(folder: str, checkpoint: Optional[str] = None) -> bool:
    """Whether the file can be read and holds this checkpoint of its folder, by default the newest."""
    with contextlib.suppress(FileError, UserWarning), warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        found = read(folder, read_description(folder))[1]
        return found == (checkpoint if checkpoint is not None else _newest(folder)[0] or found)
    return False


def _misfit(path):
    return FileError('%s was written for another %s than the one beside it; scripts/export_model.py writes it again'
                     % (path, MODEL_JSON))


@contextlib.contextmanager
def description_errors(folder: str) -> Iterator[None]:
    """Let an error about a model's arguments or vocabulary name the file that holds them."""
    try:
        yield
    except (ArgumentTypeError, ArgumentValueError) as error:
        raise FileError('%s: %s' % (os.path.join(folder, MODEL_JSON), error)) from error


def _member(path, archive, name, shape, dtype):
    """One array of the archive, which must have this shape and type (None: a short text); no pickle is ever read."""
    try:
        info = archive.getinfo(name + '.npy')
    except KeyError:
        raise FileError('%s has no array %s' % (path, name)) from None
    with archive.open(info) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError('%s is not an array in NumPy\'s format 1.0' % name)
        found, fortran, kind = npy.read_array_header_1_0(file)
        if dtype is None and kind.kind == 'U' and kind.itemsize <= MAX_TEXT:
            dtype = kind
        if (found, kind) != (shape, dtype):
            raise FileError('%s: %s must be %s of the shape %s, not %s of %s'
                            % (path, name, dtype or 'a short text', shape, kind, found))
        size = functools.reduce(operator.mul, shape, dtype.itemsize)
        # A header is at most 64 KiB long, and no member is longer than the file.
        if not size < info.file_size <= size + 2 ** 16 or info.compress_size > os.path.getsize(path):
            raise ValueError('%s has %d bytes, not %d and a header' % (name, info.file_size, size))
        data = file.read(size + 1)                          # up to its end, where zipfile compares the checksum
    if len(data) != size:
        raise ValueError('%s has %d bytes of data, not %d' % (name, len(data), size))
    array = np.frombuffer(data, dtype).reshape(shape, order='F' if fortran else 'C')
    return array.astype(dtype.newbyteorder('='), copy=False)


def _about(path, archive):
    """The entry `about` as a dict."""
    about = json.loads(str(_member(path, archive, ABOUT, (), None)))
    check_format(path, about['format'], FORMAT)
    name = about['checkpoint']
    if not isinstance(name, str) or not name or name != os.path.basename(name) or '\0' in name:
        raise ValueError('checkpoint is %s' % shorten(name))
    name.encode('utf-8')
    for name in ('vocabulary', 'newest'):
        if not isinstance(about[name], (str, type(None))):
            raise ValueError('%s is %s' % (name, shorten(about[name])))
    return about


def _fingerprint(description):
    """The sha256 of class, vocabulary and its settings, which the shapes of the arrays do not show."""
    entries = [description.class_name, description.vocabulary]
    if getattr(description.vocabulary, 'settings', Settings()) != Settings():   # the book's are left out
        entries.append(description.vocabulary.treatment())
    text = json.dumps(entries, sort_keys=True)
    return hashlib.sha256(text.encode('ascii')).hexdigest()


def _newest(folder):
    """The name of the newest checkpoint and the sha256 of its index, which has the checksums of the variables.

    Both are None where there is no checkpoint: a copy of the folder needs only `model.json` and `weights.npz`.
    """
    for name in reversed(by_age(folder)):
        index = os.path.join(folder, name + '.index')
        if os.path.isfile(index):
            return name, sha256(index)
    return None, None
