#include "data/readahead.h"

#include "data/base/mem.h"

#include <pthread.h>

enum { READERS_MAX = 4, CHUNKS = 3, SMALL_FILES_BYTES = 8 << 20, SMALL_FILES_MAX = 4096 };

/** Files read by one thread one after the other: one large file, or a run of small ones. */
typedef struct task {
    size_t first, n;
} task;

/** What a reader hands over. */
typedef struct parcel {
    rid_chunk *chunk; /* NULL: the reader's failure */
    bool ends_task;
} parcel;

typedef struct reader {
    rid_readahead *all;
    pthread_t thread;
    bool started;
    size_t number;
    rid_chunk chunks[CHUNKS];
    rid_chunk *idle[CHUNKS];
    size_t n_idle;
    parcel ready[CHUNKS + 1]; /* a queue; the last place is for the error's parcel */
    size_t n_ready;
    rid_err failure; /* with the parcel that says so; nothing comes after it */
} reader;

struct rid_readahead {
    const rid_input *files;
    uint32_t first_file;
    size_t max_records, max_bytes;
    task *tasks;
    size_t n_tasks, tasks_cap, current; /* current: the task being handed out */
    reader *readers;
    size_t n_readers;
    const reader *failed; /* whose failure has been handed out */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool stop;
};

/* ---- the readers' side ---- */

static rid_chunk *take_idle(reader *r)
{
    rid_chunk *chunk = NULL;
    pthread_mutex_lock(&r->all->lock);
    while (r->n_idle == 0 && !atomic_load(&r->all->stop))
        pthread_cond_wait(&r->all->changed, &r->all->lock);
    if (r->n_idle > 0 && !atomic_load(&r->all->stop))
        chunk = r->idle[--r->n_idle];
    pthread_mutex_unlock(&r->all->lock);
    if (chunk)
        rid_chunk_clear(chunk);
    return chunk;
}

static void hand_over(reader *r, rid_chunk *chunk, bool ends_task)
{
    pthread_mutex_lock(&r->all->lock);
    r->ready[r->n_ready++] = (parcel){chunk, ends_task};
    pthread_cond_broadcast(&r->all->changed);
    pthread_mutex_unlock(&r->all->lock);
}

/* One file, into *chunk and its successors. *chunk = NULL: told to stop. */
static rid_status read_file(reader *r, size_t file, rid_chunk **chunk, rid_err *err)
{
    rid_readahead *a = r->all;
    rid_splitter *splitter = NULL;
    bool end = false;
    const char *path = a->files[file].path;
    rid_status st = rid_splitter_open(&splitter, path, a->first_file + (uint32_t)file, false,
                                      &a->stop, err);
    while (st == RID_OK && !end && *chunk) {
        st = rid_splitter_fill(splitter, *chunk, a->max_records, a->max_bytes, &end, err);
        if (st == RID_OK && !end) {
            hand_over(r, *chunk, false);
            *chunk = take_idle(r);
        }
    }
    rid_splitter_close(splitter);
    return st == RID_OK ? st : rid_err_prepend(err, "%s", path);
}

static void *run_reader(void *arg)
{
    reader *r = arg;
    rid_readahead *a = r->all;
    for (size_t t = r->number; t < a->n_tasks && !atomic_load(&a->stop); t += a->n_readers) {
        rid_chunk *chunk = take_idle(r);
        rid_status st = RID_OK;
        for (size_t i = 0; i < a->tasks[t].n && st == RID_OK && chunk; i++)
            st = read_file(r, a->tasks[t].first + i, &chunk, &r->failure);
        if (!chunk)
            break;
        hand_over(r, chunk, st == RID_OK);
        if (st != RID_OK) {
            hand_over(r, NULL, true);
            break;
        }
    }
    return NULL;
}

/* ---- the consumer's side ---- */

static rid_status make_tasks(rid_readahead *a, size_t n, rid_err *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        task *last = a->n_tasks ? &a->tasks[a->n_tasks - 1] : NULL;
        uint64_t size = a->files[i].bytes ? a->files[i].bytes : SMALL_FILES_BYTES;
        if (last && bytes + size <= SMALL_FILES_BYTES && last->n < SMALL_FILES_MAX) {
            last->n++;
            bytes += size;
            continue;
        }
        if (rid_mem_grow(&a->tasks, &a->tasks_cap, a->n_tasks + 1, sizeof *a->tasks) != 0)
            return RID_FAIL_NOMEM(err);
        a->tasks[a->n_tasks++] = (task){i, 1};
        bytes = size;
    }
    return RID_OK;
}

rid_status rid_readahead_start(rid_readahead **out, const rid_input *files, size_t n,
                               uint32_t first_file, size_t max_records, size_t max_bytes,
                               int threads, rid_err *err)
{
    *out = NULL;
    rid_readahead *a = rid_mem_zalloc(1, sizeof *a);
    if (!a)
        return RID_FAIL_NOMEM(err);
    a->files = files;
    a->first_file = first_file;
    a->max_records = max_records;
    a->max_bytes = max_bytes;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    rid_status st = make_tasks(a, n, err);
    size_t most = threads < 1 ? 1 : threads > READERS_MAX ? READERS_MAX : (size_t)threads;
    a->n_readers = a->n_tasks < most ? a->n_tasks : most;
    a->readers = rid_mem_zalloc(a->n_readers, sizeof *a->readers);
    if (st == RID_OK && !a->readers)
        st = RID_FAIL_NOMEM(err);
    for (size_t k = 0; k < a->n_readers && st == RID_OK; k++) {
        reader *r = &a->readers[k];
        r->all = a;
        r->number = k;
        for (r->n_idle = 0; r->n_idle < CHUNKS; r->n_idle++)
            r->idle[r->n_idle] = &r->chunks[r->n_idle];
        if (pthread_create(&r->thread, NULL, run_reader, r) != 0)
            st = RID_FAIL(err, RID_ETEMP, "cannot start a thread");
        else
            r->started = true;
    }
    if (st != RID_OK) {
        rid_readahead_stop(a);
        return st;
    }
    *out = a;
    return RID_OK;
}

static rid_status report(const reader *r, rid_err *err)
{
    if (err)
        *err = r->failure;
    return r->failure.code;
}

rid_status rid_readahead_next(rid_readahead *a, rid_chunk **chunk, rid_err *err)
{
    *chunk = NULL;
    if (a->failed)
        return report(a->failed, err);
    if (a->current >= a->n_tasks)
        return RID_OK;
    reader *r = &a->readers[a->current % a->n_readers];
    pthread_mutex_lock(&a->lock);
    while (r->n_ready == 0)
        pthread_cond_wait(&a->changed, &a->lock);
    parcel p = r->ready[0];
    for (size_t i = 1; i < r->n_ready; i++)
        r->ready[i - 1] = r->ready[i];
    r->n_ready--;
    pthread_mutex_unlock(&a->lock);
    if (!p.chunk) {
        a->failed = r;
        return report(r, err);
    }
    a->current += p.ends_task;
    *chunk = p.chunk;
    return RID_OK;
}

void rid_readahead_give_back(rid_readahead *a, rid_chunk *chunk)
{
    pthread_mutex_lock(&a->lock);
    for (size_t k = 0; k < a->n_readers; k++) {
        reader *r = &a->readers[k];
        if (chunk >= r->chunks && chunk < r->chunks + CHUNKS)
            r->idle[r->n_idle++] = chunk;
    }
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

void rid_readahead_stop(rid_readahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->stop, true);
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    for (size_t k = 0; a->readers && k < a->n_readers; k++) {
        if (a->readers[k].started)
            pthread_join(a->readers[k].thread, NULL);
        for (size_t i = 0; i < CHUNKS; i++)
            rid_chunk_free(&a->readers[k].chunks[i]);
    }
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->changed);
    rid_mem_free(a->readers);
    rid_mem_free(a->tasks);
    rid_mem_free(a);
}
