// The page's one event stream: what is pushed replaces what is older, and the reader is told when nothing can be.
(() => {
  const body = document.body;
  const stream = document.getElementById("live");
  const status = document.getElementById("live-status");
  const freshness = Number(body.dataset.freshness || 300);
  let connection = null;
  let lostAt = null;
  let asOf = 0;
  let asOfVersion = -1;
  let lastWord = 0;
  let beats = false;
  let retry = null;
  let attempts = 0;
  let over = false;
  let busy = false;

  function show(state, text) {
    if (!status) return;
    status.dataset.state = state;
    const words = status.querySelector(".text");
    if (words.textContent !== text) words.textContent = text;
  }

  function connected() {
    lostAt = null;
    attempts = 0;
    lastWord = Date.now();
    show("live", pulseboard.say("Live"));
    judge();
  }

  // a planned end of the stream heals in a second, so only a failed attempt makes the board stale
  function losing() {
    lostAt ??= Date.now();
    if (status?.dataset.state !== "off") show("wait", pulseboard.say("Reconnecting"));
  }

  function lost() {
    lostAt ??= Date.now();
    show("off", pulseboard.say("Not connected since {time}", { time: pulseboard.clock(lostAt) }));
    judge();
  }

  function judge() {
    const old = asOf > 0 && Date.now() - asOf > (freshness + 60) * 1000;
    const cut = status?.dataset.state === "off" || over;
    body.classList.toggle("stale", Boolean(stream) && (cut || old));
  }

  // a link may show less than before instead of nothing: the page itself says which
  async function linkChanged() {
    if (over) return;
    const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    if (answer?.ok) location.reload();
    else if (answer && refused(answer.status)) sessionOver();
    else { lost(); setTimeout(linkChanged, 5000 * (0.7 + Math.random() * 0.6)); }
  }

  function rightsChanged() {
    if ("link" in body.dataset) linkChanged();
    else sessionOver();
  }

  function sessionOver() {
    over = true;
    clearTimeout(retry);
    lost();
    const overlay = document.getElementById("session-over");
    overlay.hidden = false;
    overlay.querySelector("a").focus();
  }

  document.getElementById("session-over-back")?.addEventListener("click", () => {
    document.getElementById("session-over").hidden = true;
  });

  const refused = (code) => code === 401 || code === 403 || code === 404;

  // the extension reconnects a stream that was open once; a first attempt that fails is repeated here
  function again() {
    if (over || !stream?.isConnected) return;
    clearTimeout(retry);
    busy = false;
    const delay = Math.min(1000 * 2 ** attempts++, 5000) * (0.7 + Math.random() * 0.6);
    retry = setTimeout(connect, delay);
  }

  const connect = () => stream.dispatchEvent(new CustomEvent("live:connect"));

  // deferred scripts may run before or after htmx has walked the page: make sure that the stream is known, once
  function start() {
    if (!stream._htmx?.triggerSpecs?.length) htmx.process(stream);
    connect();
  }

  // --- what the extension says -------------------------------------------------------------------

  if (stream) {
    document.addEventListener("DOMContentLoaded", () => setTimeout(start, 1));
    stream.addEventListener("htmx:before:request", (event) => {
      if (busy || over) event.preventDefault();
      busy = true;
    });
    stream.addEventListener("htmx:sse:before:connection", (event) => {
      if (over) return event.preventDefault();
      connection = event.detail.connection;
      if (connection.attempt > 0) losing();
    });
    stream.addEventListener("htmx:sse:after:connection", connected);
    stream.addEventListener("htmx:sse:error", (event) => {
      if (refused(event.detail.status)) rightsChanged();
      else if (event.detail.connection?.attempt > 0) lost();
      else losing();
    });
    stream.addEventListener("htmx:sse:close", (event) => {
      if (event.detail.reason !== "removed" && !over) { lost(); again(); }
    });
    stream.addEventListener("htmx:error", () => { lost(); again(); });
    stream.addEventListener("htmx:response:error", (event) => {
      if (refused(event.detail.ctx.response.status)) return rightsChanged();
      lost();
      again();
    });
    // an answer that is no stream (a log-in page, an error page) must not reach the page
    stream.addEventListener("htmx:before:swap", (event) => {
      const { response } = event.detail.ctx;
      if (response.headers.get("Content-Type")?.includes("text/event-stream")) return;
      event.preventDefault();
      if (response.status < 300) rightsChanged();
    });
    stream.addEventListener("htmx:sse:before:message", () => { lastWord = Date.now(); });

    stream.addEventListener("as-of", (event) => {
      const { version, at, label } = JSON.parse(event.detail.data);
      if (version < asOfVersion) return;
      asOfVersion = version;
      asOf = Date.parse(at) + pulseboard.skew;
      for (const time of document.querySelectorAll("[data-as-of]")) {
        time.dateTime = at;
        time.textContent = pulseboard.say("as of {time}", { time: label });
      }
      judge();
    });
    stream.addEventListener("beat", () => { beats = true; });
    // ages are judged by the server's clock, whatever this machine's says
    stream.addEventListener("clock", (event) => { pulseboard.skew = Date.now() - Date.parse(event.detail.data); });
    stream.addEventListener("session-expired", rightsChanged);
    // the first at once; of those that follow closely the last, for a part that fetches itself costs the reader's machine
    const told = new Map();
    const waiting = new Set();
    stream.addEventListener("nudge", (event) => {
      const topic = event.detail.data.trim();
      if (waiting.has(topic)) return;
      waiting.add(topic);
      const rest = (told.get(topic) ?? 0) + (topic === "network" ? 3000 : 1000) - Date.now();
      setTimeout(() => {
        waiting.delete(topic);
        told.set(topic, Date.now());
        body.dispatchEvent(new CustomEvent(`live:${topic}`));
      }, Math.max(0, rest));
    });

    window.addEventListener("offline", () => { connection?.reader?.cancel(); lost(); });
    window.addEventListener("online", () => connection?.delayCanceller?.());

    // a cut cable says nothing: a server that beats every 15 s and is silent for 40 s is gone
    setInterval(() => {
      if (beats && !lostAt && !document.hidden && Date.now() - lastWord > 40000) {
        connection?.reader?.cancel();
        lost();
      }
      judge();
    }, 5000);

    const first = document.querySelector("[data-as-of]");
    if (first) asOf = Math.min(Date.now(), Date.parse(first.dateTime) || Date.now());
  }

  // --- what a swap may do -------------------------------------------------------------------------

  const versionOf = (element) => Number(element?.dataset?.version ?? NaN);

  const targetOf = (task) => (typeof task.target === "string" ? document.querySelector(task.target) : task.target);

  function tooOld(task) {
    const target = targetOf(task);
    const next = task.fragment?.firstElementChild;
    return target && next && target.id === next.id && versionOf(next) < versionOf(target);
  }

  function changed(field) {
    if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
    return field.checked !== field.defaultChecked || (field.type !== "hidden" && field.value !== field.defaultValue);
  }

  // a part in which somebody types, or has something to correct, does not fetch itself away
  function inUse(part) {
    if (!part) return false;
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    return typing || part.querySelector(".problem, [aria-invalid]") || [...part.querySelectorAll("input, select, textarea")].some(changed);
  }

  const deny = function () { throw new Error("code in attributes is switched off"); };

  htmx.registerExtension("pulseboard", {
    init(api) { api.initSecurity(null, deny, deny); },
    htmx_before_on_init() { return false; },
    htmx_before_swap(element, { ctx, tasks }) {
      const passive = ctx?.sourceEvent?.type?.startsWith("live:");
      for (let i = tasks.length - 1; i >= 0; i--) {
        if (tooOld(tasks[i]) || (passive && inUse(targetOf(tasks[i])))) tasks.splice(i, 1);
        else for (const script of tasks[i].fragment.querySelectorAll("script")) script.remove();
      }
    },
    // what the reader has opened stays open when the part around it is replaced
    htmx_before_morph_attr(element, { attrName }) {
      if (attrName === "open" && element.tagName === "DETAILS" && element.id) return false;
    },
  });

  // a part that fetches itself, at first or because something changed, is not the reader's activity
  const ofItself = (ctx) => {
    const type = ctx?.sourceEvent?.type;
    return !type || type === "load" || type.startsWith("live:");
  };
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ofItself(ctx)) ctx.request.headers["Pulse-Passive"] = "1";
  });

  // a request of the reader's own that found no server
  document.addEventListener("htmx:error", (event) => {
    if (event.target === stream || !event.detail.ctx) return;
    const words = document.getElementById("notice-unreachable");
    document.getElementById("notice").replaceChildren(words.content.cloneNode(true));
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (event.target !== stream && !ofItself(event.detail.ctx)) document.getElementById("notice").replaceChildren();
  });
})();
