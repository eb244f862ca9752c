#!/usr/bin/env python3
"""Kill a training run with SIGKILL many times, resume it each time, and compare it with an undisturbed run."""

import contextlib
import csv
import os
import random
import subprocess
import sys
import tempfile
import time

try:
    from rnnbook import cli
    from rnnbook.base.checks import check_int
    from rnnbook.errors import FileError, RnnbookError
    from rnnbook.model_folder import checkpoint_files, run_state
except (ImportError, SyntaxError, KeyboardInterrupt) as error:      # not in the environment; or Ctrl-C
    stopped = isinstance(error, KeyboardInterrupt)
    sys.stderr.write('interrupted\n' if stopped else '%s: error: %s; run: python3 scripts/bootstrap.py %s\n'
                     % (os.path.basename(sys.argv[0]), error, sys.argv[0]))
    sys.exit(130 if stopped else 2)

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: When to kill, in turn: while the process trains, while it saves, or at any moment.
MOMENTS = ('training', 'saving', 'training', 'saving', 'any moment', 'saving')


def arguments(argv):
    """Parse the command line."""
    parser = cli.parser(__doc__, epilog='Flags after -- are for the script: --script train_charrnn.py -- --epochs 4 '
                                        '--save-minutes 0.01.')
    parser.add_argument('--script', default='train_charrnn.py', metavar='NAME', help='a training script in scripts/')
    parser.add_argument('--kills', type=int, default=30, metavar='N', help='how often to kill')
    parser.add_argument('--seed', type=int, default=1, metavar='N', help='seed of the random moments')
    parser.add_argument('--work', metavar='DIR', help='where to train; default: a temporary folder, removed at the end')
    parser.add_argument('flags', nargs='*', metavar='FLAG', help='flags of the script')
    args = parser.parse_args(argv)
    check_int('--kills', args.kills)
    return args


class Life:
    """A process that trains into a folder, and the log of what it prints."""

    def __init__(self, args, folder, log):
        self.began, self._folder, self._log = time.time(), folder, log
        with open(log, 'wb') as output:
            self.process = subprocess.Popen(
                [sys.executable, os.path.join(SCRIPTS, args.script)] + args.flags + ['--ckpt-dir', folder, '--resume'],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def output(self):
        """What the process has printed."""
        with open(self._log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def trains(self):
        """Whether it has printed a loss."""
        return 'loss' in self.output()

    def saves(self):
        """Whether it is saving: whether the staging folder has changed since it began."""
        with contextlib.suppress(OSError):
            return os.stat(os.path.join(self._folder, checkpoint_files.STAGING)).st_mtime >= self.began
        return False

    def wait(self, until, pause):
        """Wait for a condition; false if the process ends first."""
        while not until():
            if self.process.poll() is not None:
                return False
            time.sleep(pause)
        return True

    def end(self):
        """Wait for its end, which must be successful."""
        if self.process.wait() != 0:
            raise RnnbookError('the run ended with status %d:\n%s' % (self.process.returncode, self.output()))


def kill(life, moment, draw, training):
    """Kill the process at a moment of this kind; returns when that was, or None if the process ended first."""
    if moment == 'any moment':
        delay, there = draw.uniform(0, 6), True
    elif moment == 'training':
        delay, there = draw.uniform(0, training), life.wait(life.trains, 0.01)
    else:
        delay, there = draw.uniform(0, 0.25), life.wait(life.saves, 0.0005)
    if there:
        with contextlib.suppress(subprocess.TimeoutExpired):
            life.process.wait(delay)
    if life.process.poll() is not None:
        return None
    life.process.kill()
    life.process.wait()
    return '%s, %.1f s after its start' % (moment, time.time() - life.began)


def look(folder):
    """Describe what a killed process has left in its folder."""
    with contextlib.suppress(FileError):
        newest = (checkpoint_files.listed(folder) or ['none'])[-1]
        staging = os.path.join(folder, checkpoint_files.STAGING)
        if not os.path.isdir(staging):
            return 'newest checkpoint %s' % newest
        names = os.listdir(staging)
        return 'newest checkpoint %s; a save of %d files %s its record' % (
            newest, len(names), 'with' if any(name.endswith(run_state.ENDING) for name in names) else 'without')
    return 'nothing yet'


def history(folder):
    """The rows of history.csv without the timing columns."""
    with open(os.path.join(folder, checkpoint_files.HISTORY), encoding='utf-8', newline='') as file:
        return [{name: value for name, value in row.items() if name not in run_state.TIMING}
                for row in csv.DictReader(file)]


def torture(args, work, training):
    """Kill and resume until all kills are done or the run is complete; returns a description of each kill."""
    folder, draw, done = os.path.join(work, 'killed'), random.Random(args.seed), []
    while len(done) < args.kills:
        life = Life(args, folder, os.path.join(work, 'killed.log'))
        moment = MOMENTS[len(done) % len(MOMENTS)]
        seen = kill(life, moment, draw, training)
        if seen is None:
            life.end()
            print('FEWER KILLS than asked for: the run was complete after %d; a longer run allows more' % len(done),
                  flush=True)
            break
        done.append(moment)
        left = look(folder)
        done[-1] += ' (in a save)' * ('a save of' in left)
        print('kill %d: %s; %s' % (len(done), seen, left), flush=True)
    return done


@cli.command
def main(argv):
    """Run the script; returns its exit status."""
    args = arguments(argv)
    with contextlib.ExitStack() as stack:
        work = args.work or stack.enter_context(tempfile.TemporaryDirectory())
        os.makedirs(work, exist_ok=True)
        alone, killed = os.path.join(work, 'alone'), os.path.join(work, 'killed')
        life = Life(args, alone, os.path.join(work, 'alone.log'))
        life.wait(life.trains, 0.01)
        began = time.time()
        life.end()
        print('left alone: %.1f s to the first loss, %.1f s from there' % (began - life.began, time.time() - began),
              flush=True)
        done = torture(args, work, (time.time() - began) / args.kills)
        for _ in range(2):                                  # to its end, and once more with nothing left to do
            life = Life(args, killed, os.path.join(work, 'killed.log'))
            life.end()
        print(next(line for line in life.output().splitlines() if ' is complete, ' in line))
        return compare(alone, killed, done) or (1 if len(done) < args.kills else 0)


def compare(alone, killed, done):
    """Print both results; returns the exit status, 0 if they are equal."""
    from rnnbook.model_folder import reading
    ours, theirs = reading.checksum(alone), reading.checksum(killed)
    rows, others = history(alone), history(killed)
    print('left alone:    sha256 over all variables %s, %d rows of history' % (ours, len(rows)))
    print('killed %5d x: sha256 over all variables %s, %d rows of history' % (len(done), theirs, len(others)))
    print('kills in a save: %d; kills at any other moment: %d'
          % (sum('in a save' in moment for moment in done), sum('in a save' not in moment for moment in done)))
    equal = ours == theirs and rows == others
    if os.path.isdir(os.path.join(alone, checkpoint_files.BEST)):
        bests = [reading.best_folder(folder) for folder in (alone, killed)]
        prints = [reading.checksum(path) for path, _ in bests]
        for name, (_, epoch), best in zip(('left alone', 'killed'), bests, prints):
            print('best of the run %s: epoch %d, sha256 over all variables %s' % (name, epoch, best))
        equal = equal and bests[0][1] == bests[1][1] and prints[0] == prints[1]
    print('equal' if equal else 'NOT EQUAL')
    return 0 if equal else 1


if __name__ == '__main__':
    sys.exit(main())
