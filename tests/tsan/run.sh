#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The tile loop under clang's thread sanitizer, with libomp and its Archer, which tells the sanitizer what OpenMP synchronises.
# (gcc's libgomp tells it nothing.)  First without MPI, on all tiles; then the program itself.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build/tsan}
mkdir -p "$build"

echo 'int main(void) { return 0; }' | clang -x c - -fsanitize=thread -fopenmp=libomp -o "$build/probe" 2>/dev/null ||
  { echo "tsan: clang with its thread sanitizer and libomp is missing (Debian: clang libclang-rt-14-dev libomp-14-dev)" >&2; exit 1; }

hdf5=$(for p in hdf5-openmpi hdf5-mpi hdf5; do pkg-config --exists $p && echo $p && break; done)
mpi=$(for p in ompi-c mpi-c ompi mpich; do pkg-config --exists $p && echo $p && break; done)
packages="$hdf5 $mpi gsl yaml-0.1 jansson libcrypto muparser"
read -ra headers < <(pkg-config --cflags $packages | sed 's/-I/-isystem /g')
read -ra libraries < <(pkg-config --libs $packages)
flags=(-std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-math-errno -ffp-contract=off -DCEV_NO_DISPATCH -Wno-psabi
       "-I$build" -Iinclude -DCEVSCAN_COMMIT='"tsan"' -fopenmp=libomp -fsanitize=thread)

# The sanitizer does not look at vectors of more than 16 bytes: two lanes here, in place of eight.
mkdir -p "$build/cevscan"
sed 's/CEV_LANES = [0-9]*/CEV_LANES = 2/' include/cevscan/lanes.h >"$build/cevscan/lanes.h"
grep -q 'CEV_LANES = 2' "$build/cevscan/lanes.h"
compile() { clang "${flags[@]}" "${headers[@]}" "$@" "${libraries[@]}" -lhdf5_hl -lm; }

library=(src/{base,physics,detector,experiment,stats,scan,engine,parallel,store,config,job}/*.c)
compile tests/tsan/tile_loop.c "${library[@]}" -o "$build/tile_loop"
compile src/{cli,bench}/*.c "${library[@]}" -o "$build/program"

archer=$(ls /usr/lib/llvm-*/lib/libarcher.so /usr/lib/*/libarcher.so 2>/dev/null | head -n 1 || true)
[ -n "$archer" ] || { echo "tsan: libarcher.so is missing (Debian: libomp-14-dev)" >&2; exit 1; }
export OMP_TOOL_LIBRARIES=$archer ARCHER_OPTIONS=verbose=0 OMP_WAIT_POLICY=passive CEVSCAN_PATH=$PWD/configs
options=halt_on_error=0:exitcode=66:ignore_noninstrumented_modules=1:suppressions=$PWD/tests/tsan/libraries.supp:print_suppressions=0

echo "== a deliberate race is seen"
code=0
TSAN_OPTIONS=$options "$build/tile_loop" tests/tsan/scan.yaml race >"$build/race.log" 2>&1 || code=$?
[ $code -eq 66 ] && grep -q "ThreadSanitizer: data race" "$build/race.log" || { echo "tsan: it is not seen: $code"; exit 1; }

echo "== the tile loop"
TSAN_OPTIONS=$options "$build/tile_loop" tests/tsan/scan.yaml

# Without what Archer says, the sanitizer must take the loop's end for a race: so Archer speaks, and the sanitizer listens.
echo "== without Archer the end of the loop is taken for a race"
code=0
TSAN_OPTIONS=$options OMP_TOOL=disabled "$build/tile_loop" tests/tsan/scan.yaml >"$build/deaf.log" 2>&1 || code=$?
[ $code -eq 66 ] || { echo "tsan: it is not: $code"; exit 1; }

# mpirun refuses to start as root otherwise; for these only.
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
program() { # the file to run; the command
  rm -f "$build"/map.h5*
  TSAN_OPTIONS=$options "${@:2}" --quiet -o "$build/map.h5" "$1"
  rm -f "$build"/map.h5*
}
echo "== the program, alone"
program tests/tsan/scan.yaml "$build/program" run --threads 3
echo "== a study, alone"
program tests/tsan/study.yaml "$build/program" study --threads 3
echo "== the program on two ranks, whose first threads poll while the others compute"
program tests/tsan/scan.yaml mpirun --oversubscribe --bind-to none -n 2 "$build/program" run --threads 2
echo "== a study on two ranks"
program tests/tsan/study.yaml mpirun --oversubscribe --bind-to none -n 2 "$build/program" study --threads 2
echo "clean"
