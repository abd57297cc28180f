#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the fuzzers with clang's libFuzzer, address and undefined-behaviour sanitizers, and runs each of them.
#   tests/fuzz/run.sh [SECONDS [FUZZER...]]       default: 60 seconds for each of study (scans, too), experiment, map and map_bytes
# What it finds lies in $BUILD/findings, the growing corpus in $BUILD/corpus (BUILD is build/fuzz by default).
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 1 ] && fuzzers=("${@:2}") || fuzzers=(study experiment map map_bytes)
build=${BUILD:-build/fuzz}
mkdir -p "$build/findings"

echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
  clang -x c - -fsanitize=fuzzer,address,undefined -o "$build/probe" 2>/dev/null ||
  { echo "fuzz: clang with libFuzzer is missing (Debian: clang libclang-rt-14-dev)" >&2; exit 1; }

hdf5=$(for p in hdf5-openmpi hdf5-mpi hdf5; do pkg-config --exists $p && echo $p && break; done)
mpi=$(for p in ompi-c mpi-c ompi mpich; do pkg-config --exists $p && echo $p && break; done)
packages="$hdf5 $mpi gsl yaml-0.1 jansson libcrypto muparser"
read -ra headers < <(pkg-config --cflags $packages | sed 's/-I/-isystem /g')
read -ra libraries < <(pkg-config --libs $packages)
flags=(-std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-math-errno -ffp-contract=off -DCEV_NO_DISPATCH -Wno-psabi -Iinclude -DCEVSCAN_COMMIT='"fuzz"'
       -fsanitize=address,undefined -fno-sanitize-recover=undefined)

# All rooms of the library but those that need MPI and OpenMP at run time.
objects=()
for source in src/{base,physics,detector,experiment,stats,scan,engine,store,config}/*.c; do
  object=$build/${source//\//_}.o
  [ "$object" -nt "$source" ] && [ -z "$(find include src -name '*.h' -newer "$object" -print -quit)" ] ||
    clang "${flags[@]}" "${headers[@]}" -fsanitize=fuzzer-no-link -c "$source" -o "$object"
  objects+=("$object")
done

# Experiments are looked for in an empty folder only, and nothing is written but below $build.
mkdir -p "$build/empty"
export CEVSCAN_PATH=$PWD/$build/empty
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb=2048:quarantine_size_mb=32
export HDF5_USE_FILE_LOCKING=FALSE
failed=0
for fuzzer in "${fuzzers[@]}"; do
  sources=("tests/fuzz/fuzz_$fuzzer.c")
  case $fuzzer in map*) sources+=(tests/fuzz/inspect_bytes.c tests/fuzz/edit_map.c) ;; esac
  clang "${flags[@]}" "${headers[@]}" -fsanitize=fuzzer "${sources[@]}" "${objects[@]}" "${libraries[@]}" -lhdf5_hl -lm \
    -o "$build/fuzz_$fuzzer"
  seeds=("$PWD/tests/fuzz/corpus/${fuzzer%_bytes}")
  dictionary=$PWD/tests/fuzz/yaml.dict longest=6000 patience=10
  case $fuzzer in
    study) seeds+=("$PWD"/tests/fuzz/corpus/scan "$PWD"/configs/{scans,studies}) ;;
    experiment) seeds+=("$PWD/configs/experiments") ;;
    map_bytes) ASAN_OPTIONS+=:max_allocation_size_mb=256 patience=60 ;;& # what a damaged length asks for takes its time
    map*) dictionary=$PWD/tests/fuzz/hdf5.dict longest=131072 ;;
  esac
  mkdir -p "$build/corpus/$fuzzer"
  echo "== $fuzzer, $seconds s"
  (cd "$build/empty" && "../fuzz_$fuzzer" -max_total_time="$seconds" -max_len=$longest -timeout=$patience -report_slow_units=$patience -rss_limit_mb=4096 \
    -dict="$dictionary" -print_final_stats=1 -verbosity="${VERBOSITY:-0}" -artifact_prefix="../findings/$fuzzer-" \
    ${FUZZ_FLAGS:-} "../corpus/$fuzzer" "${seeds[@]}") || failed=1
done
exit $failed
