#include "eval/search_data.h"

#include "data/base/mem.h"
#include "data/h5file.h"
#include "data/plain.h"
#include "data/textfile.h"
#include "gt/id_table.h"
#include "gt/pair_gaps.h"

#include <string.h>

static rid_status open_stores(rid_search_data *d, const rid_search_input *in, rid_err *err)
{
    const size_t n = in->n_stores + in->n_queries;
    const char **paths = rid_mem_alloc(n, sizeof *paths);
    if (!paths)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++)
        paths[i] = i < in->n_stores ? in->stores[i] : in->queries[i - in->n_stores];
    const rid_status st = rid_store_set_open(&d->set, paths, n, in->limit, err);
    rid_mem_free(paths);
    d->n = d->set.n;
    return st;
}

static rid_status allocate(rid_search_data *d, const rid_search_input *in, rid_err *err)
{
    const bool split = in->n_queries > 0 || in->query_ids;
    d->emb = rid_mem_alloc(d->n * sizeof *d->emb, rid_store_set_info(&d->set)->emb_dim);
    d->person = rid_mem_alloc(d->n, sizeof *d->person);
    d->usable = rid_mem_alloc(d->n, 1);
    if (in->within_buckets)
        d->group = rid_mem_alloc(d->n, sizeof *d->group);
    if (in->cameras)
        d->camera = rid_mem_alloc(d->n, sizeof *d->camera);
    if (split) {
        d->query = rid_mem_zalloc(d->n, 1);
        d->gallery = rid_mem_alloc(d->n, 1);
    }
    if (d->emb && d->person && d->usable && (d->group || !in->within_buckets) &&
        (d->camera || !in->cameras) && ((d->query && d->gallery) || !split))
        return RID_OK;
    return RID_FAIL_NOMEM(err);
}

static void label(rid_search_data *d, size_t i)
{
    const rid_str id = rid_search_data_id(d, i);
    d->person[i] = RID_UNLABELLED;
    if (rid_labels_find(d->labels, id, &d->person[i]))
        d->n_labelled++;
    else
        d->n_excluded += rid_labels_is_excluded(d->labels, id);
    d->usable[i] = rid_store_set_status(&d->set, d->set.places[i]) != RID_ENTRY_SKIP;
    d->n_skipped += !d->usable[i];
}

/* The number of two texts together, which hold no NUL. */
static rid_status number_of(rid_id_table *t, rid_str a, rid_str b, uint32_t *number, rid_err *err)
{
    rid_buf both = {0};
    rid_buf_append(&both, a.data, a.len);
    rid_buf_append_char(&both, '\0');
    rid_buf_append(&both, b.data, b.len);
    const rid_status st =
        both.failed ? RID_FAIL_NOMEM(err)
                    : rid_id_table_add(t, (rid_str){both.data, both.len}, number, NULL, err);
    rid_buf_free(&both);
    return st;
}

/* The bucket of each entry into bucket (n). */
static rid_status number_buckets(const rid_search_data *d, uint32_t *bucket, size_t *n_buckets,
                                 rid_err *err)
{
    rid_id_table buckets = {0};
    rid_status st = RID_OK;
    for (size_t i = 0; i < d->n && st == RID_OK; i++) {
        const rid_meta m = rid_store_set_meta(&d->set, d->set.places[i]);
        st = number_of(&buckets, m.text[RID_TEXT_DAY], m.text[RID_TEXT_STORE], &bucket[i], err);
    }
    *n_buckets = buckets.n;
    rid_id_table_clear(&buckets);
    return st;
}

static rid_status say_gaps(const rid_search_data *d, rid_err *err)
{
    size_t n_buckets;
    rid_sightings seen = {0};
    uint32_t *bucket = rid_mem_alloc(d->n, sizeof *bucket);
    rid_status st = bucket ? number_buckets(d, bucket, &n_buckets, err) : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < d->n && st == RID_OK; i++)
        st = rid_sightings_add(&seen, bucket[i], d->person[i], err);
    if (st == RID_OK)
        st = rid_pair_gaps_say(d->labels, &seen, d->group ? RID_GAPS_WITHIN : RID_GAPS_ALL, err);
    rid_sightings_clear(&seen);
    rid_mem_free(bucket);
    return st;
}

static rid_status number_cameras(rid_search_data *d, rid_err *err)
{
    rid_id_table cameras = {0};
    rid_status st = RID_OK;
    for (size_t i = 0; i < d->n && st == RID_OK; i++) {
        const rid_meta m = rid_store_set_meta(&d->set, d->set.places[i]);
        d->camera[i] = RID_NO_CAMERA;
        if (m.text[RID_TEXT_CAMERA].len > 0)
            st = number_of(&cameras, m.text[RID_TEXT_STORE], m.text[RID_TEXT_CAMERA], &d->camera[i],
                           err);
        else
            d->n_without_camera += d->person[i] != RID_UNLABELLED;
    }
    rid_id_table_clear(&cameras);
    return st;
}

/* ---- queries apart from the gallery ---- */

/* Ids of the file's lines into the table; blank ends of lines and empty lines do not count. */
static rid_status read_ids(rid_id_table *t, const char *path, rid_err *err)
{
    rid_buf text = {0};
    rid_status st = rid_textfile_read(&text, path, RID_TEXTFILE_MAX, err);
    for (size_t at = 0, end; at < text.len && st == RID_OK; at = end + 1) {
        const char *line_end = memchr(text.data + at, '\n', text.len - at);
        uint32_t number;
        end = line_end ? (size_t)(line_end - text.data) : text.len;
        size_t n = end - at;
        while (n > 0 && (text.data[at + n - 1] == '\r' || text.data[at + n - 1] == ' '))
            n--;
        if (n > 0)
            st = rid_id_table_add(t, (rid_str){text.data + at, n}, &number, NULL, err);
    }
    rid_buf_free(&text);
    return st;
}

static rid_status mark_ids(rid_search_data *d, const char *path, rid_err *err)
{
    rid_id_table ids = {0};
    size_t found = 0;
    rid_status st = read_ids(&ids, path, err);
    for (size_t i = 0; i < d->n && st == RID_OK; i++) {
        d->query[i] = rid_id_table_find(&ids, rid_search_data_id(d, i), NULL);
        found += d->query[i];
    }
    if (st == RID_OK && found == 0 && d->n > 0)
        st = RID_FAIL(err, RID_EDATA, "%s: no line is the id of an entry of the stores (%zu %s)",
                      path, ids.n, rid_noun(ids.n, "id", "ids"));
    d->n_unknown_ids = ids.n - found;
    rid_id_table_clear(&ids);
    return st;
}

static rid_status split(rid_search_data *d, const rid_search_input *in, rid_err *err)
{
    rid_status st = RID_OK;
    if (in->query_ids)
        st = mark_ids(d, in->query_ids, err);
    for (size_t i = 0; i < d->n; i++) {
        if (!in->query_ids)
            d->query[i] = d->set.places[i].store >= in->n_stores;
        d->gallery[i] = !d->query[i];
    }
    return st;
}

/* ---- all of it ---- */

static rid_status fill(rid_search_data *d, const rid_search_input *in, rid_err *err)
{
    for (size_t i = 0; i < d->n; i++)
        label(d, i);
    d->n_groups = d->n > 0;
    d->n_absent = rid_labels_count(d->labels) - d->n_labelled;
    if (d->n_labelled == 0 && d->n > 0)
        return RID_FAIL(err, RID_EDATA,
                        "no entry of the stores has a label (%zu entries, %zu labels)", d->n,
                        rid_labels_count(d->labels));
    rid_status st = d->group ? number_buckets(d, d->group, &d->n_groups, err) : RID_OK;
    if (st == RID_OK && rid_labels_are_linked(d->labels))
        st = say_gaps(d, err);
    if (st == RID_OK && d->camera)
        st = number_cameras(d, err);
    if (st == RID_OK && d->query)
        st = split(d, in, err);
    return st == RID_OK ? rid_store_set_read_embeddings(&d->set, d->set.places, d->n, d->emb, err)
                        : st;
}

rid_status rid_search_data_read(rid_search_data *d, const rid_search_input *in, rid_err *err)
{
    *d = (rid_search_data){0};
    rid_h5_init();
    rid_status st = rid_labels_read_files(&d->labels, &in->people, err);
    if (st == RID_OK)
        st = open_stores(d, in, err);
    if (st == RID_OK)
        st = allocate(d, in, err);
    return st == RID_OK ? fill(d, in, err) : st;
}

void rid_search_data_clear(rid_search_data *d)
{
    rid_mem_free(d->emb);
    rid_mem_free(d->person);
    rid_mem_free(d->group);
    rid_mem_free(d->camera);
    rid_mem_free(d->usable);
    rid_mem_free(d->query);
    rid_mem_free(d->gallery);
    rid_store_set_close(&d->set);
    rid_labels_free(d->labels);
    *d = (rid_search_data){0};
}

rid_ranking_input rid_search_data_ranking(const rid_search_data *d)
{
    return (rid_ranking_input){.emb = d->emb,
                               .n = d->n,
                               .dim = rid_store_set_info(&d->set)->emb_dim,
                               .person = d->person,
                               .usable = d->usable,
                               .query = d->query,
                               .gallery = d->gallery,
                               .group = d->group,
                               .camera = d->camera};
}

rid_str rid_search_data_id(const rid_search_data *d, size_t i)
{
    return rid_store_set_meta(&d->set, d->set.places[i]).text[RID_TEXT_ID];
}
