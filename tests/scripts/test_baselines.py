"""What counting reaches: Kneser-Ney against its definition, compressors, weights of n-grams. Texts are made here."""

import itertools
import math
import os
import random
import re
import sys

import numpy as np
import pytest

from conftest import ROOT

sys.path[:0] = [os.path.join(ROOT, 'scripts', 'results')]

import baselines  # noqa: E402


def drawn_text(length, seed=0):
    """The letters a to d in turn, but each is any of the four with a probability of 0.2."""
    draw = random.Random(seed)
    text = 'a'
    while len(text) < length:
        text += draw.choice('abcd') if draw.random() < 0.2 else 'bcda'['abcd'.index(text[-1])]
    return text


def trained(text, order, size=5):
    model = baselines.KneserNey(order, size)
    for place, char in enumerate(text):
        model.learn(text[max(place - order + 1, 0):place], char)
    model.estimate()
    return model


# ------------------------------------------------------------------------------------------------------ Kneser-Ney


def test_three_characters_by_hand():
    model = trained('aab', 2, 3)
    assert model.counts == {'a': 2, 'b': 1, 'aa': 1, 'ab': 1}     # 'a' follows the beginning and 'a': two histories
    assert model.histories == {'': [3, 1, 1, 0], 'a': [2, 2, 0, 0]}
    model.discounts = [[0, 0.5, 0.75, 1]] * 2
    alone = {'a': (2 - 0.75 + 1.25 / 3) / 3, 'b': (1 - 0.5 + 1.25 / 3) / 3, 'c': 1.25 / 3 / 3}
    for char in 'abc':
        assert model.probability('', char) == pytest.approx(alone[char])
        assert model.probability('b', char) == pytest.approx(alone[char])           # nothing has been seen after 'b'
        seen = 0.5 if char in 'ab' else 0
        assert model.probability('a', char) == pytest.approx((seen + 1 * alone[char]) / 2)


def test_discounts_by_hand():
    model = baselines.KneserNey(1, 9)
    model.counts = dict(zip('abcdefghi', (1, 1, 1, 1, 2, 2, 3, 4, 9)))
    model.estimate()
    y = 4 / (4 + 2 * 2)
    assert model.discounts == [[0, 1 - 2 * y * 2 / 4, 2 - 3 * y * 1 / 2, 3 - 4 * y * 1 / 1]]


def test_counts_are_those_of_the_definition():
    text, order = drawn_text(300), 4
    padded = '123' + text                                   # so that each n-gram has a character before it
    ngrams = {n: {padded[end - n:end] for end in range(4, len(padded) + 1)} for n in range(1, 6)}
    for ngram, count in trained(text, order).counts.items():
        if len(ngram) == order:
            assert count == len(re.findall('(?=%s)' % ngram, text))
        else:
            assert count == sum(longer[1:] == ngram for longer in ngrams[len(ngram) + 1])


@pytest.mark.parametrize('text', [drawn_text(500), 'a', 'abcd', 'aaaaaaaa'], ids=lambda text: text[:8])
@pytest.mark.parametrize('order', [1, 2, 4])
def test_probabilities_sum_to_1_after_every_history(text, order):
    model = trained(text, order)
    for length in range(order):
        for history in map(''.join, itertools.product('abcde', repeat=length)):     # 'e' is in no text
            probabilities = [model.probability(history, char) for char in 'abcde']
            assert sum(probabilities) == pytest.approx(1, abs=1e-12) and min(probabilities) > 0


def test_a_model_that_does_not_learn_sees_only_the_text_it_is_measured_on():
    text, start = drawn_text(400), 300
    model = trained(text[:start], 4)
    before = dict(model.counts)
    bits = [-math.log2(model.probability(text[max(start, place - 3):place], text[place]))
            for place in range(start + 1, len(text))]
    assert model.bits(text, start, False) == pytest.approx(np.mean(bits)) and model.counts == before


def test_learning_while_reading_is_training_on_all_that_was_read():
    text, start = drawn_text(400), 350
    model, bits = trained(text[:start], 3), []
    for place in range(start + 1, len(text)):
        read = trained(text[:place], 3)
        read.discounts = model.discounts
        bits.append(-math.log2(read.probability(text[place - 2:place], text[place])))
    assert model.bits(text, start, True) == pytest.approx(np.mean(bits))
    assert model.counts == trained(text, 3).counts and model.histories == trained(text, 3).histories


@pytest.mark.slow
def test_the_published_figures(hamlet_path):
    text = baselines.hamlet.load_text(hamlet_path)
    bits = baselines.kneser_ney_bits(text, len(text) - len(text) // 10, 7, 65)
    assert ['%.4f' % value for value in bits] == ['2.2627', '2.1931']


# ----------------------------------------------------------------------------------------------------- compressors


def test_what_a_compressor_adds_for_the_characters_but_the_first():
    assert baselines.compressed_bits(lambda data: bytes(10) + data, 'abcdef', 3) == 8
    assert baselines.compressed_bits(lambda data: data[:5], 'abcdef', 3) == 8 * 1 / 2


def test_characters_prints_a_row_for_each_model(tmp_path, monkeypatch, capsys):
    pytest.importorskip('pyppmd', reason='pyppmd comes with the extra baselines')
    monkeypatch.setattr(baselines, 'ORDERS', range(2, 4))
    path = tmp_path / 'text.txt'
    path.write_text(drawn_text(8000), encoding='utf-8')
    assert baselines.main(['characters', '--text', str(path)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == 'Data: %s, 8000 characters, 4 of them distinct' % path
    rows = [re.match(r'(.+): (\d\.\d{4}) bits per character on the tenth before the last, (\d\.\d{4}) on the last '
                     r'tenth, \d+\.\d seconds of CPU$', line).groups() for line in lines]
    assert [re.sub(r'PPMd \(pyppmd .*\), order 2', 'ppmd', name) for name, _, _ in rows] == [
        'Kneser-Ney, order 2', 'Kneser-Ney, order 2, learning while reading', 'ppmd, learning while reading',
        'lzma, learning while reading', 'bz2, learning while reading', 'zlib, learning while reading']
    entropy = -0.85 * math.log2(0.85) - 3 * 0.05 * math.log2(0.05)
    for name, *bits in rows:                                # the parts are too short to have just this entropy
        assert all(abs(float(value) - entropy) < (0.15 if 'Kneser' in name else 1) for value in bits), name


@pytest.mark.parametrize('text, message', [
    ('abcdefghijklmnopqrs', '--text must have at least 20 characters, not 19'), (None, 'cannot read ')])
def test_mistakes_about_the_text_are_one_line(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'pyppmd', baselines.zlib)      # not used
    if text:
        (tmp_path / 'text.txt').write_text(text, encoding='utf-8')
    assert baselines.main(['characters', '--text', str(tmp_path / 'text.txt')]) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.count('\n') == 1 and 'error: ' + message in err


# --------------------------------------------------------------------------------------------------------- reviews


def test_log_count_ratios_by_hand():
    rows = np.array([[1, 1, 0], [0, 1, 1]], np.float32)
    found = baselines.log_count_ratios(rows, np.array([1, 0]))          # (2, 2, 1) / 5 against (1, 2, 2) / 5
    assert found == pytest.approx([math.log(2), 0, -math.log(2)])
    rows = np.array([[1, 1], [1, 0], [1, 0]], np.float32)
    found = baselines.log_count_ratios(rows, np.array([0, 1, 1]))       # (3, 1) / 4 against (2, 2) / 4
    assert found == pytest.approx([math.log(1.5), math.log(0.5)])


def test_C_is_the_best_on_the_last_tenth_of_the_training_half(monkeypatch, capsys):
    calls = []

    def accuracies(x_train, y_train, x_test, y_test, longest, weighted, constants):
        calls.append((len(x_train), x_test[0], longest, weighted, list(constants)))
        return [0.9 if constant == 0.1 else 0.5 for constant in constants]
    monkeypatch.setattr(baselines, 'accuracies', accuracies)
    monkeypatch.setattr(baselines.cli, 'require', lambda *names: np)    # for its version
    monkeypatch.setattr(baselines.cli, 'review_halves', lambda args: ('d', list(range(40)), [0, 1] * 20, ['t'], [1]))
    assert baselines.main(['reviews']) == 0
    grid = [0.03, 0.1, 0.3, 1]
    assert calls == [(40, 't', 1, False, [10]), (40, 't', 2, False, [10]),
                     (36, 36, 2, True, grid), (40, 't', 2, True, [0.1]),
                     (36, 36, 3, True, grid), (40, 't', 3, True, [0.1])]
    assert capsys.readouterr().out.count('C 0.1 by 0.9000 on the last tenth') == 2
