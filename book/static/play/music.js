// Piano rolls: notes, sound, drawing. A roll is a list of time steps, each an array of
// the 88 keys, the lowest first.
"use strict";

((play) => {
  const LOWEST = 21; // the MIDI pitch of the lowest key
  const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
  const OVERTONES = [0, 1, 0.5, 0.25, 0.12, 0.06]; // as on the page "Listen"
  const pitchName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);

  function rollOf(pitches) {
    return pitches.map((chord) => {
      const frame = new Uint8Array(play.KEYS);
      for (const pitch of chord) frame[pitch - LOWEST] = 1;
      return frame;
    });
  }

  // Returns the notes, by key: a key that sounds in successive time steps is one long note.
  function notesOf(roll) {
    const notes = [];
    for (let key = 0; key < play.KEYS; key++) {
      for (let t = 0; t < roll.length; t++) {
        if (!roll[t][key]) continue;
        const start = t;
        while (t < roll.length && roll[t][key]) t++;
        notes.push({ pitch: LOWEST + key, start, end: t });
      }
    }
    return notes;
  }

  // Sound

  const Context = () => globalThis.AudioContext || globalThis.webkitAudioContext;
  const hasSound = () => Boolean(Context());

  // Plays a roll. `onStep` gets the time in steps at each picture, and null at the end or when it
  // is stopped. Returns a function that stops it. Without WebAudio the head moves in silence.
  function start(roll, stepSeconds, onStep) {
    const context = hasSound() ? new (Context())() : null;
    if (context) schedule(context, notesOf(roll), stepSeconds);
    const began = performance.now();
    let picture = requestAnimationFrame(tick);
    function tick() {
      const step = (performance.now() - began) / 1000 / stepSeconds;
      if (step >= roll.length) return stop();
      onStep(step);
      picture = requestAnimationFrame(tick);
    }
    function stop() {
      cancelAnimationFrame(picture);
      context?.close();
      onStep(null);
    }
    return stop;
  }

  function schedule(context, notes, stepSeconds) {
    const sum = context.createGain();
    const limiter = context.createDynamicsCompressor(); // many keys at once would distort
    sum.gain.value = 0.15;
    sum.connect(limiter).connect(context.destination);
    const imaginary = Float32Array.from(OVERTONES);
    const wave = context.createPeriodicWave(new Float32Array(OVERTONES.length), imaginary);
    for (const { pitch, start, end } of notes) {
      const [from, to] = [start, end].map((t) => context.currentTime + t * stepSeconds);
      const tone = context.createOscillator();
      const loudness = context.createGain();
      tone.setPeriodicWave(wave);
      tone.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
      loudness.gain.setValueAtTime(0, from); // ramps, since sudden changes click
      loudness.gain.linearRampToValueAtTime(1, from + 0.02);
      loudness.gain.setTargetAtTime(0.4, from + 0.02, 0.4);
      loudness.gain.setTargetAtTime(0, to - 0.03, 0.015);
      tone.connect(loudness).connect(sum);
      tone.start(from);
      tone.stop(to + 0.05);
    }
  }

  // Drawing

  const MARGIN = 26; // for the names of the octaves

  // Returns where a step and a pitch are on the canvas, and the width and height of one.
  function scaleOf(canvas, { low, high, steps }) {
    const step = (canvas.clientWidth - MARGIN) / steps;
    const key = canvas.clientHeight / (high - low + 1);
    return { x: (t) => MARGIN + t * step, y: (pitch) => (high - pitch) * key, step, key };
  }

  // Returns the step and pitch at a point of the canvas.
  function placeAt(canvas, view, px, py) {
    const { step, key } = scaleOf(canvas, view);
    return { step: Math.floor((px - MARGIN) / step), pitch: view.high - Math.floor(py / key) };
  }

  // Draws a view: a `roll`, pitches {low, high}, `steps` of the width; `prime`, the end of the
  // opening; perhaps `head`, a time, and `cursor`, {step, pitch}. The style sheet has the colours.
  function drawRoll(canvas, { roll, prime, head, cursor, ...view }) {
    const { x, y, step, key } = scaleOf(canvas, view);
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const pen = canvas.getContext("2d");
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(`--roll-${name}`);
    const fill = (name, ...box) => {
      pen.fillStyle = colour(name);
      pen.fillRect(...box);
    };
    pen.scale(ratio, ratio);
    pen.font = "11px sans-serif";
    for (let pitch = view.low; pitch <= view.high; pitch++) {
      const isBlack = NAMES[pitch % 12].length > 1;
      if (isBlack) fill("black", MARGIN, y(pitch), width, key);
      if (pitch % 12) continue;
      fill("line", 0, y(pitch) + key, width, 1);
      pen.fillStyle = colour("text");
      pen.fillText(pitchName(pitch), 2, y(pitch) + key - 2);
    }
    const hasGrid = step >= 12;
    for (let t = 0; t < view.steps && hasGrid; t++) fill("line", x(t), 0, 1, height);
    for (const { pitch, start, end } of notesOf(roll)) {
      const bar = (name, from, to) => // with a gap before what follows
        from < to && fill(name, x(from), y(pitch), (to - from) * step - 1, Math.max(key - 1, 2));
      bar("opening", start, Math.min(end, prime));
      bar("notes", Math.max(start, prime), end);
    }
    fill("line", x(prime) - 1, 0, 2, height);
    if (head !== null) fill("head", x(head), 0, 2, height);
    if (cursor) {
      [pen.strokeStyle, pen.lineWidth] = [colour("head"), 2];
      pen.strokeRect(x(cursor.step) + 1, y(cursor.pitch), step - 2, key);
    }
  }

  Object.assign(play, { LOWEST, pitchName, rollOf, notesOf, hasSound, start });
  Object.assign(play, { drawRoll, placeAt });
})(globalThis.rruPlay);
