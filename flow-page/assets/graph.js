// The picture of the graph: zooms by buttons, keys and wheel, and moves by dragging. Without JavaScript, the picture scrolls.
"use strict";

(() => {
  const LEAST = 0.05;
  const MOST = 4;

  function zoomable(canvas) {
    const svg = canvas.querySelector("svg");
    if (!svg) return;
    const width = Number(svg.getAttribute("width"));
    const height = Number(svg.getAttribute("height"));
    let scale = 1;

    // Sets the scale, and keeps what is at a point of the canvas there.
    function zoom(to, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
      const next = Math.min(MOST, Math.max(LEAST, to));
      const left = (canvas.scrollLeft + x) / scale;
      const top = (canvas.scrollTop + y) / scale;
      scale = next;
      svg.setAttribute("width", String(width * scale));
      svg.setAttribute("height", String(height * scale));
      canvas.scrollLeft = left * scale - x;
      canvas.scrollTop = top * scale - y;
    }

    function fit() {
      zoom(Math.min(1, canvas.clientWidth / width, (window.innerHeight * 0.8) / height));
    }

    function button(text, label, action) {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.setAttribute("aria-label", label);
      made.addEventListener("click", action);
      return made;
    }

    const buttons = document.createElement("div");
    buttons.className = "zoom";
    buttons.setAttribute("role", "group");
    buttons.setAttribute("aria-label", "Zoom");
    buttons.append(
      button("+", "Zoom in", () => zoom(scale * 1.25)),
      button("−", "Zoom out", () => zoom(scale / 1.25)),
      button("1:1", "Original size", () => zoom(1)),
      button("Fit", "Fit the picture into the page", fit),
    );
    canvas.before(buttons);

    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const actions = { "+": () => zoom(scale * 1.25), "-": () => zoom(scale / 1.25), "0": () => zoom(1) };
      const action = actions[event.key];
      if (!action) return;
      action();
      event.preventDefault();
    });

    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return;
        const area = canvas.getBoundingClientRect();
        zoom(scale * Math.exp(-event.deltaY / 400), event.clientX - area.left, event.clientY - area.top);
        event.preventDefault();
      },
      { passive: false },
    );

    // A drag moves the picture. A short one is a click on a box.
    let drag = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType !== "mouse") return;
      drag = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop, moved: false };
    });
    window.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.abs(x) + Math.abs(y) < 6) return;
      drag.moved = true;
      canvas.classList.add("dragged");
      canvas.scrollLeft = drag.left - x;
      canvas.scrollTop = drag.top - y;
    });
    window.addEventListener("pointerup", () => {
      const moved = drag && drag.moved;
      drag = null;
      canvas.classList.remove("dragged");
      if (!moved) return;
      const ignore = (event) => event.preventDefault();
      canvas.addEventListener("click", ignore, { capture: true, once: true });
      setTimeout(() => canvas.removeEventListener("click", ignore, { capture: true }), 0);
    });
    canvas.addEventListener("dragstart", (event) => event.preventDefault());
  }

  document.querySelectorAll("[data-canvas]").forEach(zoomable);
})();
