"""What the scripts share: one line for a user's mistake, output for any console, flags, and the stop on Ctrl-C.

Flags and their help come from the signatures and docstrings of what they set, so that they cannot differ.
"""

import argparse
import dataclasses
import functools
import hashlib
import importlib
import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

import numpy as np

from rnnbook import datasets, hamlet, imdb
from rnnbook.base.checks import check_int
from rnnbook.base.files import OURS
from rnnbook.errors import ArgumentValueError, RequirementError, RnnbookError
from rnnbook.network.pooling import POOLINGS
from rnnbook.training.run import Run

__all__ = ['command', 'StopOnSignal', 'resume_command', 'parser', 'add_preset_flag', 'add_review_flags',
           'review_halves', 'add_vocabulary_flags', 'indexed_halves', 'check_vocabulary', 'say_unknown',
           'character_numbers', 'add_model_flags', 'add_run_flags', 'add_device_flag', 'add_flag', 'chosen',
           'check_flags', 'documented', 'require']

#: From how many bytes on a text is read in blocks and stays on disk.
LARGE_TEXT = 2 ** 26


def command(main: Callable[[List[str]], Optional[int]]) -> Callable[..., int]:
    """Make `main(argv)` a script's entry: it returns the exit status and lets no traceback of a user's mistake out."""
    @functools.wraps(main)
    def run(argv=None):
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, 'reconfigure'):              # not so where a notebook or a test has put its own
                stream.reconfigure(errors='backslashreplace')
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _one_line
                status = main(sys.argv[1:] if argv is None else argv)
            sys.stdout.flush()
            return status or 0
        except RnnbookError as error:
            print('%s: error: %s' % (os.path.basename(sys.argv[0]), error), file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print('interrupted', file=sys.stderr)
            return 130
        except BrokenPipeError:                             # the reader, `head` say, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
    return run


def _one_line(message, category, filename, lineno, file=None, line=None):
    """Show a warning as the errors are shown."""
    print('%s: warning: %s' % (os.path.basename(sys.argv[0]), message), file=file or sys.stderr)


def resume_command(world: Any) -> str:
    """The command that resumes this process's training, as a shell takes it."""
    words = ['horovodrun', '-np', str(world.size)] if world.size > 1 else []
    words += [sys.executable] + sys.argv + ['--resume'] * ('--resume' not in sys.argv)
    return subprocess.list2cmdline(words) if os.name == 'nt' else ' '.join(map(shlex.quote, words))


class StopOnSignal:
    """While the block runs, Ctrl-C and SIGTERM ask for a stop instead of ending the process; a second one ends it."""

    def __init__(self) -> None:
        self.status = 0

    def __call__(self) -> bool:
        return self.status != 0

    def __enter__(self) -> 'StopOnSignal':
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agree(self, world: Any) -> None:
        """Take the signal of another process for one's own, so that all end alike; each has to call."""
        self.status = int(world.gather(np.array([self.status])).max())

    def _ask(self, number, frame):
        if self.status:
            raise KeyboardInterrupt
        self.status = 128 + number
        print('stopping after this step; once more to stop at once', file=sys.stderr)


def parser(description: str, epilog: Optional[str] = None) -> argparse.ArgumentParser:
    """An `argparse` parser whose help gives the default of every flag."""
    return argparse.ArgumentParser(description=description, epilog=epilog,
                                   formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def add_review_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which reviews: ``--csv``, ``--data-dir``, ``--limit``; see `review_halves`."""
    group = parser.add_argument_group('data')
    group.add_argument('--csv', metavar='FILE', help='reviews of your own: a UTF-8 CSV with the columns review and '
                       'sentiment (0 or 1); its first half trains, the rest tests')
    group.add_argument('--data-dir', metavar='DIR', help='where the IMDb reviews are looked for; None is '
                       '$RNNBOOK_DATA, else ./data')
    group.add_argument('--limit', type=int, metavar='N', help='take the first N reviews of each half only')


def review_halves(args: argparse.Namespace) -> Tuple[str, List[str], np.ndarray, List[str], np.ndarray]:
    """The reviews that the flags of `add_review_flags` ask for, in the chapter's split."""
    end = _limit(args)
    csv = args.csv or datasets.fetch_imdb(args.data_dir)
    x_train, y_train, x_test, y_test = imdb.split_halves(*imdb.load_reviews(csv))
    return datasets.describe(csv), x_train[:end], y_train[:end], x_test[:end], y_test[:end]


def _limit(args):
    return None if args.limit is None else check_int('--limit', args.limit)


def add_preset_flag(parser: argparse.ArgumentParser, argv: List[str],
                    presets: Dict[str, Dict[str, Any]]) -> Tuple[str, Dict[str, Any]]:
    """Add ``--preset``, which says where the defaults of the other flags come from."""
    first = next(iter(presets))
    parser.add_argument('--preset', choices=list(presets), default=first,
                        help='the run whose settings are the defaults of the other flags')
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument('--preset', nargs='?')
    name = early.parse_known_args(argv)[0].preset
    name = name if name in presets else first
    return name, presets[name]


def add_vocabulary_flags(parser: argparse.ArgumentParser, run: Dict[str, Any]) -> List[str]:
    """Add the flags of `indexed_halves`: ``--no-cache``, and a flag for each field of `imdb.Settings`."""
    group, helps, names = parser.add_argument_group('vocabulary'), documented(imdb.Settings), []
    for field in dataclasses.fields(imdb.Settings):
        _add_field(group, field, run.get(field.name, field.default), helps)
        names.append(field.name)
    group.add_argument('--no-cache', action='store_true',
                       help='make the arrays anew and keep none; otherwise they are kept in ./data/cache')
    return names


def indexed_halves(args: argparse.Namespace, sequence_length: int, settings: Dict[str, Any]) -> Tuple[
        str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, imdb.Vocabulary]:
    """The reviews that the flags ask for as rows of word numbers, in the chapter's split."""
    limit = _limit(args)
    csv = args.csv or datasets.fetch_imdb(args.data_dir)
    x, y, vocabulary = imdb.load_indexed(csv, sequence_length, limit=limit, cache=not args.no_cache, **settings)
    return (datasets.describe(csv), *imdb.split_halves(x, y), vocabulary)


def check_vocabulary(folder: str, vocabulary: Optional[imdb.Vocabulary]) -> None:
    """Check that the review model of a folder has a vocabulary, without which it cannot read texts."""
    if vocabulary is None:
        raise ArgumentValueError('%s was trained without a vocabulary, so that texts cannot be read; '
                                 'train(..., vocabulary=word_to_int) saves it' % folder)


def say_unknown(unknown: np.ndarray, vocabulary: imdb.Vocabulary) -> None:
    """Say on standard error how many words the vocabulary lacks, if any, and what became of them."""
    if unknown.any():
        print('%d words that the model has not seen %s' % (unknown.sum(), 'were left out' if vocabulary.unknown is None
                                                           else 'count as unknown'), file=sys.stderr)


def character_numbers(path: str) -> Tuple[str, np.ndarray, Dict[str, int]]:
    """A text to train on as numbers of characters; a large one stays on disk."""
    if hamlet.text_files(path) == [path] and not (os.path.isfile(path) and os.path.getsize(path) >= LARGE_TEXT):
        text = hamlet.load_text(path)
        char2int, _ = hamlet.char_vocabulary(text)
        return datasets.describe(path), hamlet.encode(text, char2int), char2int
    where = os.path.abspath(path)
    name = '%s-%s.npy' % (re.sub(r'\W+', '-', os.path.basename(where)).strip('-') or 'text',
                          hashlib.sha256(os.fsencode(where)).hexdigest()[:8])
    return (path, *hamlet.encode_file(path, os.path.join(OURS, 'encoded', name)))


def add_model_flags(parser: argparse.ArgumentParser, model: type, run: Dict[str, Any]) -> List[str]:
    """Add a flag for every argument of a model's constructor that neither the data nor the script decides."""
    from rnnbook.network import lstm, optimizers, devices
    choices = {'engine': lstm.ENGINES, 'optimizer': optimizers.OPTIMIZERS, 'device': devices.DEVICES,
               'pooling': POOLINGS}
    group, helps, names = parser.add_argument_group('model'), documented(model), []
    for name, parameter in inspect.signature(model).parameters.items():
        default, annotation = run.get(name, parameter.default), str(parameter.annotation)       # such as Optional[int]
        kind = next((kind for kind in (bool, int, float) if kind.__name__ in annotation), str)
        script = kind is bool and parameter.kind != parameter.KEYWORD_ONLY
        if default is not parameter.empty and not script:
            add_flag(group, name, kind, default, helps[name], choices.get(name))
            names.append(name)
    return names


def add_run_flags(parser: argparse.ArgumentParser, run: Mapping[str, Any], ckpt_dir: Optional[str]) -> List[str]:
    """Add the flags of a training run: epochs, folder, and the fields of `training.Run` that a flag can give."""
    group, helps, names = parser.add_argument_group('run'), documented(Run), []
    group.add_argument('--epochs', type=int, default=run['num_epochs'], metavar='N',
                       help='passes over the training data')
    group.add_argument('--ckpt-dir', default=ckpt_dir, metavar='DIR', help='the folder to save the model into')
    for field in dataclasses.fields(Run):
        if _add_field(group, field, run.get(field.name, field.default), helps):
            names.append(field.name)
    return names


def add_device_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--device`` for a script that uses a model."""
    from rnnbook.network import devices
    parser.add_argument('--device', choices=devices.DEVICES, default='auto',
                        help='where to compute; auto takes a GPU where TensorFlow sees one')


def chosen(arguments: argparse.Namespace, names: Iterable[str]) -> Dict[str, Any]:
    """The parsed arguments of some names as a dict of keywords."""
    return {name: getattr(arguments, name) for name in names}


def check_flags(make: Callable[[], Any], epochs: int, settings: Dict[str, Any]) -> Any:
    """Refuse a wrong flag now, not after the data have been read."""
    check_int('--epochs', epochs)
    Run.of(settings)
    world = make().world
    if world.rank:
        sys.stdout = open(os.devnull, 'w')
    return world


def documented(thing: Any) -> Dict[str, str]:
    """What a numpydoc docstring says of each parameter, on one line."""
    section = inspect.getdoc(thing).partition('Parameters\n----------\n')[2].partition('\n\n')[0]
    return {name: ' '.join(text.split()).rstrip('.').replace('%', '%%')
            for names, text in re.findall(r'^(\w+(?:, \w+)*) : .*\n((?:    .*(?:\n|$))+)', section, flags=re.MULTILINE)
            for name in names.split(', ')}


def require(module: str, package: str, extra: str, script: str) -> Any:
    """Import what only an extra brings."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RequirementError('%s cannot be imported (%s); run: python3 scripts/bootstrap.py --extra %s %s; '
                               'where there is no checkout: pip install %s'
                               % (package, error, extra, script, package)) from error


#: What a flag's value is called, by its type.
METAVARS = {int: 'N', float: 'X', str: 'DIR'}


def _add_field(group, field, default, helps):
    """Add a flag for a field of a dataclass that is a switch, a number or a path, and say whether it is one."""
    kinds = getattr(field.type, '__args__', (field.type,))  # of Optional[int]: int, and that of None
    kind = next((kind for kind in (bool, *METAVARS) if kind in kinds), None)
    if kind is None or not field.init:
        return False
    add_flag(group, field.name, kind, default, helps[field.name])
    return True


def add_flag(group: Any, name: str, kind: type, default: Any, text: str,
             choices: Optional[Iterable[str]] = None) -> None:
    """Add a flag; a switch may be followed by what it is set to, since a preset may have it on."""
    more = ({'type': _switch, 'nargs': '?', 'const': True, 'metavar': 'yes|no'} if kind is bool else
            {'type': kind, 'choices': choices, 'metavar': None if choices else METAVARS[kind]})
    group.add_argument(_flag(name), default=default, help=text, **more)


def _switch(text):
    """The value of a switch."""
    if text not in ('yes', 'no'):
        raise argparse.ArgumentTypeError('must be yes or no, not %r' % text)
    return text == 'yes'


def _flag(name):
    return '--' + name.replace('_', '-')
