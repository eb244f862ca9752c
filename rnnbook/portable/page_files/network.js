/* The network of a page: in plain JavaScript what `rnnbook.portable` computes with NumPy. It knows no DOM, so that
 * node runs it too, which is how the tests compare the two.
 *
 * Legend: V characters, S seq_len, T words of a text, E embed_size, H lstm_size, D inputs of a layer (V, E or H).
 * A layer's kernel is (D + H, 4H), row by row; its columns are the gates i, j, f, o of all units, in this order:
 *
 *     c(t) = c(t-1) * sigmoid(f + 1) + sigmoid(i) * tanh(j)        the forget bias of 1 is not one of the weights
 *     h(t) = sigmoid(o) * tanh(c(t))
 */
'use strict';

const RNN = (() => {

  // ---- weights -----------------------------------------------------------------------------------------------------

  /** The value of 16 bits: a sign, 5 bits of exponent, 10 of fraction. DataView.getFloat16 is too new. */
  function half(bits) {
    const exponent = bits >> 10 & 31, fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24
      : exponent === 31 ? (fraction ? NaN : Infinity) : (1024 + fraction) * 2 ** (exponent - 25);
    return bits >> 15 ? -size : size;
  }

  const HALVES = Float32Array.from({length: 2 ** 16}, (_, bits) => half(bits));

  /** An array of the payload, as a Float32Array. */
  function decode({shape, type, data}) {
    const text = atob(data), view = new DataView(new ArrayBuffer(text.length));
    for (let n = 0; n < text.length; n++) view.setUint8(n, text.charCodeAt(n));
    const values = new Float32Array(shape.reduce((size, each) => size * each, 1));
    for (let n = 0; n < values.length; n++)
      values[n] = type === 'float16' ? HALVES[view.getUint16(2 * n, true)] : view.getFloat32(4 * n, true);
    return values;
  }

  /** Some rows of a kernel, turned: (4H, rows), the four gates of each unit one after the other. */
  function turned(kernel, first, rows, H) {
    const found = new Float32Array(4 * H * rows);
    for (let unit = 0, at = 0; unit < H; unit++)
      for (let gate = 0; gate < 4; gate++)
        for (let row = 0; row < rows; row++) found[at++] = kernel[(first + row) * 4 * H + gate * H + unit];
    return found;
  }

  // ---- one layer, one step -----------------------------------------------------------------------------------------

  const sigmoid = z => 1 / (1 + Math.exp(-z));

  class Layer {
    constructor(kernel, bias, D, H) {
      this.D = D;
      this.H = H;
      this.input = turned(kernel, 0, D, H);                     // (4H, D)
      this.recurrent = turned(kernel, D, H, H);                 // (4H, H)
      this.bias = new Float64Array(4 * H);                      // (4H), unit by unit, as all that follows
      for (let n = 0; n < 4 * H; n++) this.bias[n] = bias[n % 4 * H + (n >> 2)] + (n % 4 === 2 ? 1 : 0);
    }

    /** What an input adds to the gates, the bias included: (4H). */
    gates(x) {
      return product(this.input, x, this.bias);
    }

    /** The same for a one-hot input, which picks a column. */
    column(number) {
      return this.bias.map((bias, n) => bias + this.input[n * this.D + number]);
    }

    /** c(t) and h(t) from what the input adds and from c(t-1), h(t-1). */
    step(gates, c, h) {
      const z = product(this.recurrent, h, gates), nextC = new Float32Array(this.H), nextH = new Float32Array(this.H);
      for (let unit = 0, n = 0; unit < this.H; unit++, n += 4) {
        nextC[unit] = c[unit] * sigmoid(z[n + 2]) + sigmoid(z[n]) * Math.tanh(z[n + 1]);
        nextH[unit] = sigmoid(z[n + 3]) * Math.tanh(nextC[unit]);
      }
      return [nextC, nextH];
    }
  }

  /** matrix x + start, the matrix (4H, D) row by row; four rows at a time, which is fastest. */
  function product(matrix, x, start) {
    const D = x.length, found = new Float64Array(start.length);
    for (let n = 0, i = 0; n < found.length; n += 4, i += 4 * D) {
      let a = start[n], b = start[n + 1], c = start[n + 2], d = start[n + 3];
      for (let k = 0, j = i + D, f = j + D, o = f + D; k < D; k++) {
        const value = x[k];
        a += matrix[i + k] * value;
        b += matrix[j + k] * value;
        c += matrix[f + k] * value;
        d += matrix[o + k] * value;
      }
      found[n] = a;
      found[n + 1] = b;
      found[n + 2] = c;
      found[n + 3] = d;
    }
    return found;
  }

  /** The layers of one direction, from the bottom up. */
  class Stack {
    constructor(arrays, scope, D, {lstm_size: H, num_layers}) {
      this.layers = Array.from({length: num_layers}, (_, n) => new Layer(
        arrays[scope.replace('%d', n) + 'kernel'], arrays[scope.replace('%d', n) + 'bias'], n ? H : D, H));
      this.H = H;
    }

    start() {
      return {c: this.layers.map(() => new Float32Array(this.H)), h: this.layers.map(() => new Float32Array(this.H))};
    }

    /** The next state; `gates` is what the input adds to those of the lowest layer. */
    step(gates, state) {
      const next = {c: [], h: []};
      this.layers.forEach((layer, n) => {
        const [c, h] = layer.step(n ? layer.gates(next.h[n - 1]) : gates, state.c[n], state.h[n]);
        next.c.push(c);
        next.h.push(h);
      });
      return next;
    }
  }

  const SCOPE = 'rnn/multi_rnn_cell/cell_%d/basic_lstm_cell/';

  // ---- characters --------------------------------------------------------------------------------------------------

  class CharModel {
    constructor(payload, arrays) {
      this.kind = 'char';
      this.arguments = payload.arguments;
      this.size = payload.arguments.num_classes;                // V
      this.layers = payload.arguments.num_layers;
      this.units = payload.arguments.lstm_size;
      this.chars = payload.vocabulary;
      this.numbers = new Map(this.chars.map((char, number) => [char, number]));
      this.stack = new Stack(arrays, SCOPE, this.size, payload.arguments);
      this.kernel = arrays['logits/kernel'];                    // (H, V)
      this.bias = arrays['logits/bias'];                        // (V)
    }

    start() {
      return this.stack.start();
    }

    /** The state after a character. */
    read(number, state) {
      return this.stack.step(this.stack.layers[0].column(number), state);
    }

    /** Read a character: the state after it, and the probabilities of those that may follow. */
    step(number, state) {
      state = this.read(number, state);
      const logits = Float64Array.from(this.bias), top = state.h[this.layers - 1];
      for (let unit = 0, at = 0; unit < this.units; unit++)
        for (let n = 0; n < this.size; n++) logits[n] += top[unit] * this.kernel[at++];
      const most = Math.max(...logits), shares = logits.map(logit => Math.exp(logit - most));
      const total = shares.reduce((sum, share) => sum + share, 0);
      return {state, probabilities: Float32Array.from(shares, share => share / total)};
    }
  }

  /** Draw one of the `topN` likeliest characters with a random number from 0 to 1, as `get_top_char` does.
   *
   * Where characters of one probability compete for the last place, those with the highest numbers are taken; NumPy's
   * sort promises no order there.
   */
  function draw(probabilities, uniform, topN = probabilities.length, temperature = 1) {
    let p = Float64Array.from(probabilities);
    if (temperature !== 1) {
      const logs = p.map(Math.log), most = Math.max(...logs);
      p = logs.map(log => Math.exp((log - most) / temperature));
    }
    const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a] || b - a);
    const kept = order.slice(0, Math.max(1, topN)).filter(number => p[number] > 0).sort((a, b) => a - b);
    const total = kept.reduce((sum, number) => sum + p[number], 0);
    let sum = 0;
    for (const number of kept) {
      sum += p[number] / total;
      if (uniform < sum) return number;
    }
    return kept[kept.length - 1];
  }

  /** `numpy.random.RandomState(seed).random_sample()`: the Mersenne Twister MT19937, two outputs to a number. */
  class Random {
    constructor(seed) {
      this.words = new Uint32Array(624);
      this.words[0] = seed;
      for (let n = 1; n < 624; n++) {
        const before = this.words[n - 1] ^ this.words[n - 1] >>> 30;
        this.words[n] = Math.imul(1812433253, before) + n;
      }
      this.at = 624;
    }

    output() {
      if (this.at === 624) {
        const words = this.words;
        for (let n = 0; n < 624; n++) {
          const y = words[n] & 0x80000000 | words[(n + 1) % 624] & 0x7fffffff;
          words[n] = words[(n + 397) % 624] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0);
        }
        this.at = 0;
      }
      let y = this.words[this.at++];
      y ^= y >>> 11;
      y ^= y << 7 & 0x9d2c5680;
      y ^= y << 15 & 0xefc60000;
      return (y ^ y >>> 18) >>> 0;
    }

    next() {
      const high = this.output() >>> 5, low = this.output() >>> 6;
      return (high * 2 ** 26 + low) / 2 ** 53;
    }
  }

  /** What a unit may follow in a text: a number for each character that was just read. */
  const PROPERTIES = {
    'place in the line': chars => {                             // characters since its start
      let place = 0;
      return chars.map(char => char === '\n' ? (place = 0) : ++place);
    },
    'line breaks': chars => chars.map(char => +(char === '\n')),
    'speaker names': chars => {                                 // `  Ham.` at the start of a line, or a line `HAMLET:`
      const inside = chars.map(() => 0);
      let at = 0;
      for (const line of chars.join('').split('\n')) {
        const name = /^(?:[ \t]+\p{Lu}\p{L}*\.|\p{Lu}\p{L}*(?: \p{Lu}\p{L}*)?:$)/u.exec(line);
        if (name) inside.fill(1, at, at + Array.from(name[0]).length);
        at += Array.from(line).length + 1;
      }
      return inside;
    },
    'capitals': chars => chars.map(char => +/\p{Lu}/u.test(char)),
  };

  /** For each of `PROPERTIES`, the 4 units whose h or c correlates most with it over a text (Pearson's r).
   *
   * Characters that the model does not know are skipped. `states` are those after the known characters, if the caller
   * has them. A property that is the same everywhere has no units, and a unit that never changes is none.
   */
  function unitScores(model, text, states) {
    const chars = Array.from(text).filter(char => model.numbers.has(char));
    let state = model.start();
    states = states || chars.map(char => state = model.read(model.numbers.get(char), state));
    const properties = Object.keys(PROPERTIES).map(
      name => ({name, values: centred(PROPERTIES[name](chars)), units: []}));
    const values = new Float64Array(chars.length);
    for (let layer = 0; layer < model.layers; layer++) {
      for (let unit = 0; unit < model.units; unit++) {
        const best = properties.map(() => ({r: 0}));            // of the unit's h and c
        for (const part of ['h', 'c']) {
          for (let n = 0; n < values.length; n++) values[n] = states[n][part][layer][unit];
          const trace = centred(values);
          properties.forEach((property, p) => {
            let r = 0;
            for (let n = 0; n < trace.length; n++) r += trace[n] * property.values[n];
            if (Math.abs(r) > Math.abs(best[p].r)) best[p] = {layer, unit, part, r};
          });
        }
        properties.forEach((property, p) => { if (best[p].r) property.units.push(best[p]); });
      }
    }
    return properties.map(({name, units}) => (
      {name, units: units.sort((a, b) => Math.abs(b.r) - Math.abs(a.r)).slice(0, 4)}));
  }

  /** Numbers less their mean, scaled to a length of 1: the product of two such rows is their correlation. */
  function centred(values) {
    let sum = 0, squares = 0;
    for (let n = 0; n < values.length; n++) sum += values[n];
    const found = new Float64Array(values.length);
    for (let n = 0; n < found.length; n++) {
      found[n] = values[n] - sum / found.length;
      squares += found[n] ** 2;
    }
    const length = squares > 1e-18 ? Math.sqrt(squares) : Infinity;
    for (let n = 0; n < found.length; n++) found[n] /= length;
    return found;
  }

  // ---- reviews -----------------------------------------------------------------------------------------------------

  const TAG = /<\/?[a-zA-Z][^<>]*>/g;
  /** Python's white space (`str.split`), and a character of `string.punctuation` or a run of anything else. */
  const SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
  const WORD = new RegExp('[!-/:-@\\[-`{-~]|[^!-/:-@\\[-`{-~' + SPACE + ']+', 'g');

  class ReviewModel {
    constructor(payload, arrays) {
      const {seq_len, embed_size, pooling = 'last', bidirectional = false} = payload.arguments;
      this.kind = 'review';
      this.arguments = payload.arguments;
      this.settings = payload.settings;
      this.words = payload.vocabulary;
      this.numbers = new Map();
      this.words.forEach((word, number) => { if (word !== null) this.numbers.set(word, number); });
      this.seqLen = seq_len;
      this.pooling = pooling;
      this.E = embed_size;
      this.embedding = arrays.embedding;                        // (words, E), with unknown ones in the last row
      this.stacks = [SCOPE].concat(bidirectional ? ['backward/' + SCOPE] : [])
        .map(scope => new Stack(arrays, scope, embed_size, payload.arguments));
      this.kernel = arrays['logits/kernel'];
      this.bias = arrays['logits/bias'][0];
    }

    /** The words of a text and where they stand; `number` is null for one that is left out. */
    encode(text) {
      const {unknown, drop_markup} = this.settings;
      const clean = drop_markup ? text.replace(TAG, tag => ' '.repeat(tag.length)) : text;
      return Array.from(clean.matchAll(WORD), ({0: found, index}) => {
        const word = found.toLowerCase(), known = this.numbers.has(word);
        return {word, known, number: known ? this.numbers.get(word) : unknown, start: index, end: index + found.length};
      });
    }

    /** Where a word stands in the arrays: unknown words have the last row. */
    row(number) {
      return Math.min(number, this.words.length);
    }

    reader(ids) {
      return new Reader(this, ids);
    }
  }

  /** States that differ by no more count as equal. What this changes in a probability is about as small. */
  const CLOSE = 1e-6;

  const close = (one, other) => ['c', 'h'].every(part => one[part].every((values, layer) => values.every(
    (value, unit) => Math.abs(value - other[part][layer][unit]) <= CLOSE)));

  /** The beginnings of a review, of 1, 2, ... words, read in one direction.
   *
   * The words stand at the positions 1 to t. Where the last output counts, the padding is read too, as in the chapter:
   * S - t zeros before the first word, or after it (positions 0, -1, ...) where the review is read backwards. Then each
   * beginning has to be read again. But a network forgets: once it is in the state that it had at this position of the
   * beginning before, all that follows is as before.
   */
  class Track {
    constructor(stack, gates, ids, backwards, pooling, S) {
      Object.assign(this, {stack, gates, ids, backwards, pooling, S, padded: pooling === 'last'});
      this.after = new Map();                                   // the state after each position
      this.zeros = [stack.start()];                             // the states after 0, 1, ... zeros
      this.sums = [new Float64Array(stack.H)];                  // of the outputs from position 1 on
      this.most = [new Float64Array(stack.H).fill(-1)];         // the largest of them; -1 is below every output
    }

    /** The outputs of the first t words as one vector. */
    pooled(t) {
      const end = !this.backwards ? t : this.padded ? t - this.S + 1 : 1, from = this.read(t, end);
      if (this.padded) return this.output(end);
      for (let position = Math.max(from, 1); position <= t; position++) {
        const values = this.output(position);
        this.sums[position] = this.sums[position - 1].map((sum, unit) => sum + values[unit]);
        this.most[position] = this.most[position - 1].map((most, unit) => Math.max(most, values[unit]));
      }
      const mean = this.sums[t].map(sum => sum / t);
      return {mean: [...mean], max: [...this.most[t]], meanmax: [...mean, ...this.most[t]]}[this.pooling];
    }

    output(position) {
      return this.after.get(position).h[this.stack.layers.length - 1];
    }

    /** Find the states from the first position to the last one, `end`; the lowest position where one has changed. */
    read(t, end) {
      const {after, backwards} = this;
      let position = backwards ? t + 1 : 0, state = this.start(t), from = t + 1;
      for (;;) {
        const known = after.has(position) && close(state, after.get(position));
        if (known) {
          position = backwards ? end : Math.max(position, t - 1);
          state = after.get(position);
        } else {
          after.set(position, state);
          from = Math.min(from, position);
        }
        if (position === end) return from;
        position += backwards ? -1 : 1;
        state = this.stack.step(this.gates(position > 0 ? this.ids[position - 1] : 0), state);
      }
    }

    /** The state before the first of t words, or before the last one where they are read backwards. */
    start(t) {
      const zeros = this.padded && !this.backwards ? this.S - t : 0;
      while (this.zeros.length <= zeros)
        this.zeros.push(this.stack.step(this.gates(0), this.zeros[this.zeros.length - 1]));
      return this.zeros[zeros];
    }
  }

  /** A review: of the numbers `ids` of its words, the last S are read. */
  class Reader {
    constructor(model, ids) {
      this.model = model;
      this.ids = ids.slice(-model.seqLen);
      this.skipped = ids.length - this.ids.length;
      this.known = model.stacks.map(() => new Map());           // what a word adds to the gates, computed once
      this.final = this.probability(this.tracks(this.ids), this.ids.length);
    }

    /** The probability after 0, 1, ... words: that of the review cut off there. */
    *prefixes() {
      const tracks = this.tracks(this.ids);
      for (let t = 0; t <= this.ids.length; t++) yield this.probability(tracks, t);
    }

    tracks(ids) {
      const {stacks, pooling, seqLen} = this.model;
      return stacks.map((stack, n) => new Track(stack, id => this.gates(stack, this.known[n], id), ids, n > 0, pooling,
        seqLen));
    }

    gates(stack, known, id) {
      const {embedding, E} = this.model, row = this.model.row(id);
      if (!known.has(id)) known.set(id, stack.layers[0].gates(embedding.subarray(row * E, row * E + E)));
      return known.get(id);
    }

    probability(tracks, t) {
      const {model} = this, read = t || model.pooling === 'last' ? t : 1;     // a row without words is read as a zero
      const outputs = [].concat(...(read === t ? tracks : this.tracks([0])).map(track => [...track.pooled(read)]));
      return sigmoid(outputs.reduce((sum, value, n) => sum + value * model.kernel[n], model.bias));
    }
  }

  // ---- the page's model --------------------------------------------------------------------------------------------

  function load(payload) {
    if (payload.format !== 1) throw new Error('this page cannot read the format ' + payload.format);
    const arrays = {};
    for (const name of Object.keys(payload.arrays)) arrays[name] = decode(payload.arrays[name]);
    return payload.class_name === 'CharRNN' ? new CharModel(payload, arrays) : new ReviewModel(payload, arrays);
  }

  return {load, draw, Random, unitScores};
})();

if (typeof module !== 'undefined') module.exports = RNN;
