/* The libtorch shim: the only file that includes its headers. */
#include "train/nn.h"

#include <torch/types.h>
#include <torch/version.h>

#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace {

/* The first line of libtorch's message; the rest is a trace of its own sources. */
std::string first_line(const char *text)
{
    return std::string(text, std::strcspn(text, "\n"));
}

/* An allocator of libtorch's that has failed says so in words only. */
rid_status status_of(const std::string &message)
{
    bool memory = message.find("not enough memory") != std::string::npos ||
                  message.find("out of memory") != std::string::npos;
    return memory ? RID_ETEMP : RID_EFAIL;
}

/* Runs f. What it throws becomes a status and a message: nothing leaves. */
template <class F> rid_status guard(rid_err *err, F f) noexcept
{
    try {
        return f();
    } catch (const std::bad_alloc &) {
        return RID_FAIL_NOMEM(err);
    } catch (const c10::Error &e) {
        std::string line = first_line(e.what_without_backtrace());
        return RID_FAIL(err, status_of(line), "libtorch: %s", line.c_str());
    } catch (const std::exception &e) {
        return RID_FAIL(err, RID_EFAIL, "libtorch: %s", first_line(e.what()).c_str());
    } catch (...) {
        return RID_FAIL(err, RID_EFAIL, "libtorch: an exception of unknown type");
    }
}

/* A view of a caller's matrix (rows, columns), turned over where asked. Never written through where
 * the caller's is const. */
at::Tensor view_f64(const double *data, std::size_t rows, std::size_t columns, bool transposed)
{
    auto n = static_cast<std::int64_t>(rows), m = static_cast<std::int64_t>(columns);
    auto *p = const_cast<double *>(data);
    return transposed ? at::from_blob(p, {m, n}, at::kDouble).t()
                      : at::from_blob(p, {n, m}, at::kDouble);
}

} // namespace

extern "C" {

const char *rid_nn_version(void)
{
    return TORCH_VERSION;
}

rid_status rid_nn_eigh(double *a, double *values, size_t n, rid_err *err)
{
    for (std::size_t i = 0; i < n * n; i++)
        if (!std::isfinite(a[i]))
            return RID_FAIL(err, RID_EDATA, "element (%zu, %zu) of the matrix is not finite", i / n,
                            i % n);
    return guard(err, [&]() -> rid_status {
        at::Tensor matrix = view_f64(a, n, n, false);
        auto [w, v] = at::linalg_eigh(matrix);
        matrix.copy_(v);
        at::from_blob(values, {static_cast<std::int64_t>(n)}, at::kDouble).copy_(w);
        return RID_OK;
    });
}

rid_status rid_nn_gemm(double *c, const double *a, bool a_transposed, const double *b,
                       bool b_transposed, size_t n, size_t k, size_t m, rid_err *err)
{
    return guard(err, [&]() -> rid_status {
        at::Tensor out = view_f64(c, n, m, false);
        at::mm_out(out, view_f64(a, n, k, a_transposed), view_f64(b, k, m, b_transposed));
        return RID_OK;
    });
}

} // extern "C"
