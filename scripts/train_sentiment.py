#!/usr/bin/env python3
"""Train the review model of the chapter, and print its accuracy on the test half."""

from __future__ import print_function      # so that Python 2 gets to the line below

import os
import sys

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli, imdb
    from rnnbook.base.checks import counted
    from rnnbook.model_folder import reading
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__ + ' The defaults are the run that the chapter prints; --preset best has others.')
    preset, run = cli.add_preset_flag(parser, argv, {'book': rnnbook.sentiment.BOOK_RUN,
                                                     'best': rnnbook.sentiment.BEST_RUN})
    cli.add_review_flags(parser)
    vocabulary = cli.add_vocabulary_flags(parser, run)
    model = cli.add_flags(parser.add_argument_group('model'), rnnbook.SentimentRNN, run)
    folder = './model/' if preset == 'book' else './model-%s/' % preset
    fields = cli.add_run_flags(parser, dict({'save_every': 10}, **run), folder)
    fields += cli.add_flags(parser, rnnbook.SentimentRNN.train, run, skip=['ckpt_dir'])
    args = parser.parse_args(argv)
    return args, cli.chosen(args, model), cli.chosen(args, fields), cli.chosen(args, vocabulary)


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args, model, run, settings = arguments(argv)
    imdb.Settings.of(settings)
    reading.check_folder('--ckpt-dir', args.ckpt_dir)
    cli.review_layout(args)
    world = cli.check_flags(lambda: rnnbook.SentimentRNN(n_words=1, **model), args.num_epochs, run)
    with world.first_on_machine():
        data, x_train, y_train, x_test, y_test, vocabulary = cli.indexed_halves(args, model['seq_len'], settings)
    if args.validation is not None:
        held_out = int(len(x_train) * args.validation)
        print('Validation: the last %d of the %d reviews to train, which leaves %d'
              % (held_out, len(x_train), len(x_train) - held_out))

    rnn = rnnbook.SentimentRNN(n_words=vocabulary.n_words, **model)
    with cli.StopOnSignal() as stop:
        rnn.train(x_train, y_train, args.num_epochs, ckpt_dir=args.ckpt_dir, vocabulary=vocabulary, stop=stop, **run)
        stop.agree(world)
    print('Model saved in %s' % rnn.ckpt_dir)
    if stop():
        print('To resume: %s' % cli.resume_command(world))
        return stop.status
    if world.rank:
        return 0
    if args.keep_best:
        rnn.ckpt_dir, epoch = reading.best_folder(rnn.ckpt_dir)
        print('Using the best epoch, %d, from %s' % (epoch, rnn.ckpt_dir))
    predictions = rnn.predict(x_test)
    print('Test Acc.: %.3f on %s of %s' % (np.mean(predictions == y_test), counted(len(y_test), 'review'), data))


if __name__ == '__main__':
    sys.exit(main())
