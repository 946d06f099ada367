/* Pictures of a menu and of what it is worth, which several explorables show. See explorer-core.js. */
(() => {
  "use strict";
  const E = Explorer;
  const {s, h, fmt, pct, color, scale, say, box, stroke, mark, path, area, bottomAxis, picture, plane} = E;

  const PARTIES = [];
  for (let n = 2; n < 1e6; n = n < 20 ? n + 1 : Math.round(n * 1.12)) PARTIES.push(n);
  PARTIES.push(1000000);

  /* Room for names beside bars, and the names, to fit. */
  function beside(width, names) {
    const left = Math.min(0.42 * width, 12 + 6.3 * Math.max(...names.map((name) => name.length))), most = Math.floor((left - 6) / 6.3);
    return [left, names.map((name) => name.length > most ? `${name.slice(0, most - 1)}…` : name)];
  }

  function contributions(width, names, r, unit = "units of data") {
    const row = 26, top = 4, [left, shown] = beside(width, names), height = top + row * r.m.length;
    const most = Math.max(...r.m, ...r.alone) || 1, least = Math.min(...r.m.filter((m) => m > 1e-6), most);
    const log = most / least > 40;
    const x = log ? scale(Math.max(least / 3, most / 1e5), most, left, width - 62, true) : scale(0, most, left, width - 62);
    return picture(width, height + 34, `Contributions: ${r.m.map((m, i) => `${names[i]} gives ${fmt(m, 4)}, alone ${fmt(r.alone[i], 4)}`).join("; ")}.`,
      bottomAxis(x, height, log ? `${unit}, by ratios` : unit, width - 62),
      r.m.map((m, i) => {
        const y = top + row * i, end = Math.max(x.at(m), left), alone = r.alone[i] > 0;
        return [say(0, y + 16, shown[i], {class: "name"}), box(left, y + 4, end - left, 15, color(i, r.m.length), {rx: 2}),
          alone && mark(x.at(r.alone[i]), y + 1, y + 22),
          say(Math.max(end, alone ? x.at(r.alone[i]) : 0) + 5, y + 16, fmt(m < 1e-6 * most ? 0 : m, 4))];
      }));
  }

  function rewards(width, names, costs, r, unit = "value") {
    const row = 26, top = 4, [left, shown] = beside(width, names), height = top + row * r.m.length, amounts = E.alike(r.t);
    const x = scale(0, Math.max(...r.caps, ...r.t) || 1, left, width - 50);
    return picture(width, height + 34, `Rewards: ${r.t.map((t, i) => `${names[i]} gets ${fmt(t)} on average, of which rent ${fmt(Math.max(r.u[i] - r.outside[i], 0))}; the best model would be worth ${fmt(r.caps[i])}`).join("; ")}.`,
      bottomAxis(x, height, unit, width - 50),
      r.t.map((t, i) => {
        const y = top + row * i, parts = [["cost", costs[i] * r.m[i]], ["outside", r.outside[i]], ["rent", Math.max(r.u[i] - r.outside[i], 0)]];
        let from = 0;
        return [say(0, y + 16, shown[i], {class: "name"}),
          parts.map(([kind, size]) => { const start = x.at(from); from += size; return box(start, y + 4, x.at(size) - left, 15, kind === "rent" ? "url(#explorer-rent)" : `var(--${kind})`); }),
          mark(x.at(r.caps[i]), y + 1, y + 22),
          say(Math.max(x.at(r.caps[i]), x.at(t)) + 5, y + 16, amounts[i])];
      }));
  }

  /* Options in the plane of data and value, through each the line along which its type is as well off. */
  function menuPlane(width, costs, r, more = {}) {
    const height = more.height || 230, mMost = more.mMost || Math.max(...r.m) * 1.15 || 1, tMost = more.tMost || Math.max(...r.t) * 1.2 || 1;
    const frame = plane(width, height, {low: 0, high: mMost, name: "data given"}, {low: 0, high: tMost, name: "mean value received"});
    const {x, y, left, right} = frame, clip = `explorer-clip-${more.id || "menu"}`;
    // One label for options that cannot be told apart, clear of others.
    const groups = [];
    for (const i of r.m.map((_, i) => i).sort((i, j) => r.m[i] - r.m[j])) {
      const px = x.at(r.m[i]), py = y.at(r.t[i]), last = groups[groups.length - 1];
      if (last && Math.hypot(px - last.px, py - last.py) < 7) last.types.push(i);
      else groups.push({px, py, types: [i]});
    }
    const taken = r.m.map((m, i) => [x.at(m) - 9, y.at(r.t[i]) - 9, x.at(m) + 9, y.at(r.t[i]) + 9]);
    const free = (a) => taken.every((b) => a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]);
    function label({px, py, types}) {
      const text = E.named(types.sort((a, b) => a - b)), wide = 6.4 * text.length;
      const spots = [Math.max(py - 12, 12), Math.min(py + 22, height - 4)].flatMap((end) => [px - 6, px + 6 - wide].map((from) => [from, end - 11, from + wide, end + 3]));
      const spot = spots.find((it) => it[0] >= left && it[2] <= right && free(it)) || spots[+(px > right - wide)];
      taken.push(spot);
      return say(spot[0], spot[3] - 3, text);
    }
    const svg = picture(width, height + 34, more.label || "The menu: data given against value received. Through each option runs the line along which its type is as well off; no other option lies above it.",
      s("clipPath", {id: clip}, s("rect", {x: left, y: 0, width: right - left, height})), frame.axes,
      s("g", {"clip-path": `url(#${clip})`}, r.m.map((_, i) => {
        const at = (data) => y.at(r.u[i] + costs[i] * data);
        return stroke(x.at(0), at(0), x.at(mMost), at(mMost), color(i, r.m.length), more.lit && more.lit.includes(i) ? 3 : 1.4, {opacity: 0.8});
      })),
      more.parts && more.parts(frame),
      r.m.map((m, i) => s("circle", {cx: x.at(m), cy: y.at(r.t[i]), r: more.handles ? 9 : 5.5, class: more.handles ? "handle" : "", style: `fill:${color(i, r.m.length)};stroke:var(--ground);stroke-width:1.5`})),
      groups.map(label));
    return {svg, ...frame};
  }

  /* The accuracy curve, and how often how much data comes together. */
  function data(width, curve, r, spread) {
    const height = 170, low = Math.max(r.zero / 4, r.mean / 1e4, 1e-3);
    const high = Math.max(r.touch * 4, (r.mean + 4 * r.sd) * 1.6, ...(spread ? [spread[spread.length - 1][0] * 1.3] : []), low * 10);
    const {x, y, left, right, axes} = plane(width, height, {low, high, log: true, name: "total data"}, {low: 0, high: r.top * 1.02, name: "accuracy"});
    const parts = [];
    if (r.zero > 0) parts.push(box(left, 0, x.at(r.zero) - left, height, "var(--open)", {opacity: 0.28}), box(x.at(r.zero), 0, x.at(r.touch) - x.at(r.zero), height, "var(--open)", {opacity: 0.12}));
    if (r.mean > 0 && spread) {
      const bins = 48, mass = new Array(bins).fill(0), wide = (right - left) / bins;
      for (const [amount, chance] of spread) mass[Math.min(bins - 1, Math.max(0, Math.floor(bins * (x.at(amount) - left) / (right - left))))] += chance;
      const most = Math.max(...mass);
      mass.forEach((v, b) => { if (v > 0) parts.push(box(left + b * wide, height - 0.55 * height * v / most, Math.max(wide - 1, 1), 0.55 * height * v / most, "var(--cost)", {opacity: 0.8})); });
    } else if (r.mean > 0) {
      const from = x.at(Math.max(r.mean - 2 * r.sd, low));
      parts.push(box(from, 0.45 * height, Math.max(x.at(r.mean + 2 * r.sd) - from, 2), 0.55 * height, "var(--cost)", {opacity: 0.8}));
    }
    const lost = spread ? E.sum(spread.map(([amount, chance]) => amount <= r.zero ? chance : 0)) : null;
    return picture(width, height + 34, `Accuracy curve${r.zero > 0 ? `: zero up to ${fmt(r.zero)} units of data` : ""}. Collected on average: ${fmt(r.mean, 4)}${lost === null ? "" : `; too little for any model with probability ${pct(lost, 2)}`}.`,
      axes, parts, path(E.spaced(low, high, 140).map((amount) => [x.at(amount), y.at(curve(amount))]), "var(--give)"));
  }

  /* What is reached, and the band up to what no menu passes, over one number. */
  function sweepPicture(width, found, {low, high, name, log = true, here, top = 1, label, floor = 0}) {
    const height = 180, {x, y, axes} = plane(width, height, {low, high, log, name}, {low: floor, high: top, name: "expected accuracy"});
    const points = found ? found.points : [], open = points.some((q) => q.bound - q.accuracy > 1e-6);
    return picture(width, height + 34, `${label} ${open ? "Where the band is wide, the first answers leave the best menu open." : ""}`, axes,
      points.length > 1 && [
        open && area([...points.map((q) => [x.at(q.x), y.at(q.bound)]), ...points.slice().reverse().map((q) => [x.at(q.x), y.at(q.accuracy)])], "url(#explorer-hatch)", 0.7),
        path(points.map((q) => [x.at(q.x), y.at(q.accuracy)]), "var(--give)")],
      s("line", {x1: x.at(here), x2: x.at(here), y1: 0, y2: height, style: "stroke:var(--rent);stroke-width:1.5;stroke-dasharray:4 3"}));
  }

  function table(place, names, state, r, unit = "data", worth = "value") {
    const heads = ["type", "cost", "probability", `gives (${unit})`, "alone", `gets (${worth})`, "of the best model", "outside option", "rent"];
    const [gets, outside, rents] = [r.t, r.outside, r.u.map((u, i) => Math.max(u - r.outside[i], 0))].map((it) => E.alike(it));
    place.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, heads.map((text) => h("th", {scope: "col"}, text)))),
      h("tbody", {}, r.m.map((m, i) => h("tr", {}, h("th", {scope: "row"}, names[i]),
        [fmt(state.c[i]), pct(state.p[i], 2), fmt(m, 5), fmt(r.alone[i], 4), gets[i], r.caps[i] > 1e-9 ? pct(Math.min(1, r.t[i] / r.caps[i]), 2) : "–",
          outside[i], rents[i]].map((text) => h("td", {}, text)))))));
  }

  function words(state, r) {
    const parts = [], most = Math.max(...r.m);
    const idle = r.m.map((m, i) => m < 1e-6 * most ? i : -1).filter((i) => i >= 0);
    if (most < 1e-9) parts.push(r.gap <= 1e-8 ? "Nobody contributes: whatever is promised would cost the parties more than the model is worth." : "No menu that trains a model was found.");
    else {
      for (const run of E.bunches(r.m, r.t)) if (run.length > 1 && r.m[run[0]] > 1e-6 * most) parts.push(run.length === r.m.length ? "All types share one option." : `${E.upper(E.named(run))} share one option.`);
      if (idle.length) parts.push(`${E.upper(E.named(idle))} ${idle.length > 1 ? "give" : "gives"} nothing.`);
      parts.push(`Information rent: ${fmt(E.sum(r.u.map((u, i) => state.p[i] * Math.max(u - r.outside[i], 0))))} a party on average.`);
    }
    return parts.join(" ");
  }

  const curveOf = (state) => {
    const C = E.mathematics(), curve = C.generalization_bound(state.a, state.k);
    return (amount) => C.accuracy(curve, amount);
  };
  const solo = (r, curve) => Math.max(...r.alone) > 0 ? curve(Math.max(...r.alone)) : 0;

  /* The head of views with a best menu: accuracy, standing, gauge, words. */
  function headline() {
    const accuracy = h("b", {}, "–"), proof = h("span", {class: "live-proof"}), time = h("span", {class: "live-note time"}), bar = h("div", {}), text = h("div", {class: "live-note"});
    const node = h("div", {class: "live-top"}, h("div", {class: "live-line"}, h("span", {}, "Expected accuracy ", accuracy), proof, time), bar, text);
    const fail = (text) => { proof.className = "live-proof stopped"; proof.textContent = `not solved: ${text}`; };
    return {node, fail, draw(kit, r, top, alone, told) {
      accuracy.textContent = r.accuracy.toFixed(4);
      const standing = E.proof(proof, r);
      time.textContent = `solved in ${r.first < 10 ? r.first.toFixed(1) : r.first.toFixed(0)} ms${r.all ? `, looked further for ${fmt(r.all / 1000, 2)} s` : ""}`;
      bar.replaceChildren(E.gauge(Math.max(240, bar.clientWidth || 480), r, alone, top));
      text.textContent = [told, E.reason(r)].filter(Boolean).join(" ");
      kit.say(`Expected accuracy ${r.accuracy.toFixed(4)}, ${standing}. ${told}`);
    }};
  }
  const typeNames = (number) => Array.from({length: number}, (_, i) => `type ${i + 1}`);

  /* One probability set, the others in proportion. */
  function setChance(kit, i, value) {
    const others = 1 - kit.state.p[i], number = kit.state.p.length;
    if (number > 1) kit.state.p = E.normal(kit.state.p.map((p, j) => j === i ? value : Math.max(1e-4, others > 0 ? p * (1 - value) / others : (1 - value) / (number - 1))));
    kit.changed();
  }

  E.pictures = {contributions, rewards, menuPlane, data, sweepPicture, table, words, headline, typeNames, curveOf, solo, setChance, PARTIES};
})();
