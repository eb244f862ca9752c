"""Damaged bytes, some thousand of each kind of file: whatever comes, the only errors are our own.

`RNNBOOK_FUZZ_ROUNDS=100000` tries so many of each kind, from other seeds, and takes a while.
"""

import csv
import gzip
import io
import json
import os
import random
import tarfile
import warnings
import zipfile

import numpy as np
import pytest

from rnnbook import hamlet, imdb, portable
from rnnbook.datasets import aclimdb, archives
from rnnbook.errors import RnnbookError
from rnnbook.model_folder import run_state
from rnnbook.model_folder.description import Description, write_description
from rnnbook.portable import weights

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get('RNNBOOK_FUZZ_ROUNDS') or 0)
SEED = 20 if not ROUNDS else random.SystemRandom().randrange(10 ** 9)
CHAR2INT, _ = hamlet.char_vocabulary('the cat sat.')
CHAR = Description('CharRNN', dict(num_classes=len(CHAR2INT), batch_size=4, num_steps=10, lstm_size=2,
                                   num_layers=1), CHAR2INT)
WORDS = Description('SentimentRNN', dict(n_words=4, seq_len=4, lstm_size=2, num_layers=1, batch_size=5,
                                         embed_size=2), {'good': 1, 'bad': 2, 'caf\u00e9': 3})
#: What means something in one of the formats, to be put in anywhere.
TOKENS = [b'"', b'\n', b'\r', b',', b'\0', b'\xff', b'\xef\xbb\xbf', b'{', b'[', b']', b'}', b':', b'\\u', b'\\ud83d',
          b'null', b'NaN', b'1e999', b'-1', b'0', b'99999999999999999999', b'PK\1\2', b'PK\3\4', b'PK\5\6', b'\x1f\x8b',
          b'ustar', b'././@LongLink', b'path=', b'30 path=../x\n', b'GNU.sparse.major=1\n', b'\xff' * 8,
          b'\x80' + bytes(11), b"'|O'", b'(2,)', b'True', b'\x93NUMPY', b'sentiment', b'"ids"', b'(' * 200,
          b'-' * 200, b'[' * 2000]


def mutate(data, chance):
    """The bytes after one to four changes: flipped, cut out, doubled, inserted, overwritten, cut off."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + int(2 ** chance.uniform(0, 9)))
        how = chance.randrange(7)
        if how == 0 and start < len(data):
            data[start] ^= 1 << chance.randrange(8)
        elif how == 1 and start < len(data):
            data[start] = chance.randrange(256)
        elif how == 2:
            del data[start:stop]
        elif how == 3:
            data[start:start] = data[start:stop]
        elif how == 4:
            data[start:start] = chance.choice(TOKENS)
        elif how == 5:
            token = chance.choice(TOKENS)
            data[start:start + len(token)] = token
        elif how == 6 and chance.random() < 0.2:
            del data[start:]
    return bytes(data)


# ---- whole files, and what reads them --------------------------------------------------------------------------------

def csv_bytes():
    table = io.StringIO(newline='')
    csv.writer(table).writerows([('review', 'sentiment'), ('Good, "good"\nfilm', 1), ('caf\u00e9 \U0001f600', 0),
                                 ('', 1)])
    return table.getvalue().encode('utf-8')


def model_bytes(folder, description, name):
    write_description(str(folder), description)
    arrays = {name: np.ones(shape, np.float32) for name, shape in weights.variables(description)}
    weights.write(str(folder), arrays, description, 'hand-1.ckpt')
    return (folder / name).read_bytes()


def checkpoint_bytes(folder):
    model_bytes(folder, CHAR, 'weights.npz')
    (folder / 'hand-1.ckpt.index').write_bytes(b'')
    return b''.join(b'%smodel_checkpoint_path: "hand-1.ckpt"\n' % which for which in (b'', b'all_'))


def record_bytes(folder):
    """What a record holds; see `sealed`."""
    prefix = str(folder / 'hand-1.ckpt')
    for ending in ('.index', '.data-00000-of-00001'):
        (folder / ('hand-1.ckpt' + ending)).write_bytes(b'weights')
    state = (((np.ones((1, 2), np.float32),) * 2),)
    history = [{'epoch': 1, 'iteration': 3, 'loss': 0.5, 'seconds': 1.25}]
    progress = run_state.RunState(iteration=4, epochs=1, position=1, loss_sum=0.5, seconds=0.25, right=1, seen=2,
                                  history=history, carried=state)
    run_state.write_record(prefix, 1, progress, {'num_epochs': 2})
    return json.dumps(json.loads((folder / 'hand-1.ckpt.progress.json').read_text())['record']).encode('ascii')


def sealed(folder, data):
    """A record with the damaged content and the sha256 of it, so that it is taken for whole."""
    try:
        content = json.loads(data.decode('utf-8'))
        return json.dumps({'record': content, 'sha256': run_state._digest(content)}).encode('ascii')
    except (ValueError, RecursionError):
        return b'{"record": ' + data + b', "sha256": ""}'


def tar_bytes(form=tarfile.GNU_FORMAT):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w', format=form) as tar:
        for name in ('aclImdb/test/pos/0_9.txt', 'caf\u00e9/' * 30 + '1_9.txt', 'b'):
            member = tarfile.TarInfo(name)
            member.size = 20
            tar.addfile(member, io.BytesIO(b'twenty bytes of text'))
        link = tarfile.TarInfo('link')
        link.type, link.linkname = tarfile.SYMTYPE, 'x' * 150
        tar.addfile(link)
    return data.getvalue()[:-9 * 1024]                      # of the zeros at the end, a kilobyte is enough


def wheel_bytes():
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w', zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(aclimdb.WHEEL_MEMBER, 'text,label,source\n"Good, good",1,imdb\nBad,0,imdb\n')
    return data.getvalue()


def use_portable(folder):
    """Load a model's folder and use what it gives."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                     # weights of before a further training; overflow of inf
        model = portable.load(folder)
        if isinstance(model, portable.PortableChar):
            model.sample(2, 'the')
        else:
            model.predict_text(['a good film'])


def everything(path):
    return list(archives.read_tar(path, lambda name: True, 10 ** 6))


def unpack(path):
    archives.gunzip(path, path + '.out', 10 ** 6)


def as_is(folder, data):
    return data


def as_member(name):
    """Put the damaged bytes into weights.npz as this member, with a checksum that is right."""
    def wrap(folder, data):
        whole, changed = model_bytes(folder, CHAR, 'weights.npz'), io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(changed, 'w') as copy:
            for member in archive.namelist():
                copy.writestr(member, data if member == name else archive.read(member))
        return changed.getvalue()
    return wrap


def member_bytes(name):
    def make(folder):
        with zipfile.ZipFile(io.BytesIO(model_bytes(folder, CHAR, 'weights.npz'))) as archive:
            return archive.read(name)
    return make


def with_checksums(folder, data):
    """A tar in which every block that might be a header has the checksum of one."""
    data = bytearray(data)
    for start in range(0, len(data) - 511, 512):
        block = data[start:start + 512]
        if block[257:262] == b'ustar':
            block[148:156] = b' ' * 8
            data[start + 148:start + 156] = b'%06o\0 ' % sum(block)
    return bytes(data)


def gzipped(folder, data):
    return gzip.compress(with_checksums(folder, data), 1)


def as_wheel(folder, data):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, 'w') as wheel:
        wheel.writestr(aclimdb.WHEEL_MEMBER, data)
    return whole.getvalue()


def use_beside(path):
    use_portable(os.path.dirname(path))


#: {name of the file, and what is damaged: (its good bytes, what is done with the damaged ones, who reads the file)}.
KINDS = {
    'reviews.csv': (lambda folder: csv_bytes(), as_is, imdb.load_reviews),
    'text.txt': (lambda folder: 'To be\r\nor caf\u00e9 \U0001f600'.encode('utf-8'), as_is, hamlet.load_text),
    'model.json': (lambda folder: model_bytes(folder, WORDS, 'model.json'), as_is, use_beside),
    'model.json of characters': (lambda folder: model_bytes(folder, CHAR, 'model.json'), as_is, use_beside),
    'weights.npz': (lambda folder: model_bytes(folder, CHAR, 'weights.npz'), as_is, use_beside),
    'weights.npz, about': (member_bytes('about.npy'), as_member('about.npy'), use_beside),
    'weights.npz, an array': (member_bytes('logits/bias.npy'), as_member('logits/bias.npy'), use_beside),
    'checkpoint': (checkpoint_bytes, as_is, use_beside),
    'hand-1.ckpt.progress.json': (record_bytes, sealed, lambda path: run_state.check_record(
        path[:-len(run_state.ENDING)])),
    'a.tar': (lambda folder: tar_bytes(), as_is, everything),
    'a.tar with checksums': (lambda folder: tar_bytes(), with_checksums, everything),
    'a.tar of pax with checksums': (lambda folder: tar_bytes(tarfile.PAX_FORMAT), with_checksums, everything),
    'a.tar.gz': (lambda folder: gzip.compress(tar_bytes()), as_is, everything),
    'a.tar.gz, the tar': (lambda folder: tar_bytes(), gzipped, everything),
    'a.gz': (lambda folder: gzip.compress(b'text' * 100), as_is, unpack),
    'a.whl': (lambda folder: wheel_bytes(), as_is, aclimdb.wheel_rows),
    'a.whl, the table': (lambda folder: b'text,label,source\n"Good, good",1,imdb\nBad,0,imdb\n', as_wheel,
                         aclimdb.wheel_rows),
}


@pytest.mark.parametrize('kind', KINDS)
def test_damaged_bytes_are_read_or_refused_by_name(kind, tmp_path):
    make, wrap, read = KINDS[kind]
    name, whole = kind.split(' ')[0].rstrip(','), make(tmp_path)
    path, refused = str(tmp_path / name), 0
    for number in range(ROUNDS or 400):
        data = wrap(tmp_path, mutate(whole, random.Random('%s %d %d' % (kind, SEED, number))))
        with open(path, 'wb') as file:
            file.write(data)
        try:
            read(path)
        except RnnbookError as error:
            assert len(str(error).splitlines()) == 1 and len(str(error)) < 1000 + len(str(tmp_path))
            refused += 1
        except Exception:
            print('%s, seed %d, round %d: %r' % (kind, SEED, number, data[:4000]))
            raise
    assert refused or kind == 'checkpoint'                  # the weights are there, whatever it says
    with open(path, 'wb') as file:
        file.write(wrap(tmp_path, whole))
    read(path)                                              # what was damaged is good


def test_a_damaged_model_json_never_makes_another_model_of_the_weights(tmp_path):
    """Of a folder whose model.json was damaged, what can be loaded has the vocabulary and the shapes that it had."""
    whole = model_bytes(tmp_path, WORDS, 'model.json')
    for number in range(ROUNDS or 400):
        data = mutate(whole, random.Random('model %d %d' % (SEED, number)))
        (tmp_path / 'model.json').write_bytes(data)
        try:
            model = portable.load(tmp_path)
        except RnnbookError:
            continue
        assert model.vocabulary == WORDS.vocabulary
        for name in ('n_words', 'lstm_size', 'embed_size', 'num_layers'):
            assert model.arguments[name] == WORDS.arguments[name], json.loads(data.decode())
