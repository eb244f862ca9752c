"""Folders that somebody has changed: links, checkpoints of other models, weights that are no numbers, half files."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

import models
from rnnbook import export
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.model_folder import checkpoint_files, reading
from rnnbook.model_folder.run_state import ENDING, _digest
from rnnbook.sentiment import SentimentRNN

X, Y = models.characters()
REVIEWS = models.reviews()
OTHER = {char: (number + 1) % len(models.CHAR2INT) for char, number in models.CHAR2INT.items()}


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Two models of equal shape with other vocabularies, and a model of reviews."""
    place = tmp_path_factory.mktemp('foreign')
    models.char().train(X, Y, 2, place / 'a', vocabulary=models.CHAR2INT, quiet=True)
    models.char().train(X, Y, 2, place / 'b', vocabulary=OTHER, quiet=True)
    models.sentiment().train(*REVIEWS, 2, ckpt_dir=place / 'reviews', vocabulary=models.WORDS, quiet=True)
    return place


@pytest.fixture
def place(trained, tmp_path):
    """A fresh copy of them for each test."""
    shutil.copytree(str(trained), str(tmp_path / 'place'))
    return tmp_path / 'place'


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob('*'))
            if path.is_file() and path.name != '.lock'}


def train(folder, **run):
    models.char().train(X, Y, 3, folder, vocabulary=models.CHAR2INT, quiet=True, **run)


# Links

@pytest.mark.parametrize('name', ['.lock', '.saving', 'best', 'model.json', 'checkpoint', 'history.csv', 'weights.npz'])
@pytest.mark.parametrize('target', ['victim', 'victim/kept.txt', 'b', 'nothing'])
@pytest.mark.parametrize('run', [dict(resume=True), dict(validation=0.2, keep_best=True, overwrite=True)],
                         ids=['resumed', 'overwritten'])
def test_a_link_is_never_written_through(name, target, run, place):
    (place / 'victim').mkdir()
    (place / 'victim' / 'kept.txt').write_text('mine')
    link = place / 'a' / name
    if link.exists():
        link.unlink()
    link.symlink_to(place / target)
    before = content(place / 'victim'), content(place / 'b'), content(place / 'a')
    with pytest.raises(FileError, match='%s is a link, which would be written through; remove it, or' % link):
        train(place / 'a', **run)
    assert (content(place / 'victim'), content(place / 'b'), content(place / 'a')) == before
    assert link.is_symlink() and not (place / 'nothing').exists()


@pytest.mark.parametrize('name', ['.saving', 'checkpoint', 'model.json'])
def test_a_link_in_the_folder_of_the_best_epoch_is_not_either(name, place):
    (place / 'a' / 'best').mkdir()
    (place / 'a' / 'best' / name).symlink_to(place / 'b')
    before = content(place / 'b')
    with pytest.raises(FileError, match='best/%s is a link' % name):
        train(place / 'a', validation=0.2, keep_best=True, overwrite=True)
    assert content(place / 'b') == before


def test_events_are_not_written_through_a_link_in_the_folder(place):
    (place / 'a' / 'log').symlink_to(place / 'b')
    (place / 'b' / 'model.json').unlink()
    before = content(place / 'b')
    with pytest.raises(FileError, match='a/log is a link'):
        train(place / 'a', resume=True, logdir=place / 'a' / 'log')
    assert content(place / 'b') == before


def test_exported_weights_are_not_written_through_a_link(place):
    (place / 'a' / 'weights.npz').symlink_to(place / 'b' / 'model.json')
    before = content(place / 'b')
    with pytest.raises(FileError, match='weights.npz is a link'):
        export.write_weights(place / 'a')
    assert content(place / 'b') == before


def test_a_folder_may_be_a_link_itself(place):
    (place / 'link').symlink_to(place / 'a')
    train(place / 'link', resume=True)
    assert CharRNN.load(place / 'a').sample(3, place / 'link', 'the ').startswith('the ')


# A checkpoint belongs to its model.json

NOT_ITS_OWN = 'ckpt-20 does not belong to the model.json beside it: one of them was changed or comes from another model'


def swap(place):
    """Put the checkpoints of another model, equal in shape, into a folder."""
    for path in (place / 'a').glob('language_modeling*'):
        path.unlink()
    for path in (place / 'b').glob('language_modeling*'):
        shutil.copy(str(path), str(place / 'a'))


def keep_records(place):
    """Put the weights of another model, equal in shape and size, beside the records of a folder."""
    models.char(seed=7).train(X, Y, 2, place / 'c', vocabulary=models.CHAR2INT, quiet=True)
    for path in (place / 'c').glob('language_modeling*'):
        if path.suffix != '.json':
            shutil.copy(str(path), str(place / 'a'))


def test_weights_of_another_model_beside_this_ones_record_are_refused(place):
    keep_records(place)
    for use in (CharRNN.load, export.write_weights):
        with pytest.raises(FileError, match='ckpt-20.index is damaged: its sha256 is not that of what was written'):
            use(place / 'a')


def test_a_missing_record_is_said(place):
    for path in (place / 'a').glob('*' + ENDING):
        path.unlink()
    with pytest.warns(UserWarning, match='ckpt-20.progress.json is missing, so nothing shows that the checkpoint '
                                         'belongs to the model.json beside it'):
        CharRNN.load(place / 'a')


def edit(place):
    """Change a vocabulary by hand."""
    text = json.loads((place / 'a' / 'model.json').read_text())
    ids = text['vocabulary']['ids']
    ids['a'], ids['t'] = ids['t'], ids['a']
    (place / 'a' / 'model.json').write_text(json.dumps(text))


def edit_argument(place):
    text = (place / 'a' / 'model.json').read_text()
    (place / 'a' / 'model.json').write_text(text.replace('"num_steps": 10', '"num_steps": 11'))


@pytest.mark.parametrize('change', [swap, edit, edit_argument])
@pytest.mark.parametrize('use', [
    CharRNN.load, lambda folder: models.char(sampling=True).sample(5, folder, 'the '), export.write_weights,
    lambda folder: models.char().train(X, Y, 1, folder.parent / 'c', init_from=folder),
    lambda folder: models.char().evaluate('the cat', folder),
    lambda folder: export.write_saved_model(models.char(), folder.parent / 'served', ckpt_dir=folder)],
    ids=['load', 'sample', 'export', 'start from', 'evaluate', 'serve'])
def test_a_checkpoint_of_another_model_is_refused(change, use, place):
    change(place)
    with pytest.raises(FileError, match=NOT_ITS_OWN):
        use(place / 'a')
    assert not (place / 'c').exists() and not (place / 'served').exists()


def test_a_run_does_not_go_on_from_the_checkpoint_of_another_model(place):
    swap(place)
    with pytest.raises(FileError, match=NOT_ITS_OWN):
        train(place / 'a', resume=True)


def test_reviews_are_bound_to_the_settings_of_their_vocabulary_too(place):
    text = (place / 'reviews' / 'model.json').read_text()
    (place / 'reviews' / 'model.json').write_text(text.replace(
        '"cleaning": "separate_punctuation"', '"cleaning": "drop_markup, separate_punctuation"'))
    with pytest.raises(FileError, match='sentiment-1.ckpt does not belong to the model.json beside it'):
        SentimentRNN.load(place / 'reviews')


def test_a_record_of_before_there_were_digests_is_of_any_model(place):
    for path in (place / 'a').glob('*' + ENDING):
        record = json.loads(path.read_text())['record']
        del record['model']
        path.write_text(json.dumps({'sha256': _digest(record), 'record': record}))
    edit(place)
    CharRNN.load(place / 'a')


def test_another_engine_and_a_vocabulary_that_is_added_make_no_other_model(place):
    models.char().train(X, Y, 1, place / 'c', quiet=True)
    models.char(engine='fused').train(X, Y, 2, place / 'c', vocabulary=models.CHAR2INT, resume=True, quiet=True)
    rnn = CharRNN.load(place / 'c')
    for name in reading.names(str(place / 'c')):
        assert rnn.sample(3, place / 'c', 'the ', checkpoint=name).startswith('the ')


# Weights that are no numbers

@pytest.mark.parametrize('value', [float('nan'), float('inf')])
@pytest.mark.parametrize('use', [
    lambda folder: models.sentiment().predict(REVIEWS[0], ckpt_dir=folder),
    lambda folder: models.sentiment().evaluate(*REVIEWS, ckpt_dir=folder), export.write_weights])
def test_weights_that_are_not_finite_are_refused(value, use, place):
    rnn = models.sentiment()
    with tf.compat.v1.Session(graph=rnn.g) as sess:
        sess.run(rnn.init_op)
        reading.assign(sess, {'logits/bias': np.full(1, value, np.float32)})
        for path in (place / 'reviews').glob('sentiment-*'):
            path.unlink()
        rnn.saver.save(sess, str(place / 'reviews' / 'sentiment-1.ckpt'))
    with pytest.raises(FileError, match='cannot use .*sentiment-1.ckpt: variable logits/bias is not finite in it'):
        use(place / 'reviews')


# Addresses, runs at the same time, what is dropped, and what a dead process leaves

@pytest.mark.parametrize('use', [train, CharRNN.load, SentimentRNN.load, export.write_weights,
                                 lambda folder: models.sentiment().predict(REVIEWS[0], ckpt_dir=folder)])
def test_an_address_is_refused_at_once(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentValueError, match="ckpt_dir must be a folder of this machine, not the address"):
        use('s3://b/m')
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('name, use', [
    ('logdir', lambda path: models.char().train(X, Y, 1, 'model', logdir=path)),
    ('out', lambda path: export.write_saved_model(models.char(), path))])
def test_an_address_to_write_to_is_refused_at_once(name, use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentValueError, match='%s must be a folder of this machine, not the address' % name):
        use('s3://b/m')
    assert os.listdir(str(tmp_path)) == []


def test_a_checkpoint_that_a_run_removes_while_it_is_read_gives_way_to_the_next(place, monkeypatch, recwarn):
    folder, load = str(place / 'a'), tf.train.load_checkpoint
    train(folder, resume=True, max_to_keep=1)
    seen = []

    def late(prefix):
        seen.append(os.path.basename(prefix))
        if len(seen) == 1:                                  # the run saves again, and keeps one
            models.char().train(X, Y, 4, folder, vocabulary=models.CHAR2INT, quiet=True, resume=True, max_to_keep=1)
        return load(prefix)

    rnn = models.char(sampling=True)
    found = reading.find(folder)
    monkeypatch.setattr(tf.train, 'load_checkpoint', late)
    assert rnn.sample(3, folder, 'the ').startswith('the ')
    assert seen[0] == os.path.basename(found) == 'language_modeling.ckpt-30' and seen[-1] == 'language_modeling.ckpt-40'
    assert [str(warning.message) for warning in recwarn if 'using' in str(warning.message)] == []


def test_a_run_that_is_overwritten_is_named(place, capsys):
    models.char(lstm_size=9).train(X, Y, 1, place / 'a', overwrite=True, resume=True, quiet=True)
    assert '%s holds another model (lstm_size 6, not 9), which this run overwrites.\n' % (place / 'a') == (
        capsys.readouterr().out)


@pytest.mark.parametrize('make', [
    lambda path: path.symlink_to('nothing'), lambda path: path.write_bytes(b''),
    lambda path: path.write_bytes(b'x' * 99),
    lambda path: shutil.copy(str(path.parent.parent / 'b' / 'language_modeling.ckpt-20.index'), str(path))])
def test_an_index_without_data_is_one_true_line(make, place):
    make(place / 'a' / 'later.ckpt.index')
    for path in (place / 'a').glob('language_modeling*'):
        path.unlink()
    (place / 'a' / 'checkpoint').unlink()
    with pytest.raises(FileError, match='holds no checkpoint that is whole: (cannot read )?.*later.ckpt') as caught:
        CharRNN.load(place / 'a')
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(FileError):
        train(place / 'a', resume=True)


def test_half_files_of_a_dead_process_go_with_the_next_run(place):
    for name in ('history.csv', 'model.json', 'checkpoint', 'weights.npz'):
        (place / 'a' / (name + '.k3j_2x9z.part')).write_text('half')
    (place / 'a' / 'mine.part').write_text('mine')
    train(place / 'a', resume=True)
    assert [path.name for path in (place / 'a').glob('*.part')] == ['mine.part']
    assert checkpoint_files.names(str(place / 'a'))
