/** The instruction sets that some sources are compiled for, once for each (ISA in the Makefile),
 *  and the choice among them at run time. */
#ifndef RID_ISA_H
#define RID_ISA_H

#include "data/base/err.h"

#include <stdbool.h>

typedef enum rid_isa {
    RID_ISA_BASE,   /**< what every processor of the architecture has */
    RID_ISA_AVX2,   /**< with FMA and F16C */
    RID_ISA_AVX512, /**< F, BW, VL, DQ */
    RID_ISA_COUNT
} rid_isa;

/** "x86-64", "avx2", "avx512" */
const char *rid_isa_name(rid_isa isa);
/** True where it was compiled for and this processor runs it. */
bool rid_isa_runs(rid_isa isa);
/** The widest that this processor runs, or the one that the environment's RID_CPU names; chosen
 *  once. Thread-safe. */
rid_isa rid_isa_get(void);
/** RID_ECONFIG where RID_CPU names one that is not known or that this processor cannot run. */
RID_MUST rid_status rid_isa_check(rid_err *err);

#endif
