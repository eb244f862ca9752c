"""Downloads from files and from servers that this test starts; pip without the net, and with it where it answers."""

import http.server
import os
import socket
import sys
import threading
import time

import pytest

from rnnbook.base import files
from rnnbook.datasets import download
from rnnbook.errors import FileError


class Handler(http.server.BaseHTTPRequestHandler):
    """A server of a few addresses, each with a way of its own to answer."""

    agents = []

    def do_GET(self):
        self.agents.append(self.headers['User-Agent'])
        if self.path == '/missing':
            return self.send_error(404)
        if self.path == '/slow':
            time.sleep(2)
        self.send_response(200)
        if self.path != '/plain':
            self.send_header('Content-Length', '200000')
        self.end_headers()
        self.wfile.write(b'x' * (100000 if self.path == '/short' else 200000))

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def server():
    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield 'http://127.0.0.1:%d' % server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize('page, bar', [('/whole', True), ('/plain', False)])
def test_download(server, tmp_path, capsys, monkeypatch, page, bar):
    path, bars = str(tmp_path / 'file'), []
    monkeypatch.setattr(download, 'show_bar', lambda items, total, title: bars.append((total, title)) or items)
    download.download(server + page, path, 200000)
    assert open(path, 'rb').read() == b'x' * 200000
    assert Handler.agents[-1].startswith('rnnbook/')
    assert capsys.readouterr() == ('', '')
    assert bars == ([(-(-200000 // download.BLOCK), 'Downloading ' + server + page)] if bar else [])


def test_download_checks_the_sha256(tmp_path):
    source = tmp_path / 'source'
    source.write_bytes(b'some data')
    download.download(source.as_uri(), str(tmp_path / 'file'), 100, files.sha256(str(source)))
    assert (tmp_path / 'file').read_bytes() == b'some data'
    with pytest.raises(FileError, match='its sha256 is %s, not 0000' % files.sha256(str(source))):
        download.download(source.as_uri(), str(tmp_path / 'file'), 100, '0' * 64)


@pytest.mark.parametrize('page, limit, said', [
    ('/missing', 10 ** 6, 'Not Found'), ('/short', 10 ** 6, 'cut off after 100000 of 200000 bytes'),
    ('/whole', 1000, 'larger than 1000 bytes'), ('/plain', 1000, 'larger than 1000 bytes')])
def test_bad_downloads(server, tmp_path, page, limit, said):
    with pytest.raises(FileError, match=said) as caught:
        download.download(server + page, str(tmp_path / 'file'), limit)
    assert str(caught.value).startswith(server + page + ': ')


def test_server_that_hangs(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, 'SECONDS', 0.3)
    with pytest.raises(FileError, match='/slow: timed out'):
        download.download(server + '/slow', str(tmp_path / 'file'), 10 ** 6)


def test_no_server(tmp_path):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))                       # bound, and nobody listens
        url = 'http://127.0.0.1:%d/file' % closed.getsockname()[1]
        with pytest.raises(FileError, match=url + ': '):
            download.download(url, str(tmp_path / 'file'), 10 ** 6)


@pytest.mark.parametrize('url', ['nonsense', 'gopher://host/file', 'file:///no/such/file'])
def test_bad_addresses(tmp_path, url):
    with pytest.raises(FileError, match=url + ': '):
        download.download(url, str(tmp_path / 'file'), 10 ** 6)


def fake_pip(tmp_path, monkeypatch, code):
    """Have `python -m pip` run this code instead."""
    (tmp_path / 'code').mkdir()
    (tmp_path / 'code' / 'pip.py').write_text('import sys\nargs = sys.argv\n' + code)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path / 'code'))
    (tmp_path / 'folder').mkdir()
    return str(tmp_path / 'folder')


def test_from_index_asks_pip_for_the_pinned_file(tmp_path, monkeypatch):
    folder = fake_pip(tmp_path, monkeypatch,
                      'pins = open(args[args.index("-r") + 1]).read()\n'
                      'open(args[args.index("-d") + 1] + "/thing-1.0.whl", "w").write(pins + " ".join(args[1:]))\n')
    path = download.from_index('thing==1.0', 'ab' * 32, folder)
    text = open(path).read()
    assert os.path.basename(path) == 'thing-1.0.whl' and os.listdir(folder) == ['thing-1.0.whl']
    assert text.startswith('thing==1.0 --hash=sha256:%s\n' % ('ab' * 32))
    assert ' download ' in text and '--require-hashes' in text and '--no-deps' in text
    assert 'index-url' not in text                          # the mirror is the user's own affair


@pytest.mark.parametrize('code, said', [
    ('print("ERROR: one\\nERROR: No such version\\nWARNING: x"); sys.exit(1)', 'ERROR: No such version$'),
    ('print("out of order"); sys.exit(3)', 'out of order$'), ('sys.exit(3)', 'status 3$'),
    ('', 'pip failed: not enough values')])
def test_pip_that_fails(tmp_path, monkeypatch, code, said):
    folder = fake_pip(tmp_path, monkeypatch, code)
    with pytest.raises(FileError, match='thing==1.0 from the package index: .*' + said):
        download.from_index('thing==1.0', 'ab' * 32, folder)


def test_pip_that_is_not_there_or_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'no-python'))
    with pytest.raises(FileError, match='pip failed'):
        download.from_index('thing==1.0', 'ab' * 32, str(tmp_path))
    monkeypatch.undo()
    folder = fake_pip(tmp_path, monkeypatch, 'import time\ntime.sleep(30)')
    monkeypatch.setattr(download, 'PIP_SECONDS', 0.5)
    with pytest.raises(FileError, match='pip failed.*timed out'):
        download.from_index('thing==1.0', 'ab' * 32, folder)
