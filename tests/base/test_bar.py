"""Progress bars: every item goes through, and a bar is seen where somebody can see it."""

import io
import os
import pty
import select
import subprocess
import sys

import pytest

from conftest import ROOT
from rnnbook.base import bar as bars

#: What pyprind writes once it has counted to the end.
ENDED = 'Total time elapsed'


class Terminal(io.StringIO):
    """A stream that pyprind takes for somebody's terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(bars, '_stream', lambda: stream)
    return stream


@pytest.mark.parametrize('stream', [None, 'terminal'])
def test_items_come_in_order_with_a_bar_or_without(monkeypatch, stream):
    monkeypatch.setattr(bars, '_stream', lambda: stream and Terminal())
    assert list(bars.show_bar(iter('abc'), 3, 'Letters', patience=0)) == ['a', 'b', 'c']
    assert list(bars.show_bar([], 0, 'Nothing', patience=0)) == []


def test_the_bar_has_its_title_and_reaches_the_end(terminal):
    list(bars.show_bar(range(4), 4, 'Counting words occurences', patience=0))
    text = terminal.getvalue()
    assert text.startswith('Counting words occurences\n')
    assert text.count(ENDED) == 1


def test_a_loop_that_is_soon_over_shows_no_bar(terminal):
    list(bars.show_bar(range(4), 4, 'Quick', patience=60))
    assert terminal.getvalue() == ''


def test_a_bar_that_comes_late_counts_what_is_done(terminal, monkeypatch):
    clock = iter([0, 0, 1, 3, 4])                           # at the begin, and at each item until the bar is there
    monkeypatch.setattr(bars.time, 'monotonic', lambda: next(clock))
    seen = []
    for item in bars.show_bar(range(4), 4, 'Late', patience=2):
        seen.append((item, 'Late' in terminal.getvalue()))
    assert seen == [(0, False), (1, False), (2, True), (3, True)]
    assert terminal.getvalue().count(ENDED) == 1


def test_where_nobody_would_see_a_bar_there_is_no_stream(monkeypatch):
    monkeypatch.delitem(sys.modules, 'ipykernel', raising=False)
    with open(os.devnull, 'w') as nowhere:
        monkeypatch.setattr(sys, 'stdout', nowhere)
        monkeypatch.setattr(sys, 'stderr', nowhere)
        assert bars._stream() is None


def test_a_notebook_whose_streams_have_numbers_shows_the_bar(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setitem(sys.modules, 'ipykernel', None)     # there, whatever it is
    with open(os.devnull, 'w') as numbered:
        monkeypatch.setattr(sys, 'stdout', numbered)
        monkeypatch.setattr(sys, 'stderr', shown)
        list(bars.show_bar(range(3), 3, 'In a notebook', patience=0))
    assert shown.getvalue().startswith('In a notebook') and ENDED in shown.getvalue()


CODE = "from rnnbook.base.bar import show_bar; print(sum(show_bar(range(9), 9, 'Adding', patience=0)))"


def test_with_output_to_a_file_only_the_output_is_written():
    done = subprocess.run([sys.executable, '-c', CODE], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'36\n', b'')


def test_on_a_terminal_the_bar_is_on_standard_error():
    master, slave = pty.openpty()
    try:
        done = subprocess.run([sys.executable, '-c', CODE], cwd=ROOT, stdout=subprocess.PIPE, stderr=slave)
        shown = os.read(master, 10000)
        while select.select([master], [], [], 0)[0]:        # it may come in several pieces
            shown += os.read(master, 10000)
    finally:
        os.close(slave)
        os.close(master)
    assert (done.returncode, done.stdout) == (0, b'36\n')
    assert shown.startswith(b'Adding\r\n') and ENDED.encode() in shown
