/* Writing a store. What is large (frames, embeddings, attribute vectors, image URIs, attribute text)
 * goes to the file as it comes; what is small is gathered and written at the end. */
#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/half.h"
#include "data/store.h"
#include "data/store_format.h"
#include "data/store_seal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct offsets {
    int64_t *ends; /* per row, behind its last element */
    size_t cap;
    int64_t total;
} offsets;

struct rid_store_writer {
    rid_publish *publish;
    rid_store_info info;
    rid_h5 *h5;
    rid_h5_column *columns[RID_STORE_COLUMNS];
    rid_entries *entries;
    offsets images, attrs, frames;
    int64_t image_bytes;
    uint8_t *dead; /* per row: replaced or removed */
    size_t dead_cap, n_dead;
    float *zeros;  /* an embedding or attribute vector of zeros */
    uint16_t *half;
    size_t half_cap;
    uint64_t unsynced; /* bytes handed to the system since it was last told to start writing */
};

enum { WRITEBACK_BYTES = 32 << 20 };

static rid_status open_columns(rid_store_writer *w, rid_err *err)
{
    static const rid_store_column streamed[] = {
        RID_COLUMN_ATTR,        RID_COLUMN_EMBEDDING,  RID_COLUMN_IMAGE_OFFSET,
        RID_COLUMN_IMAGE_BYTES, RID_COLUMN_ATTRS_BYTES, RID_COLUMN_FRAME_KEPT,
        RID_COLUMN_FRAME_VECTOR};
    static const char *const groups[] = {"/entry", "/images", "/attrs", "/frame"};
    bool frames = w->info.frames != RID_FRAMES_NONE;
    rid_status st = RID_OK;
    for (int i = 0; i < (frames ? 4 : 3) && st == RID_OK; i++)
        st = rid_h5_make_group(w->h5, groups[i], err);
    for (size_t i = 0; i < sizeof streamed / sizeof streamed[0] && st == RID_OK; i++) {
        rid_store_column c = streamed[i];
        if (rid_store_has_column(c, w->info.frames))
            st = rid_h5_column_create(&w->columns[c], w->h5, rid_store_column_name(c),
                                      rid_store_column_shape(c, &w->info), err);
    }
    int64_t zero = 0;
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[RID_COLUMN_IMAGE_OFFSET], &zero, 1, err);
    return st;
}

static size_t longest_text(const rid_store_info *i)
{
    const char *const texts[] = {i->schema, i->filter, i->operating_point};
    size_t longest = 0;
    for (size_t k = 0; k < 3; k++)
        if (texts[k] && strlen(texts[k]) > longest)
            longest = strlen(texts[k]);
    return longest;
}

rid_status rid_store_writer_open(rid_store_writer **out, rid_publish *publish,
                                 const rid_store_info *info, rid_err *err)
{
    *out = NULL;
    rid_store_writer *w = rid_mem_zalloc(1, sizeof *w);
    if (!w) {
        rid_publish_abort(publish);
        return RID_FAIL_NOMEM(err);
    }
    w->publish = publish;
    size_t widest = info->emb_dim > info->attr_dim ? info->emb_dim : info->attr_dim;
    w->entries = rid_entries_new();
    w->zeros = rid_mem_zalloc(widest, sizeof *w->zeros);
    rid_status st = w->entries && w->zeros ? rid_store_info_copy(&w->info, info, err)
                                           : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_h5_create(&w->h5, rid_publish_temp_path(publish), longest_text(info), err);
    if (st == RID_OK)
        st = open_columns(w, err);
    if (st != RID_OK) {
        rid_store_writer_abort(w);
        return st;
    }
    *out = w;
    return RID_OK;
}

/* The tables of what has been written: reading it back builds them anew. */
static void drop_tables(rid_store_writer *w)
{
    rid_entries_free(w->entries);
    rid_mem_free(w->images.ends);
    rid_mem_free(w->attrs.ends);
    rid_mem_free(w->frames.ends);
    w->entries = NULL;
    w->images = w->attrs = w->frames = (offsets){0};
}

static void free_writer(rid_store_writer *w)
{
    for (int c = 0; c < RID_STORE_COLUMNS; c++)
        rid_h5_column_close(w->columns[c]);
    rid_h5_abandon(w->h5);
    drop_tables(w);
    rid_store_info_free(&w->info);
    rid_mem_free(w->dead);
    rid_mem_free(w->zeros);
    rid_mem_free(w->half);
    rid_mem_free(w);
}

void rid_store_writer_abort(rid_store_writer *w)
{
    if (!w)
        return;
    rid_publish *p = w->publish;
    free_writer(w);
    rid_publish_abort(p);
}

static rid_status add_end(offsets *o, size_t row, size_t more, rid_err *err)
{
    if (rid_mem_grow(&o->ends, &o->cap, row + 1, sizeof *o->ends) != 0)
        return RID_FAIL_NOMEM(err);
    o->total += (int64_t)more;
    o->ends[row] = o->total;
    return RID_OK;
}

static rid_status add_images(rid_store_writer *w, const rid_payload *p, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < p->n_images && st == RID_OK; i++) {
        int64_t end = w->image_bytes + (int64_t)p->image_ends[i];
        st = rid_h5_column_append(w->columns[RID_COLUMN_IMAGE_OFFSET], &end, 1, err);
    }
    if (st == RID_OK && p->n_images)
        st = rid_h5_column_append(w->columns[RID_COLUMN_IMAGE_BYTES], p->images.data, p->images.len,
                                  err);
    w->image_bytes += p->n_images ? (int64_t)p->images.len : 0;
    return st;
}

static rid_status add_frames(rid_store_writer *w, const rid_store_row *row, rid_err *err)
{
    const rid_json_matrix *m = &row->payload->frames;
    static const uint8_t zeros[256];
    rid_status st = RID_OK;
    if (m->cols != w->info.vis_dim)
        return RID_FAIL(err, RID_EFAIL, "frames of %zu dimensions in a store of %zu", m->cols,
                        w->info.vis_dim);
    for (size_t i = 0; !row->kept && i < m->rows && st == RID_OK; i += sizeof zeros)
        st = rid_h5_column_append(w->columns[RID_COLUMN_FRAME_KEPT], zeros,
                                  m->rows - i < sizeof zeros ? m->rows - i : sizeof zeros, err);
    if (row->kept)
        st = rid_h5_column_append(w->columns[RID_COLUMN_FRAME_KEPT], row->kept, m->rows, err);
    if (st != RID_OK)
        return st;
    const void *vectors = m->data;
    if (w->info.frames == RID_FRAMES_F16) {
        if (rid_mem_grow(&w->half, &w->half_cap, m->rows * m->cols, sizeof *w->half) != 0)
            return RID_FAIL_NOMEM(err);
        if (!rid_half_from_f32(w->half, m->data, m->rows * m->cols))
            return RID_FAIL(err, RID_EDATA, "a frame does not fit float16");
        vectors = w->half;
    }
    w->unsynced += m->rows * rid_h5_column_row_bytes(w->columns[RID_COLUMN_FRAME_VECTOR]);
    return rid_h5_column_append(w->columns[RID_COLUMN_FRAME_VECTOR], vectors, m->rows, err);
}

static rid_status mark_dead(rid_store_writer *w, size_t row, rid_err *err)
{
    size_t before = w->dead_cap;
    if (rid_mem_grow(&w->dead, &w->dead_cap, row + 1, 1) != 0)
        return RID_FAIL_NOMEM(err);
    memset(w->dead + before, 0, w->dead_cap - before);
    w->n_dead += !w->dead[row];
    w->dead[row] = 1;
    return RID_OK;
}

rid_status rid_store_writer_remove(rid_store_writer *w, rid_str id, rid_err *err)
{
    size_t row;
    if (!rid_entries_find(w->entries, id, &row))
        return RID_OK;
    rid_entries_forget(w->entries, id);
    return mark_dead(w, row, err);
}

rid_status rid_store_writer_add(rid_store_writer *w, const rid_store_row *row, bool *replaced,
                                rid_err *err)
{
    const rid_payload *p = row->payload;
    size_t n = rid_entries_count(w->entries), before;
    rid_status st = RID_OK;
    bool known = rid_entries_find(w->entries, p->meta.text[RID_TEXT_ID], &before);
    if (replaced)
        *replaced = known;
    if (known)
        st = mark_dead(w, before, err);
    if (st == RID_OK)
        st = rid_entries_add(w->entries, &p->meta, row->status, err);
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[RID_COLUMN_EMBEDDING],
                                  row->embedding ? row->embedding : w->zeros, 1, err);
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[RID_COLUMN_ATTR],
                                  w->info.attr_dim && p->attr ? p->attr : w->zeros, 1, err);
    if (st == RID_OK)
        st = add_images(w, p, err);
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[RID_COLUMN_ATTRS_BYTES], p->attrs.data, p->attrs.len,
                                  err);
    if (st == RID_OK && w->info.frames != RID_FRAMES_NONE)
        st = add_frames(w, row, err);
    if (st == RID_OK)
        st = add_end(&w->images, n, p->n_images, err);
    if (st == RID_OK)
        st = add_end(&w->attrs, n, p->attrs.len, err);
    if (st == RID_OK && w->info.frames != RID_FRAMES_NONE)
        st = add_end(&w->frames, n, p->frames.rows, err);
    if (st == RID_OK && w->unsynced > WRITEBACK_BYTES) {
        /* Let the disk begin now, so that the fsync at the end has little left: only a hint. */
        (void)sync_file_range(rid_publish_fd(w->publish), 0, 0, SYNC_FILE_RANGE_WRITE);
        w->unsynced = 0;
    }
    return st;
}

/* ---- finishing ---- */

static rid_status write_offsets(rid_store_writer *w, rid_store_column c, const offsets *o,
                                rid_err *err)
{
    int64_t zero = 0;
    rid_status st = rid_h5_column_create(&w->columns[c], w->h5, rid_store_column_name(c),
                                         rid_store_column_shape(c, &w->info), err);
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[c], &zero, 1, err);
    if (st == RID_OK)
        st = rid_h5_column_append(w->columns[c], o->ends, rid_entries_count(w->entries), err);
    return st;
}

static rid_status write_text_column(rid_store_writer *w, rid_text_field f, rid_err *err)
{
    rid_buf name = {0};
    rid_h5_column *column = NULL;
    size_t n = rid_entries_count(w->entries), width = 1;
    char row[RID_ID_BYTES_MAX + 1];
    for (size_t i = 0; i < n; i++) {
        rid_meta m = rid_entries_meta(w->entries, i);
        width = m.text[f].len > width ? m.text[f].len : width;
    }
    rid_buf_printf(&name, "/entry/%s", rid_text_field_column(f));
    rid_status st = RID_OK;
    if (!rid_buf_cstr(&name))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_h5_column_create(&column, w->h5, name.data,
                                  (rid_h5_shape){.type = RID_H5_TEXT, .width = width}, err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_meta m = rid_entries_meta(w->entries, i);
        memset(row, 0, width);
        if (m.text[f].len)
            memcpy(row, m.text[f].data, m.text[f].len);
        st = rid_h5_column_append(column, row, 1, err);
    }
    if (st == RID_OK)
        st = rid_h5_column_finish(column, err);
    rid_h5_column_close(column);
    rid_buf_free(&name);
    return st;
}

static rid_status write_small_columns(rid_store_writer *w, rid_err *err)
{
    rid_status st = RID_OK;
    size_t n = rid_entries_count(w->entries);
    for (int f = 0; f < RID_TEXT_FIELDS && st == RID_OK; f++)
        st = write_text_column(w, (rid_text_field)f, err);
    static const rid_store_column plain[] = {RID_COLUMN_TIMESTAMP_US, RID_COLUMN_STATUS};
    for (size_t k = 0; k < 2 && st == RID_OK; k++)
        st = rid_h5_column_create(&w->columns[plain[k]], w->h5, rid_store_column_name(plain[k]),
                                  rid_store_column_shape(plain[k], &w->info), err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_meta m = rid_entries_meta(w->entries, i);
        uint8_t status = (uint8_t)rid_entries_status(w->entries, i);
        st = rid_h5_column_append(w->columns[RID_COLUMN_TIMESTAMP_US], &m.timestamp_us, 1, err);
        if (st == RID_OK)
            st = rid_h5_column_append(w->columns[RID_COLUMN_STATUS], &status, 1, err);
    }
    if (st == RID_OK)
        st = write_offsets(w, RID_COLUMN_IMAGE_ENTRY_OFFSET, &w->images, err);
    if (st == RID_OK)
        st = write_offsets(w, RID_COLUMN_ATTRS_OFFSET, &w->attrs, err);
    if (st == RID_OK && w->info.frames != RID_FRAMES_NONE)
        st = write_offsets(w, RID_COLUMN_FRAME_OFFSET, &w->frames, err);
    return st;
}

static rid_status write_attributes(rid_store_writer *w, rid_err *err)
{
    const rid_store_info *i = &w->info;
    const struct {
        const char *name, *text;
    } texts[] = {{"format", "rid-store"},         {"tool_version", RID_VERSION},
                 {"encoder_hash", i->encoder_hash}, {"encoder", i->encoder},
                 {"kernel", i->kernel},           {"schema", i->schema},
                 {"filter", i->filter},           {"frames", rid_frames_kind_name(i->frames)},
                 {"operating_point", i->operating_point}};
    const struct {
        const char *name;
        size_t value;
    } numbers[] = {{"format_version", RID_STORE_VERSION},
                   {"vis_dim", i->vis_dim},
                   {"attr_dim", i->attr_dim},
                   {"emb_dim", i->emb_dim}};
    rid_status st = RID_OK;
    for (size_t k = 0; k < sizeof texts / sizeof texts[0] && st == RID_OK; k++)
        if (texts[k].text)
            st = rid_h5_write_text(w->h5, texts[k].name, texts[k].text, err);
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0] && st == RID_OK; k++)
        st = rid_h5_write_i64(w->h5, numbers[k].name, (int64_t)numbers[k].value, err);
    return st;
}

static rid_status close_file(rid_store_writer *w, rid_err *err)
{
    rid_status st = write_small_columns(w, err);
    if (st == RID_OK)
        st = write_attributes(w, err);
    for (int c = 0; c < RID_STORE_COLUMNS; c++) {
        if (st == RID_OK && w->columns[c])
            st = rid_h5_column_finish(w->columns[c], err);
        rid_h5_column_close(w->columns[c]);
        w->columns[c] = NULL;
    }
    if (st == RID_OK) {
        st = rid_h5_close(w->h5, err);
        w->h5 = NULL;
    }
    return st;
}

/* Copies the live rows of the sealed file into a second temporary file: dropped entries are not kept
 * anywhere in what is published. */
static rid_status compact(rid_store_writer *w, rid_publish **publish, rid_err *err)
{
    rid_store *from = NULL;
    rid_store_writer *to = NULL;
    rid_publish *second = NULL;
    rid_payload payload = {0};
    size_t n = 0, emb_dim = w->info.emb_dim;
    float *embedding = rid_mem_alloc(emb_dim, sizeof *embedding);
    uint8_t *kept = NULL;
    size_t kept_cap = 0;
    rid_status st = embedding ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_publish_again(&second, *publish, err);
    if (st == RID_OK)
        st = rid_store_open(&from, rid_publish_temp_path(*publish), err);
    if (st == RID_OK) {
        st = rid_store_writer_open(&to, second, &w->info, err);
        second = NULL;
        n = rid_store_count(from);
    }
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        if (i < w->dead_cap && w->dead[i])
            continue;
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rid_store_copy_row(to, from, i, &payload, embedding, &kept, &kept_cap, err);
    }
    if (st == RID_OK)
        st = close_file(to, err);
    if (st == RID_OK)
        st = rid_store_seal(to->publish, &to->info, err);
    if (st == RID_OK) {
        rid_publish_abort(*publish);
        *publish = to->publish;
        free_writer(to);
        to = NULL;
    }
    rid_store_writer_abort(to);
    rid_publish_abort(second);
    rid_store_close(from);
    rid_payload_free(&payload);
    rid_mem_free(embedding);
    rid_mem_free(kept);
    return st;
}

rid_status rid_store_copy_row(rid_store_writer *to, rid_store *from, size_t row,
                              rid_payload *scratch, float *embedding, uint8_t **kept,
                              size_t *kept_cap, rid_err *err)
{
    bool frames = rid_store_get_info(from)->frames != RID_FRAMES_NONE;
    size_t n_frames = rid_store_frame_count(from, row);
    rid_status st = rid_store_read_payload(from, row, frames, scratch, err);
    if (st == RID_OK)
        st = rid_store_read_embeddings(from, &row, 1, embedding, err);
    if (st == RID_OK && rid_mem_grow(&scratch->attr, &scratch->attr_cap, to->info.attr_dim,
                                     sizeof *scratch->attr) != 0)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && to->info.attr_dim)
        st = rid_store_read_attr(from, &row, 1, scratch->attr, err);
    if (st == RID_OK && frames && rid_mem_grow(kept, kept_cap, n_frames, 1) != 0)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && frames)
        st = rid_store_read_kept(from, row, *kept, err);
    rid_store_row r = {scratch, embedding, frames ? *kept : NULL,
                       rid_entries_status(rid_store_entries(from), row)};
    return st == RID_OK ? rid_store_writer_add(to, &r, NULL, err) : st;
}

rid_status rid_store_writer_finish(rid_store_writer *w, int threads, rid_publish **publish,
                                   rid_err *err)
{
    *publish = NULL;
    rid_status st = close_file(w, err);
    if (st == RID_OK)
        st = rid_store_seal(w->publish, &w->info, err);
    drop_tables(w);
    if (st == RID_OK && w->n_dead > 0)
        st = compact(w, &w->publish, err);
    if (st == RID_OK)
        st = rid_store_verify_sealed(rid_publish_temp_path(w->publish), threads, err);
    if (st != RID_OK) {
        rid_store_writer_abort(w);
        return st;
    }
    *publish = w->publish;
    free_writer(w);
    return RID_OK;
}
