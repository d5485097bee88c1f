// A file is read into the text beside it, where it can be looked at and corrected; it never leaves as a file.
(() => {
  for (const input of document.querySelectorAll("input[type=file][data-into]")) {
    const target = document.querySelector(input.dataset.into);
    input.closest("[hidden]")?.removeAttribute("hidden");
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (!file) return;
      const tooLong = file.size > 60000;
      input.setCustomValidity(tooLong ? "The file is too long: at most 60 kB. Import it in parts." : "");
      if (tooLong) return input.reportValidity();
      target.value = await file.text();
      target.focus();
    });
  }
})();
