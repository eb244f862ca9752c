"""The processes that `scripts/benchmark.py` starts: those that prepare, and those that are measured, turn by turn."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

from benchmarked.figures import costs
from rnnbook.errors import RnnbookError

SIDES = os.path.dirname(os.path.abspath(__file__))


def say(text):
    """Print what is being done, on standard error."""
    print('rnnbook: ' + text, file=sys.stderr, flush=True)


def command(side, job, python):
    """What starts a process of `benchmarked`."""
    return [python, os.path.join(SIDES, side + '.py'), json.dumps(job)]


def run(side, job, python=sys.executable):
    """Do one job that is not measured in a process of its own, and return what it answers.

    Parameters
    ----------
    side : str
        The file of `benchmarked`.
    job : dict
    python : str
        The interpreter.

    Raises
    ------
    RnnbookError
        It failed.
    """
    done = subprocess.run(command(side, job, python), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = done.stderr.decode('utf-8', 'replace')
    if done.returncode:
        raise failed(side, job, said)
    sys.stderr.write(said)
    return json.loads(done.stdout.decode('utf-8').splitlines()[-1])


def failed(side, job, said):
    """The error of a process that ended before its time."""
    return RnnbookError('%s in %s.py failed: %s' % (job['case'], side, (said.strip() or 'no message').splitlines()[-1]))


class Child:
    """A process that measures one variant, a turn each time that it is asked. For use in a `with`.

    Parameters
    ----------
    variant : Variant
    job : dict
        With the working directory under ``'folder'``, so that nothing is left in the user's.
    python : str
        The interpreter.

    Raises
    ------
    RnnbookError
        It failed while warming up, or in a turn.
    """

    def __init__(self, variant, job, python):
        self._side, self._job = variant.side, dict(job, keywords=variant.keywords, call=variant.call)
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command(variant.side, self._job, python), env={**os.environ, **variant.environment}, cwd=job.get('folder'),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)

    def __enter__(self):
        try:
            self._answer()                                  # it has warmed up
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def turn(self):
        """What the process finds in one turn."""
        with contextlib.suppress(BrokenPipeError):          # then there is no answer either
            self._process.stdin.write(b'\n')
            self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        for line in self._process.stdout:
            if line.startswith(b'{'):                       # and not what the trainers print
                return json.loads(line.decode('utf-8'))
        self._process.wait()
        self._said.seek(0)
        raise failed(self._side, self._job, self._said.read().decode('utf-8', 'replace'))


def take_turns(turns, repeats, child=Child):
    """Start every process, and then ask each in turn, for a number of rounds, each second round in reverse order.

    Parameters
    ----------
    turns : list of (str, Variant, dict, str)
        A label of its own, and what `Child` takes.
    repeats : int
    child : callable
        As `Child`.

    Returns
    -------
    dict of str to list of dict
        Label to what each round found.
    """
    found = {label: [] for label, _, _, _ in turns}
    with contextlib.ExitStack() as stack:
        children = []
        for label, variant, job, python in turns:
            say('  starting %s' % label)
            children.append((label, stack.enter_context(child(variant, job, python))))
        for number in range(repeats):
            for label, process in children[::-1] if number % 2 else children:
                found[label].append(process.turn())
            say('  round %d of %d: %s' % (number + 1, repeats, ', '.join(
                '%s %.4g' % (label, costs(rounds[-1:])[0]) for label, rounds in found.items())))
    return found


class Workshop:
    """The data and checkpoints, made at their first use.

    Parameters
    ----------
    folder : str
        Where they are made.
    data_dir : str or None
    quick : bool
    run : callable
        As the function `run`.
    """

    def __init__(self, folder, data_dir, quick, run=run):
        self.folder, self._data_dir, self._quick, self._run = folder, data_dir, quick, run
        self._made = {}

    def make(self, case, **job):
        """What `prepare.py` makes of a job, made once."""
        key = json.dumps([case, job], sort_keys=True)
        if key not in self._made:
            say('preparing: %s' % case.replace('_', ' '))
            self._made[key] = self._run('prepare', dict(job, case=case))
        return self._made[key]

    def data(self, kind):
        """The data of a model, ``'reviews'`` or ``'characters'``."""
        return self.make(kind, folder=self.folder, data_dir=self._data_dir, quick=self._quick)

    def checkpoint(self, kind):
        """The folder and the name of a checkpoint of a model."""
        data, ckpt_dir = self.data(kind), os.path.join(self.folder, kind + '-model')
        case = {'reviews': 'review_checkpoint', 'characters': 'char_checkpoint'}[kind]
        made = self.make(case, model=data['model'], data=data['data'], chars=data.get('chars'), ckpt_dir=ckpt_dir)
        return {'ckpt_dir': ckpt_dir, 'checkpoint': made['checkpoint']}

    def path(self, name):
        """The path of a file to be made."""
        return os.path.join(self.folder, name)
