/** The last step of writing a store: table of frame chunks, digest, user block. Not for other modules
 *  than the writer. */
#ifndef RID_STORE_SEAL_H
#define RID_STORE_SEAL_H

#include "data/store.h"

/** Appends the table of extents to the closed HDF5 file and fills its user block. */
RID_MUST rid_status rid_store_seal(rid_publish *publish, const rid_store_info *info, rid_err *err);
/** Opens the sealed file as a reader would and verifies it. RID_EIO where it does not hold: that is
 *  the disk's doing. */
RID_MUST rid_status rid_store_verify_sealed(const char *path, int threads, rid_err *err);

#endif
