"""A sweep of 100 variants: its runs, its instances and its views."""

import kit

VARIANTS = 100


def swept(check):
    """Returns the page of a task after a sweep."""
    program = check.program("flows")
    degrees = ",".join(str(degree) for degree in range(1, 11))
    result = program.json("sweep", "Fit", "--degree", degrees, "--alpha", "0.1..10:log10", "--quiet")
    assert result["success"] and len(result["variants"]) == VARIANTS, result
    return check.serve(program, "Fit")


def check_the_run_of_a_sweep(check):
    tab = check.tab(swept(check), "/runs")
    tab.click("tbody th a")
    assert f"{VARIANTS} instances" in tab.text("main table caption"), tab.text("main table caption")
    assert tab.count("svg .bar") > 0 and tab.count("main table tbody tr") == VARIANTS
    tab.check_accessible(check.axe)
    check.save_picture(tab, "sweep-run-1280")
    # A variant is not in the graph of the defaults, and its output is shown all the same.
    tab.click("main table tbody th a")
    assert "r2" in tab.text("main") and "degree" in tab.text("main"), tab.text("main")
    tab.check_accessible(check.axe)


def check_the_views_of_a_sweep(check):
    server = swept(check)
    tab, narrow = check.tab(server), check.tab(server, width=360)
    tab.click("nav a[href='/sweeps']")
    tab.check_accessible(check.axe)
    path = next(link for link in tab.links() if link.startswith("/sweep/"))
    tab.open(path)
    # The table has the metric and the parameters, and there is a picture of a metric.
    table = tab.text("main table")
    assert all(name in table for name in ("r2", "degree", "alpha")), table[:500]
    assert tab.count("main svg") >= 1, "a picture of the metric"
    tab.check_accessible(check.axe)
    check.save_picture(tab, "sweep-1280")
    narrow.open(path)
    narrow.check_width()
    check.save_picture(narrow, "sweep-360")
