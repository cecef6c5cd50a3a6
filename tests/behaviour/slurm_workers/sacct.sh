#!/bin/sh
echo "Slurm accounting storage is disabled" >&2
exit 1
