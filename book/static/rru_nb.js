// Figures of several panels scroll on a phone (rru_nb.css). What scrolls must be reachable by
// keyboard, and only while it scrolls: else Tab would stop at things that do nothing.
function letScrollingFiguresTakeFocus() {
  for (const figure of document.querySelectorAll("article .rru-drawn")) {
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  }
}
addEventListener("load", letScrollingFiguresTakeFocus);
addEventListener("resize", letScrollingFiguresTakeFocus);
