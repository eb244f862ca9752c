"""Sampling and evaluating in the private graph, held against the chapter's loop over sessions."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import hamlet
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder import reading
from rnnbook.network import drawing, lstm, sampling

V = len(models.CHAR2INT)
BIG = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n.'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with a model of two layers after three epochs."""
    folder = tmp_path_factory.mktemp('sampling')
    char2int, _ = hamlet.char_vocabulary(BIG)
    rows = hamlet.reshape_data(hamlet.encode(BIG * 2, char2int), 2, 5)
    rnn = CharRNN(len(BIG), 2, 5, lstm_size=24, num_layers=2, learning_rate=0.03)
    rnn.train(*rows, num_epochs=3, ckpt_dir=folder, vocabulary=char2int)
    return str(folder)


@pytest.fixture(scope='module')
def rnn(folder):
    return CharRNN.load(folder)


@pytest.fixture(scope='module')
def trainer(folder):
    """The same model, as it trains."""
    return CharRNN.load(folder, sampling=False)


class Listing:
    """The chapter's way: a session run and a draw for each character, on the graph of the model itself."""

    def __init__(self, rnn, folder):
        self.rnn, self.probas = rnn, []
        self.sess = tf.compat.v1.Session(graph=rnn.g)
        rnn.saver.restore(self.sess, tf.train.latest_checkpoint(folder))
        self.state = self.sess.run(rnn.initial_state)

    def step(self, number):
        probas, self.state = self.sess.run(['probabilities:0', self.rnn.final_state],
                                           {'tf_x:0': [[number]], 'tf_keepprob:0': 1.0,
                                            self.rnn.initial_state: self.state})
        self.probas.append(probas)
        return probas

    def sample(self, length, starter, top_n=5, temperature=1.0):
        drawn = [self.rnn.vocabulary[char] for char in starter]
        for number in drawn[:-1]:
            self.step(number)
        for _ in range(length + 1):
            probas = drawing.apply_temperature(self.step(drawn[-1]), temperature)
            drawn.append(drawing.get_top_char(probas, self.rnn.num_classes, top_n))
        self.sess.close()
        int2char = {number: char for char, number in self.rnn.vocabulary.items()}
        return ''.join(int2char[number] for number in drawn)


@pytest.mark.parametrize('how', [dict(), dict(top_n=1), dict(top_n=len(BIG)), dict(temperature=0.4),
                                 dict(temperature=3.0, top_n=20), dict(temperature=1e-9), dict(temperature=1e9)],
                         ids=str)
def test_a_text_and_numpys_generator_after_it_are_those_of_the_listing(how, rnn, folder):
    for seed, length, starter in ((0, 300, 'The '), (1, 0, 'T'), (2, 1, 'a\n')):
        np.random.seed(seed)
        expected = Listing(rnn, folder).sample(length, starter, **how)
        after = np.random.random_sample(3)
        np.random.seed(seed)
        assert rnn.sample(length, folder, starter, **how) == expected
        np.testing.assert_array_equal(np.random.random_sample(3), after)


def test_the_probabilities_are_the_bits_of_the_books_graph(rnn, folder, monkeypatch):
    listing = Listing(rnn, folder)
    np.random.seed(0)
    listing.sample(300, 'The ')
    seen = []
    draw = drawing.draw
    monkeypatch.setattr(drawing, 'draw', lambda probas, *more: seen.append(probas) or draw(probas, *more))
    rnn.sample(300, folder, seed=0)
    # A run that was done again for a wrong character would stand here twice; there is none under this seed.
    np.testing.assert_array_equal(np.concatenate(seen)[:, 0], np.concatenate(listing.probas)[3:])


@pytest.mark.parametrize('samples', [1, 3])
def test_a_wrong_proposal_is_put_right_wherever_it_stands(samples, rnn, folder, monkeypatch):
    expected = rnn.sample(80, folder, seed=1, num_samples=samples)
    honest, proposals = sampling.checked, []

    def with_lies(propose, exact, *more):
        def lying(state, last, uniform):
            numbers, probas, after = propose(state, last, uniform)
            proposals.append(len(numbers))
            if len(proposals) in (1, 2, 6):                 # what follows was computed from another character
                numbers = numbers.copy()
                numbers[len(numbers) // 2, -1] += 1
            return numbers, probas, after
        return honest(lying, exact, *more)
    monkeypatch.setattr(sampling, 'checked', with_lies)
    assert rnn.sample(80, folder, seed=1, num_samples=samples) == expected
    assert len(proposals) > 4 and proposals[1] == proposals[0] // 2 + 1


@pytest.mark.parametrize('wrong_at', [[], [3], [1], range(0, 1000, 2), range(1000)], ids=str)
def test_checked_goes_on_from_the_right_character_and_state(wrong_at):
    """With a chain whose state is the sum of all that was read, and whose next character is its last digit."""
    last, uniform = np.array([1, 2]), np.arange(40).reshape(20, 2) % 7
    lengths = []

    def propose(state, last, uniform):
        numbers, sums = [], []
        for u in uniform:
            state = state + last
            sums.append(state + u)
            last = (state + u + np.isin(state, wrong_at)) % 10
            numbers.append(last)
        lengths.append(len(numbers))
        return np.array(numbers), np.array(sums), state

    block, state = sampling.checked(propose, lambda sums, uniform: sums % 10, np.zeros(2, int), last, uniform)
    total = np.zeros(2, int)
    for number, u in zip(block, uniform):
        total = total + last
        last = number
        np.testing.assert_array_equal(number, (total + u) % 10)
    assert block.shape == (20, 2)
    np.testing.assert_array_equal(state, total)
    assert len(lengths) <= 3 * 20                           # however much was wrong


def test_equal_probabilities_everywhere_end_soon_and_as_in_the_listing(tmp_path):
    rnn = CharRNN(V, lstm_size=6, sampling=True)            # all weights zero: the graph and argsort choose other ones
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        sess.run(rnn.init_op)
        for variable in rnn.g.get_collection('trainable_variables'):
            variable.load(np.zeros(variable.shape.as_list()), sess)
        rnn.saver.save(sess, str(tmp_path / 'language_modeling.ckpt'))
    rnn.vocabulary = models.CHAR2INT
    np.random.seed(4)
    expected = Listing(rnn, str(tmp_path)).sample(30, 'the ')
    np.random.seed(4)
    assert rnn.sample(30, tmp_path, 'the ', vocabulary=models.CHAR2INT) == expected


def test_several_samples_are_the_texts_of_as_many_calls(rnn, folder):
    np.random.seed(6)
    expected = [rnn.sample(50, folder) for _ in range(5)]
    after = np.random.random_sample()
    np.random.seed(6)
    assert rnn.sample(50, folder, num_samples=5) == expected
    assert np.random.random_sample() == after
    assert len(set(expected)) == 5
    assert rnn.sample(50, folder, num_samples=5, seed=6) == expected
    assert rnn.sample(50, folder, num_samples=1, seed=6) == expected[:1]


def test_samples_of_a_wide_vocabulary_come_in_short_blocks_and_are_the_same(rnn, folder, monkeypatch):
    assert sampling.window(1) == sampling.WINDOW
    assert 1 < sampling.window(sampling.MOST // 10) < sampling.WINDOW
    assert sampling.window(sampling.MOST * 2) == 1
    expected = rnn.sample(20, folder, num_samples=3, seed=1)
    monkeypatch.setattr(sampling, 'MOST', 3 * len(BIG) * 4)
    assert rnn.sample(20, folder, num_samples=3, seed=1) == expected


def test_more_than_256_characters_are_summed_up_in_another_way(tmp_path):
    alphabet = ''.join(map(chr, range(32, 332)))
    char2int = hamlet.char_vocabulary(alphabet)[0]
    rows = hamlet.reshape_data(hamlet.encode(alphabet, char2int), 2, 5)
    CharRNN(300, 2, 5, lstm_size=6).train(*rows, num_epochs=1, ckpt_dir=tmp_path, vocabulary=char2int)
    rnn = CharRNN.load(tmp_path)
    for top_n in (5, 'all'):
        np.random.seed(0)
        expected = [Listing(rnn, str(tmp_path)).sample(30, 'The ', drawing.check_top_n('top_n', top_n, 300))
                    for _ in range(3)]
        assert rnn.sample(30, tmp_path, num_samples=3, seed=0, top_n=top_n) == expected


def test_a_seed_of_its_own_is_numpys_and_leaves_the_global_generator_alone(rnn, folder):
    np.random.seed(8)
    expected = rnn.sample(40, folder)
    np.random.seed(9)
    after = np.random.random_sample()
    np.random.seed(9)
    assert rnn.sample(40, folder, seed=8) == expected
    assert rnn.sample(40, folder, seed=np.uint32(8)) == expected
    assert np.random.random_sample() == after


def test_all_is_every_character_and_so_is_a_number_past_the_vocabulary(rnn, folder):
    expected = rnn.sample(40, folder, seed=8, top_n=len(BIG))
    for top_n in ('all', None, len(BIG) + 1, 10 ** 30):
        assert rnn.sample(40, folder, seed=8, top_n=top_n) == expected
    assert rnn.sample(40, folder, seed=8) != expected


def test_stop_ends_a_text_and_not_the_numbers_that_it_uses_up(rnn, folder):
    whole = rnn.sample(60, folder, 'a', seed=2, num_samples=3)
    stop = whole[0][10:12]
    np.random.seed(2)
    stopped = rnn.sample(60, folder, 'a', num_samples=3, stop=stop)
    after = np.random.random_sample()
    for text, long in zip(stopped, whole):
        end = long.find(stop, 1)
        assert text == (long if end < 0 else long[:end + len(stop)])
    assert len(stopped[0]) <= 12
    np.random.seed(2)
    np.random.random_sample(3 * 61)
    assert np.random.random_sample() == after


def test_a_stop_that_stands_in_the_starter_does_not_count(rnn, folder):
    assert len(rnn.sample(60, folder, 'aaaa', seed=2, stop='aaaa')) == 4 + 61


@pytest.mark.parametrize('how', [dict(), dict(stop='e'), dict(top_n='all', temperature=2.0)], ids=str)
def test_a_stream_is_the_text_of_sample_character_by_character(how, rnn, folder):
    for length in (0, 1, 50):
        np.random.seed(3)
        expected = rnn.sample(length, folder, **how)
        after = np.random.random_sample()
        np.random.seed(3)
        stream = rnn.sample_stream(length, folder, **how)
        assert np.random.random_sample() == after           # all that it needs is drawn by now
        characters = list(stream)
        assert ''.join(characters) == expected
        assert all(len(char) == 1 for char in characters)


def test_a_stream_comes_as_it_is_written_and_is_left_alone_by_what_happens_between(rnn, folder, monkeypatch):
    expected = rnn.sample(100, folder, seed=3)
    runs = []
    honest = sampling.checked
    monkeypatch.setattr(sampling, 'checked', lambda *arguments: runs.append(1) or honest(*arguments))
    stream = rnn.sample_stream(100, folder, seed=3)
    begin = ''.join(itertools.islice(stream, len('The ') + 1))
    assert len(runs) == 1
    oldest = reading.names(folder)[0]
    other = rnn.sample(100, folder, seed=3, checkpoint=oldest)      # restores other weights meanwhile
    assert other != expected
    assert begin + ''.join(stream) == expected
    assert rnn.sample(100, folder, seed=3, checkpoint=oldest) == other


def test_unknown_characters_of_the_starter_are_named_or_left_out(rnn, folder):
    with pytest.raises(ArgumentValueError, match=r"starter_seq has '!', 'é', which the vocabulary lacks"):
        rnn.sample(5, folder, 'T\u00e9!a')
    skipped = rnn.sample(5, folder, 'T\u00e9!a', unknown='skip', seed=1)
    assert skipped == rnn.sample(5, folder, 'Ta', seed=1)
    assert ''.join(rnn.sample_stream(5, folder, 'T\u00e9!a', unknown='skip', seed=1)) == skipped
    with pytest.raises(ArgumentValueError, match=r"starter_seq has '!', which the vocabulary lacks"):
        rnn.sample(5, folder, '!!', unknown='skip')


BAD = [
    (dict(output_length=-1), ArgumentValueError, 'output_length must be an integer of at least 0'),
    (dict(top_n=0), ArgumentValueError, 'top_n must be an integer of at least 1, not 0'),
    (dict(top_n='some'), ArgumentValueError, "top_n must be an integer of at least 1 or 'all', not 'some'"),
    (dict(temperature=-1), ArgumentValueError, 'temperature must be a finite number above 0'),
    (dict(temperature=float('inf')), ArgumentValueError, 'temperature must be a finite number above 0'),
    (dict(seed=-1), ArgumentValueError, 'seed must be an integer from 0 to 4294967295, not -1'),
    (dict(seed=2 ** 32), ArgumentValueError, 'seed must be an integer from 0 to 4294967295'),
    (dict(seed=1.5), ArgumentTypeError, 'seed must be an integer'),
    (dict(stop=''), ArgumentValueError, 'stop must have at least one character, not none'),
    (dict(stop=5), ArgumentTypeError, 'stop must be a str, not 5'),
    (dict(stop='e!'), ArgumentValueError, "stop has '!', which the vocabulary lacks"),
    (dict(unknown='drop'), ArgumentValueError, "unknown must be one of 'error', 'skip', not 'drop'"),
    (dict(unknown='skip', starter_seq=''), ArgumentValueError, 'starter_seq must have at least one character'),
    (dict(unknown='skip', starter_seq=7), ArgumentTypeError, 'starter_seq must be a str'),
    (dict(checkpoint='none'), ArgumentValueError, 'checkpoint must be one of those in'),
]


@pytest.mark.parametrize('settings, error, message', BAD)
@pytest.mark.parametrize('method', ['sample', 'sample_stream'])
def test_a_bad_argument_is_named_when_the_method_is_called(method, settings, error, message, rnn, folder, monkeypatch):
    monkeypatch.setattr(rnn, '_private_graph', None)        # making one would be another error
    np.random.seed(0)
    with pytest.raises(error, match=message):
        getattr(rnn, method)(**{'output_length': 5, 'ckpt_dir': folder, **settings})
    left = np.random.random_sample()
    np.random.seed(0)
    assert np.random.random_sample() == left                # and no random number is used up


@pytest.mark.parametrize('number, error', [(0, ArgumentValueError), (-2, ArgumentValueError),
                                           ('2', ArgumentTypeError), (True, ArgumentTypeError),
                                           (2.0, ArgumentTypeError)])
def test_a_bad_num_samples_is_named(number, error, rnn, folder):
    with pytest.raises(error, match='num_samples must be an integer of at least 1'):
        rnn.sample(5, folder, num_samples=number)


def test_a_model_for_training_says_that_it_cannot_sample(trainer, folder):
    for method in ('sample', 'sample_stream'):
        with pytest.raises(ArgumentValueError, match='sampling must be True for %s' % method):
            getattr(trainer, method)(5, folder)


def test_weights_that_are_no_numbers_are_an_error(tmp_path, folder):
    rnn = CharRNN.load(folder)
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        rnn.saver.restore(sess, tf.train.latest_checkpoint(folder))
        rnn.g.get_collection('trainable_variables')[-1].load(np.full(len(BIG), np.nan), sess)
        rnn.saver.save(sess, str(tmp_path / 'language_modeling.ckpt'))
    for samples in (None, 2):
        with pytest.raises(FileError, match='cannot use .*language_modeling.ckpt: variable logits/bias is not finite'):
            rnn.sample(5, tmp_path, num_samples=samples, vocabulary=rnn.vocabulary)
    assert rnn.sample(5, folder).startswith('The ')         # and the session is of use again


def test_a_second_call_builds_nothing_and_opens_no_session(folder, monkeypatch):
    rnn = CharRNN.load(folder)
    public = len(rnn.g.get_operations())
    rnn.sample(5, folder)
    rnn.sample(5, folder, num_samples=2)
    rnn.evaluate('The end.')
    private = rnn._private_graph().g
    size = len(private.get_operations())
    monkeypatch.setattr(tf.compat.v1, 'Session', None)
    rnn.sample(50, folder)
    rnn.sample(50, folder, num_samples=20)
    rnn.evaluate('The end.')
    assert rnn._private_graph().g is private and len(private.get_operations()) == size
    assert len(rnn.g.get_operations()) == public


def test_the_private_graph_has_the_books_variables_and_no_others(rnn):
    graph = rnn._private_graph().g
    names = {variable.op.name: variable.shape.as_list() for variable in graph.get_collection('variables')}
    assert names == {variable.op.name: variable.shape.as_list()
                     for variable in rnn.g.get_collection('trainable_variables')}


@pytest.mark.parametrize('engine', lstm.ENGINES)
@pytest.mark.parametrize('several', [False, True])
def test_every_form_of_the_step_computes_the_books_probabilities(engine, several, rnn, folder):
    listing = Listing(rnn, folder)
    np.random.seed(0)
    text = listing.sample(40, 'The ')
    graph = sampling.SamplingGraph(len(BIG), lstm.Layers(engine, 24, 2), rnn.session_config())
    uniform = drawing.uniform_numbers(41, seed=0)
    with graph.session() as sess:
        reading.restore(sess, folder)
        state = graph.read(sess, hamlet.encode(text[:3], rnn.vocabulary))
        numbers, probas, _ = sess.run(graph._loop(several), {
            graph._last: [rnn.vocabulary[text[3]]], graph._uniform: uniform, graph._top_n: 5, graph._sharpness: 1.0,
            **graph._from(state)})
    assert numbers[:, 0].tolist() == hamlet.encode(text[4:], rnn.vocabulary).tolist()
    np.testing.assert_allclose(probas[:, 0], np.concatenate(listing.probas)[3:], rtol=1e-5, atol=1e-8)


def test_the_fused_engine_writes_the_same_texts(rnn, folder):
    fused = CharRNN.load(folder, engine='fused')
    assert fused.sample(60, folder, seed=1) == rnn.sample(60, folder, seed=1)
    assert fused.sample(60, folder, seed=1, num_samples=3) == rnn.sample(60, folder, seed=1, num_samples=3)
    assert fused.evaluate(BIG) == pytest.approx(rnn.evaluate(BIG), abs=1e-6)


@pytest.mark.parametrize('length', [2, sampling.WINDOW + 1, sampling.WINDOW + 2, 2 * sampling.WINDOW + 50])
def test_evaluate_is_the_figure_of_a_run_for_each_character(length, rnn, folder):
    text = ''.join(np.random.RandomState(0).choice(list(BIG), size=length))
    listing = Listing(rnn, folder)
    nats = [-np.log(listing.step(rnn.vocabulary[char]).astype(np.float64)[0, rnn.vocabulary[after]])
            for char, after in zip(text, text[1:])]
    listing.sess.close()
    assert rnn.evaluate(text) == pytest.approx(np.mean(nats) / np.log(2), abs=1e-6)


def test_a_model_for_training_evaluates_too(rnn, trainer, folder):
    assert trainer.evaluate(BIG) == trainer.evaluate(BIG, folder) == rnn.evaluate(BIG)
    oldest = reading.names(folder)[0]
    assert trainer.evaluate(BIG, checkpoint=oldest) == rnn.evaluate(BIG, checkpoint=oldest) != rnn.evaluate(BIG)
