/** What a run did: the counts behind --summary-json and the closing message. */
#ifndef RID_SUMMARY_H
#define RID_SUMMARY_H

#include "data/base/buf.h"
#include "data/base/err.h"

/** Why a payload was not accepted. The names (rid_reject_name) are part of the summary's format. */
typedef enum rid_reject {
    RID_REJECT_SYNTAX,        /**< broken JSON, trailing text, truncated */
    RID_REJECT_DEPTH,         /**< nested deeper than RID_JSON_DEPTH_MAX */
    RID_REJECT_TOO_LARGE,     /**< over 256 MiB */
    RID_REJECT_DUPLICATE_KEY,
    RID_REJECT_UTF8,
    RID_REJECT_MISSING,       /**< a required field is not there */
    RID_REJECT_TYPE,          /**< a field of the wrong type */
    RID_REJECT_ID,            /**< an id, store or camera that is empty, too long or has a NUL */
    RID_REJECT_DAY,           /**< a day that is no calendar date */
    RID_REJECT_TIMESTAMP,
    RID_REJECT_NO_FRAMES,
    RID_REJECT_RAGGED,        /**< frames of different sizes in one payload */
    RID_REJECT_FRAME_SIZE,    /**< frames of another size than the encoder's */
    RID_REJECT_RANGE,         /**< a number that does not fit float32, or float16 with --frames f16 */
    RID_REJECT_INPUT,         /**< the rest of an input that cannot be read or decompressed */
    RID_REJECT_COUNT
} rid_reject;

const char *rid_reject_name(rid_reject r);

/** Out-of-vocabulary attribute values and how often each was seen. Zero-initialise. At most
 *  RID_OOV_VALUES_MAX distinct values are told apart; the rest are counted under "(others)". */
enum { RID_OOV_VALUES_MAX = 4096, RID_OOV_VALUE_BYTES = 64 };
typedef struct rid_oov_item {
    char *field, *value;
    uint64_t count;
} rid_oov_item;
typedef struct rid_oov {
    rid_oov_item *items; /**< in order of first appearance */
    size_t n, cap;
} rid_oov;

RID_MUST rid_status rid_oov_add(rid_oov *o, rid_str field, rid_str value, uint64_t count,
                                rid_err *err);
void rid_oov_clear(rid_oov *o);

enum { RID_SUMMARY_NAMED_MAX = 16 };

/** Zero-initialise; rid_summary_clear frees. Filled by one thread. */
typedef struct rid_summary {
    uint64_t read, accepted, duplicates, skipped;
    uint64_t rejects[RID_REJECT_COUNT];
    rid_oov oov;
    struct {
        const char *name; /**< a string literal */
        double seconds;
    } stages[RID_SUMMARY_NAMED_MAX];
    struct {
        const char *name;
        double value;
    } figures[RID_SUMMARY_NAMED_MAX]; /**< further figures of one tool: buckets, people, bytes */
    struct {
        const char *name, *text; /**< string literals; text NULL: null */
        bool is_flag, flag;
    } said[RID_SUMMARY_NAMED_MAX]; /**< flags and words of one tool */
    int exit_code; /**< 3 where rejects exceeded the limit; otherwise from the run's status */
} rid_summary;

uint64_t rid_summary_rejected(const rid_summary *s);

/** How many rejects a run may have: a number, or percent of what was read. */
typedef struct rid_reject_limit {
    double value;
    bool is_percent;
} rid_reject_limit;
/** True too where part of an input could not be read: nobody knows how many payloads that was. */
bool rid_summary_exceeds(const rid_summary *s, rid_reject_limit limit);

/** Adds to the stage (figure) of that name, made on first use. */
void rid_summary_add_stage(rid_summary *s, const char *name, double seconds);
void rid_summary_add_figure(rid_summary *s, const char *name, double value);
/** Sets a flag, or a word (a string literal; NULL: null), of that name. */
void rid_summary_say_flag(rid_summary *s, const char *name, bool flag);
void rid_summary_say(rid_summary *s, const char *name, const char *text);
/** Appends the JSON document, newline included. */
void rid_summary_write_json(const rid_summary *s, const char *tool, int exit_code, double wall_s,
                            rid_buf *out);
void rid_summary_clear(rid_summary *s);

#endif
