/* Who trains and who validates: whole people, all of them counted; and what leaves nothing to train with. */
#include "fixture.h"
#include "train_data_fixture.h"

/* ---- who trains and who validates ---- */

enum { PEOPLE = 12 };

/* Person p, from 0, has 1 + p % 4 entries. */
static void write_people(void)
{
    rid_buf day = {0}, gt = {0};
    rid_buf_append_str(&gt, "{");
    for (int p = 0; p < PEOPLE; p++)
        for (int i = 0; i <= p % 4; i++) {
            rid_buf_printf(&day,
                           "{\"entry_id\":\"p%d-%d\",\"day_id\":\"2025-11-06\",\"store_id\":\"s\","
                           "\"embeddings\":[[1,%d,%d]]}\n",
                           p, i, p, i);
            rid_buf_printf(&gt, "%s\"p%d-%d\":\"P%d\"", gt.len > 1 ? "," : "", p, i, p);
        }
    rid_buf_append_str(&gt, "}");
    fx_write_bytes("people.jsonl", day.data, day.len);
    fx_write_bytes("people.json", gt.data, gt.len);
    rid_buf_free(&day);
    rid_buf_free(&gt);
}

/* Whole people on one side or none, and the counts are theirs. */
static void check_sides(const rid_train_data *d, size_t min_entries)
{
    size_t counts[PEOPLE] = {0}, train[PEOPLE] = {0}, query[PEOPLE] = {0}, people[3] = {0},
           entries[2] = {0};
    for (size_t i = 0; i < d->set.n; i++) {
        const uint32_t p = d->set.entries[i].person;
        counts[p]++;
        train[p] += d->train[i];
        query[p] += d->query[i];
        entries[0] += d->train[i];
        entries[1] += d->query[i];
        assert_true(d->train[i] + d->query[i] <= 1);
    }
    for (size_t p = 0; p < d->set.n_persons; p++) {
        assert_true((train[p] == 0 || train[p] == counts[p]) &&
                    (query[p] == 0 || query[p] == counts[p]));
        assert_int_equal(train[p] > 0, query[p] == 0 && counts[p] >= min_entries);
        people[0] += train[p] > 0;
        people[1] += query[p] > 0;
        people[2] += train[p] == 1;
    }
    assert_int_equal(people[0], d->n_train_people);
    assert_int_equal(people[1], d->n_query_people);
    assert_int_equal(people[2], d->n_singles);
    assert_int_equal(entries[0], d->n_train);
    assert_int_equal(entries[1], d->n_query);
}

static void test_fractions(void **state)
{
    (void)state;
    /* of the nine with two entries or more; at least one, at most all but two */
    static const struct {
        double fraction;
        size_t people;
    } cases[] = {{0, 0}, {0.01, 1}, {0.2, 2}, {0.34, 3}, {0.5, 5}, {0.9, 7}};
    write_people();
    for (size_t i = 0; i < 6; i++) {
        rid_train_data d;
        load_ok(&d, &(request){.gt = "people.json",
                               .input = "people.jsonl",
                               .val_fraction = cases[i].fraction});
        assert_int_equal(d.n_query_people, cases[i].people);
        check_sides(&d, 1);
        rid_train_data_clear(&d);
    }
}

static void test_seeds(void **state)
{
    (void)state;
    rid_train_data d[3];
    size_t differ = 0;
    write_people();
    for (uint64_t seed = 0; seed < 3; seed++)
        load_ok(&d[seed], &(request){.gt = "people.json",
                                     .input = "people.jsonl",
                                     .val_fraction = 0.34,
                                     .seed = seed / 2});
    assert_memory_equal(d[0].query, d[1].query, d[0].set.n); /* 0, 0 and 1 */
    for (size_t i = 0; i < d[0].set.n; i++)
        differ += d[0].query[i] != d[2].query[i];
    assert_true(differ > 0);
    assert_string_equal(d[0].digest, d[2].digest);
    assert_string_equal(d[0].labels_digest, d[1].labels_digest);
    assert_string_not_equal(d[0].labels_digest, d[2].labels_digest);
    for (size_t i = 0; i < 3; i++)
        rid_train_data_clear(&d[i]);
}

static void test_min_entries(void **state)
{
    (void)state;
    write_people();
    rid_train_data d;
    load_ok(&d, &(request){.gt = "people.json",
                           .input = "people.jsonl",
                           .val_fraction = 0.34,
                           .min_entries = 3});
    check_sides(&d, 3);
    assert_int_equal(d.n_query_people, 3);
    assert_int_equal(d.n_singles, 0);
    assert_said("people with fewer than 3 entries do not train (--min-entries)");
    rid_train_data_clear(&d);
}

static void test_too_few_to_validate(void **state)
{
    (void)state;
    write_dressed();
    rid_train_data d;
    load_ok(&d, &(request){.gt = "ab.json", .input = "dressed.jsonl", .val_fraction = 0.5});
    assert_int_equal(d.n_query_people, 0);
    assert_int_equal(d.n_train_people, 2);
    assert_said(
        "2 people with two entries or more are too few to set some aside: nothing is validated");
    rid_train_data_clear(&d);
}

static void test_validation_people(void **state)
{
    (void)state;
    write_dressed();
    fx_write("later.jsonl",
             ENTRY("v1", IN("s3", "10:00:00", X)) ENTRY("v2", IN("s3", "11:00:00", Y))
                 ENTRY("w1", IN("s3", "12:00:00", Z)));
    fx_write("v.json", "{\"v1\":\"V\",\"w1\":\"W\",\"v2\":\"V\",\"v3\":\"V\"}");
    rid_train_data d;
    load_ok(&d, &(request){.gt = "ab.json",
                           .input = "dressed.jsonl",
                           .val_gt = "v.json",
                           .val = "later.jsonl",
                           .val_fraction = 0.5});
    assert_int_equal(d.set.n, 7);
    assert_int_equal(d.set.n_persons, 4);
    assert_int_equal(d.n_query_people, 2);
    assert_int_equal(d.n_train_people, 2);
    assert_int_equal(d.n_query, 3);
    for (size_t i = 0; i < 7; i++)
        assert_true(d.query[i] == (i >= 4) && d.train[i] == (i < 4));
    check_sides(&d, 1);
    assert_said("1 of 4 entries named by --val-gt are not in the inputs (or have no frame): v3");
    rid_train_data_clear(&d);
    write_people(); /* of whom nobody is set aside then */
    load_ok(&d, &(request){.gt = "people.json",
                           .input = "people.jsonl",
                           .val_gt = "v.json",
                           .val = "later.jsonl",
                           .val_fraction = 0.5});
    assert_int_equal(d.n_query_people, 2);
    assert_int_equal(d.n_train_people, PEOPLE);
    rid_train_data_clear(&d);
}

static void test_both_sides(void **state)
{
    (void)state;
    write_dressed();
    fx_write("same_person.json", "{\"v1\":\"A\",\"v2\":\"B\",\"v3\":\"V\"}");
    fx_write("same_entry.json", "{\"v1\":\"V\",\"a2\":\"V\"}");
    assert_refused(
        &(request){.gt = "ab.json", .input = "dressed.jsonl", .val_gt = "same_person.json"},
        RID_EDATA, "2 people are in --gt and in --val-gt, the first 'A'");
    assert_refused(
        &(request){.gt = "ab.json", .input = "dressed.jsonl", .val_gt = "same_entry.json"},
        RID_EDATA, "1 entries are in --gt and in --val-gt, the first 'a2'");
}

/* ---- what cannot train ---- */

static void test_nothing_to_train_with(void **state)
{
    (void)state;
    write_day();
    fx_write("one.json", "{\"a1\":\"A\",\"a2\":\"A\",\"b1\":\"A\"}");
    fx_write("singles.json", "{\"a1\":\"A\",\"b1\":\"B\",\"c1\":\"C\"}");
    fx_write("others.json", "{\"x\":\"A\",\"y\":\"A\",\"z\":\"B\"}");
    fx_write("zero.json", "{\"zero\":\"A\"}");
    fx_write("empty.jsonl", "");
    assert_refused(
        &(request){.gt = "one.json", .input = "day.jsonl"}, RID_EDATA,
        "nothing to train with: 1 people with 3 entries, 1 of them with two entries or more");
    assert_refused(
        &(request){.gt = "singles.json", .input = "day.jsonl"}, RID_EDATA,
        "nothing to train with: 3 people with 3 entries, 0 of them with two entries or more");
    assert_refused(&(request){.gt = "gt.json", .input = "day.jsonl", .min_entries = 3}, RID_EDATA,
                   "nothing to train with: 0 people with 0 entries");
    assert_refused(&(request){.gt = "others.json", .input = "day.jsonl"}, RID_EDATA,
                   "none of 8 entries read has ground truth and a frame");
    assert_refused(&(request){.gt = "zero.json", .input = "day.jsonl"}, RID_EDATA,
                   "none of 8 entries read has ground truth and a frame");
    assert_said("1 labelled entry has no frame left after the filter");
    assert_refused(&(request){.gt = "gt.json", .input = "empty.jsonl"}, RID_ENOINPUT,
                   "no payload in the input");
    assert_refused(&(request){.gt = "nowhere.json", .input = "day.jsonl"}, RID_ENOINPUT,
                   "nowhere.json");
    assert_refused(&(request){.gt = "gt.json", .input = "nowhere.jsonl"}, RID_ENOINPUT,
                   "nowhere.jsonl");
    fx_write("cut.json", "{\"a1\":");
    assert_refused(&(request){.gt = "cut.json", .input = "day.jsonl"}, RID_EDATA, "cut.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_min_entries),
        cmocka_unit_test(test_too_few_to_validate),
        cmocka_unit_test(test_validation_people),
        cmocka_unit_test(test_both_sides),
        cmocka_unit_test(test_nothing_to_train_with),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
