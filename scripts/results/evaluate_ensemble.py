#!/usr/bin/env python3
"""Print the accuracy on the test half of several review models, each alone and by their mean probability."""

import os
import sys

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli
    from rnnbook.training import validation
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Models of other seeds: train_sentiment.py --seed 1 --ckpt-dir ./model-1/, and '
                                        'so on. Each review is read from the zero state, whatever stands beside it.')
    parser.add_argument('folders', nargs='+', metavar='DIR', help='the folder of a model')
    cli.add_review_flags(parser)
    cli.add_device_flag(parser)
    return parser.parse_args(argv)


def report(name, labels, probabilities):
    """Print a line of figures."""
    found = validation.evaluate(labels, probabilities)
    print('%s: test accuracy %.4f, log loss %.4f' % (name, found.accuracy, found.log_loss), flush=True)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    models = [rnnbook.SentimentRNN.load(folder, device=args.device) for folder in args.folders]
    for folder, rnn in zip(args.folders, models):
        cli.check_vocabulary(folder, rnn.vocabulary)
    print('reading the reviews', file=sys.stderr, flush=True)
    data, _, _, x_test, y_test = cli.review_halves(args)
    print('Data: %s, %d reviews to test' % (data, len(y_test)), flush=True)
    probabilities = []
    for folder, rnn in zip(args.folders, models):
        probabilities.append(rnn.predict_text(x_test))
        report(folder, y_test, probabilities[-1])
    report('the mean probability of all %d' % len(models), y_test, np.mean(probabilities, axis=0, dtype=np.float64))


if __name__ == '__main__':
    sys.exit(main())
