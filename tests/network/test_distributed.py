"""The processes that train together, as one of them sees them: with a Horovod of our own making that has no others.

`test_horovod.py` has the real one.
"""

import sys
import types

import models
import numpy as np
import pytest
import tensorflow as tf

from rnnbook import cli
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, PeerError, RequirementError
from rnnbook.network import devices, distributed
from rnnbook.network.distributed import World


@pytest.fixture
def horovod(monkeypatch):
    """A Horovod of two processes, this one rank 1, in which rank 0 gives what `other` says of what this one gives."""
    module = types.ModuleType('horovod.tensorflow')
    ranks = {'rank': 1, 'size': 2, 'local_rank': 1, 'local_size': 2}
    module.calls, module.Average, module.other = [], 'average', lambda tensor: 3 * tensor
    for name, value in ranks.items():
        setattr(module, name, lambda value=value: value)

    def allreduce(tensor, op):
        assert op == 'average'
        if isinstance(tensor, tf.IndexedSlices):            # as Horovod does it: all rows, one after the other
            return tf.IndexedSlices(tf.concat([module.other(tensor.values), tensor.values], axis=0) / 2,
                                    tf.concat([tensor.indices, tensor.indices], axis=0), tensor.dense_shape)
        return (module.other(tensor) + tensor) / 2

    module.init = lambda: module.calls.append('init')
    module.allreduce = allreduce
    module.grouped_allreduce = lambda tensors, op: [allreduce(tensor, op) for tensor in tensors]
    module.allgather = lambda tensor, name: tf.concat([module.other(tensor), tensor], axis=0)
    module.broadcast_variables = lambda variables, root_rank: tf.group(*[
        variable.assign(module.other(variable)) for variable in variables])
    monkeypatch.setitem(sys.modules, 'horovod', types.ModuleType('horovod'))
    monkeypatch.setitem(sys.modules, 'horovod.tensorflow', module)
    return module


def test_alone_everything_is_given_back_and_horovod_is_not_looked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, 'horovod.tensorflow', None)
    world, given = distributed.join('distributed', False), object()
    assert (world.rank, world.size, world.local_rank, world.local_size, world.gpu) == (0, 1, 0, 1, None)
    assert world.own(5) == slice(0, 5)
    assert world.average(given) is given and world.gather(given) is given and world.share(given) is given
    with world.first_on_machine():
        pass
    with tf.Graph().as_default() as graph:
        world.broadcast(None, [])
        assert graph.get_operations() == []


def test_without_horovod_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'horovod', None)
    monkeypatch.setitem(sys.modules, 'horovod.tensorflow', None)
    for make in (models.char, models.sentiment):
        with pytest.raises(RequirementError, match='distributed needs Horovod .*bootstrap.py --extra horovod') as error:
            make(distributed=True, anew=True)
        assert '\n' not in str(error.value)


@pytest.mark.parametrize('name', ['distributed', 'scale_learning_rate'])
def test_a_switch_is_true_or_false(name):
    with pytest.raises(ArgumentTypeError, match=name + ' must be True or False, not 2'):
        models.char(**{name: 2})


def test_dense_gradients_are_averaged_and_rows_of_a_word_added_up(horovod):
    world = distributed.join('distributed', True)
    slices = tf.IndexedSlices(tf.constant([[2.0], [4.0]]), tf.constant([3, 1]), tf.constant([5, 1]))
    with tf.compat.v1.Session() as sess:
        first, rows, last = world.average([tf.constant([2.0]), slices, tf.constant(5.0)])
        assert sess.run([first, last]) == [[4.0], 10.0]
        assert sess.run([rows.indices, rows.values, rows.dense_shape])[0].tolist() == [3, 1]
        assert sess.run(rows.values).tolist() == [[4.0], [8.0]]


def test_arrays_are_gathered_in_the_order_of_the_ranks(horovod):
    world = distributed.join('distributed', True)
    for array in (np.array([[1.5, 2.0]], np.float32), np.array([7]), np.array([[2.0, 3.0]], np.float32)):
        found = world.gather(array)
        assert found.dtype == array.dtype
        assert found.tolist() == [*(3 * array).tolist(), *array.tolist()]
    assert world.own(3) == slice(3, 6)


def test_rank_0_gives_and_the_others_take(horovod):
    content = np.frombuffer(b'7', np.uint8)
    horovod.other = lambda tensor: tf.constant(content)
    assert distributed.join('distributed', True).share('what rank 1 has') == 7


def test_variables_take_the_values_of_rank_0(horovod):
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        variable = tf.compat.v1.get_variable('v', initializer=2.0)
        sess.run(variable.initializer)
        distributed.join('distributed', True).broadcast(sess, [variable])
        assert sess.run(variable) == 6.0


def test_a_lost_process_is_told_from_other_errors(horovod):
    world = distributed.join('distributed', True)
    horovod.allgather = lambda tensor, name: tf.debugging.check_numerics(tensor / 0, 'an error of TensorFlow')
    with pytest.raises(PeerError, match='another process of this job has ended'):
        world.gather(np.zeros(1))
    assert world.lost(PeerError('')) and world.lost(tf.errors.UnknownError(None, None, 'HorovodAllreduce failed'))
    assert not world.lost(None) and not world.lost(tf.errors.InternalError(None, None, 'Blas GEMM launch failed'))


@pytest.mark.slow
def test_a_model_of_two_is_described_as_one_with_the_whole_batch(horovod):
    for make in (models.char, models.sentiment):
        one, two = make(batch_size=6), make(batch_size=3, distributed=True, anew=True)
        assert two.global_batch_size == 6 and two.world.size == 2
        assert two.arguments() == one.arguments()
        scaled = make(learning_rate=0.5, distributed=True, scale_learning_rate=True, anew=True)
        assert scaled.arguments()['learning_rate'] == 1.0
        assert make(learning_rate=0.5, scale_learning_rate=True).learning_rate == 0.5
    assert horovod.calls == ['init'] * 4


@pytest.mark.parametrize('engine', ['book', 'fused'])
@pytest.mark.parametrize('make', [models.char, models.sentiment])
def test_every_rank_has_the_weights_of_rank_0_and_its_own_dropout(horovod, engine, make):
    x, y = models.reviews() if make is models.sentiment else models.characters()

    def weights_and_cost(**several):
        model = make(engine=engine, **several)
        with tf.compat.v1.Session(graph=model.g, config=model.session_config()) as sess:
            sess.run(model.init_op)
            feed = models.feeds(model, x, y, 0.5)[0]
            return (sess.run(model.g.get_collection('trainable_variables')), sess.run('cost:0', feed),
                    sess.run('cost:0', {**feed, 'tf_keepprob:0': 1.0}))

    (weights, dropped, whole), (others, dropped_there, whole_there) = weights_and_cost(), weights_and_cost(
        distributed=True, anew=True)
    for one, other in zip(weights, others):
        np.testing.assert_array_equal(one, other)
    assert whole == pytest.approx(whole_there, abs=1e-6) and dropped != pytest.approx(dropped_there, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize('more', [{}, {'bidirectional': True, 'pooling': 'max'}])
def test_no_two_layers_or_ranks_of_the_book_draw_alike(horovod, more):
    def seeds(**several):
        model = models.sentiment(num_layers=2, batch_size=4, **more, **several)
        return {(op.get_attr('seed'), op.get_attr('seed2')) for op in model.g.get_operations()
                if op.type == 'RandomUniform' and 'dropout' in op.name}
    one, two = seeds(), seeds(distributed=True, anew=True)
    # Of each direction, the upper layer is not dropped there.
    assert len(one) == len(two) == (2 if more else 1) and not one & two


def test_too_few_rows_are_named_with_the_processes(horovod, tmp_path):
    x, y = models.reviews(9)
    with pytest.raises(ArgumentValueError, match='at least batch_size = 5 times 2 processes = 10 rows, not 9'):
        models.sentiment(distributed=True, anew=True).train(x, y, 1, ckpt_dir=str(tmp_path / 'm'))
    assert not (tmp_path / 'm').exists()


def test_cores_are_shared_out_and_each_process_has_a_gpu(monkeypatch):
    monkeypatch.setattr(devices.os, 'sched_getaffinity', lambda pid: set(range(8)))
    assert [devices.cores(processes) for processes in (1, 2, 3, 16)] == [8, 4, 2, 1]
    assert devices.Threads.of(None, None, 'fused', 'cpu', 2) == (1, 4)
    assert devices.Threads.of(None, None, 'book', 'cpu', 2) == (4, 4)
    assert devices.check_shards('shards', None, 'fused', 'cpu', 100, 2) == 4
    monkeypatch.setattr(devices.tf.config.experimental, 'list_physical_devices', lambda kind: [])
    assert devices.session_config('auto', gpu=1).gpu_options.visible_device_list == ''
    monkeypatch.setattr(devices.tf.config.experimental, 'list_physical_devices', lambda kind: ['one', 'two'])
    assert devices.session_config('auto', gpu=1).gpu_options.visible_device_list == '1'
    assert devices.session_config('cpu', gpu=1).gpu_options.visible_device_list == ''
    assert devices.check_device('device', 'gpu', 1) == 'gpu'
    with pytest.raises(ArgumentValueError, match="device must be 'cpu' where a machine has more processes than GPUs"):
        devices.check_device('device', 'auto', 2)


def test_the_command_that_resumes_starts_as_many_processes(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['train.py', '--distributed'])
    assert cli.resume_command(World(size=3)).startswith('horovodrun -np 3 ')
    assert cli.resume_command(World()).endswith('train.py --distributed --resume')


def test_a_signal_of_another_process_counts(horovod):
    world, stop = distributed.join('distributed', True), cli.StopOnSignal()
    horovod.other = lambda tensor: tensor + 143
    assert not stop()
    stop.agree(world)
    assert stop() and stop.status == 143
