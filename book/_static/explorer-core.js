/* The explorables' common parts: elements, numbers, axes, controls, links, and a worker that solves.
   The mathematics is in contract.js, which the build makes from Python; here is what a page needs.
   What readers type, paste or link to reaches the page as text only, never as markup. */
var Explorer = (() => {
  "use strict";

  // --- Elements ---

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined && child !== false) node.append(child);
    }
    return node;
  }
  const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const s = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // --- Numbers ---

  function fmt(x, digits = 3) {
    if (!Number.isFinite(x)) return "–";
    if (Math.abs(x) < 1e-9) return "0";
    const size = Math.floor(Math.log10(Math.abs(x)) + 1e-12);
    if (size < -4) return power(x, 1);
    return grouped(x.toFixed(Math.max(0, Math.min(8, digits - 1 - size))));
  }
  /* As in the text. */
  const grouped = (text) => text.replace("-", "−").replace(/^−?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+(?!\d))/g, ","));
  /* 1.2·10⁻⁵, and 10⁵ where the factor is 1. */
  function power(x, places) {
    const [factor, exponent] = x.toExponential(places).split("e"), one = /^-?1$/.test(factor);
    const high = exponent.replace("+", "").replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
    return `${(one ? factor.slice(0, -1) : `${factor}·`).replace("-", "−")}10${high}`;
  }
  /* A list, all with the decimal places of the largest. */
  function alike(values, digits = 3) {
    const most = Math.max(...values.map(Math.abs)), places = most > 0 ? Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(most) + 1e-12))) : 0;
    return values.map((x) => Number.isFinite(x) && Math.abs(x) >= 0.5 * 10 ** -places ? grouped(x.toFixed(places)) : fmt(x, digits));
  }
  const pct = (x, digits = 1) => `${(100 * x).toFixed(digits)} %`;
  const spaced = (low, high, number) =>
    Array.from({length: number}, (_, i) => low * (high / low) ** (i / (number - 1)));
  const sum = (values) => values.reduce((total, x) => total + x, 0);
  const normal = (p) => { const all = sum(p); return Math.abs(all - 1) < 1e-12 ? p.slice() : p.map((x) => x / all); };
  /* Of type i (from 0) out of `types`: as in the still figures, on one path from the costliest to the
     cheapest, of which the style sheet has five places. */
  function color(i, types) {
    const at = types > 1 ? 4 * i / (types - 1) : 4, below = Math.floor(at), past = Math.round(100 * (at - below));
    return past ? `color-mix(in srgb, var(--t${below + 1}) ${past}%, var(--t${below}))` : `var(--t${below})`;
  }
  const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

  // --- Axes and plots ---

  function scale(low, high, from, to, log = false) {
    const at = log
      ? (x) => from + (to - from) * Math.log(Math.max(x, low) / low) / Math.log(high / low)
      : (x) => from + (to - from) * (x - low) / (high - low || 1);
    const back = log
      ? (px) => low * (high / low) ** ((px - from) / (to - from))
      : (px) => low + (high - low) * (px - from) / (to - from);
    const ticks = [];
    if (log) {
      const decades = Math.log10(high / low);
      for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high) + 1e-9; e++)
        for (const f of decades < 1.6 ? [1, 2, 5] : [1]) {
          const x = f * 10 ** e;
          if (x >= low * 0.999 && x <= high * 1.001) ticks.push(x);
        }
      if (ticks.length < 3) ticks.splice(0, 9, ...scale(low, high, from, to).ticks.filter((x) => x >= low));
      while (ticks.length > 7) for (let i = ticks.length - 2; i > 0; i -= 2) ticks.splice(i, 1);
    } else {
      const raw = (high - low) / 4, size = 10 ** Math.floor(Math.log10(raw || 1));
      const step = [1, 2, 5, 10].map((f) => f * size).find((one) => one >= raw) || size;
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
    }
    const apart = !log && ticks.length > 1 ? ticks[1] - ticks[0] : 0, digits = Math.max(0, -Math.floor(Math.log10(apart || 1) + 1e-9));
    const label = apart && apart < 1e4 && apart > 1e-7 ? (x) => grouped(x.toFixed(digits)) : tick;
    return {at, back, ticks, label, low, high};
  }
  function tick(x) {
    if (x !== 0 && (Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3)) return power(x, 0);
    return fmt(x, Math.abs(x) >= 1 ? 4 : 2).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  }
  const soft = (x, y, text, anchor = "middle") => say(x, y, text, {class: "soft", "text-anchor": anchor});
  const say = (x, y, text, more = {}) => s("text", {x, y, ...more}, text);
  const box = (x, y, width, height, look, more = {}) =>
    s("rect", {x, y, width: Math.max(0, width), height: Math.max(0, height), style: `fill:${look}`, ...more});
  const stroke = (x1, y1, x2, y2, look, width = 1.5, more = {}) =>
    s("line", {x1, y1, x2, y2, style: `stroke:${look};stroke-width:${width}`, ...more});
  const drawn = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
  /* A mark that shows on bars of any color. */
  const mark = (x, y1, y2) => [stroke(x, y1, x, y2, "var(--ground)", 5), stroke(x, y1, x, y2, "var(--ink)", 2.5)];
  const path = (points, look, width = 2.2, more = {}) =>
    s("path", {d: drawn(points), style: `fill:none;stroke:${look};stroke-width:${width}`, ...more});
  const area = (points, look, opacity = 1) => s("path", {d: `${drawn(points)}Z`, style: `fill:${look};opacity:${opacity}`});

  function bottomAxis(x, y, name, right) {
    return [x.ticks.map((v) => [s("line", {class: "axis", x1: x.at(v), x2: x.at(v), y1: 0, y2: y}), soft(x.at(v), y + 14, x.label(v))]),
      name && soft(right, y + 28, name, "end")];
  }
  function leftAxis(y, left, right, name) {
    return [y.ticks.map((v) => [s("line", {class: "axis", x1: left, x2: right, y1: y.at(v), y2: y.at(v)}), soft(left - 5, y.at(v) + 4, y.label(v), "end")]),
      name && soft(0, -6, name, "start")];
  }
  function picture(width, height, label, ...parts) {
    return s("svg", {viewBox: `0 -16 ${width} ${height + 16}`, height: height + 16, role: "img", "aria-label": label}, ...parts);
  }
  /* A plane with both axes: [scale x, scale y, parts]. */
  function plane(width, height, x, y) {
    const left = x.left === undefined ? 44 : x.left, right = width - 10;
    const across = scale(x.low, x.high, left, right, x.log), up = scale(y.low, y.high, height, 0, y.log);
    return {x: across, y: up, left, right, height, axes: [bottomAxis(across, height, x.name, right), leftAxis(up, left, right, y.name)]};
  }

  // --- Links: what a page's address may say of a state, and nothing else ---

  const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
  const kinds = {
    real: (low, high) => ({
      read: (text) => NUMBER.test(text) && +text >= low && +text <= high ? +text : undefined,
      write: String, low, high,
    }),
    whole: (low, high) => ({
      read: (text) => /^\d{1,9}$/.test(text) && +text >= low && +text <= high ? +text : undefined,
      write: String, low, high,
    }),
    flag: () => ({read: (text) => text === "1" ? true : text === "0" ? false : undefined, write: (x) => x ? "1" : "0"}),
    choice: (...names) => ({read: (text) => names.includes(text) ? text : undefined, write: String}),
    list: (one, least, most) => ({
      read: (text) => {
        const parts = text === "" ? [] : text.split(",").map(one.read);
        return parts.length >= least && parts.length <= most && !parts.includes(undefined) ? parts : undefined;
      },
      write: (values) => values.map(one.write).join(","),
    }),
    text: (most) => ({
      read: (text) => {
        try {
          const plain = decodeURIComponent(text);
          return plain.length <= most && !/[\u0000-\u001f\u007f\u2028\u2029]/.test(plain) ? plain : undefined;
        } catch (error) { return undefined; }
      },
      write: (text) => encodeURIComponent(text).replace(/'/g, "%27"),
    }),
  };

  function encode(id, spec, state) {
    return `#${id}?${Object.entries(spec).map(([key, kind]) => `${key}=${kind.write(state[key])}`).join("&")}`;
  }
  /* The state that a link names, or null: one wrong part makes the whole link void. */
  function decode(id, spec, hash, valid) {
    if (!hash.startsWith(`#${id}?`) || hash.length > 6000) return null;
    const state = {};
    for (const part of hash.slice(id.length + 2).split("&")) {
      const [key, text] = [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)];
      if (!Object.hasOwn(spec, key) || Object.hasOwn(state, key)) return null;
      state[key] = spec[key].read(text);
      if (state[key] === undefined) return null;
    }
    return Object.keys(spec).every((key) => Object.hasOwn(state, key)) && (!valid || valid(state)) ? state : null;
  }
  const copy = (state) => JSON.parse(JSON.stringify(state));

  // --- The worker. Its text is taken from these functions, which use nothing else ---

  /* What can be asked for; a task is a generator, worked on in slices: each yield is an answer. */
  function makeTasks(C) {
    const MOST_OUTCOMES = 70000, PATIENCE = 4000; // looked into one by one; milliseconds a problem
    const now = () => performance.now();
    const curveOf = (problem) => problem.rates && problem.rates.length
      ? C.exponential_curve(0, problem.rates, problem.weights) : C.generalization_bound(problem.a, problem.k);
    const stated = (problem) => C.design(problem.n, problem.p, problem.c, problem.f || [], problem.v, curveOf(problem), Boolean(problem.own));
    const told = (problem, work) => {
      const found = C.answer(work), curve = work.search.best.law.scheme.curve, all = problem.p.reduce((total, p) => total + p, 0);
      const m = Array.from(found.contributions);
      let mean = 0, square = 0;
      m.forEach((one, i) => { mean += problem.p[i] / all * one; square += problem.p[i] / all * one * one; });
      return {
        accuracy: found.accuracy, bound: found.bound, gap: found.gap, m, t: Array.from(found.rewards), u: Array.from(found.utilities),
        caps: Array.from(found.caps), outside: Array.from(found.outside), alone: Array.from(found.alone), inside: Array.from(found.participates),
        zero: curve.zero, touch: curve.touch, top: curve.top, mean: problem.n * mean, sd: Math.sqrt(problem.n * Math.max(square - mean * mean, 0)),
        why: ["", "the search ran out of time", `there are ${C.number_of_outcomes(problem.n, m.length).toLocaleString("en")} outcomes, too many to look into one by one`, "rounding leaves a gap"][C.status(work.search, MOST_OUTCOMES)],
      };
    };
    const spreadOf = (work) => {
      const pairs = Array.from(C.collected(work, 5000), (pair) => Array.from(pair));
      return pairs.length ? pairs.sort((a, b) => a[0] - b[0]) : null;
    };
    /* Who turns up, with all types in, costliest first: as the solver takes it, and as it is. */
    const lawOf = (problem) => {
      const work = stated(problem), scheme = work.search.selections[0].scheme;
      return {order: Array.from(work.order), outside: Array.from(work.outside), scheme, truth: C.as_it_is(scheme)};
    };
    const varied = (problem, axis, value) => {
      if (axis === "c") return {...problem, c: problem.c.map((c) => c * value)};
      if (/^[cp]\d$/.test(axis)) {
        const list = problem[axis[0]].slice();
        if (axis[0] === "c") list[+axis[1]] = value;
        else list.forEach((p, i) => { list[i] = i === +axis[1] ? value : p * (1 - value) / (1 - problem.p[+axis[1]]); });
        return {...problem, [axis[0]]: list};
      }
      return {...problem, [axis]: value};
    };
    return {
      lawOf,
      *solve(problem) {
        const began = now(), work = stated(problem);
        let result = told(problem, work);
        const first = now() - began;
        let more = result.gap > 1e-8;
        yield {result: {...result, first, done: !more}, spread: more ? null : spreadOf(work)};
        while (more) {
          const until = now() + 5;
          do more = C.improve(work.search, MOST_OUTCOMES); while (more && now() < until);
          if (now() - began > PATIENCE) more = false;
          result = {...told(problem, work), first, all: now() - began};
          yield {result: {...result, done: !more}, spread: more ? null : spreadOf(work)};
        }
      },
      *sweep({problem, axis, values}) {
        const points = [];
        for (const x of values) {
          const here = varied(problem, axis, x), work = stated(here), until = now() + 40;
          if (problem.thorough) while (work.search.gap() > 1e-8 && now() < until && C.improve(work.search, MOST_OUTCOMES));
          const {accuracy, bound, m, t, u} = told(here, work);
          points.push({x, accuracy, bound, m, t, u});
          yield {points, left: values.length - points.length};
        }
      },
    };
  }

  /* Works on the newest job of each channel, in slices, so that it can be told something newer. */
  function makeService(tasks, send) {
    const jobs = new Map();
    let waiting = false;
    /* The next answer of a job; a job that ends, or fails, is no more. */
    const taken = (channel, job) => {
      try {
        const step = job.steps.next();
        if (!step.done) return step.value;
        jobs.delete(channel);
        return null;
      } catch (error) {
        jobs.delete(channel);
        return {error: error.message};
      }
    };
    const work = () => {
      waiting = false;
      const until = performance.now() + 5;
      for (const [channel, job] of [...jobs]) {
        let last = null;
        do {
          const step = taken(channel, job);
          if (!step) break;
          last = step;
        } while (performance.now() < until && !job.one);
        if (last) send({channel, id: job.id, ...last});
        if (jobs.get(channel) === job) { jobs.delete(channel); jobs.set(channel, job); } // to the end of the line
        if (performance.now() > until) break;
      }
      if (jobs.size && !waiting) { waiting = true; setTimeout(work, 0); }
    };
    return ({channel, id, task, payload}) => {
      jobs.delete(channel);
      if (!task) return; // it is to stop
      // The newest is the last in line, except that it gets its first slice now
      jobs.set(channel, {id, steps: tasks[task](payload), one: task === "solve"});
      if (task === "solve") {
        const step = taken(channel, jobs.get(channel));
        if (step) send({channel, id, ...step});
      }
      if (!waiting) { waiting = true; setTimeout(work, 0); }
    };
  }

  let hand = null; // hands a message to the worker, once there is one
  const receivers = new Map();
  function receive(message) {
    const receiver = receivers.get(message.channel);
    if (receiver) receiver(message);
  }
  const onPage = () => { hand = makeService(makeTasks(contractModule()), receive); };
  function post(message) {
    if (!hand) {
      const text = [contractModule, makeTasks, makeService, "const take = makeService(makeTasks(contractModule()), (message) => postMessage(message));",
        "onmessage = (event) => take(event.data);"].map(String).join("\n");
      const sent = new Map(); // not answered yet: for the page, if the worker turns out not to work
      try {
        const worker = new Worker(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
        worker.onmessage = (event) => { sent.delete(event.data.channel); receive(event.data); };
        worker.onerror = (event) => { event.preventDefault(); worker.terminate(); onPage(); sent.forEach((job) => hand(job)); };
        hand = (job) => { sent.set(job.channel, job); worker.postMessage(job); };
      } catch (error) { // no workers here: work on the page itself, in slices
        onPage();
      }
    }
    hand(message);
  }
  /* A line to the solver: only the newest problem is worked on; one under way is let give its first
     answer, so that a drag shows pictures on its way. */
  let channels = 0;
  function line(task, onAnswer, onError = null) {
    const channel = channels += 1;
    let latest = 0, busy = false, waiting = null;
    const sendNow = (payload) => { latest += 1; busy = true; post({channel, id: latest, task, payload}); };
    receivers.set(channel, (message) => {
      const next = waiting;
      waiting = null;
      busy = false;
      if (message.result) message.result.stale = next !== null;
      if (message.id === latest && !message.error) onAnswer(message, next !== null);
      else if (message.error && onError) onError(message.error);
      if (next) sendNow(next);
    });
    const ask = (payload) => { if (busy) waiting = payload; else sendNow(payload); };
    /* What is under way is not wanted any more. */
    ask.stop = () => {
      if (latest > 0) post({channel});
      latest += 1;
      busy = false;
      waiting = null;
    };
    return ask;
  }

  let module = null; // the same mathematics on the page, for what takes microseconds
  const mathematics = () => module || (module = contractModule());

  // --- Controls: native inputs, each with a spoken value ---

  let ids = 0;
  /* A slider with a number beside it. `log` slides by ratios, `values` through a list. */
  function slider(options) {
    const {label, get, set, low, high, step = 0, log = false, values = null, show = fmt, exact = null, digits = 4} = options;
    const id = `explorer-${ids += 1}`, name = options.spoken || label;
    const range = values ? [0, values.length - 1, 1]
      : log ? [Math.log10(low), Math.log10(high), step || 0.01] : [low, high, step || (high - low) / 200];
    const from = (x) => values ? values[Math.round(x)] : log ? 10 ** x : +x;
    const to = (x) => values ? Math.max(0, values.findIndex((v) => v >= x)) : log ? Math.log10(x) : x;
    const bar = h("input", {type: "range", id, min: range[0], max: range[1], step: range[2],
      oninput: () => set(Math.min(high, Math.max(low, from(+bar.value))))});
    const number = exact === false ? h("output", {for: id}) : h("input", {type: "number", step: "any", "aria-label": `${name}, as a number`,
      oninput: () => {
        if (number.value === "" || !Number.isFinite(+number.value)) return;
        const x = values && Number.isInteger(values[0]) ? Math.round(+number.value) : +number.value, outside = x < low || x > high;
        limits.textContent = outside ? `from ${[low, high].map((end) => Number.isInteger(end) ? grouped(String(end)) : show(end)).join(" to ")}` : "";
        number.setAttribute("aria-invalid", outside);
        set(Math.min(high, Math.max(low, x)));
      },
      onchange: () => update(true)});
    const limits = h("span", {class: "live-limits", role: "alert"});
    const node = h("div", {class: "live-row"}, h("label", {for: id, ...(name !== label ? {"aria-label": name} : {})}, label), bar, number, limits);
    function update(force) {
      const x = get();
      if (document.activeElement !== bar || Math.abs(from(+bar.value) - x) > 1e-9 * Math.abs(x)) bar.value = to(x);
      bar.setAttribute("aria-valuetext", show(x));
      bar.setAttribute("aria-label", name);
      if (exact === false) number.textContent = show(x);
      else if (force || document.activeElement !== number) number.value = values ? x : +x.toPrecision(digits);
    }
    return {node, update};
  }
  function toggle({label, get, set}) {
    const input = h("input", {type: "checkbox", onchange: () => set(input.checked)});
    return {node: h("label", {class: "live-toggle"}, input, h("span", {}, label)), update: () => { input.checked = get(); }};
  }
  function choices({label, options, get, set}) {
    const name = `explorer-${ids += 1}`;
    const inputs = options.map(([value, text]) => [value, h("input", {type: "radio", name, onchange: () => set(value)}), text]);
    return {
      node: h("div", {class: "live-choices", role: "radiogroup", "aria-label": label},
        inputs.map(([, input, text]) => h("label", {class: "live-toggle"}, input, h("span", {}, text)))),
      update: () => inputs.forEach(([value, input]) => { input.checked = get() === value; }),
    };
  }
  const button = (text, onclick, more = {}) => h("button", {type: "button", onclick, ...more}, text);
  const group = (name, ...children) => h("fieldset", {}, h("legend", {}, name), ...children);
  /* The place of a picture, with its title and key; shapes in the key say more than colors. */
  function figure(title, keys = [], wide = false) {
    const place = h("div", {class: "live-picture"});
    const node = h("figure", {class: wide ? "wide" : ""}, h("figcaption", {}, h("span", {}, title),
      keys.map(([look, text, shape = "box"]) => h("span", {class: "key"}, h("i", {class: shape, style: `--look:${look}`}), text))), place);
    return {node, place, width: () => Math.max(240, Math.round(place.clientWidth || 480)), draw: (svg) => place.replaceChildren(svg)};
  }
  /* Drag what a picture holds: find(x, y) names the handle there, move(handle, x, y) moves it. */
  function draggable(place, find, move) {
    let held = null;
    const at = (event) => {
      const svg = place.querySelector("svg"), frame = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
      return [view.x + (event.clientX - frame.left) * view.width / frame.width, view.y + (event.clientY - frame.top) * view.height / frame.height];
    };
    place.addEventListener("pointerdown", (event) => {
      held = find(...at(event));
      if (held === null) return;
      place.setPointerCapture(event.pointerId);
      event.preventDefault();
      move(held, ...at(event));
    });
    place.addEventListener("pointermove", (event) => { if (held !== null) move(held, ...at(event)); });
    for (const end of ["pointerup", "pointercancel"]) place.addEventListener(end, () => { held = null; });
  }

  // --- What an answer is worth ---

  /* Three states, in words and shape: proved; so far proved; stopped, with the reason. */
  function standing(r) {
    if (r.gap <= 1e-8) return {state: "proved", text: r.m.every((m) => m < 1e-9) ? "proved: no menu trains a model" : "proved: no menu does better"};
    const text = `no menu passes ${r.bound.toFixed(4)}`;
    return r.done ? {state: "stopped", text: `stopped; proved only: ${text}`} : {state: "searching", text: `so far proved: ${text}`};
  }
  function reason(r) {
    if (r.gap <= 1e-8) return "";
    const why = r.done ? r.why : "the search goes on";
    return `In some outcomes the total is less than ${fmt(r.touch)} units of data, where accuracy is not concave; ${why}. The best menu reaches between ${r.accuracy.toFixed(4)} and ${r.bound.toFixed(4)}.`;
  }
  function proof(place, r) {
    const {state, text} = standing(r);
    place.className = `live-proof ${state}`;
    place.textContent = text;
    return text;
  }
  /* From nothing to the best accuracy: what is reached, what is open, what one reaches alone. */
  function gauge(width, r, solo, top) {
    const x = scale(0, top, 2, width - 4);
    const alone = solo > 0 && [stroke(x.at(solo), -2, x.at(solo), 18, "var(--ink)", 2),
      soft(Math.min(x.at(solo), width - 4), 30, `best anyone trains alone ${solo.toFixed(3)}`, x.at(solo) > width - 90 ? "end" : x.at(solo) < 90 ? "start" : "middle")];
    return s("svg", {viewBox: `0 -4 ${width} 38`, height: 38, role: "img",
      "aria-label": `Expected accuracy ${r.accuracy.toFixed(4)} of at most ${top.toFixed(4)}; proved upper bound ${r.bound.toFixed(4)}; best alone ${solo.toFixed(4)}`},
    box(2, 2, width - 6, 12, "var(--faint)", {rx: 6}),
    r.gap > 1e-8 && box(x.at(r.accuracy), 2, x.at(Math.min(r.bound, top)) - x.at(r.accuracy), 12, "url(#explorer-hatch)", {class: "band"}),
    box(2, 2, x.at(r.accuracy) - 2, 12, "var(--give)", {rx: 6}), alone);
  }
  /* Types that share an option, in the order of contributions. */
  function bunches(m, t) {
    const most = Math.max(...m), value = Math.max(...t, 1e-12), runs = [];
    for (const i of m.map((_, i) => i).sort((i, j) => m[i] - m[j])) {
      const last = runs[runs.length - 1];
      if (last && Math.abs(m[last[0]] - m[i]) <= 1e-6 * most && Math.abs(t[last[0]] - t[i]) <= 1e-6 * value) last.push(i);
      else runs.push([i]);
    }
    return runs.map((run) => run.sort((i, j) => i - j));
  }
  const named = (types, names) => {
    const list = types.map((i) => names ? names[i] : `${i + 1}`);
    const all = list.length > 1 ? `${list.slice(0, -1).join(", ")} and ${list[list.length - 1]}` : list[0];
    return names ? all : `${types.length > 1 ? "types" : "type"} ${all}`;
  };
  const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  // --- Mounting ---

  const views = {};
  /* A view: {title, hint, proves, spec, loose, presets: {name: state}, valid, build(kit, body) -> parts}, with
     parts = {answer() -> what it has worked out or null, draw(), ask() after changes, restart()}. */
  function define(name, view) { views[name] = view; }

  function mount(root) {
    const view = views[root.dataset.live];
    if (!view || root.dataset.mounted) return;
    root.dataset.mounted = "1";
    const id = root.id, presets = view.presets, names = Object.keys(presets);
    const first = names.includes(root.dataset.preset) ? root.dataset.preset : names[0];
    const wanted = (root.dataset.views || "").split(" ").filter(Boolean);
    const fromLink = () => decode(id, view.spec, location.hash, view.valid);
    const kit = {root, id, state: fromLink() || copy(presets[first]), controls: [], preset: "", wanted};
    const spoken = h("div", {class: "live-hidden", "aria-live": "polite"});
    let speaking = 0, linking = 0, painting = false, number = 0, parts = null;

    /* Work that can wait until the reader rests; what it started is stopped when something changes. */
    let waiting = 0, running = [];
    kit.later = (work, ...lines) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { running = lines; work(); }, 150);
    };
    kit.say = (text) => {
      clearTimeout(speaking);
      speaking = setTimeout(() => { spoken.textContent = text; }, 600);
    };
    kit.add = (control) => { kit.controls.push(control); return control.node; };
    kit.slider = (options) => kit.add(slider(options));
    kit.set = (key, value) => { kit.state[key] = value; kit.changed(); };
    kit.shows = (name) => wanted.length === 0 || wanted.includes(name);
    kit.changed = () => {
      number += 1;
      root.dataset.asked = number;
      for (const control of kit.controls) control.update();
      clearTimeout(waiting);
      running.forEach((line) => line.stop());
      running = [];
      if (parts && parts.ask) parts.ask();
      kit.paint();
      if (select) select.value = names.find((name) => same(presets[name])) || "";
      clearTimeout(linking);
      linking = setTimeout(() => { if (linked || location.hash.startsWith(`#${id}?`)) history.replaceState(null, "", kit.link()); }, 250);
    };
    kit.paint = () => {
      if (painting) return;
      painting = true;
      const draw = () => {
        if (!painting) return;
        painting = false;
        if (!parts) return;
        parts.draw();
        root.dataset.painted = current() ? number : "";
      };
      requestAnimationFrame(draw);
      setTimeout(draw, 250); // where frames do not come, as in a page that is not looked at
    };
    /* Whether the pictures are those of the state, and not of one before. */
    const current = () => { const it = parts.answer(); return it !== null && !it.stale; };
    kit.link = () => encode(id, view.spec, kit.state);
    kit.restart = (state) => {
      kit.state = copy(state);
      if (parts.restart) parts.restart();
      kit.changed();
    };
    /* Whether an example is shown; what the view calls loose may differ from it. */
    const same = (state) => encode(id, view.spec, {...state, ...Object.fromEntries((view.loose || []).map((key) => [key, kit.state[key]]))}) === kit.link();
    let linked = false;
    const select = names.length > 1 ? h("select", {"aria-label": "Start from an example", onchange: () => { if (presets[select.value]) kit.restart(presets[select.value]); }},
      h("option", {value: ""}, "your own"), names.map((name) => h("option", {}, name))) : null;
    const copied = h("span", {role: "status", class: "live-note"});
    const body = h("div", {class: "live-body"});
    root.replaceChildren(
      h("div", {class: "live-head"}, h("p", {class: "live-title"}, root.dataset.title || view.title), h("p", {class: "live-hint"}, view.hint),
        select && h("div", {class: "live-start"}, h("span", {"aria-hidden": "true"}, "Start from"), select)),
      body,
      h("div", {class: "live-foot"},
        button("Reset", () => kit.restart(presets[names.find((name) => name === (select && select.value)) || first])),
        button("Copy link", () => {
          linked = true;
          history.replaceState(null, "", kit.link());
          const said = (text) => { copied.textContent = text; setTimeout(() => { copied.textContent = ""; }, 2500); };
          (navigator.clipboard ? navigator.clipboard.writeText(location.href) : Promise.reject()).then(() => said("Link copied."), () => said("The link is in the address bar."));
        }), copied),
      spoken);
    if (view.proves) {
      root.append(h("details", {class: "live-fine"}, h("summary", {}, "What “proved” means here"),
        h("p", {}, "A menu and a bound that no menu can pass come out of the same computation; where they meet, to 10⁻⁸, the menu is called proved. The bound rests on the arithmetic of this browser: its exponentials and logarithms are taken to be right to 16 to 64 units in the last place, an allowance that is part of the bound and that no standard promises. The proofs in the text are the library’s."),
        h("p", {}, "Computed in this page; nothing leaves the browser.")));
    }
    parts = view.build(kit, body);
    kit.changed();
    new ResizeObserver(() => kit.paint()).observe(body);
    window.addEventListener("hashchange", () => {
      const state = fromLink();
      if (state) { kit.restart(state); root.scrollIntoView(); }
    });
    if (fromLink()) root.scrollIntoView();
    root.live = {state: () => copy(kit.state), restart: kit.restart, link: kit.link, answer: () => parts.answer()};
  }

  function begin() {
    const blocks = document.querySelectorAll("[data-live]");
    if (!blocks.length) return;
    // A pattern for what is open: told from what is reached by shape, not by color alone.
    const stripes = (id, ground, line, turn) => s("pattern", {id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${turn})`},
      s("rect", {width: 6, height: 6, style: `fill:${ground}`}), s("line", {x1: 0, x2: 0, y1: 0, y2: 6, style: `stroke:${line};stroke-width:3`}));
    document.body.append(s("svg", {width: 0, height: 0, "aria-hidden": "true", class: "live-patterns"}, s("defs", {},
      stripes("explorer-hatch", "var(--open)", "var(--warn)", 45), stripes("explorer-rent", "var(--rent)", "var(--rent-2)", -45), stripes("explorer-second", "var(--t4)", "var(--ground)", 0))));
    blocks.forEach(mount);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else setTimeout(begin, 0);

  return {h, s, fmt, grouped, alike, pct, spaced, sum, normal, color, plural, scale, soft, say, box, stroke, mark, path, area, bottomAxis, picture, plane,
    kinds, line, mathematics, makeTasks, toggle, choices, button, group, figure, draggable, standing, reason, proof, gauge, bunches, named, upper, define, copy};
})();
