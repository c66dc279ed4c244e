#include "train/train_state.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/textfile.h"

#include <stddef.h>
#include <string.h>

/* The file: header; settings; phases; the first training; the current one, where that is another.
 * A training: its progress, its history, then the tensors' data in order of params, best, first and
 * second moments. All as it stands in memory: the header's version changes with any of it. */

typedef struct header {
    char magic[8];
    uint64_t version;
    uint64_t bytes;      /* behind the header */
    uint64_t n_settings; /* of them */
    uint8_t digest[16];  /* XXH3-128 of what stands before it and of those bytes */
} header;

static const char MAGIC[8] = "RIDTRAIN";
enum { VERSION = 2 };

struct rid_train_state {
    rid_buf file;
    rid_train_phases phases;
    size_t main_at, current_at; /* where the trainings begin */
};

/* ---- writing ---- */

typedef struct writer {
    rid_publish *publish;
    rid_hasher *hasher; /* NULL: counts or writes only */
    uint64_t bytes;
    rid_status status;
    rid_err *err;
} writer;

static void put(writer *w, const void *data, size_t n)
{
    if (w->status != RID_OK)
        return;
    w->bytes += n;
    if (w->hasher)
        rid_hasher_add(w->hasher, data, n);
    if (w->publish)
        w->status = rid_publish_write(w->publish, data, n, w->err);
}

static void put_tensors(writer *w, const rid_checkpoint *ck)
{
    for (size_t i = 0; i < ck->n_tensors; i++)
        put(w, ck->tensors[i].data, ck->tensors[i].numel * sizeof *ck->tensors[i].data);
}

static void put_trainer(writer *w, const rid_trainer *t)
{
    uint64_t sizes[] = {t->n_history, t->adam.steps};
    put(w, &t->progress, sizeof t->progress);
    put(w, sizes, sizeof sizes);
    put(w, t->history, t->n_history * sizeof *t->history);
    put_tensors(w, &t->params);
    put_tensors(w, &t->best);
    put_tensors(w, &t->adam.first);
    put_tensors(w, &t->adam.second);
}

static void put_all(writer *w, const char *settings, const rid_train_phases *phases,
                    const rid_trainer *main, const rid_trainer *current)
{
    put(w, settings, strlen(settings));
    put(w, phases, sizeof *phases);
    put_trainer(w, main);
    if (current != main)
        put_trainer(w, current);
}

/* What a header with all but the digest, and these bytes, have for a digest. */
static rid_status digest_of(header *h, const char *settings, const rid_train_phases *phases,
                            const rid_trainer *main, const rid_trainer *current, rid_err *err)
{
    writer w = {.hasher = rid_hasher_new(), .err = err};
    if (!w.hasher)
        return RID_FAIL_NOMEM(err);
    put(&w, h, offsetof(header, digest));
    put_all(&w, settings, phases, main, current);
    memcpy(h->digest, rid_hasher_end(w.hasher).bytes, sizeof h->digest);
    rid_hasher_free(w.hasher);
    return RID_OK;
}

/* Size and digest stand in front, so everything is gone over three times: to count, to digest, to write. */
rid_status rid_train_state_write(const char *path, const char *settings,
                                 const rid_train_phases *phases, const rid_trainer *main,
                                 const rid_trainer *current, rid_err *err)
{
    writer count = {0}, w = {.err = err};
    header h = {.version = VERSION, .n_settings = strlen(settings)};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    put_all(&count, settings, phases, main, current);
    h.bytes = count.bytes;
    rid_status st = digest_of(&h, settings, phases, main, current, err);
    if (st != RID_OK)
        return st;
    w.status = rid_publish_begin(&w.publish, path, true, err);
    put(&w, &h, sizeof h);
    put_all(&w, settings, phases, main, current);
    if (w.status == RID_OK)
        return rid_publish_commit(w.publish, err);
    rid_publish_abort(w.publish);
    return w.status;
}

/* ---- reading ---- */

static rid_status check_header(const rid_train_state *s, const char *path, header *h, rid_err *err)
{
    if (s->file.len < sizeof *h)
        return RID_FAIL(err, RID_EDATA, "%s: %zu bytes are no resume state", path, s->file.len);
    memcpy(h, s->file.data, sizeof *h);
    const char *rest = s->file.data + sizeof *h;
    const size_t n = s->file.len - sizeof *h;
    if (memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return RID_FAIL(err, RID_EDATA, "%s: no resume state", path);
    if (h->version != VERSION)
        return RID_FAIL(err, RID_EDATA, "%s: resume state of version %llu, this rid-train has version %d",
                        path, (unsigned long long)h->version, VERSION);
    if (h->bytes != n || h->n_settings > n)
        return RID_FAIL(err, RID_EDATA, "%s: %zu bytes, expected %llu: it was cut short", path, s->file.len,
                        (unsigned long long)(h->bytes + sizeof *h));
    rid_hasher *hasher = rid_hasher_new();
    if (!hasher)
        return RID_FAIL_NOMEM(err);
    rid_hasher_add(hasher, h, offsetof(header, digest));
    rid_hasher_add(hasher, rest, n);
    rid_digest128 digest = rid_hasher_end(hasher);
    rid_hasher_free(hasher);
    if (memcmp(digest.bytes, h->digest, sizeof h->digest) != 0)
        return RID_FAIL(err, RID_EDATA, "%s: damaged: its contents do not have its digest", path);
    return RID_OK;
}

/* Line `key: …` of a text of such lines; a view of the value, data = NULL where there is none. */
static rid_str find_setting(const char *settings, size_t n, rid_str key)
{
    const char *end = settings + n;
    for (const char *line = settings; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        if ((size_t)(stop - line) > key.len + 1 && memcmp(line, key.data, key.len) == 0 &&
            line[key.len] == ':')
            return (rid_str){line + key.len + 2, (size_t)(stop - line) - key.len - 2};
        line = stop + 1;
    }
    return (rid_str){0};
}

/* Names every setting that is not what it was. */
static rid_status compare_settings(const char *was, size_t n_was, const char *now, rid_err *err)
{
    rid_buf differing = {0};
    for (const char *line = now; *line;) {
        size_t n = strcspn(line, "\n"), n_key = strcspn(line, ":");
        rid_str value = {line + n_key + 2, n - n_key - 2};
        rid_str old = find_setting(was, n_was, (rid_str){line, n_key});
        old = old.data ? old : rid_str_of("not set");
        if (!rid_str_equal(value, old))
            rid_buf_printf(&differing, "%s%.*s (was %.*s, is %.*s)", differing.len ? "; " : "", (int)n_key,
                           line, RID_STR(old), RID_STR(value));
        line += n + (line[n] == '\n');
    }
    if (differing.len == 0)
        return RID_OK;
    const char *text = rid_buf_cstr(&differing);
    rid_status st = RID_FAIL(err, RID_EUSAGE, "--resume goes on with the same data and settings only: %.800s",
                             text ? text : "they differ");
    rid_buf_free(&differing);
    return st;
}

rid_status rid_train_state_open(rid_train_state **out, const char *path, const char *settings,
                                rid_err *err)
{
    header h;
    rid_train_state *s = *out = rid_mem_zalloc(1, sizeof *s);
    rid_status st = s ? rid_textfile_read(&s->file, path, SIZE_MAX, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = check_header(s, path, &h, err);
    if (st == RID_OK)
        st = compare_settings(s->file.data + sizeof h, h.n_settings, settings, err);
    if (st == RID_OK && s->file.len - sizeof h - h.n_settings < sizeof s->phases)
        st = RID_FAIL(err, RID_EDATA, "%s: too short", path);
    if (st != RID_OK) {
        rid_train_state_close(s);
        *out = NULL;
        return st;
    }
    s->main_at = sizeof h + h.n_settings + sizeof s->phases;
    memcpy(&s->phases, s->file.data + s->main_at - sizeof s->phases, sizeof s->phases);
    return RID_OK;
}

void rid_train_state_close(rid_train_state *s)
{
    if (!s)
        return;
    rid_buf_free(&s->file);
    rid_mem_free(s);
}

const rid_train_phases *rid_train_state_phases(const rid_train_state *s)
{
    return &s->phases;
}

/* The next n bytes to `to`; a state whose digest is right is short only for other tensors. */
static bool get(const rid_train_state *s, size_t *at, void *to, size_t n)
{
    if (n > s->file.len - *at)
        return false;
    if (n > 0)
        memcpy(to, s->file.data + *at, n);
    *at += n;
    return true;
}

static bool get_tensors(const rid_train_state *s, size_t *at, rid_checkpoint *ck)
{
    bool good = true;
    for (size_t i = 0; i < ck->n_tensors && good; i++)
        good = get(s, at, ck->tensors[i].data, ck->tensors[i].numel * sizeof *ck->tensors[i].data);
    return good;
}

static rid_status fail_to_fit(rid_err *err)
{
    return RID_FAIL(err, RID_EDATA, "the resume state does not fit the network");
}

static rid_status get_trainer(const rid_train_state *s, size_t *at, rid_trainer *t, rid_err *err)
{
    uint64_t sizes[2];
    bool good = get(s, at, &t->progress, sizeof t->progress) && get(s, at, sizes, sizeof sizes);
    if (good && sizes[0] <= s->file.len / sizeof *t->history) {
        if (rid_mem_grow(&t->history, &t->history_cap, sizes[0], sizeof *t->history) != 0)
            return RID_FAIL_NOMEM(err);
        t->n_history = sizes[0];
        t->adam.steps = sizes[1];
        good = get(s, at, t->history, t->n_history * sizeof *t->history) &&
               get_tensors(s, at, &t->params) && get_tensors(s, at, &t->best) &&
               get_tensors(s, at, &t->adam.first) && get_tensors(s, at, &t->adam.second);
    }
    return good ? RID_OK : fail_to_fit(err);
}

static rid_status check_end(const rid_train_state *s, size_t at, rid_err *err)
{
    return at == s->file.len ? RID_OK : fail_to_fit(err);
}

rid_status rid_train_state_restore_main(rid_train_state *s, rid_trainer *t, rid_err *err)
{
    s->current_at = s->main_at;
    rid_status st = get_trainer(s, &s->current_at, t, err);
    return st == RID_OK && s->phases.current == 0 ? check_end(s, s->current_at, err) : st;
}

rid_status rid_train_state_restore_current(rid_train_state *s, rid_trainer *t, rid_err *err)
{
    size_t at = s->current_at;
    rid_status st = get_trainer(s, &at, t, err);
    return st == RID_OK ? check_end(s, at, err) : st;
}
