"""The notebook: the file as it is committed, and its execution at a small size where its extras are installed."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = os.path.join(ROOT, 'notebooks', 'chapter16.ipynb')
#: The cells that draw.
FIGURES = {'activations-figure', 'gradients-figure', 'clipping-figure', 'gates-figure', 'tbptt-figure',
           'reviews-length', 'reviews-train', 'reviews-probabilities', 'reviews-embedding', 'play-train'}


@pytest.fixture(scope='module')
def committed():
    with open(PATH, encoding='utf-8') as file:
        return json.load(file)


def code_cells(notebook):
    return [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']


def printed(notebook, name):
    """What cells wrote to a standard stream."""
    return ''.join(''.join(output['text']) for cell in code_cells(notebook) for output in cell['outputs']
                   if output['output_type'] == 'stream' and output['name'] == name)


def drawn(notebook):
    return {cell['id'] for cell in code_cells(notebook) for output in cell['outputs']
            if 'image/png' in output.get('data', {})}


#: Which a slow machine shows: title, bar, and the time that it took.
BARS = (r'\s*(Downloading|Evaluating|Predicting|Reading|Sampling)\b[^\r\n]*\s+(0% \[[# ]*\] 100%[^\r\n]*\s+)+'
        r'(Total time elapsed: [\d:]+\s*)?')


def errors(notebook):
    return [output['ename'] for cell in code_cells(notebook) for output in cell['outputs']
            if output['output_type'] == 'error']


def test_it_is_a_whole_run_from_top_to_bottom_at_full_size(committed):
    assert [cell['execution_count'] for cell in code_cells(committed)] == list(range(1, len(code_cells(committed)) + 1))
    assert errors(committed) == []
    assert printed(committed, 'stderr') == ''
    assert drawn(committed) == FIGURES
    text = printed(committed, 'stdout')
    assert 'the 50,000 IMDb reviews (movie_data.csv)' in text
    assert re.search(r'^25000 reviews to train, 25000 to test', text, flags=re.MULTILINE)


def test_it_is_small_and_names_no_path_of_a_machine(committed):
    assert os.path.getsize(PATH) < 700 * 1000
    outputs = json.dumps([[dict(output, data={kind: data for kind, data in output.get('data', {}).items()
                                              if kind != 'image/png'}) for output in cell['outputs']]
                          for cell in code_cells(committed)])
    assert re.findall(r'(?:/(?:home|root|tmp|Users|usr|opt|work|mnt)/|[A-Z]:\\\\)[^\s"]*', outputs) == []


def test_its_cells_have_names(committed):
    ids = [cell['id'] for cell in committed['cells']]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.match(r'[a-z]+(-[a-z]+)*$', name)] == []
    assert set(committed['metadata']) == {'kernelspec', 'language_info'}        # of no machine and no editor


def test_its_code_is_clean(committed):
    pytest.importorskip('flake8')
    code = '\n\n\n'.join(''.join(cell['source']) for cell in code_cells(committed)) + '\n'
    done = subprocess.run([sys.executable, '-m', 'flake8', '--extend-ignore=E402,E303,E305', '-'], cwd=ROOT,
                          input=code.encode('utf-8'), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout.decode()) == (0, '')


def test_it_runs_from_top_to_bottom_at_a_small_size(tmp_path, monkeypatch, request):
    nbformat, nbclient = pytest.importorskip('nbformat'), pytest.importorskip('nbclient')
    for module in ('ipykernel', 'matplotlib'):
        pytest.importorskip(module)
    (tmp_path / 'notebooks').mkdir()
    (tmp_path / 'given').mkdir()
    for name in ('imdb_csv', 'hamlet_path'):                # asked for here, since only an execution needs the data
        shutil.copy(request.getfixturevalue(name), str(tmp_path / 'given'))
    monkeypatch.setenv('RNNBOOK_DATA', str(tmp_path / 'given'))
    monkeypatch.setenv('RNNBOOK_NOTEBOOK', 'small')
    monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
    notebook = nbformat.read(PATH, as_version=4)
    for cell in code_cells(notebook):
        cell['outputs'], cell['execution_count'] = [], None
    nbclient.NotebookClient(notebook, timeout=300, kernel_name='python3',
                            resources={'metadata': {'path': str(tmp_path / 'notebooks')}}).execute()
    assert errors(notebook) == []
    assert re.sub(BARS, '', printed(notebook, 'stderr')).strip() == ''
    assert drawn(notebook) == FIGURES
    assert '300 reviews to train, 300 to test' in printed(notebook, 'stdout')
    assert os.listdir(str(tmp_path / 'notebooks')) == []    # what it makes goes where the scripts have it
    assert {'model-notebook-hamlet', 'model-notebook-reviews'} <= set(os.listdir(str(tmp_path)))
