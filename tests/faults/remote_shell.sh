#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What ssh is to mpirun: remote_shell.sh TAG [OPTION...] ADDRESS COMMAND... runs the command on the host (hosts.py) with this address.
# Like ssh it stays on the own host itself, and does not learn what becomes of a host that is unplugged.
tag=$1
shift
while [[ $1 == -* ]]; do shift; done
host=h$((${1##*.} - 1))
space=/run/netns/$tag$host
shift
nsenter --net="$space" unshare --uts -- sh -c 'hostname "$0" && exec sh -c "$1"' "$host" "$*" &
wait $!
code=$?
[ "$code" -gt 128 ] || exit "$code"
[[ $(ip -n "$tag$host" link show e0 up) ]] || exec sleep infinity
exit 255
