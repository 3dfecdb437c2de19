// What is known of one pixel, and its spectrum beside the means of its classes.
const SVG = "http://www.w3.org/2000/svg";
const positions = about.wavelengths || about.bands;

function make(kind, text, name) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function swatch(number) {
  const made = make("span", undefined, "swatch");
  made.style.background = number ? `var(--class-${number})` : "transparent";
  return made;
}

function coordinates(row, col) {
  const [a, b, c, d, e, f] = about.transform;
  const x = a * (col + 0.5) + b * (row + 0.5) + c, y = d * (col + 0.5) + e * (row + 0.5) + f;
  const digits = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.hypot(a, d)))));
  return `x ${x.toFixed(digits)}, y ${y.toFixed(digits)}${about.crs ? ` (${about.crs})` : ""}`;
}

function share(count) {
  return `${((100 * count) / about.whole).toFixed(2)} %`;
}

// Look at a pixel of the maps; `aloud` for those who go by keys.
function look(row, col, aloud = false) {
  state.row = row;
  state.col = col;
  const at = row * about.cols + col, truth = data.truth[at], said = data.map[at];
  const line = row * about.step, place = col * about.step, distance = data.distance[at];
  element("place").replaceChildren(`Row ${line}, column ${place}${state.held ? " (held)" : ""}`, ...(about.transform ? [make("small", coordinates(line, place))] : []));
  const verdict = !said ? "no data" : !truth ? "unlabelled" : data.role[at] !== TEST ? `${roleNames[data.role[at]]}, so it is not judged` : truth === said ? "right" : "wrong";
  const facts = [
    ["true class", truth ? className(truth) : "unlabelled", truth],
    ["map", said ? className(said) : "no data", said],
    ["verdict", verdict],
    ["to training", distance === about.far ? "far away" : distance === 0 ? "it trains" : `${distance} pixel${distance > 1 ? "s" : ""}`],
  ];
  element("facts").replaceChildren(...facts.flatMap(([name, text, number]) => {
    const told = make("dd");
    if (number) told.append(swatch(number));
    told.append(text);
    told.title = text;
    return [make("dt", name), told];
  }));
  element("chances").replaceChildren(...Array.from({ length: said ? about.leading : 0 }, (_, rank) => {
    const number = data.leading[rank * pixels + at], chance = data.chances[rank * pixels + at];
    const entry = make("li"), name = make("span"), track = make("span", undefined, "track"), fill = make("span", undefined, "fill");
    name.append(swatch(number), className(number));
    fill.style.width = `${(100 * chance) / about.whole}%`;
    track.append(fill);
    entry.append(name, track, make("span", share(chance), "n"));
    return entry;
  }));
  mark();
  drawSpectrum(at, truth, said);
  if (aloud) element("said").textContent = `Row ${line}, column ${place}. True class ${className(truth)}, map ${said ? className(said) : "no data"}, ${verdict}.`;
}

function spectrumOf(at) {
  const bands = about.bands.length, found = new Array(bands);
  let code = 0;
  for (let band = 0; band < bands; band++) {
    code = (code + data.spectra[at * bands + band]) & 255;
    found[band] = about.low[band] + (code / 255) * (about.high[band] - about.low[band]);
  }
  return found;
}

// Where bands are missing the curve has a gap.
const breaks = (() => {
  const steps = positions.slice(1).map((value, i) => value - positions[i]);
  const middle = [...steps].sort((one, other) => one - other)[Math.floor(steps.length / 2)];
  return about.wavelengths ? steps.map((step) => step > 3 * middle) : steps.map(() => false);
})();

const frame = { left: 58, right: 20, top: 6, bottom: 34, width: 0, height: 0, low: 0, high: 1 };
const usual = (() => {
  const all = about.means.flatMap((mean) => mean || []);
  return all.length ? [Math.min(...all), Math.max(...all)] : [Math.min(...about.low), Math.max(...about.high)];
})();

function path(values) {
  const first = positions[0], span = positions[positions.length - 1] - first || 1;
  const across = (frame.width - frame.left - frame.right) / span, up = (frame.height - frame.top - frame.bottom) / (frame.high - frame.low || 1);
  let text = "";
  for (let band = 0; band < values.length; band++) {
    const pen = band && !breaks[band - 1] ? "L" : "M";
    text += `${pen}${(frame.left + (positions[band] - first) * across).toFixed(1)} ${(frame.height - frame.bottom - (values[band] - frame.low) * up).toFixed(1)}`;
  }
  return text;
}

function part(kind, attributes, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function ticks(low, high, count) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  return Array.from({ length: Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1 }, (_, i) => (Math.ceil(low / step - 1e-9) + i) * step);
}

// Axes, and the means of all classes, which stay while pixels change.
let behind = null;
function drawBehind(low, high) {
  const svg = element("spectrum"), box = svg.getBoundingClientRect();
  const key = [low, high, box.width, box.height, isSafe(), [...state.hidden]].join();
  if (key === behind) return;
  behind = key;
  Object.assign(frame, { width: box.width, height: box.height, low, high });
  svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  const foot = box.height - frame.bottom, right = box.width - frame.right, parts = [];
  const first = positions[0], last = positions[positions.length - 1];
  for (const value of ticks(low, high, 4)) {
    const y = foot - ((value - low) / (high - low || 1)) * (foot - frame.top);
    parts.push(part("path", { class: "grid", d: `M${frame.left} ${y}H${right}` }));
    parts.push(part("text", { class: "tick", x: frame.left - 6, y: y + 4, "text-anchor": "end" }, `${+value.toPrecision(6)}`));
  }
  for (const value of ticks(first, last, Math.max(3, box.width / 110))) {
    const x = frame.left + ((value - first) / (last - first || 1)) * (right - frame.left);
    parts.push(part("path", { class: "axis", d: `M${x} ${foot}v4` }));
    parts.push(part("text", { class: "tick", x, y: foot + 15, "text-anchor": "middle" }, `${+value.toPrecision(6)}`));
  }
  parts.push(part("path", { class: "axis", d: `M${frame.left} ${frame.top}V${foot}H${right}` }));
  parts.push(part("text", { class: "label", x: (frame.left + right) / 2, y: box.height - 4, "text-anchor": "middle" }, about.wavelengths ? "wavelength (nm)" : "band"));
  about.means.forEach((mean, k) => {
    if (mean && !state.hidden.has(k + 1)) parts.push(part("path", { class: "faint", d: path(mean), stroke: classColour(k + 1) }));
  });
  const own = part("g", { id: "own" });
  svg.replaceChildren(...parts, own);
}

function drawSpectrum(at, truth, said) {
  const title = element("spectrum-title");
  if (!data.spectra) {
    title.textContent = "Spectrum: being unpacked";
    return;
  }
  const values = said ? spectrumOf(at) : [];
  // room for the pixel in quarters of the usual range, so that the axes seldom change
  const pad = 0.03 * (usual[1] - usual[0] || 1), quarter = 8 * pad;
  const beyond = (excess) => pad + quarter * Math.max(0, Math.ceil((excess - pad) / quarter));
  drawBehind(usual[0] - beyond(usual[0] - Math.min(usual[0], ...values)), usual[1] + beyond(Math.max(usual[1], ...values) - usual[1]));
  const parts = [];
  for (const [number, dash] of new Map([[said, "7 4"], [truth, "none"]])) {
    const mean = number && about.means[number - 1];
    if (!mean) continue;
    const d = path(mean);
    parts.push(part("path", { class: "rim", d, "stroke-dasharray": dash }), part("path", { class: "mean", d, stroke: classColour(number), "stroke-dasharray": dash }));
  }
  if (said) parts.push(part("path", { class: "pixel", d: path(values) }));
  element("own").replaceChildren(...parts);
  const means = [...new Set([truth, said])].filter((number) => number && about.means[number - 1]);
  const told = means.map((number) => `${className(number)} (${number === truth ? "true, solid" : "map, dashed"})`);
  title.textContent = `Spectrum (thin)${told.length ? ` beside the mean of ${told.join(" and ")}` : ""}`;
  title.title = title.textContent;
}
