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
addEventListener("load", () => {
  markWhatScrolls();
  window.MathJax?.startup?.promise.then(markWhatScrolls);
});
addEventListener("resize", markWhatScrolls);
document.addEventListener("toggle", markWhatScrolls, true); // a fold opened: its tables have a width now
