"""The table of what single settings bring; only the slow test starts a training."""

import os
import random
import sys

import pytest

from conftest import ROOT

sys.path[:0] = [os.path.join(ROOT, 'scripts'), os.path.join(ROOT, 'scripts', 'results')]

import ablation  # noqa: E402
import train_sentiment  # noqa: E402


def test_a_row_has_means_and_range_over_the_seeds(monkeypatch, capsys):
    accuracy = {(1, False): 0.84, (2, False): 0.86, (1, True): 0.87, (2, True): 0.88}
    monkeypatch.setattr(ablation, 'train', lambda flags, seed, args: [0.9, accuracy[seed, bool(flags)], 10.0 * seed])
    assert ablation.main(['--seeds', '1,2', '--rows', "the chapter's model,bidirectional"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| the chapter's model | 0.900 | 0.850 | 0.840 to 0.860 | 15 |",
        '| bidirectional | 0.900 | 0.875 | 0.870 to 0.880 | 15 |']


@pytest.mark.parametrize('preset', ablation.SETTINGS)
def test_each_row_is_another_run(preset):
    rows = ablation.SETTINGS[preset].values()
    runs = {str(train_sentiment.arguments(ablation.COMMON[preset] + flags)) for flags in rows}
    assert len(runs) == len(rows)


@pytest.mark.parametrize('argv, message', [
    (['--seeds', '1;2'], '--seeds must be numbers with commas between them, such as 1,2,3, not'),
    (['--rows', 'pooling'], "--rows must be among the chapter's model, "),
    (['--preset', 'best', '--rows', 'lazy_adam'], '--rows must be among the preset, rows in order, '),
    (['--epochs', '0'], '--epochs must be an integer of at least 1'),
])
def test_a_wrong_flag_is_one_line_before_any_training(argv, message, capsys, monkeypatch):
    monkeypatch.setattr(ablation, 'train', None)
    assert ablation.main(argv) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize('preset', ablation.SETTINGS)
def test_real_runs_fill_the_table(tmp_path, capsys, monkeypatch, preset):
    words = random.Random(0)
    rows = ['"%s",%d' % (' '.join(words.choice(['good', 'bad', 'film', 'a']) for _ in range(9)), number % 2)
            for number in range(80)]
    (tmp_path / 'reviews.csv').write_text('review,sentiment\n' + '\n'.join(rows) + '\n')
    small = '--batch-size 10 --lstm-size 4 --embed-size 4 --shuffle'.split()
    monkeypatch.setitem(ablation.SETTINGS, preset, {'small': small, 'wrong': ['--batch-size', '0']})
    monkeypatch.chdir(tmp_path)
    flags = ['--preset', preset, '--csv', 'reviews.csv', '--seeds', '1', '--epochs', '1', '--rows']
    assert ablation.main(flags + ['small']) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith('| small | 0.')
    assert ablation.main(flags + ['wrong']) == 2
    assert '--batch-size must be an integer of at least 1' in capsys.readouterr().err
