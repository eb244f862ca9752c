"""A model goes on learning: a run that starts from the weights of another one, and never drops weights silently."""

import shutil

import numpy as np
import pytest

import models
from rnnbook import hamlet
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder import reading, run_state
from rnnbook.sentiment import SentimentRNN

X, Y = models.characters()
REVIEWS = models.reviews()
CLASSES = {models.char: CharRNN, models.sentiment: SentimentRNN}


def train(rnn, folder, num_epochs=1, **run):
    if isinstance(rnn, CharRNN):
        rnn.train(X, Y, num_epochs, folder, **{'vocabulary': models.CHAR2INT, **run})
    else:
        rnn.train(*REVIEWS, num_epochs, ckpt_dir=folder, **{'vocabulary': models.WORDS, 'keep_prob': 1.0, **run})
    return rnn


def make(kind, **arguments):
    return kind(**{'engine': 'fused', **({'keep_prob': 1.0} if kind is models.char else {}), **arguments})


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    """A trained model of each kind."""
    place = tmp_path_factory.mktemp('sources')
    for kind in CLASSES:
        train(make(kind), place / kind.__name__, 4, quiet=True)
    return {kind: place / kind.__name__ for kind in CLASSES}


def first_loss(rnn, folder, capsys, **run):
    """The loss that a run prints of its first step."""
    train(rnn, folder, log_every=1, **run)
    line = next(line for line in capsys.readouterr().out.splitlines() if 'loss' in line)
    return float(line.rpartition(' ')[2])


def loss_of(kind, folder):
    """The loss of the first batch with the weights of a folder, computed in a session of the test's own."""
    rnn = make(kind)
    data = (X, Y) if kind is models.char else REVIEWS
    with models.tf.compat.v1.Session(graph=rnn.g, config=rnn.session_config()) as sess:
        sess.run(rnn.init_op)
        rnn.saver.restore(sess, reading.find(str(folder)))
        return float(sess.run('cost:0', models.feeds(rnn, *data, 1.0)[0]))


@pytest.mark.parametrize('kind', list(CLASSES))
def test_the_first_step_has_the_loss_of_the_loaded_model(kind, sources, tmp_path, capsys):
    source = sources[kind]
    wanted, fresh = loss_of(kind, source), first_loss(make(kind), tmp_path / 'fresh', capsys)
    assert abs(fresh - wanted) > 0.01
    assert first_loss(make(kind), tmp_path / 'given', capsys, init_from=source) == pytest.approx(wanted, abs=1e-4)
    more = {'sampling': False} if kind is models.char else {}
    loaded = CLASSES[kind].load(source, **more)
    assert first_loss(loaded, tmp_path / 'loaded', capsys) == pytest.approx(wanted, abs=1e-4)
    assert reading.checksum(str(tmp_path / 'loaded')) == reading.checksum(str(tmp_path / 'given'))


@pytest.mark.parametrize('kind', list(CLASSES))
def test_optimizer_step_and_history_are_new_and_the_vocabulary_is_kept(kind, sources, tmp_path, capsys):
    rnn = train(make(kind), tmp_path, init_from=sources[kind], vocabulary=None)
    assert 'Starting from the weights of %s.' % reading.find(str(sources[kind])) in capsys.readouterr().out
    vocabulary = models.CHAR2INT if kind is models.char else models.WORDS
    assert rnn.vocabulary == CLASSES[kind].load(tmp_path).vocabulary == vocabulary
    record = run_state.check_record(reading.find(str(tmp_path)))
    assert len(record.state.history) == 1 and record.state.epochs == 1
    steps = record.state.iteration
    assert models.variables(tmp_path)['beta1_power'] == pytest.approx(0.9 ** (steps + 1))


def test_the_best_epoch_of_a_model_is_a_source_too(tmp_path, capsys):
    train(make(models.char), tmp_path / 'a', 2, validation=0.2, keep_best=True, quiet=True)
    train(make(models.char), tmp_path / 'b', init_from=tmp_path / 'a' / 'best')
    assert 'Starting from the weights of %s' % (tmp_path / 'a' / 'best') in capsys.readouterr().out


def test_an_object_that_was_trained_and_is_trained_again_says_that_it_starts_afresh(tmp_path, capsys):
    rnn = train(make(models.char, anew=True), tmp_path / 'a', quiet=True)
    train(rnn, tmp_path / 'b', quiet=True)
    assert capsys.readouterr().out == ('Starting from fresh weights; to go on with those in %s, pass init_from or '
                                       'resume.\n' % (tmp_path / 'a'))
    assert reading.checksum(str(tmp_path / 'a')) == reading.checksum(str(tmp_path / 'b'))
    train(rnn, tmp_path / 'b', 2, resume=True)
    assert 'Starting' not in capsys.readouterr().out


def test_a_loaded_object_that_is_trained_twice_goes_on_with_what_it_has_learned(sources, tmp_path, capsys):
    rnn = train(CharRNN.load(sources[models.char], sampling=False), tmp_path / 'b')
    train(rnn, tmp_path / 'c')
    assert 'Starting from the weights of %s' % (tmp_path / 'b') in capsys.readouterr().out


def test_a_run_resumes_without_its_source_and_refuses_another(sources, tmp_path):
    shutil.copytree(str(sources[models.char]), str(tmp_path / 'source'))
    for name in ('b', 'alone'):
        asked = []
        train(make(models.char), tmp_path / name, 2, init_from=tmp_path / 'source',
              stop=(lambda: asked.append(None) or len(asked) == 3) if name == 'b' else None)
    shutil.rmtree(str(tmp_path / 'source'))
    with pytest.raises(FileError, match='cannot be resumed with other settings or data .*init_from .*, not '):
        train(make(models.char), tmp_path / 'b', 2, init_from=sources[models.char], resume=True)
    train(make(models.char), tmp_path / 'b', 2, resume=True)
    train(make(models.char), tmp_path / 'b', 2, init_from=tmp_path / 'source', resume=True)
    assert reading.checksum(str(tmp_path / 'b')) == reading.checksum(str(tmp_path / 'alone'))
    train(make(models.char), tmp_path / 'fresh', resume=True)
    with pytest.raises(FileError, match='init_from None, not '):
        train(make(models.char), tmp_path / 'fresh', 2, init_from=sources[models.char], resume=True)


def with_other(text):
    """The vocabulary and the rows of the text of the models with other characters in it."""
    char2int, _ = hamlet.char_vocabulary(models.TEXT.replace('dog', text))
    return char2int


@pytest.mark.parametrize('kind, arguments, run, error, message', [
    (models.char, dict(lstm_size=7), {}, FileError, 'does not fit this one: lstm_size 6, not 7'),
    (models.sentiment, dict(n_words=7), {}, FileError, 'does not fit this one: n_words 6, not 7'),
    (models.char, dict(num_classes=len(with_other('pig'))), dict(vocabulary=with_other('pig')), ArgumentValueError,
     "vocabulary must be that of .*, which lacks 'ip'; encode the data with the vocabulary of that model"),
    (models.char, {}, dict(vocabulary={**models.CHAR2INT, 'a': models.CHAR2INT['t'], 't': models.CHAR2INT['a']}),
     ArgumentValueError, 'vocabulary must be that of .* starts from; encode the data'),
    (models.sentiment, {}, dict(vocabulary={'good': 1, 'movie': 2, 'story': 3}), ArgumentValueError,
     "which lacks 'movie story'; encode"),
])
def test_a_source_that_does_not_fit_is_refused_before_anything_is_written(kind, arguments, run, error, message, sources,
                                                                          tmp_path):
    with pytest.raises(error, match=message):
        train(make(kind, **arguments), tmp_path / 'b', init_from=sources[kind], **run)
    assert not (tmp_path / 'b').exists()


@pytest.mark.parametrize('source, error, message', [
    ('none', FileError, 'init_from .*none holds no model: there is no model.json in it'),
    ('', ArgumentValueError, 'init_from must be a path of at least one character'),
    ('gs://bucket/model', ArgumentValueError, "init_from must be a folder of this machine, not the address 'gs://b"),
    (3, TypeError, 'init_from must be a path, not 3')])
def test_a_source_that_is_none_is_named(source, error, message, tmp_path):
    with pytest.raises(error, match=message):
        train(make(models.char), tmp_path / 'b', init_from=str(tmp_path / source) if source == 'none' else source)
    assert not (tmp_path / 'b').exists()


def test_weights_that_are_not_finite_are_no_source(sources, tmp_path):
    rnn = make(models.char)
    with models.tf.compat.v1.Session(graph=rnn.g) as sess:
        sess.run(rnn.init_op)
        reading.assign(sess, {'logits/bias': np.full(len(models.CHAR2INT), np.inf, np.float32)})
        rnn.saver.save(sess, str(tmp_path / 'a' / 'c.ckpt'))
    shutil.copy(str(sources[models.char] / 'model.json'), str(tmp_path / 'a'))
    with pytest.raises(FileError, match='cannot use .*c.ckpt: variable logits/bias is not finite in it'):
        train(rnn, tmp_path / 'b', init_from=tmp_path / 'a')
    assert not (tmp_path / 'b').exists()
