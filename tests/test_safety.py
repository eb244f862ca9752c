"""Nothing is unpickled, evaluated or run from a file, and no habit of one system is relied on: the source, walked."""

import ast
import os

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = sorted(os.path.relpath(os.path.join(folder, name), ROOT) for top in ('rnnbook', 'scripts')
                 for folder, _, names in os.walk(os.path.join(ROOT, top)) for name in names if name.endswith('.py'))

#: Modules whose readers run what a file says.
UNPICKLERS = {'pickle', 'cPickle', '_pickle', 'dill', 'cloudpickle', 'joblib', 'marshal', 'shelve', 'yaml', 'runpy'}
#: Builtins that run a text.
EVALUATORS = {'eval', 'exec', 'compile', '__import__'}
#: Functions of TensorFlow, pandas and the standard library that run, unpickle or write where a file says.
READERS = {'import_meta_graph', 'load_model', 'read_pickle', 'read_hdf', 'py_func', 'extractall', 'extract',
           'unpack_archive', 'system', 'popen', 'load_library', 'load_op_library'}
#: Modules that Windows, or everything else, does not have; and functions that fail there where a file is in the way.
ONE_SYSTEM = {'fcntl', 'msvcrt', 'resource', 'pwd', 'grp', 'termios', 'winreg'}
NOT_ON_WINDOWS = {'rename', 'renames', 'fork', 'symlink', 'mkfifo'}


def imported(node):
    """The parts of the names that an import statement gives."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return set()
    names = [alias.name for alias in node.names] + [getattr(node, 'module', None) or '']
    return {part for name in names for part in name.split('.')}


def owned(function):
    """A name with what stands before its last dot: ('np', 'load') of `np.load`."""
    owner = getattr(function, 'value', None)
    return getattr(owner, 'attr', getattr(owner, 'id', '')), getattr(function, 'attr', getattr(function, 'id', ''))


def runs(tree):
    """What the code does by which a file could run something, as a list of str."""
    wrong = []
    for node in ast.walk(tree):
        names = imported(node) & UNPICKLERS
        if isinstance(node, ast.Name) and node.id in EVALUATORS:
            names = {node.id}
        elif isinstance(node, ast.Attribute):
            owner, name = owned(node)
            if (name in READERS and (owner, name) != ('platform', 'system')
                    or owner == 'saved_model' and name.startswith('load')):
                names = {name}
        elif isinstance(node, ast.Call):
            given = {word.arg: getattr(word.value, 'value', None) for word in node.keywords}
            pickles = given.get('allow_pickle', owned(node.func) in (('np', 'load'), ('numpy', 'load')))
            names = {name for name, is_so in (('allow_pickle', pickles), ('shell', given.get('shell'))) if is_so}
        wrong += ['%d: %s' % (node.lineno, name) for name in sorted(names)]
    return wrong


def on_one_system(tree):
    """What the code does that works on one system alone, and no condition or handler of an error around it."""
    guarded = {id(below) for node in ast.walk(tree) if isinstance(node, (ast.Try, ast.If)) for below in ast.walk(node)}
    wrong = []
    for node in ast.walk(tree):
        names = imported(node) & ONE_SYSTEM if id(node) not in guarded else set()
        if isinstance(node, ast.Attribute) and owned(node)[0] == 'os' and node.attr in NOT_ON_WINDOWS:
            names = {node.attr}
        wrong += ['%d: %s' % (node.lineno, name) for name in sorted(names)]
    return wrong


@pytest.mark.parametrize('code', [
    'import pickle', 'from six.moves import cPickle', 'def f():\n    import joblib', 'eval("1")', 'exec(text)',
    'np.load(path)', 'np.load(path, allow_pickle=True)', 'numpy.load(path, mmap_mode="r")', 'tar.extractall(path)',
    'tf.saved_model.load(path)', 'tf.saved_model.loader', 'tf.compat.v1.train.import_meta_graph(path)',
    'tf.keras.models.load_model(path)', 'pandas.read_pickle(path)', 'os.system(text)', 'run(text, shell=True)'])
def test_the_walk_finds_what_runs_a_file(code):
    assert len(runs(ast.parse(code))) == 1


@pytest.mark.parametrize('code', [
    'np.load(path, allow_pickle=False)', 're.compile("x")', 'json.loads(text)', 'archive.open(name)',
    'tf.train.load_checkpoint(path)', 'ast.literal_eval(text)', 'platform.system()',
    'run(command, shell=False)', 'model.load(path)'])
def test_the_walk_lets_the_rest_be(code):
    assert runs(ast.parse(code)) == []


@pytest.mark.parametrize('code, wrong', [
    ('import fcntl', 1), ('def f():\n    from msvcrt import locking', 1), ('os.rename(a, b)', 1),
    ('os.replace(a, b)', 0), ('if os.name == "nt":\n    import msvcrt', 0),
    ('try:\n    import fcntl\nexcept ImportError:\n    fcntl = None', 0)])
def test_the_walk_finds_what_one_system_has(code, wrong):
    assert len(on_one_system(ast.parse(code))) == wrong


@pytest.mark.parametrize('path', SOURCES)
def test_no_file_is_run(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        assert runs(ast.parse(file.read())) == []


@pytest.mark.parametrize('path', [path for path in SOURCES if os.path.basename(path) != 'bootstrap.py'])
def test_no_system_is_taken_for_granted(path):              # bootstrap.py tells the systems apart throughout
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        assert on_one_system(ast.parse(file.read())) == []
