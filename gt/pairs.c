#include "gt/pairs.h"

#include "data/base/hash.h"
#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/csv.h"
#include "data/json.h"
#include "gt/id_table.h"

enum { SLOTS_MIN = 64, NO_COLUMN = -1 };

/* A pair as it stood first: ids by number, and where. */
typedef struct id_pair {
    uint32_t a, b, file;
    uint32_t line : 31; /* the last that fits, for longer files */
    uint32_t same : 1;
} id_pair;

struct rid_pairs {
    rid_id_table ids;
    id_pair *pairs;
    size_t n, cap;
    uint32_t *slots; /* (n_slots): index into pairs + 1; 0: free */
    size_t n_slots;
};

/* ---- the table of pairs ---- */

static uint32_t *slot_of(const rid_pairs *p, uint32_t a, uint32_t b)
{
    const uint32_t key[2] = {a < b ? a : b, a < b ? b : a};
    size_t at = rid_hash64(key, sizeof key) & (p->n_slots - 1);
    for (; p->slots[at] != 0; at = (at + 1) & (p->n_slots - 1)) {
        const id_pair *q = &p->pairs[p->slots[at] - 1];
        if ((q->a == a && q->b == b) || (q->a == b && q->b == a))
            break;
    }
    return &p->slots[at];
}

/* At most half full. */
static rid_status grow_slots(rid_pairs *p, rid_err *err)
{
    if (p->n_slots > 0 && p->n + 1 <= p->n_slots / 2)
        return RID_OK;
    const size_t n_slots = p->n_slots > 0 ? p->n_slots * 2 : SLOTS_MIN;
    uint32_t *slots = rid_mem_zalloc(n_slots, sizeof *slots);
    if (!slots || p->n >= UINT32_MAX - 1) {
        rid_mem_free(slots);
        return RID_FAIL_NOMEM(err);
    }
    rid_mem_free(p->slots);
    p->slots = slots;
    p->n_slots = n_slots;
    for (size_t i = 0; i < p->n; i++)
        *slot_of(p, p->pairs[i].a, p->pairs[i].b) = (uint32_t)i + 1;
    return RID_OK;
}

/* ---- reading ---- */

typedef struct reading {
    rid_pairs *p;
    const char *const *paths;
    uint32_t file;
    rid_csv *csv;
    int column[3]; /* of the two ids and the label, NO_COLUMN where there is none */
    size_t n_columns;
} reading;

static rid_status read_header(reading *r, rid_err *err)
{
    static const char *const names[2][3] = {{"qid", "aid", "label"},
                                            {"entry_id_a", "entry_id_b", "same_pid"}};
    const rid_str *fields;
    rid_status st = rid_csv_next(r->csv, &fields, &r->n_columns, err);
    if (st != RID_OK)
        return st;
    for (int form = 0; form < 2; form++) {
        for (int k = 0; k < 3; k++) {
            r->column[k] = NO_COLUMN;
            for (size_t i = 0; i < r->n_columns; i++) {
                if (!rid_str_equal(fields[i], rid_str_of(names[form][k])))
                    continue;
                if (r->column[k] != NO_COLUMN)
                    return rid_csv_fail(r->csv, err, "two columns are called '%s'", names[form][k]);
                r->column[k] = (int)i;
            }
        }
        if (r->column[0] != NO_COLUMN && r->column[1] != NO_COLUMN)
            return RID_OK;
    }
    return rid_csv_fail(r->csv, err, "pairs: expected a header with the columns qid,aid or"
                                     " entry_id_a,entry_id_b");
}

static bool parse_label(rid_str text, bool *same)
{
    static const char *const words[] = {"0", "1", "false", "true", "False", "True"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rid_str_equal(text, rid_str_of(words[i]))) {
            *same = i % 2 == 1;
            return true;
        }
    return false;
}

static rid_status add_pair(reading *r, uint32_t a, uint32_t b, bool same, rid_err *err)
{
    rid_pairs *p = r->p;
    rid_status st = grow_slots(p, err);
    if (st != RID_OK)
        return st;
    uint32_t *slot = slot_of(p, a, b);
    if (*slot != 0) {
        const id_pair *was = &p->pairs[*slot - 1];
        if (was->same != same)
            return rid_csv_fail(
                r->csv, err, "the pair '%.*s', '%.*s' has label %d, but %d in %s, line %u",
                RID_STR(rid_id_table_at(&p->ids, a)), RID_STR(rid_id_table_at(&p->ids, b)), same,
                was->same, r->paths[was->file], was->line);
        return RID_OK;
    }
    if (rid_mem_grow(&p->pairs, &p->cap, p->n + 1, sizeof *p->pairs) != 0)
        return RID_FAIL_NOMEM(err);
    const size_t line = rid_csv_line(r->csv), last = UINT32_MAX >> 1;
    p->pairs[p->n++] = (id_pair){.a = a, .b = b, .file = r->file, .same = same,
                                 .line = (uint32_t)(line < last ? line : last) & (UINT32_MAX >> 1)};
    *slot = (uint32_t)p->n;
    return RID_OK;
}

static rid_status read_row(reading *r, const rid_str *fields, size_t n, rid_err *err)
{
    bool same = true;
    uint32_t number[2];
    rid_status st = RID_OK;
    if (n != r->n_columns)
        return rid_csv_fail(r->csv, err, "expected %zu fields as in the header, found %zu",
                            r->n_columns, n);
    if (r->column[2] != NO_COLUMN && !parse_label(fields[r->column[2]], &same))
        return rid_csv_fail(r->csv, err, "expected 0 or 1 for the label, found '%.*s'",
                            RID_STR(fields[r->column[2]]));
    for (int k = 0; st == RID_OK && k < 2; k++) {
        const rid_str id = fields[r->column[k]];
        if (id.len == 0)
            return rid_csv_fail(r->csv, err, "an id must not be empty");
        st = rid_id_table_add(&r->p->ids, id, &number[k], NULL, err);
    }
    if (st == RID_OK && number[0] == number[1])
        return rid_csv_fail(r->csv, err, "entry '%.*s' makes a pair with itself",
                            RID_STR(fields[r->column[0]]));
    return st == RID_OK ? add_pair(r, number[0], number[1], same, err) : st;
}

static rid_status read_file(reading *r, rid_err *err)
{
    const rid_str *fields;
    size_t n = 1, n_rows = 0;
    rid_status st = rid_csv_open(&r->csv, r->paths[r->file], err);
    if (st == RID_OK)
        st = read_header(r, err);
    while (st == RID_OK && n > 0) {
        st = rid_csv_next(r->csv, &fields, &n, err);
        if (st == RID_OK && n > 0)
            st = read_row(r, fields, n, err);
        if (st == RID_OK && ++n_rows % 65536 == 0)
            st = rid_interrupt_check(err);
    }
    rid_csv_close(r->csv);
    return st;
}

rid_status rid_pairs_read(rid_pairs **out, const char *const *paths, size_t n, rid_err *err)
{
    rid_pairs *p = *out = rid_mem_zalloc(1, sizeof *p);
    rid_status st = p ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = read_file(&(reading){.p = p, .paths = paths, .file = (uint32_t)i}, err);
    if (st != RID_OK) {
        rid_pairs_free(p);
        *out = NULL;
    }
    return st;
}

void rid_pairs_free(rid_pairs *p)
{
    if (!p)
        return;
    rid_id_table_clear(&p->ids);
    rid_mem_free(p->pairs);
    rid_mem_free(p->slots);
    rid_mem_free(p);
}

/* ---- asking ---- */

size_t rid_pairs_count(const rid_pairs *p)
{
    return p->n;
}

void rid_pairs_at(const rid_pairs *p, size_t i, uint32_t *a, uint32_t *b, bool *same)
{
    *a = p->pairs[i].a;
    *b = p->pairs[i].b;
    *same = p->pairs[i].same;
}

size_t rid_pairs_id_count(const rid_pairs *p)
{
    return p->ids.n;
}

rid_str rid_pairs_id(const rid_pairs *p, uint32_t number)
{
    return rid_id_table_at(&p->ids, number);
}

bool rid_pairs_find_id(const rid_pairs *p, rid_str id, uint32_t *number)
{
    return rid_id_table_find(&p->ids, id, number);
}

bool rid_pairs_find_numbers(const rid_pairs *p, uint32_t a, uint32_t b, bool *same)
{
    const uint32_t found = *slot_of(p, a, b);
    if (found > 0 && same)
        *same = p->pairs[found - 1].same;
    return found > 0;
}

/* ---- writing ---- */

void rid_pairs_append_header(rid_buf *out)
{
    rid_buf_append_str(out, "qid,aid,label\n");
}

void rid_pairs_append(rid_buf *out, rid_str a, rid_str b, bool same)
{
    rid_csv_append_field(out, a);
    rid_buf_append_char(out, ',');
    rid_csv_append_field(out, b);
    rid_buf_append_str(out, same ? ",1\n" : ",0\n");
}

void rid_pairs_append_hard_header(rid_buf *out)
{
    rid_buf_append_str(out,
                       "entry_id_a,entry_id_b,pid_a,pid_b,same_pid,sim,risk_type,store_a,store_b,"
                       "day_a,day_b,camera_a,camera_b,ts_a,ts_b,image_a,image_b\n");
}

/* Both sides' texts, a comma behind each. */
static void append_both(rid_buf *out, rid_str a, rid_str b)
{
    rid_csv_append_field(out, a);
    rid_buf_append_char(out, ',');
    rid_csv_append_field(out, b);
    rid_buf_append_char(out, ',');
}

void rid_pairs_append_hard(rid_buf *out, const rid_pair_side sides[2], bool same, float sim,
                           const char *risk_type)
{
    const rid_pair_side *a = &sides[0], *b = &sides[1];
    char number[RID_JSON_NUMBER_MAX];
    append_both(out, a->entry, b->entry);
    append_both(out, a->person, b->person);
    rid_buf_append_str(out, same ? "1," : "0,");
    rid_buf_append(out, number, rid_json_write_f32(number, sim));
    rid_buf_printf(out, ",%s,", risk_type);
    append_both(out, a->store, b->store);
    append_both(out, a->day, b->day);
    append_both(out, a->camera, b->camera);
    append_both(out, a->timestamp, b->timestamp);
    append_both(out, a->image, b->image);
    if (!out->failed)
        out->data[out->len - 1] = '\n';
}
