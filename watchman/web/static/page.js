"use strict";
// Replaces the live part of the page once a second while it is looked at.
const live = document.getElementById("live");
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("live", { cache: "no-store" });
    if (answer.ok) live.innerHTML = await answer.text();
  } catch (error) {
    // The daemon restarts or the network is away: the age on the page is then set by hand.
    const age = live.querySelector("header span:last-child");
    if (age) { age.className = "stale"; age.textContent = "watchman does not answer"; }
  }
}
setInterval(refresh, 1000);
