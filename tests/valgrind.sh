#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The unit tests and small scans under valgrind: any error or definite leak of ours fails. Usage: valgrind.sh BUILD PROGRAM
set -u
# What the program would start itself anew for: valgrind would lose it.
export OMP_WAIT_POLICY=passive GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4
build=$1 program=$2
here=$(cd "$(dirname "$0")" && pwd)
export CEVSCAN_PATH=$here/../configs OMP_WAIT_POLICY=passive CEVSCAN_CONFIGS=$here/../configs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0 passed=0
check() {
  if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --suppressions="$here/mpi.valgrind.supp" \
    "$@" >"$folder/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "valgrind: failed: $*"
    tail -n 40 "$folder/log"
  fi
}
for test in "$build"/tests/*; do [ -x "$test" ] && check "$test"; done
cat >"$folder/scan.yaml" <<Y
{scan: small, experiments: [ess_csi, ess_si], interaction: nsi, store_pulls: true, tile: [8, 8],
 parameters: [{name: eps_ee_uV, min: -0.2, max: 0.6, points: 19}, {name: eps_mumu_uV, min: -0.2, max: 0.6, points: 21},
 {name: eps_etau_uV, value: 0.05}]}
Y
check "$program" run -q -t 2 -o "$folder/map.h5" "$folder/scan.yaml"
check "$program" status "$folder/map.h5"
check "$program" point "$folder/scan.yaml" --set eps_ee_uV=0.1
check "$program" rates -e ess_c3f8,ess_ge
check "$program" check "$folder/scan.yaml"
check "$program" describe
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
