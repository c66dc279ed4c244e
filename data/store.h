/** The store: entries with embeddings, metadata and (optionally) frames in one HDF5 file that is
 *  immutable once published. A 512-byte user block holds magic, version, length and an XXH3-128 of
 *  everything after it except the chunks of /frame/vector, which their own checksums protect; it is
 *  checked before HDF5 opens the file. */
#ifndef RID_STORE_H
#define RID_STORE_H

#include "data/base/publish.h"
#include "data/entries.h"

typedef enum rid_frames_kind {
    RID_FRAMES_NONE,
    RID_FRAMES_F32,
    RID_FRAMES_F16,
} rid_frames_kind;

/** "none", "f32", "f16" */
const char *rid_frames_kind_name(rid_frames_kind k);

/** What holds for all entries of a store. Strings are never NULL except operating_point. */
typedef struct rid_store_info {
    const char *encoder_hash;    /**< 64 hex digits */
    const char *encoder;         /**< "mean", "baseline", "xattn" */
    const char *kernel;          /**< arithmetic the embeddings were computed with */
    const char *schema;          /**< attribute schema as compact JSON, "" without one */
    const char *filter;          /**< frame-filter settings, JSON */
    const char *operating_point; /**< JSON, NULL when the checkpoint had none */
    const char *tool_version;    /**< of the writer; filled when reading */
    size_t vis_dim, attr_dim, emb_dim;
    rid_frames_kind frames;
} rid_store_info;

/** One entry to be written. */
typedef struct rid_store_row {
    const rid_payload *payload; /**< its frames and attr are ignored where the store has none */
    const float *embedding;     /**< f32 (emb_dim), unit length; NULL: all zero (skip) */
    const uint8_t *kept;        /**< (frames.rows): 1 where the frame was used; NULL: none was */
    rid_entry_status status;
} rid_store_row;

/* ---- writing ---- */

typedef struct rid_store_writer rid_store_writer;

/** Starts a store in the temporary file of `publish`, which the writer takes over (also on failure).
 *  `info` is copied. */
RID_MUST rid_status rid_store_writer_open(rid_store_writer **out, rid_publish *publish,
                                          const rid_store_info *info, rid_err *err);
/** Appends an entry; an earlier one with the same id is dropped (*replaced, which may be NULL). */
RID_MUST rid_status rid_store_writer_add(rid_store_writer *w, const rid_store_row *row,
                                         bool *replaced, rid_err *err);
/** Drops the entry with that id, if there is one. */
RID_MUST rid_status rid_store_writer_remove(rid_store_writer *w, rid_str id, rid_err *err);
/** Finishes, reads back and verifies, and leaves in *publish the sealed file, to be committed by the
 *  caller (so that several outputs can appear together). Frees w, also on failure (*publish NULL). */
RID_MUST rid_status rid_store_writer_finish(rid_store_writer *w, int threads, rid_publish **publish,
                                            rid_err *err);
/** Gives up: removes the temporary file. NULL is fine. */
void rid_store_writer_abort(rid_store_writer *w);

/* ---- reading: thread-safe once open ---- */

typedef struct rid_store rid_store;

/** Opens and checks the user block's digest. RID_ENOINPUT, RID_EDATA. */
RID_MUST rid_status rid_store_open(rid_store **out, const char *path, rid_err *err);
void rid_store_close(rid_store *s);

const char *rid_store_path(const rid_store *s);
const rid_store_info *rid_store_get_info(const rid_store *s);
const rid_entries *rid_store_entries(const rid_store *s);
size_t rid_store_count(const rid_store *s);
/** XXH3-128 of the file's contents in hex, as the user block has it. */
const char *rid_store_digest(const rid_store *s);
/** Bytes of the file. */
uint64_t rid_store_bytes(const rid_store *s);

/** Embeddings of n rows, in that order: f32 (n, emb_dim). Attribute vectors likewise. */
RID_MUST rid_status rid_store_read_embeddings(rid_store *s, const size_t *rows, size_t n, float *out,
                                              rid_err *err);
RID_MUST rid_status rid_store_read_attr(rid_store *s, const size_t *rows, size_t n, float *out,
                                        rid_err *err);
/** Frames of a row: their number, all of them as f32 (n_frames, vis_dim), which ones were kept. All
 *  zero or RID_EDATA where the store has no frames. */
size_t rid_store_frame_count(const rid_store *s, size_t row);
RID_MUST rid_status rid_store_read_frames(rid_store *s, size_t row, float *out, rid_err *err);
RID_MUST rid_status rid_store_read_kept(rid_store *s, size_t row, uint8_t *out, rid_err *err);
/** Metadata, images and attributes of a row into p; frames too where `frames`. p->attr is not set. */
RID_MUST rid_status rid_store_read_payload(rid_store *s, size_t row, bool frames, rid_payload *p,
                                           rid_err *err);

/** Checks every checksum and every invariant: offsets, unit length, unique ids, dates, statuses.
 *  `deep` also looks into frames and attributes. RID_EDATA with the first violation. */
RID_MUST rid_status rid_store_verify(rid_store *s, bool deep, int threads, rid_err *err);

/** The part of rid_store_verify that reads the chunks of frames, in parallel. */
RID_MUST rid_status rid_store_verify_frames(rid_store *s, int threads, rid_err *err);

/** Copies one entry as it is. The scratch memory is the caller's, reused from row to row: `embedding`
 *  f32 (emb_dim); *kept grows with rid_mem. */
RID_MUST rid_status rid_store_copy_row(rid_store_writer *to, rid_store *from, size_t row,
                                       rid_payload *scratch, float *embedding, uint8_t **kept,
                                       size_t *kept_cap, rid_err *err);

/** Why two stores cannot be put together ("encoder_hash: … and …"), RID_ECONFIG; or RID_OK. */
RID_MUST rid_status rid_store_check_compatible(const rid_store *a, const rid_store *b, rid_err *err);

#endif
