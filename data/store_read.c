/* Reading a store: the digest first, then HDF5, then everything through checked chunks. */
#include "data/base/mem.h"
#include "data/half.h"
#include "data/store.h"
#include "data/store_format.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rid_store {
    char *path;
    rid_store_info info;
    rid_h5 *h5;
    rid_h5_column *columns[RID_STORE_COLUMNS];
    rid_entries *entries;
    int64_t *image_rows, *attrs_bytes, *frame_rows; /* (n+1) offsets */
    char digest[33];
    uint64_t bytes;
};

void rid_store_close(rid_store *s)
{
    if (!s)
        return;
    for (int c = 0; c < RID_STORE_COLUMNS; c++)
        rid_h5_column_close(s->columns[c]);
    rid_h5_abandon(s->h5);
    rid_entries_free(s->entries);
    rid_store_info_free(&s->info);
    rid_mem_free(s->image_rows);
    rid_mem_free(s->attrs_bytes);
    rid_mem_free(s->frame_rows);
    rid_mem_free(s->path);
    rid_mem_free(s);
}

/* The user block and the digest, before the library looks at the file. */
static rid_status check_file(rid_store *s, int fd, rid_err *err)
{
    unsigned char block[RID_H5_USER_BLOCK], *bytes = NULL;
    rid_store_header h;
    rid_digest128 digest;
    rid_extent *table = NULL;
    struct stat stat_of;
    if (fstat(fd, &stat_of) != 0)
        return RID_FAIL_ERRNO(err, "%s: stat", s->path);
    if (!S_ISREG(stat_of.st_mode))
        return RID_FAIL(err, RID_ENOINPUT, "%s: is no regular file", s->path);
    if (stat_of.st_size < RID_H5_USER_BLOCK)
        return RID_FAIL(err, RID_EDATA, "%s: is no rid store (%lld bytes)", s->path,
                        (long long)stat_of.st_size);
    rid_status st = rid_fd_read_at(fd, block, sizeof block, 0, s->path, err);
    if (st != RID_OK)
        return st;
    if ((st = rid_store_header_decode(&h, block, err)) != RID_OK)
        return rid_err_prepend(err, "%s", s->path);
    if (h.file_bytes != (uint64_t)stat_of.st_size)
        return RID_FAIL(err, RID_EDATA, "%s: has %lld bytes, expected %llu: cut short or extended",
                        s->path, (long long)stat_of.st_size, (unsigned long long)h.file_bytes);
    table = rid_mem_alloc(h.n_extents, sizeof *table);
    bytes = rid_mem_alloc(h.n_extents, sizeof *table);
    st = table && bytes ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_fd_read_at(fd, bytes, h.n_extents * sizeof *table, (long long)h.table_offset,
                            s->path, err);
    if (st == RID_OK) {
        rid_store_table_decode(table, bytes, h.n_extents);
        st = rid_store_digest_file(&digest, fd, &h, table, s->path, err);
    }
    if (st == RID_OK && memcmp(&digest, &h.digest, sizeof digest) != 0)
        st = RID_FAIL(err, RID_EDATA, "%s: is damaged: its digest does not fit its contents", s->path);
    rid_digest128_hex(s->digest, h.digest);
    s->bytes = h.file_bytes;
    rid_mem_free(bytes);
    rid_mem_free(table);
    return st;
}

static rid_status read_size(rid_store *s, const char *name, size_t *out, rid_err *err)
{
    int64_t v = 0;
    rid_status st = rid_h5_read_i64(s->h5, name, &v, err);
    if (st == RID_OK && (v < 0 || v > INT32_MAX))
        st = RID_FAIL(err, RID_EDATA, "%s: attribute '%s' is %lld", s->path, name, (long long)v);
    *out = (size_t)v;
    return st;
}

/* From what the store says, not from what is found in it: a group that cannot be read is no group
 * that was left out. */
static rid_status read_frames_kind(rid_store *s, rid_err *err)
{
    static const rid_frames_kind kinds[] = {RID_FRAMES_NONE, RID_FRAMES_F32, RID_FRAMES_F16};
    char *frames = NULL;
    bool known = false;
    rid_status st = rid_h5_read_text(s->h5, "frames", true, &frames, err);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && st == RID_OK && !known; k++) {
        known = strcmp(frames, rid_frames_kind_name(kinds[k])) == 0;
        s->info.frames = known ? kinds[k] : s->info.frames;
    }
    if (st == RID_OK && !known)
        st = RID_FAIL(err, RID_EDATA, "%s: attribute 'frames' is '%.40s'", s->path, frames);
    rid_mem_free(frames);
    return st;
}

static rid_status read_attributes(rid_store *s, rid_err *err)
{
    rid_store_info *i = &s->info;
    char *format = NULL;
    const struct {
        const char *name;
        bool needed;
        const char **text;
    } texts[] = {{"encoder_hash", true, &i->encoder_hash},
                 {"encoder", true, &i->encoder},
                 {"kernel", true, &i->kernel},
                 {"schema", true, &i->schema},
                 {"filter", true, &i->filter},
                 {"tool_version", true, &i->tool_version},
                 {"operating_point", false, &i->operating_point}};
    rid_status st = rid_h5_read_text(s->h5, "format", true, &format, err);
    if (st == RID_OK && strcmp(format, "rid-store") != 0)
        st = RID_FAIL(err, RID_EDATA, "%s: attribute 'format' is not rid-store", s->path);
    rid_mem_free(format);
    for (size_t k = 0; k < sizeof texts / sizeof texts[0] && st == RID_OK; k++) {
        char *text = NULL;
        st = rid_h5_read_text(s->h5, texts[k].name, texts[k].needed, &text, err);
        *texts[k].text = text;
    }
    if (st == RID_OK)
        st = read_size(s, "vis_dim", &i->vis_dim, err);
    if (st == RID_OK)
        st = read_size(s, "attr_dim", &i->attr_dim, err);
    if (st == RID_OK)
        st = read_size(s, "emb_dim", &i->emb_dim, err);
    return st == RID_OK ? read_frames_kind(s, err) : st;
}

static rid_status check_shape(rid_store *s, rid_store_column c, rid_err *err)
{
    rid_h5_shape expected = rid_store_column_shape(c, &s->info);
    rid_h5_shape found = rid_h5_column_shape(s->columns[c]);
    if (expected.matrix && expected.cols != found.cols)
        return RID_FAIL(err, RID_EDATA, "%s: %s has %zu columns, expected %zu", s->path,
                        rid_store_column_name(c), found.cols, expected.cols);
    return RID_OK;
}

static rid_status open_columns(rid_store *s, rid_err *err)
{
    rid_status st = RID_OK;
    for (int c = 0; c < RID_STORE_COLUMNS && st == RID_OK; c++) {
        rid_store_column column = (rid_store_column)c;
        if (!rid_store_has_column(column, s->info.frames))
            continue;
        st = rid_h5_column_open(&s->columns[c], s->h5, rid_store_column_name(column),
                                rid_store_column_shape(column, &s->info), err);
        if (st == RID_OK)
            st = check_shape(s, column, err);
    }
    return st;
}

enum { SLAB_ROWS = 4096 };

/* The text columns, a slab of rows at a time: they may be as wide as their longest value. */
typedef struct text_columns {
    rid_h5_column *columns[RID_TEXT_FIELDS];
    size_t widths[RID_TEXT_FIELDS];
    char *slabs[RID_TEXT_FIELDS];
    int64_t timestamp_us[SLAB_ROWS];
    uint8_t status[SLAB_ROWS];
} text_columns;

static rid_status open_text_columns(text_columns *t, rid_store *s, size_t n, rid_err *err)
{
    rid_buf name = {0};
    rid_status st = RID_OK;
    for (int f = 0; f < RID_TEXT_FIELDS && st == RID_OK; f++) {
        rid_buf_clear(&name);
        rid_buf_printf(&name, "/entry/%s", rid_text_field_column((rid_text_field)f));
        st = rid_buf_cstr(&name) ? rid_h5_column_open(&t->columns[f], s->h5, name.data,
                                                      (rid_h5_shape){.type = RID_H5_TEXT}, err)
                                 : RID_FAIL_NOMEM(err);
        if (st != RID_OK)
            break;
        t->widths[f] = rid_h5_column_row_bytes(t->columns[f]);
        if (rid_h5_column_rows(t->columns[f]) != n || t->widths[f] > RID_ID_BYTES_MAX)
            st = RID_FAIL(err, RID_EDATA, "%s: %s has an unexpected size", s->path, name.data);
        else if (!(t->slabs[f] = rid_mem_alloc(SLAB_ROWS, t->widths[f])))
            st = RID_FAIL_NOMEM(err);
    }
    rid_buf_free(&name);
    return st;
}

static rid_status add_slab(rid_store *s, text_columns *t, size_t n, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_meta m = {.timestamp_us = t->timestamp_us[i]};
        for (int f = 0; f < RID_TEXT_FIELDS; f++) {
            const char *text = t->slabs[f] + i * t->widths[f];
            size_t len = strnlen(text, t->widths[f]);
            m.text[f] = (rid_str){len ? text : NULL, len};
        }
        if (t->status[i] > RID_ENTRY_FALLBACK)
            return RID_FAIL(err, RID_EDATA, "%s: /entry/status is %u in row %zu", s->path,
                            t->status[i], rid_entries_count(s->entries));
        if (!m.text[RID_TEXT_ID].data || !m.text[RID_TEXT_DAY].data || !m.text[RID_TEXT_STORE].data)
            return RID_FAIL(err, RID_EDATA, "%s: an entry without id, day or store in row %zu",
                            s->path, rid_entries_count(s->entries));
        st = rid_entries_add(s->entries, &m, (rid_entry_status)t->status[i], err);
    }
    return st;
}

static rid_status read_entries(rid_store *s, rid_err *err)
{
    size_t n = rid_h5_column_rows(s->columns[RID_COLUMN_STATUS]);
    text_columns *t = rid_mem_zalloc(1, sizeof *t);
    s->entries = rid_entries_new();
    rid_status st = t && s->entries ? open_text_columns(t, s, n, err) : RID_FAIL_NOMEM(err);
    for (size_t first = 0; first < n && st == RID_OK; first += SLAB_ROWS) {
        size_t rows = n - first < SLAB_ROWS ? n - first : SLAB_ROWS;
        for (int f = 0; f < RID_TEXT_FIELDS && st == RID_OK; f++)
            st = rid_h5_column_read(t->columns[f], first, rows, t->slabs[f], err);
        if (st == RID_OK)
            st = rid_h5_column_read(s->columns[RID_COLUMN_TIMESTAMP_US], first, rows,
                                    t->timestamp_us, err);
        if (st == RID_OK)
            st = rid_h5_column_read(s->columns[RID_COLUMN_STATUS], first, rows, t->status, err);
        if (st == RID_OK)
            st = add_slab(s, t, rows, err);
    }
    for (int f = 0; t && f < RID_TEXT_FIELDS; f++) {
        rid_h5_column_close(t->columns[f]);
        rid_mem_free(t->slabs[f]);
    }
    rid_mem_free(t);
    return st;
}

/* (n+1) offsets that begin at 0, never fall, and end at the length of what they index. */
static rid_status read_offsets(rid_store *s, rid_store_column c, size_t n, size_t indexed,
                               int64_t **out, rid_err *err)
{
    const char *name = rid_store_column_name(c);
    if (rid_h5_column_rows(s->columns[c]) != n + 1)
        return RID_FAIL(err, RID_EDATA, "%s: %s has %zu rows, expected %zu", s->path, name,
                        rid_h5_column_rows(s->columns[c]), n + 1);
    int64_t *o = *out = rid_mem_alloc(n + 1, sizeof *o);
    if (!o)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_h5_column_read(s->columns[c], 0, n + 1, o, err);
    if (st != RID_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (o[i] > o[i + 1])
            return RID_FAIL(err, RID_EDATA, "%s: %s falls at row %zu", s->path, name, i + 1);
    if (o[0] != 0 || (size_t)o[n] != indexed)
        return RID_FAIL(err, RID_EDATA, "%s: %s runs from %lld to %lld, expected 0 to %zu", s->path,
                        name, (long long)o[0], (long long)o[n], indexed);
    return RID_OK;
}

static rid_status read_index(rid_store *s, rid_err *err)
{
    size_t n = rid_entries_count(s->entries);
    size_t n_offsets = rid_h5_column_rows(s->columns[RID_COLUMN_IMAGE_OFFSET]);
    size_t n_attrs = rid_h5_column_rows(s->columns[RID_COLUMN_ATTRS_BYTES]);
    static const rid_store_column per_entry[] = {RID_COLUMN_TIMESTAMP_US, RID_COLUMN_ATTR,
                                                 RID_COLUMN_EMBEDDING};
    for (size_t k = 0; k < 3; k++)
        if (rid_h5_column_rows(s->columns[per_entry[k]]) != n)
            return RID_FAIL(err, RID_EDATA, "%s: %s has not one row an entry", s->path,
                            rid_store_column_name(per_entry[k]));
    if (n_offsets == 0)
        return RID_FAIL(err, RID_EDATA, "%s: /images/offset is empty", s->path);
    rid_status st = read_offsets(s, RID_COLUMN_IMAGE_ENTRY_OFFSET, n, n_offsets - 1, &s->image_rows,
                                 err);
    if (st == RID_OK)
        st = read_offsets(s, RID_COLUMN_ATTRS_OFFSET, n, n_attrs, &s->attrs_bytes, err);
    if (st != RID_OK || s->info.frames == RID_FRAMES_NONE)
        return st;
    size_t n_frames = rid_h5_column_rows(s->columns[RID_COLUMN_FRAME_VECTOR]);
    if (rid_h5_column_rows(s->columns[RID_COLUMN_FRAME_KEPT]) != n_frames)
        return RID_FAIL(err, RID_EDATA, "%s: /frame/kept has not one row a frame", s->path);
    return read_offsets(s, RID_COLUMN_FRAME_OFFSET, n, n_frames, &s->frame_rows, err);
}

rid_status rid_store_open(rid_store **out, const char *path, rid_err *err)
{
    *out = NULL;
    rid_store *s = rid_mem_zalloc(1, sizeof *s);
    if (!s || !(s->path = rid_mem_strdup(path))) {
        rid_mem_free(s);
        return RID_FAIL_NOMEM(err);
    }
    rid_status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        st = RID_FAIL_ERRNO(err, "%s", path);
    } else {
        st = check_file(s, fd, err);
        close(fd);
    }
    if (st == RID_OK)
        st = rid_h5_open(&s->h5, path, err);
    if (st == RID_OK)
        st = read_attributes(s, err);
    if (st == RID_OK)
        st = open_columns(s, err);
    if (st == RID_OK)
        st = read_entries(s, err);
    if (st == RID_OK)
        st = read_index(s, err);
    if (st != RID_OK) {
        rid_store_close(s);
        return st;
    }
    *out = s;
    return RID_OK;
}

const char *rid_store_path(const rid_store *s)
{
    return s->path;
}

const rid_store_info *rid_store_get_info(const rid_store *s)
{
    return &s->info;
}

const rid_entries *rid_store_entries(const rid_store *s)
{
    return s->entries;
}

size_t rid_store_count(const rid_store *s)
{
    return rid_entries_count(s->entries);
}

const char *rid_store_digest(const rid_store *s)
{
    return s->digest;
}

uint64_t rid_store_bytes(const rid_store *s)
{
    return s->bytes;
}

/* Rows that follow one another are read together. */
static rid_status gather(rid_h5_column *c, const size_t *rows, size_t n, float *out, rid_err *err)
{
    size_t row_floats = rid_h5_column_row_bytes(c) / sizeof(float);
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && rows[i + run] == rows[i] + run)
            run++;
        rid_status st = rid_h5_column_read(c, rows[i], run, out + i * row_floats, err);
        if (st != RID_OK)
            return st;
        i += run;
    }
    return RID_OK;
}

rid_status rid_store_read_embeddings(rid_store *s, const size_t *rows, size_t n, float *out,
                                     rid_err *err)
{
    return gather(s->columns[RID_COLUMN_EMBEDDING], rows, n, out, err);
}

rid_status rid_store_read_attr(rid_store *s, const size_t *rows, size_t n, float *out, rid_err *err)
{
    return gather(s->columns[RID_COLUMN_ATTR], rows, n, out, err);
}

size_t rid_store_frame_count(const rid_store *s, size_t row)
{
    return s->frame_rows ? (size_t)(s->frame_rows[row + 1] - s->frame_rows[row]) : 0;
}

static rid_status need_frames(const rid_store *s, rid_err *err)
{
    if (s->info.frames != RID_FRAMES_NONE)
        return RID_OK;
    return RID_FAIL(err, RID_EDATA, "%s: holds no frames (it was made with --frames none)", s->path);
}

rid_status rid_store_read_frames(rid_store *s, size_t row, float *out, rid_err *err)
{
    rid_status st = need_frames(s, err);
    if (st != RID_OK)
        return st;
    rid_h5_column *c = s->columns[RID_COLUMN_FRAME_VECTOR];
    size_t first = (size_t)s->frame_rows[row], n = rid_store_frame_count(s, row);
    size_t values = n * s->info.vis_dim;
    if (s->info.frames == RID_FRAMES_F32)
        return rid_h5_column_read(c, first, n, out, err);
    uint16_t *half = rid_mem_alloc(values, sizeof *half);
    if (!half)
        return RID_FAIL_NOMEM(err);
    st = rid_h5_column_read(c, first, n, half, err);
    if (st == RID_OK)
        rid_half_to_f32(out, half, values);
    rid_mem_free(half);
    return st;
}

rid_status rid_store_read_kept(rid_store *s, size_t row, uint8_t *out, rid_err *err)
{
    rid_status st = need_frames(s, err);
    return st != RID_OK ? st
                        : rid_h5_column_read(s->columns[RID_COLUMN_FRAME_KEPT],
                                             (size_t)s->frame_rows[row],
                                             rid_store_frame_count(s, row), out, err);
}

static rid_status read_images(rid_store *s, size_t row, rid_payload *p, rid_err *err)
{
    size_t first = (size_t)s->image_rows[row], n = (size_t)(s->image_rows[row + 1] - s->image_rows[row]);
    rid_buf_clear(&p->images);
    p->n_images = 0;
    if (n == 0)
        return RID_OK;
    if (rid_mem_grow(&p->image_ends, &p->images_cap, n + 1, sizeof *p->image_ends) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_h5_column_read(s->columns[RID_COLUMN_IMAGE_OFFSET], first, n + 1,
                                       p->image_ends, err);
    if (st != RID_OK)
        return st;
    uint64_t start = p->image_ends[0], end = start;
    for (size_t i = 0; i < n; i++) { /* from n+1 offsets in the column to n ends in the payload */
        if (p->image_ends[i + 1] < end)
            return RID_FAIL(err, RID_EDATA, "%s: /images/offset falls at row %zu", s->path,
                            first + i + 1);
        end = p->image_ends[i + 1];
        p->image_ends[i] = end - start;
    }
    if (end > rid_h5_column_rows(s->columns[RID_COLUMN_IMAGE_BYTES]))
        return RID_FAIL(err, RID_EDATA, "%s: /images/offset points behind /images/bytes", s->path);
    char *to = rid_buf_reserve(&p->images, end - start);
    if (!to)
        return RID_FAIL_NOMEM(err);
    p->images.len = end - start;
    p->n_images = n;
    return rid_h5_column_read(s->columns[RID_COLUMN_IMAGE_BYTES], start, end - start, to, err);
}

rid_status rid_store_read_payload(rid_store *s, size_t row, bool frames, rid_payload *p,
                                  rid_err *err)
{
    rid_meta meta = rid_entries_meta(s->entries, row);
    rid_status st = rid_payload_set_meta(p, &meta, err);
    if (st == RID_OK)
        st = read_images(s, row, p, err);
    if (st != RID_OK)
        return st;
    size_t first = (size_t)s->attrs_bytes[row], n = (size_t)s->attrs_bytes[row + 1] - first;
    rid_buf_clear(&p->attrs);
    char *to = rid_buf_reserve(&p->attrs, n);
    if (!to)
        return RID_FAIL_NOMEM(err);
    p->attrs.len = n;
    st = rid_h5_column_read(s->columns[RID_COLUMN_ATTRS_BYTES], first, n, to, err);
    p->persist = true;
    p->frames.rows = frames ? rid_store_frame_count(s, row) : 0;
    p->frames.cols = s->info.vis_dim;
    if (st != RID_OK || !frames)
        return st;
    if (rid_mem_grow(&p->frames.data, &p->frames.cap, p->frames.rows * p->frames.cols,
                     sizeof *p->frames.data) != 0)
        return RID_FAIL_NOMEM(err);
    return rid_store_read_frames(s, row, p->frames.data, err);
}

rid_status rid_store_verify_frames(rid_store *s, int threads, rid_err *err)
{
    rid_h5_column *c = s->columns[RID_COLUMN_FRAME_VECTOR];
    return c ? rid_h5_column_verify(c, threads, err) : RID_OK;
}

rid_status rid_store_check_compatible(const rid_store *a, const rid_store *b, rid_err *err)
{
    const rid_store_info *x = &a->info, *y = &b->info;
    const struct {
        const char *name, *x, *y;
    } texts[] = {{"encoder_hash", x->encoder_hash, y->encoder_hash},
                 {"encoder", x->encoder, y->encoder},
                 {"kernel", x->kernel, y->kernel},
                 {"schema", x->schema, y->schema},
                 {"filter", x->filter, y->filter},
                 {"frames", rid_frames_kind_name(x->frames), rid_frames_kind_name(y->frames)},
                 {"operating_point", x->operating_point ? x->operating_point : "none",
                  y->operating_point ? y->operating_point : "none"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].x, texts[i].y) != 0)
            return RID_FAIL(err, RID_ECONFIG,
                            "%s and %s were made with different encoders: %s is %.80s in the first"
                            " and %.80s in the second; encode both with the same one",
                            a->path, b->path, texts[i].name, texts[i].x, texts[i].y);
    if (x->vis_dim != y->vis_dim || x->attr_dim != y->attr_dim || x->emb_dim != y->emb_dim)
        return RID_FAIL(err, RID_ECONFIG, "%s and %s have different sizes", a->path, b->path);
    return RID_OK;
}
