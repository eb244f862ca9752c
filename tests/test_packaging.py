"""What is built and installed: lists that agree with each other and the environment, a door that opens lazily."""

import ast
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import rnnbook

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(*names):
    with open(os.path.join(ROOT, *names), encoding='utf-8') as file:
        return file.read()


def canonical(name):
    return re.sub(r'[-_.]+', '-', name).lower()


def pins(lines):
    """{canonical name: version} of lines such as ``numpy==1.18.5; marker  # why``; anything else is an error."""
    found = {}
    for line in lines:
        line = line.split('#')[0].strip()
        if line:
            name, version = re.match(r'^([A-Za-z0-9._-]+)==([0-9a-z.]+)(?:;.*)?$', line).groups()
            assert canonical(name) not in found
            found[canonical(name)] = version
    return found


def literal(name):
    """The value of a name of `setup.py`, read as text."""
    scope = {}
    for node in ast.parse(read('setup.py')).body:
        if isinstance(node, ast.Assign):
            exec(compile(ast.Module(body=[node], type_ignores=[]), 'setup.py', 'exec'), scope)
    return scope[name]


PINS = pins(read('requirements.txt').splitlines())
EXTRAS = literal('EXTRAS')


def extra_pins(name):
    return pins(line for line in EXTRAS[name] if 'python_version >=' not in line)


@pytest.fixture(scope='module')
def distributions():
    """Every installed distribution by its canonical name."""
    try:
        from importlib import metadata
    except ImportError:
        metadata = pytest.importorskip('importlib_metadata')
    return {canonical(found.metadata['Name']): found for found in metadata.distributions() if found.metadata['Name']}


def test_the_extras_are_pinned_and_agree_with_the_requirements():
    assert sorted(EXTRAS) == ['baselines', 'docs', 'horovod', 'notebook', 'onnx', 'plots', 'test']
    assert extra_pins('test').items() <= PINS.items()
    optional = [extra_pins(name) for name in EXTRAS if name != 'test']
    assert not PINS.keys() & set().union(*optional), 'pinned in both places'
    pinned = set().union(*(pins.items() for pins in optional))
    assert len(dict(pinned)) == len(pinned), 'pinned by two extras, and not alike'


def test_the_ranges_admit_the_pins():
    requirements = pytest.importorskip('packaging.requirements')
    named = set()
    for line in literal('REQUIRES'):
        requirement = requirements.Requirement(line)
        if requirement.marker.evaluate({'python_version': '3.7'}) if requirement.marker else True:
            assert PINS[canonical(requirement.name)] in requirement.specifier, line
            named.add(requirement.name)
    assert {'numpy', 'pandas', 'pyprind'} <= named


@pytest.mark.parametrize('changes, wanted', [
    ({}, True),
    ({'platform_machine': 'AMD64', 'sys_platform': 'win32'}, True),
    ({'sys_platform': 'darwin'}, True),
    ({'python_version': '3.8'}, False),
    ({'platform_machine': 'aarch64'}, False),
    ({'platform_machine': 'arm64', 'sys_platform': 'darwin'}, False),
    ({'platform_machine': 'x86', 'sys_platform': 'win32'}, False),
    ({'platform_python_implementation': 'PyPy'}, False),
])
def test_tensorflow_is_asked_for_only_where_it_exists(changes, wanted):
    requirements = pytest.importorskip('packaging.requirements')
    place = dict({'platform_python_implementation': 'CPython', 'python_version': '3.7', 'platform_machine': 'x86_64',
                  'sys_platform': 'linux'}, **changes)
    tensorflow = requirements.Requirement(literal('REQUIRES')[0])
    assert tensorflow.name == 'tensorflow'
    assert tensorflow.marker.evaluate(place) is wanted


def test_every_package_of_the_environment_is_pinned(distributions):
    """From what the lists name, through what those packages ask for in turn: all of it is in the lists."""
    if not os.path.exists(os.path.join(sys.prefix, 'made-by-bootstrap')):
        pytest.skip('not in an environment that scripts/bootstrap.py made')
    requirements = pytest.importorskip('packaging.requirements')
    wanted = dict(PINS)
    for name in EXTRAS:                                     # where an extra is installed, it is as pinned
        if set(extra_pins(name)) <= set(distributions):
            wanted.update(extra_pins(name))
    missing, wrong = set(), {}
    for name, version in wanted.items():
        if name == 'colorama' and sys.platform != 'win32':
            continue
        if name not in distributions:
            missing.add(name)
            continue
        if distributions[name].version != version:
            wrong[name] = distributions[name].version
        for line in distributions[name].requires or []:
            requirement = requirements.Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({'extra': ''}):
                if canonical(requirement.name) not in wanted:
                    missing.add('%s (for %s)' % (canonical(requirement.name), name))
                elif not requirement.specifier.contains(wanted[canonical(requirement.name)], prereleases=True):
                    wrong[name] = line
    assert not missing
    assert not wrong


def test_the_version_is_that_of_the_package():
    assert re.match(r'^\d+\.\d+\.\d+$', rnnbook.__version__)
    done = subprocess.run([sys.executable, 'setup.py', '--quiet', '--version'], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    assert done.stdout.decode().split()[-1] == rnnbook.__version__


def test_import_rnnbook_imports_nothing_heavy():
    code = ('import sys, rnnbook; print(sorted({name.split(".")[0] for name in sys.modules} '
            '& {"tensorflow", "pandas", "pyprind", "numpy"}))')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().strip() == '[]'


def test_the_door_lists_its_names():
    assert set(rnnbook.__all__) <= set(dir(rnnbook))
    assert len(set(rnnbook.__all__)) == len(rnnbook.__all__)
    assert set(rnnbook.__all__) == {'__version__'} | set(rnnbook._PLACES)
    for name in rnnbook._PLACES:
        assert getattr(rnnbook, name) is not None


def test_the_door_resolves_a_name_once(monkeypatch):
    import types
    made = []

    def import_module(name):
        made.append(name)
        return types.SimpleNamespace(CharRNN='the class')
    monkeypatch.setattr(rnnbook.importlib, 'import_module', import_module)
    monkeypatch.delitem(vars(rnnbook), 'CharRNN', raising=False)
    assert rnnbook.CharRNN == 'the class'
    assert rnnbook.CharRNN == 'the class'
    assert made == ['rnnbook.charrnn']
    monkeypatch.delitem(vars(rnnbook), 'CharRNN')


def test_the_door_gives_modules():
    assert rnnbook.errors.RnnbookError is sys.modules['rnnbook.errors'].RnnbookError


def test_the_door_refuses_unknown_names():
    with pytest.raises(AttributeError, match="module 'rnnbook' has no attribute 'SentimentRnn'"):
        rnnbook.SentimentRnn
    assert not hasattr(rnnbook, '_nothing')


def test_an_error_behind_the_door_passes_through(monkeypatch):
    from rnnbook.errors import RequirementError

    def import_module(name):
        raise RequirementError('TensorFlow 1.15 is needed')
    monkeypatch.setattr(rnnbook.importlib, 'import_module', import_module)
    monkeypatch.delitem(vars(rnnbook), 'SentimentRNN', raising=False)
    with pytest.raises(ImportError, match='TensorFlow 1.15 is needed'):
        rnnbook.SentimentRNN


# What is built, from a copy of the checkout without what is not in its history

SCRIPTS = literal('SCRIPTS')
NOT_SOURCE = shutil.ignore_patterns('.git', '.venv*', '__pycache__', '*.egg-info', 'build', 'dist', '.pytest_cache',
                                    'model', 'model-*', '_build', 'jupyter_execute')


def not_source(folder, names):
    """What `shutil.copytree` leaves out: of `data`, everything but what is said about it."""
    if os.path.samefile(folder, os.path.join(ROOT, 'data')):
        return set(names) - {'README.md'}
    return NOT_SOURCE(folder, names)


def python(*arguments, cwd):
    """Run Python, which must end well and without a word on standard error if it fails."""
    done = subprocess.run([sys.executable] + list(arguments), cwd=str(cwd), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode('utf-8', 'replace')


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """The paths of the source distribution, and of the wheel that is made from nothing but it."""
    pytest.importorskip('wheel')
    place = tmp_path_factory.mktemp('built')
    shutil.copytree(ROOT, str(place / 'checkout'), ignore=not_source)
    python('setup.py', '--quiet', 'sdist', '--dist-dir', str(place), cwd=place / 'checkout')
    sdist, = glob.glob(str(place / 'rnnbook-*.tar.gz'))
    python('-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-index', '--no-build-isolation', '--wheel-dir',
           str(place), sdist, cwd=place)
    wheel, = glob.glob(str(place / 'rnnbook-*.whl'))
    return sdist, wheel


@pytest.fixture(scope='module')
def clean(built, tmp_path_factory):
    """Run a program of a clean environment in which the wheel is installed; what it prints.

    Packages that it needs are those of this environment, named by a file `.pth`: an editable rnnbook is not seen
    through it.
    """
    import sysconfig
    import venv
    place = tmp_path_factory.mktemp('clean')
    venv.create(str(place / 'env'), with_pip=False, symlinks=os.name != 'nt')
    programs = str(place / 'env' / ('Scripts' if os.name == 'nt' else 'bin'))
    inside = os.path.join(programs, 'python.exe' if os.name == 'nt' else 'python')
    python('-m', 'pip', '--python', inside, 'install', '--quiet', '--no-deps', '--no-index', built[1], cwd=place)
    site = subprocess.run([inside, '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'],
                          stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    with open(os.path.join(site, 'needed.pth'), 'w', encoding='utf-8') as file:
        file.write(sysconfig.get_paths()['purelib'] + '\n')

    def clean(name, *arguments):
        # Windows starts a script through the association of .py; here as there, the name is found on the path.
        path = shutil.which(name, path=programs)
        assert path, name
        command = [inside, path] if os.name == 'nt' and name != 'python' else [path]
        done = subprocess.run(command + list(arguments), cwd=str(place), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode('utf-8', 'replace')
        return done.stdout.decode('utf-8')
    return clean


def below(top):
    """The paths, as archives spell them, of all files below a folder of the checkout."""
    paths = {os.path.relpath(os.path.join(folder, name), ROOT).replace(os.sep, '/')
             for folder, folders, names in os.walk(os.path.join(ROOT, top)) for name in names}
    made = ('__pycache__', '.ipynb_checkpoints', 'docs/_build', 'docs/jupyter_execute', 'docs/chapter16.ipynb')
    return {path for path in paths if not any(name in path for name in made)}


def test_the_source_distribution_is_a_checkout_without_its_history(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    for folder in ('rnnbook', 'scripts', 'tests', 'notebooks', 'results', 'docs'):
        assert below(folder) and below(folder) <= names
    assert {'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'MANIFEST.in', 'requirements.txt',
            'setup.cfg', 'setup.py',
            'pyproject.toml', 'data/README.md'} <= names
    assert not [name for name in names if name.startswith(('.venv', 'data/', 'docs/_build', 'docs/jupyter_execute'))
                and name != 'data/README.md']


def test_the_wheel_holds_the_package_and_the_scripts(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = {re.sub(r'^rnnbook-[\d.]+\.', '', name) for name in archive.namelist()}
        metadata, = [archive.read(name).decode('utf-8') for name in archive.namelist() if name.endswith('/METADATA')]
    assert {name for name in names if not name.startswith('dist-info/')} == {
        *below('rnnbook'), *('data/scripts/' + name for name in SCRIPTS)}
    assert 'dist-info/LICENSE' in names
    for line in ('Version: ' + rnnbook.__version__, 'License: MIT', 'Requires-Python: >=3.7',
                 'Author: the rnnbook authors'):
        assert line in metadata.splitlines()


def test_every_script_is_installed_but_the_one_that_makes_the_environment_of_a_checkout():
    here = {name for name in os.listdir(os.path.join(ROOT, 'scripts')) if name.endswith('.py')}
    assert here - {'bootstrap.py'} == set(SCRIPTS)


def test_an_editable_install_has_no_copies_of_the_scripts(distributions):
    if not os.path.exists(os.path.join(sys.prefix, 'made-by-bootstrap')):
        pytest.skip('not in an environment that scripts/bootstrap.py made')
    assert [name for name in SCRIPTS if os.path.exists(os.path.join(os.path.dirname(sys.executable), name))] == []


def test_a_folder_named_rnnbook_does_not_hide_the_package(tmp_path):
    if not os.path.exists(os.path.join(sys.prefix, 'made-by-bootstrap')):
        pytest.skip('not in an environment that scripts/bootstrap.py made')
    (tmp_path / 'rnnbook').mkdir()                          # as beside a checkout that has the name of the project
    subprocess.run([sys.executable, '-c', 'from rnnbook import imdb'], cwd=str(tmp_path), check=True)


def test_every_script_of_the_wheel_starts_with_the_python_that_it_is_installed_for(built):
    with zipfile.ZipFile(built[1]) as archive:
        first = {os.path.basename(name): archive.read(name).split(b'\n')[0] for name in archive.namelist()
                 if '/scripts/' in name}
    assert first == dict.fromkeys(SCRIPTS, b'#!python')                     # which pip replaces by the path


def test_an_installed_script_starts_by_its_name(clean):
    assert clean('prepare_data.py', '--help').startswith('usage: prepare_data.py ')


@pytest.mark.slow
def test_an_installed_script_trains_and_another_uses_the_model(clean, tmp_path):
    text = tmp_path / 'text.txt'
    text.write_text('The cat sat on the mat. ' * 20, encoding='utf-8')
    small = ['--batch-size', '4', '--num-steps', '10', '--lstm-size', '4', '--epochs', '1', '--length', '5']
    said = clean('train_charrnn.py', '--text', str(text), '--ckpt-dir', str(tmp_path / 'm'), *small)
    assert 'Model saved in ' in said
    assert len(clean('sample_charrnn.py', '--ckpt-dir', str(tmp_path / 'm'), '--length', '5')) == 4 + 1 + 5 + 1


def test_the_installed_package_is_the_one_that_runs(clean):
    said = clean('python', '-m', 'rnnbook')
    assert 'rnnbook     %s, in ' % rnnbook.__version__ in said
    assert os.path.join(ROOT, 'rnnbook') not in said
    assert os.path.join('site-packages', 'rnnbook') in said


def test_the_changelog_has_this_version_and_what_comes_next():
    heads = re.findall(r'^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$', read('CHANGELOG.md'), flags=re.MULTILINE)
    assert heads[0] == ('Unreleased', '')
    assert heads[1][0] == rnnbook.__version__ and all(date for _, date in heads[1:])


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no executable bit')
def test_the_ci_script_runs_the_tests_the_style_check_and_the_notebook():
    assert os.access(os.path.join(ROOT, '.ci', 'run'), os.X_OK)
    subprocess.run(['bash', '-n', os.path.join(ROOT, '.ci', 'run')], check=True)
    assert 'python3 scripts/bootstrap.py -m pytest' in read('.ci', 'run')
    assert 'python3 scripts/bootstrap.py -m flake8' in read('.ci', 'run')
    assert '--extra notebook --extra plots -m pytest tests/test_notebook.py' in read('.ci', 'run')
    assert '--extra docs -m sphinx -W docs docs/_build' in read('.ci', 'run')
