// A part of a page with data-reload="10" fetches itself every so many seconds while somebody can see it. The request says
// that nobody asked for it, so an open page does not keep its session for ever.
(() => {
  const part = document.querySelector("[data-reload]");
  if (!part) return;
  const again = async () => {
    const open = [...document.querySelectorAll(`#${part.id} details`)].map((one) => one.open);
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { headers: { "pulse-passive": "1" }, redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (!fresh) return;
      fresh.querySelectorAll("details").forEach((one, at) => { one.open = open[at] || false; });
      part.replaceChildren(...fresh.childNodes);
    } catch {
      // the next try is near
    }
  };
  setInterval(again, Number(part.dataset.reload) * 1000);
})();
