/** Digests: XXH3 (fast, not cryptographic) and SHA-256. */
#ifndef RID_HASH_H
#define RID_HASH_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

uint64_t rid_hash64(const void *bytes, size_t n);

typedef struct rid_digest128 {
    uint8_t bytes[16]; /**< XXH3-128 in canonical (big-endian) order */
} rid_digest128;

/** Streaming XXH3-128. new: NULL when there is no memory. end gives the digest and resets. */
typedef struct rid_hasher rid_hasher;
rid_hasher *rid_hasher_new(void);
void rid_hasher_free(rid_hasher *h);
void rid_hasher_add(rid_hasher *h, const void *bytes, size_t n);
/** Adds the length as 8 little-endian bytes, then the bytes: no two field lists run together. */
void rid_hasher_add_field(rid_hasher *h, const void *bytes, size_t n);
rid_digest128 rid_hasher_end(rid_hasher *h);

/** 33 bytes at hex: 32 lower-case digits and NUL. */
void rid_digest128_hex(char *hex, rid_digest128 d);

/** Streaming SHA-256 (FIPS 180-4) through OpenSSL. end writes 64 lower-case hex digits and NUL. */
typedef struct rid_sha256 rid_sha256;
rid_sha256 *rid_sha256_new(void);
void rid_sha256_free(rid_sha256 *h);
void rid_sha256_add(rid_sha256 *h, const void *bytes, size_t n);
RID_MUST rid_status rid_sha256_end(char hex[65], rid_sha256 *h, rid_err *err);

#endif
