// Follows the world: when something happens, fetches this page again and takes over the parts that changed.
"use strict";
const parts = ["clock-face", "requests", "outbox"];
const state = document.getElementById("live");
const say = (text, on) => {
  state.textContent = text;
  state.hidden = false;
  state.classList.toggle("on", on);
};

// A running clock goes on between two looks.
let shown = 0;
let since = 0;
const read = () => {
  const now = document.getElementById("now");
  shown = now.dataset.running === undefined ? NaN : Date.parse(now.dateTime);
  since = performance.now();
};
const tick = () => {
  const moment = new Date(shown + performance.now() - since);
  if (!Number.isNaN(moment.getTime())) {
    document.getElementById("now").textContent = moment.toISOString().replace("T", " ").slice(0, 19);
  }
};
read();
setInterval(tick, 1000);

let waiting = false;
let asking = false;
const look = async () => {
  waiting = false;
  if (asking) return soon();
  asking = true;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focus = document.activeElement && document.activeElement.id;
    for (const id of parts) {
      const [old, next] = [document.getElementById(id), page.getElementById(id)];
      if (old && next && old.outerHTML !== next.outerHTML) old.replaceWith(next);
    }
    read();
    const focused = focus && document.getElementById(focus);
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true });
  } catch {
    // The server is gone: the stream says so, and comes back when it does.
  } finally {
    asking = false;
  }
};
const soon = () => {
  if (waiting) return;
  waiting = true;
  setTimeout(look, 150);
};

const events = new EventSource(state.dataset.events);
let broken = false;
events.onopen = () => {
  say("Live", true);
  if (broken) soon();
  broken = false;
};
events.onerror = () => {
  broken = true;
  say("Not connected", false);
};
for (const kind of ["request", "timer", "clock", "message", "reset", "lagged"]) events.addEventListener(kind, soon);
