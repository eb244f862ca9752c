"""The draws: what the chapter draws one by one, worked out many at a time."""

import numpy as np
import pytest

from rnnbook.errors import ArgumentTypeError, ArgumentValueError
from rnnbook.network import drawing


def one_by_one(probas, top_n):
    """What the chapter's function draws from each row in turn."""
    return [drawing.get_top_char(row, probas.shape[-1], top_n) for row in probas]


def rows_of(kind, width, random):
    """200 rows of probabilities."""
    if kind == 'near':                                      # of a model that knows little
        rows = 1 + 0.01 * random.rand(200, width)
    elif kind == 'far':                                     # most of them next to nothing, or nothing
        rows = np.exp(-60 * random.rand(200, width)) * (random.rand(200, width) < 0.8)
        rows[:, random.randint(width)] = 1
    else:                                                   # many of them equal
        rows = random.randint(1, 4, size=(200, width)).astype(float)
    return (rows / rows.sum(axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize('kind', ['near', 'far', 'equal'])
@pytest.mark.parametrize('width, top_n', [(1, 1), (2, 1), (5, 3), (9, 9), (65, 5), (65, 65), (300, 20)])
@pytest.mark.parametrize('temperature', [1.0, 0.3, 1e-300])
def test_draw_gives_the_characters_of_get_top_char_and_uses_up_the_same_numbers(kind, width, top_n, temperature):
    probas = rows_of(kind, width, np.random.RandomState(0))
    np.random.seed(1)
    expected = one_by_one(np.stack([drawing.apply_temperature(row, temperature) for row in probas]), top_n)
    after = np.random.random_sample()
    np.random.seed(1)
    uniform = drawing.uniform_numbers(len(probas))
    found = drawing.draw(drawing.apply_temperature(probas[:, np.newaxis], temperature), uniform, top_n)
    assert found.shape == uniform.shape == (200, 1)
    assert found[:, 0].tolist() == expected
    assert np.random.random_sample() == after


def test_draw_is_numpys_choice_at_the_edges_of_an_interval():
    probas = np.array([0.25, 0.5, 0.25], np.float32)
    uniform = np.array([0.0, np.nextafter(0.25, 0), 0.25, np.nextafter(0.75, 0), 0.75, np.nextafter(1, 0)])
    assert drawing.draw(np.tile(probas, (6, 1)), uniform, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert drawing.draw(np.tile(probas, (6, 1)), uniform, 1).tolist() == [1] * 6


def test_the_columns_of_the_uniform_numbers_follow_one_another():
    np.random.seed(3)
    one_after_the_other = np.concatenate([drawing.uniform_numbers(7), drawing.uniform_numbers(7)], axis=1)
    np.random.seed(3)
    np.testing.assert_array_equal(drawing.uniform_numbers(7, 2), one_after_the_other)
    np.testing.assert_array_equal(drawing.uniform_numbers(7, 2, seed=3), one_after_the_other)


def test_a_seed_leaves_numpys_global_generator_alone():
    np.random.seed(3)
    expected = np.random.random_sample()
    np.random.seed(3)
    drawing.uniform_numbers(7, seed=3)
    assert np.random.random_sample() == expected


@pytest.mark.parametrize('bad', [[0.5, np.nan], [np.inf, 0.5], [1.5, -0.5], [0.0, 0.0]])
def test_draw_names_a_row_that_has_nothing_to_draw_from(bad):
    with pytest.raises(ArgumentValueError, match='probas must be finite and not negative, with at least one above 0'):
        drawing.draw(np.array([[0.5, 0.5], bad]), np.zeros(2), 2)


@pytest.mark.parametrize('top_n, number', [(1, 1), (5, 5), (9, 9), (10, 9), (2 ** 70, 9), ('all', 9), (None, 9),
                                           (np.int64(3), 3)])
def test_top_n_is_at_most_the_vocabulary(top_n, number):
    assert drawing.check_top_n('top_n', top_n, 9) == number


@pytest.mark.parametrize('top_n, error', [(0, ArgumentValueError), (-1, ArgumentValueError), ('5', ArgumentValueError),
                                          ('ALL', ArgumentValueError), (2.0, ArgumentTypeError),
                                          (True, ArgumentTypeError), (np.array([1, 2]), ArgumentTypeError)])
def test_a_bad_top_n_is_named(top_n, error):
    with pytest.raises(error, match='^top_n must be an integer of at least 1'):
        drawing.check_top_n('top_n', top_n, 9)


INT2CHAR = {0: 'a', 1: 'b', 2: '\0'}
BLOCKS = [np.array([[0, 1], [1, 1]]), np.array([[0, 0]]), np.array([[1, 0], [2, 2]])]     # abab\0 and bbaa\0


@pytest.mark.parametrize('stop, texts, blocks', [
    (None, ('abab\0', 'bbaa\0'), 3),
    ('x', ('abab\0', 'bbaa\0'), 3),
    ('b', ('ab', 'b'), 1),
    ('ba', ('aba', 'bba'), 2),                              # over the end of a block
    ('\0', ('abab\0', 'bbaa\0'), 3),
    ('bab', ('abab', 'bbaa\0'), 3),
    ('aa', ('abab\0', 'bbaa'), 3),
])
def test_spell_ends_every_sample_at_its_own_stop(stop, texts, blocks):
    asked = []

    def blocks_of():
        for block in BLOCKS:
            asked.append(block)
            yield block
    pieces = list(drawing.spell(blocks_of(), INT2CHAR, stop))
    assert tuple(map(''.join, zip(*pieces))) == texts
    assert len(asked) == len(pieces) == blocks
