/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CEVSCAN_VERSION_H
#define CEVSCAN_VERSION_H

#define CEVSCAN_VERSION "0.4.0"

/* The commit that this program was built from, as git describes it. */
const char *cev_commit(void);

#endif
