// The cell by hand: an RRU and a GRU of two features, with every number of a pulse of input.
"use strict";

((play) => {
  const at = (id) => document.getElementById(`play-${id}`);
  const number = (id) => Number(at(id).value);

  const STEPS = 24;
  const START = [0.35, -0.2];
  // The worked example of the page "The cell in numbers". A test holds the two equal.
  const RRU = {
    kernel: [0.5, -1, 0.8, 1, 0.5, -0.5],
    recurrent_kernel: [1, 0, 0.5, 0, -1, 1],
    bias: [0, 0.1, 0],
    candidate_kernel: [1, 0, 0, 1, 0.5, -0.5],
    candidate_bias: [0, 0.1],
    output_kernel: [1, -1, 2],
    output_bias: [0],
    residual_scale: [0.5, 0.9],
    rezero_scale: [0.1, 0.5],
  };
  // A GRU set by hand. Its gates keep; input 1 writes to feature 1, input 2 to feature 2, and it
  // erases feature 1. Columns: r of the two features, u of the two.
  const GRU = {
    gate_kernel: [0, -4, -6, 0, -4, 0, -6, -6, 0.5, 0, 0.5, 0, 0, 0.5, 0, 0.5],
    gate_bias: [2, 2, 3, 3],
    candidate_kernel: [2, 0, 0, 2, 1, 0.5, 0, 1],
    candidate_bias: [0, 0],
  };
  const floats = (weights) =>
    Object.fromEntries(Object.entries(weights).map(([k, v]) => [k, Float32Array.from(v)]));
  const MEANING = {
    z: "Wˣ x + Wʰ h + Bʲ",
    rms: "its root mean square",
    j: "divided by it, then ReLU",
    r: "reset gate",
    u: "update gate: what is kept of h",
    c: "candidate",
    kept: "σ(S) ⊙ h",
    added: "Z ⊙ c",
    h: "state after the step",
    o: "output",
  };

  // Returns what a cell computes in each time step of a pulse of input that lasts some steps.
  function run(step, weights, x, length) {
    let h = Float32Array.from(START);
    return Array.from({ length: STEPS }, (_, t) => {
      const made = step(weights, Float32Array.from(t < length ? x : [0, 0]), h);
      h = made.h;
      return made;
    });
  }

  function handWeights() {
    const set = (name) => [0, 1].map((i) => number(`${name}${i + 1}`));
    const w = floats({ ...RRU, residual_scale: set("keep"), rezero_scale: set("scale") });
    if (at("feedback").checked) return w;
    // Without the state and the biases in the candidate, nothing is left after a pulse but decay.
    for (const name of ["recurrent_kernel", "bias", "candidate_bias"]) w[name].fill(0);
    return w;
  }

  const [ROW, WIDTH, LABEL] = [62, 360, 16];

  // Returns SVG of a row of bars: `values` over time, from 0 to `most`, or both ways if `signed`.
  function bars(row, label, values, most, signed, chosen) {
    const column = WIDTH / (STEPS + 1);
    const room = (ROW - LABEL - 6) / (signed ? 2 : 1);
    const zero = row * ROW + LABEL + room;
    const bar = (value, i) => {
      const size = Math.min(Math.abs(value) / most, 1) * room;
      const top = value < 0 ? zero : zero - size;
      const place = `x="${(i + STEPS + 1 - values.length) * column + 1}" y="${top}"`;
      return `<rect ${place} width="${column - 2}" height="${size}"/>`;
    };
    return `<rect class="play-chosen" x="${chosen * column}" y="${row * ROW + LABEL}"
      width="${column}" height="${ROW - LABEL - 6}"/>
      <text x="0" y="${row * ROW + 11}">${label}</text>
      <g class="${signed ? "play-state" : "play-share"}">${[...values].map(bar).join("")}</g>
      <line x1="0" x2="${WIDTH}" y1="${zero}" y2="${zero}"/>`;
  }

  // Draws a cell's steps: the state, `shares` between 0 and 1 by their labels, and a table of the
  // quantities `keys` in the chosen step.
  function drawCell(name, steps, shares, keys, chosen) {
    const states = [0, 1].map((i) => [START[i], ...steps.map((made) => made.h[i])]);
    const most = Math.max(1, ...states.flat().map(Math.abs));
    const rows = states.map((h) => [`state h#, ±${most.toFixed(1)}`, h, most, true]);
    for (const [label, of] of Object.entries(shares))
      for (const i of [0, 1]) rows.push([`${label}, 0 to 1`, steps.map((s) => of(s)[i]), 1, false]);
    const drawn = rows.map(([label, ...row], i) =>
      bars(i, label.replace("#", "₁₂"[i % 2]), ...row, chosen)); // two features, a row each
    const format = (v) => (v.length ? Array.from(v) : [v]).map((x) => x.toFixed(4)).join("&ensp;");
    const numbers = keys.map((key) => `<tr><th scope="row">${key}</th><td>${MEANING[key]}</td>
      <td>${format(steps[chosen - 1][key])}</td></tr>`);
    at(name).innerHTML = `<svg viewBox="0 0 ${WIDTH} ${drawn.length * ROW}" role="img"
      aria-label="Bars over ${STEPS} time steps; the table has the numbers of step ${chosen}">
      ${drawn.join("")}</svg><table>${numbers.join("")}</table>`;
  }

  function drawHand() {
    showValues(at("hand"));
    const pulse = [[number("x1"), number("x2")], number("pulse")];
    const [w, chosen] = [handWeights(), number("step")];
    const rru = run(play.rruStep, w, ...pulse);
    const ofRru = ["z", "rms", "j", "c", "kept", "added", "h", "o"];
    drawCell("rru", rru, { "kept: σ(S#)": () => w.residual_scale }, ofRru, chosen);
    const gates = { "kept: gate u#": ({ u }) => u, "reset: gate r#": ({ r }) => r };
    drawCell("gru", run(play.gruStep, floats(GRU), ...pulse), gates, ["r", "u", "c", "h"], chosen);
  }

  // Writes the value of each slider of a part of the page beside it.
  function showValues(part) {
    for (const slider of part.querySelectorAll("input[type=range]"))
      slider.nextElementSibling.value = slider.value;
  }

  Object.assign(play, { showValues });
  Object.assign(play, { examples: { rru: floats(RRU), gru: floats(GRU), start: START } });
  at("hand").hidden = false;
  at("hand").addEventListener("input", drawHand);
  at("hand").addEventListener("reset", () => setTimeout(drawHand)); // after the values are back
  drawHand();
})(globalThis.rruPlay);
