/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* The header fills one aligned unit, so that the payload behind it keeps the alignment. */
typedef struct block {
    struct block *next;
} block;

struct cev_arena {
    block *first;
};

cev_status cev_arena_create(cev_arena **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

void cev_arena_destroy(cev_arena **arena)
{
    if (!arena || !*arena) return;
    for (block *b = (*arena)->first; b;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(*arena);
    *arena = NULL;
}

cev_status cev_arena_allocate(cev_arena *arena, size_t count, size_t size, void **out)
{
    *out = NULL;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - 2 * ALIGNMENT)
        return cev_fail(CEV_E_MEMORY, "%zu objects of %zu bytes do not fit into memory", count, size);
    size_t padded = (bytes + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *b = aligned_alloc(ALIGNMENT, padded);
    if (!b) return cev_fail(CEV_E_MEMORY, "out of memory (%zu bytes)", padded);
    memset(b, 0, padded);
    b->next = arena->first;
    arena->first = b;
    *out = (char *)b + ALIGNMENT;
    return CEV_OK;
}

cev_status cev_arena_copy_text(cev_arena *arena, const char *text, char **out)
{
    size_t size = strlen(text) + 1;
    CEV_TRY(cev_arena_allocate(arena, size, 1, (void **)out));
    memcpy(*out, text, size);
    return CEV_OK;
}

cev_status cev_arena_keep_text(cev_arena *arena, const char *text, const char **out)
{
    char *copy;
    CEV_TRY(cev_arena_copy_text(arena, text, &copy));
    *out = copy;
    return CEV_OK;
}

cev_status cev_arena_print(cev_arena *arena, char **out, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    cev_status status = length < 0 ? cev_fail(CEV_E_INPUT, "a text cannot be formatted")
                                   : cev_arena_allocate(arena, (size_t)length + 1, 1, (void **)out);
    if (status == CEV_OK) vsnprintf(*out, (size_t)length + 1, format, again);
    va_end(again);
    return status;
}
