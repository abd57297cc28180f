/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linked into the sanitized program only: Open MPI's plugins stay loaded, so that the leak report at the end can name
 * the library of each leak, and the suppressions can match it. */
int dlclose(void *handle);

int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
