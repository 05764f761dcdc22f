"use strict";
(() => {
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // Sorting: within each block, so that floors and ceilings stay below; blanks last, whichever way.
  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (table, place, kind, descending) => {
    const compare = (a, b) => {
      const [x, y] = [a, b].map((row) => row.cells[place].dataset.value ?? "");
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = kind === "number" ? Number(x) - Number(y) : collator.compare(x, y);
      return descending ? -order : order;
    };
    for (const body of table.tBodies) {
      const rows = Array.from(body.rows).filter((row) => row.dataset.method !== undefined);
      rows.sort((a, b) => compare(a, b) || a.dataset.place - b.dataset.place);
      body.append(...rows);
    }
  };
  for (const table of all("table.board")) {
    const heads = Array.from(table.tHead.rows[0].cells);
    all("tbody tr", table).forEach((row, place) => (row.dataset.place = place));
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const sorted = head.getAttribute("aria-sort");
        const descending = sorted === "none" ? head.dataset.first === "descending" : sorted === "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, place, head.dataset.kind, descending);
      });
    });
  }

  // Filters: methods by a part of their name, tables by their track. Floors and ceilings stay.
  const form = document.querySelector("form.controls");
  if (form) {
    const methods = all("tbody.method tr[data-method]");
    const named = [...methods, ...all("figure.method, table.scores tr.method, .records section.method")];
    const drawn = all("svg g.method");
    const tracked = all("[data-track]");
    const filter = () => {
      const wanted = form.elements.method.value.trim().toLowerCase();
      const matches = (element) => element.dataset.method.toLowerCase().includes(wanted);
      for (const element of named) element.hidden = !matches(element);
      for (const element of drawn) element.classList.toggle("faint", !matches(element));
      const boxes = all("input[name=track]", form);
      const tracks = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      for (const element of tracked) element.hidden = boxes.length > 0 && !tracks.has(element.dataset.track);
      const left = methods.filter((row) => !row.hidden && !row.closest("[data-track]").hidden).length;
      form.querySelector("output").value = left < methods.length ? `${left} of ${methods.length} rows` : "";
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter(); // a browser that comes back to the page fills the fields in again
  }

  // Pictures: the arrow keys close the stimulus and open the one beside it.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const summary = event.target.closest?.(".stimulus > summary");
    if (!step || !summary || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const here = summary.parentElement;
    const next = step < 0 ? here.previousElementSibling : here.nextElementSibling;
    if (!next) return;
    event.preventDefault();
    next.open = here.open;
    here.open = false;
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  });

  // An address within what is folded up opens it.
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (!folded || folded.open) return;
    folded.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", unfold);
  unfold();

  document.documentElement.classList.add("scripts");
})();
