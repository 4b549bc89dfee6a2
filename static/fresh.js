// A browser may keep a chart for its back button, no-store or not. The launch may be over by then,
// and another person at the screen: nothing of it shows until it is asked for again.
addEventListener("pagehide", () => {
  document.documentElement.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
