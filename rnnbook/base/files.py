"""Files, handled so that nothing is lost: sha256, whole writes, reading with limits. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import warnings
from typing import Any, Iterator

try:
    import fcntl
except ImportError:                                         # Windows
    fcntl = None
    import msvcrt

from rnnbook.base.checks import StrPath, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError

__all__ = ['sha256', 'check_path', 'make_folder', 'atomic_path', 'write_text', 'sync', 'move', 'lock', 'read_bytes',
           'read_text', 'LineLimit', 'OURS']

MAX_TEXT_BYTES = 2 ** 30
#: Where what is fetched or made goes: below the working directory, at the time of the call.
OURS = 'data'


def check_path(name: str, path: Any) -> str:
    """The path as a `str`.

    Parameters
    ----------
    name : str
        The argument as its signature spells it.
    path : object
        What was given: a str, or a path object.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        No path, or one that no system has: empty, or with NUL in it.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError('%s must be a path, not %s' % (name, shorten(path)))
    path = os.fspath(path)
    if not isinstance(path, str):
        raise ArgumentTypeError('%s must be a path of str, not %s' % (name, shorten(path)))
    if not path or '\0' in path:
        raise ArgumentValueError('%s must be a path of at least one character and without NUL, not %s'
                                 % (name, shorten(path)))
    return path


def make_folder(name: str, path: str) -> None:
    """Make a folder to write into, with its parents, if it is not there.

    Parameters
    ----------
    name : str
        What it is called where the user set it.
    path : str

    Raises
    ------
    FileError
        It cannot be made or written to.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileError('%s %s cannot be made: %s' % (name, path, error.strerror)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError('%s %s cannot be written to' % (name, path))


def sha256(path: StrPath) -> str:
    """The sha256 of a file's bytes as 64 hexadecimal digits.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    FileError
        It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as file:
            for block in iter(lambda: file.read(1 << 20), b''):
                digest.update(block)
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror)) from error
    return digest.hexdigest()


@contextlib.contextmanager
def atomic_path(path: StrPath) -> Iterator[str]:
    """A temporary name beside `path` to write to; it becomes `path` only if the block ends without an error.

    The folder is made if it is not there. An existing file is replaced in one step, and stays as it was if the block
    fails; the temporary file is removed then.

    Parameters
    ----------
    path : str or path

    Yields
    ------
    str
        The temporary name.

    Raises
    ------
    FileError
        The folder cannot be made or written to, or something that is no file has the name.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + '.', suffix='.part', dir=folder)
    except OSError as error:
        raise FileError('cannot write %s: %s' % (path, error.strerror)) from error
    os.close(handle)
    try:
        yield temporary
        _put(temporary, path)
    finally:
        with contextlib.suppress(OSError):                  # it is gone; or, on Windows, the failed block holds it open
            os.remove(temporary)


def _put(temporary, path):
    """Make the finished temporary file `path`."""
    try:
        sync(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)                 # mkstemp's own mode shuts out everybody else
        move(temporary, path)
    except OSError as error:                                # a folder of that name, a full disk
        raise FileError('cannot write %s: %s' % (path, error.strerror)) from error


def write_text(path: StrPath, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Parameters
    ----------
    path : str or path
    text : str

    Raises
    ------
    FileError
        See `atomic_path`.
    """
    with atomic_path(path) as temporary:
        try:
            with open(temporary, 'w', encoding='utf-8', newline='\n') as file:
                file.write(text)
        except OSError as error:
            raise FileError('cannot write %s: %s' % (path, error.strerror)) from error


def sync(path: StrPath) -> None:
    """Have a file, or the names in a folder, on the disk before going on.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    OSError
    """
    if os.name == 'nt' and os.path.isdir(path):             # where a folder cannot be opened
        return
    handle = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: StrPath, target: StrPath, patience: float = 2.0) -> None:
    """Rename a file within a disk; a file of the new name is replaced in one step.

    Parameters
    ----------
    source, target : str or path
    patience : float, default 2.0
        Seconds to try again where somebody else has the file open, which Windows does not allow.

    Raises
    ------
    OSError
    """
    end = time.monotonic() + patience
    while True:
        try:
            return os.replace(source, target)
        except PermissionError:
            if os.name != 'nt' or time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def lock(path: StrPath) -> Iterator[None]:
    """Hold a file for the block, as no other process or thread then can. It is let go of when its holder dies.

    Parameters
    ----------
    path : str or path
        Made if it is not there, and left there afterwards.

    Raises
    ------
    FileError
        Somebody else holds it; the process is named.

    Warns
    -----
    UserWarning
        The file system has no locks; the block goes on without.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), 'r+b')
    except OSError as error:
        raise FileError('cannot write %s: %s' % (path, error.strerror)) from error
    with file:
        try:
            _hold(file)
        except (BlockingIOError, PermissionError):
            holder = file.read(20).decode('ascii', 'replace').strip()
            raise FileError('%s is held by another run%s'
                            % (path, ', process ' + holder if holder.isdigit() else '')) from None
        except OSError as error:
            warnings.warn('%s cannot be locked here (%s): nothing keeps two runs apart' % (path, error.strerror))
        file.truncate()
        file.write(b'%d\n' % os.getpid())
        file.flush()
        yield


def _hold(file):
    """Lock an open file, or raise at once."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        file.seek(2 ** 30)                                  # a locked byte cannot be read, and those below are wanted
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(0)


def read_bytes(path: StrPath, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """The bytes of a file.

    Parameters
    ----------
    path : str or path
    max_bytes : int
        The most that is read. Default: a gibibyte.

    Raises
    ------
    FileError
        Not there, a folder, not readable, or larger.
    """
    try:
        if os.path.isdir(path):
            raise FileError('%s is a folder, not a file' % path)
        with open(path, 'rb') as file:
            data = file.read(max_bytes + 1)
    except FileError:
        raise
    except OSError as error:
        raise FileError('cannot read %s: %s' % (path, error.strerror)) from error
    if len(data) > max_bytes:
        raise FileError('%s is larger than %d bytes, the most that is read at once' % (path, max_bytes))
    return data


def read_text(path: StrPath, max_bytes: int = MAX_TEXT_BYTES, fold: bool = True) -> str:
    r"""The text of a UTF-8 file without its byte order mark.

    Parameters
    ----------
    path : str or path
    max_bytes : int
        The most that is read. Default: a gibibyte.
    fold : bool, default True
        Make every ``\r\n`` a ``\n``.

    Raises
    ------
    FileError
        Not there, a folder, too large, or not UTF-8 (the first bad byte is named).
    """
    data = read_bytes(path, max_bytes)
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise FileError('%s is not UTF-8: byte %d is 0x%02x' % (path, error.start, data[error.start])) from error
    return text.replace('\r\n', '\n') if fold else text


class LineLimit:
    """A check of the lines of a table, fed with its text piece by piece, before a parser is.

    A parser of tables takes hours, or all memory, over a line of a few megabytes of commas.

    Parameters
    ----------
    path : str
        What the errors name.
    max_characters : int, default 2 ** 20
        The most that a line may have.
    max_columns : int, default 1000
        The most that the first line that is not blank may name.
    """

    def __init__(self, path: str, max_characters: int = 2 ** 20, max_columns: int = 1000) -> None:
        self._path, self._max_characters, self._max_columns = path, max_characters, max_columns
        self._open = 0                                      # characters since the last end of a line
        self._header = ''                                   # as far as it has been seen; None when it has ended

    def feed(self, text: str) -> None:
        """Take the next piece of the text.

        Parameters
        ----------
        text : str

        Raises
        ------
        FileError
            A line that is too long, or too many columns.
        """
        if self._header is not None:
            line, end, _ = (self._header + text[:self._max_characters]).lstrip('\r\n').partition('\n')
            self._header = None if end else line[:self._max_characters + 1]
            if line.count(',') >= self._max_columns:
                raise FileError('%s names more than %d columns in its header' % (self._path, self._max_columns))
        start = 0
        while len(text) - start + self._open > self._max_characters:
            stop = start + self._max_characters - self._open + 1
            end = max(text.rfind('\n', start, stop), text.rfind('\r', start, stop))
            if end < 0:
                raise FileError('%s has a line of more than %d characters' % (self._path, self._max_characters))
            start, self._open = end + 1, 0
        end = max(text.rfind('\n', start), text.rfind('\r', start))
        self._open = len(text) - end - 1 if end >= 0 else self._open + len(text) - start
