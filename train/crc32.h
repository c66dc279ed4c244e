/** CRC-32 of zip, gzip and PNG (reflected polynomial 0xEDB88320). */
#ifndef RID_CRC32_H
#define RID_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** Continues from `crc`; begin with 0. Thread-safe. */
uint32_t rid_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
