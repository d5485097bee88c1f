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
  return {
    /** milliseconds by which this machine is ahead of the server */
    skew: 0,
    /** `15:04:05` of an instant of this machine, in milliseconds */
    clock(at) { return format.format(at - this.skew); },
  };
})();
