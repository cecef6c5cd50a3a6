#!/bin/sh
# A stand-in for the command of HyperQueue: it passes all on to those of Slurm.
. "$(dirname "$0")/common.sh"
folder=$(dirname "$0")
shift
case "$1 $2" in
"job list")
    echo "["
    comma=
    for job in "$state"/[0-9]*; do
        [ -e "$job/name" ] || continue
        echo "$comma{\"id\": ${job##*/}, \"name\": \"$(cat "$job/name")\"}"
        comma=,
    done
    echo "]"
    ;;
"job info")
    echo "["
    jobs=
    for job in $(echo "$3" | tr , ' '); do
        name=$(cat "$state/$job/name")
        echo "$jobs{\"info\": {\"id\": $job, \"name\": \"$name\"}, \"tasks\": ["
        tasks=
        for file in "$state/$job"/*.state; do
            task=${file##*/}
            case "$(cat "$file")" in
            RUNNING) word=running ;;
            COMPLETED) word=finished ;;
            CANCELLED) word=canceled ;;
            *) word=failed ;;
            esac
            # As HyperQueue, which does not say where a cancelled task has run.
            worker=', "worker": 3'
            [ "$word" != canceled ] || worker=
            echo "$tasks{\"id\": ${task%.state}, \"state\": \"$word\"$worker}"
            tasks=,
        done
        echo "]}"
        jobs=,
    done
    echo "]"
    ;;
"job cancel")
    "$folder/scancel" $(echo "$3" | tr , ' ')
    ;;
"submit "*)
    shift
    for option; do
        shift
        case "$option" in
        --array=*) array=$option ;;
        --name=*) name=${option#--name=} ;;
        --stderr=*) output=$(echo "${option#--stderr=}" | sed 's/%{TASK_ID}/%a/') ;;
        --) break ;;
        esac
    done
    id=$("$folder/sbatch" "$array" "--job-name=$name" "--output=$output" "$folder/exec" "$@") || exit 1
    echo "{\"id\": $id}"
    ;;
*)
    echo "{\"error\": \"unexpected argument '$1'\"}"
    exit 1
    ;;
esac
