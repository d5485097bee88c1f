// Writes times as their reader wants them: pages come with the facility's time and, beside it, the instant.
(() => {
  const { readingZone, zone, dates } = document.body.dataset;
  if (!readingZone && !dates) return;
  const timeZone = readingZone || zone || "UTC";
  const named = { timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const language = { en: "en-GB", fr: "fr", es: "es", ar: "ar-EG-u-nu-latn" }[document.documentElement.lang] ?? "en-GB";
  let parts;
  let month;
  try {
    parts = new Intl.DateTimeFormat("en-GB", named);
    month = new Intl.DateTimeFormat(language, { timeZone, month: "short" });
  } catch {
    return; // a zone that this browser does not know: the facility's times stay
  }

  // what pages write: `15:04`, `15:04:05`, then a day in words, perhaps with a year
  const clock = /\b\d{1,2}:\d{2}(:\d{2})?\b/;
  const day = /(?<!\d)\d{1,2} (?:de )?\p{L}{3,}\.?(?:(?: de)? \d{4})?(?!\p{L})/u;

  function dayOf(p, at, withYear) {
    if (dates === "iso") return `${p.year}-${p.month}-${p.day}`;
    if (dates === "slashes") return `${p.day}/${p.month}/${p.year}`;
    if (dates === "us") return `${p.month}/${p.day}/${p.year}`;
    const words = `${Number(p.day)} ${month.format(at)}`;
    return withYear ? `${words} ${p.year}` : words;
  }

  function rewrite(time) {
    if (time.matches("[data-age], #clock") || time.dataset.shown === time.textContent) return;
    const at = new Date(time.dateTime);
    const text = time.textContent;
    if (!time.dateTime.includes("T") || Number.isNaN(at.getTime())) return;
    const [hours, words] = [text.match(clock), text.match(day)];
    if (!hours && !words) return;
    const p = Object.fromEntries(parts.formatToParts(at).map((part) => [part.type, part.value]));
    let next = text;
    if (words) next = next.replace(day, dayOf(p, at, /\d{4}/.test(words[0])));
    if (hours) next = next.replace(clock, `${p.hour}:${p.minute}${hours[1] ? `:${p.second}` : ""}`).replace(" UTC", "");
    // a time alone belongs to today at the facility; elsewhere it may be another day
    if (!words && readingZone && !time.matches("[data-as-of]")) {
      const today = parts.formatToParts(new Date()).filter((part) => ["year", "month", "day"].includes(part.type));
      if (today.some((part) => p[part.type] !== part.value)) next = `${dayOf(p, at, false)} ${next}`;
    }
    time.dataset.shown = next;
    if (next !== text) time.textContent = next;
    time.title ||= timeZone;
  }

  const all = (root) => { for (const time of root.querySelectorAll("time[datetime]")) rewrite(time); };
  all(document);
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const time = (target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement)?.closest("time[datetime]");
      if (time) rewrite(time);
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches("time[datetime]")) rewrite(node);
        all(node);
      }
    }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
})();
