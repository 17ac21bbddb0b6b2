// A piano on the page: a button for each of the 88 keys, which is held until it is pressed again.
// Tab reaches one of them; from there arrow keys go on, and letters press keys of its octave.
"use strict";

((play) => {
  const LETTERS = "awsedftgyhuj"; // from C upwards, as programs for music have them
  const MOVES = { ArrowLeft: -1, ArrowRight: 1, PageDown: -12, PageUp: 12 };
  const FIRST = 72; // the pitch that Tab reaches: the middle of what the models play

  // Fills an element with the keys. `onPress` gets the pitches that are held after each change.
  // Returns `held`, which gives these pitches, `release`, and `show`, which scrolls to the middle.
  function makeKeyboard(box, onPress) {
    const keys = Array.from({ length: play.KEYS }, (_, i) => makeKey(play.LOWEST + i));
    const isHeld = (key) => key.getAttribute("aria-pressed") === "true";
    const hold = (key, on) => key.setAttribute("aria-pressed", on);
    const held = () => keys.flatMap((key, i) => (isHeld(key) ? [play.LOWEST + i] : []));
    let current = FIRST - play.LOWEST;
    keys[current].tabIndex = 0;

    function press(i) {
      if (!keys[i]) return;
      hold(keys[i], !isHeld(keys[i]));
      onPress(held());
    }

    function moveTo(i) {
      if (!keys[i]) return;
      [keys[current].tabIndex, keys[i].tabIndex] = [-1, 0];
      current = i;
    }

    box.replaceChildren(...keys);
    box.addEventListener("click", ({ target }) => {
      moveTo(keys.indexOf(target));
      press(keys.indexOf(target));
    });
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const letter = LETTERS.indexOf(event.key.toLowerCase());
      if (event.key in MOVES) {
        event.preventDefault(); // the page would scroll
        moveTo(current + MOVES[event.key]);
        keys[current].focus();
      } else if (letter >= 0 && !event.repeat) {
        press(current - ((current + play.LOWEST) % 12) + letter);
      }
    });
    return {
      held,
      release: () => keys.forEach((key) => hold(key, false)),
      show: () => keys[current].scrollIntoView({ block: "nearest", inline: "center" }),
    };
  }

  function makeKey(pitch) {
    const key = document.createElement("button");
    const name = play.pitchName(pitch);
    const isBlack = name.includes("♯");
    Object.assign(key, { type: "button", tabIndex: -1, className: isBlack ? "play-black" : "" });
    key.setAttribute("aria-label", name);
    key.setAttribute("aria-pressed", false);
    key.textContent = pitch % 12 ? "" : name;
    return key;
  }

  Object.assign(play, { makeKeyboard });
})(globalThis.rruPlay);
