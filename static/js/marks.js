// Shows what a swap changed: every [data-mark] whose text is new lights up once. Also counts ages on.
(() => {
  const before = new Map();
  const marks = (root) => [...(root.matches?.("[data-mark]") ? [root] : []), ...root.querySelectorAll("[data-mark]")];
  const targetOf = (task) => (typeof task.target === "string" ? document.querySelector(task.target) : task.target);
  const words = (element) => [...element.querySelectorAll("[data-age]")].reduce((text, age) => text.replace(age.textContent, ""), element.textContent.replace(/\s+/g, " "));

  document.addEventListener("htmx:before:swap", (event) => {
    for (const task of event.detail.tasks) {
      const target = targetOf(task);
      if (!target?.id) continue;
      before.set(target.id, new Map(marks(target).map((mark) => [mark.dataset.mark, words(mark)])));
    }
  });

  document.addEventListener("htmx:after:swap", () => {
    for (const [id, old] of before) {
      const target = document.getElementById(id);
      if (!target) continue;
      for (const mark of marks(target)) {
        if (old.get(mark.dataset.mark) === words(mark)) continue;
        mark.classList.remove("changed");
        void mark.offsetWidth;
        mark.classList.add("changed");
      }
    }
    before.clear();
  });
  document.addEventListener("animationend", (event) => {
    if (event.animationName === "changed") event.target.closest(".changed")?.classList.remove("changed");
  });

  function age(seconds) {
    if (seconds < 60) return pulseboard.say("just now");
    if (seconds < 3600) return pulseboard.say("{n} min ago", { n: Math.floor(seconds / 60) });
    if (seconds < 86400) return pulseboard.say("{n} h ago", { n: Math.floor(seconds / 3600) });
    return pulseboard.many("{n} day ago", "{n} days ago", Math.floor(seconds / 86400));
  }
  function countOn() {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (seconds >= 0) time.textContent = age(seconds);
    }
  }
  setInterval(countOn, 20000);
})();
