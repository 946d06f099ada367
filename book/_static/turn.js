// Draws a surface when it is near: what draws it is large, and formulas come first. Lets the arrow keys
// turn a surface that has the focus; the mouse and a finger can anyway.
(() => {
  const source = new URL("plotly-gl3d.min.js", document.currentScript.src).href;
  let plotly = null; // a promise of window.Plotly
  const load = () =>
    (plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));
  const loaded = new Promise((resolve) => {
    if (document.readyState === "complete") resolve();
    else addEventListener("load", resolve, {once: true});
  });

  const draw = async (place) => {
    await loaded;
    await window.MathJax?.startup?.promise;
    await load();
    const waits = place.querySelector("script[type='text/plain']");
    const runs = document.createElement("script");
    runs.textContent = waits.textContent;
    waits.replaceWith(runs);
    // Where it is narrow, it is looked at from so much farther that its ticks and titles are inside.
    const plot = place.querySelector(".js-plotly-plot");
    const farther = 1.3 * plot.clientHeight / plot.clientWidth;
    const eye = Object.entries(plot.layout.scene.camera.eye).map(([axis, at]) => [axis, at * farther]);
    if (farther > 1) Plotly.relayout(plot, {"scene.camera.eye": Object.fromEntries(eye)});
  };

  const near = new IntersectionObserver((seen) => {
    for (const {isIntersecting, target} of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, {rootMargin: "400px 0px"});
  for (const place of document.querySelectorAll(".plotly-figure")) near.observe(place);

  document.addEventListener("keydown", (event) => {
    const place = event.target.closest?.(".plotly-figure");
    const plot = place?.querySelector(".js-plotly-plot");
    const turn = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    if (!plot || !turn) return;
    event.preventDefault();
    const {x, y, z} = plot.layout.scene.camera.eye;
    const around = Math.atan2(y, x) + turn[0] * 0.12;
    const far = Math.hypot(x, y, z);
    const up = Math.min(1.4, Math.max(-0.4, Math.atan2(z, Math.hypot(x, y)) + turn[1] * 0.12));
    const eye = {x: far * Math.cos(up) * Math.cos(around), y: far * Math.cos(up) * Math.sin(around), z: far * Math.sin(up)};
    window.Plotly.relayout(plot, {"scene.camera.eye": eye});
  });
})();
