// The four maps: each scene pixel is a whole number of dots of the screen, and all maps show the same part.
const views = [...document.querySelectorAll(".view")].map((place) => {
  const shown = document.createElement("canvas"), over = document.createElement("canvas");
  const image = document.createElement("canvas");
  image.width = about.cols;
  image.height = about.rows;
  place.append(shown, over);
  shown.tabIndex = 0;
  shown.setAttribute("role", "application");
  return { name: place.dataset.view, place, shown, over, image };
});
let width = 0, height = 0, dots = 1, fitting = true;

function labelViews() {
  const names = { truth: state.first === "truth" ? "Ground truth" : "False colour", map: "Map", errors: "Errors", confidence: "Confidence" };
  for (const view of views) view.shown.setAttribute("aria-label", `${names[view.name]}: arrow keys go from pixel to pixel`);
  element("caption-truth").textContent = names.truth;
}

function isChosen(at) {
  return !state.chosen || (data.role[at] === TEST && data.truth[at] === state.chosen.truth && data.map[at] === state.chosen.said);
}

// For each view: the class whose checkbox hides a pixel, and the pixel's colour.
function painters() {
  const colours = [0, ...about.classes.map((_, k) => word(channels(classColour(k + 1))))];
  const [right, wrong, rest] = ["--right", "--wrong", "--rest"].map((name) => word(channels(themed(name))));
  const ramp = about.ramp.map((colour) => word(channels(colour)));
  const { map, truth, role, chances, colour } = data;
  const ofTruth = {
    of: truth,
    paint: (at) => colours[truth[at]],
  };
  const ofScene = { of: null, paint: (at) => word([colour[3 * at], colour[3 * at + 1], colour[3 * at + 2]]) };
  return {
    truth: state.first === "truth" ? ofTruth : ofScene,
    map: { of: map, paint: (at) => colours[map[at]] },
    errors: { of: truth, paint: (at) => (!truth[at] ? 0 : role[at] !== TEST ? rest : truth[at] === map[at] ? right : wrong) },
    confidence: { of: map, paint: (at) => (map[at] ? ramp[Math.round((chances[at] / about.whole) * (ramp.length - 1))] : 0) },
  };
}

function paint() {
  const how = painters();
  const hidden = new Uint8Array(about.classes.length + 2);
  for (const number of state.hidden) hidden[number] = 1;
  for (const view of views) {
    const { of, paint: colourOf } = how[view.name];
    const context = view.image.getContext("2d");
    const image = context.createImageData(about.cols, about.rows);
    const words = new Uint32Array(image.data.buffer);
    const faint = (word([0, 0, 0], 46) | word([255, 255, 255], 0)) >>> 0;
    for (let at = 0; at < pixels; at++) {
      if (of && hidden[of[at]]) continue;
      const found = colourOf(at);
      words[at] = isChosen(at) ? found : (found & faint) >>> 0;
    }
    context.putImageData(image, 0, 0);
  }
  draw();
}

function draw() {
  for (const view of views) {
    const context = view.shown.getContext("2d");
    context.clearRect(0, 0, view.shown.width, view.shown.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(view.image, -state.left * state.scale, -state.top * state.scale, about.cols * state.scale, about.rows * state.scale);
  }
  mark();
}

// The pixel that is looked at, in all maps.
function mark() {
  const size = state.scale, x = (state.col - state.left) * size, y = (state.row - state.top) * size;
  for (const view of views) {
    const context = view.over.getContext("2d");
    context.clearRect(0, 0, view.over.width, view.over.height);
    if (state.row < 0) continue;
    const wide = Math.max(size, 3 * dots), shift = (wide - size) / 2;
    for (const [colour, line, grow] of [["#fff", 3 * dots, 1.5 * dots], ["#000", dots, 1.5 * dots]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(x - shift - grow, y - shift - grow, wide + 2 * grow, wide + 2 * grow);
      const middleX = x + size / 2, middleY = y + size / 2, gap = wide / 2 + 4 * dots, arm = 9 * dots;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(middleX + dx * gap, middleY + dy * gap);
        context.lineTo(middleX + dx * (gap + arm), middleY + dy * (gap + arm));
      }
      context.stroke();
    }
  }
}

// The largest whole number of dots a pixel with which the scene fits; where none does, every second, third... pixel.
function fitted(columns) {
  const gap = window.innerWidth <= 560 ? 8 : 12;
  const free = (element("panels").clientWidth - gap * (columns - 1)) / columns - 2;
  const room = Math.max(200, 0.78 * window.innerHeight);
  const most = Math.min((free * dots) / about.cols, (room * dots) / about.rows);
  return { columns, width: Math.floor(free), scale: most >= 1 ? Math.floor(most) : 1 / Math.ceil(1 / most) };
}

function lay() {
  dots = window.devicePixelRatio || 1;
  const phone = window.innerWidth <= 700;
  const tries = (phone ? [2, 1] : [4, 2]).map(fitted);
  const best = tries.find((each) => each.scale >= 1) || tries[tries.length - 1];
  element("panels").style.setProperty("--columns", best.columns);
  if (fitting) state.scale = best.scale;
  width = best.width;
  height = Math.min(Math.ceil((about.rows * state.scale) / dots), Math.ceil(0.78 * window.innerHeight));
  for (const view of views) {
    for (const canvas of [view.shown, view.over]) {
      canvas.width = Math.round(width * dots);
      canvas.height = Math.round(height * dots);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    view.place.style.height = `${height + 2}px`;
  }
  clamp();
  draw();
}

function clamp() {
  const across = (width * dots) / state.scale, down = (height * dots) / state.scale;
  const within = (value, all, seen) => (all <= seen ? (all - seen) / 2 : Math.max(0, Math.min(all - seen, value)));
  const whole = (value) => Math.ceil(value * state.scale - 1e-6) / state.scale; // of dots
  state.left = whole(within(state.left, about.cols, across));
  state.top = whole(within(state.top, about.rows, down));
  element("zoom").textContent = state.scale >= 1 ? `${state.scale} : 1` : `1 : ${Math.round(1 / state.scale)}`;
  const moves = across < about.cols || down < about.rows;
  for (const view of views) view.shown.classList.toggle("moves", moves);
}

function zoom(by, row = state.row, col = state.col) {
  const old = state.scale;
  const larger = old >= 1 ? (old < 4 ? old + 1 : Math.min(64, Math.ceil(old * 1.4))) : 1 / (Math.round(1 / old) - 1);
  const smaller = old > 4 ? Math.max(4, Math.floor(old / 1.4)) : old > 1 ? old - 1 : 1 / (Math.round(1 / old) + 1);
  const next = by > 0 ? larger : smaller;
  if (next < 1 / 16) return;
  const x = row < 0 ? about.cols / 2 : col + 0.5, y = row < 0 ? about.rows / 2 : row + 0.5;
  state.left = x - ((x - state.left) * old) / next;
  state.top = y - ((y - state.top) * old) / next;
  state.scale = next;
  fitting = false;
  lay();
}

function fit() {
  fitting = true;
  state.left = state.top = 0;
  lay();
}

function reveal() {
  const across = (width * dots) / state.scale, down = (height * dots) / state.scale;
  if (state.col < state.left || state.col >= state.left + across) state.left = state.col - across / 2;
  if (state.row < state.top || state.row >= state.top + down) state.top = state.row - down / 2;
  clamp();
  draw();
}

function pixelAt(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const col = Math.floor(((event.clientX - box.left) * dots) / state.scale + state.left);
  const row = Math.floor(((event.clientY - box.top) * dots) / state.scale + state.top);
  return row < 0 || col < 0 || row >= about.rows || col >= about.cols ? null : [row, col];
}

function watch(canvas) {
  let from = null, moved = false;
  canvas.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY, left: state.left, top: state.top };
    moved = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from && event.buttons && Math.hypot(event.clientX - from.x, event.clientY - from.y) > 4) moved = true;
    if (moved && canvas.classList.contains("moves")) {
      canvas.setPointerCapture(event.pointerId);
      state.left = from.left - ((event.clientX - from.x) * dots) / state.scale;
      state.top = from.top - ((event.clientY - from.y) * dots) / state.scale;
      clamp();
      draw();
    } else if (!state.held && event.pointerType !== "touch") {
      const place = pixelAt(event);
      if (place) look(...place);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const place = !moved && from && pixelAt(event);
    from = null;
    if (!place) return;
    const same = state.held && place[0] === state.row && place[1] === state.col;
    state.held = !same;
    look(...place);
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(-event.deltaY, ...(pixelAt(event) || []));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const by = event.shiftKey ? 10 : 1;
    const steps = { ArrowUp: [-by, 0], ArrowDown: [by, 0], ArrowLeft: [0, -by], ArrowRight: [0, by] };
    const limit = (value, all) => Math.max(0, Math.min(all - 1, value));
    if (event.key in steps) {
      const [down, across] = steps[event.key];
      state.held = true;
      look(limit(state.row + down, about.rows), limit(state.col + across, about.cols), true);
      reveal();
    } else if (event.key === "Enter") {
      state.held = !state.held;
      look(state.row, state.col, true);
    } else if (event.key === "Escape") {
      state.held = false;
      look(state.row, state.col);
    } else if (event.key === "+" || event.key === "=") zoom(1);
    else if (event.key === "-") zoom(-1);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
}
