"""The package `rnnbook`: what it needs, as ranges. The exact versions that are tested stand in `requirements.txt`."""

import os
import re

from setuptools import setup

# CPython 3.7 on these machines is the newest that TensorFlow 1.15 has wheels for. Elsewhere the preprocessing, the
# equations and the NumPy engine still work, so TensorFlow is asked for only where it exists.
TENSORFLOW_EXISTS = ('platform_python_implementation == "CPython" and python_version < "3.8"'
                     ' and (platform_machine == "x86_64" or platform_machine == "AMD64")'
                     ' and (sys_platform == "linux" or sys_platform == "darwin" or sys_platform == "win32")')

REQUIRES = [
    'tensorflow>=1.15,<1.16; ' + TENSORFLOW_EXISTS,
    'protobuf>=3.8,<3.21; ' + TENSORFLOW_EXISTS,        # TensorFlow 1.15 does not import with protobuf 4
    'numpy>=1.16,<1.20; python_version < "3.8"',        # 1.20 breaks zero_state where the batch size is a tensor
    'numpy>=1.17; python_version >= "3.8"',
    'pandas>=1.0',
    'pyprind>=2.11',
]

# What is optional, pinned for CPython 3.7 with its indirect packages; what `requirements.txt` already pins is left
# out. `scripts/bootstrap.py` reads this table as text: literals only.
EXTRAS = {
    'test': [
        'pytest==7.4.4',
        'pytest-xdist==3.5.0',
        'execnet==2.0.2',
        'hypothesis==6.79.4',
        'attrs==24.2.0',
        'sortedcontainers==2.4.0',
        'flake8==5.0.4',
    ],
    'baselines': [
        'scikit-learn==1.0.2; python_version < "3.8"',
        'scipy==1.7.3; python_version < "3.8"',
        'joblib==1.3.2; python_version < "3.8"',
        'threadpoolctl==3.1.0; python_version < "3.8"',
        'scikit-learn>=1.0; python_version >= "3.8"',
    ],
    'plots': [
        'matplotlib==3.5.3; python_version < "3.8"',
        'cycler==0.11.0; python_version < "3.8"',
        'fonttools==4.38.0; python_version < "3.8"',
        'kiwisolver==1.4.5; python_version < "3.8"',
        'pillow==9.5.0; python_version < "3.8"',
        'pyparsing==3.1.4; python_version < "3.8"',
        'matplotlib>=3.5; python_version >= "3.8"',
    ],
}


def read(*names):
    """The text of a file of this checkout; empty if it is not there."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), *names)
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


setup(
    name='rnnbook',
    version=re.search(r"^__version__ = '([^']+)'", read('rnnbook', 'version.py'), re.MULTILINE).group(1),
    description='Chapter 16 of Python Machine Learning, 2nd edition, as a library for TensorFlow 1.15',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    packages=['rnnbook'],
    python_requires='>=3.7',
    install_requires=REQUIRES,
    extras_require=EXTRAS,
)
