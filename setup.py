"""The package `rnnbook`: what it needs, as ranges. The exact versions that are tested stand in `requirements.txt`."""

import os
import re
import sys

from setuptools import find_packages, setup

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
        'pyppmd==1.0.0; python_version < "3.8"',
        'scikit-learn>=1.0; python_version >= "3.8"',
        'pyppmd>=1.0; python_version >= "3.8"',
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
    # `onnx` writes a model as an ONNX file, `onnxruntime` runs it in the tests; newer ones want a newer NumPy.
    'onnx': [
        'onnx==1.14.1; python_version < "3.8"',
        'onnxruntime==1.10.0; python_version < "3.8"',
        'flatbuffers==25.12.19; python_version < "3.8"',
        'onnx>=1.14; python_version >= "3.8"',
        'onnxruntime>=1.10; python_version >= "3.8"',
    ],
    # Built from source, against the TensorFlow that is there: `scripts/bootstrap.py` does it, with the environment
    # variables that it takes. CMake 3.28 and newer refuse its build files.
    'horovod': [
        'cmake==3.27.9; python_version < "3.8"',
        'cloudpickle==2.2.1; python_version < "3.8"',
        'psutil==7.2.2; python_version < "3.8"',
        'pyyaml==6.0.1; python_version < "3.8"',
        'horovod==0.28.1; python_version < "3.8"',
    ],
    # `notebook` opens notebooks/chapter16.ipynb, `nbclient` and `ipykernel` execute it; the figures want `plots` too.
    # 6.4 is the last line of `notebook` that does not bring a second server with it; `nbclient` is the one of `docs`.
    'notebook': [
        'notebook==6.4.13; python_version < "3.8"',
        'nbclient==0.5.13; python_version < "3.8"',
        'ipykernel==6.16.2; python_version < "3.8"',
        'argon2-cffi==23.1.0; python_version < "3.8"',
        'argon2-cffi-bindings==21.2.0; python_version < "3.8"',
        'backcall==0.2.0; python_version < "3.8"',
        'beautifulsoup4==4.15.0; python_version < "3.8"',
        'bleach==6.0.0; python_version < "3.8"',
        'cffi==1.15.1; python_version < "3.8"',
        'debugpy==1.7.0; python_version < "3.8"',
        'decorator==5.1.1; python_version < "3.8"',
        'defusedxml==0.7.1; python_version < "3.8"',
        'entrypoints==0.4.2; python_version < "3.8"',
        'fastjsonschema==2.21.2; python_version < "3.8"',
        'importlib-resources==5.12.0; python_version < "3.8"',
        'ipython==7.34.0; python_version < "3.8"',
        'ipython-genutils==0.2.0; python_version < "3.8"',
        'jedi==0.19.2; python_version < "3.8"',
        'jinja2==3.1.6; python_version < "3.8"',
        'jsonschema==4.17.3; python_version < "3.8"',
        'jupyter-client==7.4.9; python_version < "3.8"',
        'jupyter-core==4.12.0; python_version < "3.8"',
        'jupyterlab-pygments==0.2.2; python_version < "3.8"',
        'matplotlib-inline==0.1.6; python_version < "3.8"',
        'mistune==3.0.2; python_version < "3.8"',
        'nbconvert==7.6.0; python_version < "3.8"',
        'nbformat==5.8.0; python_version < "3.8"',
        'nest-asyncio==1.6.0; python_version < "3.8"',
        'pandocfilters==1.5.1; python_version < "3.8"',
        'parso==0.8.7; python_version < "3.8"',
        'pexpect==4.9.0; python_version < "3.8"',
        'pickleshare==0.7.5; python_version < "3.8"',
        'pkgutil-resolve-name==1.3.10; python_version < "3.8"',
        'prometheus-client==0.17.1; python_version < "3.8"',
        'prompt-toolkit==3.0.48; python_version < "3.8"',
        'psutil==7.2.2; python_version < "3.8"',
        'ptyprocess==0.7.0; python_version < "3.8"',
        'pycparser==2.21; python_version < "3.8"',
        'pygments==2.17.2; python_version < "3.8"',
        'pyrsistent==0.19.3; python_version < "3.8"',
        'pyzmq==26.2.1; python_version < "3.8"',
        'send2trash==1.8.3; python_version < "3.8"',
        'soupsieve==2.4.1; python_version < "3.8"',
        'terminado==0.17.1; python_version < "3.8"',
        'tinycss2==1.2.1; python_version < "3.8"',
        'tornado==6.2; python_version < "3.8"',
        'traitlets==5.9.0; python_version < "3.8"',
        'wcwidth==0.2.14; python_version < "3.8"',
        'webencodings==0.5.1; python_version < "3.8"',
        'notebook>=6.4; python_version >= "3.8"',
        'nbclient>=0.5.13; python_version >= "3.8"',
        'ipykernel>=6.16; python_version >= "3.8"',
    ],
    # `docs` builds docs/ into HTML. Sphinx 5 wants a newer importlib-metadata than flake8 5 allows, and myst-nb 0.17 a
    # myst-parser 0.18; what jupyter-cache wants holds `nbclient` below 0.6.
    'docs': [
        'sphinx==4.3.2; python_version < "3.8"',
        'myst-nb==0.17.2; python_version < "3.8"',
        'numpydoc==1.5.0; python_version < "3.8"',
        'furo==2022.9.29; python_version < "3.8"',
        'sphinx-mathjax-offline==0.0.2; python_version < "3.8"',    # equations without a network
        'alabaster==0.7.13; python_version < "3.8"',
        'babel==2.14.0; python_version < "3.8"',
        'backcall==0.2.0; python_version < "3.8"',
        'beautifulsoup4==4.15.0; python_version < "3.8"',
        'certifi==2024.8.30; python_version < "3.8"',
        'charset-normalizer==3.4.0; python_version < "3.8"',
        'click==8.1.8; python_version < "3.8"',
        'debugpy==1.7.0; python_version < "3.8"',
        'decorator==5.1.1; python_version < "3.8"',
        'docutils==0.17.1; python_version < "3.8"',
        'entrypoints==0.4.2; python_version < "3.8"',
        'fastjsonschema==2.21.2; python_version < "3.8"',
        'greenlet==3.1.1; python_version < "3.8"',
        'idna==3.10; python_version < "3.8"',
        'imagesize==1.4.1; python_version < "3.8"',
        'importlib-resources==5.12.0; python_version < "3.8"',
        'ipykernel==6.16.2; python_version < "3.8"',
        'ipython==7.34.0; python_version < "3.8"',
        'jedi==0.19.2; python_version < "3.8"',
        'jinja2==3.1.6; python_version < "3.8"',
        'jsonschema==4.17.3; python_version < "3.8"',
        'jupyter-cache==0.5.0; python_version < "3.8"',
        'jupyter-client==7.4.9; python_version < "3.8"',
        'jupyter-core==4.12.0; python_version < "3.8"',
        'markdown-it-py==2.2.0; python_version < "3.8"',
        'matplotlib-inline==0.1.6; python_version < "3.8"',
        'mdit-py-plugins==0.3.5; python_version < "3.8"',
        'mdurl==0.1.2; python_version < "3.8"',
        'myst-parser==0.18.1; python_version < "3.8"',
        'nbclient==0.5.13; python_version < "3.8"',
        'nbformat==5.8.0; python_version < "3.8"',
        'nest-asyncio==1.6.0; python_version < "3.8"',
        'parso==0.8.7; python_version < "3.8"',
        'pexpect==4.9.0; python_version < "3.8"',
        'pickleshare==0.7.5; python_version < "3.8"',
        'pkgutil-resolve-name==1.3.10; python_version < "3.8"',
        'prompt-toolkit==3.0.48; python_version < "3.8"',
        'psutil==7.2.2; python_version < "3.8"',
        'ptyprocess==0.7.0; python_version < "3.8"',
        'pygments==2.17.2; python_version < "3.8"',
        'pyrsistent==0.19.3; python_version < "3.8"',
        'pyyaml==6.0.1; python_version < "3.8"',
        'pyzmq==26.2.1; python_version < "3.8"',
        'requests==2.31.0; python_version < "3.8"',
        'snowballstemmer==2.2.0; python_version < "3.8"',
        'soupsieve==2.4.1; python_version < "3.8"',
        'sphinx-basic-ng==1.0.0b2; python_version < "3.8"',
        'sphinxcontrib-applehelp==1.0.2; python_version < "3.8"',
        'sphinxcontrib-devhelp==1.0.2; python_version < "3.8"',
        'sphinxcontrib-htmlhelp==2.0.0; python_version < "3.8"',
        'sphinxcontrib-jsmath==1.0.1; python_version < "3.8"',
        'sphinxcontrib-qthelp==1.0.3; python_version < "3.8"',
        'sphinxcontrib-serializinghtml==1.1.5; python_version < "3.8"',
        'sqlalchemy==1.4.54; python_version < "3.8"',
        'tabulate==0.9.0; python_version < "3.8"',
        'tornado==6.2; python_version < "3.8"',
        'traitlets==5.9.0; python_version < "3.8"',
        'urllib3==2.0.7; python_version < "3.8"',
        'wcwidth==0.2.14; python_version < "3.8"',
        'sphinx>=4.3; python_version >= "3.8"',
        'myst-nb>=0.17; python_version >= "3.8"',
        'numpydoc>=1.5; python_version >= "3.8"',
        'furo>=2022.9; python_version >= "3.8"',
        'sphinx-mathjax-offline>=0.0.2; python_version >= "3.8"',
    ],
}

# What a user runs by name. Left out: `bootstrap.py`, which makes the environment of a checkout, and what only the
# figures of docs/results.md need.
SCRIPTS = ['train_sentiment.py', 'predict_sentiment.py', 'train_charrnn.py', 'sample_charrnn.py', 'prepare_data.py',
           'export_model.py', 'plot_history.py']


def read(*names):
    """The text of a file of this checkout; empty if it is not there."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), *names)
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


setup(
    name='rnnbook',
    version=re.search(r"^__version__ = '([^']+)'", read('rnnbook', '__init__.py'), re.MULTILINE).group(1),
    description='Chapter 16 of Python Machine Learning, 2nd edition, as a library for TensorFlow 1.15',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    author='the rnnbook authors',
    license='MIT',
    license_files=['LICENSE'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Education',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.7',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Typing :: Typed',
    ],
    keywords='recurrent neural network, LSTM, TensorFlow 1.15, sentiment analysis, character-level language model',
    packages=find_packages(include=['rnnbook', 'rnnbook.*']),
    package_data={'rnnbook': ['py.typed'], 'rnnbook.portable': ['page_files/*']},
    # An editable install would get copies, which edits of the checkout leave behind: there they are run by path.
    scripts=[] if 'editable_wheel' in sys.argv else ['scripts/' + name for name in SCRIPTS],
    python_requires='>=3.7',
    install_requires=REQUIRES,
    extras_require=EXTRAS,
)
