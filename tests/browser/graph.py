"""The picture of the graph: zoomed, moved, opened and filtered, by mouse and by keys."""

ZOOM_IN = "button[aria-label='Zoom in']"


def watched(check):
    """Opens a graph of 41 boxes, which is larger than its part of the page."""
    program = check.program("flows")
    return check.tab(check.serve(program, "Watched", "--clocks", "40"), width=800)


def width(tab):
    return float(tab.attribute("svg.graph", "width"))


def scrolled(tab):
    return tab.page.evaluate("() => { const c = document.querySelector('.canvas'); return [c.scrollLeft, c.scrollTop]; }")


def check_buttons_keys_and_wheel_zoom(check):
    tab = watched(check)
    first = width(tab)
    tab.page.click(ZOOM_IN)
    assert abs(width(tab) - first * 1.25) < 1, "the button zooms in"
    tab.page.click("button[aria-label='Original size']")
    assert width(tab) == first
    tab.page.click("button[aria-label^='Fit']")
    canvas = tab.page.evaluate("() => document.querySelector('.canvas').clientWidth")
    assert width(tab) <= canvas + 1, "the picture fits into the page"
    tab.page.focus(".canvas")
    tab.page.keyboard.press("0")
    tab.page.keyboard.press("-")
    assert abs(width(tab) - first / 1.25) < 1, "the key zooms out"
    tab.page.hover(".canvas")
    tab.page.keyboard.down("Control")
    tab.page.mouse.wheel(0, -400)
    tab.page.keyboard.up("Control")
    tab.until("Control and the wheel zoom in", lambda: width(tab) > first)


def check_a_drag_moves_and_a_click_opens(check):
    tab = watched(check)
    tab.page.click(ZOOM_IN)
    tab.page.click(ZOOM_IN)
    tab.page.locator(".canvas").scroll_into_view_if_needed()
    # The middle of the picture, so that it can move in each direction.
    tab.page.evaluate("() => { const c = document.querySelector('.canvas'); c.scrollLeft = 1e6; c.scrollTop = 1e6; }")
    before = scrolled(tab)
    assert max(before) > 50, f"the picture is larger than its part of the page: {before}"
    box = tab.page.locator(".canvas").bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 30, y + 30, steps=3)
    tab.page.mouse.move(x + 60, y + 60, steps=3)
    tab.page.mouse.up()
    after = scrolled(tab)
    assert sum(after) < sum(before), f"a drag moves the picture: {before}, {after}"
    assert tab.count("svg.graph") == 1, "a drag opens nothing"
    tab.follow(lambda: tab.page.locator("a.node").last.click())
    assert "/instance/" in tab.page.url, tab.page.url


def check_a_search_dims_what_does_not_fit(check):
    tab = watched(check)
    tab.page.fill("input[name=q]", "watched")
    tab.press("input[name=q]")
    assert tab.count(".node:not(.dim)") == 1 and tab.count(".node.dim") == 40
    tab.click("form.filters a[href='/']")
    assert tab.count(".node.dim") == 0
    tab.page.select_option("select[name=by]", "task")
    tab.click("form.filters button[type=submit]")
    assert tab.count(".node") == 2, "a box for each task"
    tab.open_box("Ticking")
    assert tab.count(".node") == 41, "a click opens the task"
    tab.click(".opened a")
    assert tab.count(".node") == 2, "and closes it"
