// Marks what is wider than its box and scrolls in it, and the sides to which there is more, so that
// it fades there and the keyboard reaches it, and formulas that are longer than their line. Widths
// change after a page is loaded.
(() => {
  // The way home and the search are in no landmark otherwise.
  for (const it of document.querySelectorAll(".bd-sidebar-primary")) {
    it.setAttribute("role", "navigation");
    it.setAttribute("aria-label", "Book");
  }
  const article = document.querySelector("article");
  if (!article) return;
  let waiting = false;
  const sides = (it) => {
    const left = it.scrollLeft, scrolls = it.classList.contains("scrolls");
    it.classList.toggle("more-left", scrolls && left > 1);
    it.classList.toggle("more-right", scrolls && left + it.clientWidth < it.scrollWidth - 1);
  };
  const mark = () => {
    waiting = false;
    for (const svg of article.querySelectorAll("mjx-container:not([display]) > svg")) {
      const line = svg.closest("p, li, dt, dd, td, th, div, figcaption");
      svg.parentElement.classList.toggle("long", svg.getBoundingClientRect().width > line.clientWidth + 1); // which is rounded
    }
    // A head breaks between words, and its column is as wide as the longest of them.
    for (const head of article.querySelectorAll("table.dataframe thead th"))
      if (head.scrollWidth > head.clientWidth + 1) head.style.maxWidth = `${head.scrollWidth + 8}px`;
    for (const it of article.querySelectorAll("pre, mjx-container, .live-table, .output, .pst-scrollable-table-container")) {
      const over = it.classList.contains("long") || it.scrollWidth > it.clientWidth + 1;
      const scrolls = over && /auto|scroll/.test(getComputedStyle(it).overflowX);
      it.classList.toggle("scrolls", scrolls);
      sides(it);
      if (scrolls) it.tabIndex = 0; // The theme says so too, but not at once.
      else if (it.matches("mjx-container")) it.removeAttribute("tabindex");
    }
  };
  article.addEventListener("scroll", ({target}) => sides(target), {capture: true, passive: true});
  new ResizeObserver(() => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  }).observe(article);
})();
