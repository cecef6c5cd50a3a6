"""Two browsers and a command line at once on one store, and a server that is killed in the middle of a run."""

import json

from live import settled

CLOCKS = "12"
TASK = ("Watched", "--clocks", CLOCKS, "--ticks", "40")
INSTANCES = int(CLOCKS) + 1


def check_two_browsers_and_a_command_line(check):
    program = check.program("flows")
    server = check.serve(program, *TASK, "--run", "--workers", "2")
    tabs = [check.tab(server, "/live"), check.tab(server, "/live")]
    process = program.start("run", *TASK, "--workers", "2", "--quiet", "--json")
    paths = ["/", "/instances", "/runs", "/live"]
    visits = 0
    while process.poll() is None:
        for place, tab in enumerate(tabs):
            tab.open(paths[(visits + place) % len(paths)])
        visits += 1
    out, err = process.communicate()
    assert process.returncode == 0, err
    ran = json.loads(out)
    parts = ("complete_already", "ran", "reused", "unchanged", "other_process")
    assert sum(len(ran[part]) for part in parts) == INSTANCES, ran
    for tab in tabs:
        tab.open("/live")
        tab.until("the run of the page ends", lambda: "Ended after" in tab.text("[role=status]"))
        tab.until(
            "the graph is complete",
            lambda: tab.open("/") or tab.text(".counts").strip().endswith(f"{INSTANCES} complete"),
        )
        tab.open("/runs")
        assert tab.count("tbody tr") == 2, "both runs are in the history"
    assert visits >= 4, f"the browsers have opened {visits} pages each meanwhile"
    # The runs have shared the work: each instance ran once.
    counts = [run["counts"].get("ran", 0) for run in program.json("history")]
    assert sum(counts) == INSTANCES, counts
    assert program.verify() == INSTANCES


def check_a_server_that_is_killed_leaves_a_whole_store(check):
    program = check.program("flows")
    server = check.serve(program, *TASK, "--run", "--workers", "2")
    # The stream of events ends with the server.
    tab = check.tab(server, "/live", is_provoked=lambda text: "net::ERR_" in text)
    tab.until("some instances are settled", lambda: settled(tab) >= 4)
    server.kill()
    outputs = program.verify()
    assert 1 <= outputs < INSTANCES, f"{outputs} outputs"
    # What is lost is at most what was running, and what waited for the next commit.
    ran = program.json("run", *TASK, "--quiet")
    assert len(ran["complete_already"]) >= outputs and len(ran["ran"]) <= INSTANCES - outputs, ran
    assert program.verify() == INSTANCES
    again = check.tab(check.serve(program, *TASK))
    assert again.count(".node.complete") == INSTANCES
    again.open("/runs")
    assert again.count(".badge.running") == 0, "the killed run is not in progress"


def check_a_server_that_is_interrupted_leaves_a_whole_store(check):
    program = check.program("flows")
    server = check.serve(program, *TASK, "--run", "--workers", "2")
    tab = check.tab(server, "/live", is_provoked=lambda text: "net::ERR_" in text)
    tab.until("some instances are settled", lambda: settled(tab) >= 2)
    assert server.stop() == 130, "the exit code of an interrupted program"
    assert 1 <= program.verify() < INSTANCES
    program.run("run", *TASK, "--quiet")
    assert program.verify() == INSTANCES
