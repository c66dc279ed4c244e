/** Whether buckets are as large as those that a calibrated point was measured on. False matches grow with the
 *  gallery: beyond the largest the promise may not hold; a smaller one is on the safe side. */
#ifndef RID_GALLERY_COVER_H
#define RID_GALLERY_COVER_H

#include "eval/operating_point.h"

/** Zero-initialise. */
typedef struct rid_gallery_cover {
    size_t n_buckets, n_beyond, n_below;
    size_t largest; /**< matchable entries of a bucket */
} rid_gallery_cover;

/** True where the point has a promise that holds for some sizes: then there is something to say. */
bool rid_gallery_cover_applies(const rid_operating_point *p);
/** Counts a bucket with so many matchable entries. */
void rid_gallery_cover_take(rid_gallery_cover *c, const rid_operating_point *p, size_t n_matchable);
/** A warning where buckets are beyond, a message where some are below. */
void rid_gallery_cover_say(const rid_gallery_cover *c, const rid_operating_point *p);

#endif
