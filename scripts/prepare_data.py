#!/usr/bin/env python3
"""Find or fetch the chapter's data, verify it, and print what is there and where."""

from __future__ import print_function      # so that Python 2 gets to the line below

import argparse
import os
import sys

try:
    from rnnbook import datasets
    from rnnbook.base import files
    from rnnbook.cli import command
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

EPILOG = """\
Looks in the data folder for movie_data.csv, movie_data.csv.gz, an aclImdb* archive or folder (IMDb), hamlet.txt and
pg2265.txt (Hamlet), and fetches what is missing. Sources are read where they are; new files go to ./data and are
verified. Prints one line for each file: path, size in bytes, sha256, and which data it holds.
"""


def parser():
    """The command line's parser."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='?', default='all', choices=['imdb', 'hamlet', 'all', 'own-split'],
                        help='which data to prepare (default: all, which is imdb and hamlet); own-split is the IMDb '
                        'reviews with their authors\' training half first, for --csv of the training scripts')
    parser.add_argument('--data-dir', metavar='DIR',
                        help='folder to look in first (default: the environment\'s RNNBOOK_DATA, else ./data)')
    parser.add_argument('--no-fallback', action='store_true',
                        help='fail if the 50,000 IMDb reviews are not available; do not use 25,000 of them instead')
    parser.add_argument('--offline', action='store_true', help='fetch nothing; use only what is in the folders')
    return parser


@command
def main(argv):
    """Prepare the data and print what is there."""
    args = parser().parse_args(argv)
    download = not args.offline
    if args.what in ('hamlet', 'all'):                      # first, since it takes only a second
        report(datasets.fetch_hamlet(args.data_dir, download_if_missing=download))
    if args.what in ('imdb', 'all'):
        report(datasets.fetch_imdb(args.data_dir, allow_fallback=not args.no_fallback, download_if_missing=download))
    if args.what == 'own-split':
        report(datasets.fetch_imdb_own_split(args.data_dir, download_if_missing=download))


def report(path):
    """Print a line about a file."""
    print('%s  %d bytes  sha256 %s  %s'
          % (path, os.path.getsize(path), files.sha256(path), datasets.describe(path)), flush=True)


if __name__ == '__main__':
    sys.exit(main())
