// The page of a review model: the probability word by word.
page.start(({class_name, arguments: a, vocabulary}) => `A ${class_name} with ${page.count(a.num_layers, 'layer')} of ` +
  `${page.count(a.lstm_size, 'unit')}${a.bidirectional ? ' in each of two directions' : ''}, which knows ` +
  `${page.count(vocabulary.filter(word => word !== null).length, 'word')} here.`,
model => {
  'use strict';
  const {find, make, draw, count} = page;
  const MOST = 5000;                                    // words that are shown one by one
  const leftOut = model.settings.unknown === null, noun = leftOut ? 'known word' : 'word';
  const list = page.walk(find('words'), tell);
  let cancel = () => {};
  let words = [], curve = [], reader = {ids: []};       // the curve: the probability after 0, 1, ... words

  /** Read the review. A word that is read gets its `place` among them, from 1. */
  function look() {
    cancel();
    const text = find('review').value, encoded = model.encode(text), many = encoded.length > MOST, nodes = [];
    page.read('review', () => (many
      ? {error: `Of more than ${count(MOST, 'word')}, only the probability of the whole is shown.`} : {}));
    reader = model.reader(encoded.filter(({number}) => number !== null).map(({number}) => number));
    words = many ? [] : encoded;
    curve = [];
    let place = -reader.skipped, end = 0;
    for (const word of words) {
      if (word.number !== null && ++place > 0) word.place = place;
      const look = (word.known ? '' : 'unknown ') + (word.place ? '' : 'soft');
      nodes.push(text.slice(end, word.start), page.item(text.slice(word.start, word.end), {class: look}));
      end = word.end;
    }
    list.show(words.length ? [...nodes, text.slice(end)] : []);
    find('probability').textContent = encoded.length ? reader.final.toFixed(3) : '';
    const label = `the label is ${reader.final > 0.5 ? '1 (positive)' : '0 (negative)'}`;
    find('label').textContent = encoded.length ? `probability that the review is positive, so ${label}` : '';
    show(true);
    if (!words.length) return;
    const prefixes = reader.prefixes();
    cancel = page.run((function* () {
      for (const probability of prefixes) yield curve.push(probability);
    })(), show);
  }

  /** How far a word has moved the probability; undefined if it is not read or not computed yet. */
  const moved = ({place}) => (place < curve.length ? curve[place] - curve[place - 1] : undefined);

  /** Show what has been computed. */
  function show(done) {
    list.paint(words.map(word => moved(word) || 0), 3);
    const unknown = words.filter(({known}) => !known).length, said = [];
    if (!done) said.push(`Word ${curve.length - 1} of ${reader.ids.length}…`);
    if (unknown) said.push(`${unknown} of ${count(words.length, 'word')} ${unknown === 1 ? 'is' : 'are'} not known.`);
    if (words.length && !reader.ids.length) said.push('So this is the probability of an empty review.');
    if (reader.skipped) said.push(`Only the last ${count(reader.ids.length, noun)} are read.`);
    find('review-status').textContent = said.join(' ');
    tell(list.current);
  }

  /** Say what a word did, and mark it on the curve. */
  function tell(index) {
    const word = words[index], change = word && moved(word);
    let text = 'Point at a word, tap it, or walk there with the arrow keys.';
    if (change !== undefined) {
      text = `“${word.word}”${word.known ? '' : ', read as an unknown word,'} moved the probability by ` +
        `${page.signed(change, 3)}, from ${curve[word.place - 1].toFixed(3)} to ${curve[word.place].toFixed(3)}.`;
    } else if (word) {
      text = `“${word.word}” ${word.place ? 'is still to be read.' : word.known || !leftOut
        ? `is not read: it comes before the last ${count(model.seqLen, noun)}.`
        : 'is not read: the model does not know it.'}`;
    }
    find('detail').replaceChildren(make('p', word ? {} : {class: 'soft'}, text));
    chart(word && word.place);
  }

  /** The curve, with a mark after `place` words. */
  function chart(place) {
    const total = reader.ids.length, width = find('chart').clientWidth;
    const left = 54, right = width - 12, top = 10, bottom = 180, middle = {'text-anchor': 'middle'};
    const x = n => left + (right - left) * n / total, y = p => bottom - (bottom - top) * p;
    if (!total || !curve.length) return find('chart').replaceChildren();
    const ends = `from ${curve[0].toFixed(3)} to ${curve[curve.length - 1].toFixed(3)}`;
    const picture = draw('svg', {viewBox: `0 0 ${width} 226`, role: 'img', 'aria-label': `The probability, ${ends}`});
    for (const p of [0, 0.25, 0.5, 0.75, 1]) {
      picture.append(draw('line', {class: p === 0.5 ? 'half' : 'grid', x1: left, x2: right, y1: y(p), y2: y(p)}),
        draw('text', {x: left - 6, y: y(p) + 4, 'text-anchor': 'end'}, p));
    }
    const least = 60 * total / width, ten = 10 ** Math.floor(Math.log10(least));
    const step = Math.max(1, [1, 2, 5, 10].map(n => n * ten).find(n => n >= least));
    for (let n = 0; n <= total; n += step) picture.append(draw('text', {x: x(n), y: bottom + 18, ...middle}, n));
    picture.append(draw('text', {x: (left + right) / 2, y: bottom + 40, ...middle}, 'words read'),
      draw('text', {transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`, ...middle}, 'probability'),
      draw('path', {class: 'curve', d: `M${curve.map((p, n) => `${x(n).toFixed(1)} ${y(p).toFixed(1)}`).join('L')}`}));
    if (place < curve.length) picture.append(draw('circle', {class: 'point', r: 5, cx: x(place), cy: y(curve[place])}));
    picture.addEventListener('pointermove', event => {
      const away = event.clientX - find('chart').getBoundingClientRect().left - left;
      const place = Math.round(away / (right - left) * total);
      list.go(words.findIndex(word => word.place === place));
    });
    find('chart').replaceChildren(picture);
  }

  /** What exactly is attributed to a word, for this model. */
  function* meaning() {
    yield 'It is a difference: the probability of the review cut off after this word, less that of the review cut off ' +
      'before it. Both are the model’s answers for a shortened review. The words that follow play no part.';
    const pools = {mean: 'the mean', max: 'the largest values', meanmax: 'the mean and the largest values'};
    yield model.pooling in pools ? `The model answers from ${pools[model.pooling]} of its states at all words up to ` +
      'the cut, so a word adds its own state to those before it.' : 'The model answers from its last state, at the cut.';
    if (model.arguments.bidirectional) {
      yield 'It also reads backwards, from the cut to the first word. So it meets the newest word first, and ' +
        'this word changes the states at all words before it: the difference is what the model makes of them together.';
    }
    yield `Only the last ${count(model.seqLen, noun)} of a review are read. Those before, in grey, play no part.`;
  }

  find('fate').textContent = leftOut ? 'are left out' : 'are all read as the same unknown word';
  for (const text of meaning()) find('meaning').append(make('p', {}, text));
  page.typed('review', () => cancel(), look);
  window.addEventListener('resize', () => tell(list.current));
  look();
});
