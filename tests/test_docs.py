"""The documentation without Sphinx: what a page links to, names or shows is there, and what it has for Python runs."""

import glob
import importlib
import inspect
import os
import re

import pytest

from test_layers import ARROWS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCS = sorted(os.path.relpath(path, ROOT).replace(os.sep, '/')
              for path in glob.glob(os.path.join(ROOT, 'docs', '**', '*.md'), recursive=True)
              if not re.search(r'[\\/](_build|jupyter_execute)[\\/]', path))
PAGES = ['README.md', 'CONTRIBUTING.md', 'data/README.md'] + DOCS
#: Pages whose code is run elsewhere, as is that of the guides: `test_exercises.py`, `test_guides.py`.
NOT_RUN_HERE = {'README.md', 'data/README.md', 'docs/exercises.md'}

FENCE = re.compile(r'^(?P<not_run><!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\S*)\n(?P<code>.*?)^```$',
                   flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
ROLE = re.compile(r'\{py:(\w+)\}`(?:[^`<]*<)?~?([\w.]+)>?`')
#: A path of this checkout in code font. What a run makes, a placeholder or a pattern is none.
PATH = re.compile(r'`((?:\.ci|rnnbook|scripts|tests|docs|notebooks)/[\w./-]*|[A-Z]+\.(?:md|in)|setup\.(?:py|cfg)|'
                  r'requirements\.txt)`')


def read(page):
    with open(os.path.join(ROOT, *page.split('/')), encoding='utf-8') as file:
        return file.read()


def prose(page):
    """A page without its blocks of code."""
    return FENCE.sub('', read(page))


def slugs(page):
    """The anchors of the headings."""
    found = re.findall(r'^#+ (.+)$', prose(page), flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in found}


def resolve(name):
    """What a dotted name stands for; an error where there is no such thing."""
    parts, place = name.split('.'), importlib.import_module('rnnbook')
    assert parts[0] == 'rnnbook'
    for number, part in enumerate(parts[1:], 2):
        try:
            place = getattr(place, part)
        except AttributeError:
            place = importlib.import_module('.'.join(parts[:number]))
    return place


def test_the_patterns_find_what_they_are_for():
    text = 'See [a page](x.md#y), {py:func}`~rnnbook.a.b`, {py:meth}`f <rnnbook.C.d>`, `rnnbook/a.py` and `setup.py`.'
    assert LINK.findall(text) == ['x.md#y']
    assert [name for _, name in ROLE.findall(text)] == ['rnnbook.a.b', 'rnnbook.C.d']
    assert PATH.findall(text) == ['rnnbook/a.py', 'setup.py']
    first, second = FENCE.finditer('<!-- not run: long -->\n```python\na\n```\n\n```bash\nb\n```\n')
    assert (first.group('reason'), first.group('code')) == ('long', 'a\n')
    assert (second.group('reason'), second.group('language')) == (None, 'bash')


@pytest.mark.parametrize('page', PAGES)
def test_every_internal_link_holds(page):
    wrong = []
    for target in LINK.findall(prose(page)):
        path, _, anchor = target.partition('#')
        if '://' in path or path == 'chapter16.ipynb':      # the build copies the notebook there
            continue
        full = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), path)) if path else os.path.join(ROOT, page)
        if not os.path.exists(full):
            wrong.append(target)
        elif anchor and anchor not in slugs(os.path.relpath(full, ROOT).replace(os.sep, '/')):
            wrong.append(target)
    assert wrong == []


@pytest.mark.parametrize('page', PAGES)
def test_every_file_that_is_named_is_there(page):
    assert [path for path in PATH.findall(prose(page))
            if not os.path.exists(os.path.join(ROOT, path)) and path != 'docs/_build/index.html'] == []


@pytest.mark.parametrize('page', DOCS)
def test_every_function_that_is_named_is_there(page):
    named = [name for _, name in ROLE.findall(read(page))]
    for name, members in re.findall(r'^\.\. auto\w+:: (\S+)$(?:\n +:members:(.*))?', read(page), flags=re.MULTILINE):
        named += [name] + ['%s.%s' % (name, member.strip()) for member in members.split(',') if member.strip()]
    assert len(named) >= read(page).count('{py:')
    for name in named:
        resolve(name)


def test_what_continuous_integration_tests_is_there():
    paths = re.findall(r'(?:scripts|tests)/[\w./]+', read('.ci/run'))
    assert paths and [path for path in paths if not os.path.exists(os.path.join(ROOT, path))] == []


def test_every_page_is_in_the_table_of_contents():
    listed = {'docs/index.md'}
    for page in DOCS:
        for block in FENCE.finditer(read(page)):
            if block.group('language') == '{toctree}':
                names = [line for line in block.group('code').splitlines() if line and not line.startswith(':')]
                listed |= {os.path.normpath(os.path.join(os.path.dirname(page), name)).replace(os.sep, '/') + '.md'
                           for name in names if 'chapter16' not in name}
    assert listed == set(DOCS)


@pytest.mark.parametrize('page', [page for page in PAGES if page not in NOT_RUN_HERE
                                  and not page.startswith('docs/guides/')])
def test_its_code_runs_or_says_why_it_cannot(page, tmp_path, monkeypatch):
    """Python blocks one after the other, in a folder of their own; commands are those that `.ci/run` runs."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in FENCE.finditer(read(page)):
        language, code = block.group('language', 'code')
        assert language, 'a block of %s says no language:\n%s' % (page, code)
        if language == 'python' and not block.group('not_run'):
            exec(compile(code, page, 'exec'), names)
        if language == 'bash' and not block.group('not_run'):
            assert set(code.splitlines()) <= set(read('.ci/run').splitlines())


# What single pages say of the code

def table(page, head):
    """The cells of the rows of the tables below a line, row by row."""
    tables = [part.split('\n\n')[0].splitlines()[1:] for part in read(page).split(head + '\n')[1:]]
    return [[cell.strip() for cell in row.strip('|').split('|')] for rows in tables for row in rows]


def test_the_page_on_the_design_has_the_arrows_that_are_held():
    rows = table('docs/design.md', '| importer | may import |')
    assert {name.strip('`'): set(filter(None, others.split(', '))) for name, others in rows} == {
        name: set(others.split()) for name, others in ARROWS.items() if name != 'errors'}


def test_the_terms_of_the_chapter_stand_in_order_and_lead_to_code():
    rows = table('docs/book.md', '| term | code |')
    terms = [re.sub(r'[`_]', '', term).lower() for term, _ in rows]
    assert terms == sorted(terms) and len(set(terms)) == len(terms)
    assert [term for term, where in rows if not ROLE.search(where)] == []
    for term in ('build of sentimentrnn', 'gradient clipping', 'truncated backpropagation (t-bptt)'):
        assert term in terms


@pytest.fixture(scope='module')
def models():
    pytest.importorskip('tensorflow')
    from models import char, sentiment
    return {'docs/models/sentiment.md': sentiment(), 'docs/models/char.md': char()}


@pytest.mark.parametrize('page', ['docs/models/sentiment.md', 'docs/models/char.md'])
def test_the_page_of_a_model_has_the_tensors_of_its_graph(models, page):
    model = models[page]
    shapes = {'N': model.batch_size, 'H': model.lstm_size, 'V': getattr(model, 'n_words', None) or model.num_classes,
              'T': getattr(model, 'seq_len', None) or model.num_steps, 'E': getattr(model, 'embed_size', None)}
    rows = table(page, '| tensor | shape | dtype | meaning |')
    assert len(rows) >= 9
    for name, shape, dtype, _ in rows:
        if name == '`train_op`':
            model.g.get_operation_by_name('train_op')
        elif name.endswith(':0`'):
            tensor = model.g.get_tensor_by_name(name.strip('`'))
            assert tensor.dtype.base_dtype.name == dtype, name
            if shape != 'not set':
                assert tuple(tensor.shape.as_list()) == eval(shape, dict(shapes)), name
    found = {variable.op.name: variable.shape.as_list() for variable in model.g.get_collection('trainable_variables')}
    written = {}
    for names, sizes in table(page, '| variable | shape |'):
        for name, size in zip(names.split(', '), re.findall(r'\([^)]+\)', sizes)):
            written[name.strip('`')] = list(eval(size.replace('4H', '4 * H'), dict(shapes)))
    assert written == found


@pytest.mark.parametrize('page', ['docs/models/sentiment.md', 'docs/models/char.md'])
def test_the_page_of_a_model_names_arguments_that_it_has(models, page):
    arguments = set(inspect.signature(type(models[page])).parameters)
    if 'char' in page:
        arguments |= set(inspect.signature(models[page].sample).parameters)
    rows = [row for head in ('| argument | larger means |', '| argument | what it does |') for row in table(page, head)]
    named = {name for row in rows for name in re.findall(r'`(\w+)', row[0])}
    assert named and named <= arguments
