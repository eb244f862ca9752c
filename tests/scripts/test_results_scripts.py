"""The scripts that make the published figures: baselines, accuracies after each epoch, curves. Data are made here."""

import csv
import importlib.util
import os
import random
import re
import shutil
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

from conftest import ROOT
import rnnbook
from rnnbook import imdb
from rnnbook.errors import FileError
from rnnbook.training import validation

SCRIPTS = os.path.join(ROOT, 'scripts')
SMALL = ['--seq-len', '8', '--embed-size', '4', '--lstm-size', '4', '--batch-size', '10', '--learning-rate', '0.005']
EPOCHS = 11                                                 # 10.ckpt sorts before 9.ckpt as text


def script(name):
    """A script, of whichever folder, as a module."""
    path, = [path for path in (os.path.join(SCRIPTS, folder, name) for folder in ('', 'results', 'measure'))
             if os.path.exists(path)]
    spec = importlib.util.spec_from_file_location(name[:-len('.py')], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_reviews(path, rows):
    with open(str(path), 'w', encoding='utf-8', newline='') as file:
        csv.writer(file).writerows([['review', 'sentiment']] + rows)


def drawn_reviews(count=200):
    """Reviews in which only the order of two words tells the label, but for some that one word tells too."""
    draw = random.Random(0)
    rows = []
    for _ in range(count):
        label = draw.randrange(2)
        words = ['not bad', 'good'] if label else ['bad not', 'good']
        if draw.random() < 0.5:
            words.append('lovely' if label else 'awful')
        draw.shuffle(words)
        rows.append(['%s film' % ' '.join(words), label])
    return rows


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp('results')
    write_reviews(place / 'reviews.csv', drawn_reviews())
    return place


@pytest.fixture(scope='module')
def trained(place):
    """What the training printed; the folder `model` holds a checkpoint of each epoch."""
    before, out = os.getcwd(), sys.stdout
    os.chdir(str(place))
    try:
        with open('train.log', 'w', encoding='utf-8') as sys.stdout:
            assert script('train_sentiment.py').main(['--csv', 'reviews.csv', '--epochs', str(EPOCHS), '--save-every',
                                                      '1', '--max-to-keep', '0', '--log-every', '2', *SMALL]) == 0
    finally:
        sys.stdout = out
        os.chdir(before)
    return (place / 'train.log').read_text(encoding='utf-8')


@pytest.fixture
def call(place, monkeypatch, capsys):
    """Run a script in `place`: its status, standard output and standard error."""
    monkeypatch.chdir(place)

    def call(name, *arguments):
        try:
            status = script(name).main(list(arguments))
        except SystemExit as end:                           # of argparse
            status = end.code
        out, err = capsys.readouterr()
        assert 'Traceback' not in err
        return status, out, err
    return call


# ------------------------------------------------------------------------------------------------------- baselines


def test_baselines_print_settings_accuracy_data_and_seconds_the_same_each_time(call):
    pytest.importorskip('sklearn', reason='scikit-learn comes with the extra baselines')
    status, out, _ = call('baselines.py', 'reviews', '--csv', 'reviews.csv')
    lines = out.splitlines()
    assert (status, lines[0]) == (0, 'Data: reviews.csv, 100 reviews to train and 100 to test')
    chosen = r'C (?:0\.03|0\.1|0\.3|1) by [01]\.\d{4} on the last tenth of the training half'
    form = (r'(.*), logistic regression \((?:sublinear_tf, min_df 2, C 10|binary, min_df 2, %s), liblinear; '
            r'scikit-learn [\d.]+\): test accuracy (\d\.\d{4}) on 100 reviews of reviews\.csv, '
            r'\d+\.\d seconds of CPU$' % chosen)
    found = [re.match(form, line).groups() for line in lines[1:]]
    assert [name for name, _ in found] == ['TF-IDF of words', 'TF-IDF of words and bigrams', 'NB-weighted words and '
                                           'bigrams', 'NB-weighted words, bigrams and trigrams']
    words, *others = (float(accuracy) for _, accuracy in found)
    assert 0.5 < words < 0.95 and others == [1, 1, 1]       # only the first does not see the order
    again = call('baselines.py', 'reviews', '--csv', 'reviews.csv')[1]
    assert re.sub(r'[\d.]+ seconds', '', again) == re.sub(r'[\d.]+ seconds', '', out)


def test_baselines_learn_nothing_from_the_test_half(call, place):
    pytest.importorskip('sklearn', reason='scikit-learn comes with the extra baselines')
    rows = drawn_reviews(100)
    write_reviews(place / 'same.csv', rows + rows)
    write_reviews(place / 'more.csv', rows + [[text + ' unseen unheard', label] for text, label in rows])
    weights = [re.findall(r'fitting (\d+) weights', call('baselines.py', 'reviews', '--csv', name)[2])
               for name in ('same.csv', 'more.csv')]
    assert weights[0] == weights[1]
    assert int(weights[0][0]) == len({'not', 'bad', 'good', 'lovely', 'awful', 'film'})


def test_limit_takes_the_first_reviews_of_each_half(call, place):
    pytest.importorskip('sklearn', reason='scikit-learn comes with the extra baselines')
    out = call('baselines.py', 'reviews', '--csv', 'reviews.csv', '--limit', '40')[1]
    assert out.startswith('Data: reviews.csv, 40 reviews to train and 40 to test\n')
    assert out.count('on 40 reviews of reviews.csv') == 4


@pytest.mark.parametrize('rows', [[['good film', 1]] * 8, [['word%d' % row, row % 2] for row in range(8)]])
def test_too_little_to_train_on_is_one_line(rows, call, place):
    pytest.importorskip('sklearn', reason='scikit-learn comes with the extra baselines')
    write_reviews(place / 'few.csv', rows)
    status, _, err = call('baselines.py', 'reviews', '--csv', 'few.csv')
    assert status == 2 and 'error: the reviews to train on are too few: ' in err.splitlines()[-1]


@pytest.mark.parametrize('name, module, arguments, command', [
    ('baselines.py', 'sklearn', ['reviews'], '--extra baselines scripts/results/baselines.py reviews; where there is '
     'no checkout: pip install scikit-learn'),
    ('baselines.py', 'pyppmd', ['characters'], '--extra baselines scripts/results/baselines.py characters; where there '
     'is no checkout: pip install pyppmd'),
    ('plot_history.py', 'matplotlib', ['train.log'], '--extra plots scripts/plot_history.py; where there is no '
     'checkout: pip install matplotlib')])
def test_a_package_that_is_missing_is_one_line_with_the_command(name, module, arguments, command, call, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)          # as if it were not installed
    status, out, err = call(name, *arguments)
    assert (status, out) == (2, '')
    assert 'error: ' in err and err.endswith('run: python3 scripts/bootstrap.py ' + command + '\n')
    assert err.count('\n') == 1


# ------------------------------------------------------------------------------------------------------ checkpoints


def test_every_epoch_is_tested_in_order_as_the_training_tests_its_last(call, place, trained):
    status, out, _ = call('evaluate_checkpoints.py', '--csv', 'reviews.csv')
    form = r'Epoch (\d+): test accuracy (\d\.\d{3}) on 100 reviews of reviews\.csv$'
    found = [re.match(form, line).groups() for line in out.splitlines()]
    assert (status, [int(epoch) for epoch, _ in found]) == (0, list(range(1, EPOCHS + 1)))
    assert trained.splitlines()[-1] == 'Test Acc.: %s on 100 reviews of reviews.csv' % found[-1][1]

    rows, labels = zip(*drawn_reviews())
    rnn = rnnbook.SentimentRNN.load('model')
    x = imdb.encode(rows[100:], rnn.vocabulary, rnn.seq_len)
    accuracies = ['%.3f' % np.mean(rnn.predict(x, checkpoint='sentiment-%d.ckpt' % epoch) == np.array(labels[100:]))
                  for epoch in range(EPOCHS)]
    assert [accuracy for _, accuracy in found] == accuracies
    assert len(set(accuracies)) > 2                         # so that a wrong checkpoint would show


def test_chosen_epochs_come_sorted_and_once(call, trained):
    out = call('evaluate_checkpoints.py', '--csv', 'reviews.csv', '--epochs', '10,2,10', '--limit', '30')[1]
    assert re.findall(r'Epoch (\d+): .* on 30 reviews', out) == ['2', '10']


def test_checkpoints_whose_name_is_not_that_of_a_whole_epoch_are_left_out(call, place, trained, tmp_path, capsys):
    shutil.copytree(str(place / 'model'), str(tmp_path / 'model'))
    for ending in ('.index', '.data-00000-of-00001'):
        for name in ('sentiment-0.ckpt-2', 'sentiment-3.ckpt-37'):
            shutil.copy(str(tmp_path / 'model' / ('sentiment-0.ckpt' + ending)),
                        str(tmp_path / 'model' / (name + ending)))
    found = script('evaluate_checkpoints.py').saved(str(tmp_path / 'model'))
    assert found == {epoch + 1: 'sentiment-%d.ckpt' % epoch for epoch in range(EPOCHS)}
    err = capsys.readouterr().err
    assert 'sentiment-0.ckpt-2 is left out' in err and 'sentiment-3.ckpt-37 is left out' in err


@pytest.mark.parametrize('arguments, message', [
    (['--ckpt-dir', 'none'], '--ckpt-dir none is not there'),
    (['--ckpt-dir', '.'], '--ckpt-dir . has no checkpoint sentiment-N.ckpt'),
    (['--epochs', '1,99'],
     '--epochs must be among those saved in ./model/ (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), not 99'),
    (['--epochs', '1-3'], "--epochs must be numbers with commas between them, such as 1,2,10, not '1-3'"),
    (['--epochs', '0'], '--epochs must be an integer of at least 1, not 0'),
    (['--csv', 'none.csv'], 'cannot read none.csv'),
    (['--csv', 'reviews.csv', '--limit', '0'], '--limit must be an integer of at least 1, not 0')])
def test_mistakes_about_checkpoints_are_one_line(arguments, message, call, trained):
    status, out, err = call('evaluate_checkpoints.py', *arguments)
    assert (status, out) == (2, '')
    assert 'error: ' + message in err.splitlines()[-1]


# --------------------------------------------------------------------------------------------------------- ensemble


@pytest.mark.slow
def test_an_ensemble_is_the_mean_of_the_probabilities(call, trained):
    call('train_sentiment.py', '--csv', 'reviews.csv', '--epochs', '2', '--seed', '2', '--ckpt-dir', 'model-2', *SMALL)
    status, out, _ = call('evaluate_ensemble.py', 'model', 'model-2', '--csv', 'reviews.csv', '--limit', '60')
    lines = out.splitlines()
    assert (status, lines[0]) == (0, 'Data: reviews.csv, 60 reviews to test')
    rows, labels = zip(*drawn_reviews()[100:160])
    alone = [rnnbook.SentimentRNN.load(folder).predict_text(rows) for folder in ('model', 'model-2')]
    names = ['model', 'model-2', 'the mean probability of all 2']
    assert lines[1:] == ['%s: test accuracy %.4f, log loss %.4f' % (name, *validation.evaluate(labels, given)[:2])
                         for name, given in zip(names, alone + [np.mean(alone, axis=0, dtype=np.float64)])]
    assert len({line.split(': ')[1] for line in lines[1:]}) == 3
    status, out, _ = call('predict_sentiment.py', '--ckpt-dir', 'model', '--ckpt-dir', 'model-2', *rows[:9])
    assert (status, [line[:8] for line in out.splitlines()]) == (0, [
        '%d %.4f' % (round(given), given) for given in np.mean([given[:9] for given in alone], axis=0)])


@pytest.mark.parametrize('arguments, message', [
    (['model', 'none'], 'none is not there'), (['.'], 'ckpt_dir . holds no checkpoint'),
    (['model', '--csv', 'none.csv'], 'cannot read none.csv'),
    (['model', '--csv', 'reviews.csv', '--limit', '0'], '--limit must be an integer of at least 1, not 0')])
def test_mistakes_about_an_ensemble_are_one_line_before_any_prediction(arguments, message, call, trained):
    status, out, err = call('evaluate_ensemble.py', *arguments)
    assert (status, out) == (2, '')
    assert message in err.splitlines()[-1]


def test_a_model_without_a_vocabulary_is_named(call, trained):
    rnnbook.SentimentRNN(n_words=9, seq_len=4, embed_size=2, lstm_size=2, batch_size=5).train(
        np.ones((5, 4), int), np.ones(5), 1, ckpt_dir='numbers')
    for command in (['evaluate_ensemble.py', 'model', 'numbers'], ['evaluate_checkpoints.py', '--ckpt-dir', 'numbers']):
        status, out, err = call(*command, '--csv', 'reviews.csv')
        assert (status, out) == (2, '')
        assert 'error: numbers was trained without a vocabulary' in err.splitlines()[-1]


# ----------------------------------------------------------------------------------------------------------- curves

CHARACTERS = 'Epoch 1/2 Iteration 10| Training loss: 3.2233\nEpoch 2/2 Iteration 20| Training loss: 2.9000\n'


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no pipes with names')
def test_a_log_that_might_never_end_is_refused(tmp_path):
    os.mkfifo(str(tmp_path / 'pipe'))
    for path in (str(tmp_path / 'pipe'), '/dev/zero'):
        with pytest.raises(FileError, match='%s is a pipe or a device, not a regular file' % path):
            script('plot_history.py').read(path, None)


def test_both_kinds_of_lines_are_read_and_a_number_that_is_cut_off_is_not(tmp_path):
    history = script('plot_history.py').History({}, {}, {}, {})
    log = tmp_path / 'log'
    log.write_text('Data: x\nEpoch: 1/40 Iteration: 20 | Train loss: 0.70637\r\n' + CHARACTERS
                   + 'Epoch: 9/40 Iteration: 30 | Train loss: nan\nEpoch 10: test accuracy 0.852 on 5 reviews of x\n'
                   'Epoch 10: validation accuracy 0.861 on 5\nEpoch: 9/40 Iteration: 40 | Train loss: 0.1',
                   encoding='utf-8')
    script('plot_history.py').read(str(log), history)
    assert history.accuracies == {'test': {10: 0.852}, 'validation': {10: 0.861}}
    assert sorted(history.losses) == [10, 20, 30]
    assert history.losses[10] == (1, 3.2233) and history.losses[20] == (2, 2.9)     # the later line counts


def texts(path):
    return [node.text for node in xml.etree.ElementTree.parse(str(path)).iter('{http://www.w3.org/2000/svg}text')]


def test_a_run_and_its_evaluation_make_two_panels_the_same_to_the_last_byte(call, place, trained):
    pytest.importorskip('matplotlib', reason='matplotlib comes with the extra plots')
    (place / 'evaluation.log').write_text('Epoch 1: test accuracy 0.510 on 100 reviews of reviews.csv\n'
                                          'Epoch 11: test accuracy 0.990 on 100 reviews of reviews.csv\n')
    (place / 'chars.log').write_text(CHARACTERS)
    arguments = ['train.log', '--label', 'the book & co', 'evaluation.log', '--label', 'the book & co', 'chars.log',
                 '--label', 'Hamlet']
    status, out, _ = call('plot_history.py', *arguments)
    assert (status, out) == (0, 'history.svg: the book & co, 55 losses, 2 accuracies; Hamlet, 2 losses\n')
    written = texts(place / 'history.svg')
    assert {'iteration', 'epoch', 'accuracy', 'the book & co', 'Hamlet', 'the book & co, test'} <= set(written)
    call('plot_history.py', *arguments, '--out', 'again.SVG')
    first, again = (place / 'history.svg').read_bytes(), (place / 'again.SVG').read_bytes()
    assert first == again and b'date' not in first and len(first) < 60000


def test_a_log_without_accuracies_makes_one_panel_and_without_losses_the_other(call, place, trained):
    pytest.importorskip('matplotlib', reason='matplotlib comes with the extra plots')
    (place / 'accuracies.log').write_text('Epoch 1: test accuracy 0.510 on 5\nEpoch 2: test accuracy 0.6 on 5\n')
    assert call('plot_history.py', 'train.log', '--out', 'one.svg')[0] == 0
    written = texts(place / 'one.svg')
    assert 'train.log' in written and 'accuracy' not in written
    assert call('plot_history.py', 'accuracies.log', '--out', 'other.svg')[0] == 0
    written = texts(place / 'other.svg')
    assert 'accuracies.log, test' in written and 'iteration' not in written


@pytest.mark.parametrize('logs, labels', [
    (['a/history.csv', 'b/history.csv'], ['a', 'b']),
    (['a', 'b'], ['a', 'b']),
    (['a/history.csv', 'c/a/history.csv', 'b'], ['a', 'c/a', 'b']),
    (['a/train.log', 'b/train.log', 'x.log'], ['a/train.log', 'b/train.log', 'x.log']),
    (['a/history.csv', 'a'], ['a', 'a']),
    (['a', 'b', '--label', 'one', '--label', 'one'], ['one', 'one']),
])
def test_runs_are_named_after_their_folders(tmp_path, monkeypatch, logs, labels):
    monkeypatch.chdir(tmp_path)
    for folder in ('a', 'b', 'c/a'):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert script('plot_history.py').arguments(logs).label == labels


def test_a_history_in_the_working_directory_is_named_after_it(tmp_path, monkeypatch):
    (tmp_path / 'model-7').mkdir()
    monkeypatch.chdir(tmp_path / 'model-7')
    assert script('plot_history.py').arguments(['history.csv']).label == ['model-7']


def test_two_histories_are_two_runs(call, place):
    pytest.importorskip('matplotlib', reason='matplotlib comes with the extra plots')
    for number, name in enumerate(('left', 'right')):
        (place / name).mkdir()
        (place / name / 'history.csv').write_text('epoch,iteration,loss,accuracy\n1,10,%d.5,\n2,20,0.5,\n' % number)
    status, out, _ = call('plot_history.py', 'left/history.csv', 'right', '--out', 'two.svg')
    assert (status, out) == (0, 'two.svg: left, 2 losses; right, 2 losses\n')
    assert {'left, training', 'right, training'} <= set(texts(place / 'two.svg'))


def test_a_png_is_one_and_a_long_run_stays_small(call, place):
    pytest.importorskip('matplotlib', reason='matplotlib comes with the extra plots')
    (place / 'long.log').write_text(''.join(
        'Epoch %d/100 Iteration %d| Training loss: %.4f\n' % (1 + row // 200, row + 1, 3 - row / 10000)
        for row in range(20000)))
    assert call('plot_history.py', 'long.log', '--out', 'long.svg')[0] == 0
    assert (place / 'long.svg').stat().st_size < 250000
    assert call('plot_history.py', 'long.log', '--out', 'long.png')[0] == 0
    assert (place / 'long.png').read_bytes().startswith(b'\x89PNG\r\n')
    assert (place / 'long.png').stat().st_size < 150000


@pytest.mark.parametrize('arguments, message', [
    (['train.log', '--out', 'curve.pdf'], '--out must end in .png or .svg, not curve.pdf'),
    (['train.log', '--label', 'a', '--label', 'b'], '--label must be given once for each of the 1 logs, not 2 times'),
    (['none.log'], 'cannot read none.log'),
    (['reviews.csv'], "reviews.csv has no line such as 'Epoch: 1/40"),
    (['train.log', '--out', 'reviews.csv/curve.svg'], 'reviews.csv/curve.svg')])
def test_mistakes_about_curves_are_one_line_and_leave_nothing(arguments, message, call, trained):
    if 'train.log' not in arguments or 'reviews.csv/curve.svg' in arguments:
        pytest.importorskip('matplotlib', reason='matplotlib comes with the extra plots')
    before = sorted(os.listdir('.'))
    status, out, err = call('plot_history.py', *arguments)
    assert (status, out) == (2, '')
    assert err.count('\n') == 1 and 'error: ' in err and message in err
    assert sorted(os.listdir('.')) == before


REVIEWS = ['csv', 'data-dir', 'encoding', 'label-column', 'limit', 'no-header', 'positive', 'separator', 'shuffle-rows',
           'text-column']


@pytest.mark.parametrize('name, flags', [
    ('baselines.py reviews', REVIEWS),
    ('baselines.py characters', ['text', 'data-dir']),
    ('evaluate_checkpoints.py', REVIEWS + ['ckpt-dir', 'epochs', 'device']),
    ('evaluate_ensemble.py', REVIEWS + ['device']),
    ('plot_history.py', ['out', 'label'])])
def test_help_describes_every_flag(name, flags, call):
    status, out, _ = call(*name.split(), '--help')
    described = re.findall(r'^  --([a-z-]+)[^\n]*?(?:  +|\n +)\S', out, flags=re.MULTILINE)
    assert (status, sorted(described)) == (0, sorted(flags))


# -------------------------------------------------------------------------------------------------- verify_portable

def test_a_review_model_is_the_same_with_numpy_alone_and_a_changed_weight_is_found(trained, place, call):
    assert call('export_model.py', '--ckpt-dir', 'model')[0] == 0
    status, out, _ = call('verify_portable.py', '--ckpt-dir', 'model', '--csv', 'reviews.csv')
    lines = out.splitlines()
    assert status == 0 and len(lines) == 2
    for line, state in zip(lines, ('carried', 'zero')):
        assert line.startswith('sentiment-10.ckpt, state %s: 0 of 100 labels differ on reviews.csv; largest ' % state)
        assert float(re.search(r'probability (\S+) ', line).group(1)) < 1e-5
    shutil.copytree(str(place / 'model'), str(place / 'other'))
    assert call('export_model.py', '--ckpt-dir', 'other', '--checkpoint', 'sentiment-0.ckpt')[0] == 0
    (place / 'first.npz').write_bytes((place / 'other' / 'weights.npz').read_bytes())
    with np.load(str(place / 'first.npz')) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    changed['logits/bias'] = changed['logits/bias'] + 9
    np.savez(str(place / 'other' / 'weights.npz'), **changed)
    _, out, _ = call('verify_portable.py', '--ckpt-dir', 'other', '--csv', 'reviews.csv')
    assert re.match(r'sentiment-0\.ckpt, state carried: [1-9]\d* of 100 labels differ', out)
    assert re.search(r'\n  row \d+: 0\.\d{7} in TensorFlow, [01]\.\d{7} in NumPy\n', out)


@pytest.mark.slow
def test_a_pooled_model_has_no_carried_state_to_compare(place, call):
    call('train_sentiment.py', '--csv', 'reviews.csv', '--epochs', '2', '--ckpt-dir', 'pooled', '--engine', 'fused',
         '--pooling', 'meanmax', '--bidirectional', '--shuffle', *SMALL)
    assert call('export_model.py', '--ckpt-dir', 'pooled')[0] == 0
    status, out, _ = call('verify_portable.py', '--ckpt-dir', 'pooled', '--csv', 'reviews.csv')
    assert status == 0 and len(out.splitlines()) == 1
    assert out.startswith('sentiment-1.ckpt, state zero: 0 of 100 labels differ on reviews.csv; largest ')


def test_a_character_model_writes_the_same_text_with_numpy_alone(place, call):
    (place / 'text.txt').write_text('the cat sat on the mat; ' * 40, encoding='utf-8')
    assert call('train_charrnn.py', '--text', 'text.txt', '--epochs', '2', '--ckpt-dir', 'char', '--length', '0',
                '--batch-size', '4', '--num-steps', '10', '--lstm-size', '8')[0] == 0
    assert call('export_model.py', '--ckpt-dir', 'char')[0] == 0
    status, out, _ = call('verify_portable.py', '--ckpt-dir', 'char', '--length', '50')
    assert (status, out) == (0, 'language_modeling.ckpt-46, seed 123: the 52 characters are equal\n')


@pytest.mark.slow
def test_a_saved_model_reads_raw_text_alike_and_another_checkpoint_is_found(trained, place, call):
    for name, differ in (('sentiment-10.ckpt', '0'), ('sentiment-0.ckpt', r'[1-9]\d*')):
        assert call('export_model.py', '--ckpt-dir', 'model', '--checkpoint', name, '--saved-model', name)[0] == 0
        status, out, _ = call('verify_portable.py', '--csv', 'reviews.csv', '--saved-model', name)
        assert status == 0 and re.match(r'%s, raw text: %s of 100 labels differ on reviews.csv; ' % (name, differ), out)
        assert (float(re.search(r'probability (\S+) ', out).group(1)) < 1e-5) == (differ == '0')
    status, _, err = call('verify_portable.py', '--csv', 'reviews.csv', '--saved-model', 'none')
    assert status == 2 and 'error: --saved-model none cannot be run: ' in err and err.count('\n') == 1


@pytest.mark.slow
def test_onnx_runtime_is_compared_and_timed_in_place_of_numpy(trained, place, call):
    pytest.importorskip('onnxruntime', reason='ONNX Runtime comes with the extra onnx')
    assert call('export_model.py', '--ckpt-dir', 'model', '--onnx', 'reviews.onnx')[0] == 0
    status, out, _ = call('verify_portable.py', '--ckpt-dir', 'model', '--csv', 'reviews.csv', '--onnx', 'reviews.onnx')
    compared, timed = out.splitlines()
    assert status == 0 and re.match(r'sentiment-10\.ckpt, state zero: 0 of 100 labels differ on reviews\.csv; .* '
                                    r'probability \d\.\de-0[6-9] ', compared)
    assert re.match(r'rows a second: [1-9]\d* with predict, [1-9]\d* with ONNX Runtime$', timed)
    (place / 'text.txt').write_text('the cat sat on the mat; ' * 40, encoding='utf-8')
    assert call('train_charrnn.py', '--text', 'text.txt', '--epochs', '2', '--ckpt-dir', 'char-onnx', '--length', '0',
                '--batch-size', '4', '--num-steps', '10', '--lstm-size', '8')[0] == 0
    assert call('export_model.py', '--ckpt-dir', 'char-onnx', '--onnx', 'characters.onnx')[0] == 0
    flags = ['--ckpt-dir', 'char-onnx', '--length', '50', '--onnx']
    status, out, _ = call('verify_portable.py', *flags, 'characters.onnx')
    assert (status, out) == (0, 'language_modeling.ckpt-46, seed 123: the 52 characters are equal\n')
    for path, message in [('reviews.onnx', 'reviews.onnx holds sentiment-10.ckpt, not language_modeling.ckpt-46; '),
                          ('text.txt', '--onnx text.txt cannot be loaded: ')]:
        status, _, err = call('verify_portable.py', *flags, path)
        assert status == 2 and message in err


def test_verify_portable_says_what_is_missing(place, call, tmp_path):
    status, _, err = call('verify_portable.py', '--ckpt-dir', str(tmp_path))
    assert status == 2 and 'holds no model: there is no model.json in it' in err
