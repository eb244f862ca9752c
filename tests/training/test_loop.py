"""The carried state, the settings of a run, and the order of a training, with a session of our own."""

import dataclasses

import numpy as np
import pytest

from rnnbook.errors import ArgumentTypeError, ArgumentValueError, DivergenceError
from rnnbook.model_folder.run_state import RunState
from rnnbook.network.distributed import World
from rnnbook.training.loop import CarriedState, Training
from rnnbook.training.plan import Plan
from rnnbook.training.run import Run


class Model:
    """Names in the place of tensors."""

    initial_state = 'initial_state'
    final_state = 'final_state'
    learning_rate = 0.25
    world = World()


class Session:
    """Counts in the place of states: the zero state is 0, and each step's final state is one more than it was fed.

    `events` tells what was run: 'zero', or a step's number and the state that it started from; `rates` what was fed.
    """

    def __init__(self, costs=None):
        self.events, self.rates, self.steps, self._costs = [], [], 0, costs

    def run(self, fetches, feed=None):
        if fetches == 'initial_state':
            self.events.append('zero')
            return 0
        self.steps += 1
        self.events.append((self.steps, feed['initial_state']))
        names, final = fetches
        assert final == 'final_state'
        self.rates.append(feed.get('learning_rate:0'))
        cost = self._costs[self.steps - 1] if self._costs else self.steps / 10
        values = {'cost:0': cost, 'gradient_norm:0': 7.0 + self.steps / 10, 'train_op': None, 'x': feed.get('tf_x:0'),
                  'labels:0': np.array([0, 1])}
        return [values[name] for name in names], feed['initial_state'] + 1


class Hearer:
    """In the place of the monitor and of the folder: puts what they are told among the session's events."""

    def __init__(self, events):
        self._events = events

    def watch(self, feeds, state):
        return feeds

    def step(self, state, step):
        self._events.append(('step', state.epochs + 1, state.iteration, *step))

    def epoch(self, state):
        self._events.append(('epoch', state.epochs))

    def keep_best(self, state, name, rate):
        self._events.append(('best?', state.epochs))

    def save(self, state, name, rate):
        self._events.append(('save', state.epochs, state.position, state.iteration))

    def left(self):
        return 'nothing is left'


class Batches(Plan):
    """A plan whose batches are numbers, and which puts among the session's events that it was asked for them."""

    events = None

    def feeds(self, epoch):
        self.events.append('feeds')
        return ({'tf_x:0': batch, 'tf_y:0': np.array([batch % 2, 1])} for batch in range(self.batches))

    def checkpoint(self, state):
        return 'c-%d' % state.iteration


def train(num_epochs, batches, state=None, costs=None, sess=None, validate=dict, labels=None, **run):
    """Run the loop; gives the session's events with those of the monitor and the folder among them."""
    sess = sess or Session(costs)
    plan = Batches(num_epochs, batches, 10 * batches, {}, None, None)
    plan.events, plan.labels = sess.events, labels
    training = Training(sess, Model(), Run.of(run, save_every=1, log_every=100), plan,
                        RunState() if state is None else state, Hearer(sess.events), Hearer(sess.events))
    training._validate = validate
    try:
        training.fit()
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

PAIR = 'validation must be a fraction above 0 and below 1, or a pair of arrays, not %s'
NEEDS = '%s needs validation: a fraction of the training data, or a pair of arrays'


def test_settings_have_the_values_of_the_book_unless_given():
    assert Run.of({}, save_every=10, log_every=20) == Run(
        resume=False, save_every=10, save_minutes=None, max_to_keep=5, log_every=20, overwrite=False, stop=None,
        validation=None, keep_best=False, patience=None, decay=1.0, decay_after=0, quiet=False, logdir=None,
        init_from=None)


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
    names = ', '.join(field.name for field in dataclasses.fields(Run) if field.init)
    assert str(caught.value) == "train has no setting 'save_evry'; its settings are " + names


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
    ({'validation': 0}, ArgumentValueError, PAIR % '0'),
    ({'validation': 1.5}, ArgumentValueError, PAIR % '1.5'),
    ({'validation': float('nan')}, ArgumentValueError, PAIR % 'nan'),
    ({'validation': True}, ArgumentTypeError, PAIR % 'True'),
    ({'validation': 'a tenth'}, ArgumentTypeError, PAIR % "'a tenth'"),
    ({'validation': [1, 2, 3]}, ArgumentValueError, PAIR % '3 of them'),
    ({'keep_best': True}, ArgumentValueError, NEEDS % 'keep_best'),
    ({'keep_best': 1}, ArgumentTypeError, 'keep_best must be True or False, not 1'),
    ({'patience': 2}, ArgumentValueError, NEEDS % 'patience'),
    ({'patience': 0}, ArgumentValueError, 'patience must be an integer of at least 1, not 0'),
    ({'decay': 0}, ArgumentValueError, 'decay must be a finite number above 0 and of at most 1, not 0'),
    ({'decay': 2}, ArgumentValueError, 'decay must be a finite number above 0 and of at most 1, not 2'),
    ({'decay_after': -1}, ArgumentValueError, 'decay_after must be an integer of at least 0, not -1'),
    ({'quiet': 'very'}, ArgumentTypeError, "quiet must be True or False, not 'very'"),
    ({'logdir': 3}, ArgumentTypeError, 'logdir must be a path, not 3'),
    ({'logdir': ''}, ArgumentValueError, "logdir must be a path of at least one character and without NUL, not ''"),
])
def test_a_bad_setting_is_refused_by_name(settings, error, message):
    with pytest.raises(error) as caught:
        Run.of(settings, save_every=10, log_every=20)
    assert str(caught.value) == message


def test_all_checkpoints_may_be_kept():
    assert Run.of({'max_to_keep': 0}, save_every=10, log_every=20).max_to_keep == 0


# The order of a training

def test_the_state_is_zero_at_each_epoch_and_carried_between_batches():
    events = [event for event in train(2, 3) if event[0] not in ('step', 'save', 'epoch', 'best?')]
    first, second = events.index('feeds'), len(events) - 4
    assert events[first:first + 4] == ['feeds', (1, 0), (2, 1), (3, 2)]
    assert events[second:] == ['feeds', (4, 0), (5, 1), (6, 2)]
    assert events[first - 1] == events[second - 1] == 'zero'


def test_epochs_and_iterations_count_from_1_and_each_is_told_with_its_loss_norm_and_rate():
    assert only(train(2, 3), 'step') == [
        (1, 1, 0.1, 7.1, 0.25), (1, 2, 0.2, 7.2, 0.25), (1, 3, 0.3, 7.3, 0.25),
        (2, 4, 0.4, 7.4, 0.25), (2, 5, 0.5, 7.5, 0.25), (2, 6, 0.6, 7.6, 0.25)]


@pytest.mark.parametrize('decay, decay_after, rates', [
    (1.0, 0, [None] * 4), (1.0, 2, [None] * 4), (0.5, 0, [1, 0.5, 0.25, 0.125]), (0.5, 1, [1, 0.5, 0.25, 0.125]),
    (0.5, 2, [1, 1, 0.5, 0.25]), (0.5, 9, [1, 1, 1, 1])])
def test_the_learning_rate_is_multiplied_after_each_epoch_but_the_first_so_many(decay, decay_after, rates):
    sess, state = Session(), RunState()
    train(4, 1, state, sess=sess, decay=decay, decay_after=decay_after)
    assert sess.rates == [rate and 0.25 * rate for rate in rates]
    assert [row['learning_rate'] for row in state.history] == [0.25 * (rate or 1) for rate in rates]


def validating(*accuracies):
    """The state and the events of a run with a patience of 2 and these validations."""
    figures = iter(accuracies)
    state = RunState()
    events = train(len(accuracies), 1, state, validate=lambda: {'val_accuracy': next(figures)}, validation=0.5,
                   patience=2, save_every=0)
    return state, events


@pytest.mark.parametrize('accuracies, epochs', [
    ([.5, .6, .7, .8], 4), ([.5, .4, .4, .9], 3), ([.5, .5, .5, .9], 3), ([.5, .4, .6, .5, .7], 5),
    ([.5, .6, .6, .6, .9], 4), ([.5, .4], 2)])
def test_patience_ends_a_run_after_so_many_epochs_without_a_better_validation_and_saves(accuracies, epochs):
    state, events = validating(*accuracies)
    assert state.epochs == epochs
    assert events[-3:] == [('epoch', epochs), ('best?', epochs), ('save', epochs, 0, epochs)]
    assert train(len(accuracies), 1, state, validation=0.5, patience=2) == ['zero']      # there is nothing to do
    assert [row['val_accuracy'] for row in state.history] == accuracies[:epochs]


@pytest.mark.parametrize('figure', [float('nan'), float('inf')])
def test_a_validation_that_is_not_finite_ends_the_run(figure):
    events = train(2, 3, validate=lambda: {'val_loss': figure})
    assert events[-1] == 'val_loss is %s in epoch 1, iteration 3; learning rate 0.25; nothing is left' % figure


def test_the_accuracy_of_an_epoch_is_that_of_its_rows():
    state = RunState()
    train(1, 3, state, labels='labels:0')                # [0, 1] predicted; [0, 1], [1, 1] and [0, 1] right
    assert state.history[0]['accuracy'] == 5 / 6
    assert (state.right, state.seen) == (0, 0)


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
    events = train(1, 2)
    assert [event[0] for event in events[-6:]] == ['step', 2, 'step', 'epoch', 'best?', 'save']


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
    events = train(2, 3, stop=lambda: True)
    assert events[-2:] == [('step', 1, 1, 0.1, 7.1, 0.25), ('save', 0, 1, 1)]


def test_a_stop_that_is_never_asked_for_changes_nothing():
    assert train(2, 3, stop=lambda: False) == train(2, 3)


def test_a_save_by_minutes_comes_within_the_epoch_and_beside_those_by_epochs():
    assert only(train(1, 3, save_minutes=1e-9), 'save') == [(0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 0, 3)]
    assert only(train(2, 2, save_minutes=60, save_every=0), 'save') == [(2, 0, 4)]


# What a run remembers

def test_progress_has_a_row_for_each_epoch_with_the_mean_of_its_losses():
    state = RunState()
    train(2, 3, state)
    assert [(row['epoch'], row['iteration'], row['loss']) for row in state.history] == [
        (1, 3, pytest.approx(0.2)), (2, 6, pytest.approx(0.5))]
    assert all(row['seconds'] >= 0 for row in state.history)
    assert (state.iteration, state.epochs, state.position, state.carried) == (6, 2, 0, None)


@pytest.mark.parametrize('after', range(1, 7))
def test_a_run_that_stops_and_goes_on_sees_the_same_batches_from_the_same_states(after):
    whole, alone = RunState(), []
    alone = [event for event in train(2, 3, whole) if isinstance(event[0], int)]
    asked, state = [], RunState()
    first = train(2, 3, state, stop=lambda: asked.append(1) or len(asked) == after)
    assert state.carried is not None                       # also at the end of an epoch, which is closed later
    second = train(2, 3, state)
    states = [event[1] for events in (first, second) for event in events if isinstance(event[0], int)]
    assert states == [state for _, state in alone]
    assert (state.iteration, state.epochs) == (whole.iteration, whole.epochs)


def test_a_run_that_is_complete_trains_and_saves_nothing():
    state = RunState()
    train(2, 3, state)
    assert train(2, 3, state) == train(1, 3, state) == ['zero']


@pytest.mark.parametrize('cost', [float('nan'), float('inf'), -float('inf')])
def test_a_loss_that_is_not_finite_ends_the_run_at_that_step_and_saves_nothing(cost):
    events = train(3, 2, costs=[0.5, 0.5, cost, 0.5, 0.5, 0.5])
    assert events[-2:] == [(3, 0), 'the loss is %s in epoch 2, iteration 3; learning rate 0.25, gradient norm 7.3; '
                                   'nothing is left' % cost]
    assert only(events, 'save') == [(1, 0, 2)]
