"""The report of a flow: one file, which a browser opens from the disk without a network."""

import kit
import views

# The most bytes of the report of the iris example.
LARGEST = 2_000_000


def open_file(check, file, width):
    """Opens a file without a network, and checks that it asks for nothing else."""
    tab = kit.Tab(check.context(width=width, offline=True), "", lambda text: False)
    check.tabs.append(tab)
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.page.goto(file.as_uri(), wait_until="load")
    others = [url for url in asked if url != file.as_uri() and not url.startswith(("data:", "blob:"))]
    assert not others, f"the report asks for {others}"
    return tab


def check_a_report_opens_without_a_network(check):
    iris = views.trained(check)
    file = check.folder / "report.html"
    iris.run("report", "Train", "--out", str(file), "--quiet")
    assert file.stat().st_size < LARGEST, f"{file.stat().st_size} bytes"
    for width in views.WIDTHS:
        tab = open_file(check, file, width)
        assert all(name in tab.text("body") for name in ("GetData", "Preprocess", "Train", "accuracy"))
        assert tab.count("svg") >= 1, "the graph"
        tab.check_width()
        check.save_picture(tab, f"report-{width}")
    tab.check_accessible(check.axe)
