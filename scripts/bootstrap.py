#!/usr/bin/env python3
"""usage: python3 scripts/bootstrap.py [--extra NAME]... ARGS...

Runs `python ARGS...` in the project's own environment, which it sets up first if necessary. The program gets all
signals, and its exit status is returned; it is 2 if the environment cannot be made, 130 for Ctrl-C while it is being
made. Without ARGS, the script only sets up. --extra NAME also installs an extra of setup.py; it may be repeated:
%s.

The environment is the folder .venv of this checkout: CPython 3.7, what requirements.txt pins, and rnnbook itself. If
requirements.txt, setup.py, the path of the checkout or the interpreter changes, or if it is incomplete, it is made anew
with its extras, but without what else was installed into it. A .venv that this script did not make is moved aside.

A 64-bit CPython 3.7 is looked for on the PATH and where pyenv, asdf, mise, uv and conda keep theirs. To use another
one, set RNNBOOK_PYTHON=/path/to/python3.7. If there is none, uv is downloaded from the package index (PIP_INDEX_URL,
or else pypi.org) and installs one; both go into the folder .venv-uv of this checkout. Nothing is installed system-wide.
pip uses the indexes, certificates and proxies that you have configured for it."""

import ast
import glob
import hashlib
import io
import itertools
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time


def say(text):
    sys.stderr.write('bootstrap: %s\n' % text)
    sys.stderr.flush()


if sys.version_info < (3, 6):       # 2.7 gets here too, as long as this file has no f-strings and no `yield from`
    say('error: run this with Python 3.6 or newer; it then finds or installs the 3.7 that rnnbook needs')
    sys.exit(2)

WINDOWS = os.name == 'nt'
EXE = '.exe' if WINDOWS else ''
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VENV = os.path.join(ROOT, '.venv')
PYTHON = os.path.join(VENV, 'Scripts\\python.exe' if WINDOWS else 'bin/python')
STAMP = os.path.join(VENV, 'made-by-bootstrap')     # only a .venv that has this file is ever deleted
UV_FOLDER = VENV + '-uv'                            # for uv and the Python that it installs
REQUIREMENTS = os.path.join(ROOT, 'requirements.txt')
PATH = os.path.dirname(PYTHON) + os.pathsep + os.environ.get('PATH', os.defpath)
PIP_INSTALL = [PYTHON, '-m', 'pip', 'install', '--no-build-isolation', '--no-warn-script-location']

# Where version managers, conda and installers put a Python, besides the PATH.
PLACES = ['$PYENV_ROOT/versions/*', '~/.pyenv/versions/*', '~/.asdf/installs/python/*',
          '~/.local/share/mise/installs/python/*', '~/.local/share/uv/python/*', '~/*conda*', '~/*conda*/envs/*',
          '~/*forge*/envs/*', '~/*mamba*/envs/*', '/opt/*', '/opt/*/envs/*', '/usr/local/opt/python@3.7',
          '/Library/Frameworks/Python.framework/Versions/3.7', '$LOCALAPPDATA/Programs/Python/Python37']

# The systems that TensorFlow 1.15 has wheels for, all on x86_64, each with uv's wheel and its sha256. This is the last
# uv that can install a 3.7. Apple silicon runs the wheels for Intel.
UV = '0.6.17'
UV_WHEELS = {'linux': ('manylinux_2_17_x86_64.manylinux2014_x86_64',
                       'aa416f287c81bfffd21e82765944035e6c3f4566615bd4fc03db3a704be8e4d5'),
             'darwin': ('macosx_10_12_x86_64', '094026a024818b0c1d2c5794c9b5c20f6b97c74335e7ae088ac121afbae1fd7e'),
             'win32': ('win_amd64', 'b815d20ffd1ad6cd872227d1f92a29311ba27c519bb8c541e75125496d129e7d')}

# How to build Horovod, which comes as source only.
HOROVOD = {'HOROVOD_WITH_TENSORFLOW': '1', 'HOROVOD_WITH_GLOO': '1', 'HOROVOD_WITHOUT_MPI': '1', 'PATH': PATH,
           'HOROVOD_WITHOUT_PYTORCH': '1', 'HOROVOD_WITHOUT_MXNET': '1', 'MAKEFLAGS': '-j%d' % (os.cpu_count() or 1)}

# Run by each interpreter that is found. Debian packages ensurepip separately; the others can break with an upgrade.
PROBE = """
import json, platform, struct, sys, sysconfig
name = '%s %s, %d bits' % (platform.python_implementation(), platform.python_version(), 8 * struct.calcsize('P'))
print(json.dumps([name, sysconfig.get_platform() + ' ' + platform.libc_ver()[0], sys.prefix]))
import ensurepip, venv, ssl, zlib, ctypes
"""

ADVICE = """rnnbook needs a 64-bit CPython 3.7. %s.
With Docker: docker run --platform linux/amd64 --rm -it -v "$PWD":/r -w /r python:3.7 python scripts/bootstrap.py ...
Without: install Miniforge (https://conda-forge.org/download), run `conda create -n py37 python=3.7`, and try again."""


class SetupError(Exception):
    """The environment cannot be made; the text is what the user reads."""


def read(path):
    """The text of a file; an empty text if it cannot be read."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def clean(**more):
    """The environment variables without those that would mislead another Python, `venv` or pip, and with `more`."""
    sources = r'PIP_.*(INDEX|FIND_LINKS|TRUSTED_HOST|CERT|PROXY|KEYRING|CACHE|TIMEOUT|RETRIES|CONFIG_FILE)'
    env = {name: value for name, value in os.environ.items()
           if re.match(sources, name) or not re.match('PIP_|PYTHON|VIRTUAL_ENV$|__PYVENV_LAUNCHER__', name)}
    env.update(more, PIP_USER='0', PIP_REQUIRE_VIRTUALENV='0', PIP_DISABLE_PIP_VERSION_CHECK='1', PIP_NO_INPUT='1')
    return env


def run_tool(command, **variables):
    """Run a step of the making, its output on stderr. It inherits the lock, in case it outlives this process."""
    status = subprocess.call(command, env=clean(**variables), stdin=subprocess.DEVNULL, stdout=2, close_fds=False)
    if status:
        raise SetupError('`%s` ended with status %d; its output is above' % (' '.join(command), status))


def why_unfit(python):
    """Why the environment cannot be made with this interpreter, and whether it is a 3.7 at all; None if it can."""
    try:
        probe = subprocess.run([python, '-E', '-s', '-c', PROBE], env=clean(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        name, machine, prefix = json.loads(probe.stdout.decode('utf-8', 'replace').strip().split('\n')[-1])
    except (OSError, ValueError, TypeError, subprocess.SubprocessError):
        return 'is not there, or does not start', False
    if not re.match(r'CPython 3\.7\.[1-9].*, 64 bits', name):       # pandas 1.3.5 refuses 3.7.0
        return 'is ' + name, False
    if os.path.realpath(prefix) == os.path.realpath(VENV):
        return 'lies in the .venv that is to be made anew', False
    if probe.returncode:
        error = probe.stderr.decode('utf-8', 'replace').strip().split('\n')[-1]
        return 'cannot make environments (%s); on Debian and Ubuntu: apt install python3.7-venv' % error, True
    if not re.match('linux-x86_64 glibc|win-amd64|macosx-.*(x86_64|intel|universal2)', machine):
        return 'is for %s, where TensorFlow 1.15 has no wheel' % machine.strip(), True
    return None


def in_places(patterns):
    """The Pythons of the installations that match these patterns, the newest of each pattern first."""
    found = []
    for pattern in patterns:
        folders = glob.glob(os.path.expandvars(os.path.expanduser(pattern)))
        found += sorted(folders, key=lambda folder: [int(part) for part in re.findall(r'\d+', folder)], reverse=True)
    return [os.path.join(folder, 'python.exe' if WINDOWS else 'bin/python3.7') for folder in found]


def candidates():
    """The files that may be a CPython 3.7, in the order in which they are tried. A broken shim hides nothing."""
    on_path = [os.path.join(folder, name + EXE) for name in ('python3.7', 'python3', 'python')
               for folder in os.environ.get('PATH', '').split(os.pathsep)]
    conda = read(os.path.expanduser('~/.conda/environments.txt')).splitlines()      # conda lists all of its own here
    places = in_places([glob.escape(UV_FOLDER) + '/python/*'] + PLACES + [glob.escape(folder) for folder in conda])
    return [path for path in dict.fromkeys([sys.executable or ''] + on_path + places) if os.path.isfile(path)]


def find_python():
    """The path of a CPython 3.7 that the environment can be made with; uv installs one if there is none."""
    named, told = os.environ.get('RNNBOOK_PYTHON'), set()
    for look in [lambda: [shutil.which(named) or named]] if named else [candidates, install_python]:
        for path in look():
            why, is_37 = why_unfit(path) or (None, True)
            if why is None:
                return path
            if named:
                raise SetupError('RNNBOOK_PYTHON must name a 64-bit CPython 3.7 (3.7.1 or newer): %s %s' % (named, why))
            if is_37 and why not in told:                               # once for all the names of one Python
                say('not using %s: it %s' % (path, why))
                told.add(why)
    raise SetupError(ADVICE % 'The one that uv installed does not start')


def install_python():
    """Let uv install a CPython 3.7; a list of its path."""
    machine, libc = platform.machine(), platform.libc_ver()[0]
    if sys.platform not in UV_WHEELS or (sys.platform == 'linux' and (machine, libc) != ('x86_64', 'glibc')):
        raise SetupError(ADVICE % ('TensorFlow 1.15 has no wheel for %s %s %s' % (sys.platform, machine, libc)))
    try:
        uv = get_uv(*UV_WHEELS[sys.platform])
        say('installing CPython 3.7 into %s' % UV_FOLDER)
        run_tool([uv, 'python', 'install', 'cpython-3.7'], UV_PYTHON_INSTALL_DIR=os.path.join(UV_FOLDER, 'python'))
    except Exception as error:                          # of many kinds; the advice is the same for all
        raise SetupError(ADVICE % ('None was found, and uv could not install one (%s)' % error))
    return in_places([glob.escape(UV_FOLDER) + '/python/*'])


def get_uv(tag, sha256):
    """The path of uv, downloaded from the package index once. A wheel is a zip file: neither pip nor venv is needed."""
    import urllib.parse
    import zipfile
    program, wheel = os.path.join(UV_FOLDER, 'uv-' + UV + EXE), 'uv-%s-py3-none-%s.whl' % (UV, tag)
    if os.path.exists(program):
        return program
    index = (os.environ.get('PIP_INDEX_URL') or 'https://pypi.org/simple').rstrip('/') + '/uv/'
    index = re.sub('//[^/]*@', '//', index)                             # no password goes out or is shown
    say('found no usable CPython 3.7; downloading uv %s from %s to install one' % (UV, index))
    page = download(index).decode('utf-8', 'replace')
    link = re.search(r"""(?:href=|"url": *)["']([^"'#]*%s)["'#]""" % re.escape(wheel), page)    # HTML or JSON
    if not link:
        raise SetupError('%s does not list %s' % (index, wheel))
    data = download(urllib.parse.urljoin(index, link.group(1)))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SetupError('%s from %s does not have the expected sha256' % (wheel, index))
    os.makedirs(UV_FOLDER, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive, open(program + '.part', 'wb') as file:
        file.write(archive.read('uv-%s.data/scripts/uv%s' % (UV, EXE)))
    os.chmod(program + '.part', 0o755)
    os.replace(program + '.part', program)
    return program


def download(url):
    """The bytes at a URL. Proxies and certificates are those of the environment variables."""
    import ssl
    import urllib.request
    data, context = b'', ssl.create_default_context(cafile=os.environ.get('PIP_CERT') or None)
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        for block in iter(lambda: answer.read(4000000), b''):
            data += block
            if len(block) == 4000000:
                say('%d MB downloaded' % (len(data) // 1000000))
    return data


def made_from():
    """What the environment is made from, as one digest; the 2 stands for the way in which this script makes it."""
    parts = ['2', ROOT, os.path.realpath(PYTHON), read(REQUIREMENTS), read(os.path.join(ROOT, 'setup.py'))]
    return hashlib.sha256('\0'.join(parts).encode('utf-8', 'surrogateescape')).hexdigest()


def read_stamp():
    """The Python that made the environment, its extras, and whether it is complete and made from what is there now."""
    base, extras, digest = (read(STAMP) + '\n\n').split('\n')[:3]
    named = os.environ.get('RNNBOOK_PYTHON')
    good = digest == made_from() and os.path.exists(PYTHON) and (not named or shutil.which(named) == base)
    return base, extras.split(), good


def write_stamp(*lines):
    with open(STAMP, 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines))


def lock(file):
    """Wait for the lock on this file. The system drops it when the last process that has the file open ends."""
    os.set_inheritable(file.fileno(), True)
    for attempt in itertools.count():
        try:
            if WINDOWS:
                import msvcrt
                return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            import fcntl
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            if attempt == 0:
                say('waiting for another run that is setting up .venv')
            time.sleep(0.5)


def clear():
    """Take the old environment out of the way: ours is deleted, anything else is moved aside."""
    if os.path.lexists(VENV):
        ours = not os.path.islink(VENV) and (os.path.exists(STAMP) or os.path.isdir(VENV) and not os.listdir(VENV))
        folder = '%s-%s-%d' % (VENV, 'trash' if ours else 'kept', 1000 * time.time())
        os.rename(VENV, folder)                         # in one step: nobody sees half an environment
        if not ours:
            say('this script did not make the .venv that was here; it is now in %s' % folder)
    for folder in glob.glob(glob.escape(VENV) + '-trash-*'):
        shutil.rmtree(folder, ignore_errors=True)


def make():
    """Make the environment from nothing, without extras."""
    python = find_python()
    clear()
    say('setting up .venv with %s; this takes a minute or more' % python)
    os.mkdir(VENV)
    write_stamp()
    run_tool([python, '-m', 'venv', VENV])
    tools = re.findall(r'^(?:pip|setuptools|wheel)==[^\s;#]+', read(REQUIREMENTS), re.MULTILINE) or ['pip']
    for arguments in tools, ['-r', REQUIREMENTS]:           # the tools build what comes as source
        run_tool(PIP_INSTALL + arguments)
    run_tool(PIP_INSTALL + ['--no-deps', '-e', ROOT], PIP_CONFIG_SETTINGS='editable_mode=compat')
    write_stamp(python, '', made_from())


def add_extras(names, table):
    """Install extras, within what `requirements.txt` pins."""
    before, (base, extras, _) = read(STAMP), read_stamp()
    lines = [line for name in names for line in table[name]]
    say('installing %s' % ', '.join(names))
    write_stamp()
    try:
        for some in [line for line in lines if not line.startswith('horovod')], lines:  # Horovod is built with the rest
            run_tool(PIP_INSTALL + ['-c', REQUIREMENTS] + some, **HOROVOD)
    except SetupError:                                  # pip installs nothing before it has everything
        write_stamp(before)
        raise
    write_stamp(base, ' '.join(extras + names), made_from())


def run(arguments):
    """Run `python ARGUMENTS` in the environment, as if it were activated. Returns its exit status, if it returns."""
    env = {name: value for name, value in os.environ.items() if not re.match('PYTHON(HOME|PATH)$|__PYVENV_', name)}
    env.update(VIRTUAL_ENV=VENV, PATH=PATH)
    env.setdefault('JUPYTER_PREFER_ENV_PATH', '1')      # the kernel of this environment, not one of the user's own
    if WINDOWS:
        signal.signal(signal.SIGINT, signal.SIG_IGN)    # the program gets Ctrl-C too, and decides what it means
        return subprocess.call([PYTHON] + arguments, env=env)
    os.execve(PYTHON, [PYTHON] + arguments, env)        # in our place, so that it gets the signals itself


def set_up(wanted, table):
    """Make the environment and install extras, as far as that is needed."""
    # The stamp is empty until all is done. A run holds the lock while it makes the environment, and so do its tools.
    _, extras, good = read_stamp()
    if good and set(wanted) <= set(extras):
        return
    with open(VENV + '.lock', 'w') as file:
        lock(file)
        _, extras, good = read_stamp()
        if not good:
            make()
            wanted, extras = extras + wanted, []        # an extra stays once it is installed
        wanted = [name for name in dict.fromkeys(wanted) if name in table and name not in extras]
        if wanted:
            add_extras(wanted, table)


def main(argv):
    extras = []
    try:
        table = re.search(r'^EXTRAS = (\{.*?^\})', read(os.path.join(ROOT, 'setup.py')), re.MULTILINE | re.DOTALL)
        table = ast.literal_eval(table.group(1)) if table else {}
        if argv and argv[0] in ('-h', '--help'):
            print(__doc__ % ', '.join(sorted(table)))
            return 0
        while argv and argv[0].startswith('--extra'):
            word, _, name = argv[0].partition('=')
            name, argv = (name, argv[1:]) if name else (''.join(argv[1:2]), argv[2:])
            if word != '--extra' or name not in table:
                raise SetupError('--extra must be one of %s, not %r' % (', '.join(sorted(table)), name))
            extras.append(name)
        set_up(extras, table)
        return run(argv) if argv else say('.venv is ready')
    except (SetupError, OSError, SyntaxError) as error:
        say('error: %s' % error)
        return 2
    except KeyboardInterrupt:
        say('interrupted; the next run sets up again')
        return 130


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
