#!/usr/bin/env python3
"""Write a model's weights as weights.npz, with which rnnbook.portable uses it on any Python with NumPy alone."""

import sys

from rnnbook import cli


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--ckpt-dir', default='./model/', metavar='DIR', help='the folder of the model')
    parser.add_argument('--checkpoint', metavar='NAME', help='a checkpoint in the folder; None is the newest')
    return parser.parse_args(argv)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    from rnnbook import export                              # here, so that a missing TensorFlow is one line
    print(export.write_weights(args.ckpt_dir, args.checkpoint))


if __name__ == '__main__':
    sys.exit(main())
