/* What scrolls sideways can be reached, and so scrolled, with the keyboard. */
function mark() {
  for (const box of document.querySelectorAll(".highlight pre, .table-wrapper, mjx-container[display]")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}

addEventListener("load", mark);
addEventListener("resize", mark);
addEventListener("toggle", mark, true); // a folded part has no width
