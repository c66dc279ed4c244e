/* The libtorch shim: the only file that includes its headers. */
#include "train/nn.h"

#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include <dlfcn.h>
#include <malloc.h>

namespace {

std::atomic<std::size_t> n_live{0};

/* Counts what it is a part of. */
struct counted {
    counted() { n_live++; }
    ~counted() { n_live--; }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
};

} // namespace

struct rid_nn_value {
    explicit rid_nn_value(at::Tensor of) : tensor(std::move(of)) {}
    at::Tensor tensor;
    counted live;
};

struct rid_nn {
    c10::Device device{c10::kCPU};
    at::ScalarType type{at::kFloat};
    int threads{1};
    std::string device_name{"cpu"};
    std::deque<rid_nn_value> values; /* whose addresses stay */
    rid_status status{RID_OK};
    rid_err err{};
    counted live;
};

namespace {

/* ---- errors ---- */

/* What the shim itself finds wrong. */
struct misuse : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/* libtorch's allocators say in words only that there is no memory. */
rid_status status_of(const char *message)
{
    for (const char *shortage : {"not enough memory", "can't allocate memory", "out of memory"})
        if (std::strstr(message, shortage))
            return RID_ETEMP;
    return RID_EFAIL;
}

/* The message's first line: the rest is a trace through libtorch. */
rid_status fail(rid_err *err, const char *message)
{
    return RID_FAIL(err, status_of(message), "libtorch: %.*s",
                    static_cast<int>(std::strcspn(message, "\n")), message);
}

/* Runs f. What it throws becomes a status and a message, without allocating: nothing leaves. */
template <class F> rid_status guard(rid_err *err, F f) noexcept
{
    try {
        return f();
    } catch (const std::bad_alloc &) {
        return RID_FAIL_NOMEM(err);
    } catch (const misuse &e) {
        return RID_FAIL(err, RID_EFAIL, "%s", e.what());
    } catch (const c10::Error &e) {
        return fail(err, e.what_without_backtrace());
    } catch (const std::exception &e) {
        return fail(err, e.what());
    } catch (...) {
        return fail(err, "an exception of unknown type");
    }
}

/* Runs f unless the context has failed; its failure is the context's. */
template <class F> void run(rid_nn *nn, F f) noexcept
{
    if (nn->status == RID_OK)
        nn->status = guard(&nn->err, [&]() -> rid_status {
            f();
            return RID_OK;
        });
}

/* As run, of f's value. */
template <class F> rid_nn_value *make(rid_nn *nn, F f) noexcept
{
    run(nn, [&] { nn->values.emplace_back(f()); });
    return nn->status == RID_OK ? &nn->values.back() : nullptr;
}

void require(bool holds, const std::string &what)
{
    if (!holds)
        throw misuse(what);
}

const at::Tensor &get(const rid_nn_value *v)
{
    require(v != nullptr, "an operand is missing");
    return v->tensor;
}

std::string text_of(at::IntArrayRef shape)
{
    std::string text;
    for (std::int64_t n : shape)
        text += (text.empty() ? "" : ", ") + std::to_string(n);
    return "(" + text + ")";
}

/* libtorch repeats an operand that is too small; here it is a mistake. */
void require_shape(const char *what, const at::Tensor &t, at::IntArrayRef shape)
{
    if (t.sizes() != shape)
        throw misuse(std::string(what) + " " + text_of(t.sizes()) + ", expected " + text_of(shape));
}

/* ---- data of the caller ---- */

/* A caller's array as a tensor, never written through where it is const. */
template <class T> at::Tensor view(const T *data, at::IntArrayRef shape, at::ScalarType type)
{
    return at::from_blob(const_cast<T *>(data), shape, type);
}

/* A matrix (rows, columns), or one that is stored transposed. */
at::Tensor view_matrix(const double *data, std::size_t rows, std::size_t columns, bool transposed)
{
    auto n = static_cast<std::int64_t>(rows), m = static_cast<std::int64_t>(columns);
    return transposed ? view(data, {m, n}, at::kDouble).t() : view(data, {n, m}, at::kDouble);
}

at::Tensor leaf(const rid_nn *nn, const float *data, int n_dims, const std::int64_t *shape)
{
    require(n_dims >= 1 && n_dims <= 4, "a leaf has 1 to 4 dimensions");
    at::IntArrayRef dims(shape, static_cast<std::size_t>(n_dims));
    for (std::int64_t n : dims)
        require(n >= 0, "a leaf has no negative sizes");
    return view(data, dims, at::kFloat).to(nn->device, nn->type);
}

void copy_out(void *out, std::size_t n, at::ScalarType type, const at::Tensor &t)
{
    auto numel = static_cast<std::size_t>(t.numel());
    require(numel == n, "a value of " + std::to_string(numel) + " elements is read as one of " +
                            std::to_string(n));
    at::from_blob(out, t.sizes(), type).copy_(t.detach());
}

/* ---- devices ---- */

/* Name of the first visible GPU, from the driver that libtorch has initialised by now. */
std::string cuda_name()
{
    char name[128] = "";
    int device = 0;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver)
        return "unknown";
    auto get_device = reinterpret_cast<int (*)(int *, int)>(dlsym(driver, "cuDeviceGet"));
    auto get_name = reinterpret_cast<int (*)(char *, int, int)>(dlsym(driver, "cuDeviceGetName"));
    bool known = get_device && get_name && get_device(&device, 0) == 0 &&
                 get_name(name, sizeof name - 1, device) == 0;
    return known ? name : "unknown";
}

/* libtorch's CUDA half registers itself when it is loaded, and is linked by nobody: so one program
 * runs with and without it. */
rid_status use_cuda(rid_nn *nn, rid_err *err)
{
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
        return RID_FAIL(
            err, RID_ECONFIG,
            "no CUDA: libtorch %s has no CUDA library that loads (%s); build with one that has"
            " (make LIBTORCH=DIR), or choose --device cpu or auto",
            rid_nn_version(), dlerror());
    if (!torch::cuda::is_available())
        return RID_FAIL(
            err, RID_ECONFIG,
            "no CUDA: libtorch %s finds no GPU with a driver; run where nvidia-smi lists one, or"
            " choose --device cpu or auto",
            rid_nn_version());
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0); /* what deterministic products ask for */
    at::globalContext().setDeterministicAlgorithms(true, false);
    nn->device_name = "cuda: " + cuda_name();
    nn->device = c10::Device(c10::kCUDA, 0);
    return RID_OK;
}

/* OpenBLAS with threads of its own (libopenblas0-pthread) takes every processor, whatever libtorch was
 * told; that with OpenMP's (libopenblas0-openmp) and MKL obey. */
void set_threads(int threads)
{
    at::set_num_threads(threads);
    if (void *set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))
        reinterpret_cast<void (*)(int)>(set)(threads);
}

/* Every step frees and allocates the same tensors. Given back to the system in between, they cost a
 * page fault for each 4 KiB: a tenth of a step. */
void keep_freed_memory()
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

} // namespace

extern "C" {

/* ---- contexts ---- */

rid_status rid_nn_open(rid_nn **out, rid_nn_device device, int threads, bool f64, rid_err *err)
{
    *out = nullptr;
    return guard(err, [&]() -> rid_status {
        auto nn = std::make_unique<rid_nn>();
        nn->threads = threads;
        nn->type = f64 ? at::kDouble : at::kFloat;
        set_threads(threads);
        keep_freed_memory();
        rid_status st = RID_OK;
        if (device != RID_NN_CPU)
            st = guard(err, [&] { return use_cuda(nn.get(), err); });
        if (st == RID_OK || device == RID_NN_AUTO)
            *out = nn.release();
        return *out ? RID_OK : st;
    });
}

void rid_nn_close(rid_nn *nn)
{
    delete nn;
}

int rid_nn_threads(const rid_nn *nn)
{
    return nn->threads;
}

const char *rid_nn_device_name(const rid_nn *nn)
{
    return nn->device_name.c_str();
}

const char *rid_nn_version(void)
{
    return TORCH_VERSION;
}

size_t rid_nn_live(void)
{
    return n_live;
}

void rid_nn_reset(rid_nn *nn)
{
    nn->values.clear();
    nn->status = RID_OK;
}

rid_status rid_nn_check(const rid_nn *nn, rid_err *err)
{
    if (nn->status != RID_OK && err)
        *err = nn->err;
    return nn->status;
}

/* ---- leaves ---- */

rid_nn_value *rid_nn_constant(rid_nn *nn, const float *data, int n_dims, const int64_t *shape)
{
    return make(nn, [&] { return leaf(nn, data, n_dims, shape); });
}

rid_nn_value *rid_nn_parameter(rid_nn *nn, const float *data, int n_dims, const int64_t *shape)
{
    return make(nn, [&] { return leaf(nn, data, n_dims, shape).requires_grad_(); });
}

/* ---- operations ---- */

rid_nn_value *rid_nn_linear(rid_nn *nn, rid_nn_value *x, rid_nn_value *w, rid_nn_value *b)
{
    return make(nn, [&] {
        if (!b)
            return at::mm(get(x), get(w).t());
        require_shape("a bias is", get(b), {get(w).size(0)});
        return at::addmm(get(b), get(x), get(w).t());
    });
}

rid_nn_value *rid_nn_matmul(rid_nn *nn, rid_nn_value *a, rid_nn_value *b)
{
    return make(nn, [&] { return at::mm(get(a), get(b)); });
}

rid_nn_value *rid_nn_relu(rid_nn *nn, rid_nn_value *x)
{
    return make(nn, [&] { return at::relu(get(x)); });
}

rid_nn_value *rid_nn_multiply(rid_nn *nn, rid_nn_value *a, rid_nn_value *b)
{
    return make(nn, [&] {
        require_shape("a factor is", get(b), get(a).sizes());
        return at::mul(get(a), get(b));
    });
}

rid_nn_value *rid_nn_concat(rid_nn *nn, rid_nn_value *a, rid_nn_value *b)
{
    return make(nn, [&] { return at::cat({get(a), get(b)}, 1); });
}

rid_nn_value *rid_nn_widen(rid_nn *nn, rid_nn_value *x, int64_t width)
{
    return make(nn, [&] {
        std::int64_t more = width - get(x).size(1);
        require(more >= 0, text_of(get(x).sizes()) + " is wider than " + std::to_string(width));
        return at::constant_pad_nd(get(x), {0, more});
    });
}

rid_nn_value *rid_nn_unit_rows(rid_nn *nn, rid_nn_value *x)
{
    return make(nn, [&] {
        return at::div(get(x), at::norm(get(x), 2, {1}, true).clamp_min(1e-12));
    });
}

rid_nn_value *rid_nn_first(rid_nn *nn, rid_nn_value *x)
{
    return make(nn, [&] { return get(x).select(1, 0); });
}

rid_nn_value *rid_nn_attend(rid_nn *nn, rid_nn_value *query, double scale, rid_nn_value *x,
                            rid_nn_value *bias)
{
    return make(nn, [&] {
        const at::Tensor &frames = get(x);
        require(frames.dim() == 3, "frames are " + text_of(frames.sizes()) + ", expected three dimensions");
        require_shape("the frames' bias is", get(bias), {frames.size(0), frames.size(1)});
        at::Tensor logits = get(bias);
        if (query) {
            require_shape("queries are", get(query), {frames.size(0), frames.size(2)});
            logits = logits + at::bmm(frames, (get(query) * scale).unsqueeze(2)).squeeze(2);
        }
        return at::bmm(at::softmax(logits, 1).unsqueeze(1), frames).squeeze(1);
    });
}

/* ---- results ---- */

void rid_nn_backward(rid_nn *nn, rid_nn_value *v, const double *gradient, size_t n)
{
    run(nn, [&] {
        require(static_cast<std::size_t>(get(v).numel()) == n,
                "a gradient of " + std::to_string(n) + " elements for a value " + text_of(get(v).sizes()));
        get(v).backward(view(gradient, get(v).sizes(), at::kDouble).to(nn->device, nn->type));
    });
}

rid_status rid_nn_read(rid_nn *nn, const rid_nn_value *v, double *out, size_t n, rid_err *err)
{
    run(nn, [&] { copy_out(out, n, at::kDouble, get(v)); });
    return rid_nn_check(nn, err);
}

rid_status rid_nn_read_gradient(rid_nn *nn, const rid_nn_value *v, float *out, size_t n, rid_err *err)
{
    run(nn, [&] {
        const at::Tensor &gradient = get(v).grad();
        copy_out(out, n, at::kFloat, gradient.defined() ? gradient : at::zeros_like(get(v)));
    });
    return rid_nn_check(nn, err);
}

/* ---- linear algebra ---- */

rid_status rid_nn_eigh(double *a, double *values, size_t n, rid_err *err)
{
    for (std::size_t i = 0; i < n * n; i++)
        if (!std::isfinite(a[i]))
            return RID_FAIL(err, RID_EDATA, "element (%zu, %zu) of the matrix is not finite", i / n,
                            i % n);
    return guard(err, [&]() -> rid_status {
        at::Tensor matrix = view_matrix(a, n, n, false);
        auto [w, v] = at::linalg_eigh(matrix);
        matrix.copy_(v);
        view(values, w.sizes(), at::kDouble).copy_(w);
        return RID_OK;
    });
}

rid_status rid_nn_gemm(double *c, const double *a, bool a_transposed, const double *b,
                       bool b_transposed, size_t n, size_t k, size_t m, rid_err *err)
{
    return guard(err, [&]() -> rid_status {
        at::Tensor out = view_matrix(c, n, m, false);
        at::mm_out(out, view_matrix(a, n, k, a_transposed), view_matrix(b, k, m, b_transposed));
        return RID_OK;
    });
}

} // extern "C"
