(() => {
"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)"), theme = document.getElementById("theme");

function setTheme() {
  document.documentElement.dataset.theme = theme.value || (dark.matches ? "dark" : "light");
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
theme.addEventListener("change", setTheme);
dark.addEventListener("change", setTheme);
setTheme();
document.documentElement.dataset.ready = "yes";
})();
