"use strict";
// Search, filters and order for the tables of students. The page says everything without it, too.
const FEW = 100; // rows of a large class that are shown until somebody asks for more

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

const STATES = [
  ["", "whatever they earned"],
  ["m1 m2 m3 m4", "some or all points lost"],
  ["m4", "less than a quarter earned"],
  ["m0", "all points"],
  ["mblank", "not attempted"],
  ["mwaiting", "to be read"],
];

function equip(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const names = rows.map((row) => folded(row.cells[0].textContent));
  const heads = [...table.tHead.rows[0].cells];
  let few = rows.length > FEW;
  let only = null; // the students of a diagnosis, by row

  const search = element("input", { type: "search", placeholder: "name" });
  const column = element("select", {}, element("option", { value: "0" }, "any exercise"));
  const state = element("select");
  const shown = element("output");
  const all = element("button", { type: "button" }, "show all");
  const graded = table.classList.contains("heat");
  if (graded) {
    heads.slice(1, -1).forEach((head, number) => {
      const name = head.querySelector("span").textContent;
      column.append(element("option", { value: String(number + 1) }, name));
    });
    for (const [value, words] of STATES) state.append(element("option", { value }, words));
  }

  const fits = (row, number) => {
    if (only && !only.has(number)) return false;
    if (!names[number].includes(folded(search.value.trim()))) return false;
    if (!graded || !state.value) return true;
    const wanted = state.value.split(" ");
    const which = Number(column.value);
    const cells = which ? [row.cells[which]] : [...row.cells].slice(1, -1);
    return cells.some((cell) => wanted.includes(cell.classList[0]));
  };
  const number = new Map(rows.map((row, place) => [row, place]));
  const show = () => {
    let fit = 0;
    for (const row of body.rows) {
      const good = fits(row, number.get(row));
      fit += good;
      row.hidden = !good || (few && fit > FEW);
    }
    const count = few ? Math.min(fit, FEW) : fit;
    shown.textContent = `${count < fit ? "the first " : ""}${count} of ${rows.length} students`;
    all.hidden = count === fit && !only && !search.value && !state.value;
  };
  all.addEventListener("click", () => {
    few = false;
    only = null;
    search.value = state.value = "";
    if (graded) column.value = "0";
    show();
  });
  for (const control of [search, column, state]) control.addEventListener("input", show);

  const value = (row, place) => {
    if (!place) return names[number.get(row)];
    const text = row.cells[place].textContent.trim();
    return text === "" || Number.isNaN(Number(text)) ? -1 : Number(text);
  };
  heads.forEach((head, place) => {
    if (place && !row_has(rows, place)) return;
    const button = element("button", { type: "button", class: "sort" }, "↕");
    button.setAttribute("aria-label", `sort by ${head.textContent.trim() || "name"}`);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a, place), value(b, place)];
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
      body.append(...sorted);
      show();
    });
    head.append(button);
  });

  const label = (words, control) => element("label", {}, `${words} `, control);
  const bar = element("div", { class: "controls", role: "search" }, label("Find", search));
  if (graded) bar.append(label("in", column), label("with", state));
  bar.append(shown, all);
  table.before(bar);
  show();
  return (students) => {
    only = students;
    few = false;
    show();
    bar.scrollIntoView({ block: "start" });
    search.focus();
  };
}
const row_has = (rows, place) => rows.some((row) => row.cells[place]?.textContent.trim());

for (const section of document.querySelectorAll("section")) {
  const table = section.querySelector("table.students");
  if (!table) continue;
  const choose = equip(table);
  for (const button of section.querySelectorAll("button[data-who]")) {
    const students = new Set(button.dataset.who.split(" ").map(Number));
    button.addEventListener("click", () => choose(students));
    button.hidden = false;
  }
}
