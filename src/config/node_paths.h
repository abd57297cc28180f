/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of a configuration by path: "source.years", "pulls.*.sigma". */
#ifndef CEVSCAN_CONFIG_NODE_PATHS_H
#define CEVSCAN_CONFIG_NODE_PATHS_H

#include "cevscan/yaml.h"

enum { CEV_MOST_STEPS = 16 }; /* of a path, and of a place */

/* Where a number is, or a list of numbers. */
typedef struct cev_place {
    size_t n;
    struct {
        const char *key;  /* of a mapping; NULL: of a list, by number */
        size_t index;     /* in the list */
        const char *name; /* the key, or what the one in the list is called */
    } step[CEV_MOST_STEPS];
    bool list; /* of numbers */
} cev_place;

/* What is looked for, and what comes of it. */
typedef struct cev_search {
    cev_arena *arena; /* owns what is found */
    size_t n, most;
    cev_place *place; /* [n], each once */
    size_t steps;     /* taken so far */
    /* The place at which the search came furthest and found no name: what the path says from there on, and the names
     * that there are. */
    size_t reached;
    size_t n_name;
    const char *name[64];
    /* What the things are called that have names in the last list before that place. */
    size_t n_item;
    const char *item[64];
    bool no_number;                 /* the path ends, but at something else */
    const char *idle, *idle_beside; /* or at a default that changes nothing beside another key */
} cev_search;

/* Adds the places below `root`, of what `key` says it is, that a path fits. Its parts are joined by dots and fit names,
 * which may have dots of their own; in parts, * stands for any letters and ? for one. Things in lists that have names
 * are meant by them. A number that is not written counts if it has a default. CEV_E_INPUT, at `path`, if it has more
 * than 16 parts or fits too much. */
cev_status cev_find_places(cev_search *search, cev_node path, const char *text, cev_node root, const cev_key *key);

/* Whether two places in one configuration are the same. */
bool cev_same_place(const cev_place *one, const cev_place *other);

/* Whether a place is that of these keys from the root: {"source", "years"}. */
bool cev_place_is(const cev_place *place, size_t n, const char *const *key);

/* A place for people, "pulls[ess_csi.signal].sigma": names may make two of them look the same. */
cev_status cev_place_words(cev_arena *arena, const cev_place *place, char **out);

/* The number at a place, or its default. */
double cev_number_at(cev_node root, const cev_key *key, const cev_place *place);

/* *out is `root` with another number at a place: `x` itself, or x times what is there, each number of a list. Messages
 * about it point to `where`, or to the number before if that is not there. */
cev_status cev_change_place(cev_node root, const cev_key *key, const cev_place *place, bool multiply, double x,
                            cev_node where, cev_node *out);

#endif
