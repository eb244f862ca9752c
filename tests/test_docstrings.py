"""Every public argument stands in its docstring, with its name as the signature spells it."""

import importlib
import inspect
import os
import re

import pytest

PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'rnnbook')
MODULES = sorted(name[:-3] for name in os.listdir(PACKAGE) if name.endswith('.py')
                 and name not in ('__init__.py', 'version.py'))


def described(docstring):
    """The names that the section "Parameters" of a numpydoc docstring describes."""
    section = re.search(r'^Parameters\n-{10}\n(.*?)(?=^\S[^\n]*\n---|\Z)', inspect.cleandoc(docstring or ''),
                        flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r'^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .+)?$', section.group(1) if section else '',
                       flags=re.MULTILINE)
    return {name.lstrip('*') for head in heads for name in head.split(', ')}


def arguments(function):
    """The arguments that a caller gives."""
    return [name for name in inspect.signature(function).parameters if name not in ('self', 'cls')
            and not name.startswith('_')]


def public(module):
    """Label, signature's owner and docstring of every public function, class and method of a module."""
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing):
            if '__init__' in vars(thing):                   # else an exception, or a named tuple
                yield name, thing.__init__, thing.__doc__
            for method, value in vars(thing).items():
                if not method.startswith('_') and (inspect.isfunction(value)
                                                   or isinstance(value, (classmethod, staticmethod))):
                    yield '%s.%s' % (name, method), getattr(thing, method), getattr(thing, method).__doc__
        elif inspect.isfunction(thing):
            yield name, thing, thing.__doc__


def load(name):
    return importlib.import_module('rnnbook.' + name)


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
    missing = ['%s: %s' % (label, argument) for label, function, docstring in public(load(name))
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
    assert [label for label in module.__all__ if not hasattr(module, label)] == []


@pytest.mark.parametrize('name', MODULES)
def test_public_functions_and_classes_are_in_all(name):
    module = load(name)
    own = {label for label, thing in vars(module).items() if not label.startswith('_')
           and (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__}
    assert sorted(own - set(module.__all__)) == []
