"""scripts/bootstrap.py: where it looks for Python, what it does without one, when it makes the environment anew.

Every checkout here is a copy in a temporary folder with requirements of its own, which are empty, so that making an
environment takes seconds and no network. uv is a shell script in a wheel, which a package index on this machine serves.
"""

import ast
import glob
import hashlib
import http.server
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest

from conftest import ROOT

SCRIPT = os.path.join(ROOT, 'scripts', 'bootstrap.py')

pytestmark = pytest.mark.skipif(os.name == 'nt', reason='the fake interpreters are shell scripts')
needs_37 = pytest.mark.skipif(sys.version_info[:2] != (3, 7), reason='makes environments, which takes a CPython 3.7')

SETUP = """
from setuptools import setup
EXTRAS = {
    'six': ['six>=1'],
    'pip': ['pip>=1'],
}
setup(name='tiny', version='1', packages=['tiny'], extras_require=EXTRAS)
"""


@pytest.fixture
def boot(tmp_path, monkeypatch):
    """The script as a module that belongs to `tmp_path/checkout`, on a machine that has no Python and no network."""
    for name in [name for name in os.environ if name.startswith(('PIP_', 'PYENV', 'CONDA', 'RNNBOOK', 'UV_'))]:
        monkeypatch.delenv(name)
    for name in ('home', 'checkout'):
        (tmp_path / name).mkdir()
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.setenv('PATH', '')
    monkeypatch.setenv('PIP_INDEX_URL', 'http://127.0.0.1:9')               # nobody answers there
    spec = importlib.util.spec_from_file_location('bootstrap_under_test', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'PLACES', [place for place in module.PLACES if place[0] in '$~'])
    monkeypatch.setattr(module.sys, 'executable', '')
    venv = str(tmp_path / 'checkout' / '.venv')
    for name, value in (('ROOT', os.path.dirname(venv)), ('VENV', venv), ('UV_FOLDER', venv + '-uv'),
                        ('PYTHON', venv + '/bin/python'), ('STAMP', venv + '/made-by-bootstrap'),
                        ('REQUIREMENTS', str(tmp_path / 'checkout' / 'requirements.txt'))):
        monkeypatch.setattr(module, name, value)
    return module


def program(path, text):
    """A shell script; returns its path as a str."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\n%s\n' % text)
    path.chmod(0o755)
    return str(path)


def answer(name='CPython 3.7.16, 64 bits', machine='linux-x86_64 glibc', prefix='/usr', missing=None):
    """A shell command that answers as an interpreter of this kind does."""
    words = "echo '%s'" % json.dumps([name, machine, prefix])
    return words + '; echo "ImportError: No module named %s" >&2; exit 1' % missing if missing else words


def fake_python(path, **kind):
    return program(path, answer(**kind))


@pytest.fixture
def find(boot, monkeypatch):
    """`find(**env)`: the path that is found with these environment variables."""
    def find(**env):
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            return boot.find_python()
    return find


@pytest.fixture
def home(tmp_path):
    return tmp_path / 'home'


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


def test_python_27_could_parse_it():
    with open(SCRIPT, 'rb') as file:
        source = file.read().decode('ascii')                                # 2.7 wants a declaration for more
    newer = (ast.YieldFrom, ast.Nonlocal, ast.AnnAssign, ast.JoinedStr, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, newer)
        assert not (isinstance(node, ast.arguments) and (node.kwonlyargs or any(arg.annotation for arg in node.args)))
        assert not (isinstance(node, ast.Raise) and node.cause)
        assert not (isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'print' and node.keywords)


def old_python(version):
    """A Python of this version that starts; the test is skipped where there is none."""
    pyenv = glob.glob(os.path.expanduser('~/.pyenv/versions/%s.*/bin/python' % version))
    for python in [shutil.which('python' + version)] + pyenv:
        if python and subprocess.run([python, '-c', ''], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return pytest.skip('there is no Python %s' % version)


def test_python_27_gets_one_line():
    done = subprocess.run([old_python('2.7'), SCRIPT, '-m', 'pytest'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stdout == b''
    assert done.stderr.startswith(b'bootstrap: error: run this with Python 3.6 or newer;')
    assert done.stderr.count(b'\n') == 1


def test_it_starts_on_python_36():
    done = subprocess.run([old_python('3.6'), SCRIPT, '--help'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout.startswith(b'usage: ') and done.stderr == b''


# Finding an interpreter


@pytest.mark.parametrize('shim', ['echo "pyenv: python3.7: command not found" >&2; exit 127', 'echo sorry', 'exit 0',
                                  'echo 3.7.16', 'echo "[]"', 'echo {}', 'kill -9 $$'])
def test_a_shim_that_only_speaks_does_not_count(find, tmp_path, shim):
    program(tmp_path / 'shims' / 'python3.7', shim)
    good = fake_python(tmp_path / 'bin' / 'python3.7')
    assert find(PATH='%s:%s' % (tmp_path / 'shims', tmp_path / 'bin')) == good


@pytest.mark.parametrize('name', ['CPython 3.8.1, 64 bits', 'CPython 3.7.0, 64 bits', 'PyPy 3.7.13, 64 bits',
                                  'CPython 3.7.16, 32 bits', 'CPython 2.7.18, 64 bits'])
def test_another_python_under_the_name_does_not_count(find, tmp_path, name):
    fake_python(tmp_path / 'bin' / 'python3.7', name=name)
    with pytest.raises(Exception, match='rnnbook needs a 64-bit CPython 3.7'):
        find(PATH=str(tmp_path / 'bin'))


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
    (None, 'is not there, or does not start'), ('exit 1', 'is not there, or does not start'),
    (answer(name='CPython 3.8.2, 64 bits'), 'is CPython 3.8.2, 64 bits'),
    (answer(missing='ensurepip'), r'cannot make environments \(ImportError: No module .*\); on Debian .*: apt install'),
    (answer(machine='linux-aarch64 glibc'), 'is for linux-aarch64 glibc, where TensorFlow 1.15 has no wheel'),
])
def test_the_named_interpreter_must_be_usable(find, tmp_path, text, wrong):
    fake_python(tmp_path / 'bin' / 'python3.7')
    named = str(tmp_path / 'named')
    if text:
        program(tmp_path / 'named', text)
    with pytest.raises(Exception, match='RNNBOOK_PYTHON must name .* ' + wrong) as error:
        find(PATH=str(tmp_path / 'bin'), RNNBOOK_PYTHON=named)
    assert named in str(error.value) and '\n' not in str(error.value)


def test_a_37_without_ensurepip_is_passed_over_with_one_line(find, tmp_path, capfd):
    bare = fake_python(tmp_path / 'a' / 'python3.7', missing='ensurepip')
    for name in ('python3', 'python'):
        os.symlink(bare, str(tmp_path / 'a' / name))
    good = fake_python(tmp_path / 'b' / 'python')
    assert find(PATH='%s:%s' % (tmp_path / 'a', tmp_path / 'b')) == good
    assert capfd.readouterr().err == (
        'bootstrap: not using %s: it cannot make environments (ImportError: No module named ensurepip); '
        'on Debian and Ubuntu: apt install python3.7-venv\n' % bare)


def test_the_named_interpreter_comes_first(find, tmp_path):
    fake_python(tmp_path / 'bin' / 'python3.7')
    named = fake_python(tmp_path / 'named' / 'py')
    assert find(PATH=str(tmp_path / 'bin'), RNNBOOK_PYTHON=named) == named
    assert find(PATH=str(tmp_path / 'named'), RNNBOOK_PYTHON='py') == named


def test_pyenv_counts_where_it_has_not_selected_the_version(find, home, tmp_path):
    for version in ('3.11.7', '3.7.9', '3.7.16'):
        fake_python(home / '.pyenv/versions' / version / 'bin/python3.7', name='CPython %s, 64 bits' % version)
    assert find() == str(home / '.pyenv/versions/3.7.16/bin/python3.7')
    elsewhere = fake_python(tmp_path / 'root' / 'versions' / 'mine' / 'bin' / 'python3.7')
    assert find(PYENV_ROOT=str(tmp_path / 'root')) == elsewhere


@pytest.mark.parametrize('place', ['miniconda3/envs/py37', 'anaconda3', 'miniforge3/envs/py37', 'micromamba/envs/py37',
                                   '.asdf/installs/python/3.7.16', '.local/share/mise/installs/python/3.7',
                                   '.local/share/uv/python/cpython-3.7.9-linux-x86_64-gnu'])
def test_what_version_managers_and_conda_have_counts(find, home, place):
    good = fake_python(home / place / 'bin' / 'python3.7')
    assert find() == good


def test_conda_environments_elsewhere_count(find, home, tmp_path):
    good = fake_python(tmp_path / 'odd [1]' / 'bin' / 'python3.7')
    (home / '.conda').mkdir()
    (home / '.conda' / 'environments.txt').write_text('%s\n\n%s\n' % (tmp_path / 'gone', tmp_path / 'odd [1]'))
    assert find() == good


@pytest.mark.parametrize('machine, wheels', [
    ('win-amd64 ', True), ('win32 ', False), ('macosx-10.9-x86_64 ', True), ('macosx-11.0-arm64 ', False),
    ('linux-x86_64 glibc', True), ('linux-x86_64 ', False), ('linux-i686 glibc', False), ('linux-aarch64 glibc', False),
])
def test_the_platforms_with_wheels(boot, tmp_path, machine, wheels):
    unfit = boot.why_unfit(fake_python(tmp_path / 'python', machine=machine))
    assert unfit is None if wheels else 'TensorFlow 1.15 has no wheel' in unfit[0]


def test_the_environment_that_may_be_deleted_is_no_source(boot, find, tmp_path):
    inside = fake_python(tmp_path / 'checkout' / '.venv' / 'bin' / 'python3.7', prefix=boot.VENV)
    with pytest.raises(Exception, match='rnnbook needs'):
        find(PATH=os.path.dirname(inside))
    with pytest.raises(Exception, match='lies in the .venv'):
        find(RNNBOOK_PYTHON=inside)


@needs_37
def test_the_interpreter_that_runs_the_tests_is_fit(boot, monkeypatch):
    monkeypatch.undo()
    assert boot.why_unfit(sys.executable) in (None, ('lies in the .venv that is to be made anew', False))


def test_variables_that_break_the_making_are_left_out(boot, monkeypatch):
    kept = {'PIP_INDEX_URL': 'a', 'PIP_NO_INDEX': '1', 'PIP_CERT': 'c', 'PIP_CACHE_DIR': 'd'}
    odd = {'PYTHONPATH': 'a', 'PYTHONHOME': 'b', 'PIP_TARGET': 'c', 'VIRTUAL_ENV': 'd', 'PIP_NO_DEPS': '1'}
    for name, value in dict(kept, PIP_USER='1', PIP_REQUIRE_VIRTUALENV='1', **odd).items():
        monkeypatch.setenv(name, value)
    env = boot.clean(MORE='e')
    assert not set(odd) & set(env)
    assert dict(env, **kept) == env
    assert (env['PIP_USER'], env['PIP_REQUIRE_VIRTUALENV'], env['MORE']) == ('0', '0', 'e')
    assert env['HOME'] == os.environ['HOME']


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no exec')
def test_a_notebook_gets_the_kernel_of_the_environment_unless_the_user_says_otherwise(boot, monkeypatch):
    def execve(path, command, env):
        raise SystemExit(env['JUPYTER_PREFER_ENV_PATH'])    # the real one does not come back either
    monkeypatch.setattr(boot.os, 'execve', execve)
    for given, wanted in ((None, '1'), ('0', '0')):
        if given:
            monkeypatch.setenv('JUPYTER_PREFER_ENV_PATH', given)
        else:
            monkeypatch.delenv('JUPYTER_PREFER_ENV_PATH', raising=False)
        with pytest.raises(SystemExit) as end:
            boot.run(['-m', 'notebook'])
        assert end.value.code == wanted


# Getting one with uv

UV_INSTALLS = 'echo "uv $*"; PATH=/bin:/usr/bin; to=$UV_PYTHON_INSTALL_DIR/cpython-3.7.9-x/bin; mkdir -p $to; ' \
              'printf "#!/bin/sh\n%s\n" > $to/python3.7; chmod +x $to/python3.7'


class Index:
    """A package index on this machine that has the wheel of a uv which is a shell script."""

    def __init__(self, boot, folder, monkeypatch):
        self.tag = 'a_machine'
        self.wheel = 'uv-%s-py3-none-%s.whl' % (boot.UV, self.tag)
        self.pages, self.asked = {}, []
        self.boot, self.folder, self.monkeypatch = boot, folder, monkeypatch
        monkeypatch.setattr(boot, 'UV_WHEELS', {})
        self.serve('exit 1')
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                index.asked.append(self.path)
                body = index.pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b'')

            def log_message(self, *args):
                pass
        self.server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = 'http://127.0.0.1:%d/simple' % self.server.server_port

    def serve(self, script, page='<a href="../../files/%s#sha256=0">%s</a><br/>'):
        """Have a uv that does this, listed in this way."""
        path = self.folder / self.wheel
        with zipfile.ZipFile(str(path), 'w') as archive:
            archive.writestr('uv-%s.data/scripts/uv' % self.boot.UV, '#!/bin/sh\n%s\n' % script)
        self.pages = {'/files/' + self.wheel: path.read_bytes(),
                      '/simple/uv/': (page % (self.wheel, self.wheel)).encode()}
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.monkeypatch.setitem(self.boot.UV_WHEELS, sys.platform, (self.tag, sha256))


@pytest.fixture
def index(boot, tmp_path, monkeypatch):
    monkeypatch.setattr(platform, 'machine', lambda: 'x86_64')
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('glibc', '2.36'))
    index = Index(boot, tmp_path, monkeypatch)
    monkeypatch.setenv('PIP_INDEX_URL', index.url)
    yield index
    index.server.shutdown()
    index.server.server_close()


def fails(find, *words):
    """The three lines of advice, which name the reason in these words."""
    with pytest.raises(Exception, match='rnnbook needs a 64-bit CPython 3.7') as error:
        find()
    lines = str(error.value).split('\n')
    assert len(lines) == 3 and 'docker run' in lines[1] and 'conda create' in lines[2]
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize('page', ['<a href="../../files/%s#sha256=0">%s</a><br/>', "<a href='/files/%s'>%s</a>",
                                  '{"files": [{"url": "/files/%s", "filename": "%s"}]}'])
def test_without_a_37_uv_is_fetched_and_installs_one(boot, find, index, capfd, page):
    index.serve(UV_INSTALLS % answer().replace('"', '\\"'), page)
    path = find()
    assert path == boot.UV_FOLDER + '/python/cpython-3.7.9-x/bin/python3.7'
    out, err = capfd.readouterr()
    assert 'found no usable CPython 3.7; downloading uv %s from %s/uv/ to install one\n' % (boot.UV, index.url) in err
    assert 'uv python install cpython-3.7\n' in err and out == ''

    # It is found there from now on, and uv itself is not downloaded again even if the Python is deleted.
    assert find() == path and len(index.asked) == 2
    shutil.rmtree(boot.UV_FOLDER + '/python')
    assert find() == path and len(index.asked) == 2
    assert sorted(os.listdir(boot.UV_FOLDER)) == ['python', 'uv-' + boot.UV]


def test_a_uv_that_cannot_install_leads_to_the_advice(find, index, capfd):
    index.serve('echo "error: no route to host" >&2; exit 2')
    fails(find, 'uv could not install one', '`', 'python install cpython-3.7` ended with status 2; its output is above')
    assert 'error: no route to host\n' in capfd.readouterr().err


def test_a_python_of_uv_that_does_not_start_leads_to_the_advice(find, index):
    index.serve(UV_INSTALLS % 'exit 1')
    fails(find, 'The one that uv installed does not start')


def test_a_wheel_with_another_hash_is_not_used(boot, find, index):
    index.pages['/files/' + index.wheel] += b'\n'
    fails(find, index.wheel, 'does not have the expected sha256')
    assert not os.path.exists(boot.UV_FOLDER)


def test_an_index_without_the_wheel_or_without_an_answer_leads_to_the_advice(find, index, monkeypatch):
    index.pages['/simple/uv/'] = b'<a href="uv-0.1.whl">uv-0.1.whl</a>'
    fails(find, '/simple/uv/ does not list ' + index.wheel)
    index.pages.clear()
    fails(find, 'HTTP Error 404')
    for url in ('http://127.0.0.1:9/simple', 'nothing', 'http://'):
        monkeypatch.setenv('PIP_INDEX_URL', url)
        fails(find, 'uv could not install one')


def test_the_password_of_an_index_is_not_shown(find, index, capfd, monkeypatch):
    index.pages.clear()
    monkeypatch.setenv('PIP_INDEX_URL', index.url.replace('//', '//me:secret@'))
    fails(find, 'HTTP Error 404')
    assert 'secret' not in capfd.readouterr().err


@pytest.mark.parametrize('system, machine, libc', [('linux', 'aarch64', 'glibc'), ('linux', 'x86_64', ''),
                                                   ('sunos5', 'x86_64', '')])
def test_on_a_machine_without_wheels_nothing_is_downloaded(find, index, monkeypatch, system, machine, libc):
    monkeypatch.setattr(sys, 'platform', system)
    monkeypatch.setattr(platform, 'machine', lambda: machine)
    monkeypatch.setattr(platform, 'libc_ver', lambda: (libc, ''))
    fails(find, 'TensorFlow 1.15 has no wheel for %s %s' % (system, machine))
    assert index.asked == []


# The command line


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
    assert done.returncode == 0 and '\npip, six.\n' in done.stdout and 'RNNBOOK_PYTHON' in done.stdout


@pytest.mark.parametrize('arguments, name', [
    (['--extra', 'plot'], 'plot'), (['--extra=plot'], 'plot'), (['--extra'], ''), (['--extras', 'pip'], 'pip'),
    (['--extra', 'pip', '--extra', 'x'], 'x')])
def test_an_unknown_extra_lists_the_choices_before_anything_is_made(checkout, arguments, name):
    done = run(checkout, *arguments)
    assert done.returncode == 2
    assert done.stderr == "bootstrap: error: --extra must be one of pip, six, not %r\n" % name
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
    assert done.stderr.strip().split('\n')[-1].startswith('bootstrap: error: `')
    assert 'Traceback' not in done.stderr

    (checkout / 'requirements.txt').write_text('# nothing\n')
    where = 'import sys, tiny; print(sys.prefix); sys.exit(7)'
    done = run(checkout, '-c', where, PYTHONPATH='/nowhere')
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip() == str(checkout / '.venv')
    assert 'setting up .venv with ' + sys.executable in done.stderr

    # The second run changes and says nothing; signals reach the program itself.
    made = (checkout / '.venv' / 'pyvenv.cfg').stat().st_ino
    done = run(checkout, '-c', where)
    assert (done.returncode, done.stderr) == (7, '')
    assert run(checkout, '-c', 'import os; os.kill(os.getpid(), 15)').returncode == -signal.SIGTERM

    # An extra is added in place and stays, whether or not a later run names it.
    done = run(checkout, '--extra', 'pip', '-c', 'pass')
    assert done.returncode == 0 and 'installing pip' in done.stderr
    for arguments in ([], ['--extra=pip'], []):
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
def whole(boot, tmp_path):
    """The `.venv` of an environment that looks whole."""
    checkout = tmp_path / 'checkout'
    (checkout / '.venv' / 'bin').mkdir(parents=True)
    (checkout / 'requirements.txt').write_text('# nothing\n')
    (checkout / 'setup.py').write_text(SETUP)
    (tmp_path / 'base').write_text('python')
    os.symlink(str(tmp_path / 'base'), boot.PYTHON)
    boot.write_stamp('/usr/bin/python3.7', '', boot.made_from())
    assert boot.read_stamp() == ('/usr/bin/python3.7', [], True)
    return checkout / '.venv'


def good(boot):
    return boot.read_stamp()[2]


def test_it_is_made_anew_when_what_it_is_made_from_changes(boot, whole, tmp_path, monkeypatch):
    for name in ('requirements.txt', 'setup.py'):
        path = tmp_path / 'checkout' / name
        before = path.read_text()
        path.write_text(before + '#')
        assert not good(boot)
        path.write_text(before)
    assert good(boot)
    monkeypatch.setattr(boot, 'ROOT', '/elsewhere')
    assert not good(boot)


def test_it_is_made_anew_for_another_interpreter(boot, whole, tmp_path, monkeypatch):
    monkeypatch.setenv('RNNBOOK_PYTHON', fake_python(tmp_path / 'python3.7'))
    assert not good(boot)
    boot.write_stamp(str(tmp_path / 'python3.7'), '', boot.made_from())
    assert good(boot)
    monkeypatch.delenv('RNNBOOK_PYTHON')
    assert good(boot)
    (tmp_path / 'base').unlink()                # gone with an upgrade of the system
    assert not good(boot)
    os.symlink('base-3.11', str(tmp_path / 'base'))
    (tmp_path / 'base-3.11').write_text('python')
    assert not good(boot)


@pytest.mark.parametrize('text', ['', '{', '\n', '\n\n', '\xff', 'scripts/bootstrap.py made this folder'])
def test_it_is_made_anew_when_it_is_incomplete(boot, whole, text):
    with open(boot.STAMP, 'w', encoding='latin-1') as file:
        file.write(text)
    assert not good(boot)
    os.remove(boot.STAMP)
    assert boot.read_stamp() == ('', [], False)


def left(boot):
    return sorted(name for name in os.listdir(boot.ROOT) if name.startswith('.venv'))


def test_ours_is_deleted_and_what_an_interruption_left_too(boot, whole):
    os.mkdir(boot.VENV + '-trash-1')
    boot.clear()
    assert left(boot) == []


def test_an_empty_folder_is_deleted(boot):
    os.mkdir(boot.VENV)
    boot.clear()
    assert left(boot) == []


@pytest.mark.parametrize('kind', ['folder', 'environment', 'file', 'link'])
def test_what_is_not_ours_is_kept(boot, kind, capsys):
    for number in (1, 2):
        if kind == 'file':
            with open(boot.VENV, 'w') as file:
                file.write('mine')
        elif kind == 'link':
            os.symlink('nowhere', boot.VENV)
        else:
            os.mkdir(boot.VENV)
            open(os.path.join(boot.VENV, 'pyvenv.cfg' if kind == 'environment' else 'mine'), 'w').close()
        boot.clear()
        assert len(left(boot)) == number and left(boot)[-1].startswith('.venv-kept-')
        assert 'it is now in %s' % os.path.join(boot.ROOT, left(boot)[-1]) in capsys.readouterr().err
        time.sleep(0.01)


def test_an_extra_that_pip_refuses_leaves_the_environment_whole(boot, whole, monkeypatch):
    def refuse(*arguments, **variables):
        raise boot.SetupError('pip says no')
    monkeypatch.setattr(boot, 'run_tool', refuse)
    with pytest.raises(boot.SetupError, match='pip says no'):
        boot.add_extras(['six'], {'six': ['six']})
    assert boot.read_stamp() == ('/usr/bin/python3.7', [], True)


def test_an_extra_that_was_cut_off_has_it_made_anew(boot, whole, monkeypatch):
    def cut(*arguments, **variables):
        raise KeyboardInterrupt
    monkeypatch.setattr(boot, 'run_tool', cut)
    with pytest.raises(KeyboardInterrupt):
        boot.add_extras(['six'], {'six': ['six']})
    assert not good(boot)


def test_horovod_is_built_after_what_it_is_built_with(boot, whole, monkeypatch):
    ran = []
    monkeypatch.setattr(boot, 'run_tool', lambda command, **variables: ran.append((command[-2:], variables)))
    boot.add_extras(['horovod'], {'horovod': ['cmake==1', 'horovod==2']})
    assert [words for words, _ in ran] == [[boot.REQUIREMENTS, 'cmake==1'], ['cmake==1', 'horovod==2']]
    variables = ran[1][1]
    assert variables['HOROVOD_WITH_TENSORFLOW'] == variables['HOROVOD_WITH_GLOO'] == '1'
    assert variables['MAKEFLAGS'].startswith('-j') and variables['PATH'].split(os.pathsep)[0].endswith('bin')
    assert boot.read_stamp()[1] == ['horovod']


def test_extras_stay_when_it_is_made_anew(boot, whole, tmp_path, monkeypatch):
    def make():
        boot.write_stamp('/usr/bin/python3.7', '', boot.made_from())
    boot.write_stamp('/usr/bin/python3.7', 'pip gone', 'old')
    monkeypatch.setattr(boot, 'make', make)
    monkeypatch.setattr(boot, 'run_tool', lambda command, **variables: None)
    boot.set_up(['six'], {'pip': ['pip'], 'six': ['six']})
    assert boot.read_stamp() == ('/usr/bin/python3.7', ['pip', 'six'], True)
