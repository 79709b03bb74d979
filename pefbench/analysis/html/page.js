"use strict";
/* Everything from the data is set as text or as an attribute, never as markup: predictions are anybody's. */
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 360;
const SHOWN_CURVES = 5;

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}
const el = (name, attributes, ...children) => put(document.createElement(name), attributes, children);
const draw = (name, attributes, ...children) => put(document.createElementNS(SVG, name), attributes, children);

/* ---- how numbers are spelt ---- */

function scaled(value, unit) {
  if (value === 0) return `0 ${unit}`.trim();
  const power = Math.max(0, Math.min(4, Math.floor(Math.log10(Math.abs(value) * 1.0005) / 3)));
  const number = value / 1000 ** power;
  const digits = power && number < 99.95 && !Number.isInteger(number) ? 1 : 0;
  return `${number.toFixed(digits)} ${["", "k", "M", "G", "T"][power]}${unit}`.trim();
}
function seconds(value) {
  if (value < 9.95) return `${Number(value.toPrecision(2))} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}
const score = (value) => value.toFixed(Math.abs(value) < 10 ? 3 : 1);
const ranged = (metric) =>
  metric.low === null || metric.high === null
    ? score(metric.value)
    : `${score(metric.value)} [${score(metric.low)}, ${score(metric.high)}]${metric.reliable ? "" : "?"}`;
const bytes = (value) => scaled(value, "B");
const known = (value, spell) => (value === null || value === undefined ? "" : spell(value));

const COSTS = {
  trained: { title: "trained weights", spell: (value) => scaled(value, "") },
  adapter_bytes: { title: "saved weights", spell: bytes },
  seconds: { title: "training time", spell: seconds },
  memory_bytes: { title: "peak memory of training", spell: bytes },
};

/* ---- parts of the page ---- */

let ids = 0;
const identifier = () => `part-${(ids += 1)}`;

function choice(title, options, act) {
  const select = el("select", { on: { change: () => act(select.value) } });
  for (const [value, text] of options) select.append(el("option", { value }, text));
  return { select, label: el("label", {}, title, select) };
}

function table(caption, columns, rows, tall) {
  const head = columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title));
  const body = rows.map((cells) =>
    el("tr", {}, ...cells.map((cell, at) => {
      const given = cell !== null && typeof cell === "object" && !(cell instanceof Node) ? cell : { text: cell };
      const kind = [columns[at][1], given.kind].filter(Boolean).join(" ");
      return el(at === 0 ? "th" : "td", { scope: at === 0 ? "row" : null, class: kind || null }, given.text);
    })),
  );
  const grid = el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
  return el("div", { class: tall ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": caption }, grid);
}

/* ---- plots ---- */

function scale(low, high, from, to, log) {
  const f = log ? Math.log10 : (value) => value;
  const span = f(high) - f(low) || 1;
  return (value) => from + ((f(value) - f(low)) / span) * (to - from);
}
function ticks(low, high, log, most) {
  const found = [];
  if (log) {
    for (const steps of [[1, 2, 5], [1, 3], [1]]) {
      found.length = 0;
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
        for (const step of steps) if (step * 10 ** power >= low && step * 10 ** power <= high) found.push(step * 10 ** power);
      if (found.length <= most) break;
    }
    return found;
  }
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  for (let at = Math.ceil(low / step); at * step <= high + step / 1e6; at += 1) found.push(at * step);
  return found;
}
function padded(low, high, log) {
  if (log) {
    const room = (high / low) ** 0.06 || 1;
    return high === low ? [low / 2, high * 2] : [low / room, high * room];
  }
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

/* Axes with grid lines; the returned functions place a value. */
function axes(width, x, y) {
  const margin = { left: 54, right: 14, top: 28, bottom: 44 };
  const right = width - margin.right;
  const bottom = HEIGHT - margin.bottom;
  const place = {
    x: scale(x.low, x.high, margin.left, right, x.log),
    y: scale(y.low, y.high, bottom, margin.top, y.log),
    right, bottom, left: margin.left, top: margin.top,
  };
  const back = draw("g", { "aria-hidden": "true" });
  for (const value of ticks(y.low, y.high, y.log, 7)) {
    back.append(draw("line", { class: "grid", x1: margin.left, x2: right, y1: place.y(value), y2: place.y(value) }));
    back.append(draw("text", { class: "axis", x: margin.left - 8, y: place.y(value) + 4, "text-anchor": "end" }, y.spell(value)));
  }
  for (const value of ticks(x.low, x.high, x.log, Math.max(3, Math.floor(width / 95)))) {
    back.append(draw("line", { class: "grid", x1: place.x(value), x2: place.x(value), y1: margin.top, y2: bottom }));
    back.append(draw("text", { class: "axis", x: place.x(value), y: bottom + 18, "text-anchor": "middle" }, x.spell(value)));
  }
  back.append(draw("text", { class: "axis", x: 4, y: 12 }, y.title));
  back.append(draw("text", { class: "axis", x: (margin.left + right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x.title));
  return { place, back };
}

/* What no other point beats in both: cheapest first, each better than all before it. */
function pareto(points, higher) {
  const ordered = [...points].sort((a, b) => a.x - b.x || (higher ? b.y - a.y : a.y - b.y));
  const front = [];
  for (const point of ordered) {
    const last = front[front.length - 1];
    if (!last || (higher ? point.y > last.y : point.y < last.y)) front.push(point);
  }
  return front;
}

function onWidth(node, render) {
  let last = 0;
  const check = () => {
    const width = Math.floor(node.clientWidth);
    if (width > 0 && width !== last) { last = width; render(width); }
  };
  new ResizeObserver(check).observe(node);
  check();
  return () => { if (last) render(last); };
}

function scatter(group) {
  const costs = Object.entries(COSTS).filter(([name]) => group.settings.some((each) => each[name]));
  if (!costs.length) return [el("p", { class: "note" }, "No cost of these runs is known.")];
  const metrics = Object.keys(group.settings[0].metrics);
  const plot = el("div", { class: "plot" });
  const detail = el("p", { class: "detail" }, "");
  const chosen = { x: costs[0][0], y: metrics[0] };
  let again = () => {};
  const across = choice("Across: cost", costs.map(([name, cost]) => [name, cost.title]), (value) => { chosen.x = value; again(); });
  const up = choice("Up: quality", metrics.map((name) => [name, name]), (value) => { chosen.y = value; again(); });
  const hint = () => { detail.textContent = "Point at a dot, or reach it with the Tab key, to read its numbers."; };
  hint();

  const render = (width) => {
    const cost = COSTS[chosen.x];
    const points = group.settings
      .filter((each) => each[chosen.x] && each.metrics[chosen.y])
      .map((each) => ({ each, x: each[chosen.x], metric: each.metrics[chosen.y], y: each.metrics[chosen.y].value }));
    const higher = points.length ? points[0].metric.higher : true;
    const front = pareto(points, higher);
    const xs = points.map((point) => point.x);
    const ys = points.flatMap((point) => [point.y, point.metric.low ?? point.y, point.metric.high ?? point.y]);
    const log = Math.max(...xs) / Math.min(...xs) > 20;
    const [xLow, xHigh] = padded(Math.min(...xs), Math.max(...xs), log);
    const [yLow, yHigh] = padded(Math.min(...ys), Math.max(...ys), false);
    const { place, back } = axes(
      width,
      { low: xLow, high: xHigh, log, spell: cost.spell, title: `${cost.title}${log ? ", logarithmic" : ""}` },
      { low: yLow, high: yHigh, log: false, spell: (value) => Number(value.toPrecision(3)).toString(), title: `${chosen.y} ${higher ? "↑" : "↓"}` },
    );
    const steps = front.map((point, at) => `${at ? `H${place.x(point.x)}V` : `M${place.x(point.x)},`}${place.y(point.y)}`);
    const line = draw("path", { class: "front", d: steps.length ? `${steps.join("")}H${place.right}` : "" });
    const name = `${chosen.y}, ${higher ? "higher" : "lower"} is better, against ${cost.title}: ${points.length} points; the table of all trials below has the same numbers`;
    const dots = points.map((point) => {
      const on = front.includes(point);
      const x = place.x(point.x);
      const said = `${point.each.name}: ${chosen.y} ${ranged(point.metric)}, ${cost.title} ${cost.spell(point.x)}${on ? "; on the Pareto front: nothing cheaper is better" : ""}`;
      const show = () => { detail.textContent = said; };
      const bar = point.metric.low === null ? null
        : draw("line", { class: "bar", x1: x, x2: x, y1: place.y(point.metric.low), y2: place.y(point.metric.high) });
      return draw(
        "g",
        { tabindex: "0", role: "img", "aria-label": said, class: on ? "on-front" : null, on: { focus: show, mouseenter: show, click: show } },
        bar,
        draw("circle", { cx: x, cy: place.y(point.y), r: 14, fill: "transparent" }),
        draw("circle", { class: "dot", cx: x, cy: place.y(point.y), r: on ? 6 : 5 }),
      );
    });
    const picture = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", "aria-label": name }, back, line, ...dots);
    plot.replaceChildren(picture);
    labelled(picture, points, front, place);
    hint();
  };
  again = () => {};
  requestAnimationFrame(() => { again = onWidth(plot, render); });
  return [el("div", { class: "controls" }, across.label, up.label), plot, detail,
    el("p", { class: "note" }, "The line is the Pareto front: what stands on it is beaten by nothing that costs less. Bars are 95 % intervals.")];
}

/* Names beside the points, those of the front first, each where it hides neither a name nor a dot; else none. */
function labelled(picture, points, front, place) {
  const taken = points.map((point) => box(place.x(point.x) - 6, place.y(point.y) - 6, 12, 12));
  const names = draw("g", { class: "names", "aria-hidden": "true" });
  picture.append(names);
  for (const point of [...front, ...points.filter((each) => !front.includes(each))]) {
    const text = draw("text", {}, point.each.method);
    names.append(draw("g", { class: front.includes(point) ? "on-front" : null }, text));
    const width = text.getComputedTextLength();
    const [x, y] = [place.x(point.x), place.y(point.y)];
    const places = [[x + 10, y - 9], [x - 10 - width, y - 9], [x + 10, y + 17], [x - 10 - width, y + 17], [x - width / 2, y - 13], [x - width / 2, y + 22]];
    const free = places.find(([left, base]) => {
      const here = box(left, base - 11, width, 14);
      return left >= place.left && left + width <= place.right + 8 && base - 11 >= place.top - 8 && base <= place.bottom
        && !taken.some((other) => overlap(here, other));
    });
    if (free) {
      text.setAttribute("x", free[0]);
      text.setAttribute("y", free[1]);
      taken.push(box(free[0], free[1] - 11, width, 14));
    } else text.remove();
  }
}
const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });
const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/* Lines over epochs, one for each setting: [look, points (epoch, value), a point to mark or nothing]. */
function chart(plot, width, lines, { title, log, from, name }) {
  const short = (value) => Number(value.toPrecision(3)).toString();
  lines = lines.filter((line) => line.points.length);
  const points = lines.flatMap((line) => line.points);
  const values = points.map((point) => point[1]).filter((value) => !log || value > 0);
  if (!values.length) { plot.replaceChildren(el("p", { class: "note" }, "Nothing that is ticked has such values.")); return; }
  const high = Math.max(...values);
  const y = { low: log ? Math.min(...values) : Math.min(from, ...values), high: high * (log ? 1.1 : 1.03) || 1, log, spell: short, title };
  const { place, back } = axes(width, { low: 0, high: Math.max(...points.map((point) => point[0])), log: false, spell: short, title: "epoch" }, y);
  const drawn = lines.flatMap((line) => {
    const path = line.points.filter((point) => !log || point[1] > 0)
      .map((point, i) => `${i ? "L" : "M"}${place.x(point[0]).toFixed(1)},${place.y(point[1]).toFixed(1)}`);
    const dots = line.dots ? line.points.map((point) => draw("circle", { class: line.look, cx: place.x(point[0]), cy: place.y(point[1]), r: point[0] === line.kept ? 6 : 2.5 })) : [];
    return [draw("path", { class: `${line.kind} ${line.look}`, d: path.join("") }), ...dots];
  });
  plot.replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": name }, back, ...drawn));
}

function curves(group) {
  const settings = group.settings.filter((each) => each.curve.length > 1);
  if (!settings.length) return [el("p", { class: "note" }, "No learning curve was recorded.")];
  const looks = settings.map((_, at) => `s${at % 8} d${Math.floor(at / 8) % 4}`);
  const on = new Set(settings.map((_, at) => at).filter((at) => at < SHOWN_CURVES || settings[at].method === "full"));
  const scored = [...new Set([group.metric, ...settings.flatMap((each) => Object.keys(each.validation))])].filter((name) => settings.some((each) => each.validation[name]));
  const plots = [el("div", { class: "plot" }), ...(scored.length ? [el("div", { class: "plot" })] : [])];
  const state = { log: false, metric: scored[0] };
  let redraw = [];
  const again = () => redraw.forEach((each) => each());
  const kind = choice("Loss", [["linear", "linear"], ["log", "logarithmic"]], (value) => { state.log = value === "log"; again(); });
  const metric = choice("On validation", scored.map((name) => [name, name]), (value) => { state.metric = value; again(); });
  const keys = settings.map((each, at) => {
    const tick = el("input", { type: "checkbox", checked: on.has(at), on: { change: () => { if (tick.checked) on.add(at); else on.delete(at); again(); } } });
    const sample = draw("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" }, draw("line", { class: looks[at], x1: 0, x2: 28, y1: 6, y2: 6 }));
    return el("label", {}, tick, sample, each.name);
  });
  const lines = (points, kind_) => [...on].sort((a, b) => a - b).map((at) => ({ look: looks[at], kind: kind_, points: points(settings[at]), dots: kind_ === "scores", kept: settings[at].kept }));
  const named = () => [...on].sort((a, b) => a - b).map((at) => settings[at].name).join(", ");
  const losses = (width) => chart(plots[0], width, lines((each) => each.curve, "curve"), {
    title: "training loss", log: state.log, from: 0,
    name: `Training loss against epoch of ${named()}; the table under it has the first and the last loss`,
  });
  const scores = (width) => chart(plots[1], width, lines((each) => each.validation[state.metric] || [], "scores"), {
    title: `${state.metric} on validation`, log: false, from: Infinity,
    name: `${state.metric} on validation against epoch of ${named()}; the table under it has the last and the kept step's`,
  });
  requestAnimationFrame(() => { redraw = [losses, scores].slice(0, plots.length).map((render, at) => onWidth(plots[at], render)); });
  const rows = settings.map((each) => {
    const found = each.curve.map((point) => point[1]);
    const points = each.validation[group.metric] || [];
    const kept = points.find((point) => point[0] === each.kept);
    const last = points.length ? score(points[points.length - 1][1]) : "";
    return [each.name, score(found[0]), score(Math.min(...found)), score(found[found.length - 1]),
      ...(scored.length ? [last, kept ? `${score(kept[1])} at epoch ${Number(kept[0].toPrecision(3))}` : ""] : [])];
  });
  const columns = [["Method", "text"], ["first loss"], ["lowest"], ["last"], ...(scored.length ? [[`${group.metric} on validation, last`], ["kept"]] : [])];
  const numbers = el("details", {}, el("summary", {}, "The curves as a table"), table("Training loss, and scores on validation", columns, rows));
  return [el("div", { class: "controls" }, kind.label, ...(scored.length ? [metric.label] : [])), el("div", { class: "plots" }, ...plots),
    ...(scored.length ? [el("p", { class: "note" }, "Scores on validation during training, of the first seed; the larger dot is the step whose weights were kept.")] : []),
    el("fieldset", {}, el("legend", {}, "Shown"), el("div", { class: "keys" }, ...keys)), numbers];
}

/* ---- searches ---- */

const short = (value) => (typeof value === "number" ? Number(value.toPrecision(3)).toString() : value);
const last = (field) => field.slice(field.lastIndexOf(".") + 1);
const look = (trial) => (trial.selected ? "selected" : trial.status);

/* Scores in the order in which settings were tried, and the best so far of those that ran to their end. */
function history(each, plot, width) {
  const trials = each.trials.map((trial, at) => ({ ...trial, at: at + 1 })).filter((trial) => trial.score !== null);
  const scores = trials.map((trial) => trial.score);
  const [low, high] = padded(Math.min(...scores), Math.max(...scores), false);
  const { place, back } = axes(width, { low: 0.5, high: each.trials.length + 0.5, log: false, spell: short, title: "setting, in the order tried" },
    { low, high, log: false, spell: short, title: `${each.metric} on validation` });
  let best = null;
  const steps = trials.filter((trial) => trial.status === "finished").map((trial) => {
    const first = best === null;
    best = first ? trial.score : each.higher ? Math.max(best, trial.score) : Math.min(best, trial.score);
    return `${first ? `M${place.x(trial.at)},` : `H${place.x(trial.at)}V`}${place.y(best)}`;
  });
  const dots = trials.map((trial) => draw("circle", { class: `tried ${look(trial)}`, cx: place.x(trial.at), cy: place.y(trial.score), r: trial.selected ? 6 : 4 }));
  const name = `${each.metric} on validation of each setting in the order tried; the line is the best so far; the table below has the numbers`;
  plot.replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": name }, back,
    draw("path", { class: "front", d: steps.length ? `${steps.join("")}H${place.right}` : "" }), ...dots));
}

/* Where a column's values stand: numbers by size, anything else one below the other. */
function column(values, log, top, bottom) {
  if (values.every((value) => typeof value === "number")) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const place = high > low ? scale(low, high, bottom, top, log && low > 0) : () => (top + bottom) / 2;
    return { place, marks: low === high ? [low] : [low, high] };
  }
  const marks = [...new Set(values.map(String))].sort();
  return { place: (value) => bottom - ((marks.indexOf(String(value)) + 0.5) / marks.length) * (bottom - top), marks };
}

/* One line a setting, through the value of each field to its score. */
function parallel(each, plot, width) {
  const trials = each.trials.filter((trial) => trial.score !== null);
  const titles = [...each.fields.map(last), each.metric];
  const [top, bottom, side] = [52, HEIGHT - 34, 34];
  const x = (at) => side + (at / (titles.length - 1)) * (width - 2 * side);
  const values = titles.map((_, at) => trials.map((trial) => (at < each.fields.length ? trial.values[at] : trial.score)));
  const columns = values.map((found, at) => column(found, each.log[at] || false, top, bottom));
  const back = columns.flatMap((found, at) => {
    const anchor = at === 0 ? "start" : at === titles.length - 1 ? "end" : "middle";
    const edge = at === 0 ? 2 : at === titles.length - 1 ? width - 2 : x(at);
    return [
      draw("line", { class: "grid", x1: x(at), x2: x(at), y1: top, y2: bottom }),
      draw("text", { class: "axis", x: edge, y: at % 2 ? 14 : 30, "text-anchor": anchor }, titles[at]),
      ...found.marks.map((mark, number) => draw("text", { class: "axis value", x: x(at), y: found.place(mark) + (number || found.marks.length > 2 ? -5 : 16), "text-anchor": anchor }, short(mark))),
    ];
  });
  const ordered = [...trials].sort((a, b) => (a.selected - b.selected) || ((a.status === "finished") - (b.status === "finished")));
  const lines = ordered.map((trial) => {
    const found = [...trial.values, trial.score];
    return draw("path", { class: `way ${look(trial)}`, d: found.map((value, at) => `${at ? "L" : "M"}${x(at)},${columns[at].place(value)}`).join("") });
  });
  const name = `Each setting as a line through the values of ${titles.join(", ")}; the table below has the numbers`;
  plot.replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": name }, ...lines, ...back));
}

function importance(each, plot, width) {
  const row = 34;
  const height = row * each.importance.length + 8;
  const bars = each.importance.flatMap(([field, share], at) => [
    draw("text", { x: 2, y: at * row + 14 }, `${field}: ${(100 * share).toFixed(0)} %`),
    draw("rect", { class: "rail", x: 2, y: at * row + 19, width: width - 4, height: 8 }),
    draw("rect", { class: "share", x: 2, y: at * row + 19, width: Math.max(1, share * (width - 4)), height: 8 }),
  ]);
  const name = `Importance: ${each.importance.map(([field, share]) => `${field} ${(100 * share).toFixed(0)} %`).join(", ")}`;
  plot.replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name }, ...bars));
}

function searched(each) {
  if (!each.trials.some((trial) => trial.score !== null)) return [el("p", { class: "note" }, "No setting has a score.")];
  const figure = (title, render) => {
    const plot = el("div", { class: "plot" });
    requestAnimationFrame(() => onWidth(plot, (width) => render(each, plot, width)));
    return el("div", {}, el("h4", {}, title), plot);
  };
  const rows = each.trials.map((trial, at) => [at + 1, ...trial.values.map(short), known(trial.score, score),
    trial.selected ? `${trial.status}, selected` : trial.status, scaled(trial.examples, "")]);
  const columns = [["Setting"], ...each.fields.map((field) => [last(field)]), [`${each.metric} on validation`], ["ended"], ["examples seen"]];
  return [
    el("div", { class: "figures" }, figure("History", history), figure("Parallel coordinates", parallel),
      ...(each.importance.length ? [figure("Importance", importance)] : [])),
    el("p", { class: "note" }, "Filled dots and solid lines ran to their end, hollow and dashed ones were stopped early or failed; the thick one is the setting that was selected. "
      + (each.importance.length ? "Importance is the share of the scores' variance that a field explains, by fANOVA over what ran to its end." : "Too few settings ran to their end to tell how important each field is.")),
    el("details", {}, el("summary", {}, "The settings as a table"), table("Settings tried", columns, rows, true)),
  ];
}

/* ---- tables ---- */

const MARKS = { undecided: "*", equivalent: "=", overlapping: "~" };

function trials(group) {
  const arrow = group.higher ? "↑" : "↓";
  const columns = [["Method", "text"], ["Seeds"], [`${group.metric} ${arrow}`], ["Best baseline"], ["Trained weights"], ["Saved"], ["Training"], ["Peak memory"]];
  const rows = group.settings.map((each) => [
    each.name,
    each.seeds,
    { text: `${MARKS[each.mark] || ""} ${ranged(each.metrics[group.metric])}`.trim(), kind: each.mark === "best" ? "best" : null },
    { text: known(each.baseline.baseline, (name) => `${score(each.baseline.baseline_value)} ${name}${each.baseline.beats_baseline ? "" : ", not shown to be beaten"}`), kind: each.baseline.beats_baseline === false ? "wrong" : null },
    known(each.trained, (value) => `${scaled(value, "")} (${Number(each.percent.toPrecision(3))} %)`),
    known(each.adapter_bytes, bytes),
    known(each.seconds, seconds),
    known(each.memory_bytes, bytes),
  ]);
  const used = new Set(group.settings.map((each) => each.mark));
  const legend = [];
  if (used.has("best")) legend.push("Bold: best.");
  if (used.has("equivalent")) legend.push("=: equivalent to the best: shown to differ by less than the margin of its comparison.");
  if (used.has("undecided")) legend.push("*: undecided: not shown to differ from the best by the paired test.");
  if (used.has("overlapping")) legend.push("~: its interval overlaps that of the best, a weak sign; only a paired test could tell them apart.");
  return [table(`All trials of ${group.task}`, columns, rows), el("p", { class: "note" }, legend.join(" "))];
}

function classes(group) {
  const names = [...new Set(group.settings.flatMap((each) => Object.keys(each.reports)))];
  if (!names.length) return [el("p", { class: "note" }, "This task has no classes.")];
  const place = el("div", {});
  const state = { report: names[0], value: "f1-score" };
  const render = () => {
    const settings = group.settings.filter((each) => each.reports[state.report]);
    const rows = new Map();
    for (const each of settings)
      for (const part of ["classes", "averages"])
        for (const [name, row] of Object.entries(each.reports[state.report][part])) if (!rows.has(name)) rows.set(name, [part, row.support]);
    const body = [...rows].map(([name, [part, support]]) => {
      const values = settings.map((each) => each.reports[state.report][part][name]);
      const best = Math.max(...values.map((row) => (row ? row[state.value] : 0)));
      return [name, support, ...values.map((row) => (row ? { text: row[state.value].toFixed(3), kind: settings.length > 1 && row[state.value] === best ? "best" : null } : ""))];
    });
    place.replaceChildren(table(`${state.report}: ${state.value} by class`, [["Class", "text"], ["Support"], ...settings.map((each) => [each.name])], body, true));
  };
  const report = choice("Report", names.map((name) => [name, name]), (value) => { state.report = value; render(); });
  const value = choice("Value", [["f1-score", "F1"], ["precision", "precision"], ["recall", "recall"]], (chosen) => { state.value = chosen; render(); });
  render();
  return [el("div", { class: "controls" }, report.label, value.label), place,
    el("p", { class: "note" }, "Of the first seed; bold is the highest in a row, which may be chance in a class of few examples.")];
}

function examples(group) {
  const found = group.examples;
  const notes = found.notes.map((note) => el("p", { class: "note" }, note));
  if (found.names.length < 2) return [el("p", { class: "note" }, "Fewer than two trials kept predictions of the same examples beside their results."), ...notes];
  const place = el("div", {});
  const count = el("p", { class: "note", role: "status" });
  const state = { text: "", right: "", wrong: "" };
  const prompted = found.rows.some((row) => row.prompt);
  const render = () => {
    const wanted = state.text.toLowerCase();
    const rows = found.rows.filter((row) =>
      (state.right === "" || row.correct[Number(state.right)]) && (state.wrong === "" || !row.correct[Number(state.wrong)])
      && (!wanted || [String(row.id), row.prompt, row.reference, ...row.answers].some((text) => text.toLowerCase().includes(wanted))));
    const body = rows.map((row) => [row.id, ...(prompted ? [{ text: row.prompt }] : []), { text: row.reference },
      ...row.answers.map((answer, at) => ({ text: `${row.correct[at] ? "✓" : "✗"} ${answer}`, kind: row.correct[at] ? "right" : "wrong" }))]);
    place.replaceChildren(table("Test examples that methods answer differently", [["Example"], ...(prompted ? [["Prompt", "text long"]] : []), ["Right answer", "text long"], ...found.names.map((name) => [name, "text long"])], body, true));
    const kept = found.rows.length < found.differ ? `, of which the first ${found.rows.length} are here` : "";
    count.textContent = `${rows.length} shown; ${found.differ} of ${found.total} test examples are answered differently${kept}.`;
  };
  const names = [["", "any"], ...found.names.map((name, at) => [String(at), name])];
  const right = choice("Right in", names, (value) => { state.right = value; render(); });
  const wrong = choice("Wrong in", names, (value) => { state.wrong = value; render(); });
  const search = el("input", { type: "search", on: { input: () => { state.text = search.value; render(); } } });
  render();
  return [el("div", { class: "controls" }, right.label, wrong.label, el("label", {}, "Texts with", search)), count, place, ...notes];
}

function environments() {
  return data.environments.map((each) => {
    const machine = each.hardware;
    const facts = [
      ["Trials", String(each.trials)],
      ["Processor", `${machine.cpu}, ${machine.threads} of ${machine.cores} cores, ${bytes(machine.memory_bytes)} memory`],
      ["Accelerator", machine.gpu || "none"],
      ["Processes", String(each.world_size)],
      ["Precision", each.precision],
      ["Code", each.commit ? `${each.commit}${each.dirty ? ", with changes" : ""}` : "not from a checkout"],
      ["Last finished", each.finished],
    ];
    const list = el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    const rows = Object.entries(each.packages).map(([name, version]) => [name, { text: version }]);
    return el("div", {}, list, el("details", {}, el("summary", {}, `Versions of ${rows.length} packages`), table("Packages", [["Package", "text"], ["Version", "text"]], rows)));
  });
}

/* ---- the page ---- */

function part(title, nodes) {
  const id = identifier();
  return el("div", { role: "group", "aria-labelledby": id }, el("h3", { id }, title), ...nodes);
}

const main = document.getElementById("groups");
data.groups.forEach((group, number) => {
  main.append(el("section", { id: `group-${number}`, "aria-labelledby": `title-${number}` },
    el("h2", { id: `title-${number}`, tabindex: "-1" }, group.title),
    el("p", { class: "lead" }, group.verdict),
    ...group.caveats.map((text) => el("p", { class: "note" }, text)),
    part("Quality against cost", scatter(group)),
    part("All trials", trials(group)),
    part("Learning curves", curves(group)),
    part("Classes", classes(group)),
    part("Examples on which methods differ", examples(group)),
    el("details", {}, el("summary", {}, "What is compared"), el("p", { class: "heading" }, group.heading), el("p", { class: "heading" }, `Data: ${group.source}`))));
});
if (data.searches.length)
  main.append(el("section", { "aria-labelledby": "searches" }, el("h2", { id: "searches" }, "Searches"),
    ...data.searches.map((each) => part(`${each.name}: ${each.heading}`, searched(each)))));
if (data.failed.length)
  main.append(el("section", { "aria-labelledby": "failed" }, el("h2", { id: "failed" }, "Failed trials"),
    table("Failed trials", [["Recipe", "text"], ["Task", "text"], ["Method", "text"], ["Error", "text long"]],
      data.failed.map((each) => [each.recipe, each.task, each.method, each.error]))));
if (data.environments.length)
  main.append(el("section", { "aria-labelledby": "environment" }, el("h2", { id: "environment" }, "Environment"), ...environments()));
document.documentElement.dataset.ready = "yes";
