"""What is installed: the lists agree with each other and with the environment, and the door opens lazily."""

import ast
import os
import re
import subprocess
import sys

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
    assert sorted(EXTRAS) == ['baselines', 'plots', 'test']
    assert extra_pins('test').items() <= PINS.items()
    for name in ('baselines', 'plots'):
        assert not extra_pins(name).keys() & PINS.keys(), 'pinned in both places'


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
                elif wanted[canonical(requirement.name)] not in requirement.specifier:
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
    assert set(rnnbook.__all__) == {'__version__'} | set(rnnbook._NAMES) | set(rnnbook._MODULES)
    for module in set(rnnbook._MODULES) | set(rnnbook._NAMES.values()):
        assert os.path.exists(os.path.join(ROOT, 'rnnbook', module + '.py')), module


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


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no executable bit')
def test_the_ci_script_runs_the_two_commands():
    assert os.access(os.path.join(ROOT, '.ci', 'run'), os.X_OK)
    subprocess.run(['bash', '-n', os.path.join(ROOT, '.ci', 'run')], check=True)
    assert 'python3 scripts/bootstrap.py -m pytest' in read('.ci', 'run')
    assert 'python3 scripts/bootstrap.py -m flake8' in read('.ci', 'run')
