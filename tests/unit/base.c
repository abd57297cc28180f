/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arena, digest, nearest names, error trail, parameter tables, names of point statuses. */
#include "unit.h"

#include "cevscan/digest.h"
#include "cevscan/nearest.h"
#include "cevscan/parameter.h"
#include "cevscan/point_status.h"

/* --- arena ------------------------------------------------------------------------------------------------------ */

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    for (size_t n = 0; n < 300; n++) {
        unsigned char *block;
        assert_ok(cev_new(arena, n, &block));
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(block[k], 0);
            block[k] = 0xff; /* the next block must not see it */
        }
    }
    cev_arena_destroy(&arena);
    assert_null(arena);
}

static void arena_blocks_do_not_overlap(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    double *block[50];
    for (size_t b = 0; b < LENGTH(block); b++) {
        assert_ok(cev_new(arena, b + 1, &block[b]));
        for (size_t k = 0; k <= b; k++) block[b][k] = (double)b;
    }
    for (size_t b = 0; b < LENGTH(block); b++)
        for (size_t k = 0; k <= b; k++) assert_true(block[b][k] == (double)b);
    cev_arena_destroy(&arena);
}

static void arena_refuses_sizes_that_overflow(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    void *out = arena;
    assert_refused(cev_arena_allocate(arena, SIZE_MAX, 2, &out), CEV_E_MEMORY, "do not fit");
    assert_null(out);
    assert_refused(cev_arena_allocate(arena, SIZE_MAX / 8 + 2, 8, &out), CEV_E_MEMORY,
                   "do not fit"); /* wraps to 8 bytes */
    assert_refused(cev_arena_allocate(arena, SIZE_MAX, 1, &out), CEV_E_MEMORY, "");
    assert_refused(cev_arena_allocate(arena, PTRDIFF_MAX, 1, &out), CEV_E_MEMORY, "");
    assert_ok(cev_arena_allocate(arena, 1, 1, &out)); /* and still works */
    cev_arena_destroy(&arena);
}

static void arena_is_destroyed_once(void **state)
{
    (void)state;
    cev_arena *arena = NULL;
    cev_arena_destroy(NULL);
    cev_arena_destroy(&arena);
    assert_null(arena);
}

static void arena_keeps_texts(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    char original[] = "one", *copy, *printed;
    const char *kept;
    assert_ok(cev_arena_copy_text(arena, original, &copy));
    assert_ok(cev_arena_keep_text(arena, original, &kept));
    original[0] = 'X';
    assert_string_equal(copy, "one");
    assert_string_equal(kept, "one");
    assert_ok(cev_arena_print(arena, &printed, "%s-%03d", copy, 7));
    assert_string_equal(printed, "one-007");
    assert_ok(cev_arena_print(arena, &printed, "%5000s", "end"));
    assert_int_equal(strlen(printed), 5000);
    assert_string_equal(printed + 4997, "end");
    cev_arena_destroy(&arena);
}

/* --- digest ----------------------------------------------------------------------------------------------------- */

static void digest_of(const cev_span *span, size_t n, char *text)
{
    cev_digest digest;
    assert_ok(cev_digest_spans(span, n, &digest));
    cev_digest_text(&digest, text);
}

static void digest_equals_the_fips_180_vectors(void **state)
{
    (void)state;
    char text[CEV_DIGEST_TEXT_SIZE];
    digest_of(&(cev_span){"abc", 3}, 1, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_of(&(cev_span){"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56}, 1, text);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    digest_of(NULL, 0, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void digest_joins_spans(void **state)
{
    (void)state;
    char whole_text[CEV_DIGEST_TEXT_SIZE], parts[CEV_DIGEST_TEXT_SIZE];
    digest_of(&(cev_span){"abc", 3}, 1, whole_text);
    digest_of((cev_span[]){{"a", 1}, {NULL, 0}, {"bc", 2}}, 3, parts);
    assert_string_equal(parts, whole_text);
    digest_of((cev_span[]){{"bc", 2}, {"a", 1}}, 2, parts);
    assert_string_not_equal(parts, whole_text);
}

/* --- nearest ---------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"eps_ee_uV", "eps_mumu_uV",   "distance_m", "experiments",
                                    "helm",      "threshold_keV", "nsi"};

static const char *near(const char *word)
{
    return cev_nearest(word, names, LENGTH(names));
}

static void nearest_mends_slips(void **state)
{
    (void)state;
    assert_string_equal(near("eps_ee_uV"), "eps_ee_uV");
    assert_string_equal(near("eps_ee_UV"), "eps_ee_uV");     /* case */
    assert_string_equal(near("epsee_uV"), "eps_ee_uV");      /* a letter missing */
    assert_string_equal(near("distances_m"), "distance_m");  /* one too many */
    assert_string_equal(near("distence_m"), "distance_m");   /* a wrong one */
    assert_string_equal(near("expermients"), "experiments"); /* two swapped */
    assert_string_equal(near("hlem"), "helm");
    assert_string_equal(near("sni"), "nsi"); /* near enough only because a swap is one slip, not two */
    assert_string_equal(near("treshold_kev"), "threshold_keV");
}

static void nearest_is_silent_about_what_is_far(void **state)
{
    (void)state;
    assert_null(near("neutrino"));
    assert_null(near("help_")); /* two of four letters */
    assert_null(near("nxx"));
    const char *const letters[] = {"a", "bc"};
    assert_null(cev_nearest("z", letters, 2));
    assert_null(cev_nearest("bd", letters, 2));
    assert_null(near(""));
    assert_null(near("helmholtz_decomposition"));
    assert_null(cev_nearest("helm", names, 0));
    char endless[500];
    memset(endless, 'e', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(near(endless));
}

static void nearest_takes_the_first_of_equals(void **state)
{
    (void)state;
    const char *const equals[] = {"detector_a", "detector_b"};
    assert_ptr_equal(cev_nearest("detector_c", equals, 2), equals[0]);
    assert_ptr_equal(cev_nearest("detector_b", equals, 2), equals[1]);
}

/* --- error trail ------------------------------------------------------------------------------------------------ */

static cev_status innermost(void)
{
    return cev_fail(CEV_E_INPUT, "the number is %d", 7);
}

static cev_status middle(void)
{
    CEV_TRY(innermost());
    return CEV_OK;
}

static cev_status outermost(void)
{
    return cev_fail_while(middle(), "reading %s", "a file");
}

static void error_trail_tells_where_and_what(void **state)
{
    (void)state;
    cev_error_clear();
    assert_string_equal(cev_error_message(), "");
    assert_string_equal(cev_error_origin(), "");
    assert_int_equal(outermost(), CEV_E_INPUT);
    assert_string_equal(cev_error_message(), "reading a file: the number is 7");
    assert_contains(cev_error_origin(), "base.c:");
    cev_error_clear();
    assert_string_equal(cev_error_message(), "");
    assert_string_equal(cev_error_origin(), "");
}

static void error_trail_cuts_long_messages(void **state)
{
    (void)state;
    assert_int_equal(cev_fail(CEV_E_IO, "%100000s", "end"), CEV_E_IO);
    assert_int_equal(cev_fail_while(CEV_E_IO, "%100000s", "while"), CEV_E_IO);
    assert_true(strlen(cev_error_message()) > 1000);
    cev_fail(CEV_E_IO, "next");
    assert_string_equal(cev_error_message(), "next");
    cev_error_clear();
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void parameters_are_found_by_name(void **state)
{
    (void)state;
    const cev_parameter table[] = {{.name = "a", .default_value = 1.5}, {.name = "ab", .default_value = -2}};
    double value[3] = {9, 9, 9};
    assert_int_equal(cev_parameter_index(table, 2, "a"), 0);
    assert_int_equal(cev_parameter_index(table, 2, "ab"), 1);
    assert_int_equal(cev_parameter_index(table, 2, "abc"), 2);
    assert_int_equal(cev_parameter_index(table, 2, ""), 2);
    cev_parameter_defaults(table, 2, value);
    assert_true(value[0] == 1.5 && value[1] == -2 && value[2] == 9);
}

static void point_statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(cev_point_status_name(CEV_POINT_PENDING), "pending");
    assert_string_equal(cev_point_status_name(CEV_POINT_OK), "ok");
    assert_string_equal(cev_point_status_name(CEV_POINT_INVALID), "invalid");
    assert_string_equal(cev_point_status_name(CEV_N_POINT_STATUSES), "unknown");
    assert_string_equal(cev_point_status_name(-1), "unknown");
    assert_string_equal(cev_point_status_name(255), "unknown");
    for (int s = 0; s < CEV_N_POINT_STATUSES; s++) assert_string_not_equal(cev_point_status_name(s), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_blocks_do_not_overlap),
        cmocka_unit_test(arena_refuses_sizes_that_overflow),
        cmocka_unit_test(arena_is_destroyed_once),
        cmocka_unit_test(arena_keeps_texts),
        cmocka_unit_test(digest_equals_the_fips_180_vectors),
        cmocka_unit_test(digest_joins_spans),
        cmocka_unit_test(nearest_mends_slips),
        cmocka_unit_test(nearest_is_silent_about_what_is_far),
        cmocka_unit_test(nearest_takes_the_first_of_equals),
        cmocka_unit_test(error_trail_tells_where_and_what),
        cmocka_unit_test(error_trail_cuts_long_messages),
        cmocka_unit_test(parameters_are_found_by_name),
        cmocka_unit_test(point_statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
