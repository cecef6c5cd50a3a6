// Updates a page while it is open: the log of a task, the run in progress, and views that load themselves again.
// Without JavaScript, every view shows the same when it is loaded again.
"use strict";

(() => {
  // The most characters of a log that a page keeps.
  const LOG = 1_000_000;

  // Listens to events while the page is visible: a browser opens few connections to one site.
  function listen(url, name, receive) {
    let source = null;
    const open = () => {
      if (document.hidden) {
        if (source) source.close();
        source = null;
      } else if (!source) {
        source = new EventSource(url);
        source.addEventListener(name, (event) => receive(event.data));
        source.addEventListener("error", () => {
          // The server has ended, or refuses: the browser would ask for ever.
          if (source && source.readyState === EventSource.CLOSED) source = null;
        });
      }
    };
    document.addEventListener("visibilitychange", open);
    open();
  }

  function followLog(log) {
    listen(log.dataset.log, "log", (data) => {
      const message = JSON.parse(data);
      const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      const text = message.reset ? message.text : log.textContent + message.text;
      log.textContent = text.length > LOG ? text.slice(-LOG) : text;
      if (isAtEnd) log.scrollTop = log.scrollHeight;
    });
    log.scrollTop = log.scrollHeight;
  }

  // Puts the content of an HTML text in place of that of an element, and keeps the focus and the scroll positions.
  function replace(element, nodes) {
    const focused = document.activeElement;
    const index = focused && element.contains(focused) ? focusable(element).indexOf(focused) : -1;
    const scrolled = [...element.querySelectorAll("pre, .scroll")].map((part) => part.scrollTop);
    element.replaceChildren(...nodes);
    [...element.querySelectorAll("pre, .scroll")].forEach((part, place) => {
      part.scrollTop = scrolled[place] || 0;
    });
    const again = focusable(element)[index];
    if (again) again.focus({ preventScroll: true });
  }

  function focusable(element) {
    return [...element.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")];
  }

  function parse(html) {
    return new DOMParser().parseFromString(html, "text/html");
  }

  function followRun(element) {
    listen(element.dataset.live, "live", (html) => replace(element, parse(html).body.childNodes));
  }

  async function refresh(main, interval) {
    while (main.dataset.refresh) {
      await new Promise((done) => setTimeout(done, interval));
      if (document.hidden) continue;
      try {
        const response = await fetch(location.href, { redirect: "error" });
        if (!response.ok) continue;
        const next = parse(await response.text()).getElementById("main");
        if (!next) continue;
        replace(main, next.childNodes);
        if (!next.dataset.refresh) delete main.dataset.refresh;
      } catch {
        // The server does not answer. It may do so later.
      }
    }
  }

  document.querySelectorAll("[data-log]").forEach(followLog);
  document.querySelectorAll("[data-live]").forEach(followRun);
  const main = document.getElementById("main");
  if (main && main.dataset.refresh) refresh(main, Number(main.dataset.refresh) || 2000);
})();
