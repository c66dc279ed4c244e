#include "data/payload_skim.h"

#include "data/base/hash.h"
#include "data/json_scan.h"

#include <string.h>

rid_str rid_payload_store_of_id(rid_str entry_id)
{
    const char *dash = entry_id.len ? memchr(entry_id.data, '-', entry_id.len) : NULL;
    return (rid_str){entry_id.data, dash ? (size_t)(dash - entry_id.data) : entry_id.len};
}

uint32_t rid_payload_shard(rid_str day, rid_str store, uint32_t n)
{
    char key[2 * RID_ID_BYTES_MAX + 1];
    memcpy(key, day.data, day.len);
    key[day.len] = '\0';
    memcpy(key + day.len + 1, store.data, store.len);
    return (uint32_t)(rid_hash64(key, day.len + 1 + store.len) % n);
}

/* Moves *at from the first byte of a value to the one behind it. */
static bool skip_value(const char *text, size_t len, size_t *at)
{
    size_t i = rid_json_skip_blank(text, len, *at);
    rid_str s;
    if (i >= len)
        return false;
    if (text[i] == '"')
        return rid_json_scan_plain_string(text, len, at, &s);
    if (text[i] == '{' || text[i] == '[') {
        rid_json_skim skim = {0};
        i += rid_json_skim_run(&skim, text + i, len - i);
        *at = i;
        return skim.complete;
    }
    while (i < len && text[i] != ',' && text[i] != '}')
        i++;
    *at = i;
    return true;
}

bool rid_payload_find_frames(const char *text, size_t len, size_t *at)
{
    rid_str key;
    size_t i = rid_json_skip_blank(text, len, 0);
    if (i >= len || text[i] != '{')
        return false;
    do {
        i++;
        if (!rid_json_scan_plain_string(text, len, &i, &key))
            return false;
        i = rid_json_skip_blank(text, len, i);
        if (i >= len || text[i++] != ':')
            return false;
        i = rid_json_skip_blank(text, len, i);
        if (rid_str_equal(key, rid_str_of("embeddings"))) {
            *at = i;
            return i < len && text[i] == '[';
        }
        if (!skip_value(text, len, &i))
            return false;
        i = rid_json_skip_blank(text, len, i);
    } while (i < len && text[i] == ',');
    return false;
}

bool rid_payload_skim_bucket(const char *text, size_t len, rid_str entry_key, rid_str *day,
                             rid_str *store)
{
    rid_str key, id = entry_key;
    size_t at = rid_json_skip_blank(text, len, 0);
    *day = *store = (rid_str){NULL, 0};
    if (at >= len || text[at++] != '{')
        return false;
    while (!(day->data && store->data)) {
        if (!rid_json_scan_plain_string(text, len, &at, &key))
            return false;
        at = rid_json_skip_blank(text, len, at);
        if (at >= len || text[at++] != ':')
            return false;
        rid_str *wanted = rid_str_equal(key, rid_str_of("day_id"))     ? day
                          : rid_str_equal(key, rid_str_of("store_id")) ? store
                          : rid_str_equal(key, rid_str_of("entry_id")) ? &id
                                                                       : NULL;
        if (wanted ? !rid_json_scan_plain_string(text, len, &at, wanted)
                   : !skip_value(text, len, &at))
            return false;
        at = rid_json_skip_blank(text, len, at);
        if (at < len && text[at] == ',') {
            at++;
            continue;
        }
        if (at >= len || text[at] != '}')
            return false;
        break;
    }
    if (!store->data && id.data)
        *store = rid_payload_store_of_id(id);
    return day->data && store->data && day->len == RID_DAY_LENGTH && store->len > 0 &&
           store->len <= RID_ID_BYTES_MAX;
}
