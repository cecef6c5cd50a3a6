"""Checks the executor `hq` with a real HyperQueue, which `.ci/hyperqueue` starts.

    .ci/hyperqueue python3 tests/schedulers/hyperqueue.py target/debug/fan target/debug/examples/iris
"""

import json
import os
import signal

from checks import Run, Scheduler, adopted, call, expect, fan, interrupted, iris, main, orphans, out_of_time, wait_for

START = os.environ["FLOW_HQ_START"]
JOURNAL = os.environ["FLOW_HQ_JOURNAL"]


def hq(*command):
    """Calls a command of HyperQueue, and returns what it prints."""
    called = call("hq", "--output-mode=json", *command)
    expect(called.returncode == 0, f"{command}: {called.stdout}{called.stderr}")
    return json.loads(called.stdout)


class HyperQueue(Scheduler):
    name = "hq"
    job_variables = ("HQ_JOB_ID", "HQ_TASK_ID")

    def queue(self):
        called = call("hq", "--output-mode=json", "job", "list")
        return json.loads(called.stdout) if called.returncode == 0 else ["the server does not answer"]

    def clear(self):
        call("hq", "job", "cancel", "all")
        # A check may have ended with no server, or no worker.
        if call("hq", "server", "info").returncode != 0:
            start_server()
        if not workers():
            start_worker()


def workers():
    """Returns the numbers of the workers of HyperQueue that run."""
    return [worker["id"] for worker in hq("worker", "list") if worker["ended"] is None]


def start_worker(*more):
    """Starts a worker of HyperQueue, and returns its process."""
    before = workers()
    started = call(START, "worker", "start", "--cpus=8", "--detect-resources=none", *more)
    wait_for("a worker of HyperQueue starts", lambda: len(workers()) > len(before))
    return int(started.stdout)


def stop_server():
    hq("server", "stop")
    wait_for("the server is stopped", lambda: call("hq", "server", "info").returncode != 0)


def start_server(*more):
    call(START, "server", "start", "--host=localhost", *more)
    wait_for("the server starts", lambda: call("hq", "server", "info").returncode == 0)


def cancelled(scheduler):
    """a job that is cancelled by hq job cancel is told in words, and what was not finished runs again"""
    run = Run(scheduler, "cancelled").start()
    run.wait_until_all_begun()
    run.open(1)
    wait_for("instance 1 is complete", lambda: run.records() == 1)
    # The workers of an array are one job.
    jobs = {run.job(0)[0], run.job(2)[0]}
    hq("job", "cancel", ",".join(jobs))
    run.wait_until_begun(0, 2)
    run.wait_until_begun(2, 2)
    run.open_all()
    run.end(0)
    run.expect_text("it was lost: job ")
    run.expect_text(" of HyperQueue was cancelled by a user")
    expect(run.times_begun() == [2, 1, 2], f"the complete one runs once: {run.times_begun()}")
    scheduler.expect_empty_queue()


def worker_killed(scheduler):
    """a job whose worker of HyperQueue is killed is told in words, and runs again by another one"""
    end_by(scheduler, "killed", lambda worker, process: os.kill(process, signal.SIGKILL))


def worker_stopped(scheduler):
    """a job whose worker of HyperQueue is stopped is told in words, and runs again by another one"""
    end_by(scheduler, "stopped", lambda worker, process: hq("worker", "stop", str(worker)))


def end_by(scheduler, name, end):
    # The only worker, so that all jobs run there.
    for worker in workers():
        hq("worker", "stop", str(worker))
    wait_for("the worker of before ends", lambda: not workers())
    process = start_worker()
    [worker] = workers()
    run = Run(scheduler, name).start()
    run.wait_until_all_begun()
    end(worker, process)
    wait_for("the worker is gone", lambda: not workers())
    start_worker()
    run.wait_until_all_begun(2)
    run.open_all()
    run.end(0)
    run.expect_text(" of HyperQueue was lost, because its machine has failed or was set down")
    expect(run.times_begun() == [2, 2, 2], f"each runs again once: {run.times_begun()}")
    scheduler.expect_empty_queue()


def restarted(scheduler):
    """a server that is restarted with its journal in the middle of a run is told in words, and jobs run again"""
    run = Run(scheduler, "restarted").start()
    run.wait_until_all_begun()
    stop_server()
    run.wait_for_text("HyperQueue, which does not answer: No running instance of HQ found")
    expect("Stack backtrace" not in run.text(), f"only the message is shown: {run.text()}")
    start_server(f"--journal={JOURNAL}")
    # The worker has ended with the server, and what it ran.
    start_worker()
    run.wait_until_all_begun(2)
    run.open_all()
    run.end(0)
    expect(run.times_begun() == [2, 2, 2], f"each runs again once: {run.times_begun()}")
    scheduler.expect_empty_queue()


def forgotten(scheduler):
    """a server that is restarted without its journal has forgotten the jobs, which run again"""
    run = Run(scheduler, "forgotten").start()
    run.wait_until_all_begun()
    stop_server()
    start_server()
    start_worker()
    run.wait_until_all_begun(2)
    run.open_all()
    run.end(0)
    run.expect_text("gave it back: it was stopped")
    expect(run.times_begun() == [2, 2, 2], f"each runs again once: {run.times_begun()}")
    scheduler.expect_empty_queue()
    restore()


def of_others(scheduler):
    """jobs of others that have the numbers of those which a server has forgotten are not cancelled"""
    run = Run(scheduler, "others").start()
    run.wait_until_all_begun()
    highest = max(job["id"] for job in hq("job", "list", "--all"))
    stop_server()
    start_server()
    start_worker()
    # Its jobs have the numbers of those that it does not know any more.
    hq("submit", "--array=1-4", "--name=other", "--stdout=none", "--stderr=none", "--", "sleep", "600")
    for _ in range(highest - 1):
        hq("submit", "--name=other", "--stdout=none", "--stderr=none", "--", "sleep", "600")
    run.process.send_signal(signal.SIGINT)
    run.end(130)
    others = hq("job", "list")
    expect(len(others) == highest, f"{len(others)} of {highest} jobs of others are left: {others}")
    hq("job", "cancel", "all")
    restore()


def restore():
    """Starts the server and the worker of before again."""
    stop_server()
    start_server(f"--journal={JOURNAL}")
    # The journal has what ran when the server was stopped.
    hq("job", "cancel", "all")
    start_worker()


def without_resource(scheduler):
    """a job for which no worker has the resource is told in words, and runs as soon as one has it"""
    run = Run(scheduler, "resource", '[hq]\noptions = ["--resource=license=1"]\n')
    run.open_all()
    run.start()
    run.wait_for_text("a worker that waits in the queue of HyperQueue: no worker of HyperQueue has room for it")
    expect(run.times_begun() == [0, 0, 0], "none begins")
    start_worker("--resource=license=range(1-3)")
    run.end(0)
    expect(run.times_begun() == [1, 1, 1], f"each runs once: {run.text()}")
    scheduler.expect_empty_queue()


def refused(scheduler):
    """an invalid option fails the task with the words of hq"""
    run = Run(scheduler, "refused", '[hq]\noptions = ["--partition=none"]\n').start()
    run.end(1)
    run.expect_text("HyperQueue refuses the workers of this task: error: unexpected argument '--partition' found")
    scheduler.expect_empty_queue()


CHECKS = [
    iris,
    fan,
    cancelled,
    out_of_time,
    worker_killed,
    worker_stopped,
    adopted,
    orphans,
    interrupted,
    restarted,
    forgotten,
    of_others,
    without_resource,
    refused,
]

if __name__ == "__main__":
    main(HyperQueue(os.environ["FLOW_HQ_SHARED"]), CHECKS)
