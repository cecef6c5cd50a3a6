"""Every view, of the iris example: at three widths, light and dark, with and without scripts, and as axe sees it."""

import kit

# The views, each with the name of its pictures. What is in braces is found by `places`.
VIEWS = [
    ("graph", "/"),
    ("graph-by-task", "/?by=task"),
    ("instances", "/instances"),
    ("instance", "{instance}"),
    ("data", "{instance}/data"),
    ("log", "{instance}/log"),
    ("versions", "{instance}/versions"),
    ("runs", "/runs"),
    ("run", "{run}"),
    ("compare", "/compare?before={before}&after={after}"),
    ("live", "/live"),
    ("sweeps", "/sweeps"),
    ("sweep", "/sweep/Train"),
    ("sweep-heat", "/sweep/Train?chart=two"),
    ("sweep-parallel", "/sweep/Train?chart=all"),
    ("sweep-runs", "/sweep/Train/runs"),
    ("actions", "/actions"),
    ("action-parameters", "/actions/parameters"),
]

WIDTHS = (360, 1280, 2560)

# What a view consists of. With and without scripts, there is as much of it.
PARTS = "h1, h2, h3, th, td, dt, li, pre, section, a.node, .bar"


def places(tab):
    """Returns the addresses of an instance and of runs."""
    tab.open("/instances?task=Preprocess")
    instance = next(link for link in tab.links() if link.startswith("/instance/"))
    tab.open("/runs")
    runs = [link for link in tab.links() if link.startswith("/run/")]
    names = [run.removeprefix("/run/") for run in runs]
    return {"instance": instance, "run": runs[0], "before": names[-1], "after": names[0]}


def addresses(tab):
    """Returns the views with their addresses, and then those that they link and `VIEWS` does not have, one of each kind."""
    found = places(tab)
    views = [(name, path.format(**found)) for name, path in VIEWS]
    known = {kit.pattern(path) for _, path in views}
    for _, path in views:
        tab.open(path)
        for link in tab.links():
            kind = kit.pattern(link)
            if kind not in known and kit.is_page(link):
                known.add(kind)
                views.append((kind.strip("/").replace("/", "-").replace("{", "").replace("}", ""), link))
    return views


def trained(check):
    """Returns the iris example after two runs."""
    iris = check.program("iris")
    iris.run("run", "Train", "--quiet", "--do_preprocess=false")
    iris.run("run", "Train", "--quiet")
    return iris


def check_every_view(check):
    server = check.serve(trained(check), "Train")
    tabs = {width: check.tab(server, width=width) for width in WIDTHS}
    dark, plain = check.tab(server, is_dark=True), check.tab(server, has_scripts=False)
    for name, path in addresses(tabs[1280]):
        for width, tab in tabs.items():
            tab.open(path)
            assert tab.count("main#main h1") == 1, f"{path} has no title"
            tab.check_width()
            check.save_picture(tab, f"{name}-{width}")
        tabs[1280].check_accessible(check.axe)
        dark.open(path)
        dark.check_accessible(check.axe)
        check.save_picture(dark, f"{name}-1280-dark")
        plain.open(path)
        parts, expected = plain.page.locator(PARTS).count(), tabs[1280].count(PARTS)
        assert parts == expected > 0, f"{path}: {parts} parts without scripts, and {expected} with"


def check_dark_is_dark(check):
    server = check.serve(trained(check), "Train")
    light, dark = check.tab(server), check.tab(server, is_dark=True)
    color = "() => getComputedStyle(document.body).backgroundColor"
    numbers = [
        [int(part) for part in tab.page.evaluate(color).removeprefix("rgb(").rstrip(")").split(",")]
        for tab in (light, dark)
    ]
    assert min(numbers[0]) > 200 and max(numbers[1]) < 60, numbers


def check_forms_work_without_scripts(check):
    server = check.serve(trained(check), "Train")
    tab = check.tab(server, has_scripts=False)
    tab.page.fill("input[name=q]", "Preprocess")
    tab.click("form.filters button[type=submit]")
    assert "q=Preprocess" in tab.page.url, tab.page.url
    assert tab.page.locator(".node:not(.dim)").count() == 1
    tab.click("text=List them")
    tab.click("tbody th a")
    assert "/instance/" in tab.page.url, tab.page.url
    tab.click("nav.tabs >> text=Data")
    assert tab.page.locator("main table").count() > 0


def check_missing_pages_say_so(check):
    server = check.serve(trained(check), "Train")
    # The browser writes an error to the console for each status of an error.
    tab = check.tab(server, is_provoked=lambda text: "404" in text)
    for path in ("/nothing", "/instance/" + "0" * 32, "/run/nothing"):
        tab.open(path, status=404)
        assert tab.text("h1") == "Not found", path
        tab.check_accessible(check.axe)
    stranger = kit.Tab(check.context(), server.base, lambda text: "401" in text)
    check.tabs.append(stranger)
    stranger.open("/", status=401)
    assert "Preprocess" not in stranger.text("body")
    stranger.check_accessible(check.axe)
