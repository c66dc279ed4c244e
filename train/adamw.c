#include "train/adamw.h"

#include "train/graph.h"

#include <math.h>

static const double BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

rid_status rid_adamw_init(rid_adamw *a, const rid_checkpoint *params, rid_err *err)
{
    *a = (rid_adamw){0};
    rid_status st = rid_graph_new_like(&a->first, params, err);
    if (st == RID_OK)
        st = rid_graph_new_like(&a->second, params, err);
    if (st != RID_OK)
        rid_adamw_clear(a);
    return st;
}

void rid_adamw_clear(rid_adamw *a)
{
    rid_checkpoint_free(&a->first);
    rid_checkpoint_free(&a->second);
    a->steps = 0;
}

/** The factors of one update, the same for all of a tensor's elements. */
typedef struct factors {
    float keep;       /* 1 − lr·decay */
    float scale;      /* of gradients */
    float step;       /* lr / (1 − β₁ᵗ) */
    float correction; /* 1 / √(1 − β₂ᵗ) */
} factors;

static void update_tensor(float *restrict p, float *restrict m, float *restrict v,
                          const float *restrict g, size_t n, factors f, int threads)
{
    const float b1 = (float)BETA1, b2 = (float)BETA2, c1 = (float)(1 - BETA1),
                c2 = (float)(1 - BETA2), eps = (float)EPSILON;
#pragma omp parallel for simd num_threads(threads) schedule(static) if (n > 65536)
    for (size_t i = 0; i < n; i++) {
        float gi = g[i] * f.scale;
        m[i] = b1 * m[i] + c1 * gi;
        v[i] = b2 * v[i] + c2 * gi * gi;
        p[i] = p[i] * f.keep - f.step * m[i] / (sqrtf(v[i]) * f.correction + eps);
    }
}

void rid_adamw_update(rid_adamw *a, rid_checkpoint *params, const rid_checkpoint *grads, double lr,
                      double weight_decay, double scale, int threads)
{
    const double t = (double)++a->steps;
    for (size_t i = 0; i < params->n_tensors; i++) {
        rid_tensor *p = &params->tensors[i];
        factors f = {.keep = (float)(1 - (p->n_dims > 1 ? lr * weight_decay : 0)),
                     .scale = (float)scale,
                     .step = (float)(lr / (1 - pow(BETA1, t))),
                     .correction = (float)(1 / sqrt(1 - pow(BETA2, t)))};
        update_tensor(p->data, a->first.tensors[i].data, a->second.tensors[i].data,
                      grads->tensors[i].data, p->numel, f, threads);
    }
}

double rid_learning_rate(rid_lr_schedule schedule, double lr, uint64_t step, uint64_t warmup,
                         uint64_t total)
{
    if (step < warmup)
        return lr * (double)(step + 1) / (double)warmup;
    if (schedule == RID_SCHEDULE_CONSTANT || total <= warmup)
        return lr;
    double done = (double)(step - warmup) / (double)(total - warmup);
    return lr * 0.5 * (1 + cos(M_PI * (done < 1 ? done : 1)));
}
