/* The rules of a menu: switched off one by one, broken by hand, and kept by a crowd or not. */
(() => {
  "use strict";
  const E = Explorer;
  const {s, h, fmt, pct, color, say, soft, box, stroke, mark, path, picture, plane, scale, bottomAxis, kinds} = E;
  const V = 100;
  const setup = (c, n = 10) => ({n, v: V, k: 1, a: 1, own: false, c, p: c.map(() => 1 / c.length)});

  // --- Rules on and off: guess, then see ---

  const RULES = {
    ir: "individual rationality: nobody is worse off than outside",
    ic: "incentive compatibility: nobody prefers another’s option",
    caps: "caps: no reward is worth more than the trained model, on average",
    hidden: "types are private",
  };

  E.define("rules", {
    title: "Which rule costs the coordinator what?",
    hint: "Switch rules off, guess how accurate the model will be, and only then look. Which rule, do you think, costs most?",
    proves: true,
    loose: ["guess", "shown"],
    spec: {ir: kinds.flag(), ic: kinds.flag(), caps: kinds.flag(), hidden: kinds.flag(), guess: kinds.real(0, 1), shown: kinds.flag()},
    presets: {
      "All rules": {ir: true, ic: true, caps: true, hidden: true, guess: 0.5, shown: false},
      "Types are seen": {ir: true, ic: true, caps: true, hidden: false, guess: 0.5, shown: false},
      "Anybody may pretend": {ir: true, ic: false, caps: true, hidden: true, guess: 0.5, shown: false},
      "Nobody may leave": {ir: false, ic: true, caps: true, hidden: true, guess: 0.5, shown: false},
      "Promises need not be kept": {ir: true, ic: true, caps: false, hidden: true, guess: 0.5, shown: false},
    },
    build(kit, body) {
      const C = E.mathematics(), tasks = E.makeTasks(C), problem = setup([0.2, 0.1, 0.05]), names = E.pictures.typeNames(3);
      let best = null, observed = null, honest = null;
      const law = tasks.lawOf(problem), costs = problem.c.map((c) => c / V);
      const bars = E.figure("Expected accuracy", [["var(--give)", "reached"], ["var(--rent)", "your guess", "tick"], ["var(--ink)", "with all rules", "dash"]], true);
      const table = E.figure("What each type is asked for", [["var(--ink)", "with all rules", "tick"]], true);
      const verdict = h("p", {class: "live-verdict"}), proof = h("span", {class: "live-proof"});
      const flip = (key) => (on) => { kit.state[key] = on; kit.state.shown = false; kit.changed(); };
      const reveal = E.button("Show what happens", () => kit.set("shown", true), {class: "strong"});
      body.append(h("div", {class: "live-grid"}, h("form", {class: "live-controls", onsubmit: (event) => event.preventDefault()},
        E.group("Rules", Object.entries(RULES).map(([key, text]) => kit.add(E.toggle({label: text, get: () => kit.state[key], set: flip(key)})))),
        E.group("Your guess", kit.slider({label: "Accuracy", spoken: "Guessed accuracy", low: 0, high: 1, step: 0.005, get: () => kit.state.guess, set: (x) => { kit.state.guess = x; kit.state.shown = false; kit.changed(); }, show: (x) => x.toFixed(3)}),
          h("div", {class: "live-buttons"}, reveal))),
      h("div", {class: "live-figures"}, verdict, h("p", {class: "live-note"}, "Ten parties, three types of cost 0.20, 0.10 and 0.05, equally likely; with all rules: ", proof), bars.node, table.node)));
      E.line("solve", (message) => { best = message.result; kit.paint(); })(problem);

      function outcome() {
        const {ir, ic, caps, hidden} = kit.state;
        if (!ir) return {accuracy: 1, m: null, text: `Without limit: whatever the menu asks, more can be asked, and a(S) comes as close to 1 as one likes. The first rule that breaks is individual rationality: everybody is worse off than outside.`};
        if (!caps) return {accuracy: 1, m: null, text: `Without limit: any contribution can be paid for with a promise. The first rule that breaks is the cap: rewards would have to be worth more than any model, and the coordinator is insolvent.`};
        if (!hidden) {
          observed = observed || C.seen(law.truth, costs, law.outside);
          return {accuracy: observed.accuracy, m: Array.from(observed.given), text: "Types are seen: everybody gets the best model and is asked for all that it is worth, outcome by outcome (shown: on average). Incentive compatibility has nothing to do; nobody keeps a rent."};
        }
        if (!ic) {
          honest = honest || Array.from(C.without_incentives(law.truth, costs, law.outside));
          const caps_ = C.moments(law.truth, honest, new Float64Array(3), false), t = Array.from(caps_.values);
          const check = C.checked(law.truth, costs, law.outside, honest, t), liar = Array.from(check.deviation_gain).map((gain, i) => [gain, i]).sort((a, b) => b[0] - a[0])[0];
          return {accuracy: check.accuracy, m: honest, text: `If parties told the truth: everybody gets the best model and is asked for all that it is worth. The first rule that breaks is incentive compatibility: type ${liar[1] + 1} would take the option of type ${check.best_option[liar[1]] + 1} and gain ${fmt(V * liar[0])} of value.`};
        }
        return {accuracy: best.accuracy, m: best.m, text: E.pictures.words(problem, best)};
      }
      return {
        restart() {},
        answer: () => best && {...outcome(), all: best.accuracy},
        draw() {
          if (!best) return;
          const {guess, shown} = kit.state, r = shown ? outcome() : null, width = bars.width(), x = scale(0, 1, 10, width - 60);
          E.proof(proof, best);
          bars.draw(picture(width, 78, shown ? `Reached: ${r.accuracy.toFixed(4)}; your guess: ${guess.toFixed(3)}; with all rules: ${best.accuracy.toFixed(4)}.` : `Your guess: ${guess.toFixed(3)}.`, bottomAxis(x, 44, "", width - 60),
            shown && [box(10, 10, x.at(r.accuracy) - 10, 24, r.m ? "var(--give)" : "url(#explorer-hatch)", {rx: 3}), say(x.at(r.accuracy) + 6, 27, r.m ? r.accuracy.toFixed(4) : "→ 1"),
              s("line", {x1: x.at(best.accuracy), x2: x.at(best.accuracy), y1: 2, y2: 44, style: "stroke:var(--ink);stroke-width:2;stroke-dasharray:4 3"})],
            !shown && box(10, 10, x.at(1) - 10, 24, "var(--faint)", {rx: 3}), !shown && soft(x.at(guess < 0.5 ? 0.78 : 0.22), 27, "guess, then look"), stroke(x.at(guess), 2, x.at(guess), 44, "var(--rent)", 3)));
          table.node.hidden = !shown || !r.m;
          if (shown && r.m) {
            const most = Math.max(...r.m, ...best.m), wide = table.width(), across = scale(0, most, 52, wide - 62);
            table.draw(picture(wide, 112, r.m.map((m, i) => `${names[i]}: ${fmt(m, 4)}, with all rules ${fmt(best.m[i], 4)}`).join("; "), bottomAxis(across, 78, "units of data", wide - 62),
              r.m.map((m, i) => [say(0, 26 * i + 18, names[i]), box(52, 26 * i + 5, across.at(m) - 52, 16, color(i, r.m.length), {rx: 2}), mark(across.at(best.m[i]), 26 * i + 2, 26 * i + 24), say(Math.max(across.at(m), across.at(best.m[i])) + 5, 26 * i + 18, fmt(m, 4))])));
          }
          const off = shown ? Math.abs(r.accuracy - guess) : 0;
          verdict.textContent = shown ? `${r.m ? `Accuracy ${r.accuracy.toFixed(4)}; you guessed ${guess.toFixed(3)}${off < 0.02 ? " – very close" : ""}. ${r.accuracy > best.accuracy + 1e-9 ? `The rule costs ${(r.accuracy - best.accuracy).toFixed(4)}. ` : ""}` : `You guessed ${guess.toFixed(3)}. `}${r.text}`
            : "What will the expected accuracy be under the rules that are on?";
          kit.say(verdict.textContent);
        },
      };
    },
  });

  // --- A menu made by hand ---

  E.define("by-hand", {
    title: "Make a menu yourself",
    hint: "Drag the options: to the right for more data, up for a better model. Every rule that breaks is named. Can you come within one percent of the best menu?",
    proves: true,
    spec: {c: kinds.list(kinds.real(0.005, 1), 3, 3), m: kinds.list(kinds.real(0, 5000), 3, 3), t: kinds.list(kinds.real(0, 100), 3, 3)},
    presets: {
      "A first try": {c: [0.2, 0.1, 0.05], m: [150, 300, 600], t: [60, 70, 75]},
      "One option for all": {c: [0.2, 0.1, 0.05], m: [250, 250, 250], t: [65, 65, 65]},
      "Everybody gets the best model": {c: [0.2, 0.1, 0.05], m: [300, 500, 900], t: [86, 86, 86]},
    },
    build(kit, body) {
      const C = E.mathematics(), tasks = E.makeTasks(C), problem = setup(kit.state.c);
      let best = null, law = tasks.lawOf(problem), frame = null, solvedFor = "";
      const main = E.figure("Your menu", [["var(--ink)", "cap of a reward", "level"]], true), score = E.figure("Expected accuracy", [["var(--give)", "your menu, while all rules hold"], ["var(--ink)", "the best menu", "dash"]], true);
      const list = h("ul", {class: "live-broken"}), verdict = h("p", {class: "live-verdict"}), proof = h("span", {class: "live-proof"});
      const costs = () => kit.state.c.map((c) => c / V);
      const mMost = 1200;
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"}, [0, 1, 2].map((i) => E.group(`Type ${i + 1}`,
        kit.slider({label: "Contribution", spoken: `Contribution of type ${i + 1}`, low: 0, high: mMost, step: 1, get: () => kit.state.m[i], set: (x) => { kit.state.m[i] = x; kit.changed(); }, show: (x) => `${fmt(x)} units of data`}),
        kit.slider({label: "Reward", spoken: `Reward of type ${i + 1}`, low: 0, high: 100, step: 0.1, get: () => kit.state.t[i], set: (x) => { kit.state.t[i] = x; kit.changed(); }, show: (x) => `value ${fmt(x)}`}))),
      h("div", {class: "live-buttons"}, E.button("Least rewards for these contributions", () => {
        const u = C.least_utilities(law.scheme, law.order.map((i) => kit.state.m[i]));
        law.order.forEach((i, at) => { kit.state.t[i] = Math.min(100, Math.max(0, V * u[at] + kit.state.c[i] * kit.state.m[i])); });
        kit.changed();
      }), E.button("Show the best menu", () => { if (best) { kit.state.m = best.m.slice(); kit.state.t = best.t.slice(); kit.changed(); } }))),
      h("div", {class: "live-figures"}, verdict, list, main.node, score.node, h("p", {class: "live-note"}, "The best menu: ", proof))));
      const solve = E.line("solve", (message) => { best = message.result; kit.paint(); });
      E.draggable(main.place, (x, y) => {
        if (!frame) return null;
        const near = [0, 1, 2].map((i) => [Math.hypot(frame.x.at(kit.state.m[i]) - x, frame.y.at(kit.state.t[i]) - y), i]).sort((a, b) => a[0] - b[0])[0];
        return near[0] < 28 ? near[1] : null;
      }, (i, x, y) => {
        kit.state.m[i] = Math.round(Math.min(mMost, Math.max(0, frame.x.back(x))));
        kit.state.t[i] = Math.round(10 * Math.min(100, Math.max(0, frame.y.back(y)))) / 10;
        kit.changed();
      });
      function check() {
        const order = law.order, inOrder = (values, unit) => order.map((i) => values[i] / unit);
        const found = C.checked(law.truth, inOrder(kit.state.c, V), law.outside, inOrder(kit.state.m, 1), inOrder(kit.state.t, V));
        return {found, at: (values, i) => values[order.indexOf(i)], type: (place) => order[place]};
      }
      return {
        ask() { const key = String(kit.state.c); if (key !== solvedFor) { solvedFor = key; best = null; law = tasks.lawOf(setup(kit.state.c)); solve(setup(kit.state.c)); } },
        answer: () => { if (!best) return null; const {found, at, type} = check(); return {best, accuracy: found.accuracy, broken: [...list.children].map((it) => it.textContent), gains: [0, 1, 2].map((i) => V * at(found.deviation_gain, i)), to: [0, 1, 2].map((i) => type(at(found.best_option, i)))}; },
        draw() {
          const {c, m, t} = kit.state, {found, at, type} = check(), allowed = 1e-9, broken = [], lit = [];
          const gains = E.alike([0, 1, 2].map((i) => V * at(found.deviation_gain, i)));
          [0, 1, 2].forEach((i) => {
            const ir = at(found.individual_rationality, i), gain = at(found.deviation_gain, i), cap = at(found.insolvent, i);
            if (ir < -allowed) broken.push(["individual rationality", `type ${i + 1} is better off outside, by ${fmt(-V * ir)}`, i]);
            if (gain > allowed) broken.push(["incentive compatibility", `type ${i + 1} takes the option of type ${type(at(found.best_option, i)) + 1} and gains ${gains[i]}`, i]);
            if (cap < -allowed) broken.push(["cap (insolvent)", `type ${i + 1} is promised ${fmt(t[i], 4)}, the model is worth ${fmt(V * at(found.caps, i), 4)} on average`, i]);
          });
          broken.forEach(([, , i]) => lit.push(i));
          list.replaceChildren(...broken.map(([rule, text]) => h("li", {}, h("b", {}, rule), `: ${text}`)));
          const u = m.map((give, i) => t[i] - c[i] * give);
          frame = E.pictures.menuPlane(main.width(), c, {m, t, u}, {id: kit.id, handles: true, height: 300, mMost, tMost: 100, lit,
            label: `Your menu: ${m.map((give, i) => `type ${i + 1} gives ${fmt(give)} for ${fmt(t[i])}`).join("; ")}.`,
            parts: ({x, y}) => [0, 1, 2].map((i) => { const cap = V * at(found.caps, i); return stroke(x.at(m[i]) - 12, y.at(cap), x.at(m[i]) + 12, y.at(cap), "var(--ink)", 2.5); })});
          main.draw(frame.svg);
          const good = broken.length === 0, width = score.width(), across = scale(0, 1, 10, width - 60);
          score.draw(picture(width, 62, `${good ? "" : "Rules are broken. "}Your menu ${found.accuracy.toFixed(4)}${best ? `, the best ${best.accuracy.toFixed(4)}` : ""}.`, bottomAxis(across, 30, "", width - 60),
            box(10, 6, across.at(found.accuracy) - 10, 18, good ? "var(--give)" : "var(--faint)", {rx: 3}), good ? say(across.at(found.accuracy) + 6, 20, found.accuracy.toFixed(4)) : soft(16, 19, "if everybody did as is meant for it", "start"),
            best && s("line", {x1: across.at(best.accuracy), x2: across.at(best.accuracy), y1: 0, y2: 30, style: "stroke:var(--ink);stroke-width:2;stroke-dasharray:4 3"})));
          if (best) E.proof(proof, best);
          const part = best && best.accuracy > 0 ? found.accuracy / best.accuracy : 0;
          verdict.textContent = good ? `All rules hold. Expected accuracy ${found.accuracy.toFixed(4)}${best ? `, ${pct(part)} of the best${part > 1 - 5e-7 ? ": this is the best menu" : part > 0.99 ? ". Well done" : ""}` : ""}.` : `${E.plural(broken.length, "rule is", "rules are")} broken:`;
          kit.say(`${verdict.textContent} ${broken.map(([rule, text]) => `${rule}: ${text}`).join("; ")}`);
        },
      };
    },
  });

  // --- Behavior: a crowd that does not always choose the best ---

  E.define("behavior", {
    title: "A crowd chooses from the best menu",
    hint: "The best menu leaves some parties exactly indifferent. Make the crowd less rational, and see where it drifts; then give every rule a margin, and see which crowd keeps the menu.",
    proves: true,
    spec: {n: kinds.whole(2, 16), c: kinds.list(kinds.real(0.01, 1), 2, 2), l: kinds.real(0.001, 1000), d: kinds.real(0, 20)},
    presets: {
      "Nearly exact": {n: 10, c: [0.2, 0.05], l: 100, d: 0},
      "A noisy crowd": {n: 10, c: [0.2, 0.05], l: 0.7, d: 0},
      "With a margin": {n: 10, c: [0.2, 0.05], l: 0.7, d: 6},
      "Coin tossing": {n: 10, c: [0.2, 0.05], l: 0.001, d: 0},
    },
    build(kit, body) {
      const C = E.mathematics(), tasks = E.makeTasks(C);
      let best = null, law = null, solvedFor = "";
      const main = E.figure("Who takes which option", [[color(0, 2), "type 1", "dot"], [color(1, 2), "type 2", "dot"]], true);
      const shares = E.figure("Choices of each type", [["var(--t0)", "option 1"], ["var(--t4)", "option 2", "stripes"], ["var(--faint)", "stays out"]]);
      const curve = E.figure("Accuracy against rationality", [["var(--give)", "this menu"], ["var(--ink)", "promised by the best menu", "dash"]]);
      const verdict = h("p", {class: "live-verdict"}), proof = h("span", {class: "live-proof"});
      const problem = () => setup(kit.state.c, kit.state.n);
      const told = (l) => l >= 50 ? `${fmt(l)} per unit of value: nearly always the best` : l <= 0.01 ? `${fmt(l)}: nearly tossing coins` : `${fmt(l)} per unit of value`;
      body.append(h("div", {class: "live-grid picture-first"}, h("div", {class: "live-controls"},
        E.group("The crowd", kit.slider({label: "Rationality λ", low: 0.001, high: 1000, log: true, get: () => kit.state.l, set: (x) => kit.set("l", x), show: told})),
        E.group("The menu", kit.slider({label: "Margin", spoken: "Margin of every constraint", low: 0, high: 20, step: 0.1, get: () => kit.state.d, set: (x) => kit.set("d", x), show: (x) => `${fmt(x)} of value`}),
          kit.slider({label: "Cost of type 1", log: true, low: 0.01, high: 1, get: () => kit.state.c[0], set: (x) => { kit.state.c[0] = x; kit.changed(); }}),
          kit.slider({label: "Cost of type 2", log: true, low: 0.01, high: 1, get: () => kit.state.c[1], set: (x) => { kit.state.c[1] = x; kit.changed(); }}),
          kit.slider({label: "Parties N", values: Array.from({length: 15}, (_, i) => i + 2), low: 2, high: 16, get: () => kit.state.n, set: (x) => kit.set("n", Math.round(x)), show: String})), verdict,
        h("p", {class: "live-note"}, "The best menu, for exact choices: ", proof), h("p", {class: "live-note"}, "With a margin all contributions of the best menu shrink by one factor until the caps hold: a simple menu, not the best one with this margin. Parties believe what is promised.")),
      h("div", {class: "live-figures"}, main.node, shares.node, curve.node)));
      const solve = E.line("solve", (message) => { best = message.result; kit.paint(); });
      function menu() { // costliest first, in values of one unit of accuracy
        const c = law.order.map((i) => kit.state.c[i] / V), m = law.order.map((i) => best.m[i]);
        const [give, get] = kit.state.d > 0 ? C.with_margin(law.truth, c, law.outside, m, kit.state.d / V) : [m, law.order.map((i) => best.t[i] / V)];
        return {c, m: Array.from(give), t: Array.from(get)};
      }
      /* Equal options are one. */
      const options = ({m, t}) => m.map((_, i) => i).filter((i) => i === 0 || Math.abs(m[i] - m[i - 1]) > 1e-9 * m[i] || Math.abs(t[i] - t[i - 1]) > 1e-9 * t[i]);
      function crowd(offer, rationality) {
        const kept = options(offer), m = kept.map((i) => offer.m[i]), t = kept.map((i) => offer.t[i]);
        const found = C.crowd([0.5, 0.5], offer.c, law.outside, m, t, rationality * V);
        return {m, t, choices: found.choices.map((row) => Array.from(row)), accuracy: C.crowd_accuracy(law.scheme.curve, kit.state.n, found.odds, m)};
      }
      return {
        ask() {
          const key = `${kit.state.n} ${kit.state.c}`;
          if (key !== solvedFor) { solvedFor = key; best = null; law = tasks.lawOf(problem()); solve(problem()); }
        },
        answer: () => best && {...crowd(menu(), kit.state.l), promised: best.accuracy, menu: menu()},
        draw() {
          if (!best || best.m.length !== 2) return;
          const offer = menu(), now = crowd(offer, kit.state.l), width = main.width(), left = 0;
          E.proof(proof, best);
          const mMost = Math.max(...best.m, 1) * 1.3, tMost = Math.max(...offer.t.map((t) => V * t), 1) * 1.25;
          const u = offer.m.map((m, i) => V * (offer.t[i] - offer.c[i] * m));
          const frame = E.pictures.menuPlane(width, offer.c.map((c) => c * V), {m: offer.m, t: offer.t.map((t) => V * t), u}, {id: kit.id, height: 240, mMost, tMost, label: "The menu; around each option the shares of each type that take it, and at no data those that stay out.",
            parts: ({x, y}) => now.choices.map((row, i) => row.map((share, j) => {
              // Half a disk for each type, left and right of the option; those that stay out have a place of their own.
              const taken = j < now.m.length, px = taken ? x.at(now.m[j]) : x.at(0) + 38, py = taken ? y.at(V * now.t[j]) : y.at(0) - 42;
              const radius = 17 * Math.sqrt(share), side = i ? 1 : -1;
              return share > 0.004 && [s("path", {d: `M${px},${py - radius}A${radius},${radius} 0 0 ${i} ${px},${py + radius}Z`, style: `fill:${color(i, 2)};opacity:.6`}),
                share > 0.05 && soft(px + side * (radius + 3), py + 4, pct(share, 0), i ? "start" : "end"), !taken && (!i || now.choices[0][j] <= 0.004) && soft(px, py + 28, "stay out")];
            }))});
          main.draw(frame.svg);
          const wide = shares.width(), across = scale(0, 1, 48, wide - 8), looks = ["var(--t0)", "url(#explorer-second)"];
          shares.draw(picture(wide, 96, now.choices.map((row, i) => `type ${i + 1}: ${row.map((share, j) => `${pct(share, 0)} ${j < now.m.length ? `option ${j + 1}` : "stay out"}`).join(", ")}`).join("; "), bottomAxis({...across, ticks: [0, 0.5, 1]}, 62, "", wide),
            now.choices.map((row, i) => { let from = 0; return [say(0, 30 * i + 20, `type ${i + 1}`), row.map((share, j) => { const start = from; from += share; return box(across.at(start), 30 * i + 6, across.at(from) - across.at(start), 20, j < now.m.length ? looks[j] : "var(--faint)"); })]; })));
          const ls = E.spaced(0.01, 1000, 50), points = ls.map((l) => [l, crowd(offer, l).accuracy]), area = curve.width();
          const seen = [best.accuracy, ...points.map((pair) => pair[1])], range = {low: Math.max(0, Math.floor(10 * Math.min(...seen) - 0.2) / 10), high: Math.min(1, Math.ceil(10 * Math.max(...seen) + 0.2) / 10)};
          const plot = plane(area, 150, {low: 0.01, high: 1000, log: true, name: "rationality λ"}, {...range, name: "expected accuracy"});
          curve.draw(picture(area, 184, "Expected accuracy of the crowd against its rationality.", plot.axes, s("line", {x1: plot.left, x2: plot.right, y1: plot.y.at(best.accuracy), y2: plot.y.at(best.accuracy), style: "stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 3"}),
            path(points.map(([l, a]) => [plot.x.at(l), plot.y.at(a)]), "var(--give)"), s("circle", {cx: plot.x.at(Math.max(0.01, kit.state.l)), cy: plot.y.at(now.accuracy), r: 5, style: "fill:var(--rent)"})));
          const out = E.sum(now.choices.map((row) => row[row.length - 1])) / 2;
          verdict.textContent = `Promised to exact choosers: ${best.accuracy.toFixed(4)}; this crowd reaches ${now.accuracy.toFixed(4)}. ${pct(out, 0)} stay out.`;
          kit.say(verdict.textContent);
        },
      };
    },
  });
})();
