#!/bin/sh
echo "slurm_load_jobs error: Invalid job id specified" >&2
exit 1
