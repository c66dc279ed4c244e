#include "gt/gt_split.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/jsonw.h"
#include "data/plain.h"
#include "gt/gt_places.h"
#include "gt/gt_write.h"

#include <stdio.h>
#include <string.h>

enum { FORMAT_VERSION = 1 };
static const char *const unit_names[] = {"person", "store", "day"};
static const char *const units_names[] = {"people", "stores", "days"};

typedef struct part {
    rid_str name;
    rid_buf path;
    size_t n_units, n_entries, n_people, n_left_out;
} part;

typedef struct job {
    const rid_gt_split_options *o;
    rid_split_shares shares;
    part parts[RID_SPLIT_PARTS_MAX];
    bool is_prefix; /* the output names files, not a folder */
    rid_gt_doc doc;
    rid_gt_places places;
    const rid_id_table *units;
    uint32_t *unit_part;  /* (units->n) */
    bool *unit_used;      /* (units->n): an entry of it counts */
    uint32_t *entry_part; /* (entry_ids.n) */
    size_t n_across;      /* people with entries in several parts */
    rid_gt_loss loss;
} job;

/* ---- names ---- */

static rid_status name_parts(job *j, rid_err *err)
{
    static const char *const usual[] = {[2] = "train,test", [3] = "train,val,test"};
    static const char numbers[] = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16";
    const size_t n = j->shares.n;
    const char *at = j->o->names ? j->o->names : n <= 3 ? usual[n] : numbers;
    for (size_t k = 0; k < n; k++) {
        const size_t len = strcspn(at, ",");
        j->parts[k].name = (rid_str){at, len};
        for (size_t i = 0; i < k; i++)
            if (rid_str_equal(j->parts[i].name, j->parts[k].name))
                return RID_FAIL(err, RID_EUSAGE, "--names: '%.*s' stands twice",
                                RID_STR(j->parts[k].name));
        const bool more = at[len] == ',';
        if (len == 0 || (j->o->names && more != (k + 1 < n)))
            return RID_FAIL(err, RID_EUSAGE,
                            "--names: '%.200s' is not %zu names with commas between"
                            " them, one for each of --fractions",
                            j->o->names, n);
        at += len + more;
    }
    return RID_OK;
}

static rid_status make_paths(job *j, rid_err *err)
{
    const rid_str out = rid_str_of(j->o->output ? j->o->output : "");
    bool failed = false;
    j->is_prefix = out.len > 5 && strcmp(out.data + out.len - 5, ".json") == 0;
    for (size_t k = 0; k < j->shares.n; k++) {
        rid_buf *path = &j->parts[k].path;
        rid_buf_append(path, out.data, j->is_prefix ? out.len - 5 : out.len);
        if (j->is_prefix)
            rid_buf_append_char(path, '-');
        else if (out.len > 0 && out.data[out.len - 1] != '/')
            rid_buf_append_char(path, '/');
        rid_filename_append(path, j->parts[k].name);
        rid_buf_append_str(path, ".json");
        failed |= !rid_buf_cstr(path);
    }
    return failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

static rid_status check_paths(const job *j, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t k = 0; k < j->shares.n && st == RID_OK && j->o->output && j->o->may_write; k++)
        st = j->o->may_write(j->o->ctx, j->parts[k].path.data, err);
    return st;
}

/* ---- units ---- */

/* The unit of an entry; RID_GT_NOWHERE: none. */
static uint32_t unit_of(const job *j, uint32_t entry)
{
    if (j->o->by == RID_GT_BY_PERSON)
        return j->doc.entries[entry].person;
    const uint32_t b = j->places.bucket[entry];
    return b == RID_GT_NOWHERE         ? RID_GT_NOWHERE
           : j->o->by == RID_GT_BY_DAY ? j->places.day[b]
                                       : j->places.store[b];
}

static rid_status open_units(job *j, rid_err *err)
{
    const rid_gt_split_options *o = j->o;
    const rid_id_table *const units[] = {[RID_GT_BY_PERSON] = &j->doc.person_ids,
                                         [RID_GT_BY_STORE] = &j->places.store_ids,
                                         [RID_GT_BY_DAY] = &j->places.day_ids};
    j->units = units[o->by];
    return o->by == RID_GT_BY_PERSON
               ? RID_OK
               : rid_gt_places_open(&j->places, &j->doc, o->stores, o->n_stores, o->limit, err);
}

/* Shares are of the units with entries that count; the others follow by hash. */
static rid_status assign_units(job *j, bool used, rid_split_rule rule, rid_err *err)
{
    const size_t n_units = j->units->n;
    rid_str *ids = rid_mem_alloc(n_units, sizeof *ids);
    uint32_t *parts = rid_mem_alloc(n_units, sizeof *parts);
    size_t n = 0;
    rid_status st = ids && parts ? RID_OK : RID_FAIL_NOMEM(err);
    for (uint32_t u = 0; u < n_units && st == RID_OK; u++)
        if (j->unit_used[u] == used)
            ids[n++] = rid_id_table_at(j->units, u);
    if (st == RID_OK)
        st = rid_unit_split(parts, ids, n, &j->shares, rule, j->o->seed, err);
    if (st == RID_EDATA)
        rid_err_prepend(err, "--by %s", unit_names[j->o->by]);
    n = 0;
    for (uint32_t u = 0; u < n_units && st == RID_OK; u++)
        if (j->unit_used[u] == used) {
            j->unit_part[u] = parts[n++];
            j->parts[j->unit_part[u]].n_units += used;
        }
    rid_mem_free(ids);
    rid_mem_free(parts);
    return st;
}

static rid_status divide(job *j, rid_err *err)
{
    const size_t n_units = j->units->n, n = j->doc.entry_ids.n;
    j->unit_part = rid_mem_alloc(n_units, sizeof *j->unit_part);
    j->unit_used = rid_mem_zalloc(n_units, sizeof *j->unit_used);
    j->entry_part = rid_mem_alloc(n, sizeof *j->entry_part);
    if (!j->unit_part || !j->unit_used || !j->entry_part)
        return RID_FAIL_NOMEM(err);
    for (uint32_t i = 0; i < n; i++) {
        j->entry_part[i] = unit_of(j, i); /* the unit, for now */
        if (j->entry_part[i] != RID_GT_NOWHERE && j->doc.entries[i].include)
            j->unit_used[j->entry_part[i]] = true;
    }
    rid_status st = assign_units(j, true, j->o->rule, err);
    if (st == RID_OK)
        st = assign_units(j, false, RID_SPLIT_HASH, err);
    for (uint32_t i = 0; i < n && st == RID_OK; i++)
        if (j->entry_part[i] != RID_GT_NOWHERE)
            j->entry_part[i] = j->unit_part[j->entry_part[i]];
    return st;
}

/* ---- sizes ---- */

static rid_status count_parts(job *j, rid_err *err)
{
    const size_t n_people = j->doc.person_ids.n;
    uint32_t *seen = rid_mem_zalloc(n_people, sizeof *seen); /* in which parts, as bits */
    if (!seen)
        return RID_FAIL_NOMEM(err);
    for (uint32_t i = 0; i < j->doc.entry_ids.n; i++) {
        const rid_gt_entry *e = &j->doc.entries[i];
        if (j->entry_part[i] == RID_GT_NOWHERE)
            continue;
        part *p = &j->parts[j->entry_part[i]];
        const uint32_t bit = 1u << j->entry_part[i];
        p->n_left_out += !e->include;
        p->n_entries += e->include;
        if (!e->include || (seen[e->person] & bit))
            continue;
        p->n_people++;
        j->n_across += seen[e->person] != 0 && (seen[e->person] & (seen[e->person] - 1)) == 0;
        seen[e->person] |= bit;
    }
    rid_mem_free(seen);
    for (size_t k = 0; k < j->shares.n; k++)
        if (j->parts[k].n_units == 0)
            return RID_FAIL(err, RID_EDATA,
                            "part '%.*s' gets none of the %s: they are few for shares by hash; try"
                            " --assign quota, or another --seed",
                            RID_STR(j->parts[k].name), units_names[j->o->by]);
    return RID_OK;
}

static void append_units(const job *j, uint32_t k, rid_jsonw *w)
{
    rid_jsonw_key(w, units_names[j->o->by]);
    rid_jsonw_begin_array(w);
    for (uint32_t u = 0; u < j->units->n; u++)
        if (j->unit_used[u] && j->unit_part[u] == k)
            rid_jsonw_str(w, rid_id_table_at(j->units, u));
    rid_jsonw_end_array(w);
}

static void append_part(const job *j, uint32_t k, rid_jsonw *w)
{
    const part *p = &j->parts[k];
    const struct {
        const char *name;
        size_t n;
    } sizes[] = {{"n_units", p->n_units},
                 {"n_entries", p->n_entries},
                 {"n_people", p->n_people},
                 {"n_left_out", p->n_left_out}};
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, "name");
    rid_jsonw_str(w, p->name);
    rid_jsonw_key(w, "path");
    rid_jsonw_str(w, rid_buf_view(&p->path));
    rid_jsonw_key(w, "fraction");
    rid_jsonw_f64(w, j->shares.share[k]);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        rid_jsonw_key(w, sizes[i].name);
        rid_jsonw_u64(w, sizes[i].n);
    }
    if (j->o->by != RID_GT_BY_PERSON)
        append_units(j, k, w);
    rid_jsonw_end_object(w);
}

static void append_json(const job *j, rid_buf *out)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_u64(&w, FORMAT_VERSION);
    rid_jsonw_key(&w, "by");
    rid_jsonw_cstr(&w, unit_names[j->o->by]);
    rid_jsonw_key(&w, "assign");
    rid_jsonw_cstr(&w, j->o->rule == RID_SPLIT_QUOTA ? "quota" : "hash");
    rid_jsonw_key(&w, "seed");
    rid_jsonw_u64(&w, j->o->seed);
    rid_jsonw_key(&w, "n_unknown");
    rid_jsonw_u64(&w, j->places.n_unknown);
    rid_jsonw_key(&w, "n_people_in_several");
    rid_jsonw_u64(&w, j->n_across);
    rid_jsonw_key(&w, "parts");
    rid_jsonw_begin_array(&w);
    for (uint32_t k = 0; k < j->shares.n; k++)
        append_part(j, k, &w);
    rid_jsonw_end_array(&w);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}

static void say_sizes(const job *j)
{
    rid_buf lost = {0};
    for (size_t k = 0; k < j->shares.n; k++) {
        const part *p = &j->parts[k];
        char units[32] = "";
        if (j->o->by != RID_GT_BY_PERSON)
            snprintf(units, sizeof units, "%zu %s, ", p->n_units, units_names[j->o->by]);
        rid_log(RID_LOG_INFO, "%.*s: %s%zu %s, %zu %s%s%.*s", RID_STR(p->name), units, p->n_entries,
                rid_noun(p->n_entries, "entry", "entries"), p->n_people,
                rid_noun(p->n_people, "person", "people"), j->o->dry_run ? "" : "; ",
                RID_STR(rid_buf_view(&p->path)));
    }
    if (j->places.n_unknown > 0)
        rid_log(RID_LOG_WARN, "%zu %s in no store, and in no part", j->places.n_unknown,
                rid_noun(j->places.n_unknown, "entry is", "entries are"));
    if (j->n_across > 0)
        rid_log(RID_LOG_WARN, "%zu %s entries in more than one part", j->n_across,
                rid_noun(j->n_across, "person has", "people have"));
    rid_gt_loss_append(&lost, &j->loss);
    if (lost.len > 0)
        rid_log(RID_LOG_WARN, "lost, as this form cannot say it: %.*s",
                RID_STR(rid_buf_view(&lost)));
    rid_buf_free(&lost);
}

/* ---- writing ---- */

static rid_status write_part(job *j, uint32_t k, rid_publish *out, rid_err *err)
{
    const rid_gt_part which = {j->entry_part, j->o->by == RID_GT_BY_PERSON ? j->unit_part : NULL,
                               k};
    rid_gt_loss loss;
    rid_buf text = {0};
    rid_status st = rid_gt_write(&text, &j->doc, &which,
                                 j->o->form_given ? j->o->form : j->doc.form, &loss, err);
    j->loss.left_out += loss.left_out;
    j->loss.empty += loss.empty;
    j->loss.notes += loss.notes;
    if (st == RID_OK && out)
        st = rid_publish_write(out, text.data, text.len, err);
    rid_buf_free(&text);
    return st;
}

/* All are written before the first gets its name. */
static rid_status write_parts(job *j, rid_err *err)
{
    rid_publish *out[RID_SPLIT_PARTS_MAX] = {NULL};
    const size_t n = j->shares.n;
    rid_status st = RID_OK;
    if (!j->o->dry_run && !j->is_prefix)
        st = rid_publish_mkdirs(j->o->output, err);
    for (uint32_t k = 0; k < n && st == RID_OK; k++) {
        if (!j->o->dry_run)
            st = rid_publish_begin(&out[k], j->parts[k].path.data, j->o->force, err);
        if (st == RID_OK)
            st = write_part(j, k, out[k], err);
    }
    for (size_t k = 0; k < n; k++) {
        if (st == RID_OK && out[k])
            st = rid_publish_commit(out[k], err);
        else
            rid_publish_abort(out[k]);
    }
    return st;
}

static rid_status write_report(const job *j, rid_err *err)
{
    rid_buf text = {0};
    rid_publish *out;
    rid_status st = rid_publish_begin(&out, "-", false, err);
    if (st != RID_OK)
        return st;
    append_json(j, &text);
    st = text.failed ? RID_FAIL_NOMEM(err) : rid_publish_write(out, text.data, text.len, err);
    rid_buf_free(&text);
    if (st == RID_OK)
        return rid_publish_commit(out, err);
    rid_publish_abort(out);
    return st;
}

static rid_status run(job *j, rid_summary *summary, rid_err *err)
{
    const rid_gt_split_options *o = j->o;
    rid_status st = rid_gt_doc_read(&j->doc, o->gt, o->n_gt, RID_GT_PREFER_NONE, err);
    if (st == RID_OK && j->doc.n_conflicts > 0)
        st = rid_gt_doc_fail_conflict(&j->doc, o->gt, err);
    if (st == RID_OK)
        st = open_units(j, err);
    if (st == RID_OK)
        st = divide(j, err);
    summary->read = j->doc.entry_ids.n;
    summary->accepted = j->doc.n_included;
    summary->skipped = summary->read - summary->accepted;
    rid_summary_add_figure(summary, "parts", (double)j->shares.n);
    rid_summary_add_figure(summary, "unknown", (double)j->places.n_unknown);
    if (st == RID_OK)
        st = count_parts(j, err);
    if (st == RID_OK)
        st = write_parts(j, err);
    if (st == RID_OK)
        say_sizes(j);
    return st == RID_OK && o->json ? write_report(j, err) : st;
}

rid_status rid_gt_split_run(const rid_gt_split_options *o, rid_summary *summary, rid_err *err)
{
    job *j = rid_mem_zalloc(1, sizeof *j);
    if (!j)
        return RID_FAIL_NOMEM(err);
    j->o = o;
    rid_status st = rid_split_shares_parse(&j->shares, o->fractions, err);
    if (st != RID_OK)
        rid_err_prepend(err, "--fractions");
    if (st == RID_OK)
        st = name_parts(j, err);
    if (st == RID_OK)
        st = make_paths(j, err);
    if (st == RID_OK)
        st = check_paths(j, err);
    if (st == RID_OK)
        st = run(j, summary, err);
    for (size_t k = 0; k < RID_SPLIT_PARTS_MAX; k++)
        rid_buf_free(&j->parts[k].path);
    rid_gt_places_close(&j->places);
    rid_gt_doc_clear(&j->doc);
    rid_mem_free(j->unit_part);
    rid_mem_free(j->unit_used);
    rid_mem_free(j->entry_part);
    rid_mem_free(j);
    return st;
}
