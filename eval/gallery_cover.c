#include "eval/gallery_cover.h"

#include "data/base/log.h"

#include <inttypes.h>

bool rid_gallery_cover_applies(const rid_operating_point *p)
{
    return rid_operating_point_keeps_promise(p) && p->calibrated.has_gallery;
}

void rid_gallery_cover_take(rid_gallery_cover *c, const rid_operating_point *p, size_t n_matchable)
{
    c->n_buckets++;
    if (!rid_gallery_cover_applies(p))
        return;
    c->n_beyond += n_matchable > p->calibrated.gallery_max;
    c->n_below += n_matchable < p->calibrated.gallery_min;
    if (n_matchable > c->largest)
        c->largest = n_matchable;
}

void rid_gallery_cover_say(const rid_gallery_cover *c, const rid_operating_point *p)
{
    if (c->n_beyond > 0)
        rid_log(RID_LOG_WARN,
                "%zu of %zu buckets have more than the %" PRIu64
                " matchable entries that the operating"
                " point covers, up to %zu: there FPIR may be above %.4g; calibrate on buckets of"
                " that size",
                c->n_beyond, c->n_buckets, p->calibrated.gallery_max, c->largest,
                p->calibrated.max_fpir);
    if (c->n_below > 0)
        rid_log(RID_LOG_INFO,
                "%zu of %zu buckets have fewer than the %" PRIu64
                " matchable entries of the smallest"
                " calibrated one: there the operating point is stricter than it had to be",
                c->n_below, c->n_buckets, p->calibrated.gallery_min);
}
