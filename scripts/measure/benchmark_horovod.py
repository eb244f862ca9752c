#!/usr/bin/env python3
"""Measure two processes that train together on this machine against one with their batch, and what they exchange.

The jobs of a case wait side by side and take short turns, one at a time. One process has all cores; each of the two has
half of them. From what is measured and a network's speed it is worked out how far more machines would carry.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np

    from rnnbook import cli, datasets, hamlet, imdb
    from rnnbook.base.checks import check_int, check_number
    from rnnbook.base.files import write_text
    from rnnbook.charrnn import BOOK_RUN as CHARACTERS
    from rnnbook.errors import FileError, RequirementError, RnnbookError
    from rnnbook.sentiment import BOOK_RUN as REVIEWS
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

HERE = os.path.dirname(os.path.abspath(__file__))
#: The other kinds of job: name, kind of model, further arguments of it, whether the embedding's gradient goes whole.
CASES = [('reviews, adam', 'reviews', {'optimizer': 'adam'}, False),
         ('reviews, lazy_adam', 'reviews', {'optimizer': 'lazy_adam'}, False),
         ('reviews, adam, the whole table sent', 'reviews', {'optimizer': 'adam'}, True),
         ('characters, adam', 'characters', {}, False)]
WORKERS = (2, 8, 64, 512)
SECONDS = 600


class Job:
    """One process, or two that `horovodrun` starts, which take training steps when they are asked to."""

    def __init__(self, folder, kind, data, model, processes, steps, dense):
        self._folder, self._turn = folder, 0
        os.makedirs(folder)
        write_text(os.path.join(folder, 'turn'), '0')
        model = dict(model, batch_size=model['batch_size'] // processes, distributed=processes > 1)
        job = {'folder': folder, 'kind': kind, 'data': data, 'model': model, 'steps': steps, 'dense': dense}
        command = [sys.executable, os.path.join(HERE, 'benchmarked', 'several.py'), json.dumps(job)]
        if processes > 1:
            command = [horovodrun(), '--gloo', '-np', str(processes), '-H', 'localhost:%d' % processes] + command
        self._said = open(os.path.join(folder, 'said'), 'w+')
        self._process = subprocess.Popen(command, stdout=self._said, stderr=subprocess.STDOUT)
        self.about = self._found()

    def _found(self):
        path, end = os.path.join(self._folder, 'found-%d' % self._turn), time.monotonic() + SECONDS
        while not os.path.exists(path):
            if self._process.poll() is not None or time.monotonic() > end:
                self._said.seek(0)
                raise RnnbookError('a process that was to be measured has failed: %s' % self._said.read()[-500:])
            time.sleep(0.02)
        with open(path) as file:
            return json.load(file)

    def turn(self):
        """What one turn finds."""
        self._turn += 1
        write_text(os.path.join(self._folder, 'turn'), str(self._turn))
        return self._found()

    def end(self):
        """Let the processes end."""
        write_text(os.path.join(self._folder, 'turn'), '-1')
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()
        self._said.close()


def horovodrun():
    """The program that starts several processes."""
    program = shutil.which('horovodrun', path=os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH'])
    if program is None:
        raise RequirementError('horovodrun is not there; python3 scripts/bootstrap.py --extra horovod installs it')
    return program


def arguments(argv):
    """Parse and check the command line."""
    parser = cli.parser(__doc__)
    parser.add_argument('--data-dir', metavar='DIR', help='where the data are looked for; None is $RNNBOOK_DATA, else '
                        './data')
    parser.add_argument('--rounds', type=int, default=7, metavar='N', help='turns of each job')
    parser.add_argument('--steps', type=int, default=4, metavar='N', help='training steps of a turn')
    parser.add_argument('--gigabits', type=float, default=10.0, metavar='X',
                        help='the speed of a network, in 10 ** 9 bits a second, that the estimate assumes')
    parser.add_argument('--limit', type=int, metavar='N', help='take the first N reviews of each half only')
    args = parser.parse_args(argv)
    check_int('--rounds', args.rounds)
    check_int('--steps', args.steps)
    check_number('--gigabits', args.gigabits, above=0)
    return args


def prepare(kind, args, folder):
    """The data of one kind in a file, and the arguments of the model that the chapter trains on them."""
    path = os.path.join(folder, kind + '.npz')
    if kind == 'reviews':
        x, y, vocabulary = imdb.load_indexed(datasets.fetch_imdb(args.data_dir), REVIEWS['seq_len'], limit=args.limit)
        model = dict(REVIEWS, n_words=vocabulary.n_words)
        x, y = x[:5000], y[:5000]
    else:
        text = hamlet.load_text(datasets.fetch_hamlet(args.data_dir))
        char2int, _ = hamlet.char_vocabulary(text)
        x, y = hamlet.reshape_data(hamlet.encode(text, char2int), CHARACTERS['batch_size'], CHARACTERS['num_steps'])
        model = dict(CHARACTERS, num_classes=len(char2int))
    np.savez(path, x=x, y=y)
    return path, {name: value for name, value in model.items() if name != 'num_epochs'}


def measure(name, kind, more, dense, prepared, folder, args):
    """Turns of one process and of two; gives what they found by the number of processes, and the variables."""
    jobs, (data, model) = {}, prepared[kind]
    model = dict(model, engine='fused', **more)
    try:
        for processes in (1, 2):
            jobs[processes] = Job(os.path.join(folder, '%s-%d' % (name, processes)), kind, data, model, processes,
                                  args.steps, dense)
        found = {processes: [] for processes in jobs}
        for number in range(args.rounds):
            for processes in sorted(jobs, reverse=number % 2):
                found[processes].append(jobs[processes].turn())
            print('%s, round %d of %d' % (name, number + 1, args.rounds), file=sys.stderr, flush=True)
        return found, dict((variable, shape) for variable, shape in jobs[1].about['variables'])
    finally:
        for job in jobs.values():
            job.end()


def exchanged(variables, rows, dense):
    """Bytes of the gradients: those that are summed, and those of which each process sends its rows.

    Parameters
    ----------
    variables : dict of str to list of int
        Their shapes.
    rows : float
        The rows of the embedding in a batch of one process.
    dense : bool
        The embedding's gradient is summed too.

    Returns
    -------
    summed, sent : float
        A row that is sent has its number of 4 bytes with it.
    """
    table = variables.get('embedding')
    summed = sum(4 * int(np.prod(shape)) for name, shape in variables.items() if dense or name != 'embedding')
    return float(summed), 0.0 if dense or table is None else rows * 4.0 * (table[1] + 1)


def received(summed, sent, workers):
    """The bytes that one of so many workers receives in a step: a ring all-reduce, and the rows of all the others."""
    return 2 * (workers - 1) / workers * summed + (workers - 1) * sent


def limit(summed, sent, seconds, rate):
    """The number of workers from which on the network takes longer than the computing; infinite if never."""
    spare = seconds * rate - 2 * summed
    if spare <= 0:
        return next((workers for workers in range(2, 10 ** 6) if received(summed, sent, workers) >= seconds * rate), 1)
    return 1 + spare / sent if sent else float('inf')


def main_table(results):
    """Seconds and bytes of each case."""
    yield '| case | one process, seconds a step | two | efficiency | bytes a step, computed | measured |'
    yield '|---|---|---|---|---|---|'
    for name, found, variables, dense in results:
        seconds = {processes: statistics.median(turn['seconds'] for turn in turns)
                   for processes, turns in found.items()}
        ratios = [one['seconds'] / two['seconds'] for one, two in zip(found[1], found[2])]
        rows = statistics.mean(turn['rows'] for turn in found[2])
        yield '| %s | %.3f | %.3f | %.2f (%.2f to %.2f) | %s | %s |' % (
            name, seconds[1], seconds[2], statistics.median(ratios), min(ratios), max(ratios),
            format(round(2 * received(*exchanged(variables, rows, dense), 2)), ','),
            format(round(statistics.median(turn['sent'] for turn in found[2])), ','))


def estimate(results, gigabits):
    """How much of a step so many workers would spend computing, each with the whole batch of the one process."""
    rate = gigabits * 1e9 / 8
    yield '| case | ' + ' | '.join('%d workers' % workers for workers in WORKERS) + ' | the network takes half from |'
    yield '|---' * (len(WORKERS) + 2) + '|'
    for name, found, variables, dense in results:
        seconds = statistics.median(turn['seconds'] for turn in found[1])
        parts = exchanged(variables, statistics.mean(turn['rows'] for turn in found[1]), dense)
        cells = []
        for workers in WORKERS:
            size = received(*parts, workers)
            cells.append('%.0f MB, %d %%' % (size / 1e6, round(100 * seconds / (seconds + size / rate))))
        point = limit(*parts, seconds, rate)
        yield '| %s | %s | %s |' % (name, ' | '.join(cells),
                                    'never' if point == float('inf') else '%d workers' % np.ceil(point))


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    horovodrun()
    if not os.path.exists('/proc/net/dev'):
        raise FileError('/proc/net/dev is not there: bytes are counted on Linux only')
    results = []
    with tempfile.TemporaryDirectory() as folder:
        prepared = {kind: prepare(kind, args, folder) for kind in ('reviews', 'characters')}
        for name, kind, more, dense in CASES:
            results.append((name, *measure(name, kind, more, dense, prepared, folder, args), dense))
    print('\n'.join(main_table(results)))
    print('\nEach worker with the batch of the one process, %g Gbit/s between any two, nothing of the exchange hidden '
          'behind computing; bytes that a worker receives in a step, and the part of a step that it computes:\n'
          % args.gigabits)
    print('\n'.join(estimate(results, args.gigabits)))


if __name__ == '__main__':
    sys.exit(main())
