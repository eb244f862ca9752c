"""What the scripts share: errors as one line, output that any console can show, and stopping on Ctrl-C.

`flags` makes the flags, `data` reads the data that they ask for.
"""

import argparse
import contextlib
import errno
import functools
import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
import types
import warnings
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from rnnbook.cli.data import (                              # noqa: F401 (for the scripts)
    character_numbers, check_model_folder, check_vocabulary, default_starter, indexed_halves, model_folders, recode,
    review_halves, review_layout, say_unknown, source_vocabulary)
from rnnbook.cli.flags import (                             # noqa: F401
    add_device_flag, add_flags, add_preset_flag, add_review_flags, add_run_flags, add_vocabulary_flags, check_flags,
    chosen, early_value)
from rnnbook.errors import RequirementError, RnnbookError

#: The flags of the script that runs, by the arguments that they set: `dest` in argparse's words.
FLAGS: Dict[str, str] = {}


def command(main: Callable[[List[str]], Optional[int]]) -> Callable[..., int]:
    """Make `main(argv)` a script's entry point, which returns the exit status and reports user errors as one line."""
    @functools.wraps(main)
    def run(argv=None):
        if sys.stderr is None:                              # closed, as by 2>&-
            sys.stderr = open(os.devnull, 'w')
        if sys.stdout is None:
            return _fail('standard output is closed')
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, 'reconfigure'):              # not so where a notebook or a test has put its own
                stream.reconfigure(errors='backslashreplace')
        FLAGS.clear()
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _one_line
                try:
                    return main(sys.argv[1:] if argv is None else argv) or 0
                finally:                                    # argparse ends the process after --help
                    sys.stdout.flush()
        except RnnbookError as error:
            return _fail(_name_flags(str(error)))
        except KeyboardInterrupt as error:
            print('interrupted', file=sys.stderr)
            return error.args[0] if error.args else 130
        except MemoryError as error:                        # the models tell TensorFlow's own
            return _fail(('out of memory: %s' % error).rstrip(': '))
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT):
                raise
            # What is left to write would raise once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno == errno.EPIPE:                  # a reader like `head` has had enough; a run is cut off
                return _fail('standard output was closed; --resume continues the run') if 'resume' in FLAGS else 0
            return _fail('cannot write the output: %s' % error.strerror)
    return run


def _fail(message):
    """Print an error as one line, and return the exit status."""
    print('%s: error: %s' % (os.path.basename(sys.argv[0]), message), file=sys.stderr)
    return 2


def _one_line(message, category, filename, lineno, file=None, line=None):
    """Show a warning as the errors are shown."""
    print('%s: warning: %s' % (os.path.basename(sys.argv[0]), _name_flags(str(message))), file=file or sys.stderr)


def resume_command(world: Any) -> str:
    """The command that resumes this process's training, as a shell takes it."""
    words = ['horovodrun', '-np', str(world.size)] if world.size > 1 else []
    words += [sys.executable] + sys.argv + ['--resume'] * ('--resume' not in sys.argv)
    return subprocess.list2cmdline(words) if os.name == 'nt' else ' '.join(map(shlex.quote, words))


class StopOnSignal:
    """Within the block, Ctrl-C, SIGTERM and SIGHUP ask for a stop instead of ending the process; a second one ends it.
    """

    def __init__(self) -> None:
        self.status = 0

    def __call__(self) -> bool:
        return self.status != 0

    def __enter__(self) -> 'StopOnSignal':
        numbers = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, 'SIGHUP') and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:     # as nohup sets it
            numbers.append(signal.SIGHUP)
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agree(self, world: Any) -> None:
        """Take over a signal that another process received, so that all stop together; each process must call this."""
        self.status = int(world.gather(np.array([self.status])).max())

    def _ask(self, number, frame):
        if self.status:
            raise KeyboardInterrupt(self.status)
        self.status = 128 + number
        with contextlib.suppress(OSError):                  # after SIGHUP, the terminal may be gone
            print('stopping after this step; once more to stop at once', file=sys.stderr)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help that gives the default of each flag that has one."""

    def _get_help_string(self, action):
        if action.default is True:
            return action.help + ' (default: yes)'
        has_one = action.default is not None and action.default is not False
        return super()._get_help_string(action) if has_one else action.help


class _Parser(argparse.ArgumentParser):
    """A parser that lists its flags in `FLAGS`."""

    def parse_known_args(self, args=None, namespace=None):
        FLAGS.update((action.dest, action.option_strings[-1]) for action in self._actions if action.option_strings)
        return super().parse_known_args(args, namespace)

    def error(self, message):
        if re.match('unrecognized arguments: [^-]', message):      # most likely the shell has replaced a pattern
            message = "%.200s; put a pattern in quotes: --text 'texts/*.txt', say" % message
        super().error(message)


def parser(description: str, epilog: Optional[str] = None) -> argparse.ArgumentParser:
    """A parser whose help gives defaults, and whose flags stand for the arguments they set in an error's message."""
    return _Parser(description=description, epilog=epilog, formatter_class=_Help)


def _name_flags(message: str) -> str:
    """The message with arguments replaced by their flags: at its start, and wherever a word can be nothing else."""
    # What is in quotes, or part of a path, is the user's own.
    return re.sub(r'(?<!\w)(?:\'[^\']*\'|"[^"]*")(?!\w)|^(\w+)(?= (?:must|has|needs) )|'
                  r'(?<![-\w/\\.])(?:(\w+_\w+)(?![-\w/\\]|\.\w)|(\w+)=(?!\w))',
                  lambda match: FLAGS.get(match.group(match.lastindex or 0), match.group()), message)


def require(module: str, package: str, extra: str, script: str) -> types.ModuleType:
    """Import a module that only an extra installs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RequirementError('%s cannot be imported (%s); run: python3 scripts/bootstrap.py --extra %s %s; '
                               'where there is no checkout: pip install %s'
                               % (package, error, extra, script, package)) from error
