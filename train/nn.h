/** libtorch behind C: tensors, the operations that the training graphs need, and their gradients.
 *
 *  A context owns every value made through it until rid_nn_reset, and keeps the first error:
 *  operations on a context that has failed return NULL and take NULL, so that a model reads as a chain
 *  of calls and one check (rid_nn_check). No C++ exception crosses. One thread per context; never
 *  called inside a parallel region. Values are float32, or float64 where the context was opened so. */
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

/** A program that wants the GPU opens it before anything else of libtorch, which looks for its CUDA
 *  half once. RID_ECONFIG with what is missing where CUDA is asked for and cannot be had; AUTO takes
 *  the CPU then. threads >= 1: of libtorch and its BLAS, in this process (the last context opened counts).
 *  The same calls with the same number of threads give the same bits; on CUDA deterministic
 *  algorithms are asked for. */
RID_MUST rid_status rid_nn_open(rid_nn **out, rid_nn_device device, int threads, bool f64,
                                rid_err *err);
/** NULL is allowed. */
void rid_nn_close(rid_nn *nn);
int rid_nn_threads(const rid_nn *nn);
/** "cpu", or "cuda: NAME" */
const char *rid_nn_device_name(const rid_nn *nn);
/** Version of libtorch that this was compiled with: "2.13.0". Static. */
const char *rid_nn_version(void);
/** Contexts and values alive in this process: 0 at the end of a test. */
size_t rid_nn_live(void);

/** Frees all values and forgets the error. */
void rid_nn_reset(rid_nn *nn);
/** The first error since the reset, or RID_OK: RID_ETEMP (memory), RID_EFAIL with libtorch's first
 *  line. */
RID_MUST rid_status rid_nn_check(const rid_nn *nn, rid_err *err);

/* ---- leaves (1 to 4 dimensions, row-major) ----
 * Where values are float32 on the CPU, the data is borrowed until the reset, elsewhere copied. */

rid_nn_value *rid_nn_constant(rid_nn *nn, const float *data, int n_dims, const int64_t *shape);
/** A leaf that gets a gradient. */
rid_nn_value *rid_nn_parameter(rid_nn *nn, const float *data, int n_dims, const int64_t *shape);

/* ---- operations; shapes that do not fit are the context's error ---- */

/** x Wᵀ + b (n, out) of x (n, in), w (out, in), b (out) or NULL for none. */
rid_nn_value *rid_nn_linear(rid_nn *nn, rid_nn_value *x, rid_nn_value *w, rid_nn_value *b);
/** a b (n, m) of a (n, k), b (k, m). */
rid_nn_value *rid_nn_matmul(rid_nn *nn, rid_nn_value *a, rid_nn_value *b);
/** max(x, 0) */
rid_nn_value *rid_nn_relu(rid_nn *nn, rid_nn_value *x);
/** Element by element, of one shape. */
rid_nn_value *rid_nn_multiply(rid_nn *nn, rid_nn_value *a, rid_nn_value *b);
/** [a, b] (n, k + m) of a (n, k), b (n, m). */
rid_nn_value *rid_nn_concat(rid_nn *nn, rid_nn_value *a, rid_nn_value *b);
/** [x, 0] (n, width) of x (n, k), k <= width. */
rid_nn_value *rid_nn_widen(rid_nn *nn, rid_nn_value *x, int64_t width);
/** Rows of x (n, k) over max(their norm, 1e-12), as torch.nn.functional.normalize. */
rid_nn_value *rid_nn_unit_rows(rid_nn *nn, rid_nn_value *x);
/** x[:, 0, :] (n, d) of x (n, f, d). */
rid_nn_value *rid_nn_first(rid_nn *nn, rid_nn_value *x);
/** Σf softmax(scale q·x + bias)[f] x[f] (n, d) of queries (n, d), x (n, f, d), bias (n, f): 0, or −∞
 *  where there is no frame. query = NULL: logits are the bias alone. */
rid_nn_value *rid_nn_attend(rid_nn *nn, rid_nn_value *query, double scale, rid_nn_value *x,
                            rid_nn_value *bias);

/* ---- results ---- */

/** Gradients of Σ gradient·v in all parameters that v depends on: f64, as v, n its number of
 *  elements. Once between two resets. */
void rid_nn_backward(rid_nn *nn, rid_nn_value *v, const double *gradient, size_t n);
/** Copies a value out; n = its number of elements, checked. The context's error, where there is one. */
RID_MUST rid_status rid_nn_read(rid_nn *nn, const rid_nn_value *v, double *out, size_t n,
                                rid_err *err);
/** A parameter's gradient as float32; zeros where it has none. */
RID_MUST rid_status rid_nn_read_gradient(rid_nn *nn, const rid_nn_value *v, float *out, size_t n,
                                         rid_err *err);

/* ---- linear algebra in double, without a context: on the CPU, with the threads of the context that
 * was opened last, or as many as there are processors ---- */

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
