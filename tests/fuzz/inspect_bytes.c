/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cevscan/map.h"

static char path[] = "/dev/shm/fuzz-map-XXXXXX"; /* in memory */
static pid_t owner;

static void remove_file(void)
{
    if (getpid() == owner) unlink(path);
}

static void use(const cev_map_info *info)
{
    volatile size_t sum = strlen(info->progress.content_hash) + strlen(info->progress.start) +
                          strlen(info->progress.end);
    for (size_t k = 0; k < info->n_text; k++) sum += strlen(info->text[k].name) + strlen(info->text[k].value);
    for (size_t a = 0; a < info->n_axis; a++) sum += strlen(info->axis_name[a]);
    for (size_t t = 0; t < info->n_tile; t++) sum += info->done[t];
    uint64_t n = 0;
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++) n += info->status_count[s];
    if (n != info->n_point || info->n_tile_done > info->n_tile || info->n_tile > info->n_point) {
        fprintf(stderr, "runtime error: the map contradicts itself\n");
        abort();
    }
}

void inspect_bytes(const uint8_t *data, size_t size)
{
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        owner = getpid();
        atexit(remove_file);
    }
    if (file < 0 || ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size) abort();
    cev_map_info *info;
    if (cev_map_inspect(path, &info) == CEV_OK) use(info);
    cev_map_info_destroy(&info);
}
