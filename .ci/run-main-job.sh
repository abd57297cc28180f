#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job: the (eps_ee_uV, eps_mumu_uV) plane of CsI, Si and CsI + Si at the ESS, on all local cores, and its picture.
# Usage: run-main-job.sh RANKS PYTHON. An interrupted run goes on where it was.
set -eu
ranks=$1 python=$2
launch=()
if [ "$ranks" -gt 1 ]; then
  launch=(mpirun -n "$ranks" --bind-to none)
  # Open MPI refuses to run as root unless told twice; inside a container root is the only user there is.
  [ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
mkdir -p results
for scan in ess_csi ess_si ess_csi_si; do
  "${launch[@]}" bin/cevscan run "configs/scans/$scan.yaml" -o "results/$scan.h5"
done
"$python" analysis/plot_map.py results/ess_csi.h5 results/ess_si.h5 results/ess_csi_si.h5 -o results/ess_csi_si.pdf
"$python" analysis/plot_map.py results/ess_csi.h5 results/ess_si.h5 results/ess_csi_si.h5 -o results/ess_csi_si.png
echo "maps and pictures are in results/"
