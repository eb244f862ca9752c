"""``python -m rnnbook``: what is installed, what can be computed on, and which data are where."""

import os
import platform
import subprocess
import sys

import pytest

from conftest import ROOT
import rnnbook
from rnnbook import __main__ as program, datasets

#: Makes `import tensorflow` fail as it does where there is none.
WITHOUT_TENSORFLOW = ('import runpy, sys; sys.modules["tensorflow"] = None; sys.argv = ["rnnbook"]; '
                      'runpy.run_module("rnnbook", run_name="__main__", alter_sys=True)')


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the program in a folder of its own: {name: lines}."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('RNNBOOK_DATA', raising=False)

    def call(*arguments):
        assert program.main(list(arguments)) == 0
        return sections(capsys.readouterr().out)
    return call


def sections(text):
    found, name = {}, None
    for line in text.splitlines():
        name = line[:12].strip() or name
        found.setdefault(name, []).append(line[12:])
    return found


def test_it_prints_version_python_numpy_tensorflow_and_devices(call):
    import numpy
    from rnnbook.network import devices
    said = call()
    assert list(said) == ['rnnbook', 'Python', 'NumPy', 'TensorFlow', 'Devices', 'Data']
    assert said['rnnbook'] == ['%s, in %s' % (rnnbook.__version__, os.path.join(ROOT, 'rnnbook'))]
    assert platform.python_version() in said['Python'][0]
    assert said['NumPy'] == [numpy.__version__]
    assert said['TensorFlow'][0].startswith(devices.tf.__version__ + ', built with')
    assert len(said['TensorFlow']) == len(said['Devices']) == 1
    assert said['Devices'][0].startswith('CPU:0') and said['Devices'][0].endswith('; %d cores' % devices.cores())


def test_a_folder_that_is_not_there_yet_is_named(call, tmp_path):
    assert call()['Data'] == [str(tmp_path / 'data'), "    nothing of the chapter's"]
    assert os.listdir(str(tmp_path)) == []


def test_what_lies_in_the_data_folders_is_told_by_content(call, tmp_path, monkeypatch):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'data').mkdir()
    assert call()['Data'] == [str(tmp_path / 'data'), "    nothing of the chapter's"]
    (tmp_path / 'mine' / 'hamlet.txt').write_text('Who\'s there?')
    (tmp_path / 'mine' / 'pg2265.txt').write_text('')
    (tmp_path / 'mine' / 'aclImdb_v1.tar.gz').write_text('')
    (tmp_path / 'data' / 'movie_data.csv').write_text('')
    wanted = [str(tmp_path / 'mine'), "    hamlet.txt: none of the chapter's data",
              '    aclImdb_v1.tar.gz: movie_data.csv can be made from it',
              '    pg2265.txt: hamlet.txt can be made from it',
              str(tmp_path / 'data'), "    movie_data.csv: none of the chapter's data"]
    assert call('--data-dir', str(tmp_path / 'mine'))['Data'] == wanted
    monkeypatch.setenv('RNNBOOK_DATA', str(tmp_path / 'mine'))
    assert call()['Data'] == wanted


def test_the_real_hamlet_is_recognised(call, hamlet_path):
    said = call('--data-dir', os.path.dirname(hamlet_path))['Data']
    assert '    hamlet.txt: ' + datasets.HAMLET.contents[0] in said


def test_a_data_folder_that_is_wrong_is_said_and_the_rest_is_printed(call, monkeypatch):
    monkeypatch.setenv('RNNBOOK_DATA', 'nowhere')
    said = call()
    assert said['Data'] == ['RNNBOOK_DATA must name a folder that exists, not nowhere']
    assert said['rnnbook']


def test_without_tensorflow_one_line_says_why(tmp_path):
    environment = dict(os.environ, PYTHONPATH=ROOT)
    environment.pop('RNNBOOK_DATA', None)
    done = subprocess.run([sys.executable, '-c', WITHOUT_TENSORFLOW], cwd=str(tmp_path), env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b'')
    said = sections(done.stdout.decode('utf-8'))
    assert len(said['TensorFlow']) == 1
    assert said['TensorFlow'][0].startswith('not usable: rnnbook\'s models need TensorFlow 1.15')
    assert platform.python_version() in said['TensorFlow'][0]
    assert 'rnnbook.portable' in said['Devices'][0]
    assert said['Data'][0] == str(tmp_path / 'data')


def test_its_version_and_help(capsys):
    for flag, wanted in (('--version', 'rnnbook %s\n' % rnnbook.__version__), ('--help', 'usage: python -m rnnbook ')):
        with pytest.raises(SystemExit) as end:
            program.main([flag])
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith(wanted)
