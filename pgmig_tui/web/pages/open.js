// The one-time token stands behind # and leaves this page once, to its own server.
"use strict";
(async () => {
  const told = document.getElementById("told");
  const token = location.hash.slice(1);
  history.replaceState(null, "", "/");
  if (!token) {
    told.textContent = "Open the address that `pgmig-tui serve` has printed.";
    return;
  }
  try {
    const answer = await fetch("/open", { method: "POST", body: token });
    const text = await answer.text();
    if (answer.ok) location.replace(text);
    else told.textContent = text;
  } catch {
    told.textContent = "`pgmig-tui serve` doesn't answer.";
  }
})();
