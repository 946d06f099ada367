/* Contributions fixed in advance, beside contributions that respond to who joins. */
(() => {
  "use strict";
  const E = Explorer;
  const {s, h, fmt, pct, color, say, soft, box, stroke, path, picture, plane, scale, bottomAxis, kinds} = E;
  const V = 100;

  E.define("responding", {
    title: "The same total, whoever joins",
    hint: "A menu fixes what each type gives. Let contributions respond: all choose a type first, then those who joined are told how much. Move the number of low-cost parties that come, and see what each has to give.",
    proves: true,
    spec: {n: kinds.whole(2, 40), high: kinds.real(0.005, 2), low: kinds.real(0.005, 2), p: kinds.real(0.05, 0.95), j: kinds.whole(0, 40)},
    valid: (state) => state.j <= state.n,
    presets: {
      "Ten parties": {n: 10, high: 0.2, low: 0.05, p: 0.5, j: 1},
      "Only two": {n: 2, high: 0.2, low: 0.05, p: 0.5, j: 1},
      "Costs far apart": {n: 10, high: 0.4, low: 0.02, p: 0.3, j: 1},
      "Nearly the same costs": {n: 10, high: 0.2, low: 0.19, p: 0.5, j: 5},
      "Too costly for one total": {n: 2, high: 1, low: 0.35, p: 0.5, j: 1},
    },
    build(kit, body) {
      const C = respondingModule(), tasks = E.makeTasks(E.mathematics());
      let best = null, found = null, law = null;
      const totals = E.figure("Data collected in all", [["var(--ink)", "fixed", "dash"], ["var(--give)", "responding"], ["var(--soft)", "how likely that is"]], true);
      const gives = E.figure("What a party gives", [["var(--ink)", "fixed", "dash"], [color(0, 2), "high cost", "dot"], [color(1, 2), "low cost", "dot"]], true);
      const score = E.figure("Expected accuracy", [["var(--give)", "responding"], ["var(--soft)", "fixed"]], true);
      const verdict = h("p", {class: "live-verdict"}), proof = h("span", {class: "live-proof"});
      const costs = () => [Math.max(kit.state.high, kit.state.low), Math.min(kit.state.high, kit.state.low)];
      const problem = () => ({n: kit.state.n, v: V, k: 1, a: 1, own: true, c: costs(), p: [1 - kit.state.p, kit.state.p]});
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"},
        E.group("Who may join", kit.slider({label: "Parties N", values: Array.from({length: 39}, (_, i) => i + 2), low: 2, high: 40, get: () => kit.state.n, set: (n) => { kit.state.n = Math.round(n); kit.state.j = Math.min(kit.state.j, kit.state.n); kit.changed(); }, show: String}),
          kit.slider({label: "High cost", log: true, low: 0.005, high: 2, get: () => kit.state.high, set: (x) => kit.set("high", x)}),
          kit.slider({label: "Low cost", log: true, low: 0.005, high: 2, get: () => kit.state.low, set: (x) => kit.set("low", x)}),
          kit.slider({label: "Low-cost share", spoken: "Probability of the low-cost type", low: 0.05, high: 0.95, step: 0.01, get: () => kit.state.p, set: (x) => kit.set("p", x), show: pct})),
        E.group("Who has joined", kit.slider({label: "Low-cost parties", values: Array.from({length: 41}, (_, i) => i), low: 0, high: 40, get: () => kit.state.j, set: (j) => kit.set("j", Math.min(Math.round(j), kit.state.n)), show: (j) => `${j} of ${kit.state.n}`})), verdict,
        h("p", {class: "live-note"}, "The best fixed menu: ", proof), h("p", {class: "live-note"}, "Parties know their own type. Responding, as shown here, collects one total whoever comes. The best mechanism of all may vary the total: it reaches slightly more where one total can be carried, and can reach something where none can.")),
      h("div", {class: "live-figures"}, totals.node, gives.node, score.node)));
      const solve = E.line("solve", (message) => { best = message.result; kit.paint(); });
      return {
        ask() {
          const task = problem();
          best = null;
          law = tasks.lawOf(task);
          found = C.constant_total(task.n, C.generalization_bound(1, 1), kit.state.p, task.c.map((c) => c / V), law.outside);
          solve(task);
        },
        answer: () => best && {...best, total: found.total, responding: found.accuracy, means: Array.from(found.means), gives: found.total > 0 ? Array.from(C.quotas(found, kit.state.n, kit.state.j)) : null},
        draw() {
          if (!best) return;
          const {n, p, j} = kit.state, joined = Array.from({length: n + 1}, (_, k) => k);
          const fixed = joined.map((k) => (n - k) * best.m[0] + k * best.m[1]), works = found.total > 0;
          const asked = joined.map((k) => works ? Array.from(C.quotas(found, n, k)) : [0, 0]);
          const chance = joined.map(() => 0);
          Array.from(law.truth.chance).forEach((share, o) => { chance[law.truth.counts[2 * o + 1]] += share; });
          E.proof(proof, best);
          const frame = (figure, height, name, most) => plane(figure.width(), height, {low: 0, high: n, name: "low-cost parties"}, {low: 0, high: most || 1, name});
          const here = (at, height) => stroke(at.x.at(j), 0, at.x.at(j), height, "var(--rent)", 2);
          const line = (at, values, look, more = {}) => path(values.map((y, k) => [at.x.at(k), at.y.at(y)]), look, 2.2, more);
          const dash = {"stroke-dasharray": "5 4"}, likely = Math.max(...chance);
          const above = frame(totals, 150, "units of data", Math.max(...fixed, found.total) * 1.1), bar = Math.min(14, 0.7 * (above.x.at(1) - above.x.at(0)));
          totals.draw(picture(totals.width(), 184, `Fixed contributions collect from ${fmt(Math.min(...fixed), 4)} to ${fmt(Math.max(...fixed), 4)} units of data${works ? `, responding ones ${fmt(found.total, 4)} whoever joins` : ""}.`, above.axes,
            joined.map((k) => box(above.x.at(k) - bar / 2, 150 - 60 * chance[k] / likely, bar, 60 * chance[k] / likely, "var(--soft)")), here(above, 150), line(above, fixed, "var(--ink)", dash), works && line(above, joined.map(() => found.total), "var(--give)")));
          // Who is not there gives nothing: no point.
          const shown = [asked.slice(0, n).map((it) => it[0]), asked.slice(1).map((it) => it[1])];
          const below = frame(gives, 170, "units of data", Math.max(...best.m, ...shown[0], ...shown[1]) * 1.08);
          gives.draw(picture(gives.width(), 204, works ? `With ${j} low-cost ${j === 1 ? "party" : "parties"}: ${j < n ? `high cost ${fmt(asked[j][0], 4)}, fixed ${fmt(best.m[0], 4)}` : ""}${j > 0 && j < n ? "; " : ""}${j > 0 ? `low cost ${fmt(asked[j][1], 4)}, fixed ${fmt(best.m[1], 4)}` : ""}.` : "What each type gives in the fixed menu.", below.axes, here(below, 170),
            [0, 1].map((i) => [stroke(below.x.at(i), below.y.at(best.m[i]), below.x.at(n - 1 + i), below.y.at(best.m[i]), color(i, 2), 2, dash), works && [path(shown[i].map((y, k) => [below.x.at(k + i), below.y.at(y)]), color(i, 2)),
              (i ? j > 0 : j < n) && s("circle", {cx: below.x.at(j), cy: below.y.at(asked[j][i]), r: 5, style: `fill:${color(i, 2)}`})]])));
          const width = score.width(), across = scale(0, 1, 84, width - 62);
          score.draw(picture(width, 88, `Fixed ${best.accuracy.toFixed(4)}${works ? `, responding ${found.accuracy.toFixed(4)}` : ""}.`, bottomAxis(across, 56, "", width - 60),
            [["fixed", best.accuracy, "var(--soft)"], ...(works ? [["responding", found.accuracy, "var(--give)"]] : [])].map(([name, accuracy, look], row) => [say(0, 26 * row + 17, name), box(84, 26 * row + 4, across.at(accuracy) - 84, 17, look, {rx: 3}), say(across.at(accuracy) + 6, 26 * row + 17, accuracy.toFixed(4))])));
          const more = 100 * (found.accuracy - best.accuracy);
          verdict.textContent = !works ? "No total that is worth having can be carried whoever joins."
            : more > 0.005 ? `Responding adds ${more.toFixed(2)} points of accuracy. The price: a low-cost party that is the only one has to give ${fmt(asked[1][1], 4)} units instead of ${fmt(best.m[1], 4)}.`
            : more < -0.005 ? `The fixed menu is better by ${(-more).toFixed(2)} points: one total whoever joins asks too much of those who may be alone.` : "Responding adds next to nothing here.";
          kit.say(verdict.textContent);
        },
      };
    },
  });
})();
