"""Tar and gzip archives of unknown origin, read with limits and never unpacked to where they say."""

from __future__ import annotations

import gzip
import tarfile
from typing import BinaryIO, Callable, Iterator, Tuple

from rnnbook.base.checks import shorten
from rnnbook.base.files import damage_errors
from rnnbook.errors import FileError

__all__ = ['read_tar', 'gunzip']

MAX_HEADER_BYTES = 2 ** 20


class _Limited:
    """What tarfile reads, up to a limit: it takes a header into memory, whatever size the header claims."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit = stream, limit
        self.left = limit

    def read(self, size: int) -> bytes:
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                raise tarfile.TarError('a header of more than %d bytes' % self._limit)
        return self._stream.read(size)


def read_tar(path: str, wanted: Callable[[str], object], max_bytes: int) -> Iterator[Tuple[str, bytes]]:
    """The regular files of a tar archive, gzipped or not, one after the other; nothing is written to disk."""
    with damage_errors(path), open(path, 'rb') as raw:
        gzipped = raw.read(2) == b'\x1f\x8b'
        raw.seek(0)
        limit = MAX_HEADER_BYTES + max_bytes            # tarfile skips a small file when it looks for the next header
        # The gzip module raises EOFError for a file that is cut off; tarfile's mode 'r|gz' does not.
        with gzip.GzipFile(fileobj=raw) if gzipped else raw as stream:
            limited = _Limited(stream, limit)
            with tarfile.open(fileobj=limited, mode='r|') as tar:
                for member in tar:
                    if member.issparse():
                        raise tarfile.TarError('a sparse file')
                    keep, large = member.isreg() and wanted(member.name), member.isreg() and member.size > max_bytes
                    if keep and large:
                        raise FileError('%s: %s is larger than %d bytes' % (path, shorten(member.name), max_bytes))
                    limited.left = None
                    if keep:
                        yield member.name, tar.extractfile(member).read()
                    elif large:
                        data = tar.extractfile(member)
                        while data.read(1 << 20):
                            pass
                    limited.left = limit
                    tar.members = []                    # tarfile keeps every header that it has seen
            stream.read(1 << 20)                        # the padding, after which gzip compares its checksum


def gunzip(path: str, target: str, max_bytes: int) -> None:
    """Write what a gzip file holds to a file."""
    with damage_errors(path), gzip.open(path) as source, open(target, 'wb') as file:
        size = 0
        for block in iter(lambda: source.read(1 << 20), b''):
            size += len(block)
            if size > max_bytes:
                raise FileError('%s holds more than %d bytes' % (path, max_bytes))
            file.write(block)
