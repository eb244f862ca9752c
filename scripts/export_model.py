#!/usr/bin/env python3
"""Write a model's weights as weights.npz, for rnnbook.portable; or a SavedModel, an ONNX file, or a page."""

from __future__ import print_function      # so that Python 2 gets to the line below

import os
import sys

try:
    import rnnbook
    from rnnbook import cli, imdb
    from rnnbook.base.checks import check_int
    from rnnbook.base.files import check_regular
    from rnnbook.errors import ArgumentValueError
    from rnnbook.model_folder import description
    from rnnbook.model_folder.checkpoint_files import check_output, names
    from rnnbook.portable import onnx_graph, page, weights
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
                        'signatures classify and classify_text (reviews) or next_char (characters); default: write '
                        'weights.npz instead')
    parser.add_argument('--onnx', metavar='FILE', help='write an ONNX file: classify or next_char; weights.npz '
                        'is written first unless it is up to date')
    group = parser.add_argument_group('page')
    group.add_argument('--page', metavar='FILE.html', help='write a page that works in any browser, without a network; '
                       'weights.npz is written first unless it is up to date')
    group.add_argument('--page-words', type=int, metavar='N', dest='words',
                       help='the most frequent words that the page of a review model knows; default: 10000')
    group.add_argument('--trained-on', metavar='TEXT', help='what the page says the model was trained on')
    group.add_argument('--csv', metavar='FILE', help='a table of labelled reviews, as train_sentiment.py reads it: the '
                       'page says what its limits change for the second half, which tests')
    group.add_argument('--limit', type=int, metavar='N', help='use only the first N reviews of that half')
    cli.add_flags(group, imdb.CsvLayout, {})
    args = parser.parse_args(argv)
    formats = {'--page': args.page, '--saved-model': args.saved_model, '--onnx': args.onnx}
    given = [flag for flag, value in formats.items() if value is not None]
    if len(given) > 1:
        raise ArgumentValueError('give %s or %s, not both' % (given[0], given[1]))
    for flag, value, needed in [('--page-words', args.words, '--page'), ('--trained-on', args.trained_on, '--page'),
                                ('--csv', args.csv, '--page'), ('--limit', args.limit, '--csv')]:
        if value is not None and getattr(args, needed[2:]) is None:
            raise ArgumentValueError('%s needs %s' % (flag, needed))
    cli.review_layout(args)
    return args


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    cli.check_model_folder(args.ckpt_dir)
    if args.page is not None:
        print(write_page(args))
    elif args.onnx is not None:
        check_regular(check_output('--onnx', args.onnx))
        cli.require('onnx', 'onnx', 'onnx', 'scripts/export_model.py')
        export_weights(args)
        print(onnx_graph.write_onnx(args.ckpt_dir, args.onnx))
    elif args.saved_model is not None:
        check_output('--saved-model', args.saved_model)
        model = getattr(rnnbook, description.read_description(args.ckpt_dir).class_name).load(args.ckpt_dir)
        print(rnnbook.export.write_saved_model(model, args.saved_model, checkpoint=args.checkpoint))
    else:
        print(rnnbook.export.write_weights(args.ckpt_dir, args.checkpoint))


def export_weights(args):
    """Write weights.npz unless it is up to date: only this needs TensorFlow."""
    if args.checkpoint is None and not names(args.ckpt_dir) and os.path.isfile(os.path.join(
            args.ckpt_dir, weights.NAME)):
        return                                              # nothing to write it from; reading it says what is wrong
    if not weights.is_current(args.ckpt_dir, args.checkpoint):
        rnnbook.export.write_weights(args.ckpt_dir, args.checkpoint)


def write_page(args):
    """Write the page."""
    check_regular(check_output('--page', args.page))
    if args.csv is not None and os.path.exists(args.page) and os.path.exists(args.csv) and os.path.samefile(
            args.page, args.csv):
        raise ArgumentValueError('--page must be another file than --csv, not %s' % args.page)
    words = 10000 if args.words is None else check_int('--page-words', args.words)
    description.check_vocabulary(description.read_description(args.ckpt_dir, args.csv and 'SentimentRNN'))
    texts = labels = None
    if args.csv is not None:
        _, _, _, texts, labels = cli.review_halves(args)
    export_weights(args)
    return page.write_page(args.ckpt_dir, args.page, words=words, texts=texts, labels=labels,
                           trained_on=args.trained_on)


if __name__ == '__main__':
    sys.exit(main())
