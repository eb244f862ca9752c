"""Folders of models: what is written, found, restored and refused."""

import os
import shutil
import warnings

import pytest
import tensorflow as tf

import models
from rnnbook import export
from rnnbook.base import files
from rnnbook.charrnn import CharRNN
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError
from rnnbook.model_folder import reading, run_state
from rnnbook.sentiment import SentimentRNN

X, Y = models.characters()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints') / 'model'
    models.char().train(X, Y, 2, folder, vocabulary=models.CHAR2INT)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A fresh copy of a model's folder for each test."""
    shutil.copytree(str(trained), str(tmp_path / 'model'))
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


@pytest.mark.parametrize('name, value', [
    ('device', 'gpus'), ('engine', 'fast'), ('intra_op_threads', -1), ('sampling', 'yes')])
def test_a_wrong_argument_of_load_is_not_blamed_on_the_file(name, value, folder):
    with pytest.raises((ArgumentTypeError, ArgumentValueError), match='^%s must be ' % name):
        CharRNN.load(folder, **{name: value})


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


@pytest.mark.parametrize('cls, make, data, vocabulary, method', [
    (SentimentRNN, models.sentiment, models.reviews(), {word: number for number, word in enumerate('abcde', 1)},
     lambda model, folder: list(model.predict(models.reviews()[0], True))),
    (CharRNN, models.char, (X, Y), models.CHAR2INT, lambda model, folder: model.sample(30, folder, 't', seed=1))])
def test_a_subclass_has_the_folders_of_its_class(cls, make, data, vocabulary, method, tmp_path):
    class Own(cls):
        pass

    arguments, folder = make().arguments(), str(tmp_path / 'own')
    Own(**arguments).train(*data, 1, ckpt_dir=folder, vocabulary=vocabulary)
    found = Own.load(folder)
    assert (type(found), found.vocabulary) == (Own, vocabulary)
    assert method(found, folder) == method(cls.load(folder), folder)


def test_a_folder_without_a_description_such_as_the_listing_leaves_can_be_sampled_and_stays(folder):
    for path in (folder / 'model.json', *folder.glob('*' + RECORD)):
        path.unlink()
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


# Damage: the newest whole checkpoint is used, and the bad one is named

def newest(folder, ending):
    """A file of the newest checkpoint."""
    return folder / ('language_modeling.ckpt-%d%s' % (2 * (X.shape[1] // 10), ending))


def cut(path):
    path.write_bytes(path.read_bytes()[:len(path.read_bytes()) // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))


def flip_weight(path):
    """Change a bit of a weight that the model computes with, not of Adam's moments, which only a run reads."""
    weights = tf.train.load_checkpoint(str(path)[:-len(DATA)]).get_tensor('logits/kernel').tobytes()
    data = bytearray(path.read_bytes())
    data[data.index(weights) + 5] ^= 4
    path.write_bytes(bytes(data))


def empty(path):
    path.write_bytes(b'')


DATA, INDEX, RECORD = '.data-00000-of-00001', '.index', '.progress.json'
OLDER = 'language_modeling.ckpt-%d' % (X.shape[1] // 10)
#: What is damaged, how, and what the warning says.
DAMAGE = [
    (DATA, cut, r'data-00000-of-00001 has \d+ bytes, not the \d+ that were written; using .*ckpt-\d+ instead'),
    (DATA, empty, r'data-00000-of-00001 has 0 bytes, not the'),
    (DATA, os.remove, r'data-00000-of-00001 is missing; using'),
    (INDEX, cut, r'ckpt-\d+\.index has \d+ bytes, not the'),
    (INDEX, os.remove, r'ckpt-\d+\.index is missing; using'),
    (RECORD, cut, r'ckpt-\d+\.progress\.json is damaged: '),
    (RECORD, empty, r'ckpt-\d+\.progress\.json is damaged: '),
    (RECORD, flip, r'ckpt-\d+\.progress\.json is damaged: '),
]


@pytest.mark.parametrize('ending, damage, message', DAMAGE)
def test_the_newest_whole_checkpoint_is_used_and_the_bad_one_named(ending, damage, message, folder):
    damage(newest(folder, ending))
    with pytest.warns(UserWarning, match=message):
        assert reading.find(str(folder)) == str(folder / OLDER)
    with pytest.warns(UserWarning, match=message):
        models.char().train(X, Y, 3, folder, vocabulary=models.CHAR2INT, resume=True)
    assert len(run_state.check_record(reading.find(str(folder))).state.history) == 3


@pytest.mark.parametrize('ending, damage, used, resumed', [
    (DATA, flip_weight, r'cannot read .*ckpt-\d+: Checksum does not match',
     r'data-00000-of-00001 is damaged: its sha256 is not'),
    (INDEX, flip, *2 * (r'ckpt-\d+\.index is damaged: its sha256',))])
@pytest.mark.parametrize('use', [sample, lambda folder: export.write_weights(folder)])
def test_a_flipped_bit_is_found_where_the_weights_are_read(ending, damage, used, resumed, use, folder):
    damage(newest(folder, ending))
    with pytest.warns(UserWarning, match=used + '.*; using .* instead'):
        use(folder)
    with pytest.warns(UserWarning, match=resumed):
        models.char().train(X, Y, 3, folder, vocabulary=models.CHAR2INT, resume=True)


def test_to_use_a_model_hashes_the_index_and_to_resume_hashes_all(folder, monkeypatch):
    read = []
    monkeypatch.setattr(run_state, 'sha256', lambda path: read.append(path) or files.sha256(path))
    sample(folder)
    assert {os.path.splitext(path)[1] for path in read} == {INDEX}
    read.clear()
    models.char().train(X, Y, 2, folder, vocabulary=models.CHAR2INT, resume=True)
    assert len(set(read)) == 2                                   # the index and the data


@pytest.mark.parametrize('ending, damage, message', [row for row in DAMAGE if row[0] != RECORD])
def test_without_a_record_damage_is_found_by_the_savers_own_checksums(ending, damage, message, folder):
    for path in folder.glob('*' + RECORD):
        path.unlink()
    damage(newest(folder, ending))
    with pytest.warns(UserWarning, match='language_modeling.*using %s instead' % OLDER):
        assert sample(folder).startswith('the ')


@pytest.mark.parametrize('ending, damage, message', DAMAGE)
def test_where_no_whole_checkpoint_is_left_each_is_named(ending, damage, message, folder):
    for path in folder.glob('language_modeling*' + ending):
        damage(path)
    for use in (sample, lambda folder: models.char().train(X, Y, 3, folder, resume=True)):
        with pytest.raises(FileError, match='holds no checkpoint that is whole: .*%s.*; .*%s' % (ending, ending)):
            use(folder)


@pytest.mark.parametrize('content', [b'', b'model_checkpoint_path: "gone"\nall_model_checkpoint_paths: "gone"\n',
                                     b'\xff', b'model_checkpoint_path: "language_mod'])
def test_a_list_of_checkpoints_that_is_damaged_or_names_what_is_not_there(content, folder):
    (folder / 'checkpoint').write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        assert reading.find(str(folder)) == str(newest(folder, ''))
    assert [str(warning.message).rpartition('/')[2] for warning in caught] == (
        ['gone.index is missing; using %s instead' % newest(folder, '').name] if b'gone' in content else [])
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        models.char().train(X, Y, 3, folder, resume=True)
    assert len(run_state.check_record(reading.find(str(folder))).state.history) == 3


def test_a_checkpoint_that_is_asked_for_by_name_is_used_or_an_error(folder):
    flip_weight(newest(folder, DATA))
    name = newest(folder, '').name
    with pytest.raises(FileError, match='cannot read .*: Checksum does not match'):
        models.char(sampling=True).sample(5, folder, 'the ', checkpoint=name)


def test_a_graph_or_a_history_that_is_missing_is_no_loss(folder):
    for name in ('history.csv', newest(folder, '.meta').name, '.lock'):
        (folder / name).unlink()
    models.char().train(X, Y, 2, folder, resume=True)
    assert (folder / 'history.csv').read_text().count('\n') == 3


def test_a_fingerprint_is_that_of_all_variables(folder):
    assert len({reading.checksum(str(folder)), reading.checksum(str(folder), OLDER)}) == 2
    models.char().train(X, Y, 2, folder.parent / 'again')
    assert reading.checksum(str(folder.parent / 'again')) == reading.checksum(str(folder))
