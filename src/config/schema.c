/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed reading of YAML nodes by tables of keys. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cevscan/nearest.h"
#include "cevscan/yaml.h"

static const cev_key always_allowed = {.name = "citation", .type = CEV_KEY_PROSE},
                     name_of_model = {.name = "name", .type = CEV_KEY_TEXT, .required = true},
                     parameter_of_model = {.name = "parameter", .type = CEV_KEY_REAL};
enum { MOST_KEYS = 64 };

/* [signal steady], which YAML reads as one text. */
static bool lacks_comma(const char *text, const char *const *names, size_t n)
{
    size_t n_word = 0;
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " "), k = 0;
        while (k < n && (strncmp(names[k], text, length) != 0 || names[k][length])) k++;
        if (k == n) return false;
        text += length;
        n_word++;
    }
    return n_word > 1;
}

cev_status cev_node_fail_name(cev_node node, const char *what, const char *const *names, size_t n)
{
    char list[1024] = "";
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);
        if (used + strlen(names[i]) + 8 > sizeof list) {
            snprintf(list + used, sizeof list - used, ", ...");
            break;
        }
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (!cev_node_is_scalar(node))
        return cev_node_fail(node, "expected the name of a known %s, found %s (known: %s)", what, cev_node_kind(node),
                             list);
    const char *word = cev_node_text(node), *nearest = cev_nearest(word, names, n);
    if (lacks_comma(word, names, n))
        return cev_node_fail(node, "unknown %s \"%s\"; a comma is missing? (known: %s)", what, word, list);
    if (nearest)
        return cev_node_fail(node, "unknown %s \"%s\"; did you mean \"%s\"? (known: %s)", what, word, nearest, list);
    return cev_node_fail(node, "unknown %s \"%s\" (known: %s)", what, word, list);
}

/* --- numbers and booleans --------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* What strtod() takes besides: hexadecimal numbers, infinity and things that are no number. */
static bool is_decimal(const char *text)
{
    const char *whole = text + (*text == '+' || *text == '-'), *point = skip_digits(whole);
    const char *end = *point == '.' ? skip_digits(point + 1) : point;
    size_t n_digit = (size_t)(end - whole) - (*point == '.');
    if (n_digit == 0 || (whole[0] == '0' && point > whole + 1)) return false;
    if (*end != 'e' && *end != 'E') return !*end;
    const char *power = end + 1 + (end[1] == '+' || end[1] == '-');
    return skip_digits(power) > power && !*skip_digits(power);
}

bool cev_node_number(cev_node node, double *out)
{
    const char *text = cev_node_text(node);
    if (!cev_node_is_scalar(node) || cev_node_is_quoted(node) || !is_decimal(text)) return false;
    *out = strtod(text, NULL) + 0; /* -0 is 0 */
    return true;
}

bool cev_node_flag(cev_node node, bool *out)
{
    static const char *const words[] = {"true",  "True",  "TRUE",  "yes", "Yes", "YES", "on",  "On",  "ON",
                                        "false", "False", "FALSE", "no",  "No",  "NO",  "off", "Off", "OFF"};
    for (size_t k = 0; k < CEV_LENGTH(words); k++)
        if (!cev_node_is_quoted(node) && !strcmp(words[k], cev_node_text(node))) {
            *out = k < CEV_LENGTH(words) / 2;
            return true;
        }
    return false;
}

/* A sign that typesetting knows, or a space of it: "U+2212" of a minus sign; "" if the text begins with no such. */
static const char *foreign_sign(const char *text)
{
    static const char *const sign[][2] = {{"\u2010", "U+2010, a hyphen"},     {"\u2011", "U+2011, a hyphen"},
                                          {"\u2012", "U+2012, a dash"},       {"\u2013", "U+2013, an en dash"},
                                          {"\u2014", "U+2014, an em dash"},   {"\u2212", "U+2212, a minus sign"},
                                          {"\uff0d", "U+FF0D, a wide hyphen"}};
    for (size_t k = 0; k < CEV_LENGTH(sign); k++)
        if (!strncmp(text, sign[k][0], strlen(sign[k][0]))) return sign[k][1];
    return "";
}

/* "; a decimal comma? Write 22.5" of 22,5; nothing of 1,000, which may be a thousand. */
static bool has_decimal_comma(const char *text, char *why, size_t size)
{
    char number[40];
    const char *comma = strchr(text, ',');
    if (!comma || strlen(text) >= sizeof number) return false;
    snprintf(number, sizeof number, "%s", text);
    number[comma - text] = '.';
    if (!is_decimal(number) || comma == text + strcspn(text, "0123456789") || strlen(comma) == 4) return false;
    snprintf(why, size, "; a decimal comma? Write %s", number);
    return true;
}

/* Why a scalar that looks like a number is none, as words that follow it; `why` has room for those that quote it. */
static const char *why_no_number(cev_node node, char *why, size_t size)
{
    const char *text = cev_node_text(node), *digits = text + (*text == '+' || *text == '-');
    bool flag;
    if (*foreign_sign(text)) {
        snprintf(why, size, "; it begins with %s: write - (U+002D)", foreign_sign(text));
        return why;
    }
    if (has_decimal_comma(text, why, size)) return why;
    if (cev_node_is_quoted(node) && is_decimal(text)) return ", which quotes make a text: leave them out";
    if (cev_node_flag(node, &flag)) return flag ? "; write 1" : "; write 0";
    if (digits[0] == '0' && digits[1] && strchr("xXoObB", digits[1])) return "; write it as a decimal number";
    if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
        return ", which is octal to some readers of YAML: leave out the zeros in front";
    if (*digits >= '0' && *digits <= '9' && !digits[strspn(digits, "0123456789_.")])
        return strchr(digits, '_') ? "; write it without underscores" : "";
    if (*digits >= '0' && *digits <= '9' && !digits[strspn(digits, "0123456789,")])
        return "; write it with a decimal point, and without commas";
    return "";
}

static bool is_no_finite_word(cev_node node)
{
    static const char *const words[] = {"nan", ".nan", "inf", ".inf", "infinity"};
    const char *text = cev_node_text(node);
    text += *text == '+' || *text == '-';
    for (size_t k = 0; k < CEV_LENGTH(words); k++)
        if (!strcasecmp(text, words[k])) return true;
    return false;
}

static cev_status no_number(cev_node node, const char *key, const char *expected)
{
    char why[128];
    return cev_node_fail(node, "key \"%s\": expected %s, found %s%s", key, expected, cev_node_kind(node),
                         why_no_number(node, why, sizeof why));
}

cev_status cev_node_real(cev_node node, const char *key, double minimum, double maximum, double *out)
{
    if (is_no_finite_word(node)) return no_number(node, key, "a finite number");
    if (!cev_node_number(node, out)) return no_number(node, key, "a number");
    if (!isfinite(*out)) return no_number(node, key, "a finite number");
    if (*out < minimum || *out > maximum)
        return cev_node_fail(node, "key \"%s\": expected a number between %g and %g, found %s", key, minimum, maximum,
                             cev_node_kind(node));
    return CEV_OK;
}

cev_status cev_node_count(cev_node node, const char *key, size_t minimum, size_t maximum, size_t *out)
{
    double x;
    if (!cev_node_number(node, &x) || !(x >= 0) || x > 9e15 || x != floor(x))
        return no_number(node, key, "a whole number");
    *out = (size_t)x;
    if (*out < minimum || *out > maximum)
        return cev_node_fail(node, "key \"%s\": expected a whole number between %zu and %zu, found %s", key, minimum,
                             maximum, cev_node_kind(node));
    return CEV_OK;
}

static cev_status read_flag(cev_node node, const char *key, bool *out)
{
    bool quoted = cev_node_is_quoted(node);
    if (cev_node_flag(node, out)) return CEV_OK;
    return cev_node_fail(node, "key \"%s\": expected true or false, found %s%s", key, cev_node_kind(node),
                         quoted ? " in quotes, which is a text" : "");
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

/* One character of a valid UTF-8 text, which libyaml has checked. */
static unsigned long next_character(const unsigned char **text)
{
    const unsigned char *t = *text;
    size_t more = *t < 0x80 ? 0 : *t < 0xe0 ? 1 : *t < 0xf0 ? 2 : 3;
    unsigned long c = more == 0 ? *t : *t & (0x3fU >> more);
    for (size_t k = 1; k <= more; k++) c = c << 6 | (t[k] & 0x3f);
    *text += more + 1;
    return c;
}

/* They would reach terminals, or come back from a map as something else. */
static bool is_control(unsigned long c, bool prose)
{
    if (c == '\n' || c == '\t') return !prose;
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
           c == 0xffff;
}

cev_status cev_node_check_text(cev_node node, const char *key, bool prose)
{
    const unsigned char *text = (const unsigned char *)cev_node_text(node), *at = text;
    while ((size_t)(at - text) < cev_node_text_size(node)) {
        size_t place = (size_t)(at - text);
        unsigned long c = next_character(&at);
        if (is_control(c, prose))
            return cev_node_fail(node, "key \"%s\": control character U+%04lX after %zu bytes", key, c, place);
    }
    return CEV_OK;
}

/* On one line: newlines and tabs, and the spaces around them, become one space; none at the ends. */
static cev_status title_of(cev_arena *arena, const char *text, const char **out)
{
    char *line;
    size_t n = 0;
    CEV_TRY(cev_arena_copy_text(arena, text, &line));
    if (!strpbrk(line, "\n\t")) n = strlen(line);
    for (char *rest = NULL, *word = n ? NULL : strtok_r(line, " \n\t", &rest); word;
         word = strtok_r(NULL, " \n\t", &rest)) {
        size_t length = strlen(word);
        if (n) line[n++] = ' ';
        memmove(line + n, word, length);
        n += length;
    }
    line[n] = '\0';
    *out = line;
    return CEV_OK;
}

static cev_status read_text(cev_arena *arena, cev_node node, const cev_key *key, const char **out)
{
    *out = cev_node_text(node);
    if (!cev_node_is_scalar(node) || !cev_node_text_size(node))
        return cev_node_fail(node, "key \"%s\": expected a text, found %s", key->name, cev_node_kind(node));
    CEV_TRY(cev_node_check_text(node, key->name, key->type != CEV_KEY_TEXT));
    return key->type == CEV_KEY_TITLE ? title_of(arena, *out, out) : CEV_OK;
}

/* --- tables of keys --------------------------------------------------------------------------------------------- */

static void bounds_of(const cev_key *key, double *minimum, double *maximum)
{
    bool any = key->minimum == 0 && key->maximum == 0;
    *minimum = any ? -INFINITY : key->minimum;
    *maximum = any ? INFINITY : key->maximum;
}

cev_status cev_node_reals(cev_arena *arena, cev_node node, const cev_key *key, cev_reals *out)
{
    double minimum, maximum;
    bounds_of(key, &minimum, &maximum);
    if (!cev_node_is_sequence(node))
        return cev_node_fail(node, "key \"%s\": expected a list of numbers, found %s", key->name, cev_node_kind(node));
    out->node = node;
    out->n = cev_node_length(node);
    CEV_TRY(cev_new(arena, out->n, &out->value));
    for (size_t i = 0; i < out->n; i++)
        CEV_TRY(cev_node_real(cev_node_item(node, i), key->name, minimum, maximum, &out->value[i]));
    return CEV_OK;
}

static cev_status read_key(cev_arena *arena, cev_node node, const cev_key *key, void *to)
{
    double minimum, maximum;
    bounds_of(key, &minimum, &maximum);
    switch (key->type) {
    case CEV_KEY_REAL: return cev_node_real(node, key->name, minimum, maximum, to);
    case CEV_KEY_COUNT:
        return cev_node_count(node, key->name, minimum > 0 ? (size_t)minimum : 0,
                              maximum < 9e15 ? (size_t)maximum : (size_t)9e15, to);
    case CEV_KEY_TEXT:
    case CEV_KEY_PROSE:
    case CEV_KEY_TITLE: return read_text(arena, node, key, to);
    case CEV_KEY_FLAG: return read_flag(node, key->name, to);
    case CEV_KEY_REALS: return cev_node_reals(arena, node, key, to);
    case CEV_KEY_NODE: *(cev_node *)to = node; return CEV_OK;
    }
    return CEV_OK;
}

/* What an absent key is read as. */
static void fill_in(const cev_key *key, void *to)
{
    if (!key->otherwise) return;
    switch (key->type) {
    case CEV_KEY_REAL: *(double *)to = strtod(key->otherwise, NULL); break;
    case CEV_KEY_COUNT: *(size_t *)to = (size_t)strtoull(key->otherwise, NULL, 10); break;
    case CEV_KEY_FLAG: *(bool *)to = !strcmp(key->otherwise, "true"); break;
    case CEV_KEY_TEXT:
    case CEV_KEY_PROSE:
    case CEV_KEY_TITLE: *(const char **)to = key->otherwise; break;
    case CEV_KEY_REALS:
    case CEV_KEY_NODE: break;
    }
}

static cev_status check_known(cev_node key, const char *what, const char *const *names, size_t n)
{
    char expected[256];
    for (size_t k = 0; k < n; k++)
        if (!strcmp(cev_node_text(key), names[k])) return CEV_OK;
    snprintf(expected, sizeof expected, "key of %s", what);
    return cev_node_fail_name(key, expected, names, n);
}

static const cev_key *find_key(const cev_key *key, size_t n, const char *name)
{
    for (size_t k = 0; k < n; k++)
        if (!strcmp(key[k].name, name)) return &key[k];
    return !strcmp(always_allowed.name, name) ? &always_allowed : NULL;
}

const cev_key *cev_key_below(const cev_key *key, const char *name)
{
    if (key->of) return find_key(key->of->key, key->of->n, name);
    if (!key->model) return key->values ? key->values : key;
    if (!strcmp(name, name_of_model.name)) return &name_of_model;
    const cev_key *nested = find_key(key->model->nested, key->model->n_nested, name);
    return nested ? nested : &parameter_of_model;
}

cev_status cev_node_read(cev_arena *arena, cev_node node, const cev_table *table, void *out)
{
    const char *names[MOST_KEYS + 1];
    for (size_t k = 0; k < table->n; k++) names[k] = table->key[k].name;
    names[table->n] = always_allowed.name;
    if (!cev_node_is_mapping(node))
        return cev_node_fail(node, "%s: expected a mapping of keys, found %s", table->what, cev_node_kind(node));
    for (size_t i = 0; i < cev_node_length(node); i++)
        CEV_TRY(check_known(cev_node_key(node, i), table->what, names, table->n + 1));
    for (size_t k = 0; k < table->n; k++) {
        const cev_key *key = &table->key[k];
        cev_node value = cev_node_find(node, key->name);
        if (value.id)
            CEV_TRY(read_key(arena, value, key, (char *)out + key->offset));
        else if (key->required)
            return cev_node_fail(node, "%s: key \"%s\" is missing", table->what, key->name);
        else
            fill_in(key, (char *)out + key->offset);
    }
    return CEV_OK;
}

/* --- models ----------------------------------------------------------------------------------------------------- */

static cev_status read_parameters(cev_node node, const char *what, const cev_card *card, double *parameter)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS + CEV_MAX_NESTED + 2] = {name_of_model.name, always_allowed.name};
    size_t n_name = 2;
    for (size_t p = 0; p < card->n_parameter; p++) names[n_name++] = card->parameters[p].name;
    for (size_t k = 0; k < card->n_nested; k++) names[n_name++] = card->nested[k];
    char title[128];
    snprintf(title, sizeof title, "%s \"%s\"", what, card->name);
    for (size_t i = 0; i < cev_node_length(node); i++)
        CEV_TRY(check_known(cev_node_key(node, i), title, names, n_name));
    for (size_t k = 0; k < card->n_nested; k++)
        if (!cev_node_is_mapping(node) || !cev_node_find(node, card->nested[k]).id)
            return cev_node_fail(node, "%s: key \"%s\" is missing", title, card->nested[k]);
    for (size_t p = 0; p < card->n_parameter; p++) {
        const cev_parameter *d = &card->parameters[p];
        cev_node value = cev_node_find(node, d->name);
        if (value.id) CEV_TRY(cev_node_real(value, d->name, d->minimum, d->maximum, &parameter[p]));
        const char *complaint = value.id ? cev_parameter_complaint(d, parameter[p]) : NULL;
        if (complaint)
            return cev_node_fail(value, "key \"%s\": expected %s, found %s", d->name, complaint, cev_node_text(value));
        if (isnan(parameter[p]) && !d->optional)
            return cev_node_fail(node, "%s: key \"%s\" is missing: %s", title, d->name, d->help);
    }
    return CEV_OK;
}

cev_status cev_node_read_model(cev_node node, const cev_family *family, size_t *index, double *parameter)
{
    const char *names[MOST_KEYS];
    const cev_card *card;
    cev_node name = cev_node_is_mapping(node) ? cev_node_find(node, name_of_model.name) : node;
    if (!name.id) return cev_node_fail(node, "%s: key \"name\" is missing", family->what);
    for (*index = 0; (card = family->card(*index)); ++*index) {
        names[*index] = card->name;
        if (strcmp(card->name, cev_node_text(name))) continue;
        cev_parameter_defaults(card->parameters, card->n_parameter, parameter);
        return read_parameters(node, family->what, card, parameter);
    }
    return cev_node_fail_name(name, family->what, names, *index);
}
