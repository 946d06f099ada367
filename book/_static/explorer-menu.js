/* The best menu and what moves it: all knobs, bunching, beliefs. See explorer-core.js. */
(() => {
  "use strict";
  const E = Explorer;
  const {s, h, fmt, pct, color, scale, say, box, stroke, path, bottomAxis, picture, plane, kinds} = E;
  const {contributions, rewards, menuPlane, data, sweepPicture, table, words, headline, typeNames, curveOf, solo, setChance, PARTIES} = E.pictures;

  // --- The menu, with all knobs ---

  const equal = (c, more = {}) => ({n: 10, v: 100, k: 1, a: 1, c, p: c.map(() => 1 / c.length), own: false, axis: "n", ...more});
  const SWEEPS = {
    n: {name: "number of parties N", values: () => PARTIES.filter((_, i) => i % 3 === 0 || i < 12)},
    v: {name: "value scale", values: () => E.spaced(10, 10000, 40)},
    k: {name: "complexity k", values: () => E.spaced(0.1, 20, 40)},
    c: {name: "all costs, times", values: () => E.spaced(0.1, 10, 41)},
    p0: {name: "probability of type 1", values: () => Array.from({length: 49}, (_, i) => 0.02 + 0.02 * i), linear: true},
  };

  E.define("menu", {
    title: "The best menu, solved as you drag",
    hint: "A coordinator does not know which party has which cost. It offers a menu: give so much data, get a model of such value. Move anything; the best menu is worked out anew, with a bound that no menu can pass.",
    proves: true,
    loose: ["axis"],
    spec: {n: kinds.whole(2, 1e6), v: kinds.real(1, 1e5), k: kinds.real(0.05, 50), a: kinds.real(0.5, 1),
      c: kinds.list(kinds.real(1e-4, 100), 1, 6), p: kinds.list(kinds.real(1e-5, 1), 1, 6), own: kinds.flag(), axis: kinds.choice("n", "v", "k", "c", "p0")},
    valid: (state) => state.c.length === state.p.length && Math.abs(E.sum(state.p) - 1) < 1e-6,
    presets: {
      "Big-firm cooperation": equal([0.2, 0.16, 0.12, 0.08, 0.04]),
      "Small-party teamwork": equal([1, 0.85, 0.7, 0.55, 0.4]),
      "Big-and-small collaboration": equal([0.5, 0.4, 0.03, 0.02, 0.001]),
      "Two types": equal([0.2, 0.1]),
      "Costly types stay idle": equal([5, 1]),
      "Too costly to begin": equal([1, 0.4], {n: 3}),
      "A proof that takes a search": equal([3.7, 3.6, 1, 0.97, 0.83], {n: 18, p: [0.233, 0.134, 0.137, 0.271, 0.225]}),
      "Left open": equal([5.6, 5.2, 5, 2.5, 1.6, 1.3], {n: 23, p: [0.227, 0.18, 0.094, 0.175, 0.244, 0.08]}),
    },
    build(kit, body) {
      let answer = null, spread = null, swept = null, asked = null;
      const top = headline(), typeBox = h("div", {}), fixed = kit.controls;
      const shown = {
        contributions: E.figure("What each type gives", [["var(--give)", "in the menu"], ["var(--ink)", "alone", "tick"]]),
        rewards: E.figure("What each type gets, and what for", [["var(--cost)", "its cost"], ["var(--outside)", "outside option"], ["var(--rent)", "information rent", "stripes"], ["var(--ink)", "value of the best model", "tick"]]),
        menu: E.figure("The menu, and who is indifferent"),
        data: E.figure("Total data and accuracy", [["var(--open)", "accuracy zero or not concave"], ["var(--cost)", "how often"]]),
        sweep: E.figure("Accuracy over ", [["var(--give)", "best menu"], ["var(--open)", "bound still open", "hatch"]], true),
      };
      const select = h("select", {"aria-label": "Number to sweep over", onchange: () => { swept = null; kit.set("axis", select.value); }},
        Object.entries(SWEEPS).map(([key, sweep]) => h("option", {value: key}, sweep.name)));
      kit.controls.push({update: () => { select.value = kit.state.axis; }});
      shown.sweep.node.querySelector("figcaption span").append(select);
      const tableBox = h("div", {class: "live-table", tabindex: 0, role: "region", "aria-label": "The menu as a table"});
      const set = (key) => (value) => kit.set(key, value);
      body.append(top.node, h("div", {class: "live-grid beside"},
        h("form", {class: "live-controls", autocomplete: "off", onsubmit: (event) => event.preventDefault()},
          E.group("The collaboration",
            kit.slider({label: "Parties N", values: PARTIES, low: 2, high: 1e6, get: () => kit.state.n, set: (n) => set("n")(Math.round(n)), show: (n) => E.grouped(String(n))}),
            kit.slider({label: "Value scale", log: true, low: 1, high: 1e5, get: () => kit.state.v, set: set("v")}),
            kit.slider({label: "Complexity k", log: true, low: 0.05, high: 50, get: () => kit.state.k, set: set("k")}),
            kit.slider({label: "Best accuracy", low: 0.5, high: 1, step: 0.005, get: () => kit.state.a, set: set("a")}),
            kit.add(E.choices({label: "What a party believes", options: [[false, "beliefs as in the paper"], [true, "own beliefs: it knows its type"]], get: () => kit.state.own, set: set("own")}))),
          E.group("Types", typeBox, h("div", {class: "live-buttons"},
            E.button("Add a type", () => {
              const {c, p} = kit.state;
              if (c.length < 6) kit.restart({...kit.state, c: [...c, Math.max(1e-4, Math.min(...c) / 1.5)], p: E.normal([...p, 1 / p.length])});
            }),
            E.button("Remove the last", () => { if (kit.state.c.length > 1) kit.restart({...kit.state, c: kit.state.c.slice(0, -1), p: E.normal(kit.state.p.slice(0, -1))}); })))),
        h("div", {class: "live-figures"}, Object.entries(shown).filter(([name]) => kit.shows(name)).map(([, it]) => it.node))),
      kit.shows("table") && tableBox);

      const always = fixed.length;
      function typeRows() {
        kit.controls.length = always;
        typeBox.replaceChildren(...kit.state.c.map((_, i) => h("div", {class: "live-type", role: "group", "aria-label": `Type ${i + 1}`},
          h("div", {class: "name"}, h("i", {style: `background:${color(i, kit.state.c.length)}`}), `Type ${i + 1}`),
          kit.slider({label: "Cost", spoken: `Cost of type ${i + 1}`, log: true, low: 1e-4, high: 100, get: () => kit.state.c[i], set: (x) => { kit.state.c[i] = x; kit.changed(); }}),
          kit.slider({label: "Probability", spoken: `Probability of type ${i + 1}`, low: 0.001, high: 0.999, step: 0.001, show: pct, get: () => kit.state.p[i], set: (x) => setChance(kit, i, x)}))));
      }
      typeRows();
      const solve = E.line("solve", (message, stale) => {
        answer = message.result;
        spread = message.spread;
        kit.paint();
        const {axis, c} = kit.state, task = {problem: asked, axis, values: SWEEPS[axis].values()};
        if (!stale && answer.done && (axis !== "p0" || c.length > 1)) kit.later(() => sweep(task), sweep);
      }, top.fail);
      const sweep = E.line("sweep", (message) => { swept = message; kit.paint(); });
      return {
        ask() { const {axis, ...problem} = kit.state; asked = problem; answer = null; solve(E.copy(problem)); },
        restart() { typeRows(); swept = null; },
        answer: () => answer,
        draw() {
          const r = answer, state = kit.state, names = typeNames(state.c.length);
          if (!r || r.m.length !== state.c.length) return;
          const curve = curveOf(state);
          top.draw(kit, r, state.a, solo(r, curve), words(state, r));
          const draw = (name, make) => { if (kit.shows(name)) shown[name].draw(make(shown[name].width())); };
          draw("contributions", (width) => contributions(width, names, r));
          draw("rewards", (width) => rewards(width, names, state.c, r));
          draw("menu", (width) => menuPlane(width, state.c, r, {id: kit.id}).svg);
          draw("data", (width) => data(width, curve, r, spread));
          const values = SWEEPS[state.axis].values();
          draw("sweep", (width) => sweepPicture(width, swept, {low: values[0], high: values[values.length - 1], name: SWEEPS[state.axis].name, log: !SWEEPS[state.axis].linear,
            here: state.axis === "c" ? 1 : state.axis === "p0" ? state.p[0] : state[state.axis], label: `Expected accuracy of the best menu over the ${SWEEPS[state.axis].name}.`}));
          if (kit.shows("table")) table(tableBox, names, state, r);
        },
      };
    },
  });

  // --- Bunching: two costs drawn together ---

  E.define("bunching", {
    title: "When do two types share an option?",
    hint: "Draw the two costs together, then apart. Before you do: will their options move toward each other, or jump? Then leave the costs alone and move the probability.",
    proves: true,
    spec: {n: kinds.whole(2, 40), c: kinds.list(kinds.real(0.01, 0.6), 2, 2), p: kinds.real(0.02, 0.98)},
    presets: {
      "Apart": {n: 10, c: [0.3, 0.1], p: 0.5},
      "Just before they join": {n: 10, c: [0.225, 0.1], p: 0.5},
      "Together": {n: 10, c: [0.16, 0.1], p: 0.5},
      "Joined by a probability": {n: 10, c: [0.3, 0.1], p: 0.8},
    },
    build(kit, body) {
      let answer = null, byCost = null, byChance = null;
      const top = headline();
      const shown = [E.figure("The two options", [], true), E.figure("Contributions against the cost of type 1", [[color(0, 2), "type 1", "dash"], [color(1, 2), "type 2"]]),
        E.figure("… and against its probability", [[color(0, 2), "type 1", "dash"], [color(1, 2), "type 2"]])];
      const gapBar = h("p", {class: "live-verdict"});
      body.append(top.node, h("div", {class: "live-grid picture-first"},
        h("form", {class: "live-controls", onsubmit: (event) => event.preventDefault()}, E.group("Two types",
          kit.slider({label: "Cost of type 1", log: true, low: 0.01, high: 0.6, step: 0.005, get: () => kit.state.c[0], set: (x) => { kit.state.c[0] = x; kit.changed(); }}),
          kit.slider({label: "Cost of type 2", log: true, low: 0.01, high: 0.6, step: 0.005, get: () => kit.state.c[1], set: (x) => { kit.state.c[1] = x; kit.changed(); }}),
          kit.slider({label: "Probability of 1", spoken: "Probability of type 1", low: 0.02, high: 0.98, step: 0.005, show: pct, get: () => kit.state.p, set: (x) => kit.set("p", x)}),
          kit.slider({label: "Parties N", values: Array.from({length: 39}, (_, i) => i + 2), low: 2, high: 40, get: () => kit.state.n, set: (x) => kit.set("n", Math.round(x)), show: String})), gapBar),
        h("div", {class: "live-figures"}, shown.map((it) => it.node))));
      const problem = () => ({n: kit.state.n, v: 100, k: 1, a: 1, c: kit.state.c.slice(), p: [kit.state.p, 1 - kit.state.p]});
      const solve = E.line("solve", (message, stale) => {
        answer = message.result;
        kit.paint();
        if (!stale && answer.done) kit.later(() => {
          costs({problem: problem(), axis: "c0", values: E.spaced(0.5 * Math.min(...kit.state.c), Math.min(0.8, 4 * Math.max(...kit.state.c)), 80)});
          chances({problem: problem(), axis: "p0", values: Array.from({length: 60}, (_, i) => 0.02 + 0.96 * i / 59)});
        }, costs, chances);
      });
      const costs = E.line("sweep", (message) => { byCost = message; kit.paint(); });
      const chances = E.line("sweep", (message) => { byChance = message; kit.paint(); });
      function lines(width, found, name, here, log) {
        const points = found ? found.points : [];
        if (points.length < 2) return picture(width, 190, "Being computed.");
        const most = Math.max(...points.map((q) => Math.max(...q.m)), 1);
        const {x, y, axes} = plane(width, 170, {low: points[0].x, high: points[points.length - 1].x, log, name}, {low: 0, high: most * 1.05, name: "data given"});
        const joined = points.filter((q) => Math.abs(q.m[0] - q.m[1]) <= 1e-6 * most), wide = (x.at(points[1].x) - x.at(points[0].x)) + 1;
        return picture(width, 204, `Contributions of both types against the ${name}; they share one option in ${joined.length} of ${points.length} steps.`,
          axes, joined.map((q) => box(x.at(q.x) - wide / 2, 0, wide, 170, "var(--rent)", {opacity: 0.13})),
          path(points.map((q) => [x.at(q.x), y.at(q.m[1])]), color(1, 2), 3.4),
          path(points.map((q) => [x.at(q.x), y.at(q.m[0])]), color(0, 2), 2, {"stroke-dasharray": "6 3"}),
          s("line", {x1: x.at(here), x2: x.at(here), y1: 0, y2: 170, style: "stroke:var(--rent);stroke-width:1.5;stroke-dasharray:4 3"}));
      }
      return {
        ask() { answer = null; solve(problem()); },
        restart() { byCost = byChance = null; },
        answer: () => answer,
        draw() {
          const r = answer, state = kit.state;
          if (!r) return;
          const step = Math.abs(r.m[1] - r.m[0]), joined = step <= 1e-6 * Math.max(...r.m);
          const told = joined ? `Both types share one option, ${fmt(r.m[0], 4)} units of data; to tell them apart would cost more rent than it brings.`
            : `They part: ${fmt(r.m[0], 4)} and ${fmt(r.m[1], 4)} units of data${state.c[0] < state.c[1] ? ", and type 1 is the cheaper one" : ""}.`;
          top.draw(kit, r, 1, solo(r, curveOf({a: 1, k: 1})), told);
          gapBar.textContent = `d = ${fmt(joined ? 0 : step, 4)} units of data between the two options${joined ? ": they are one, and the line through it belongs to both" : ""}.`;
          shown[0].draw(menuPlane(shown[0].width(), state.c, r, {id: kit.id, lit: joined ? [0, 1] : []}).svg);
          shown[1].draw(lines(shown[1].width(), byCost, "cost of type 1", state.c[0], true));
          shown[2].draw(lines(shown[2].width(), byChance, "probability of type 1", state.p, false));
        },
      };
    },
  });

  // --- Beliefs: a type split in two, and a jump ---

  E.define("beliefs", {
    title: "Split a type in two: does anything change?",
    hint: "The paper lets a party reckon with “somebody of my type is here”; a party that knows its own type reckons with “I am here”. Split the cheapest type into two of the same cost, then pull the two costs apart by a millionth.",
    proves: true,
    spec: {n: kinds.whole(2, 12), share: kinds.real(0.05, 0.95), split: kinds.flag(), e: kinds.real(-1e-5, 1e-5)},
    presets: {
      "Two types": {n: 3, share: 0.4104 / 0.4872, split: false, e: 0},
      "Split in two": {n: 3, share: 0.4104 / 0.4872, split: true, e: 0},
      "A millionth cheaper": {n: 3, share: 0.4104 / 0.4872, split: true, e: -1e-6},
      "A millionth costlier": {n: 3, share: 0.4104 / 0.4872, split: true, e: 1e-6},
    },
    build(kit, body) {
      // Costs and probabilities of the example in the text; the cheap type has probability .4872.
      const CHEAP = 0.0274503, MANY = 0.4872, DEAR = 0.29513;
      const results = {paper: null, own: null}, whole = {paper: null, own: null}, swept = {paper: null, own: null};
      const problem = (own, split, e = kit.state.e) => split
        ? {n: kit.state.n, v: 100, k: 1, a: 1, own, c: [DEAR, CHEAP * (1 + e), CHEAP], p: [1 - MANY, MANY * kit.state.share, MANY * (1 - kit.state.share)]}
        : {n: kit.state.n, v: 100, k: 1, a: 1, own, c: [DEAR, CHEAP], p: [1 - MANY, MANY]};
      const steps = Array.from({length: 21}, (_, i) => (i - 10) * 1e-6);
      const bars = E.figure("Expected accuracy", [["var(--give)", "as asked for"], ["var(--ink)", "two types, unsplit", "tick"]]);
      const jump = E.figure("… while the two costs are pulled apart", [["var(--give)", "paper’s beliefs"], ["var(--rent)", "own beliefs", "dash"]]);
      const verdict = h("p", {class: "live-verdict"}), proofs = {paper: h("span", {class: "live-proof"}), own: h("span", {class: "live-proof"})};
      body.append(h("div", {class: "live-grid"},
        h("form", {class: "live-controls", onsubmit: (event) => event.preventDefault()}, E.group("One cheap type, or two",
          kit.add(E.toggle({label: "Split the cheap type", get: () => kit.state.split, set: (on) => kit.set("split", on)})),
          kit.slider({label: "Share of one", spoken: "Share of the first of the two", low: 0.05, high: 0.95, step: 0.01, show: pct, get: () => kit.state.share, set: (x) => kit.set("share", x)}),
          kit.slider({label: "Its cost, off by", spoken: "Relative difference of its cost", low: -1e-5, high: 1e-5, step: 1e-6, digits: 3, get: () => kit.state.e, set: (x) => kit.set("e", Math.abs(x) < 1e-12 ? 0 : x), show: (x) => `${(x * 1e6).toFixed(1)} millionths`}),
          kit.slider({label: "Parties N", values: Array.from({length: 11}, (_, i) => i + 2), low: 2, high: 12, get: () => kit.state.n, set: (x) => kit.set("n", Math.round(x)), show: String})),
        verdict, h("p", {class: "live-note"}, "Paper’s beliefs: ", proofs.paper), h("p", {class: "live-note"}, "Own beliefs: ", proofs.own)),
        h("div", {class: "live-figures"}, bars.node, jump.node)));
      const lines = {};
      for (const [name, own] of [["paper", false], ["own", true]]) {
        lines[name] = E.line("solve", (message) => { results[name] = message.result; kit.paint(); });
        lines[`${name} whole`] = E.line("solve", (message) => { whole[name] = message.result; kit.paint(); });
        lines[`${name} sweep`] = E.line("sweep", (message) => { swept[name] = message; kit.paint(); });
      }
      let last = "";
      return {
        ask() {
          const key = `${kit.state.n} ${kit.state.share}`;
          for (const [name, own] of [["paper", false], ["own", true]]) {
            results[name] = whole[name] = null;
            lines[name](problem(own, kit.state.split));
            lines[`${name} whole`](problem(own, false));
            if (key !== last) lines[`${name} sweep`]({problem: {...problem(own, true), thorough: true}, axis: "c1", values: steps.map((e) => CHEAP * (1 + e))});
          }
          last = key;
        },
        answer: () => results.paper && results.own && whole.paper && whole.own ? {...results, whole, done: [results, whole].every((it) => it.paper.done && it.own.done)} : null,
        draw() {
          if (!results.paper || !results.own || !whole.paper || !whole.own) return;
          const rows = [["paper’s beliefs", results.paper, whole.paper], ["own beliefs", results.own, whole.own]];
          const all = [...rows.flatMap(([, r, base]) => [r.accuracy, r.bound, base.accuracy]), ...[swept.paper, swept.own].flatMap((it) => it ? it.points.flatMap((q) => [q.accuracy, q.bound]) : [])];
          const low = Math.min(...all), high = Math.max(...all), pad = Math.max((high - low) * 0.15, 2e-4), left = 104;
          const width = bars.width(), x = scale(low - pad, high + pad, left, width - 60);
          bars.draw(picture(width, 106, rows.map(([name, r, base]) => `${name}: ${r.accuracy.toFixed(6)}, unsplit ${base.accuracy.toFixed(6)}`).join("; "),
            bottomAxis({...x, ticks: x.ticks.filter((_, i) => i % 2 === 0)}, 72, "", width - 60),
            rows.map(([name, r, base], i) => [say(0, 22 + 34 * i, name), box(left, 8 + 34 * i, x.at(r.accuracy) - left, 20, i ? "var(--rent)" : "var(--give)"),
              r.gap > 1e-8 && box(x.at(r.accuracy), 8 + 34 * i, x.at(r.bound) - x.at(r.accuracy), 20, "url(#explorer-hatch)"),
              stroke(x.at(base.accuracy), 4 + 34 * i, x.at(base.accuracy), 32 + 34 * i, "var(--ink)", 2.5), say(x.at(Math.max(r.accuracy, base.accuracy)) + 5, 23 + 34 * i, r.accuracy.toFixed(5))])));
          E.proof(proofs.paper, results.paper);
          E.proof(proofs.own, results.own);
          const wide = jump.width(), {x: across, y, axes} = plane(wide, 170, {low: -10, high: 10, name: "relative difference of the two costs, in millionths", left: 58}, {low: low - pad, high: high + pad, name: "expected accuracy"});
          const dots = (it, look, dash) => it && it.points.length > 1 && [path(it.points.map((q, i) => [across.at(steps[i] * 1e6), y.at(q.accuracy)]), look, 1.2, dash ? {"stroke-dasharray": "5 3"} : {}),
            it.points.map((q, i) => dash ? box(across.at(steps[i] * 1e6) - 3, y.at(q.accuracy) - 3, 6, 6, look) : s("circle", {cx: across.at(steps[i] * 1e6), cy: y.at(q.accuracy), r: 3.4, style: `fill:${look}`}))];
          jump.draw(picture(wide, 204, "Expected accuracy against the relative difference of the two costs, under both beliefs.", axes, dots(swept.paper, "var(--give)", false), dots(swept.own, "var(--rent)", true),
            kit.state.split && s("line", {x1: across.at(kit.state.e * 1e6), x2: across.at(kit.state.e * 1e6), y1: 0, y2: 170, style: "stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3"})));
          const move = (name) => results[name].accuracy - whole[name].accuracy, settled = ["paper", "own"].every((name) => results[name].gap <= 1e-8 && whole[name].gap <= 1e-8);
          const one = (change) => Math.abs(change) < 2e-8 ? "nothing" : `${change > 0 ? "up" : "down"} by ${fmt(Math.abs(change), 2)}`;
          verdict.textContent = !kit.state.split ? "One cheap type. Split it, and see whose value moves."
            : `The split moves the value ${kit.state.e === 0 ? "" : "(with the costs pulled apart) "}under the paper’s beliefs: ${one(move("paper"))}; under own beliefs: ${one(move("own"))}.${settled ? "" : " Not all of it is proved yet."}`;
          kit.say(verdict.textContent);
        },
      };
    },
  });
})();
