"""What the scripts share: exit statuses, output on any console, the stop on a signal, and flags from signatures."""

import errno
import io
import os
import signal
import subprocess
import sys
from typing import Optional

import numpy as np
import pytest

from conftest import ROOT
from rnnbook import cli, hamlet, imdb
from rnnbook.cli import flags
from rnnbook.errors import ArgumentValueError, FileError
from rnnbook.training.run import Run


def run_python(code, *argv, **environment):
    """Run code in a process of its own, as a script would run; gives status, output and errors."""
    done = subprocess.run([sys.executable, '-c', code] + list(argv), cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ, **environment))
    return done.returncode, done.stdout, done.stderr


# Exit statuses

@pytest.mark.parametrize('returned, status', [(None, 0), (0, 0), (3, 3)])
def test_what_main_returns_is_the_status(returned, status):
    assert cli.command(lambda argv: returned)([]) == status


def test_main_gets_its_arguments_else_those_of_the_process(monkeypatch):
    seen = []
    entry = cli.command(seen.append)
    monkeypatch.setattr(sys, 'argv', ['script.py', '--epochs', '2'])
    entry(['one'])
    entry([])
    entry()
    assert seen == [['one'], [], ['--epochs', '2']]


def test_the_entry_keeps_name_and_docstring():
    @cli.command
    def main(argv):
        """Run the script."""

    assert (main.__name__, main.__doc__) == ('main', 'Run the script.')


@pytest.mark.parametrize('error', [ArgumentValueError('lstm_size must be an integer of at least 1, not 0'),
                                   FileError('cannot read x.csv: No such file or directory')])
def test_an_error_of_ours_is_one_line_and_status_2(monkeypatch, capsys, error):
    def main(argv):
        raise error

    monkeypatch.setattr(sys, 'argv', ['some/folder/train.py'])
    assert cli.command(main)([]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ('', 'train.py: error: %s\n' % error)


@pytest.mark.parametrize('message, said', [
    ('starter_seq must have at least one character, not 0', '--starter must have at least one character, not 0'),
    ('keep_best needs validation', '--keep-best needs validation'),
    ('batch_size times keep_best is keep_best_of', '--batch-size times --keep-best is keep_best_of'),
    ('reviews must be texts, not unknown', 'reviews must be texts, not unknown'),
    ('--keep_best is no argument', '--keep_best is no argument'),
    ("cannot read x/keep_best.csv, keep_best.csv, keep_best/x, a\\\\keep_best or keep_best-2; the keep_best.",
     "cannot read x/keep_best.csv, keep_best.csv, keep_best/x, a\\\\keep_best or keep_best-2; the --keep-best."),
    ('it has \'keep_best, x\' and "keep_best"; keep_best', 'it has \'keep_best, x\' and "keep_best"; --keep-best'),
])
def test_an_error_names_flags_instead_of_arguments(capsys, message, said):
    def main(argv):
        parser = cli.parser('Does it.')
        parser.add_argument('--starter', dest='starter_seq')
        for flag in ('--keep-best', '--batch-size', '--unknown', '--validation'):
            parser.add_argument_group('more').add_argument(flag)
        parser.parse_args(argv)
        raise ArgumentValueError(message)

    assert cli.command(main)([]) == 2
    assert capsys.readouterr().err.partition(': error: ')[2] == said + '\n'


def test_flags_of_one_script_do_not_go_into_the_errors_of_the_next(capsys):
    def first(argv):
        parser = cli.parser('Does it.')
        parser.add_argument('--seed')
        parser.parse_args(argv)

    def main(argv):
        raise ArgumentValueError('seed must be an integer')

    assert (cli.command(first)([]), cli.command(main)([])) == (0, 2)
    assert capsys.readouterr().err.endswith('error: seed must be an integer\n')


def test_a_mistake_of_the_library_is_a_traceback():
    def main(argv):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.command(main)([])


def test_ctrl_c_is_status_130_without_a_traceback(capsys):
    def main(argv):
        raise KeyboardInterrupt

    assert cli.command(main)([]) == 130
    assert capsys.readouterr() == ('', 'interrupted\n')


def test_a_wrong_flag_is_status_2_with_the_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.command(lambda argv: cli.parser('Does it.').parse_args(argv))(['--nothing'])
    assert caught.value.code == 2
    assert 'unrecognized arguments: --nothing' in capsys.readouterr().err


@pytest.mark.parametrize('lines, flag, status, said', [
    (1, '--seed', 0, b''), (1000, '--seed', 0, b''),
    (1000, '--resume', 2, b'-c: error: standard output was closed; --resume continues the run\n'),
])
def test_a_reader_who_has_had_enough_is_no_error_unless_it_cuts_a_run_off(lines, flag, status, said):
    code = ("import sys; from rnnbook import cli\n"
            "def main(argv):\n"
            "    parser = cli.parser('Does it.')\n"
            "    parser.add_argument(argv[1], action='store_true')\n"
            "    parser.parse_args([])\n"
            "    sys.stdin.read()\n"                         # until the other end of standard output is closed
            "    for _ in range(int(argv[0])):\n"
            "        print('x' * 1000)\n"
            "sys.exit(cli.command(main)())")
    process = subprocess.Popen([sys.executable, '-c', code, str(lines), flag], cwd=ROOT, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stdin.close()
    with process.stderr:
        errors = process.stderr.read()
    assert (process.wait(), errors) == (status, said)


PRINTS = """
import sys
from rnnbook import cli
def main(argv):
    if argv:
        parser = cli.parser('Does it.')
        parser.parse_args(argv)
    print('x' * 100)
sys.exit(cli.command(main)())
"""


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='there is no /dev/full')
@pytest.mark.parametrize('redirection, message', [
    ('>&-', b'standard output is closed'), ('>/dev/full', b'cannot write the output: No space left on device'),
])
def test_output_that_cannot_be_written_is_one_line_and_status_2(redirection, message):
    for argv in ('', ' --help'):
        command = '"$0" -c "$1"%s %s' % (argv, redirection)
        done = subprocess.run(['/bin/sh', '-c', command, sys.executable, PRINTS], cwd=ROOT, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (2, b'-c: error: ' + message + b'\n')


def test_errors_that_nobody_can_see_are_no_traceback():
    assert subprocess.run(['/bin/sh', '-c', '"$0" -c "$1" --nothing 2>&-', sys.executable, PRINTS], cwd=ROOT,
                          stdout=subprocess.PIPE).returncode == 2


def test_an_error_of_the_system_that_is_not_about_the_output_is_a_traceback():
    def main(argv):
        raise OSError(errno.EMFILE, 'Too many open files')

    with pytest.raises(OSError, match='Too many'):
        cli.command(main)([])


@pytest.mark.parametrize('error, said', [
    (MemoryError(), 'out of memory\n'),
    (MemoryError('Unable to allocate 8 GiB'), 'out of memory: Unable to allocate 8 GiB\n'),
])
def test_out_of_memory_is_one_line_and_status_2(capsys, error, said):
    def main(argv):
        raise error

    assert cli.command(main)([]) == 2
    assert capsys.readouterr().err.partition(': error: ')[2] == said


@pytest.mark.parametrize('encoding, out', [('ascii', b'caf\\xe9 \\u2014 \\U0001f600\n'),
                                           ('latin-1', b'caf\xe9 \\u2014 \\U0001f600\n'),
                                           ('utf-8', 'caf\u00e9 \u2014 \U0001f600\n'.encode('utf-8'))])
def test_what_the_console_lacks_is_printed_as_an_escape(encoding, out):
    code = (r"import sys; from rnnbook import cli, errors" "\n"
            r"def main(argv):" "\n"
            r"    print('caf\xe9 \u2014 \U0001f600')" "\n"
            r"    raise errors.FileError('caf\xe9 \u2014 \U0001f600')" "\n"
            r"sys.exit(cli.command(main)())")
    assert run_python(code, PYTHONIOENCODING=encoding) == (2, out, b'-c: error: ' + out)


def test_output_that_a_notebook_has_put_in_place_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', io.StringIO())       # which cannot be reconfigured
    assert cli.command(lambda argv: print('said'))([]) == 0
    assert sys.stdout.getvalue() == 'said\n'


# The stop on a signal

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize('number, status', zip(SIGNALS, (130, 143, 129)))
def test_a_signal_asks_for_a_stop_and_handlers_are_put_back(capsys, number, status):
    before = {each: signal.getsignal(each) for each in SIGNALS}
    with cli.StopOnSignal() as stop:
        assert (stop(), stop.status) == (False, 0)
        os.kill(os.getpid(), number)
        assert (stop(), stop.status) == (True, status)
    assert {each: signal.getsignal(each) for each in SIGNALS} == before
    assert capsys.readouterr().err == 'stopping after this step; once more to stop at once\n'


@pytest.mark.parametrize('second', SIGNALS)
def test_a_second_signal_ends_the_block_with_the_status_of_the_first(capsys, second):
    before, reached, stop = signal.getsignal(signal.SIGTERM), [], cli.StopOnSignal()

    def main(argv):
        with stop:
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append(stop())
            os.kill(os.getpid(), second)
            reached.append('not here')

    assert cli.command(main)([]) == 143
    assert (reached, stop.status, signal.getsignal(signal.SIGTERM)) == ([True], 143, before)
    assert capsys.readouterr().err == 'stopping after this step; once more to stop at once\ninterrupted\n'


def test_a_hangup_that_nohup_has_put_off_stays_off():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cli.StopOnSignal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_can_be_given_to_a_run():
    stop = cli.StopOnSignal()
    assert Run.of({'stop': stop}, save_every=1, log_every=1).stop() is False


# Flags from signatures and docstrings

class Toy:
    """A model of our own.

    Parameters
    ----------
    n_words : int
        The data decides it.
    lstm_size : int, default 256
        H, the hidden units
        of a layer.
    keep_prob : float, default 0.5
        In 50% of cases.
    sampling : bool, default False
        The script decides it.
    engine : {'book'}, default 'book'
        How it is computed.
    device : {'auto', 'cpu', 'gpu'}, default 'auto'
        Where.
    both_ways : bool, default False
        Or one.
    grad_clip : float, optional
        The largest norm.

    Raises
    ------
    ValueError
        Never : not at all.
    """

    def __init__(self, n_words: int, lstm_size: int = 256, keep_prob: float = 0.5, sampling: bool = False, *,
                 engine: str = 'book', device: str = 'auto', both_ways: bool = False,
                 grad_clip: Optional[float] = None):
        pass


def documented(thing):
    """The text of each parameter."""
    return {name: text for name, (_, text) in flags._parameters(thing).items()}


def test_documented_gives_each_parameter_on_one_line():
    assert documented(Toy) == {
        'n_words': 'The data decides it',
        'lstm_size': 'H, the hidden units of a layer',
        'keep_prob': 'In 50% of cases',
        'sampling': 'The script decides it',
        'engine': 'How it is computed',
        'device': 'Where',
        'both_ways': 'Or one',
        'grad_clip': 'The largest norm',
    }


def test_documented_finds_every_setting_of_a_run():
    assert list(documented(Run))[:2] == ['resume', 'save_every']
    assert all(documented(Run).values())


def test_documented_finds_what_a_base_class_describes():
    class Smaller(Toy):
        """A smaller one.

        Parameters
        ----------
        lstm_size : int, default 2
            Fewer units.
        """

    assert documented(Smaller) == {**documented(Toy), 'lstm_size': 'Fewer units'}


def test_documented_of_a_docstring_without_parameters_is_empty():
    def plain():
        """Do it."""

    assert documented(plain) == {}


def toy_parser():
    parser = cli.parser('Train.', epilog='The end.')
    return parser, cli.add_flags(parser, Toy, {'lstm_size': 128, 'num_epochs': 40}, skip=['sampling'])


def test_a_model_has_a_flag_for_what_neither_data_nor_script_decides():
    parser, names = toy_parser()
    assert names == ['lstm_size', 'keep_prob', 'engine', 'device', 'both_ways', 'grad_clip']
    assert cli.chosen(parser.parse_args([]), names) == {'lstm_size': 128, 'keep_prob': 0.5, 'engine': 'book',
                                                        'device': 'auto', 'both_ways': False, 'grad_clip': None}


def test_model_flags_have_the_types_of_the_signature():
    parser, names = toy_parser()
    args = parser.parse_args(['--lstm-size', '32', '--keep-prob', '1', '--device', 'cpu', '--both-ways', '--grad-clip',
                              '5'])
    assert cli.chosen(args, names) == {'lstm_size': 32, 'keep_prob': 1.0, 'engine': 'book', 'device': 'cpu',
                                       'both_ways': True, 'grad_clip': 5.0}


def test_a_switch_that_a_preset_has_on_can_be_put_off():
    parser = cli.parser('Train.')
    cli.add_flags(parser, Toy, {'both_ways': True}, skip=['sampling'])
    assert [parser.parse_args(argv).both_ways for argv in ([], ['--both-ways', 'yes'], ['--both-ways', 'no'])] == [
        True, True, False]


PRESETS = {'book': {'lstm_size': 128}, 'best': {'lstm_size': 100}}


@pytest.mark.parametrize('argv, name', [([], 'book'), (['--preset', 'best'], 'best'), (['--preset=best'], 'best'),
                                        (['--device', 'cpu', '--preset', 'book'], 'book')])
def test_a_preset_gives_the_defaults(argv, name):
    parser = cli.parser('Train.')
    assert cli.add_preset_flag(parser, argv, PRESETS) == (name, PRESETS[name])
    cli.add_flags(parser, Toy, PRESETS[name], skip=['sampling'])
    assert parser.parse_args(argv).preset == name


@pytest.mark.parametrize('argv', [['--preset', 'better'], ['--preset']])
def test_a_preset_that_is_none_is_refused_by_the_parser(capsys, argv):
    parser = cli.parser('Train.')
    assert cli.add_preset_flag(parser, argv, PRESETS) == ('book', PRESETS['book'])
    with pytest.raises(SystemExit):
        parser.parse_args(argv)
    assert 'argument --preset: ' in capsys.readouterr().err


@pytest.mark.parametrize('argv, message', [
    (['--lstm-size', '3.5'], "argument --lstm-size: invalid int value: '3.5'"),
    (['--keep-prob', 'half'], "argument --keep-prob: invalid float value: 'half'"),
    (['--device', 'tpu'], "argument --device: invalid choice: 'tpu' (choose from 'auto', 'cpu', 'gpu')"),
    (['--both-ways', '1'], "argument --both-ways: must be yes or no, not '1'"),
    (['--engine', 'fast'], "argument --engine: invalid choice: 'fast' (choose from "),
    (['--n-words', '9'], 'unrecognized arguments: --n-words 9'),
    (['--sampling'], 'unrecognized arguments: --sampling'),
])
def test_a_bad_model_flag_is_refused_by_name(capsys, argv, message):
    parser, _ = toy_parser()
    with pytest.raises(SystemExit):
        parser.parse_args(argv)
    assert message in capsys.readouterr().err


def test_help_gives_docstring_and_default_of_every_flag(capsys):
    parser, _ = toy_parser()
    with pytest.raises(SystemExit):
        parser.parse_args(['--help'])
    text = ' '.join(capsys.readouterr().out.split())
    assert '--lstm-size N H, the hidden units of a layer (default: 128)' in text
    assert '--keep-prob X In 50% of cases (default: 0.5)' in text
    assert '--device {auto,cpu,gpu} Where (default: auto)' in text
    assert text.endswith('The end.')


def test_a_run_has_epochs_folder_and_the_settings_that_a_flag_can_give():
    parser = cli.parser('Train.')
    names = cli.add_run_flags(parser, {'num_epochs': 40, 'save_every': 10}, './model/')
    args = parser.parse_args([])
    assert (args.num_epochs, args.ckpt_dir) == (40, './model/')
    chosen = cli.chosen(args, names)
    assert not {'stop', 'lines'} & set(names)
    assert Run.of(chosen, log_every=20) == Run.of({}, save_every=10, log_every=20)
    assert not Run.of(chosen, log_every=20).lines           # a bar may stand in their place on a terminal


def test_run_flags_reach_the_settings():
    parser = cli.parser('Train.')
    names = cli.add_run_flags(parser, {'num_epochs': 40, 'save_every': 10}, './model/')
    args = parser.parse_args(['--epochs', '2', '--ckpt-dir', 'there', '--save-every', '3', '--max-to-keep', '0',
                              '--overwrite', '--log-every', '7', '--validation', '0.1', '--keep-best', '--patience',
                              '2', '--decay', '0.9', '--decay-after', '3', '--quiet', '--logdir', 'log'])
    assert (args.num_epochs, args.ckpt_dir) == (2, 'there')
    run = Run.of(cli.chosen(args, names))
    assert (run.save_every, run.log_every, run.lines, run.max_to_keep, run.overwrite) == (3, 7, True, 0, True)
    assert (run.validation, run.keep_best, run.patience, run.decay, run.decay_after, run.quiet, run.logdir) == (
        0.1, True, 2, 0.9, 3, True, 'log')


def test_a_device_flag_stands_alone():
    parser = cli.parser('Predict.')
    cli.add_device_flag(parser)
    assert parser.parse_args([]).device == 'auto'
    assert parser.parse_args(['--device', 'cpu']).device == 'cpu'


# Data

def review_args(folder, *argv):
    (folder / 'reviews.csv').write_text('review,sentiment\n' + 'Good<br />film,1\nbad film,0\n' * 3)
    parser = cli.parser('Test.')
    cli.add_review_flags(parser)
    names = cli.add_vocabulary_flags(parser, {'min_count': 1})
    args = parser.parse_args(['--csv', 'reviews.csv'] + list(argv))
    return args, cli.chosen(args, names)


def test_vocabulary_flags_reach_the_settings(tmp_path):
    args, settings = review_args(tmp_path)
    assert (imdb.Settings(**settings), args.no_cache) == (imdb.Settings(), False)
    args, settings = review_args(tmp_path, '--min-count', '2', '--max-words', '9', '--unknown', '--drop-markup',
                                 '--training-half', '--no-cache')
    assert (imdb.Settings(**settings), args.no_cache) == (imdb.Settings(2, 9, True, True, True), True)


@pytest.mark.parametrize('argv, rows, words', [
    ([], [3, 3], ['film', '<', 'br', '/', '>', 'good', 'bad']),
    (['--drop-markup', '--max-words', '2'], [3, 3], ['film', 'good']),
    (['--limit', '2', '--drop-markup'], [2, 2], ['film', 'good', 'bad']),
])
def test_reviews_come_as_halves_of_rows_with_their_vocabulary(tmp_path, monkeypatch, argv, rows, words):
    monkeypatch.chdir(tmp_path)
    for more, kept in ((['--no-cache'], []), ([], ['cache'])):
        args, settings = review_args(tmp_path, *argv, *more)
        name, x_train, y_train, x_test, y_test, vocabulary = cli.indexed_halves(args, 2, settings)
        assert (name, x_train.shape, x_test.shape) == ('reviews.csv', (rows[0], 2), (rows[1], 2))
        assert y_train.tolist() + y_test.tolist() == ([1, 0] * 3 if rows[0] == 3 else [1, 0, 0, 1])
        assert sorted(vocabulary) == sorted(words)
        assert (os.listdir('data') if os.path.exists('data') else []) == kept


@pytest.mark.parametrize('vocabulary, said', [
    (imdb.Vocabulary({'a': 1}), 'Left out: 3 words that the model has not seen\n'),
    (imdb.Vocabulary({'a': 1}, imdb.Settings(unknown=True)), 'Read as unknown: 3 words that the model has not seen\n'),
])
def test_unknown_words_are_said_if_there_are_any(capsys, vocabulary, said):
    cli.say_unknown(np.array([0, 0]), vocabulary)
    assert capsys.readouterr().err == ''
    cli.say_unknown(np.array([1, 2]), vocabulary)
    assert capsys.readouterr().err == said


def test_a_text_a_folder_a_pattern_and_a_large_text_give_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir('texts')
    for name, text in (('texts/a.txt', 'The c'), ('texts/b.txt', 'at.\r\n'), ('all.txt', 'The cat.\r\n')):
        with open(name, 'w', newline='') as file:
            file.write(text)
    wanted = hamlet.encode('The cat.\n', hamlet.char_vocabulary('The cat.\n')[0]).tolist()
    assert cli.character_numbers('all.txt')[1].tolist() == wanted
    assert not os.path.exists('data')
    for path in ('texts', 'texts/*.txt'):
        name, numbers, char2int = cli.character_numbers(path)
        assert (name, numbers.tolist(), numbers.dtype) == (path, wanted, np.uint8)
    monkeypatch.setattr(cli.data, 'LARGE_TEXT', 10)
    name, numbers, _ = cli.character_numbers('all.txt')
    assert (name, numbers.tolist(), numbers.dtype) == ('all.txt', wanted, np.uint8)
    assert sorted(os.path.splitext(name)[1] for name in os.listdir('data/encoded')) == ['.json'] * 3 + ['.npy'] * 3


def test_utf_16_without_a_mark_is_not_silently_half_nul(tmp_path):
    (tmp_path / 'a.txt').write_bytes('To be'.encode('utf-16-le'))
    with pytest.warns(UserWarning, match='holds NUL characters; if it is UTF-16 .*--encoding utf-16-le'):
        assert len(cli.character_numbers(str(tmp_path / 'a.txt'))[1]) == 10
    assert len(cli.character_numbers(str(tmp_path / 'a.txt'), 'utf-16-le')[1]) == 5


@pytest.mark.parametrize('known, starter', [
    ('The \n', 'The '), ('ACGT', 'A'), ('\n>ACGT', 'A'), ('\n -', '\n'), ('\u65e5\u672c ', '\u65e5')])
def test_the_default_starter_is_the_chapters_or_a_character_that_is_known(known, starter):
    assert cli.default_starter(hamlet.char_vocabulary(known)[0]) == starter
    assert cli.default_starter(None) == 'The '


@pytest.mark.parametrize('content, found', [
    ('{"class": "CharRNN", "arguments": {"lstm_size": 8}}', True),
    ('{"class": "CharRNN", "arguments": {"lstm_size": 9}}', False),
    ('{"class": "CharRNN", "arguments": {}}', False),
    ('{"class": "SentimentRNN", "arguments": {"lstm_size": 8}}', False),
    ('{"class": "CharRNN"}', False), ('[]', False), ('{', False), ('', False),
])
def test_models_are_found_by_their_description(tmp_path, monkeypatch, content, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'model.json').write_text(content)
    assert cli.model_folders('CharRNN', './[a-z]*', lstm_size=8) == ['./a/'] * found


@pytest.mark.parametrize('path', ['none.txt', 'none*.txt'])
def test_a_text_that_is_not_there_is_a_file_error(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match='^(cannot read none.txt: No such file|none.*.txt matches no file)'):
        cli.character_numbers(path)
    assert os.listdir('.') == []


def test_help_is_about_flags_and_not_about_objects_and_arrays():
    parser = cli.parser('Trains.')
    cli.add_run_flags(parser, {'num_epochs': 1}, './model/')
    cli.add_flags(parser, imdb.CsvLayout, {})
    said = ' '.join(parser.format_help().split())
    assert '--init-from DIR' in said and '--positive VALUE[,VALUE...]' in said
    assert 'Default: fresh weights' in said and 'each row of characters). Default: none' in said
    assert 'object' not in said and 'arrays' not in said
