/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that lives and dies together.
 *
 * An object that owns many small arrays (an experiment, a model, a scan) allocates them all from its arena and frees
 * them with one call, so that no error path has a list of things to undo. Each block is its own allocation, so that
 * the address sanitizer still sees an overrun between two blocks. Not thread-safe: an arena has one user at a time. */
#ifndef CEVSCAN_ARENA_H
#define CEVSCAN_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "cevscan/status.h"

typedef struct cev_arena cev_arena;

/* Creates an empty arena. The caller owns it. */
cev_status cev_arena_create(cev_arena **out);

/* Frees every block of *arena and the arena; accepts NULL and *arena == NULL, and sets *arena to NULL. */
void cev_arena_destroy(cev_arena **arena);

/* `count` objects of `size` bytes, zeroed, aligned to 64 bytes (a cache line and the widest SIMD register); never NULL
 * on CEV_OK, even for zero bytes. Fails with CEV_E_MEMORY, also when count * size overflows. `*out` is a void * by
 * contract: pass the address of any object pointer through cev_new(). */
cev_status cev_arena_allocate(cev_arena *arena, size_t count, size_t size, void **out);

/* CEV_TRY-able allocation of `count` objects of the type that `pointer` points to. */
#define cev_new(arena, count, pointer) cev_arena_allocate((arena), (count), sizeof **(pointer), (void **)(pointer))

/* A copy of `text` in the arena, to be changed or to be kept. */
cev_status cev_arena_copy_text(cev_arena *arena, const char *text, char **out);
cev_status cev_arena_keep_text(cev_arena *arena, const char *text, const char **out);

/* printf into the arena. */
cev_status cev_arena_print(cev_arena *arena, char **out, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
