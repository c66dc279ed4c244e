/* Every invariant of a store, in one place. */
#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/json.h"
#include "data/store.h"
#include "data/store_format.h"

#include <math.h>
#include <string.h>

enum { SLAB_ROWS = 1024 };

/* A norm that float32 arithmetic in any order keeps within. */
#define UNIT_TOLERANCE 1e-5

static rid_status check_meta(const rid_store *s, size_t row, rid_err *err)
{
    const rid_entries *e = rid_store_entries(s);
    rid_meta m = rid_entries_meta(e, row);
    int64_t t_us = RID_TIMESTAMP_NONE;
    size_t last;
    if (!rid_entries_find(e, m.text[RID_TEXT_ID], &last) || last != row)
        return RID_FAIL(err, RID_EDATA, "row %zu: its id stands again in row %zu", row, last);
    if (!rid_day_valid(m.text[RID_TEXT_DAY]))
        return RID_FAIL(err, RID_EDATA, "row %zu: day_id is no date", row);
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        if (m.text[f].data && !rid_utf8_valid(m.text[f].data, m.text[f].len))
            return RID_FAIL(err, RID_EDATA, "row %zu: %s is not UTF-8", row,
                            rid_text_field_column((rid_text_field)f));
    if (m.text[RID_TEXT_TIMESTAMP].data && !rid_timestamp_parse(m.text[RID_TEXT_TIMESTAMP], &t_us))
        return RID_FAIL(err, RID_EDATA, "row %zu: timestamp is unreadable", row);
    if (t_us != m.timestamp_us)
        return RID_FAIL(err, RID_EDATA, "row %zu: timestamp and timestamp_us differ", row);
    return RID_OK;
}

static rid_status check_embedding(const float *x, size_t dim, rid_entry_status status, size_t row,
                                  rid_err *err)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)x[i] * x[i];
    double norm = sqrt(sum);
    if (status == RID_ENTRY_SKIP ? sum != 0 : !(fabs(norm - 1) <= UNIT_TOLERANCE))
        return RID_FAIL(err, RID_EDATA, "row %zu: embedding of length %.9g, expected %d", row, norm,
                        status != RID_ENTRY_SKIP);
    return RID_OK;
}

static rid_status check_embeddings(rid_store *s, rid_err *err)
{
    size_t n = rid_store_count(s), dim = rid_store_get_info(s)->emb_dim;
    size_t rows[SLAB_ROWS];
    float *slab = rid_mem_alloc(SLAB_ROWS * sizeof *slab, dim);
    rid_status st = slab ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t first = 0; first < n && st == RID_OK; first += SLAB_ROWS) {
        size_t count = n - first < SLAB_ROWS ? n - first : SLAB_ROWS;
        for (size_t i = 0; i < count; i++)
            rows[i] = first + i;
        st = rid_store_read_embeddings(s, rows, count, slab, err);
        for (size_t i = 0; i < count && st == RID_OK; i++)
            st = check_embedding(slab + i * dim, dim,
                                 rid_entries_status(rid_store_entries(s), first + i), first + i, err);
    }
    rid_mem_free(slab);
    return st;
}

static rid_status check_kept(rid_store *s, size_t row, uint8_t *kept, rid_err *err)
{
    size_t n = rid_store_frame_count(s, row), used = 0;
    rid_status st = rid_store_read_kept(s, row, kept, err);
    if (st != RID_OK)
        return st;
    if (n == 0)
        return RID_FAIL(err, RID_EDATA, "row %zu: no frames", row);
    for (size_t i = 0; i < n; i++) {
        if (kept[i] > 1)
            return RID_FAIL(err, RID_EDATA, "row %zu: /frame/kept is %u", row, kept[i]);
        used += kept[i];
    }
    if (used == 0 && rid_entries_status(rid_store_entries(s), row) != RID_ENTRY_SKIP)
        return RID_FAIL(err, RID_EDATA, "row %zu: an embedding, but no frame was kept", row);
    return RID_OK;
}

/* Frames are finite, attributes are one JSON object. */
static rid_status check_contents(rid_store *s, size_t row, rid_payload *p, rid_json_parser *parser,
                                 rid_err *err)
{
    rid_json root;
    rid_err detail = {0};
    bool frames = rid_store_get_info(s)->frames != RID_FRAMES_NONE;
    rid_status st = rid_store_read_payload(s, row, frames, p, err);
    if (st != RID_OK)
        return st;
    for (size_t i = 0; i < p->frames.rows * p->frames.cols; i++)
        if (!isfinite(p->frames.data[i]))
            return RID_FAIL(err, RID_EDATA, "row %zu: a frame holds a number that is not finite", row);
    if (p->attrs.len == 0)
        return RID_OK;
    if (!rid_buf_reserve(&p->attrs, RID_JSON_PADDING))
        return RID_FAIL_NOMEM(err);
    st = rid_json_parse(parser, p->attrs.data, p->attrs.len, &root, &detail);
    if (st == RID_ETEMP)
        return RID_FAIL_NOMEM(err);
    if (st != RID_OK || rid_json_type_of(root) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_EDATA, "row %zu: attributes are no JSON object", row);
    return RID_OK;
}

static rid_status check_rows(rid_store *s, bool deep, rid_err *err)
{
    size_t n = rid_store_count(s), kept_cap = 0;
    bool frames = rid_store_get_info(s)->frames != RID_FRAMES_NONE;
    uint8_t *kept = NULL;
    rid_payload payload = {0};
    rid_json_parser *parser = deep ? rid_json_parser_new() : NULL;
    rid_status st = deep && !parser ? RID_FAIL_NOMEM(err) : RID_OK;
    for (size_t row = 0; row < n && st == RID_OK; row++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = check_meta(s, row, err);
        if (st == RID_OK && frames &&
            rid_mem_grow(&kept, &kept_cap, rid_store_frame_count(s, row), 1) != 0)
            st = RID_FAIL_NOMEM(err);
        if (st == RID_OK && frames)
            st = check_kept(s, row, kept, err);
        if (st == RID_OK && deep)
            st = check_contents(s, row, &payload, parser, err);
    }
    rid_json_parser_free(parser);
    rid_payload_free(&payload);
    rid_mem_free(kept);
    return st;
}

rid_status rid_store_verify(rid_store *s, bool deep, int threads, rid_err *err)
{
    const rid_store_info *info = rid_store_get_info(s);
    rid_status st = rid_store_verify_frames(s, threads, err); /* first: rows then read unchecked */
    if (st != RID_OK)
        return st;
    if (strlen(info->encoder_hash) != 64)
        st = RID_FAIL(err, RID_EDATA, "attribute 'encoder_hash' is no SHA-256");
    if (st == RID_OK)
        st = check_rows(s, deep, err);
    if (st == RID_OK)
        st = check_embeddings(s, err);
    return st == RID_OK ? RID_OK : rid_err_prepend(err, "%s", rid_store_path(s));
}
