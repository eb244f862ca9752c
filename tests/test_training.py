"""The carried state, the settings of a run, and the order of a training, with a session of our own."""

import dataclasses

import pytest

from rnnbook.distributed import World
from rnnbook.errors import ArgumentTypeError, ArgumentValueError, DivergenceError
from rnnbook.record import Progress
from rnnbook.training import CarriedState, Run, fit


class Model:
    """Names in the place of tensors."""

    initial_state = 'initial_state'
    final_state = 'final_state'
    learning_rate = 0.25
    world = World()


class Session:
    """Counts in the place of states: the zero state is 0, and each step's final state is one more than it was fed.

    `events` tells what was run: 'zero', or a step's number and the state that it started from.
    """

    def __init__(self, costs=None):
        self.events, self.steps, self._costs = [], 0, costs

    def run(self, fetches, feed=None):
        if fetches == 'gradient_norm:0':
            self.events.append(('norm', feed))
            return 7.5
        if fetches == 'initial_state':
            self.events.append('zero')
            return 0
        self.steps += 1
        self.events.append((self.steps, feed['initial_state']))
        names, final = fetches
        assert final == 'final_state'
        cost = self._costs[self.steps - 1] if self._costs else self.steps / 10
        values = {'cost:0': cost, 'train_op': None, 'x': feed.get('tf_x:0')}
        return [values[name] for name in names], feed['initial_state'] + 1


class Hearer:
    """In the place of the monitor and of the folder: puts what they are told among the session's events."""

    def __init__(self, events):
        self._events = events

    def step(self, progress, loss):
        self._events.append(('log', progress.epochs + 1, progress.iteration, loss))

    def epoch(self, progress):
        self._events.append(('epoch', progress.epochs))

    def save(self, progress):
        self._events.append(('save', progress.epochs, progress.position, progress.iteration))

    def left(self):
        return 'nothing is left'


def train(num_epochs, batches, progress=None, costs=None, **run):
    """Run `fit`; gives the session's events with those of the monitor and the folder among them."""
    sess = Session(costs)

    def feeds():
        sess.events.append('feeds')
        return ({'tf_x:0': batch} for batch in range(batches))

    try:
        fit(sess, Model(), Run.of(run, save_every=1, log_every=100), num_epochs, feeds,
            Progress() if progress is None else progress, Hearer(sess.events), Hearer(sess.events))
    except DivergenceError as error:
        sess.events.append(str(error))
    return sess.events


def only(events, kind):
    return [event[1:] for event in events if event[0] == kind]


# The carried state

def test_each_run_starts_where_the_one_before_ended():
    sess = Session()
    state = CarriedState(sess, Model())
    assert [state.run(['x'], {'tf_x:0': letter}) for letter in 'ab'] == [['a'], ['b']]
    state.reset()
    state.run(['x'], {'tf_x:0': 'c'})
    assert sess.events == ['zero', (1, 0), (2, 1), 'zero', (3, 0)]


def test_the_feed_of_the_caller_is_left_as_it_was():
    feed = {'tf_x:0': 'a'}
    CarriedState(Session(), Model()).run(['x'], feed)
    assert feed == {'tf_x:0': 'a'}


# The settings

def test_settings_have_the_values_of_the_book_unless_given():
    assert Run.of({}, save_every=10, log_every=20) == Run(resume=False, save_every=10, save_minutes=None, max_to_keep=5,
                                                          log_every=20, overwrite=False, stop=None)


def test_settings_that_are_given_win_and_none_means_the_default():
    run = Run.of({'save_every': 3, 'log_every': None, 'max_to_keep': None, 'overwrite': True}, save_every=10,
                 log_every=20)
    assert (run.save_every, run.log_every, run.max_to_keep, run.overwrite) == (3, 20, 5, True)


def test_settings_cannot_be_changed():
    run = Run.of({}, save_every=10, log_every=20)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.save_every = 1


def test_an_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(ArgumentTypeError) as caught:
        Run.of({'save_evry': 3}, save_every=10, log_every=20)
    names = ', '.join(field.name for field in dataclasses.fields(Run))
    assert str(caught.value) == "train has no argument 'save_evry'; its settings of a run are " + names


@pytest.mark.parametrize('settings, error, message', [
    ({'save_every': -1}, ArgumentValueError, 'save_every must be an integer of at least 0, not -1'),
    ({'save_every': 1.5}, ArgumentTypeError, 'save_every must be an integer of at least 0, not 1.5'),
    ({'save_minutes': 0}, ArgumentValueError, 'save_minutes must be a finite number above 0, not 0'),
    ({'save_minutes': float('nan')}, ArgumentValueError, 'save_minutes must be a finite number above 0, not nan'),
    ({'save_minutes': '5'}, ArgumentTypeError, "save_minutes must be a finite number above 0, not '5'"),
    ({'resume': 'yes'}, ArgumentTypeError, "resume must be True or False, not 'yes'"),
    ({'log_every': -1}, ArgumentValueError, 'log_every must be an integer of at least 1, not -1'),
    ({'log_every': '20'}, ArgumentTypeError, "log_every must be an integer of at least 1, not '20'"),
    ({'max_to_keep': -1}, ArgumentValueError, 'max_to_keep must be an integer of at least 0, not -1'),
    ({'max_to_keep': True}, ArgumentTypeError, 'max_to_keep must be an integer of at least 0, not True'),
    ({'overwrite': 1}, ArgumentTypeError, 'overwrite must be True or False, not 1'),
    ({'stop': True}, ArgumentTypeError, 'stop must be a function without arguments, not True'),
])
def test_a_bad_setting_is_refused_by_name(settings, error, message):
    with pytest.raises(error) as caught:
        Run.of(settings, save_every=10, log_every=20)
    assert str(caught.value) == message


def test_all_checkpoints_may_be_kept():
    assert Run.of({'max_to_keep': 0}, save_every=10, log_every=20).max_to_keep == 0


# The order of a training

def test_the_state_is_zero_at_each_epoch_and_carried_between_batches():
    events = [event for event in train(2, 3) if event[0] not in ('log', 'save', 'epoch')]
    first, second = events.index('feeds'), len(events) - 4
    assert events[first:first + 4] == ['feeds', (1, 0), (2, 1), (3, 2)]
    assert events[second:] == ['feeds', (4, 0), (5, 1), (6, 2)]
    assert events[first - 1] == events[second - 1] == 'zero'


def test_epochs_and_iterations_count_from_1_and_iterations_run_on():
    assert only(train(2, 3, log_every=1), 'log') == [(1, 1, 0.1), (1, 2, 0.2), (1, 3, 0.3),
                                                     (2, 4, 0.4), (2, 5, 0.5), (2, 6, 0.6)]


@pytest.mark.parametrize('every, logged', [(2, [(1, 2, 0.2), (2, 4, 0.4), (2, 6, 0.6)]),
                                           (4, [(2, 4, 0.4)]), (6, [(2, 6, 0.6)]), (7, [])])
def test_every_so_many_iterations_are_logged_over_the_epochs(every, logged):
    assert only(train(2, 3, log_every=every), 'log') == logged


@pytest.mark.parametrize('num_epochs, every, epochs', [
    (5, 1, [1, 2, 3, 4, 5]),
    (5, 2, [2, 4, 5]),
    (4, 2, [2, 4]),
    (3, 10, [3]),
    (1, 10, [1]),
    (3, 0, [3]),
])
def test_every_so_many_epochs_are_saved_and_the_last_one_always(num_epochs, every, epochs):
    saved = only(train(num_epochs, 2, save_every=every), 'save')
    assert saved == [(epoch, 0, 2 * epoch) for epoch in epochs]


def test_an_epoch_is_saved_after_its_last_iteration_is_logged():
    events = train(1, 2, log_every=1)
    assert events[-5:] == [('log', 1, 1, 0.1), (2, 1), ('log', 1, 2, 0.2), ('epoch', 1), ('save', 1, 0, 2)]


@pytest.mark.parametrize('after, save', [(1, (0, 1, 1)), (2, (0, 2, 2)), (3, (0, 3, 3)), (5, (1, 2, 5))])
def test_a_stop_saves_once_and_ends_the_run(after, save):
    asked = []

    def stop():
        asked.append(None)
        return len(asked) >= after

    events = train(4, 3, save_every=10, stop=stop)
    assert only(events, 'save') == [save]
    assert events[-1] == ('save',) + save
    assert [event for event in events if isinstance(event[0], int)][-1][0] == after


def test_the_iteration_that_is_stopped_after_is_logged():
    events = train(2, 3, log_every=1, stop=lambda: True)
    assert events[-2:] == [('log', 1, 1, 0.1), ('save', 0, 1, 1)]


def test_a_stop_that_is_never_asked_for_changes_nothing():
    assert train(2, 3, stop=lambda: False) == train(2, 3)


def test_a_save_by_minutes_comes_within_the_epoch_and_beside_those_by_epochs():
    assert only(train(1, 3, save_minutes=1e-9), 'save') == [(0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 0, 3)]
    assert only(train(2, 2, save_minutes=60, save_every=0), 'save') == [(2, 0, 4)]


# What a run remembers

def test_progress_has_a_row_for_each_epoch_with_the_mean_of_its_losses():
    progress = Progress()
    train(2, 3, progress)
    assert [(row['epoch'], row['iteration'], row['loss']) for row in progress.history] == [
        (1, 3, pytest.approx(0.2)), (2, 6, pytest.approx(0.5))]
    assert all(row['seconds'] >= 0 for row in progress.history)
    assert (progress.iteration, progress.epochs, progress.position, progress.state) == (6, 2, 0, None)


@pytest.mark.parametrize('after', range(1, 7))
def test_a_run_that_stops_and_goes_on_sees_the_same_batches_from_the_same_states(after):
    whole, alone = Progress(), []
    alone = [event for event in train(2, 3, whole) if isinstance(event[0], int)]
    asked, progress = [], Progress()
    first = train(2, 3, progress, stop=lambda: asked.append(1) or len(asked) == after)
    assert progress.state is not None                       # also at the end of an epoch, which is closed later
    second = train(2, 3, progress)
    states = [event[1] for events in (first, second) for event in events if isinstance(event[0], int)]
    assert states == [state for _, state in alone]
    assert (progress.iteration, progress.epochs) == (whole.iteration, whole.epochs)


def test_a_run_that_is_complete_trains_and_saves_nothing():
    progress = Progress()
    train(2, 3, progress)
    assert train(2, 3, progress) == ['zero', ('epoch', 2)]
    assert train(1, 3, progress) == ['zero', ('epoch', 2)]


@pytest.mark.parametrize('cost', [float('nan'), float('inf'), -float('inf')])
def test_a_loss_that_is_not_finite_ends_the_run_at_that_step_and_saves_nothing(cost):
    events = train(3, 2, costs=[0.5, 0.5, cost, 0.5, 0.5, 0.5])
    assert events[-3:] == [(3, 0), ('norm', {'tf_x:0': 0, 'initial_state': 0}),
                           'the loss is %s in epoch 2, iteration 3; learning rate 0.25, gradient norm 7.5; '
                           'nothing is left' % cost]
    assert only(events, 'save') == [(1, 0, 2)]
