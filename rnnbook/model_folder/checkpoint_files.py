"""A folder of checkpoints as files, so that a process may die at any moment and leave nothing half done.

A save is made in the folder `.saving` and is complete once it has its record (see `run_state`); its files are then
moved into place one by one, the record last. The next run (`recover`) finishes or removes what a dead process has left
in `.saving`, so that a checkpoint is in the folder whole or not at all.
"""

import contextlib
import os
import re
import shutil
from typing import Iterator, List, Optional, Sequence

from rnnbook.base.checks import StrPath, shorten
from rnnbook.base.files import check_local, file_errors, read_bytes, sync, write_text
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder.description import MODEL_JSON
from rnnbook.model_folder.run_state import ENDING, read_record

__all__ = ['LOCK', 'HISTORY', 'BEST', 'STAGING', 'WEIGHTS', 'check_folder', 'folder_of', 'refuse_links',
           'check_output', 'names', 'listed', 'by_age', 'last_number', 'write_list', 'staging', 'recover', 'remove']

LOCK = '.lock'
HISTORY = 'history.csv'
#: The folder, in a model's own, of the epoch with the best validation.
BEST = 'best'
#: The file in which TensorFlow lists a folder's checkpoints.
LIST = 'checkpoint'
STAGING = '.saving'
#: The file of the weights that `export.write_weights` writes.
WEIGHTS = 'weights.npz'
#: The files that rnnbook writes under one name.
WRITTEN = (LIST, HISTORY, MODEL_JSON, WEIGHTS)


def check_folder(name: str, path: StrPath) -> str:
    """The path of a model's folder as a `str`."""
    path = check_local(name, path)
    if set('*?[]') & set(path) or ('\\' in path and os.sep == '/'):
        raise ArgumentValueError('%s must be a path without * ? [ ] and \\, which TensorFlow reads as a pattern, not %s'
                                 % (name, shorten(path)))
    return path


def folder_of(name: str, value: Optional[StrPath], own: Optional[str]) -> str:
    """The folder that a method uses: its argument, else the object's own, else the book's ``./model/``."""
    return check_folder(name, value) if value is not None else own or './model/'


def refuse_links(folder: str, *paths: str) -> None:
    """Raise FileError where a name that rnnbook writes in a model's folder, or one of these paths, is a link."""
    ours = [os.path.join(folder, name) for name in (LOCK, STAGING, BEST, *WRITTEN)]
    for path in [*ours, *paths]:
        if os.path.islink(path):
            raise FileError('%s is a link, which would be written through; remove it, or choose another folder' % path)


def check_output(name: str, path: StrPath) -> str:
    """The path of an export as a `str`: no link, nothing that a model's folder is made of, and in a writable folder."""
    path = check_local(name, path)
    target = os.path.abspath(path)
    parent, base = os.path.split(target)
    if os.path.islink(target):
        raise FileError('%s %s is a link, which would be replaced; name the file itself, or another' % (name, path))
    ours = base in (LOCK, STAGING, BEST, *WRITTEN) or base.endswith(('.index', '.meta', ENDING)) or '.data-' in base
    if ours and any(os.path.exists(os.path.join(parent, each)) for each in (MODEL_JSON, LIST)):
        raise FileError('%s %s is a name that the model in that folder uses; choose another' % (name, path))
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        raise FileError('cannot write %s %s: %s is no folder that can be written to' % (name, path, parent))
    return path


def names(folder: str) -> List[str]:
    """The names of all checkpoints in a folder, sorted as text."""
    if not os.path.isdir(folder):
        raise FileError('ckpt_dir %s is not there; train saves into it' % folder)
    with file_errors('cannot read ' + folder):
        return sorted(name[:-len('.index')] for name in os.listdir(folder) if name.endswith('.index'))


def listed(folder: str) -> List[str]:
    """The names that TensorFlow's file `checkpoint` lists, the newest last; whether they are there or not."""
    path = os.path.join(folder, LIST)
    if not os.path.isfile(path):
        return []
    lines = re.findall(r'^(model_checkpoint_path|all_model_checkpoint_paths): "([^"\\\0]+)"$',
                       read_bytes(path, 2 ** 24).decode('utf-8', 'replace'), flags=re.MULTILINE)
    found = [os.path.basename(name) for _, name in sorted(lines, key=lambda line: line[0])]     # 'all_' before 'model_'
    return list(dict.fromkeys(reversed(found)))[::-1]


def by_age(folder: str) -> List[str]:
    """The names of all checkpoints, the newest last: those that are listed come after the others."""
    def age(name):                                          # by the numbers in the records
        prefix = os.path.join(folder, name)
        with contextlib.suppress(FileError):
            return read_record(prefix).number, 0.0
        with contextlib.suppress(OSError):                  # a link to nothing, or removed meanwhile
            return 0, os.path.getmtime(prefix + '.index')
        return 0, 0.0

    in_list = listed(folder)
    return sorted(set(names(folder)) - set(in_list), key=age) + in_list


def last_number(folder: str) -> int:
    """The number in the newest record of a folder that can be read, 0 if there is none."""
    for name in reversed(by_age(folder)):
        with contextlib.suppress(FileError):
            return read_record(os.path.join(folder, name)).number
    return 0


def write_list(folder: str, names: Sequence[str]) -> None:
    """Write TensorFlow's file `checkpoint`, by which `tf.train.latest_checkpoint` finds the newest."""
    lines = ['model_checkpoint_path: "%s"\n' % names[-1]]
    write_text(os.path.join(folder, LIST), ''.join(lines + ['all_model_checkpoint_paths: "%s"\n' % name
                                                            for name in names]))


@contextlib.contextmanager
def staging(folder: str) -> Iterator[str]:
    """A folder to save in; its files move to `folder` at the end of the block, and are removed if the block fails."""
    path = os.path.join(folder, STAGING)
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    _commit(folder)


def _commit(folder):
    """Move a complete save into place; a dead process may have moved some of its files."""
    path = os.path.join(folder, STAGING)

    def turn(name):                                         # the list after the weights, the record after all else
        return name.endswith(ENDING), name == LIST, name

    for name in sorted(os.listdir(path), key=turn):
        if os.path.isfile(os.path.join(path, name)):
            os.replace(os.path.join(path, name), os.path.join(folder, name))
    shutil.rmtree(path, ignore_errors=True)
    sync(folder)


def recover(folder: str) -> None:
    """Put in order what a process that died has left; only for the holder of the folder's lock."""
    path = os.path.join(folder, STAGING)
    with file_errors('cannot put %s in order' % folder):
        if os.path.isdir(path):
            if any(name.endswith(ENDING) for name in os.listdir(path)):
                _commit(folder)
            else:
                shutil.rmtree(path)
        there, in_list = os.listdir(folder), set(listed(folder))
        for name in there:
            if name.endswith('.part') and name.startswith(tuple(ours + '.' for ours in WRITTEN)):
                os.remove(os.path.join(folder, name))
            checkpoint = name[:-len(ENDING)]
            if name.endswith(ENDING) and checkpoint + '.index' not in there and checkpoint not in in_list:
                remove(folder, checkpoint)                  # its removal was not finished


def remove(folder: str, name: str) -> None:
    """Remove the files of a checkpoint: the index first, its record last."""
    files = [file for file in os.listdir(folder)
             if file.startswith(name + '.data-') or file in (name + '.index', name + '.meta', name + ENDING)]
    for file in sorted(files, key=lambda file: (file.endswith(ENDING), not file.endswith('.index'))):
        os.remove(os.path.join(folder, file))
