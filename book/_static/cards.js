// Opens a card over a link to a definition, an equation, a term or a reference: with the mouse
// after a moment, with the keyboard at once; Escape closes it. See pwm_companion.book.cards.
(() => {
  const here = document.currentScript.src;
  const root = new URL("../", here).href;
  let card = null;
  let timer = 0;
  let data = null; // a promise of what cards-data.js holds

  const load = () =>
    (data ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("cards-data.js", here).href;
      script.onload = () => resolve(window.pwmCards);
      script.onerror = reject;
      document.head.append(script);
    }));

  const keyOf = (link) => {
    const [page, id] = link.href.split("#");
    return id && page.startsWith(root) && page.endsWith(".html")
      ? `${decodeURI(page.slice(root.length, -5))}#${decodeURIComponent(id)}`
      : null;
  };

  const close = () => {
    clearTimeout(timer);
    card?.owner.removeAttribute("aria-describedby");
    card?.remove();
    card = null;
  };

  const place = (link) => {
    const at = link.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - card.offsetWidth - 12);
    const below = at.bottom + card.offsetHeight + 12 < window.innerHeight;
    const top = below ? at.bottom + 6 : Math.max(6, at.top - card.offsetHeight - 6);
    card.style.left = `${Math.max(6, left) + window.scrollX}px`;
    card.style.top = `${top + window.scrollY}px`;
  };

  const open = async (link) => {
    const key = keyOf(link);
    const text = key && (await load())[key];
    if (!text || !(link.matches(":hover") || link === document.activeElement)) return;
    close();
    card = document.createElement("div");
    card.id = "pwm-card";
    card.className = "hover-card";
    card.setAttribute("role", "tooltip");
    card.innerHTML = text;
    card.owner = link;
    card.addEventListener("pointerleave", close);
    document.body.append(card);
    link.setAttribute("aria-describedby", card.id);
    place(link);
    const opened = card;
    await window.MathJax?.typesetPromise?.([opened]);
    if (card === opened) place(link);
  };

  const linkOf = (event) => event.target.closest?.("article a.internal[href*='#']");

  if (matchMedia("(hover: hover)").matches) {
    document.addEventListener("pointerover", (event) => {
      const link = linkOf(event);
      if (!link || card?.owner === link) return;
      clearTimeout(timer);
      timer = setTimeout(open, 250, link);
    });
    document.addEventListener("pointerout", (event) => {
      clearTimeout(timer);
      if (card && linkOf(event) === card.owner && !card.contains(event.relatedTarget)) {
        timer = setTimeout(() => card?.matches(":hover") || close(), 200);
      }
    });
  }
  document.addEventListener("focusin", (event) => {
    const link = linkOf(event);
    if (link?.matches(":focus-visible")) open(link);
    else if (card && !card.contains(event.target)) close();
  });
  document.addEventListener("focusout", (event) => {
    if (card?.owner === event.target) close();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
})();
