"""The figures of the benchmark of several processes, from timings of our own making."""

import importlib
import os
import sys

import pytest

from conftest import ROOT

SCRIPTS = os.path.join(ROOT, 'scripts', 'measure')


@pytest.fixture(scope='module')
def script():
    sys.path.insert(0, SCRIPTS)
    try:
        return importlib.import_module('benchmark_horovod')
    finally:
        sys.path.remove(SCRIPTS)


VARIABLES = {'embedding': [1000, 9], 'kernel': [10, 20], 'bias': [20]}


def test_a_table_is_summed_whole_or_sent_by_its_rows(script):
    assert script.exchanged(VARIABLES, 50.0, False) == (880.0, 50 * 40.0)
    assert script.exchanged(VARIABLES, 50.0, True) == (880.0 + 36000.0, 0.0)
    assert script.exchanged({'kernel': [10, 20]}, 0.0, False) == (800.0, 0.0)


def test_sums_take_twice_their_size_at_most_and_rows_grow_with_the_workers(script):
    assert script.received(100.0, 0.0, 2) == 100.0
    assert script.received(100.0, 0.0, 4) == 150.0
    assert script.received(0.0, 10.0, 512) == 5110.0


def test_the_limit_is_where_the_network_takes_as_long_as_the_computing(script):
    assert script.limit(100.0, 10.0, 1.0, 300.0) == 11      # 2 x 100 and 10 others' rows: 300 bytes in a second
    assert script.limit(100.0, 0.0, 1.0, 300.0) == float('inf')
    assert script.limit(100.0, 0.0, 1.0, 150.0) == 4        # 2 x 3 / 4 x 100


def test_the_tables(script):
    def turns(seconds, sent):
        return [{'seconds': value, 'sent': sent, 'rows': 50.0} for value in seconds]

    results = [('reviews', {1: turns([0.2, 0.4], 0), 2: turns([0.25, 0.4], 5100)}, VARIABLES, False)]
    assert list(script.main_table(results))[2:] == [
        '| reviews | 0.300 | 0.325 | 0.90 (0.80 to 1.00) | 5,760 | 5,100 |']
    table = list(script.estimate(results, 8e-6))            # 1000 bytes a second
    assert table[0].startswith('| case | 2 workers | 8 workers | 64 workers | 512 workers |')
    assert table[2].startswith('| reviews | 0 MB, 9 % | ') and table[2].endswith('| 2 workers |')
