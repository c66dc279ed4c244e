/** Reading a zip archive whose entries are stored, not compressed: the container of PyTorch's
 *  checkpoints. The whole structure is checked when it is opened; nothing is mapped. */
#ifndef RID_ZIPSTORE_H
#define RID_ZIPSTORE_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "train/budget.h"

enum {
    RID_ZIP_RECORDS_MAX = 16384,
    RID_ZIP_NAME_MAX = 512,       /**< bytes of a record's name */
    RID_ZIP_BLOCK_BYTES = 1 << 16 /**< the block that records are streamed in */
};

typedef struct rid_zip rid_zip;

/** One record. Owned by the archive. */
typedef struct rid_zip_record {
    rid_str name;
    uint64_t header; /**< byte of its local header in the file */
    uint64_t offset; /**< byte of its data in the file */
    uint64_t size;   /**< bytes of data */
    uint32_t crc;    /**< CRC-32 of the data */
} rid_zip_record;

/** Reads the directory of the archive in fd (a regular file of `size` bytes; borrowed, must outlive
 *  the handle). Memory is charged to `budget`, also borrowed. *out is NULL on failure.
 *  RID_EDATA, with the byte of the file, for everything that is not a whole archive of stored
 *  records: no end record, compressed, encrypted, split, records that overlap or leave the file,
 *  duplicate or absolute names or such with "..", too many records. RID_EIO, RID_ETEMP. */
RID_MUST rid_status rid_zip_open(rid_zip **out, int fd, uint64_t size, rid_budget *budget,
                                 rid_err *err);
void rid_zip_close(rid_zip *z);

size_t rid_zip_n_records(const rid_zip *z);
/** Record i of the directory's order. */
const rid_zip_record *rid_zip_record_at(const rid_zip *z, size_t i);
/** The record of that name, or NULL. */
const rid_zip_record *rid_zip_find(const rid_zip *z, rid_str name);

/** Streams the record and compares its CRC-32. RID_EDATA where it differs. */
RID_MUST rid_status rid_zip_check(rid_zip *z, const rid_zip_record *r, rid_err *err);
/** Reads n bytes from byte `at` of the record's data, which must lie inside. Not checked: see
 *  rid_zip_check. */
RID_MUST rid_status rid_zip_read(const rid_zip *z, const rid_zip_record *r, uint64_t at,
                                 void *bytes, size_t n, rid_err *err);

#endif
