"""Texts that would run as scripts, in all places where a task or a request can put a text: they are shown, and nothing runs."""

from urllib.parse import quote

import kit

SCRIPT = "\"'></title></main><script>alert(1)</script><img src=x onerror=alert(2)>"

# What a text could have put into the page. The scripts of the page are files, and it has no handlers.
INJECTED = """() => [...document.querySelectorAll("*")].filter(one =>
    (one.tagName === "SCRIPT" && !(one.getAttribute("src") ?? "").startsWith("/assets/"))
    || [...one.attributes].some(attribute => attribute.name.startsWith("on") || /^\\s*javascript:/i.test(attribute.value))
    || (one.tagName === "IMG" && one.getAttribute("src") === "x")
  ).map(one => one.outerHTML.slice(0, 200))"""


def is_of_file(text):
    """Returns whether a message is about a file of a task: the browser says that it runs nothing there."""
    return "/file/" in text or "/figure" in text


def assert_harmless(tab):
    injected = tab.page.evaluate(INJECTED)
    assert not injected, f"{tab.page.url}: {injected}"


def check_texts_of_tasks(check):
    program = check.program("flows")
    program.run("run", "Hostile", "--quiet", code=1)
    server = check.serve(program, "Hostile")
    tab = check.tab(server, is_provoked=is_of_file)
    narrow = check.tab(server, width=360, is_provoked=is_of_file)
    paths = ["/", "/?by=task", "/instances", "/runs", "/live"]
    seen = set(paths)
    shown = ""
    # These and all pages that they link; of those which differ in filters, one.
    for path in paths:
        tab.open(path)
        # Texts that a script puts into the page are there a moment later.
        tab.page.wait_for_timeout(200)
        assert_harmless(tab)
        shown += tab.text("main")
        tab.check_accessible(check.axe)
        narrow.open(path)
        narrow.check_width()
        for link in tab.links():
            page = link.split("#")[0].split("?")[0]
            if page not in seen and kit.is_page(link):
                seen.add(page)
                paths.append(link)
    for place in range(1, 6):
        assert f"alert({place})" in shown, f"text {place} is not shown"
    assert "plain.txt" in shown and "alert(11)" in shown, "the names of files"
    assert len([path for path in seen if path.endswith("/data")]) == 4, seen
    check.save_picture(narrow, "hostile-360")


def check_a_frame_runs_nothing(check):
    program = check.program("flows")
    program.run("run", "HostileHtml", "--quiet")
    tab = check.tab(check.serve(program, "HostileHtml"), is_provoked=is_of_file)
    tab.open("/instances")
    instance = next(link for link in tab.links() if link.startswith("/instance/"))
    tab.open(f"{instance}/data")
    tab.page.locator("iframe.output").scroll_into_view_if_needed()
    shown = lambda: [frame for frame in tab.page.frames if frame.url.endswith("/file/0")]
    tab.until("the frame shows the file", shown)
    # A script would have led the page elsewhere by now, or opened a dialog, which the tab notes.
    tab.page.wait_for_timeout(1_000)
    assert tab.page.url.endswith("/data") and shown(), tab.page.url
    check.save_picture(tab, "hostile-frame-1280")
    # By itself, the file has a policy under which nothing runs, too.
    response = tab.page.goto(f"{tab.base}{instance}/file/0", wait_until="load")
    tab.page.wait_for_timeout(1_000)
    assert response.headers["content-security-policy"].startswith("sandbox"), response.headers
    assert "The text of the frame" in response.text() and tab.page.url == response.url, tab.page.url


def check_texts_of_requests(check):
    program = check.program("flows")
    tab = check.tab(check.serve(program, "Fit"), is_provoked=lambda text: "404" in text)
    text = quote(SCRIPT, safe="")
    for path in (f"/?q={text}", f"/?open=task:{text}&by={text}", f"/instances?q={text}&task={text}", f"/runs?page={text}"):
        tab.open(path)
        assert_harmless(tab)
    tab.open(f"/?q={text}")
    assert tab.page.input_value("input[name=q]") == SCRIPT, "the text is in its field as it was sent"
    for path in (f"/{text}", f"/instance/{text}", f"/run/{text}", f"/?from={text}"):
        tab.open(path, status=404)
        assert_harmless(tab)
