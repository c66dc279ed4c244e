#include "data/textfile.h"

#include "data/inflate.h"

rid_status rid_textfile_read(rid_buf *out, const char *path, size_t max, rid_err *err)
{
    enum { STEP = 1 << 16 };
    rid_reader *r = NULL;
    const size_t start = out->len;
    size_t got = 1;
    rid_status st = rid_reader_open(&r, path, NULL, err);
    while (st == RID_OK && got > 0) {
        char *at = rid_buf_reserve(out, STEP);
        st = at ? rid_reader_read(r, at, STEP, &got, err) : RID_FAIL_NOMEM(err);
        out->len += st == RID_OK ? got : 0;
        if (st == RID_OK && out->len - start > max)
            st = RID_FAIL(err, RID_EDATA, "%s: larger than %zu bytes", path, max);
    }
    rid_reader_close(r);
    return st;
}
