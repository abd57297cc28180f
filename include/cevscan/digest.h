/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256, by libcrypto. Chosen over faster hashes because every language a user may check a map with has it. */
#ifndef CEVSCAN_DIGEST_H
#define CEVSCAN_DIGEST_H

#include <stddef.h>

#include "cevscan/status.h"

enum { CEV_DIGEST_SIZE = 32, CEV_DIGEST_TEXT_SIZE = 65 };

typedef struct cev_digest {
    unsigned char byte[CEV_DIGEST_SIZE];
} cev_digest;

typedef struct cev_span {
    const void *data;
    size_t size; /* bytes */
} cev_span;

/* The digest of `n` spans, one after the other. */
cev_status cev_digest_spans(const cev_span *span, size_t n, cev_digest *out);

/* Lower-case hexadecimal, null-terminated. */
void cev_digest_text(const cev_digest *digest, char out[CEV_DIGEST_TEXT_SIZE]);

#endif
