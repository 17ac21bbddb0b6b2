// The page "Play": its controls, the cell by hand, and the two models that compose.
"use strict";

((play) => {
  const at = (id) => document.getElementById(`play-${id}`);
  const number = (id) => Number(at(id).value);

  // The cell by hand

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

  function showValues(part) {
    for (const slider of part.querySelectorAll("input[type=range]"))
      slider.nextElementSibling.value = slider.value;
  }

  // Play

  const OWN_STEPS = 16; // of an opening of the reader's own
  const now = { dataset: null, opening: [], played: [], cell: null, stop: null, head: null };
  const score = { right: 0, rounds: 0 };
  let round = null; // of the blind test: {rolls: [A, B], rru: 0 or 1}
  let cursor = { step: 0, pitch: 72 };
  const data = () => play.datasets[now.dataset];
  const say = (text) => { at("status").textContent = text; };
  const halt = () => now.stop?.();

  // The weights of the second dataset are not loaded before somebody asks for them. A script may be
  // loaded by a page that is opened as a file, where `fetch` may not.
  function load(name) {
    return new Promise((done, failed) => {
      if (play.datasets[name]) return done();
      const script = document.createElement("script");
      script.src = at("data").dataset.folder + `${name}.js`;
      [script.onload, script.onerror] = [done, failed];
      document.head.append(script);
    });
  }

  async function chooseDataset() {
    halt();
    const name = at("data").value;
    try {
      await load(name);
    } catch {
      return say(`The weights for ${name} could not be loaded.`);
    }
    now.dataset = name;
    now.models = { rru: play.unpackModel(name, "rru"), gru: play.unpackModel(name, "gru") };
    const titles = [...data().openings.map(({ title }) => title), "your own notes"];
    at("opening").innerHTML = titles.map((title, i) => `<option value="${i}">${title}`).join("");
    at("length").value = data().grid.frames;
    chooseOpening();
  }

  function chooseOpening() {
    halt();
    const chosen = data().openings[number("opening")]; // none for the reader's own notes
    now.opening = play.rollOf(chosen?.pitches ?? Array(OWN_STEPS).fill([]));
    forgetMusic();
    setEditing(!chosen);
    say("");
  }

  function forgetMusic() {
    [now.played, now.cell] = [[], null];
    setRound(null);
  }

  // Opening

  const isEditing = () => at("edit").getAttribute("aria-pressed") === "true";

  function setEditing(on) {
    at("edit").setAttribute("aria-pressed", on);
    const roll = at("roll");
    roll.setAttribute("role", on ? "application" : "img");
    roll.setAttribute("aria-label", on
      ? "Opening: arrow keys move the cursor, the space bar sets or removes a note"
      : "Piano roll: time to the right, pitch upwards");
    if (on) roll.tabIndex = 0;
    else roll.removeAttribute("tabindex");
    draw();
  }

  function toggle({ step, pitch }) {
    const frame = now.opening[step];
    if (!frame || pitch < play.LOWEST || pitch >= play.LOWEST + play.KEYS) return;
    const key = pitch - play.LOWEST;
    frame[key] = frame[key] ? 0 : 1;
    forgetMusic();
    cursor = { step, pitch };
    if (frame[key] && !now.stop) play.start([frame], 0.5, () => {});
    tellCursor();
  }

  function tellCursor() {
    const on = now.opening[cursor.step][cursor.pitch - play.LOWEST];
    say(`Time step ${cursor.step + 1}, ${play.pitchName(cursor.pitch)}: ${on ? "on" : "off"}`);
    draw();
  }

  function moveCursor(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!isEditing() || !(event.key in moves || event.key === " ")) return;
    event.preventDefault(); // the page would scroll
    if (event.key === " ") return toggle(cursor);
    const clip = (v, low, high) => Math.max(low, Math.min(high, v));
    const { low, high } = view();
    cursor.step = clip(cursor.step + moves[event.key][0], 0, now.opening.length - 1);
    cursor.pitch = clip(cursor.pitch + moves[event.key][1], low, high);
    tellCursor();
  }

  // Composing

  // Returns the opening without the silence before and after it.
  function opening() {
    const sounds = now.opening.map((frame) => frame.includes(1));
    return now.opening.slice(Math.max(sounds.indexOf(true), 0), sounds.lastIndexOf(true) + 1);
  }

  const whole = () => [...opening(), ...now.played];

  function continued(cell) {
    const length = Math.max(1, Math.min(512, Math.round(number("length"))));
    const random = play.random(number("seed"));
    return play.compose(now.models[cell], opening(), length, number("temperature"), random);
  }

  // Returns whether there is something to go on from; else says what to do.
  function hasOpening() {
    const sounds = opening().length > 0;
    if (!sounds) say("The opening is silent. Set a note in the roll, or choose another opening.");
    return sounds;
  }

  function composeAndPlay() {
    if (!hasOpening()) return;
    setRound(null);
    now.cell = document.querySelector("input[name=play-cell]:checked").value;
    hear(continued(now.cell));
    const keys = now.played.reduce((sum, frame) => sum + frame.filter(Boolean).length, 0);
    const mean = (keys / now.played.length).toFixed(1);
    say(`${now.cell.toUpperCase()}, temperature ${number("temperature")}, seed ${number("seed")}:
      ${now.played.length} time steps after the opening, ${mean} keys at once.`);
  }

  function hear(played) {
    halt();
    setEditing(false);
    now.played = played;
    at("stop").disabled = false;
    const { steps_per_quarter, tempo } = data().grid;
    now.stop = play.start(whole(), 60 / tempo / steps_per_quarter, (head) => {
      now.head = head;
      if (head === null) [now.stop, at("stop").disabled] = [null, true];
      draw();
    });
  }

  function download() {
    if (!hasOpening()) return;
    const { steps_per_quarter, tempo } = data().grid;
    const bytes = play.writeMidi(whole(), steps_per_quarter, tempo);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "audio/midi" }));
    link.download = `${now.dataset}-${now.cell ?? "roll"}-seed${number("seed")}.mid`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // RRU or GRU?

  function newRound() {
    if (!hasOpening()) return;
    const rru = Math.random() < 0.5 ? 0 : 1; // not by the seed, which the reader sees
    setRound({ rolls: (rru ? ["gru", "rru"] : ["rru", "gru"]).map(continued), rru });
    hearOne(0);
  }

  function hearOne(which) {
    now.cell = null;
    hear(round.rolls[which]);
    say(`This is ${"AB"[which]}. Hear both, then say which is the RRU.`);
  }

  function guess(which) {
    const { rru } = round;
    score.rounds++;
    score.right += which === rru;
    setRound(null);
    say(`${which === rru ? "Right" : "No"}: ${"AB"[rru]} was the RRU, ${"BA"[rru]} the GRU.
      Your score is ${score.right} of ${score.rounds}; guessing gives half.`);
  }

  function setRound(next) {
    round = next;
    for (const id of ["hear0", "hear1", "guess0", "guess1"]) at(id).disabled = !round;
  }

  // Drawing

  function view() {
    const roll = isEditing() ? now.opening : whole();
    const prime = isEditing() ? roll.length : opening().length;
    const known = data().openings.flatMap(({ pitches }) => pitches.flat());
    const pitches = [...known, ...play.notesOf(roll).map((note) => note.pitch)];
    const [low, high] = [Math.min(...pitches) - 2, Math.max(...pitches) + 2];
    const steps = prime + (isEditing() ? 0 : now.played.length || number("length"));
    return { roll, low, high, steps, prime, head: now.head, cursor: isEditing() && cursor };
  }

  function draw() {
    if (!now.dataset) return;
    at("roll").dataset.cell = now.cell ?? "";
    play.drawRoll(at("roll"), view());
  }

  Object.assign(play, { examples: { rru: floats(RRU), gru: floats(GRU), start: START } });
  for (const part of document.querySelectorAll(".play-live")) part.hidden = false;
  at("silent").hidden = play.hasSound();
  const on = (id, type, action) => at(id).addEventListener(type, action);
  on("hand", "input", drawHand);
  on("hand", "reset", () => setTimeout(drawHand)); // after the values are back
  on("data", "change", chooseDataset);
  on("opening", "change", chooseOpening);
  on("length", "input", draw);
  on("temperature", "input", () => showValues(at("music")));
  on("compose", "click", composeAndPlay);
  on("stop", "click", halt);
  on("midi", "click", download);
  on("edit", "click", () => { halt(); setEditing(!isEditing()); });
  on("round", "click", newRound);
  for (const i of [0, 1]) {
    on(`hear${i}`, "click", () => hearOne(i));
    on(`guess${i}`, "click", () => guess(i));
  }
  on("roll", "keydown", moveCursor);
  on("roll", "pointerdown", (event) => {
    if (isEditing()) toggle(play.placeAt(at("roll"), view(), event.offsetX, event.offsetY));
  });
  new ResizeObserver(draw).observe(at("roll"));
  const ofTheme = { attributes: true, attributeFilter: ["data-theme"] };
  new MutationObserver(draw).observe(document.documentElement, ofTheme);
  drawHand();
  setRound(null);
  chooseDataset();
})(globalThis.rruPlay);
