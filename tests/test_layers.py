"""The floors of the package: every import stays below, and heavy packages stay where they belong.

Imports inside functions count as well. A file that is not in the table fails; one that is not written yet does not.
"""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = os.path.join(ROOT, 'rnnbook')

#: From the top down. A file imports only from floors below its own; the ground floor from itself too, in no circle.
FLOORS = (
    ('program', '__main__'),
    ('door', '__init__ cli'),
    ('models', 'sentiment charrnn export portable'),
    ('base', 'model trainer'),
    ('rooms', 'training lstm optimizers checkpoints folder monitor tensorboard validation runtime distributed imdb '
              'hamlet datasets equations metrics sampling'),
    ('ground', 'sidecar record store saving files errors hints version progress etext fetch aclimdb weights npz cache '
               'vocabulary reviews indexing prepared corpus draws pooling ngrams'),
)
FLOOR = {module: number for number, (_, modules) in enumerate(FLOORS) for module in modules.split()}
GROUND = len(FLOORS) - 1
#: Where some packages may be named, and nowhere else.
ONLY_IN = {'contrib': {'lstm', 'optimizers'}, 'horovod': {'distributed'}}
#: Helpers that belong to `datasets` alone, with the helper that may use the other.
OWN_OF_DATASETS = {'fetch': {'datasets', 'aclimdb'}, 'aclimdb': {'datasets'}}
WITHOUT_TENSORFLOW = ('imdb hamlet datasets equations metrics monitor validation portable sidecar record store files '
                      'errors hints version progress etext fetch aclimdb weights npz cache vocabulary reviews '
                      'indexing prepared corpus cli training draws pooling ngrams').split()

MODULES = sorted(name[:-3] for name in os.listdir(PACKAGE) if name.endswith('.py'))


def tree(module):
    with open(os.path.join(PACKAGE, module + '.py'), encoding='utf-8') as file:
        return ast.parse(file.read())


def imported(nodes):
    """The dotted names that the code imports, wherever in it: `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(nodes):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = '.'.join(filter(None, ['rnnbook' if node.level else '', node.module or '']))
            yield module
            yield from ('%s.%s' % (module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, 'attr', getattr(node.func, 'id', None)) in (
                'import_module', '__import__'):
            yield from (value.s for value in node.args if isinstance(value, ast.Str))


def rooms(nodes):
    """The modules of the package that the code imports."""
    parts = [name.split('.') for name in imported(nodes)]
    return {part[1] for part in parts if part[0] == 'rnnbook' and part[1:] and part[1] in set(MODULES) | set(FLOOR)}


def named(nodes):
    """Every identifier in the code, and every part of what it imports."""
    for node in ast.walk(nodes):
        yield from (value for value in (getattr(node, 'id', None), getattr(node, 'attr', None)) if value)
    for name in imported(nodes):
        yield from name.split('.')


@pytest.mark.parametrize('code, found', [
    ('import rnnbook.files', {'files'}),
    ('from rnnbook import files, errors', {'files', 'errors'}),
    ('from rnnbook.errors import FileError', {'errors'}),
    ('from . import files', {'files'}),
    ('from .errors import FileError', {'errors'}),
    ('def f():\n    if x:\n        from rnnbook import lstm', {'lstm'}),
    ('importlib.import_module("rnnbook.lstm")', {'lstm'}),
    ('from rnnbook import __version__\nimport os, numpy.files', set()),
])
def test_the_walk_finds_every_form_of_import(code, found):
    assert rooms(ast.parse(code)) == found


@pytest.mark.parametrize('code, name', [
    ('tf.contrib.rnn', 'contrib'), ('from tensorflow.contrib import rnn', 'contrib'),
    ('from tensorflow import contrib as c', 'contrib'), ('def f():\n    import horovod.tensorflow as hvd', 'horovod'),
    ('importlib.import_module("horovod.tensorflow")', 'horovod'),
])
def test_the_walk_finds_every_form_of_a_name(code, name):
    assert name in set(named(ast.parse(code)))


def test_every_file_of_the_package_has_a_floor():
    assert [module for module in MODULES if module not in FLOOR] == []


def test_the_package_is_flat():
    assert [entry for entry in os.listdir(PACKAGE)
            if os.path.isdir(os.path.join(PACKAGE, entry)) and entry != '__pycache__'] == []


@pytest.mark.parametrize('module', MODULES)
def test_a_file_imports_only_from_floors_below(module):
    own = FLOOR[module]
    wrong = {room for room in rooms(tree(module)) if FLOOR[room] <= own and not own == FLOOR[room] == GROUND}
    assert wrong == set()


def test_the_ground_floor_has_no_circle():
    below = {module: rooms(tree(module)) for module in MODULES if FLOOR[module] == GROUND}
    while below:
        free = {module for module, others in below.items() if not others & set(below)}
        assert free, 'these import each other: %s' % sorted(below)
        below = {module: others for module, others in below.items() if module not in free}


@pytest.mark.parametrize('helper', sorted(OWN_OF_DATASETS))
def test_only_datasets_fetches(helper):
    assert {module for module in MODULES if helper in rooms(tree(module))} <= OWN_OF_DATASETS[helper]


@pytest.mark.parametrize('name', sorted(ONLY_IN))
def test_a_package_is_named_only_where_it_belongs(name):
    assert {module for module in MODULES if name in set(named(tree(module)))} <= ONLY_IN[name]


@pytest.fixture(scope='module')
def loaded():
    """What a fresh process has loaded after importing the package, and after each module in turn."""
    code = ('import importlib, json, sys\n'
            'loaded = {}\n'
            'for name in sys.argv[1:]:\n'
            '    importlib.import_module(name)\n'
            '    loaded[name] = [heavy for heavy in ("tensorflow", "pandas", "pyprind", "horovod", "numpy")'
            ' if heavy in sys.modules]\n'
            'print(json.dumps(loaded))')
    names = ['rnnbook'] + ['rnnbook.' + module for module in WITHOUT_TENSORFLOW if module in MODULES]
    done = subprocess.run([sys.executable, '-c', code] + names, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode('utf-8'))


def test_importing_the_package_loads_nothing_heavy(loaded):
    assert loaded['rnnbook'] == []


@pytest.mark.parametrize('module', [module for module in WITHOUT_TENSORFLOW if module in MODULES])
def test_importing_a_module_without_tensorflow_loads_numpy_at_most(loaded, module):
    assert set(loaded['rnnbook.' + module]) <= {'numpy'}


@pytest.mark.parametrize('module', [module for module in WITHOUT_TENSORFLOW if module in MODULES])
def test_a_module_without_tensorflow_does_not_import_it_later_either(module):
    if module == 'cli':                                     # whose model flags are made from the models
        assert 'tensorflow' not in set(named(tree(module)))
    else:
        reached, ahead = set(), {module}
        while ahead:
            reached |= ahead
            ahead = set().union(*(rooms(tree(room)) for room in ahead)) & set(MODULES) - reached
        assert [room for room in sorted(reached) if 'tensorflow' in set(named(tree(room)))] == []


def test_the_door_offers_what_it_says():
    code = ('import sys, rnnbook\n'
            'assert "tensorflow" not in sys.modules\n'
            'print(rnnbook.imdb.encode.__name__, rnnbook.hamlet.encode.__name__, "tensorflow" in sys.modules)\n'
            'rnnbook.NoSuchModel')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout == b'encode encode False\n'
    assert re.search(rb"AttributeError: module '?rnnbook'? has no attribute 'NoSuchModel'", done.stderr)
