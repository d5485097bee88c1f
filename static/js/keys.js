// Keys: Ctrl+K opens the palette, ? lists the keys, g and a letter goes somewhere. Whoever dictates or trips over single
// keys switches those off in the list (WCAG 2.1.4); the choice stays in this browser.
(() => {
  const palette = document.getElementById("palette");
  const list = document.getElementById("keys");
  // nobody is logged in, or the page hangs on a wall
  if (!palette || !document.querySelector("header.top")) return;
  const input = palette.querySelector("input[name=q]");
  const toggle = document.getElementById("keys-on");
  const OFF = "pulseboard.keys.off";
  const remembered = () => { try { return localStorage.getItem(OFF); } catch { return null; } };
  toggle.checked = !remembered();
  toggle.addEventListener("change", () => {
    try { toggle.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"); } catch { /* not kept */ }
  });

  const hits = () => [...palette.querySelectorAll("#hits a")];
  let chosen = -1;
  function choose(index) {
    const all = hits();
    chosen = all.length ? (index + all.length) % all.length : -1;
    all.forEach((hit, at) => {
      hit.id = `hit-${at}`;
      hit.toggleAttribute("data-chosen", at === chosen);
    });
    all[chosen]?.scrollIntoView({ block: "nearest" });
    if (chosen < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `hit-${chosen}`);
  }

  function open() {
    if (palette.open) return;
    input.value = "";
    palette.querySelector("[name=at]").value = link("/inventory")?.pathname.split("/")[2] ?? "";
    palette.showModal();
    input.focus();
    input.dispatchEvent(new CustomEvent("palette:open"));
  }

  input.addEventListener("keydown", (event) => {
    // a search field takes Escape for itself at first
    if (event.key === "Escape") { event.preventDefault(); palette.close(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); choose(chosen + step); }
    if (event.key === "Enter") {
      const hit = hits()[Math.max(chosen, 0)];
      if (hit) { event.preventDefault(); hit.click(); }
    }
  });
  palette.addEventListener("htmx:after:swap", () => choose(0));

  // the dialog itself is the backdrop: a click on it and not on what it holds closes it
  for (const dialog of [palette, list]) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-opens=palette]")) { event.preventDefault(); open(); }
    if (event.target.closest?.("[data-opens=keys]")) { event.preventDefault(); tell(); }
  });

  function tell() {
    for (const row of list.querySelectorAll("[data-key]")) row.hidden = !places[row.dataset.key]()?.checkVisibility();
    list.showModal();
  }

  const link = (end) => document.querySelector(`header.top .nav a[href$="${end}"]`);
  const places = {
    b: () => document.querySelector("header.top .nav a[href^='/facilities/']"), s: () => link("/inventory"), r: () => link("/requests"),
    t: () => link("/distributions"), n: () => link("/network"), a: () => link("/admin"),
  };
  let going = 0;
  const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === "k") {
      event.preventDefault();
      return open();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !toggle.checked) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (Date.now() < going && places[key]) {
      going = 0;
      const place = places[key]();
      if (place?.checkVisibility()) { event.preventDefault(); place.click(); }
    } else if (key === "g") {
      going = Date.now() + 1500;
    } else if (key === "?") {
      event.preventDefault();
      tell();
    } else if (key === "/") {
      const search = document.querySelector("main input[type=search]");
      event.preventDefault();
      if (search) search.focus(); else open();
    } else if (key === "r") {
      document.querySelector("#refresh button")?.click();
    }
  });
})();
