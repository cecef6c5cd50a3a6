"""What the checks of all schedulers have in common: `slurm.py` and `hyperqueue.py` run them.

Both are given the programs `fan` and `iris`, which they run by their command line, and perhaps the names of some checks. Each check is
a function that gets the scheduler, and whose documentation says what it checks. It prints PASS or FAIL, and the last line counts them.
"""

import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

FAN, IRIS = (Path(program).resolve() for program in sys.argv[1:3])
PATIENCE = 120
# The folder of the data of iris.
WORKSPACE = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """What a check has found instead of what it expects."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


def wait_for(what, look, seconds=PATIENCE):
    """Waits until something is there, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise Failure(f"{what}: it takes longer than {seconds} s")


def call(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Scheduler:
    """A scheduler that starts the workers of runs."""

    # The name of the executor.
    name = ""
    # The variables in which a worker finds its job.
    job_variables = ("", "")

    def __init__(self, shared):
        # The folder for the stores of the runs.
        self.shared = Path(shared)
        self.runs = []

    def queue(self):
        """Returns the jobs that wait or run."""
        raise NotImplementedError

    def clear(self):
        """Ends all jobs."""
        raise NotImplementedError

    def expect_empty_queue(self):
        try:
            wait_for("the queue is empty", lambda: not self.queue(), 40)
        except Failure as error:
            raise Failure(f"{error}: {self.queue()}") from error


class Run:
    """A run of the fan in a folder of its own."""

    def __init__(self, scheduler, name, settings="", count=3):
        self.scheduler = scheduler
        self.folder = scheduler.shared / name
        self.gates = self.folder / "gates"
        self.gates.mkdir(parents=True, exist_ok=True)
        self.count = count
        (self.folder / "flow.toml").write_text(f'executor = "{scheduler.name}"\njobs = 50\n{settings}')
        self.process = None
        self.err = self.folder / "err"

    def start(self, *more):
        arguments = [FAN, "run", "All", "--param", f"Gated.folder={self.gates}", "--param", f"All.count={self.count}"]
        with self.err.open("a") as err:
            self.process = subprocess.Popen(
                [*arguments, *more], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err
            )
        self.scheduler.runs.append(self.process)
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def open(self, *numbers):
        for number in numbers:
            (self.gates / f"open-{number}").touch()

    def open_all(self):
        self.open(*range(self.count))

    def begun(self, number):
        """Returns the processes in which an instance has begun."""
        path = self.gates / f"begun-{number}"
        return path.read_text().splitlines() if path.exists() else []

    def times_begun(self):
        """Returns how often each instance has begun."""
        return [len(self.begun(number)) for number in range(self.count)]

    def wait_until_begun(self, number, times=1):
        wait_for(f"instance {number} begins {times} times: {self.text()}", lambda: len(self.begun(number)) >= times)

    def wait_until_all_begun(self, times=1):
        for number in range(self.count):
            self.wait_until_begun(number, times)

    def job(self, number):
        """Returns the job of the scheduler in which an instance runs, and its number in the job."""
        environment = Path(f"/proc/{self.begun(number)[-1]}/environ").read_text().split("\0")
        values = dict(line.split("=", 1) for line in environment if "=" in line)
        return tuple(values[name] for name in self.scheduler.job_variables)

    def records(self):
        """Returns the number of waiting instances that are complete."""
        return len(list((self.folder / "data/Gated").glob("*/record.json")))

    def end(self, code, seconds=PATIENCE):
        try:
            ended = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"the run does not end: {self.text()}") from None
        expect(ended == code, f"exit code {ended} and not {code}: {self.text()}")

    def text(self):
        return self.err.read_text() if self.err.exists() else ""

    def has_said(self, text):
        # A message may be broken into lines.
        return text in " ".join(self.text().split())

    def expect_text(self, text):
        expect(self.has_said(text), f"{text!r} is not in: {self.text()}")

    def wait_for_text(self, text):
        wait_for(f"the run says {text!r}: {self.text()}", lambda: self.has_said(text))


def iris(scheduler):
    """iris runs by workers of the scheduler"""
    folder = scheduler.shared / "iris"
    folder.mkdir()
    command = [IRIS, "run", "Train", "--executor", scheduler.name, "--jobs", "20", "--data", folder / "data"]
    ran = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(ran.returncode == 0, ran.stdout + ran.stderr)
    expect(": on " in ran.stderr, f"it ran elsewhere: {ran.stderr}")
    scheduler.expect_empty_queue()


def fan(scheduler):
    """2,000 instances cost fewer than 60 calls of the scheduler"""
    folder = scheduler.shared / "fan"
    folder.mkdir()
    log = folder / f"data/.flow/queues/{scheduler.name}.log"

    def run(count):
        arguments = ["run", "Quicks", "--executor", scheduler.name, "--jobs", "2000", "--param", f"Quicks.count={count}", "-q"]
        begun = time.monotonic()
        ran = subprocess.run([FAN, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        expect(ran.returncode == 0, ran.stdout + ran.stderr)
        return time.monotonic() - begun

    # How long an instance takes is known from the first run.
    run(1)
    before = len(log.read_text().splitlines())
    seconds = run(2000)
    calls = len(log.read_text().splitlines()) - before
    print(f"RESULT {scheduler.name} 2000 instances: {seconds:.1f} s, {calls} calls of the scheduler", flush=True)
    expect(calls < 60, f"{calls} calls")
    scheduler.expect_empty_queue()


def out_of_time(scheduler):
    """a job that is past its limit is told in words, and the rest goes on"""
    run = Run(scheduler, "time", f'[{scheduler.name}]\ntime = "1m"\n').start()
    # Each in a worker of its own: the time of one that has run another job before is no fault of the second.
    run.wait_until_all_begun()
    run.open(1, 2)
    run.end(1, 240)
    run.expect_text("out of time: job ")
    run.expect_text("takes longer than its limit of 1 min")
    expect(run.times_begun()[1:] == [1, 1], "the others run once")
    scheduler.expect_empty_queue()


def adopted(scheduler):
    """a coordinator that was killed finds its jobs again, and nothing runs twice"""
    run = Run(scheduler, "adopted").start()
    run.wait_until_all_begun()
    run.kill()
    run.open(0)
    run.start()
    time.sleep(2)
    run.open(1, 2)
    run.end(0)
    expect(run.times_begun() == [1, 1, 1], f"each runs once: {run.text()}")
    scheduler.expect_empty_queue()


def orphans(scheduler):
    """what a killed coordinator has left is cancelled by the next run, even if that run does not need it"""
    run = Run(scheduler, "orphans", count=2).start()
    run.wait_until_all_begun()
    run.kill()
    other = [FAN, "run", "Quicks", "--executor", scheduler.name, "--param", "Quicks.count=1", "-q"]
    ran = subprocess.run(other, cwd=run.folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(ran.returncode == 0, ran.stderr)
    scheduler.expect_empty_queue()


def interrupted(scheduler):
    """Ctrl-C leaves an empty queue"""
    run = Run(scheduler, "interrupted", f"[{scheduler.name}]\nmax_workers = 4\n", count=12).start()
    wait_for("some begin", lambda: sum(run.times_begun()) >= 2)
    run.process.send_signal(signal.SIGINT)
    run.end(130)
    scheduler.expect_empty_queue()


def main(scheduler, checks):
    """Makes the checks that the command line chooses, or all of them."""
    passed = failed = 0
    chosen = sys.argv[3:]
    for check in checks:
        if chosen and check.__name__ not in chosen:
            continue
        begun = time.monotonic()
        try:
            check(scheduler)
        except Exception as error:  # every exception fails the check
            failed += 1
            print(f"FAIL {check.__doc__}: {error}", flush=True)
            if not isinstance(error, Failure):
                traceback.print_exc()
            # The next check begins with an empty queue.
            for process in scheduler.runs:
                process.kill()
                process.wait()
            scheduler.clear()
        else:
            passed += 1
            print(f"PASS {check.__doc__} ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{passed} checks passed, {failed} failed, 0 not made")
    sys.exit(1 if failed else 0)
