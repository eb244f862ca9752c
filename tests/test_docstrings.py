"""What the door reaches has a full docstring, with every argument as the signature spells it; the rest has one line.

Everything that a module offers to others has type hints.
"""

import ast
import importlib
import inspect
import os
import re
import typing

import pytest

PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'rnnbook')


def modules():
    """The dotted names below the package of all its modules, in whatever folder."""
    for folder, _, names in os.walk(PACKAGE):
        for name in names:
            if name.endswith('.py') and os.path.join(folder, name) != os.path.join(PACKAGE, '__init__.py'):
                path = os.path.relpath(os.path.join(folder, name), PACKAGE)[:-3].split(os.sep)
                yield '.'.join(path[:-1] if path[-1] == '__init__' else path)


MODULES = sorted(modules())


def described(docstring):
    """The names that the sections "Parameters" of a numpydoc docstring describe."""
    sections = re.findall(r'^Parameters\n-{10}\n(.*?)(?=^\S[^\n]*\n---|\Z)', inspect.cleandoc(docstring or ''),
                          flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r'^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .+)?$', '\n'.join(sections), flags=re.MULTILINE)
    return {name.lstrip('*') for head in heads for name in head.split(', ')}


def arguments(function):
    """The arguments that a caller gives."""
    return [name for name in inspect.signature(function).parameters if name not in ('self', 'cls')
            and not name.startswith('_')]


def own(module):
    """The functions and classes that are written in a module and have no underscore."""
    return [label for label, thing in vars(module).items() if not label.startswith('_')
            and (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__]


def public(module):
    """Label, signature's owner and docstring of every public function, class and method of a module."""
    for name in getattr(module, '__all__', own(module)):
        thing = getattr(module, name)
        if inspect.isclass(thing):
            if '__init__' in vars(thing):                   # else an exception, or a named tuple
                bases = [base for base in thing.__mro__ if base.__module__.startswith('rnnbook')]
                yield name, thing.__init__, '\n\n'.join(inspect.cleandoc(base.__doc__ or '') for base in bases)
            for method, value in vars(thing).items():
                if not method.startswith('_') and (inspect.isfunction(value)
                                                   or isinstance(value, (classmethod, staticmethod))):
                    yield '%s.%s' % (name, method), getattr(thing, method), getattr(thing, method).__doc__
        elif inspect.isfunction(thing):
            yield name, thing, thing.__doc__


def load(name):
    return importlib.import_module('rnnbook.' + name)


#: The modules that users import from; what they offer is the public interface, wherever it is written.
DOOR = ['sentiment', 'charrnn', 'imdb', 'hamlet', 'equations', 'datasets', 'portable', 'portable.export',
        'portable.onnx_graph', 'portable.page', 'training', 'errors']


def reached():
    """The functions, classes and methods that the door reaches: the modules that they are written in, and their names.
    """
    for name in DOOR:
        module = load(name)
        for label, _, _ in public(module):
            yield getattr(module, label.partition('.')[0]).__module__, label


REACHED = set(reached()) | {('rnnbook.training.validation', 'evaluate'), ('rnnbook.model', 'Model'),
                            ('rnnbook.model', 'Model.load')}


def described_in_full(name):
    """Those of `public` that the door reaches."""
    module = load(name)
    return [entry for entry in public(module)
            if (getattr(module, entry[0].partition('.')[0]).__module__, entry[0]) in REACHED]


def lines(node):
    docstring = ast.get_docstring(node)
    return len(docstring.splitlines()) if docstring else 0


@pytest.mark.parametrize('name', MODULES)
def test_what_the_door_does_not_reach_has_one_line_or_two(name):
    with open(load(name).__file__, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    long = []
    for parent in [tree] + [node for node in tree.body if isinstance(node, ast.ClassDef)]:
        for node in parent.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                label = node.name if parent is tree else '%s.%s' % (parent.name, node.name)
                full = ('rnnbook.' + name, label) in REACHED
                long += [] if full or lines(node) <= 3 else [label]
    assert long == []


def test_the_walk_finds_the_modules_of_every_folder():
    assert {'sentiment', 'charrnn', '__main__'} <= set(MODULES)
    folders = [folder for folder, _, names in os.walk(PACKAGE) if '__init__.py' in names]
    assert len({name.rpartition('.')[0] for name in MODULES}) >= len(folders)


@pytest.mark.parametrize('docstring, names', [
    ('Do it.', set()),
    ('Do it.\n\nParameters\n----------\nx, y : array\n    Both.\n*rest\n**more\n    All else.\n\nReturns\n-------\nint',
     {'x', 'y', 'rest', 'more'}),
    ('Do it.\n\nParameters\n----------\nx : int\n    And y : too.\n\nRaises\n------\nz : int\n', {'x'}),
    ('Do it.\n\nReturns\n-------\nx : int', set()),
])
def test_described_reads_the_section_of_parameters(docstring, names):
    assert described(docstring) == names


@pytest.mark.parametrize('name', MODULES)
def test_every_public_argument_stands_in_its_docstring(name):
    missing = ['%s: %s' % (label, argument) for label, function, docstring in described_in_full(name)
               for argument in arguments(function) if argument not in described(docstring)]
    assert missing == []


@pytest.mark.parametrize('name', MODULES)
def test_no_docstring_describes_an_argument_that_is_not_there(name):
    extra = ['%s: %s' % (label, argument) for label, function, docstring in public(load(name))
             for argument in sorted(described(docstring) - set(inspect.signature(function).parameters))]
    assert extra == []


@pytest.mark.parametrize('name', MODULES)
def test_every_public_name_is_there_and_has_a_docstring(name):
    module = load(name)
    assert (module.__doc__ or '').strip()
    assert [label for label, _, docstring in public(module) if not (docstring or '').strip()] == []
    assert [label for label in getattr(module, '__all__', []) if not hasattr(module, label)] == []


@pytest.mark.parametrize('name', MODULES)
def test_public_functions_and_classes_are_in_all_where_there_is_one(name):
    module = load(name)
    assert sorted(set(own(module)) - set(getattr(module, '__all__', own(module)))) == []


@pytest.mark.parametrize('name', DOOR)
def test_what_the_door_offers_is_listed(name):
    assert load(name).__all__


@pytest.mark.parametrize('name', MODULES)
def test_every_public_argument_and_result_has_a_type_hint(name):
    missing = []
    for label, function, _ in public(load(name)):
        signature = inspect.signature(function)
        missing += ['%s: %s' % (label, argument) for argument, parameter in signature.parameters.items()
                    if argument not in ('self', 'cls') and parameter.annotation is parameter.empty]
        missing += ['%s: its result' % label] if signature.return_annotation is signature.empty else []
    assert missing == []


def admits(hint, default):
    """Whether a value may be the default of an argument with this hint."""
    if hint is typing.Any or isinstance(hint, typing.TypeVar):
        return True
    if getattr(hint, '__origin__', None) is typing.Union:
        return any(admits(choice, default) for choice in hint.__args__)
    kind = getattr(hint, '__origin__', None) or hint
    return isinstance(default, (float, int) if kind is float else kind)     # an int will do, as PEP 484 has it


@pytest.mark.parametrize('hint, default, wanted', [
    (int, 1, True), (int, 'one', False), (float, 1, True), (typing.Optional[str], None, True), (str, None, False),
    (typing.Any, None, True), (typing.Optional[typing.Sequence[str]], ('a',), True), (typing.Sequence[str], 1, False),
])
def test_admits_tells_which_defaults_a_hint_allows(hint, default, wanted):
    assert admits(hint, default) is wanted


@pytest.mark.parametrize('name', MODULES)
def test_type_hints_name_types_that_exist_and_admit_the_defaults(name):
    wrong = []
    for label, function, _ in public(load(name)):
        hints = typing.get_type_hints(function)             # an error for a name that is not there
        for argument, parameter in inspect.signature(function).parameters.items():
            if repr(parameter.default) == '<factory>':      # a field of a dataclass, made anew each time
                continue
            if parameter.default is None:                   # for which Python 3.7 adds an Optional that nobody wrote
                good = re.match(r'(typing\.)?(Optional\[|Any$|ArrayLike$|Union\[.*NoneType)', str(parameter.annotation))
            else:
                good = parameter.default is parameter.empty or admits(hints[argument], parameter.default)
            wrong += [] if good else ['%s: %s' % (label, argument)]
    assert wrong == []
