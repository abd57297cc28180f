/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML documents (by libyaml), read through tables of keys, so that every mistake is reported with file, line, column,
 * key, what was expected, and the nearest name that would have been right. */
#ifndef CEVSCAN_YAML_H
#define CEVSCAN_YAML_H

#include <stdbool.h>

#include "cevscan/arena.h"
#include "cevscan/parameter.h"

typedef struct cev_yaml cev_yaml;

/* A place in a document; id 0 is "not there". Valid as long as its document. */
typedef struct cev_node {
    const cev_yaml *document;
    int id;
} cev_node;

/* The document's strings and nodes live until it is destroyed. `name` stands for the file in messages. CEV_E_INPUT if
 * the file cannot be read, is larger than 16 MB, is not YAML, is empty, gives a key twice, nests lists and mappings
 * more than 64 deep, or holds more than 10^6 values, 256 anchors or 1000 directives. */
cev_status cev_yaml_read_file(const char *path, cev_yaml **out);
cev_status cev_yaml_read_text(const char *text, size_t size, const char *name, cev_yaml **out);
void cev_yaml_destroy(cev_yaml **document);

/* Reads a document, hands its root to `read`, and destroys it. `path` is that of the file, NULL for a text. */
typedef cev_status cev_yaml_reader(cev_node root, const char *path, void *context);
cev_status cev_yaml_with_file(const char *path, cev_yaml_reader *read, void *context);
cev_status cev_yaml_with_text(const char *text, const char *name, cev_yaml_reader *read, void *context);

cev_node cev_yaml_root(const cev_yaml *document);
const char *cev_yaml_name(const cev_yaml *document);

bool cev_node_is_mapping(cev_node node);
bool cev_node_is_sequence(cev_node node);
bool cev_node_is_scalar(cev_node node);
const char *cev_node_text(cev_node scalar); /* "" if it is no scalar */
bool cev_node_is_quoted(cev_node scalar);
size_t cev_node_length(cev_node node); /* items of a sequence, pairs of a mapping, else 0 */
cev_node cev_node_item(cev_node sequence, size_t i);
cev_node cev_node_key(cev_node mapping, size_t i);
cev_node cev_node_value(cev_node mapping, size_t i);
cev_node cev_node_find(cev_node mapping, const char *key);

/* CEV_E_INPUT with "FILE:LINE:COLUMN: message". */
cev_status cev_node_fail(cev_node node, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for a name that is not among names[n]: says what `what` was expected, and the nearest one. */
cev_status cev_node_fail_name(cev_node node, const char *what, const char *const *names, size_t n);

/* Scalars. A number must be finite and in [minimum, maximum]; `key` names it in messages. */
cev_status cev_node_real(cev_node node, const char *key, double minimum, double maximum, double *out);
cev_status cev_node_count(cev_node node, const char *key, size_t minimum, size_t maximum, size_t *out);

typedef struct cev_reals {
    size_t n;
    double *value;
    cev_node node;
} cev_reals;

/* What a key's value may be, and what it is stored as at the key's offset: double, size_t, const char * (of the
 * document), bool, cev_reals (in the arena), or cev_node for values that are read by hand. */
typedef enum cev_key_type {
    CEV_KEY_REAL,
    CEV_KEY_COUNT,
    CEV_KEY_TEXT,
    CEV_KEY_FLAG,
    CEV_KEY_REALS,
    CEV_KEY_NODE
} cev_key_type;

typedef struct cev_key {
    const char *name;
    cev_key_type type;
    bool required;
    double minimum, maximum; /* of REAL, COUNT and each of REALS; both 0: any */
    size_t offset;
} cev_key;

/* An entry of a table of keys for the member of the same name: CEV_KEY(struct, member, .type = ..., .required = ...).
 */
#define CEV_KEY(struct_, member, ...)                                                                                  \
    {                                                                                                                  \
        .name = #member, .offset = offsetof(struct_, member), __VA_ARGS__                                              \
    }
#define CEV_LENGTH(array) (sizeof(array) / sizeof *(array))

/* Reads one list of numbers, as a key of type CEV_KEY_REALS would be: its name and range count. */
cev_status cev_node_reals(cev_arena *arena, cev_node node, const cev_key *key, cev_reals *out);

/* Reads mapping `node`, called `what` in messages, into *out. Optional keys that are absent leave their member as it
 * is. Any mapping may also have the key `citation`, a text for the reader. */
cev_status cev_node_read(cev_arena *arena, cev_node node, const char *what, const cev_key *key, size_t n_key,
                         void *out);

/* Reads a model chosen by name, {name: NAME, PARAMETER: value, ...}; or just NAME. `cards` are the names to choose
 * from. Writes its index and its parameters, defaults filled in. */
cev_status cev_node_read_model(cev_node node, const char *what, const cev_card *const *cards, size_t n_card,
                               size_t *index, double *parameter);

#endif
