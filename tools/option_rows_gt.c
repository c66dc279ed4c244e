/* Options of rid-gt. */
#include "tools/option_rows.h"

enum { GT = RID_TOOL_GT };

static const char in_split[] = "Split";
static const char in_merge[] = "Merge";
static const char in_pairs[] = "Pairs from ground truth";
static const char in_output[] = "Output";

static const rid_option rows[] = {
    {.name = "by",
     .type = RID_OPTION_CHOICE,
     .choices = "person|store|day",
     .default_text = "person",
     .tools = GT,
     .group = in_split,
     .help = "split: what is never on two sides"},
    {.name = "fractions",
     .type = RID_OPTION_STRING,
     .metavar = "A,B,…",
     .default_text = "0.6,0.2,0.2",
     .tools = GT,
     .group = in_split,
     .flags = RID_OPTION_NO_EMPTY,
     .help = "split: the parts' shares of the people, stores or days; their sum is 1"},
    {.name = "names",
     .type = RID_OPTION_STRING,
     .metavar = "A,B,…",
     .tools = GT,
     .group = in_split,
     .flags = RID_OPTION_NO_EMPTY,
     .help = "split: the parts' names; unset: train,test or train,val,test, or numbers for more"},
    {.name = "assign",
     .type = RID_OPTION_CHOICE,
     .choices = "hash|quota",
     .default_text = "hash",
     .tools = GT,
     .group = in_split,
     .help = "split: by its id and the seed alone, so that nobody changes sides when ground truth "
             "grows (hash); or the right numbers, also of few stores or days, none empty (quota)"},

    {.name = "prefer",
     .type = RID_OPTION_CHOICE,
     .choices = "first|last",
     .tools = GT,
     .group = in_merge,
     .help = "which of two labels that differ counts; unset: they are errors"},

    {.name = "max-same",
     .type = RID_OPTION_INT,
     .metavar = "N",
     .tools = GT,
     .group = in_pairs,
     .max = 9e15,
     .help = "pairs of one person, drawn with --seed; unset: all within buckets"},
    {.name = "max-different",
     .type = RID_OPTION_INT,
     .metavar = "N",
     .tools = GT,
     .group = in_pairs,
     .max = 9e15,
     .help = "pairs of different people, likewise"},

    {.name = "to",
     .type = RID_OPTION_CHOICE,
     .choices = "entries|persons|map|pairs",
     .tools = GT,
     .group = in_output,
     .help = "form of what is written: entry_id: person_id (entries), documents of persons, of an "
             "entry_map, CSV of pairs (convert only); split, merge: unset as the first input; "
             "manifests become persons"},
    {.name = "cases",
     .type = RID_OPTION_INT,
     .metavar = "N",
     .default_text = "10",
     .tools = GT,
     .group = in_output,
     .max = 1e9,
     .help = "check, diff, merge: how many cases of each kind are listed"},
    {.name = "assert",
     .type = RID_OPTION_LIST,
     .metavar = "CONDITION",
     .tools = GT,
     .group = in_output,
     .flags = RID_OPTION_NO_EMPTY,
     .help = "check, diff: exit with 4 unless it holds, as in 'unknown == 0'; also > >= < <= !="},
    {.name = "json",
     .type = RID_OPTION_FLAG,
     .default_text = "false",
     .tools = GT,
     .group = in_output,
     .help = "check, diff, split: what was found as one JSON document"},
};

const rid_option_rows rid_option_rows_gt = {rows, sizeof rows / sizeof rows[0]};
