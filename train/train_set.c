#include "train/train_set.h"

#include "data/base/mem.h"

#include <string.h>

rid_status rid_train_set_read(const rid_train_set *s, size_t entry, float *out, rid_err *err)
{
    const rid_train_entry *e = &s->entries[entry];
    if (!s->frames)
        return s->read(s->reader, entry, out, err);
    memcpy(out, s->frames + e->first * s->vis_dim, e->n_frames * s->vis_dim * sizeof *out);
    return RID_OK;
}

void rid_train_set_clear(rid_train_set *s)
{
    rid_mem_free(s->entries);
    rid_mem_free(s->persons);
    rid_mem_free(s->attr);
    rid_mem_free(s->frame_index);
    rid_mem_free(s->frames);
    rid_buf_free(&s->strings);
    *s = (rid_train_set){0};
}
