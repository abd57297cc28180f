/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of documents, as the files of this room that make them see them. */
#ifndef CEVSCAN_CONFIG_YAML_PARTS_H
#define CEVSCAN_CONFIG_YAML_PARTS_H

#include <stdint.h>
#include <yaml.h>

#include "cevscan/yaml.h"

enum { MOST_NODES = 1000000, DEEPEST = 64 }; /* of a file */

/* Where values come from. */
typedef struct cev_yaml_file {
    cev_yaml *document;
    const char *name; /* in messages */
    const char *path; /* NULL for a text */
} cev_yaml_file;

typedef struct cev_pair {
    const struct cev_value *key, *value;
} cev_pair;

typedef enum cev_value_kind { CEV_SCALAR, CEV_SEQUENCE, CEV_MAPPING } cev_value_kind;

typedef struct cev_value {
    const cev_yaml_file *file;
    uint32_t line, column; /* from 1 */
    cev_value_kind kind;
    uint8_t quoted, height; /* a scalar's is 0, a container's one more than that of its highest child */
    size_t n;               /* bytes, items or pairs */
    union {
        const char *text; /* [n + 1] */
        const struct cev_value *const *item;
        const cev_pair *pair;
    };
    const uint32_t *sorted; /* [n] numbers of the pairs by their keys; NULL where there are few */
} cev_value;

struct cev_yaml {
    cev_arena *arena;
    const cev_yaml_file *file; /* of the root */
    cev_node root;
};

/* The values of a document of libyaml; CEV_E_INPUT as cev_yaml_read_text() has it. */
cev_status cev_yaml_convert(cev_arena *arena, const cev_yaml_file *file, const yaml_document_t *document,
                            cev_node *root);

/* Finishes a mapping: CEV_E_INPUT if a key is no scalar or given twice. Pairs from `n_own` on are merged ones: of equal
 * keys the first stays. */
cev_status cev_value_set_pairs(cev_arena *arena, cev_value *mapping, size_t n_own, size_t n, cev_pair *pair);

#endif
