#include "data/json_file.h"

#include "data/base/mem.h"
#include "data/inflate.h"
#include "data/json_scan.h"

#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 1 << 20 };

/* ---- leaving out ---- */

/* Copies a text and leaves values out; where it is, over the ends of blocks. */
typedef struct thinning {
    rid_json_file *f;
    rid_str name; /* of the members to leave out; data NULL: none */
    bool in_string, escaped;
    size_t string_at;      /* in f->text: behind the opening quote */
    bool is_key, is_value; /* such a name has ended; and the colon behind it */
    bool leaving_out;
    rid_json_skim skim; /* of what is left out */
    rid_json_gap gap;
} thinning;

static const char NOTHING[] = "null";

static void begin_gap(thinning *t)
{
    t->leaving_out = true;
    t->is_value = false;
    t->skim = (rid_json_skim){0};
    t->gap = (rid_json_gap){0};
}

static void end_gap(thinning *t)
{
    rid_json_file *f = t->f;
    t->leaving_out = false;
    t->gap.at = f->text.len;
    t->gap.bytes -= (int64_t)sizeof NOTHING - 1;
    rid_buf_append_str(&f->text, NOTHING);
    if (rid_mem_grow(&f->gaps, &f->gaps_cap, f->n_gaps + 1, sizeof *f->gaps) != 0)
        f->text.failed = true;
    else
        f->gaps[f->n_gaps++] = t->gap;
}

static size_t leave_out(thinning *t, const char *text, size_t n)
{
    const size_t taken = rid_json_skim_run(&t->skim, text, n);
    t->gap.bytes += (int64_t)taken;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + taken - at))); at++)
        t->gap.lines++;
    if (t->skim.complete)
        end_gap(t);
    return taken;
}

/* Copies up to the end of the string, or of the text. */
static size_t copy_string(thinning *t, const char *text, size_t n)
{
    size_t i = 0;
    for (; i < n && t->in_string; i++) {
        t->in_string = t->escaped || text[i] != '"';
        t->escaped = !t->escaped && text[i] == '\\';
    }
    rid_buf_append(&t->f->text, text, i);
    if (!t->in_string && !t->f->text.failed) {
        const rid_buf *all = &t->f->text;
        t->is_key = rid_str_equal((rid_str){all->data + t->string_at, all->len - t->string_at - 1},
                                  t->name);
    }
    return i;
}

/* Copies up to the next string, or to a value that is to be left out. */
static size_t copy_rest(thinning *t, const char *text, size_t n)
{
    size_t i = 0;
    for (; i < n && !t->in_string; i++) {
        const char c = text[i];
        if (t->is_value && (c == '[' || c == '{')) {
            begin_gap(t);
            break;
        }
        t->in_string = c == '"';
        if (!strchr(" \t\r\n", c)) {
            t->is_value = t->is_key && c == ':';
            t->is_key = false;
        }
    }
    rid_buf_append(&t->f->text, text, i);
    t->string_at = t->f->text.len;
    return i;
}

static void take_block(thinning *t, const char *text, size_t n)
{
    if (!t->name.data) {
        rid_buf_append(&t->f->text, text, n);
        return;
    }
    for (size_t i = 0; i < n && !t->f->text.failed;) {
        if (t->leaving_out)
            i += leave_out(t, text + i, n - i);
        else if (t->in_string)
            i += copy_string(t, text + i, n - i);
        else
            i += copy_rest(t, text + i, n - i);
    }
}

/* ---- errors ---- */

/* Puts the place of a byte of the text in memory in front. */
static rid_status fail_at(const rid_json_file *f, size_t offset, rid_err *err)
{
    int64_t line = 1, byte = (int64_t)offset;
    for (size_t i = 0; i < offset && i < f->text.len; i++)
        line += f->text.data[i] == '\n';
    for (size_t g = 0; g < f->n_gaps && f->gaps[g].at < offset; g++) {
        line += f->gaps[g].lines;
        byte += f->gaps[g].bytes;
    }
    return rid_err_prepend(err, "%s: line %lld, byte %lld", f->path, (long long)line,
                           (long long)byte);
}

rid_status rid_json_file_fail_here(const rid_json_file *f, rid_err *err)
{
    size_t offset = 0;
    rid_json_locate(f->text.data, f->text.len, f->steps, f->depth, &offset);
    return fail_at(f, offset, err);
}

rid_status rid_json_file_fail_type(const rid_json_file *f, rid_err *err, const char *expected,
                                   rid_json v)
{
    (void)RID_FAIL(err, RID_EDATA, "expected %s, found %s", expected,
                   rid_json_type_name(rid_json_type_of(v)));
    return rid_json_file_fail_here(f, err);
}

/* Where the text breaks; the parser's own words where the grammar holds. */
static rid_status fail_syntax(const rid_json_file *f, const char *parser_says, rid_err *err)
{
    rid_json_fault fault = {0};
    if (rid_json_diagnose(f->text.data, f->text.len, RID_JSON_DEPTH_MAX, &fault))
        (void)RID_FAIL(err, RID_EDATA, "expected %s", fault.expected);
    else
        (void)RID_FAIL(err, RID_EDATA, "%s", parser_says);
    return fail_at(f, fault.offset, err);
}

/* Makes the steps lead to the second value of the key in one object. */
static bool find_second(rid_json_file *f, rid_json v, rid_str twice)
{
    rid_json_iter it = rid_json_begin(v);
    rid_json child;
    rid_str key = {0};
    size_t seen = 0;
    for (f->steps[f->depth++] = 0; rid_json_next(&it, &key, &child); f->steps[f->depth - 1]++) {
        seen += it.object && rid_str_equal(key, twice);
        if (seen == 2 || find_second(f, child, twice))
            return true;
    }
    f->depth--;
    return false;
}

/* ---- the file ---- */

static rid_status read_text(thinning *t, size_t max_bytes, rid_err *err)
{
    rid_json_file *f = t->f;
    rid_reader *reader = NULL;
    size_t got = 1;
    char *block = rid_mem_alloc(READ_BYTES, 1);
    rid_status st = block ? rid_reader_open(&reader, f->path, NULL, err) : RID_FAIL_NOMEM(err);
    while (st == RID_OK && got > 0) {
        st = rid_reader_read(reader, block, READ_BYTES, &got, err);
        if (st == RID_OK)
            take_block(t, block, got);
        if (st == RID_OK && f->text.len > max_bytes)
            st = RID_FAIL(err, RID_EDATA, "%s: a document of more than %zu MB", f->path,
                          max_bytes >> 20);
        if (st == RID_OK && f->text.failed)
            st = RID_FAIL_NOMEM(err);
    }
    rid_reader_close(reader);
    rid_mem_free(block);
    if (st == RID_OK && t->leaving_out) {
        end_gap(t);
        (void)RID_FAIL(err, RID_EDATA, "expected the end of '%s'", t->name.data);
        st = fail_at(f, f->text.len, err);
    }
    if (st == RID_OK && !rid_buf_reserve(&f->text, RID_JSON_PADDING))
        st = RID_FAIL_NOMEM(err);
    return st;
}

static rid_status parse(rid_json_file *f, rid_err *err)
{
    rid_err detail = {0};
    rid_str key;
    const rid_status st = rid_json_parse(f->parser, f->text.data, f->text.len, &f->root, &detail);
    if (st == RID_EDATA)
        return fail_syntax(f, detail.message, err);
    if (st != RID_OK)
        return RID_FAIL_NOMEM(err);
    if (!rid_json_find_duplicate_key(f->root, &key))
        return RID_OK;
    (void)RID_FAIL(err, RID_EDATA, "key '%.*s' stands twice in one object", RID_STR(key));
    (void)find_second(f, f->root, key);
    return rid_json_file_fail_here(f, err);
}

rid_status rid_json_file_open(rid_json_file *f, const char *path, size_t max_bytes,
                              const char *leave_out, rid_err *err)
{
    rid_err mine = {0};
    *f = (rid_json_file){.path = path, .parser = rid_json_parser_new()};
    thinning t = {.f = f, .name = {leave_out, leave_out ? strlen(leave_out) : 0}};
    err = err ? err : &mine;
    rid_status st = f->parser ? read_text(&t, max_bytes, err) : RID_FAIL_NOMEM(err);
    return st == RID_OK ? parse(f, err) : st;
}

void rid_json_file_close(rid_json_file *f)
{
    rid_json_parser_free(f->parser);
    rid_buf_free(&f->text);
    rid_mem_free(f->gaps);
    *f = (rid_json_file){0};
}

/* ---- walking ---- */

rid_status rid_json_file_each(rid_json_file *f, rid_json v, rid_json_file_child *child, void *ctx,
                              rid_err *err)
{
    rid_json_iter it = rid_json_begin(v);
    rid_str key = {0};
    rid_json at;
    rid_status st = RID_OK;
    for (f->steps[f->depth++] = 0; st == RID_OK && rid_json_next(&it, &key, &at);
         f->steps[f->depth - 1]++)
        st = child(f, ctx, key, at, err);
    f->depth--;
    return st;
}

bool rid_json_file_enter(rid_json_file *f, rid_json object, const char *name, rid_json *v)
{
    rid_json_iter it = rid_json_begin(object);
    rid_str key;
    for (size_t place = 0; it.object && rid_json_next(&it, &key, v); place++)
        if (rid_str_equal(key, rid_str_of(name))) {
            f->steps[f->depth++] = place;
            return true;
        }
    return false;
}

void rid_json_file_leave(rid_json_file *f)
{
    f->depth--;
}
