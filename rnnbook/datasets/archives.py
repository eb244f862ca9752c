"""Tar and gzip archives of unknown origin, read with limits and never unpacked to where they say."""

from __future__ import annotations

import contextlib
import gzip
import tarfile
import zlib
from typing import Any, Callable, Iterator, Tuple

from rnnbook.base.checks import shorten
from rnnbook.errors import FileError

__all__ = ['read_tar', 'gunzip']

MAX_HEADER_BYTES = 2 ** 16
#: All that gzip and tarfile raise about damaged bytes.
DAMAGE = (OSError, EOFError, ValueError, RecursionError, tarfile.TarError, zlib.error)


class _Header(tarfile.TarInfo):
    """A member's header, refused where reading it would take memory: tarfile believes whatever size stands in it."""

    def _proc_member(self, archive):
        sparse = self.type == tarfile.GNUTYPE_SPARSE
        extended = self.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
                                 tarfile.SOLARIS_XHDTYPE)
        if sparse or (extended and not 0 <= self.size <= MAX_HEADER_BYTES):
            raise tarfile.TarError('a sparse file' if sparse else 'a header of %d bytes' % self.size)
        return super()._proc_member(archive)

    def _proc_gnusparse_10(self, following, headers, archive):
        raise tarfile.TarError('a sparse file')


@contextlib.contextmanager
def _unpacking(path):
    """`FileError` for all that the standard library raises about a damaged archive."""
    try:
        yield
    except FileError:
        raise
    except DAMAGE as error:
        if getattr(error, 'strerror', None):
            raise FileError('cannot read %s: %s' % (path, error.strerror)) from error
        raise FileError('%s is damaged or cut off: %s' % (path, shorten(str(error)))) from error


def read_tar(path: str, wanted: Callable[[str], Any], max_bytes: int) -> Iterator[Tuple[str, bytes]]:
    """The regular files of a tar archive, gzipped or not, one after the other; nothing is written to disk."""
    with _unpacking(path), open(path, 'rb') as raw:
        gzipped = raw.read(2) == b'\x1f\x8b'
        raw.seek(0)
        # Reading gzip through its own module, and not by tarfile's mode 'r|gz', has a cut-off file raise EOFError.
        with gzip.GzipFile(fileobj=raw) if gzipped else raw as stream, \
                tarfile.open(fileobj=stream, mode='r|', tarinfo=_Header) as tar:
            for member in tar:
                if member.isreg() and wanted(member.name):
                    if member.size > max_bytes:
                        raise FileError('%s: %s is larger than %d bytes' % (path, shorten(member.name), max_bytes))
                    yield member.name, tar.extractfile(member).read()
                tar.members = []                        # tarfile keeps every header that it has seen
            stream.read(1 << 20)                        # the padding, after which gzip compares its checksum


def gunzip(path: str, target: str, max_bytes: int) -> None:
    """Write what a gzip file holds to a file."""
    with _unpacking(path), gzip.open(path) as source, open(target, 'wb') as file:
        size = 0
        for block in iter(lambda: source.read(1 << 20), b''):
            size += len(block)
            if size > max_bytes:
                raise FileError('%s holds more than %d bytes' % (path, max_bytes))
            file.write(block)
