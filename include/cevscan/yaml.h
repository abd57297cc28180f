/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML documents (by libyaml), read through tables of keys, so that every mistake is reported with file, line, column,
 * key, what was expected, and the nearest name that would have been right. */
#ifndef CEVSCAN_YAML_H
#define CEVSCAN_YAML_H

#include <stdbool.h>

#include "cevscan/arena.h"
#include "cevscan/parameter.h"

typedef struct cev_yaml cev_yaml;
struct json_t; /* of jansson */

/* A value in a document: a scalar, a list or a mapping, which knows the file, line and column where it stands. `id` is
 * NULL for what is not there. Values do not change, may be parts of several others, and live as long as the document.
 */
typedef struct cev_node {
    const struct cev_value *id;
} cev_node;

/* `name` stands for the file in messages. Merge keys (`<<: *anchor`, or a list of them) are what YAML 1.1 has them for:
 * keys of a mapping's own count more than merged ones, and those merged first more than later ones. The newline that
 * ends a folded or a literal text is not part of it. CEV_E_INPUT if the file cannot be read, is larger than 16 MB, is
 * not UTF-8 or not YAML, is empty, gives a key twice, contains itself by an alias, nests lists and mappings more than
 * 64 deep, or holds more than 10^6 values (merged ones included), 256 anchors or 1000 directives. */
cev_status cev_yaml_read_file(const char *path, cev_yaml **out);
cev_status cev_yaml_read_text(const char *text, size_t size, const char *name, cev_yaml **out);
void cev_yaml_destroy(cev_yaml **document);

/* Reads a document, hands its root to `read`, and destroys it. `path` is that of the file, NULL for a text. */
typedef cev_status cev_yaml_reader(cev_node root, const char *path, void *context);
cev_status cev_yaml_with_file(const char *path, cev_yaml_reader *read, void *context);
cev_status cev_yaml_with_text(const char *text, const char *name, cev_yaml_reader *read, void *context);

cev_node cev_yaml_root(const cev_yaml *document);
const char *cev_yaml_name(const cev_yaml *document);

/* Reads another file into the document that `of` is from, so that values of both can be put together. */
cev_status cev_yaml_add_file(cev_node of, const char *path, cev_node *root);

/* The file that a value stands in; NULL if it is a text. */
const char *cev_node_path(cev_node node);

bool cev_node_is_mapping(cev_node node);
bool cev_node_is_sequence(cev_node node);
bool cev_node_is_scalar(cev_node node);
const char *cev_node_text(cev_node scalar); /* "" if it is no scalar */
bool cev_node_is_quoted(cev_node scalar);
bool cev_node_is_null(cev_node node);       /* null or ~, without quotes */
size_t cev_node_text_size(cev_node scalar); /* bytes of it, NULs included */
size_t cev_node_length(cev_node node);      /* items of a sequence, pairs of a mapping, else 0 */
cev_node cev_node_item(cev_node sequence, size_t i);
cev_node cev_node_key(cev_node mapping, size_t i);
cev_node cev_node_value(cev_node mapping, size_t i);
cev_node cev_node_find(cev_node mapping, const char *key);
size_t cev_node_place(cev_node mapping, const char *key); /* number of the pair with a key; their number if none has */

/* New values, which messages place where `like` stands, in its document. What is given is copied. */
cev_status cev_node_make_text(cev_node like, const char *text, bool quoted, cev_node *out);
cev_status cev_node_make_number(cev_node like, double x, cev_node *out); /* read back as the same number */
cev_status cev_node_make_list(cev_node like, size_t n, const cev_node *item, cev_node *out);
cev_status cev_node_make_mapping(cev_node like, size_t n, const cev_node *key, const cev_node *value, cev_node *out);

/* A mapping with another value for a key, which stays in its place, or comes last if it is new. */
cev_status cev_node_with(cev_node mapping, const char *key, cev_node value, cev_node *out);

/* CEV_E_INPUT with "FILE:LINE:COLUMN: message". */
cev_status cev_node_fail(cev_node node, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The letters that a message begins with, "FILE:LINE:COLUMN: ", if it points to a value; else 0. */
size_t cev_node_place_in(cev_node node, const char *message);

/* cev_node_fail(), for a name that is not among names[n]: says what `what` was expected, and the nearest one. */
cev_status cev_node_fail_name(cev_node node, const char *what, const char *const *names, size_t n);

/* "a mapping", "a list", "nothing", or a scalar's text: for messages. */
const char *cev_node_kind(cev_node node);

/* Whether a scalar is a number: decimal, without quotes, leading zeros or underscores, which YAML has other meanings
 * for. */
bool cev_node_number(cev_node node, double *out);

/* Whether it is a boolean of YAML 1.1: true, yes or on, false, no or off, capitalised or not, without quotes. */
bool cev_node_flag(cev_node node, bool *out);

/* Scalars. A number must be finite and in [minimum, maximum]; `key` names it in messages. */
cev_status cev_node_real(cev_node node, const char *key, double minimum, double maximum, double *out);
cev_status cev_node_count(cev_node node, const char *key, size_t minimum, size_t maximum, size_t *out);

typedef struct cev_reals {
    size_t n;
    double *value;
    cev_node node;
} cev_reals;

/* What a key's value may be, and what it is stored as at the key's offset. The tables of keys are the one schema of
 * configurations: they drive the reading, the resolved configuration (what is a number there, and what a text that
 * looks like one), and the identity (what bears on numbers). */
typedef enum cev_key_type {
    CEV_KEY_REAL,  /* double */
    CEV_KEY_COUNT, /* size_t */
    CEV_KEY_FLAG,  /* bool */
    CEV_KEY_TEXT,  /* const char * (of the document): a name or a choice */
    CEV_KEY_PROSE, /* const char *: for people; bears on no number */
    CEV_KEY_TITLE, /* const char *: prose on one line, to which newlines and tabs are spaces */
    CEV_KEY_REALS, /* cev_reals, in the arena */
    CEV_KEY_NODE   /* cev_node, read by hand: scalars, lists and mappings, see cev_key */
} cev_key_type;

typedef struct cev_key {
    const char *name;
    cev_key_type type;
    bool required;
    double minimum, maximum; /* of REAL, COUNT and each of REALS; both 0: any */
    const char *otherwise;   /* what an absent key is read as; NULL: its member stays as it is. NODE: only said here */
    const char *idle_beside; /* changes nothing where this key is given; NULL: none */
    size_t offset;
    cev_key_type scalars; /* of a NODE: what its scalars are, in lists or not; one of the first six. A REAL that is no
                             number is the name of a rule */
    /* ... and what its mappings are, in lists or not: read by a table, or a model, or else values by names, which are
     * as its scalars, or as a key of their own says. */
    const struct cev_table *of;
    const struct cev_family *model;
    const struct cev_key *values;
} cev_key;

typedef struct cev_table {
    const char *what; /* in messages: "pull" */
    const cev_key *key;
    size_t n;
    const char *bare;                        /* the key that a value stands for which is no mapping; NULL: none */
    const char *named_by[2];                 /* the keys that name one of a list of them; NULL: none */
    bool (*complete)(struct json_t *values); /* adds to its values in JSON what others imply; false: out of memory */
} cev_table;

/* Models to be chosen by name. */
typedef struct cev_family {
    const char *what;                  /* in messages: "source" */
    const cev_card *(*card)(size_t k); /* NULL from the last one on */
    const cev_key *nested;             /* what the nested keys of any of them are */
    size_t n_nested;
} cev_family;

/* An entry of a table of keys for the member of the same name: CEV_KEY(struct, member, .type = ..., .required = ...).
 */
#define CEV_KEY(struct_, member, ...)                                                                                  \
    {                                                                                                                  \
        .name = #member, .offset = offsetof(struct_, member), __VA_ARGS__                                              \
    }
#define CEV_LENGTH(array) (sizeof(array) / sizeof *(array))
#define CEV_TABLE(what_, keys_)                                                                                        \
    {                                                                                                                  \
        .what = (what_), .key = (keys_), .n = CEV_LENGTH(keys_)                                                        \
    }
#define CEV_TABLE_WITH(what_, keys_, ...)                                                                              \
    {                                                                                                                  \
        .what = (what_), .key = (keys_), .n = CEV_LENGTH(keys_), __VA_ARGS__                                           \
    }

/* Reads one list of numbers, as a key of type CEV_KEY_REALS would be: its name and range count. */
cev_status cev_node_reals(cev_arena *arena, cev_node node, const cev_key *key, cev_reals *out);

/* What stands below a key, in a mapping, under a name; NULL if nothing can. */
const cev_key *cev_key_below(const cev_key *key, const char *name);

/* CEV_E_INPUT if a text has control characters, or others that end a line or that YAML does not take. Texts for people
 * (prose) may have newlines and tabs. `key` names it in messages. */
cev_status cev_node_check_text(cev_node node, const char *key, bool prose);

/* Reads mapping `node` into *out. Optional keys that are absent leave their member as it is, or as `otherwise` says.
 * Any mapping may also have the key `citation`, a text for people. */
cev_status cev_node_read(cev_arena *arena, cev_node node, const cev_table *table, void *out);

/* Reads a model chosen by name, {name: NAME, PARAMETER: value, ...}; or just NAME. Writes its number in the family and
 * its parameters, defaults filled in. */
cev_status cev_node_read_model(cev_node node, const cev_family *family, size_t *index, double *parameter);

#endif
