// Small comforts: menus that close, a filter over long menus, the first field to correct, the wall's clock.
(() => {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest?.("details.menu[open]") ?? document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("input", (event) => {
    const box = event.target.closest?.("[data-filter]");
    if (!box) return;
    const wanted = event.target.value.trim().toLowerCase();
    for (const row of document.querySelector(box.dataset.filter).children) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });

  document.querySelector("main [aria-invalid]")?.focus();

  const clock = document.getElementById("clock");
  if (clock) {
    const tick = () => { clock.textContent = pulseboard.clock(Date.now()); };
    tick();
    setInterval(tick, 1000);
  }
})();
