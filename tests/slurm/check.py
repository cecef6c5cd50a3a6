"""Checks the executor `slurm` with a real Slurm, which `.ci/slurm` starts.

    .ci/slurm python3 tests/slurm/check.py target/debug/fan target/debug/examples/iris

It runs both programs by their command line. Each check prints PASS or FAIL, and the last line counts them.
"""

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

FAN, IRIS = (Path(program).resolve() for program in sys.argv[1:3])
SHARED = Path(os.environ["FLOW_SLURM_SHARED"])
NODE = os.environ["FLOW_SLURM_NODE"]
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


def slurm(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def queue():
    """Returns the lines of the jobs that wait or run."""
    listed = slurm("squeue", "--noheader", "--array", "--me", "--format=%i %T %j")
    return listed.stdout.splitlines() if listed.returncode == 0 else ["the controller does not answer"]


def expect_empty_queue():
    try:
        wait_for("the queue is empty", lambda: not queue(), 40)
    except Failure as error:
        raise Failure(f"{error}: {queue()}") from error


class Run:
    """A run of the fan in a folder of its own."""

    def __init__(self, name, settings="", count=3):
        self.folder = SHARED / name
        self.gates = self.folder / "gates"
        self.gates.mkdir(parents=True, exist_ok=True)
        self.count = count
        (self.folder / "flow.toml").write_text(f'executor = "slurm"\njobs = 50\n{settings}')
        self.process = None
        self.err = self.folder / "err"

    def start(self, *more):
        arguments = [FAN, "run", "All", "--param", f"Gated.folder={self.gates}", "--param", f"All.count={self.count}"]
        with self.err.open("a") as err:
            self.process = subprocess.Popen(
                [*arguments, *more], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err
            )
        return self

    def open(self, *numbers):
        for number in numbers:
            (self.gates / f"open-{number}").touch()

    def begun(self, number):
        """Returns the processes in which an instance has begun."""
        path = self.gates / f"begun-{number}"
        return path.read_text().splitlines() if path.exists() else []

    def wait_until_begun(self, number, times=1):
        wait_for(f"instance {number} begins {times} times: {self.text()}", lambda: len(self.begun(number)) >= times)

    def job(self, number):
        """Returns the job of Slurm in which an instance runs."""
        environment = Path(f"/proc/{self.begun(number)[-1]}/environ").read_text().split("\0")
        values = dict(line.split("=", 1) for line in environment if "=" in line)
        return values["SLURM_ARRAY_JOB_ID"] + "_" + values["SLURM_ARRAY_TASK_ID"]

    def end(self, code, seconds=PATIENCE):
        try:
            ended = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"the run does not end: {self.text()}") from None
        expect(ended == code, f"exit code {ended} and not {code}: {self.text()}")

    def text(self):
        return self.err.read_text() if self.err.exists() else ""

    def expect_text(self, text):
        # A message may be broken into lines.
        said = " ".join(self.text().split())
        expect(text in said, f"{text!r} is not in: {self.text()}")


def iris():
    """iris runs by workers of Slurm"""
    folder = SHARED / "iris"
    folder.mkdir()
    command = [IRIS, "run", "Train", "--executor", "slurm", "--jobs", "20", "--data", folder / "data"]
    ran = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(ran.returncode == 0, ran.stdout + ran.stderr)
    expect(": on " in ran.stderr, f"it ran elsewhere: {ran.stderr}")
    expect_empty_queue()


def fan():
    """2,000 instances cost fewer than 60 calls of the scheduler"""
    folder = SHARED / "fan"
    folder.mkdir()
    log = folder / "data/.flow/queues/slurm.log"

    def run(count):
        arguments = ["run", "Quicks", "--executor", "slurm", "--jobs", "2000", "--param", f"Quicks.count={count}", "-q"]
        begun = time.monotonic()
        ran = subprocess.run([FAN, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        expect(ran.returncode == 0, ran.stdout + ran.stderr)
        return time.monotonic() - begun

    # How long an instance takes is known from the first run.
    run(1)
    before = len(log.read_text().splitlines())
    seconds = run(2000)
    calls = len(log.read_text().splitlines()) - before
    print(f"RESULT slurm 2000 instances: {seconds:.1f} s, {calls} calls of the scheduler", flush=True)
    expect(calls < 60, f"{calls} calls")
    expect_empty_queue()


def cancelled():
    """a job that is cancelled by scancel is told in words, and runs again"""
    run = Run("cancelled").start()
    run.wait_until_begun(0)
    cancelled = slurm("scancel", run.job(0))
    expect(cancelled.returncode == 0, cancelled.stderr)
    run.open(1, 2)
    run.wait_until_begun(0, 2)
    run.open(0)
    run.end(0)
    run.expect_text("of Slurm on " + NODE + " was cancelled by a user")
    expect_empty_queue()


def out_of_memory():
    """a job that is out of memory is told in words, and the rest goes on"""
    run = Run("memory", '[slurm]\nmemory = "200 MiB"\n')
    run.open(1, 2)
    run.start("--param", "Gated.megabytes=1000")
    run.end(1)
    run.expect_text("out of memory: job ")
    run.expect_text("needs more than its limit of 200 MiB")
    expect([len(run.begun(number)) for number in range(3)] == [1, 1, 1], "each begins once")
    expect_empty_queue()


def out_of_time():
    """a job that is past its limit is told in words, and the rest goes on"""
    run = Run("time", '[slurm]\ntime = "1m"\n').start()
    # Each in a worker of its own: the time of one that has run another job before is no fault of the second.
    for number in range(3):
        run.wait_until_begun(number)
    run.open(1, 2)
    run.end(1, 240)
    run.expect_text("out of time: job ")
    run.expect_text("takes longer than its limit of 1 min")
    expect(len(run.begun(1)) == 1 and len(run.begun(2)) == 1, "the others run once")
    expect_empty_queue()


def node_down():
    """a job whose node is set down is told in words, and runs again"""
    run = Run("node").start()
    for number in range(3):
        run.wait_until_begun(number)
    slurm("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    wait_for("the jobs end", lambda: not Path(f"/proc/{run.begun(0)[0]}").exists())
    slurm("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    run.open(0, 1, 2)
    run.end(0)
    run.expect_text("was lost, because its machine has failed or was set down")
    expect_empty_queue()


def adopted():
    """a coordinator that was killed finds its jobs again, and nothing runs twice"""
    run = Run("adopted").start()
    for number in range(3):
        run.wait_until_begun(number)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    run.open(0)
    run.start()
    time.sleep(2)
    run.open(1, 2)
    run.end(0)
    expect([len(run.begun(number)) for number in range(3)] == [1, 1, 1], f"each runs once: {run.text()}")
    expect_empty_queue()


def orphans():
    """what a killed coordinator has left is cancelled by the next run, even if that needs nothing of it"""
    run = Run("orphans", count=2).start()
    for number in range(2):
        run.wait_until_begun(number)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    other = [FAN, "run", "Quicks", "--executor", "slurm", "--param", "Quicks.count=1", "-q"]
    ran = subprocess.run(other, cwd=run.folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(ran.returncode == 0, ran.stderr)
    expect_empty_queue()


def interrupted():
    """Ctrl-C leaves an empty queue"""
    run = Run("interrupted", "[slurm]\nmax_workers = 4\n", count=12).start()
    wait_for("some begin", lambda: sum(len(run.begun(number)) for number in range(12)) >= 2)
    run.process.send_signal(signal.SIGINT)
    run.end(130)
    expect_empty_queue()


def restarted():
    """a controller that is restarted in the middle of a run is no failure"""
    run = Run("restarted").start()
    for number in range(3):
        run.wait_until_begun(number)
    restarted = slurm(os.environ["FLOW_SLURM_RESTART"], "8")
    expect(restarted.returncode == 0, restarted.stderr)
    run.open(0, 1, 2)
    run.end(0)
    expect([len(run.begun(number)) for number in range(3)] == [1, 1, 1], "each runs once")
    expect_empty_queue()


def refused():
    """an invalid partition fails the task with the words of sbatch"""
    run = Run("refused", '[slurm]\npartition = "none"\n').start()
    run.end(1)
    run.expect_text("invalid partition specified: none")
    run.expect_text("(the option is `--partition=none`)")
    expect_empty_queue()


CHECKS = [
    iris,
    fan,
    cancelled,
    out_of_memory,
    out_of_time,
    node_down,
    adopted,
    orphans,
    interrupted,
    restarted,
    refused,
]


def main():
    passed = failed = 0
    chosen = sys.argv[3:]
    for check in CHECKS:
        if chosen and check.__name__ not in chosen:
            continue
        begun = time.monotonic()
        try:
            check()
        except Exception as error:  # whatever goes wrong in a check is its failure
            failed += 1
            print(f"FAIL {check.__doc__}: {error}", flush=True)
            if not isinstance(error, Failure):
                traceback.print_exc()
            # The next check begins with an empty queue.
            slurm("scancel", "--me")
        else:
            passed += 1
            print(f"PASS {check.__doc__} ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{passed} checks passed, {failed} failed, 0 not made")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
