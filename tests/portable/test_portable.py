"""`portable` and `weights` without TensorFlow: models made by hand, damaged files, and a Python with NumPy alone."""

import io
import os
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

import rnnbook
from rnnbook import equations, hamlet, portable
from rnnbook.base import files
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder.description import Description, variables, write_description
from rnnbook.portable import weights

WORDS = {'good': 1, 'bad': 2, 'film': 3, 'a': 4, '!': 5}
CHAR2INT, _ = hamlet.char_vocabulary('The cat sat.')
SENTIMENT = Description('SentimentRNN', dict(n_words=6, seq_len=4, lstm_size=3, num_layers=2, batch_size=5,
                                             learning_rate=0.01, embed_size=2, engine='book', seed=1), WORDS)
CHAR = Description('CharRNN', dict(num_classes=len(CHAR2INT), batch_size=4, num_steps=10, lstm_size=6,
                                   num_layers=1), CHAR2INT)


def draw(description):
    """Weights of a model that nobody has trained."""
    random = np.random.RandomState(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in variables(description)}


def make(folder, description):
    """A folder that holds such a model."""
    os.makedirs(str(folder), exist_ok=True)
    write_description(str(folder), description)
    weights.write(str(folder), draw(description), description, 'hand-1.ckpt')
    return folder


@pytest.fixture
def sentiment(tmp_path):
    return make(tmp_path / 'reviews', SENTIMENT)


@pytest.fixture
def char(tmp_path):
    return make(tmp_path / 'text', CHAR)


def rewrite(folder, change):
    """Replace weights.npz by one whose dict of arrays went through `change`."""
    path = str(folder / 'weights.npz')
    with np.load(path, allow_pickle=False) as arrays:
        arrays = dict(arrays)
    change(arrays)
    np.savez(path, **arrays)


def test_load_gives_the_class_that_the_folder_describes(sentiment, char):
    light = portable.load(sentiment)
    assert isinstance(light, portable.PortableSentiment)
    assert (light.arguments, light.vocabulary, light.checkpoint) == (SENTIMENT.arguments, WORDS, 'hand-1.ckpt')
    light = portable.load(str(char))
    assert isinstance(light, portable.PortableChar)
    assert (light.arguments, light.vocabulary) == (CHAR.arguments, CHAR2INT)


def test_the_arrays_come_back_as_they_were_written(char):
    arrays, checkpoint = weights.read(str(char), CHAR)
    written = draw(CHAR)
    assert checkpoint == 'hand-1.ckpt' and list(arrays) == list(written)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, written[name])


def test_a_compressed_file_with_columns_first_is_read_too(char):
    before = weights.read(str(char), CHAR)[0]
    with np.load(str(char / 'weights.npz')) as arrays:
        turned = {name: np.array(arrays[name], order='F') for name in arrays}
    np.savez_compressed(str(char / 'weights.npz'), **turned)
    for name, array in weights.read(str(char), CHAR)[0].items():
        np.testing.assert_array_equal(array, before[name])


# ---- reviews ---------------------------------------------------------------------------------------------------------

def test_a_carried_state_goes_from_row_i_of_a_batch_to_row_i_of_the_next(sentiment):
    arrays, light = draw(SENTIMENT), portable.load(sentiment)
    x = np.random.RandomState(1).randint(0, 6, size=(13, 4))
    cell = 'rnn/multi_rnn_cell/cell_%d/basic_lstm_cell/'
    layers = [(arrays[cell % n + 'kernel'], arrays[cell % n + 'bias']) for n in (0, 1)]
    expected = []
    for row in range(5):                                    # rows 0, 5 and 10 are one long sequence, and so on
        outputs, _ = equations.lstm(arrays['embedding'][x[row::5].reshape(1, -1)], layers)
        logits = equations.output_layer(outputs[0, 3::4], arrays['logits/kernel'], arrays['logits/bias'])
        expected.append(equations.sigmoid(logits[:, 0]))
    expected = [expected[row % 5][row // 5] for row in range(13)]
    np.testing.assert_allclose(light.predict(x, return_proba=True), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('carry_state', [True, False])
def test_long_inputs_are_computed_in_pieces_with_the_same_result(sentiment, carry_state, monkeypatch):
    x = np.random.RandomState(1).randint(0, 6, size=(13, 4))
    whole = portable.load(sentiment).predict(x, True, carry_state=carry_state)
    monkeypatch.setattr(portable, 'PIECE', 2 * 4 * (2 + 2 * 3))     # two rows
    pieces = portable.load(sentiment).predict(x, True, carry_state=carry_state)
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-6)


def test_labels_round_half_to_even(sentiment):
    light = portable.load(sentiment)
    light._forward = lambda x, state: (np.array([0.5, 0.5000001, 0.4999, 1.0], np.float32), None)
    labels = light.predict(np.zeros((4, 4), int), carry_state=False)
    assert labels.dtype == np.int32 and labels.tolist() == [0, 1, 0, 1]


def test_a_text_is_the_same_whatever_stands_beside_it(sentiment):
    light = portable.load(sentiment)
    texts = ['A good film!', 'bad, bad, BAD film', '', 'a Film that nobody knows', 'words unheard of'] * 2
    together = light.predict_text(texts)
    assert together.dtype == np.float32 and together.shape == (10,)
    alone = [light.predict_text(text) for text in texts]
    assert all(type(probability) is float for probability in alone)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    assert together[2] == together[4]                       # no known word in either
    assert light.predict_text('unheard a of Film') == pytest.approx(light.predict_text('a film'), abs=1e-7)
    rows = light.predict([[4, 1, 3, 5]], return_proba=True)
    assert together[0] == pytest.approx(rows[0], abs=1e-6)
    assert light.predict_text([]).shape == (0,)


def test_predict_text_needs_texts_and_a_vocabulary(sentiment):
    with pytest.raises(ArgumentTypeError, match='texts must be a sequence of str; row 1 is None'):
        portable.load(sentiment).predict_text(['a film', None])
    make(sentiment, SENTIMENT._replace(vocabulary=None))
    light = portable.load(sentiment)
    assert light.predict([[1, 2, 3, 4]]).shape == (1,)
    with pytest.raises(ArgumentValueError, match='this model was trained without a vocabulary'):
        light.predict_text('a film')


# ---- characters ------------------------------------------------------------------------------------------------------

def test_sample_writes_the_starter_one_character_and_the_length(char):
    light = portable.load(char)
    for length in (0, 1, 20):
        text = light.sample(length)
        assert text.startswith('The ') and len(text) == 4 + 1 + length and set(text) <= set(CHAR2INT)


def test_sample_reads_all_of_the_starter_and_what_it_has_drawn(char):
    arrays = draw(CHAR)
    np.random.seed(3)
    text = portable.load(char).sample(30, 'The ')
    cell = 'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/'
    outputs, _ = equations.lstm(equations.one_hot(hamlet.encode(text, CHAR2INT)[np.newaxis], len(CHAR2INT)),
                                [(arrays[cell + 'kernel'], arrays[cell + 'bias'])])
    logits = equations.output_layer(outputs, arrays['logits/kernel'], arrays['logits/bias'])[0]     # (T, V)
    np.random.seed(3)
    drawn = [hamlet.get_top_char(equations.softmax(row), len(CHAR2INT)) for row in logits[3:-1]]
    assert [CHAR2INT[char] for char in text[4:]] == drawn


def test_evaluate_are_those_of_all_but_the_first(char, monkeypatch):
    light, text = portable.load(char), 'The cat sat.'
    arrays = draw(CHAR)
    cell = 'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/'
    state, nats = (np.zeros((1, 6)), np.zeros((1, 6))), []
    for before, following in zip(text, text[1:]):
        x = equations.one_hot([CHAR2INT[before]], len(CHAR2INT))
        state = equations.lstm_step(x, state, (arrays[cell + 'kernel'], arrays[cell + 'bias']))
        probas = equations.softmax(state.h.dot(arrays['logits/kernel']) + arrays['logits/bias'])
        nats.append(-np.log(probas[0, CHAR2INT[following]]))
    assert light.evaluate(text) == pytest.approx(np.mean(nats) / np.log(2), abs=1e-5)
    monkeypatch.setattr(portable, 'PIECE', 3 * (len(CHAR2INT) + 12))
    assert light.evaluate(text) == pytest.approx(np.mean(nats) / np.log(2), abs=1e-5)


# ---- folders that cannot be used -------------------------------------------------------------------------------------

def test_what_is_missing_is_named(char, tmp_path):
    with pytest.raises(FileError, match='none holds no model: there is no model.json in it'):
        portable.load(tmp_path / 'none')
    with pytest.raises(ArgumentTypeError, match='folder must be a path'):
        portable.load(None)
    (char / 'weights.npz').unlink()
    with pytest.raises(FileError, match=r'has no weights\.npz; scripts/export_model\.py writes it'):
        portable.load(char)


def test_a_text_model_without_a_vocabulary_is_refused(char):
    make(char, CHAR._replace(vocabulary=None))
    with pytest.raises(FileError, match=r'model\.json: vocabulary must not be null'):
        portable.load(char)


def test_a_model_of_another_class_is_refused(char):
    path = char / 'model.json'
    path.write_text(path.read_text().replace('CharRNN', 'WordRNN'))
    with pytest.raises(FileError, match="describes a 'WordRNN', not a SentimentRNN or a CharRNN"):
        portable.load(char)


def test_no_damage_of_the_file_gets_past(char):
    """Cut anywhere, or any byte changed: an error that names the file, or weights that are the same as before."""
    path, before = char / 'weights.npz', weights.read(str(char), CHAR)[0]
    whole, random = path.read_bytes(), np.random.RandomState(0)
    damaged = [whole[:size] for size in (0, 1, 3, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1)]
    damaged += [whole + b'', b'PK' + bytes(500), bytes(500), whole[200:]]
    for position in random.randint(0, len(whole), size=400):
        damaged.append(whole[:position] + bytes([whole[position] ^ (1 << random.randint(8))]) + whole[position + 1:])
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = weights.read(str(char), CHAR)[0]
        except FileError as error:
            assert 'weights.npz' in str(error)
            refused += 1
        else:
            for name, array in found.items():
                np.testing.assert_array_equal(array, before[name])
    assert refused > 300


def test_a_size_that_the_file_cannot_hold_is_refused_before_it_is_read(tmp_path):
    """A header that claims 8 GiB, as model.json does, and no data behind it."""
    huge = SENTIMENT._replace(arguments={**SENTIMENT.arguments, 'n_words': 2 ** 30})
    make(tmp_path, SENTIMENT)
    write_description(str(tmp_path), huge)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {'descr': '<f4', 'fortran_order': False, 'shape': (2 ** 30, 2)})
    with np.load(str(tmp_path / 'weights.npz')) as arrays:
        arrays = dict(arrays)
    del arrays['embedding']
    np.savez(str(tmp_path / 'weights.npz'), **arrays)
    with zipfile.ZipFile(str(tmp_path / 'weights.npz'), 'a') as archive:
        archive.writestr('embedding.npy', header.getvalue())
    with pytest.raises(FileError, match=r'weights\.npz is damaged.*embedding has'):
        portable.load(tmp_path)


@pytest.mark.parametrize('name', ['embedding.npy', 'more.npy'])
def test_a_zip_bomb_is_refused_by_the_sizes_in_its_directory(sentiment, name):
    """Whether the shapes of model.json ask for it or not: what the file would unpack to is never in memory."""
    path = os.path.join(sentiment, 'weights.npz')
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for member, data in {**members, name: bytes(2 ** 26)}.items():
            archive.writestr(member, data)
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match=r'weights\.npz, of \d+ bytes, would unpack to 67\d+ bytes'):
            portable.load(sentiment)
        assert tracemalloc.get_traced_memory()[1] < 2 ** 22
    finally:
        tracemalloc.stop()


def test_a_newer_checkpoint_is_noticed_where_there_are_checkpoints(char):
    for number in (1, 2):
        (char / ('hand-%d.ckpt.index' % number)).write_bytes(bytes([number]))
    (char / 'checkpoint').write_text('model_checkpoint_path: "hand-1.ckpt"\n')
    weights.write(str(char), draw(CHAR), CHAR, 'hand-1.ckpt')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        portable.load(char)
    (char / 'checkpoint').write_text('model_checkpoint_path: "hand-2.ckpt"\n')
    with pytest.warns(UserWarning, match='holds hand-1.ckpt as it was exported; .* trained since, up to hand-2.ckpt'):
        portable.load(char)
    (char / 'hand-2.ckpt.index').unlink()                   # a copy of the folder without its checkpoints
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert portable.load(char).checkpoint == 'hand-1.ckpt'


def test_numpy_alone_is_enough(sentiment, char):
    code = ('import sys\n'
            'for name in ("tensorflow", "pandas", "pyprind"):\n'
            '    sys.modules[name] = None                   # importing it raises\n'
            'import numpy as np\n'
            'from rnnbook import portable\n'
            'np.random.seed(3)\n'
            'print(portable.load(sys.argv[1]).predict_text("A good film!"))\n'
            'print(ascii(portable.load(sys.argv[2]).sample(200)))\n')
    root = os.path.dirname(os.path.dirname(os.path.abspath(rnnbook.__file__)))
    out = subprocess.check_output([sys.executable, '-c', code, str(sentiment), str(char)],
                                  env=dict(os.environ, PYTHONPATH=root)).decode().splitlines()
    assert float(out[0]) == pytest.approx(portable.load(sentiment).predict_text('A good film!'), abs=1e-6)
    np.random.seed(3)
    assert out[1] == ascii(portable.load(char).sample(200))


def test_writing_over_a_file_is_whole_or_not_at_all(char, monkeypatch):
    before = files.sha256(str(char / 'weights.npz'))

    def full(file, **arrays):
        file.write(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(np, 'savez', full)
    with pytest.raises(FileError, match=r'cannot write .*weights\.npz: No space left on device'):
        weights.write(str(char), draw(CHAR), CHAR, 'hand-2.ckpt')
    assert files.sha256(str(char / 'weights.npz')) == before
    assert not list(char.glob('*.part'))
