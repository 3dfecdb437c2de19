// What the page knows: texts as JSON, arrays as compressed text that is inflated here.
const about = JSON.parse(document.getElementById("data-about").textContent);
const data = {};

async function inflate(name) {
  const text = atob(document.getElementById(`data-${name}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function load(names) {
  const classes = about.wide ? Uint16Array : Uint8Array;
  const kinds = { map: classes, truth: classes, leading: classes, distance: Uint16Array, chances: Uint16Array };
  await Promise.all(names.map(async (name) => {
    data[name] = new (kinds[name] || Uint8Array)(await inflate(name));
  }));
}

const element = (id) => document.getElementById(id);
const TEST = 3;
const roleNames = ["not used", "trains", "validates", "tests"];
const pixels = about.rows * about.cols;

// The colours of the page's style sheet, as the theme has them now.
function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function channels(colour) {
  const hex = colour.length === 4 ? [...colour.slice(1)].map((c) => c + c).join("") : colour.slice(1);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// A pixel of an image, opaque or nearly clear, as the bytes of a canvas lie in memory.
const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
function word([red, green, blue], alpha = 255) {
  return (little ? (alpha << 24) | (blue << 16) | (green << 8) | red : (red << 24) | (green << 16) | (blue << 8) | alpha) >>> 0;
}

const state = { scale: 1, top: 0, left: 0, row: -1, col: -1, held: false, hidden: new Set(), chosen: null, first: "truth" };

function className(number) {
  return number ? about.classes[number - 1].name : "none";
}

function classColour(number) {
  const own = about.classes[number - 1];
  return isSafe() ? own.safe : own.colour;
}
