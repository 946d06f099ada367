/* Design your own contract in the page: what is typed, pasted or dropped stays in it. */
(() => {
  "use strict";
  const E = Explorer;
  const {h, fmt, pct, color, say, path, picture, plane, kinds, s} = E;
  const MOST_POINTS = 60, MOST_TEXT = 200000;
  const M = pointsModule();

  /* Measured points from text: rows of data and accuracy, with or without a heading; commas,
     semicolons or tabs between, and a decimal comma where the separator is another. Stricter than the
     library's tables: two columns, and accuracies are shares. In any order, with dips and repeats. */
  function readPoints(text) {
    if (text.length > MOST_TEXT) return {error: "That is more than a table of measured points."};
    const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean), points = [];
    const mark = lines.length === 0 ? "," : lines[0].includes(";") ? ";" : lines[0].includes("\t") ? "\t" : lines[0].includes(",") ? "," : /\s+/;
    for (let number = 0; number < lines.length; number++) {
      const cells = lines[number].split(mark).map((cell) => cell.trim().toLowerCase()), where = `line ${number + 1}`;
      if (number === 0 && cells.length === 2 && cells.every((cell) => /^"?[a-z][a-z _]*"?$/.test(cell))) continue;
      if (cells.length !== 2) return {error: `${where}: must have two numbers, data and accuracy.`};
      const [data, accuracy] = cells.map((cell) => mark === "," ? cell : cell.replace(",", ".")).map((cell) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(cell) ? +cell : NaN);
      if (!(data >= 1e-9 && data <= 1e15)) return {error: `${where}: data must be a positive number.`};
      if (accuracy > 1 && accuracy <= 100) return {error: `${where}: accuracy must be a share, from 0 to 1; percent? Then divide by 100.`};
      if (!(accuracy >= 0 && accuracy <= 1)) return {error: `${where}: accuracy must be a share, from 0 to 1.`};
      points.push([data, accuracy]);
    }
    if (points.length > MOST_POINTS) return {error: `At most ${MOST_POINTS} points, please; there are ${points.length}.`};
    const pooled = pool(points);
    if (pooled.sizes.length < 3 || points.every((pair) => pair[1] === 0)) return {error: "Points of at least three amounts of data are needed, not all of accuracy 0."};
    if (M.falls_all_along(pooled)) return {error: "Accuracy falls all along with more data: an error rate? Then give 1 minus it."};
    return {points};
  }
  const pool = (points) => M.pool(points.map((pair) => pair[0]), points.map((pair) => pair[1]));

  /* What was done with the points, and what puts their fit in doubt, in words. */
  function remarks(pooled, fit) {
    const {sizes, accuracies} = pooled, found = M.doubts(pooled, fit), at = (i) => sizes[i] >= 1000 ? fmt(sizes[i]) : String(+sizes[i].toPrecision(4)), share = (i) => accuracies[i].toFixed(3);
    return [
      found.missed > 0 && `The fit misses ${found.missed} of ${sizes.length} points by more than 3 percentage points, most at ${at(found.farthest)}: measured ${share(found.farthest)}, fitted ${M.fitted(fit, sizes[found.farthest]).toFixed(3)}.`,
      found.falls >= 0 && `More data made models worse: accuracy falls from ${share(found.falls)} at ${at(found.falls)} to ${share(sizes.length - 1)} at ${at(sizes.length - 1)}. The fit stays level there.`,
      found.flat && "Accuracy hardly rises: more data are worth next to nothing there.",
      found.jump >= 0 && `Accuracy stays flat and then jumps, from ${share(found.jump)} at ${at(found.jump)} to ${share(found.jump + 1)} at ${at(found.jump + 1)}. No concave curve does that.`,
      found.dips > 0 && `Accuracy dips: from ${at(found.deepest)} to ${at(found.deepest + 1)} it falls from ${share(found.deepest)} to ${share(found.deepest + 1)}${found.dips > 1 ? `, the largest of ${found.dips} dips` : ""}.`,
      !pooled.ordered && "The points were sorted.",
      pooled.repeated > 0 && `Repeats of ${E.plural(pooled.repeated, "size")} were averaged.`,
    ].filter(Boolean);
  }

  const plainText = (text, most) => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ").slice(0, most);
  const quoted = (text) => JSON.stringify(text); // a double-quoted scalar of YAML, too

  function consortium(state, fit) {
    const own = state.f.some((f) => f > 0), curve = fit ? `{name: Saturating, parameters: {weights: [${fit.weights.join(", ")}], rates: [${fit.rates.join(", ")}]}}`
      : state.curve === "bound" ? `{name: GeneralizationBound, parameters: {optimum: ${state.a}, complexity: ${state.k}}}`
      : `{name: Saturating, parameters: {weights: [${state.a}], rates: [${Math.LN2 / state.half}]}}`;
    return [`title: ${quoted(state.title)}`, `data_unit: ${quoted(state.unit)}`, `value_unit: ${quoted(state.worth)}`, `n_parties: ${state.n}`, "types:",
      ...state.names.map((name, i) => `  - {name: ${quoted(name)}, probability: ${state.p[i]}, cost: ${state.c[i]}${own && state.f[i] > 0 ? `, outside: ${state.f[i]}` : ""}}`),
      ...(fit ? [`# Fitted to ${state.points.length / 2} measured points.`] : []), `accuracy: ${curve}`,
      `valuation: {name: LinearValuation, parameters: {scale: ${state.v}}}`, ...(state.own ? ["beliefs: own"] : []), ""].join("\n");
  }
  /* A cell that begins like a formula is kept from being one. */
  const cell = (value) => typeof value === "number" ? String(value) : `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replace(/"/g, '""')}"`;
  function csv(state, r) {
    const rows = state.names.map((name, i) => [name, state.p[i], state.c[i], r.m[i], r.t[i], r.caps[i], r.outside[i], r.u[i], Math.max(r.u[i] - r.outside[i], 0), r.alone[i]]);
    return [["type", "probability", "cost", "contribution", "reward", "cap", "outside_option", "utility", "rent", "alone"], ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }
  function download(name, type, text) {
    const place = URL.createObjectURL(new Blob([text], {type}));
    const link = h("a", {href: place, download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(place), 1000);
  }

  const HOSPITALS = {title: "A consortium of hospitals", unit: "scans", worth: "thousand euros", n: 8, names: ["Community hospital", "Teaching hospital", "Research hospital"], p: [0.5, 0.3, 0.2], c: [0.08, 0.04, 0.015], f: [0, 0, 0],
    curve: "points", points: [50, 0.31, 100, 0.45, 200, 0.58, 400, 0.68, 800, 0.76, 1600, 0.82, 3200, 0.86, 6400, 0.885]};
  const start = (more) => ({own: false, curve: "bound", a: 1, k: 1, half: 500, points: [], v: 100, unit: "units of data", worth: "units of value", ...more});

  E.define("design", {
    title: "Design your own, here in the page",
    hint: "Say who might join, what data cost them, and how accuracy grows. The best menu appears in plain words, with its proof. Nothing that you type, paste or drop leaves your browser: there is no server to send it to.",
    proves: true,
    spec: {title: kinds.text(200), unit: kinds.text(40), worth: kinds.text(40), n: kinds.whole(2, 10000), names: kinds.list(kinds.text(80), 1, 6),
      p: kinds.list(kinds.real(1e-4, 1), 1, 6), c: kinds.list(kinds.real(1e-9, 1e9), 1, 6), f: kinds.list(kinds.real(0, 1e12), 1, 6), own: kinds.flag(),
      curve: kinds.choice("bound", "saturating", "points"), a: kinds.real(0.05, 1), k: kinds.real(1e-3, 1e6), half: kinds.real(1e-6, 1e12),
      points: kinds.list(kinds.real(0, 1e15), 0, 2 * MOST_POINTS), v: kinds.real(1e-6, 1e12)},
    valid: (state) => [state.p, state.c, state.f].every((list) => list.length === state.names.length) && Math.abs(E.sum(state.p) - 1) < 1e-6 &&
      new Set(state.names).size === state.names.length && state.names.every((name) => name.trim()) && Boolean(state.title.trim() && state.unit.trim() && state.worth.trim()) &&
      (state.curve === "points" ? readPoints(pairs(state.points).map((pair) => pair.join(",")).join("\n")).points !== undefined : state.points.length === 0) && state.points.length % 2 === 0,
    presets: {
      "Hospitals": start(HOSPITALS),
      "Hospitals, one with a rival offer": start({...HOSPITALS, f: [0, 0, 72]}),
      "Sensor owners": start({title: "Owners of weather sensors", unit: "station days", worth: "euros", n: 40, names: ["Hobbyist", "Farm", "Utility"], p: [0.6, 0.3, 0.1], c: [0.6, 0.25, 0.05], f: [0, 0, 0], curve: "saturating", a: 0.92, half: 800, v: 300}),
      "Firms, with the paper’s curve": start({title: "Five kinds of firms", n: 10, names: ["Firm A", "Firm B", "Firm C", "Firm D", "Firm E"], p: [0.2, 0.2, 0.2, 0.2, 0.2], c: [0.2, 0.16, 0.12, 0.08, 0.04], f: [0, 0, 0, 0, 0]}),
    },
    build(kit, body) {
      let answer = null, fit = null, fitted = "", wrong = "", area = null;
      const C = E.mathematics(), top = E.pictures.headline(), P = E.pictures;
      const typeBox = h("div", {}), curveBox = h("div", {}), plain = h("div", {class: "live-plain"}), problem = h("p", {class: "live-error", role: "alert"}), about = h("p", {class: "live-note", role: "status"});
      const shown = {gives: E.figure("Who gives what", [["var(--give)", "in the menu"], ["var(--ink)", "alone", "tick"]]),
        gains: E.figure("Who gains what", [["var(--cost)", "its cost"], ["var(--outside)", "outside option"], ["var(--rent)", "gain over that", "stripes"], ["var(--ink)", "value of the best model", "tick"]]),
        curve: E.figure("Accuracy against data", [["var(--give)", "curve"], ["var(--rent)", "measured", "dot"]], true)};
      const tableBox = h("div", {class: "live-table", tabindex: 0, role: "region", "aria-label": "The menu as a table"});
      const typed = (label, key, most, more = {}) => {
        const input = h("input", {type: "text", maxlength: most, "aria-label": label, ...more, oninput: () => { const text = plainText(input.value, most); if (text.trim()) kit.set(key, text); }});
        kit.controls.push({update: () => { if (document.activeElement !== input) input.value = kit.state[key]; }});
        return h("label", {class: "live-field"}, h("span", {}, label), input);
      };
      const numbered = (label, get, set, low, high, spoken = label) => {
        const input = h("input", {type: "number", step: "any", "aria-label": spoken, oninput: () => { const x = +input.value; if (input.value !== "" && x >= low && x <= high) set(x); }, onchange: () => { input.value = get(); }});
        kit.controls.push({update: () => { if (document.activeElement !== input) input.value = +get().toPrecision(6); }});
        return h("label", {class: "live-field"}, h("span", {}, label), input);
      };
      const form = h("form", {class: "live-controls", autocomplete: "off", onsubmit: (event) => event.preventDefault()},
        E.group("The consortium", typed("Title", "title", 200), typed("Data are counted in", "unit", 40), typed("Value is counted in", "worth", 40),
          kit.slider({label: "Parties N", values: P.PARTIES.filter((n) => n <= 10000), low: 2, high: 10000, get: () => kit.state.n, set: (n) => kit.set("n", Math.round(n)), show: (n) => E.grouped(String(n))}),
          numbered("Value of full accuracy", () => kit.state.v, (x) => kit.set("v", x), 1e-6, 1e12),
          kit.add(E.choices({label: "What a party believes", options: [[false, "beliefs as in the paper"], [true, "own beliefs: it knows its type"]], get: () => kit.state.own, set: (own) => kit.set("own", own)}))),
        E.group("Types of parties", typeBox, h("div", {class: "live-buttons"}, E.button("Add a type", () => {
          const {names, p, c, f} = kit.state;
          if (names.length >= 6) return;
          let name = `Type ${names.length + 1}`;
          while (names.includes(name)) name += "′";
          kit.restart({...kit.state, names: [...names, name], p: E.normal([...p, 1 / p.length]), c: [...c, Math.min(...c) / 1.5], f: [...f, 0]});
        }))),
        E.group("How accuracy grows with data", kit.add(E.choices({label: "Accuracy curve", options: [["bound", "generalization bound"], ["saturating", "saturating"], ["points", "measured points"]], get: () => kit.state.curve, set: (curve) => {
          kit.restart({...kit.state, curve, points: curve === "points" ? (kit.state.points.length ? kit.state.points : HOSPITALS.points) : []});
        }})), curveBox, problem));
      const buttons = h("div", {class: "live-buttons first"}, E.button("Download consortium.yaml", () => download("consortium.yaml", "text/yaml", consortium(kit.state, fit))),
        E.button("Download the menu as CSV", () => { if (answer) download("menu.csv", "text/csv", csv(kit.state, answer)); }));
      body.append(top.node, h("div", {class: "live-grid"}, form, h("div", {class: "live-figures"}, h("div", {class: "wide"}, plain, buttons,
        h("p", {class: "live-note"}, "The first is read by ", h("code", {}, "pwm report consortium.yaml"), ", which proves the menu with the library and writes a page to print. The link under this block holds all that is stated here.")),
      Object.values(shown).map((it) => it.node))), tableBox);

      const always = kit.controls.length;
      function rows() {
        kit.controls.length = always;
        typeBox.replaceChildren(...kit.state.names.map((_, i) => {
          const name = h("input", {type: "text", maxlength: 80, "aria-label": `Name of type ${i + 1}`, oninput: () => {
            const text = plainText(name.value, 80);
            if (text.trim() && !kit.state.names.some((other, j) => j !== i && other === text)) { kit.state.names[i] = text; kit.changed(); }
          }, onchange: () => { name.value = kit.state.names[i]; }});
          kit.controls.push({update: () => { if (document.activeElement !== name) name.value = kit.state.names[i]; }});
          return h("div", {class: "live-type", role: "group", "aria-label": `Type ${i + 1}`}, h("div", {class: "name"}, h("i", {style: `background:${color(i, kit.state.names.length)}`}), name,
            kit.state.names.length > 1 && E.button("Remove", () => kit.restart({...kit.state, ...Object.fromEntries(["names", "c", "f"].map((key) => [key, kit.state[key].filter((_, j) => j !== i)])), p: E.normal(kit.state.p.filter((_, j) => j !== i))}), {"aria-label": `Remove type ${i + 1}`})),
          kit.slider({label: "Cost", spoken: `Cost of type ${i + 1} per unit of data`, log: true, low: 1e-6 * kit.state.v, high: kit.state.v, get: () => kit.state.c[i], set: (x) => { kit.state.c[i] = x; kit.changed(); }, show: (x) => `${fmt(x)} ${kit.state.worth} a unit of data`}),
          kit.slider({label: "Probability", spoken: `Probability of type ${i + 1}`, low: 0.001, high: 0.999, step: 0.001, show: pct, get: () => kit.state.p[i], set: (x) => P.setChance(kit, i, x)}),
          numbered("Outside option", () => kit.state.f[i], (x) => { kit.state.f[i] = x; kit.changed(); }, 0, 1e12, `Outside option of type ${i + 1}, in value; 0 for what it reaches alone`));
        }));
        const {curve} = kit.state;
        if (curve === "points") {
          const text = h("textarea", {rows: 6, "aria-label": "Measured points: a line each with data and accuracy", spellcheck: "false", oninput: () => take(text.value)});
          area = text;
          text.value = pairs(kit.state.points).map((pair) => pair.join(", ")).join("\n");
          const file = h("input", {type: "file", accept: ".csv,.txt,text/csv,text/plain", "aria-label": "Read measured points from a CSV file", onchange: () => { if (file.files[0]) open(file.files[0]); }});
          const open = (it) => { if (it.size > MOST_TEXT) fail("That is more than a table of measured points."); else it.text().then((content) => { text.value = content; take(content); }); };
          const drop = h("div", {class: "live-drop", ondragover: (event) => event.preventDefault(), ondrop: (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]); else { text.value = event.dataTransfer.getData("text/plain"); take(text.value); } }}, text, file);
          curveBox.replaceChildren(h("p", {class: "live-note"}, "Paste or drop a table: data, accuracy. It is fitted, here, as the library fits learning curves."), drop, about);
        } else curveBox.replaceChildren(
          kit.slider({label: "Best accuracy", low: 0.05, high: 1, step: 0.005, get: () => kit.state.a, set: (x) => kit.set("a", x)}),
          curve === "bound" ? kit.slider({label: "Complexity k", log: true, low: 0.001, high: 1e6, get: () => kit.state.k, set: (x) => kit.set("k", x)})
            : kit.slider({label: "Half of it at", log: true, low: 1e-2, high: 1e8, get: () => kit.state.half, set: (x) => kit.set("half", x), show: (x) => `${fmt(x)} ${kit.state.unit}`}));
      }
      /* What is shown belongs to the last points that could be read. */
      function fail(text) {
        wrong = text;
        problem.textContent = text && `${text} What is shown is for the points before.`;
        body.classList.toggle("outdated", Boolean(text));
        if (area) area.setAttribute("aria-invalid", Boolean(text));
      }
      function take(text) {
        const {points, error} = readPoints(text);
        fail(error || "");
        if (points) kit.set("points", points.flat());
      }
      function stated() {
        const {n, v, a, k, c, p, f, own, curve, half, points} = kit.state, it = {n, v, a, k, c: c.slice(), p: p.slice(), f: f.slice(), own};
        fit = null;
        if (curve === "points") {
          if (fitted.key !== String(points)) {
            const pooled = pool(pairs(points)), found = M.fit_points(pooled.sizes, pooled.accuracies, pooled.units);
            fitted = {key: String(points), fit: {weights: Array.from(found.weights), rates: Array.from(found.rates)}, said: remarks(pooled, found)};
          }
          fit = fitted.fit;
          about.textContent = fitted.said.join(" ");
          return {...it, ...fit};
        }
        return curve === "saturating" ? {...it, weights: [a], rates: [Math.LN2 / half]} : it;
      }
      rows();
      const solve = E.line("solve", (message) => { answer = message.result; kit.paint(); }, top.fail);
      return {
        ask() { answer = null; solve(stated()); },
        restart() { fail(""); rows(); },
        answer: () => answer && {...answer, yaml: consortium(kit.state, fit), csv: csv(kit.state, answer), words: plain.textContent, fit, wrong},
        draw() {
          const r = answer, state = kit.state, names = state.names;
          if (!r || r.m.length !== names.length) return;
          const task = stated(), curve = task.rates ? C.exponential_curve(0, task.rates, task.weights) : C.generalization_bound(task.a, task.k), at = (x) => C.accuracy(curve, x);
          const most = Math.max(...r.m), told = most < 1e-9 ? (r.gap <= 1e-8 ? "Nobody contributes under the best menu." : "No menu that trains a model was found.") : `${E.plural(E.bunches(r.m, r.t).length, "option")} on the menu for ${E.plural(names.length, "type")}.`;
          top.draw(kit, r, r.top, P.solo(r, at), told);
          const gains = E.alike(r.u.map((u, i) => Math.max(u - r.outside[i], 0)));
          plain.replaceChildren(h("p", {class: "live-menu-title"}, state.title), h("ul", {}, E.bunches(r.m, r.t).map((run) => {
            const i = run[0], who = E.named(run, names), lead = h("b", {}, who);
            if (r.m[i] <= 1e-7 * most || most < 1e-9) return h("li", {}, lead, r.inside[i] && r.t[i] > 1e-9 ? `: gives nothing and gets a model worth ${fmt(r.t[i])} ${state.worth} on average.` : `: no option; ${run.length > 1 ? "they stay" : "it stays"} with what is outside.`);
            const gain = run.map((j) => `${run.length > 1 ? `${names[j]} ` : ""}${gains[j]}`).join(", ");
            return h("li", {}, lead, `: give ${fmt(r.m[i], 4)} ${state.unit}, get a model worth ${fmt(r.t[i], 4)} ${state.worth} on average (${pct(Math.min(1, r.t[i] / r.caps[i]))} of the best one). Gain over what is outside, in ${state.worth}: ${gain}.`);
          })));
          shown.gives.draw(P.contributions(shown.gives.width(), names, r, state.unit));
          shown.gains.draw(P.rewards(shown.gains.width(), names, state.c, r, state.worth));
          const measured = state.curve === "points" ? pairs(state.points) : [], sizes = measured.map((pair) => pair[0]);
          const low = Math.max(1e-9, Math.min(...sizes, Math.max(r.mean, 1) / 100, r.touch > 0 ? r.zero / 2 : Infinity)), high = Math.max(...sizes, r.mean * 3, r.touch * 3, low * 100), width = shown.curve.width();
          const frame = plane(width, 170, {low, high, log: true, name: state.unit}, {low: 0, high: Math.max(r.top, ...measured.map((pair) => pair[1])) * 1.04, name: "accuracy"});
          shown.curve.draw(picture(width, 204, `Accuracy curve; the total is ${fmt(r.mean, 4)} ${state.unit} on average.`, frame.axes, path(E.spaced(low, high, 140).map((x) => [frame.x.at(x), frame.y.at(at(x))]), "var(--give)"),
            measured.map(([x, y]) => s("circle", {cx: frame.x.at(x), cy: frame.y.at(y), r: 3.6, style: "fill:var(--rent)"})),
            r.mean > 0 && [s("line", {x1: frame.x.at(r.mean), x2: frame.x.at(r.mean), y1: 0, y2: 170, style: "stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3"}), say(frame.x.at(r.mean) + (frame.x.at(r.mean) > width / 2 ? -6 : 6), 160, "collected on average", {"text-anchor": frame.x.at(r.mean) > width / 2 ? "end" : "start"})]));
          P.table(tableBox, names, state, r, state.unit, state.worth);
        },
      };
    },
  });

  function pairs(flat) {
    return Array.from({length: Math.floor(flat.length / 2)}, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  }
})();
