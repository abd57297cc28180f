#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What ssh is to mpirun: remote_shell.sh TAG [OPTION...] ADDRESS COMMAND... runs the command on the host (hosts.py) with this address.
tag=$1
shift
while [[ $1 == -* ]]; do shift; done
host=h$((${1##*.} - 1))
shift
exec nsenter --net="/run/netns/$tag$host" unshare --uts -- sh -c 'hostname "$0" && exec sh -c "$1"' "$host" "$*"
