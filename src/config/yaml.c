/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

/* Far more than any configuration needs, and little enough for every check and for libyaml, which looks an anchor up
 * among all. */
enum { MAX_FILE_SIZE = 1 << 24, DEEPEST = 64, MOST_NODES = 1000000, MOST_ANCHORS = 256, MOST_DIRECTIVES = 1000 };

struct cev_yaml {
    char *name;
    bool loaded; /* document needs deleting */
    yaml_document_t document;
};

static yaml_node_t *raw(cev_node node)
{
    if (!node.document || node.id == 0) return NULL;
    const yaml_document_t *d =
        &node.document->document; /* as yaml_document_get_node, which would not take a const one */
    return node.id > 0 && d->nodes.start + node.id <= d->nodes.top ? d->nodes.start + node.id - 1 : NULL;
}

static bool is(cev_node node, yaml_node_type_t type)
{
    const yaml_node_t *n = raw(node);
    return n && n->type == type;
}

bool cev_node_is_mapping(cev_node node)
{
    return is(node, YAML_MAPPING_NODE);
}

bool cev_node_is_sequence(cev_node node)
{
    return is(node, YAML_SEQUENCE_NODE);
}

bool cev_node_is_scalar(cev_node node)
{
    return is(node, YAML_SCALAR_NODE);
}

const char *cev_node_text(cev_node scalar)
{
    return cev_node_is_scalar(scalar) ? (const char *)raw(scalar)->data.scalar.value : "";
}

size_t cev_node_text_size(cev_node scalar)
{
    return cev_node_is_scalar(scalar) ? raw(scalar)->data.scalar.length : 0;
}

bool cev_node_is_quoted(cev_node scalar)
{
    return cev_node_is_scalar(scalar) && raw(scalar)->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

size_t cev_node_length(cev_node node)
{
    const yaml_node_t *n = raw(node);
    if (cev_node_is_sequence(node)) return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (cev_node_is_mapping(node)) return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    return 0;
}

cev_node cev_node_item(cev_node sequence, size_t i)
{
    return (cev_node){sequence.document, raw(sequence)->data.sequence.items.start[i]};
}

cev_node cev_node_key(cev_node mapping, size_t i)
{
    return (cev_node){mapping.document, raw(mapping)->data.mapping.pairs.start[i].key};
}

cev_node cev_node_value(cev_node mapping, size_t i)
{
    return (cev_node){mapping.document, raw(mapping)->data.mapping.pairs.start[i].value};
}

cev_node cev_node_find(cev_node mapping, const char *key)
{
    for (size_t i = 0; cev_node_is_mapping(mapping) && i < cev_node_length(mapping); i++)
        if (!strcmp(cev_node_text(cev_node_key(mapping, i)), key)) return cev_node_value(mapping, i);
    return (cev_node){0};
}

cev_status cev_node_fail(cev_node node, const char *format, ...)
{
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?'; /* a message is one line, whatever the document holds */
    const yaml_node_t *n = raw(node);
    return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: %s", node.document->name, n ? n->start_mark.line + 1 : 1,
                    n ? n->start_mark.column + 1 : 1, message);
}

typedef struct placed_key {
    const char *text;
    size_t place;
} placed_key;

static int by_text_and_place(const void *a, const void *b)
{
    const placed_key *one = a, *other = b;
    int order = strcmp(one->text, other->text);
    return order ? order : (one->place > other->place) - (one->place < other->place);
}

/* The first key that an earlier one has the name of; all of them are below n. */
static size_t first_repeated(placed_key *key, size_t n)
{
    size_t first = n;
    qsort(key, n, sizeof *key, by_text_and_place);
    for (size_t i = 1; i < n; i++)
        if (key[i].place < first && !strcmp(key[i].text, key[i - 1].text)) first = key[i].place;
    return first;
}

static cev_status check_keys_of(cev_node mapping)
{
    size_t n = cev_node_length(mapping);
    if (n == 0) return CEV_OK;
    placed_key *key = malloc(n * sizeof *key);
    if (!key) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = CEV_OK;
    for (size_t i = 0; status == CEV_OK && i < n; i++) {
        cev_node node = cev_node_key(mapping, i);
        key[i] = (placed_key){cev_node_text(node), i};
        if (!cev_node_is_scalar(node)) status = cev_node_fail(node, "a key must be a plain name");
    }
    size_t repeated = status == CEV_OK ? first_repeated(key, n) : n;
    free(key);
    if (repeated == n) return status;
    cev_node node = cev_node_key(mapping, repeated);
    return cev_node_fail(node, "key \"%s\" is given twice", cev_node_text(node));
}

static cev_status check_keys(const cev_yaml *document)
{
    for (cev_node node = {document, 1}; raw(node); node.id++)
        if (cev_node_is_mapping(node)) CEV_TRY(check_keys_of(node));
    return CEV_OK;
}

/* What a text holds, counted while it is read once without being kept. */
typedef struct census {
    size_t documents, nodes, anchors, depth;
} census;

static bool is_anchored(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor != NULL;
    default: return false;
    }
}

static const char *count_event(census *c, const yaml_event_t *event)
{
    yaml_event_type_t type = event->type;
    c->documents += type == YAML_DOCUMENT_START_EVENT;
    c->nodes += type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT;
    c->anchors += is_anchored(event);
    if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) c->nodes++, c->depth++;
    if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT) c->depth--;
    return c->documents > 1            ? "a second document begins; one is expected"
           : c->depth > DEEPEST        ? "lists and mappings are nested too deep; 64 are allowed"
           : c->nodes > MOST_NODES     ? "more than a million values; surely not a configuration"
           : c->anchors > MOST_ANCHORS ? "more than 256 anchors; surely not a configuration"
                                       : NULL;
}

static cev_status not_yaml(const cev_yaml *document, const yaml_parser_t *parser)
{
    return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: not valid YAML: %s", document->name, parser->problem_mark.line + 1,
                    parser->problem_mark.column + 1, parser->problem ? parser->problem : "out of memory");
}

/* One document, of a size that can be loaded: libyaml itself sets no limits. */
static cev_status check_events(cev_yaml *document, yaml_parser_t *parser)
{
    census c = {0};
    cev_status status = CEV_OK;
    for (bool last = false; status == CEV_OK && !last;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) return not_yaml(document, parser);
        const char *problem = count_event(&c, &event);
        if (problem)
            status = cev_fail(CEV_E_INPUT, "%s:%zu:%zu: %s", document->name, event.start_mark.line + 1,
                              event.start_mark.column + 1, problem);
        last = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return status == CEV_OK && c.documents == 0 ? cev_fail(CEV_E_INPUT, "%s:1:1: the file is empty", document->name)
                                                : status;
}

static cev_status load_document(cev_yaml *document, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &document->document)) return not_yaml(document, parser);
    document->loaded = true;
    return CEV_OK;
}

static cev_status with_parser(cev_yaml *document, const char *text, size_t size,
                              cev_status (*read)(cev_yaml *, yaml_parser_t *))
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return cev_fail(CEV_E_MEMORY, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    cev_status status = read(document, &parser);
    yaml_parser_delete(&parser);
    return status;
}

/* libyaml compares each directive with all before it, ahead of the first event. */
static cev_status check_directives(const cev_yaml *document, const char *text, size_t size)
{
    size_t n = 0;
    const char *end = text + size;
    for (const char *line = text; line && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
        if (*line == '\n' && ++line == end) break;
        n += *line == '%';
        if (n > MOST_DIRECTIVES)
            return cev_fail(CEV_E_INPUT, "%s:1:1: more than %d lines begin with %%", document->name, MOST_DIRECTIVES);
    }
    return CEV_OK;
}

static cev_status load(cev_yaml *document, const char *text, size_t size)
{
    CEV_TRY(check_directives(document, text, size));
    CEV_TRY(with_parser(document, text, size, check_events));
    CEV_TRY(with_parser(document, text, size, load_document));
    return check_keys(document);
}

cev_status cev_yaml_read_text(const char *text, size_t size, const char *name, cev_yaml **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out || !((*out)->name = strdup(name))) {
        cev_yaml_destroy(out);
        return cev_fail(CEV_E_MEMORY, "out of memory");
    }
    cev_status status = load(*out, text, size);
    if (status != CEV_OK) cev_yaml_destroy(out);
    return status;
}

static cev_status slurp(const char *path, char **text, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) return cev_fail(CEV_E_INPUT, "%s: cannot read: %s", path, strerror(errno));
    struct stat s;
    cev_status status = CEV_OK;
    if (fstat(fileno(file), &s) || S_ISDIR(s.st_mode))
        status = cev_fail(CEV_E_INPUT, "%s: cannot read: it is not a file", path);
    else if (!(*text = malloc(MAX_FILE_SIZE + 1)))
        status = cev_fail(CEV_E_MEMORY, "out of memory");
    else if ((*size = fread(*text, 1, MAX_FILE_SIZE + 1, file)) > MAX_FILE_SIZE)
        status = cev_fail(CEV_E_INPUT, "%s: larger than %d MB; surely not a configuration", path, MAX_FILE_SIZE >> 20);
    else if (ferror(file))
        status = cev_fail(CEV_E_INPUT, "%s: cannot read: %s", path, strerror(errno));
    fclose(file);
    return status;
}

cev_status cev_yaml_read_file(const char *path, cev_yaml **out)
{
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    cev_status status = slurp(path, &text, &size);
    if (status == CEV_OK) status = cev_yaml_read_text(text, size, path, out);
    free(text);
    return status;
}

void cev_yaml_destroy(cev_yaml **document)
{
    if (!document || !*document) return;
    if ((*document)->loaded) yaml_document_delete(&(*document)->document);
    free((*document)->name);
    free(*document);
    *document = NULL;
}

cev_node cev_yaml_root(const cev_yaml *document)
{
    return (cev_node){document, 1};
}

const char *cev_yaml_name(const cev_yaml *document)
{
    return document->name;
}

cev_status cev_yaml_with_file(const char *path, cev_yaml_reader *read, void *context)
{
    cev_yaml *document;
    CEV_TRY(cev_yaml_read_file(path, &document));
    cev_status status = read(cev_yaml_root(document), path, context);
    cev_yaml_destroy(&document);
    return status;
}

cev_status cev_yaml_with_text(const char *text, const char *name, cev_yaml_reader *read, void *context)
{
    cev_yaml *document;
    CEV_TRY(cev_yaml_read_text(text, strlen(text), name, &document));
    cev_status status = read(cev_yaml_root(document), NULL, context);
    cev_yaml_destroy(&document);
    return status;
}
