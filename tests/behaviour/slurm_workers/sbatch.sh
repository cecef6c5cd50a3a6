#!/bin/sh
# Starts each task of an array as a process in the background.
. "$(dirname "$0")/common.sh"
for option; do
    case "$option" in
    --array=1-*) count=${option#--array=1-} ;;
    --job-name=*) name=${option#--job-name=} ;;
    --output=*) output=${option#--output=} ;;
    --partition=none)
        echo "sbatch: error: invalid partition specified: none" >&2
        echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2
        exit 1
        ;;
    --*) ;;
    *) break ;;
    esac
    shift
done
if [ -e "$state/limit" ] && [ "$count" -gt "$(cat "$state/limit")" ]; then
    echo "sbatch: error: AssocMaxSubmitJobLimit" >&2
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)" >&2
    exit 1
fi
script=$1
shift
id=1
while ! mkdir "$state/$id" 2>/dev/null; do id=$((id + 1)); done
put "$state/$id/name" "$name"
# The file of the script may be gone as soon as this ends.
cp "$script" "$state/$id/script"
script=$state/$id/script
next=
# The program of a test takes its options from its environment.
for word; do
    case "$word" in
    --data | --pool | --exit-when-idle | --time-limit) next=$word ;;
    *)
        case "$next" in
        --data) FLOW_TEST_SLURM_WORKER=$word ;;
        --pool) FLOW_TEST_POOL=$word ;;
        --exit-when-idle) FLOW_TEST_IDLE=$word ;;
        --time-limit) ;;
        *) set -- "$@" "$word" ;;
        esac
        next=
        ;;
    esac
    shift
done
export FLOW_TEST_SLURM_WORKER FLOW_TEST_POOL FLOW_TEST_IDLE
task=0
while [ "$task" -lt "$count" ]; do
    task=$((task + 1))
    if [ -e "$state/pending" ]; then begin=PENDING; else begin=RUNNING; fi
    put "$state/$id/$task.state" "$begin"
    (
        trap '' INT
        if [ "$begin" = PENDING ]; then
            while [ -e "$state/pending" ]; do sleep 0.05; done
            put "$state/$id/$task.state" RUNNING
        fi
        out=$(echo "$output" | sed "s/%a/$task/")
        SLURM_ARRAY_JOB_ID=$id SLURM_ARRAY_TASK_ID=$task HQ_JOB_ID=$id HQ_TASK_ID=$task /bin/sh "$script" "$@" >"$out" 2>&1 &
        put "$state/$id/$task.pid" "$!"
        wait "$!"
        code=$?
        if [ "$(cat "$state/$id/$task.state")" = RUNNING ]; then
            if [ "$code" = 0 ]; then end=COMPLETED; else end=FAILED; fi
            put "$state/$id/$task.state" "$end"
        fi
    ) </dev/null >/dev/null 2>&1 &
done
if [ -e "$state/late" ]; then
    # It has accepted the array, and does not say so. The first question does not find it.
    mv "$state/late" "$state/hidden"
    echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
    exit 1
fi
echo "$id"
