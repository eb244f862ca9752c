"""The benchmark: what is measured does the same work on every side, and the figures follow from the timings."""

import ast
import importlib
import json
import os
import re
import statistics
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from models import char, characters, reviews, sentiment

from rnnbook import hamlet, imdb


pytestmark = pytest.mark.slow
SCRIPTS = os.path.join(ROOT, 'scripts', 'measure')


def modules(folder, *names):
    """Modules as a script of that folder would import them."""
    sys.path.insert(0, folder)
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(folder)


benchmark, figures, processes = modules(SCRIPTS, 'benchmark', 'benchmarked.figures', 'benchmarked.processes')


@pytest.fixture(scope='module')
def sides():
    """The measuring processes as modules, by name."""
    names = 'clock', 'listing', 'ours', 'prepare'
    return dict(zip(names, modules(processes.SIDES, *names)))


@pytest.fixture(scope='module')
def workshop(sides, tmp_path_factory):
    """Data and checkpoints of the quick sizes, made in this process."""
    return processes.Workshop(str(tmp_path_factory.mktemp('benchmark')), None, True,
                              lambda side, job: sides[side].CASES[job['case']](job))


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Run the script in an empty folder: its status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        try:
            status = benchmark.main(list(arguments))
        except SystemExit as end:                           # of argparse
            status = end.code
        out, err = capsys.readouterr()
        assert 'Traceback' not in err
        return status, out, err
    return call


# ---------------------------------------------------------------------------------------------- the same work

def models_of_both(sides, kind, **changes):
    """The model of the package, the listing's of the same arguments, and the batches of an epoch."""
    if kind == 'reviews':
        ours, (x, y) = sentiment(**changes), reviews()
        names = 'n_words seq_len lstm_size num_layers batch_size learning_rate embed_size'
        build, batches = sides['listing'].review_model, [(x[i:i + 5], y[i:i + 5]) for i in (0, 5, 10)]
    else:
        ours, (x, y) = char(**changes), characters()
        names = 'num_classes batch_size num_steps lstm_size num_layers learning_rate grad_clip'
        build, batches = sides['listing'].char_model, [(x[:, i:i + 10], y[:, i:i + 10]) for i in (0, 10, 20)]
    return ours, build(**{name: getattr(ours, name) for name in names.split()}), lambda: iter(batches)


@pytest.mark.parametrize('kind, num_layers', [('reviews', 1), ('characters', 2)])
def test_the_listing_trains_as_the_book_engine_does(kind, num_layers, sides):
    ours, theirs, epoch = models_of_both(sides, kind, num_layers=num_layers)
    steps = 2 * len(list(epoch())) + 1                      # into the third epoch, whose state is zero again
    losses = [[loss for _, loss in zip(range(steps), side.training(model, epoch, 1.0))]
              for side, model in ((sides['ours'], ours), (sides['listing'], theirs))]
    assert len(losses[0]) == steps and len(set(losses[0])) == steps
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)


def test_the_listing_predicts_as_predict_does(sides, tmp_path):
    ours, theirs, _ = models_of_both(sides, 'reviews', learning_rate=0.1)
    x, _ = reviews(40)
    ours.train(x, x[:, -1] > 2, 10, ckpt_dir=tmp_path, keep_prob=1.0)
    tf = sides['listing'].tensorflow()
    with tf.compat.v1.Session(graph=theirs.g) as sess:
        theirs.saver.restore(sess, tf.train.latest_checkpoint(str(tmp_path)))
        labels = np.concatenate(list(sides['listing'].predicting(sess, theirs, x, 5)))
    expected = ours.predict(x)
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(labels, expected)


def test_the_listing_samples_as_sample_does(sides, workshop):
    data, saved = workshop.data('characters'), workshop.checkpoint('characters')
    model = sides['listing'].char_model(**dict(data['model'], batch_size=1, num_steps=1))
    np.random.seed(3)
    text = sides['listing'].sample(model, saved['checkpoint'], 30, data['starter'], data['chars'])
    from rnnbook import CharRNN
    np.random.seed(3)
    assert text == CharRNN.load(saved['ckpt_dir']).sample(30, saved['ckpt_dir'], data['starter'])


def test_the_listing_makes_the_rows_that_the_package_makes(sides, workshop):
    import pandas
    path = workshop.data('reviews')['csv']
    theirs, their_words = sides['listing'].words_to_rows(pandas.read_csv(path)['review'], 20)
    ours, _, our_words = sides['ours'].rows_of({'csv': path, 'sequence_length': 20, 'call': {'cache': False}})
    assert list(their_words.items()) == list(our_words.items()) and len(our_words) > 50
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize('case, variant', [(case, variant) for case in benchmark.CASES for variant in case.variants
                                           if variant.side != 'pytorch'],
                         ids=lambda thing: thing.name)
def test_every_variant_is_measured_on_every_case(case, variant, sides, workshop, monkeypatch):
    monkeypatch.chdir(workshop.folder)                      # as the processes do: the cache of the rows lies there
    job = json.loads(json.dumps(benchmark.job_of(case, workshop, benchmark.QUICK)))
    count, work = sides[variant.side].CASES[case.name](dict(job, keywords=variant.keywords, call=variant.call))
    next(work)
    assert sides['clock'].seconds(work) > 0
    together = variant.call.get('num_samples', 1)
    counts = {'review-predict': 10, 'review-predict-call': 30, 'sample': 20 * together}
    assert count == counts.get(case.name, 1)
    pieces = {'review-step': 3, 'char-step': 3, 'review-predict': 3}
    assert (job['pieces'], job['keep_prob']) == (pieces.get(case.name, 1), 0.5)


def test_another_checkout_is_measured_beside_this_one(call):
    status, out, err = call('--quick', '--only', 'preprocess', '--variants', 'cold', '--before', ROOT)
    assert status == 0, err
    rows = [line.split(' | ') for line in out.splitlines() if line.startswith('|')]
    assert [row[0] for row in rows[2:]] == ['| cold', '| before: cold']
    assert float(rows[2][7].split()[0]) > 0


@pytest.mark.parametrize('growth', benchmark.GROWTH, ids=lambda thing: thing.name)
def test_growth_changes_one_thing_at_a_time(growth, sides, workshop):
    points = [benchmark.grown(growth, factor, workshop, benchmark.QUICK) for factor in growth.factors]
    values = [value for value, _ in points]
    assert len(values) >= 3 and values == sorted(set(values))
    for value, job in points:
        if growth.case == 'review-step':
            assert job['model'] == dict(workshop.data('reviews')['model'], **{growth.quantity: value})
            with np.load(job['data']) as data:
                assert data['x'].shape == (10 * job['model']['batch_size'], job['model']['seq_len'])
                assert 1 <= data['x'].min() and data['x'].max() < job['model']['n_words']
        elif growth.case == 'preprocess':
            assert len(imdb.load_reviews(job['csv'])[0]) == value
        else:
            assert len(hamlet.load_text(job['text'])) == value * len(hamlet.load_text(points[0][1]['text']))
            next(sides['ours'].CASES[growth.case](job)[1])


def test_pytorch_needs_nothing_of_the_package():
    with open(os.path.join(processes.SIDES, 'pytorch.py'), encoding='utf-8') as file:
        tree = ast.parse(file.read())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {'itertools', 'clock', 'numpy', 'torch', 'torch.nn'}


@pytest.mark.skipif('RNNBOOK_TORCH_PYTHON' not in os.environ,
                    reason='RNNBOOK_TORCH_PYTHON names no interpreter that has PyTorch')
def test_pytorch_is_measured_beside(call):
    status, out, _ = call('--quick', '--repeats', '1', '--variants', 'pytorch,pytorch-passive,pytorch-64',
                          '--torch-python', os.environ['RNNBOOK_TORCH_PYTHON'])
    assert status == 0 and len(re.findall(r'^\| pytorch(?:-64|-passive)? \|', out, flags=re.MULTILINE)) == 9


# ------------------------------------------------------------------------------------------------- figures and tables

BOOK = benchmark.ENGINES[0]
ROUNDS = {'listing': [{'seconds': [4.0, 6.0, 5.0], 'count': 1, 'peak_bytes': 200},
                      {'seconds': [8.0, 8.0, 9.0], 'count': 1, 'peak_bytes': 400}],
          'book': [{'seconds': [4.0, 1.0, 40.0], 'count': 2, 'peak_bytes': 300},
                   {'seconds': [8.0, 8.0, 8.0], 'count': 2, 'peak_bytes': 300}]}


def test_ratios_are_taken_round_by_round():
    found = figures.summary(BOOK, ROUNDS['book'], ROUNDS['listing'], None)
    assert found['seconds'] == {'median': 3.0, 'min': 2.0, 'max': 4.0}                  # a step: half of a timing
    assert found['listing_ratio'] == {'median': 2.25, 'min': 2.0, 'max': 2.5,           # 5 / 2 and 8 / 4
                                      'fastest': 8.0}                                   # 4 / 0.5
    assert (found['peak_bytes'], found['listing_memory'], found['pytorch_ratio']) == (300, 0.75, None)
    assert (found['fastest'], found['rounds']) == (0.5, ROUNDS['book'])
    alone = figures.summary(BOOK, ROUNDS['book'], None, None)
    assert alone['listing_ratio'] is None and alone['listing_memory'] is None
    unknown = [dict(found, peak_bytes=None) for found in ROUNDS['book']]
    assert figures.summary(BOOK, unknown, ROUNDS['listing'], None)['peak_bytes'] is None


def test_a_table_shows_seconds_or_a_rate():
    variants = [figures.summary(benchmark.LISTING, ROUNDS['listing'], ROUNDS['listing'], None),
                figures.summary(BOOK, ROUNDS['book'], ROUNDS['listing'], ROUNDS['book'])]
    case = {'title': 'A title', 'unit': 'row', 'rate': False, 'data': 'some rows', 'model': {'b': 2, 'a': 1},
            'variants': variants}
    lines = figures.case_table(case).splitlines()
    assert lines[:3] == ['### A title', '', 'Data: some rows; a 1, b 2, 2 rounds']
    assert lines[-2:] == ['| listing | 6.5 | 5 to 8 | 1.00 (1.00 to 1.00) | 1.00 |  |  | 0 | 1.00 |',
                          '| book | 3 | 2 to 4 | 2.25 (2.00 to 2.50) | 8.00 | 1.00 (1.00 to 1.00) | 1.00 | 0 | 0.75 |']
    variants[1] = figures.summary(BOOK, ROUNDS['book'], ROUNDS['listing'], None, before=ROUNDS['listing'])
    with_before = figures.case_table(dict(case, variants=variants)).splitlines()
    assert '| before / this | of the fastest | peak memory' in with_before[4]
    assert '| 2.25 (2.00 to 2.50) | 8.00 |  |  | 2.25 (2.00 to 2.50) | 8.00 | 0 | 0.75 |' in with_before[-1]
    rate = figures.case_table(dict(case, rate=True)).splitlines()
    assert rate[4].startswith('| variant | rows a second, median |') and '| book | 0.3333 | 0.25 to 0.5 |' in rate[-1]


def test_variants_take_turns_and_every_second_round_runs_backwards():
    ran = []

    class Child:
        def __init__(self, variant, job, python):
            self.what = variant, job, python

        def __enter__(self):
            ran.append('start')
            return self

        def __exit__(self, *exception):
            ran.append('end')

        def turn(self):
            ran.append(self.what)
            return {'seconds': [float(len(ran))], 'count': 1, 'peak_bytes': None}

    turns = [('a', 'one', {}, 'python'), ('b', 'other', {}, 'torch')]
    found = processes.take_turns(turns, 3, Child)
    a, b = [turn[1:] for turn in turns]
    assert ran == ['start', 'start', a, b, b, a, a, b, 'end', 'end']
    assert {label: [each['seconds'][0] for each in rounds] for label, rounds in found.items()} == {
        'a': [3, 6, 7], 'b': [4, 5, 8]}


def test_pytorch_is_compared_with_in_its_fastest_way_of_the_same_work():
    case, = [case for case in benchmark.CASES if case.name == 'sample']
    by_name = {variant.name: variant for variant in case.variants}
    assert [peer.name for peer in figures.peers(by_name['ours'], case.variants)] == ['pytorch', 'pytorch-passive']
    assert [peer.name for peer in figures.peers(by_name['pytorch-64'], case.variants)] == ['pytorch-64']
    found = {'pytorch': ROUNDS['listing'], 'pytorch-passive': ROUNDS['book'], 'book': ROUNDS['listing']}
    assert figures.fastest(benchmark.PYTORCH, found) is ROUNDS['book']
    assert figures.fastest(benchmark.PYTORCH, {}) is None


def test_a_run_prints_tables_and_writes_every_timing(call, tmp_path):
    status, out, err = call('--quick', '--only', 'preprocess,growth-text', '--variants', 'listing,cold,cache,ours',
                            '--json', 'figures.json')
    assert status == 0
    assert re.findall(r'^### (.*)$', out, flags=re.MULTILINE) == [
        'Preprocessing: from the CSV to the rows', 'Growth of encode-text with copies']
    rows = re.findall(r'^\| (?:\d+ \| )?(listing|cold|cache|ours) ', out, flags=re.MULTILINE)
    assert rows == ['listing', 'cold', 'cache', 'ours', 'ours', 'ours']
    assert 'Data: made reviews; ' in out and 'Data: a made text; 2 rounds\n' in out
    assert len(re.findall(r'round \d of 2: ', err)) == 2 + 2
    report = json.loads((tmp_path / 'figures.json').read_text(encoding='utf-8'))
    assert (report['quick'], report['sizes'], report['versions']['tensorflow'][:4]) == (True, benchmark.QUICK, '1.15')
    listing, cold, _ = report['cases'][0]['variants']
    assert [len(found['rounds']) for found in (listing, cold)] == [2, 2]
    by_round = [theirs['seconds'][0] / ours['seconds'][0] for theirs, ours in zip(listing['rounds'], cold['rounds'])]
    assert cold['listing_ratio'] == {'median': statistics.median(by_round), 'min': min(by_round), 'max': max(by_round),
                                     'fastest': listing['fastest'] / cold['fastest']}
    assert all(each['peak_bytes'] > 10 ** 7 for each in cold['rounds'])
    points = report['growth'][0]['points']
    assert [(point['value'], point['size'], len(point['rounds'])) for point in points] == [(1, 1, 2), (4, 4, 2),
                                                                                           (16, 16, 2)]
    assert points[0]['time'] == {'median': 1.0, 'min': 1.0, 'max': 1.0, 'fastest': 1.0}
    assert sorted(os.listdir('.')) == ['figures.json']


# --------------------------------------------------------------------------------------------------------- mistakes

@pytest.mark.parametrize('arguments, message', [
    (['--only', 'nonsense'], "--only must be one of 'review-step', 'char-step', "),
    (['--variants', 'book,slow'], "--variants must be one of 'listing', 'book', "),
    (['--only', 'preprocess', '--variants', 'book'], '--variants must leave something of --only to measure: '),
    (['--only', 'sample', '--variants', 'pytorch'], '--variants must leave something of --only to measure: '),
    (['--repeats', '0'], '--repeats must be an integer of at least 1, not 0'),
    (['--skip', '-1'], '--skip must be an integer of at least 0, not -1'),
    (['--steps', '0'], '--steps must be an integer of at least 1, not 0'),
    (['--data-dir', 'nowhere'], '--data-dir must name a folder that exists, not nowhere'),
    (['--before', 'nowhere'], '--before must name a checkout of rnnbook, not '),
    (['--json', 'nowhere/figures.json'], '--json must name a file in a folder that exists, not nowhere/figures.json'),
    (['--json', '.'], '--json must name a file in a folder that exists, not .'),
    (['--torch-python', 'nowhere'], '--torch-python must name an interpreter that has PyTorch and NumPy, not nowhere'),
    (['--torch-python', sys.executable], '--torch-python must name an interpreter that has PyTorch and NumPy, not ')])
def test_a_mistake_is_one_line_before_anything_is_measured(arguments, message, call):
    status, out, err = call('--quick', *arguments)
    assert (status, out) == (2, '')
    assert err.count('\n') == 1 and 'error: ' + message in err
    assert os.listdir('.') == []


@pytest.mark.parametrize('arguments', [['--quicker'], ['--steps', 'many']])
def test_a_flag_that_cannot_be_parsed_ends_with_status_2(arguments, call):
    status, out, err = call(*arguments)
    assert (status, out) == (2, '') and 'error: ' in err.splitlines()[-1]


def test_a_process_that_fails_says_which_and_why():
    with pytest.raises(benchmark.RnnbookError, match=r'^none in prepare\.py failed: KeyError: .none.$'):
        processes.run('prepare', {'case': 'none'})
    with pytest.raises(benchmark.RnnbookError, match=r'^none in listing\.py failed: KeyError: .none.$'):
        processes.take_turns([('any', benchmark.LISTING, {'case': 'none'}, sys.executable)], 1)


def test_a_process_that_fails_in_a_turn_says_so(tmp_path):
    job = {'case': 'preprocess', 'csv': str(tmp_path / 'none.csv'), 'sequence_length': 5, 'skip': 0, 'pieces': 1}
    with pytest.raises(benchmark.RnnbookError, match=r'^preprocess in listing\.py failed: FileNotFoundError: '):
        processes.take_turns([('any', benchmark.LISTING, job, sys.executable)], 1)


def test_help_describes_every_flag_and_names_every_case_and_variant():
    done = subprocess.run([sys.executable, os.path.join(SCRIPTS, 'benchmark.py'), '--help'], stdout=subprocess.PIPE)
    out = done.stdout.decode('utf-8')
    described = re.findall(r'^  --([a-z-]+)[^\n]*?(?:  +|\n +)\S', out, flags=re.MULTILINE)
    assert sorted(described) == ['before', 'characters', 'data-dir', 'growth', 'json', 'only', 'quick', 'repeats',
                                 'rows', 'skip', 'steps', 'torch-python', 'variants']
    words = re.split(r'[\s,:.]+', out)
    assert {thing.name for thing in benchmark.CASES + benchmark.GROWTH} <= set(words)
    assert set(benchmark.variant_names()) <= set(words)
