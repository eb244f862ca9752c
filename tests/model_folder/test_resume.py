"""A training that is interrupted and goes on ends as one that was left alone; what cannot go on is refused by name."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import models
from rnnbook import charrnn
from rnnbook.base import files
from rnnbook.charrnn import CharRNN
from rnnbook.errors import DivergenceError, FileError
from rnnbook.model_folder import reading, run_state

X, Y = models.characters()
REVIEWS = models.reviews()
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WINDOWS = X.shape[1] // 10


def char(folder, num_epochs=3, x=X, y=Y, vocabulary=models.CHAR2INT, keep_prob=0.5, run=None, **arguments):
    """Train the small character model; the model."""
    rnn = models.char(keep_prob=keep_prob, **arguments)
    rnn.train(x, y, num_epochs, folder, vocabulary=vocabulary, **(run or {}))
    return rnn


def sentiment(folder, num_epochs=3, keep_prob=0.5, run=None, **arguments):
    rnn = models.sentiment(**arguments)
    rnn.train(*REVIEWS, num_epochs, ckpt_dir=folder, keep_prob=keep_prob, **(run or {}))
    return rnn


def fused_char(folder, run=None):
    return char(folder, engine='fused', keep_prob=0.5, recurrent_keep_prob=0.5, run=run)


def fused_sentiment(folder, run=None):
    return sentiment(folder, engine='fused', num_layers=2, run=run)


def lazy_sentiment(folder, run=None):
    return sentiment(folder, engine='fused', optimizer='lazy_adam', shards=2, run=run)


def after(iterations):
    """A `stop` that asks for one after so many iterations."""
    asked = []
    return lambda: asked.append(None) or len(asked) == iterations


def history(folder):
    """The rows of history.csv, the columns of times aside."""
    with open(os.path.join(str(folder), 'history.csv'), newline='') as file:
        return [{name: value for name, value in row.items() if name not in run_state.TIMING}
                for row in csv.DictReader(file)]


@pytest.fixture(scope='module')
def alone(tmp_path_factory):
    """The folders of runs of three epochs that were left alone."""
    place = tmp_path_factory.mktemp('alone')
    folders = {train: place / train.__name__ for train in (
        char, sentiment, fused_char, fused_sentiment, lazy_sentiment)}
    for train, folder in folders.items():
        train(folder)
    return folders


def same(folder, other):
    return reading.checksum(str(folder)) == reading.checksum(str(other)) and (
        history(folder) == history(other) != [])


# Exact

@pytest.mark.parametrize('train, stops', [
    (char, [1]), (char, [WINDOWS]), (char, [WINDOWS + 1, 1, 1]), (sentiment, [1, 1]), (sentiment, [3]),
    (fused_char, [1]), (fused_char, [WINDOWS]), (fused_char, [WINDOWS + 1, 1, 1]), (fused_char, [2 * WINDOWS, 2]),
    (fused_sentiment, [1, 1]), (fused_sentiment, [3]), (fused_sentiment, [4, 2]), (fused_sentiment, [1] * 4),
    (lazy_sentiment, [2, 3])])
def test_a_run_that_was_stopped_and_resumed_is_bit_for_bit_the_run_that_was_left_alone(train, stops, alone, tmp_path):
    for iterations in stops:
        train(tmp_path, run=dict(resume=True, stop=after(iterations), save_every=0))
    train(tmp_path, run=dict(resume=True))
    assert same(tmp_path, alone[train])


def test_a_run_goes_on_for_more_epochs_and_says_so(alone, tmp_path, capsys):
    char(tmp_path, num_epochs=1)
    char(tmp_path, num_epochs=3, run=dict(resume=True))
    assert 'other settings up to here: num_epochs 1, not 3\n' in capsys.readouterr().out
    assert same(tmp_path, alone[char])


def test_a_run_goes_on_in_the_other_engine_and_says_so(alone, tmp_path, capsys):
    char(tmp_path, run=dict(stop=after(WINDOWS + 3)))
    char(tmp_path, engine='fused', shards=1, run=dict(resume=True))
    assert "other settings up to here: engine 'book', not 'fused'" in capsys.readouterr().out
    assert CharRNN.load(tmp_path).engine == 'fused'
    ours, theirs = models.variables(tmp_path), models.variables(alone[char])
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)


def test_an_object_that_was_loaded_goes_on_in_its_folder(alone, tmp_path):
    sentiment(tmp_path, run=dict(stop=after(4)))
    rnn = type(models.sentiment()).load(tmp_path)
    rnn.train(*REVIEWS, 3, resume=True)
    assert same(tmp_path, alone[sentiment])


@pytest.mark.parametrize('make', [lambda path: None, lambda path: path.mkdir()], ids=['missing', 'empty'])
def test_resuming_in_a_missing_or_empty_folder_starts(make, alone, tmp_path):
    make(tmp_path / 'model')
    char(tmp_path / 'model', run=dict(resume=True))
    assert same(tmp_path / 'model', alone[char])


@pytest.mark.parametrize('num_epochs', [2, 3])
def test_resuming_a_run_that_is_complete_says_so_and_changes_nothing(num_epochs, tmp_path, capsys):
    char(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != '.lock'}
    capsys.readouterr()
    rnn = char(tmp_path, num_epochs=num_epochs, vocabulary=None, run=dict(resume=True))
    assert 'language_modeling.ckpt-%d is complete, in epoch 3, iteration %d.' % (
        3 * WINDOWS, 3 * WINDOWS) in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != '.lock'} == before
    assert (rnn.ckpt_dir, rnn.vocabulary) == (str(tmp_path), models.CHAR2INT)


def test_a_vocabulary_that_was_saved_is_kept_where_none_is_given(tmp_path):
    char(tmp_path, num_epochs=1)
    char(tmp_path, num_epochs=2, vocabulary=None, run=dict(resume=True))
    assert CharRNN.load(tmp_path).vocabulary == models.CHAR2INT


def test_the_state_is_that_of_the_last_batch_and_the_sum_that_of_the_epoch(tmp_path):
    char(tmp_path, run=dict(stop=after(2)))
    progress = run_state.check_record(reading.find(str(tmp_path))).state
    assert (progress.epochs, progress.position, progress.iteration, len(progress.history)) == (0, 2, 2, 0)
    assert [[array.shape for array in layer] for layer in progress.carried] == [[(4, 6), (4, 6)]]
    assert all(np.abs(array).max() > 0 for layer in progress.carried for array in layer)
    assert 4 < progress.loss_sum < 8


# Refused, or named

OTHER = [
    (dict(lstm_size=7), r'holds another model \(lstm_size 6, not 7\)'),
    (dict(learning_rate=0.5, seed=3), r'holds another model \(learning_rate 0.001, not 0.5; seed 123, not 3\)'),
    (dict(keep_prob=1.0), r'holds another model \(keep_prob 0.5, not 1.0\)'),
    (dict(vocabulary={**models.CHAR2INT, 'a': models.CHAR2INT['t'], 't': models.CHAR2INT['a']}),
     r'holds another model \(another vocabulary\)'),
    (dict(x=X[:, :-1], y=Y[:, :-1]),
     r"cannot be resumed with other settings or data \(data '\w+\.\.\., not '\w+\.\.\.\)"),
    (dict(x=(X + 1) % len(models.CHAR2INT)), r'cannot be resumed with other settings or data \(data '),
]


@pytest.mark.parametrize('changes, message', OTHER)
def test_resuming_with_other_settings_names_each_with_both_values(changes, message, tmp_path):
    char(tmp_path, num_epochs=1)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(FileError, match=message):
        char(tmp_path, **changes, run=dict(resume=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_another_keep_probability_of_the_reviews_is_named(tmp_path):
    sentiment(tmp_path, num_epochs=1)
    with pytest.raises(FileError, match=r'with other settings or data \(keep_prob 0.5, not 1.0\)'):
        sentiment(tmp_path, keep_prob=1.0, run=dict(resume=True))


def test_another_cadence_is_named_and_makes_no_difference(alone, tmp_path, capsys):
    char(tmp_path, run=dict(stop=after(3)))
    char(tmp_path, run=dict(resume=True, save_every=2, save_minutes=5, max_to_keep=1, log_every=7))
    assert ('up to here: save_every 1, not 2; save_minutes None, not 5; max_to_keep 5, not 1; log_every 10, not 7\n'
            in capsys.readouterr().out)
    assert same(tmp_path, alone[char])
    assert len(list(tmp_path.glob('*.index'))) == 1


def test_checkpoints_of_the_books_listing_cannot_be_resumed_and_stay(tmp_path):
    char(tmp_path, num_epochs=1)
    for name in ('model.json', 'language_modeling.ckpt-%d.progress.json' % WINDOWS):
        (tmp_path / name).unlink()
    with pytest.raises(FileError, match='holds checkpoints without a model.json, which cannot be resumed'):
        char(tmp_path, run=dict(resume=True))
    assert models.char(sampling=True).sample(3, tmp_path, 'the ', vocabulary=models.CHAR2INT).startswith('the ')
    char(tmp_path)
    assert (tmp_path / ('language_modeling.ckpt-%d.index' % WINDOWS)).exists()


def test_a_folder_that_has_lost_its_description_is_only_overwritten_if_asked(tmp_path):
    char(tmp_path, num_epochs=2)
    (tmp_path / 'model.json').unlink()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(FileError, match='holds checkpoints without a model.json; choose another folder, or overwrite'):
        char(tmp_path, num_epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    char(tmp_path, num_epochs=1, run=dict(overwrite=True))
    assert [path.name for path in tmp_path.glob('*.index')] == ['language_modeling.ckpt-%d-2.index' % WINDOWS]


def test_without_resume_the_old_checkpoint_stays_until_the_first_save(tmp_path, capsys):
    char(tmp_path, num_epochs=1, run=dict(max_to_keep=1))
    old = reading.find(str(tmp_path))
    seen = []
    char(tmp_path, num_epochs=1, run=dict(max_to_keep=1, stop=lambda: seen.append(reading.find(str(tmp_path)))))
    assert set(seen) == {old} and reading.find(str(tmp_path)) == old + '-2'
    assert [path.name for path in tmp_path.glob('*.index')] == [os.path.basename(old) + '-2.index']
    assert 'holds an earlier run of this model, which this one replaces; to continue it, ' in capsys.readouterr().out


def test_a_model_that_is_overwritten_is_gone_with_the_first_save(tmp_path):
    char(tmp_path, num_epochs=2)
    char(tmp_path, num_epochs=1, lstm_size=9, run=dict(overwrite=True, resume=True))
    assert [path.name for path in tmp_path.glob('*.index')] == ['language_modeling.ckpt-%d-2.index' % WINDOWS]
    assert CharRNN.load(tmp_path).sample(3, tmp_path, 'the ').startswith('the ')


# The lock

def test_a_second_run_in_one_folder_is_refused_and_the_first_goes_on(tmp_path):
    refused = []

    def stop():
        with pytest.raises(FileError) as caught:
            char(tmp_path)
        refused.append(str(caught.value))
        return True

    char(tmp_path, run=dict(stop=stop))
    lock = os.path.join(str(tmp_path), '.lock')
    assert refused == ['ckpt_dir %s is in use: %s is held by another run, process %d' % (tmp_path, lock, os.getpid())]
    char(tmp_path, run=dict(resume=True))


def test_a_process_that_was_killed_holds_no_lock(tmp_path):
    code = ('import sys, time; from rnnbook.base import files\n'
            'with files.lock(sys.argv[1]):\n    print("held", flush=True)\n    time.sleep(60)')
    path = str(tmp_path / '.lock')
    process = subprocess.Popen([sys.executable, '-c', code, path], stdout=subprocess.PIPE, cwd=os.path.dirname(HERE))
    assert process.stdout.readline() == b'held\n'
    with pytest.raises(FileError, match='held by another run, process %d$' % process.pid):
        with files.lock(path):
            pass
    process.kill()
    process.communicate()
    with files.lock(path):
        assert os.path.isfile(path)


# What goes wrong within a run

@pytest.fixture
def one(tmp_path):
    """The folder of a run of one epoch, with what it holds."""
    char(tmp_path, num_epochs=1)
    return tmp_path


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ('.lock', 'history.csv')}


def test_a_training_that_leaves_the_finite_numbers_stops_and_keeps_the_last_good_checkpoint(one):
    before = content(one)
    with pytest.raises(DivergenceError) as caught:
        char(one, num_epochs=4, learning_rate=1e38, run=dict(overwrite=True, save_every=0))
    text = str(caught.value)
    assert 'the loss is nan in epoch 1, iteration ' in text or 'the loss is inf in epoch 1, iteration ' in text
    assert 'learning rate 1e+38, gradient norm ' in text
    assert text.endswith('this run has saved no checkpoint')
    assert content(one) == before


def test_a_variable_that_is_not_finite_is_not_saved(one, monkeypatch):
    before = content(one)
    monkeypatch.setattr(charrnn, 'check_rate', lambda name, value, **limits: value)     # which would refuse this one
    with pytest.raises(DivergenceError, match='variable .* is not finite in epoch 1, iteration 1, and is not saved; '
                                              'learning rate 1e\\+39'):
        char(one, num_epochs=4, learning_rate=1e39, run=dict(overwrite=True, save_minutes=1e-9))
    assert content(one) == before


LIMITED = '''
import resource, sys
sys.path.insert(0, sys.argv[1])
import models
from rnnbook.errors import FileError
x, y = models.characters()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    models.char().train(x, y, 3, sys.argv[2], vocabulary=models.CHAR2INT, resume=True)
except FileError as error:
    print(error)
'''


@pytest.mark.slow
@pytest.mark.parametrize('most', [500, 3000, 9000])
def test_a_full_disk_is_said_and_the_last_checkpoint_stays(most, one, alone):
    before, newest = content(one), reading.find(str(one))
    done = subprocess.run([sys.executable, '-c', LIMITED, HERE, str(one), str(most)], cwd=os.path.dirname(HERE),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    line = done.stdout.decode().splitlines()[-1]
    assert line.startswith('cannot save %s' % os.path.join(str(one), 'language_modeling.ckpt-')), line
    assert 'File too large' in line and line.endswith('the newest whole checkpoint is %s' % newest)
    assert content(one) == before
    char(one, run=dict(resume=True))
    assert same(one, alone[char])


@pytest.mark.skipif(not sys.platform.startswith('linux') or os.geteuid() != 0, reason='mounts a file system')
@pytest.mark.parametrize('read_only', [False, True])
def test_a_small_file_system(read_only, tmp_path, alone):
    place = tmp_path / 'small'
    place.mkdir()
    if subprocess.call(['mount', '-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', str(place)], stderr=subprocess.DEVNULL):
        pytest.skip('no file system can be mounted here')
    try:
        char(place, num_epochs=1)
        newest = reading.find(str(place))
        if read_only:
            assert subprocess.call(['mount', '-o', 'remount,ro', str(place)]) == 0
            message = 'ckpt_dir .* cannot be written to'
        else:
            (place / 'filler').write_bytes(b'x' * (650 * 1024 - sum(path.stat().st_size for path in place.iterdir())))
            message = 'cannot (save|write) .*No space left on device'
        with pytest.raises(FileError, match=message):
            char(place, run=dict(resume=True))
        assert reading.find(str(place)) == newest
        assert not (place / '.saving').exists()
        if not read_only:
            (place / 'filler').unlink()
            char(place, run=dict(resume=True, max_to_keep=1))
            assert same(place, alone[char])
    finally:
        subprocess.check_call(['umount', str(place)])


# SIGKILL, in a process of its own

# All of it in processes of their own: the first session of a process sets the thread pools of TensorFlow, and another
# number of threads adds up in another order.
KILLED = '''
import sys
import warnings
sys.path.insert(0, sys.argv[1])
import models
x, y = models.characters()
rnn = models.char()
print('begins', flush=True)
often = dict(save_minutes=1e-9, max_to_keep=2) if sys.argv[3] == 'often' else {}
warnings.simplefilter('default' if often else 'error')      # at the end, nothing damaged is left
rnn.train(x, y, 60, sys.argv[2], vocabulary=models.CHAR2INT, resume=True, **often)
'''


@pytest.mark.slow
def test_a_run_that_was_killed_twice_ends_as_one_that_was_left_alone(tmp_path):
    def command(folder, saves):
        return [sys.executable, '-c', KILLED, HERE, str(tmp_path / folder), saves]

    for delay in (0.3, 0.6):
        process = subprocess.Popen(command('model', 'often'), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=os.path.dirname(HERE))
        while process.stdout.readline() != b'begins\n':
            assert process.poll() is None, process.stderr.read().decode()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        errors = process.communicate()[1].decode()
        assert process.returncode == -signal.SIGKILL, errors            # it was still at work
    for folder in ('model', 'alone'):
        subprocess.run(command(folder, 'once'), cwd=os.path.dirname(HERE), stdout=subprocess.DEVNULL, check=True)
    assert same(tmp_path / 'model', tmp_path / 'alone')


TRAINS = '''
import sys
sys.path.insert(0, sys.argv[1])
import models
from rnnbook.model_folder import reading
models.sentiment(engine='fused', shards=int(sys.argv[3])).train(*models.reviews(), 4, ckpt_dir=sys.argv[2])
print(reading.checksum(sys.argv[2]))
'''


@pytest.mark.slow
@pytest.mark.parametrize('shards', [1, 2])
def test_two_processes_with_one_seed_train_the_same_variables_to_the_bit(shards, tmp_path):
    first, second = (subprocess.check_output([sys.executable, '-c', TRAINS, HERE, str(tmp_path / name), str(shards)],
                                             cwd=os.path.dirname(HERE)).splitlines()[-1] for name in ('one', 'two'))
    assert first == second and len(first) == 64
