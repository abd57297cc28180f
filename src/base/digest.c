/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

static int digest_with(EVP_MD_CTX *context, const cev_span *span, size_t n, cev_digest *out)
{
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) return 0;
    for (size_t i = 0; i < n; i++)
        if (EVP_DigestUpdate(context, span[i].data, span[i].size) != 1) return 0;
    return EVP_DigestFinal_ex(context, out->byte, NULL) == 1;
}

cev_status cev_digest_spans(const cev_span *span, size_t n, cev_digest *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok = context && digest_with(context, span, n, out);
    EVP_MD_CTX_free(context);
    return ok ? CEV_OK : cev_fail(CEV_E_MEMORY, "libcrypto cannot compute a SHA-256 digest");
}

void cev_digest_text(const cev_digest *digest, char out[CEV_DIGEST_TEXT_SIZE])
{
    for (size_t i = 0; i < CEV_DIGEST_SIZE; i++) snprintf(out + 2 * i, 3, "%02x", digest->byte[i]);
}
