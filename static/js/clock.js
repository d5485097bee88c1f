// The facility's clock: the zone of the facility and the server's time, whatever this machine thinks of either.
const pulseboard = (() => {
  const timeZone = document.body.dataset.readingZone || document.body.dataset.zone || undefined;
  const style = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  let format;
  try {
    format = new Intl.DateTimeFormat("en-GB", { ...style, timeZone });
  } catch {
    format = new Intl.DateTimeFormat("en-GB", style); // a zone that this browser does not know yet
  }
  const said = window.pulseboardWords; // none in English, whose texts stand in the scripts
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  return {
    /** a text in the language of the page, with values where it says `{name}` */
    say(text, values = {}) { return filled(said?.texts[text]?.[0] ?? text, values); },
    /** one of two forms, or of those that the language has, by the number that stands where it says `{n}` */
    many(one, more, n) { return filled(said?.texts[one]?.[said.plural(n)] ?? (n === 1 ? one : more), { n }); },
    /** milliseconds by which this machine is ahead of the server */
    skew: 0,
    /** `15:04:05` of an instant of this machine, in milliseconds */
    clock(at) { return format.format(at - this.skew); },
  };
})();
