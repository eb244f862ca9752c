"""The page of a model: node computes what `portable` computes, and nothing in a vocabulary or text can break out."""

import base64
import html.parser
import json
import os
import re
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

import rnnbook
from conftest import ROOT, require_program
from rnnbook import equations, hamlet, imdb, portable
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder.description import Description, read_description, variables, write_description
from rnnbook.network.drawing import apply_temperature, get_top_char
from rnnbook.portable import page, weights
from rnnbook.preprocessing.vocabulary import words_of

sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import export_model                                         # noqa: E402

NETWORK = os.path.join(page.FILES, 'network.js')
TEXT = "   Ham. To be,\nor not <to> be: that's & \"all\"\u2028\U0001f600\n\nHAMLET:\nNo\n"
CHAR2INT, _ = hamlet.char_vocabulary(TEXT)
WORDS = {word: number for number, word in enumerate('the a film . good bad , not was it ! plot'.split(), 1)}
REVIEW = 'The film was not bad, not bad at all! It was good. The plot... a plot?'


def make(folder, description, seed=0):
    """A folder of a model that nobody has trained."""
    random = np.random.RandomState(seed)
    arrays = {name: random.normal(0, 0.7, size=shape).astype(np.float32) for name, shape in variables(description)}
    folder.mkdir(exist_ok=True)
    write_description(str(folder), description)
    weights.write(str(folder), arrays, description, 'hand-1.ckpt')
    return folder


def char(folder, **changes):
    arguments = dict(num_classes=len(CHAR2INT), batch_size=4, num_steps=10, lstm_size=6, num_layers=1)
    return make(folder, Description('CharRNN', {**arguments, **changes}, CHAR2INT))


def review(folder, unknown=False, drop_markup=False, words=WORDS, **changes):
    vocabulary = imdb.Vocabulary(words, imdb.Settings(unknown=unknown, drop_markup=drop_markup))
    arguments = dict(n_words=max(words.values()) + 3, seq_len=12, lstm_size=5, num_layers=1, batch_size=5, embed_size=3)
    return make(folder, Description('SentimentRNN', {**arguments, **changes}, vocabulary))


class Parsed(html.parser.HTMLParser):
    """The elements of a page, and the payload in it."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], {}
        with open(str(path), encoding='utf-8', newline='') as file:
            self.feed(file.read())
        self.payload = json.loads(self.text['application/json'])

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.tags.append(('/' + tag, {}))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == 'script':
            kind = self.tags[-1][1].get('type')
            self.text[kind] = self.text.get(kind, '') + data


def ask(code, path=None, **given):
    """What a piece of JavaScript returns in node, where `model` is that of the page and `given` has these values."""
    node, payload = require_program('node', 'nodejs'), Parsed(path).payload if path else None
    code = ('const RNN = require(process.argv[1]);'
            'const {payload, given} = JSON.parse(require("fs").readFileSync(0, "utf8"));'
            'const model = payload && RNN.load(payload);'
            'process.stdout.write(JSON.stringify((() => {%s})()));' % code)
    done = subprocess.run([node, '-e', code, NETWORK], input=json.dumps(dict(payload=payload, given=given)).encode(),
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode('utf-8'))


# ---- characters ------------------------------------------------------------------------------------------------------

WRITE = '''
    const random = new RNN.Random(given.seed);
    let state = model.start(), probabilities, text = given.starter;
    for (const char of text) ({state, probabilities} = model.step(model.numbers.get(char), state));
    for (let n = 0; n <= given.length; n++) {
        const number = RNN.draw(probabilities, random.next(), given.topN, given.temperature);
        text += model.chars[number];
        ({state, probabilities} = model.step(number, state));
    }
    return [text, Array.from(probabilities)];
'''


@pytest.mark.parametrize('layers', [1, 2])
@pytest.mark.parametrize('top_n, temperature', [(5, 1.0), (1, 1.0), (3, 0.5), (1000, 1.7)])
def test_the_page_writes_the_text_of_portable(layers, top_n, temperature, tmp_path):
    folder = char(tmp_path / 'model', num_layers=layers)
    path = page.write_page(folder, tmp_path / 'page.html')
    text, probabilities = ask(WRITE, path, seed=7, starter='Ham', length=200, topN=top_n, temperature=temperature)
    model = portable.load(folder)
    np.random.seed(7)
    assert text == model.sample(200, 'Ham', top_n=top_n, temperature=temperature)
    logits, _ = model._forward(hamlet.encode(text, CHAR2INT), None)
    np.testing.assert_allclose(probabilities, equations.softmax(logits[0, -1]), rtol=0, atol=1e-6)


def test_a_step_leaves_the_state_that_it_is_given(tmp_path):
    path = page.write_page(char(tmp_path / 'model', num_layers=2), tmp_path / 'page.html')
    before, after, again, first = ask('''
        const {state} = model.step(1, model.start()), all = () => JSON.stringify([state.h, state.c].map(
            part => part.map(values => Array.from(values))));
        const before = all(), one = model.step(2, state).probabilities, after = all();
        return [before, after, Array.from(model.step(2, state).probabilities), Array.from(one)];
    ''', path)
    assert before == after and again == first and len(json.loads(before)[0]) == 2


@pytest.mark.parametrize('seed', [0, 1, 123, 2 ** 31, 2 ** 32 - 1])
def test_random_numbers_are_those_of_numpy(seed):
    found = ask('const random = new RNN.Random(given.seed); return Array.from({length: 700}, () => random.next())',
                seed=seed)
    np.testing.assert_array_equal(found, np.random.RandomState(seed).random_sample(700))


def test_a_character_is_drawn_as_get_top_char_draws_it():
    random = np.random.RandomState(3)
    cases = []
    for top_n, temperature in [(1, 1.0), (2, 1.0), (5, 1.0), (9, 0.01), (20, 3.0), (6, 0.8)] * 20:
        probas = (random.random_sample(9) ** 4 * (random.random_sample(9) > 0.3)).astype(np.float32)
        probas[0] += 0.01
        cases.append([probas / probas.sum(), random.random_sample(), top_n, temperature])
    expected = []
    for probas, uniform, top_n, temperature in cases:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np.random, 'choice', lambda size, count, p: [np.searchsorted(
                np.cumsum(p) / np.cumsum(p)[-1], uniform, side='right')])
            expected.append(get_top_char(apply_temperature(probas, temperature), 9, top_n))
    assert ask('return given.cases.map(one => RNN.draw(...one))',
               cases=[[probas.tolist(), *rest] for probas, *rest in cases]) == expected
    assert len(set(expected)) == 9


def test_units_are_scored_by_their_correlation(tmp_path):
    folder = char(tmp_path / 'model', num_layers=2)
    path = page.write_page(folder, tmp_path / 'page.html')
    found = ask('return RNN.unitScores(model, given.text)', path, text='\t' + TEXT)      # no tab in the vocabulary
    lines = TEXT.split('\n')
    speakers = [len('   Ham.'), 0, 0, len('HAMLET:'), 0, 0]
    properties = {
        'place in the line': [place for line in lines for place in [*range(1, len(line) + 1), 0]][:-1],
        'line breaks': [char == '\n' for char in TEXT],
        'speaker names': [place < end for line, end in zip(lines, speakers) for place in range(len(line) + 1)][:-1],
        'capitals': [char.isupper() for char in TEXT],
    }
    states, state, layers = [], None, portable.load(folder)._layers[0]
    for number in hamlet.encode(TEXT, CHAR2INT):
        x = equations.one_hot(np.array([[number]]), len(CHAR2INT))
        state = equations.lstm(x, layers, state)[1]
        states.append([[one.h[0], one.c[0]] for one in state])
    states = np.array(states)                                                                       # (T, 2, 2, H)
    assert [one['name'] for one in found] == list(properties)
    for one in found:
        r = np.array([[[np.corrcoef(states[:, layer, part, unit], properties[one['name']])[0, 1] for unit in range(6)]
                       for part in (0, 1)] for layer in (0, 1)])
        assert [unit['r'] for unit in one['units']] == pytest.approx(
            [r[unit['layer'], 'hc'.index(unit['part']), unit['unit']] for unit in one['units']], abs=1e-5)
        best = np.sort(np.abs(r).max(axis=1).ravel())[::-1][:4]
        assert [abs(unit['r']) for unit in one['units']] == pytest.approx(best.tolist(), abs=1e-5)
    assert all(one['units'] == [] for one in ask('return RNN.unitScores(model, "")', path))


# ---- reviews ---------------------------------------------------------------------------------------------------------

READ = '''
    return given.texts.map(text => {
        const words = model.encode(text), ids = words.map(word => word.number).filter(number => number !== null);
        const reader = model.reader(ids);
        return {words, ids: reader.ids, skipped: reader.skipped, final: reader.final, prefixes: [...reader.prefixes()]};
    });
'''
TEXTS = [REVIEW, '', 'no known word here', 'good', 'Bad.', 'it was a bad, bad film ' * 3, 'A film <br /><br />good']
OPTIONS = [(pooling, bidirectional, layers) for pooling in ('last', 'mean', 'max', 'meanmax')
           for bidirectional in (False, True) for layers in (1, 2)]


@pytest.mark.parametrize('pooling, bidirectional, layers', OPTIONS)
@pytest.mark.parametrize('unknown', [False, True])
def test_the_page_reads_a_review_as_portable_does(pooling, bidirectional, layers, unknown, tmp_path):
    folder = review(tmp_path / 'model', unknown=unknown, pooling=pooling, bidirectional=bidirectional,
                    num_layers=layers)
    found = ask(READ, page.write_page(folder, tmp_path / 'page.html'), texts=TEXTS)
    model = portable.load(folder)
    np.testing.assert_allclose([one['final'] for one in found], model.predict_text(TEXTS), rtol=0, atol=1e-6)
    for one in found:                                       # a review that is cut off after each of its words
        rows = imdb.fixed_length([one['ids'][:t] for t in range(len(one['ids']) + 1)], 12)
        np.testing.assert_allclose(one['prefixes'], model.predict(rows, True, carry_state=False), rtol=0, atol=1e-6)
    assert (found[5]['skipped'], len(found[5]['ids'])) == (21 - 12, 12)


@pytest.mark.parametrize('pooling, bidirectional', [('last', False), ('last', True), ('meanmax', True)])
def test_a_network_that_forgets_is_read_in_few_steps(pooling, bidirectional, tmp_path):
    """A beginning soon reaches the state of the one before it, and the rest is not read again."""
    folder = review(tmp_path / 'model', pooling=pooling, bidirectional=bidirectional, seq_len=150)
    description = read_description(str(folder))
    arrays, _ = weights.read(str(folder), description)
    for name in arrays:
        if name.endswith('cell/bias'):
            arrays[name] = arrays[name] - np.repeat([0, 0, 4, 0], 5).astype(np.float32)     # the forget gates
    weights.write(str(folder), arrays, description, 'hand-1.ckpt')
    text = ' '.join(np.random.RandomState(1).choice(sorted(WORDS), size=100))
    prefixes, steps = ask('''
        let steps = 0;
        for (const stack of model.stacks) {
            const step = stack.step;
            stack.step = function(...given) { steps++; return step.apply(this, given); };
        }
        const reader = model.reader(model.encode(given.text).map(word => word.number));
        steps = 0;
        return [[...reader.prefixes()], steps];
    ''', page.write_page(folder, tmp_path / 'page.html'), text=text)
    rows = imdb.fixed_length([[WORDS[word] for word in text.split()][:t] for t in range(101)], 150)
    expected = portable.load(folder).predict(rows, True, carry_state=False)
    np.testing.assert_allclose(prefixes, expected, rtol=0, atol=1e-6)
    assert steps < 100 * 20 * (1 + bidirectional)           # not 100 * 150, or without padding 100 * 50


def test_words_beyond_the_number_are_words_that_the_model_does_not_know(tmp_path):
    texts = TEXTS + ['it was it plot a']
    for unknown in (False, True):
        folder = review(tmp_path / 'model', unknown=unknown)
        path = page.write_page(folder, tmp_path / 'page.html', words=5)
        model, found = portable.load(folder), ask(READ, path, texts=texts)
        stands_for = model.vocabulary.unknown
        for text, one in zip(texts, found):
            numbers = [WORDS[word] if WORDS.get(word, 9) <= 5 else stands_for for word in words_of(text)]
            assert [word['number'] for word in one['words']] == numbers
            assert [word['known'] for word in one['words']] == [WORDS.get(word, 9) <= 5 for word in words_of(text)]
            row = imdb.fixed_length([[number for number in numbers if number is not None]], 12)
            assert one['final'] == pytest.approx(model.predict(row, True, carry_state=False)[0], abs=1e-6)
        payload = Parsed(path).payload
        assert payload['vocabulary'] == [None, 'the', 'a', 'film', '.', 'good']
        assert payload['arrays']['embedding']['shape'] == [6 + unknown, 3]
        assert payload['facts'][0] == ['Words', '5, the most frequent of 12; the others are treated as words that the '
                                       'model does not know']


def test_numbers_that_leave_gaps_stay(tmp_path):
    folder = review(tmp_path / 'model', words={'good': 2, 'bad': 5})
    path = page.write_page(folder, tmp_path / 'page.html')
    assert Parsed(path).payload['vocabulary'] == [None, None, 'good', None, None, 'bad']
    found = ask(READ, path, texts=['Good, not bad'])
    assert found[0]['ids'] == [2, 5]
    assert found[0]['final'] == pytest.approx(portable.load(folder).predict_text('good bad'), abs=1e-6)


# ---- words of awkward texts ------------------------------------------------------------------------------------------

AWKWARD = [
    '', ' ', 'İstanbul I ı', 'STRASSE Straße ẞ', 'ΟΔΟΣ ΟΔΟΣ. Σ ΑΣ\u0301 ΑΣ\u0301Α ΑΣ\'Α', 'e\u0301 E\u0301 Å',
    '\U00010400', '١٢٣ ４５６ Ⅷ ²', 'a\x1cb\x1db\x1eb\x1fc\x85d\xa0e\u200bf\u2028g\u3000h\ufeffi\u180ej', 'don’t “no”',
    '\U0001f600\U0001f3fd a\U0001d400b', 'it\'s "so-so"... (10/10) <3 :-) _x_ ~`^|\\',
    '<br />x<BR/>y</p >z< br>q<1>w<a\nb>e<a<b>r<>t<i',
]


def spans(text, words):
    """The words where they stand in the text, which JavaScript counts in units of 16 bits."""
    units = text.encode('utf-16-le')
    return [units[2 * word['start']:2 * word['end']].decode('utf-16-le') for word in words]


@pytest.mark.parametrize('drop_markup', [False, True])
def test_texts_are_split_as_python_splits_them(drop_markup, tmp_path):
    random = np.random.RandomState(0)
    pool = sorted(set(''.join(AWKWARD)))
    texts = AWKWARD + [''.join(random.choice(pool, size=40)) for _ in range(300)]
    words = sorted(set(word for text in texts[::2] for word in words_of(text, drop_markup)))
    words = {word: number for number, word in enumerate(words, 1)}
    folder = review(tmp_path / 'model', words=words, drop_markup=drop_markup)
    found = ask('return given.texts.map(text => model.encode(text))', page.write_page(folder, tmp_path / 'page.html'),
                texts=texts)
    known = 0
    for text, one in zip(texts, found):
        assert [word['word'] for word in one] == words_of(text, drop_markup)
        assert [word['number'] for word in one] == [words.get(word) for word in words_of(text, drop_markup)]
        assert [len(words_of(span)) for span in spans(text, one)] == [1] * len(one)
        known += sum(word['known'] for word in one)
    assert known > 1000


def test_every_character_is_treated_as_python_treats_it(tmp_path):
    """All that both versions of Unicode have: between letters, where a space, a mark or a capital makes a difference.
    """
    chars = [chr(code) for code in range(0x110000) if not 0xd800 <= code < 0xe000]
    chars = [char for char in chars if unicodedata.category(char) != 'Cn']
    found = ask(r'''
        return given.chars.map(
            char => /\p{Cn}/u.test(char) ? null : model.encode('A' + char + 'B').map(word => word.word));
    ''', page.write_page(review(tmp_path / 'model'), tmp_path / 'page.html'), chars=chars)
    wrong = [char for char, words in zip(chars, found) if words not in (None, words_of('A' + char + 'B'))]
    assert wrong == [] and len(chars) - found.count(None) > 130000


# ---- 16 bits, and what they cost -------------------------------------------------------------------------------------

def test_16_bits_are_read_as_numpy_reads_them():
    values = np.arange(2 ** 16, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)]
    found = ask('''
        const payload = {format: 1, class_name: 'CharRNN', vocabulary: ['a'], arrays: {
            'logits/kernel': given.array, 'logits/bias': given.array, [given.scope + 'kernel']: given.array,
            [given.scope + 'bias']: given.array}, arguments: {num_classes: 1, num_layers: 1, lstm_size: 1}};
        return Array.from(RNN.load(payload).kernel, value => Object.is(value, -0) ? '-0' : value);
    ''', scope='rnn/multi_rnn_cell/cell_0/basic_lstm_cell/', array=dict(
        shape=[len(values)], type='float16', data=base64.b64encode(values.tobytes()).decode()))
    assert found.count('-0') == 1
    np.testing.assert_array_equal(np.array(found, dtype=np.float32), values.astype(np.float32))


def test_weights_beyond_the_range_of_16_bits_keep_their_32(tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'LARGE', 0)
    folder = review(tmp_path / 'model')
    description = read_description(str(folder))
    arrays, _ = weights.read(str(folder), description)
    arrays['logits/bias'] = arrays['logits/bias'] + np.float32(1e5)
    weights.write(str(folder), arrays, description, 'hand-1.ckpt')
    found = Parsed(page.write_page(folder, tmp_path / 'page.html')).payload['arrays']
    assert {name: array['type'] for name, array in found.items() if array['type'] != 'float16'} == {
        'logits/bias': 'float32'}


@pytest.mark.parametrize('unknown', [False, True])
def test_the_page_says_what_its_limits_cost(unknown, tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'LARGE', 0)
    folder = review(tmp_path / 'model', unknown=unknown)
    random = np.random.RandomState(2)
    sizes = random.randint(0, 20, size=60)
    texts = [' '.join(random.choice(sorted(WORDS) + ['strange'], size=size)) for size in sizes]
    labels = random.randint(0, 2, size=60)
    path = page.write_page(folder, tmp_path / 'page.html', words=6, texts=iter(texts), labels=labels)
    here = np.array([one['final'] for one in ask(READ, path, texts=texts)])
    whole = portable.load(folder).predict_text(texts)
    said = dict(Parsed(path).payload['facts'])[page.WHOLE]
    accuracy, page_accuracy, mean, most = [float(figure) for figure in re.findall(r'0\.\d{4}', said)]
    assert said.startswith('on the 60 reviews given: ') and most > 0.01
    assert accuracy == pytest.approx(np.mean((whole > 0.5) == labels), abs=1e-4)
    assert page_accuracy == pytest.approx(np.mean((here > 0.5) == labels), abs=1e-4)
    assert mean == pytest.approx(np.abs(here - whole).mean(), abs=1e-4)
    assert most == pytest.approx(np.abs(here - whole).max(), abs=1e-4)


def test_16_bits_are_used_where_the_weights_are_large(tmp_path, monkeypatch):
    folder = review(tmp_path / 'model')
    payload = Parsed(page.write_page(folder, tmp_path / 'page.html')).payload
    assert {array['type'] for array in payload['arrays'].values()} == {'float32'}
    assert page.WHOLE not in dict(payload['facts'])             # nothing is left out
    monkeypatch.setattr(page, 'LARGE', 0)
    path = page.write_page(folder, tmp_path / 'page.html')
    payload = Parsed(path).payload
    assert {array['type'] for array in payload['arrays'].values()} == {'float16'}
    assert dict(payload['facts'])[page.WHOLE] == 'not compared; export_model.py --csv does it'
    assert dict(payload['facts'])['Weights'].endswith(', in 16 bits')
    final = ask(READ, path, texts=[REVIEW])[0]['final']
    assert final == pytest.approx(portable.load(folder).predict_text(REVIEW), abs=1e-2)


# ---- the file --------------------------------------------------------------------------------------------------------

EVIL = ['</script><script>alert(1)</script>', '<!--<script>', '"\'\\', '\u2028', '\u2029', '&lt;', ']]>', '\x00']


def test_nothing_breaks_out_of_the_page(tmp_path):
    words = {word: number for number, word in enumerate(EVIL, 1)}
    folder = review(tmp_path / 'model', words=words)
    path = page.write_page(folder, tmp_path / 'page.html', trained_on=EVIL[0] + '\ud800')
    parsed = Parsed(path)
    assert [attributes.get('type') for tag, attributes in parsed.tags if tag == 'script'] == ['application/json', None]
    assert parsed.payload['vocabulary'] == [None] + EVIL
    assert parsed.payload['facts'][-1] == ['Trained on', EVIL[0] + '\ud800']
    clean = Parsed(page.write_page(review(tmp_path / 'other'), tmp_path / 'clean.html'))
    assert parsed.tags == clean.tags and parsed.text[None] == clean.text[None]
    assert ask('return model.words', path) == [None] + EVIL


def test_only_the_script_of_the_page_may_run_and_nothing_is_fetched(tmp_path):
    for folder in (char(tmp_path / 'text'), review(tmp_path / 'reviews')):
        parsed = Parsed(page.write_page(folder, tmp_path / 'page.html'))
        policy, = [attributes['content'] for tag, attributes in parsed.tags
                   if attributes.get('http-equiv') == 'Content-Security-Policy']
        digest = page.hashlib.sha256(parsed.text[None].encode('utf-8')).digest()
        assert "default-src 'none'" in policy
        assert policy.endswith("script-src 'sha256-%s'" % base64.b64encode(digest).decode())
        assert not [attributes for _, attributes in parsed.tags if {'src', 'href', 'action'} & set(attributes)]


@pytest.mark.parametrize('name', sorted(os.listdir(page.FILES)))
def test_the_files_of_a_page_cannot_end_their_element(name):
    content = page._file(name)
    assert not re.search(r'</(script|style)|<!--\s*<script', content, re.IGNORECASE) and '\r' not in content


def test_what_the_page_says_of_the_model(tmp_path):
    folder = char(tmp_path / 'model', grad_clip=None, sampling=False)
    payload = Parsed(page.write_page(folder, tmp_path / 'page.html', trained_on='a play')).payload
    assert payload['class_name'] == 'CharRNN' and payload['vocabulary'] == sorted(CHAR2INT)
    assert (payload['checkpoint'], payload['version']) == ('hand-1.ckpt', rnnbook.__version__)
    size = sum(np.prod(array['shape']) for array in payload['arrays'].values())
    assert payload['facts'] == [
        ['Weights', '%s, in 32 bits' % format(int(size), ',')],
        ['Settings', 'num_classes %d, batch_size 4, num_steps 10, lstm_size 6, num_layers 1, sampling no'
         % len(CHAR2INT)],
        ['Trained on', 'a play']]


def test_numpy_alone_is_enough(tmp_path):
    char(tmp_path / 'model')
    code = ('import sys\n'
            'for name in ("tensorflow", "pandas", "pyprind"):\n'
            '    sys.modules[name] = None                   # importing it raises\n'
            'from rnnbook.portable import page\n'
            'print(page.write_page("model", "page.html"))\n')
    out = subprocess.check_output([sys.executable, '-c', code], cwd=str(tmp_path),
                                  env=dict(os.environ, PYTHONPATH=ROOT))
    assert out.decode().strip() == 'page.html' and (tmp_path / 'page.html').exists()


def test_what_cannot_be_written_is_refused(tmp_path):
    text, reviews = char(tmp_path / 'text'), review(tmp_path / 'reviews')
    out = tmp_path / 'page.html'
    for folder, changes, error, message in [
            (tmp_path / 'none', {}, FileError, 'none holds no model'),
            (reviews, dict(words=0), ArgumentValueError, 'words must be an integer of at least 1, not 0'),
            (reviews, dict(texts=['good']), ArgumentTypeError, 'labels must be an array'),
            (reviews, dict(texts=[], labels=[]), ArgumentValueError, 'texts must have at least 1 review'),
            (reviews, dict(texts=['good'], labels=[2]), ArgumentValueError, 'labels must hold 0 and 1, not 2'),
            (reviews, dict(texts='good', labels=[1]), ArgumentTypeError, 'texts must be a sequence of str, not one'),
            (text, dict(texts=['good'], labels=[1]), ArgumentValueError, 'texts and labels must be None for a CharRNN'),
            (text, dict(trained_on=5), ArgumentTypeError, 'trained_on must be a str, not 5')]:
        with pytest.raises(error, match=message):
            page.write_page(folder, out, **changes)
    with pytest.raises(FileError, match='text is a folder, not a file'):
        page.write_page(text, text)
    make(reviews, Description('SentimentRNN', dict(n_words=5, seq_len=3, lstm_size=2, num_layers=1, batch_size=2,
                                                   embed_size=2), None))
    with pytest.raises(ArgumentValueError, match='trained without a vocabulary, so it cannot read texts'):
        page.write_page(reviews, out)
    assert not out.exists()


# ---- the script ------------------------------------------------------------------------------------------------------

def test_the_script_writes_a_page_and_measures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    review(tmp_path / 'model')
    rows = ['%s,%d' % (text, number % 2) for number, text in enumerate(['good film', 'bad plot'] * 4)]
    (tmp_path / 'mine.csv').write_text('text,good\n' + '\n'.join(rows) + '\n', encoding='utf-8')
    mine = ['--csv', 'mine.csv', '--text-column', 'text', '--label-column', 'good']
    assert export_model.main(['--page', 'page.html', '--page-words', '5', '--trained-on', 'films'] + mine) == 0
    assert capsys.readouterr().out == 'page.html\n'
    facts = dict(Parsed('page.html').payload['facts'])
    assert facts[page.WHOLE].startswith('on the 4 reviews given: ') and facts['Trained on'] == 'films'
    assert export_model.main(['--page', 'page.html', '--limit', '1'] + mine) == 0
    assert dict(Parsed('page.html').payload['facts'])[page.WHOLE].startswith('on the 1 review given: ')


@pytest.mark.parametrize('flags, message', [
    (['--page', 'page.html', '--page-words', '0'], '--page-words must be an integer of at least 1, not 0'),
    (['--page', 'https://x/y'], "--page must be a folder of this machine, not the address 'https://x/y'"),
    (['--page', 'model'], 'model is a folder, not a file'),
    (['--page', 'page.html', '--saved-model', 'x'], 'give --page or --saved-model, not both'),
    (['--csv', 'mine.csv'], '--csv needs --page'),
    (['--page-words', '5'], '--page-words needs --page'),
    (['--onnx', 'x', '--trained-on', 'films'], '--trained-on needs --page'),
    (['--page', 'page.html', '--limit', '5'], '--limit needs --csv'),
    (['--page', 'page.html', '--text-column', 'x'], '--text-column needs --csv'),
    (['--page', 'page.html', '--csv', 'none.csv'], 'none.csv'),
    (['--page', 'page.html', '--ckpt-dir', 'text', '--csv', 'none.csv'], "describes a 'CharRNN', not a SentimentRNN"),
])
def test_the_script_names_the_flag(flags, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    review(tmp_path / 'model')
    char(tmp_path / 'text')
    assert export_model.main(flags) == 2
    said = capsys.readouterr().err
    assert message in said and said.count('\n') == 1 and not os.path.exists('page.html')


@pytest.mark.parametrize('flag', ['--page', '--onnx', '--saved-model'])
@pytest.mark.parametrize('target, message', [
    *((name, 'is a name that the model in that folder uses; choose another') for name in (
        'model/model.json', 'model/weights.npz', 'model/checkpoint', 'model/history.csv', 'model/.lock', 'model/best',
        'model/.saving/', 'model/hand-1.ckpt.index', 'model/hand-1.ckpt.data-00000-of-00001',
        'model/hand-1.ckpt.progress.json', 'alias/model.json')),
    ('link', 'is a link, which would be replaced'),
    ('nowhere', 'is a link, which would be replaced'),
    ('mine.csv/out', 'mine.csv is no folder that can be written to')])
def test_no_export_replaces_a_file_of_a_model_or_a_link(flag, target, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    review(tmp_path / 'model')
    (tmp_path / 'mine.csv').write_text('mine')
    for name, aim in [('alias', 'model'), ('link', 'mine.csv'), ('nowhere', 'none')]:
        (tmp_path / name).symlink_to(aim)

    def files():
        return {str(path): path.is_file() and path.read_bytes() for path in tmp_path.rglob('*')}

    before = files()
    assert export_model.main([flag, target]) == 2
    said = capsys.readouterr().err
    assert '%s %s' % (flag, target) in said and message in said and said.count('\n') == 1
    assert files() == before


def test_the_page_does_not_replace_the_reviews(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    review(tmp_path / 'model')
    (tmp_path / 'mine.csv').write_text('review,sentiment\ngood,1\nbad,0\n')
    assert export_model.main(['--csv', 'mine.csv', '--page', str(tmp_path / 'mine.csv')]) == 2
    assert '--page must be another file than --csv' in capsys.readouterr().err
    assert (tmp_path / 'mine.csv').read_text() == 'review,sentiment\ngood,1\nbad,0\n'


def rewrite(folder, **arguments):
    """Change arguments in `model.json`."""
    content = json.loads((folder / 'model.json').read_text())
    content['arguments'].update(arguments)
    (folder / 'model.json').write_text(json.dumps(content))


def test_a_damaged_model_json_is_named(tmp_path):
    folder = review(tmp_path / 'model')
    rewrite(folder, bidirectional='no')
    with pytest.raises(FileError, match=r"model\.json: bidirectional must be True or False, not 'no'"):
        page.write_page(folder, tmp_path / 'page.html')
    folder = review(tmp_path / 'model', learning_rate=float('nan'))
    with pytest.raises(FileError, match=r'model\.json: every number must be finite'):
        page.write_page(folder, tmp_path / 'page.html')
    assert not (tmp_path / 'page.html').exists()


def test_weights_of_another_model_of_the_same_shapes_are_refused(tmp_path):
    folder = review(tmp_path / 'model')
    rewrite(folder, engine='fused')                         # computes the same
    portable.load(folder)
    rewrite(folder, pooling='max')
    with pytest.raises(FileError, match=r'weights\.npz was written for another model\.json than the one beside it'):
        portable.load(folder)


def test_older_weights_do_not_say_of_which_model_they_are(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        dumps = json.dumps
        patch.setattr(weights.json, 'dumps', lambda value, **more: dumps(
            {name: entry for name, entry in value.items() if name != 'model'} if 'newest' in value else value, **more))
        folder = review(tmp_path / 'model')
    assert 'model' not in json.loads(str(np.load(str(folder / 'weights.npz'))['about']))
    assert portable.load(folder).checkpoint == 'hand-1.ckpt'


@pytest.mark.parametrize('checkpoint', ['', None, '../other/hand-1.ckpt', 'a\0b', '\ud800'])
def test_weights_of_a_checkpoint_that_has_no_name_are_damaged(checkpoint, tmp_path):
    folder = review(tmp_path / 'model')
    description = read_description(str(folder))
    arrays, _ = weights.read(str(folder), description)
    weights.write(str(folder), arrays, description, checkpoint)
    with pytest.raises(FileError, match=r'weights\.npz is damaged'):
        page.write_page(folder, tmp_path / 'page.html')


def test_the_script_says_that_the_weights_are_damaged(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (review(tmp_path / 'model') / 'weights.npz').write_bytes(b'PK')
    assert export_model.main(['--page', 'page.html']) == 2
    assert 'weights.npz is damaged' in capsys.readouterr().err


@pytest.mark.parametrize('flags, message', [
    (['--csv', 'mine.csv', '--limit', '0'], '--limit must be an integer of at least 1, not 0'),
    (['--csv', 'none.csv'], 'none.csv'),
    (['--ckpt-dir', 'mute'], 'this model was trained without a vocabulary, so it cannot read texts'),
    (['--checkpoint', ''], "checkpoint must be one of those in ./model/ (none), not ''")])
def test_bad_input_is_refused_before_the_weights_are_written(flags, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    review(tmp_path / 'model')
    make(tmp_path / 'mute', read_description('model')._replace(vocabulary=None))
    (tmp_path / 'mine.csv').write_text('review,sentiment\ngood,1\nbad,0\n')
    monkeypatch.setattr(weights, 'write', None)             # would be an error
    if '--checkpoint' not in flags:
        monkeypatch.setattr(weights, 'is_current', None)
    assert export_model.main(['--page', 'page.html'] + flags) == 2
    assert message in capsys.readouterr().err
