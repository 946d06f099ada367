// Lets the arrow keys turn a surface that has the focus; the mouse and a finger can anyway. Where it
// is narrow, it is looked at from so much farther that its ticks and titles are inside.
addEventListener("load", () => {
  for (const plot of document.querySelectorAll(".plotly-figure .js-plotly-plot")) {
    const farther = 1.15 * plot.clientHeight / plot.clientWidth;
    const eye = Object.entries(plot.layout.scene.camera.eye).map(([axis, at]) => [axis, at * farther]);
    if (farther > 1) Plotly.relayout(plot, {"scene.camera.eye": Object.fromEntries(eye)});
  }
});
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
