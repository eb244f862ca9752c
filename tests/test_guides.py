"""What the guides have to type runs: their commands with small models on data made here, and their Python."""

import contextlib
import csv
import glob
import gzip
import importlib
import io
import os
import shlex

import pytest

from test_docs import FENCE, ROOT, read
from test_questions import main_of

pytest.importorskip('tensorflow')
pytestmark = pytest.mark.slow

GUIDES = sorted('docs/guides/' + os.path.basename(path)
                for path in glob.glob(os.path.join(ROOT, 'docs', 'guides', '*.md')))
START = ['python3', 'scripts/bootstrap.py']
#: Flags that are appended, and so win: sizes at which a model trains in a second.
SMALL = {
    'train_sentiment.py': ['--seq-len', '8', '--embed-size', '4', '--lstm-size', '4', '--batch-size', '10'],
    'train_charrnn.py': ['--batch-size', '4', '--num-steps', '10', '--lstm-size', '8', '--length', '20'],
}
#: The module that stands for an extra.
EXTRAS = {'plots': 'matplotlib', 'onnx': 'onnx'}


def write_data(folder):
    """Files by the names that the guides use."""
    reviews = [('A %s film, said <br />%s.' % (word, name), label)
               for name in ('Ann', 'Bob', 'Carl', 'Dora', 'Eve', 'Fay', 'Gus', 'Hal')
               for word, label in (('good', 1), ('bad', 0), ('fine', 1), ('dull', 0), ('great', 1), ('poor', 0))]
    tables = {
        'reviews.csv': [('review', 'sentiment')] + reviews,
        'data/movie_data.csv': [('review', 'sentiment')] + reviews,
        'new.csv': [('id', 'review')] + [(row, text) for row, (text, _) in enumerate(reviews[:5])],
        'stars.csv': [('text', 'stars')] + [(text, 4 + row % 4 // 2 if label else 1)
                                            for row, (text, label) in enumerate(reviews)],
        'windows.csv': [('review', 'sentiment')] + [('\xdcber ' + text, label) for text, label in reviews],
    }
    (folder / 'data').mkdir()
    for name, rows in tables.items():
        with open(folder / name, 'w', encoding='cp1252' if name == 'windows.csv' else 'utf-8', newline='') as file:
            csv.writer(file).writerows(rows)
    (folder / 'plain.tsv').write_text(''.join('%d\t%s\n' % (label, text) for text, label in reviews))
    (folder / 'lines.txt').write_text('A fine film.\nA dull film.\n')
    text = 'The cat sat on the mat.\n\nThe dog lay on the log.\n' * 20
    (folder / 'texts' / 'old').mkdir(parents=True)
    for path in ('play.txt', 'texts/one.txt', 'texts/old/two.txt'):
        (folder / path).write_text(text)
    (folder / 'sonnets.txt').write_text('The cat sat on the mat.\n' * 40)      # with fewer characters than the play
    (folder / 'windows.txt').write_bytes(text.replace('cat', 'K\xe4tzchen').encode('cp1252'))
    with gzip.open(folder / 'novel.txt.gz', 'wt') as file:
        file.write(text)


def small(script, arguments):
    """The arguments of a script with those that make it small."""
    if script not in SMALL:
        return arguments
    added, epochs = list(SMALL[script]), None
    if '--epochs' in arguments:
        epochs = arguments[arguments.index('--epochs') + 1]
    added += ['--epochs', '3' if epochs else '2', '--quiet']
    if script == 'train_charrnn.py':
        if '--text' not in arguments:
            added += ['--text', 'play.txt']
        if '--ckpt-dir' not in arguments:                   # where it would be after all epochs
            added += ['--ckpt-dir', './model-best-28/' if 'best' in arguments else './model-%s/' % (epochs or 100)]
    elif '--csv' not in arguments:
        added += ['--csv', 'reviews.csv']
    return arguments + added


def run(line):
    """Run a line of a shell block in this process; None where it needs an extra that is not here."""
    line, _, out = line.partition(' > ')
    words = shlex.split(line)
    assert words[:2] == START, line
    words = words[2:]
    while words[0] == '--extra':
        if importlib.util.find_spec(EXTRAS[words[1]]) is None:
            return
        words = words[2:]
    script = words[0][len('scripts/'):]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main_of(script)(small(script, words[1:])) == 0, line
    if out:
        with open(out, 'w', encoding='utf-8') as file:
            file.write(printed.getvalue())


@pytest.mark.parametrize('page', GUIDES)
def test_a_guide_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('RNNBOOK_DATA', str(tmp_path))
    write_data(tmp_path)
    names = {}
    for block in FENCE.finditer(read(page)):
        language, code = block.group('language', 'code')
        if block.group('not_run'):
            continue
        if language == 'python':
            exec(compile(code, page, 'exec'), names)
        elif language == 'shell':
            for line in code.replace('\\\n', '').splitlines():
                run(line)


def test_readme_runs(tmp_path, monkeypatch):
    """Its scripts and its Python at a small size; its other commands are those of `.ci/run`, but for two."""
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    monkeypatch.setattr('rnnbook.datasets.fetch_imdb', lambda: 'reviews.csv')
    monkeypatch.setattr('rnnbook.datasets.fetch_hamlet', lambda: 'play.txt')
    sizes = {'200)': '8)', 'seq_len=200, embed_size=256, lstm_size=128': 'seq_len=8, embed_size=4, lstm_size=4',
             'batch_size=100': 'batch_size=10', 'batch_size=64, num_steps=100': 'batch_size=4, num_steps=10',
             'CharRNN(len(char2int))': 'CharRNN(len(char2int), 4, 10, 8)', 'num_epochs=100': 'num_epochs=1'}
    ran, names = 0, {}
    for block in FENCE.finditer(read('README.md')):
        language, code = block.group('language', 'code')
        if language == 'python':
            for full, little in sizes.items():
                code = code.replace(full, little)
            exec(compile(code, 'README.md', 'exec'), names)
        for line in code.splitlines():
            line = line.partition('  #')[0].strip()
            if line.startswith(' '.join(START) + ' scripts/'):
                run(line)
                ran += 1
            elif line.startswith(START[0]) and '-m notebook' not in line:   # a server, which waits for its user
                assert line in read('.ci/run').splitlines(), line
    assert ran and names['rnn'].vocabulary
