// A field with data-copy gets a button that puts its value on the clipboard; without a script it can be selected.
for (const field of document.querySelectorAll("input[data-copy]")) {
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn small";
  button.textContent = pulseboard.say("Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = pulseboard.say("Copied");
  });
  field.after(button);
}
