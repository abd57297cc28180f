/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan does with each parameter: the entries of its key "parameters", and the roster that they make. */
#ifndef CEVSCAN_CONFIG_SCAN_ROLES_H
#define CEVSCAN_CONFIG_SCAN_ROLES_H

#include "scan_parts.h"

/* The keys of an entry. */
typedef struct cev_parameter_keys {
    cev_node name, each_of, value, scale, min, max, points, linear_threshold, centre, sigma, equals, times;
    const char *formula, *unit, *label;
    cev_reals values, profile;
} cev_parameter_keys;

typedef struct cev_entry {
    cev_node node;
    cev_parameter_keys keys;
    bool left_out;  /* of a study: this plane scans its parameter */
    bool minimised; /* a pull that stays one, within bounds: no part of the roster */
    size_t index;   /* in theta */
} cev_entry;

/* A list of them while it is read. */
typedef struct cev_roles {
    cev_scan_config *config;
    size_t n, n_own; /* entries; from n_own on they are this plane's own, before it the study's */
    cev_entry *entry;
    cev_guest *guest; /* [n_guest] of config->roster; has room for CEV_MAX_GUESTS */
    cev_profiled *profiled;
    cev_constraint *constraint; /* [n] */
    cev_follower *follower;     /* [n] */
} cev_roles;

/* Whether an entry says that its parameter is scanned. */
bool cev_entry_scans(const cev_entry *entry);

/* An axis; several parameters in turn, of which given[] marks those that have another entry. */
cev_status cev_read_axis(cev_scan_config *config, cev_node node, const cev_parameter_keys *keys, size_t index);
cev_status cev_read_members(cev_scan_config *config, cev_node node, const cev_parameter_keys *keys, bool *given);

/* What follows others: `equals` and `formula` of an entry; and their order, once all are read. */
cev_status cev_read_follower(cev_roles *r, const cev_entry *entry);
cev_status cev_order_followers(cev_roles *r);

/* What each entry is about: its index in theta, or that it bounds a pull; guests join the roster as they are named. */
cev_status cev_find_entries(cev_roles *r);

/* The entry of theta[index]; NULL if it has none. */
const cev_entry *cev_entry_of(const cev_roles *r, size_t index);

/* Numbers of experiments: whether a name is one; the guest that it becomes, of which `find` knows no range yet; and,
 * once all roles are read, the range that the scan gives it. */
bool cev_is_number(const cev_scan_config *config, const char *name);
cev_status cev_describe_number(const cev_roles *r, cev_node name, cev_guest *out);
cev_status cev_lay_number(cev_roles *r, size_t guest);

/* The experiments' pull of a name, in the first of its experiments; NULL: none has it. */
const cev_pull *cev_pull_of(const cev_scan_config *config, const char *name);

#endif
