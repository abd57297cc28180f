/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096, ORIGIN_SIZE = 128 };

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local char origin[ORIGIN_SIZE];

cev_status cev_fail_at(const char *file, int line, cev_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(origin, sizeof origin, "%s:%d", file, line);
    return status;
}

cev_status cev_fail_while(cev_status status, const char *format, ...)
{
    char inner[MESSAGE_SIZE];
    memcpy(inner, message, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof message) {
        strncat(message, ": ", sizeof message - strlen(message) - 1);
        strncat(message, inner, sizeof message - strlen(message) - 1);
    }
    return status;
}

const char *cev_error_message(void)
{
    return message;
}

const char *cev_error_origin(void)
{
    return origin;
}

void cev_error_clear(void)
{
    message[0] = '\0';
    origin[0] = '\0';
}

cev_status cev_status_of_errno(int reason)
{
    switch (reason) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG: return CEV_E_INPUT;
    default: return CEV_E_IO;
    }
}
