#!/usr/bin/env python3
"""Compare a model without TensorFlow with the same one in TensorFlow: labels of reviews, or a sampled text."""

import os
import subprocess
import sys
import tempfile
import time

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
    parser.add_argument('--onnx', metavar='FILE', help='the model as an ONNX file: compare ONNX Runtime instead of '
                        'NumPy, and time reviews, which each side reads three times in turn; the fastest counts')
    cli.add_review_flags(parser)
    return parser.parse_args(argv)


def use_onnx(path, ours):
    """Let ONNX Runtime compute for `ours`, a model in NumPy."""
    onnxruntime = cli.require('onnxruntime', 'onnxruntime', 'onnx', 'scripts/results/verify_portable.py')
    try:
        session = onnxruntime.InferenceSession(path)
    except Exception as error:                              # it has a class for each kind, and none for all of them
        raise FileError('--onnx %s cannot be loaded: %s' % (path, error)) from error
    found = session.get_modelmeta().custom_metadata_map.get('checkpoint')
    if found != ours.checkpoint:
        raise FileError('--onnx %s holds %s, not %s; scripts/export_model.py --onnx writes it'
                        % (path, found, ours.checkpoint))
    zeros = {each.name: np.zeros((1, each.shape[1]), np.float32) for each in session.get_inputs()[1:]}
    names = ['probabilities'] + ['next_' + name for name in zeros]

    def classify(x, state):
        return session.run(['probabilities'], {'word_ids': x})[0], None

    def next_char(numbers, state):
        probabilities, *after = session.run(names, {'character_ids': numbers.astype(np.int32), **(state or zeros)})
        return np.log(probabilities)[np.newaxis], dict(zip(zeros, after))

    ours._forward = next_char if zeros else classify


def compare_reviews(args, ours):
    """Print how the predictions for the test half differ, with the carried state, where there is one, and from zero."""
    theirs = rnnbook.SentimentRNN.load(args.ckpt_dir, device='cpu')
    cli.check_vocabulary(args.ckpt_dir, theirs.vocabulary)
    data, _, _, x_test, _ = cli.review_halves(args)
    x = imdb.encode(x_test, theirs.vocabulary, theirs.seq_len)
    states = [('carried', True)] * (theirs.pooling == 'last' and args.onnx is None) + [('zero', False)]
    for name, carry_state in states:
        seconds = [[], []]
        for _ in range(1 if args.onnx is None else 3):
            start = time.perf_counter()
            a = theirs.predict(x, return_proba=True, checkpoint=ours.checkpoint, carry_state=carry_state)
            middle = time.perf_counter()
            b = ours.predict(x, return_proba=True, carry_state=carry_state)
            for each, taken in zip(seconds, (middle - start, time.perf_counter() - middle)):
                each.append(taken)
        differs = np.flatnonzero(np.round(a) != np.round(b))
        print('%s, state %s: %d of %d labels differ on %s; largest difference of a probability %.1e (row %d)'
              % (ours.checkpoint, name, len(differs), len(x), data, np.abs(a - b).max(), np.abs(a - b).argmax()),
              flush=True)
        for row in differs:
            print('  row %d: %.7f in TensorFlow, %.7f in %s'
                  % (row, a[row], b[row], 'NumPy' if args.onnx is None else 'ONNX Runtime'))
        if args.onnx is not None:
            print('rows a second: %d with predict, %d with ONNX Runtime'
                  % tuple(len(x) / min(each) for each in seconds))


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
    ours = portable.load(args.ckpt_dir)
    if args.onnx is not None:
        use_onnx(args.onnx, ours)
    compare(args, ours)


if __name__ == '__main__':
    sys.exit(main())
