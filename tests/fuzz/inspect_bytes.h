/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzzers of maps share. */
#ifndef CEVSCAN_FUZZ_INSPECT_BYTES_H
#define CEVSCAN_FUZZ_INSPECT_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Reads the map that these bytes are, from a file in memory, and touches all that was read. */
void inspect_bytes(const uint8_t *data, size_t size);

/* Some random edits of the map data[size]; its new size, at most max_size. Unchanged if it is no HDF5 file, or grows
 * too large. */
size_t edit_map(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
