// Boards: ranges shown lately, and a file read into its text field.
(() => {
  const KEY = "pulseboard.ranges";
  const read = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; } };
  const same = (a, b) => a.from === b.from && a.to === b.to;

  const asked = new URLSearchParams(location.search);
  const range = { from: asked.get("from"), to: asked.get("to") };
  const menu = document.getElementById("range-menu");
  if (menu && range.from && range.to) {
    const label = menu.querySelector("summary .current").textContent;
    const kept = [{ ...range, label }, ...read().filter((one) => !same(one, range))].slice(0, 5);
    try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ }
  }
  const recents = menu?.querySelector("[data-recents]");
  if (recents && read().length > 0) {
    for (const { from, to, label } of read()) {
      const query = new URLSearchParams(location.search);
      query.set("from", from);
      query.set("to", to);
      const link = document.createElement("a");
      link.href = `${location.pathname}?${query}`;
      link.textContent = label;
      const line = document.createElement("li");
      line.append(link);
      recents.querySelector("ul").append(line);
    }
    recents.hidden = false;
  }

  for (const field of document.querySelectorAll("[data-file-into]")) {
    const text = document.querySelector(field.dataset.fileInto);
    field.hidden = false;
    field.querySelector("input").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      if (file) text.value = await file.text();
    });
  }
})();
