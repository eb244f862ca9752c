"""Files, handled so that nothing is lost: sha256, whole writes, reading with limits. Standard library only."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import lzma
import os
import struct
import tempfile
import time
import warnings
import zipfile
import zlib
from typing import Any, Iterator

try:
    import fcntl
except ImportError:                                         # Windows
    fcntl = None
    import msvcrt

from rnnbook.base.checks import StrPath, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError

__all__ = ['sha256', 'check_path', 'check_regular', 'make_folder', 'atomic_path', 'write_text', 'sync', 'move',
           'lock', 'read_bytes', 'read_text', 'read_json', 'check_format', 'file_errors', 'damage_errors', 'DAMAGE',
           'OURS']

MAX_TEXT_BYTES = 2 ** 30
MAX_DIGITS = 20
#: Where what is fetched or made goes: below the working directory, at the time of the call.
OURS = 'data'
#: What zipfile and the decompressors raise about damaged bytes; RuntimeError is for what claims to be encrypted.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)


@contextlib.contextmanager
def file_errors(what: str) -> Iterator[None]:
    """Within the block, what the system raises is a `FileError` that begins with `what`, 'cannot read x' say."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError('%s: %s' % (what, error.strerror or error)) from error


@contextlib.contextmanager
def damage_errors(path: str) -> Iterator[None]:
    """Within the block, what looking into the content of a damaged file raises is a `FileError` that names it."""
    try:
        yield
    except FileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FileError('%s is damaged: %s' % (path, shorten(str(error), 100))) from error


def check_path(name: str, path: Any) -> str:
    """The path as a `str`."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError('%s must be a path, not %s' % (name, shorten(path)))
    path = os.fspath(path)
    if not isinstance(path, str):
        raise ArgumentTypeError('%s must be a path of str, not %s' % (name, shorten(path)))
    if not path or '\0' in path:
        raise ArgumentValueError('%s must be a path of at least one character and without NUL, not %s'
                                 % (name, shorten(path)))
    return path


def check_regular(name: str, path: StrPath) -> None:
    """Refuse a folder, and a pipe or a device, which might never end; a path that is not there is left to `open`."""
    if os.path.isdir(path):
        raise FileError('%s is a folder, not a file' % path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError('%s must be a regular file, not a pipe or a device such as %s' % (name, path))


def make_folder(name: str, path: str) -> None:
    """Make a folder to write into, with its parents, if it is not there."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileError('%s %s cannot be made: %s' % (name, path, error.strerror)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError('%s %s cannot be written to' % (name, path))


def sha256(path: StrPath) -> str:
    """The sha256 of a file's bytes as 64 hexadecimal digits."""
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
    """A temporary name beside `path` to write to; it becomes `path` only if the block ends without an error."""
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
    """Write a text as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        try:
            with open(temporary, 'w', encoding='utf-8', newline='\n') as file:
                file.write(text)
        except OSError as error:
            raise FileError('cannot write %s: %s' % (path, error.strerror)) from error


def sync(path: StrPath) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    if os.name == 'nt' and os.path.isdir(path):             # where a folder cannot be opened
        return
    handle = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: StrPath, target: StrPath, patience: float = 2.0) -> None:
    """Rename a file within a disk; a file of the new name is replaced in one step."""
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
    """Hold a file for the block, as no other process or thread then can. It is let go of when its holder dies."""
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
    """The bytes of a file."""
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
    r"""The text of a UTF-8 file without its byte order mark."""
    data = read_bytes(path, max_bytes)
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise FileError('%s is not UTF-8: byte %d is 0x%02x' % (path, error.start, data[error.start])) from error
    return text.replace('\r\n', '\n') if fold else text


def read_json(path: StrPath, max_bytes: int = 2 ** 28) -> Any:
    """What a JSON file of ours holds; no object in it may name an entry twice, and no integer is long."""
    with damage_errors(path):
        return json.loads(read_bytes(path, max_bytes).decode('utf-8'), parse_int=_int, object_pairs_hook=_object)


def _int(digits):
    """An integer of a file: Python takes very long to read one of a million digits."""
    if len(digits) > MAX_DIGITS:
        raise ValueError('an integer of %d digits' % len(digits))
    return int(digits)


def _object(pairs):
    """An object of a file; a word that has two numbers has none."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in collections.Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError('%s stands twice in an object' % ascii(twice))
    return found


def check_format(path: StrPath, found: Any, known: int) -> None:
    """Refuse a file of ours in a format that this version does not know."""
    if found != known:
        raise FileError('%s has the format %s; this version of rnnbook reads format %d' % (path, shorten(found), known))
