"""A flow that fails: what failed, why, and what did not run."""


def check_a_failure_is_found_and_explained(check):
    program = check.program("flows")
    for task in ("Broken", "Panicking"):
        program.run("run", task, "--quiet", code=1)
    tab = check.tab(check.serve(program, "Failing"))
    assert tab.count(".node.failed") == 2 and tab.count(".node.complete") == 1
    check.save_picture(tab, "failing-graph-1280")
    tab.check_accessible(check.axe)

    tab.open_box("Broken")
    failure = tab.text(".failure")
    assert "cannot read the prices" in failure, failure
    assert "caused by: the file ends in line 7" in failure, failure
    check.save_picture(tab, "failing-instance-1280")
    tab.check_accessible(check.axe)
    tab.click("nav.tabs >> text=Log")
    tab.until("the log is shown", lambda: "reading the prices of Monday" in tab.text("#log"))

    tab.open("/instances?status=failed")
    assert tab.count("tbody tr") == 2
    tab.click("tbody a >> text=/Panicking/")
    assert "flows.rs:" in tab.text(".failure"), "the place of the panic"

    tab.open("/runs")
    assert tab.count(".badge.failed") == 2
    tab.click("tbody th a")
    assert "a count of two or more" in tab.text("main table")
    tab.check_accessible(check.axe)
    check.save_picture(tab, "failing-run-1280")
