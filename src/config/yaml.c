/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

enum { MAX_FILE_SIZE = 1 << 24 };

struct cev_yaml {
    char *name;
    bool loaded; /* document needs deleting */
    yaml_document_t document;
};

static yaml_node_t *raw(cev_node node)
{
    if (!node.document || node.id == 0) return NULL;
    const yaml_document_t *d = &node.document->document; /* as yaml_document_get_node, which would not take a const one */
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
    const yaml_node_t *n = raw(node);
    return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: %s", node.document->name, n ? n->start_mark.line + 1 : 1,
                    n ? n->start_mark.column + 1 : 1, message);
}

static cev_status check_keys(const cev_yaml *document)
{
    cev_node node = {document, 1};
    for (; raw(node); node.id++) {
        if (!cev_node_is_mapping(node)) continue;
        for (size_t i = 0; i < cev_node_length(node); i++) {
            cev_node key = cev_node_key(node, i);
            if (!cev_node_is_scalar(key)) return cev_node_fail(key, "a key must be a plain name");
            cev_node value = cev_node_find(node, cev_node_text(key));
            if (value.id != cev_node_value(node, i).id)
                return cev_node_fail(key, "key \"%s\" is given twice", cev_node_text(key));
        }
    }
    return CEV_OK;
}

static cev_status check_that_it_ends(const cev_yaml *document, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next))
        return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: not valid YAML: %s", document->name, parser->problem_mark.line + 1,
                        parser->problem_mark.column + 1, parser->problem ? parser->problem : "out of memory");
    const yaml_node_t *root = yaml_document_get_root_node(&next);
    cev_status status = root ? cev_fail(CEV_E_INPUT, "%s:%zu:%zu: a second document begins; one is expected", document->name,
                                        root->start_mark.line + 1, root->start_mark.column + 1)
                             : CEV_OK;
    yaml_document_delete(&next);
    return status;
}

static cev_status load(cev_yaml *document, const char *text, size_t size)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return cev_fail(CEV_E_MEMORY, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    cev_status status = CEV_OK;
    if (!yaml_parser_load(&parser, &document->document))
        status = cev_fail(CEV_E_INPUT, "%s:%zu:%zu: not valid YAML: %s", document->name, parser.problem_mark.line + 1,
                          parser.problem_mark.column + 1, parser.problem ? parser.problem : "out of memory");
    else
        document->loaded = true;
    if (status == CEV_OK) status = check_that_it_ends(document, &parser);
    yaml_parser_delete(&parser);
    if (status == CEV_OK && !yaml_document_get_root_node(&document->document))
        status = cev_fail(CEV_E_INPUT, "%s:1:1: the file is empty", document->name);
    return status == CEV_OK ? check_keys(document) : status;
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
