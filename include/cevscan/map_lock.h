/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job writes a map at a time: a file MAP.h5.lock beside the map says which.
 *
 * The file is made exclusively, which every file system can do, shared ones without locks included. It names host,
 * boot, pid namespace (two containers may have one host's name), process and SLURM job, and a thread of the holder
 * renews its time every two seconds. A lock whose holder is gone does not block: a process of this host, boot and pid
 * namespace that no longer runs, an earlier life of this very SLURM job, or a holder elsewhere that has not renewed its
 * lock for twelve seconds of watching. A holder that was taken for dead, and lives, learns that it lost the lock; what
 * it may still have written are tiles, which are the same whoever computes them. */
#ifndef CEVSCAN_MAP_LOCK_H
#define CEVSCAN_MAP_LOCK_H

#include <stdbool.h>

#include "cevscan/status.h"

typedef struct cev_map_lock cev_map_lock;

/* CEV_E_INPUT, naming the holder, if another job is writing the map; CEV_E_IO if the file cannot be made. May take
 * twelve seconds where the holder cannot be asked for. */
cev_status cev_map_lock_take(const char *map_path, cev_map_lock **out);

/* Whether somebody else has taken the lock over: this job must not touch the map any more. */
bool cev_map_lock_lost(const cev_map_lock *lock);

/* Removes the lock of a job that is known to be dead, as one that was killed between its last write and its end leaves
 * beside a complete map. Never waits for longer than an instant, and never fails: other locks stay. */
void cev_map_lock_sweep(const char *map_path);

/* Gives the lock back; accepts NULL. */
void cev_map_lock_release(cev_map_lock **lock);

#endif
