// What both pages share: the model, fields and their errors, work in slices, texts that one can walk along.
// What comes from the model or from the reader gets into the page as text, never as HTML.
const page = (() => {
  'use strict';

  const find = id => document.getElementById(id);

  function set(element, attributes, text) {
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** A new element of HTML, or of SVG, with its attributes and text. */
  const make = (name, attributes, text) => set(document.createElement(name), attributes, text);
  const draw = (name, attributes, text) =>
    set(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, text);

  /** A number with its sign, the minus as wide as the plus. */
  function signed(value, digits) {
    const text = Math.abs(value).toFixed(digits);
    return (Number(text) === 0 ? '' : value < 0 ? '−' : '+') + text;
  }

  /** A count with its noun: 1 word, 2,000 words. */
  const count = (n, noun) => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

  /** The `value` that `parse` finds in a field; undefined if it finds an `error`, which is shown beside the field. */
  function read(id, parse) {
    const {value, error} = parse(find(id).value);
    set(find(id), {'aria-invalid': error !== undefined});
    find(id + '-error').textContent = error || '';
    return value;
  }

  /** A parser of whole numbers from `low` to `high`. */
  const whole = (low, high) => text => (/^\s*\d+\s*$/.test(text) && low <= Number(text) && Number(text) <= high
    ? {value: Number(text)} : {error: `A whole number from ${low} to ${high.toLocaleString('en')}.`});

  /** Run a generator in slices, so that the page stays alive; `show(done)` follows each. Returns what stops it. */
  function run(generator, show) {
    let timer = setTimeout(function slice() {
      const end = performance.now() + 14;
      let done;
      do done = generator.next().done; while (!done && performance.now() < end);
      timer = done ? 0 : setTimeout(slice);
      show(done);
    });
    return () => clearTimeout(timer);
  }

  /** When something is typed into a field, call `stop` at once and `act` after a moment without more of it. */
  function typed(id, stop, act) {
    let timer;
    find(id).addEventListener('input', () => {
      stop();
      clearTimeout(timer);
      timer = setTimeout(act, 250);
    });
  }

  /** A character or word of a list that `walk` makes. */
  const item = (text, attributes) =>
    make('span', {role: 'option', tabindex: -1, 'aria-selected': false, ...attributes}, text);

  /** Let pointer, tap and arrow keys walk along a list, which is one stop of the Tab key; `tell(index)` says where. */
  function walk(list, tell) {
    let items = [], current = -1;

    function go(index) {
      if (!items[index] || index === current) return;
      set(items[Math.max(0, current)], {tabindex: -1, 'aria-selected': false});
      set(items[index], {tabindex: 0, 'aria-selected': true});
      current = index;
      tell(index);
    }

    /** The item nearest to the current one in the line above (-1) or below (1). */
    function line(way) {
      const {offsetTop: top, offsetLeft: left} = items[current];
      const far = one => 1e5 * Math.abs(one.offsetTop - top) + Math.abs(one.offsetLeft - left);
      const there = items.filter(one => (one.offsetTop - top) * way > 0);
      return items.indexOf(there.reduce((best, one) => (far(one) < far(best) ? one : best), there[0]));
    }

    for (const kind of ['pointerover', 'focusin'])
      list.addEventListener(kind, event => go(items.indexOf(event.target)));
    list.addEventListener('keydown', event => {
      const to = {ArrowLeft: () => current - 1, ArrowRight: () => current + 1, ArrowUp: () => line(-1),
        ArrowDown: () => line(1), Home: () => 0, End: () => items.length - 1}[event.key];
      const next = to && !event.ctrlKey && !event.altKey && !event.metaKey && items[to()];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });

    return {
      go,
      get current() { return current; },
      /** Show these nodes, items or not. */
      show(nodes) {
        list.replaceChildren(...nodes);
        items = Array.from(list.querySelectorAll('[role=option]'));
        current = -1;
        if (items.length) items[0].tabIndex = 0;
      },
      /** Colour each item by its value, red below zero and blue above, and say what the ends of the scale are. */
      paint(values, digits) {
        const most = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
        find('low').textContent = signed(-most, digits);
        find('high').textContent = signed(most, digits);
        items.forEach((one, k) => {
          one.classList.toggle('below', values[k] < 0);
          one.classList.toggle('above', values[k] > 0);
          one.style.setProperty('--share', most && k in values ? Math.abs(values[k] / most).toFixed(3) : 0);
        });
      },
    };
  }

  /** Load the model, say which it is, and hand over to the page. */
  function start(title, begin) {
    try {
      const payload = JSON.parse(find('model').textContent), model = RNN.load(payload);
      find('lead').textContent = `${title(payload)} The whole model is in this file; your browser does the computing.`;
      const facts = [['Checkpoint', payload.checkpoint], ...payload.facts,
        ['Written', `${payload.written}, by rnnbook ${payload.version}`]];
      for (const [name, text] of facts) find('facts').append(make('dt', {}, name), make('dd', {}, text));
      for (const field of document.querySelectorAll('input, textarea')) {
        set(field, {'aria-describedby': field.id + '-error', autocapitalize: 'off', autocomplete: 'off'});
        field.after(make('p', {id: field.id + '-error', class: 'error', 'aria-live': 'polite'}));
      }
      begin(model, payload);
    } catch (error) {
      find('broken').textContent = `This page could not start: ${error.message}`;
      throw error;
    }
  }

  return {find, make, draw, signed, count, read, whole, run, typed, item, walk, start};
})();
