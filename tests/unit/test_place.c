/* Where names lead: files, folders, links, what is not there yet, what is not there at all. */
#include "tests/unit/fixture.h"

#include "data/base/place.h"

static bool same(const char *a, const char *b)
{
    rid_place p, q;
    assert_ok(rid_place_find(&p, a, &err));
    assert_ok(rid_place_find(&q, b, &err));
    const bool is = rid_place_same(&p, &q);
    assert_true(is == rid_place_same(&q, &p));
    rid_place_clear(&p);
    rid_place_clear(&q);
    return is;
}

static int enter(void **state)
{
    return fx_begin(state) != 0 || chdir(fx_root) != 0 || mkdir("d", 0777) != 0 ||
           mkdir("d/e", 0777) != 0;
}

static int leave(void **state)
{
    return chdir("/") != 0 || fx_end(state) != 0;
}

static void test_what_is_there(void **state)
{
    (void)state;
    rid_place p;
    fx_write("a", "1");
    fx_write("b", "1");
    assert_int_equal(link("a", "hard"), 0);
    assert_int_equal(symlink("a", "soft"), 0);
    assert_true(same("a", fx_path("a")));
    assert_true(same("a", "./d/..//a"));
    assert_true(same("a", "hard"));
    assert_true(same("a", "soft"));
    assert_false(same("a", "b"));
    assert_false(same("a", "d"));
    assert_false(same("a", "d/a"));
    assert_ok(rid_place_find(&p, "a", &err));
    assert_true(p.exists && S_ISREG(p.mode) && !p.rest);
    assert_ok(rid_place_find(&p, "d", &err));
    assert_true(p.exists && S_ISDIR(p.mode));
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    rid_place p;
    assert_true(same("new", "./new"));
    assert_true(same("new", fx_path("new")));
    assert_true(same("new", "d/../new"));
    assert_true(same("d/new/x", "d//./new/./x"));
    assert_true(same("new/x/", "new//x"));
    assert_false(same("new", "newer"));
    assert_false(same("new", "new/x"));
    assert_false(same("new", "d/new"));
    assert_false(same("d/new", "d/e/new"));
    assert_false(same("d/e", "d/e/new"));
    assert_true(same("/no-such-folder/x", "//no-such-folder/x"));
    assert_false(same("/no-such-folder/x", "no-such-folder/x"));
    assert_ok(rid_place_find(&p, "d/./new//x", &err));
    assert_false(p.exists);
    assert_string_equal(p.rest, "new/x");
    rid_place_clear(&p);
}

static void test_links(void **state)
{
    (void)state;
    rid_place p = {0};
    char *target;
    assert_int_equal(symlink("d/later", "to-later"), 0);
    assert_int_equal(symlink("../to-later", "d/to-to-later"), 0);
    assert_int_equal(symlink("turn", "round"), 0);
    assert_int_equal(symlink("round", "turn"), 0);
    assert_true(same("to-later", "d/later"));
    assert_true(same("d/to-to-later", "d/later"));
    assert_fails(rid_place_find(&p, "round", &err), RID_ENOINPUT, "round");
    rid_place_clear(&p);
    assert_ok(rid_place_follow(&target, "d/to-to-later", &err));
    assert_string_equal(target, "d/../d/later");
    rid_mem_free(target);
    assert_int_equal(symlink("/no-such-folder/x", "far"), 0);
    assert_ok(rid_place_follow(&target, "far", &err));
    assert_string_equal(target, "/no-such-folder/x");
    rid_mem_free(target);
    assert_ok(rid_place_follow(&target, "d", &err));
    assert_string_equal(target, "d");
    rid_mem_free(target);
}

static void test_descriptors(void **state)
{
    (void)state;
    rid_place named, closed = rid_place_of_descriptor(-1);
    fx_write("opened", "1");
    const int fd = open("opened", O_RDONLY);
    const rid_place opened = rid_place_of_descriptor(fd);
    assert_ok(rid_place_find(&named, "opened", &err));
    assert_true(rid_place_same(&named, &opened));
    assert_false(rid_place_same(&closed, &opened));
    assert_false(rid_place_same(&closed, &closed));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
