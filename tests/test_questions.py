"""`docs/questions.md` quotes messages, and it and the guides name flags: both are compared with the code."""

import ast
import contextlib
import functools
import glob
import importlib.util
import io
import os
import re
import sys

import pytest

from test_docs import FENCE, ROOT, read

QUESTIONS = 'docs/questions.md'
PAGES = [QUESTIONS] + sorted('docs/guides/' + os.path.basename(path)
                             for path in glob.glob(os.path.join(ROOT, 'docs', 'guides', '*.md')))
#: A message of ours is a heading that is code from start to end.
OURS = re.findall(r'^### `([^`]+)`$', read(QUESTIONS), flags=re.MULTILINE)
SCRIPT = re.compile(r'\bscripts/([\w/]+\.py)')
FLAG = re.compile(r'(?<![\w-])--[a-z][\w-]*')
#: Flags of other programs, which the pages name too.
FOREIGN = {'docker': {'--platform', '--rm'}, 'pip': {'--break-system-packages'}, 'bootstrap.py': {'--extra'},
           'horovodrun': {'--network-interface'}, 'tensorboard': {'--logdir'},
           'saved_model_cli': {'--dir', '--tag_set', '--signature_def', '--input_exprs'}}


def parts(text):
    """The fixed parts of a message, between its placeholders."""
    found = re.split(r'…|%[\d.]*[a-z%]', text)
    return [part for part in (part.strip(' ;:,.()') for part in found) if re.search(r'\w', part)]


@pytest.fixture(scope='module')
def strings():
    """The literal strings of each file of the package and its scripts, without docstrings."""
    found = {}
    for folder in ('rnnbook', 'scripts'):
        for path in glob.glob(os.path.join(ROOT, folder, '**', '*.py'), recursive=True):
            with open(path, encoding='utf-8') as file:
                tree = ast.parse(file.read())
            documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            found[path] = [' … '.join(parts(node.s)) for node in ast.walk(tree)
                           if isinstance(node, ast.Str) and id(node) not in documentation]
    return found


@pytest.mark.parametrize('message', OURS)
def test_a_quoted_message_is_in_the_code(message, strings):
    fixed = parts(message)
    assert fixed
    assert any(all(any(part in string for string in those) for part in fixed) for those in strings.values()), message


def test_a_message_that_is_not_in_the_code_is_noticed(strings):
    assert len(OURS) >= 30 and len(set(OURS)) == len(OURS)
    assert not any('ckpt_dir holds yet another' in string for those in strings.values() for string in those)
    assert parts('%s must be above %.3f: 0x%02x, not …') == ['must be above', '0x', 'not']


def main_of(script):
    """The `main` of a script, by its path below `scripts`."""
    path = os.path.join(ROOT, 'scripts', *script.split('/'))
    spec = importlib.util.spec_from_file_location('script', path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'path', [os.path.dirname(path)] + sys.path)
        spec.loader.exec_module(module)
    return module.main


@functools.lru_cache(maxsize=None)
def flags_of(script):
    """The flags of a script, by its --help."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main_of(script)(['--help'])
    return frozenset(FLAG.findall(out.getvalue()))


def commands(page):
    return [line for block in FENCE.finditer(read(page)) if block.group('language') == 'shell'
            for line in block.group('code').replace('\\\n', '').splitlines()]


@pytest.mark.parametrize('page', PAGES)
def test_the_commands_name_scripts_and_flags_that_there_are(page):
    for command in commands(page):
        scripts = [name for name in SCRIPT.findall(command) if name != 'bootstrap.py']
        known = set()
        for script in scripts:
            known |= flags_of(script)
        if 'kill_test.py' in command:                       # what follows -- is for the script that it kills
            known |= flags_of('train_charrnn.py') | {'--'}
        known |= {flag for program, those in FOREIGN.items() if program in command for flag in those}
        assert scripts or re.search('docker|tensorboard|saved_model_cli|source |-c pass', command), command
        assert set(FLAG.findall(command)) <= known, command


@pytest.mark.parametrize('page', PAGES)
def test_the_text_names_flags_that_there_are(page):
    pytest.importorskip('tensorflow')
    text = FENCE.sub('', read(page))
    known = set().union(*FOREIGN.values())
    for script in ('train_sentiment.py', 'train_charrnn.py', 'predict_sentiment.py', 'sample_charrnn.py',
                   'prepare_data.py', 'export_model.py', 'measure/benchmark.py'):
        known |= flags_of(script)
    assert {flag for code in re.findall(r'`[^`]+`', text) for flag in FLAG.findall(code)} - known == set()
