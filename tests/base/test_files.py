"""Files: whole writes, and reading that says what is wrong."""

import hashlib
import os
import pathlib
import stat

import pytest

from rnnbook.base import files
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError


def names(folder):
    return sorted(os.listdir(str(folder)))


@pytest.mark.parametrize('path, text', [('a/b', 'a/b'), (pathlib.PurePosixPath('a/b'), 'a/b'), (' ', ' ')])
def test_check_path_returns_a_str(path, text):
    assert files.check_path('path', path) == text


@pytest.mark.parametrize('path, error, message', [
    (None, ArgumentTypeError, 'ckpt_dir must be a path, not None'),
    (3, ArgumentTypeError, 'ckpt_dir must be a path, not 3'),
    (b'model', ArgumentTypeError, "ckpt_dir must be a path, not b'model'"),
    ('', ArgumentValueError, "ckpt_dir must be a path of at least one character and without NUL, not ''"),
    ('a\0b', ArgumentValueError, "ckpt_dir must be a path of at least one character and without NUL, not 'a\\x00b'"),
])
def test_check_path_names_argument_and_value(path, error, message):
    with pytest.raises(error) as caught:
        files.check_path('ckpt_dir', path)
    assert str(caught.value) == message


def test_check_path_refuses_a_path_object_of_bytes():
    class Bytes:
        def __fspath__(self):
            return b'model'

    with pytest.raises(ArgumentTypeError, match="^ckpt_dir must be a path, not b'model'$"):
        files.check_path('ckpt_dir', Bytes())


@pytest.mark.parametrize('content', [b'', b'abc', bytes(range(256)) * 5000])
def test_sha256_is_that_of_the_bytes(tmp_path, content):
    path = tmp_path / 'file'
    path.write_bytes(content)
    assert files.sha256(path) == hashlib.sha256(content).hexdigest()


def test_sha256_says_what_cannot_be_read(tmp_path):
    with pytest.raises(FileError, match='^cannot read .*missing: No such file or directory$'):
        files.sha256(tmp_path / 'missing')


def test_atomic_path_puts_the_finished_file_in_place_and_makes_its_folder(tmp_path):
    path = tmp_path / 'new' / 'folder' / 'file.txt'
    with files.atomic_path(path) as temporary:
        assert os.path.dirname(temporary) == str(path.parent)
        assert not path.exists()
        pathlib.Path(temporary).write_text('whole')
    assert path.read_text() == 'whole'
    assert names(path.parent) == ['file.txt']


def test_atomic_path_takes_a_bare_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with files.atomic_path('file.txt') as temporary:
        pathlib.Path(temporary).write_text('whole')
    assert (tmp_path / 'file.txt').read_text() == 'whole'


def test_atomic_path_replaces_an_old_file(tmp_path):
    path = tmp_path / 'file.txt'
    path.write_text('old')
    with files.atomic_path(path) as temporary:
        pathlib.Path(temporary).write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_when_the_block_fails(tmp_path, error):
    path = tmp_path / 'file.txt'
    path.write_text('old')
    with pytest.raises(error):
        with files.atomic_path(path) as temporary:
            pathlib.Path(temporary).write_text('half')
            raise error
    assert path.read_text() == 'old'
    assert names(tmp_path) == ['file.txt']


def test_atomic_path_leaves_nothing_where_there_was_nothing(tmp_path):
    with pytest.raises(ValueError):
        with files.atomic_path(tmp_path / 'file.txt'):
            raise ValueError
    assert names(tmp_path) == []


def test_atomic_path_gives_the_mode_that_the_umask_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        with files.atomic_path(tmp_path / 'file.txt') as temporary:
            pathlib.Path(temporary).write_text('whole')
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(str(tmp_path / 'file.txt')).st_mode) == 0o640


def test_atomic_path_says_that_a_folder_is_in_the_way(tmp_path):
    (tmp_path / 'file.txt').mkdir()
    with pytest.raises(FileError, match='^cannot write .*file.txt: Is a directory$'):
        with files.atomic_path(tmp_path / 'file.txt') as temporary:
            pathlib.Path(temporary).write_text('whole')
    assert names(tmp_path) == ['file.txt']


def test_atomic_path_says_that_the_folder_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('no folder')
    with pytest.raises(FileError, match='^cannot write .*file/below.txt: '):
        with files.atomic_path(tmp_path / 'file' / 'below.txt'):
            pass
    assert (tmp_path / 'file').read_text() == 'no folder'


def test_write_text_writes_utf8_with_plain_line_ends(tmp_path):
    files.write_text(tmp_path / 'a' / 'file.txt', 'caf\u00e9\n\u2014\r\n')
    assert (tmp_path / 'a' / 'file.txt').read_bytes() == b'caf\xc3\xa9\n\xe2\x80\x94\r\n'


def test_write_text_says_what_went_wrong(tmp_path):
    (tmp_path / 'file.txt').mkdir()
    with pytest.raises(FileError, match='^cannot write .*file.txt: Is a directory$'):
        files.write_text(tmp_path / 'file.txt', 'text')
    assert names(tmp_path) == ['file.txt']


def test_read_bytes_reads_up_to_the_limit(tmp_path):
    (tmp_path / 'file').write_bytes(b'12345')
    assert files.read_bytes(tmp_path / 'file', max_bytes=5) == b'12345'


@pytest.mark.parametrize('name, message', [
    ('missing', '^cannot read .*missing: No such file or directory$'),
    ('folder', '^.*folder is a folder, not a file$'),
    ('large', '^.*large is larger than 4 bytes, the most that can be read$'),
    ('large/below', '^cannot read .*large/below: Not a directory$'),
])
def test_reading_says_which_file_and_what_is_wrong(tmp_path, name, message):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'large').write_bytes(b'12345')
    with pytest.raises(FileError, match=message):
        files.read_bytes(tmp_path / name, max_bytes=4)


def test_read_text_wants_utf8_and_drops_its_mark(tmp_path):
    (tmp_path / 'file').write_bytes(b'\xef\xbb\xbfThe caf\xc3\xa9\n')
    assert files.read_text(tmp_path / 'file') == 'The caf\u00e9\n'
    (tmp_path / 'file').write_bytes(b'caf\xe9')
    with pytest.raises(FileError, match='file is damaged: .utf-8. codec '):
        files.read_text(tmp_path / 'file')


def test_what_a_killed_process_left_of_a_file_goes_once_nobody_writes_to_it(tmp_path):
    for name in ('a.txt.123.part', 'a.txt.456.part', 'b.txt.123.part', 'a.txt.mine.part'):
        (tmp_path / name).write_text('half')
        os.utime(str(tmp_path / name), (1e9, 1e9))
    os.utime(str(tmp_path / 'a.txt.456.part'))              # somebody writes to this one
    files.write_text(tmp_path / 'a.txt', 'whole')
    assert sorted(os.listdir(str(tmp_path))) == ['a.txt', 'a.txt.456.part', 'a.txt.mine.part',
                                                 'b.txt.123.part']
