/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "yaml_parts.h"

/* Far more than any configuration needs, and little enough for every check and for libyaml, which looks an anchor up
 * among all. */
enum { MAX_FILE_SIZE = 1 << 24, MOST_ANCHORS = 256, MOST_DIRECTIVES = 1000 };

/* A text while it is read. */
typedef struct reading {
    const cev_yaml_file *file;
    const char *text;
    size_t size;
    cev_node root;
} reading;

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

/* Line and column of a byte, from 1; columns are of characters, as libyaml counts them. */
static void place_of(const reading *r, size_t offset, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t k = 0; k < offset && k < r->size; k++) {
        bool continues = ((unsigned char)r->text[k] & 0xc0) == 0x80;
        if (r->text[k] == '\n')
            ++*line, *column = 1;
        else
            *column += !continues;
    }
}

/* Bytes of the UTF-8 character at a place; 0 if there is none. */
static size_t character_at(const reading *r, size_t offset)
{
    const unsigned char *t = (const unsigned char *)r->text + offset;
    size_t n = *t < 0x80 ? 1 : *t < 0xc2 ? 0 : *t < 0xe0 ? 2 : *t < 0xf0 ? 3 : *t < 0xf5 ? 4 : 0;
    for (size_t k = 1; k < n; k++)
        if (offset + k == r->size || (t[k] & 0xc0) != 0x80) return 0;
    return n;
}

/* What the reader of libyaml refuses: mostly an accented letter in a file of another encoding, whose byte it has passed
 * when it notices. */
static cev_status not_text(const reading *r, const yaml_parser_t *parser)
{
    size_t line, column, bad = 0;
    for (size_t n = 1; bad < parser->problem_offset && (n = character_at(r, bad)) > 0;) bad += n;
    bool is_utf8 = bad >= parser->problem_offset && character_at(r, parser->problem_offset) > 0;
    if (is_utf8) bad = parser->problem_offset;
    place_of(r, bad, &line, &column);
    if (is_utf8)
        return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: not valid YAML: %s", r->file->name, line, column, parser->problem);
    return cev_fail(CEV_E_INPUT,
                    "%s:%zu:%zu: not valid YAML: the byte 0x%02X is not UTF-8; is the file in Latin-1? Save it as "
                    "UTF-8",
                    r->file->name, line, column, (unsigned)(unsigned char)r->text[bad]);
}

/* Whether a line (from 0) has a tab among what it is indented with. */
static bool has_tab(const reading *r, size_t line)
{
    const char *at = r->text, *end = r->text + r->size;
    for (; at && line > 0; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    while (at && at < end && *at == ' ') at++;
    return at && at < end && *at == '\t';
}

static cev_status not_yaml(const reading *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_READER_ERROR && parser->problem && parser->problem_offset < r->size)
        return not_text(r, parser);
    return cev_fail(CEV_E_INPUT, "%s:%zu:%zu: not valid YAML: %s%s", r->file->name, parser->problem_mark.line + 1,
                    parser->problem_mark.column + 1, parser->problem ? parser->problem : "out of memory",
                    has_tab(r, parser->problem_mark.line) ? ": a tab; indent with spaces" : "");
}

/* One document, of a size that can be loaded: libyaml itself sets no limits. */
static cev_status check_events(reading *r, yaml_parser_t *parser)
{
    census c = {0};
    cev_status status = CEV_OK;
    for (bool last = false; status == CEV_OK && !last;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) return not_yaml(r, parser);
        const char *problem = count_event(&c, &event);
        if (problem)
            status = cev_fail(CEV_E_INPUT, "%s:%zu:%zu: %s", r->file->name, event.start_mark.line + 1,
                              event.start_mark.column + 1, problem);
        last = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return status == CEV_OK && c.documents == 0 ? cev_fail(CEV_E_INPUT, "%s:1:1: the file is empty", r->file->name)
                                                : status;
}

static cev_status load_document(reading *r, yaml_parser_t *parser)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document)) return not_yaml(r, parser);
    cev_status status = cev_yaml_convert(r->file->document->arena, r->file, &document, &r->root);
    yaml_document_delete(&document);
    return status;
}

static cev_status with_parser(reading *r, cev_status (*read)(reading *, yaml_parser_t *))
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return cev_fail(CEV_E_MEMORY, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->text, r->size);
    cev_status status = read(r, &parser);
    yaml_parser_delete(&parser);
    return status;
}

/* libyaml compares each directive with all before it, ahead of the first event. */
static cev_status check_directives(const reading *r)
{
    size_t n = 0;
    const char *end = r->text + r->size;
    for (const char *line = r->text; line && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
        if (*line == '\n' && ++line == end) break;
        n += *line == '%';
        if (n > MOST_DIRECTIVES)
            return cev_fail(CEV_E_INPUT, "%s:1:1: more than %d lines begin with %%", r->file->name, MOST_DIRECTIVES);
    }
    return CEV_OK;
}

/* Reads a text into a document. `path` is that of its file, or NULL. */
static cev_status load(cev_yaml *document, const char *text, size_t size, const char *name, const char *path,
                       const cev_yaml_file **file, cev_node *root)
{
    cev_yaml_file *own;
    reading r = {.text = text, .size = size};
    CEV_TRY(cev_new(document->arena, 1, &own));
    own->document = document;
    CEV_TRY(cev_arena_keep_text(document->arena, name, &own->name));
    if (path) own->path = own->name;
    r.file = *file = own;
    CEV_TRY(check_directives(&r));
    CEV_TRY(with_parser(&r, check_events));
    CEV_TRY(with_parser(&r, load_document));
    *root = r.root;
    return CEV_OK;
}

static cev_status read_document(const char *text, size_t size, const char *name, const char *path, cev_yaml **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = load(*out, text, size, name, path, &(*out)->file, &(*out)->root);
    if (status != CEV_OK) cev_yaml_destroy(out);
    return status;
}

cev_status cev_yaml_read_text(const char *text, size_t size, const char *name, cev_yaml **out)
{
    return read_document(text, size, name, NULL, out);
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
    if (status == CEV_OK) status = read_document(text, size, path, path, out);
    free(text);
    return status;
}

cev_status cev_yaml_add_file(cev_node of, const char *path, cev_node *root)
{
    const cev_yaml_file *file;
    char *text = NULL;
    size_t size = 0;
    cev_status status = slurp(path, &text, &size);
    if (status == CEV_OK) status = load(of.id->file->document, text, size, path, path, &file, root);
    free(text);
    return status;
}

void cev_yaml_destroy(cev_yaml **document)
{
    if (!document || !*document) return;
    cev_arena_destroy(&(*document)->arena);
    free(*document);
    *document = NULL;
}

cev_node cev_yaml_root(const cev_yaml *document)
{
    return document->root;
}

const char *cev_yaml_name(const cev_yaml *document)
{
    return document->file->name;
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
