// What textual.js leaves out: keys go to the terminal without a click, and a page that has lost its screen says why.
"use strict";
(() => {
  const body = document.body;
  const told = document.getElementById("told");
  let loaded = false;
  document.getElementById("again").addEventListener("click", () => location.reload());
  // textual.js marks the page when its websocket has opened, and when it has closed.
  new MutationObserver(async (_changes, observer) => {
    if (!loaded && body.classList.contains("-loaded")) {
      loaded = true;
      document.querySelector(".xterm-helper-textarea")?.focus();
    }
    if (!body.classList.contains("-closed")) return;
    observer.disconnect();
    try {
      told.textContent = await (await fetch("state")).text();
    } catch {
      told.textContent = "`pgmig-tui serve` has ended. A run that was under way goes on as after a lost terminal.";
    }
  }).observe(body, { attributes: true, attributeFilter: ["class"] });
})();
