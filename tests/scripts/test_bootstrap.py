"""scripts/bootstrap.py: where it looks for Python, when it makes the environment anew, what interrupts cannot spoil.

Every checkout here is a copy in a temporary folder with requirements of its own, which are empty, so that making an
environment takes seconds and no network.
"""

import ast
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from conftest import ROOT

SCRIPT = os.path.join(ROOT, 'scripts', 'bootstrap.py')

pytestmark = pytest.mark.skipif(os.name == 'nt', reason='the fake interpreters are shell scripts')
needs_37 = pytest.mark.skipif(sys.version_info[:2] != (3, 7), reason='makes environments, which takes a CPython 3.7')

SETUP = """
from setuptools import setup

EXTRAS = {'nothing': [], 'pip': ['pip>=1']}
setup(name='tiny', version='1', packages=['tiny'], extras_require=EXTRAS)
"""


@pytest.fixture
def boot(monkeypatch):
    """The script as a module that knows no place of this machine."""
    spec = importlib.util.spec_from_file_location('bootstrap_under_test', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'PYTHON_FOLDERS', [])
    monkeypatch.setattr(module, 'CONDA_FOLDERS', [])
    monkeypatch.setattr(module.sys, 'executable', '')
    return module


def facts(**changes):
    return dict({'version': [3, 7, 16], 'implementation': 'CPython', 'bits': 64, 'platform': 'linux-x86_64',
                 'libc': 'glibc 2.36', 'prefix': '/usr'}, **changes)


def program(path, text):
    """A shell script; returns its path as a str."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\n%s\n' % text)
    path.chmod(0o755)
    return str(path)


def fake_python(path, **changes):
    return program(path, "echo '%s'" % json.dumps(facts(**changes)))


@pytest.fixture
def find(boot, tmp_path):
    """`find(**env)`: the path that is found with this environment, a home in `tmp_path` and nothing else."""
    home = tmp_path / 'home'
    home.mkdir()

    def find(**env):
        env.setdefault('PATH', '')
        # The fake programs are run with this; they need nothing from a PATH.
        return boot.find_python(env, str(home), str(tmp_path / 'checkout' / '.venv'))[0]
    find.home = home
    return find


def test_it_is_python_36():
    with open(SCRIPT, encoding='utf-8') as file:
        source = file.read()
    if sys.version_info >= (3, 8):
        ast.parse(source, feature_version=(3, 6))
    tree = ast.parse(source)
    words = {keyword.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords}
    assert not words & {'capture_output', 'text', 'dirs_exist_ok', 'missing_ok'}
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not modules & {'dataclasses', 'importlib', 'importlib.resources'}
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.ImportFrom, ast.JoinedStr))]


# Finding an interpreter


@pytest.mark.parametrize('shim', ['echo "pyenv: python3.7: command not found" >&2; exit 127', 'echo sorry', 'exit 0',
                                  'echo 3.7.16', 'echo "[]"', 'kill -9 $$'])
def test_a_shim_that_only_speaks_does_not_count(find, tmp_path, shim):
    program(tmp_path / 'shims' / 'python3.7', shim)
    good = fake_python(tmp_path / 'bin' / 'python3.7')
    assert find(PATH='%s:%s' % (tmp_path / 'shims', tmp_path / 'bin')) == good


@pytest.mark.parametrize('changes', [{'version': [3, 8, 1]}, {'version': [3, 7, 0]}, {'implementation': 'PyPy'},
                                     {'bits': 32}])
def test_another_python_under_the_name_does_not_count(find, tmp_path, changes):
    fake_python(tmp_path / 'bin' / 'python3.7', **changes)
    with pytest.raises(Exception, match='none that starts was found') as error:
        find(PATH=str(tmp_path / 'bin'))
    assert len(str(error.value).split('\n')) == 3
    assert 'RNNBOOK_PYTHON' in str(error.value)


def test_a_file_that_cannot_be_run_does_not_count(find, tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'python3.7').write_text('no program')
    (tmp_path / 'a' / 'python3.7').chmod(0o755)
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'python3.7').write_text('#!/bin/sh\n')
    good = fake_python(tmp_path / 'c' / 'python3.7')
    assert find(PATH=':'.join(str(tmp_path / name) for name in ['nowhere', 'a', 'b', 'c'])) == good


def test_a_plain_python_that_is_37_counts(find, tmp_path):
    good = fake_python(tmp_path / 'bin' / 'python')
    assert find(PATH=str(tmp_path / 'bin')) == good


@pytest.mark.parametrize('text, wrong', [
    (None, 'is not there'), ('exit 1', 'does not start'),
    ("echo '%s'" % json.dumps(facts(version=[3, 8, 2])), 'is CPython 3.8.2, 64 bits'),
])
def test_the_named_interpreter_must_be_usable(find, tmp_path, text, wrong):
    fake_python(tmp_path / 'bin' / 'python3.7')
    named = str(tmp_path / 'named')
    if text:
        program(tmp_path / 'named', text)
    with pytest.raises(Exception, match='RNNBOOK_PYTHON must name .* ' + wrong) as error:
        find(PATH=str(tmp_path / 'bin'), RNNBOOK_PYTHON=named)
    assert named in str(error.value) and '\n' not in str(error.value)


def test_the_named_interpreter_comes_first(find, tmp_path):
    fake_python(tmp_path / 'bin' / 'python3.7')
    named = fake_python(tmp_path / 'named' / 'py')
    assert find(PATH=str(tmp_path / 'bin'), RNNBOOK_PYTHON=named) == named
    assert find(PATH=str(tmp_path / 'named'), RNNBOOK_PYTHON='py') == named


def test_pyenv_counts_where_it_has_not_selected_the_version(find, tmp_path):
    for name, version in (('3.11.7', [3, 11, 7]), ('3.7.9', [3, 7, 9]), ('3.7.16', [3, 7, 16])):
        fake_python(find.home / '.pyenv' / 'versions' / name / 'bin' / 'python3.7', version=version)
    assert find() == str(find.home / '.pyenv/versions/3.7.16/bin/python3.7')
    elsewhere = fake_python(tmp_path / 'root' / 'versions' / 'mine' / 'bin' / 'python3.7')
    assert find(PYENV_ROOT=str(tmp_path / 'root')) == elsewhere


def test_conda_environments_count(find, tmp_path):
    conda = program(tmp_path / 'conda' / 'bin' / 'conda', "echo '%s'" % json.dumps({'envs': [str(tmp_path / 'far')]}))
    far = fake_python(tmp_path / 'far' / 'bin' / 'python3.7')
    assert find(CONDA_EXE=conda) == far
    assert find(PATH=str(tmp_path / 'conda' / 'bin')) == far
    beside = fake_python(tmp_path / 'conda' / 'envs' / 'old' / 'bin' / 'python3.7')
    assert find(CONDA_EXE=conda) == beside
    listed = fake_python(tmp_path / 'listed' / 'bin' / 'python3.7')
    (find.home / '.conda').mkdir()
    (find.home / '.conda' / 'environments.txt').write_text('%s\n\n' % (tmp_path / 'listed'))
    assert find(CONDA_EXE=conda) == listed


def test_uv_is_asked_for_what_it_has(find, tmp_path):
    good = fake_python(tmp_path / 'managed' / 'python3.7')
    program(tmp_path / 'bin' / 'uv', 'case "$*" in "python find"*) echo %s;; *) exit 9;; esac' % good)
    assert find(PATH=str(tmp_path / 'bin')) == good


def test_uv_installs_where_there_is_none(find, tmp_path, capfd):
    home = find.home / '.local/share/uv/python/cpython-3.7.9-x/bin'
    fake_python(tmp_path / 'ready')
    program(tmp_path / 'bin' / 'uv',
            'case "$*" in *"python install"*) /bin/mkdir -p %s; /bin/cp %s %s/python3.7;; *) exit 2;; esac'
            % (home, tmp_path / 'ready', home))
    assert find(PATH=str(tmp_path / 'bin')) == str(home / 'python3.7')
    assert 'installing one with' in capfd.readouterr().err


def test_a_uv_that_cannot_leads_to_the_three_lines(find, tmp_path):
    program(tmp_path / 'bin' / 'uv', 'exit 2')
    with pytest.raises(Exception, match='none that starts was found'):
        find(PATH=str(tmp_path / 'bin'))


@pytest.mark.parametrize('changes, name', [
    ({'platform': 'linux-aarch64'}, 'linux-aarch64'), ({'platform': 'macosx-11.0-arm64'}, 'macosx-11.0-arm64'),
    ({'libc': ''}, 'linux-x86_64 without glibc'),
])
def test_where_there_is_no_wheel_three_lines_say_what_to_do(find, tmp_path, changes, name):
    python = fake_python(tmp_path / 'bin' / 'python3.7', **changes)
    for env in ({'PATH': str(tmp_path / 'bin')}, {'RNNBOOK_PYTHON': python}):
        with pytest.raises(Exception, match='TensorFlow 1.15 has no wheel for %s;' % name) as error:
            find(**env)
        assert len(str(error.value).split('\n')) == 3


def test_on_a_machine_without_wheels_nothing_is_installed(boot, find, tmp_path, monkeypatch):
    import platform
    monkeypatch.setattr(platform, 'machine', lambda: 'aarch64')
    monkeypatch.setattr(sys, 'platform', 'linux')
    program(tmp_path / 'bin' / 'uv', 'echo called > %s' % (tmp_path / 'called'))
    with pytest.raises(boot.SetupError, match='no wheel for linux-aarch64'):
        find(PATH=str(tmp_path / 'bin'))
    assert not (tmp_path / 'called').exists()


@pytest.mark.parametrize('platform, wheels', [('win-amd64', True), ('win32', False), ('macosx-10.9-x86_64', True),
                                              ('macosx-11.0-arm64', False), ('linux-x86_64', True),
                                              ('linux-i686', False)])
def test_the_platforms_with_wheels(boot, platform, wheels):
    assert boot.has_wheels(facts(platform=platform)) is wheels


def test_the_environment_that_may_be_deleted_is_no_source(find, tmp_path):
    inside = tmp_path / 'checkout' / '.venv'
    fake_python(inside / 'bin' / 'python3.7', prefix=str(inside))
    with pytest.raises(Exception, match='none that starts'):
        find(PATH=str(inside / 'bin'))
    with pytest.raises(Exception, match='lies in the .venv'):
        find(RNNBOOK_PYTHON=str(inside / 'bin' / 'python3.7'))


def test_the_interpreter_that_runs_is_probed(boot):
    assert boot.probe('/nowhere/python', os.environ) is None


def test_variables_that_break_the_making_are_left_out(boot):
    env = boot.clean({'PYTHONPATH': 'a', 'PYTHONHOME': 'b', 'PIP_TARGET': 'c', 'VIRTUAL_ENV': 'd', 'PIP_USER': '1',
                      'PIP_INDEX_URL': 'kept', 'HOME': 'kept too', 'PIP_REQUIRE_VIRTUALENV': '1'})
    assert not {'PYTHONPATH', 'PYTHONHOME', 'PIP_TARGET', 'VIRTUAL_ENV'} & set(env)
    assert (env['PIP_USER'], env['PIP_REQUIRE_VIRTUALENV']) == ('0', '0')
    assert (env['PIP_INDEX_URL'], env['HOME']) == ('kept', 'kept too')


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no exec')
def test_a_notebook_gets_the_kernel_of_the_environment_unless_the_user_says_otherwise(boot, monkeypatch):
    def execve(path, command, env):
        raise SystemExit(env['JUPYTER_PREFER_ENV_PATH'])    # the real one does not come back either
    monkeypatch.setattr(boot.os, 'execve', execve)
    for given, wanted in (({}, '1'), ({'JUPYTER_PREFER_ENV_PATH': '0'}, '0')):
        with pytest.raises(SystemExit) as end:
            boot.run('/nowhere/.venv', ['-m', 'notebook'], given)
        assert end.value.code == wanted


# The command line


def test_the_arguments(boot):
    assert boot.parse(['--extra', 'a', '--extra=b', '--extra', 'a', '-m', 'x', '--extra', 'c']) == (
        ['a', 'b'], ['-m', 'x', '--extra', 'c'])
    assert boot.parse([]) == ([], [])
    for argv in (['--extra'], ['--extras', 'a']):
        with pytest.raises(boot.SetupError, match='--extra'):
            boot.parse(argv)


def checkout_at(folder):
    (folder / 'scripts').mkdir(parents=True)
    shutil.copy(SCRIPT, str(folder / 'scripts' / 'bootstrap.py'))
    (folder / 'requirements.txt').write_text('# nothing\n')
    (folder / 'setup.py').write_text(SETUP)
    (folder / 'tiny').mkdir()
    (folder / 'tiny' / '__init__.py').write_text('')
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A checkout of a tiny package, not set up yet, whose path has a space and a letter that is not ASCII."""
    return checkout_at(tmp_path / 'a ch\xe9ckout')


def command(checkout, *arguments):
    return [sys.executable, str(checkout / 'scripts' / 'bootstrap.py')] + list(arguments)


def environment(**changes):
    return dict(dict(os.environ, RNNBOOK_PYTHON=sys.executable, PIP_NO_INDEX='1'), **changes)


def run(checkout, *arguments, **changes):
    """The finished run: `returncode`, `stdout` and `stderr` as str."""
    done = subprocess.run(command(checkout, *arguments), env=environment(**changes), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=str(checkout), timeout=120)
    done.stdout, done.stderr = done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace')
    return done


def test_help_tells_the_extras(checkout):
    done = run(checkout, '--help')
    assert done.returncode == 0 and 'nothing, pip;' in done.stdout and 'RNNBOOK_PYTHON' in done.stdout


def test_an_unknown_extra_lists_the_choices_before_anything_is_made(checkout):
    done = run(checkout, '--extra', 'plot', '-c', 'pass')
    assert done.returncode == 2
    assert done.stderr == "bootstrap: error: --extra must be one of nothing, pip, not 'plot'\n"
    assert not (checkout / '.venv').exists()


def test_a_bad_named_interpreter_leaves_everything_alone(checkout):
    (checkout / '.venv').mkdir()
    (checkout / '.venv' / 'mine').write_text('x')
    done = run(checkout, '-c', 'pass', RNNBOOK_PYTHON='/nowhere/python3.7')
    assert done.returncode == 2
    assert 'RNNBOOK_PYTHON must name a 64-bit CPython 3.7' in done.stderr and '/nowhere/python3.7' in done.stderr
    assert 'Traceback' not in done.stderr
    assert (checkout / '.venv' / 'mine').read_text() == 'x'


@needs_37
@pytest.mark.slow
def test_a_life_of_an_environment(checkout):
    """Refused by pip, put right, made, run at once, added to: one story, since each making takes seconds."""
    # A requirement that pip cannot satisfy: pip's words, one line of ours, no traceback.
    (checkout / 'requirements.txt').write_text('no-such-package-here==1\n')
    done = run(checkout, '-c', 'print("must not run")')
    assert done.returncode == 2 and done.stdout == ''
    assert 'No matching distribution found for no-such-package-here==1' in done.stderr
    assert done.stderr.strip().split('\n')[-1].startswith('bootstrap: error: the environment could not be set up')
    assert 'Traceback' not in done.stderr

    (checkout / 'requirements.txt').write_text('# nothing\n')
    where = 'import sys, tiny; print(sys.prefix); sys.exit(7)'
    done = run(checkout, '-c', where, PYTHONPATH='/nowhere')
    assert done.returncode == 7, done.stderr
    assert 'making .venv anew: it is not whole' in done.stderr
    assert done.stdout.strip() == str(checkout / '.venv')
    assert 'setting up .venv with CPython 3.7' in done.stderr

    # The second run changes and says nothing; signals reach the program itself.
    made = (checkout / '.venv' / 'pyvenv.cfg').stat().st_ino
    done = run(checkout, '-c', where)
    assert (done.returncode, done.stderr) == (7, '')
    assert run(checkout, '-c', 'import os; os.kill(os.getpid(), 15)').returncode == -signal.SIGTERM

    # An extra is added in place and stays, whether or not a later run names it.
    done = run(checkout, '--extra', 'pip', '-c', 'pass')
    assert done.returncode == 0 and 'installing pip' in done.stderr
    for arguments in ([], ['--extra', 'pip'], []):
        assert run(checkout, *arguments + ['-c', 'pass']).stderr == ''
    assert (checkout / '.venv' / 'pyvenv.cfg').stat().st_ino == made


@needs_37
@pytest.mark.slow
def test_two_at_once_make_it_once(checkout):
    both = [subprocess.Popen(command(checkout, '-c', 'import tiny; print("ran")'), env=environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [out.decode().strip() for out, _ in told] == ['ran', 'ran']
    errors = sorted(error.decode() for _, error in told)
    assert sum('setting up .venv with' in error for error in errors) == 1
    assert sum('waiting for another run' in error for error in errors) == 1


@needs_37
@pytest.mark.slow
def test_killed_and_moved_the_next_run_repairs(checkout, tmp_path):
    process = subprocess.Popen(command(checkout, '-c', 'pass'), env=environment(), stderr=subprocess.DEVNULL)
    while not (checkout / '.venv' / 'pyvenv.cfg').exists():
        time.sleep(0.02)
    process.kill()                              # only the script: the tool that it leaves behind keeps the lock
    process.wait()
    moved = tmp_path / 'moved'
    checkout.rename(moved)
    done = run(moved, '-c', 'import sys, tiny; print(sys.prefix)')
    assert done.stdout.strip() == str(moved / '.venv'), done.stderr
    assert sorted(path.name for path in moved.iterdir() if path.name.startswith('.')) == ['.venv', '.venv.lock']


# When it is made anew, and what is never deleted; no environment is made here


@pytest.fixture
def whole(boot, checkout):
    """The `.venv` of an environment that looks whole, and the key that it was made with."""
    venv = checkout / '.venv'
    (venv / 'bin').mkdir(parents=True)
    os.makedirs(os.path.dirname(boot.stamp_path(str(venv))))
    (checkout.parent / 'base').write_text('python')
    os.symlink(str(checkout.parent / 'base'), str(venv / 'bin' / 'python'))
    (venv / boot.MARK).write_text('')
    (venv / 'pyvenv.cfg').write_text('')
    key = boot.key_of(str(checkout))
    boot.write_stamp(str(venv), {'key': key, 'extras': [], 'interpreter': boot.interpreter_of(str(venv)),
                                 'base': '/usr/bin/python3.7', 'named': None})
    assert boot.why_stale(str(venv), key, {}) is None
    return venv


def test_the_stamp_changes_with_what_it_stands_for(boot, checkout, whole):
    key = boot.key_of(str(checkout))
    for name in ('requirements.txt', 'setup.py'):
        before = (checkout / name).read_text()
        (checkout / name).write_text(before + '#')
        assert boot.key_of(str(checkout)) != key
        assert 'has changed' in boot.why_stale(str(whole), boot.key_of(str(checkout)), {})
        (checkout / name).write_text(before)
    assert boot.key_of(str(checkout)) == key
    assert boot.key_of(str(checkout_at(checkout.parent / 'other'))) != key
    boot.RECIPE += 1
    assert boot.key_of(str(checkout)) != key


def test_reasons_to_make_it_anew(boot, checkout, whole):
    key = boot.key_of(str(checkout))
    assert 'another' in boot.why_stale(str(whole), key, {'RNNBOOK_PYTHON': '/opt/python3.7'})
    assert boot.why_stale(str(whole), key, {'RNNBOOK_PYTHON': '/usr/bin/python3.7'}) is None
    (checkout.parent / 'base').write_text('another one')
    assert 'interpreter' in boot.why_stale(str(whole), key, {})
    (checkout.parent / 'base').unlink()
    assert 'interpreter' in boot.why_stale(str(whole), key, {})
    for text in ('', '{', '[]', '{}', '\xff'):
        with open(boot.stamp_path(str(whole)), 'w', encoding='latin-1') as file:
            file.write(text)
        assert 'not whole' in boot.why_stale(str(whole), key, {})
    shutil.rmtree(str(whole / 'lib'))
    assert 'not whole' in boot.why_stale(str(whole), key, {})


def test_ours_is_deleted_and_what_an_interruption_left_too(boot, checkout, whole):
    (checkout / '.venv-trash-1').mkdir()
    boot.clear(str(whole))
    assert not [path for path in checkout.iterdir() if path.name.startswith('.venv')]


@pytest.mark.parametrize('kind', ['folder', 'environment', 'file', 'link'])
def test_what_is_not_ours_is_kept(boot, checkout, kind, capsys):
    venv = checkout / '.venv'
    for number in (1, 2):
        if kind == 'file':
            venv.write_text('mine')
        elif kind == 'link':
            os.symlink('nowhere', str(venv))
        else:
            venv.mkdir()
            (venv / ('pyvenv.cfg' if kind == 'environment' else 'mine')).write_text('mine')
        boot.clear(str(venv))
        assert not os.path.lexists(str(venv))
        assert os.path.lexists(str(checkout / ('.venv-kept-%d' % number)))
        assert '.venv-kept-%d' % number in capsys.readouterr().err


def test_an_empty_folder_is_taken(boot, checkout):
    (checkout / '.venv').mkdir()
    boot.clear(str(checkout / '.venv'))
    assert [path.name for path in checkout.iterdir() if path.name.startswith('.venv')] == []


def test_an_environment_in_use_is_not_deleted(boot, checkout, whole):
    """A program that the script started holds the environment, over `exec`, until it ends."""
    code = ('import importlib.util, os, sys; spec = importlib.util.spec_from_file_location("b", %r);'
            'b = importlib.util.module_from_spec(spec); spec.loader.exec_module(b);'
            'b.hold(%r); os.execv(sys.executable, [sys.executable, "-c", '
            '"print(1, flush=True); import time; time.sleep(1.5); print(2, flush=True)"])' % (SCRIPT, str(whole)))
    process = subprocess.Popen([sys.executable if sys.executable else shutil.which('python3'), '-c', code],
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'1\n'
    start = time.time()
    boot.clear(str(whole))
    waited = time.time() - start
    assert process.communicate()[0] == b'2\n'
    assert not whole.exists() and waited > 0.5


def test_a_failed_extra_leaves_the_environment_whole(boot, checkout, whole, monkeypatch):
    def refuse(*arguments):
        raise boot.SetupError('pip says no')
    monkeypatch.setattr(boot, 'pip_install', refuse)
    with pytest.raises(boot.SetupError, match='pip says no'):
        boot.add_extras(str(checkout), str(whole), ['pip'], {}, None)
    assert boot.why_stale(str(whole), boot.key_of(str(checkout)), {}) is None
    assert boot.read_stamp(str(whole))['extras'] == []


def test_an_extra_that_was_cut_off_has_it_made_anew(boot, checkout, whole, monkeypatch):
    def cut(*arguments):
        raise KeyboardInterrupt
    monkeypatch.setattr(boot, 'pip_install', cut)
    with pytest.raises(KeyboardInterrupt):
        boot.add_extras(str(checkout), str(whole), ['pip'], {}, None)
    assert 'not whole' in boot.why_stale(str(whole), boot.key_of(str(checkout)), {})
