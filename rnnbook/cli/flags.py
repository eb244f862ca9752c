"""Flags and their help, made from the signatures and docstrings of what they set, so that they cannot differ."""

import argparse
import dataclasses
import inspect
import os
import re
import sys
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from rnnbook import imdb
from rnnbook.base.checks import check_int
from rnnbook.network.pooling import POOLINGS
from rnnbook.training.run import Run

__all__ = ['add_preset_flag', 'add_review_flags', 'add_vocabulary_flags', 'add_model_flags', 'add_run_flags',
           'add_device_flag', 'add_flag', 'chosen', 'check_flags', 'documented']

#: What a flag's value is called, by its type.
METAVARS = {int: 'N', float: 'X', str: 'DIR'}


def add_review_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which reviews: ``--csv``, ``--data-dir``, ``--limit``; see `review_halves`."""
    group = parser.add_argument_group('data')
    group.add_argument('--csv', metavar='FILE', help='reviews of your own: a UTF-8 CSV with the columns review and '
                       'sentiment (0 or 1); its first half trains, the rest tests')
    group.add_argument('--data-dir', metavar='DIR', help='where the IMDb reviews are looked for; None is '
                       '$RNNBOOK_DATA, else ./data')
    group.add_argument('--limit', type=int, metavar='N', help='take the first N reviews of each half only')


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
