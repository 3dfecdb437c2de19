// Theme and palette, which the style sheet follows. `redraw` does what it does not reach.
const dark = matchMedia("(prefers-color-scheme: dark)");
const [theme, palette] = ["theme", "palette"].map((id) => document.getElementById(id));

function isSafe() {
  return palette?.value === "safe";
}

function watchSwitches(redraw = () => {}) {
  const chosen = document.documentElement.dataset;
  const follow = () => {
    chosen.theme = theme.value || (dark.matches ? "dark" : "light");
    if (palette) chosen.palette = palette.value;
    redraw();
  };
  for (const each of [theme, palette, dark]) each?.addEventListener("change", follow);
  addEventListener("beforeprint", () => {
    chosen.theme = "light"; // on paper all is light
    redraw();
  });
  addEventListener("afterprint", follow);
  follow();
}
