// The RRU and the GRU of this book, one time step at a time, and how they compose.
// Browsers refuse modules to pages that are opened as files, so these are plain scripts that share
// one object, `rruPlay`.
"use strict";
globalThis.rruPlay = globalThis.rruPlay || { datasets: {} };

((play) => {
  const KEYS = 88;
  const EPSILON = 1e-6; // in the mean square that the RRU divides by
  const sigmoid = (v) => 1 / (1 + Math.exp(-v));

  // Returns b + x W + ... for pairs [x, W], W in rows of b.length. It adds up in double precision,
  // because the order of a sum would show in single. Piano rolls and what ReLU leaves are mostly
  // zeros, whose rows are skipped: half of the time.
  function linear(b, ...pairs) {
    const y = Float64Array.from(b);
    for (const [x, W] of pairs) {
      for (let i = 0, row = 0; i < x.length; i++, row += y.length) {
        if (x[i] !== 0) for (let k = 0; k < y.length; k++) y[k] += x[i] * W[row + k];
      }
    }
    return Float32Array.from(y);
  }

  // One time step of the RRU with one ReLU layer: all that is computed, by the names of the page
  // "The cell in numbers". Nothing of the input multiplies the state.
  function rruStep(w, x, h) {
    const z = linear(w.bias, [x, w.kernel], [h, w.recurrent_kernel]);
    const rms = Math.sqrt(z.reduce((sum, v) => sum + v * v, 0) / z.length + EPSILON);
    const j = z.map((v) => Math.max(v / rms, 0)); // (1)
    const c = linear(w.candidate_bias, [j, w.candidate_kernel]); // (4)
    const kept = h.map((v, i) => w.residual_scale[i] * v);
    const added = c.map((v, i) => w.rezero_scale[i] * v);
    const after = kept.map((v, i) => v + added[i]); // (5)
    const o = linear(w.output_bias, [j, w.output_kernel]); // (6)
    return { z, rms, j, c, kept, added, h: after, o };
  }

  // One time step of the GRU: its gates r and u depend on input and state, and multiply the state.
  function gruStep(w, x, h) {
    const [n, m] = [h.length, x.length];
    const ofState = (W, columns) => W.subarray(m * columns);
    const gates = linear(w.gate_bias, [x, w.gate_kernel], [h, ofState(w.gate_kernel, 2 * n)]);
    const [r, u] = [gates.subarray(0, n).map(sigmoid), gates.subarray(n).map(sigmoid)];
    const rh = r.map((v, i) => v * h[i]);
    const W = w.candidate_kernel;
    const c = linear(w.candidate_bias, [x, W], [rh, ofState(W, n)]).map(Math.tanh);
    const after = u.map((v, i) => v * h[i] + (1 - v) * c[i]);
    return { r, u, c, h: after, o: after };
  }

  const STEPS = { rru: rruStep, gru: gruStep };

  // A trained cell and its output layer. `weights` are Float32Arrays by name.
  class Model {
    constructor(cell, weights) {
      [this.cell, this.weights] = [cell, weights];
      this.start();
    }

    // The RRU does not start from zeros: its normalization would blow them up.
    start() {
      this.state = new Float32Array(this.weights.candidate_bias.length);
      if (this.cell === "rru") this.state[0] = Math.sqrt(this.state.length) / 4;
    }

    // Returns the logits of the 88 keys in the next time step, given this one.
    step(frame) {
      const { h, o } = STEPS[this.cell](this.weights, frame, this.state);
      this.state = h;
      return linear(this.weights.head_bias, [o, this.weights.head_kernel]);
    }
  }

  // Draws `length` time steps after an opening, each key by itself, and feeds each to the model.
  function compose(model, opening, length, temperature, random) {
    model.start();
    let logits = opening.map((frame) => model.step(frame)).at(-1);
    return Array.from({ length }, () => {
      const frame = Uint8Array.from(logits, (v) => random() < sigmoid(v / temperature));
      logits = model.step(frame);
      return frame;
    });
  }

  // Returns a generator of numbers in [0, 1): mulberry32, since Math.random takes no seed.
  function random(seed) {
    let a = seed >>> 0;
    return () => {
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  // Returns the Float32Array of a stored weight: a matrix in whole numbers of a byte, times a scale
  // for each column, or a vector as it is.
  function unpack({ int8, float32 }) {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    const scale = new Float32Array(bytes(float32));
    if (!int8) return scale;
    return Float32Array.from(new Int8Array(bytes(int8)), (v, i) => v * scale[i % scale.length]);
  }

  function unpackModel(dataset, cell) {
    const stored = Object.entries(play.datasets[dataset].weights[cell]);
    return new Model(cell, Object.fromEntries(stored.map(([name, w]) => [name, unpack(w)])));
  }

  Object.assign(play, { KEYS, rruStep, gruStep, Model, compose, random, unpackModel });
})(globalThis.rruPlay);
