// MIDI files, written and read. What a roll is stands in `music.js`.
"use strict";

((play) => {
  const TICKS = 48; // of a time step in a file that is written
  const VELOCITY = 80;
  const DRUMS = 9; // the channel, counted from 0, whose numbers are no pitches
  const LARGEST = 1 << 19; // bytes
  const LONGEST = 100000; // time steps
  const [NOTE_OFF, NOTE_ON, META] = [0x80, 0x90, 0xff];
  const WITH_LENGTH = [0xf0, 0xf7, META]; // of all messages that are no channel's
  const KIND = 0xf0; // the bits of a status that tell notes from programs; the others: the channel
  const ONE_BYTE = [0xc0, 0xd0]; // the kinds that are followed by one byte; all others by two

  class MidiError extends Error {} // its message goes on after the name of the file

  // Returns the bytes of a MIDI file with one track; `tempo` in quarter notes a minute.
  function writeMidi(roll, stepsPerQuarter, tempo) {
    const number = (v) => (v > 127 ? [...number(v >> 7).map((b) => b | 128), v & 127] : [v]);
    const big = (v, size) => (size ? [...big(v >> 8, size - 1), v & 255] : []);
    const text = (word) => Array.from(word, (c) => c.charCodeAt(0));
    const events = play.notesOf(roll).flatMap(({ pitch, start, end }) => [
      [start, [NOTE_ON, pitch, VELOCITY]],
      [end, [NOTE_OFF, pitch, 0]],
    ]);
    events.sort((a, b) => a[0] - b[0] || a[1][0] - b[1][0]); // a key is left before it is struck
    const track = [0, META, 0x51, 3, ...big(Math.round(6e7 / tempo), 3)];
    let now = 0;
    for (const [t, bytes] of events) {
      track.push(...number((t - now) * TICKS), ...bytes);
      now = t;
    }
    track.push(0, META, 0x2f, 0);
    const chunk = (name, bytes) => [...text(name), ...big(bytes.length, 4), ...bytes];
    const header = [...big(0, 2), ...big(1, 2), ...big(TICKS * stepsPerQuarter, 2)];
    return Uint8Array.from([...chunk("MThd", header), ...chunk("MTrk", track)]);
  }

  // Reads the bytes of a MIDI file as the package's `read_midi` does: a time step has the keys that
  // sound when it begins, drums are no pitches, and tempi do not matter on a grid of quarter notes.
  // Returns the roll and the number of notes beyond the 88 keys; throws a MidiError.
  function readMidi(bytes, stepsPerQuarter) {
    if (!bytes.length) throw new MidiError("is empty.");
    if (bytes.length > LARGEST) throw new MidiError("has more than 512 KiB.");
    if (nameAt(bytes, 0) !== "MThd") throw new MidiError("is not a MIDI file.");
    let music;
    try {
      music = tracksOf(bytes);
    } catch (error) {
      throw error instanceof RangeError ? new MidiError("is cut off or damaged.") : error;
    }
    const pitched = music.notes.filter(({ channel }) => channel !== DRUMS);
    const keyOf = ({ pitch }) => pitch - play.LOWEST;
    const notes = pitched.filter((note) => keyOf(note) >= 0 && keyOf(note) < play.KEYS);
    const stepOf = (tick) => Math.ceil((tick * stepsPerQuarter) / music.division);
    const seen = notes.filter(({ start, end }) => stepOf(start) < stepOf(end));
    if (!seen.length)
      throw new MidiError("has no note on the 88 keys at the beginning of a time step.");
    const length = seen.reduce((most, { end }) => Math.max(most, stepOf(end)), 0);
    if (length > LONGEST) throw new MidiError(`has more than ${LONGEST} time steps.`);
    const changes = new Int32Array((length + 1) * play.KEYS); // of the notes that hold a key
    for (const note of seen) {
      changes[stepOf(note.start) * play.KEYS + keyOf(note)]++;
      changes[stepOf(note.end) * play.KEYS + keyOf(note)]--;
    }
    const held = new Int32Array(play.KEYS);
    const holds = (t) => (_, key) => (held[key] += changes[t * play.KEYS + key]) > 0;
    const roll = Array.from({ length }, (_, t) => Uint8Array.from(held, holds(t)));
    return { roll, beyond: pitched.length - notes.length };
  }

  const nameAt = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

  // Returns the ticks of a quarter note and the notes of all tracks; a RangeError beyond the end.
  function tracksOf(bytes) {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const [kind, tracks, division] = [8, 10, 12].map((at) => data.getUint16(at));
    if (kind > 1)
      throw new MidiError(`is a MIDI file of type ${kind}; types 0 and 1 are read here.`);
    if (division & 0x8000) throw new MidiError("counts film frames; quarter notes are read here.");
    if (!division) throw new RangeError();
    const notes = [];
    let at = 8 + data.getUint32(4);
    for (let read = 0; read < tracks; ) {
      const size = data.getUint32(at + 4);
      if (nameAt(bytes, at) === "MTrk") { // readers pass over chunks of other names
        notes.push(...notesOf(new DataView(bytes.buffer, bytes.byteOffset + at + 8, size)));
        read++;
      }
      at += 8 + size;
    }
    return { division, notes };
  }

  // Returns the notes of a track that something ends, in ticks. An end ends all notes of its pitch
  // and channel, but not one of the same tick after an earlier one: that is a note struck again.
  function notesOf(track) {
    const [notes, sounding] = [[], new Map()];
    for (const { tick, status, pitch, velocity } of messagesOf(track)) {
      const isOn = (status & KIND) === NOTE_ON && velocity > 0;
      if (!isOn && (status & KIND) > NOTE_ON) continue;
      const channel = status & 15;
      const name = `${channel} ${pitch}`;
      const starts = sounding.get(name) ?? [];
      const earlier = starts.filter((start) => start < tick);
      const ended = earlier.length ? earlier : starts;
      if (isOn) starts.push(tick);
      else notes.push(...ended.map((start) => ({ pitch, channel, start, end: tick })));
      sounding.set(name, isOn ? starts : starts.filter((start) => !ended.includes(start)));
    }
    return notes;
  }

  // Yields the messages of a track that are of a channel: {tick, status, pitch, velocity}.
  function* messagesOf(track) {
    let [at, tick, running] = [0, 0, 0];
    const byte = () => track.getUint8(at++);
    const number = () => { // seven bits a byte
      let value = 0;
      for (let i = 0, last = 128; last > 127; i++) {
        if (i === 4) throw new RangeError();
        last = byte();
        value = (value << 7) | (last & 127);
      }
      return value;
    };
    while (at < track.byteLength) {
      tick += number();
      const status = track.getUint8(at) > 127 ? byte() : running;
      if (WITH_LENGTH.includes(status)) {
        if (status === META) byte(); // its type
        const size = number();
        at += size;
        continue;
      }
      running = status; // which the next message may leave out
      const pitch = byte();
      if (status < NOTE_OFF || status >= 0xf0 || pitch > 127) throw new RangeError();
      yield { tick, status, pitch, velocity: ONE_BYTE.includes(status & KIND) ? 0 : byte() };
    }
  }

  Object.assign(play, { MidiError, writeMidi, readMidi });
})(globalThis.rruPlay);
