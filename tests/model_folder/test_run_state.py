"""The record of a checkpoint: what is written is read back to the bit, and what cannot be used is refused by name."""

import json
import os

import numpy as np
import pytest

from rnnbook.base import files
from rnnbook.errors import FileError
from rnnbook.model_folder import run_state
from rnnbook.model_folder.run_state import RunState

STATE = ((np.arange(6, dtype=np.float32).reshape(2, 3) / 7, np.full((2, 3), -1e-30, np.float32)),) * 2
AT_7 = RunState(iteration=7, epochs=1, position=2, loss_sum=0.1 + 0.2, seconds=1.5, carried=STATE,
                history=[{'epoch': 1, 'iteration': 5, 'loss': 1 / 3, 'seconds': 0.25, 'note': None}])


@pytest.fixture
def prefix(tmp_path):
    """A checkpoint of two files, with its record."""
    for ending in ('.index', '.data-00000-of-00002', '.data-00001-of-00002', '.meta'):
        (tmp_path / ('c-7' + ending)).write_bytes(b'bytes of ' + ending.encode())
    run_state.write_record(str(tmp_path / 'c-7'), 3, AT_7, {'num_epochs': 4, 'data': 'abc'})
    return str(tmp_path / 'c-7')


def test_what_is_written_is_read_back_to_the_bit(prefix):
    found = run_state.check_record(prefix)
    assert (found.number, found.settings) == (3, {'num_epochs': 4, 'data': 'abc'})
    assert {name: value for name, value in vars(found.state).items() if name != 'carried'} == {
        name: value for name, value in vars(AT_7).items() if name != 'carried'}
    assert list(found.state.history[0]) == ['epoch', 'iteration', 'loss', 'seconds', 'note']
    for layer, other in zip(found.state.carried, STATE):
        for array, expected in zip(layer, other):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, expected)
    assert sorted(found.files) == ['.data-00000-of-00002', '.data-00001-of-00002', '.index']


def test_the_file_is_plain_json_without_a_path(prefix):
    with open(prefix + run_state.ENDING) as file:
        text = file.read()
    assert json.loads(text)['record']['format'] == 1
    assert os.path.dirname(prefix) not in text


def rewritten(prefix, change):
    """Change the content, with the sha256 that belongs to it."""
    with open(prefix + run_state.ENDING) as file:
        content = json.load(file)['record']
    change(content)
    with open(prefix + run_state.ENDING, 'w') as file:
        json.dump({'sha256': run_state._digest(content), 'record': content}, file)


DAMAGED = [
    (lambda c: c.update(format=2), 'has the format 2; this version of rnnbook reads format 1$'),
    (lambda c: c.update(number=-1), 'is damaged: .*number must be'),
    (lambda c: c.update(settings=3), 'is damaged: '),
    (lambda c: c.update(files=[]), 'is damaged: '),
    (lambda c: c.update(files={}), 'is damaged: it names no files'),
    (lambda c: c.update(files={'/../../c-8.index': [1, 'x']}), 'is the ending of no file of weights'),
    (lambda c: c.update(files={'.index': ['many', 'x']}), 'is damaged: '),
    (lambda c: c['progress'].update(iteration='7'), 'is damaged: .*iteration must be'),
    (lambda c: c['progress'].update(iteration=2 ** 63), 'is damaged: .*iteration must be'),
    (lambda c: c['progress'].update(epochs=2), 'is damaged: .*do not go together'),
    (lambda c: c['progress'].update(position=0), 'is damaged: .*do not go together'),
    (lambda c: c['progress'].update(loss_sum='much'), 'is damaged: .*loss_sum must be'),
    (lambda c: c['progress'].update(history=[3]), 'is damaged: '),
    (lambda c: c['progress']['history'][0].update(loss=[1]), 'is damaged: .*loss.*of the history is'),
    (lambda c: c['progress'].pop('seconds'), 'is damaged: .*seconds'),
    (lambda c: c['progress'].update(state=3), 'is damaged: '),
    (lambda c: c['progress'].update(state=[[{'shape': [10 ** 12], 'float32': ''}]]), 'is damaged: '),
    (lambda c: c['progress'].update(state=[[{'shape': [1], 'float32': 'AAAAAA=='}, 2]]), 'is damaged: '),
    (lambda c: c['progress'].update(state=[[{'shape': [-1], 'float32': 'AAAAAA=='}]]), 'is damaged: .*shape'),
    (lambda c: c['progress'].update(state=[[{'shape': [1], 'float32': 'AADAfw=='}]]), 'is damaged: .*not finite'),
    (lambda c: c['progress'].update(state=[[{'shape': [1], 'float32': '!!!'}]]), 'is damaged: '),
]


@pytest.mark.parametrize('change, message', DAMAGED)
def test_a_record_written_by_hand_is_an_error_that_names_it(change, message, prefix):
    rewritten(prefix, change)
    with pytest.raises(FileError, match=message):
        run_state.check_record(prefix)


@pytest.mark.parametrize('data', [b'', b'{', b'null', b'[]', b'{"sha256": "x"}', b'\xff', b'[' * 100000,
                                  b'{"sha256": "x", "record": NaN}', b'{"sha256": 1, "record": {}}'])
def test_a_record_that_is_no_record_is_an_error_that_names_it(data, prefix):
    with open(prefix + run_state.ENDING, 'wb') as file:
        file.write(data)
    with pytest.raises(FileError, match='c-7.progress.json is damaged: '):
        run_state.read_record(prefix)


def test_every_flipped_bit_of_a_record_is_found(prefix):
    with open(prefix + run_state.ENDING, 'rb') as file:
        data = file.read()
    spaces = missed = 0
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1
        with open(prefix + run_state.ENDING, 'wb') as file:
            file.write(bytes(changed))
        try:
            found = run_state.read_record(prefix)
        except FileError:
            continue
        spaces += data[position:position + 1].isspace()     # white space means nothing, and nothing has changed
        missed += not data[position:position + 1].isspace()
        assert found.state.iteration == 7
    assert missed == 0


def test_a_huge_record_is_not_read(prefix, monkeypatch):
    monkeypatch.setattr(run_state, 'MAX_BYTES', 50)
    with pytest.raises(FileError, match='is larger than 50 bytes'):
        run_state.read_record(prefix)


@pytest.mark.parametrize('damage, message', [
    (lambda path: path.unlink(), 'c-7.data-00001-of-00002 is missing$'),
    (lambda path: path.write_bytes(b''), 'c-7.data-00001-of-00002 has 0 bytes, not the 29 that were written$'),
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), 'has 28 bytes, not the 29 that were written$'),
    (lambda path: path.write_bytes(path.read_bytes()[:-1] + b'x'), 'is damaged: its sha256 is not that of what was'),
])
def test_a_file_that_is_missing_cut_or_changed_is_named(damage, message, prefix, tmp_path):
    damage(tmp_path / 'c-7.data-00001-of-00002')
    with pytest.raises(FileError, match=message):
        run_state.check_record(prefix)


@pytest.mark.parametrize('change, message', [
    (lambda path: path.write_bytes(b'x'), 'has 1 bytes, not the 29 that were written$'),
    (lambda path: path.unlink(), 'is missing$')])
def test_to_look_at_sizes_alone_reads_the_index_only(change, message, prefix, monkeypatch, tmp_path):
    def hash_index(path):
        assert path.endswith('.index'), 'reads ' + path
        return files.sha256(path)

    monkeypatch.setattr(run_state, 'sha256', hash_index)
    path = tmp_path / 'c-7.data-00001-of-00002'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    run_state.check_record(prefix, sizes_only=True)         # whoever reads the weights sees to the Saver's checksums
    change(path)
    with pytest.raises(FileError, match='c-7.data-00001-of-00002 ' + message):
        run_state.check_record(prefix, sizes_only=True)


def test_a_graph_that_is_missing_is_no_damage(prefix):
    os.remove(prefix + '.meta')
    run_state.check_record(prefix)


@pytest.mark.parametrize('change', [lambda x: x.astype(np.int64), lambda x: x.reshape(3, 2), lambda x: x + 1])
def test_a_fingerprint_is_that_of_types_shapes_and_values(change):
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert run_state.fingerprint(x) == run_state.fingerprint(x.copy(order='F')) != run_state.fingerprint(change(x))
    assert run_state.fingerprint(x, x) != run_state.fingerprint(x)
