"""Print what `rnnbook` finds here: its version, Python, TensorFlow, the devices, and the chapter's data."""

import os
import platform
import sys
from typing import Sequence

import numpy as np

from rnnbook import __version__, cli, datasets
from rnnbook.errors import FileError, RequirementError


def _tensorflow():
    """What can be said of TensorFlow and of the devices that it sees, a line each; why not, where it cannot be used."""
    try:
        from rnnbook.network import devices
    except RequirementError as error:
        return [('TensorFlow', 'not usable: %s' % error),
                ('Devices', 'none for the models; the preprocessing, rnnbook.equations and rnnbook.portable run here')]
    tf = devices.tf
    names = [device.name.replace('/physical_device:', '')
             for device in tf.config.experimental.list_physical_devices() if device.device_type in ('CPU', 'GPU')]
    return [('TensorFlow', '%s, built %s CUDA' % (tf.__version__, 'with' if tf.test.is_built_with_cuda()
                                                  else 'without')),
            ('Devices', '%s; %d cores' % (', '.join(names), devices.cores()))]


def _data(data_dir):
    """Where the raw files are looked for, a line for each folder and for each file in it."""
    try:
        folders = datasets.survey(data_dir)
    except FileError as error:
        return [('Data', str(error))]
    lines = []
    for folder, found in folders:
        lines.append(('' if lines else 'Data', folder))
        lines += [('', '    ' + text) for text in found or ['nothing of the chapter\'s']]
    return lines


@cli.command
def main(argv: Sequence[str]) -> None:
    """Run ``python -m rnnbook``; returns its exit status."""
    parser = cli.parser(__doc__)
    parser.prog = 'python -m rnnbook'
    parser.add_argument('--data-dir', metavar='DIR', help='where to look for the data; None is $RNNBOOK_DATA, else '
                        './data')
    parser.add_argument('--version', action='version', version='rnnbook %s' % __version__)
    args = parser.parse_args(argv)
    lines = [('rnnbook', '%s, in %s' % (__version__, os.path.dirname(os.path.abspath(__file__)))),
             ('Python', '%s %s, %s %s' % (platform.python_implementation(), platform.python_version(),
                                          sys.platform, platform.machine())),
             ('NumPy', np.__version__)]
    for name, text in lines + _tensorflow() + _data(args.data_dir):
        print('%-12s%s' % (name, text))


if __name__ == '__main__':
    sys.exit(main())
