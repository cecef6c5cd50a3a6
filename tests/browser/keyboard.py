"""The page without a mouse: everything is reached in the order of the page, is visible when it has the focus, and works."""

import views

# What can have the focus. Buttons of one radio group are a single stop, so that the views here have none.
STOPS = (
    "a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select, summary, [tabindex='0']"
)

# Those that are shown, in the order of the document: not what is in a closed `details`.
SHOWN = """[...document.querySelectorAll(stops)].filter(one => one.checkVisibility())"""

FOCUS = f"""stops => {{
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  const rect = focused.querySelector(":scope > rect");
  return {{
    place: {SHOWN}.indexOf(focused),
    name: `${{focused.tagName}} ${{focused.textContent.trim().slice(0, 40)}}`,
    isOutlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    isThick: rect !== null && parseFloat(getComputedStyle(rect).strokeWidth) >= 4,
  }};
}}"""


def check_each_stop_is_reached_and_shown(check):
    server = check.serve(views.trained(check), "Train")
    tab = check.tab(server)
    for path in ("/", "/instances", "/live"):
        tab.open(path)
        stops = tab.page.evaluate(f"stops => {SHOWN}.length", STOPS)
        assert stops >= 5, f"{path}: {stops} stops"
        for expected in range(stops):
            tab.page.keyboard.press("Tab")
            focus = tab.page.evaluate(FOCUS, STOPS)
            assert focus["place"] == expected, f"{path}: stop {expected} is not reached: {focus}"
            assert focus["isOutlined"] or focus["isThick"], f"{path}: the focus is not shown: {focus}"


def check_links_and_boxes_open_by_enter(check):
    server = check.serve(views.trained(check), "Train")
    tab = check.tab(server)
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("() => document.activeElement.className") == "skip"
    tab.page.keyboard.press("Enter")
    assert tab.page.url.endswith("#main"), tab.page.url
    tab.press("a.node")
    assert "/instance/" in tab.page.url, tab.page.url
    tab.press("nav a[href='/runs']")
    assert tab.page.url.endswith("/runs"), tab.page.url
    # The two latest runs are chosen already.
    tab.press("form[action='/compare'] button")
    assert "/compare?" in tab.page.url and "Preprocess" in tab.text("main"), tab.page.url
