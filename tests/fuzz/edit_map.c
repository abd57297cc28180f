/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of maps through HDF5: things are removed, replaced by others of any kind, type, shape and layout, and filled at
 * random. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect_bytes.h"

#define PICK(array) (array)[below(sizeof(array) / sizeof *(array))]

static uint64_t random_state;

static uint64_t next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static size_t below(size_t n)
{
    return (size_t)(next() % n);
}

/* Names below a space, and those of the file. In a study the former stand below one of its spaces. */
static const char *a_name(void)
{
    static const char *const in_space[] = {"chi2",
                                           "delta_chi2",
                                           "status",
                                           "pull_ess_csi.signal",
                                           "eps_ee_uV",
                                           "eps_mumu_uV",
                                           "map",
                                           "tiles",
                                           "tiles/done",
                                           "tiles/done",
                                           "tiles/digest",
                                           "results",
                                           "results/chi2_reference",
                                           "results/best_fit_chi2",
                                           "results/best_fit",
                                           "results/points_failed",
                                           "results/content_hash"};
    static const char *const of_file[] = {"progress",
                                          "progress/sessions",
                                          "progress/ranks",
                                          "progress/threads",
                                          "progress/start",
                                          "progress/end",
                                          "progress/heartbeat",
                                          "progress/points_failed",
                                          "progress/complete",
                                          "progress/content_hash",
                                          "progress/complete",
                                          "progress/wall_time_s",
                                          "index",
                                          "index/name",
                                          "index/experiments",
                                          "index/axes",
                                          "spaces",
                                          "spaces/eps_ee_dV",
                                          "spaces/eps_ee_dV/eps_ee_dV"};
    static const char *const space[] = {"", "", "spaces/eps_ee_dV/", "spaces/eps_ee_uV,eps_mumu_uV/"};
    static char name[4][128]; /* as many are in use at a time */
    static size_t turn;
    if (below(4) == 0) return PICK(of_file);
    const char *where = PICK(space), *what = PICK(in_space);
    turn = (turn + 1) % 4;
    snprintf(name[turn], sizeof name[turn], "%s%s", where, what);
    return name[turn];
}

static const char *an_attribute(void)
{
    static const char *const names[] = {"format",
                                        "format_version",
                                        "axes",
                                        "title",
                                        "configuration",
                                        "configuration_hash",
                                        "description_hash",
                                        "data",
                                        "experiments",
                                        "study",
                                        "library_versions",
                                        "members",
                                        "side",
                                        "scale",
                                        "units",
                                        "CLASS",
                                        "new"};
    return PICK(names);
}

static hid_t a_string(size_t size)
{
    static const H5T_str_t padding[] = {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD};
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, PICK(padding));
    H5Tset_cset(type, below(2) ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
    return type;
}

static hid_t a_compound(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "b", 8, H5T_NATIVE_INT);
    return type;
}

static hid_t a_type(void)
{
    hsize_t three = 3;
    switch (below(14)) {
    case 0: return H5Tcopy(H5T_STD_U8LE);
    case 1: return H5Tcopy(H5T_STD_I8LE);
    case 2: return H5Tcopy(H5T_STD_I64BE);
    case 3: return H5Tcopy(H5T_STD_U32LE);
    case 4: return H5Tcopy(H5T_IEEE_F32BE);
    case 5: return H5Tcopy(H5T_IEEE_F64LE);
    case 6: return a_string(H5T_VARIABLE);
    case 7: return a_string(1 + below(100));
    case 8: return a_string((size_t)1 << below(31));
    case 9: return H5Tcreate(H5T_OPAQUE, 1 + below(64));
    case 10: return H5Tarray_create2(H5T_NATIVE_UCHAR, 1, &three);
    case 11: return H5Tvlen_create(H5T_NATIVE_UCHAR);
    case 12: return a_compound();
    default: return H5Tenum_create(H5T_NATIVE_INT);
    }
}

static hsize_t a_length(void)
{
    static const hsize_t lengths[] =
        {1, 1, 2, 2, 3, 3, 4, 7, 100, 1 << 20, (1 << 20) + 1, 1 << 21, (hsize_t)1 << 32, (hsize_t)1 << 48};
    return below(12) ? PICK(lengths) : below(2) ? 0 : H5S_UNLIMITED - 1;
}

static hid_t a_space(hsize_t *size, int *rank)
{
    *rank = (int)below(6);
    for (int k = 0; k < *rank; k++) size[k] = a_length();
    if (*rank == 0) return H5Screate(below(4) ? H5S_SCALAR : H5S_NULL);
    return H5Screate_simple(*rank, size, NULL);
}

static hid_t a_layout(const hsize_t *size, int rank)
{
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    static const H5D_alloc_time_t times[] = {H5D_ALLOC_TIME_LATE, H5D_ALLOC_TIME_INCR};
    H5Pset_obj_track_times(p, 0);
    H5Pset_alloc_time(p, PICK(times));
    hsize_t chunk[8];
    for (int k = 0; k < rank; k++) chunk[k] = size[k] > 16 ? 16 : size[k] ? size[k] : 1;
    size_t kind = below(6);
    if (kind == 0) H5Pset_layout(p, H5D_COMPACT);
    if (kind == 1 && rank) H5Pset_chunk(p, rank, chunk);
    if (kind == 2 && rank) {
        H5Pset_chunk(p, rank, chunk);
        H5Pset_fletcher32(p);
        H5Pset_deflate(p, 6);
    }
    if (kind == 3 && rank && below(4) == 0) {
        hid_t space = H5Screate_simple(rank, size, NULL);
        H5Pset_virtual(p, space, ".", a_name(), space);
        H5Sclose(space);
    }
    if (kind == 4 && below(4) == 0) H5Pset_external(p, "nowhere", 0, H5F_UNLIMITED);
    return p;
}

static void add_dataset(hid_t file, const char *name)
{
    hsize_t size[8];
    int rank;
    hid_t space = a_space(size, &rank), type = a_type(), layout = a_layout(size, rank);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(layout);
    H5Tclose(type);
    H5Sclose(space);
}

/* The same but for one thing: only so are the deeper checks reached. */
static void resize_dataset(hid_t file, const char *name)
{
    hid_t old = H5Dopen2(file, name, H5P_DEFAULT);
    if (old < 0) return;
    hid_t space = H5Dget_space(old), type = below(2) ? H5Dget_type(old) : a_type(), p = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t size[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_dims(space, size, NULL);
    if (rank > 0 && below(2)) size[below((size_t)rank)] = a_length();
    H5Sclose(space);
    space = rank > 0 ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
    H5Dclose(old);
    H5Ldelete(file, name, H5P_DEFAULT);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(p);
    H5Tclose(type);
    H5Sclose(space);
}

/* Some bytes of what it holds. */
static void scribble(hid_t file, const char *name)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) return;
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    size_t item = H5Tget_size(type), most = 1 << 16;
    if (n > 0 && (size_t)n <= most && item && item <= most / (size_t)n && !H5Tdetect_class(type, H5T_VLEN) &&
        H5Tis_variable_str(type) <= 0) {
        unsigned char *byte = calloc((size_t)n, item);
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, byte);
        for (size_t k = 1 + below(8); k-- > 0;)
            byte[below((size_t)n * item)] = (unsigned char)(below(2) ? next() : below(2) * 255);
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, byte);
        free(byte);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
}

static void put_text(hid_t file, const char *name)
{
    static const char *const texts[] =
        {"",          "cevscan map", "cevscan study", "eps_ee_uV", "eps_ee_uV,eps_mumu_uV",
         "eps_ee_dV", "a,b,c",       "a,b,c,d,e",     ",,,",       "\xff\xfe"};
    const char *text = below(8) ? PICK(texts) : NULL;
    hid_t type = a_string(H5T_VARIABLE), space = H5Screate(H5S_SCALAR),
          a = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) {
        H5Awrite(a, type, &text);
        H5Aclose(a);
    }
    H5Sclose(space);
    H5Tclose(type);
}

static void put_number(hid_t file, const char *name)
{
    static const int numbers[] = {1, 1, 0, 2, -1, 0x7fffffff};
    int number = PICK(numbers);
    hid_t space = H5Screate(H5S_SCALAR),
          a = H5Acreate2(file, name, below(2) ? H5T_STD_I8LE : H5T_IEEE_F64BE, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) {
        H5Awrite(a, H5T_NATIVE_INT, &number);
        H5Aclose(a);
    }
    H5Sclose(space);
}

static void put_anything(hid_t file, const char *name)
{
    hsize_t size[8];
    int rank;
    hid_t space = a_space(size, &rank), type = a_type(), a = -1;
    if (H5Sget_simple_extent_npoints(space) <= 16 && H5Tget_size(type) <= 256)
        a = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) H5Aclose(a);
    H5Tclose(type);
    H5Sclose(space);
}

static void edit_attribute_of(hid_t object)
{
    const char *name = an_attribute();
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    switch (below(5)) {
    case 0: put_number(object, name); break;
    case 1: put_anything(object, name); break;
    case 2: break;
    default: put_text(object, name);
    }
}

static void edit_attribute(hid_t file)
{
    hid_t object = H5Oopen(file, below(2) ? "/" : a_name(), H5P_DEFAULT);
    if (object < 0) return;
    edit_attribute_of(object);
    H5Oclose(object);
}

static void relink(hid_t file, const char *name, size_t kind)
{
    const char *other = a_name();
    H5Ldelete(file, name, H5P_DEFAULT);
    if (kind == 0) H5Lcreate_soft(below(2) ? name : other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 1) H5Lcreate_hard(file, below(4) ? other : "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 2) H5Lcreate_external("nowhere.h5", other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 3) {
        hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (group >= 0) H5Gclose(group);
    }
    if (kind == 4) {
        hid_t type = a_type();
        H5Tcommit2(file, name, type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Tclose(type);
    }
}

static void edit(hid_t file)
{
    const char *name = a_name();
    size_t what = below(20);
    if (what < 6)
        scribble(file, name);
    else if (what < 11)
        edit_attribute(file);
    else if (what < 16)
        resize_dataset(file, name);
    else if (what < 18) {
        H5Ldelete(file, name, H5P_DEFAULT);
        add_dataset(file, name);
    } else
        relink(file, name, below(6));
}

static hid_t open_image(void *data, size_t size)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 12, 0);
    H5Pset_file_image(access, data, size);
    hid_t file = H5Fopen("image", H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

size_t edit_map(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    random_state = 0x9e3779b97f4a7c15u * (seed + 1u) | 1;
    for (int k = 0; k < 8; k++) next();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = open_image(data, size);
    if (file < 0) return size;
    for (size_t k = 1 + below(3); k-- > 0;) edit(file);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t edited = H5Fget_file_image(file, NULL, 0);
    if (edited > 0 && (size_t)edited <= max_size && H5Fget_file_image(file, data, max_size) == edited)
        size = (size_t)edited;
    H5Fclose(file);
    return size;
}
