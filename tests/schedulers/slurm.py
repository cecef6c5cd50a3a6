"""Checks the executor `slurm` with a real Slurm, which `.ci/slurm` starts.

    .ci/slurm python3 tests/schedulers/slurm.py target/debug/fan target/debug/examples/iris
"""

import os
from pathlib import Path

from checks import Run, Scheduler, adopted, call, expect, fan, interrupted, iris, main, orphans, out_of_time, wait_for

NODE = os.environ["FLOW_SLURM_NODE"]


class Slurm(Scheduler):
    name = "slurm"
    job_variables = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")

    def queue(self):
        listed = call("squeue", "--noheader", "--array", "--me", "--format=%i %T %j")
        return listed.stdout.splitlines() if listed.returncode == 0 else ["the controller does not answer"]

    def clear(self):
        call("scancel", "--me")


def cancelled(slurm):
    """a job that is cancelled by scancel is told in words, and runs again"""
    run = Run(slurm, "cancelled").start()
    run.wait_until_begun(0)
    cancelled = call("scancel", "_".join(run.job(0)))
    expect(cancelled.returncode == 0, cancelled.stderr)
    run.open(1, 2)
    run.wait_until_begun(0, 2)
    run.open(0)
    run.end(0)
    run.expect_text("of Slurm on " + NODE + " was cancelled by a user")
    slurm.expect_empty_queue()


def out_of_memory(slurm):
    """a job that is out of memory is told in words, and the rest goes on"""
    run = Run(slurm, "memory", '[slurm]\nmemory = "200 MiB"\n')
    run.open(1, 2)
    run.start("--param", "Gated.megabytes=1000")
    run.end(1)
    run.expect_text("out of memory: job ")
    run.expect_text("needs more than its limit of 200 MiB")
    expect(run.times_begun() == [1, 1, 1], "each begins once")
    slurm.expect_empty_queue()


def node_down(slurm):
    """a job whose node is set down is told in words, and runs again"""
    run = Run(slurm, "node").start()
    run.wait_until_all_begun()
    call("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    wait_for("the jobs end", lambda: not Path(f"/proc/{run.begun(0)[0]}").exists())
    call("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    run.open_all()
    run.end(0)
    run.expect_text("was lost, because its machine has failed or was set down")
    slurm.expect_empty_queue()


def restarted(slurm):
    """a controller that is restarted in the middle of a run is no failure"""
    run = Run(slurm, "restarted").start()
    run.wait_until_all_begun()
    restarted = call(os.environ["FLOW_SLURM_RESTART"], "8")
    expect(restarted.returncode == 0, restarted.stderr)
    run.open_all()
    run.end(0)
    expect(run.times_begun() == [1, 1, 1], "each runs once")
    slurm.expect_empty_queue()


def refused(slurm):
    """an invalid partition fails the task with the words of sbatch"""
    run = Run(slurm, "refused", '[slurm]\npartition = "none"\n').start()
    run.end(1)
    run.expect_text("invalid partition specified: none")
    run.expect_text("(the option is `--partition=none`)")
    slurm.expect_empty_queue()


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

if __name__ == "__main__":
    main(Slurm(os.environ["FLOW_SLURM_SHARED"]), CHECKS)
