"""Bits per character of several models, static and learning while reading, on a text that is made here."""

import random

import numpy as np
import pytest

import rnnbook
from rnnbook import hamlet
from test_results_scripts import script

TEXT = ''.join(random.Random(0).choice(['to be ', 'or not ', 'to be, ', 'that is. ']) for _ in range(120)) + 'zaza' * 20


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """Two models of all but the last fifth of a text, of which they have not seen one letter of the end."""
    place = tmp_path_factory.mktemp('characters')
    (place / 'text.txt').write_text(TEXT, encoding='utf-8')
    (place / 'other.txt').write_text('Another text, with other characters', encoding='utf-8')
    char2int, _ = hamlet.char_vocabulary(TEXT)
    numbers = hamlet.encode(TEXT, char2int)[:len(TEXT) - len(TEXT) // 5]
    for seed in (1, 2):
        rnn = rnnbook.CharRNN(len(char2int), batch_size=4, num_steps=10, lstm_size=8, learning_rate=0.01, seed=seed)
        rnn.train(*hamlet.reshape_data(numbers, 4, 10), 3, place / ('model-%d' % seed), vocabulary=char2int, quiet=True)
    return place


@pytest.fixture
def run(place, monkeypatch, capsys):
    """Run the script in `place`: its status, standard output and standard error."""
    monkeypatch.chdir(place)

    def run(*arguments):
        status = script('evaluate_characters.py').main(list(arguments))
        out, err = capsys.readouterr()
        assert 'Traceback' not in err
        return status, out, err
    return run


def test_static_bits_are_those_of_evaluate_and_learning_helps_where_the_text_changes(run):
    status, out, _ = run('model-1', 'model-2', '--text', 'text.txt', '--held-out', '0.2', '--rate', '0.02')
    lines = out.splitlines()
    held_out = len(TEXT) // 5
    assert (status, lines[0]) == (0, 'Data: characters %d to %d of text.txt' % (len(TEXT) - held_out + 1, len(TEXT)))
    assert [line.split(': ')[0] for line in lines[1:]] == ['model-1', 'model-2', 'the mean probability of all 2']
    static, learning = np.array([line.split(': ')[1].replace(',', '').split()[:5:4] for line in lines[1:]], float).T
    alone = [rnnbook.CharRNN.load(folder).evaluate(TEXT[-held_out:]) for folder in ('model-1', 'model-2')]
    assert np.abs(static[:2] - alone).max() < 1e-4
    assert (learning < static - 0.05).all()
    assert static[2] < static[:2].mean() and learning[2] < learning[:2].mean()          # Jensen's inequality


def test_the_weights_learn_from_a_piece_only_after_it_was_predicted(run):
    # One piece as long as the text: nothing is learned before the last character.
    _, out, _ = run('model-1', '--text', 'text.txt', '--held-out', '0.1', '--piece', '1000')
    static, learning = out.splitlines()[1].split(': ')[1].replace(',', '').split()[:5:4]
    assert static == learning


def test_skip_leaves_the_end_out(run):
    _, out, _ = run('model-1', '--text', 'text.txt', '--held-out', '0.1', '--skip', '0.2')
    end = len(TEXT) - int(len(TEXT) * 0.2)
    start = end - int(len(TEXT) * 0.1)
    assert out.splitlines()[0] == 'Data: characters %d to %d of text.txt' % (start + 1, end)
    static = float(out.splitlines()[1].split(': ')[1].split()[0])
    assert abs(static - rnnbook.CharRNN.load('model-1').evaluate(TEXT[start:end])) < 1e-4


@pytest.mark.parametrize('arguments, message', [
    (['none'], 'ckpt_dir none is not there'),
    (['model-1', '--held-out', '0'], '--held-out must be a finite number above 0 and of at most 0.9, not 0'),
    (['model-1', '--skip', '1'], '--skip must be a finite number of at least 0 and of at most 0.9, not 1'),
    (['model-1', '--rate', '-1'], '--rate must be a finite number above 0, not -1'),
    (['model-1', '--piece', '0'], '--piece must be an integer of at least 1, not 0'),
    (['model-1', '--held-out', '0.0001'], '--held-out and --skip must leave at least 2 of the'),
    (['model-1', '--text', 'other.txt'], 'DIR must hold a model with the characters of other.txt, not model-1'),
])
def test_mistakes_are_one_line(arguments, message, run):
    status, out, err = run('--text', 'text.txt', *arguments)
    assert (status, out) == (2, '')
    assert 'error: ' + message in err.splitlines()[-1]
