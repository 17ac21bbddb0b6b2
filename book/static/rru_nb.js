// Wide figures, tables and equations scroll on a phone (rru_nb.css). What scrolls says so, and must be
// reachable by keyboard, but only while it scrolls: else Tab would stop at things that do nothing.
const SCROLLING = [
  ".rru-drawn", ".rru-table", ".rru-scroll", ".pst-scrollable-table-container", "div.output.text_html",
  "div.math > mjx-container", "figure > a.rru-wide",
].map((box) => `article ${box}`).join();

function markWhatScrolls() {
  for (const box of document.querySelectorAll(SCROLLING)) {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("rru-scrolls", scrolls);
    if (scrolls) box.tabIndex = 0;
    else if (box.matches(".rru-drawn")) box.removeAttribute("tabindex");
  }
}

// A word of code longer than its line runs on like text: as a block, its frame would leave the page.
function breakLongCode() {
  const words = [...document.querySelectorAll("article code .pre")];
  for (const word of words) word.classList.remove("rru-long");
  const long = words.filter((word) => word.offsetHeight > 1.5 * parseFloat(getComputedStyle(word).lineHeight));
  for (const word of long) word.classList.add("rru-long");
}

function fit() {
  breakLongCode();
  markWhatScrolls();
}
addEventListener("load", () => {
  fit();
  window.MathJax?.startup?.promise.then(markWhatScrolls);
});
addEventListener("resize", fit);
document.addEventListener("toggle", fit, true); // a fold opened: its tables have a width now
