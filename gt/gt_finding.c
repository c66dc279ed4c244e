#include "gt/gt_finding.h"

bool rid_gt_finding_begin(rid_gt_finding *f, size_t max, rid_jsonw *w)
{
    f->count++;
    if (f->n_cases >= max)
        return false;
    f->n_cases++;
    *w = (rid_jsonw){&f->cases, false};
    rid_jsonw_begin_object(w);
    return true;
}

void rid_gt_finding_end(rid_gt_finding *f, rid_jsonw *w)
{
    rid_jsonw_end_object(w);
    rid_buf_append_char(&f->cases, '\n');
}

void rid_gt_finding_put(rid_jsonw *w, const char *key, rid_str value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_str(w, value);
}
