"""How scripts start where the environment is not there, and what Ctrl-C does before they have begun."""

import glob
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

SCRIPTS = sorted(path for folder in ('scripts', 'scripts/results', 'scripts/measure')
                 for path in glob.glob(os.path.join(ROOT, folder, '*.py')) if not path.endswith('bootstrap.py'))
#: Interrupted in its first import of a package that has to be installed.
INTERRUPTED = """
import builtins, runpy, sys
real = builtins.__import__
def interrupted(name, *rest, **more):
    if name.partition('.')[0] in ('numpy', 'rnnbook', 'benchmarked'):
        raise KeyboardInterrupt
    return real(name, *rest, **more)
builtins.__import__ = interrupted
for path in sys.argv[1:]:
    try:
        runpy.run_path(path)
    except SystemExit as error:
        print(error.code)
"""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize('path', SCRIPTS)
def test_without_the_environment_one_line_names_bootstrap(path):
    name = os.path.basename(path)
    status, out, err = run(sys.executable, '-I', '-S', path)            # without anything that is installed
    assert (status, out) == (2, '')
    assert err.startswith(name + ': error: No module named ') and err.count('\n') == 1
    assert err.endswith('; run: python3 scripts/bootstrap.py %s\n' % path)


def test_ctrl_c_while_a_script_imports_is_one_line_and_status_130():
    status, out, err = run(sys.executable, '-I', '-S', '-c', INTERRUPTED, *SCRIPTS)
    assert (status, out.split(), err) == (0, ['130'] * len(SCRIPTS), 'interrupted\n' * len(SCRIPTS))


@pytest.mark.parametrize('path', [path for path in SCRIPTS if os.path.dirname(path) == os.path.join(ROOT, 'scripts')])
def test_python_2_gets_the_line_as_well(path):
    python = shutil.which('python2.7')
    if python is None or run(python, '-c', '')[0]:          # one of pyenv's is there and does not start
        pytest.skip('there is no Python 2.7')
    status, out, err = run(python, '-B', '-E', path)
    assert status == 2 and err.startswith(os.path.basename(path) + ': error: ') and err.count('\n') == 1
