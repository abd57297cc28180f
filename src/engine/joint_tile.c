/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/combination.h"
#include "joint_tile_parts.h"

static const double branch_window = 40;
static const double same_chi2 = 1e-5, same_forms = 0.03;
static const double same_place = 0.05; /* of the box: neighbours in one valley */

/* --- memory ------------------------------------------------------------------------------------------------------- */

static cev_status new_fit(cev_arena *arena, const joint_sizes *p, joint_fit *fit)
{
    return cev_new(arena, p->n_variable, &fit->variable);
}

static cev_status allocate(const joint_sizes *p, joint_search *s)
{
    joint_place *place;
    CEV_TRY(cev_arena_create(&s->arena));
    CEV_TRY(joint_work_create(p, &s->work));
    CEV_TRY(joint_places_new(s->arena, p, JOINT_PIECE_POINTS + N_NODE, &place));
    CEV_TRY(cev_new(s->arena, JOINT_PIECE_POINTS, &s->point));
    CEV_TRY(cev_new(s->arena, N_NODE, &s->node));
    CEV_TRY(cev_new(s->arena, MOST_TASKS, &s->task));
    CEV_TRY(cev_new(s->arena, MOST_TASKS, &s->owner));
    CEV_TRY(cev_new(s->arena, JOINT_PIECE_ROWS * JOINT_MAX_STARTS, &s->start));
    CEV_TRY(cev_new(s->arena, CEV_LANES, &s->portrait));
    CEV_TRY(cev_new(s->arena, CEV_LANES * p->n_all, &s->value));
    for (size_t k = 0; k < JOINT_PIECE_POINTS; k++) {
        s->point[k].place = place++;
        CEV_TRY(new_fit(s->arena, p, &s->point[k].best));
    }
    for (size_t k = 0; k < N_NODE; k++) {
        s->node[k].place = place++;
        for (size_t b = 0; b < MOST_BRANCHES; b++) CEV_TRY(new_fit(s->arena, p, &s->node[k].branch[b]));
    }
    for (size_t k = 0; k < MOST_TASKS; k++) CEV_TRY(new_fit(s->arena, p, &s->task[k]));
    for (size_t l = 0; l < CEV_LANES; l++) CEV_TRY(cev_new(s->arena, p->n_pull, &s->portrait[l].pull));
    return joint_bounds_new(s->arena, p, s);
}

cev_status joint_search_create(const joint_sizes *sizes, joint_search **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->most_values = sizes->n_all;
    cev_status status = allocate(sizes, *out);
    if (status != CEV_OK) joint_search_destroy(out);
    return status;
}

void joint_search_begin(joint_search *s, const joint_search_spec *spec)
{
    s->spec = *spec;
    s->p = spec->problem;
    s->n_variable = spec->problem->n_variable;
    s->n_pull = joint_n_pull(spec->problem->chi2);
    s->work->scratch = spec->scratch;
    s->work->followers = spec->followers;
    joint_bounds_begin(s);
}

void joint_search_refresh(joint_search *s, joint_scratch *scratch, cev_followers *followers, joint_problem *problem,
                          const double *theta)
{
    s->work->scratch = scratch;
    s->work->followers = followers;
    joint_problem_refresh(problem, s->work, theta);
}

void joint_search_destroy(joint_search **search)
{
    if (!search || !*search) return;
    joint_work_destroy(&(*search)->work);
    bound_scratch_destroy(&(*search)->bounds);
    cev_arena_destroy(&(*search)->arena);
    free(*search);
    *search = NULL;
}

/* --- tasks: fits that run together -------------------------------------------------------------------------------- */

/* Takes over what a fit found, not its place. */
void joint_keep_fit(const joint_search *s, const joint_fit *from, joint_fit *to)
{
    double *variable = to->variable;
    const joint_place *place = to->place;
    memcpy(variable, from->variable, s->n_variable * sizeof *variable);
    *to = *from;
    to->variable = variable;
    to->place = place;
}

static void no_fit(point *at)
{
    at->best.place = at->place;
    at->best.chi2 = INFINITY;
    at->best.end = JOINT_FAILED;
    at->best.status = CEV_POINT_NOT_CONVERGED;
    at->best.has_variable = false;
    at->bound = -INFINITY;
    at->reached = at->proven = at->warm = at->has_start = false;
}

static void run_tasks(joint_search *s)
{
    joint_fits_run(s->p, s->work, s->n_task, s->task);
    for (size_t k = 0; k < s->n_task; k++) {
        point *at = s->owner[k];
        const joint_fit *t = &s->task[k];
        if (t->end == JOINT_FAILED && at->best.end == JOINT_FAILED) at->best.status = t->status;
        if (t->end != JOINT_FAILED && t->chi2 < at->best.chi2) joint_keep_fit(s, t, &at->best);
    }
    s->n_task = 0;
}

void joint_add_task(joint_search *s, point *at, const double *z, const double *variable, double give_up)
{
    if (s->n_task == MOST_TASKS) run_tasks(s);
    joint_fit *t = &s->task[s->n_task];
    t->place = at->place;
    t->give_up = give_up;
    t->known = isfinite(give_up) ? at->best.z : NULL;
    t->has_variable = variable != NULL;
    memcpy(t->z, z, s->p->n * sizeof *z);
    if (variable) memcpy(t->variable, variable, s->n_variable * sizeof *variable);
    s->owner[s->n_task++] = at;
}

static void add_task_from(joint_search *s, point *at, const joint_fit *from, double give_up)
{
    if (from->end != JOINT_FAILED) joint_add_task(s, at, from->z, from->has_variable ? from->variable : NULL, give_up);
}

static bool is_done(const point *at)
{
    return at->reached || at->best.end == JOINT_FAILED;
}

static void judge(point *at)
{
    at->reached |= at->best.chi2 < at->bound + JOINT_PROVEN_TO;
}

/* --- nodes and their branches ------------------------------------------------------------------------------------- */

static bool have_same_forms(const joint_search *s, const joint_fit *a, const joint_fit *b)
{
    double of_a[JOINT_MAX_FORMS], of_b[JOINT_MAX_FORMS], apart = 0, size = 0;
    joint_live_forms(s->p, s->work, a->place, a->z, of_a);
    joint_live_forms(s->p, s->work, b->place, b->z, of_b);
    for (size_t f = 0; f < s->p->n_live; f++) {
        apart += fabs(of_a[f] - of_b[f]);
        size += fabs(of_a[f]) + fabs(of_b[f]);
    }
    return apart <= same_forms * size;
}

static bool is_new_branch(const joint_search *s, const node *n, const joint_fit *found)
{
    for (size_t b = 0; b < n->n; b++)
        if (fabs(n->branch[b].chi2 - found->chi2) < same_chi2 &&
            (found->chi2 > 1e-3 || have_same_forms(s, &n->branch[b], found)))
            return false;
    return true;
}

static void add_branch(const joint_search *s, node *n, const joint_fit *found)
{
    if (found->end == JOINT_FAILED || (n->n && found->chi2 > n->branch[0].chi2 + branch_window)) return;
    if (!is_new_branch(s, n, found)) return;
    size_t at = n->n < MOST_BRANCHES ? n->n++ : MOST_BRANCHES;
    if (at == MOST_BRANCHES && !(found->chi2 < n->branch[--at].chi2)) return;
    for (; at > 0 && n->branch[at - 1].chi2 > found->chi2; at--) joint_keep_fit(s, &n->branch[at - 1], &n->branch[at]);
    joint_keep_fit(s, found, &n->branch[at]);
}

static bool is_blind(const joint_problem *p)
{
    return !p->roster->interaction->forms->matrices;
}

static size_t node_line(size_t n, size_t k)
{
    return k * (n - 1) / (NODES_ALONG - 1);
}

static void search_nodes(joint_search *s, const joint_piece *piece)
{
    size_t n_start = is_blind(s->p) ? NODE_STARTS_BLIND : NODE_STARTS, n = 0;
    double theta[CEV_MAX_THETA];
    for (size_t k = 0; k < N_NODE; k++) {
        node *at = &s->node[k];
        piece->theta(piece->context, node_line(piece->n_row, k / NODES_ALONG),
                     node_line(piece->n_column, k % NODES_ALONG), theta);
        joint_place_open(s->p, s->work, theta, at->place);
        at->n = 0;
        for (size_t b = 0; b < MOST_BRANCHES; b++) at->branch[b].place = at->place;
        for (size_t i = 0; i < n_start; i++, n++) {
            joint_fit *t = &s->task[n];
            t->place = at->place;
            t->give_up = INFINITY;
            t->known = NULL;
            t->has_variable = false;
            joint_start_fixed(s->p, i, t->z);
        }
    }
    joint_fits_run(s->p, s->work, n, s->task);
    for (size_t k = 0; k < n; k++) add_branch(s, &s->node[k / n_start], &s->task[k]);
}

/* The nodes on either side of a line of the piece. */
static size_t node_before(size_t n, size_t line)
{
    size_t k = 0;
    while (k + 2 < NODES_ALONG && node_line(n, k + 1) <= line) k++;
    return k;
}

const node *joint_node_around(const joint_search *s, const joint_piece *piece, size_t row, size_t column, size_t k)
{
    size_t i = node_before(piece->n_row, row) + k / 2, j = node_before(piece->n_column, column) + k % 2;
    return &s->node[i * NODES_ALONG + j];
}

/* --- stages of a column ------------------------------------------------------------------------------------------- */

static point *point_at(const joint_search *s, const joint_piece *piece, size_t row, size_t column)
{
    return &s->point[row * piece->n_column + column];
}

/* From the point before; in the first column, and after a point without chi2, from the branches around. */
static void start_column(joint_search *s, const joint_piece *piece, size_t c)
{
    for (size_t r = 0; r < piece->n_row; r++) {
        point *at = point_at(s, piece, r, c);
        no_fit(at);
        const joint_fit *before = c ? &point_at(s, piece, r, c - 1)->best : NULL;
        if (before && before->end != JOINT_FAILED) {
            add_task_from(s, at, before, INFINITY);
            continue;
        }
        for (size_t k = 0; k < 4; k++) {
            const node *n = joint_node_around(s, piece, r, c, k);
            for (size_t b = 0; b < n->n; b++) add_task_from(s, at, &n->branch[b], INFINITY);
        }
    }
    run_tasks(s);
}

/* What is not negative, no chi2 is, needs no other bound; for the others, that of the relaxed problem, and a start. */
static void bound_points(joint_search *s, size_t n, point *const *at, size_t n_branch)
{
    point *left[JOINT_PIECE_ROWS] = {NULL};
    size_t n_left = 0;
    for (size_t k = 0; k < n; k++) {
        if (at[k]->bound < at[k]->place->penalty) at[k]->bound = at[k]->place->penalty;
        judge(at[k]);
        if (!is_done(at[k]) && at[k]->best.chi2 < s->spec.convex.below) left[n_left++] = at[k];
    }
    joint_bounds_of(s, n_left, left, n_branch);
    for (size_t k = 0; k < n_left; k++) {
        judge(left[k]);
        if (n_branch) s->n_branched++, s->n_reached += left[k]->reached;
    }
}

/* Starts of the points [n] that are not done, some at a time; those that are proven meanwhile need no more. */
static void try_starts(joint_search *s, size_t n, point *const *at)
{
    bool any = true;
    for (size_t k = 0; k < n; k++) at[k]->next_start = 0;
    while (any) {
        any = false;
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < ROUND && !is_done(at[k]) && at[k]->next_start < at[k]->n_start; i++) {
                double z[JOINT_MAX_FREE];
                memcpy(z, at[k]->start[at[k]->next_start++], s->p->n * sizeof *z);
                joint_add_task(s, at[k], z, at[k]->best.variable, at[k]->best.chi2);
                any = true;
            }
        run_tasks(s);
        for (size_t k = 0; k < n; k++) judge(at[k]);
    }
}

/* Reflections of what the points have, again where that brought them to another branch. */
static void reflect_points(joint_search *s, size_t n, point *const *at)
{
    for (int again = 0; again < 2; again++) {
        bool any = false;
        for (size_t k = 0; k < n; k++) {
            bool wanted = !is_done(at[k]) && (again == 0 || at[k]->best.chi2 < at[k]->before - 1e-6);
            at[k]->start = s->start + k * JOINT_MAX_STARTS;
            at[k]->n_start = wanted ? joint_reflections(s->p, at[k]->place, at[k]->best.z, at[k]->start) : 0;
            at[k]->before = at[k]->best.chi2;
            any |= at[k]->n_start > 0;
        }
        if (any) try_starts(s, n, at);
    }
}

static void try_branches(joint_search *s, const joint_piece *piece, size_t c)
{
    for (size_t r = 0; r < piece->n_row; r++) {
        point *at = point_at(s, piece, r, c);
        for (size_t k = 0; k < 4 && !is_done(at); k++) {
            const node *n = joint_node_around(s, piece, r, c, k);
            for (size_t b = 0; b < n->n; b++) add_task_from(s, at, &n->branch[b], at->best.chi2);
        }
    }
    run_tasks(s);
}

static bool is_near(const joint_search *s, const joint_fit *a, const joint_fit *b)
{
    double apart = 0;
    for (size_t k = 0; k < s->p->n; k++) apart = fmax(apart, fabs(a->z[k] - b->z[k]));
    return apart < same_place;
}

static void try_neighbour(joint_search *s, const joint_piece *piece, point *at, size_t row, size_t column)
{
    if (row >= piece->n_row || column >= piece->n_column) return; /* and where a number went below 0 */
    const joint_fit *other = &point_at(s, piece, row, column)->best;
    if (other->end != JOINT_FAILED && !is_near(s, other, &at->best)) add_task_from(s, at, other, at->best.chi2);
}

static void try_neighbours(joint_search *s, const joint_piece *piece, size_t r, size_t c)
{
    point *at = point_at(s, piece, r, c);
    if (is_done(at)) return;
    try_neighbour(s, piece, at, r - 1, c);
    try_neighbour(s, piece, at, r + 1, c);
    try_neighbour(s, piece, at, r, c - 1);
    try_neighbour(s, piece, at, r, c + 1);
}

/* A fit that stopped before its end goes on, with fresh damping. */
static void finish_column(joint_search *s, const joint_piece *piece, size_t c)
{
    for (size_t r = 0; r < piece->n_row; r++) {
        point *at = point_at(s, piece, r, c);
        if (!is_done(at) && at->best.end != JOINT_CONVERGED) add_task_from(s, at, &at->best, INFINITY);
    }
    run_tasks(s);
}

/* Where the relaxed problem of the point before had its minimum. */
static void warm_up(const joint_search *s, const point *before, point *at)
{
    at->warm = before->warm;
    if (!at->warm) return;
    memcpy(at->relaxed.lifted, before->relaxed.lifted, sizeof at->relaxed.lifted);
    memcpy(at->relaxed.x, before->relaxed.x,
           sizeof at->relaxed.x); /* a start, where this point has no bound of its own */
    memcpy(at->relaxed.place, before->relaxed.place, s->p->n_form * sizeof *at->relaxed.place);
    memcpy(at->relaxed.variable, before->relaxed.variable, s->n_variable * sizeof *at->relaxed.variable);
}

/* From couplings that suit the relaxed problem. */
static void try_relaxed(joint_search *s, size_t n, point *const *at)
{
    for (size_t k = 0; k < n; k++)
        if (!is_done(at[k]) && at[k]->has_start)
            joint_add_task(s, at[k], at[k]->relaxed.x, at[k]->best.variable, at[k]->best.chi2);
    run_tasks(s);
    for (size_t k = 0; k < n; k++) judge(at[k]);
}

/* Where nothing is known of how the forms are made, nothing says where else a minimum may lie: each point has starts of
 * its own, as a point by itself has, and its fits go on wherever they lead. */
static void try_fixed(joint_search *s, const joint_piece *piece, size_t c)
{
    double z[JOINT_MAX_FREE];
    for (size_t r = 0; r < piece->n_row; r++) {
        point *at = point_at(s, piece, r, c);
        for (size_t k = 0; k < joint_n_start(s->p) && !is_done(at); k++) {
            joint_start_fixed(s->p, k, z);
            joint_add_task(s, at, z, NULL, INFINITY);
        }
    }
    run_tasks(s);
}

/* Whether branches of the bound are worth their time: there are planes where they lead nowhere. */
static bool is_branching(const joint_search *s)
{
    return s->p->n <= BRANCHED_UP_TO && (s->n_branched < LEAST_BRANCHED || 4 * s->n_reached > s->n_branched);
}

static void search_column(joint_search *s, const joint_piece *piece, size_t c)
{
    point *at[JOINT_PIECE_ROWS];
    for (size_t r = 0; r < piece->n_row; r++) at[r] = point_at(s, piece, r, c);
    start_column(s, piece, c);
    for (size_t r = 0; r < piece->n_row && c; r++) warm_up(s, point_at(s, piece, r, c - 1), at[r]);
    bound_points(s, piece->n_row, at, 0);
    try_relaxed(s, piece->n_row, at);
    reflect_points(s, piece->n_row, at);
    if (is_branching(s)) bound_points(s, piece->n_row, at, MOST_BOUND_BRANCHES);
    try_branches(s, piece, c);
    if (is_blind(s->p)) try_fixed(s, piece, c);
    finish_column(s, piece, c);
    for (size_t r = 0; r < piece->n_row; r++) judge(at[r]);
}

/* --- pieces and points -------------------------------------------------------------------------------------------- */

void joint_search_piece(joint_search *s, const joint_piece *piece)
{
    double theta[CEV_MAX_THETA];
    for (size_t r = 0; r < piece->n_row; r++)
        for (size_t c = 0; c < piece->n_column; c++) {
            piece->theta(piece->context, r, c, theta);
            joint_place_open(s->p, s->work, theta, point_at(s, piece, r, c)->place);
        }
    s->n_branched = s->n_reached = 0;
    search_nodes(s, piece);
    for (size_t c = 0; c < piece->n_column; c++) search_column(s, piece, c);
    for (size_t c = piece->n_column; c-- > 0;) {
        for (size_t r = 0; r < piece->n_row; r++) try_neighbours(s, piece, r, c);
        run_tasks(s);
    }
    if (s->spec.with_values) joint_nearest_of_piece(s, piece);
    joint_give_results(s, piece);
}

size_t joint_n_start(const joint_problem *p)
{
    size_t n = 4 + 4 * p->n;
    return (is_blind(p) ? BLIND_TIMES : 1) * (n < POINT_STARTS_MOST ? n : POINT_STARTS_MOST);
}

void joint_search_points(joint_search *s, size_t n, const double *const *theta, size_t n_start, int wanted,
                         joint_result *out)
{
    point *at[CEV_LANES] = {NULL};
    for (size_t l = 0; l < n; l++) {
        at[l] = &s->point[l];
        joint_place_open(s->p, s->work, theta[l], at[l]->place);
        no_fit(at[l]);
        at[l]->bound = 0;
        for (size_t k = 0; k < n_start; k++) {
            double z[JOINT_MAX_FREE];
            joint_start_fixed(s->p, k, z);
            joint_add_task(s, at[l], z, NULL, INFINITY);
        }
    }
    run_tasks(s);
    for (size_t l = 0; l < n; l++) judge(at[l]);
    if (wanted & JOINT_SEARCH_BOUND) {
        bound_points(s, n, at, 0);
        try_relaxed(s, n, at);
    }
    reflect_points(s, n, at);
    for (size_t l = 0; l < n; l++)
        if (!is_done(at[l]) && at[l]->best.end != JOINT_CONVERGED) add_task_from(s, at[l], &at[l]->best, INFINITY);
    run_tasks(s);
    if (wanted & JOINT_SEARCH_BOUND) bound_points(s, n, at, MOST_BOUND_BRANCHES);
    joint_look_at_points(s, n, at, JOINT_WANT_NEAREST);
    joint_nearest_fixed(s, n, at, n_start);
    joint_nearest_reflections(s, n, at);
    joint_look_at_points(s, n, at, JOINT_WANT_NEAREST | (wanted & JOINT_SEARCH_DIRECTIONS ? JOINT_WANT_DIRECTIONS : 0));
    for (size_t l = 0; l < n; l++) out[l] = joint_result_of(s, at[l], l);
}
