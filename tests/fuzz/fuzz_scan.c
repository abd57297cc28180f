/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan files. One that is accepted must also be accepted in its resolved form, as a map keeps it, and be the same scan.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/config.h"

static void check_resolved(const cev_scan_config *config)
{
    cev_scan_config *again;
    if (cev_scan_config_parse(config->resolved, "resolved", &again) != CEV_OK) {
        fprintf(stderr, "the resolved scan is refused: %s\n%s\n", cev_error_message(), config->resolved);
        abort();
    }
    if (memcmp(&config->identity, &again->identity, sizeof again->identity)) {
        fprintf(stderr, "the resolved scan is another one:\n%s\n%s\n", config->resolved, again->resolved);
        abort();
    }
    cev_scan_config_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cev_scan_config *config;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    if (cev_scan_config_parse(text, "fuzz", &config) == CEV_OK) check_resolved(config);
    cev_scan_config_destroy(&config);
    free(text);
    return 0;
}
