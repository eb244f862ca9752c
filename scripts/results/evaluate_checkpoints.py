#!/usr/bin/env python3
"""Print the accuracy on the test half after each epoch at which a review model was saved."""

import os
import re
import sys

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli, imdb
    from rnnbook.base.checks import check_int, counted
    from rnnbook.errors import ArgumentValueError
    from rnnbook.model_folder import reading
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Only what was saved can be tested: train_sentiment.py --save-every 1 '
                                        '--max-to-keep 0 keeps every epoch.')
    parser.add_argument('--ckpt-dir', default='./model/', metavar='DIR', help='the folder of the model')
    parser.add_argument('--epochs', metavar='N,N', help='test after these epochs only; None is all that were saved')
    cli.add_review_flags(parser)
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


def saved(folder):
    """Epoch to name of the checkpoints that were saved at the end of an epoch."""
    found = {}
    for name in reading.names(folder):
        match = re.match(r'sentiment-(\d+)\.ckpt$', name)
        if match:
            found[int(match.group(1)) + 1] = name           # the book numbers epochs from 0 here
        else:
            # Its name does not tell which: saved within an epoch, or by a second run into the same folder.
            print('%s is left out: it is not the first save after a whole epoch' % name, file=sys.stderr)
    return found


def wanted(epochs, found, folder):
    """The epochs to test, sorted: those of the flag, which must all be there, or all that are there."""
    if not found:
        raise ArgumentValueError('--ckpt-dir %s has no checkpoint sentiment-N.ckpt' % folder)
    if epochs is None:
        return sorted(found)
    if not re.match(r'\d+(,\d+)*$', epochs):
        raise ArgumentValueError('--epochs must be numbers with commas between them, such as 1,2,10, not %r' % epochs)
    epochs = sorted({check_int('--epochs', int(epoch)) for epoch in epochs.split(',')})
    for epoch in epochs:
        if epoch not in found:
            raise ArgumentValueError('--epochs must be among those saved in %s (%s), not %d'
                                     % (folder, ', '.join(map(str, sorted(found))), epoch))
    return epochs


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    found = saved(args.ckpt_dir)
    epochs = wanted(args.epochs, found, args.ckpt_dir)
    rnn = rnnbook.SentimentRNN.load(args.ckpt_dir, device=args.device)
    cli.check_vocabulary(args.ckpt_dir, rnn.vocabulary)
    print('reading the reviews', file=sys.stderr, flush=True)
    data, _, _, x_test, y_test = cli.review_halves(args)
    sequences, unknown = imdb.encode(x_test, rnn.vocabulary, rnn.seq_len, return_unknown=True)
    cli.say_unknown(unknown, rnn.vocabulary)
    for number, epoch in enumerate(epochs, 1):
        print('testing %s, %d of %d' % (found[epoch], number, len(epochs)), file=sys.stderr, flush=True)
        predictions = rnn.predict(sequences, checkpoint=found[epoch])
        print('Epoch %d: test accuracy %.3f on %s of %s'
              % (epoch, np.mean(predictions == y_test), counted(len(y_test), 'review'), data), flush=True)


if __name__ == '__main__':
    sys.exit(main())
