/* What is too wide for the screen scrolls by itself, with the keyboard too. */
function mark() {
  for (const formula of document.querySelectorAll("article mjx-container:not([display])")) {
    const room = formula.closest("p, li, td, th, summary, dd")?.clientWidth;
    formula.classList.toggle("long", formula.firstElementChild.getBoundingClientRect().width > room);
  }
  for (const box of document.querySelectorAll("article :is(pre, .table-wrapper, mjx-container)")) {
    if (box.scrollWidth > box.clientWidth && box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}

addEventListener("load", () => {
  mark();
  window.MathJax?.startup?.promise.then(mark);
});
addEventListener("resize", mark);
addEventListener("toggle", mark, true); // a folded part has no width
