#!/usr/bin/env python3
"""Make the environment that rnnbook needs, once, and run Python in it. Standard library only, Python 3.6 or newer.

The environment is `.venv` in the checkout: CPython 3.7, what `requirements.txt` pins, the package itself (editable).
A stamp inside it says what it was made from. While the stamp holds, a run is: read the stamp, start the program. Else
the environment is made anew, under a lock, and the stamp is written last; so whatever interrupts the making leaves an
environment without a stamp, which the next run replaces.
"""

import contextlib
import glob
import hashlib
import json
import os
import re
import sys

if sys.version_info < (3, 6):
    sys.exit('bootstrap: error: run this with Python 3.6 or newer; it finds or installs the 3.7 that it needs itself')

HELP = """\
usage: python3 scripts/bootstrap.py [--extra NAME]... ARGS...

Runs `python ARGS...` in the project's own environment, which is set up first where that is needed. Exit status and
signals are the program's. Without ARGS it only sets up.

  python3 scripts/bootstrap.py scripts/train_charrnn.py      train on Hamlet, print 500 characters
  python3 scripts/bootstrap.py -m pytest                     run the tests
  python3 scripts/bootstrap.py --extra plots my_plots.py     with an optional extra

options:
  --extra NAME   also install an extra of setup.py: %s;
                 may be given several times; what was installed once stays
  -h, --help     this text

The environment is the folder .venv of this checkout: CPython 3.7 with what requirements.txt pins, and rnnbook itself.
It is made anew when requirements.txt, setup.py, the place of the checkout or the interpreter changes, and when it is
broken; what else was installed into it is gone then. A .venv that this script did not make is moved aside, not deleted.

A 64-bit CPython 3.7 is looked for in: the environment's RNNBOOK_PYTHON, which names one; this interpreter;
the PATH; pyenv, asdf, mise and conda; the usual places; the launcher `py` on Windows; uv, which is asked to install
one if there is none. The program sees no PYTHONHOME and no PYTHONPATH. pip is used as it is configured.

Exit status: the program's; 2 where the environment cannot be made; 130 for Ctrl-C while it is being made."""

RECIPE = 1                                      # raise it when this script makes the environment in another way
MARK = 'made-by-bootstrap'                      # a file in .venv: this script made the folder and may delete it
STAMP = 'rnnbook-bootstrap.json'                # in site-packages, so that it cannot outlive them
WINDOWS = os.name == 'nt'
UV = 'uv==0.6.17'                               # from 0.7 on, uv does not know where to get a 3.7
OLDEST = [3, 7, 1]                              # pandas 1.3.5 wants it

# What is built from source against packages that are there by then, with the environment variables that say how.
BUILDS = {'horovod': {'HOROVOD_WITH_TENSORFLOW': '1', 'HOROVOD_WITH_GLOO': '1', 'HOROVOD_WITHOUT_MPI': '1',
                      'HOROVOD_WITHOUT_PYTORCH': '1', 'HOROVOD_WITHOUT_MXNET': '1'}}

# Where installers, package managers and conda put things, besides what the environment names.
PYTHON_FOLDERS = ['/usr/local/bin', '/usr/bin', '/opt/local/bin', '/opt/python/cp37-cp37m/bin',
                  '/usr/local/opt/python@3.7/bin', '/Library/Frameworks/Python.framework/Versions/3.7/bin']
CONDA_FOLDERS = ['/opt/conda', '/opt/miniconda3', '/opt/anaconda3', 'C:\\ProgramData\\Anaconda3',
                 'C:\\ProgramData\\miniconda3']

PROBE = """
import sys
import platform, struct, sysconfig, json, os
import venv, ensurepip, ssl, zlib, ctypes
libc = ''
if sys.platform.startswith('linux'):
    try:
        libc = os.confstr('CS_GNU_LIBC_VERSION') or ''
    except (OSError, ValueError):
        pass
print(json.dumps({'version': list(sys.version_info[:3]), 'implementation': platform.python_implementation(),
                  'bits': 8 * struct.calcsize('P'), 'platform': sysconfig.get_platform(), 'libc': libc,
                  'prefix': sys.prefix}))
"""


class SetupError(Exception):
    """The environment cannot be made; the text is what the user reads."""


def say(text):
    print('bootstrap: ' + text, file=sys.stderr)
    sys.stderr.flush()


# Finding a CPython 3.7


def clean(env):
    """The environment variables without those that make another Python's start, `venv` or pip go wrong.

    pip's index, certificates, proxies and cache stay as the user has set them.
    """
    odd = {'VIRTUAL_ENV', '__PYVENV_LAUNCHER__', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PIP_PYTHON', 'PIP_NO_DEPS',
           'PIP_CONSTRAINT', 'PIP_REQUIREMENT', 'PIP_EDITABLE', 'PIP_PLATFORM', 'PIP_PYTHON_VERSION', 'PIP_ABI',
           'PIP_IMPLEMENTATION', 'PIP_ONLY_BINARY', 'PIP_NO_BINARY', 'PIP_DRY_RUN', 'PIP_IGNORE_INSTALLED',
           'PIP_REQUIRE_HASHES', 'PIP_QUIET', 'PIP_LOG', 'PIP_REPORT', 'PIP_SRC'}
    kept = {name: value for name, value in env.items() if name not in odd and not name.startswith('PYTHON')}
    kept.update(PIP_USER='0', PIP_REQUIRE_VIRTUALENV='0', PIP_DISABLE_PIP_VERSION_CHECK='1', PIP_NO_INPUT='1',
                PYTHONIOENCODING='utf-8:replace')
    return kept


def output(command, env, timeout=60):
    """What a command prints, if it starts and ends well in time; else an empty text."""
    import subprocess
    try:
        return subprocess.run(command, env=clean(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=timeout, check=True).stdout.decode('utf-8', 'replace')
    except (OSError, ValueError, subprocess.SubprocessError):
        return ''


def probe(python, env):
    """What an interpreter says of itself, as a dict; `None` where it does not start or cannot make environments."""
    try:
        facts = json.loads(output([python, '-E', '-s', '-c', PROBE], env).strip().split('\n')[-1])
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and 'version' in facts else None


def is_37(facts):
    """Whether these facts are those of a CPython 3.7 of 64 bits."""
    return (facts is not None and facts['implementation'] == 'CPython' and facts['bits'] == 64
            and OLDEST <= facts['version'] < [3, 8])


def has_wheels(facts):
    """Whether TensorFlow 1.15 has wheels for the platform of these facts."""
    name = facts['platform']
    return (name == 'win-amd64' or (name.startswith('macosx') and name.endswith(('x86_64', 'intel', 'universal2')))
            or (name == 'linux-x86_64' and facts['libc'].startswith('glibc')))


def on_path(names, env):
    """Every file of these names in the folders of the PATH: a shim ahead of the real thing must not hide it."""
    for folder in env.get('PATH', '').split(os.pathsep):
        for name in names:
            path = os.path.join(folder, name + ('.exe' if WINDOWS else ''))
            if folder and os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def in_version_managers(env, home):
    """The interpreters of pyenv, pyenv-win, asdf, mise and uv, the newest 3.7 first, selected by them or not."""
    roots = [os.path.join(root, 'versions') for root in
             [env.get('PYENV_ROOT'), env.get('PYENV'), env.get('PYENV_HOME'), os.path.join(home, '.pyenv'),
              os.path.join(home, '.pyenv', 'pyenv-win')] if root]
    roots += [os.path.join(env.get('ASDF_DATA_DIR') or os.path.join(home, '.asdf'), 'installs', 'python'),
              os.path.join(home, '.local', 'share', 'mise', 'installs', 'python'),
              env.get('UV_PYTHON_INSTALL_DIR') or os.path.join(home, '.local', 'share', 'uv', 'python')]
    for root in roots:
        folders = [os.path.join(root, name) for name in (os.listdir(root) if os.path.isdir(root) else [])]

        def newest_37(folder):
            numbers = [int(number) for number in re.findall(r'\d+', os.path.basename(folder))]
            return (numbers[:2] == [3, 7], numbers)
        for folder in sorted(folders, key=newest_37, reverse=True):
            yield from python_of(folder)


def python_of(prefix):
    """The `python3.7` of an installation or a conda environment, if there is one."""
    names = [os.path.join('bin', 'python3.7')]
    if WINDOWS:
        names = ['python.exe'] if os.path.exists(os.path.join(prefix, 'python37.dll')) else []
    return [path for path in (os.path.join(prefix, name) for name in names) if os.path.isfile(path)]


def in_conda(env, home):
    """The interpreters of conda's environments: the listed ones, those in the usual places, then what conda says."""
    prefixes = [env.get('CONDA_PREFIX')]
    with contextlib.suppress(OSError):
        with open(os.path.join(home, '.conda', 'environments.txt'), encoding='utf-8', errors='replace') as file:
            prefixes += file.read().splitlines()
    roots = [env.get('MAMBA_ROOT_PREFIX'), env.get('CONDA_ROOT')]
    if env.get('CONDA_EXE'):
        roots.append(os.path.dirname(os.path.dirname(env['CONDA_EXE'])))
    for name in ('miniconda3', 'anaconda3', 'miniforge3', 'mambaforge', 'micromamba', '.conda'):
        roots.append(os.path.join(home, name))
    for root in [root for root in roots if root] + CONDA_FOLDERS:
        prefixes += [root] + sorted(glob.glob(os.path.join(glob.escape(root), 'envs', '*')))
    for prefix in prefixes:
        yield from python_of(prefix.strip()) if prefix and prefix.strip() else []
    for conda in [env['CONDA_EXE']] if env.get('CONDA_EXE') else list(on_path(['conda'], env))[:1]:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            for prefix in json.loads(output([conda, 'env', 'list', '--json'], env))['envs']:
                yield from python_of(prefix)


def candidates(env, home):
    """The places where a CPython 3.7 may be, in the order in which they are tried; found as they are asked for."""
    yield sys.executable
    yield from on_path(['python3.7'], env)
    yield from in_version_managers(env, home)
    yield from in_conda(env, home)
    for folder in PYTHON_FOLDERS:
        yield from on_path(['python3.7'], {'PATH': folder})
    if WINDOWS:
        yield output(['py', '-3.7', '-c', 'import sys; print(sys.executable)'], env).strip()
        yield os.path.join(env.get('LOCALAPPDATA', home), 'Programs', 'Python', 'Python37', 'python.exe')
    yield from on_path(['python3', 'python'], env)


def from_uv(env, home):
    """The interpreters that uv knows, and where it knows none the one that it then installs."""
    beside = os.path.dirname(sys.executable or '')                    # where `pip install uv` puts it
    folders = [env.get('PATH', ''), beside, os.path.join(home, '.local', 'bin'), os.path.join(home, '.cargo', 'bin')]
    for uv in list(on_path(['uv'], {'PATH': os.pathsep.join(folders)}))[:1]:
        # There is no 3.7 for Apple's own processors; the one for Intel runs there too.
        wanted = 'cpython-3.7-macos-x86_64-none' if sys.platform == 'darwin' else '3.7'
        find = [uv, 'python', 'find', '--no-project', wanted]
        # Its own ones only: the others have been tried, and uv stops at the first one on the PATH that is broken.
        env = dict(env, UV_PYTHON_PREFERENCE='only-managed')
        yield output(find, env).strip()
        say('found no CPython 3.7: installing one with %s' % uv)
        import subprocess
        with contextlib.suppress(OSError):
            subprocess.call([uv, 'tool', 'run', '--from', UV, 'uv', 'python', 'install', wanted], env=clean(env),
                            stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
        yield output(find, env).strip()
        yield from in_version_managers(env, home)


def find_python(env, home, venv):
    """The path of a 64-bit CPython 3.7 that starts and for which TensorFlow 1.15 has wheels, and its facts.

    `venv`, the environment that may be deleted, is no place to take it from. `SetupError` where there is none.
    """
    named = env.get('RNNBOOK_PYTHON')
    if named:
        import shutil
        path = shutil.which(named, path=env.get('PATH', ''))
        facts = probe(path, env) if path else None
        if not path:
            wrong = 'is not there, or not a program'
        elif facts is None:
            wrong = 'does not start, or lacks one of venv, ensurepip, ssl, zlib, ctypes'
        elif not is_37(facts):
            wrong = 'is %s %s, %d bits' % (facts['implementation'], dotted(facts['version']), facts['bits'])
        elif is_inside(facts['prefix'], venv):
            wrong = 'lies in the .venv that is to be made anew'
        else:
            wrong = None
        if wrong:
            raise SetupError('RNNBOOK_PYTHON must name a 64-bit CPython 3.7 (3.7.1 or newer): %s %s' % (named, wrong))
        if not has_wheels(facts):
            raise SetupError(no_wheels(facts))
        return path, facts
    without_wheels, seen = None, set()
    for found in (candidates, from_uv):
        if found is from_uv and (without_wheels or cannot_have_wheels()):
            raise SetupError(no_wheels(without_wheels))
        for path in found(env, home):
            if not path or path in seen:
                continue
            seen.add(path)
            facts = probe(path, env)
            if not is_37(facts) or is_inside(facts['prefix'], venv):
                continue
            if has_wheels(facts):
                return path, facts
            without_wheels = facts
    raise SetupError(
        'TensorFlow 1.15 needs a 64-bit CPython 3.7; none that starts was found on the PATH, in pyenv, conda or uv.\n'
        'Get one, for example: pip install uv (this script then uses it); pyenv install 3.7; '
        'conda create -n py37 python=3.7\n'
        'Then run this command again; one that lies elsewhere is named by RNNBOOK_PYTHON=/path/to/python3.7.')


def cannot_have_wheels():
    """Whether no Python on this machine can have wheels of TensorFlow 1.15, so that none need be installed."""
    import platform
    if sys.platform.startswith('linux'):
        return platform.machine() != 'x86_64' or bool(glob.glob('/lib/ld-musl-*')) and not glob.glob('/lib*/ld-linux*')
    return sys.platform not in ('darwin', 'win32')


def no_wheels(facts):
    """What to do where TensorFlow 1.15 has no wheels: three lines."""
    import platform
    name = facts['platform'] if facts else '%s-%s' % (sys.platform, platform.machine())
    if name == 'linux-x86_64':
        name += ' without glibc'
    return ('TensorFlow 1.15 has no wheel for %s; it has for Linux (glibc), macOS and Windows, each on x86_64.\n'
            'Use such a machine or container (docker run --platform linux/amd64), or on Apple silicon an Intel Python '
            'under Rosetta: CONDA_SUBDIR=osx-64 conda create -n py37 python=3.7\n'
            'What needs no TensorFlow runs here too, with any Python from 3.7 on: pip install .' % name)


def dotted(version):
    return '.'.join(str(number) for number in version)


def is_inside(path, folder):
    path, folder = (os.path.normcase(os.path.realpath(name)) for name in (path, folder))
    return path == folder or path.startswith(folder + os.sep)


# The environment and its stamp


def python_in(venv):
    return os.path.join(venv, 'Scripts', 'python.exe') if WINDOWS else os.path.join(venv, 'bin', 'python')


def stamp_path(venv):
    return os.path.join(venv, *(['Lib'] if WINDOWS else ['lib', 'python3.7']) + ['site-packages', STAMP])


def key_of(root):
    """What the environment is made from, as one digest: the recipe, the two files, the place of the checkout."""
    digest = hashlib.sha256(('%d\0%s\0' % (RECIPE, root)).encode('utf-8', 'surrogateescape'))
    for name in ('requirements.txt', 'setup.py'):
        try:
            with open(os.path.join(root, name), 'rb') as file:
                digest.update(hashlib.sha256(file.read()).digest())
        except OSError as error:
            raise SetupError('cannot read %s: %s' % (os.path.join(root, name), error.strerror))
    return digest.hexdigest()


def interpreter_of(venv):
    """The file that runs in the environment and its size: another one, or none, means that the base has changed."""
    path = os.path.realpath(python_in(venv))
    try:
        return [path, os.stat(path).st_size]
    except OSError:
        return None


def read_stamp(venv):
    """The stamp as a dict; an empty one where there is none that can be read."""
    try:
        with open(stamp_path(venv), encoding='utf-8') as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and isinstance(stamp.get('extras'), list) else {}


def write_stamp(venv, stamp):
    part = stamp_path(venv) + '.part'
    with open(part, 'w', encoding='utf-8') as file:
        json.dump(stamp, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, stamp_path(venv))


def why_stale(venv, key, env):
    """Why the environment has to be made anew, in a few words; `None` where it has not."""
    stamp = read_stamp(venv)
    if not os.path.lexists(venv):
        return 'there is none yet'
    if not stamp:
        return 'it is not whole'
    if stamp.get('key') != key:
        return 'requirements.txt, setup.py or the place of the checkout has changed'
    if stamp.get('interpreter') is None or stamp['interpreter'] != interpreter_of(venv):
        return 'its interpreter has changed or gone'
    if env.get('RNNBOOK_PYTHON') and env['RNNBOOK_PYTHON'] not in (stamp.get('named'), stamp.get('base')):
        return 'RNNBOOK_PYTHON names another interpreter'
    return None


def hold(venv):
    """Mark the environment as in use until this process, or the program that it becomes, ends.

    A shared lock on `pyvenv.cfg`, kept over `exec`: whoever has to delete the environment waits for it. (Windows needs
    none: there a folder in use cannot be renamed.) Returns the descriptor, whose closing lets go; `None` where there
    is nothing to hold, or somebody is deleting it right now.
    """
    try:
        handle = os.open(os.path.join(venv, 'pyvenv.cfg'), os.O_RDONLY)
    except OSError:
        return None
    if WINDOWS:
        return handle
    import fcntl
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:                             # a file system without locks
        pass
    os.set_inheritable(handle, True)
    return handle


@contextlib.contextmanager
def locked(path, waiting):
    """Hold an exclusive lock on a file, made if need be; say `waiting` where another process has it.

    The system drops the lock when its last holder ends, however it ends. Yields the file's descriptor: handed to pip,
    it keeps the lock until pip has ended too, even where this process was killed.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if WINDOWS:
            import msvcrt
            import time
            said = False
            while True:
                try:
                    msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    if not said:
                        say(waiting)
                    said = True
                    time.sleep(0.5)
        else:
            import fcntl
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(waiting)
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError:                     # a file system without locks: go on, one at a time is usual
                pass
        yield handle
    finally:
        os.close(handle)


def clear(venv):
    """Take the old environment out of the way. Ours is deleted, once no program runs in it; another's is kept aside."""
    import shutil
    for left in glob.glob(glob.escape(venv) + '-trash-*'):
        shutil.rmtree(left, ignore_errors=True)
    if not os.path.lexists(venv):
        return
    is_folder = os.path.isdir(venv) and not os.path.islink(venv)
    if is_folder and (os.path.exists(os.path.join(venv, MARK)) or not os.listdir(venv)):
        trash = '%s-trash-%d' % (venv, os.getpid())
        in_use = os.path.join(venv, 'pyvenv.cfg')
        waiting = 'waiting for the programs that still run in .venv to end, because it has to be made anew'
        with locked(in_use, waiting) if os.path.exists(in_use) and not WINDOWS else contextlib.suppress():
            try:
                os.rename(venv, trash)          # in one step, so that no half-deleted environment is ever seen
            except OSError as error:
                raise SetupError('cannot replace %s (%s): end the programs that use it' % (venv, error.strerror))
        shutil.rmtree(trash, ignore_errors=True)
        return
    number = 1
    while os.path.lexists('%s-kept-%d' % (venv, number)):
        number += 1
    os.rename(venv, '%s-kept-%d' % (venv, number))
    say('this script did not make the .venv that was here: it is now .venv-kept-%d' % number)


def run_tool(command, env, lock):
    """Run a step of the making, one line of progress at a time; `SetupError` with its whole output above if it fails.

    On a terminal the last line that matters is shown and rewritten each second; elsewhere a line every ten seconds.
    """
    import queue
    import subprocess
    import threading
    import time
    terminal = sys.stderr.isatty()
    process = subprocess.Popen(command, env=clean(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, **({} if WINDOWS else {'pass_fds': [lock]}))
    lines, printed, news, start = queue.Queue(), [], '', time.time()

    def read():
        for line in process.stdout:
            lines.put(line.decode('utf-8', 'replace').rstrip())
        lines.put(None)
    threading.Thread(target=read, daemon=True).start()
    shown = start
    try:
        while True:
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=1)
                if line is None:
                    break
                printed.append(line)
                if re.match(r'\s*(Collecting|Downloading|Building|Installing|Using cached) ', line):
                    news = re.split(r'\(from|(?<=packages):', line)[0].strip()
            if news and time.time() - shown >= (1 if terminal else 10):
                shown = time.time()
                text = '%4d s  %s' % (shown - start, news[:60])
                print('\r\033[K' + text if terminal else 'bootstrap: ' + text, end='' if terminal else '\n',
                      file=sys.stderr, flush=True)
        status = process.wait()
    except BaseException:                       # Ctrl-C above all: the tool must not write on behind our back
        process.terminate()
        process.wait()
        raise
    finally:
        if terminal:
            print('\r\033[K', end='', file=sys.stderr, flush=True)
    if status:
        print('\n'.join(printed), file=sys.stderr)
        # The command without the interpreter's flags: enough to tell which step it was.
        raise SetupError('the environment could not be set up: `%s` ended with status %d; its output is above'
                         % (' '.join([os.path.basename(command[0])] + command[1:]), status))


def pip_install(venv, arguments, env, lock):
    command = [python_in(venv), '-m', 'pip', 'install', '--no-build-isolation', '--no-warn-script-location']
    run_tool(command + arguments, env, lock)


def make(root, venv, extras, key, env, home, lock):
    """Make the environment from nothing."""
    python, facts = find_python(env, home, venv)
    clear(venv)
    say('setting up .venv with CPython %s at %s; this takes a minute or more'
        % (dotted(facts['version']), python))
    os.mkdir(venv)
    with open(os.path.join(venv, MARK), 'w') as file:
        file.write('scripts/bootstrap.py made this folder, and deletes it when it has to be made anew.\n')
    run_tool([python, '-m', 'venv', venv], env, lock)
    requirements = os.path.join(root, 'requirements.txt')
    with open(requirements, encoding='utf-8') as file:
        tools = re.findall(r'^(?:pip|setuptools|wheel)==[^\s;#]+', file.read(), re.MULTILINE)
    if tools:                                   # they build what comes as source, so they are there first
        pip_install(venv, tools, env, lock)
    pip_install(venv, ['-r', requirements], env, lock)
    pip_install(venv, ['--no-deps', '-e', root], env, lock)
    write_stamp(venv, {'key': key, 'extras': [], 'interpreter': interpreter_of(venv), 'base': python,
                       'named': env.get('RNNBOOK_PYTHON')})
    add_extras(root, venv, extras, env, lock)
    say('.venv is ready')


def add_extras(root, venv, extras, env, lock):
    """Install extras that are not there yet. They only add: what `requirements.txt` pins is not touched by them."""
    stamp = read_stamp(venv)
    extras = [name for name in extras if name not in stamp['extras']]
    if not extras:
        return
    table = extras_of(root)
    say('installing %s' % ', '.join(extras))
    # Without its stamp for as long as it is neither the one thing nor the other; back if pip refuses cleanly.
    os.remove(stamp_path(venv))
    constraints = ['-c', os.path.join(root, 'requirements.txt')]
    wanted = sum((table[name] for name in extras), [])
    built = [line for line in wanted if name_of(line) in BUILDS]
    try:
        pip_install(venv, constraints + [line for line in wanted if line not in built], env, lock)
        for line in built:                      # pip keeps what it has built: another checkout takes it from there
            say('installing %s; where it has to be built, that takes minutes' % name_of(line))
            more = {'PATH': os.path.dirname(python_in(venv)) + os.pathsep + env.get('PATH', os.defpath),
                    'MAKEFLAGS': env.get('MAKEFLAGS') or '-j%d' % (os.cpu_count() or 1), **BUILDS[name_of(line)]}
            pip_install(venv, constraints + [line], dict(env, **more), lock)
    except SetupError:
        write_stamp(venv, stamp)
        raise
    write_stamp(venv, dict(stamp, extras=stamp['extras'] + extras))


def name_of(requirement):
    return re.match(r'[\w.-]+', requirement).group().lower()


def extras_of(root):
    """The table of extras in `setup.py`, read as text."""
    import ast
    try:
        with open(os.path.join(root, 'setup.py'), encoding='utf-8') as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise SetupError('cannot read %s: %s' % (os.path.join(root, 'setup.py'), error))
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, 'id', None) for target in node.targets] == ['EXTRAS']:
            return ast.literal_eval(node.value)
    return {}


def set_up(root, venv, extras, env, home):
    """Bring the environment to what is asked for and hold it. Nothing to do costs milliseconds."""
    while True:
        key = key_of(root)
        # In this order: held, it cannot be replaced any more between the check and the use.
        held = hold(venv)
        if held is not None:
            if why_stale(venv, key, env) is None and set(extras) <= set(read_stamp(venv)['extras']):
                return
            os.close(held)
        unknown = [name for name in extras if name not in extras_of(root)]
        if unknown:
            raise SetupError('--extra must be one of %s, not %r' % (', '.join(sorted(extras_of(root))), unknown[0]))
        with locked(venv + '.lock', 'waiting for another run that is setting up .venv') as lock:
            why = why_stale(venv, key_of(root), env)
            if why is None:
                add_extras(root, venv, extras, env, lock)
            else:
                if os.path.lexists(venv):
                    say('making .venv anew: %s' % why)
                known = extras_of(root)         # what was installed once stays, as far as it still exists
                kept = [name for name in read_stamp(venv).get('extras', []) if name in known]
                make(root, venv, kept + [name for name in extras if name not in kept], key_of(root), env, home, lock)


# Running


def run(venv, arguments, env):
    """Run `python ARGUMENTS` in the environment, as if it were activated. Returns its exit status, if at all."""
    env = {name: value for name, value in env.items()
           if name not in ('PYTHONHOME', 'PYTHONPATH', '__PYVENV_LAUNCHER__')}
    env['VIRTUAL_ENV'] = venv
    env.setdefault('JUPYTER_PREFER_ENV_PATH', '1')          # this environment's kernel, not one of the user's own
    env['PATH'] = os.path.dirname(python_in(venv)) + os.pathsep + env.get('PATH', os.defpath)
    command = [python_in(venv)] + arguments
    if not WINDOWS:
        os.execve(command[0], command, env)     # in our place: signals and the exit status are the program's own
    import subprocess
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:               # the program gets Ctrl-C too, and decides what it means
            pass


def parse(argv):
    """The extras and the arguments of Python. Everything from the first word that is not ours on is Python's."""
    extras, rest = [], list(argv)
    while rest and rest[0].startswith('--extra'):
        word = rest.pop(0)
        if word == '--extra':
            if not rest:
                raise SetupError('--extra needs a name')
            extras.append(rest.pop(0))
        elif word.startswith('--extra='):
            extras.append(word[len('--extra='):])
        else:
            raise SetupError('unknown option %s; --help tells more' % word)
    return list(dict.fromkeys(extras)), rest


def main(argv):
    root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    venv = os.path.join(root, '.venv')
    try:
        extras, arguments = parse(argv)
        if arguments and arguments[0] in ('-h', '--help'):
            print(HELP % ', '.join(sorted(extras_of(root))))
            return 0
        set_up(root, venv, extras, os.environ, os.path.expanduser('~'))
        if arguments:
            return run(venv, arguments, os.environ)
        say('set up: %s (run a program with: python3 scripts/bootstrap.py ARGS...)' % venv)
        return 0
    except SetupError as error:
        lines = str(error).split('\n')
        print('\n'.join(['bootstrap: error: ' + lines[0]] + lines[1:]), file=sys.stderr)
    except OSError as error:
        print('bootstrap: error: %s' % error, file=sys.stderr)
    except KeyboardInterrupt:
        print('bootstrap: interrupted; the next run sets up again', file=sys.stderr)
        return 130
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
