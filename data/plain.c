#include "data/plain.h"

#include <string.h>

enum { LABEL_COLUMNS = 17 };

/* Is s[i] to be escaped? *n bytes belong to it. */
static bool is_control(rid_str s, size_t i, size_t *n)
{
    unsigned char c = (unsigned char)s.data[i];
    *n = 1;
    if (c == 0xC2 && i + 1 < s.len && (unsigned char)s.data[i + 1] < 0xA0) {
        *n = 2; /* U+0080 to U+009F: terminals obey these, too */
        return true;
    }
    return c < 0x20 || c == 0x7F || c == '\\';
}

void rid_plain_append(rid_buf *out, rid_str s)
{
    static const char short_forms[] = "\nn\tt\rr\\\\";
    size_t n;
    for (size_t i = 0; i < s.len; i += n) {
        if (!is_control(s, i, &n)) {
            rid_buf_append_char(out, s.data[i]);
            continue;
        }
        const char *form = NULL;
        for (const char *pair = short_forms; *pair; pair += 2)
            if (*pair == s.data[i])
                form = pair;
        if (form)
            rid_buf_printf(out, "\\%c", form[1]);
        else
            for (size_t k = 0; k < n; k++)
                rid_buf_printf(out, "\\x%02X", (unsigned char)s.data[i + k]);
    }
}

const char *rid_noun(uint64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

void rid_plain_append_count(rid_buf *out, uint64_t n)
{
    if (n >= 1000) {
        rid_plain_append_count(out, n / 1000);
        rid_buf_printf(out, ",%03u", (unsigned)(n % 1000));
    } else {
        rid_buf_printf(out, "%u", (unsigned)n);
    }
}

void rid_plain_append_bytes(rid_buf *out, uint64_t n)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)n / 1e3;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1e3;
        unit++;
    }
    rid_buf_printf(out, "%.*f %s (", value < 9.95 ? 1 : 0, value, units[unit]);
    rid_plain_append_count(out, n);
    rid_buf_append_str(out, " bytes)");
}

void rid_plain_append_label(rid_buf *out, const char *label)
{
    rid_buf_printf(out, "%-*s", LABEL_COLUMNS, label);
}

void rid_plain_append_line(rid_buf *out, const char *label, rid_str value)
{
    rid_plain_append_label(out, label);
    rid_plain_append(out, value);
    rid_buf_append_char(out, '\n');
}
