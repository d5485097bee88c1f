// Applies a choice of theme at once and saves it behind the reader's back; without JavaScript the form does it.
(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form.themes");
    if (!form || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const button of form.querySelectorAll("button")) {
      button.toggleAttribute("aria-pressed", false);
      if (button === event.submitter) button.setAttribute("aria-pressed", "true");
    }
    const radio = document.querySelector(`main input[name="theme"][value="${theme}"]`);
    if (radio) radio.checked = true;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("theme", theme);
    fetch(form.action, { method: "POST", body: fields, redirect: "manual" }).catch(() => {});
  });
})();
