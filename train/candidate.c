#include "train/candidate.h"

#include "data/base/mem.h"

#include <math.h>

enum { RESAMPLES = 2000 };

rid_status rid_candidate_measure(rid_candidate *c, const rid_train_data *d, const rid_train_set *set,
                                 int threads, rid_err *err)
{
    const rid_checkpoint *params = c->params.n_tensors > 0 ? &c->params : NULL;
    const size_t dim = params ? (size_t)params->emb_dim : set->vis_dim;
    float *emb = rid_mem_alloc_aligned(set->n * dim, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(set->n, 1);
    rid_mem_free(c->ap);
    rid_mem_free(c->scores);
    c->ap = rid_mem_alloc(set->n, sizeof *c->ap);
    c->scores = rid_mem_zalloc(1, sizeof *c->scores);
    c->gain = (rid_interval){NAN, NAN, NAN};
    rid_status st = emb && usable && c->ap && c->scores ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_validate_encode(set, params, emb, usable, threads, err);
    if (st == RID_OK)
        st = rid_validate(&c->v, c->ap, c->scores, d, emb, usable, dim, threads, err);
    rid_mem_free(emb);
    rid_mem_free(usable);
    return st;
}

rid_status rid_candidate_compare(rid_candidate *c, const rid_candidate *reference,
                                 const rid_train_data *d, uint64_t seed, rid_err *err)
{
    const size_t n = d->set.n;
    double *difference = rid_mem_alloc(n, sizeof *difference);
    uint32_t *person = rid_mem_alloc(n, sizeof *person);
    rid_status st = difference && person ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < n; i++) {
        difference[i] = c->ap[i] - reference->ap[i];
        person[i] = d->set.entries[i].person;
    }
    if (st == RID_OK)
        st = rid_bootstrap_mean(&c->gain, difference, person, n, RESAMPLES, RID_GAIN_CONFIDENCE, seed,
                                err);
    rid_mem_free(difference);
    rid_mem_free(person);
    return st;
}

void rid_candidate_clear(rid_candidate *c)
{
    rid_checkpoint_free(&c->params);
    rid_mem_free(c->ap);
    rid_mem_free(c->scores);
    *c = (rid_candidate){0};
}
