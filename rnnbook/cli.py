"""What the scripts share: one line for a user's mistake, output that any console can take."""

import functools
import os
import sys

from rnnbook.errors import RnnbookError

__all__ = ['command']


def command(main):
    """Make `main(argv)` a script's entry: it returns the exit status and lets no traceback of a user's mistake out.

    The wrapped function takes the arguments (`None`: those of the process) and returns what `main` returns, `None`
    counting as 0; 2 for an error of this package, which is printed as one line on standard error; 130 for Ctrl-C.
    Characters that the console's encoding does not have are printed as escapes.
    """
    @functools.wraps(main)
    def run(argv=None):
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, 'reconfigure'):              # not so where a notebook or a test has put its own
                stream.reconfigure(errors='backslashreplace')
        try:
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
