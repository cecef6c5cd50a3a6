"""What the checks share: programs with stores, the pages that they serve, and tabs of the browser that must not complain."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

# The longest time in seconds that a check waits for anything.
PATIENCE = 60

# The folder of the repository, in which the programs run.
ROOT = Path(__file__).resolve().parents[2]


class NotChecked(Exception):
    """What a check is about does not exist here; the text says why."""


class Program:
    """A program of typed-flow with a store of its own."""

    def __init__(self, path, store):
        self.path = path
        self.store = store

    def start(self, *arguments, **options):
        """Starts a verb of the command line, and returns its process."""
        names = ("FLOW_CONFIG", "FLOW_DATA", "FLOW_NAMESPACE")
        variables = {name: value for name, value in os.environ.items() if name not in names}
        command = [str(self.path), *arguments, "--data", str(self.store)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, text=True, **options
        )

    def run(self, *arguments, code=0):
        """Runs a verb to its end, and returns what it prints to the standard output."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=600)
        assert process.returncode == code, f"{arguments}: {process.returncode}: {out}{err}"
        return out

    def json(self, *arguments):
        """Runs a verb with `--json`, and returns the result."""
        return json.loads(self.run(*arguments, "--json"))

    def verify(self):
        """Checks that the store is whole: the files of all outputs are as their records say."""
        verified = self.json("verify")
        assert verified["damage"] == [], verified
        return verified["outputs"]


class Server:
    """A page that a program serves."""

    def __init__(self, program, arguments):
        self.program = program
        self.process = program.start("serve", *arguments, stderr=subprocess.DEVNULL)
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()))
        reader.start()
        reader.join(PATIENCE)
        # The address with the token, as the program prints it.
        self.url = lines[0].strip() if lines else ""
        if not self.url.startswith("http://127.0.0.1:"):
            self.kill()
            raise AssertionError(f"{arguments}: the page is not served: {lines}")
        self.base = self.url.split("/?token=")[0]

    def stop(self):
        """Stops the program as Ctrl-C does, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the program did not end after SIGINT") from None

    def kill(self):
        """Kills the program, which cannot prepare for it."""
        self.process.kill()
        self.process.wait()


class Tab:
    """A tab of the browser.

    It notes what must not happen: errors in the console, such as those of the content security policy, errors of scripts, and
    dialogs. `is_provoked` returns whether a check has caused a message on purpose.
    """

    def __init__(self, context, base, is_provoked):
        self.base = base
        self.complaints = []
        self.is_provoked = is_provoked
        self.page = context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"a script failed: {error}"))
        self.page.on("dialog", self._note_dialog)

    def _note_message(self, message):
        text = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not self.is_provoked(text):
            self.complaints.append(f"{self.page.url}: {text}")

    def _note_dialog(self, dialog):
        self.complaints.append(f"{self.page.url}: a dialog says {dialog.message}")
        dialog.dismiss()

    def open(self, path, status=200):
        """Opens a path of the page, and waits until it has loaded."""
        response = self.page.goto(self.base + path, wait_until="load")
        assert response.status == status, f"{path}: {response.status}: {self.text('main')}"

    def text(self, selector):
        """Returns the text of the first element that a selector finds; empty if there is none."""
        script = "selector => document.querySelector(selector)?.textContent ?? ''"
        return self.page.evaluate(script, selector)

    def attribute(self, selector, name):
        """Returns an attribute of the first element that a selector finds; None if there is none."""
        script = "([selector, name]) => document.querySelector(selector)?.getAttribute(name) ?? null"
        return self.page.evaluate(script, [selector, name])

    def count(self, selector):
        """Returns how many elements a selector finds."""
        script = "selector => document.querySelectorAll(selector).length"
        return self.page.evaluate(script, selector)

    def links(self):
        """Returns the addresses of all links to this site."""
        script = "() => [...document.querySelectorAll('a[href^=\"/\"]')].map(a => a.getAttribute('href'))"
        return self.page.evaluate(script)

    def follow(self, act):
        """Does what opens another page, and waits until that has loaded."""
        with self.page.expect_navigation(wait_until="load"):
            act()

    def click(self, selector):
        """Clicks on what opens another page, and waits until that has loaded."""
        self.follow(lambda: self.page.click(selector))

    def press(self, selector, key="Enter"):
        """Presses a key on what then opens another page, and waits until that has loaded."""
        self.follow(lambda: self.page.press(selector, key))

    def open_box(self, task):
        """Clicks on the box of the graph whose title begins with the name of a task."""
        title = self.page.locator("text.name", has_text=re.compile(f"^{task}"))
        self.follow(lambda: self.page.locator("a.node").filter(has=title).first.click())

    def until(self, what, condition, seconds=PATIENCE):
        """Waits until a condition holds. The condition must not use `eval` in the page, which its policy forbids."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                shown = self.text("main")[:2_000]
                raise AssertionError(f"not within {seconds} seconds: {what}\n{shown}")
            self.page.wait_for_timeout(50)

    def mark(self):
        """Marks the document, to find out whether the page was loaded again."""
        self.page.evaluate("() => { window.isMarked = true; }")

    def is_marked(self):
        """Returns whether the document is the one that was marked."""
        return self.page.evaluate("() => window.isMarked === true")

    def check_width(self):
        """Checks that the page is not wider than the window: what is wide scrolls within the page."""
        wide = self.page.evaluate(
            """() => {
              const root = document.documentElement;
              if (root.scrollWidth <= root.clientWidth) return null;
              const beyond = [...document.querySelectorAll("body *")]
                .filter(one => one.getBoundingClientRect().right > root.clientWidth + 1)
                .map(one => `${one.tagName} ${one.getAttribute("class") ?? ""}`);
              return `${root.scrollWidth} pixels in a window of ${root.clientWidth}: ${beyond.slice(0, 10).join(", ")}`;
            }"""
        )
        assert wide is None, f"{self.page.url}: {wide}"

    def check_accessible(self, axe):
        """Checks that axe finds nothing. What a task wrote and a frame shows is not ours."""
        if axe is None:
            return
        self.page.evaluate(axe)
        found = self.page.evaluate(
            """async () => {
              const found = await axe.run(document, { iframes: false, resultTypes: ["violations"] });
              return found.violations.map(one => {
                const nodes = one.nodes.map(node => `${node.target.join(" ")}: ${node.failureSummary}`);
                return [`${one.id} (${one.impact}): ${one.help}`, ...nodes.slice(0, 5)].join("\\n    ");
              });
            }"""
        )
        assert not found, f"{self.page.url}: axe has found\n  " + "\n  ".join(found)


class Check:
    """A check: its programs, pages and tabs, which are closed at its end."""

    def __init__(self, browser, programs, axe, pictures, folder):
        self.browser = browser
        self.programs = programs
        # The text of the script of axe; None where it is not installed.
        self.axe = axe
        self.pictures = pictures
        self.folder = folder
        self.servers = []
        self.contexts = []
        self.tabs = []

    def program(self, name):
        """Returns a program with a new store."""
        return Program(self.programs[name], self.folder / name)

    def serve(self, program, *arguments):
        """Serves the page of tasks of a program."""
        server = Server(program, arguments)
        self.servers.append(server)
        return server

    def context(self, *, width=1280, is_dark=False, has_scripts=True, **options):
        """Returns a new profile of the browser, without cookies."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 1000},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce",
            java_script_enabled=has_scripts,
            **options,
        )
        context.set_default_timeout(PATIENCE * 1000)
        self.contexts.append(context)
        return context

    def tab(self, server, path="/", context=None, is_provoked=lambda text: False, **options):
        """Opens a path in a new tab, of a new profile unless one is given, which signs in with the token."""
        tab = Tab(context or self.context(**options), server.base, is_provoked)
        self.tabs.append(tab)
        tab.page.goto(server.url, wait_until="load")
        assert "token" not in tab.page.url, "the address still has the token"
        if path != "/":
            tab.open(path)
        return tab

    def save_picture(self, tab, name):
        """Saves a picture of the whole page, for people to look at."""
        tab.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    def check_complaints(self):
        """Checks that no tab has complained."""
        complaints = [complaint for tab in self.tabs for complaint in tab.complaints]
        assert not complaints, "the browser complains:\n  " + "\n  ".join(complaints)

    def close(self, has_failed):
        """Closes everything. If the check has failed, pictures of its tabs are saved first."""
        for place, tab in enumerate(self.tabs):
            if has_failed and not tab.page.is_closed():
                try:
                    tab.page.screenshot(path=self.pictures / f"failed-{place}.png", timeout=5_000)
                except Exception:  # The page may be blocked, which is why the check has failed.
                    pass
        for context in self.contexts:
            context.close()
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()


def is_page(link):
    """Returns whether a link leads to a page of ours, and not to a file or a figure of a task."""
    return "/file" not in link and "/figure" not in link


def pattern(path):
    """Returns an address with names in place of what differs between pages of one view."""
    path = re.split("[?#]", path)[0]
    path = re.sub(r"/[0-9a-f]{32}(?=/|$)", "/{key}", path)
    path = re.sub(r"^/(run|sweep)/[^/]+", r"/\1/{name}", path)
    return re.sub(r"/\d+(?=/|$)", "/{number}", path)
