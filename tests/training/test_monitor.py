"""What a run tells, in a file and on a terminal: lines or a bar, never one in the other; and the history file."""

import io

import pytest

from rnnbook.base import bar
from rnnbook.model_folder.run_state import RunState
from rnnbook.training import monitor
from rnnbook.training.plan import Plan, Step
from rnnbook.training.run import Run

PLAN = Plan(num_epochs=3, batches=4, units=400, settings={}, vocabulary=None, held_out=None)
PLAN.line = '%d/%d, %d: %.1f'
ROW = {'epoch': 1, 'iteration': 4, 'loss': 0.25, 'accuracy': 0.5, 'learning_rate': 0.1, 'words_per_second': 12345.6}
VALIDATED = {**ROW, 'val_loss': 0.75, 'val_accuracy': 0.625}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def tell(monkeypatch, tmp_path, capfd):
    """Tell of one epoch of four batches; gives what is printed, and what is shown where the bar is."""
    def tell(terminal, row=ROW, **settings):
        shown = Terminal()
        monkeypatch.setattr(monitor, 'on_terminal', lambda: terminal)
        monkeypatch.setattr(bar, '_stream', lambda: shown if terminal else None)
        monkeypatch.setattr(monitor, 'show_bar', lambda *arguments: bar.show_bar(*arguments, patience=0))
        teller = monitor.Monitor(Run.of(settings, log_every=2), PLAN, str(tmp_path))
        done = RunState()
        for _ in teller.watch([{}] * 4, done):
            done.count(0.5, None, 0.1)
            teller.step(done, Step(0.5, 1.0, 0.1))
        done.epochs, done.position, done.history = 1, 0, [row]
        teller.epoch(done)
        assert set((tmp_path / 'history.csv').read_text().splitlines()[0].split(',')) == set(row)
        return capfd.readouterr().out.splitlines(), shown.getvalue()
    return tell


LINES = ['1/3, 2: 0.5', '1/3, 4: 0.5']


def test_in_a_file_there_are_the_books_lines_alone(tell):
    assert tell(False) == (LINES, '')


def test_on_a_terminal_a_bar_and_a_line_for_the_epoch_stand_in_their_place(tell):
    lines, shown = tell(True)
    assert len(lines) == 1
    assert lines[0].startswith('Epoch 1/3: training loss 0.25000, accuracy 0.500; 12,346 words a second; ')
    assert shown.startswith('Epoch 1/3\n\r0% [') and 'Total time elapsed' in shown


def test_lines_that_were_asked_for_are_printed_on_a_terminal_too(tell):
    assert tell(True, log_every=2) == (LINES, '')


@pytest.mark.parametrize('terminal', [False, True])
def test_quiet_is_quiet(tell, terminal):
    assert tell(terminal, VALIDATED, quiet=True, log_every=1) == ([], '')


def test_with_a_validation_there_is_a_line_for_each_epoch(tell):
    lines, _ = tell(False, VALIDATED)
    assert lines[:2] == LINES and len(lines) == 3
    assert lines[2].startswith('Epoch 1/3: training loss 0.25000, accuracy 0.500; validation loss 0.75000, accuracy '
                               '0.625; 12,346 words a second; ')


def test_a_bar_that_is_left_ends_its_line(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(bar, '_stream', lambda: shown)
    for _ in bar.show_bar(range(9), 9, 'Epoch 1/1', patience=0):
        break
    assert shown.getvalue().endswith('\n') and shown.getvalue().count('\n') == 2


@pytest.mark.parametrize('seconds, words', [(0.2, '0 seconds left'), (89, '89 seconds left'), (90, '2 minutes left'),
                                            (3601, '60 minutes left'), (9000, '2.5 hours left')])
def test_the_time_that_is_left_is_told_in_words(seconds, words):
    assert monitor.time_left(seconds) == words


def test_the_history_has_its_columns_in_one_order_whatever_the_rows_have(tmp_path):
    rows = [{'epoch': 1, 'iteration': 5, 'loss': 0.5, 'seconds': 2, 'note': 'mine'}, VALIDATED]
    monitor.Monitor(Run.of({}, log_every=1), PLAN, str(tmp_path)).write_history(RunState(history=rows))
    assert (tmp_path / 'history.csv').read_text().splitlines() == [
        'epoch,iteration,loss,accuracy,val_loss,val_accuracy,learning_rate,words_per_second,seconds,note',
        '1,5,0.5,,,,,,2,mine', '1,4,0.25,0.5,0.75,0.625,0.1,12345.6,,']
