/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes two configurations different ones, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/study.h"

enum { MOST_WORDS = 200 };

static void describe(const json_t *value, char *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    snprintf(out, MOST_WORDS, "%s", text ? text : "");
    if (text && strlen(text) >= MOST_WORDS) snprintf(out + MOST_WORDS - 4, 4, "...");
    free(text);
}

static void say(const char *path, const json_t *ours, const json_t *theirs, char *out, size_t size)
{
    char one[MOST_WORDS], other[MOST_WORDS];
    describe(ours, one);
    describe(theirs, other);
    if (ours && theirs)
        snprintf(out, size, "%s: %s, not %s", path, one, other);
    else if (ours)
        snprintf(out, size, "%s: %s, which is not there in the other", path, one);
    else
        snprintf(out, size, "%s: not there, but %s in the other", path, other);
}

/* Whether two values differ; then out[] says where, and how. */
static bool differs(const json_t *ours, const json_t *theirs, const char *path, char *out, size_t size);

static bool objects_differ(const json_t *ours, const json_t *theirs, const char *path, char *out, size_t size)
{
    char below[512];
    for (void *at = json_object_iter((json_t *)(uintptr_t)ours); at;
         at = json_object_iter_next((json_t *)(uintptr_t)ours, at)) {
        const char *key = json_object_iter_key(at);
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", key);
        if (differs(json_object_get(ours, key), json_object_get(theirs, key), below, out, size)) return true;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)theirs); at;
         at = json_object_iter_next((json_t *)(uintptr_t)theirs, at)) {
        const char *key = json_object_iter_key(at);
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", key);
        if (json_object_get(ours, key)) continue;
        say(below, NULL, json_object_get(theirs, key), out, size);
        return true;
    }
    return false;
}

static bool arrays_differ(const json_t *ours, const json_t *theirs, const char *path, char *out, size_t size)
{
    char below[512];
    size_t n = json_array_size(ours), m = json_array_size(theirs);
    for (size_t k = 0; k < n || k < m; k++) {
        snprintf(below, sizeof below, "%s[%zu]", path, k);
        if (differs(json_array_get(ours, k), json_array_get(theirs, k), below, out, size)) return true;
    }
    return false;
}

static bool differs(const json_t *ours, const json_t *theirs, const char *path, char *out, size_t size)
{
    if (json_is_object(ours) && json_is_object(theirs)) return objects_differ(ours, theirs, path, out, size);
    if (json_is_array(ours) && json_is_array(theirs)) return arrays_differ(ours, theirs, path, out, size);
    if (ours == theirs || json_equal(ours, theirs)) return false;
    say(path, ours, theirs, out, size);
    return true;
}

static void compare(const cev_study_config *ours, const cev_study_config *theirs, char *out, size_t size)
{
    static const char only_prose[] = "only titles and prose differ: ";
    size_t used = sizeof only_prose - 1;
    if (ours->is_scan != theirs->is_scan)
        snprintf(out, size, "one is a scan and the other a study");
    else if (differs(ours->values, theirs->values, "", out, size))
        return;
    else if (size > used && differs(ours->prose, theirs->prose, "prose", out + used, size - used))
        memcpy(out, only_prose, used);
}

void cev_study_difference(const char *ours, const char *theirs, char *out, size_t size)
{
    cev_study_config *one = NULL, *other = NULL;
    if (size) *out = '\0';
    if (cev_study_config_parse(ours, "ours", &one) != CEV_OK ||
        cev_study_config_parse(theirs, "theirs", &other) != CEV_OK)
        snprintf(out, size, "%s", cev_error_message());
    else
        compare(one, other, out, size);
    cev_study_config_destroy(&one);
    cev_study_config_destroy(&other);
}
