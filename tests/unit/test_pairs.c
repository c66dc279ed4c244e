/* Files of pairs: both forms, what is refused and where, labels that disagree. */
#include "tests/unit/fixture.h"

#include "gt/pairs.h"

static bool find(const rid_pairs *p, rid_str a, rid_str b, bool *same)
{
    uint32_t x, y;
    return rid_pairs_find_id(p, a, &x) && rid_pairs_find_id(p, b, &y) &&
           rid_pairs_find_numbers(p, x, y, same);
}

static void assert_pairs(const char *text, const char *expected)
{
    rid_pairs *p;
    rid_buf found = {0};
    const char *path = fx_write("pairs.csv", text);
    assert_ok(rid_pairs_read(&p, &path, 1, &err));
    for (size_t i = 0; i < rid_pairs_count(p); i++) {
        uint32_t a, b, number;
        bool same, again;
        rid_pairs_at(p, i, &a, &b, &same);
        const rid_str x = rid_pairs_id(p, a), y = rid_pairs_id(p, b);
        rid_buf_printf(&found, "%s%.*s-%.*s=%d", i ? " " : "", RID_STR(x), RID_STR(y), same);
        assert_true(find(p, x, y, &again) && again == same);
        assert_true(find(p, y, x, NULL));
        assert_true(rid_pairs_find_id(p, x, &number) && number == a);
    }
    assert_string_equal(found.len ? rid_buf_cstr(&found) : "", expected);
    rid_buf_free(&found);
    rid_pairs_free(p);
}

static void test_forms(void **state)
{
    (void)state;
    assert_pairs("qid,aid\n", "");
    assert_pairs("qid,aid\na,b\nc,d\n", "a-b=1 c-d=1");
    assert_pairs("aid,qid,label\r\na,b,0\r\nc,d,1\r\n", "b-a=0 d-c=1");
    assert_pairs("x,label,aid,y,qid\n1,true,a,2,\"b,c\"\n3,False,d,4,e\n", "b,c-a=1 e-d=0");
    assert_pairs("entry_id_a,entry_id_b,pid_a,pid_b,same_pid,sim\na,b,p,q,0,0.9\nc,d,p,p,1,0.5\n",
                 "a-b=0 c-d=1");
    assert_pairs("entry_id_a,entry_id_b\na,b\n", "a-b=1");
    /* Either order, again and again: one pair. */
    assert_pairs("qid,aid\na,b\nb,a\na,b\nb,c\n", "a-b=1 b-c=1");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "pairs.csv: line 1, byte 0: pairs: expected a header with the columns qid,aid or"
             " entry_id_a,entry_id_b"},
        {"a,b\n", "line 1, byte 0: pairs: expected a header"},
        {"qid,label\n", "expected a header"},
        {"qid,entry_id_b\n", "expected a header"},
        {"qid,aid,qid\n", "line 1, byte 0: two columns are called 'qid'"},
        {"qid,aid\na,b\nc\n", "line 3, byte 12: expected 2 fields as in the header, found 1"},
        {"qid,aid\n\na,b,1\n", "line 3, byte 9: expected 2 fields as in the header, found 3"},
        {"qid,aid,label\na,b,2\n", "line 2, byte 14: expected 0 or 1 for the label, found '2'"},
        {"qid,aid,label\na,b,\n", "expected 0 or 1 for the label, found ''"},
        {"qid,aid\na,\n", "line 2, byte 8: an id must not be empty"},
        {"qid,aid\na,a\n", "line 2, byte 8: entry 'a' makes a pair with itself"},
        {"qid,aid\na,\"b\n", "line 2, byte 8: expected a closing quote for field 2"},
        {"qid,aid,label\na,b,1\nb,c,0\nb,a,0\n",
         "line 4, byte 26: the pair 'b', 'a' has label 0, but 1 in "},
        {"qid,aid,label\na,b,1\nb,c,0\nb,a,0\n", "pairs.csv, line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_pairs *p;
        const char *path = fx_write("pairs.csv", cases[i].text);
        assert_fails(rid_pairs_read(&p, &path, 1, &err), RID_EDATA, cases[i].message);
        assert_null(p);
    }
    const char *gone = fx_path("gone.csv");
    rid_pairs *p;
    assert_fails(rid_pairs_read(&p, &gone, 1, &err), RID_ENOINPUT, "gone.csv");
    rid_pairs_free(NULL);
}

static void test_several_files(void **state)
{
    (void)state;
    rid_pairs *p;
    bool same = true;
    const char *paths[] = {fx_write("a.csv", "qid,aid\na,b\n"),
                           fx_write("b.csv", "entry_id_a,entry_id_b,same_pid\nb,a,1\nb,c,0\n")};
    assert_ok(rid_pairs_read(&p, paths, 2, &err));
    assert_int_equal(rid_pairs_count(p), 2);
    assert_int_equal(rid_pairs_id_count(p), 3);
    assert_true(find(p, rid_str_of("c"), rid_str_of("b"), &same));
    assert_false(same);
    assert_false(find(p, rid_str_of("a"), rid_str_of("c"), NULL));
    assert_false(find(p, rid_str_of("x"), rid_str_of("c"), NULL));
    assert_false(rid_pairs_find_id(p, rid_str_of("x"), NULL));
    rid_pairs_free(p);
    paths[1] = fx_write("b.csv", "qid,aid,label\n\nb,a,0\n");
    assert_fails(rid_pairs_read(&p, paths, 2, &err), RID_EDATA, "b.csv: line 3, byte 15: the pair 'b', 'a'"
                                                                " has label 0, but 1 in ");
    assert_fails(rid_pairs_read(&p, paths, 2, &err), RID_EDATA, "a.csv, line 2");
}

/* Many pairs, written and read again. */
static void test_round_trip(void **state)
{
    (void)state;
    enum { IDS = 150 };
    rid_buf text = {0};
    rid_random r = fx_random(2);
    char ids[IDS][16];
    size_t n = 0;
    rid_pairs_append_header(&text);
    for (int i = 0; i < IDS; i++) {
        snprintf(ids[i], sizeof ids[i], "e,\"%d\"", i);
        for (int j = 0; j < i; j++, n++)
            rid_pairs_append(&text, rid_str_of(ids[i]), rid_str_of(ids[j]), (i + j) % 3 == 0);
    }
    rid_pairs *p;
    const char *path = fx_write_bytes("many.csv", text.data, text.len);
    assert_ok(rid_pairs_read(&p, &path, 1, &err));
    assert_int_equal(rid_pairs_count(p), n);
    for (int k = 0; k < 2000; k++) {
        const size_t i = rid_random_below(&r, IDS), j = rid_random_below(&r, IDS);
        bool same = false;
        assert_int_equal(find(p, rid_str_of(ids[i]), rid_str_of(ids[j]), &same), i != j);
        assert_true(i == j || same == ((i + j) % 3 == 0));
    }
    rid_pairs_free(p);
    rid_buf_free(&text);
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_buf text = {0};
    rid_pairs_append_header(&text);
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        rid_pairs_append(&text, rid_str_of(id), rid_str_of("x"), true);
    }
    const char *path = fx_write_bytes("m.csv", text.data, text.len);
    rid_buf_free(&text);
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_pairs *p;
        rid_err err;
        rid_mem_fail_after(nth);
        const rid_status st = rid_pairs_read(&p, &path, 1, &err);
        rid_mem_fail_after(0);
        rid_pairs_free(p);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

/* Rows of hard pairs are those of the format, and are read again as pairs. */
static void test_hard_rows(void **state)
{
    (void)state;
    rid_buf text = {0};
    rid_pairs *p;
    uint32_t a, b;
    bool same;
    const rid_pair_side x = {rid_str_of("s1-1"),       rid_str_of("P,1"), rid_str_of("s1"),
                             rid_str_of("2025-11-06"), {NULL, 0},         {NULL, 0},
                             rid_str_of("a\"b.jpg")};
    const rid_pair_side y = {rid_str_of("s2-1"), rid_str_of("Q"),
                             rid_str_of("s2"),   rid_str_of("2025-11-07"),
                             rid_str_of("cam1"), rid_str_of("2025-11-07T10:00:00Z"),
                             {NULL, 0}};
    rid_pairs_append_hard_header(&text);
    rid_pairs_append_hard(&text, (const rid_pair_side[]){x, y}, false, 0.9f, "hard_neg");
    rid_pairs_append_hard(&text, (const rid_pair_side[]){y, x}, false, 0.1f, "hard_neg");
    assert_string_equal(rid_buf_cstr(&text),
                        "entry_id_a,entry_id_b,pid_a,pid_b,same_pid,sim,risk_type,store_a,store_b,"
                        "day_a,day_b,camera_a,camera_b,ts_a,ts_b,image_a,image_b\n"
                        "s1-1,s2-1,\"P,1\",Q,0,0.9,hard_neg,s1,s2,2025-11-06,2025-11-07,,cam1,,"
                        "2025-11-07T10:00:00Z,\"a\"\"b.jpg\",\n"
                        "s2-1,s1-1,Q,\"P,1\",0,0.1,hard_neg,s2,s1,2025-11-07,2025-11-06,cam1,,"
                        "2025-11-07T10:00:00Z,,,\"a\"\"b.jpg\"\n");
    const char *path = fx_write("hard.csv", text.data);
    assert_ok(rid_pairs_read(&p, &path, 1, &err));
    assert_int_equal(rid_pairs_count(p), 1);
    rid_pairs_at(p, 0, &a, &b, &same);
    assert_false(same);
    assert_true(rid_str_equal(rid_pairs_id(p, a), x.entry) &&
                rid_str_equal(rid_pairs_id(p, b), y.entry));
    assert_true(rid_pairs_find_numbers(p, b, a, &same));
    rid_pairs_free(p);
    rid_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_several_files), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_memory),     cmocka_unit_test(test_hard_rows),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
