/** What people that come from a list of pairs leave open. Ground truth says of any two entries whether they
 *  are of one person; a list says it of the pairs that it has, and of those that follow from them. All others
 *  count as different people.
 *
 *      rid_sightings seen = {0};
 *      rid_sightings_add(&seen, bucket, person, err);     // for every labelled entry
 *      rid_pair_gaps_say(labels, &seen, RID_GAPS_ALL, err); */
#ifndef RID_PAIR_GAPS_H
#define RID_PAIR_GAPS_H

#include "gt/labels.h"

/** Which person was where. Zero-initialise; to be cleared. */
typedef struct rid_sightings {
    uint64_t *at; /**< bucket << 32 | person */
    size_t n, cap;
} rid_sightings;

/** bucket: any number that the bucket has. Does nothing for UINT32_MAX, an entry without label. RID_ETEMP. */
RID_MUST rid_status rid_sightings_add(rid_sightings *s, uint32_t bucket, uint32_t person,
                                      rid_err *err);
void rid_sightings_clear(rid_sightings *s);

typedef struct rid_pair_gaps {
    size_t n_buckets, n_people;
    size_t n_across; /**< people who are seen in more than one bucket */
    /** Two and two: people of a bucket, added up over the buckets, and any two people; and how many of
     *  them no pair tells apart. */
    uint64_t within, within_open, all, all_open;
} rid_pair_gaps;

/** Counts; s is put in order. The labels are linked (rid_labels_are_linked). RID_ETEMP. */
RID_MUST rid_status rid_pair_gaps_find(rid_pair_gaps *out, const rid_labels *labels,
                                       rid_sightings *s, rid_err *err);

/** Which pairs matter to what is done with them. */
typedef enum rid_gaps_scope {
    RID_GAPS_WITHIN, /**< only those of one bucket */
    RID_GAPS_ALL,    /**< also those of different buckets */
} rid_gaps_scope;
/** Counts, and logs one warning with the counts where something is open. RID_ETEMP. */
RID_MUST rid_status rid_pair_gaps_say(const rid_labels *labels, rid_sightings *s,
                                      rid_gaps_scope scope, rid_err *err);

#endif
