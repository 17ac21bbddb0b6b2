// The table of records: DataTables sorts and filters it, and a row opens its record below itself.
// Without scripts, the last column holds what opens.
addEventListener("DOMContentLoaded", () => {
  const element = document.querySelector("table.rru-records");
  if (!element || !window.DataTable) return;
  const box = element.closest(".rru-scroll");
  const choices = { targets: [0, 1, 2, 8, 9], columnControl: [["searchList"]] };
  const table = new DataTable(element, {
    paging: false,
    order: [],
    autoWidth: false,
    columnDefs: [choices, { targets: 10, visible: false }],
    layout: { topStart: "search", topEnd: "info", bottomStart: null, bottomEnd: null },
    language: {
      search: "Search",
      info: "_TOTAL_ records",
      infoEmpty: "no record",
      infoFiltered: "of _MAX_",
    },
  });
  // The table scrolls below the search, not with it.
  const controls = table.table().container().querySelector(".dt-layout-row");
  controls.classList.add("rru-controls");
  box.before(controls);

  const detailsOf = (row) => {
    const cell = document.createElement("div");
    cell.innerHTML = row.data()[10];
    return cell.querySelector(".rru-record");
  };
  const close = (row) => row.child.hide();
  const open = (row) => row.child(detailsOf(row), "rru-opened").show();

  element.tBodies[0].addEventListener("click", (event) => {
    const tr = event.target.closest("tr[id]");
    if (!tr || (event.target.closest("a") && event.ctrlKey)) return;
    event.preventDefault();
    const row = table.row(tr);
    const shown = row.child.isShown();
    if (shown) close(row);
    else open(row);
    history.replaceState(null, "", shown ? location.pathname : `#${tr.id}`);
  });

  // A number that is a mean leads to its records alone.
  const asked = new URLSearchParams(location.search).get("ids")?.split(",");
  if (asked) {
    table.search.fixed("asked", (_, __, index) => asked.includes(table.row(index).node().id)).draw();
    const note = document.createElement("p");
    note.append("The records behind one number. ", document.createElement("a"));
    Object.assign(note.lastChild, { href: location.pathname, textContent: "Show all records" });
    controls.after(note);
  }

  // A link to a record opens it, whatever is filtered out.
  const openAddressed = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const row = id && table.row((_, __, tr) => tr.id === id);
    if (!row || !row.any()) return;
    if (!table.rows({ search: "applied" }).indexes().toArray().includes(row.index())) {
      table.search("");
      table.columns().ccSearchClear();
      table.draw();
    }
    open(row);
    row.node().scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", openAddressed);
  openAddressed();
});
