#!/usr/bin/env python3
"""Write a model's weights as weights.npz, for rnnbook.portable and NumPy alone, or the model as a SavedModel."""

from __future__ import print_function      # so that Python 2 gets to the line below

import os
import sys

try:
    import rnnbook
    from rnnbook import cli
    from rnnbook.base.files import check_local
    from rnnbook.model_folder import description
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--ckpt-dir', default='./model/', metavar='DIR', help='the folder of the model')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; default: the newest')
    parser.add_argument('--saved-model', metavar='DIR', help='write a SavedModel into this new folder, with the '
                        'signature classify (reviews) or next_char (characters); default: write weights.npz instead')
    return parser.parse_args(argv)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    from rnnbook.portable import export                              # here, so that a missing TensorFlow is one line
    cli.check_model_folder(args.ckpt_dir)
    if args.saved_model is None:
        print(export.write_weights(args.ckpt_dir, args.checkpoint))
    else:
        model = getattr(rnnbook, description.read_description(args.ckpt_dir).class_name).load(args.ckpt_dir)
        check_local('--saved-model', args.saved_model)
        print(export.write_saved_model(model, args.saved_model, checkpoint=args.checkpoint))


if __name__ == '__main__':
    sys.exit(main())
