#include "eval/diff_report.h"

#include "data/plain.h"

#include <math.h>

enum { SHOWN = 20 };

/* ---- verdicts ---- */

static bool is_right(const rid_judged *e)
{
    return e->end == (e->mated ? RID_SEARCH_SAME : RID_SEARCH_NO_MATCH);
}

/* "improved", "worsened", "" for neither; NULL where nobody can tell: without a label, of the entry or of the one
 * that it joined. */
static const char *verdict(const rid_diff_report *r, const rid_diff_flip *f)
{
    if (!r->a)
        return NULL;
    const rid_judged *a = &r->a->buckets[f->a.bucket].entries[f->a.row];
    const rid_judged *b = &r->b->buckets[f->b.bucket].entries[f->b.row];
    if (a->person == RID_UNLABELLED || a->end == RID_SEARCH_TO_UNLABELLED ||
        b->end == RID_SEARCH_TO_UNLABELLED)
        return NULL;
    return is_right(a) == is_right(b) ? "" : is_right(b) ? "improved" : "worsened";
}

static size_t count_verdicts(const rid_diff_report *r, char initial)
{
    size_t n = 0;
    for (size_t i = 0; i < r->diff->n_flips; i++) {
        const char *v = verdict(r, &r->diff->flips[i]);
        n += v && *v == initial;
    }
    return n;
}

/* ---- figures ---- */

void rid_diff_report_figures(rid_metric_set *m, const rid_diff_report *r)
{
    const rid_clustering_diff *d = r->diff;
    const rid_cluster_metrics agreement = rid_cluster_metrics_of(&d->agreement);
    rid_metrics_add_count(m, "entries_a", d->a->n_entries);
    rid_metrics_add_count(m, "entries_b", d->b->n_entries);
    rid_metrics_add_count(m, "entries_common", d->n_common);
    rid_metrics_add_count(m, "persons_a", d->persons_a);
    rid_metrics_add_count(m, "persons_b", d->persons_b);
    rid_metrics_add_count(m, "persons_same", d->n_same);
    rid_metrics_add_count(m, "persons_split", d->n_splits);
    rid_metrics_add_count(m, "persons_merged", d->n_merges);
    rid_metrics_add_count(m, "decisions_lost", d->n_lost);
    rid_metrics_add_count(m, "decisions_gained", d->n_gained);
    rid_metrics_add_count(m, "decisions_moved", d->n_moved);
    rid_metrics_add(m, "agreement_pairwise_f1", agreement.pairwise_f1, NULL);
    rid_metrics_add(m, "agreement_bcubed_f1", agreement.bcubed_f1, "no common entry");
    rid_metrics_add(m, "agreement_ari", agreement.ari, "no common entry");
    if (!r->a)
        return;
    rid_metrics_add_count(m, "labelled", r->a->n_labelled);
    rid_metrics_add_count(m, "decisions_improved", count_verdicts(r, 'i'));
    rid_metrics_add_count(m, "decisions_worsened", count_verdicts(r, 'w'));
    rid_metrics_add_diff(m, r->figures);
}

/* ---- changes ---- */

static const rid_clustered_bucket *bucket_a(const rid_diff_report *r, const rid_diff_cell *c)
{
    return &r->diff->a->buckets[c->bucket_a];
}

static rid_str person_of(const rid_diff_report *r, const rid_diff_cell *c, bool in_a)
{
    return in_a ? bucket_a(r, c)->persons[c->a] : r->diff->b->buckets[c->bucket_b].persons[c->b];
}

static uint64_t entries_of(const rid_diff_change *c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += c->cells[i].n;
    return n;
}

static const rid_clustered_entry *entry_at(const rid_clustering *c, rid_clustered_place p)
{
    return &c->buckets[p.bucket].entries[p.row];
}

/* ---- as JSON ---- */

static void put_part(rid_jsonw *w, const rid_diff_report *r, const rid_diff_cell *c, bool in_a)
{
    rid_jsonw_begin_object(w);
    rid_jsonw_put_str(w, in_a ? "person_a" : "person_b", person_of(r, c, in_a));
    rid_jsonw_key(w, "entries");
    rid_jsonw_u64(w, c->n);
    rid_jsonw_put_str(w, "first_entry_id", bucket_a(r, c)->entries[c->first].id);
    rid_jsonw_end_object(w);
}

/* of_a: persons of A that were split; else persons of B that were merged. */
static void put_changes(rid_jsonw *w, const rid_diff_report *r, const rid_diff_change *changes,
                        size_t n, bool of_a)
{
    rid_jsonw_key(w, of_a ? "splits" : "merges");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        const rid_diff_change *c = &changes[i];
        rid_jsonw_begin_object(w);
        rid_jsonw_put_str(w, "day_id", bucket_a(r, c->cells)->day);
        rid_jsonw_put_str(w, "store_id", bucket_a(r, c->cells)->store);
        rid_jsonw_put_str(w, of_a ? "person_a" : "person_b", person_of(r, c->cells, of_a));
        rid_jsonw_key(w, "entries");
        rid_jsonw_u64(w, entries_of(c));
        rid_jsonw_key(w, of_a ? "into" : "from");
        rid_jsonw_begin_array(w);
        for (size_t k = 0; k < c->n; k++)
            put_part(w, r, &c->cells[k], !of_a);
        rid_jsonw_end_array(w);
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

static void put_side(rid_jsonw *w, const char *const keys[4], const rid_clustering *c,
                     rid_clustered_place p)
{
    const rid_clustered_entry *e = entry_at(c, p);
    rid_jsonw_put_str(w, keys[0], c->buckets[p.bucket].persons[e->person]);
    rid_jsonw_put_str(w, keys[1], rid_str_of(rid_event_status_name(e->status)));
    rid_jsonw_put_str(w, keys[2], e->match_id);
    rid_jsonw_put_f64(w, keys[3], e->score);
}

static void put_flips(rid_jsonw *w, const rid_diff_report *r)
{
    static const char *const of_a[] = {"person_a", "status_a", "match_id_a", "score_a"};
    static const char *const of_b[] = {"person_b", "status_b", "match_id_b", "score_b"};
    rid_jsonw_key(w, "decisions");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < r->diff->n_flips; i++) {
        const rid_diff_flip *f = &r->diff->flips[i];
        const char *v = verdict(r, f);
        rid_jsonw_begin_object(w);
        rid_jsonw_put_str(w, "day_id", r->diff->a->buckets[f->a.bucket].day);
        rid_jsonw_put_str(w, "store_id", r->diff->a->buckets[f->a.bucket].store);
        rid_jsonw_put_str(w, "entry_id", entry_at(r->diff->a, f->a)->id);
        rid_jsonw_put_str(w, "change", rid_str_of(rid_flip_name(f->kind)));
        put_side(w, of_a, r->diff->a, f->a);
        put_side(w, of_b, r->diff->b, f->b);
        rid_jsonw_put_str(w, "verdict", v && *v ? rid_str_of(v) : (rid_str){NULL, 0});
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

/* ---- as text ---- */

static void write_counts(rid_buf *out, const rid_diff_report *r)
{
    const rid_clustering_diff *d = r->diff;
    rid_buf_printf(out, "%-24s%12s%12s\n", "", "A", "B");
    rid_buf_printf(out, "%-24s%12zu%12zu  %zu in both\n", "entries", d->a->n_entries,
                   d->b->n_entries, d->n_common);
    rid_buf_printf(out, "%-24s%12zu%12zu  %zu the same, %zu split, %zu merged\n", "persons",
                   d->persons_a, d->persons_b, d->n_same, d->n_splits, d->n_merges);
    rid_buf_printf(out, "%-24s%12s%12s  %zu matches lost, %zu gained, %zu moved", "decisions", "",
                   "", d->n_lost, d->n_gained, d->n_moved);
    if (r->a)
        rid_buf_printf(out, "; %zu improved, %zu worsened", count_verdicts(r, 'i'),
                       count_verdicts(r, 'w'));
    rid_buf_append_char(out, '\n');
}

static void write_makers(rid_buf *out, char side, const rid_clustering *c)
{
    for (uint32_t i = 0; i < c->made_by.n; i++)
        rid_buf_printf(out, "%c was made by %.*s\n", side,
                       RID_STR(rid_id_table_at(&c->made_by, i)));
}

static void append_value(rid_buf *out, double x)
{
    if (isnan(x))
        rid_buf_printf(out, "%12s", "-");
    else
        rid_buf_printf(out, "%12.6f", x);
}

static void write_figures(rid_buf *out, const rid_diff_report *r)
{
    rid_buf_printf(out, "\n%-24s%12s%12s%12s  %.0f%% interval over people\n", "FIGURE", "A", "B",
                   "B - A", r->confidence * 100);
    for (int i = 0; i < RID_DIFF_FIGURES; i++) {
        const rid_diff_figure *f = &r->figures[i];
        rid_buf_printf(out, "%-24s", f->name);
        append_value(out, f->a);
        append_value(out, f->b);
        append_value(out, f->delta);
        if (!isnan(f->low))
            rid_buf_printf(out, "  %+.6f to %+.6f", f->low, f->high);
        rid_buf_append_char(out, '\n');
    }
}

static void write_changes(rid_buf *out, const rid_diff_report *r, const rid_diff_change *changes,
                          size_t n, bool of_a)
{
    if (n == 0)
        return;
    rid_buf_append_str(out, of_a ? "\nSPLIT: a person of A, and who that is in B\n"
                                 : "\nMERGED: a person of B, and who that was in A\n");
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const rid_diff_change *c = &changes[i];
        rid_plain_append(out, bucket_a(r, c->cells)->day);
        rid_buf_append_str(out, "  ");
        rid_plain_append(out, person_of(r, c->cells, of_a));
        for (size_t k = 0; k < c->n; k++) {
            rid_buf_append_str(out, k == 0 ? ": " : ", ");
            rid_plain_append(out, person_of(r, &c->cells[k], !of_a));
            rid_buf_printf(out, " (%u)", c->cells[k].n);
        }
        rid_buf_append_char(out, '\n');
    }
    if (n > SHOWN)
        rid_buf_printf(out, "(%d of %zu; --json has all)\n", SHOWN, n);
}

static void append_decision(rid_buf *out, const rid_clustered_entry *e)
{
    rid_buf_append_str(out, rid_event_status_name(e->status));
    if (e->status == RID_EVENT_MATCH) {
        rid_buf_append_char(out, ' ');
        rid_plain_append(out, e->match_id);
    }
    if (!isnan(e->score))
        rid_buf_printf(out, " %.4f", e->score);
}

static void write_flips(rid_buf *out, const rid_diff_report *r)
{
    const size_t n = r->diff->n_flips;
    if (n == 0)
        return;
    rid_buf_append_str(out, "\nDECISIONS: an entry, what A decided, what B\n");
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const rid_diff_flip *f = &r->diff->flips[i];
        const char *v = verdict(r, f);
        rid_plain_append(out, entry_at(r->diff->a, f->a)->id);
        rid_buf_append_str(out, ": ");
        append_decision(out, entry_at(r->diff->a, f->a));
        rid_buf_append_str(out, ", ");
        append_decision(out, entry_at(r->diff->b, f->b));
        rid_buf_printf(out, "%s%s\n", v && *v ? "  " : "", v ? v : "");
    }
    if (n > SHOWN)
        rid_buf_printf(out, "(%d of %zu; --json has all)\n", SHOWN, n);
}

void rid_diff_report_write(rid_eval_output *out, bool json, const rid_diff_report *r)
{
    const rid_clustering_diff *d = r->diff;
    rid_jsonw *w = rid_eval_output_json(out);
    rid_buf *text = rid_eval_output_text(out);
    if (json) {
        rid_clustering_put_makers(w, "made_by_a", d->a);
        rid_clustering_put_makers(w, "made_by_b", d->b);
        put_changes(w, r, d->splits, d->n_splits, true);
        put_changes(w, r, d->merges, d->n_merges, false);
        put_flips(w, r);
        return;
    }
    write_counts(text, r);
    write_makers(text, 'A', d->a);
    write_makers(text, 'B', d->b);
    if (r->a)
        write_figures(text, r);
    write_changes(text, r, d->splits, d->n_splits, true);
    write_changes(text, r, d->merges, d->n_merges, false);
    write_flips(text, r);
}
