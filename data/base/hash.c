#include "data/base/hash.h"

#include "data/base/mem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h> /* the same digests with the widest vectors that the processor has */
#endif

struct rid_hasher {
    XXH3_state_t *state;
};

uint64_t rid_hash64(const void *bytes, size_t n)
{
    return n ? XXH3_64bits(bytes, n) : XXH3_64bits("", 0);
}

rid_hasher *rid_hasher_new(void)
{
    rid_hasher *h = rid_mem_alloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->state = XXH3_createState();
    if (!h->state) {
        rid_mem_free(h);
        return NULL;
    }
    XXH3_128bits_reset(h->state);
    return h;
}

void rid_hasher_free(rid_hasher *h)
{
    if (!h)
        return;
    XXH3_freeState(h->state);
    rid_mem_free(h);
}

void rid_hasher_add(rid_hasher *h, const void *bytes, size_t n)
{
    if (n)
        XXH3_128bits_update(h->state, bytes, n);
}

void rid_hasher_add_field(rid_hasher *h, const void *bytes, size_t n)
{
    uint8_t len[8];
    for (int i = 0; i < 8; i++)
        len[i] = (uint8_t)((uint64_t)n >> (8 * i));
    rid_hasher_add(h, len, sizeof len);
    rid_hasher_add(h, bytes, n);
}

rid_digest128 rid_hasher_end(rid_hasher *h)
{
    XXH128_canonical_t canonical;
    rid_digest128 d;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(h->state));
    for (size_t i = 0; i < sizeof d.bytes; i++)
        d.bytes[i] = canonical.digest[i];
    XXH3_128bits_reset(h->state);
    return d;
}

void rid_digest128_hex(char *hex, rid_digest128 d)
{
    for (size_t i = 0; i < sizeof d.bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", d.bytes[i]);
}

struct rid_sha256 {
    EVP_MD_CTX *ctx;
    int failed;
};

rid_sha256 *rid_sha256_new(void)
{
    rid_sha256 *h = rid_mem_alloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx) {
        rid_mem_free(h);
        return NULL;
    }
    h->failed = EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1;
    return h;
}

void rid_sha256_free(rid_sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    rid_mem_free(h);
}

void rid_sha256_add(rid_sha256 *h, const void *bytes, size_t n)
{
    if (n)
        h->failed |= EVP_DigestUpdate(h->ctx, bytes, n) != 1;
}

rid_status rid_sha256_end(char hex[65], rid_sha256 *h, rid_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (h->failed || EVP_DigestFinal_ex(h->ctx, digest, &n) != 1 || n != 32)
        return RID_FAIL(err, RID_EFAIL, "SHA-256 is not available from libcrypto");
    for (unsigned int i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return RID_OK;
}
