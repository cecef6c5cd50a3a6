"""Tests the page in a real browser.

    python tests/browser/run.py --browser PATH --iris PATH --flows PATH --pictures FOLDER [NAME ...]

`.ci/chromium` builds the programs, installs what this needs, and calls it. Each other file here, but for `kit.py`, is a view or a
behavior, with functions `check_...` that get a `kit.Check`. NAME selects those whose `file.function` contains it. The pictures
are for people to look at.
"""

import argparse
import importlib
import importlib.util
import sys
import tempfile
import time
import traceback
from pathlib import Path

from playwright.sync_api import sync_playwright

import kit

HERE = Path(__file__).resolve().parent


def checks(names):
    """Returns the checks as pairs of a name and a function."""
    modules = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("kit", "run"))
    found = []
    for module in modules:
        functions = vars(importlib.import_module(module)).items()
        found += [(f"{module}.{name}", call) for name, call in functions if name.startswith("check_")]
    return [(name, call) for name, call in found if not names or any(part in name for part in names)]


def axe_script():
    """Returns the text of the script that the package axe-playwright-python has; None where it is not installed."""
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None:
        return None
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def run(browser, arguments, axe, name, call):
    """Runs a check, and returns whether it has passed; None if it could not be made."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        programs = {"iris": arguments.iris, "flows": arguments.flows}
        check = kit.Check(browser, programs, axe, arguments.pictures, Path(folder))
        passed = False
        try:
            call(check)
            check.check_complaints()
            passed = True
        except kit.NotChecked as why:
            print(f"NOT CHECKED: {name}: {why}", flush=True)
            passed = None
        except Exception:
            print(f"FAILED: {name}", flush=True)
            traceback.print_exc()
        finally:
            check.close(passed is False)
    if passed:
        print(f"checked: {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description="Tests the page in a real browser.")
    for name in ("browser", "iris", "flows", "pictures"):
        parser.add_argument(f"--{name}", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    axe = axe_script()
    if axe is None:
        print("NOT CHECKED: accessibility: the package axe-playwright-python is not installed")
    selected = checks(arguments.names)
    if not selected:
        sys.exit(f"no check has a name like {' or '.join(arguments.names)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(arguments.browser),
            # In a container, root has no sandbox, and /dev/shm is small.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        results = [run(browser, arguments, axe, name, call) for name, call in selected]
        browser.close()
    failed = sum(result is False for result in results)
    print(f"{results.count(True)} checks passed, {failed} failed, {results.count(None)} not made")
    print(f"the pictures are in {arguments.pictures}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
