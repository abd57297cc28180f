/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan and study files. One that is accepted must also be accepted in its resolved form, as a map keeps it, and be the
 * same; and the scan that each of its maps is must be one that a scan file can say. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/study.h"

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n%s\n", what, cev_error_message(), text);
    abort();
}

static void check_resolved(const cev_study_config *study)
{
    cev_study_config *again;
    if (cev_study_config_parse(study->resolved, "resolved", &again) != CEV_OK)
        fail("the resolved file is refused", study->resolved);
    if (again->is_scan != study->is_scan || again->n_map != study->n_map ||
        memcmp(&study->identity, &again->identity, sizeof again->identity))
        fail("the resolved file is another one", study->resolved);
    cev_study_config_destroy(&again);
}

static void check_map(const cev_study_config *study, size_t map)
{
    cev_scan_config *scan, *again;
    if (cev_study_scan(study, map, &scan) != CEV_OK) fail("a map is no scan", study->resolved);
    if (cev_scan_config_parse(scan->resolved, "scan", &again) != CEV_OK)
        fail("a map's scan is refused", scan->resolved);
    if (memcmp(&scan->identity, &again->identity, sizeof again->identity))
        fail("a map's scan is another one", scan->resolved);
    cev_scan_config_destroy(&again);
    cev_scan_config_destroy(&scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cev_study_config *study;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    if (cev_study_config_parse(text, "fuzz", &study) == CEV_OK) {
        check_resolved(study);
        for (size_t k = 0; k < study->n_map && k < 20; k++)
            check_map(study, k < 10 ? k : study->n_map - 1 - (k - 10) % study->n_map);
    }
    cev_study_config_destroy(&study);
    free(text);
    return 0;
}
