#include "train/crc32.h"

#include <pthread.h>

typedef uint32_t crc_table[8][256]; /* [k][b]: the CRC of byte b with k zero bytes after it */

static crc_table zip_table, castagnoli_table;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_table(crc_table table, uint32_t polynomial)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = (c >> 1) ^ (c & 1 ? polynomial : 0);
        table[0][i] = c;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++)
            table[k][i] = table[0][table[k - 1][i] & 0xFF] ^ (table[k - 1][i] >> 8);
}

static void make_tables(void)
{
    make_table(zip_table, 0xEDB88320u);
    make_table(castagnoli_table, 0x82F63B78u);
}

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Eight bytes a step (Kounavis and Berry, "A Systematic Approach to Building High Performance
 * Software-Based CRC Generators"). Our own, so that zlib is needed for compressed payloads only. */
static uint32_t update(crc_table table, uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    pthread_once(&tables_once, make_tables);
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t lo = crc ^ le32(p), hi = le32(p + 4);
        crc = table[7][lo & 0xFF] ^ table[6][lo >> 8 & 0xFF] ^ table[5][lo >> 16 & 0xFF] ^
              table[4][lo >> 24] ^ table[3][hi & 0xFF] ^ table[2][hi >> 8 & 0xFF] ^
              table[1][hi >> 16 & 0xFF] ^ table[0][hi >> 24];
    }
    for (; n > 0; n--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xFF];
    return ~crc;
}

uint32_t rid_crc32(uint32_t crc, const void *bytes, size_t n)
{
    return update(zip_table, crc, bytes, n);
}

uint32_t rid_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return update(castagnoli_table, crc, bytes, n);
}
