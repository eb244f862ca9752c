#!/usr/bin/env python3
"""The side of PyTorch in `scripts/benchmark.py`: the same models as somebody would write them today.

Runs on the interpreter that ``--torch-python`` names, with PyTorch and NumPy and nothing else. One thread a core; the
state is carried from batch to batch, and the loss of every step is fetched, as on the other sides.
"""

import itertools

import clock
import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Reviews(nn.Module):
    """Embedding, LSTM, one logit from the last output."""

    def __init__(self, n_words, seq_len, lstm_size, num_layers, batch_size, learning_rate, embed_size):
        super().__init__()
        self.embedding = nn.Embedding(n_words, embed_size)
        nn.init.uniform_(self.embedding.weight, -1, 1)
        self.lstm = nn.LSTM(embed_size, lstm_size, num_layers, batch_first=True)
        self.logits = nn.Linear(lstm_size, 1)

    def forward(self, x, state=None, keep_prob=1.0):
        outputs, state = self.lstm(self.embedding(x), state)
        last = functional.dropout(outputs[:, -1], 1 - keep_prob, training=keep_prob < 1)
        return self.logits(last)[:, 0], state


class Characters(nn.Module):
    """One-hot, LSTM, logits of every step."""

    def __init__(self, num_classes, batch_size, num_steps, lstm_size, num_layers, learning_rate, grad_clip):
        super().__init__()
        self.num_classes = num_classes
        self.lstm = nn.LSTM(num_classes, lstm_size, num_layers, batch_first=True)
        self.logits = nn.Linear(lstm_size, num_classes)

    def forward(self, x, state=None, keep_prob=1.0):
        outputs, state = self.lstm(functional.one_hot(x, self.num_classes).float(), state)
        outputs = functional.dropout(outputs, 1 - keep_prob, training=keep_prob < 1)
        return self.logits(outputs).flatten(0, 1), state


# -------------------------------------------------------------------------------------------------------- training

def training(model, epoch, loss_of, job):
    """Train without end, a step each time; the loss of each."""
    settings = job['model']
    optimizer = torch.optim.Adam(model.parameters(), lr=settings['learning_rate'], fused=True)
    while True:
        state = None
        for x, y in epoch():
            optimizer.zero_grad()
            logits, state = model(x, state, job['keep_prob'])
            loss = loss_of(logits, y)
            loss.backward()
            if 'grad_clip' in settings:
                nn.utils.clip_grad_norm_(model.parameters(), settings['grad_clip'])
            optimizer.step()
            state = tuple(part.detach() for part in state)
            yield loss.item()


def review_step(job):
    """Training steps on reviews."""
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = torch.from_numpy(data['x']), torch.from_numpy(data['y'].astype(np.float32))
    size = job['model']['batch_size']

    def epoch():
        for start in range(0, len(x) - size + 1, size):
            yield x[start:start + size], y[start:start + size]

    return 1, training(Reviews(**job['model']), epoch, functional.binary_cross_entropy_with_logits, job)


def char_step(job):
    """Training steps on characters."""
    with np.load(job['data'], allow_pickle=False) as data:
        x, y = (torch.from_numpy(data[name].astype(np.int64)) for name in 'xy')
    width = job['model']['num_steps']

    def epoch():
        for start in range(0, x.shape[1] - width + 1, width):
            yield x[:, start:start + width], y[:, start:start + width].flatten()

    return 1, training(Characters(**job['model']), epoch, functional.cross_entropy, job)


# ---------------------------------------------------------------------------------------- prediction and sampling

def review_predict(job):
    """Batches of reviews, forward only."""
    model, size = Reviews(**job['model']), job['model']['batch_size']
    with np.load(job['data'], allow_pickle=False) as data:
        x = torch.from_numpy(data['x'][:job['rows']])

    @torch.inference_mode()
    def work():
        while True:
            state = None
            for start in range(0, len(x) - size + 1, size):
                logits, state = model(x[start:start + size], state)
                yield torch.round(torch.sigmoid(logits)).int().numpy()

    return size, work()


def sampling(job):
    """Texts drawn character by character from the five likeliest ones, several together as one batch."""
    model, samples = Characters(**job['model']), job['call'].get('num_samples', 1)
    starter = torch.tensor([job['chars'].index(char) for char in job['starter']]).repeat(samples, 1)

    def draw(logits):
        values, numbers = logits.topk(min(5, model.num_classes))
        return numbers.gather(1, torch.multinomial(functional.softmax(values, 1), 1))

    @torch.inference_mode()
    def sample():
        drawn = []
        logits, state = model(starter)
        logits = logits.reshape(samples, len(job['starter']), -1)[:, -1]
        drawn.append(draw(logits))
        for _ in range(job['characters']):
            logits, state = model(drawn[-1], state)
            drawn.append(draw(logits))
        return [''.join(job['chars'][number] for number in row) for row in torch.cat(drawn, 1).tolist()]

    return job['characters'] * samples, (sample() for _ in itertools.count())


CASES = {'review-step': review_step, 'char-step': char_step, 'review-predict': review_predict, 'sample': sampling}

if __name__ == '__main__':
    torch.set_num_threads(clock.cores())
    torch.manual_seed(123)
    if clock.job_given()['case'] == 'version':
        clock.answer({'version': torch.__version__})
    else:
        clock.turns(CASES)
