"""Flags, made from the signatures and docstrings of what they set, so that the two cannot differ."""

import argparse
import ast
import inspect
import os
import re
import sys
import typing
from typing import Any, Callable, Container, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from rnnbook import imdb
from rnnbook.base.checks import check_int, check_rate
from rnnbook.training.run import Run

#: What stands for a flag's value in the help, by its type.
METAVARS = {bool: 'yes|no', int: 'N', float: 'X', str: ''}
#: And by its name.
NAMED = {'init_from': 'DIR', 'positive': 'VALUE[,VALUE...]'}


def add_flags(group: argparse._ActionsContainer, thing: Callable, defaults: Mapping[str, object],
              skip: Container[str] = ()) -> List[str]:
    """Add a flag for each keyword of a class or function that is a switch, number, word or path; return their names.

    Type and default come from the signature (`defaults` overrides it), help and choices from the docstring.
    """
    hints = typing.get_type_hints(thing.__init__ if inspect.isclass(thing) else thing)
    described, names = _parameters(thing), []
    for name, parameter in inspect.signature(thing).parameters.items():
        hint = hints.get(name)
        kinds = hint.__args__ if getattr(hint, '__origin__', None) is Union else (hint,)
        kind = next((kind for kind in METAVARS if kind in kinds), None)
        if kind is None or parameter.default is parameter.empty or name in skip:
            continue
        choices, text = described[name]
        default = defaults.get(name, parameter.default)
        more = ({'type': _switch, 'nargs': '?', 'const': True} if kind is bool else {'type': kind, 'choices': choices})
        group.add_argument(_flag(name), default=default, metavar=None if choices else METAVARS[kind] or _metavar(name),
                           help=_plain(text, described, default), **more)
        names.append(name)
    return names


def _parameters(thing):
    """The choices, if any, and the text of each parameter in a numpydoc docstring, that of base classes included."""
    found = {}
    for one in reversed(inspect.getmro(thing)) if inspect.isclass(thing) else [thing]:
        section = inspect.cleandoc(one.__doc__ or '').partition('Parameters\n----------\n')[2].partition('\n\n')[0]
        for names, kind, text in re.findall(r'^(\w+(?:, \w+)*) : (.*)\n((?:    .*(?:\n|$))+)', section, re.MULTILINE):
            choices = re.match(r'\{(.*?)\}', kind)
            for name in names.split(', '):
                found[name] = (ast.literal_eval('[%s]' % choices.group(1)) if choices else None,
                               ' '.join(text.split()).rstrip('.'))
    return found


def _plain(text, names, default):
    """A parameter's text as help: flags for the arguments, no markup, no default where `default` is another one."""
    if default is not None:
        text = text.partition(' Default: ')[0].rstrip('.')
    text = re.sub(r', or (?:a pair of arrays|those of the folder that the object)[^.]*', '', text)      # Python's alone
    text = re.sub(r'`(\w+)`', lambda match: _flag(match.group(1)) if match.group(1) in names else match.group(1), text)
    return text.replace('`', '').replace('%', '%%')


def _switch(text):
    """The value of a switch."""
    if text not in ('yes', 'no'):
        raise argparse.ArgumentTypeError('must be yes or no, not %r' % text)
    return text == 'yes'


def _metavar(name):
    return NAMED.get(name, 'DIR' if name.endswith('dir') else name.rpartition('_')[2].upper())


def _flag(name):
    return '--' + name.replace('_', '-')


def add_preset_flag(parser: argparse.ArgumentParser, argv: List[str],
                    presets: Dict[str, Dict[str, object]]) -> Tuple[str, Dict[str, object]]:
    """Add ``--preset``, which sets the defaults of the other flags; return the name and settings of the chosen one."""
    first = next(iter(presets))
    parser.add_argument('--preset', choices=list(presets), default=first,
                        help='the run whose settings are the defaults of the other flags')
    name = early_value(argv, '--preset')
    name = name if name in presets else first
    return name, presets[name]


def early_value(argv: List[str], flag: str) -> Optional[str]:
    """The value of a flag on which the defaults of others depend, if it is given; the parser checks it later."""
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument(flag, nargs='?', dest='value')
    return early.parse_known_args(argv)[0].value


def add_review_flags(parser: argparse.ArgumentParser) -> List[str]:
    """Add the flags that choose the reviews, see `data.review_halves`; the fields of `imdb.CsvLayout` among them."""
    group = parser.add_argument_group('data')
    group.add_argument('--csv', metavar='FILE', help='your own reviews: a table with a column of texts and one of '
                       'labels, .csv, .tsv or .txt, also in a .gz, .zip, .bz2 or .xz file; the first half trains, the '
                       'second half tests')
    group.add_argument('--data-dir', metavar='DIR', help='where to look for the IMDb reviews; default: $RNNBOOK_DATA, '
                       'else ./data')
    group.add_argument('--limit', type=int, metavar='N', help='use only the first N reviews of each half')
    return add_flags(group, imdb.CsvLayout, {})


def add_vocabulary_flags(parser: argparse.ArgumentParser, run: Mapping[str, object]) -> List[str]:
    """Add the flags of `data.indexed_halves`: ``--no-cache`` and the fields of `imdb.Settings`, whose names it gives.
    """
    group = parser.add_argument_group('vocabulary')
    names = add_flags(group, imdb.Settings, run)
    group.add_argument('--no-cache', action='store_true', help='do not read or write the cache in ./data/cache')
    return names


def add_run_flags(parser: argparse.ArgumentParser, run: Mapping[str, object], ckpt_dir: Optional[str]) -> List[str]:
    """Add the flags of a training run: epochs, folder, and the fields of `training.Run`, whose names it gives."""
    group = parser.add_argument_group('run')
    group.add_argument('--epochs', type=int, default=run['num_epochs'], metavar='N', dest='num_epochs',
                       help='passes over the training data')
    group.add_argument('--ckpt-dir', default=ckpt_dir, metavar='DIR', help='the folder to save the model into')
    return add_flags(group, Run, run)


def add_device_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--device`` for a script that uses a model."""
    from rnnbook.network import devices
    parser.add_argument('--device', choices=devices.DEVICES, default='auto',
                        help='where to compute; auto uses a GPU if TensorFlow finds one')


def chosen(arguments: argparse.Namespace, names: Iterable[str]) -> Dict[str, object]:
    """The parsed arguments of these names as a dict of keywords."""
    return {name: getattr(arguments, name) for name in names}


def check_flags(make: Callable[[], Any], num_epochs: int, settings: Dict[str, object]) -> Any:
    """Check the flags before any data is read; the `World` of the model, in which only the first process prints."""
    check_int('num_epochs', num_epochs)
    Run.of(chosen(argparse.Namespace(**settings), set(settings) & set(inspect.signature(Run).parameters)))
    for name in sorted({'keep_prob', 'span_keep_prob'} & set(settings)):
        check_rate(name, settings[name], maximum=1)
    world = make().world
    if world.rank:
        sys.stdout = open(os.devnull, 'w')
    return world
