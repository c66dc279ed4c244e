#include "data/base/isa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[RID_ISA_COUNT] = {"x86-64", "avx2", "avx512"};

static rid_isa chosen;
static bool unknown_name;
static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *rid_isa_name(rid_isa isa)
{
    return names[isa];
}

bool rid_isa_runs(rid_isa isa)
{
    if (isa == RID_ISA_BASE)
        return true;
#ifdef __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("f16c");
    return isa == RID_ISA_AVX2
               ? avx2
               : avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

static void choose(void)
{
    const char *wanted = getenv("RID_CPU");
    for (int i = 0; i < RID_ISA_COUNT; i++)
        if (rid_isa_runs((rid_isa)i))
            chosen = (rid_isa)i;
    if (!wanted || *wanted == '\0')
        return;
    unknown_name = true;
    for (int i = 0; i < RID_ISA_COUNT; i++) {
        if (rid_isa_runs((rid_isa)i) && strcmp(names[i], wanted) == 0) {
            chosen = (rid_isa)i;
            unknown_name = false;
        }
    }
}

rid_isa rid_isa_get(void)
{
    pthread_once(&once, choose);
    return chosen;
}

rid_status rid_isa_check(rid_err *err)
{
    pthread_once(&once, choose);
    if (unknown_name)
        return RID_FAIL(err, RID_ECONFIG,
                        "RID_CPU: expected x86-64, avx2 or avx512, one that this processor runs");
    return RID_OK;
}
