# A stand-in for Slurm: the programs of this folder source this. A job is a folder of the state, with a file for the state of each task.
state="$(dirname "$0")/state"
mkdir -p "$state"

if [ -e "$state/down" ]; then
    echo "${0##*/}: error: Unable to contact slurm controller (connect failure)" >&2
    exit 1
fi

if [ -e "$state/unconfigured" ]; then
    echo "${0##*/}: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host" >&2
    echo "${0##*/}: fatal: Could not establish a configuration source" >&2
    exit 1
fi

# Replaces the content of a file at once.
put() {
    echo "$2" >"$1.new$$"
    mv "$1.new$$" "$1"
}
