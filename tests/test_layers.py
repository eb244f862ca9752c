"""The arrows between the folders of the package, and where heavy packages may be named: the source, walked.

Imports inside functions count as well.
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

#: What the files of a folder, or a file at the top, may import besides their neighbours. Everybody may import `errors`.
ARROWS = {
    'errors': '',
    'base': '',
    'equations': 'base',
    'preprocessing': 'base',
    'network': 'base',
    'imdb': 'preprocessing base',
    'hamlet': 'preprocessing base',
    'datasets': 'hamlet preprocessing base',
    'model_folder': 'network preprocessing base',
    'training': 'model_folder network base',
    'portable': 'equations imdb hamlet network model_folder preprocessing base',
    'model': 'training model_folder network imdb hamlet base',
    'sentiment': 'model training model_folder network imdb hamlet base',
    'charrnn': 'model training model_folder network imdb hamlet base',
}
#: Those that may import everything.
TOP = {'__init__', '__main__', 'cli'}
#: Where some packages may be named, and nowhere else.
ONLY_IN = {'contrib': 'network', 'horovod': 'network.distributed'}
#: Folders and files that work where TensorFlow is not installed.
WITHOUT_TENSORFLOW = {'preprocessing', 'datasets', 'imdb', 'hamlet', 'equations', 'portable', 'base', 'cli', 'errors'}
#: The files of these that write other programs' formats, and need TensorFlow for it.
WITH_TENSORFLOW = {'portable.export', 'portable.vectorization'}
#: Files with a formula in NumPy and in TensorFlow side by side: only their functions of tensors import TensorFlow.
BOTH = {'network.pooling'}


def modules():
    """The dotted name below the package of each of its files: 'network.lstm', 'datasets' for `datasets/__init__.py`."""
    found = {}
    for folder, _, names in os.walk(PACKAGE):
        for name in names:
            if name.endswith('.py'):
                path = os.path.join(folder, name)
                parts = os.path.relpath(path, PACKAGE)[:-len('.py')].split(os.sep)
                found['.'.join(parts[:-1] if parts[1:] and parts[-1] == '__init__' else parts)] = path
    return found


MODULES = modules()


def tree(module):
    with open(MODULES[module], encoding='utf-8') as file:
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


def own_modules(nodes):
    """The modules of the package that the code imports."""
    names = {name[len('rnnbook.'):] for name in imported(nodes) if name.startswith('rnnbook.')}
    return names & (set(MODULES) | set(ARROWS) | TOP)


def room(module):
    """The folder of a module, or a file at the top itself."""
    return module.partition('.')[0]


def named(nodes):
    """Every identifier in the code, and every part of what it imports."""
    for node in ast.walk(nodes):
        yield from (value for value in (getattr(node, 'id', None), getattr(node, 'attr', None)) if value)
    for name in imported(nodes):
        yield from name.split('.')


@pytest.mark.parametrize('code, found', [
    ('import rnnbook.base.files', {'base.files'}),
    ('from rnnbook.base import files, checks', {'base', 'base.files', 'base.checks'}),
    ('from rnnbook.errors import FileError', {'errors'}),
    ('from . import imdb', {'imdb'}),
    ('def f():\n    if x:\n        from rnnbook.network import lstm', {'network', 'network.lstm'}),
    ('importlib.import_module("rnnbook.network.lstm")', {'network.lstm'}),
    ('from rnnbook import __version__\nimport os, numpy.base', set()),
])
def test_the_walk_finds_every_form_of_import(code, found):
    assert own_modules(ast.parse(code)) == found


@pytest.mark.parametrize('code, name', [
    ('tf.contrib.rnn', 'contrib'), ('from tensorflow.contrib import rnn', 'contrib'),
    ('from tensorflow import contrib as c', 'contrib'), ('def f():\n    import horovod.tensorflow as hvd', 'horovod'),
    ('importlib.import_module("horovod.tensorflow")', 'horovod'),
])
def test_the_walk_finds_every_form_of_a_name(code, name):
    assert name in set(named(ast.parse(code)))


def test_the_walk_goes_into_every_folder():
    assert {'__init__', 'sentiment', 'network.lstm', 'training.loop', 'datasets'} <= set(MODULES)


def test_every_file_has_a_place_in_the_table():
    assert {room(module) for module in MODULES} == set(ARROWS) | TOP


def test_no_folder_is_crowded():
    for folder in {room(module) for module in MODULES if '.' in module}:
        inside = [module for module in MODULES if module.startswith(folder + '.')]
        assert len(inside) <= 9, folder
        assert not [module for module in inside if 'util' in module]
    assert len([module for module in MODULES if '.' not in module and os.path.isfile(
        os.path.join(PACKAGE, module + '.py')) and module != '__init__']) <= 9


@pytest.mark.parametrize('module', sorted(MODULES))
def test_no_file_is_long(module):
    with open(MODULES[module], encoding='utf-8') as file:
        assert module == 'equations' or len(file.readlines()) <= 450


@pytest.mark.parametrize('module', sorted(MODULES))
def test_a_file_follows_the_arrows(module):
    own = room(module)
    if own not in TOP:
        assert {room(other) for other in own_modules(tree(module))} <= {own, 'errors', *ARROWS[own].split()}


def test_no_file_is_in_a_circle():
    below = {module: own_modules(tree(module)) - {module, room(module)} for module in MODULES
             if module != '__init__'}
    while below:
        free = {module for module, others in below.items() if not others & set(below)}
        assert free, 'these import each other: %s' % sorted(below)
        below = {module: others for module, others in below.items() if module not in free}


@pytest.mark.parametrize('name', sorted(ONLY_IN))
def test_a_package_is_named_only_where_it_belongs(name):
    assert {module for module in MODULES if name in set(named(tree(module)))
            if not (module + '.').startswith(ONLY_IN[name] + '.')} == set()


LIGHT = sorted(module for module in MODULES if room(module) in WITHOUT_TENSORFLOW and module not in WITH_TENSORFLOW)


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
    names = ['rnnbook'] + ['rnnbook.' + module for module in LIGHT]
    done = subprocess.run([sys.executable, '-c', code] + names, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode('utf-8'))


def test_importing_the_package_loads_nothing_heavy(loaded):
    assert loaded['rnnbook'] == []


@pytest.mark.parametrize('module', LIGHT)
def test_importing_a_module_without_tensorflow_loads_numpy_at_most(loaded, module):
    assert set(loaded['rnnbook.' + module]) <= {'numpy'}


def at_import(module):
    """The modules that a module imports, of those of `BOTH` without what their functions import."""
    nodes = tree(module)
    if module in BOTH:
        nodes.body = [node for node in nodes.body if not isinstance(node, ast.FunctionDef)]
    return own_modules(nodes)


@pytest.mark.parametrize('module', LIGHT)
def test_a_module_without_tensorflow_does_not_import_it_later_either(module):
    if room(module) == 'cli':                               # whose model flags are made from the models
        assert 'tensorflow' not in set(named(tree(module)))
    else:
        reached, ahead = set(), {module}
        while ahead:
            reached |= ahead
            ahead = set().union(*(at_import(other) for other in ahead)) & set(MODULES) - reached
        assert [other for other in sorted(reached) if 'tensorflow' in set(named(tree(other)))] == []


@pytest.mark.parametrize('module', sorted(BOTH))
def test_only_functions_of_tensors_import_tensorflow(module):
    for node in tree(module).body:
        assert 'network.devices' not in own_modules(node) or (
            isinstance(node, ast.FunctionDef) and 'tensor' in node.name)


def test_tensorflow_is_imported_in_one_place_where_it_is_checked():
    assert {module for module in MODULES if 'tensorflow' in set(named(tree(module)))} == {
        'network.devices', 'network.distributed'}           # the latter names horovod.tensorflow


def test_the_door_offers_what_it_says():
    code = ('import sys, rnnbook\n'
            'assert "tensorflow" not in sys.modules\n'
            'print(rnnbook.imdb.encode.__name__, rnnbook.hamlet.encode.__name__, "tensorflow" in sys.modules)\n'
            'rnnbook.NoSuchModel')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout == b'encode encode False\n'
    assert re.search(rb"AttributeError: module '?rnnbook'? has no attribute 'NoSuchModel'", done.stderr)
