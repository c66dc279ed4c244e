/** The checksum of HDF5's fletcher32 filter (J. Fletcher, "An Arithmetic Checksum for Serial
 *  Transmissions", 1982), so that chunks can be written and checked outside the library's lock. */
#ifndef RID_FLETCHER_H
#define RID_FLETCHER_H

#include <stddef.h>
#include <stdint.h>

/** Over n bytes as big-endian 16-bit words (an odd last byte is a word's high half). */
uint32_t rid_fletcher32(const void *bytes, size_t n);
/** The same of bytes that come in pieces: begin with zeros, add every piece (all but the last of an
 *  even length), end. */
typedef struct rid_fletcher {
    uint64_t sum1, sum2; /* mod 65535 */
    uint64_t any;        /* not 0: some byte was not */
} rid_fletcher;
void rid_fletcher_add(rid_fletcher *f, const void *bytes, size_t n);
uint32_t rid_fletcher_end(const rid_fletcher *f);
/** The plain loop it is tested against. */
uint32_t rid_fletcher32_reference(const void *bytes, size_t n);

#endif
