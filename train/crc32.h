/** Cyclic redundancy checks of 32 bits. */
#ifndef RID_CRC32_H
#define RID_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 of zip, gzip and PNG (reflected polynomial 0xEDB88320). Continues from `crc`; begin with
 *  0. Thread-safe. */
uint32_t rid_crc32(uint32_t crc, const void *bytes, size_t n);
/** CRC-32C of iSCSI (RFC 3720) and of TensorFlow's records (reflected polynomial 0x82F63B78),
 *  likewise. */
uint32_t rid_crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
