#include "data/summary.h"

#include "data/base/mem.h"
#include "data/jsonw.h"

#include <string.h>

const char *rid_reject_name(rid_reject r)
{
    static const char *const names[RID_REJECT_COUNT] = {
        [RID_REJECT_SYNTAX] = "syntax",
        [RID_REJECT_DEPTH] = "depth",
        [RID_REJECT_TOO_LARGE] = "too_large",
        [RID_REJECT_DUPLICATE_KEY] = "duplicate_key",
        [RID_REJECT_UTF8] = "utf8",
        [RID_REJECT_MISSING] = "missing_field",
        [RID_REJECT_TYPE] = "wrong_type",
        [RID_REJECT_ID] = "bad_id",
        [RID_REJECT_DAY] = "bad_day",
        [RID_REJECT_TIMESTAMP] = "bad_timestamp",
        [RID_REJECT_NO_FRAMES] = "no_frames",
        [RID_REJECT_RAGGED] = "ragged_frames",
        [RID_REJECT_FRAME_SIZE] = "frame_size",
        [RID_REJECT_RANGE] = "number_range",
        [RID_REJECT_INPUT] = "unreadable_input",
    };
    return names[r];
}

static rid_oov_item *find_item(rid_oov *o, rid_str field, rid_str value)
{
    for (size_t i = 0; i < o->n; i++)
        if (rid_str_equal(rid_str_of(o->items[i].value), value) &&
            rid_str_equal(rid_str_of(o->items[i].field), field))
            return &o->items[i];
    return NULL;
}

/* Cuts to RID_OOV_VALUE_BYTES without splitting a UTF-8 sequence. */
static rid_str cut(rid_str value)
{
    if (value.len <= RID_OOV_VALUE_BYTES)
        return value;
    value.len = RID_OOV_VALUE_BYTES;
    while (value.len > 0 && ((unsigned char)value.data[value.len] & 0xC0) == 0x80)
        value.len--;
    return value;
}

rid_status rid_oov_add(rid_oov *o, rid_str field, rid_str value, uint64_t count, rid_err *err)
{
    value = cut(value);
    rid_oov_item *item = find_item(o, field, value);
    if (!item && o->n >= RID_OOV_VALUES_MAX) {
        field = value = rid_str_of("(others)");
        item = find_item(o, field, value);
    }
    if (!item) {
        if (rid_mem_grow(&o->items, &o->cap, o->n + 1, sizeof *o->items) != 0)
            return RID_FAIL_NOMEM(err);
        item = &o->items[o->n];
        *item = (rid_oov_item){rid_mem_strndup(field.data, field.len),
                               rid_mem_strndup(value.data, value.len), 0};
        if (!item->field || !item->value) {
            rid_mem_free(item->field);
            rid_mem_free(item->value);
            return RID_FAIL_NOMEM(err);
        }
        o->n++;
    }
    item->count += count;
    return RID_OK;
}

void rid_oov_clear(rid_oov *o)
{
    for (size_t i = 0; i < o->n; i++) {
        rid_mem_free(o->items[i].field);
        rid_mem_free(o->items[i].value);
    }
    rid_mem_free(o->items);
    *o = (rid_oov){0};
}

uint64_t rid_summary_rejected(const rid_summary *s)
{
    uint64_t n = 0;
    for (int i = 0; i < RID_REJECT_COUNT; i++)
        n += s->rejects[i];
    return n;
}

bool rid_summary_exceeds(const rid_summary *s, rid_reject_limit limit)
{
    double n = (double)rid_summary_rejected(s);
    if (s->rejects[RID_REJECT_INPUT] > 0)
        return true; /* one damaged input may be any number of payloads */
    return limit.is_percent ? n * 100 > limit.value * (double)s->read : n > limit.value;
}

void rid_summary_add_stage(rid_summary *s, const char *name, double seconds)
{
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX; i++) {
        if (!s->stages[i].name)
            s->stages[i].name = name;
        if (strcmp(s->stages[i].name, name) == 0) {
            s->stages[i].seconds += seconds;
            return;
        }
    }
}

void rid_summary_add_figure(rid_summary *s, const char *name, double value)
{
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX; i++) {
        if (!s->figures[i].name)
            s->figures[i].name = name;
        if (strcmp(s->figures[i].name, name) == 0) {
            s->figures[i].value += value;
            return;
        }
    }
}

static void say(rid_summary *s, const char *name, const char *text, bool is_flag, bool flag)
{
    size_t i = 0;
    while (i < RID_SUMMARY_NAMED_MAX && s->said[i].name && strcmp(s->said[i].name, name) != 0)
        i++;
    if (i < RID_SUMMARY_NAMED_MAX) {
        s->said[i].name = name;
        s->said[i].text = text;
        s->said[i].is_flag = is_flag;
        s->said[i].flag = flag;
    }
}

void rid_summary_say_flag(rid_summary *s, const char *name, bool flag)
{
    say(s, name, NULL, true, flag);
}

void rid_summary_say(rid_summary *s, const char *name, const char *text)
{
    say(s, name, text, false, false);
}

static void write_oov(const rid_oov *o, rid_jsonw *w)
{
    rid_jsonw_key(w, "oov");
    rid_jsonw_begin_object(w);
    for (size_t i = 0; i < o->n; i++) {
        bool first_of_field = true;
        for (size_t j = 0; j < i; j++)
            first_of_field &= strcmp(o->items[j].field, o->items[i].field) != 0;
        if (!first_of_field)
            continue;
        rid_jsonw_key(w, o->items[i].field);
        rid_jsonw_begin_object(w);
        for (size_t j = i; j < o->n; j++) {
            if (strcmp(o->items[j].field, o->items[i].field) != 0)
                continue;
            rid_jsonw_key(w, o->items[j].value);
            rid_jsonw_u64(w, o->items[j].count);
        }
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_object(w);
}

void rid_summary_write_json(const rid_summary *s, const char *tool, int exit_code, double wall_s,
                            rid_buf *out)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_i64(&w, 1);
    rid_jsonw_key(&w, "tool");
    rid_jsonw_cstr(&w, tool);
    rid_jsonw_key(&w, "tool_version");
    rid_jsonw_cstr(&w, RID_VERSION);
    rid_jsonw_key(&w, "exit");
    rid_jsonw_i64(&w, exit_code);
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"read", s->read},
                  {"accepted", s->accepted},
                  {"rejected", rid_summary_rejected(s)},
                  {"duplicates", s->duplicates},
                  {"skipped", s->skipped}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        rid_jsonw_key(&w, counts[i].name);
        rid_jsonw_u64(&w, counts[i].n);
    }
    rid_jsonw_key(&w, "rejects");
    rid_jsonw_begin_object(&w);
    for (int i = 0; i < RID_REJECT_COUNT; i++) {
        if (s->rejects[i] == 0)
            continue;
        rid_jsonw_key(&w, rid_reject_name((rid_reject)i));
        rid_jsonw_u64(&w, s->rejects[i]);
    }
    rid_jsonw_end_object(&w);
    write_oov(&s->oov, &w);
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX && s->figures[i].name; i++) {
        rid_jsonw_key(&w, s->figures[i].name);
        rid_jsonw_f64(&w, s->figures[i].value);
    }
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX && s->said[i].name; i++) {
        rid_jsonw_key(&w, s->said[i].name);
        if (s->said[i].is_flag)
            rid_jsonw_bool(&w, s->said[i].flag);
        else
            rid_jsonw_cstr(&w, s->said[i].text);
    }
    rid_jsonw_key(&w, "seconds");
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "wall");
    rid_jsonw_f64(&w, wall_s);
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX && s->stages[i].name; i++) {
        rid_jsonw_key(&w, s->stages[i].name);
        rid_jsonw_f64(&w, s->stages[i].seconds);
    }
    rid_jsonw_end_object(&w);
    rid_jsonw_key(&w, "entries_per_second");
    rid_jsonw_f64(&w, wall_s > 0 ? (double)s->accepted / wall_s : 0);
    rid_jsonw_key(&w, "peak_rss_bytes");
    rid_jsonw_u64(&w, rid_mem_peak_rss());
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}

void rid_summary_clear(rid_summary *s)
{
    rid_oov_clear(&s->oov);
    *s = (rid_summary){0};
}
