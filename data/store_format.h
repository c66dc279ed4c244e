/** The on-disk layout that the store's reader and writer share. Not for other modules. */
#ifndef RID_STORE_FORMAT_H
#define RID_STORE_FORMAT_H

#include "data/base/hash.h"
#include "data/h5file.h"
#include "data/store.h"

enum { RID_STORE_VERSION = 1 };

/** Names and types of the columns. */
typedef enum rid_store_column {
    RID_COLUMN_TIMESTAMP_US,
    RID_COLUMN_STATUS,
    RID_COLUMN_ATTR,
    RID_COLUMN_EMBEDDING,
    RID_COLUMN_IMAGE_ENTRY_OFFSET,
    RID_COLUMN_IMAGE_OFFSET,
    RID_COLUMN_IMAGE_BYTES,
    RID_COLUMN_ATTRS_OFFSET,
    RID_COLUMN_ATTRS_BYTES,
    RID_COLUMN_FRAME_OFFSET,
    RID_COLUMN_FRAME_KEPT,
    RID_COLUMN_FRAME_VECTOR,
    RID_STORE_COLUMNS
} rid_store_column;

const char *rid_store_column_name(rid_store_column c);
/** Shape of a column in a store of that info. */
rid_h5_shape rid_store_column_shape(rid_store_column c, const rid_store_info *info);
/** Does a store with these frames have it? */
bool rid_store_has_column(rid_store_column c, rid_frames_kind frames);

/** A run of bytes that the digest leaves out. */
typedef struct rid_extent {
    uint64_t offset, bytes;
} rid_extent;

/** The contents of the user block. The table of extents stands at the end of the file. */
typedef struct rid_store_header {
    uint64_t file_bytes;
    uint64_t table_offset, n_extents;
    rid_digest128 digest;
} rid_store_header;

void rid_store_header_encode(unsigned char block[RID_H5_USER_BLOCK], const rid_store_header *h);
/** RID_EDATA with what is wrong: no store, another version, damaged. */
RID_MUST rid_status rid_store_header_decode(rid_store_header *h,
                                            const unsigned char block[RID_H5_USER_BLOCK],
                                            rid_err *err);
/** Reads the table and digests the file as the header says. *table is rid_mem's. */
RID_MUST rid_status rid_store_digest_file(rid_digest128 *digest, int fd, const rid_store_header *h,
                                          const rid_extent *table, const char *name, rid_err *err);
/** Little-endian bytes of the table, in *bytes (n_extents * 16, rid_mem). */
void rid_store_table_encode(unsigned char *bytes, const rid_extent *table, size_t n);
void rid_store_table_decode(rid_extent *table, const unsigned char *bytes, size_t n);

/** Copies the strings of b into *a (freed with rid_store_info_free). */
RID_MUST rid_status rid_store_info_copy(rid_store_info *a, const rid_store_info *b, rid_err *err);
void rid_store_info_free(rid_store_info *a);

#endif
