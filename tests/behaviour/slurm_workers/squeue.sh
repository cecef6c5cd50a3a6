#!/bin/sh
. "$(dirname "$0")/common.sh"
# As many questions as the file says find nothing.
if [ -e "$state/hidden" ]; then
    left=$(($(cat "$state/hidden") - 1))
    if [ "$left" -gt 0 ]; then put "$state/hidden" "$left"; else rm "$state/hidden"; fi
    exit 0
fi
for option; do
    case "$option" in
    --name=*) names=${option#--name=} ;;
    esac
done
for job in "$state"/[0-9]*; do
    [ -e "$job/name" ] || continue
    name=$(cat "$job/name")
    case ",$names," in
    *",$name,"*)
        for file in "$job"/*.state; do
            task=${file##*/}
            word=$(cat "$file")
            if [ "$word" = PENDING ]; then reason=Priority; else reason=None; fi
            echo "${job##*/}|${task%.state}|$word|$name|node7|$reason"
        done
        ;;
    esac
done
