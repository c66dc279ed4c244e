#include "data/source.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/inputs.h"
#include "data/json_scan.h"
#include "data/payload_skim.h"
#include "data/readahead.h"
#include "data/store.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { BATCH_DEFAULT = 256, BATCH_BYTES = 8 << 20 };

/** What one record became: usually one item, more where it holds several documents. */
typedef struct slot {
    rid_item **items; /* owned and reused */
    size_t n, n_made, cap;
} slot;

struct rid_source {
    rid_source_options opt;
    rid_inputs inputs;
    size_t file;          /* the input being read */
    size_t text_end;      /* inputs [file, text_end) are with readahead */
    rid_readahead *ahead;
    rid_chunk *chunk;     /* borrowed from ahead while its batch is out */
    rid_splitter *splitter; /* interactive */
    rid_chunk line;         /* interactive */
    rid_store *store;
    size_t row;
    rid_json_parser **parsers; /* per thread */
    slot *slots;
    size_t n_slots, slots_cap;
    rid_item **items;
    size_t items_cap;
    size_t vis_dim;
    uint64_t seen, taken; /* payloads, and those handed out */
    uint64_t done_bytes, total_bytes;
};

rid_status rid_source_open(rid_source **out, const rid_source_options *options,
                           const char *const *inputs, size_t n_inputs, rid_err *err)
{
    *out = NULL;
    rid_source *s = rid_mem_zalloc(1, sizeof *s);
    if (!s)
        return RID_FAIL_NOMEM(err);
    s->opt = *options;
    s->opt.threads = options->threads > 0 ? options->threads : 1;
    s->opt.batch = options->batch ? options->batch : BATCH_DEFAULT;
    s->vis_dim = options->vis_dim;
    rid_status st = rid_inputs_find(&s->inputs, inputs, n_inputs, err);
    bool sized = true;
    for (size_t i = 0; i < s->inputs.n; i++) {
        sized &= s->inputs.files[i].bytes > 0;
        s->total_bytes += s->inputs.files[i].bytes;
    }
    s->total_bytes = sized ? s->total_bytes : 0;
    s->parsers = rid_mem_zalloc((size_t)s->opt.threads, sizeof *s->parsers);
    if (st == RID_OK && !s->parsers)
        st = RID_FAIL_NOMEM(err);
    for (int t = 0; st == RID_OK && t < s->opt.threads; t++)
        if (!(s->parsers[t] = rid_json_parser_new()))
            st = RID_FAIL_NOMEM(err);
    if (st != RID_OK) {
        rid_source_close(s);
        return st;
    }
    *out = s;
    return RID_OK;
}

void rid_source_close(rid_source *s)
{
    if (!s)
        return;
    rid_readahead_stop(s->ahead);
    rid_splitter_close(s->splitter);
    rid_chunk_free(&s->line);
    rid_store_close(s->store);
    for (int t = 0; s->parsers && t < s->opt.threads; t++)
        rid_json_parser_free(s->parsers[t]);
    rid_mem_free(s->parsers);
    for (size_t i = 0; i < s->n_slots; i++) {
        for (size_t k = 0; k < s->slots[i].n_made; k++) {
            rid_payload_free(&s->slots[i].items[k]->payload);
            rid_mem_free(s->slots[i].items[k]);
        }
        rid_mem_free(s->slots[i].items);
    }
    rid_mem_free(s->slots);
    rid_mem_free(s->items);
    rid_inputs_free(&s->inputs);
    rid_mem_free(s);
}

uint64_t rid_source_seen(const rid_source *s)
{
    return s->seen;
}

size_t rid_source_vis_dim(const rid_source *s)
{
    return s->vis_dim;
}

void rid_source_position(const rid_source *s, uint64_t *done, uint64_t *total)
{
    *done = s->done_bytes;
    *total = s->total_bytes;
}

/* ---- items ---- */

static rid_item *add_item(slot *out, rid_err *err)
{
    if (out->n == out->n_made) {
        rid_item *fresh = rid_mem_zalloc(1, sizeof *fresh);
        if (!fresh || rid_mem_grow(&out->items, &out->cap, out->n + 1, sizeof *out->items) != 0) {
            rid_mem_free(fresh);
            (void)RID_FAIL_NOMEM(err);
            return NULL;
        }
        out->items[out->n_made++] = fresh;
    }
    rid_item *item = out->items[out->n++];
    item->rejected = item->foreign = false;
    item->fault = (rid_payload_fault){0};
    return item;
}

static rid_status reserve_slots(rid_source *s, size_t n, rid_err *err)
{
    if (rid_mem_grow(&s->slots, &s->slots_cap, n, sizeof *s->slots) != 0)
        return RID_FAIL_NOMEM(err);
    for (; s->n_slots < n; s->n_slots++)
        s->slots[s->n_slots] = (slot){0};
    for (size_t i = 0; i < n; i++)
        s->slots[i].n = 0;
    return RID_OK;
}

static bool in_shard(const rid_source *s, rid_str day, rid_str store)
{
    return s->opt.n_shards == 0 ||
           rid_payload_shard(day, store, s->opt.n_shards) == s->opt.shard;
}

/* A piece of a record's text, and where it stands. */
typedef struct piece {
    const char *text;
    size_t len;
    rid_str key;
    rid_origin origin;
} piece;

/* A record of several lines may hold more than its first document: whose bucket then says nothing
 * about the rest. */
static bool is_one_document(const piece *p)
{
    rid_json_skim skim = {0};
    if (p->key.data || !memchr(p->text, '\n', p->len))
        return true;
    size_t at = rid_json_skim_run(&skim, p->text, p->len);
    return skim.complete && rid_json_skip_blank(p->text, p->len, at) == p->len;
}

static rid_status parse_piece(rid_source *s, slot *out, rid_json_parser *parser, const piece *p,
                              rid_err *err)
{
    rid_str day, store;
    rid_payload_rules rules = {s->opt.schema, s->opt.timezones};
    bool skimmed = s->opt.n_shards > 0 && is_one_document(p) &&
                   rid_payload_skim_bucket(p->text, p->len, p->key, &day, &store);
    bool foreign = skimmed && !in_shard(s, day, store);
    rid_item *item = add_item(out, err);
    if (!item)
        return RID_ETEMP;
    item->origin = p->origin;
    item->foreign = foreign;
    if (foreign && s->vis_dim > 0)
        return RID_OK;
    rid_status st = rid_payload_parse(&item->payload, parser, p->text, p->len, p->key, &rules,
                                      &item->rejected, &item->fault, err);
    if (st != RID_OK)
        return st;
    if (item->rejected) {
        size_t offset = item->fault.offset < p->len ? item->fault.offset : p->len;
        item->origin.line += rid_count_lines(p->text, offset);
        item->origin.byte += offset;
        /* What has no bucket that could be read belongs to the first shard. */
        item->foreign |= s->opt.n_shards > 0 && !skimmed && s->opt.shard != 0;
    } else {
        item->foreign = !in_shard(s, item->payload.meta.text[RID_TEXT_DAY],
                                  item->payload.meta.text[RID_TEXT_STORE]);
    }
    return RID_OK;
}

/* A record that did not parse may hold good documents beside the bad one: look line by line. */
static rid_status parse_again(rid_source *s, slot *out, rid_json_parser *parser, const piece *p,
                              rid_err *err)
{
    size_t at = 0, start, len;
    rid_status st = RID_OK;
    out->n = 0;
    while (st == RID_OK && rid_split_again(p->text, p->len, &at, &start, &len)) {
        piece sub = {p->text + start, len, p->key, p->origin};
        sub.origin.line += rid_count_lines(p->text, start);
        sub.origin.byte += start;
        st = parse_piece(s, out, parser, &sub, err);
    }
    return st;
}

static rid_status add_fault(rid_source *s, slot *out, const rid_record *r, const rid_chunk *c,
                            rid_err *err)
{
    rid_item *item = add_item(out, err);
    if (!item)
        return RID_ETEMP;
    item->rejected = true;
    item->foreign = s->opt.n_shards > 0 && s->opt.shard != 0;
    item->origin = (rid_origin){s->inputs.files[r->file].path, r->line, r->byte};
    item->fault.reason = r->reason;
    snprintf(item->fault.message, sizeof item->fault.message, "expected %s%s%.*s", r->fault,
             r->len ? ": " : "", (int)r->len, c->text + r->offset);
    return RID_OK;
}

static bool is_plain(rid_str key)
{
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.data[i] < 0x20 || key.data[i] == '\\')
            return false;
    return rid_utf8_valid(key.data, key.len);
}

/* The key of an entry manifest's member is no string. */
static rid_status reject_key(rid_source *s, slot *out, const rid_chunk *c, const rid_record *r,
                             rid_err *err)
{
    rid_json_fault fault = {RID_REJECT_SYNTAX, 0, "a string"};
    const char *quoted = c->text + r->key_offset - 1;
    rid_json_diagnose(quoted, r->key_len + 2, 1, &fault);
    rid_item *item = add_item(out, err);
    if (!item)
        return RID_ETEMP;
    size_t at = r->key_offset - 1 + fault.offset;
    item->rejected = true;
    item->foreign = s->opt.n_shards > 0 && s->opt.shard != 0;
    item->origin.file = s->inputs.files[r->file].path;
    item->origin.line = r->line - rid_count_lines(c->text + at, r->offset - at);
    item->origin.byte = r->byte - (r->offset - at);
    item->fault.reason = fault.reason;
    snprintf(item->fault.message, sizeof item->fault.message,
             "key of an entry manifest: expected %s", fault.expected);
    return RID_OK;
}

/* Undoes the escapes of a member's key into `key`; *rejected where it is no string. */
static rid_status unescape_key(rid_source *s, slot *out, rid_json_parser *parser,
                               const rid_chunk *c, const rid_record *r, rid_buf *key,
                               bool *rejected, rid_err *err)
{
    rid_json v;
    rid_str text = {NULL, 0};
    rid_status st = rid_json_parse(parser, c->text + r->key_offset - 1, r->key_len + 2, &v, err);
    *rejected = st == RID_EDATA;
    if (*rejected)
        return reject_key(s, out, c, r, err);
    if (st != RID_OK)
        return st;
    (void)rid_json_get_str(v, &text); /* in quotes, it is nothing else */
    rid_buf_append(key, text.data, text.len);
    return rid_buf_cstr(key) ? RID_OK : RID_FAIL_NOMEM(err);
}

static rid_status parse_record(rid_source *s, slot *out, rid_json_parser *parser,
                               const rid_chunk *c, const rid_record *r, rid_err *err)
{
    rid_buf key = {0};
    rid_status st = RID_OK;
    bool rejected = false;
    if (r->fault)
        return add_fault(s, out, r, c, err);
    piece p = {c->text + r->offset, r->len, {NULL, 0},
               {s->inputs.files[r->file].path, r->line, r->byte}};
    if (r->has_key) {
        p.key = (rid_str){c->text + r->key_offset, r->key_len};
        if (!is_plain(p.key)) {
            st = unescape_key(s, out, parser, c, r, &key, &rejected, err);
            p.key = rid_buf_view(&key);
        }
    }
    if (st == RID_OK && !rejected)
        st = parse_piece(s, out, parser, &p, err);
    bool syntax = st == RID_OK && !rejected && out->n == 1 && out->items[0]->rejected &&
                  out->items[0]->fault.reason != RID_REJECT_DEPTH;
    if (syntax && !r->has_key && memchr(p.text, '\n', p.len))
        st = parse_again(s, out, parser, &p, err);
    rid_buf_free(&key);
    return st;
}

static rid_status parse_chunk(rid_source *s, const rid_chunk *c, rid_err *err)
{
    rid_status st = reserve_slots(s, c->n, err);
    if (st != RID_OK)
        return st;
#pragma omp parallel for num_threads(s->opt.threads) schedule(dynamic, 1) if (c->n > 1)
    for (size_t i = 0; i < c->n; i++) {
        rid_err mine = {0};
        rid_status one = parse_record(s, &s->slots[i], s->parsers[omp_get_thread_num()], c,
                                      &c->records[i], &mine);
        if (one == RID_OK)
            continue;
#pragma omp critical(rid_source)
        {
            st = one;
            if (err)
                *err = mine;
        }
    }
    return st;
}

/* ---- stores ---- */

static rid_status open_store(rid_source *s, const char *path, rid_err *err)
{
    rid_status st = rid_store_open(&s->store, path, err);
    s->row = 0;
    if (st == RID_OK && rid_store_get_info(s->store)->frames == RID_FRAMES_NONE)
        st = RID_FAIL(err, RID_EDATA,
                      "%s: holds no frames (made with --frames none); encode from the payloads", path);
    return st;
}

static rid_status read_row(rid_source *s, size_t row, slot *out, rid_json_parser *parser,
                           rid_err *err)
{
    rid_meta m = rid_entries_meta(rid_store_entries(s->store), row);
    rid_item *item = add_item(out, err);
    if (!item)
        return RID_ETEMP;
    item->origin = (rid_origin){s->inputs.files[s->file].path, 0, row};
    item->foreign = !in_shard(s, m.text[RID_TEXT_DAY], m.text[RID_TEXT_STORE]);
    if (item->foreign && s->vis_dim > 0)
        return RID_OK;
    rid_status st = rid_store_read_payload(s->store, row, true, &item->payload, err);
    return st == RID_OK ? rid_payload_set_attr(&item->payload, parser, s->opt.schema, err) : st;
}

/* The next rows of the open store; none: it is at its end. */
static rid_status read_rows(rid_source *s, size_t *n, rid_err *err)
{
    size_t left = rid_store_count(s->store) - s->row, first = s->row;
    *n = left < s->opt.batch ? left : s->opt.batch;
    rid_status st = reserve_slots(s, *n, err);
    if (st != RID_OK)
        return st;
#pragma omp parallel for num_threads(s->opt.threads) schedule(dynamic, 4) if (*n > 1)
    for (size_t i = 0; i < *n; i++) {
        rid_err mine = {0};
        rid_status one = read_row(s, first + i, &s->slots[i], s->parsers[omp_get_thread_num()], &mine);
        if (one == RID_OK)
            continue;
#pragma omp critical(rid_source)
        {
            st = one;
            if (err)
                *err = mine;
        }
    }
    s->row += *n;
    s->done_bytes += rid_store_count(s->store)
                         ? rid_store_bytes(s->store) * *n / rid_store_count(s->store)
                         : 0;
    return st;
}

/* ---- the iterator ---- */

static rid_status start_text(rid_source *s, rid_err *err)
{
    s->text_end = s->file;
    while (s->text_end < s->inputs.n && !s->inputs.files[s->text_end].store)
        s->text_end++;
    return rid_readahead_start(&s->ahead, s->inputs.files + s->file, s->text_end - s->file,
                               (uint32_t)s->file, s->opt.batch, BATCH_BYTES, s->opt.threads, err);
}

/* One chunk of the text inputs; *c NULL when they are at their end. */
static rid_status next_text(rid_source *s, rid_chunk **c, rid_err *err)
{
    rid_status st = s->ahead ? RID_OK : start_text(s, err);
    if (st == RID_OK)
        st = rid_readahead_next(s->ahead, c, err);
    if (st == RID_OK && !*c) {
        rid_readahead_stop(s->ahead);
        s->ahead = NULL;
        s->file = s->text_end;
    }
    return st;
}

static rid_status next_line(rid_source *s, rid_chunk **c, rid_err *err)
{
    bool end = false;
    const char *path = s->inputs.files[s->file].path;
    rid_status st = RID_OK;
    rid_chunk_clear(&s->line);
    if (!s->splitter)
        st = rid_splitter_open(&s->splitter, path, (uint32_t)s->file, true, NULL, err);
    if (st == RID_OK)
        st = rid_splitter_fill(s->splitter, &s->line, 1, BATCH_BYTES, &end, err);
    if (st != RID_OK)
        return rid_err_prepend(err, "%s", path);
    *c = s->line.n > 0 ? &s->line : NULL;
    if (end) {
        rid_splitter_close(s->splitter);
        s->splitter = NULL;
        s->file++;
    }
    return RID_OK;
}

/* Fills the slots from whatever comes next; *n = 0 at the end of an input. */
static rid_status fill_slots(rid_source *s, size_t *n, rid_err *err)
{
    rid_chunk *c = NULL;
    rid_status st;
    *n = 0;
    if (s->inputs.files[s->file].store) {
        st = s->store ? RID_OK : open_store(s, s->inputs.files[s->file].path, err);
        if (st == RID_OK)
            st = read_rows(s, n, err);
        if (st == RID_OK && *n == 0) {
            rid_store_close(s->store);
            s->store = NULL;
            s->file++;
        }
        return st;
    }
    st = s->opt.interactive ? next_line(s, &c, err) : next_text(s, &c, err);
    if (st == RID_OK && c) {
        st = parse_chunk(s, c, err);
        *n = c->n;
        s->done_bytes += c->raw_bytes;
    }
    if (c && c != &s->line)
        rid_readahead_give_back(s->ahead, c);
    return st;
}

/* Frames of another size than the run's are rejected, in input order: the first decides. */
static void check_frame_size(rid_source *s, rid_item *item)
{
    size_t dim = item->payload.frames.cols;
    if (item->rejected || (item->foreign && s->vis_dim > 0))
        return;
    if (s->vis_dim == 0)
        s->vis_dim = dim;
    if (dim == s->vis_dim)
        return;
    item->rejected = true;
    item->fault.reason = RID_REJECT_FRAME_SIZE;
    snprintf(item->fault.message, sizeof item->fault.message,
             "embeddings: frames of %zu numbers, expected %zu", dim, s->vis_dim);
}

static rid_status collect(rid_source *s, size_t n_slots, rid_batch *batch, rid_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < n_slots; i++)
        n += s->slots[i].n;
    if (rid_mem_grow(&s->items, &s->items_cap, n, sizeof *s->items) != 0)
        return RID_FAIL_NOMEM(err);
    batch->items = s->items;
    for (size_t i = 0; i < n_slots; i++) {
        for (size_t k = 0; k < s->slots[i].n; k++) {
            rid_item *item = s->slots[i].items[k];
            if (s->opt.limit && s->taken >= s->opt.limit)
                return RID_OK;
            s->seen++;
            check_frame_size(s, item);
            if (item->foreign)
                continue;
            s->taken++;
            s->items[batch->n++] = item;
        }
    }
    return RID_OK;
}

rid_status rid_source_next(rid_source *s, rid_batch *batch, rid_err *err)
{
    *batch = (rid_batch){0};
    while (batch->n == 0 && s->file < s->inputs.n && !(s->opt.limit && s->taken >= s->opt.limit)) {
        size_t n_slots;
        rid_status st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = fill_slots(s, &n_slots, err);
        if (st == RID_OK)
            st = collect(s, n_slots, batch, err);
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}
