// Before anything is drawn, so that a dark page never flashes light.
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
