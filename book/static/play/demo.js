// The page "Play": an opening, the two models that go on from it, and the blind test.
"use strict";

((play) => {
  const at = (id) => document.getElementById(`play-${id}`);
  const number = (id) => Number(at(id).value);

  const OWN_STEPS = 16; // of an opening of the reader's own, at first
  const MOST_STEPS = 32; // of an opening: who hears more of it waits long for the models
  const now = { dataset: null, opening: [], played: [], cell: null, stop: null, head: null };
  let file = null; // of the reader: {name, bytes}
  let before = []; // the openings before each chord that was added
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
    listOpenings(0);
    at("length").value = data().grid.frames;
    chooseOpening();
  }

  // The openings of the dataset, then the reader's own notes, then perhaps a file.
  const ownNotes = () => data().openings.length;

  function listOpenings(chosen) {
    const titles = [...data().openings.map(({ title }) => title), "your own notes"];
    if (file) titles.push(file.name);
    at("opening").replaceChildren(...titles.map((title, i) => new Option(title, i)));
    at("opening").value = chosen;
  }

  function chooseOpening() {
    halt();
    const chosen = number("opening");
    const { roll, text } = chosen > ownNotes() ? openingOf(file) : { text: "" };
    const pitches = data().openings[chosen]?.pitches ?? Array(OWN_STEPS).fill([]);
    now.opening = roll ?? play.rollOf(pitches);
    before = [];
    forgetMusic();
    setEditing(chosen === ownNotes());
    say(text);
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
    if (frame[key]) hearChord(frame);
    tellCursor();
  }

  function hearChord(frame) {
    if (!now.stop) play.start([frame], 0.5, () => {});
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

  // A file

  // Returns the opening of a MIDI file, if it has one, and what is to be said about it.
  function openingOf({ name, bytes }) {
    try {
      const { roll, beyond } = play.readMidi(bytes, data().grid.steps_per_quarter);
      const opening = withoutSilence(roll).slice(0, MOST_STEPS);
      const leftOut = beyond ? `; left out: ${beyond} notes beyond the 88 keys` : "";
      const text = `${name}: ${opening.length} of ${roll.length} time steps${leftOut}.`;
      return { roll: opening, text };
    } catch (error) {
      if (error instanceof play.MidiError) return { text: `${name} ${error.message}` };
      throw error;
    }
  }

  async function openFile(chosen) {
    if (!chosen) return;
    const next = { name: chosen.name, bytes: new Uint8Array(await chosen.arrayBuffer()) };
    const { roll, text } = openingOf(next);
    if (!roll) return say(text);
    file = next;
    listOpenings(ownNotes() + 1);
    chooseOpening();
  }

  // Chords

  const keyboard = play.makeKeyboard(at("keys"), (pitches) => {
    if (pitches.length) hearChord(play.rollOf([pitches])[0]);
    say(pitches.length ? `Held: ${pitches.map(play.pitchName).join(", ")}.` : "No key is held.");
  });

  // Puts the keys that are held into the reader's own notes, after the last one that sounds.
  function addChord() {
    const pitches = keyboard.held();
    if (!pitches.length) return say("No key is held: press one or more, then add them.");
    if (number("opening") !== ownNotes()) {
      at("opening").value = ownNotes();
      chooseOpening();
    }
    const start = now.opening.map(hasNote).lastIndexOf(true) + 1;
    const end = start + Math.max(1, Math.round(number("hold")));
    if (end > MOST_STEPS) return say(`There is room for ${MOST_STEPS} time steps of an opening.`);
    const chord = play.rollOf(Array(end - start).fill(pitches));
    before.push(now.opening);
    setOpening([...now.opening.slice(0, start), ...chord, ...now.opening.slice(end)]);
    say(`Added as time steps ${start + 1} to ${end}: ${pitches.map(play.pitchName).join(", ")}.`);
    keyboard.release();
  }

  function takeBack() {
    if (!before.length) return say("No chord was added to this opening.");
    setOpening(before.pop());
    say("The last chord is taken back.");
  }

  function setOpening(roll) {
    halt();
    now.opening = roll;
    forgetMusic();
    setEditing(true);
  }

  // Composing

  const hasNote = (frame) => frame.includes(1);

  // Returns a roll without the silence before and after its notes.
  function withoutSilence(roll) {
    const sounds = roll.map(hasNote);
    return roll.slice(Math.max(sounds.indexOf(true), 0), sounds.lastIndexOf(true) + 1);
  }

  const opening = () => withoutSilence(now.opening);

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

  at("music").hidden = false;
  at("silent").hidden = play.hasSound();
  const on = (id, type, action) => at(id).addEventListener(type, action);
  on("data", "change", chooseDataset);
  on("opening", "change", chooseOpening);
  on("length", "input", draw);
  on("temperature", "input", () => play.showValues(at("music")));
  on("compose", "click", composeAndPlay);
  on("stop", "click", halt);
  on("midi", "click", download);
  on("open", "click", () => {
    at("file").value = ""; // or the same file, mended, would be no change
    at("file").click();
  });
  on("file", "change", () => openFile(at("file").files[0]));
  for (const type of ["dragover", "dragleave", "drop"]) {
    on("music", type, (event) => {
      event.preventDefault(); // the browser would show the file instead of the page
      at("music").classList.toggle("play-drop", type === "dragover");
      if (type === "drop") openFile(event.dataTransfer.files[0]);
    });
  }
  on("record", "toggle", keyboard.show);
  on("add", "click", addChord);
  on("back", "click", takeBack);
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
  setRound(null);
  chooseDataset();
})(globalThis.rruPlay);
