// A page whose reader wants it renewed every minute instead of live. It asks by itself, so it keeps no session alive.
(() => {
  const button = document.querySelector("#refresh-status[data-refresh=minute]");
  if (!button) return;
  const busy = () => {
    const main = document.getElementById("main");
    return document.hidden || main.querySelector(".problem, [aria-invalid]") || (main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
  };
  async function renew() {
    if (busy()) return;
    let answer;
    try {
      answer = await fetch(location.href, { headers: { "Pulse-Passive": "1", Accept: "text/html" } });
    } catch {
      button.classList.add("danger"); // no server: what is shown stays, and says so
      return;
    }
    if (answer.redirected || answer.status === 401) return location.assign(answer.url);
    if (!answer.ok || busy()) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [here, there] = [document.getElementById("main"), page.getElementById("main")];
    if (!there) return;
    here.replaceWith(document.adoptNode(there));
    htmx.process(there);
    button.classList.remove("danger");
  }
  setInterval(renew, 60000);
})();
