/** Where the entries stand when a gallery is ranked: gallery entries in places, by group and person, so that
 *  a query's person and what it sees are ranges of places; and the queries, in tiles of one group. */
#ifndef RID_RANKING_LAYOUT_H
#define RID_RANKING_LAYOUT_H

#include "eval/ranking.h"

/** A query, which sees the places [from, to), among them those of its person, [begin, end). */
typedef struct rid_ranking_place {
    uint32_t entry;
    bool usable;
    uint32_t from, to, begin, end;
    uint32_t
        n_positives; /**< of its person, without itself and what its camera leaves out; also those
                               that cannot be retrieved */
    uint32_t
        n_retrieved; /**< of them: those that stand in places; 0 for a query that is not usable */
    size_t first_score; /**< of its positives, among those of all queries */
} rid_ranking_place;

/** To be cleared in any case. */
typedef struct rid_ranking_layout {
    uint32_t *entry;                      /**< (n_places): of each place */
    size_t n_places, max_range, max_seen; /**< the most places of a person, of a group */
    rid_ranking_place *query;             /**< (n_queries), by group and entry */
    size_t n_queries;
    size_t n_pairs; /**< Σ n_retrieved */
    size_t *tile;   /**< (n_tiles + 1): queries [tile[i], tile[i + 1]), of one group */
    size_t n_tiles;
} rid_ranking_layout;

/** At most tile_rows queries in a tile. RID_ETEMP. */
RID_MUST rid_status rid_ranking_arrange(rid_ranking_layout *l, const rid_ranking_input *in,
                                        size_t tile_rows, rid_err *err);
void rid_ranking_layout_clear(rid_ranking_layout *l);

/** Whether the query's camera and person leave an entry out, or the entry is the query itself. */
bool rid_ranking_leaves_out(const rid_ranking_input *in, uint32_t query, uint32_t entry);

#endif
