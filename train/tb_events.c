#include "train/tb_events.h"

#include "train/crc32.h"

#include <math.h>
#include <string.h>

/* Protobuf keys: field number · 8 + wire type (0 varint, 1 eight bytes, 2 length-delimited, 5 four
 * bytes). */
enum {
    EVENT_WALL_TIME = 1 << 3 | 1,
    EVENT_STEP = 2 << 3 | 0,
    EVENT_FILE_VERSION = 3 << 3 | 2,
    EVENT_SUMMARY = 5 << 3 | 2,
    SUMMARY_VALUE = 1 << 3 | 2,
    VALUE_TAG = 1 << 3 | 2,
    VALUE_SIMPLE_VALUE = 2 << 3 | 5,
};

static void append_le(rid_buf *out, uint64_t bits, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        rid_buf_append_char(out, (char)(bits >> 8 * i & 0xFF));
}

static void append_varint(rid_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        rid_buf_append_char(out, (char)(v | 0x80));
    rid_buf_append_char(out, (char)v);
}

static void append_bytes(rid_buf *out, int key, const void *bytes, size_t n)
{
    append_varint(out, (uint64_t)key);
    append_varint(out, n);
    rid_buf_append(out, bytes, n);
}

static void append_f64(rid_buf *out, int key, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_varint(out, (uint64_t)key);
    append_le(out, bits, 8);
}

static void append_f32(rid_buf *out, int key, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_varint(out, (uint64_t)key);
    append_le(out, bits, 4);
}

/* Checksums are rotated and shifted, so that data which holds its own checksum is no trap. */
static uint32_t masked_crc(const void *bytes, size_t n)
{
    const uint32_t crc = rid_crc32c(0, bytes, n);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static void append_record(rid_buf *out, const rid_buf *event)
{
    rid_buf length = {0};
    append_le(&length, event->len, 8);
    out->failed = out->failed || event->failed || length.failed;
    if (!out->failed) {
        rid_buf_append(out, length.data, length.len);
        append_le(out, masked_crc(length.data, length.len), 4);
        rid_buf_append(out, event->data, event->len);
        append_le(out, masked_crc(event->data, event->len), 4);
    }
    rid_buf_free(&length);
}

void rid_tb_events_begin(rid_buf *out, double wall_s)
{
    static const char version[] = "brain.Event:2";
    rid_buf event = {0};
    append_f64(&event, EVENT_WALL_TIME, wall_s);
    append_bytes(&event, EVENT_FILE_VERSION, version, sizeof version - 1);
    append_record(out, &event);
    rid_buf_free(&event);
}

static void append_scalar(rid_buf *summary, const rid_tb_scalar *scalar)
{
    rid_buf value = {0};
    append_bytes(&value, VALUE_TAG, scalar->tag, strlen(scalar->tag));
    append_f32(&value, VALUE_SIMPLE_VALUE, (float)scalar->value);
    summary->failed = summary->failed || value.failed;
    append_bytes(summary, SUMMARY_VALUE, value.data, value.len);
    rid_buf_free(&value);
}

void rid_tb_events_scalars(rid_buf *out, double wall_s, int64_t step, const rid_tb_scalar *scalars,
                           size_t n)
{
    rid_buf event = {0}, summary = {0};
    for (size_t i = 0; i < n; i++)
        if (isfinite((float)scalars[i].value))
            append_scalar(&summary, &scalars[i]);
    if (summary.len > 0 || summary.failed) {
        append_f64(&event, EVENT_WALL_TIME, wall_s);
        append_varint(&event, EVENT_STEP);
        append_varint(&event, (uint64_t)step);
        event.failed = event.failed || summary.failed;
        append_bytes(&event, EVENT_SUMMARY, summary.data, summary.len);
        append_record(out, &event);
    }
    rid_buf_free(&summary);
    rid_buf_free(&event);
}
