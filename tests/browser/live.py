"""A run that is watched to its end without loading a page again, and one that is stopped."""

import re


def settled(tab):
    """Returns the number of settled instances that the page shows."""
    return int(tab.attribute("#live > progress", "value") or 0)


def check_a_run_is_watched_to_its_end(check):
    program = check.program("flows")
    server = check.serve(program, "Watched", "--run", "--workers", "2", "--ticks", "120")
    run = check.tab(server, "/live")
    run.mark()
    run.until("a task shows its progress", lambda: re.search(r"\d+ of 120", run.text("ul.running")))
    assert "at tick" in run.text("ul.running"), "the status of a task"

    log = check.tab(server, run.attribute("ul.running a", "href") + "/log")
    log.mark()
    first = len(log.text("#log"))
    log.until("the log grows", lambda: len(log.text("#log")) > first)
    assert re.search(r"clock \d says tick \d+", log.text("#log")), log.text("#log")

    history = check.tab(server, "/runs")
    history.click("tbody th a")
    history.mark()
    assert "running" in history.text("main"), history.text("main")

    run.check_accessible(check.axe)
    check.save_picture(run, "live-running-1280")
    graph = check.tab(server)
    assert graph.count(".node.running") >= 1, "the graph shows what runs"
    check.save_picture(graph, "live-graph-1280")

    values, left = [settled(run)], set()
    while "Ended after" not in run.text("[role=status]"):
        before = values[-1]
        run.until(
            "another instance is settled, or the run ends",
            lambda: settled(run) > before or "Ended after" in run.text("[role=status]"),
        )
        values.append(settled(run))
        left.update(re.findall(r"about .* left", run.text("[role=status]")))
    # Six clocks and their sum, in three waves.
    assert values == sorted(values) and values[-1] == 7 and len(set(values)) >= 3, values
    assert left, "the page said how long the run would take"
    assert "Watched" in run.text("pre.events") and run.count("ul.running") == 0
    assert run.is_marked() and log.is_marked(), "nothing was loaded again"
    check.save_picture(run, "live-ended-1280")

    history.until("the run is a success", lambda: history.count("main p .badge.success") == 1)
    assert history.is_marked(), "the run was not loaded again"
    # A plan is kept for a moment.
    graph.until("the graph is complete", lambda: graph.open("/") or graph.count(".node.complete") == 7)


def check_a_run_is_stopped(check):
    program = check.program("flows")
    server = check.serve(program, "Watched", "--run", "--workers", "2", "--ticks", "2000")
    tab = check.tab(server, "/live")
    tab.until("a task runs", lambda: tab.count("ul.running li") == 2)
    tab.click("button.stop")
    tab.until("the run ends", lambda: "Ended after" in tab.text("[role=status]"))
    assert tab.count("button.stop") == 0 and tab.count("ul.running") == 0
    tab.open("/runs")
    tab.until("the history says so", lambda: tab.open("/runs") or tab.count(".badge.stopped") == 1)
    program.verify()
    # The page is still served, and the flow can run again.
    tab.open("/")
    assert tab.count(".node.complete") == 0 and tab.count(".node") == 7


def check_the_focus_stays_while_the_page_changes(check):
    program = check.program("flows")
    server = check.serve(program, "Watched", "--run", "--workers", "2", "--ticks", "2000")
    tab = check.tab(server, "/live")
    tab.until("a task runs", lambda: tab.count("ul.running li") == 2)
    tab.page.focus("button.stop")
    shown = tab.text("ul.running")
    tab.until("the page changes", lambda: tab.text("ul.running") != shown)
    focused = tab.page.evaluate("() => document.activeElement.textContent.trim()")
    assert focused == "Stop the run", focused
