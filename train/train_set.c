#include "train/train_set.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>
#include <string.h>

void rid_train_set_unit_frame(float *out, const float *x, size_t dim)
{
    double norm = sqrt(rid_kernel_get()->sum_squares(x, dim));
    for (size_t d = 0; d < dim; d++)
        out[d] = norm > 0 ? (float)(x[d] / norm) : 0;
}

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
    rid_mem_free(s->attr);
    rid_mem_free(s->frame_index);
    rid_mem_free(s->frames);
    rid_buf_free(&s->strings);
    *s = (rid_train_set){0};
}
