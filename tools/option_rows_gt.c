/* Options of rid-gt. */
#include "tools/option_rows.h"

enum { GT = RID_TOOL_GT };

static const char in_split[] = "Split";
static const char in_output[] = "Output";

static const rid_option rows[] = {
    {.name = "by", .type = RID_OPTION_CHOICE, .choices = "person|store|day",
     .default_text = "person", .tools = GT, .group = in_split,
     .help = "split: what is never on two sides"},
    {.name = "fractions", .type = RID_OPTION_STRING, .metavar = "A,B,…",
     .default_text = "0.6,0.2,0.2", .tools = GT, .group = in_split, .flags = RID_OPTION_NO_EMPTY,
     .help = "split: the parts' shares of the people, stores or days; their sum is 1"},
    {.name = "names", .type = RID_OPTION_STRING, .metavar = "A,B,…", .tools = GT,
     .group = in_split, .flags = RID_OPTION_NO_EMPTY,
     .help = "split: the parts' names; unset: train,test or train,val,test, or numbers for more"},
    {.name = "assign", .type = RID_OPTION_CHOICE, .choices = "hash|quota",
     .default_text = "hash", .tools = GT, .group = in_split,
     .help = "split: by its id and the seed alone, so that nobody changes sides when ground truth "
             "grows (hash); or the right numbers, also of few stores or days, none empty (quota)"},

    {.name = "to", .type = RID_OPTION_CHOICE, .choices = "entries|persons|map|pairs",
     .tools = GT, .group = in_output,
     .help = "form of what is written: entry_id: person_id (entries), documents of persons, of an "
             "entry_map, CSV of pairs (convert only); split, merge: unset as the first input"},
    {.name = "json", .type = RID_OPTION_FLAG, .default_text = "false", .tools = GT,
     .group = in_output, .help = "check, diff, split: what was found as one JSON document"},
};

const rid_option_rows rid_option_rows_gt = {rows, sizeof rows / sizeof rows[0]};
