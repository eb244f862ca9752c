"""A folder of checkpoints as files, so that a process may die at any moment and leave nothing half done.

A save is made in the folder `.saving` and is complete with its record (see `record`); its files are then moved into
place one by one, the record last. What a dead process has left in `.saving` is either moved on or thrown away by the
next run (`recover`), and a checkpoint stands in the folder whole or not at all.
"""

import contextlib
import os
import re
import shutil
from typing import Iterator, List, Sequence

from rnnbook.base.files import move, read_bytes, sync, write_text
from rnnbook.errors import FileError
from rnnbook.model_folder import run_state

__all__ = ['LOCK', 'HISTORY', 'BEST', 'STAGING', 'names', 'listed', 'by_age', 'last_number', 'write_list', 'staging',
           'recover', 'remove']

LOCK = '.lock'
HISTORY = 'history.csv'
#: The folder, in a model's own, of the epoch with the best validation.
BEST = 'best'
#: The file in which TensorFlow lists a folder's checkpoints.
LIST = 'checkpoint'
STAGING = '.saving'


def names(folder: str) -> List[str]:
    """The names of all checkpoints in a folder, sorted as text."""
    if not os.path.isdir(folder):
        raise FileError('ckpt_dir %s is not there; train saves into it' % folder)
    return sorted(name[:-len('.index')] for name in os.listdir(folder) if name.endswith('.index'))


def listed(folder: str) -> List[str]:
    """The names that TensorFlow's file `checkpoint` lists, the newest last; whether they are there or not."""
    path = os.path.join(folder, LIST)
    if not os.path.isfile(path):
        return []
    lines = re.findall(r'^(model_checkpoint_path|all_model_checkpoint_paths): "([^"\\\0]+)"$',
                       read_bytes(path, 2 ** 24).decode('utf-8', 'replace'), flags=re.MULTILINE)
    newest = [os.path.basename(name) for key, name in lines if key == 'model_checkpoint_path']
    older = [os.path.basename(name) for key, name in lines if key != 'model_checkpoint_path']
    return [name for name in older if name not in newest] + newest


def by_age(folder: str) -> List[str]:
    """The names of all checkpoints, the newest last: first those that are not listed, by the numbers in their records.
    """
    def age(name):
        prefix = os.path.join(folder, name)
        with contextlib.suppress(FileError):
            return run_state.read(prefix).number, 0.0
        return 0, os.path.getmtime(prefix + '.index')

    in_list = listed(folder)
    return sorted(set(names(folder)) - set(in_list), key=age) + in_list


def last_number(folder: str) -> int:
    """The number in the newest record of a folder that can be read, 0 if there is none."""
    for name in reversed(by_age(folder)):
        with contextlib.suppress(FileError):
            return run_state.read(os.path.join(folder, name)).number
    return 0


def write_list(folder: str, names: Sequence[str]) -> None:
    """Write TensorFlow's file `checkpoint`, by which `tf.train.latest_checkpoint` finds the newest."""
    lines = ['model_checkpoint_path: "%s"\n' % names[-1]]
    write_text(os.path.join(folder, LIST), ''.join(lines + ['all_model_checkpoint_paths: "%s"\n' % name
                                                            for name in names]))


@contextlib.contextmanager
def staging(folder: str) -> Iterator[str]:
    """A folder to save in; at the end of the block its files move to `folder`. If the block fails, they are removed."""
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
    """Move a complete save into place; what a dead process has begun is carried on."""
    path = os.path.join(folder, STAGING)

    def turn(name):                                         # the list after the weights, the record after all else
        return name.endswith(run_state.ENDING), name == LIST, name

    for name in sorted(os.listdir(path), key=turn):
        if os.path.isfile(os.path.join(path, name)):
            move(os.path.join(path, name), os.path.join(folder, name))
    shutil.rmtree(path, ignore_errors=True)
    sync(folder)


def recover(folder: str) -> None:
    """Put in order what a process that died has left; only for the holder of the folder's lock."""
    path = os.path.join(folder, STAGING)
    try:
        if os.path.isdir(path):
            if any(name.endswith(run_state.ENDING) for name in os.listdir(path)):
                _commit(folder)
            else:
                shutil.rmtree(path)
        there, in_list = os.listdir(folder), set(listed(folder))
        for name in there:
            if name.startswith(HISTORY + '.') and name.endswith('.part'):
                os.remove(os.path.join(folder, name))
            checkpoint = name[:-len(run_state.ENDING)]
            if name.endswith(run_state.ENDING) and checkpoint + '.index' not in there and checkpoint not in in_list:
                remove(folder, checkpoint)                  # its removal was not finished
    except FileError:
        raise
    except OSError as error:
        raise FileError('cannot put %s in order: %s' % (folder, error.strerror)) from error


def remove(folder: str, name: str) -> None:
    """Remove the files of a checkpoint: the index first, its record last."""
    files = [file for file in os.listdir(folder)
             if file.startswith(name + '.data-') or file in (name + '.index', name + '.meta', name + run_state.ENDING)]
    for file in sorted(files, key=lambda file: (file.endswith(run_state.ENDING), not file.endswith('.index'))):
        os.remove(os.path.join(folder, file))
