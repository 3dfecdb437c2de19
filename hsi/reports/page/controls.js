// Legend, confusion matrix, and the start.
function repaint() {
  if (data.map) paint();
  if (state.row >= 0) look(state.row, state.col);
}

function makeLegend() {
  const legend = element("legend");
  const entries = about.classes.map((own, k) => {
    const label = make("label"), box = make("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      state.hidden[box.checked ? "delete" : "add"](k + 1);
      repaint();
    });
    label.append(box, swatch(k + 1), own.name);
    return label;
  });
  const all = make("button", "All"), none = make("button", "None");
  for (const [button, show] of [[all, true], [none, false]]) {
    button.type = "button";
    button.addEventListener("click", () => {
      for (const box of legend.querySelectorAll("input")) box.checked = show;
      state.hidden = new Set(show ? [] : about.classes.map((_, k) => k + 1));
      repaint();
    });
  }
  legend.append(...entries, all, none);
}

function members() {
  const found = [];
  if (state.chosen) for (let at = 0; at < pixels; at++) if (isChosen(at)) found.push(at);
  return found;
}

function choose(button) {
  const again = button && button.getAttribute("aria-pressed") === "true";
  for (const each of document.querySelectorAll("#matrix button[aria-pressed=true]")) each.setAttribute("aria-pressed", "false");
  state.chosen = button && !again ? { truth: +button.dataset.truth, said: +button.dataset.said } : null;
  const bar = element("selection");
  bar.hidden = !state.chosen;
  if (state.chosen) {
    button.setAttribute("aria-pressed", "true");
    const count = members().length, { truth, said } = state.chosen;
    bar.firstElementChild.textContent = `Selected: ${count} test pixel${count === 1 ? "" : "s"} of ${className(truth)} mapped as ${className(said)}`;
  }
  paint();
  if (state.chosen) {
    step(1);
    element("maps").scrollIntoView({ block: "start" });
  }
}

function step(by) {
  const found = members();
  if (!found.length) return;
  const here = state.row * about.cols + state.col;
  const later = by > 0 ? found.find((at) => at > here) : found.findLast((at) => at < here);
  const at = later ?? (by > 0 ? found[0] : found[found.length - 1]);
  state.held = true;
  look(Math.floor(at / about.cols), at % about.cols, true);
  reveal();
}

// One stop of the Tab key for the whole matrix; arrow keys go to the nearest cell that has pixels.
function watchMatrix() {
  const matrix = element("matrix"), buttons = [...matrix.querySelectorAll("button")];
  const focus = (button) => {
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
  };
  focus(buttons[0]);
  matrix.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    focus(button);
    choose(button);
  });
  matrix.addEventListener("keydown", (event) => {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const from = event.target.closest("button");
    if (!way || !from) return;
    event.preventDefault();
    const place = (button) => [button.closest("tr").rowIndex, button.closest("td").cellIndex];
    const [row, col] = place(from);
    const ahead = buttons.map((button) => {
      const [r, c] = place(button), along = (r - row) * way[0] + (c - col) * way[1];
      return { button, along, far: along + 3 * Math.abs(way[0] ? c - col : r - row) };
    }).filter((each) => each.along > 0).sort((one, other) => one.far - other.far)[0];
    if (ahead) {
      focus(ahead.button);
      ahead.button.focus();
    }
  });
}

// The surest mistake on a test pixel; without any, the middle of the scene.
function worthALook() {
  let best = -1, sure = -1;
  for (let at = 0; at < pixels; at++) {
    if (data.role[at] === TEST && data.map[at] !== data.truth[at] && data.chances[at] > sure) [best, sure] = [at, data.chances[at]];
  }
  return best >= 0 ? best : Math.floor(about.rows / 2) * about.cols + Math.floor(about.cols / 2);
}

function watchTools() {
  element("in").addEventListener("click", () => zoom(1));
  element("out").addEventListener("click", () => zoom(-1));
  element("fit").addEventListener("click", fit);
  element("clear").addEventListener("click", () => choose(null));
  element("next").addEventListener("click", () => step(1));
  element("previous").addEventListener("click", () => step(-1));
  element("first").addEventListener("change", () => {
    state.first = element("first").value;
    labelViews();
    repaint();
  });
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code");
      getSelection().selectAllChildren(text);
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Selected";
      }
    });
  }
}

async function start() {
  watchSwitches(repaint);
  makeLegend();
  labelViews();
  watchTools();
  if (!("DecompressionStream" in window)) {
    element("fault").textContent = "This browser is too old for the maps: Chrome 80, Firefox 113 and Safari 16.4 show them. Figures and tables below are whole.";
    element("fault").hidden = false;
    return;
  }
  await load(["map", "truth", "role", "chances", "colour", "distance", "leading"]);
  for (const view of views) watch(view.shown);
  watchMatrix();
  paint();
  lay();
  const first = worthALook();
  look(Math.floor(first / about.cols), first % about.cols);
  performance.mark("maps");
  new ResizeObserver(lay).observe(element("panels"));
  addEventListener("resize", lay);
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  await load(["spectra"]);
  look(state.row, state.col);
  performance.mark("spectra");
  document.documentElement.dataset.ready = "yes";
}

start();
