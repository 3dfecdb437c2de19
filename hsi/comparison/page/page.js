// The colours of a map are a piece of its picture: one of the same length takes its place.
function recolour() {
  const { customary, safe } = palette.closest(".tools").dataset;
  const [before, after] = isSafe() ? [customary, safe] : [safe, customary];
  for (const picture of document.querySelectorAll("#maps img")) picture.src = picture.src.replace(before, after);
}

// What a cell is sorted by: the first number in it, or its words; null where there is none.
function sortedBy(cell, numbers) {
  if (!numbers) return cell.textContent;
  const value = parseFloat(cell.textContent.replace(/[<>,\s]/g, ""));
  return Number.isNaN(value) ? null : value;
}

function sort(table, head) {
  const heads = [...table.tHead.rows[0].cells], place = heads.indexOf(head), numbers = head.classList.contains("n");
  const before = head.getAttribute("aria-sort");
  const way = before === "ascending" || (!before && numbers) ? "descending" : "ascending", sign = way === "ascending" ? 1 : -1;
  for (const each of heads) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", way);
  const compare = (one, other) => (numbers ? one - other : one.localeCompare(other, "en", { numeric: true }));
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: sortedBy(row.cells[place], numbers) }));
  rows.sort((one, other) => (one.value === null) - (other.value === null) || (one.value === null ? 0 : sign * compare(one.value, other.value)));
  table.tBodies[0].append(...rows.map((each) => each.row));
}

for (const table of document.querySelectorAll(".sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains("members")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}
for (const told of document.querySelectorAll(".sorts")) told.hidden = false;
watchSwitches();
if (palette) {
  palette.addEventListener("change", recolour);
  recolour();
}
document.documentElement.dataset.ready = "yes";
