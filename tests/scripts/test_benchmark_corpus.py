"""The measurement of large texts, at a small size."""

import os
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, os.path.join(ROOT, 'scripts', 'measure'))

import benchmark_corpus  # noqa: E402


@pytest.mark.parametrize('argv, message', [
    (['--megabytes', '1;2'], '--megabytes must be numbers with commas between them, such as 10,100, not'),
    (['--megabytes', '1,0'], '--megabytes must be a finite number above 0'),
    (['--turns', '0'], '--turns must be an integer of at least 1'),
])
def test_a_wrong_flag_is_one_line(argv, message, capsys):
    assert benchmark_corpus.main(argv) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists('/proc/self/status'), reason='memory is read from there')
def test_every_text_has_a_row_with_its_figures(hamlet_path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert benchmark_corpus.main(['--megabytes', '0.5', '--steps', '1', '--turns', '1', '--data-dir',
                                  os.path.dirname(hamlet_path)]) == 0
    rows = [line.strip('| ').split(' | ') for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:2] for row in rows] == [['Hamlet', '162849'], ['0.5 MB', rows[1][1]]]
    assert all(float(figure) > 0 for row in rows for figure in row[1:])
