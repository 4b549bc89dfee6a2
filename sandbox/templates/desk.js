// An opened chart is read anew in place: the app's frame beside it is not loaded again, and focus
// and scroll position stay. Without this script every form and link loads the page, which works too.
(() => {
  "use strict";

  const visit = document.body.dataset.visit;
  const parts = ["tabs", "said", "chart", "frame", "inspector"];
  let newest = 0;

  for (const button of document.querySelectorAll("[data-copy]")) offer(button);
  if (!visit) return;

  const ours = url => {
    const { origin, pathname } = new URL(url, location.href);
    return origin === location.origin && (pathname === visit || pathname.startsWith(`${visit}/`))
      && !pathname.startsWith(`${visit}/exchanges/`);
  };

  // Reads a page of this visit and shows it, unless a newer one is on its way by then.
  async function read(url, options, remember) {
    const number = ++newest;
    const chart = document.getElementById("chart");
    chart.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, options);
      const type = answer.headers.get("Content-Type") || "";
      if (!answer.ok || !type.startsWith("text/html") || !ours(answer.url)) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== newest) return;
      show(page);
      if (remember && answer.url !== location.href) history.pushState(null, "", answer.url);
    } catch {
      // The browser shows what is wrong better than a script does.
      if (number === newest) location.assign(options?.method === "POST" ? location.href : url);
    } finally {
      if (number === newest) chart.removeAttribute("aria-busy");
    }
  }

  function show(page) {
    const focused = document.activeElement?.id;
    const open = [...document.querySelectorAll("details[open] > summary[id]")].map(each => each.id);
    const opened = document.getElementById("frame").dataset.opened;
    const appCame = page.getElementById("frame")?.dataset.opened && page.getElementById("frame").dataset.opened !== opened;
    document.title = page.title;
    for (const id of parts) {
      const mine = document.getElementById(id), theirs = page.getElementById(id);
      if (!mine || !theirs) continue;
      const sameApp = id === "frame" && theirs.dataset.opened && mine.dataset.opened === theirs.dataset.opened;
      if (sameApp) {
        mine.querySelector("header").replaceWith(document.importNode(theirs.querySelector("header"), true));
        continue;
      }
      for (const { name, value } of theirs.attributes) mine.setAttribute(name, value);
      mine.toggleAttribute("hidden", theirs.hasAttribute("hidden"));
      mine.replaceChildren(...[...theirs.childNodes].map(each => document.importNode(each, true)));
    }
    for (const id of open) {
      const details = document.getElementById(id)?.closest("details");
      if (details) details.open = true;
    }
    for (const button of document.querySelectorAll("[data-copy]")) offer(button);
    refocus(focused, appCame);
    const script = page.querySelector('script[src="/pages/messaging.js"]');
    if (script && !document.querySelector('script[src="/pages/messaging.js"]')) {
      const mine = document.createElement("script");
      mine.src = script.src;
      document.head.append(mine);
    }
  }

  // To what is wrong, else to the app that has come, else where it was; else where the work goes on,
  // so that a keyboard does not start over.
  function refocus(id, appCame) {
    const wrong = document.querySelector('[aria-invalid="true"]')
      || document.querySelector(".wrong")?.closest("form")?.querySelector("input:not([type=hidden])");
    const heading = id?.startsWith("edit-") && document.getElementById("edit-h");
    const same = id && document.getElementById(id);
    const place = wrong || (appCame && document.getElementById("frame-h")) || heading || same
      || document.getElementById("session-h") || document.getElementById("cards-h");
    if (!place || document.activeElement === place) return;
    if (!place.matches("a, button, input, select, summary, [tabindex]")) place.tabIndex = -1;
    // Below the chart, on narrow screens, the app is what there is to see.
    const frame = document.getElementById("frame");
    if (appCame && frame.getBoundingClientRect().top > innerHeight / 3) frame.scrollIntoView();
    const { top } = place.getBoundingClientRect();
    place.focus({ preventScroll: place === same || (top >= 0 && top < innerHeight - 100) });
  }

  function offer(button) {
    button.hidden = false;
    button.onclick = async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
        button.textContent = "Selected: copy it";
      }
    };
  }

  document.addEventListener("click", event => {
    const link = event.target.closest("a[href]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
    if (!link || !plain || event.defaultPrevented || link.target || !ours(link.href)) return;
    if (new URL(link.href).hash) return;
    event.preventDefault();
    const tab = link.closest("#tabs");
    read(link.href, {}, true).then(() => tab && scrollTo(0, 0));
  });

  document.addEventListener("submit", event => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !ours(form.action)) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    const body = new URLSearchParams(new FormData(form, event.submitter));
    read(form.action, { method: "POST", body }, true).finally(() => delete form.dataset.sent);
  });

  addEventListener("popstate", () => read(location.href, {}, false));
  document.addEventListener("chart-changed", () => read(location.href, {}, false));
  document.addEventListener("app-done", () => document.getElementById("close-app")?.click());
})();
