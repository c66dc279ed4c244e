/* Options of evaluation: ground truth, sweep, figures, hard pairs. */
#include "tools/option_rows.h"

enum { SWEEP = RID_TOOL_SWEEP, EVAL = RID_TOOL_EVAL, PAIRS = RID_TOOL_PAIRS, GT = RID_TOOL_GT };

static const char in_truth[] = "Ground truth";
static const char in_figures[] = "Figures";
static const char in_search[] = "Search";
static const char in_hard[] = "Hard pairs";
static const char in_grid[] = "Grid and objective";

static const rid_option rows[] = {
    {.name = "gt", .type = RID_OPTION_LIST, .metavar = "FILE",
     .tools = SWEEP | EVAL | PAIRS | GT | RID_TOOL_CALIBRATE,
     .group = in_truth,
     .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "ground truth: which entry is which person; several files are read as one"},

    {.name = "pairs", .type = RID_OPTION_LIST, .metavar = "FILE", .tools = SWEEP,
     .group = in_truth, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "pairs of entries, CSV: qid,aid[,label] (without labels all are of one person), or hard pairs; "
             "besides ground truth, or instead of it"},
    {.name = "pairs", .type = RID_OPTION_LIST, .metavar = "FILE", .tools = EVAL, .group = in_truth,
     .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "pairs of entries, CSV: qid,aid[,label] (without labels all are of one person), or hard pairs; "
             "manifest: besides ground truth, or "
             "instead of it; diff, search: instead of it, entries that pairs connect are one person"},
    {.name = "pairs", .type = RID_OPTION_LIST, .metavar = "FILE",
     .tools = GT | PAIRS | RID_TOOL_CALIBRATE, .group = in_truth,
     .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "instead of ground truth: pairs of entries, CSV: qid,aid[,label] (without labels all are of one "
             "person), or hard pairs; entries that pairs of one person connect are that person, all others different people"},

    {.name = "threshold", .type = RID_OPTION_GRID, .metavar = "LO:HI:STEP",
     .default_text = "0.3:0.99:0.01", .tools = SWEEP, .group = in_grid, .min = -1, .max = 2,
     .help = "thresholds to try: values and ranges, HI included, with commas between them"},
    {.name = "margin", .type = RID_OPTION_GRID, .metavar = "LO:HI:STEP",
     .default_text = "0:0.2:0.005", .tools = SWEEP, .group = in_grid, .max = 3, .help = "margins to try, likewise"},
    {.name = "grid", .type = RID_OPTION_STRING, .metavar = "auto[:N]", .tools = SWEEP,
     .group = in_grid, .flags = RID_OPTION_NO_EMPTY,
     .help = "instead of them at most N (100) breakpoints a side, by quantile of the scores; for "
             "neighbor with the best of all breakpoints"},
    {.name = "nn2", .type = RID_OPTION_CHOICE, .choices = "neighbor,identity|neighbor|identity",
     .default_text = "neighbor,identity", .tools = SWEEP, .group = in_grid,
     .help = "the second best is the next neighbour, or the best entry of another person; or both "
             "rules, side by side"},
    {.name = "objective", .type = RID_OPTION_STRING, .metavar = "FIGURE",
     .tools = SWEEP, .group = in_grid, .flags = RID_OPTION_NO_EMPTY,
     .help = "what is to be best: f1 (pairwise), bcubed-f1, precision@recall=R, "
             "recall@precision=P, fnir@fpir=X, or pairs-f1; unset: f1, or pairs-f1 without --gt"},
    {.name = "bootstrap", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1000",
     .tools = SWEEP, .group = in_grid, .max = 100000,
     .help = "resamples of people, for intervals and for the cells that are as good as the best; "
             "0: none"},

    {.name = "assert", .type = RID_OPTION_LIST, .metavar = "CONDITION", .tools = EVAL,
     .group = in_figures, .flags = RID_OPTION_NO_EMPTY,
     .help = "exit with 4 unless it holds, as in 'pairwise_f1 >= 0.95'; also > <= < == !="},
    {.name = "bootstrap", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1000",
     .tools = EVAL, .group = in_figures, .max = 100000,
     .help = "manifest, diff: resamples of people, for the intervals; 0: none"},
    {.name = "errors", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = EVAL,
     .group = in_figures, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_FILE,
     .help = "write false merges and splits there, with their entries (CSV)"},

    {.name = "query", .type = RID_OPTION_LIST, .metavar = "STORE", .tools = EVAL,
     .group = in_search, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "stores whose entries are looked for, among those of the other stores; unset: every entry "
             "among all others"},
    {.name = "query-ids", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = EVAL,
     .group = in_search, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "entry ids, one a line (-: standard input): they are looked for, among all others"},
    {.name = "within", .type = RID_OPTION_CHOICE, .choices = "all|bucket", .default_text = "all",
     .tools = EVAL, .group = in_search,
     .help = "look among all entries, or those of the same day and store"},
    {.name = "exclude-same", .type = RID_OPTION_CHOICE, .choices = "none|camera",
     .default_text = "none", .tools = EVAL, .group = in_search,
     .help = "camera: leave out entries of the same person at the same camera, as re-identification "
             "benchmarks do"},
    {.name = "rerank", .type = RID_OPTION_STRING, .metavar = "K1,K2,LAMBDA", .tools = EVAL,
     .group = in_search, .flags = RID_OPTION_NO_EMPTY,
     .help = "re-rank by k-reciprocal encoding (Zhong et al. 2017), as in 20,6,0.3"},
    {.name = "per-query", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = EVAL,
     .group = in_search, .flags = RID_OPTION_NO_EMPTY | RID_OPTION_FILE,
     .help = "write rank of the first positive, AP and best scores of every query there (CSV)"},

    {.name = "pos-max", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.75",
     .tools = PAIRS, .group = in_hard, .min = -1, .max = 1,
     .help = "hard positives: two entries of one person that are at most so similar"},
    {.name = "neg-min", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.88",
     .tools = PAIRS, .group = in_hard, .min = -1, .max = 1,
     .help = "hard negatives: entries of different people that are at least so similar"},
    {.name = "alias-min", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.93",
     .tools = PAIRS, .group = in_hard, .min = -1, .max = 1,
     .help = "of them, in one store on different days: perhaps one person under two names"},
    {.name = "nearest", .type = RID_OPTION_INT, .metavar = "N", .default_text = "20",
     .tools = PAIRS, .group = in_hard, .min = 1, .max = 10000,
     .help = "hard negatives are among the N nearest entries of other people to one of the two"},
    {.name = "per-person", .type = RID_OPTION_INT, .metavar = "N", .default_text = "20",
     .tools = PAIRS, .group = in_hard, .min = 1, .max = 1e9,
     .help = "at most N pairs of each of the three kinds name one person"},
    {.name = "max-pairs", .type = RID_OPTION_INT, .metavar = "N", .default_text = "10000",
     .tools = PAIRS, .group = in_hard, .min = 1, .max = 1e9, .help = "at most N pairs in all"},
    {.name = "not-in", .type = RID_OPTION_LIST, .metavar = "FILE", .tools = PAIRS, .group = in_hard,
     .flags = RID_OPTION_NO_EMPTY | RID_OPTION_INPUT,
     .help = "leave out the pairs of these CSV files, in either order: they were looked at"},
};

const rid_option_rows rid_option_rows_eval = {rows, sizeof rows / sizeof rows[0]};
