/* Before there are private types: free riding, promises that cannot be kept, types that are seen. */
(() => {
  "use strict";
  const E = Explorer;
  const {s, h, fmt, pct, color, say, soft, box, stroke, mark, path, area, picture, plane, scale, bottomAxis, kinds} = E;
  const V = 100; // value of a unit of accuracy, as in the paper's experiments
  const bound = () => E.mathematics().generalization_bound(1, 1);

  // --- Free riding: best replies, one after another ---

  E.define("free-riding", {
    title: "Everybody gets the model. Who still contributes?",
    hint: "Each party in turn gives what suits it best, now that it sees what the others give. Set where they start, and press “Next party replies”. How accurate will the model be when nobody wants to change any more?",
    spec: {c: kinds.list(kinds.real(0.005, 2), 1, 5), m: kinds.list(kinds.real(0, 2000), 1, 5)},
    valid: (state) => state.c.length === state.m.length,
    presets: {
      "Five firms": {c: [0.2, 0.16, 0.12, 0.08, 0.04], m: [390, 390, 390, 390, 425]},
      "Two who need each other": {c: [0.4, 0.4], m: [60, 45]},
      "Two who need each other, from less": {c: [0.4, 0.4], m: [60, 30]},
      "Two alike": {c: [0.1, 0.1], m: [300, 100]},
    },
    build(kit, body) {
      let m = [], turn = 0, quiet = 0, history = [], timer = 0, gone = "";
      const C = E.mathematics(), curve = bound();
      const bars = E.figure("What each party gives", [["var(--ink)", "alone", "tick"], ["var(--rent)", "whose turn it is", "tick"]], true);
      const model = E.figure("The model, reply by reply", [["var(--give)", "accuracy"], ["var(--ink)", "best anyone trains alone", "dash"]], true);
      const map = E.figure("Two parties: where replies lead", [[color(0, 2), "best reply of party 1", "dash"], [color(1, 2), "best reply of party 2"], ["var(--ink)", "the path", "tick"]], true);
      const verdict = h("p", {class: "live-verdict"}), sliders = h("div", {});
      const play = E.button("Let them all reply", () => { if (timer) stop(); else { timer = setInterval(() => { step(); if (settled()) stop(); }, 350); play.textContent = "Stop"; } });
      const stop = () => { clearInterval(timer); timer = 0; play.textContent = "Let them all reply"; };
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"},
        h("div", {class: "live-buttons first"}, E.button("Next party replies", () => step()), play, E.button("Back to the start", () => { begin(); kit.paint(); })), verdict,
        E.group("Start from", sliders)),
      h("div", {class: "live-figures"}, bars.node, model.node, map.node)));
      const always = kit.controls.length;
      function rows() {
        kit.controls.length = always;
        sliders.replaceChildren(...kit.state.c.map((_, i) => h("div", {class: "live-type", role: "group", "aria-label": `Party ${i + 1}`},
          h("div", {class: "name"}, h("i", {style: `background:${color(i, kit.state.c.length)}`}), `Party ${i + 1}`),
          kit.slider({label: "Gives", spoken: `What party ${i + 1} gives at the start`, low: 0, high: 800, step: 1, get: () => kit.state.m[i], set: (x) => { kit.state.m[i] = x; kit.changed(); }, show: (x) => `${fmt(x)} units of data`}),
          kit.slider({label: "Cost", spoken: `Cost of party ${i + 1}`, log: true, low: 0.005, high: 2, get: () => kit.state.c[i], set: (x) => { kit.state.c[i] = x; kit.changed(); }}))));
      }
      function begin() {
        stop();
        m = kit.state.m.slice();
        turn = quiet = 0;
        history = [C.accuracy(curve, E.sum(m))];
        trail = [m.slice()];
      }
      let trail = [];
      const settled = () => quiet >= m.length;
      function step() {
        const reply = C.best_reply(curve, kit.state.c[turn] / V, E.sum(m) - m[turn]);
        quiet = Math.abs(reply - m[turn]) < 1e-6 ? quiet + 1 : 0;
        m[turn] = reply;
        turn = (turn + 1) % m.length;
        history.push(C.accuracy(curve, E.sum(m)));
        trail.push(m.slice());
        kit.paint();
      }
      const alone = () => kit.state.c.map((c) => C.autarky(curve, c / V));
      rows();
      return {
        ask() {
          const now = JSON.stringify([kit.state.c, kit.state.m]);
          if (now !== gone) { gone = now; begin(); }
        },
        restart: rows,
        answer: () => ({m: m.slice(), accuracy: history[history.length - 1], settled: settled(), alone: alone()}),
        draw() {
          if (m.length !== kit.state.c.length) return;
          const solo = alone(), best = Math.max(...solo.map((one) => C.accuracy(curve, one))), row = 28, left = 62, height = row * m.length, width = bars.width();
          const most = Math.max(...kit.state.m, ...m, ...solo, 1), x = scale(0, most, left, width - 62);
          bars.draw(picture(width, height + 34, m.map((give, i) => `party ${i + 1} gives ${fmt(give)}, alone ${fmt(solo[i])}`).join("; "), bottomAxis(x, height, "units of data", width - 62),
            m.map((give, i) => [i === turn && !settled() && say(0, row * i + 18, "▶", {style: "fill:var(--rent)"}), say(14, row * i + 18, `party ${i + 1}`),
              box(left, row * i + 4, x.at(give) - left, 18, color(i, m.length), {rx: 2, class: "grows"}), solo[i] > 0 && mark(x.at(solo[i]), row * i + 1, row * i + 25),
              say(Math.max(x.at(give), solo[i] > 0 ? x.at(solo[i]) : 0) + 5, row * i + 18, fmt(give, 4))])));
          const wide = model.width(), steps = Math.max(history.length - 1, 2 * m.length), frame = plane(wide, 150, {low: 0, high: steps, name: "replies"}, {low: 0, high: 1, name: "accuracy"});
          model.draw(picture(wide, 184, `Accuracy ${history[history.length - 1].toFixed(4)} after ${history.length - 1} replies; the best anyone trains alone is ${best.toFixed(4)}.`, frame.axes,
            best > 0 && s("line", {x1: frame.left, x2: frame.right, y1: frame.y.at(best), y2: frame.y.at(best), style: "stroke:var(--ink);stroke-width:1.6;stroke-dasharray:5 3"}),
            path(history.map((a, i) => [frame.x.at(i), frame.y.at(a)]), "var(--give)"), history.map((a, i) => s("circle", {cx: frame.x.at(i), cy: frame.y.at(a), r: 3.2, style: "fill:var(--give)"}))));
          map.node.hidden = m.length !== 2;
          if (m.length === 2) drawMap();
          const here = history[history.length - 1], givers = m.map((give, i) => give > 1e-9 ? i : -1).filter((i) => i >= 0);
          verdict.textContent = !settled() ? `Accuracy ${here.toFixed(4)}. Party ${turn + 1} replies next.`
            : givers.length === 0 ? "Nobody contributes, and nobody wants to start: alone it would not pay. With more to begin with, it might have."
            : best === 0 ? `Settled at accuracy ${here.toFixed(4)}, although nobody would train alone: each gives because the other does. Start the second party elsewhere, and they end at nothing.`
            : Math.abs(here - best) < 1e-9 ? `Settled: ${givers.length === 1 ? `only party ${givers[0] + 1} contributes` : "they share the burden of one"}, and the model is as good as the best that anyone trains alone, ${best.toFixed(4)}. Collaboration has brought nothing.`
            : `Settled at accuracy ${here.toFixed(4)}; the best anyone trains alone is ${best.toFixed(4)}.`;
          kit.say(verdict.textContent);
        },
      };
      function drawMap() {
        const width = map.width(), most = Math.max(...trail.flat(), 100) * 1.1, frame = plane(width, 220, {low: 0, high: most, name: "party 1 gives"}, {low: 0, high: most, name: "party 2 gives"});
        const amounts = Array.from({length: 160}, (_, i) => most * i / 159), lines = [[], []];
        for (const other of amounts) {
          lines[0].push([frame.x.at(Math.min(C.best_reply(curve, kit.state.c[0] / V, other), most)), frame.y.at(other)]);
          lines[1].push([frame.x.at(other), frame.y.at(Math.min(C.best_reply(curve, kit.state.c[1] / V, other), most))]);
        }
        const at = (point) => [frame.x.at(point[0]), frame.y.at(point[1])], end = at(trail[trail.length - 1]);
        map.draw(picture(width, 254, `Best replies of two parties; the path has come to ${fmt(m[0])} and ${fmt(m[1])}. Where the two lines meet, nobody wants to change.`, frame.axes,
          path(lines[0], color(0, 2), 2.4, {"stroke-dasharray": "6 3"}), path(lines[1], color(1, 2), 2.4), path(trail.map(at), "var(--ink)", 1.6),
          s("circle", {cx: at(trail[0])[0], cy: at(trail[0])[1], r: 7, class: "handle", style: "fill:var(--ground);stroke:var(--ink);stroke-width:2"}), s("circle", {cx: end[0], cy: end[1], r: 5, style: "fill:var(--ink)"})));
        frameOfMap = frame;
      }
      var frameOfMap = null; // set when the map is drawn
      E.draggable(map.place, (x, y) => frameOfMap && Math.hypot(frameOfMap.x.at(kit.state.m[0]) - x, frameOfMap.y.at(kit.state.m[1]) - y) < 26 ? 0 : null, (_, x, y) => {
        kit.state.m = [frameOfMap.x.back(x), frameOfMap.y.back(y)].map((v) => Math.round(Math.min(800, Math.max(0, v))));
        kit.changed();
      });
    },
  });

  // --- Insolvency: a promise, and who turns up ---

  /* A stream of random numbers that begins the same each time (mulberry32). */
  function stream(seed) {
    return () => {
      seed = seed + 0x6d2b79f5 | 0;
      let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
      t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
      return ((t ^ t >>> 14) >>> 0) / 4294967296;
    };
  }

  E.define("insolvency", {
    title: "Promise a model of fixed accuracy, and draw who turns up",
    hint: "A party of type 5 was promised a model before anyone knew who else would join. Pick the promise, then draw. Each dot is one draw; red squares are draws in which the model is worse than the promise. How high a promise is safe?",
    spec: {n: kinds.whole(2, 12), r: kinds.real(0, 1), way: kinds.choice("fixed", "share")},
    presets: {
      "A fixed promise": {n: 10, r: 0.95, way: "fixed"},
      "A cautious one": {n: 10, r: 0.6, way: "fixed"},
      "A share of what is trained": {n: 10, r: 0.95, way: "share"},
      "Four parties": {n: 4, r: 0.9, way: "fixed"},
    },
    build(kit, body) {
      const C = E.mathematics(), tasks = E.makeTasks(C), costs = [0.5, 0.4, 0.03, 0.02, 0.001];
      const problem = () => ({n: kit.state.n, v: V, k: 1, a: 1, own: false, c: costs, p: costs.map(() => 0.2)});
      let answer = null, law = null, models = [], chances = [], draws = [], random = stream(1), made = -1;
      const pile = E.figure("The models that came out", [["var(--give)", "promise kept"], ["var(--bad)", "less than promised", "square"], ["var(--ink)", "handed out", "tick"]], true);
      const against = E.figure("What is handed out, against what is there", [["var(--give)", "kept"], ["var(--bad)", "cannot be handed out", "square"]]);
      const verdict = h("p", {class: "live-verdict"}), counted = h("p", {class: "live-note"});
      const draw = (number) => {
        for (let i = 0; i < number; i++) {
          let left = random() * total;
          let o = 0;
          while (o < chances.length - 1 && left >= chances[o]) { left -= chances[o]; o += 1; }
          draws.push(models[o]);
        }
        if (draws.length > 600) draws = draws.slice(-600);
        kit.paint();
      };
      let total = 1;
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"},
        E.group("The promise",
          kit.add(E.choices({label: "How the reward is promised", options: [["fixed", "a fixed accuracy"], ["share", "a share of the model’s value"]], get: () => kit.state.way, set: (way) => kit.set("way", way)})),
          kit.slider({label: "Promise r", spoken: "Promised accuracy", low: 0, high: 1, step: 0.005, get: () => kit.state.r, set: (r) => kit.set("r", r), show: (r) => r.toFixed(3)}),
          kit.slider({label: "Parties N", values: Array.from({length: 11}, (_, i) => i + 2), low: 2, high: 12, get: () => kit.state.n, set: (n) => kit.set("n", Math.round(n)), show: String})),
        h("div", {class: "live-buttons first"}, E.button("Draw once", () => draw(1)), E.button("Draw 50", () => draw(50)),
          E.button("Clear", () => { draws = []; random = stream(1); kit.paint(); })), verdict, counted),
      h("div", {class: "live-figures"}, pile.node, against.node)));
      const solve = E.line("solve", (message) => {
        answer = message.result;
        if (answer.done) take();
        kit.paint();
      });
      function take() {
        law = tasks.lawOf(problem());
        models = [];
        chances = [];
        const size = costs.length, m = law.order.map((i) => answer.m[i]);
        for (let o = 0; o < law.truth.chance.length; o++) {
          if (!law.truth.counts[o * size + size - 1]) continue; // nobody of type 5 is there to have a promise
          let data = 0;
          for (let i = 0; i < size; i++) data += law.truth.counts[o * size + i] * m[i];
          models.push(C.accuracy(law.scheme.curve, data));
          chances.push(law.truth.chance[o]);
        }
        total = E.sum(chances);
        draws = [];
        random = stream(1);
        draw(60);
      }
      return {
        ask() { if (made !== kit.state.n) { made = kit.state.n; law = null; solve(problem()); } },
        restart() { made = -1; },
        answer: () => law === null ? null : {risk: C.chance_of_less(law.truth, law.order.map((i) => answer.m[i]), 4, kit.state.r), draws: draws.length, red: draws.filter((a) => a < kit.state.r).length},
        draw() {
          if (!law) return;
          const {r, way} = kit.state, fixed = way === "fixed", m = law.order.map((i) => answer.m[i]), mean = E.sum(models.map((a, o) => a * chances[o])) / total;
          const part = Math.min(1, r / mean), risk = fixed ? C.chance_of_less(law.truth, m, 4, r) : 0, paid = (a) => fixed ? r : part * a;
          const bad = (a) => fixed && a < r, low = Math.max(0, Math.min(...models) - 0.06), width = pile.width(), height = 190;
          const x = scale(low, 1, 10, width - 10), bins = Math.floor((width - 20) / 9), stacks = new Map();
          const tallest = () => Math.max(1, ...stacks.values());
          const placed = draws.map((a) => { const b = Math.min(bins - 1, Math.floor((x.at(a) - 10) / 9)), at = stacks.get(b) || 0; stacks.set(b, at + 1); return [b, at, bad(a)]; });
          const rise = Math.min(9, (height - 8) / tallest());
          pile.draw(picture(width, height + 34, `${draws.length} draws; ${placed.filter((d) => d[2]).length} with less than was promised.`, bottomAxis(x, height, "accuracy of the model that was trained", width - 10),
            placed.map(([b, at, red]) => red ? box(10 + b * 9 + 0.8, height - (at + 1) * rise, 7.4, Math.max(rise - 1.2, 1), "var(--bad)")
              : s("rect", {x: 10 + b * 9 + 0.8, y: height - (at + 1) * rise, width: 7.4, height: Math.max(rise - 1.2, 1), rx: 3.7, style: "fill:var(--give)"})),
            fixed ? [stroke(x.at(r), -4, x.at(r), height, "var(--ink)", 2.5), soft(Math.min(Math.max(x.at(r), 60), width - 60), -6, `promise ${r.toFixed(3)}`)] : soft(width - 10, -6, `everybody is handed ${pct(part)} of the model’s value`, "end")));
          const wide = against.width(), frame = plane(wide, 190, {low, high: 1, name: "model that was trained"}, {low, high: 1, name: "model handed out"}), {x: across, y} = frame;
          against.draw(picture(wide, 224, "What is handed out against what is there: above the diagonal is more than there is.", frame.axes,
            area([[across.at(low), y.at(low)], [across.at(1), y.at(1)], [across.at(low), y.at(1)]], "var(--bad)", 0.12), stroke(across.at(low), y.at(low), across.at(1), y.at(1), "var(--soft)", 1),
            draws.map((a) => bad(a) ? box(across.at(a) - 3, y.at(Math.max(paid(a), low)) - 3, 6, 6, "var(--bad)") : s("circle", {cx: across.at(a), cy: y.at(Math.max(paid(a), low)), r: 3, style: "fill:var(--give);opacity:.7"})),
            soft(across.at(low) + 8, 14, "more than there is", "start")));
          const red = draws.filter(bad).length;
          verdict.textContent = fixed ? `Probability that the promise cannot be kept: ${pct(risk, 2)}, exactly. ${risk === 0 ? `Safe, but the model is worth ${pct((mean - r) / mean)} more on average: unused.` : ""}`
            : `Handed out on average: ${(part * mean).toFixed(3)}${part < 1 ? ", the same as the promise" : "; more is not there on average"}. The promise can always be kept, because a share is never more than the whole.`;
          counted.textContent = `${E.plural(draws.length, "draw")}, ${red} of them red${draws.length ? ` (${pct(red / draws.length)})` : ""}. The menu is the best one for big-and-small collaboration; a draw counts if a party of type 5 is there.`;
          kit.say(verdict.textContent);
        },
      };
    },
  });

  // --- Complete information: how much can be asked ---

  E.define("complete-information", {
    title: "How much data can be paid for with the model that it trains?",
    hint: "Suppose that the coordinator sees who has which cost. Move the amount S: the model that it trains is worth something to everybody, and for that much can be asked. Where can S not be paid for any more?",
    spec: {c: kinds.list(kinds.real(0.001, 5), 3, 3), n: kinds.list(kinds.whole(0, 20), 3, 3), s: kinds.real(1, 1e6)},
    presets: {
      "Six parties": {c: [0.3, 0.15, 0.05], n: [2, 2, 2], s: 1000},
      "Costly parties only": {c: [0.8, 0.6, 0.4], n: [2, 2, 0], s: 150},
      "Too few to begin": {c: [2, 1.5, 1], n: [1, 1, 0], s: 150},
      "One cheap party": {c: [0.3, 0.15, 0.02], n: [4, 4, 1], s: 3000},
    },
    build(kit, body) {
      const C = E.mathematics(), curve = bound();
      const main = E.figure("What can be asked, against what is asked", [["var(--give)", "sum of what can be asked"], ["var(--ink)", "S itself", "dash"], ["var(--rent)", "the most", "tick"]], true);
      const parts = E.figure("At this S, each party can be asked for", [[color(0, 3), "type 1"], [color(1, 3), "type 2"], [color(2, 3), "type 3"]]);
      const verdict = h("p", {class: "live-verdict"});
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"},
        E.group("The amount", kit.slider({label: "Data S", log: true, low: 1, high: 1e6, get: () => kit.state.s, set: (x) => kit.set("s", x), show: (x) => `${fmt(x)} units of data`}),
          h("div", {class: "live-buttons"}, E.button("Ask for as much as this S allows", () => kit.set("s", Math.max(1, asked(kit.state.s)))), E.button("Go to the most", () => kit.set("s", Math.max(1, most()))))),
        verdict,
        E.group("Who is there", [0, 1, 2].map((i) => h("div", {class: "live-type", role: "group", "aria-label": `Type ${i + 1}`}, h("div", {class: "name"}, h("i", {style: `background:${color(i, 3)}`}), `Type ${i + 1}`),
          kit.slider({label: "Parties", spoken: `Parties of type ${i + 1}`, values: Array.from({length: 21}, (_, j) => j), low: 0, high: 20, get: () => kit.state.n[i], set: (x) => { kit.state.n[i] = Math.round(x); kit.changed(); }, show: String}),
          kit.slider({label: "Cost", spoken: `Cost of type ${i + 1}`, log: true, low: 0.001, high: 5, get: () => kit.state.c[i], set: (x) => { kit.state.c[i] = x; kit.changed(); }}))))),
      h("div", {class: "live-figures"}, main.node, parts.node)));
      let frame = null;
      const costs = () => kit.state.c.map((c) => c / V);
      const outside = () => costs().map((c) => { const alone = C.autarky(curve, c); return Math.max(0, C.accuracy(curve, alone) - c * alone); });
      const asked = (amount) => C.can_be_asked(curve, amount, kit.state.n, costs(), outside());
      const most = () => C.seen_total(curve, kit.state.n, costs(), outside());
      E.draggable(main.place, () => 0, (_, x) => { if (frame) kit.set("s", Math.min(1e6, Math.max(1, frame.x.back(x)))); });
      return {
        answer: () => ({most: most(), asked: asked(kit.state.s)}),
        draw() {
          const {n, s: amount} = kit.state, end = most(), can = asked(amount), c = costs(), f = outside(), width = main.width();
          const high = Math.min(1e7, Math.max(end, amount, 300) * 4), low = 10;
          frame = plane(width, 230, {low, high, log: true, name: "S, units of data"}, {low, high, log: true, name: "can be asked", });
          const xs = E.spaced(low, high, 160).map((x) => [x, asked(x)]).filter(([, y]) => y > low), {x, y, axes} = frame, sustained = xs.filter(([a, b]) => b >= a);
          main.draw(picture(width, 264, `At S = ${fmt(amount)} parties can be asked for ${fmt(can)} in all. The most that can be paid for: ${fmt(end, 5)}.`, axes,
            sustained.length > 1 && area([...sustained.map(([a, b]) => [x.at(a), y.at(b)]), ...sustained.slice().reverse().map(([a]) => [x.at(a), y.at(a)])], "var(--give)", 0.14),
            path([[x.at(low), y.at(low)], [x.at(high), y.at(high)]], "var(--ink)", 1.6, {"stroke-dasharray": "5 3"}), xs.length > 1 && path(xs.map(([a, b]) => [x.at(a), y.at(Math.min(b, high))]), "var(--give)", 2.6),
            end > 0 && [stroke(x.at(end), 0, x.at(end), 230, "var(--rent)", 2), soft(x.at(end), -6, `the most: ${fmt(end, 5)}`)],
            stroke(x.at(Math.max(amount, low)), y.at(Math.max(amount, low)), x.at(Math.max(amount, low)), y.at(Math.max(can, low)), can >= amount * (1 - 1e-9) ? "var(--good)" : "var(--bad)", 3),
            s("circle", {cx: x.at(Math.max(amount, low)), cy: y.at(Math.max(can, low)), r: 8, class: "handle", style: "fill:var(--give);stroke:var(--ground);stroke-width:2"})));
          const rows = [0, 1, 2].filter((i) => n[i] > 0), model = C.accuracy(curve, amount), each = (i) => Math.max(model - f[i], 0) / c[i], wide = parts.width();
          const across = scale(0, Math.max(...rows.map(each), 1), 76, wide - 66);
          parts.draw(picture(wide, 28 * rows.length + 34, rows.map((i) => `each of ${n[i]} parties of type ${i + 1}: ${fmt(each(i))}`).join("; ") || "Nobody is there.", bottomAxis(across, 28 * rows.length, "units of data", wide - 66),
            rows.map((i, at) => [say(0, 28 * at + 18, `${n[i]} × type ${i + 1}`), box(76, 28 * at + 4, across.at(each(i)) - 76, 18, color(i, 3), {rx: 2}), say(across.at(each(i)) + 5, 28 * at + 18, fmt(each(i), 4))])));
          const enough = can >= amount * (1 - 1e-9);
          verdict.textContent = rows.length === 0 ? "Nobody is there." : end === 0 ? "No amount can be paid for: whatever is asked, the model that it trains is worth less to the parties than the data cost them."
            : `S = ${fmt(amount, 4)} trains a model of accuracy ${model.toFixed(3)}; for it parties would give ${fmt(can, 4)} in all: ${enough ? "enough" : "not enough"}. The most is ${fmt(end, 5)}, accuracy ${C.accuracy(curve, end).toFixed(4)}; everybody gets that model.`;
          kit.say(verdict.textContent);
        },
      };
    },
  });
})();
