/* The delivery form with a scanner: Enter goes on to the next row, an expiry is proposed from the life of the component,
   and the button says how many units will be booked. Without this script the form does the same on the server. */
(() => {
  const form = document.querySelector("form.delivery");
  if (!form) return;
  const control = (row, name) => form.elements[`${name}_${row}`];
  const rows = [...form.querySelectorAll("[data-row]")].map((body) => Number(body.dataset.row));
  const lives = Object.fromEntries(form.dataset.lives.split(" ").map((life) => life.split("=")));

  // a scanner ends with Enter, which must not send a half-filled form
  form.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.key !== "Enter" || at.tagName === "BUTTON" || at.tagName === "A") return;
    event.preventDefault();
    const next = at.name?.startsWith("number_") && control(Number(at.name.slice(7)) + 1, "number");
    if (!next || !at.value.trim()) return;
    next.closest("tbody").classList.remove("spare");
    next.focus();
  });

  const used = (row) => control(row, "number").value.trim() !== "";

  // what a row says, or the nearest used row above it
  const said = (row, name) => {
    for (let above = row; above >= 1; above -= 1) {
      if ((above === row || used(above)) && control(above, name).value) return control(above, name).value;
    }
    return "";
  };

  const proposed = (row) => {
    const collected = said(row, "collected");
    const life = lives[said(row, "component")];
    // a life in hours is exact across a change of the clock, which only the server can count
    if (!collected || !life?.endsWith("d")) return "";
    const at = new Date(`${collected}Z`);
    if (Number.isNaN(at.getTime())) return "";
    at.setUTCDate(at.getUTCDate() + Number.parseInt(life, 10));
    at.setUTCHours(23, 59);
    return at.toISOString().slice(0, 16);
  };

  const refresh = () => {
    let units = 0;
    for (const row of rows) {
      const expires = control(row, "expires");
      if (expires.value && !expires.classList.contains("proposed")) {
        // typed from the label: it has the last word
      } else {
        expires.value = used(row) ? proposed(row) : "";
        expires.classList.toggle("proposed", expires.value !== "");
      }
      if (used(row)) units += Number(control(row, "quantity")?.value ?? 1) || 0;
    }
    form.querySelector("[data-count]").textContent = units === 0 ? "" : pulseboard.many("{n} unit", "{n} units", units);
  };

  // on a phone the first three units and the first lot show, further rows one by one (the style sheet hides .spare there alone)
  for (const table of form.querySelectorAll("table")) {
    const bodies = [...table.tBodies];
    const last = bodies.findLastIndex((body) => used(body.dataset.row) || body.querySelector("[aria-invalid]"));
    bodies.slice(Math.max(bodies.length > 4 ? 3 : 1, last + 1)).forEach((body) => body.classList.add("spare"));
    const more = document.createElement("button");
    more.type = "button";
    more.className = "btn small add-row";
    more.textContent = pulseboard.say("Add a row");
    more.addEventListener("click", () => {
      const body = table.querySelector(".spare");
      body?.classList.remove("spare");
      body?.querySelector("input").focus();
      more.hidden = !table.querySelector(".spare");
    });
    table.parentNode.after(more);
  }

  form.addEventListener("input", (event) => {
    if (event.target.name?.startsWith("expires_")) event.target.classList.remove("proposed");
    refresh();
  });
  refresh();
  if (!form.querySelector("[aria-invalid]")) control(1, "number").focus();
})();
