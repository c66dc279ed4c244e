#include "eval/manifest_job.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/h5file.h"
#include "eval/cluster.h"
#include "eval/gallery_cover.h"
#include "gt/labels.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From this size on a bucket has all threads to itself; smaller ones run side by side. */
enum { LARGE_BUCKET = 2048 };

typedef struct job {
    const rid_manifest_options *o;
    rid_operating_point point; /* resolved */
    rid_store_set set;
    rid_bucket *buckets;
    size_t n_buckets;
    bool single; /* one document: a file or standard output */
    size_t n_shown;     /* events in the documents written */
    bool any_unchanged; /* documents left as they are */
    rid_gallery_cover cover; /* of the buckets by the calibrated point */
    rid_summary *summary;
    rid_progress *progress;
} job;

/** One bucket at work. */
typedef struct bucket_work {
    rid_place *places; /* in matching order; cameras already chosen under `match` */
    size_t n, n_matchable, n_people;
    float *emb;
    uint8_t *usable;
    rid_decision *decisions;
    rid_event *events; /* grouped by person */
    rid_person *people;
    rid_buf provenance;
    char *path;
} bucket_work;

/* ---- one bucket ---- */

/* Everything the document says of its making. */
static rid_status make_provenance(const job *j, bucket_work *w, rid_err *err)
{
    char digest[33];
    const rid_selection *s = &j->o->selection;
    rid_status st = rid_provenance_digest(digest, &j->set, w->places, w->emb, w->n,
                                          s->embeddings == RID_EMBEDDINGS_FRAMES, err);
    if (st != RID_OK)
        return st;
    return rid_provenance_write(&w->provenance, rid_store_set_info(&j->set), &j->point,
                                w->n_matchable, s, digest, err);
}

static void free_work(bucket_work *w)
{
    rid_mem_free(w->places);
    rid_mem_free(w->emb);
    rid_mem_free(w->usable);
    rid_mem_free(w->decisions);
    rid_mem_free(w->events);
    rid_mem_free(w->people);
    rid_buf_free(&w->provenance);
    rid_mem_free(w->path);
}

static bool camera_chosen(const rid_selection *s, rid_str camera)
{
    for (size_t i = 0; i < s->n_cameras; i++)
        if (rid_str_equal(rid_str_of(s->cameras[i]), camera))
            return true;
    return s->n_cameras == 0;
}

static rid_status load_bucket(const job *j, const rid_bucket *b, bucket_work *w, rid_err *err)
{
    size_t emb_dim = rid_store_set_info(&j->set)->emb_dim;
    w->places = rid_mem_alloc(b->n, sizeof *w->places);
    w->emb = rid_mem_alloc(b->n * sizeof *w->emb, emb_dim);
    w->usable = rid_mem_alloc(b->n, 1);
    w->decisions = rid_mem_alloc(b->n, sizeof *w->decisions);
    if (!w->places || !w->emb || !w->usable || !w->decisions)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < b->n; i++) {
        rid_str camera = rid_store_set_meta(&j->set, b->places[i]).text[RID_TEXT_CAMERA];
        if (j->o->selection.camera_match && !camera_chosen(&j->o->selection, camera))
            continue;
        w->usable[w->n] = rid_store_set_status(&j->set, b->places[i]) != RID_ENTRY_SKIP;
        w->n_matchable += w->usable[w->n];
        w->places[w->n++] = b->places[i];
    }
    return rid_store_set_read_embeddings(&j->set, w->places, w->n, w->emb, err);
}

static rid_str id_of(const job *j, const bucket_work *w, uint32_t index)
{
    if (index == RID_NO_ENTRY)
        return (rid_str){NULL, 0};
    return rid_store_set_meta(&j->set, w->places[index]).text[RID_TEXT_ID];
}

static rid_event make_event(const job *j, const bucket_work *w, size_t i)
{
    const rid_decision *d = &w->decisions[i];
    return (rid_event){
        .place = w->places[i],
        .status = !w->usable[i] ? RID_EVENT_SKIP : d->matched ? RID_EVENT_MATCH : RID_EVENT_NEW,
        .has_score = d->nn1.row != RID_NO_ENTRY,
        .score = d->nn1.score,
        .score2 = d->nn2.score,
        .match_id = d->matched ? id_of(j, w, d->nn1.row) : (rid_str){NULL, 0},
        .second_id = id_of(j, w, d->nn2.row),
    };
}

/* Which events are shown: the chosen cameras', the chosen person's. */
static bool shown(const job *j, const bucket_work *w, size_t i, uint32_t only_person)
{
    rid_meta m = rid_store_set_meta(&j->set, w->places[i]);
    return camera_chosen(&j->o->selection, m.text[RID_TEXT_CAMERA]) &&
           (!j->o->selection.entry_id || w->decisions[i].person == only_person);
}

/* Groups the shown events by person (counting sort); people without any are left out. */
static rid_status group_people(const job *j, bucket_work *w, size_t n_persons, rid_err *err)
{
    uint32_t only_person = RID_NO_ENTRY;
    for (size_t i = 0; j->o->selection.entry_id && i < w->n; i++)
        if (rid_str_equal(id_of(j, w, (uint32_t)i), rid_str_of(j->o->selection.entry_id)))
            only_person = w->decisions[i].person;
    size_t *counts = rid_mem_zalloc(n_persons + 1, sizeof *counts);
    w->events = rid_mem_alloc(w->n, sizeof *w->events);
    w->people = rid_mem_alloc(n_persons, sizeof *w->people);
    if (!counts || !w->events || !w->people) {
        rid_mem_free(counts);
        return RID_FAIL_NOMEM(err);
    }
    for (size_t i = 0; i < w->n; i++)
        counts[w->decisions[i].person + 1] += shown(j, w, i, only_person);
    for (size_t p = 0; p < n_persons; p++) {
        size_t n = counts[p + 1];
        counts[p + 1] += counts[p];
        if (n > 0)
            w->people[w->n_people++] =
                (rid_person){(uint32_t)p + 1, w->events + counts[p], n};
    }
    for (size_t i = 0; i < w->n; i++)
        if (shown(j, w, i, only_person))
            w->events[counts[w->decisions[i].person]++] = make_event(j, w, i);
    rid_mem_free(counts);
    return RID_OK;
}

/* DIR/<day>/<store>.json, or the single document. */
static char *document_path(const job *j, const rid_bucket *b)
{
    rid_buf path = {0};
    if (j->single)
        return rid_mem_strdup(j->o->output);
    rid_buf_printf(&path, "%s/", j->o->output);
    rid_filename_append(&path, b->day);
    rid_buf_append_char(&path, '/');
    rid_filename_append(&path, b->store);
    rid_buf_append_str(&path, ".json");
    char *copy = rid_buf_cstr(&path) ? rid_mem_strdup(path.data) : NULL;
    rid_buf_free(&path);
    return copy;
}

/* A document that begins with this head and ends as documents end came from the same inputs. */
static bool is_unchanged(const char *path, const rid_buf *head)
{
    static const char end[] = "]}\n";
    char last[sizeof end - 1];
    bool same = false;
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *begin = rid_mem_alloc(head->len, 1);
    if (fd >= 0 && begin && fstat(fd, &s) == 0 && s.st_size > (off_t)(head->len + sizeof last))
        same = rid_fd_read_at(fd, begin, head->len, 0, path, NULL) == RID_OK &&
               rid_fd_read_at(fd, last, sizeof last, s.st_size - (off_t)sizeof last, path, NULL) ==
                   RID_OK &&
               memcmp(begin, head->data, head->len) == 0 && memcmp(last, end, sizeof last) == 0;
    if (fd >= 0)
        close(fd);
    rid_mem_free(begin);
    return same;
}

static rid_status write_bytes(void *publish, const void *bytes, size_t n, rid_err *err)
{
    return rid_publish_write(publish, bytes, n, err);
}

static rid_status make_directory_of(const char *path, rid_err *err)
{
    char *directory = rid_mem_strndup(path, (size_t)(strrchr(path, '/') - path));
    rid_status st = directory ? rid_publish_mkdirs(directory, err) : RID_FAIL_NOMEM(err);
    rid_mem_free(directory);
    return st;
}

static rid_status publish_document(const job *j, const rid_manifest *m, const char *path, int threads,
                                   rid_err *err)
{
    rid_publish *p = NULL;
    rid_status st = j->single ? RID_OK : make_directory_of(path, err);
    if (st == RID_OK)
        st = rid_publish_begin(&p, path, j->o->force || j->o->skip_existing, err);
    if (st == RID_OK)
        st = rid_manifest_write(m, &j->set, threads, write_bytes, p, err);
    if (st != RID_OK) {
        rid_publish_abort(p);
        return st;
    }
    return rid_publish_commit(p, err);
}

static void count_document(job *j, const bucket_work *w, const rid_manifest *m, bool unchanged)
{
    size_t n_events = 0;
    for (size_t i = 0; i < m->n_people; i++)
        n_events += m->people[i].n_events;
#pragma omp critical(rid_manifest_summary)
    {
        j->n_shown += n_events;
        j->any_unchanged |= unchanged;
        j->summary->read += w->n;
        j->summary->accepted += w->n;
        j->summary->skipped += w->n - w->n_matchable;
        rid_gallery_cover_take(&j->cover, &j->point, w->n_matchable);
        rid_summary_add_figure(j->summary, "buckets", 1);
        rid_summary_add_figure(j->summary, "written", !unchanged);
        rid_summary_add_figure(j->summary, "unchanged", unchanged);
        rid_summary_add_figure(j->summary, "people", unchanged ? 0 : (double)m->n_people);
        rid_summary_add_figure(j->summary, "events", unchanged ? 0 : (double)n_events);
    }
}

static rid_status cluster_bucket(const job *j, bucket_work *w, int threads, rid_err *err)
{
    size_t n_persons = 0;
    rid_status st = rid_cluster(w->decisions, &n_persons, w->emb, w->usable, w->n,
                                rid_store_set_info(&j->set)->emb_dim, &j->point.rule, threads,
                                err);
    return st == RID_OK ? group_people(j, w, n_persons, err) : st;
}

static rid_status run_bucket(job *j, const rid_bucket *b, int threads, rid_err *err)
{
    bucket_work w = {0};
    rid_buf head = {0};
    bool unchanged = false;
    rid_manifest m = {.day = b->day, .store = b->store, .embeddings = j->o->selection.embeddings};
    rid_status st = load_bucket(j, b, &w, err);
    if (st == RID_OK)
        st = make_provenance(j, &w, err);
    if (st == RID_OK && !(w.path = document_path(j, b)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && j->o->skip_existing) {
        m.provenance = w.provenance.data;
        rid_manifest_write_head(&m, &head);
        unchanged = !head.failed && is_unchanged(w.path, &head);
    }
    if (st == RID_OK && !unchanged) {
        st = cluster_bucket(j, &w, threads, err);
        m.provenance = w.provenance.data;
        m.people = w.people;
        m.n_people = w.n_people;
        if (st == RID_OK && j->o->dry_run)
            rid_log(RID_LOG_INFO, "would write %s: %zu people, %zu entries", w.path, w.n_people, w.n);
        else if (st == RID_OK)
            st = publish_document(j, &m, w.path, threads, err);
    }
    if (st == RID_OK)
        count_document(j, &w, &m, unchanged);
    rid_buf_free(&head);
    free_work(&w);
    if (st != RID_OK && st != RID_EUSAGE && st != RID_EINTR)
        rid_err_prepend(err, "bucket %.*s/%.*s", RID_STR(b->day), RID_STR(b->store));
    return st;
}

/* ---- all buckets ---- */

static bool holds_entry(const job *j, const rid_bucket *b, const char *id)
{
    for (size_t i = 0; i < b->n; i++)
        if (rid_str_equal(rid_store_set_meta(&j->set, b->places[i]).text[RID_TEXT_ID],
                          rid_str_of(id)))
            return true;
    return false;
}

static bool holds_label(const job *j, const rid_bucket *b, const rid_labels *labels)
{
    for (size_t i = 0; i < b->n; i++)
        if (rid_labels_find(labels, rid_store_set_meta(&j->set, b->places[i]).text[RID_TEXT_ID],
                            NULL))
            return true;
    return false;
}

/* Leaves the buckets that were asked for. */
static rid_status select_buckets(job *j, rid_err *err)
{
    rid_labels *labels = NULL;
    size_t n = 0;
    if (j->o->n_labelled_in > 0) {
        const rid_status st = rid_labels_read(&labels, j->o->labelled_in, j->o->n_labelled_in, err);
        if (st != RID_OK)
            return st;
    }
    for (size_t i = 0; i < j->n_buckets; i++) {
        const rid_bucket *b = &j->buckets[i];
        if ((!j->o->day || rid_str_equal(b->day, rid_str_of(j->o->day))) &&
            (!j->o->store || rid_str_equal(b->store, rid_str_of(j->o->store))) &&
            (!labels || holds_label(j, b, labels)) &&
            (!j->o->selection.entry_id || holds_entry(j, b, j->o->selection.entry_id)))
            j->buckets[n++] = *b;
    }
    j->n_buckets = n;
    rid_labels_free(labels);
    return RID_OK;
}

static rid_status refuse_several(const job *j, rid_err *err)
{
    enum { SHOWN = 10 };
    rid_buf list = {0};
    for (size_t i = 0; i < j->n_buckets && i < SHOWN; i++)
        rid_buf_printf(&list, "%s%.*s/%.*s", i ? ", " : "", RID_STR(j->buckets[i].day),
                       RID_STR(j->buckets[i].store));
    if (j->n_buckets > SHOWN)
        rid_buf_append_str(&list, ", …");
    rid_status st = RID_FAIL(err, RID_EUSAGE,
                             "one document holds one bucket and %zu are left: choose with --day and"
                             " --store, or name a directory: %s",
                             j->n_buckets, rid_buf_cstr(&list) ? list.data : "");
    rid_buf_free(&list);
    return st;
}

/* Every document that may not be replaced is found before the first is written. */
static rid_status check_outputs(const job *j, rid_err *err)
{
    rid_status st = RID_OK;
    struct stat s;
    if (j->o->force || j->o->skip_existing || j->o->dry_run || strcmp(j->o->output, "-") == 0)
        return RID_OK;
    if (j->single && lstat(j->o->output, &s) == 0)
        return RID_FAIL(err, RID_EUSAGE, "%s exists; add --force to replace it", j->o->output);
    for (size_t i = 0; !j->single && i < j->n_buckets && st == RID_OK; i++) {
        char *path = document_path(j, &j->buckets[i]);
        if (!path)
            st = RID_FAIL_NOMEM(err);
        else if (lstat(path, &s) == 0)
            st = RID_FAIL(err, RID_EUSAGE, "%s exists; add --force to replace it, or --skip-existing",
                          path);
        rid_mem_free(path);
    }
    return st;
}

static rid_status write_empty_document(job *j, rid_err *err)
{
    bucket_work w = {0};
    rid_status st = make_provenance(j, &w, err);
    rid_manifest m = {.day = rid_str_of(j->o->day),
                      .store = rid_str_of(j->o->store),
                      .provenance = w.provenance.data,
                      .embeddings = j->o->selection.embeddings};
    if (st == RID_OK && !j->o->dry_run)
        st = publish_document(j, &m, j->o->output, 1, err);
    free_work(&w);
    return st;
}

/* Large buckets one after the other with all threads, then the small ones side by side. */
static rid_status run_buckets(job *j, rid_err *err)
{
    rid_status st = RID_OK;
    size_t n = j->n_buckets, done = 0;
    int threads = j->o->threads > 0 ? j->o->threads : 1;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        const rid_bucket *b = &j->buckets[i];
        if (b->n < LARGE_BUCKET && n > 1)
            continue;
        st = run_bucket(j, b, threads, err);
        rid_progress_update(j->progress, ++done, n);
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t i = 0; i < n; i++) {
        rid_err mine = {0};
        const rid_bucket *b = &j->buckets[i];
        bool go_on;
#pragma omp critical(rid_manifest_status)
        go_on = st == RID_OK;
        if (!go_on || b->n >= LARGE_BUCKET || n == 1)
            continue;
        rid_status one = rid_interrupt_check(&mine);
        if (one == RID_OK)
            one = run_bucket(j, b, 1, &mine);
#pragma omp critical(rid_manifest_status)
        {
            if (one != RID_OK && st == RID_OK) {
                st = one;
                if (err)
                    *err = mine;
            }
            rid_progress_update(j->progress, ++done, n);
        }
    }
    if (st == RID_OK)
        rid_progress_finish(j->progress, done, n);
    return st;
}

static rid_status open_job(job *j, const char *const *stores, size_t n_stores, rid_err *err)
{
    const rid_manifest_options *o = j->o;
    size_t n = strlen(o->output);
    j->single = strcmp(o->output, "-") == 0 || (n > 5 && strcmp(o->output + n - 5, ".json") == 0);
    rid_h5_init();
    rid_status st = rid_store_set_open(&j->set, stores, n_stores, o->limit, err);
    if (st != RID_OK)
        return st;
    const rid_store_info *info = rid_store_set_info(&j->set);
    j->summary->duplicates = j->set.n_duplicates;
    if (o->selection.embeddings == RID_EMBEDDINGS_FRAMES && info->frames == RID_FRAMES_NONE)
        return RID_FAIL(err, RID_EDATA,
                        "%s holds no frames (made with --frames none): add --embeddings fused or none",
                        stores[0]);
    st = rid_operating_point_settle(&j->point, info->operating_point, "store", o->point_file,
                                    info->encoder_hash, err);
    if (st == RID_OK)
        st = rid_store_set_group(&j->set, &j->buckets, &j->n_buckets, err);
    return st == RID_OK ? select_buckets(j, err) : st;
}

rid_status rid_manifest_run(const rid_manifest_options *options, const char *const *stores,
                            size_t n_stores, rid_summary *summary, rid_progress *progress,
                            rid_err *err)
{
    job j = {.o = options, .point = options->point, .summary = summary, .progress = progress};
    double start = rid_clock_s();
    rid_status st = open_job(&j, stores, n_stores, err);
    rid_summary_add_stage(summary, "open", rid_clock_s() - start);
    if (st == RID_OK && j.single && j.n_buckets > 1)
        st = refuse_several(&j, err);
    if (st == RID_OK && j.n_buckets == 0)
        rid_log(RID_LOG_WARN, "no bucket is left: %s", j.single ? "the document has no people"
                                                                : "nothing is written");
    if (st == RID_OK)
        st = check_outputs(&j, err);
    start = rid_clock_s();
    if (st == RID_OK && j.single && j.n_buckets == 0)
        st = write_empty_document(&j, err);
    else if (st == RID_OK)
        st = run_buckets(&j, err);
    rid_summary_add_stage(summary, "write", rid_clock_s() - start);
    if (st == RID_OK)
        rid_gallery_cover_say(&j.cover, &j.point);
    if (st == RID_OK && options->selection.n_cameras > 0 && j.n_shown == 0 && !j.any_unchanged)
        rid_log(RID_LOG_WARN, "no entry is of the cameras named with --camera");
    rid_mem_free(j.buckets);
    rid_store_set_close(&j.set);
    return st;
}
