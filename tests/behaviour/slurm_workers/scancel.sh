#!/bin/sh
# Cancels arrays, such as 5, and single tasks, such as 5_2.
. "$(dirname "$0")/common.sh"
for id; do
    job=${id%_*}
    for file in "$state/$job"/*.state; do
        task=${file##*/}
        task=${task%.state}
        if [ "$id" != "$job" ] && [ "$id" != "${job}_$task" ]; then continue; fi
        if [ "$(cat "$file")" = RUNNING ]; then
            put "$file" CANCELLED
            while [ ! -e "$state/$job/$task.pid" ]; do sleep 0.01; done
            kill "$(cat "$state/$job/$task.pid")" 2>/dev/null
        fi
    done
done
exit 0
