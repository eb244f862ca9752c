"""Two processes started by `horovodrun` against one that takes the same steps alone."""

import json
import os
import subprocess
import sys

import distributed_job as job
import models
import numpy as np
import pytest
from models import variables

from rnnbook.errors import FileError
from rnnbook.model_folder import description, reading, run_state

pytestmark = pytest.mark.horovod

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def horovodrun(*command, folder=None):
    """Run a command in two processes; gives exit status and output."""
    program = os.path.join(os.path.dirname(sys.executable), 'horovodrun')
    assert os.path.exists(program), 'python3 scripts/bootstrap.py --extra horovod -m pytest -m horovod'
    done = subprocess.run([program, '--gloo', '-np', '2', '-H', 'localhost:2', sys.executable, *command],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, cwd=folder)
    return done.returncode, done.stdout.decode('utf-8', 'replace')


def noted(folder, name):
    with open(os.path.join(folder, name + '.json')) as file:
        return json.load(file)


def alone(kind, engine, folder, **run):
    """The losses of one process with the whole batch."""
    model, data = job.model_and_data(kind, engine)
    return job.train(model, data, folder, **run)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where two processes have done what `job.measure` says."""
    path = str(tmp_path_factory.mktemp('two'))
    status, output = horovodrun(os.path.join(HERE, 'distributed_job.py'), 'measure', path)
    assert status == 0, output
    return path


@pytest.mark.parametrize('kind, engine', job.MODELS)
def test_two_processes_take_the_steps_of_one_with_the_double_batch(folder, tmp_path, kind, engine):
    two, one = noted(folder, kind + engine)['losses'], alone(kind, engine, str(tmp_path))
    assert len(two) == len(one) == job.STEPS
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
    assert max(one) - min(one) > 1e-2                       # there was something to learn
    in_two, in_one = variables(os.path.join(folder, kind + engine)), variables(str(tmp_path))
    for name, value in in_one.items():
        np.testing.assert_allclose(in_two[name], value, atol=1e-4, err_msg=name)


def test_the_folder_is_that_of_one_process_with_the_whole_batch(folder):
    found = description.read_description(os.path.join(folder, 'sentimentfused'))
    assert found.arguments['batch_size'] == 20
    assert reading.names(os.path.join(folder, 'sentimentfused')) == ['sentiment-4.ckpt']


def test_what_is_exchanged(folder):
    found = noted(folder, 'world')
    assert (found['rank'], found['size'], found['local_size'], found['own']) == (0, 2, 2, 'slice(0, 3, None)')
    assert found['shared'] == {'from': 0} and found['gathered'] == [[0, 0], [1, 1]]
    assert found['dense'] == [1.5, 10.0]
    assert found['rows'] == [0, 1, 2]                       # row 0 of both ranks, each of the others of one
    assert found['values'] == [[1.5, 0.0], [0.0, 0.5], [0.0, 1.0]]


def test_a_run_of_two_goes_on_with_one_and_ends_with_two_and_a_death_is_told(folder, tmp_path):
    stopped = noted(folder, 'stopped')
    assert (len(stopped['losses']), stopped['status']) == (job.FIRST, 143)     # the signal of rank 1 stopped both
    path = os.path.join(folder, 'resumed')
    state = run_state.read_record(reading.find(path)).state.carried
    assert [array.shape for layer in state for array in layer] == [(20, 3), (20, 3)]
    with pytest.raises(FileError, match='holds another model .batch_size 20, not 10'):
        job.train(models.sentiment(engine='fused', batch_size=10), models.reviews(200), path, resume=True)
    middle = alone('sentiment', 'fused', path, resume=True, stop=job.after(job.SECOND - job.FIRST, lambda: True))

    status, output = horovodrun(os.path.join(HERE, 'distributed_job.py'), 'end', folder)
    losses = stopped['losses'] + middle + noted(folder, 'last')['losses']
    np.testing.assert_allclose(losses, alone('sentiment', 'fused', str(tmp_path / 'one')), rtol=0, atol=1e-5)
    for name, value in variables(str(tmp_path / 'one')).items():
        np.testing.assert_allclose(variables(path)[name], value, atol=1e-4, err_msg=name)

    # The second half of that task: rank 1 was killed in its second epoch.
    assert status != 0
    assert 'error: process 0 of 2 ends, since another one has ended; the newest whole checkpoint is' in output, output
    assert 'OpError' not in output and 'UnknownError' not in output
    assert os.path.basename(reading.find(os.path.join(folder, 'killed'))) == 'sentiment-0.ckpt'


def test_the_script_prints_at_rank_0_only(tmp_path):
    (tmp_path / 'text.txt').write_text(models.TEXT * 4)
    script = os.path.join(os.path.dirname(HERE), 'scripts', 'train_charrnn.py')
    status, output = horovodrun(script, '--distributed', '--scale-learning-rate', '--text', 'text.txt', '--epochs', '2',
                                '--batch-size', '2', '--num-steps', '10', '--lstm-size', '8', '--length', '20',
                                '--engine', 'fused', folder=str(tmp_path))
    assert status == 0, output
    assert output.count('Data: ') == 1 and output.count('Model saved in ./model-2/') == 1
    assert '[1]<stdout>' not in output
    found = description.read_description(str(tmp_path / 'model-2'))
    assert (found.arguments['batch_size'], found.arguments['learning_rate']) == (4, 0.002)
