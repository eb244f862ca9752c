"""The pages in Chromium, from the file system and without a network: what a reader types, does and sees."""

import itertools
import json
import re

import numpy as np
import pytest

from browser import Browser
from conftest import require_program
from rnnbook import equations, hamlet, imdb, portable
from rnnbook.model_folder.description import Description
from rnnbook.portable import page
from test_portable import WORDS, make

CHAR2INT, _ = hamlet.char_vocabulary('   Cat. The cat sat on the mat, and the\nDog lay there.')
CHAR = Description('CharRNN', dict(num_classes=len(CHAR2INT), batch_size=4, num_steps=10, lstm_size=5, num_layers=2),
                   CHAR2INT)
TEXT = '   Cat. The mat and the\ndog sat.\n   Dog. There the Cat sat.'
REVIEW = dict(n_words=6, seq_len=4, lstm_size=3, num_layers=1, batch_size=5, learning_rate=0.01, embed_size=2)
REVIEWS = {'last': {}, 'pooled': dict(pooling='meanmax', bidirectional=True)}


@pytest.fixture(scope='module')
def chromium(tmp_path_factory):
    browser = Browser(require_program('chromium', 'chromium'), tmp_path_factory.mktemp('chromium'))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """The browser, in which a test must leave no error, warning or request behind."""
    chromium.look(800, 'light')
    yield chromium
    assert chromium.complaints() == []


def opened(browser, folder, description):
    """The model, whose page is open and has done what it does by itself."""
    make(folder, description)
    page.write_page(folder, folder / 'page.html')
    browser.open(folder / 'page.html')
    if description.class_name == 'CharRNN':
        browser.wait('%s.startsWith("Wrote") && document.querySelector("#offers button")' % text('write-status'))
    else:
        wait_for_words(browser)
    return portable.load(folder)


def text(name):
    return 'document.getElementById(%s).textContent' % json.dumps(name)


def wait_for_words(browser):
    browser.wait('!%s.includes("…")' % text('review-status'))


def wait_for_characters(browser, known):
    """Wait until the page has read the text, in which it knows this many characters."""
    browser.wait('document.querySelectorAll("#chars [role=option]").length === %d && '
                 'document.querySelector("#offers button")' % known)


def read_by_portable(model, chars):
    """The state after each character, as [layer]['c' or 'h'], and the probabilities of the next one."""
    state, states, probabilities = None, [], []
    for char in chars:
        logits, state = model._forward(np.array([model.vocabulary[char]]), state)
        states.append([{'c': c[0], 'h': h[0]} for c, h in state])
        probabilities.append(equations.softmax(logits[0])[0])
    return states, probabilities


# Characters

def test_the_page_writes_what_portable_writes(browser, tmp_path):
    model = opened(browser, tmp_path, CHAR)
    for name, value in [('starter', 'The\n'), ('temperature', '0.8'), ('top', '3'), ('seed', '7'), ('length', '40')]:
        browser.type(name, value)
    browser.press('Enter')
    browser.wait('%s === "Wrote 41 characters, seed 7."' % text('write-status'))
    np.random.seed(7)
    assert browser.js(text('written')) == model.sample(40, 'The\n', top_n=3, temperature=0.8)


def test_writing_can_be_stopped_and_the_text_looked_at(browser, tmp_path):
    opened(browser, tmp_path, CHAR)
    browser.type('text', 'The cat')                         # what a reader has typed is not replaced
    browser.type('seed', '')
    browser.type('length', '100000')
    browser.press('Enter')
    browser.wait('%s.length > 5 && !document.getElementById("stop").disabled' % text('written'))
    browser.js('document.getElementById("stop").focus()')
    browser.press('Enter')
    written = browser.js(text('written'))
    said = r'Stopped after (\S+) characters, seed (\d+)\.'
    count, seed = re.fullmatch(said, browser.js(text('write-status'))).groups()
    assert int(count.replace(',', '')) == len(written) - len('The ') < 100001 and 0 <= int(seed) < 2 ** 32
    assert browser.js('document.getElementById("text").value') == 'The cat'
    browser.js('document.getElementById("use").focus()')
    browser.press('Enter')
    assert browser.js('[document.getElementById("text").value, document.activeElement.id]') == [written, 'text']


def test_characters_have_the_colour_of_the_unit(browser, tmp_path):
    model = opened(browser, tmp_path, CHAR)
    browser.type('text', 'The é cat sat.')
    wait_for_characters(browser, 13)
    browser.js('document.getElementById("layer").value = 1, document.getElementById("part").value = "c", '
               'document.getElementById("unit").value = 2, document.getElementById("unit").focus()')
    browser.press('ArrowDown')
    shown = browser.js('Array.from(document.querySelectorAll("#chars [role=option]"), one => [one.textContent, '
                       'one.classList.contains("below"), Number(one.style.getPropertyValue("--share"))])')
    states, _ = read_by_portable(model, 'The  cat sat.')
    values = np.array([state[1]['c'][3] for state in states])
    assert ''.join(char for char, _, _ in shown) == 'The  cat sat.'
    most = np.abs(values).max()
    np.testing.assert_allclose([-share if below else share for _, below, share in shown], values / most, atol=6e-4)
    assert browser.js(text('low')) == '−%.2f' % most and browser.js(text('high')) == '+%.2f' % most
    assert browser.js(text('look-status')) == ('Struck through and not read, since the model does not know them: “é”.')
    assert browser.js('document.querySelector("#chars s").textContent') == 'é'


def test_typing_again_ends_what_is_computed(browser, tmp_path):
    opened(browser, tmp_path, CHAR)
    browser.type('text', (TEXT * 200)[:10001])
    browser.wait('%s.startsWith("Reading: ") || document.querySelectorAll("#chars .above").length > 100'
                 % text('look-status'))
    assert browser.js(text('text-error')) == 'Only the first 10,000 characters are read.'
    browser.type('text', 'Cat')
    wait_for_characters(browser, 3)
    assert browser.js('[%s, %s, document.querySelectorAll("#chars .above, #chars .below").length]'
                      % (text('look-status'), text('text-error'))) == ['', '', 3]


def test_a_character_has_the_five_likeliest_next_ones(browser, tmp_path):
    model = opened(browser, tmp_path, CHAR)
    browser.type('text', TEXT)
    wait_for_characters(browser, len(TEXT))
    states, probabilities = read_by_portable(model, TEXT)
    browser.js('document.querySelector("#chars [role=option]").focus()')
    browser.js('document.getElementById("part").value = "c", document.getElementById("unit").value = 3, '
               'document.getElementById("layer").value = 1')
    browser.js('document.getElementById("choice").dispatchEvent(new Event("change"))')
    ranks = set()
    for k, p in enumerate(probabilities):
        cells = browser.js('Array.from(document.querySelectorAll("#detail li"), one => [one.children[0].textContent, '
                           'one.childNodes[1].data, one.className])')
        said = browser.js('document.querySelector("#detail p").textContent')
        likeliest = np.argsort(-p)[:5]
        char = {' ': 'space', '\n': 'line break'}.get(TEXT[k], '“%s”' % TEXT[k])
        value = ('%+.3f' % states[k][1]['c'][3]).replace('-', '−')
        assert said.startswith('Character %d, %s: the cell state c of unit 3 in layer 1 is %s. ' % (k + 1, char, value))
        assert [cell[0] for cell in cells] == [{' ': '␣', '\n': '↵'}.get(char, char) for char in
                                               np.array(sorted(CHAR2INT))[likeliest]]
        assert [cell[1] for cell in cells] == ['%.1f%%' % (100 * p[n]) for n in likeliest]
        if k + 1 < len(TEXT):
            own = CHAR2INT[TEXT[k + 1]]
            rank = 1 + int((p > p[own]).sum())
            ranks.add(rank > 5)
            assert ('not one of these five' in said) is (rank > 5)
            assert '(%.1f%%, rank %d' % (100 * p[own], rank) in said
            assert [cell[2] for cell in cells] == ['own' if n == own else '' for n in likeliest]
        else:
            assert said.endswith('Here the text ends.')
        browser.press('ArrowRight')
    assert ranks == {True, False}


def test_the_units_that_are_offered_correlate_as_is_said(browser, tmp_path):
    model = opened(browser, tmp_path, CHAR)
    browser.type('text', TEXT)
    wait_for_characters(browser, len(TEXT))
    states, _ = read_by_portable(model, TEXT)
    rows = browser.js('Array.from(document.querySelectorAll("#offers .units"), row => [row.firstChild.textContent, '
                      'Array.from(row.querySelectorAll("button"), one => [one.value, one.textContent])])')
    assert [name for name, _ in rows] == ['place in the line', 'line breaks', 'speaker names', 'capitals']
    features = {'line breaks': [char == '\n' for char in TEXT], 'capitals': [char.isupper() for char in TEXT]}
    for name, feature in features.items():
        r = {(layer, unit, part): np.corrcoef([state[layer][part][unit] for state in states], feature)[0, 1]
             for layer in range(2) for unit in range(5) for part in 'hc'}
        offered = dict(rows)[name]
        assert len(offered) > 1
        for value, label in offered:
            layer, unit, part = value.split(',')
            assert label.endswith('unit %s %s: %s' % (unit, part, ('%+.2f' % r[int(layer), int(unit), part])
                                                      .replace('-', '−')))
        best = max(r, key=lambda one: abs(r[one]))
        assert offered[0][0] == '%d,%d,%s' % best
    browser.js('document.querySelectorAll("#offers button")[1].focus()')
    browser.press('Enter')
    pressed = browser.js('Array.from(document.querySelectorAll("#offers [aria-pressed=true]"), one => one.value)')
    chosen = browser.js('["layer", "unit", "part"].map(id => document.getElementById(id).value).join()')
    assert rows[0][1][1][0] == chosen and set(pressed) == {chosen}


def test_what_is_wrong_is_said_beside_the_field(browser, tmp_path):
    opened(browser, tmp_path, CHAR)
    before = browser.js(text('written'))
    whole = 'A whole number from %s.'
    for name, right, wrong in [
            ('starter', 'The', {'': 'At least one character.', 'Tüü€': 'The model does not know “ü”, “€”.'}),
            ('temperature', '1', dict.fromkeys(['', '0', '-1', 'hot'], 'A number above 0, such as 0.5.')),
            ('top', 'All', dict.fromkeys(['', '0', '2.5'], 'A whole number of at least 1, or all.')),
            ('seed', '1', {'1.5': whole % '0 to 4,294,967,295'}), ('length', '5', {'': whole % '0 to 100,000'})]:
        for value, message in wrong.items():
            browser.type(name, value)
            browser.js('document.getElementById("write").requestSubmit()')
            assert browser.js(text(name + '-error')) == message
            assert browser.js('Array.from(document.querySelectorAll("[aria-invalid=true]"), one => one.id)') == [name]
            assert browser.js('document.getElementById(%s).value' % json.dumps(name)) == value
            assert browser.js(text('written')) == before
        browser.type(name, right)
        assert browser.js(text(name + '-error')) == ''


def test_a_model_of_few_characters_writes_and_keeps_a_carriage_return(browser, tmp_path):
    chars, _ = hamlet.char_vocabulary('a\r')
    model = opened(browser, tmp_path, Description('CharRNN', dict(CHAR.arguments, num_classes=2), chars))
    np.random.seed(1)
    written = model.sample(500, 'a', top_n=5)               # the defaults of the page
    assert '\r' in written and browser.js(text('written')) == written
    assert browser.js(text('look-status') + ' + ' + text('top-error')) == ''
    assert browser.js(text('chars')) == written.replace('\r', '␍')


# Reviews

@pytest.mark.parametrize('kind', sorted(REVIEWS))
def test_each_word_moves_the_probability_as_portable_says(browser, tmp_path, kind):
    model = opened(browser, tmp_path, Description('SentimentRNN', dict(REVIEW, **REVIEWS[kind]), WORDS))
    words = ['a', 'dull', 'good', 'film', '!', 'bad', 'film']                   # four known ones are read
    browser.type('review', 'A dull good FILM!bad <film>')
    browser.wait('document.querySelectorAll("#words [role=option]").length === 9')
    wait_for_words(browser)
    words = words[:6] + ['<'] + words[6:] + ['>']
    assert abs(float(browser.js(text('probability'))) - model.predict_text(' '.join(words))) < 6e-4
    browser.js('document.querySelector("#words [role=option]").focus()')
    said = []
    for _ in words:
        said.append(browser.js(text('detail')))
        browser.press('ArrowRight')
    read = ['film', '!', 'bad', 'film']
    after = [model.predict_text(' '.join(read[:k])) for k in range(5)]
    assert browser.js(text('fate')) == 'are left out'
    assert said[0] == '“a” is not read: it comes before the last 4 known words.'
    assert said[1] == '“dull” is not read: the model does not know it.' and 'does not know' in said[6]
    for k, sentence in enumerate([said[3], said[4], said[5], said[7]]):
        word, change, before, now = re.fullmatch(r'“(.+)” moved the probability by (\S+), from (\S+) to (\S+)\.',
                                                 sentence).groups()
        assert word == read[k]
        np.testing.assert_allclose([float(change.replace('−', '-')), float(before), float(now)],
                                   [after[k + 1] - after[k], after[k], after[k + 1]], atol=6e-4)
    looks = browser.js('Array.from(document.querySelectorAll("#words [role=option]"), one => one.className)')
    assert ['unknown' in look for look in looks] == [word not in WORDS for word in words]
    points = re.findall(r'[\d.]+ ([\d.]+)', browser.js('document.querySelector(".curve").getAttribute("d")'))
    np.testing.assert_allclose([(180 - float(y)) / 170 for y in points], after, atol=1e-3)
    meaning = browser.js(text('meaning'))
    assert ('reads backwards' in meaning) is ('the mean and the largest' in meaning) is (kind == 'pooled')
    assert ('answers from its last state' in meaning) is (kind == 'last')


def test_unknown_words_are_read_where_they_have_a_number(browser, tmp_path):
    words = imdb.Vocabulary({'good': 1, 'film': 5}, imdb.Settings(unknown=True))        # with a gap between them
    model = opened(browser, tmp_path, Description('SentimentRNN', dict(REVIEW, n_words=7), words))
    browser.type('review', 'dull good dull odd film bad')
    browser.wait('document.querySelectorAll("#words [role=option]").length === 6')
    wait_for_words(browser)
    probability = model.predict_text('dull good dull odd film bad')
    assert browser.js(text('probability')) == '%.3f' % probability
    assert browser.js(text('label')) == 'probability that the review is positive, so the label is %s' % (
        '1 (positive)' if probability > 0.5 else '0 (negative)')
    assert browser.js(text('lead')).endswith('which knows 2 words here. The whole model is in this file; '
                                             'your browser does the computing.')
    assert browser.js(text('review-status')) == '4 of 6 words are not known. Only the last 4 words are read.'
    assert browser.js(text('fate')) == 'are all read as the same unknown word'
    assert 'Only the last 4 words of a review' in browser.js(text('meaning'))
    browser.js('document.querySelector("#words [role=option]").focus()')
    for said in ('“dull” is not read: it comes before the last 4 words.', None,
                 '“dull”, read as an unknown word, moved the probability by '):
        assert said is None or browser.js(text('detail')).startswith(said)
        browser.press('ArrowRight')


def test_reviews_without_a_word_and_without_a_known_word(browser, tmp_path):
    model = opened(browser, tmp_path, Description('SentimentRNN', REVIEW, WORDS))
    browser.type('review', 'Dull.')
    browser.wait('%s === "2 of 2 words are not known. So this is the probability of an empty review."'
                 % text('review-status'))
    assert abs(float(browser.js(text('probability'))) - model.predict_text('')) < 6e-4
    browser.type('review', '')
    browser.wait('%s === ""' % text('probability'))
    assert browser.js(text('review-status') + ' + ' + text('words')) == ''


def test_the_mouse_marks_a_word_on_the_curve_and_a_point_of_the_curve_in_the_text(browser, tmp_path):
    opened(browser, tmp_path, Description('SentimentRNN', REVIEW, WORDS))
    browser.type('review', 'Good, bad film!')               # the comma is not known
    browser.wait('document.querySelectorAll("#words [role=option]").length === 5')
    wait_for_words(browser)
    browser.point('document.querySelectorAll("#words [role=option]")[2]')
    x, y = browser.js('["cx", "cy"].map(name => Number(document.querySelector(".point").getAttribute(name)))')
    points = browser.js('document.querySelector(".curve").getAttribute("d")').lstrip('M').split('L')
    assert points[2] == '%.1f %.1f' % (x, y) and browser.js(text('detail')).startswith('“bad” moved')
    x = points[4].split()[0]
    browser.point('(r => [r.x + %s, r.y + 50])(document.querySelector("svg").getBoundingClientRect())' % x)
    assert browser.js(text('detail')).startswith('“!” moved')
    assert browser.js('document.querySelector("#words [aria-selected=true]").textContent') == '!'
    browser.point('document.querySelectorAll("#words [role=option]")[1]')
    assert browser.js(text('detail')) == '“,” is not read: the model does not know it.'
    assert browser.js('document.querySelector(".point")') is None


# Both

@pytest.mark.parametrize('name', ['text', 'review'])
def test_what_looks_like_html_stays_text(browser, tmp_path, name):
    hostile = '</script><script>window.ran = 1</script><img src=x onerror="window.ran = 1">\u2028\u2029\'&amp;\\`${x}'
    chars, _ = hamlet.char_vocabulary(hostile)
    description = (Description('CharRNN', dict(CHAR.arguments, num_classes=len(chars)), chars) if name == 'text' else
                   Description('SentimentRNN', dict(REVIEW, n_words=7), dict(WORDS, **{hostile: 6})))
    make(tmp_path, description)
    page.write_page(tmp_path, tmp_path / 'page.html', trained_on=hostile)
    browser.open(tmp_path / 'page.html')
    browser.type(name, hostile)
    shown = text('chars' if name == 'text' else 'words')
    browser.wait('%s.includes("onerror=")' % shown)
    assert browser.js(shown) == hostile and hostile in browser.js(text('facts'))
    assert browser.js('[typeof window.ran, document.images.length, document.querySelectorAll("main script").length]'
                      ) == ['undefined', 0, 0]


@pytest.fixture(params=['text', 'review'])
def either(request, browser, tmp_path):
    """One of the two pages, open; the name of its field for a text."""
    opened(browser, tmp_path, CHAR if request.param == 'text' else Description('SentimentRNN', REVIEW, WORDS))
    return request.param


def test_it_fits_a_phone_and_can_be_read_in_both_looks(browser, either):
    browser.type(either, 'The' + 'there' * 100)
    for width, scheme in itertools.product((360, 1100), ('light', 'dark')):
        browser.look(width, scheme)
        assert browser.js('document.documentElement.scrollWidth') == width
        names = ['page', 'box', 'ink', 'soft', 'accent', 'wrong', 'above', 'below']
        back, box, ink, soft, accent, wrong, above, below = [luminance(browser.js(
            'getComputedStyle(document.documentElement).getPropertyValue("--%s")' % name)) for name in names]
        assert (back < 0.1) is (scheme == 'dark')
        for one, other in [(ink, back), (ink, box), (ink, above), (ink, below), (soft, back), (soft, box),
                           (wrong, back), (accent, back)]:
            assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5


def luminance(colour):
    """The relative luminance of WCAG 2.2; a colour is `#rrggbb` or three numbers."""
    digits = colour.strip().lstrip('#')
    values = map(int, digits.split()) if ' ' in digits else bytes.fromhex(digits)
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (value / 255 for value in values)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_the_tab_key_reaches_every_field_and_shows_where_it_is(browser, either):
    fields = 'Array.from(document.querySelectorAll("input, textarea, select"), one => one.labels.length)'
    assert set(browser.js(fields)) == {1}
    reached = []
    browser.press('Tab')
    while browser.js('document.activeElement !== document.body') and len(reached) < 60:
        name, role, tag, outline = browser.js('(one => [one.id, one.getAttribute("role"), one.tagName, '
                                              'getComputedStyle(one).outlineStyle])(document.activeElement)')
        reached.append(name or role or tag)
        assert outline == 'solid', reached
        browser.press('Tab')
    assert [name for name in reached if name != 'BUTTON'] == {
        'text': ['starter', 'temperature', 'top', 'seed', 'length', 'use', 'written', 'text', 'layer', 'unit', 'part',
                 'option'], 'review': ['review', 'option']}[either]
    assert reached.count('BUTTON') == browser.js('document.querySelectorAll("button:not([id])").length')


def test_the_arrow_keys_walk_along_the_text(browser, tmp_path):
    opened(browser, tmp_path, CHAR)
    browser.type('text', 'cats\nsat on\nlat')
    wait_for_characters(browser, 15)
    keys = {'End': 14, 'Home': 0, 'ArrowUp': 2, 'ArrowDown': 14, 'ArrowLeft': 6, 'ArrowRight': 8}
    for key, there in keys.items():
        browser.js('document.querySelectorAll("#chars [role=option]")[7].focus()')
        browser.press(key)
        found = browser.js('Array.from(document.querySelectorAll("#chars [role=option]"), (one, k) => '
                           '[k, one.tabIndex, one.getAttribute("aria-selected"), one === document.activeElement])')
        assert [one for one in found if one[1:] != [-1, 'false', False]] == [[there, 0, 'true', True]]
