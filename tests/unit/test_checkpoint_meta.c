/* The key `rid` of a checkpoint: both ways, every error, and how its digest is found. */
#include "train/checkpoint_meta.h"

#include "data/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static rid_checkpoint small_checkpoint(void)
{
    rid_checkpoint ck = {
        .n_tensors = 1, .vis_dim = 3, .emb_dim = 2, .fusion_mode = rid_mem_strdup("baseline")};
    ck.tensors = rid_mem_zalloc(1, sizeof *ck.tensors);
    ck.tensors[0] = (rid_tensor){.name = rid_mem_strdup("w"),
                                 .n_dims = 1,
                                 .shape = {2},
                                 .numel = 2,
                                 .data = rid_mem_zalloc(2, sizeof(float))};
    return ck;
}

static void test_meta(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint ck = small_checkpoint();
    rid_checkpoint_meta m = {.schema = rid_mem_strdup("{\"a\":\n\"ä\\\"\"}"),
                             .provenance = rid_mem_strdup("{\"seed\":1,\"x\":[1.5,null]}"),
                             .operating_point = rid_mem_strdup("{\"threshold\":0.88}")},
                        got;
    assert_int_equal(rid_checkpoint_meta_seal(&ck, &m, &err), RID_OK);
    assert_int_equal(rid_checkpoint_meta_read(&got, ck.rid, &err), RID_OK);
    assert_string_equal(got.schema, m.schema);
    assert_null(got.filter);
    assert_string_equal(got.provenance, m.provenance);
    assert_string_equal(got.operating_point, m.operating_point);
    assert_string_equal(got.weights_digest, m.weights_digest);
    rid_checkpoint_meta_free(&got);
    rid_mem_free(m.filter);
    m.filter = rid_mem_strdup("[1]");
    assert_int_equal(rid_checkpoint_meta_seal(&ck, &m, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "'filter': expected an object or null, found an array"));
    m.filter[0] = '{'; /* no JSON at all */
    assert_int_equal(rid_checkpoint_meta_seal(&ck, &m, &err), RID_EDATA);
    rid_checkpoint_meta_free(&m);
    rid_checkpoint_free(&ck);
}

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_meta_errors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "key 'rid': "},
        {"{", "key 'rid': "},
        {"[]", "expected an object, found an array"},
        {"{}", "'format_version': expected 1"},
        {"{\"format_version\":\"1\"}", "'format_version': expected 1"},
        {"{\"format_version\":2}", "is 2, of a later program"},
        {"{\"format_version\":1}", "'weights_digest'"},
        {"{\"format_version\":1,\"weights_digest\":\"0\"}", "'weights_digest'"},
        {"{\"format_version\":1,\"format_version\":1}", "key 'format_version' occurs twice"},
        {"{\"format_version\":1,\"weights_digest\":\"" DIGITS "\",\"schema\":{}}", "'schema'"},
        {"{\"format_version\":1,\"weights_digest\":\"" DIGITS "\",\"schema\":\"\\u0000\"}",
         "'schema'"},
        {"{\"format_version\":1,\"weights_digest\":\"" DIGITS "\",\"filter\":3}", "'filter'"},
    };
    rid_err err;
    rid_checkpoint_meta m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rid_checkpoint_meta_read(&m, cases[i][0], &err), RID_EDATA);
        assert_non_null(strstr(err.message, cases[i][1]));
    }
    assert_int_equal(rid_checkpoint_meta_read(&m,
                                              "{\"new\":[{}],\"format_version\":1,"
                                              "\"weights_digest\":\"" DIGITS "\"}",
                                              &err),
                     RID_OK);
    rid_checkpoint_meta_free(&m);
}

/* The digest is found by the text's brackets and strings alone. */
static rid_status verify_text(rid_checkpoint *ck, const char *with_at, const char *hex)
{
    rid_err err;
    char text[512];
    const char *at = strchr(with_at, '@');
    snprintf(text, sizeof text, "%.*s%s%s", at ? (int)(at - with_at) : 512, with_at, at ? hex : "",
             at ? at + 1 : "");
    ck->rid = text;
    rid_status st = rid_checkpoint_meta_verify(ck, &err);
    ck->rid = NULL;
    return st;
}

static void test_verify_finds_the_digest(void **state)
{
    (void)state;
    rid_err err;
    char hex[65];
    static const char *const good[] = {
        "{\"weights_digest\":\"@\"}",
        " { \"a\" : [ {\"weights_digest\":\"0\"} ], \"weights_digest\" :\n\"@\" } ",
        "{\"schema\":\"{\\\"weights_digest\\\":\\\"0\\\"}\\\\\",\"weights_digest\":\"@\"}",
    };
    static const char *const bad[] = {
        "",
        "\"",
        "{\"weights_digest\"",
        "{\"weights_digest\":",
        "{\"weights_digest\":\"",
        "[\"weights_digest\",\"@\"]",
        "{\"x\":{\"weights_digest\":\"@\"}}",
        "\"weights_digest\":\"@\"",
        "{\"weights_digest\":\"@0\"}",
        "{\"weights_digest\":@}",
    };
    rid_checkpoint ck = small_checkpoint();
    assert_int_equal(rid_checkpoint_digest(&ck, hex, &err), RID_OK);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(verify_text(&ck, good[i], hex), RID_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verify_text(&ck, bad[i], hex), RID_EDATA);
    rid_checkpoint_free(&ck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta),
        cmocka_unit_test(test_meta_errors),
        cmocka_unit_test(test_verify_finds_the_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
