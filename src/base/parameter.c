/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/parameter.h"

#include <math.h>
#include <string.h>

size_t cev_parameter_index(const cev_parameter *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name)) return i;
    return n;
}

void cev_parameter_defaults(const cev_parameter *table, size_t n, double *value)
{
    for (size_t i = 0; i < n; i++) value[i] = table[i].default_value;
}

const char *cev_parameter_complaint(const cev_parameter *parameter, double value)
{
    if (parameter->whole && value != floor(value)) return "a whole number";
    if (parameter->not_zero && value == 0) return "a number other than zero";
    if (parameter->only_zero && value != 0)
        return "zero, since flavours arrive coherently where NSI act in propagation, and are detected one by one";
    return NULL;
}
