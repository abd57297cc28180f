/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps that are sound HDF5 files, but not what a map should be: the mutator edits them through HDF5 itself
 * (edit_map.c). The reader, which is instrumented, must stand whatever a well-formed file says. */
#include "inspect_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    inspect_bytes(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return edit_map(data, size, max_size, seed);
}
