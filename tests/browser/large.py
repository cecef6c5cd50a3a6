"""A flow of 100,000 instances: the graph reacts within a second of the load event, and the memory of the page is bounded."""

import time

CELLS = 100_000

# The most milliseconds from the load event until the picture has reacted to a click.
REACTION = 1_000

# The most bytes of the heap of JavaScript, and the most elements of a page.
HEAP = 32 << 20
ELEMENTS = 5_000

VIEWS = [
    ("by-task", "/"),
    ("by-group", "/?by=group"),
    ("opened", "/?open=task:Block"),
    ("searched", "/?q=block"),
    ("complete", "/?status=complete"),
    ("path", "/?from=Block&to=Large"),
]


def reaction(tab):
    """Zooms, and returns the milliseconds from the load event until the picture has another size."""
    width = tab.attribute("svg.graph", "width")
    tab.page.click("button[aria-label='Zoom in']")
    tab.until("the picture is larger", lambda: tab.attribute("svg.graph", "width") != width)
    return tab.page.evaluate(
        "() => performance.now() - performance.getEntriesByType('navigation')[0].loadEventStart"
    )


def memory(tab):
    """Returns the bytes of the heap of JavaScript after a collection of garbage, and the number of elements."""
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    heap = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
    return heap, tab.count("*")


def assert_bounded(tab, path):
    heap, elements = memory(tab)
    assert heap <= HEAP, f"{path}: {heap / 1e6:.1f} MB of heap"
    assert elements <= ELEMENTS, f"{path}: {elements} elements"
    return f"{heap / 1e6:.1f} MB of heap, {elements} elements"


def check_a_large_graph_is_usable(check):
    program = check.program("flows")
    program.run("run", "Block", "--k", "0", "--quiet")
    server = check.serve(program, "Large", "--cells", str(CELLS))
    tab = check.tab(server)
    for name, path in VIEWS:
        begun = time.monotonic()
        tab.open(path)
        loaded = time.monotonic() - begun
        took = reaction(tab)
        assert took <= REACTION, f"{path}: the graph reacts {took:.0f} ms after the load event"
        print(f"  {path}: loaded in {loaded:.2f} s, reacts after {took:.0f} ms, {assert_bounded(tab, path)}")
        tab.check_width()
        check.save_picture(tab, f"large-{name}-1280")
    tab.open("/")
    assert f"{CELLS + CELLS // 1_000 + 1} instances" in tab.text(".counts"), tab.text(".counts")
    tab.check_accessible(check.axe)


def check_a_box_of_many_leads_to_a_list_in_pages(check):
    program = check.program("flows")
    tab = check.tab(check.serve(program, "Large", "--cells", str(CELLS)))
    tab.open_box("Cell")
    assert "/instances?task=Cell" in tab.page.url and f"{CELLS} instances" in tab.text("caption")
    for _ in range(5):
        tab.click("nav.pages >> text=Next")
        assert_bounded(tab, tab.page.url)
    tab.click("nav.pages >> text=Last")
    assert f"Page {CELLS // 100} of {CELLS // 100}" in tab.text("nav.pages")
    tab.check_accessible(check.axe)
    tab.page.fill("input[name=q]", "{n: 77777}")
    tab.press("input[name=q]")
    assert tab.count("tbody tr") == 1, tab.text("main table")
    tab.click("tbody th a")
    assert "77777" in tab.text("main")
    assert_bounded(tab, tab.page.url)
