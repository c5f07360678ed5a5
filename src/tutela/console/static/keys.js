// Single keys on the page of a case; off while writing, and switched off on the help page.
const STORE = "tutela-keys";
const on = () => localStorage.getItem(STORE) !== "off";

document.addEventListener("keydown", (event) => {
  if (!on() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const field = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (field && !["radio", "checkbox"].includes(field.type)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("button")) {
    target.click();
    return;
  }
  target.closest("details")?.setAttribute("open", "");
  target.scrollIntoView({ block: "start" });
  (target.querySelector("input:not([type=hidden]), select, textarea, button") ?? target).focus();
});

const box = document.querySelector("#keys-on");
if (box) {
  document.querySelector("#keys-switch").hidden = false;
  box.checked = on();
  box.addEventListener("change", () => localStorage.setItem(STORE, box.checked ? "on" : "off"));
}
