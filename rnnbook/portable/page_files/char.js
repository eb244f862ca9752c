// The page of a character model: write a text, and look at the units while a text is read.
page.start(({class_name, arguments: a, vocabulary}) => `A ${class_name} with ${page.count(a.num_layers, 'layer')} of ` +
  `${page.count(a.lstm_size, 'unit')}, which knows ${page.count(vocabulary.length, 'character')}.`,
model => {
  'use strict';
  const {find, make, count} = page;
  const MOST = 10000;                                   // characters that are looked at
  const NAMES = {'\n': 'line break', '\r': 'carriage return', ' ': 'space', '\t': 'tab'};
  const SIGNS = {'\n': '↵', '\r': '␍', ' ': '␣', '\t': '⇥'};
  const name = char => NAMES[char] || `“${char}”`;

  /** The characters of a text that the model does not know, in words. */
  function unknown(text) {
    const chars = Array.from(new Set(text)).filter(char => !model.numbers.has(char));
    return chars.slice(0, 20).map(name).join(', ') + (chars.length > 20 ? ' and others' : '');
  }

  // ---- write -------------------------------------------------------------------------------------------------------

  let written = '', stop = null;                        // `stop` ends what is being written
  let used = '';                                        // the text field's value when it was given a written text

  function settings() {
    const seeds = page.whole(0, 2 ** 32 - 1);
    const how = {
      starter: page.read('starter', text => (text === '' ? {error: 'At least one character.'} : unknown(text)
        ? {error: `The model does not know ${unknown(text)}.`} : {value: text})),
      temperature: page.read('temperature', text => (Number(text) > 0 && Number(text) < Infinity
        ? {value: Number(text)} : {error: 'A number above 0, such as 0.5.'})),
      top: page.read('top', text => (/^\s*all\s*$/i.test(text) ? {value: model.size}
        : /^\s*\d+\s*$/.test(text) && Number(text) > 0 ? {value: Math.min(Number(text), model.size)}
          : {error: 'A whole number of at least 1, or all.'})),
      seed: page.read('seed', text => (text.trim() ? seeds(text) : {value: Math.floor(Math.random() * 2 ** 32)})),
      length: page.read('length', page.whole(0, 100000)),
    };
    return Object.values(how).includes(undefined) ? null : how;
  }

  function* writing(how, drawn) {
    const random = new RNN.Random(how.seed);
    let state = model.start(), probabilities;
    for (const char of how.starter) ({state, probabilities} = model.step(model.numbers.get(char), state));
    while (drawn.length <= how.length) {
      const number = RNN.draw(probabilities, random.next(), how.top, how.temperature);
      drawn.push(model.chars[number]);
      ({state, probabilities} = model.step(number, state));
      yield;
    }
  }

  function write() {
    const how = settings();
    if (!how) return;
    if (stop) stop();
    const drawn = [], tail = document.createTextNode('');
    let shown = 0;
    find('written').replaceChildren(make('b', {}, how.starter), tail);
    find('write-status').textContent = 'Writing…';
    find('stop').disabled = false;

    function ended(word) {
      const untouched = find('text').value === used && document.activeElement !== find('text');
      written = how.starter + drawn.join('');
      stop = null;
      find('stop').disabled = true;
      find('use').disabled = false;
      find('write-status').textContent = `${word} ${count(drawn.length, 'character')}, seed ${how.seed}.`;
      if (untouched) use();
    }

    const cancel = page.run(writing(how, drawn), done => {
      tail.appendData(drawn.slice(shown).join(''));
      shown = drawn.length;
      if (done) ended('Wrote');
    });
    stop = () => {
      cancel();
      ended('Stopped after');
    };
  }

  // ---- look inside -------------------------------------------------------------------------------------------------

  const list = page.walk(find('chars'), tell);
  let cancel = () => {}, chosen = false;                // whether the reader has chosen a unit
  let entries = [], values = [];                        // for each character: what was computed, and the unit's value

  function use() {
    find('text').value = written;
    used = find('text').value;                          // with other line ends, where the text has \r
    look(written);
  }

  /** Read the characters: the state after each, the five likeliest next ones, and where the text's own is. */
  function* reading(chars, entries) {
    let state = model.start(), p;
    for (const [k, char] of chars.entries()) {
      ({state, probabilities: p} = model.step(model.numbers.get(char), state));
      const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a]), own = model.numbers.get(chars[k + 1]);
      const likely = order.slice(0, 5).map(n => [n, p[n]]);
      entries.push({char, state, likely, own, p: p[own], rank: order.indexOf(own) + 1});
      yield;
    }
  }

  function look(text = find('text').value) {
    cancel();
    const all = Array.from(text), chars = all.slice(0, MOST);
    const known = chars.filter(char => model.numbers.has(char)), left = unknown(chars), found = [];
    page.read('text', () => (all.length > MOST ? {error: `Only the first ${count(MOST, 'character')} are read.`} : {}));
    list.show(chars.map(char => (!model.numbers.has(char) ? make('s', {}, char)
      : page.item({'\n': '↵\n', '\r': '␍'}[char] || char, char in NAMES ? {'aria-label': NAMES[char]} : {}))));
    find('offers').replaceChildren();
    entries = [];
    paint();
    cancel = page.run(reading(known, found), done => {
      find('look-status').textContent = !done ? `Reading: ${found.length} of ${count(known.length, 'character')}…`
        : left && `Struck through and not read, since the model does not know them: ${left}.`;
      if (!done || !known.length) return;
      entries = found;
      offer(RNN.unitScores(model, known.join(''), found.map(entry => entry.state)));
      paint();
    });
  }

  /** Offer the units that correlate most with a property of this text. */
  function offer(scores) {
    for (const {name, units} of scores.filter(({units}) => units.length)) {
      const row = make('div', {class: 'units', role: 'group', 'aria-label': name});
      row.append(make('span', {}, name));
      for (const {layer, unit, part, r} of units.slice(0, 3)) {
        const text = `${model.layers > 1 ? `layer ${layer}, ` : ''}unit ${unit} ${part}: ${page.signed(r, 2)}`;
        row.append(make('button', {type: 'button', value: [layer, unit, part]}, text));
        row.lastChild.addEventListener('click', () => choose([layer, unit, part], true));
      }
      if (!chosen && !find('offers').firstChild) choose([units[0].layer, units[0].unit, units[0].part], false);
      find('offers').append(row);
    }
  }

  function choose(place, byReader) {
    chosen = byReader;
    ['layer', 'unit', 'part'].forEach((id, k) => { find(id).value = place[k]; });
    paint();
  }

  const fields = () => ['layer', 'unit', 'part'].map(id => find(id).value);

  /** Colour the text by the unit that is chosen. */
  function paint() {
    const [layer, unit, part] = fields();
    values = entries.map(entry => entry.state[part][layer][unit]);
    list.paint(values, 2);
    for (const button of find('offers').querySelectorAll('button'))
      button.setAttribute('aria-pressed', button.value === [layer, unit, part].join());
    tell(list.current);
  }

  const percent = p => (p < 0.001 ? '<0.1' : p > 0.999 && p < 1 ? '>99.9' : (100 * p).toFixed(1)) + '%';

  /** Say what the network expects after a character. */
  function tell(index) {
    const entry = entries[index];
    if (!entry) {
      const text = 'Point at a character, tap it, or walk there with the arrow keys, to see what is expected next.';
      return find('detail').replaceChildren(make('p', {class: 'soft'}, text));
    }
    const row = make('ol', {class: 'likely'});
    for (const [n, p] of entry.likely) {
      const cell = make('li', n === entry.own ? {class: 'own'} : {}), bar = make('span', {class: 'bar'});
      bar.style.width = `${100 * p}%`;
      cell.append(make('b', {}, SIGNS[model.chars[n]] || model.chars[n]), percent(p), bar);
      row.append(cell);
    }
    const rank = `rank ${entry.rank}${entry.rank > 5 ? ', not one of these five' : ''}`;
    const next = entry.own === undefined ? 'Here the text ends.'
      : `Next comes ${name(model.chars[entry.own])} (${percent(entry.p)}, ${rank}).`;
    const [layer, unit, part] = fields();
    const which = `${part === 'h' ? 'the output h' : 'the cell state c'} of unit ${unit}` +
      (model.layers > 1 ? ` in layer ${layer}` : '');
    const value = `Character ${index + 1}, ${name(entry.char)}: ${which} is ${page.signed(values[index], 3)}. `;
    find('detail').replaceChildren(make('p', {}, value + next), row);
  }

  // ---- fields ------------------------------------------------------------------------------------------------------

  for (let layer = 0; layer < model.layers; layer++) find('layer').append(make('option', {}, layer));
  for (let unit = 0; unit < model.units; unit++) find('unit').append(make('option', {}, unit));
  find('choice').addEventListener('change', () => {
    chosen = true;
    paint();
  });
  find('write').addEventListener('submit', event => {
    event.preventDefault();
    write();
  });
  find('write').addEventListener('input', settings);
  find('stop').addEventListener('click', () => stop());
  find('use').addEventListener('click', () => {
    use();
    find('text').focus();
  });
  page.typed('text', () => cancel(), look);
  find('starter').value = unknown('The ') ? model.chars.find(char => /\p{L}/u.test(char)) || model.chars[0] : 'The ';
  look();
  write();
});
