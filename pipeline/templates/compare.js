"use strict";
// Every number stands on the page without this script; it only finds and points.
document.querySelectorAll("form.movers").forEach((form) => {
  const rows = [...form.nextElementSibling.tBodies[0].rows], buttons = [...form.querySelectorAll("button")];
  const search = form.querySelector("input"), said = form.querySelector("output");
  function show() {
    const way = buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.way;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = (way !== "" && row.dataset.way !== way) || !words.every((word) => text.includes(word));
    }
    said.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} customers`;
  }
  buttons.forEach((button) => button.addEventListener("click", () => {
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    show();
  }));
  search.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
});
document.querySelectorAll("form.budget").forEach((form) => {
  const rows = [...form.nextElementSibling.tBodies[0].rows], chosen = form.querySelector("select");
  function point() {
    rows.forEach((row, place) => row.classList.toggle("chosen", place === Number(chosen.value)));
    form.querySelector("output").textContent = rows[chosen.value].dataset.said;
  }
  if (!rows.length) return;
  chosen.addEventListener("change", point);
  chosen.value = String(Math.min(3, rows.length - 1));
  form.hidden = false;
  point();
});
