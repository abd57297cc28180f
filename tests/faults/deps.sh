#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes sure that what the tests of this folder need is there. As root on Debian and Ubuntu it installs what is missing; otherwise it
# names each missing piece. Without them the tests are skipped.
set -u
declare -A given_by=([slurmctld]=slurm-wlm [slurmd]=slurm-wlm [sbatch]=slurm-wlm [munged]=munge [ip]=iproute2 [nsenter]=util-linux
                     [unshare]=util-linux [mpirun]=openmpi-bin)
PATH=$PATH:/usr/sbin:/sbin
missing=()
for program in "${!given_by[@]}"; do
  command -v "$program" >/dev/null || missing+=("${given_by[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "cevscan: missing for the tests of SLURM and hosts: ${missing[*]}" >&2
exit 1
