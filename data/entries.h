/** The metadata of many entries in little memory (the strings' bytes and about 50 more an entry). */
#ifndef RID_ENTRIES_H
#define RID_ENTRIES_H

#include "data/payload.h"

/** Status of an entry in a store. */
typedef enum rid_entry_status {
    RID_ENTRY_OK = 0,
    RID_ENTRY_SKIP = 1,     /**< no embedding (all zero): never matched */
    RID_ENTRY_FALLBACK = 2, /**< the filter left nothing, all non-zero frames were used */
} rid_entry_status;

/** "ok", "skip", "fallback" */
const char *rid_entry_status_name(rid_entry_status s);

typedef struct rid_entries rid_entries;

/** Rows that one table can hold. */
#define RID_ENTRIES_MAX (UINT32_MAX - 2)

/** NULL when there is no memory. Not thread-safe while rows are added; reading is. */
rid_entries *rid_entries_new(void);
void rid_entries_free(rid_entries *e);
/** Appends a row. The id need not be new: rid_entries_find then gives the later row. */
RID_MUST rid_status rid_entries_add(rid_entries *e, const rid_meta *meta, rid_entry_status status,
                                    rid_err *err);
size_t rid_entries_count(const rid_entries *e);
/** Views that live until the next rid_entries_add. Empty texts read as not given. */
rid_meta rid_entries_meta(const rid_entries *e, size_t row);
rid_entry_status rid_entries_status(const rid_entries *e, size_t row);
/** The last row with that id that has not been forgotten. */
bool rid_entries_find(const rid_entries *e, rid_str id, size_t *row);
/** Takes the id out of what rid_entries_find knows; the row stays. */
void rid_entries_forget(rid_entries *e, rid_str id);

#endif
