/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The description hash: SHA-256 of the bytes that object("/") writes, where NUL is a zero byte and
 *
 *   object(path)   path NUL
 *                  then of each attribute, by name:  name NUL value
 *                  then of a dataset:  kind NUL sizes NUL, and its elements if it is a dimension scale (has an
 *                                      attribute CLASS) or a column of /index
 *                  or of a group:      object(path/member) of each member, by name
 *   value          kind NUL sizes NUL elements
 *   kind           "text" for strings of either length; "i4", "u1", "u8", "f8" and so on for numbers: signed, unsigned
 *                  or real, and their bytes
 *   sizes          of the dimensions, decimal, with commas between; empty for a scalar
 *   elements       row-major: of a text its bytes up to the first zero, and NUL; of a number its bytes, little-endian
 *
 * Paths are absolute ("/", "/index", "/index/name"). By name: in the order of the bytes. Left out are the groups
 * /progress and `results`, the attribute description_hash of the root group, and those of HDF5's dimension scales:
 * CLASS, NAME, REFERENCE_LIST, DIMENSION_LIST. */
#include "map_description.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_names.h"
#include "store_error.h"

enum { DEEPEST = 5 }; /* spaces, NAME, tiles, done */

typedef struct description {
    const char *path;
    hsize_t limit;  /* of bytes that are read */
    FILE *out;      /* takes what is to be hashed */
    bool strange;   /* something that no file of ours has */
    cev_status bad; /* what cannot be read, or memory */
} description;

/* An object that is being described. */
typedef struct object {
    description *d;
    char path[MAP_PATH_SIZE];
    int depth;
} object;

static void put_word(description *d, const char *word)
{
    fwrite(word, 1, strlen(word) + 1, d->out);
}

static void fail(description *d)
{
    if (d->bad == CEV_OK) d->bad = cev_store_fail_reading(d->path, "read what the file is about");
}

static bool is_of_scales(const char *name)
{
    return !strcmp(name, "CLASS") || !strcmp(name, "NAME") || !strcmp(name, "REFERENCE_LIST") ||
           !strcmp(name, "DIMENSION_LIST");
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static bool is_number(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    return (class == H5T_INTEGER || class == H5T_FLOAT) && H5Tget_size(type) <= 8;
}

/* False for what is neither text nor numbers. */
static bool put_kind(description *d, hid_t type)
{
    char kind[16] = "text";
    if (is_number(type))
        snprintf(kind, sizeof kind, "%c%zu",
                 H5Tget_class(type) == H5T_FLOAT     ? 'f'
                 : H5Tget_sign(type) == H5T_SGN_NONE ? 'u'
                                                     : 'i',
                 H5Tget_size(type));
    else if (H5Tget_class(type) != H5T_STRING)
        return false;
    put_word(d, kind);
    return true;
}

/* Number of elements, or -1. */
static hssize_t put_sizes(description *d, hid_t space)
{
    char text[H5S_MAX_RANK * 24] = "";
    hsize_t size[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_dims(space, size, NULL);
    for (int k = 0; k < rank; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu", k ? "," : "", (unsigned long long)size[k]);
    put_word(d, text);
    return rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_npoints(space);
}

/* Whether the elements, of `size` bytes in memory, fit into what may be read. */
static bool within_limit(description *d, hssize_t n, size_t size)
{
    if (n < 0 || (n > 0 && (hsize_t)n > d->limit / size)) return false;
    d->limit -= (hsize_t)n * size;
    return true;
}

/* Reads elements of an attribute or a dataset as they are in memory: little-endian. */
static herr_t read_elements(hid_t from, bool is_attribute, hid_t type, void *to)
{
    return is_attribute ? H5Aread(from, type, to) : H5Dread(from, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
}

static void put_variable_texts(description *d, hid_t from, bool is_attribute, hid_t type, hid_t space, hssize_t n)
{
    char **text = calloc((size_t)n + 1, sizeof *text);
    if (!text) {
        d->bad = cev_fail(CEV_E_MEMORY, "out of memory");
    } else if (read_elements(from, is_attribute, type, text) < 0) {
        fail(d);
    } else {
        for (hssize_t k = 0; k < n; k++) put_word(d, text[k] ? text[k] : "");
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, text);
    }
    free(text);
}

static void put_plain(description *d, hid_t from, bool is_attribute, hid_t type, hssize_t n)
{
    size_t size = H5Tget_size(type);
    bool number = is_number(type);
    char *all = calloc((size_t)n + 1, size);
    hid_t little = H5Tcopy(type);
    if (number) H5Tset_order(little, H5T_ORDER_LE);
    if (!all)
        d->bad = cev_fail(CEV_E_MEMORY, "out of memory");
    else if (read_elements(from, is_attribute, little, all) < 0)
        fail(d);
    else if (number)
        fwrite(all, size, (size_t)n, d->out);
    for (hssize_t k = 0; d->bad == CEV_OK && !number && k < n; k++) {
        fwrite(all + (size_t)k * size, 1, strnlen(all + (size_t)k * size, size), d->out);
        fputc(0, d->out);
    }
    H5Tclose(little);
    free(all);
}

/* Kind and sizes of an attribute or a dataset, and its elements if they are wanted. */
static void put_value(description *d, hid_t from, bool is_attribute, bool elements)
{
    hid_t type = is_attribute ? H5Aget_type(from) : H5Dget_type(from);
    hid_t space = is_attribute ? H5Aget_space(from) : H5Dget_space(from);
    if (type < 0 || space < 0) {
        fail(d);
    } else if (!put_kind(d, type)) {
        d->strange = true;
    } else {
        hssize_t n = put_sizes(d, space);
        if (!elements)
            ;
        else if (!within_limit(d, n, H5Tget_size(type)))
            d->strange = true;
        else if (H5Tis_variable_str(type) > 0)
            put_variable_texts(d, from, is_attribute, type, space, n);
        else
            put_plain(d, from, is_attribute, type, n);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
}

/* --- objects ---------------------------------------------------------------------------------------------------- */

static herr_t put_attribute(hid_t where, const char *name, const H5A_info_t *unused, void *context)
{
    (void)unused;
    const object *o = context;
    description *d = o->d;
    if (is_of_scales(name) || (o->depth == 0 && !strcmp(name, MAP_DESCRIPTION_HASH))) return 0;
    put_word(d, name);
    hid_t attribute = H5Aopen(where, name, H5P_DEFAULT);
    if (attribute < 0)
        fail(d);
    else
        put_value(d, attribute, true, true);
    if (attribute >= 0) H5Aclose(attribute);
    return d->bad == CEV_OK && !d->strange ? 0 : -1;
}

static void put_object(const object *o, hid_t id);

static herr_t put_member(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    const object *parent = context;
    object o = {.d = parent->d, .depth = parent->depth + 1};
    description *d = o.d;
    bool of_progress = parent->depth == 0 && !strcmp(name, MAP_PROGRESS);
    if (of_progress || !strcmp(name, MAP_RESULTS)) return 0;
    int size = snprintf(o.path, sizeof o.path, "%s/%s", parent->depth ? parent->path : "", name);
    if (link->type != H5L_TYPE_HARD || o.depth > DEEPEST || size >= (int)sizeof o.path) {
        d->strange = true;
        return -1;
    }
    hid_t id = H5Oopen(group, name, H5P_DEFAULT);
    if (id < 0)
        fail(d);
    else
        put_object(&o, id);
    if (id >= 0) H5Oclose(id);
    return d->bad == CEV_OK && !d->strange ? 0 : -1;
}

static bool has_its_elements_described(const object *o, hid_t id)
{
    htri_t scale = H5Aexists(id, "CLASS");
    if (scale < 0) fail(o->d);
    return scale > 0 || !strncmp(o->path, "/" MAP_INDEX "/", sizeof "/" MAP_INDEX "/" - 1);
}

/* Datasets that are pieced together from others or from other files may be endless. */
static bool holds_its_data(hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset);
    bool own = properties >= 0 && H5Pget_layout(properties) != H5D_VIRTUAL && H5Pget_external_count(properties) == 0;
    if (properties >= 0) H5Pclose(properties);
    return own;
}

static void put_object(const object *o, hid_t id)
{
    description *d = o->d;
    put_word(d, o->path);
    if (H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, NULL, put_attribute, (void *)(uintptr_t)o) < 0 && !d->strange)
        fail(d);
    if (d->bad != CEV_OK || d->strange) return;
    H5I_type_t type = H5Iget_type(id);
    if (type == H5I_GROUP || type == H5I_FILE) {
        if (H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, put_member, (void *)(uintptr_t)o) < 0 && !d->strange)
            fail(d);
    } else if (type == H5I_DATASET && holds_its_data(id)) {
        put_value(d, id, false, has_its_elements_described(o, id));
    } else {
        d->strange = true;
    }
}

cev_status cev_map_describe(hid_t file, const char *path, hsize_t limit, cev_digest *out, bool *strange)
{
    char *bytes = NULL;
    size_t size = 0;
    description d = {.path = path, .limit = limit, .out = open_memstream(&bytes, &size)};
    if (!d.out) return cev_fail(CEV_E_MEMORY, "out of memory");
    put_object(&(object){.d = &d, .path = "/"}, file);
    bool torn = ferror(d.out) != 0;
    if ((fclose(d.out) || torn) && d.bad == CEV_OK) d.bad = cev_fail(CEV_E_MEMORY, "out of memory");
    if (d.bad == CEV_OK) d.bad = cev_digest_spans(&(cev_span){bytes, size}, 1, out);
    *strange = d.strange;
    free(bytes);
    return d.bad;
}
