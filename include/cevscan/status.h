/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcome of every fallible function, and the text that explains a failure.
 *
 * A function that fails returns a status other than CEV_OK after describing the failure once, where it happened, with
 * cev_fail(). Callers hand the status up with CEV_TRY() and may add what they were doing with cev_fail_while(). The
 * text is kept per thread; nothing in the library prints or ends the process. */
#ifndef CEVSCAN_STATUS_H
#define CEVSCAN_STATUS_H

typedef enum cev_status {
    CEV_OK = 0,
    CEV_E_INPUT,   /* a configuration, an argument or a map that the user has to change */
    CEV_E_IO,      /* the file system, HDF5 or MPI refused; the message holds the system's reason */
    CEV_E_MEMORY,  /* an allocation failed */
    CEV_E_NUMERIC, /* a set-up calculation did not reach its accuracy (a failing grid point is data, not an error) */
    CEV_E_STOPPED, /* nothing is wrong: what the caller asked to be watched wants everybody to stop */
} cev_status;

/* Records a message (printf style) and returns `status`; use through cev_fail(). */
cev_status cev_fail_at(const char *file, int line, cev_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define cev_fail(status, ...) cev_fail_at(__FILE__, __LINE__, (status), __VA_ARGS__)

/* Puts "context: " in front of the recorded message and returns `status` unchanged. */
cev_status cev_fail_while(cev_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The recorded message of this thread, "" if there is none; valid until the next failure on the thread. */
const char *cev_error_message(void);

/* Source position of the failure as "src/room/file.c:123", for bug reports; "" if there is none. */
const char *cev_error_origin(void);

void cev_error_clear(void);

/* What an errno about a file means: CEV_E_INPUT for a name that the user has to change (no such folder, too long),
 * CEV_E_IO for a file system that refuses. */
cev_status cev_status_of_errno(int reason);

#define CEV_TRY(expression)                                                                                            \
    do {                                                                                                               \
        cev_status cev_try_status_ = (expression);                                                                     \
        if (cev_try_status_ != CEV_OK) return cev_try_status_;                                                         \
    } while (0)

#endif
