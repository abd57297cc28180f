#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One scan or study in N independent parts, and a job that joins their files once all are complete:
#
#     jobs/submit-shards.sh SCAN.yaml MAP.h5 N [SBATCH OPTION...]
#     jobs/submit-shards.sh my_scan.yaml my_map.h5 16 --time=04:00:00 --account=NAME
#
# The options are for the parts; --account, --partition, --qos and --reservation, written with =, also for the job that joins. Prints
# the numbers of both jobs.
set -eu

if [ $# -lt 3 ]; then
  echo "usage: submit-shards.sh SCAN.yaml MAP.h5 N [SBATCH OPTION...]" >&2
  exit 2
fi
scan=$1 map=$2 n=$3
shift 3
case $n in
  '' | 0* | *[!0-9]*)
    echo "submit-shards.sh: $n is no number of parts" >&2
    exit 2 ;;
esac
if [ -e "$map" ]; then
  echo "submit-shards.sh: $map exists already; choose another name, or remove it" >&2
  exit 2
fi

merge_options=()
for option in "$@"; do
  case $option in --account=* | --partition=* | --qos=* | --reservation=*) merge_options+=("$option") ;; esac
done

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
parts=$(sbatch --parsable --array="1-$n" "$@" "$here/shard.sbatch" "$scan" "$map" "$n")
parts=${parts%%;*} # a cluster's name may follow
merge=$(sbatch --parsable --dependency="afterok:$parts" --kill-on-invalid-dep=yes ${merge_options[@]+"${merge_options[@]}"} \
  "$here/merge.sbatch" "$map" "$n")
echo "parts $parts, merge ${merge%%;*}"
