// The board's editor with a mouse or with keys: whatever moves is written into the number fields of the form, which stays
// the only thing that is sent. Without this file, and on a narrow screen, those fields are the editor.
(() => {
  const form = document.getElementById("editor");
  const area = document.getElementById("edit-grid");
  if (!form || !area) return;

  const COLUMNS = 12;
  const HIGHEST = 40;
  const AXES = ["x", "y", "w", "h"];
  const FIRST = { x: 1, y: 1, w: 0, h: 0 };
  const cells = [...area.querySelectorAll(".cell")];
  const field = (id, axis) => form.elements[`${axis}.${id}`];
  const nameOf = (id) => document.getElementById(`edit-${id}`).getAttribute("aria-label");

  // ---- the grid itself; it counts columns and rows from 0, the fields from 1

  for (const cell of cells) {
    const content = document.createElement("div");
    content.className = "grid-stack-item-content";
    content.append(...cell.childNodes);
    cell.append(content);
    cell.classList.add("grid-stack-item");
    for (const axis of AXES) cell.setAttribute(`gs-${axis}`, cell.dataset[axis]);
    const fixed = cell.dataset.locked === "true";
    cell.setAttribute("gs-no-move", fixed);
    cell.setAttribute("gs-no-resize", fixed);
    cell.querySelector(".grip").hidden = fixed;
  }
  area.classList.add("grid-stack");
  const grid = GridStack.init({
    column: COLUMNS, cellHeight: 40, margin: 6, float: false, auto: true,
    animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    alwaysShowResizeHandle: true, draggable: { handle: ".grip" }, resizable: { handles: "se" },
  }, area);
  // the same width as in editor.css
  const wide = matchMedia("(min-width: 52.01rem)");
  const follow = () => {
    grid.setStatic(!wide.matches);
    document.getElementById("edit-keys").hidden = !wide.matches || !cells.length;
  };
  wide.addEventListener("change", follow);
  follow();

  // ---- places: { id: { x, y, w, h } }

  const node = (id) => document.getElementById(`edit-${id}`).gridstackNode;
  const places = () => Object.fromEntries(cells.map(({ dataset: { id } }) => {
    const { x, y, w, h } = node(id);
    return [id, { x, y, w, h }];
  }));
  const same = (a, b) => AXES.every((axis) => a[axis] === b[axis]);
  const allSame = (a, b) => Object.keys(a).every((id) => same(a[id], b[id]));

  /** As the server does it: in reading order each as far up as there is room. */
  function settled(wish) {
    const free = Array(COLUMNS).fill(0);
    const result = {};
    for (const [id, { x, y, w, h }] of Object.entries(wish).sort(([, a], [, b]) => a.y - b.y || a.x - b.x)) {
      const top = Math.max(...free.slice(x, x + w));
      free.fill(top + h, x, x + w);
      result[id] = { x, y: top, w, h };
    }
    return result;
  }

  function show(target) {
    const order = Object.entries(target).sort(([, a], [, b]) => b.y - a.y);
    grid.batchUpdate();
    // first all out of each other's way, then each into its place: nothing is pushed about
    for (const [id, place] of order) grid.update(node(id).el, { y: place.y + 2000 });
    for (const [id, place] of order.reverse()) grid.update(node(id).el, place);
    grid.batchUpdate(false);
  }

  // ---- what was done since the page came, one step a change

  const steps = [];
  let now = places();
  const undo = form.querySelector("button[value=undo]");
  const serverUndoes = !undo.disabled;
  const said = document.getElementById("edit-said");

  function describe(id) {
    const { x, y, w, h } = now[id];
    return pulseboard.say("{name}: column {x}, row {y}, {w} wide, {h} high.", { name: nameOf(id), x: x + 1, y: y + 1, w, h });
  }

  function write(id) {
    for (const axis of AXES) field(id, axis).value = now[id][axis] + FIRST[axis];
  }
  /** Takes over what the grid shows; where all stood before, if that is something new. */
  function take() {
    const seen = places();
    const before = now;
    if (allSame(before, seen)) return null;
    now = seen;
    for (const id of Object.keys(now)) {
      if (!same(before[id], now[id])) write(id);
    }
    tell();
    return before;
  }
  function record(id) {
    const before = take();
    if (!before) return false;
    steps.push(before);
    undo.disabled = false;
    said.textContent = describe(id);
    return true;
  }
  function backTo(count, words, id) {
    if (steps.length <= count) return;
    const target = steps[count];
    steps.length = count;
    show(target);
    take();
    if (!steps.length && !serverUndoes) {
      if (document.activeElement === undo) form.querySelector("button[value=save]").focus();
      undo.disabled = true;
    }
    said.textContent = id ? `${words} ${describe(id)}` : words;
  }
  const undoOne = () => backTo(steps.length - 1, pulseboard.say("The last change is undone."));

  undo.addEventListener("click", (event) => {
    if (!steps.length) return;
    event.preventDefault();
    undoOne();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "z") return;
    if (!steps.length || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    undoOne();
  });

  // ---- the mouse

  grid.on("dragstop resizestop", (_, cell) => {
    // the grid settles after it has told
    queueMicrotask(() => {
      record(cell.dataset.id);
      cell.querySelector(".grip").focus({ preventScroll: true });
    });
  });

  // ---- keys

  /** The place that is wished for with an arrow: half a row decides who comes first where two want the same. */
  function moved(id, key) {
    const { x, y, w, h } = now[id];
    const others = Object.entries(now).filter(([other, at]) => other !== id && at.x < x + w && x < at.x + at.w).map(([, at]) => at);
    switch (key) {
      case "ArrowLeft": return x > 0 && { x: x - 1, y: y - 0.5, w, h };
      case "ArrowRight": return x + w < COLUMNS && { x: x + 1, y: y - 0.5, w, h };
      case "ArrowUp": {
        const above = others.filter((at) => at.y < y).map((at) => at.y);
        return above.length > 0 && { x, y: Math.max(...above) - 0.5, w, h };
      }
      case "ArrowDown": {
        const below = others.filter((at) => at.y > y).map((at) => at.y + at.h);
        return below.length > 0 && { x, y: Math.min(...below) - 0.5, w, h };
      }
    }
  }
  function resized(id, key) {
    const { x, y, w, h } = now[id];
    switch (key) {
      case "ArrowLeft": return w > 1 && { x, y: y - 0.5, w: w - 1, h };
      case "ArrowRight": return x + w < COLUMNS && { x, y: y - 0.5, w: w + 1, h };
      case "ArrowUp": return h > 1 && { x, y: y - 0.5, w, h: h - 1 };
      case "ArrowDown": return h < HIGHEST && { x, y: y - 0.5, w, h: h + 1 };
    }
  }
  // where the steps stood when the focus came to a handle: there Escape goes back to
  let mark = 0;
  function put(id, place) {
    const began = mark;
    const focused = document.activeElement;
    show(settled({ ...now, [id]: place }));
    // the grid keeps the cells of the page in reading order, and a browser may drop the focus of what is moved there
    if (document.activeElement !== focused) focused.focus({ preventScroll: true });
    mark = began;
    return record(id);
  }

  for (const cell of cells) {
    const { id } = cell.dataset;
    const grip = cell.querySelector(".grip");
    grip.addEventListener("focus", () => { mark = steps.length; });
    // the grid keeps a pressed mouse from moving the focus
    grip.addEventListener("click", () => grip.focus());
    grip.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !wide.matches) return;
      if (event.key === "Escape") return backTo(mark, pulseboard.say("Back where it was."), id);
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      const place = (event.shiftKey ? resized : moved)(id, event.key);
      if (!place || !put(id, place)) said.textContent = `${pulseboard.say("No further this way.")} ${describe(id)}`;
      cell.scrollIntoView({ block: "nearest" });
    });
    for (const axis of AXES) {
      field(id, axis).addEventListener("change", () => {
        if (!AXES.every((one) => field(id, one).checkValidity())) return;
        const [x, y, w, h] = AXES.map((one) => Number(field(id, one).value));
        put(id, { x: Math.min(x - 1, COLUMNS - w), y: y - 1.5, w, h });
        write(id);
        tell();
      });
    }
  }

  // ---- leaving with something that is not sent

  const typed = () => new URLSearchParams(new FormData(form)).toString();
  const refused = Boolean(form.querySelector(".notice.critical"));
  const first = typed();
  const unsent = () => refused || typed() !== first;
  let sending = false;
  form.addEventListener("submit", () => { sending = true; });
  addEventListener("pageshow", () => { sending = false; });
  addEventListener("beforeunload", (event) => {
    if (!sending && unsent()) event.preventDefault();
  });
  function tell() {
    document.getElementById("edit-unsent").hidden = !unsent();
    document.getElementById("edit-state").hidden = unsent();
  }
  form.addEventListener("input", tell);
})();
