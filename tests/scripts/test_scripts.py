"""The scripts as a user runs them, on small data made here; in processes of their own where that is the point."""

import csv
import gzip
import io
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from conftest import ROOT
import models
import rnnbook
from rnnbook import imdb

SCRIPTS = os.path.join(ROOT, 'scripts')
SMALL_REVIEWS = ['--seq-len', '8', '--embed-size', '4', '--lstm-size', '4', '--batch-size', '10', '--learning-rate',
                 '0.02', '--log-every', '2']
SMALL_TEXT = ['--batch-size', '4', '--num-steps', '10', '--lstm-size', '8', '--log-every', '2', '--length', '30']


def start(name, *arguments, cwd):
    return subprocess.Popen([sys.executable, os.path.join(SCRIPTS, name)] + list(arguments), cwd=str(cwd),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_elsewhere(name, *arguments, cwd):
    """Standard output and standard error of a script that ends well, in a process of its own."""
    process = start(name, *arguments, cwd=cwd)
    out, err = (data.decode('utf-8') for data in process.communicate(timeout=120))
    assert process.returncode == 0, err
    assert 'Traceback' not in err
    return out, err


def run(name, *arguments, cwd, text='', encoding='utf-8'):
    """Standard output and standard error of a script that ends well, called here with streams of this encoding."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline='\n') for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        stdin = io.TextIOWrapper(io.BytesIO(text if isinstance(text, bytes) else text.encode('utf-8')))
        for stream, value in (('stdin', stdin), ('stdout', out), ('stderr', err)):
            patch.setattr(sys, stream, value)
        status = main_of(name)(list(arguments))
    for stream in (out, err):
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in (out, err))
    assert status == 0, err
    return out, err


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A folder with a CSV of reviews and a text."""
    place = tmp_path_factory.mktemp('scripts')
    draw = random.Random(0)
    with open(str(place / 'reviews.csv'), 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['review', 'sentiment'])
        for _ in range(400):
            label = draw.randrange(2)
            words = [draw.choice(['fine', 'lovely', 'great'] if label else ['dull', 'awful', 'bad'])
                     for _ in range(3)] + ['film', 'caf\u00e9', 'with', 'a', 'cast']
            draw.shuffle(words)
            writer.writerow([' '.join(words) + '!', label])
    (place / 'text.txt').write_text('The cat sat on the mat; the \u00e9tude went on. ' * 20, encoding='utf-8')
    return place


@pytest.fixture(scope='module')
def reviews_run(place):
    return run('train_sentiment.py', '--csv', 'reviews.csv', '--epochs', '8', *SMALL_REVIEWS, cwd=place)[0]


@pytest.fixture(scope='module')
def text_run(place):
    return run('train_charrnn.py', '--text', 'text.txt', '--epochs', '4', *SMALL_TEXT, cwd=place)[0]


def test_training_on_reviews_prints_the_data_the_losses_and_the_accuracy_on_named_data(place, reviews_run):
    lines = reviews_run.splitlines()
    assert lines[0] == 'Data: reviews.csv, 200 reviews to train and 200 to test'
    assert re.match(r"Labels: '1' is 1 \(\d+ rows\), '0' is 0 \(\d+ rows\)$", lines[1])
    assert lines[2] == 'Words: 12 in the vocabulary, 9.0 in a review on average'
    assert re.match(r'Epoch: 1/8 Iteration: 2 \| Train loss: \d\.\d{5}$', lines[3])
    assert len(lines) == 3 + 8 * 20 // 2 + 2
    assert lines[-2] == 'Model saved in ./model/'
    accuracy, where = re.match(r'Test Acc\.: (\d\.\d{3}) on 200 reviews of (.*)$', lines[-1]).groups()
    assert float(accuracy) > 0.9                            # the words decide, so that it can be learned
    assert where == 'reviews.csv'


def test_a_model_trained_in_one_process_moved_and_used_by_another_classifies_texts(place, reviews_run, tmp_path):
    shutil.copytree(str(place / 'model'), str(tmp_path / 'elsewhere'))
    texts = ['A lovely, great, fine film', 'awful! dull; bad', 'zebra lovely great fine']
    out, err = run_elsewhere('predict_sentiment.py', '--ckpt-dir', 'elsewhere', *texts, cwd=tmp_path)
    rows = [line.split(' ', 2) for line in out.split('\n')[:-1]]
    assert [(row[0], row[2]) for row in rows] == [('1', texts[0]), ('0', texts[1]), ('1', texts[2])]
    assert all(0 <= float(row[1]) <= 1 and len(row[1]) == 6 for row in rows)
    assert 'Left out: 4 words that the model has not seen' in err       # two commas, a semicolon and a zebra


def test_texts_come_from_a_file_or_standard_input_and_go_out_as_csv_or_json(place, reviews_run):
    (place / 'new.txt').write_text('a fine caf\u00e9\n\nbad, "awful" film\n', encoding='utf-8')
    form, _ = run('predict_sentiment.py', '--file', 'new.txt', '--format', 'csv', cwd=place)
    rows = list(csv.DictReader(io.StringIO(form)))
    assert [(row['label'], row['unknown_words'], row['text']) for row in rows] == [
        ('1', '0', 'a fine caf\u00e9'), (rows[1]['label'], '0', ''), ('0', '3', 'bad, "awful" film')]
    lines, _ = run('predict_sentiment.py', '--format', 'json', cwd=place,
                   text='a fine caf\u00e9\n\nbad, "awful" film\n')
    found = [json.loads(line) for line in lines.splitlines()]
    assert [(row['label'], row['unknown_words'], row['text']) for row in found] == [
        (1, 0, 'a fine caf\u00e9'), (found[1]['label'], 0, ''), (0, 3, 'bad, "awful" film')]
    assert [row['probability'] for row in found] == [float(row['probability']) for row in rows]


def test_more_texts_than_a_batch_are_classified_each_alone(place, reviews_run):
    many = ['awful dull bad'] * 23 + ['lovely great fine']
    out, _ = run('predict_sentiment.py', cwd=place, text='\n'.join(many))
    alone, _ = run('predict_sentiment.py', many[-1], cwd=place)
    assert len(out.splitlines()) == 24
    assert len(set(out.splitlines()[:-1])) == 1
    assert out.splitlines()[-1] == alone.strip()


def test_training_on_a_text_ends_with_a_sample_that_another_process_repeats(place, text_run, tmp_path):
    lines = text_run.splitlines()
    assert lines[0] == 'Data: text.txt, 860 characters, 17 of them distinct'
    assert re.match(r'Epoch 1/4 Iteration 2\| Training loss: \d\.\d{4}$', lines[1])
    assert 'Model saved in ./model-4/' in lines
    sample = lines[-1]
    assert sample.startswith('The ') and len(sample) == 4 + 1 + 30
    shutil.copytree(str(place / 'model-4'), str(tmp_path / 'moved'))
    flags = ['--ckpt-dir', 'moved', '--length', '30', '--seed', '123']
    assert run_elsewhere('sample_charrnn.py', *flags, cwd=tmp_path)[0] == sample + '\n'
    wild, _ = run('sample_charrnn.py', *flags, '--top-n', '17', '--temperature', '9', '--starter', 'cat', cwd=tmp_path)
    assert wild.startswith('cat') and wild[4:] != sample[5:]


def test_a_text_with_other_characters_goes_on_from_a_model(place, text_run, capsys, monkeypatch):
    monkeypatch.chdir(place)
    (place / 'other.txt').write_text('The bat sat on the mat; the \u00e9tude went on. ' * 20, encoding='utf-8')
    flags = ['--text', 'other.txt', '--epochs', '2', *SMALL_TEXT, '--init-from', 'model-4', '--ckpt-dir', 'more']
    assert main_of('train_charrnn.py')(flags) == 2
    assert ("the text has characters that the model of --init-from has not seen, 'b'; --unknown skip leaves them out"
            in capsys.readouterr().err)
    out, _ = run('train_charrnn.py', *flags, '--unknown', 'skip', cwd=place)
    assert out.startswith('Data: other.txt, 840 characters, 17 of them distinct\n'
                          'Starting from the weights of model-4/language_modeling.ckpt-')
    shutil.move('model-4', 'away')                          # a run goes on without its source
    try:
        out, _ = run('train_charrnn.py', *flags, '--unknown', 'skip', '--resume', cwd=place)
    finally:
        shutil.move('away', 'model-4')
    assert ' is complete, in epoch 2, ' in out


def test_reviews_with_other_words_go_on_from_a_model(place, reviews_run):
    (place / 'other.csv').write_text('review,sentiment\n' + 'a lovely zebra,1\nan awful zebra,0\n' * 60)
    flags = ['--csv', 'other.csv', '--epochs', '1', '--init-from', 'model', '--ckpt-dir', 'more-reviews']
    out, _ = run('train_sentiment.py', *flags, *SMALL_REVIEWS, cwd=place)
    assert 'Starting from the weights of model/sentiment-7.ckpt.' in out
    descriptions = [json.loads((place / name / 'model.json').read_text()) for name in ('model', 'more-reviews')]
    assert descriptions[0]['vocabulary'] == descriptions[1]['vocabulary']
    assert float(re.search(r'Test Acc\.: (\d\.\d{3})', out).group(1)) > 0.9


@pytest.mark.parametrize('script, flags, message', [
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--init-from', 'model-4'], "a 'CharRNN', not a SentimentRNN"),
    ('train_charrnn.py', ['--text', 'text.txt', '--init-from', 'model'], "a 'SentimentRNN', not a CharRNN")])
def test_a_run_cannot_start_from_a_model_of_the_other_class(place, text_run, reviews_run, capsys, monkeypatch, script,
                                                            flags, message):
    monkeypatch.chdir(place)
    assert main_of(script)([*flags, '--ckpt-dir', 'never']) == 2
    assert 'model.json describes %s\n' % message in capsys.readouterr().err
    assert not os.path.exists('never')


SAMPLE_MISTAKES = [
    (['--top-n', '0'], '--top-n must be an integer of at least 1, not 0'),
    (['--top-n', 'some'], "--top-n must be an integer of at least 1 or 'all', not 'some'"),
    (['--num-samples', '0'], '--num-samples must be an integer of at least 1, not 0'),
    (['--stop', ''], '--stop must have at least one character, not none'),
    (['--stop', '#'], "--stop has '#', which the vocabulary lacks"),
    (['--starter', '#'], "--starter has '#', which the vocabulary lacks"),
    (['--stream', '--temperature', '0'], '--temperature must be above 0, not 0; --top-n 1 always takes the'),
    (['--stream', '--temperature', '-1'], '--temperature must be a finite number above 0, not -1.0'),
    (['--stop', r'a\q'], r"--stop has '\\', 'q', which the vocabulary lacks"),
    (['--starter', '\u00e8\u65e5'], "--starter has '\u00e8', '\u65e5', which the vocabulary lacks"),
    (['--length', '-1'], '--length must be an integer of at least 0, not -1'),
    (['--num-samples', '2000000000'], '--num-samples * (--length + 1) must be at most 67108864'),
    (['--length', '2000000000'], 'must be at most 67108864, not 1 * 2000000001'),
]


@pytest.mark.slow
def test_sampling_flags_are_those_of_sample(place, text_run, capsys, monkeypatch):
    monkeypatch.chdir(place)
    main = main_of('sample_charrnn.py')

    def write(*flags):
        assert main(['--ckpt-dir', 'model-4', '--length', '30', '--seed', '5'] + list(flags)) == 0
        return capsys.readouterr().out

    one = write()
    assert write('--stream') == one
    several = re.fullmatch('--- 1 of 2\n(.*)\n--- 2 of 2\n(.*)\n', write('--num-samples', '2')).groups()
    assert several[0] + '\n' == one and len(several[1]) == len(several[0]) == 4 + 31
    assert write('--top-n', 'all') != one
    end = one.index('t', 4)
    assert write('--stop', 't', '--stream') == one[:end + 1] + '\n'
    assert write('--starter', '#The ', '--unknown', 'skip') == one


def test_a_missing_folder_names_the_models_that_are_there(place, text_run, capsys, monkeypatch):
    monkeypatch.chdir(place)
    for name in ('sample_charrnn.py', 'export_model.py'):
        assert main_of(name)(['--ckpt-dir', 'model-100']) == 2
        assert re.search(r': error: --ckpt-dir model-100 is no folder with a model; models are in .*\./model-4/',
                         capsys.readouterr().err.strip())
    assert main_of('predict_sentiment.py')(['--ckpt-dir', 'none', 'x']) == 2
    assert 'model-4' not in capsys.readouterr().err         # a model of the other class


DNA = ['--batch-size', '2', '--num-steps', '5', '--lstm-size', '2', '--quiet', '--length', '3']


def test_a_model_without_the_chapters_starter_begins_with_a_character_that_it_knows(tmp_path):
    (tmp_path / 'dna.txt').write_bytes(b'>\n' + b'ACGT' * 20)
    out, _ = run('train_charrnn.py', '--text', 'dna.txt', '--epochs', '1', *DNA, cwd=tmp_path)
    assert out.splitlines()[2].startswith('A')
    flags = ['--ckpt-dir', 'model-1', '--length', '400', '--top-n', 'all', '--seed', '1']
    text, _ = run('sample_charrnn.py', *flags, cwd=tmp_path)
    assert text.startswith('A') and '\n' in text[:-1]
    assert run('sample_charrnn.py', *flags, '--stop', r'\n', cwd=tmp_path)[0] == text[:text.index('\n') + 1] + '\n'


def test_a_text_of_one_character_is_counted_in_the_singular(tmp_path, capsys):
    (tmp_path / 'a.txt').write_bytes(b'a')
    assert main_of('train_charrnn.py')(['--text', str(tmp_path / 'a.txt')]) == 2
    assert capsys.readouterr().out.endswith('a.txt, 1 character, 1 of them distinct\n')


def test_a_run_for_more_epochs_finds_the_folder_to_resume(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'dna.txt').write_bytes(b'ACGT' * 20)
    flags = ['--text', 'dna.txt', *DNA]
    main = main_of('train_charrnn.py')
    assert main(flags + ['--epochs', '1', '--resume']) == 0         # there is nothing yet: a new run
    before = sorted(os.listdir('.'))
    assert main(flags + ['--epochs', '2', '--resume']) == 2
    assert capsys.readouterr().err.endswith(
        'error: --resume finds no run in ./model-2/, but there is one in ./model-1/; to go on with it, give --ckpt-dir '
        './model-1/; to start a new run from its weights, give --init-from ./model-1/ and no --resume\n')
    assert sorted(os.listdir('.')) == before
    assert main(flags + ['--epochs', '2', '--resume', '--ckpt-dir', './model-1/']) == 0
    assert 'Resuming from ./model-1/' in capsys.readouterr().out
    shutil.copytree('model-1', 'model-10')
    for epochs, name in (('5', 'model-1'), ('20', 'model-10')):
        assert main(flags + ['--epochs', epochs, '--resume']) == 2
        assert 'there is one in ./model-1/, ./model-10/; to go on with it, give --ckpt-dir ./%s/;' % name in (
            capsys.readouterr().err)
    book = ['--engine', 'book', '--recurrent-keep-prob', '1']
    for more in (['--lstm-size', '3'], ['--preset', 'best', *book], ['--ckpt-dir', 'mine']):
        assert main(flags + ['--epochs', '2', '--resume', *more]) == 0      # another model: a new run
    assert main(flags + ['--epochs', '3', '--resume', '--init-from', 'model-1']) == 0


def test_the_folder_of_the_texts_may_hold_the_models_and_the_cache(tmp_path):
    (tmp_path / 'a.txt').write_bytes(b'ACGT' * 20)
    flags = ['--text', '.', *DNA]
    first, _ = run('train_charrnn.py', *flags, '--epochs', '1', cwd=tmp_path)
    again, err = run('train_charrnn.py', *flags, '--epochs', '2', cwd=tmp_path)
    assert first.splitlines()[0] == again.splitlines()[0] == 'Data: ., 80 characters, 4 of them distinct'
    assert 'warning: .: 2 files and folders left out ' in err and err.endswith('; texts read: 1\n')
    resumed, _ = run('train_charrnn.py', *flags, '--epochs', '3', '--resume', '--ckpt-dir', 'model-2', cwd=tmp_path)
    assert 'Resuming from model-2/' in resumed


@pytest.mark.parametrize('flags, folder', [
    ([], './model-100/'), (['--epochs', '7'], './model-7/'), (['--preset', 'best'], './model-best-28/')])
def test_help_shows_the_default_folder(capsys, flags, folder):
    assert main_of('train_charrnn.py')(flags + ['--help']) == 0
    assert '(default:%s)' % folder in ''.join(capsys.readouterr().out.split())


@pytest.mark.parametrize('flags, message', SAMPLE_MISTAKES)
def test_a_mistake_in_sampling_is_one_line_and_status_2(flags, message, place, text_run, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert main_of('sample_charrnn.py')(['--ckpt-dir', 'model-4'] + flags) == 2
    out, err = capsys.readouterr()
    assert out == '' and len(err.splitlines()) == 1 and message in err


@pytest.mark.slow
@pytest.mark.parametrize('name, arguments', [
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--epochs', '2', *SMALL_REVIEWS]),
    ('train_charrnn.py', ['--text', 'text.txt', '--epochs', '2', *SMALL_TEXT])])
def test_two_runs_with_one_seed_print_the_same_to_the_last_digit(name, arguments, place):
    first, second = (run_elsewhere(name, *arguments, '--ckpt-dir', folder, cwd=place)[0] for folder in ('one', 'two'))
    other, _ = run_elsewhere(name, *arguments, '--seed', '124', '--ckpt-dir', 'three', cwd=place)
    assert first.replace('one', 'two') == second
    assert 'loss: ' in first and other.replace('three', 'two') != second
    for folder in ('one', 'two', 'three'):
        shutil.rmtree(str(place / folder))


@pytest.mark.slow
def test_settings_of_the_vocabulary_travel_with_the_model(place, tmp_path):
    flags = ['--csv', str(place / 'reviews.csv'), '--epochs', '2', '--unknown', '--min-count', '2', '--drop-markup',
             '--training-half', *SMALL_REVIEWS]
    first, _ = run('train_sentiment.py', *flags, cwd=tmp_path)
    assert os.listdir(str(tmp_path / 'data' / 'cache'))
    again, _ = run('train_sentiment.py', *flags, '--no-cache', cwd=tmp_path)
    assert [line for line in again.splitlines() if 'holds an earlier run' not in line] == first.splitlines()
    out, err = run('predict_sentiment.py', 'a fine<br />zebra', cwd=tmp_path)
    assert out.endswith(' a fine<br />zebra\n')
    assert 'Read as unknown: 1 word that the model has not seen\n' in err


@pytest.mark.slow
def test_a_folder_of_texts_trains_as_one_text_does(place, text_run, tmp_path):
    text = (place / 'text.txt').read_text(encoding='utf-8')
    (tmp_path / 'texts').mkdir()
    (tmp_path / 'texts' / '1.txt').write_text(text[:300], encoding='utf-8')
    (tmp_path / 'texts' / '2.txt').write_text(text[300:], encoding='utf-8')
    out, _ = run('train_charrnn.py', '--text', 'texts', '--epochs', '4', *SMALL_TEXT, cwd=tmp_path)
    assert out.splitlines()[0] == 'Data: texts, 860 characters, 17 of them distinct'
    assert out.splitlines()[1:] == text_run.splitlines()[1:]


def test_a_made_corpus_has_its_size_and_is_the_same_again(tmp_path):
    for name in ('one.txt', 'two.txt'):
        out, _ = run('measure/make_corpus.py', name, '--megabytes', '0.8', cwd=tmp_path)
        assert out == '%s: 800000 bytes\n' % name
    run('measure/make_corpus.py', 'three.txt', '--megabytes', '0.8', '--seed', '5', cwd=tmp_path)
    one, two, three = ((tmp_path / name).read_bytes() for name in ('one.txt', 'two.txt', 'three.txt'))
    assert one == two != three and len(one) == len(three) == 800000
    text = one.decode('utf-8')
    assert 40 < len(set(text)) < 100 and max(map(ord, text)) > 127


def test_limit_takes_the_first_rows_of_each_half(place, tmp_path):
    out, _ = run('train_sentiment.py', '--csv', str(place / 'reviews.csv'), '--limit', '30', '--epochs', '1',
                 *SMALL_REVIEWS, cwd=tmp_path)
    assert '30 reviews to train and 30 to test' in out.splitlines()[0]
    assert 'on 30 reviews of' in out.splitlines()[-1]


def rows_of(place, name, rows, header='review,sentiment'):
    (place / name).write_text('\n'.join([header] + rows) + '\n', encoding='utf-8')
    return name


def test_labels_words_and_both_parts_of_the_training_half_are_printed(tmp_path):
    csv_path = rows_of(tmp_path, 'a.csv', ['a fine film,Positive', 'a dull film,negative'] * 20)
    out, err = run('train_sentiment.py', '--csv', csv_path, '--epochs', '1', '--validation', '0.4', *SMALL_REVIEWS,
                   cwd=tmp_path)
    assert out.splitlines()[1:4] == [
        "Labels: 'positive' is 1 (20 rows), 'negative' is 0 (20 rows)",
        'Words: 4 in the vocabulary, 3.0 in a review on average',
        'Validation: the last 8 of the 20 reviews to train, which leaves 12']
    again, _ = run('train_sentiment.py', '--csv', csv_path, '--epochs', '1', '--overwrite', *SMALL_REVIEWS,
                   cwd=tmp_path)
    assert again.splitlines()[1:3] == out.splitlines()[1:3]    # from the cache


def test_a_file_sorted_by_its_labels_is_refused_or_warned_of_and_can_be_shuffled(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = main_of('train_sentiment.py')
    flags = ['--epochs', '1', '--no-cache', *SMALL_REVIEWS]
    rows = ['a fine film,1'] * 20 + ['a dull film,0'] * 20
    rows_of(tmp_path, 'sorted.csv', rows)
    assert train(['--csv', 'sorted.csv', *flags]) == 2
    assert ('all rows of the first half, which trains, have the label 1; is the file sorted? --shuffle-rows 0 (or '
            'another seed) shuffles it before') in capsys.readouterr().err
    assert os.listdir('.') == ['sorted.csv']
    assert train(['--csv', 'sorted.csv', '--shuffle-rows', '0', *flags]) == 0
    assert 'sorted?' not in capsys.readouterr().err
    rows_of(tmp_path, 'nearly.csv', rows[:18] + rows[-2:] + rows[18:-2])
    assert train(['--csv', 'nearly.csv', '--overwrite', *flags]) == 0
    assert ('nearly.csv: 90% of the first half and 10% of the second half are positive; is the file sorted? '
            '--shuffle-rows 0') in capsys.readouterr().err
    rows_of(tmp_path, 'one.csv', rows[:20])
    assert train(['--csv', 'one.csv', *flags]) == 2
    assert 'all rows have the same label; a model needs both' in capsys.readouterr().err
    rows_of(tmp_path, 'starts.csv', [*rows[:10], rows[-1], *rows[:2], rows[-1], *rows[-8:]])
    for limit, message in (('5', 'all rows of the first half, which trains, have the label 1'),
                           ('2', 'all rows that --limit leaves have the same label'),
                           ('1', 'all rows that --limit leaves have')):
        assert train(['--csv', 'starts.csv', '--limit', limit, *flags]) == 2
        assert message in capsys.readouterr().err
    rows_of(tmp_path, 'two.csv', [rows[0], rows[-1]])
    assert train(['--csv', 'two.csv', *flags]) == 2
    assert 'all rows of the first half, which trains, have the label 1' in capsys.readouterr().err


def test_text_without_spaces_is_warned_of(tmp_path):
    rows_of(tmp_path, 'a.csv', ['\u5f88\u597d\u5403,1', '\u96be\u5403,0'] * 10)
    _, err = run('train_sentiment.py', '--csv', 'a.csv', '--epochs', '1', *SMALL_REVIEWS, cwd=tmp_path)
    assert 'a.csv has 1.0 words a review; words end at white space' in err and 'split into words first' in err


def test_a_packed_table_trains_the_same_weights(tmp_path):
    rows_of(tmp_path, 'a.csv', ['a fine film,1', 'a dull film,0'] * 10)
    (tmp_path / 'a.csv.gz').write_bytes(gzip.compress((tmp_path / 'a.csv').read_bytes()))
    for name in ('a.csv', 'a.csv.gz'):
        run('train_sentiment.py', '--csv', name, '--epochs', '1', '--ckpt-dir', name + '.model', *SMALL_REVIEWS,
            cwd=tmp_path)
    first, second = (models.variables(str(tmp_path / (name + '.model'))) for name in ('a.csv', 'a.csv.gz'))
    assert sorted(first) == sorted(second)
    assert all((first[name] == second[name]).all() for name in first)


def test_the_rows_of_a_table_are_printed_with_two_more_columns(place, reviews_run):
    (place / 'new.csv').write_bytes(b'id;Review;label\r\n7;"a fine; film\r\nlovely";x\r\n8;"dull\rbad";\r\n')
    out, _ = run('predict_sentiment.py', '--csv', 'new.csv', cwd=place)
    rows = list(csv.DictReader(io.StringIO(out, newline=''), delimiter=';'))
    assert [list(row) for row in rows] == [['id', 'Review', 'label', 'predicted_label', 'probability']] * 2
    assert [(row['id'], row['Review'], row['label'], row['predicted_label']) for row in rows] == [
        ('7', 'a fine; film\r\nlovely', 'x', '1'), ('8', 'dull\rbad', '', '0')]
    alone, _ = run('predict_sentiment.py', 'a fine; film\r\nlovely', '--format', 'json', cwd=place)
    assert json.loads(alone)['probability'] == float(rows[0]['probability'])
    out, _ = run('predict_sentiment.py', '--csv', 'reviews.csv', cwd=place)
    rows = list(csv.DictReader(io.StringIO(out, newline='')))
    assert len(rows) == 400 and list(rows[0]) == ['review', 'sentiment', 'label', 'probability']
    assert sum(row['sentiment'] == row['label'] for row in rows) > 380
    (place / 'bare.csv').write_text('1,a fine film\n')
    out, _ = run('predict_sentiment.py', '--csv', 'bare.csv', '--no-header', '--text-column', '1', cwd=place)
    assert re.match(r'1,a fine film,1,0\.\d+\n$', out)


def test_only_a_line_feed_ends_a_line_of_reviews(place, reviews_run):
    data = '\ufeffa fine\x85 film\r\ndull\rbad\u2028film\n\nlovely'.encode('utf-8')
    (place / 'lines.txt').write_bytes(data)
    (place / 'lines.txt.gz').write_bytes(gzip.compress(data))
    texts = ['a fine\x85 film', 'dull\rbad\u2028film', '', 'lovely']
    for arguments, stdin in ((['--file', 'lines.txt'], b''), (['--file', 'lines.txt.gz'], b''), ([], data)):
        out, _ = run('predict_sentiment.py', *arguments, '--format', 'json', cwd=place, text=stdin)
        assert [json.loads(line)['text'] for line in out.split('\n')[:-1]] == texts
        out, _ = run('predict_sentiment.py', *arguments, '--format', 'csv', cwd=place, text=stdin)
        assert [row['text'] for row in csv.DictReader(io.StringIO(out, newline=''))] == texts


def test_bytes_of_standard_input_are_treated_as_those_of_a_file(place, reviews_run, capsys, monkeypatch):
    monkeypatch.chdir(place)
    data = 'lovely\nna\u00efve and dull\n'.encode('cp1252')
    (place / 'old.txt').write_bytes(data)
    for name, arguments in (('old.txt', ['--file', 'old.txt']), ('standard input', [])):
        monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(data)))
        assert main_of('predict_sentiment.py')(arguments) == 2
        captured = capsys.readouterr()
        assert ('error: %s is not UTF-8: byte 9 is 0xef, in line 2; if it is text, name its encoding with --encoding'
                % name) in captured.err and captured.out == ''
        out, _ = run('predict_sentiment.py', *arguments, '--encoding', 'cp1252', cwd=place, text=data)
        assert out.split('\n')[1].endswith(' na\u00efve and dull')
    for encoding in ('utf-16', 'utf-32'):                   # with a byte order mark
        out, _ = run('predict_sentiment.py', cwd=place, text='lovely\nna\u00efve and dull\n'.encode(encoding))
        assert out.split('\n')[1].endswith(' na\u00efve and dull')
    monkeypatch.setattr(sys, 'stdin', None)
    assert main_of('predict_sentiment.py')([]) == 2
    assert 'no review is given, and standard input is closed' in capsys.readouterr().err


MISTAKES = [
    ('train_sentiment.py', ['--csv', ''], "--csv must be a path of at least one character and without NUL, not ''"),
    ('train_sentiment.py', ['--csv', '/dev/zero'],
     '/dev/zero is a pipe or a device, not a regular file; save what it gives in a file first'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--text-column', 'text'], 'with --text-column and --label-c'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--no-header'], '--text-column must be a number from 0 where '),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--encoding', 'x'], '--encoding must name a text encoding such as'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--separator', 'xy'], '--separator must be one character, or tab'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--positive', '2'],
     'or name those of positive reviews with --positive'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--min-count', '5000', '--no-cache'],
     '--min-count 5000 leaves no word of the reviews; lower it'),
    *[('train_sentiment.py', flags, 'error: %s needs --csv' % flags[0]) for flags in (
        ['--text-column', 'x'], ['--label-column', 'x'], ['--separator', ';'], ['--encoding', 'cp1252'],
        ['--no-header'], ['--positive', '1'])],
    ('predict_sentiment.py', ['--text', ''], '--text must be a review, not empty'),
    ('predict_sentiment.py', ['--csv', ''], '--csv must be a path of at least one character'),
    ('predict_sentiment.py', ['--file', ''], '--file must be a path of at least one character'),
    ('predict_sentiment.py', ['--file', 'reviews.csv'], '--file reads one review a line, and reviews.csv is a table'),
    ('predict_sentiment.py', ['--csv', 'text.txt'], 'needs the column review; it has'),
    ('predict_sentiment.py', ['--csv', 'reviews.csv', '--file', 'x'], 'give only one of TEXT, --file and --csv'),
    ('predict_sentiment.py', ['--csv', 'reviews.csv', '--format', 'json'], 'give --format or --csv, which keeps'),
    ('train_sentiment.py', ['--csv', 'none.csv'], 'cannot read none.csv: No such file or directory'),
    ('train_sentiment.py', ['--csv', 'text.txt'], 'text.txt needs the columns review and sentiment'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--lstm-size', '0'],
     '--lstm-size must be an integer of at least 1'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--batch-size', '201', '--no-cache'],
     'X_train must have at least --batch-size = 201'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--epochs', '0'], '--epochs must be an integer of at least 1'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--limit', '0'], '--limit must be an integer of at least 1'),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--device', 'gpu'],
     "device must be 'auto' or 'cpu' here, not 'gpu'"),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--epochs', 'x'], "argument --epochs: invalid int value: 'x'"),
    ('train_sentiment.py', ['--data-dir', 'nowhere'], 'nowhere'),
    ('train_charrnn.py', ['--text', 'none.txt'], 'cannot read none.txt: No such file or directory'),
    ('train_charrnn.py', ['--text', 'text.txt'],
     '--text must have at least --batch-size * --num-steps + 1 = 6401 characters for one batch, not 860'),
    ('train_charrnn.py', ['--text', 'text.txt', '--keep-prob', '2'], '--keep-prob must be a finite number above 0'),
    ('predict_sentiment.py', ['--ckpt-dir', 'none', 'text'], '--ckpt-dir none is no folder with a model; '),
    ('predict_sentiment.py', ['--file', 'none', '--ckpt-dir', '.'], 'cannot read none'),
    ('predict_sentiment.py', ['--file', 'text.txt', 'text'], 'give only one of TEXT, --file and --csv'),
    ('predict_sentiment.py', ['--format', 'xml', 'text'], "invalid choice: 'xml'"),
    ('sample_charrnn.py', ['--ckpt-dir', 'none'], '--ckpt-dir none is no folder with a model; '),
    ('sample_charrnn.py', ['--ckpt-dir', ''], '--ckpt-dir must be a path of at least one character'),
    ('train_charrnn.py', ['--text', ''], '--text must be a path of at least one character'),
    ('train_charrnn.py', ['--text', '/dev/zero'], '/dev/zero is a pipe or a device, not a regular file'),
    ('train_charrnn.py', ['--text', '.', '--ckpt-dir', './'], '--ckpt-dir must not be the folder of the texts, .'),
    ('train_charrnn.py', ['--text', 'text.txt', '--encoding', 'x'], '--encoding must name a text encoding such as'),
    ('train_charrnn.py', ['--text', 'text.txt', '--encoding', 'ascii'],
     'text.txt is not ASCII: byte 28 is 0xc3, in line 1; '
     'if it is text, name its encoding with --encoding, such as cp1252'),
    ('train_charrnn.py', ['--text', 'a.txt', 'b.txt', 'c.txt', '--epochs', '1'],
     "unrecognized arguments: b.txt c.txt; put a pattern in quotes: --text 'texts/*.txt', say"),
    ('train_sentiment.py', ['--csv', 'reviews.csv', '--min-count', '0'],
     '--min-count must be an integer of at least 1'),
    ('train_charrnn.py', ['--text', 'none*.txt'], 'none*.txt matches no file'),
    ('measure/make_corpus.py', ['x.txt', '--megabytes', '0'], '--megabytes must be a finite number above 0, not 0'),
    ('measure/make_corpus.py', ['x.txt', '--megabytes', '1e-9'], '--megabytes must be at least a millionth, not 1e-09'),
    ('measure/make_corpus.py', ['x.txt', '--seed', '-1'], '--seed must be an integer from 0 to 4294967295, not -1'),
    ('sample_charrnn.py', ['--seed', '-1'], '--seed must be an integer from 0 to 4294967295, not -1'),
    ('sample_charrnn.py', ['--num-samples', '2', '--stream'], 'give --num-samples or --stream, not both'),
    ('sample_charrnn.py', ['--ckpt-dir', 'gs://x'], "--ckpt-dir must be a folder of this machine, not the address 'gs"),
    ('export_model.py', ['--ckpt-dir', 'gs://x'], "--ckpt-dir must be a folder of this machine, not the address 'gs"),
    ('predict_sentiment.py', ['--ckpt-dir', 'gs://x', 'y'], '--ckpt-dir must be a folder of this machine, not the '),
    ('train_charrnn.py', ['--text', 'none.txt', '--ckpt-dir', 's3://x'], '--ckpt-dir must be a folder of this machine'),
    ('train_charrnn.py', ['--text', 'none.txt', '--ckpt-dir', ''], '--ckpt-dir must be a path of at least one charact'),
    ('train_sentiment.py', ['--csv', 'none.csv', '--ckpt-dir', 's3://x'], '--ckpt-dir must be a folder of this machin'),
    ('sample_charrnn.py', ['--ckpt-dir', 'text.txt'], '--ckpt-dir text.txt is no folder with a model; '),
    ('export_model.py', ['--ckpt-dir', 'text.txt'], '--ckpt-dir text.txt is no folder with a model; '),
    ('sample_charrnn.py', ['--unknown', 'drop'], "invalid choice: 'drop'"),
]


@pytest.mark.parametrize('name, arguments, message', MISTAKES)
def test_a_mistake_is_one_line_and_status_2(name, arguments, message, place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    before = sorted(os.listdir('.'))
    status = main_of(name)(arguments)
    out, err = capsys.readouterr()
    assert status == 2
    assert message in err.splitlines()[-1] and 'error: ' in err.splitlines()[-1]
    assert 'Traceback' not in err
    assert sorted(os.listdir('.')) == before


def main_of(name):
    """The `main` of a script; a mistake that `argparse` finds is a status too."""
    space = {'__name__': 'script', '__file__': name}
    with open(os.path.join(SCRIPTS, name), encoding='utf-8') as file:
        exec(compile(file.read(), name, 'exec'), space)

    def main(arguments):
        try:
            return space['main'](arguments)
        except SystemExit as end:
            return end.code
    return main


RUN = ['epochs', 'ckpt-dir', 'resume', 'save-every', 'save-minutes', 'max-to-keep', 'log-every', 'overwrite',
       'validation', 'keep-best', 'patience', 'decay', 'decay-after', 'quiet', 'logdir', 'init-from']
LAYOUT = ['encoding', 'separator', 'text-column', 'no-header', 'label-column', 'positive', 'shuffle-rows']
FLAGS = {
    'train_sentiment.py': ['csv', *LAYOUT, 'data-dir', 'limit', 'min-count', 'max-words', 'unknown', 'drop-markup',
                           'training-half', 'no-cache', 'seq-len', 'lstm-size', 'num-layers', 'batch-size',
                           'learning-rate', 'embed-size', 'keep-prob', 'engine', 'optimizer', 'pooling',
                           'bidirectional', 'embed-keep-prob', 'embed-init', 'grad-clip', 'shuffle', 'span-keep-prob',
                           'preset', 'shards', 'seed', 'distributed', 'scale-learning-rate',
                           'device', 'intra-op-threads', 'inter-op-threads', *RUN],
    'train_charrnn.py': ['text', 'encoding', 'preset', 'data-dir', 'held-out', 'batch-size', 'num-steps', 'lstm-size',
                         'num-layers', 'learning-rate', 'keep-prob', 'recurrent-keep-prob', 'grad-clip', 'engine',
                         'shards', 'seed', 'device', 'distributed', 'scale-learning-rate',
                         'intra-op-threads', 'inter-op-threads', *RUN, 'length', 'unknown'],
    'predict_sentiment.py': ['text', 'file', 'csv', *LAYOUT[:4], 'ckpt-dir', 'checkpoint', 'format', 'device'],
    'measure/make_corpus.py': ['megabytes', 'seed'],
    'sample_charrnn.py': ['ckpt-dir', 'checkpoint', 'length', 'starter', 'unknown', 'top-n', 'temperature', 'stop',
                          'seed', 'num-samples', 'stream', 'device'],
}


@pytest.mark.parametrize('name', sorted(FLAGS))
def test_help_describes_every_flag(name, capsys):
    assert main_of(name)(['--help']) == 0
    text = capsys.readouterr().out
    described = re.findall(r'^  --([a-z-]+)[^\n]*?(?:  +|\n +)\S', text, flags=re.MULTILINE)
    assert sorted(described) == sorted(FLAGS[name])


@pytest.mark.parametrize('flag', ['--keep-prob', '--span-keep-prob', '--learning-rate', '--decay'])
def test_a_bad_rate_is_refused_before_the_data_are_read(flag, capsys):
    assert main_of('train_sentiment.py')(['--csv', 'not there.csv', flag, '0']) == 2
    assert 'error: %s must be a finite number above 0' % flag in capsys.readouterr().err


def test_the_defaults_of_the_scripts_are_the_runs_that_the_chapter_prints():
    args, model, fields, settings = vars_of('train_sentiment.py')['arguments']([])
    assert imdb.Settings(**settings) == imdb.Settings()
    assert model == dict(seq_len=200, lstm_size=128, num_layers=1, batch_size=100, learning_rate=0.001, embed_size=256,
                         engine='book', optimizer='adam', pooling='last', bidirectional=False, embed_keep_prob=1.0,
                         embed_init=1.0, grad_clip=None, shards=None, seed=123, device='auto',
                         intra_op_threads=None, inter_op_threads=None, distributed=False, scale_learning_rate=False)
    assert (args.num_epochs, args.ckpt_dir) == (40, './model/')
    assert fields == dict(keep_prob=0.5, shuffle=False, span_keep_prob=1.0, resume=False, save_every=10,
                          save_minutes=None, max_to_keep=5, log_every=None, overwrite=False, validation=None,
                          keep_best=False, patience=None, decay=1.0, decay_after=0, quiet=False, logdir=None,
                          init_from=None)
    args, model, fields = vars_of('train_charrnn.py')['arguments']([])
    assert model == dict(batch_size=64, num_steps=100, lstm_size=128, num_layers=1, learning_rate=0.001, keep_prob=0.5,
                         grad_clip=5.0, recurrent_keep_prob=1.0, engine='book', shards=None, seed=123, device='auto',
                         intra_op_threads=None, inter_op_threads=None, distributed=False, scale_learning_rate=False)
    assert (args.num_epochs, args.ckpt_dir, args.length) == (100, './model-100/', 500)
    assert fields == dict(resume=False, save_every=1, save_minutes=None, max_to_keep=5, log_every=None,
                          overwrite=False, validation=None, keep_best=False, patience=None, decay=1.0,
                          decay_after=0, quiet=False, logdir=None, init_from=None)


def test_the_best_presets_are_the_best_runs():
    args, model, fields, settings = vars_of('train_sentiment.py')['arguments'](['--preset', 'best', '--seed', '7'])
    found = {**vars(imdb.Settings(**settings)), **model, **fields, 'num_epochs': args.num_epochs}
    best = rnnbook.sentiment.BEST_RUN
    assert {name: found[name] for name in best} == best
    assert (args.ckpt_dir, model['seed'], model['shards']) == ('./model-best/', 7, None)
    args, model, fields = vars_of('train_charrnn.py')['arguments'](['--preset', 'best'])
    best = rnnbook.charrnn.BEST_RUN
    assert {name: {**model, **fields, 'num_epochs': args.num_epochs}[name] for name in best} == best
    assert args.ckpt_dir == './model-best-%d/' % best['num_epochs']


def vars_of(name):
    return main_of(name).__closure__[0].cell_contents


@pytest.mark.skipif(os.name == 'nt', reason='signals are sent in another way on Windows')
@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130),
                                            pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)])
def test_ctrl_c_saves_says_where_and_the_model_can_be_used(number, status, place, tmp_path):
    process = start('train_charrnn.py', '--text', str(place / 'text.txt'), '--epochs', '100000', *SMALL_TEXT,
                    '--ckpt-dir', 'stopped', cwd=tmp_path)
    while b'loss' not in process.stdout.readline():         # the first line of a loss; a dead process ends the lines
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status
    saved, command = out.decode().splitlines()[-2:]
    assert saved == 'Model saved in stopped'
    words = shlex.split(command[len('To resume: '):])
    assert words == [sys.executable, os.path.join(SCRIPTS, 'train_charrnn.py'), '--text', str(place / 'text.txt'),
                     '--epochs', '100000', *SMALL_TEXT, '--ckpt-dir', 'stopped', '--resume']
    assert b'stopping after this step' in err
    assert run('sample_charrnn.py', '--ckpt-dir', 'stopped', '--length', '5', cwd=tmp_path)[0].startswith('The ')


@pytest.mark.slow
def test_output_is_safe_on_a_console_that_is_not_utf_8(place, text_run, reviews_run):
    flags = ['--ckpt-dir', 'model-4', '--length', '0', '--starter', '\u00e9t']
    assert run('sample_charrnn.py', *flags, cwd=place, encoding='ascii')[0].startswith('\\xe9t')
    out, _ = run('predict_sentiment.py', 'caf\u00e9 \U0001f600', cwd=place, encoding='ascii')
    assert out.endswith('caf\\xe9 \\U0001f600\n')


def test_the_best_epoch_of_a_validated_training_is_the_one_that_is_tested(place, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = ['--csv', str(place / 'reviews.csv'), '--epochs', '3', *SMALL_REVIEWS]
    assert main_of('train_sentiment.py')(flags + ['--validation', '0.25', '--keep-best', '--patience', '9']) == 0
    lines = capsys.readouterr().out.splitlines()
    form = r'Best: epoch (\d), validation accuracy \d\.\d{3}; saved in \./model/best$'
    epoch = re.match(form, lines[-4]).group(1)
    assert lines[-2] == 'Using the best epoch, %s, from ./model/best' % epoch
    assert lines[-1].startswith('Test Acc.: ') and sum(' validation loss ' in line for line in lines) == 3
    assert main_of('train_sentiment.py')(flags + ['--keep-best']) == 2
    assert 'error: --keep-best needs validation' in capsys.readouterr().err


@pytest.mark.slow
def test_a_text_is_held_out_from_its_end_and_validated_on_what_stands_before(place, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = ['--text', str(place / 'text.txt'), '--epochs', '2', '--held-out', '0.1', '--validation', '0.1', '--quiet']
    assert main_of('train_charrnn.py')(flags + ['--keep-best', '--patience', '2', '--decay', '0.5', *SMALL_TEXT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ['Data: %s, 860 characters, 17 of them distinct' % (place / 'text.txt'),
                         'Validation: the last 77 of 774 characters']
    assert lines[2:4] == ['Model saved in ./model-2/', 'Using the best epoch, 2, from ./model-2/best']
    assert re.match(r'Held out: \d\.\d{4} bits per character on the last 86 characters of .*text\.txt$', lines[4])
    assert len(lines[5]) == 4 + 1 + 30
