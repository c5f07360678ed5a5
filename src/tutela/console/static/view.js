// The full view: shows the running time, ends with the page, and clears itself when time is up.
const form = document.querySelector("#close-view");
const running = document.querySelector("#running");
const longest = Number(form.dataset.longest);
const began = performance.now() - Number(form.dataset.seconds) * 1000;

const goodbye = () => {
  const body = new URLSearchParams(new FormData(form));
  body.set("beacon", "1");
  navigator.sendBeacon(form.action, body);
};

const clear = () => {
  document.querySelector("#full-picture").replaceChildren();
  document.querySelector("#ended").hidden = false;
  form.hidden = true;
  clearInterval(timer);
};

const tick = () => {
  const seconds = Math.floor((performance.now() - began) / 1000);
  running.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds >= longest) {
    goodbye();
    clear();
  }
};

const timer = setInterval(tick, 1000);
running.hidden = false;
tick();
addEventListener("pagehide", goodbye);
addEventListener("pageshow", (event) => {
  if (event.persisted) clear();
});
