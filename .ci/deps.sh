#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes sure that what cevscan needs is there. Usage: deps.sh run [test]
# As root on Debian and Ubuntu it installs what is missing; otherwise it names each missing piece and how to get it.
set -u

run=(gcc libc6-dev make pkg-config openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libgsl-dev libyaml-dev libjansson-dev libssl-dev libmuparser-dev
     python3 python3-h5py python3-numpy python3-matplotlib)
test=(git clang-format libcmocka-dev python3-pytest python3-pytest-xdist python3-scipy python3-xarray python3-h5netcdf hdf5-tools)

wanted=()
for set in "$@"; do
  case $set in
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    *) echo "deps.sh: unknown set $set" >&2; exit 2 ;;
  esac
done

# What a package gives, so that a machine without dpkg (or with modules in its place) can be checked too.
given_by() {
  case $1 in
    gcc|make|git|clang-format) command -v "$1" ;;
    libc6-dev) echo '#include <stdio.h>' | gcc -E - ;;
    pkg-config) command -v "${PKG_CONFIG:-pkg-config}" ;;
    openmpi-bin) command -v mpirun ;;
    libopenmpi-dev) pkg-config --exists ompi-c || pkg-config --exists mpich ;;
    libhdf5-openmpi-dev) pkg-config --exists hdf5-openmpi || pkg-config --exists hdf5-mpi || pkg-config --exists hdf5 ;;
    libgsl-dev) pkg-config --exists gsl ;;
    libyaml-dev) pkg-config --exists yaml-0.1 ;;
    libjansson-dev) pkg-config --exists jansson ;;
    libssl-dev) pkg-config --exists libcrypto ;;
    libmuparser-dev) pkg-config --exists muparser ;;
    libcmocka-dev) pkg-config --exists cmocka ;;
    hdf5-tools) command -v h5dump ;;
    python3) [ -x /usr/bin/python3 ] ;;
    python3-pytest-xdist) /usr/bin/python3 -c "import xdist" ;;
    python3-*) /usr/bin/python3 -c "import ${1#python3-}" ;;
  esac >/dev/null 2>&1
}

missing=()
for package in "${wanted[@]}"; do given_by "$package" || missing+=("$package"); done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if (apt-get update && apt-get install -y --no-install-recommends "${missing[@]}") >"$log" 2>&1; then exit 0; fi
  tail -n 20 "$log" >&2
  echo "cevscan: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi

echo "cevscan: missing: ${missing[*]}" >&2
if command -v apt-get >/dev/null; then
  echo "  ask an administrator for: apt-get install --no-install-recommends ${missing[*]}" >&2
else
  echo "  (Debian's names.) On a cluster look for modules: gcc, OpenMPI, HDF5 (parallel), GSL, libyaml, jansson, OpenSSL, Python with" >&2
  echo "  h5py and matplotlib; if pkg-config does not find them, set LIB_CFLAGS and LIB_LIBS on make's command line." >&2
fi
exit 1
