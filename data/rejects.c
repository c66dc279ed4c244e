#include "data/rejects.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/jsonw.h"

#include <string.h>

enum { SHOWN_MAX = 5 };

struct rid_rejects {
    char *path; /* of the list; NULL: none */
    rid_publish *publish;
    uint64_t n;
    rid_buf line;
};

rid_status rid_rejects_open(rid_rejects **out, const char *path, rid_err *err)
{
    rid_buf name = {0};
    rid_rejects *r = *out = rid_mem_zalloc(1, sizeof *r);
    if (!r)
        return RID_FAIL_NOMEM(err);
    if (!path || strcmp(path, "-") == 0)
        return RID_OK;
    rid_buf_printf(&name, "%s.rejects.jsonl", path);
    r->path = rid_buf_cstr(&name) ? rid_mem_strdup(name.data) : NULL;
    rid_buf_free(&name);
    if (!r->path) {
        rid_rejects_abort(r);
        *out = NULL;
        return RID_FAIL_NOMEM(err);
    }
    return RID_OK;
}

static void write_line(rid_rejects *r, const rid_item *item)
{
    rid_jsonw w = {&r->line, false};
    rid_buf_clear(&r->line);
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "file");
    rid_jsonw_cstr(&w, item->origin.file);
    rid_jsonw_key(&w, "line");
    rid_jsonw_u64(&w, item->origin.line);
    rid_jsonw_key(&w, "byte");
    rid_jsonw_u64(&w, item->origin.byte);
    rid_jsonw_key(&w, "reason");
    rid_jsonw_cstr(&w, rid_reject_name(item->fault.reason));
    rid_jsonw_key(&w, "message");
    rid_jsonw_cstr(&w, item->fault.message);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(&r->line, '\n');
}

rid_status rid_rejects_add(rid_rejects *r, const rid_item *item, rid_summary *summary, rid_err *err)
{
    summary->rejects[item->fault.reason]++;
    if (r->n++ < SHOWN_MAX)
        rid_log(RID_LOG_WARN, "%s:%llu: rejected (%s): %s (byte %llu)", item->origin.file,
                (unsigned long long)item->origin.line, rid_reject_name(item->fault.reason),
                item->fault.message, (unsigned long long)item->origin.byte);
    if (!r->path)
        return RID_OK;
    rid_status st = r->publish ? RID_OK : rid_publish_begin(&r->publish, r->path, true, err);
    if (st != RID_OK)
        return st;
    write_line(r, item);
    if (r->line.failed)
        return RID_FAIL_NOMEM(err);
    return rid_publish_write(r->publish, r->line.data, r->line.len, err);
}

rid_status rid_rejects_commit(rid_rejects *r, rid_err *err)
{
    rid_status st = RID_OK;
    if (r->publish) {
        rid_log(RID_LOG_WARN, "rejected payloads are listed in %s", r->path);
        st = rid_publish_commit(r->publish, err);
        r->publish = NULL;
    } else if (r->path) {
        st = rid_publish_remove(r->path, err);
    }
    rid_rejects_abort(r);
    return st;
}

void rid_rejects_abort(rid_rejects *r)
{
    if (!r)
        return;
    rid_publish_abort(r->publish);
    rid_mem_free(r->path);
    rid_buf_free(&r->line);
    rid_mem_free(r);
}
