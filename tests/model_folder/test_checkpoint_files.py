"""A folder of checkpoints as files: a process that dies at any step leaves each checkpoint whole, or not there.

No TensorFlow here: what would be its files are small ones of ours.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from rnnbook.base import files
from rnnbook.errors import FileError
from rnnbook.model_folder import checkpoint_files, run_state
from rnnbook.model_folder.run_state import RunState


def save(folder, name, kept, content=b'weights', number=1):
    """Save a checkpoint as `saving.Writer` does, and remove those that are not kept."""
    folder = str(folder)
    before = checkpoint_files.by_age(folder)
    with checkpoint_files.staging(folder) as staging:
        for ending in ('.data-00000-of-00001', '.index', '.meta'):
            with open(os.path.join(staging, name + ending), 'wb') as file:
                file.write(content + ending.encode())
        files.write_text(os.path.join(staging, 'model.json'), '{}')
        checkpoint_files.write_list(staging, kept)
        run_state.write_record(os.path.join(staging, name), number, RunState(iteration=number), {})
    for other in before:
        if other not in kept:
            checkpoint_files.remove(folder, other)


def whole(folder):
    """The names of the checkpoints that are whole, the newest last; every other trace of one fails the test."""
    names = checkpoint_files.by_age(str(folder))
    for name in names:
        run_state.check_record(os.path.join(str(folder), name))
    stems = {name for name in os.listdir(str(folder)) if name.startswith('c-')}
    assert {stem for stem in stems if not any(stem.startswith(name + '.') for name in names)} == set()
    return names


def test_a_save_has_its_files_the_list_and_a_record(tmp_path):
    save(tmp_path, 'c-1', ['c-1'])
    assert sorted(os.listdir(str(tmp_path))) == ['c-1.data-00000-of-00001', 'c-1.index', 'c-1.meta',
                                                 'c-1.progress.json', 'checkpoint', 'model.json']
    assert (tmp_path / 'checkpoint').read_text() == 'model_checkpoint_path: "c-1"\nall_model_checkpoint_paths: "c-1"\n'


def test_old_ones_are_removed_after_the_new_one_is_there(tmp_path):
    save(tmp_path, 'c-1', ['c-1'])
    save(tmp_path, 'c-2', ['c-1', 'c-2'], number=2)
    save(tmp_path, 'c-3', ['c-2', 'c-3'], number=3)
    assert whole(tmp_path) == ['c-2', 'c-3']


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_a_save_that_fails_leaves_nothing(tmp_path, error):
    save(tmp_path, 'c-1', ['c-1'])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(error):
        with checkpoint_files.staging(str(tmp_path)) as staging:
            with open(os.path.join(staging, 'c-2.index'), 'wb') as file:
                file.write(b'half')
            raise error
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# A death at every step

def die(steps, function):
    """Run a function in a process that dies before one more step than so many; whether it came to the end."""
    child = os.fork()
    if not child:
        left = [steps]

        def dying(call):
            def run(*args, **more):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
                return call(*args, **more)
            return run

        for name in ('replace', 'remove', 'unlink', 'rmdir', 'mkdir', 'fsync', 'open', 'close'):
            setattr(os, name, dying(getattr(os, name)))
        function()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, 9 << 8)
    return status == 0


def every_step(place):
    """Die at every step of a save, and within the putting in order after it; gives what is whole in the end."""
    seen, steps, complete = [], 0, False
    start = os.path.join(place, 'start')
    os.mkdir(start)
    for number in (1, 2):
        save(start, 'c-%d' % number, ['c-1', 'c-2'][:number], number=number)
    while not complete:
        folder = shutil.copytree(start, os.path.join(place, str(steps)))
        complete = die(steps, lambda: save(folder, 'c-3', ['c-2', 'c-3'], number=3))
        newest = os.path.join(folder, checkpoint_files.listed(folder)[-1])   # what a reader takes
        assert [files.read_bytes(newest + ending) for ending in ('.index', '.data-00000-of-00001')] == [
            b'weights.index', b'weights.data-00000-of-00001']
        die(steps % 7, lambda: checkpoint_files.recover(folder))
        checkpoint_files.recover(folder)
        seen.append(whole(folder))
        assert not os.path.exists(os.path.join(folder, checkpoint_files.STAGING))
        steps += 1
    return seen


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='starts processes by forking')
def test_a_process_that_dies_at_any_step_of_a_save_leaves_whole_checkpoints_only(tmp_path):
    # In a process of its own, since one that has TensorFlow's threads does not fork well.
    code = 'import json, sys, test_checkpoint_files as t; print(json.dumps(t.every_step(sys.argv[1])))'
    out = subprocess.check_output([sys.executable, '-c', code, str(tmp_path)], env=dict(
        os.environ, PYTHONPATH=os.pathsep.join([
            ROOT, os.path.join(ROOT, 'tests'), os.path.dirname(os.path.abspath(__file__))])))
    seen = json.loads(out.decode())
    assert seen[0] == ['c-1', 'c-2'] and seen[-1] == ['c-2', 'c-3'] and len(seen) > 30
    assert [names[-1] for names in seen] == sorted(names[-1] for names in seen)
    assert all(names in (['c-1', 'c-2'], ['c-1', 'c-2', 'c-3'], ['c-2', 'c-3']) for names in seen)


def test_half_files_that_a_dead_process_left_are_removed_and_all_else_stays(tmp_path):
    for name in ('history.csv.abc.part', 'history.csv', 'weights.npz.abc.part', 'model.json.a_c.part', 'mine.abc.part',
                 'checkpoint.abc.part', 'notes.txt', 'c-1.index', 'c-1.meta'):
        (tmp_path / name).write_text('x')
    checkpoint_files.recover(str(tmp_path))
    assert sorted(os.listdir(str(tmp_path))) == ['c-1.index', 'c-1.meta', 'history.csv', 'mine.abc.part',
                                                 'notes.txt']


# The list

@pytest.mark.parametrize('text, names', [
    ('model_checkpoint_path: "c-2"\nall_model_checkpoint_paths: "c-1"\nall_model_checkpoint_paths: "c-2"\n',
     ['c-1', 'c-2']),
    ('model_checkpoint_path: "/somewhere/else/c-1"\n', ['c-1']),
    ('model_checkpoint_path: "c-1"\nall_model_checkpoint_paths: "c-1"\nall_model_checkpoint_paths: "c-2"\n',
     ['c-2', 'c-1']),                                       # the newest is the one that it says is
    ('', []), ('garbage', []), ('model_checkpoint_path: "c-1', []), ('\xff\x00', []),
])
def test_the_list_is_read_as_far_as_it_can_be(text, names, tmp_path):
    (tmp_path / 'checkpoint').write_bytes(text.encode('latin-1'))
    assert checkpoint_files.listed(str(tmp_path)) == names


def test_without_the_list_the_records_give_the_order(tmp_path):
    for number, name in enumerate(['c-9', 'c-10', 'c-1'], 1):
        save(tmp_path, name, ['c-9', 'c-10', 'c-1'][:number], number=number)
    (tmp_path / 'checkpoint').unlink()
    assert checkpoint_files.by_age(str(tmp_path)) == ['c-9', 'c-10', 'c-1']
    assert checkpoint_files.last_number(str(tmp_path)) == 3


def test_names_of_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match='ckpt_dir .*none is not there; train saves into it'):
        checkpoint_files.names(str(tmp_path / 'none'))
