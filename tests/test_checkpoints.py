"""Folders of models: what is written, found, restored and refused."""

import os
import shutil

import pytest
import tensorflow as tf

import models
from rnnbook.charrnn import CharRNN
from rnnbook.errors import FileError
from rnnbook.sentiment import SentimentRNN

X, Y = models.characters()


@pytest.fixture
def folder(tmp_path):
    """A fresh copy of a model's folder for each test."""
    models.char().train(X, Y, 2, tmp_path / 'model', vocabulary=models.CHAR2INT)
    return tmp_path / 'model'


def sample(folder):
    return models.char(sampling=True).sample(5, folder, 'the ')


def test_a_folder_names_no_place_so_that_it_can_be_moved(folder):
    for name in ('checkpoint', 'model.json'):
        content = (folder / name).read_text()
        assert str(folder.parent) not in content
        assert 'language_modeling.ckpt-' in content or name == 'model.json'


def test_a_folder_is_made_with_its_parents(tmp_path):
    models.char().train(X, Y, 1, tmp_path / 'a' / 'b')
    assert (tmp_path / 'a' / 'b' / 'model.json').is_file()


def test_a_file_in_the_place_of_the_folder_is_an_error_and_stays(tmp_path):
    (tmp_path / 'model').write_text('mine')
    with pytest.raises(FileError, match='ckpt_dir .*model cannot be made'):
        models.char().train(X, Y, 1, tmp_path / 'model')
    assert (tmp_path / 'model').read_text() == 'mine'


def test_a_checkpoint_that_is_cut_short_is_named(folder):
    data = max(folder.glob('*.data*'), key=os.path.getmtime)
    newest = tf.train.latest_checkpoint(str(folder))
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(FileError, match='cannot restore %s' % newest):
        sample(folder)


def test_a_missing_checkpoint_of_a_model_is_named(folder):
    for path in folder.glob('language_modeling*'):
        path.unlink()
    with pytest.raises(FileError, match='holds no checkpoint'):
        sample(folder)
    with pytest.raises(FileError, match='holds no checkpoint'):
        CharRNN.load(folder)


@pytest.mark.parametrize('content', ['', '{', '[]', '"text"', '{"format": 1}', '\xff'])
def test_a_damaged_description_is_named_and_never_a_traceback_of_ours(content, folder):
    (folder / 'model.json').write_bytes(content.encode('latin-1'))
    for use in (CharRNN.load, sample):
        with pytest.raises(FileError, match='model.json is damaged'):
            use(folder)


def test_wrong_arguments_in_a_description_are_named(folder):
    text = (folder / 'model.json').read_text()
    (folder / 'model.json').write_text(text.replace('"lstm_size": 6', '"lstm_size": -6'))
    with pytest.raises(FileError, match='model.json: lstm_size must be an integer of at least 1, not -6'):
        CharRNN.load(folder)
    (folder / 'model.json').write_text(text.replace('"lstm_size"', '"units"'))
    with pytest.raises(FileError, match='model.json: lstm_size must be an integer of at least 1, not None'):
        CharRNN.load(folder)


def test_a_vocabulary_that_does_not_fit_the_model_is_named(folder):
    text = (folder / 'model.json').read_text()
    (folder / 'model.json').write_text(text.replace('"a": ', '"a": 7'))
    with pytest.raises(FileError, match=r"model.json: vocabulary\['a'\] must be an integer from 0 to"):
        CharRNN.load(folder)


def test_the_folder_of_the_other_class_is_refused(folder):
    with pytest.raises(FileError, match="describes a 'CharRNN', not a SentimentRNN"):
        SentimentRNN.load(folder)
    with pytest.raises(FileError, match="holds another model .*describes a 'CharRNN'"):
        models.sentiment().train(*models.reviews(), num_epochs=1, ckpt_dir=folder)


def test_a_folder_without_a_description_such_as_the_listing_leaves_can_be_sampled_and_stays(folder):
    (folder / 'model.json').unlink()
    assert models.char(sampling=True).sample(5, folder, 'the ', vocabulary=models.CHAR2INT).startswith('the ')
    with pytest.raises(FileError, match='holds no model: there is no model.json'):
        CharRNN.load(folder)
    with pytest.raises(FileError,
                       match=r'cannot restore .*kernel has the shape \[21, 28\] in this model, and \[20, 24\] there'):
        models.char(sampling=True, lstm_size=7).sample(5, folder, 'the ', vocabulary=models.CHAR2INT)
    before = sorted(path.name for path in folder.glob('*.index'))
    models.char().train(X, Y, 5, folder, vocabulary=models.CHAR2INT)
    assert set(before) < {path.name for path in folder.glob('*.index')}


def test_a_folder_that_has_been_copied_over_another_place_is_used_from_there(folder, tmp_path):
    text = models.char(sampling=True).sample(0, folder, 'the ', top_n=1)
    shutil.move(str(folder), str(tmp_path / 'moved'))
    assert models.char(sampling=True).sample(0, tmp_path / 'moved', 'the ', top_n=1) == text


def test_a_save_that_fails_leaves_the_checkpoint_before_it(folder, monkeypatch):
    newest = tf.train.latest_checkpoint(str(folder))

    def full(self, sess, path, **more):
        raise tf.errors.ResourceExhaustedError(None, None, 'No space left on device')

    monkeypatch.setattr(tf.compat.v1.train.Saver, 'save', full)
    with pytest.raises(FileError, match='cannot save .*No space left on device'):
        models.char().train(X, Y, 1, folder, vocabulary=models.CHAR2INT)
    assert tf.train.latest_checkpoint(str(folder)) == newest
    assert sample(folder).startswith('the ')
