/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usage.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "command.h"

static void print_error(const char *who, const char *message)
{
    fprintf(stderr, "cevscan: error: ");
    print_plain(stderr, message);
    fprintf(stderr, "; see: %s --help\n", who);
}

_Noreturn void usage_error(const struct argp_state *state, const char *format, ...)
{
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    print_error(state->name, message);
    exit(EXIT_BAD_INPUT);
}

/* --- options ---------------------------------------------------------------------------------------------------- */

enum { MOST_OPTIONS = 64, FIRST_LONG = 1000 };

/* argp's tables as getopt takes them. */
typedef struct option_list {
    size_t n;
    struct option option[MOST_OPTIONS + 1];
    char letters[2 * MOST_OPTIONS + 2];
} option_list;

static void add_option(option_list *list, const char *name, int key, bool has_argument)
{
    size_t used = strlen(list->letters);
    if (list->n == MOST_OPTIONS) return;
    if (key > ' ' && key < 0x7f)
        snprintf(list->letters + used, sizeof list->letters - used, "%c%s", key, has_argument ? ":" : "");
    if (name)
        list->option[list->n] = (struct option){name, has_argument ? required_argument : no_argument, NULL,
                                                FIRST_LONG + (int)list->n};
    list->n += name != NULL;
}

static void add_options(option_list *list, const struct argp *argp)
{
    for (const struct argp_option *o = argp->options; o && (o->name || o->key); o++)
        add_option(list, o->name, o->key, o->arg != NULL);
    for (const struct argp_child *c = argp->children; c && c->argp; c++) add_options(list, c->argp);
}

static void say_unknown(const option_list *list, const char *who, const char *given)
{
    char message[1024];
    const char *names[MOST_OPTIONS], *nearest = NULL;
    int length = (int)strcspn(given, "=");
    char word[64] = "";
    for (size_t k = 0; k < list->n; k++) names[k] = list->option[k].name;
    if (!strncmp(given, "--", 2) && length < (int)sizeof word) {
        snprintf(word, sizeof word, "%.*s", length - 2, given + 2);
        nearest = cev_nearest(word, names, list->n);
    }
    snprintf(message, sizeof message, "there is no option %.*s%s%s%s", length, given,
             nearest ? " (did you mean --" : "", nearest ? nearest : "", nearest ? "?)" : "");
    print_error(who, message);
}

/* What getopt does not take: an option that is none, or that starts several, or one that lacks its argument. */
static void say_wrong(const option_list *list, const char *who, int verdict, const char *given)
{
    char message[1024];
    char letter[3] = {'-', (char)optopt, '\0'};
    bool is_long = !strncmp(given, "--", 2);
    if (verdict == ':')
        snprintf(message, sizeof message, "option %s needs an argument", is_long ? given : letter);
    else if (optopt >= FIRST_LONG)
        snprintf(message, sizeof message, "option %.*s takes no argument", (int)strcspn(given, "="), given);
    else if (!is_long && optopt >= '0' && optopt <= '9')
        snprintf(message, sizeof message,
                 "there is no option %s; a negative number follows a = sign, as in --set PARAMETER=%s", letter, given);
    if (verdict == ':' || optopt >= FIRST_LONG || (!is_long && optopt >= '0' && optopt <= '9'))
        print_error(who, message);
    else
        say_unknown(list, who, is_long ? given : letter);
}

/* A look ahead on a copy of the arguments, which getopt puts into another order. */
static void check_options(const struct argp *argp, int argc, char **argv)
{
    option_list list = {.letters = ":"};
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    int verdict;
    add_options(&list, argp);
    add_option(&list, "help", '?', false);
    add_option(&list, "usage", 0, false);
    if (!copy) return;
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    optind = 0; /* from the beginning */
    opterr = 0;
    while ((verdict = getopt_long(argc, copy, list.letters, list.option, NULL)) != -1) {
        bool help = verdict == '?' && optopt == 0 && !strncmp(copy[optind - 1], "-?", 2);
        if ((verdict != '?' && verdict != ':') || help) continue;
        say_wrong(&list, argv[0], verdict, copy[optind - 1]);
        exit(EXIT_BAD_INPUT);
    }
    free(copy);
}

void parse_arguments(const struct argp *argp, int argc, char **argv, void *input)
{
    check_options(argp, argc, argv);
    if (argp_parse(argp, argc, argv, 0, NULL, input)) exit(EXIT_BAD_INPUT);
}
