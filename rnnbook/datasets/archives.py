"""Tar and gzip archives of unknown origin, read with limits and never unpacked to where they say."""

import gzip
import tarfile
from typing import Callable, Iterator, Tuple

from rnnbook.base.checks import shorten
from rnnbook.base.files import damage_errors
from rnnbook.errors import FileError


def read_tar(path: str, wanted: Callable[[str], object], max_bytes: int) -> Iterator[Tuple[str, bytes]]:
    """The regular files of a tar archive, gzipped or not, one after the other; nothing is written to disk."""
    with damage_errors(path), tarfile.open(path) as tar:
        for member in tar:
            if member.isreg() and wanted(member.name):
                if member.size > max_bytes:
                    raise FileError('%s: %s is larger than %d bytes' % (path, shorten(member.name), max_bytes))
                yield member.name, tar.extractfile(member).read()
            tar.members = []                                # tarfile keeps every header that it has seen
        while tar.fileobj.read(1 << 20):                    # the padding, after which gzip compares its checksum
            pass


def gunzip(path: str, target: str, max_bytes: int) -> None:
    """Write what a gzip file holds to a file."""
    with damage_errors(path), gzip.open(path) as source, open(target, 'wb') as file:
        data = source.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise FileError('%s holds more than %d bytes' % (path, max_bytes))
        file.write(data)
