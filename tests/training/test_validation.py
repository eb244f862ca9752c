"""Validation: what is held out, that it changes no training, what it measures, the best epoch, patience, resuming."""

import csv
import functools
import os

import numpy as np
import pytest

import models
from rnnbook import hamlet
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder import reading, run_state
from rnnbook.model_folder.writing import Folder
from rnnbook.sentiment import SentimentRNN
from rnnbook.training import validation

X, Y = models.reviews(30)
FLIPPED = (X[:12], 1 - Y[:12])                              # the more is learned, the less of these is right
CHAR_X, CHAR_Y = models.characters()
TEXT = hamlet.encode('the dog sat on the mat; and the cat, on the dog', models.CHAR2INT)
WINDOWS = CHAR_X.shape[1] // 10


@functools.lru_cache(maxsize=None)
def built(make):
    return make(engine='fused', learning_rate=0.1 if make is models.sentiment else 0.01)


def train(make, folder, num_epochs=3, **run):
    """Train a model on data that have nothing held out, unless told otherwise; the model."""
    rnn = built(make)
    rnn.ckpt_dir = rnn.vocabulary = None
    if make is models.sentiment:
        rnn.train(X, Y, num_epochs, ckpt_dir=folder, vocabulary=models.WORDS, **run)
    else:
        rnn.train(CHAR_X, CHAR_Y, num_epochs, folder, vocabulary=models.CHAR2INT, **run)
    return rnn


def history(folder):
    """The rows of history.csv, the columns of times aside."""
    with open(os.path.join(str(folder), 'history.csv'), newline='') as file:
        return [{name: value for name, value in row.items() if name not in run_state.TIMING}
                for row in csv.DictReader(file)]


def best(folder):
    path, epoch = reading.best_folder(str(folder))
    return epoch, reading.checksum(path)


PAIRS = {models.sentiment: FLIPPED, models.char: (TEXT[None, :-1], TEXT[None, 1:])}


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """The folders of runs that kept their best epoch, and what was printed is not looked at."""
    place = tmp_path_factory.mktemp('runs')
    folders = {make: place / make.__name__ for make in PAIRS}
    for make, folder in folders.items():
        train(make, folder, validation=PAIRS[make], keep_best=True, quiet=True, save_every=1, max_to_keep=0)
    return folders


# What is held out

def test_the_last_rows_are_held_out():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    left, held_out = validation.last_rows((x, y), 0.25, 8)
    assert [array.tolist() for array in held_out] == [[[16, 17], [18, 19]], [8, 9]]
    assert [len(array) for array in left] == [8, 8]


def test_the_last_columns_of_each_row_are_held_out():
    x = np.arange(20).reshape(2, 10)
    left, held_out = validation.last_columns((x, x + 1), 0.3, 7)
    assert [array.tolist() for array in held_out] == [[[7, 8, 9], [17, 18, 19]], [[8, 9, 10], [18, 19, 20]]]
    assert [array.shape for array in left] == [(2, 7), (2, 7)]


@pytest.mark.parametrize('fraction, least, held_out', [(0.05, 1, 0), (0.9, 2, 9), (0.3, 8, 3)])
def test_something_must_be_held_out_and_enough_be_left(fraction, least, held_out):
    message = ('validation must hold out at least one of 10 rows and leave %d or more to train on, not %g, which holds '
               'out %d' % (least, fraction, held_out))
    with pytest.raises(ArgumentValueError) as caught:
        validation.last_rows((np.zeros((10, 2)), np.zeros(10)), fraction, least)
    assert str(caught.value) == message


def test_a_fraction_trains_on_the_rest_alone(tmp_path):
    rnn = train(models.sentiment, tmp_path / 'fraction', 1, validation=0.5, quiet=True)
    rnn.train(X[:15], Y[:15], 1, ckpt_dir=tmp_path / 'rest', quiet=True)
    assert reading.checksum(str(tmp_path / 'fraction')) == reading.checksum(str(tmp_path / 'rest'))


# It changes nothing, and measures what the models' own methods measure

@pytest.mark.parametrize('make', list(PAIRS))
def test_a_training_is_the_same_to_the_bit_with_validation_or_without(make, runs, tmp_path):
    train(make, tmp_path)
    assert reading.checksum(str(tmp_path)) == reading.checksum(str(runs[make]))
    columns = {'val_loss', 'val_accuracy', 'val_bits_per_char'}
    assert history(tmp_path) == [{name: value for name, value in row.items() if name not in columns}
                                 for row in history(runs[make])]


def test_reviews_are_validated_as_evaluate_does(runs):
    rnn = SentimentRNN.load(runs[models.sentiment])
    for epoch, row in enumerate(history(runs[models.sentiment])):
        found = rnn.evaluate(*FLIPPED, checkpoint='sentiment-%d.ckpt' % epoch)
        assert (float(row['val_loss']), float(row['val_accuracy'])) == (found.log_loss, found.accuracy)


def test_one_text_is_validated_as_evaluate_does(runs):
    rows, text = history(runs[models.char]), hamlet.decode(TEXT, models.CHAR2INT)
    rnn = CharRNN.load(runs[models.char])
    for row in rows:
        bits = rnn.evaluate(text, checkpoint='language_modeling.ckpt-%s' % row['iteration'])
        assert float(row['val_bits_per_char']) == pytest.approx(bits, abs=1e-9)
        assert float(row['val_loss']) == pytest.approx(bits * np.log(2), abs=1e-9)
    assert float(rows[0]['val_bits_per_char']) > float(rows[-1]['val_bits_per_char'])


def test_rows_of_characters_are_texts_of_their_own(runs, tmp_path):
    train(models.char, tmp_path, 1, validation=0.2, quiet=True)
    rnn = CharRNN.load(tmp_path)
    _, (x, y) = validation.last_columns((CHAR_X, CHAR_Y), 0.2, 10)
    alone = [rnn.evaluate(hamlet.decode(np.append(row, last[-1]), models.CHAR2INT)) for row, last in zip(x, y)]
    assert float(history(tmp_path)[0]['val_bits_per_char']) == pytest.approx(np.mean(alone), abs=1e-6)


# The best epoch

@pytest.mark.parametrize('make, epoch, name', [
    (models.sentiment, None, 'sentiment-%d.ckpt'), (models.char, 3, 'language_modeling.ckpt-%d')])
def test_the_best_epoch_is_a_model_of_its_own_with_one_checkpoint(make, epoch, name, runs):
    folder, rows = runs[make], history(runs[make])
    column, sign = ('val_accuracy', -1) if make is models.sentiment else ('val_bits_per_char', 1)
    wanted = 1 + int(np.argmin([sign * float(row[column]) for row in rows]))        # the first of equals
    assert wanted == (epoch or wanted) and reading.best_folder(str(folder)) == (str(folder / 'best'), wanted)
    number = wanted - 1 if make is models.sentiment else wanted * WINDOWS
    assert reading.names(str(folder / 'best')) == [name % number]
    assert best(folder)[1] == reading.checksum(str(folder), name % number)
    loaded = (SentimentRNN if make is models.sentiment else CharRNN).load(folder / 'best')
    assert loaded.vocabulary == (models.WORDS if make is models.sentiment else models.CHAR2INT)


def after(iterations):
    asked = []
    return lambda: asked.append(None) or len(asked) == iterations


@pytest.mark.parametrize('make, stops', [(models.sentiment, [3, 6, 2]), (models.char, [WINDOWS, 1]),
                                         (models.char, [WINDOWS + 2, WINDOWS])])
def test_a_run_that_was_stopped_and_resumed_has_the_history_and_the_best_of_one_left_alone(make, stops, runs, tmp_path):
    settings = dict(validation=PAIRS[make], keep_best=True, quiet=True, resume=True, save_every=0)
    for iterations in stops:
        train(make, tmp_path, stop=after(iterations), **settings)
    train(make, tmp_path, **settings)
    assert history(tmp_path) == history(runs[make])
    assert (best(tmp_path), reading.checksum(str(tmp_path))) == (
        best(runs[make]), reading.checksum(str(runs[make])))


def test_a_best_epoch_whose_run_died_before_it_was_saved_gives_way_to_that_of_the_history(runs, tmp_path, monkeypatch):
    save, settings = Folder.save, dict(validation=PAIRS[models.char], keep_best=True, quiet=True, resume=True)

    def dies(self, state, *more):
        if state.epochs == 2:
            raise KeyboardInterrupt
        save(self, state, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, 'save', dies)
        with pytest.raises(KeyboardInterrupt):
            train(models.char, tmp_path, **settings)
    assert best(tmp_path)[0] == 2 and len(reading.names(str(tmp_path / 'best'))) == 2
    train(models.char, tmp_path, 1, **settings)             # nothing is left to train, and epoch 2 has not been
    assert best(tmp_path) == (1, reading.checksum(str(tmp_path)))
    assert len(reading.names(str(tmp_path / 'best'))) == 1
    train(models.char, tmp_path, **settings)
    assert (history(tmp_path), best(tmp_path)) == (history(runs[models.char]), best(runs[models.char]))


def test_a_best_epoch_of_an_earlier_run_goes_with_the_first_of_the_next(tmp_path):
    settings = dict(validation=PAIRS[models.char], keep_best=True, quiet=True)
    train(models.char, tmp_path, 2, **settings)
    train(models.char, tmp_path, 1, **settings)
    assert reading.names(str(tmp_path / 'best')) == ['language_modeling.ckpt-%d' % WINDOWS]
    assert best(tmp_path)[0] == 1


def test_where_no_best_epoch_was_kept_there_is_none(tmp_path):
    with pytest.raises(FileError, match='best is not there'):
        reading.best_folder(str(tmp_path))


# What is printed, and patience

def test_each_epoch_is_told_and_the_last_line_names_the_best(tmp_path, capsys):
    train(models.char, tmp_path, 2, validation=PAIRS[models.char], log_every=WINDOWS)
    lines = capsys.readouterr().out.splitlines()
    figures = [(float(row['loss']), float(row['bits_per_char']), float(row['val_loss']),
                float(row['val_bits_per_char'])) for row in history(tmp_path)]
    assert lines[0].startswith('Epoch 1/2 Iteration %d| Training loss: ' % WINDOWS)
    assert lines[1].startswith('Epoch 1/2: training loss %.4f, %.4f bits per character; validation loss %.4f, '
                               '%.4f bits per character; ' % figures[0])
    assert lines[1].endswith(' seconds left') and ' characters a second; ' in lines[1]
    assert lines[3].endswith(' characters a second')        # nothing is left
    assert lines[4:] == ['Best: epoch 2, validation %.4f bits per character' % figures[1][3]]


def test_patience_ends_a_run_says_so_and_a_resumed_one_goes_on_with_more_of_it(runs, tmp_path, capsys):
    settings = dict(validation=FLIPPED, keep_best=True, resume=True, log_every=1000)
    train(models.sentiment, tmp_path, 9, patience=1, **settings)
    lines, rows = capsys.readouterr().out.splitlines(), history(tmp_path)
    epochs, first = len(rows), best(tmp_path)[0]
    assert first == epochs - 1 < 8 and rows == history(runs[models.sentiment])[:epochs]
    assert lines[-2:] == ['Stopped after epoch %d: no validation was better than that of epoch %d' % (epochs, first),
                          'Best: epoch %d, validation accuracy %.3f; saved in %s' % (
                              first, float(rows[first - 1]['val_accuracy']), tmp_path / 'best')]
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    train(models.sentiment, tmp_path, 9, patience=1, **settings)
    assert ' is complete, in epoch %d, ' % epochs in capsys.readouterr().out
    assert files == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    train(models.sentiment, tmp_path, epochs + 1, patience=2, **settings)
    assert 'patience 1, not 2' in capsys.readouterr().out
    assert len(history(tmp_path)) == epochs + 1


def test_quiet_prints_nothing(tmp_path, capsys):
    train(models.char, tmp_path, 1, validation=0.2, keep_best=True, quiet=True, log_every=1, logdir=tmp_path / 'log')
    assert capsys.readouterr() == ('', '')


# Resuming with other settings, and what an older version has saved

@pytest.mark.parametrize('changes, message', [
    (dict(validation=0.2), r"validation '\w+\.\.\., not 0.2"), (dict(validation=None, keep_best=False), 'keep_best '),
    (dict(decay=0.5), 'decay 1.0, not 0.5'), (dict(decay_after=3), 'decay_after 0, not 3')])
def test_what_decides_the_training_may_not_change(changes, message, runs):
    settings = {**dict(validation=PAIRS[models.char], keep_best=True, resume=True), **changes}
    with pytest.raises(FileError, match=r'cannot be resumed with other settings or data \(.*%s' % message):
        train(models.char, runs[models.char], **settings)


def test_a_run_of_an_older_version_goes_on_and_its_rows_stay_as_they_are(tmp_path):
    train(models.sentiment, tmp_path, 1)
    prefix = reading.find(str(tmp_path))
    found = run_state.read_record(prefix)
    for name in ('keep_best', 'decay', 'decay_after', 'validation', 'patience'):
        del found.settings[name]
    del found.state.right, found.state.seen
    found.state.history[0] = {name: found.state.history[0][name] for name in (
        'epoch', 'iteration', 'loss', 'seconds')}
    run_state.write_record(prefix, found.number, found.state, found.settings)
    train(models.sentiment, tmp_path, 2, resume=True)
    rows = history(tmp_path)
    assert list(rows[0]) == ['epoch', 'iteration', 'loss', 'accuracy', 'learning_rate']
    assert (rows[0]['accuracy'], rows[0]['learning_rate'], rows[1]['learning_rate']) == ('', '', '0.1')
