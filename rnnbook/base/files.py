"""Files, handled so that nothing is lost: sha256, atomic writes, reading with limits. Standard library only."""

import contextlib
import glob
import hashlib
import json
import os
import time
import warnings
from typing import Any, Iterator, Tuple

try:
    import fcntl
except ImportError:                                         # Windows, where nothing is locked
    fcntl = None

from rnnbook.base.checks import StrPath, shorten
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, FileError

MAX_BYTES = 2 ** 28
MAX_DIGITS = 20
#: Where downloads and results go, below the working directory at the time of the call.
OURS = 'data'


class DamagedError(FileError):
    """A file's bytes are wrong: an archive that was cut off, for instance, or text in another encoding."""


@contextlib.contextmanager
def file_errors(what: str) -> Iterator[None]:
    """Turn an error of the system in the block into a `FileError` that begins with `what`, such as 'cannot read x'."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError('%s: %s' % (what, error.strerror or error)) from error


@contextlib.contextmanager
def damage_errors(path: str) -> Iterator[None]:
    """Turn an error of the system, or about damaged content, into a `FileError` that names the file."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:                              # whatever parsers raise, NumPy's even a SyntaxError
        if getattr(error, 'strerror', None):                # gzip's errors are an OSError without one
            raise FileError('cannot read %s: %s' % (path, error.strerror)) from error
        text = ' '.join(str(error).encode('ascii', 'backslashreplace').decode('ascii').split())
        raise DamagedError('%s is damaged: %s' % (path, text[:100] or type(error).__name__)) from error


def check_path(name: str, path: object) -> str:
    """The path as a `str`."""
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(path, str):
        raise ArgumentTypeError('%s must be a path, not %s' % (name, shorten(path)))
    if not path or '\0' in path:
        raise ArgumentValueError('%s must be a path of at least one character and without NUL, not %s'
                                 % (name, shorten(path)))
    return path


def check_local(name: str, path: object) -> str:
    """The path of a file or folder of this machine as a `str`; TensorFlow would wait for the host of an address."""
    path = check_path(name, path)
    if '://' in path:
        raise ArgumentValueError('%s must be a folder of this machine, not the address %s' % (name, shorten(path)))
    return path


def check_regular(path: StrPath) -> None:
    """Refuse a folder, and a pipe or a device, which might never end; a path that is not there is left to `open`."""
    if os.path.isdir(path):
        raise FileError('%s is a folder, not a file' % path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError('%s is a pipe or a device, not a regular file; save what it gives in a file first' % path)


def stamp(path: StrPath) -> Tuple[int, int, int]:
    """What changes when a file is changed or replaced."""
    check_regular(path)
    with file_errors('cannot read %s' % path):
        found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def make_folder(name: str, path: str) -> None:
    """Make a folder to write into, with its parents, if it is not there."""
    with file_errors('%s %s cannot be made' % (name, path)):
        os.makedirs(path, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError('%s %s cannot be written to' % (name, path))


def sha256(path: StrPath) -> str:
    """The sha256 of a file's bytes as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with file_errors('cannot read %s' % path), open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def atomic_path(path: StrPath) -> Iterator[str]:
    """A temporary name beside `path` to write to; it becomes `path` only if the block ends without an error."""
    target = os.path.abspath(path)
    temporary = '%s.%d.part' % (target, os.getpid())
    with file_errors('cannot write %s' % path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        for stale in glob.glob(glob.escape(target) + '.*[0-9].part'):
            with contextlib.suppress(OSError):              # of a killed process: nobody has written to it for an hour
                if time.time() - os.path.getmtime(stale) > 3600:
                    os.remove(stale)
        try:
            yield temporary
            sync(temporary)
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):              # it is gone; or, on Windows, the failed block holds it open
                os.remove(temporary)


def write_text(path: StrPath, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='\n') as file:
        file.write(text)


def sync(path: StrPath) -> None:
    """Write a file, or the names in a folder, through to the disk."""
    if os.name == 'nt' and os.path.isdir(path):             # where a folder cannot be opened
        return
    handle = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def lock(path: StrPath) -> Iterator[None]:
    """Hold a lock file, which only one process or thread can do at a time. The system releases it when that dies."""
    with file_errors('cannot write %s' % path):
        file = open(path, 'a+b')
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).decode('ascii', 'replace').strip()
            raise FileError('%s is held by another run, process %s' % (path, holder)) from None
        except OSError as error:
            warnings.warn('%s cannot be locked (%s), so two runs could write there at once' % (path, error.strerror))
        file.truncate(0)
        file.write(b'%d\n' % os.getpid())
        file.flush()
        yield


def read_bytes(path: StrPath, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file."""
    check_regular(path)
    with file_errors('cannot read %s' % path), open(path, 'rb') as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise FileError('%s is larger than %d bytes, the most that can be read' % (path, max_bytes))
        return file.read()


def read_text(path: StrPath) -> str:
    """The text of a UTF-8 file without its byte order mark."""
    with damage_errors(path):
        return read_bytes(path).decode('utf-8-sig')


def read_json(path: StrPath, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a JSON file of ours, in which no object may repeat a key and no integer may be long."""
    with damage_errors(path):
        return json.loads(read_bytes(path, max_bytes).decode('utf-8'), parse_int=_int, object_pairs_hook=_object)


def _int(digits):
    """An integer in a file; parsing one of a million digits would take Python very long."""
    if len(digits) > MAX_DIGITS:
        raise ValueError('an integer of %d digits' % len(digits))
    return int(digits)


def _object(pairs):
    """An object in a file, without repeated keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError('a name is repeated in an object')
    return found


def check_format(path: StrPath, found: object, known: int) -> None:
    """Refuse a file of ours in a format that this version does not know."""
    if found != known:
        raise FileError('%s has the format %s; this version of rnnbook reads format %d' % (path, shorten(found), known))
