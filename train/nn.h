/** libtorch behind C: tensors, the operations that the training graphs need, and their gradients.
 *
 *  A context owns every value made through it until rid_nn_reset, and keeps the first error: operations
 *  on a context that has failed return NULL and take NULL, so that a model reads as a chain of calls and
 *  one check (rid_nn_check). No C++ exception crosses. One thread per context; never called inside a
 *  parallel region. Values are float32, or float64 where the context was opened so. */
#ifndef RID_NN_H
#define RID_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "data/base/err.h"

typedef struct rid_nn rid_nn;             /**< a context */
typedef struct rid_nn_value rid_nn_value; /**< a tensor in the graph; the context's */

typedef enum rid_nn_device { RID_NN_CPU, RID_NN_CUDA, RID_NN_AUTO } rid_nn_device;

/** RID_EUNAVAIL with what is missing where CUDA is asked for and cannot be had; AUTO takes the CPU
 *  then. threads >= 1: of libtorch and its BLAS. Deterministic algorithms are on. */
RID_MUST rid_status rid_nn_open(rid_nn **out, rid_nn_device device, int threads, bool f64,
                                rid_err *err);
void rid_nn_close(rid_nn *nn);
/** "cpu", or "cuda: NAME" */
const char *rid_nn_device_name(const rid_nn *nn);
/** Version of libtorch: "1.13.1". Static. */
const char *rid_nn_version(void);
/** Contexts and values alive in this process: 0 at the end of a test. */
size_t rid_nn_live(void);

/** Frees all values and forgets the error. */
void rid_nn_reset(rid_nn *nn);
/** The first error since the reset, or RID_OK: RID_ETEMP (memory), RID_EFAIL with libtorch's first
 *  line. */
RID_MUST rid_status rid_nn_check(const rid_nn *nn, rid_err *err);

/* ---- leaves: data is copied (n_dims <= 4) ---- */

rid_nn_value *rid_nn_constant(rid_nn *nn, const float *data, int n_dims, const int64_t *shape);
/** A leaf that gets a gradient. */
rid_nn_value *rid_nn_parameter(rid_nn *nn, const float *data, int n_dims, const int64_t *shape);

/* ---- operations: … (to be completed by the shim's author, only what the graphs need) ---- */

/* ---- results ---- */

/** Computes the gradients of a scalar. */
void rid_nn_backward(rid_nn *nn, rid_nn_value *loss);
/** Copies a value out as float32; cap = its number of elements, checked. */
RID_MUST rid_status rid_nn_read(rid_nn *nn, const rid_nn_value *v, float *out, size_t cap,
                                rid_err *err);
/** A parameter's gradient; zeros where it has none. */
RID_MUST rid_status rid_nn_read_gradient(rid_nn *nn, const rid_nn_value *v, float *out, size_t cap,
                                         rid_err *err);

/* ---- linear algebra in double, without a context ---- */

/** Eigenvalues (ascending) and eigenvectors of a symmetric matrix: a (n, n) is overwritten with the
 *  eigenvectors in its COLUMNS, row-major; values (n). Only the lower triangle is read. RID_EDATA where
 *  an element is not finite, RID_EFAIL where it does not converge. */
RID_MUST rid_status rid_nn_eigh(double *a, double *values, size_t n, rid_err *err);
/** c (n, m) = a (n, k) · b (k, m), all double, row-major, either transposed where asked: a is then
 *  stored (k, n), b (m, k). */
RID_MUST rid_status rid_nn_gemm(double *c, const double *a, bool a_transposed, const double *b,
                                bool b_transposed, size_t n, size_t k, size_t m, rid_err *err);

#ifdef __cplusplus
}
#endif
#endif
