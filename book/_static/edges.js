// Marks what is wider than its box and scrolls in it, so that a shadow shows at its edges that there
// is more and the keyboard reaches it, and formulas that are longer than their line. Widths change
// after a page is loaded.
(() => {
  const article = document.querySelector("article");
  if (!article) return;
  let waiting = false;
  const mark = () => {
    waiting = false;
    for (const svg of article.querySelectorAll("mjx-container:not([display]) > svg")) {
      const line = svg.closest("p, li, dt, dd, td, th, div, figcaption");
      svg.parentElement.classList.toggle("long", svg.getBoundingClientRect().width > line.clientWidth);
    }
    for (const it of article.querySelectorAll("pre, mjx-container, .live-table, .output, .pst-scrollable-table-container")) {
      const over = it.classList.contains("long") || it.scrollWidth > it.clientWidth + 1;
      const scrolls = over && /auto|scroll/.test(getComputedStyle(it).overflowX);
      it.classList.toggle("scrolls", scrolls);
      if (scrolls) it.tabIndex = 0; // The theme says so too, but not at once.
      else if (it.matches("mjx-container")) it.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(() => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  }).observe(article);
})();
