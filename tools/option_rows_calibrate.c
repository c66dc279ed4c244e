/* Options of calibration; ground truth is in option_rows_eval.c. */
#include "tools/option_rows.h"

enum { CALIBRATE = RID_TOOL_CALIBRATE };

static const char in_promise[] = "Promise";

static const rid_option rows[] = {
    {.name = "max-fpir", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.01",
     .tools = CALIBRATE, .group = in_promise, .min = 1e-6, .max = 0.5,
     .help = "share of first visits that may be matched with somebody else"},
    {.name = "confidence", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0.95",
     .tools = CALIBRATE, .group = in_promise, .min = 0.5, .max = 0.999999,
     .help = "probability with which the promise holds"},
    {.name = "scope", .type = RID_OPTION_CHOICE, .choices = "future|these",
     .default_text = "future", .tools = CALIBRATE, .group = in_promise,
     .help = "the promise is for buckets to come, which differ as these do, or for people to come "
             "to these"},
    {.name = "clusters", .type = RID_OPTION_CHOICE, .choices = "bucket|store",
     .default_text = "bucket", .tools = CALIBRATE, .group = in_promise,
     .help = "what --scope future draws anew: buckets (of the same stores, days to come), or stores, "
             "whose days are counted together"},
    {.name = "sweep", .type = RID_OPTION_PATH, .metavar = "BEST.json", .tools = CALIBRATE,
     .group = in_promise, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "margin and rule from the best.json of rid-sweep over other buckets"},
    {.name = "margin", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.02",
     .env = "MARGIN", .tools = CALIBRATE, .group = in_promise, .min = 0, .max = 3,
     .help = "least lead of the best match over the second; not to be chosen on these stores"},
    {.name = "nn2", .type = RID_OPTION_CHOICE, .choices = "neighbor|identity",
     .default_text = "neighbor", .tools = CALIBRATE, .group = in_promise,
     .help = "the second best is the next neighbour, or the best entry of another person"},
    {.name = "grid", .type = RID_OPTION_GRID, .metavar = "LO:HI:STEP",
     .default_text = "0:1:0.005", .tools = CALIBRATE, .group = in_promise, .min = -1, .max = 2,
     .help = "thresholds, tested from the strictest on; not to be chosen on these stores"},
    {.name = "ckpt", .type = RID_OPTION_PATH, .metavar = "FILE",
     .default_text = "runs/metric_pk_v1/model.pt", .env = "MODEL_CKPT", .tools = CALIBRATE,
     .group = in_promise, .flags = RID_OPTION_IF_EXISTS | RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "checkpoint that the stores were encoded with, for --ckpt-out"},
};

const rid_option_rows rid_option_rows_calibrate = {rows, sizeof rows / sizeof rows[0]};
