"use strict";
const table = document.querySelector("table.catalogue"), body = table.tBodies[0];
const tools = document.querySelector(".tools"), heads = [...table.tHead.rows[0].cells];
const search = tools.querySelector("input"), sorter = tools.querySelector("select"), said = tools.querySelector("output");

function value(row, column) {
  const text = row.cells[column].dataset.sort;
  return text !== "" && isFinite(text) ? Number(text) : text;
}

// Rows with nothing to compare stay last, whichever way the others go.
function sortBy(column, descending) {
  const rows = [...body.rows];
  rows.sort((one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return descending ? -order : order;
  });
  body.append(...rows);
  heads.forEach((head, place) => head.setAttribute("aria-sort", place !== column ? "none" : descending ? "descending" : "ascending"));
  sorter.value = String(column);
}

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of body.rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  said.textContent = `${shown} of ${body.rows.length} columns`;
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  const isNumber = head.classList.contains("n");
  button.addEventListener("click", () => {
    const sorted = head.getAttribute("aria-sort");
    sortBy(column, sorted === "ascending" ? true : sorted === "descending" ? false : isNumber);
  });
});
sorter.addEventListener("change", () => sortBy(Number(sorter.value), heads[sorter.value].classList.contains("n")));
search.addEventListener("input", find);
tools.addEventListener("submit", (event) => event.preventDefault());
tools.hidden = false;
sortBy(heads.length - 1, true);
find();
