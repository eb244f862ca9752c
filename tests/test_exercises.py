"""The exercises of the documentation: each check passes on its solution, and on nothing that is not one."""

import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(ROOT, 'docs', 'exercises.md'), encoding='utf-8') as _file:
    START, *PARTS = re.split(r'^## ', _file.read(), flags=re.MULTILINE)


def blocks(text):
    return re.findall(r'^```python\n(.*?)^```$', text, flags=re.MULTILINE | re.DOTALL)


EXERCISES = {part.splitlines()[0]: blocks(part) for part in PARTS}
IMPORTS, = blocks(START)

#: Solutions that are wrong in the way that the page warns of, by the number of the exercise.
WRONG = {
    2: 'def unroll(x, layers):\n    return equations.rnn(x[:, ::-1], layers)[0]',
    3: 'def slope(x, layer, a, b):\n    return 0.0',
    4: 'def steps_left(w):\n    return int(np.log(0.001) / np.log(w))',
    5: 'def remember():\n    kernel = np.zeros((3, 4))\n    kernel[0, 1] = 1000\n'
       '    return equations.LSTMLayer(kernel, np.array([20.0, 0, 20, 0]))',
    6: 'def truncated(x, layers, d_outputs, num_steps):\n'
       '    return equations.lstm_bptt(x, layers, d_outputs)[0][0].kernel',
    7: 'def rows(mapped, length):\n    found = np.zeros((len(mapped), length), dtype=int)\n'
       '    for row, numbers in enumerate(mapped):\n        found[row, :len(numbers)] = numbers[:length]\n'
       '    return found',
    10: 'def position(row, column, text_length, batch_size, num_steps):\n'
        '    return row * (text_length // batch_size) + column',
    11: 'def clip(gradients, clip_norm):\n'
        '    return [gradient * clip_norm / max(np.linalg.norm(gradient), clip_norm) for gradient in gradients]',
    12: 'def draw(probas, top_n):\n    p = np.squeeze(probas)\n    p[np.argsort(p)[:-top_n]] = 0\n'
        '    return np.random.choice(len(p), p=p / p.sum())',
}


def run(*codes):
    names = {}
    for code in codes:
        exec(code, names)


def test_there_is_a_check_and_a_solution_for_each():
    assert [name.split('.')[0] for name in EXERCISES] == [str(number + 1) for number in range(len(EXERCISES))]
    assert len(EXERCISES) >= 10
    assert {name: len(found) for name, found in EXERCISES.items()} == dict.fromkeys(EXERCISES, 2)


@pytest.mark.parametrize('name', EXERCISES)
def test_the_check_passes_on_the_solution(name):
    check, solution = EXERCISES[name]
    assert 'assert ' in check and 'assert ' not in solution
    run(IMPORTS, solution, check)


@pytest.mark.parametrize('number', WRONG)
def test_the_check_fails_on_what_is_no_solution(number):
    check, _ = list(EXERCISES.values())[number - 1]
    with pytest.raises((AssertionError, ValueError)):
        run(IMPORTS, WRONG[number], check)
