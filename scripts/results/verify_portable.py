#!/usr/bin/env python3
"""Compare a model computed with NumPy alone with the same model in TensorFlow: labels of reviews, or a sampled text."""

import os
import subprocess
import sys
import tempfile

try:
    import numpy as np

    import rnnbook
    from rnnbook import cli, imdb, portable
    from rnnbook.errors import FileError
    from rnnbook.model_folder.description import read_description
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='scripts/export_model.py writes the weights that NumPy uses.')
    parser.add_argument('--ckpt-dir', default='./model/', metavar='DIR', help='the folder of either model')
    parser.add_argument('--length', type=int, default=500, metavar='N', help='characters to sample')
    parser.add_argument('--seed', type=int, default=123, metavar='N', help='of the draws')
    parser.add_argument('--saved-model', metavar='DIR', help='a SavedModel of a review model, to compare instead, on '
                        'raw texts: the tool saved_model_cli of TensorFlow runs it')
    cli.add_review_flags(parser)
    return parser.parse_args(argv)


def compare_reviews(args, ours):
    """Print how the predictions for the test half differ, with the carried state, where there is one, and from zero."""
    theirs = rnnbook.SentimentRNN.load(args.ckpt_dir, device='cpu')
    cli.check_vocabulary(args.ckpt_dir, theirs.vocabulary)
    data, _, _, x_test, _ = cli.review_halves(args)
    x = imdb.encode(x_test, theirs.vocabulary, theirs.seq_len)
    states = [('carried', True)] * (theirs.pooling == 'last') + [('zero', False)]
    for name, carry_state in states:
        a = theirs.predict(x, return_proba=True, checkpoint=ours.checkpoint, carry_state=carry_state)
        b = ours.predict(x, return_proba=True, carry_state=carry_state)
        differs = np.flatnonzero(np.round(a) != np.round(b))
        print('%s, state %s: %d of %d labels differ on %s; largest difference of a probability %.1e (row %d)'
              % (ours.checkpoint, name, len(differs), len(x), data, np.abs(a - b).max(), np.abs(a - b).argmax()),
              flush=True)
        for row in differs:
            print('  row %d: %.7f in TensorFlow, %.7f in NumPy' % (row, a[row], b[row]))


def compare_saved_model(args):
    """Print how the predictions differ for the raw texts of the test half, of which a process reads 1,000 at a time."""
    model, b = rnnbook.SentimentRNN.load(args.ckpt_dir, device='cpu'), []
    cli.check_vocabulary(args.ckpt_dir, model.vocabulary)
    data, _, _, texts, _ = cli.review_halves(args)
    command = [sys.executable, '-m', 'tensorflow.python.tools.saved_model_cli', 'run', '--dir',
               os.path.abspath(args.saved_model), '--tag_set', 'serve', '--signature_def', 'classify_text',
               '--inputs', 'texts=texts.npy', '--outdir', '.', '--overwrite']
    with tempfile.TemporaryDirectory() as place:
        for start in range(0, len(texts), 1000):
            np.save(os.path.join(place, 'texts.npy'), [text.encode('utf-8') for text in texts[start:start + 1000]])
            done = subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode:
                raise FileError('--saved-model %s cannot be run: %s'
                                % (args.saved_model, done.stderr.decode('utf-8', 'replace').splitlines()[-1]))
            b += [np.load(os.path.join(place, 'probabilities.npy'), allow_pickle=False)]
    a, b = model.predict_text(texts), np.concatenate(b)
    print('%s, raw text: %d of %d labels differ on %s; largest difference of a probability %.1e (row %d)'
          % (args.saved_model, np.sum(np.round(a) != np.round(b)), len(a), data, np.abs(a - b).max(),
             np.abs(a - b).argmax()))


def compare_texts(args, ours):
    """Print whether the two write the same text under one seed."""
    theirs = rnnbook.CharRNN.load(args.ckpt_dir, device='cpu')
    starter = 'The ' if set('The ') <= set(theirs.vocabulary) else min(theirs.vocabulary)
    np.random.seed(args.seed)
    a = theirs.sample(args.length, args.ckpt_dir, starter, checkpoint=ours.checkpoint)
    np.random.seed(args.seed)
    b = ours.sample(args.length, starter)
    same = next((i for i, (one, other) in enumerate(zip(a, b)) if one != other), len(a))
    print('%s, seed %d: %s' % (ours.checkpoint, args.seed, 'the %d characters are equal' % len(a) if a == b else
                               'the texts differ from character %d on' % same))


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    if args.saved_model is not None:
        return compare_saved_model(args)
    compare = {'SentimentRNN': compare_reviews,
               'CharRNN': compare_texts}[read_description(args.ckpt_dir).class_name]
    compare(args, portable.load(args.ckpt_dir))


if __name__ == '__main__':
    sys.exit(main())
