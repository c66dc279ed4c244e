#include "tools/options.h"

#include "data/base/num.h"
#include "data/base/timezone.h"

#include <stdio.h>
#include <string.h>

enum {
    ENCODE = RID_TOOL_ENCODE,
    MANIFEST = RID_TOOL_MANIFEST,
    MATCH = RID_TOOL_MATCH,
    STORE = RID_TOOL_STORE,
    SYNTH = RID_TOOL_SYNTH,
    TRAIN = RID_TOOL_TRAIN,
    ALL = RID_TOOL_ALL,
    ENCODERS = ENCODE | MATCH,
    READERS = ENCODERS | TRAIN, /* of payloads */
    DECIDERS = MANIFEST | MATCH,
    COUNT_MAX = 1000000000,
};

static const char in_encoder[] = "Encoder";
static const char in_filter[] = "Frame filter";
static const char in_input[] = "Input";
static const char in_selection[] = "Selection";
static const char in_decision[] = "Decision";
static const char in_world[] = "People and places";
static const char in_noise[] = "Noise (the spread between persons is 1)";
static const char in_random_encoder[] = "Random encoder";
static const char in_truth[] = "Ground truth and people";
static const char in_network[] = "Network";
static const char in_batches[] = "Batches";
static const char in_optimiser[] = "Loss and optimiser";
static const char in_course[] = "Course of the training";
static const char in_machine[] = "Machine";
static const char in_output[] = "Output";
static const char in_configuration[] = "Configuration";
static const char in_general[] = "General";

/* The order is that of the help; a group is printed where its first row stands. */
const rid_option rid_options[] = {
    {.name = "ckpt", .type = RID_OPTION_PATH, .metavar = "FILE",
     .default_text = "runs/metric_pk_v1/model.pt", .env = "MODEL_CKPT", .tools = ENCODERS,
     .group = in_encoder, .flags = RID_OPTION_IF_EXISTS | RID_OPTION_NO_EMPTY,
     .help = "checkpoint (model.pt) to encode with"},
    {.name = "encoder", .type = RID_OPTION_CHOICE, .choices = "mean", .tools = ENCODERS,
     .group = in_encoder,
     .help = "encode without a checkpoint: the unit-length mean of the kept frames"},
    {.name = "schema", .type = RID_OPTION_PATH, .metavar = "FILE",
     .default_text = "attr_schema.json", .env = "ATTR_SCHEMA", .tools = ENCODERS,
     .group = in_encoder, .flags = RID_OPTION_IF_EXISTS | RID_OPTION_NO_EMPTY,
     .help = "attribute schema; a checkpoint that carries one needs none, and must agree with it"},
    {.name = "vis-dim", .type = RID_OPTION_INT, .metavar = "N", .tools = ENCODERS,
     .group = in_encoder, .min = 1, .max = 1 << 20,
     .help = "numbers in a frame for --encoder mean; unset: as in the first accepted payload"},
    {.name = "batch", .type = RID_OPTION_INT, .metavar = "N", .default_text = "256",
     .tools = ENCODE, .group = in_encoder, .min = 1, .max = 65536,
     .help = "payloads in memory at a time; the result does not depend on it"},

    {.name = "filter", .type = RID_OPTION_CHOICE, .choices = "on|off", .default_text = "on",
     .tools = READERS, .group = in_filter,
     .help = "drop duplicate and outlier frames before encoding; settings in a checkpoint win over "
             "defaults"},
    {.name = "filter-duplicate-cos", .type = RID_OPTION_FLOAT, .metavar = "X",
     .default_text = "0.999", .tools = READERS, .group = in_filter, .min = -1, .max = 2,
     .help = "cosine to a kept frame from which a later one is its duplicate"},
    {.name = "filter-outlier-z", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "-1.7",
     .tools = READERS, .group = in_filter, .min = -1000, .max = 1000,
     .help = "z-score of the cosine to the mean below which a frame is an outlier"},
    {.name = "filter-max-drop", .type = RID_OPTION_INT, .metavar = "N", .default_text = "4",
     .tools = READERS, .group = in_filter, .max = COUNT_MAX,
     .help = "outliers dropped at most, worst first"},
    {.name = "filter-min-keep", .type = RID_OPTION_INT, .metavar = "N", .default_text = "4",
     .tools = READERS, .group = in_filter, .max = COUNT_MAX,
     .help = "outliers are looked for among more frames than this, and none is dropped if fewer "
             "would remain"},
    {.name = "filter-max-frames", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = READERS, .group = in_filter, .max = COUNT_MAX,
     .help = "keep the earliest N frames; 0: no cap"},
    {.name = "empty", .type = RID_OPTION_CHOICE, .choices = "skip|fallback",
     .default_text = "skip", .tools = READERS, .group = in_filter,
     .help = "an entry without frames after the filter: never matched, or encoded from all its "
             "non-zero frames"},

    {.name = "day", .type = RID_OPTION_STRING, .metavar = "YYYY-MM-DD", .tools = MANIFEST,
     .group = in_selection, .flags = RID_OPTION_NO_EMPTY, .help = "this day only"},
    {.name = "store", .type = RID_OPTION_STRING, .metavar = "ID", .tools = MANIFEST,
     .group = in_selection, .flags = RID_OPTION_NO_EMPTY, .help = "this store only"},
    {.name = "camera", .type = RID_OPTION_LIST, .metavar = "NAME", .tools = MANIFEST,
     .group = in_selection, .flags = RID_OPTION_NO_EMPTY, .help = "these cameras only"},
    {.name = "camera-scope", .type = RID_OPTION_CHOICE, .choices = "view|match",
     .default_text = "view", .tools = MANIFEST, .group = in_selection,
     .help = "--camera hides other cameras' events and keeps person ids (view), or clusters its "
             "cameras alone (match)"},
    {.name = "entry-id", .type = RID_OPTION_STRING, .metavar = "ID", .tools = MANIFEST,
     .group = in_selection, .flags = RID_OPTION_NO_EMPTY,
     .help = "only the person who has this entry"},

    {.name = "threshold", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.88",
     .env = "THRESHOLD", .tools = DECIDERS, .group = in_decision, .min = -1, .max = 2,
     .help = "least cosine of a match; unset: the store's operating point, if it has one"},
    {.name = "margin", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.02",
     .env = "MARGIN", .tools = DECIDERS, .group = in_decision, .min = 0, .max = 3,
     .help = "least lead of the best match over the second; unset: as for --threshold"},
    {.name = "nn2", .type = RID_OPTION_CHOICE, .choices = "neighbor|identity",
     .default_text = "neighbor", .tools = DECIDERS, .group = in_decision,
     .help = "the second best is the next neighbour, or the best entry of another person"},
    {.name = "topk", .type = RID_OPTION_INT, .metavar = "N", .default_text = "20", .env = "TOPK",
     .tools = DECIDERS, .group = in_decision, .min = 1, .max = COUNT_MAX,
     .help = "accepted for compatibility: the rule needs the best two and no more"},

    {.name = "timezone", .type = RID_OPTION_MAP, .metavar = "TZ", .default_text = "UTC",
     .tools = READERS, .group = in_input, .flags = RID_OPTION_ZONE | RID_OPTION_NO_EMPTY,
     .help = "zone that gives a payload without a day its day; in YAML also a map store: zone with "
             "a default"},
    {.name = "shard", .type = RID_OPTION_SHARD, .metavar = "I/N", .tools = ENCODE,
     .group = in_input, .help = "only the buckets of part I of N, counted from 0"},
    {.name = "max-rejects", .type = RID_OPTION_COUNT_OR_PERCENT, .metavar = "N|P%",
     .default_text = "0", .tools = READERS, .group = in_input,
     .help = "rejected payloads beyond which the run, though published, exits with 3"},
    {.name = "warm", .type = RID_OPTION_LIST, .metavar = "STORE.h5", .tools = MATCH,
     .group = in_input, .flags = RID_OPTION_NO_EMPTY,
     .help = "earlier entries, known from the start"},
    {.name = "limit", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = ALL & ~RID_TOOL_SYNTH, .group = in_input, .max = 9e15,
     .help = "read the first N entries; 0: all"},

    {.name = "people", .type = RID_OPTION_INT, .metavar = "N", .default_text = "40",
     .tools = SYNTH, .group = in_world, .max = 1e7,
     .help = "persons of each store; all come on every day, one in five is an employee"},
    {.name = "stores", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1",
     .tools = SYNTH, .group = in_world, .min = 1, .max = 1e6, .help = "stores nc0001, nc0002, …"},
    {.name = "days", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1", .tools = SYNTH,
     .group = in_world, .min = 1, .max = 1e5, .help = "consecutive days"},
    {.name = "first-day", .type = RID_OPTION_STRING, .metavar = "YYYY-MM-DD",
     .default_text = "2025-11-06", .tools = SYNTH, .group = in_world, .help = "the first of them"},
    {.name = "visits", .type = RID_OPTION_RANGE, .metavar = "LO:HI", .default_text = "1:4",
     .tools = SYNTH, .group = in_world, .max = 1e6,
     .help = "line crossings (entries) of a person on a day, in and out in turn"},
    {.name = "frames", .type = RID_OPTION_RANGE, .metavar = "LO:HI", .default_text = "8:12",
     .tools = SYNTH, .group = in_world, .min = 1, .max = 1e6, .help = "frames of an entry"},
    {.name = "cameras", .type = RID_OPTION_INT, .metavar = "N", .default_text = "2",
     .tools = SYNTH, .group = in_world, .min = 1, .max = 1e6, .help = "cameras of a store"},
    {.name = "vis-dim", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1024",
     .tools = SYNTH, .group = in_world, .min = 1, .max = 65536, .help = "numbers in a frame"},
    {.name = "attrs", .type = RID_OPTION_CHOICE, .choices = "on|off", .default_text = "on",
     .tools = SYNTH, .group = in_world, .help = "give entries attributes and the encoder a schema"},

    {.name = "noise", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "1",
     .tools = SYNTH, .group = in_noise, .max = 1000,
     .help = "multiplies the next three: the one knob for how hard the data are"},
    {.name = "camera-noise", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.2",
     .tools = SYNTH, .group = in_noise, .max = 1000, .help = "spread between cameras"},
    {.name = "visit-noise", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.33",
     .tools = SYNTH, .group = in_noise, .max = 1000, .help = "spread between visits of a person"},
    {.name = "frame-noise", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.6",
     .tools = SYNTH, .group = in_noise, .max = 1000, .help = "spread between frames of an entry"},
    {.name = "duplicates", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0.05",
     .tools = SYNTH, .group = in_noise, .max = 1,
     .help = "probability that a frame repeats the one before"},
    {.name = "outliers", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0.05",
     .tools = SYNTH, .group = in_noise, .max = 1,
     .help = "probability that a frame shows somebody else"},
    {.name = "attr-noise", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0.1",
     .tools = SYNTH, .group = in_noise, .max = 1,
     .help = "probability that an attribute is missing, wrong or not in the schema"},

    {.name = "fusion", .type = RID_OPTION_CHOICE, .choices = "baseline|xattn",
     .default_text = "baseline", .tools = SYNTH, .group = in_random_encoder,
     .help = "how frames and attributes meet in --ckpt-out"},
    {.name = "pool", .type = RID_OPTION_CHOICE, .choices = "attention|mean",
     .default_text = "attention", .tools = SYNTH, .group = in_random_encoder,
     .help = "how the baseline's frames become one vector"},
    {.name = "emb-dim", .type = RID_OPTION_INT, .metavar = "N", .default_text = "128",
     .tools = SYNTH, .group = in_random_encoder, .min = 1, .max = 65536,
     .help = "numbers in an embedding"},

    {.name = "gt", .type = RID_OPTION_LIST, .metavar = "FILE", .tools = TRAIN, .group = in_truth,
     .flags = RID_OPTION_NO_EMPTY,
     .help = "ground truth: which entry is which person; several files are read as one"},
    {.name = "val-gt", .type = RID_OPTION_LIST, .metavar = "FILE", .tools = TRAIN,
     .group = in_truth, .flags = RID_OPTION_NO_EMPTY,
     .help = "ground truth of the people to validate on; unset: some of --gt's are set aside"},
    {.name = "val", .type = RID_OPTION_LIST, .metavar = "INPUT", .tools = TRAIN,
     .group = in_truth, .flags = RID_OPTION_NO_EMPTY, .help = "more inputs, with their entries"},
    {.name = "val-fraction", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.2",
     .tools = TRAIN, .group = in_truth, .max = 0.9,
     .help = "share of the people with two entries or more that is set aside for validation"},
    {.name = "min-entries", .type = RID_OPTION_INT, .metavar = "N", .default_text = "1",
     .tools = TRAIN, .group = in_truth, .min = 1, .max = COUNT_MAX,
     .help = "people with fewer do not train; those with one are negatives only"},
    {.name = "schema", .type = RID_OPTION_PATH, .metavar = "FILE", .env = "ATTR_SCHEMA",
     .tools = TRAIN, .group = in_truth, .flags = RID_OPTION_NO_EMPTY,
     .help = "attribute schema; unset: the stores', or none"},

    {.name = "fusion", .type = RID_OPTION_CHOICE, .choices = "baseline|xattn",
     .default_text = "baseline", .tools = TRAIN, .group = in_network,
     .help = "frames are pooled, then joined with the attributes; or the attributes choose frames"},
    {.name = "pool", .type = RID_OPTION_CHOICE, .choices = "attention|mean",
     .default_text = "attention", .tools = TRAIN, .group = in_network,
     .help = "how the baseline's frames become one vector"},
    {.name = "emb-dim", .type = RID_OPTION_INT, .metavar = "N", .default_text = "128",
     .tools = TRAIN, .group = in_network, .min = 2, .max = 65536,
     .help = "numbers in an embedding"},
    {.name = "dropout", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0.1",
     .tools = TRAIN, .group = in_network, .max = 0.95,
     .help = "of the units between the fusion layers"},
    {.name = "init", .type = RID_OPTION_STRING, .metavar = "lda|pca|random|FILE",
     .default_text = "lda", .tools = TRAIN, .group = in_network, .flags = RID_OPTION_NO_EMPTY,
     .help = "where training starts: a network that computes linear discriminants or principal "
             "components of the training people, random weights, or a checkpoint's"},

    {.name = "p", .type = RID_OPTION_INT, .metavar = "N", .default_text = "32", .tools = TRAIN,
     .group = in_batches, .min = 2, .max = 65536, .help = "people in a batch"},
    {.name = "k", .type = RID_OPTION_INT, .metavar = "N", .default_text = "4", .tools = TRAIN,
     .group = in_batches, .min = 2, .max = 1024, .help = "entries of each"},
    {.name = "frame-subset", .type = RID_OPTION_CHOICE, .choices = "on|off", .default_text = "on",
     .tools = TRAIN, .group = in_batches,
     .help = "each time an entry is drawn, use a random part of its frames"},
    {.name = "attr-dropout", .type = RID_OPTION_FLOAT, .metavar = "P", .default_text = "0",
     .tools = TRAIN, .group = in_batches, .max = 1,
     .help = "probability that a drawn entry comes without its attributes"},
    {.name = "frame-noise", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0",
     .tools = TRAIN, .group = in_batches, .max = 10,
     .help = "length of the noise added to each unit frame"},

    {.name = "margin", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0.3",
     .tools = TRAIN, .group = in_optimiser, .max = 2,
     .help = "by which the nearest other person is to be farther than the farthest entry of one's "
             "own"},
    {.name = "soft-margin", .type = RID_OPTION_FLAG, .default_text = "false", .tools = TRAIN,
     .group = in_optimiser, .help = "softplus of the difference instead of the hinge with a margin"},
    {.name = "distance", .type = RID_OPTION_CHOICE, .choices = "euclidean|cosine",
     .default_text = "euclidean", .tools = TRAIN, .group = in_optimiser,
     .help = "between embeddings in the loss"},
    {.name = "lr", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "3e-4",
     .tools = TRAIN, .group = in_optimiser, .max = 10, .help = "highest learning rate of AdamW"},
    {.name = "weight-decay", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "1e-4",
     .tools = TRAIN, .group = in_optimiser, .max = 10, .help = "decoupled, not of biases"},
    {.name = "warmup", .type = RID_OPTION_INT, .metavar = "N", .default_text = "20",
     .tools = TRAIN, .group = in_optimiser, .max = COUNT_MAX,
     .help = "steps over which the learning rate rises"},
    {.name = "schedule", .type = RID_OPTION_CHOICE, .choices = "cosine|constant",
     .default_text = "cosine", .tools = TRAIN, .group = in_optimiser,
     .help = "of the learning rate behind that"},
    {.name = "clip-norm", .type = RID_OPTION_FLOAT, .metavar = "X", .default_text = "0",
     .tools = TRAIN, .group = in_optimiser, .max = 1e9,
     .help = "scale longer gradients down to it; 0: never"},

    {.name = "epochs", .type = RID_OPTION_INT, .metavar = "N", .default_text = "400",
     .tools = TRAIN, .group = in_course, .max = COUNT_MAX,
     .help = "times that every person is drawn"},
    {.name = "max-steps", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = TRAIN, .group = in_course, .max = COUNT_MAX, .help = "end after so many; 0: epochs only"},
    {.name = "val-every", .type = RID_OPTION_INT, .metavar = "N", .default_text = "10",
     .tools = TRAIN, .group = in_course, .min = 1, .max = COUNT_MAX,
     .help = "epochs between validations"},
    {.name = "patience", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = TRAIN, .group = in_course, .max = COUNT_MAX,
     .help = "end after so many validations without a better one; 0: never"},
    {.name = "select", .type = RID_OPTION_CHOICE, .choices = "map|rank1|f1",
     .default_text = "map", .tools = TRAIN, .group = in_course,
     .help = "validation figure that chooses the best weights"},
    {.name = "refit", .type = RID_OPTION_FLAG, .default_text = "false", .tools = TRAIN,
     .group = in_course,
     .help = "in the end train on everybody, validation people too, for the steps that were best"},
    {.name = "ablate", .type = RID_OPTION_FLAG, .default_text = "false", .tools = TRAIN,
     .group = in_course,
     .help = "also train without attributes and with mean pooling, for the report"},
    {.name = "require-improvement", .type = RID_OPTION_FLAG, .default_text = "false",
     .tools = TRAIN, .group = in_course,
     .help = "exit with 4 unless training beat mean pooling and the linear starts"},
    {.name = "resume", .type = RID_OPTION_FLAG, .default_text = "false", .tools = TRAIN,
     .group = in_course,
     .help = "go on with the run in RUN_DIR; only epochs, patience and max-steps may differ"},
    {.name = "save-every", .type = RID_OPTION_FLOAT, .metavar = "S", .default_text = "60",
     .tools = TRAIN, .group = in_course, .max = 1e6,
     .help = "seconds between saves; 0: after every epoch"},

    {.name = "device", .type = RID_OPTION_CHOICE, .choices = "cpu|cuda|auto",
     .default_text = "cpu", .tools = TRAIN, .group = in_machine,
     .help = "where the network computes; auto: on a GPU where there is one"},
    {.name = "memory", .type = RID_OPTION_INT, .metavar = "MB", .default_text = "0",
     .tools = TRAIN, .group = in_machine, .max = COUNT_MAX,
     .help = "for frames; more are read from the stores as they are needed; 0: half of what there is"},
    {.name = "trace", .type = RID_OPTION_PATH, .metavar = "DIR", .tools = TRAIN,
     .group = in_machine, .flags = RID_OPTION_NO_EMPTY,
     .help = "write what was in every step's batch to DIR/steps.jsonl"},
    {.name = "trace-params", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = TRAIN, .group = in_machine, .max = 999999,
     .help = "and the weights and gradients of the first N steps"},

    {.name = "output", .letter = 'o', .type = RID_OPTION_PATH, .metavar = "RUN_DIR",
     .tools = TRAIN, .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "folder of the run: model.pt, report.html, metrics.jsonl, config.yaml, …"},
    {.name = "output", .letter = 'o', .type = RID_OPTION_PATH, .metavar = "OUT.h5",
     .tools = ENCODE, .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "the store; rejected payloads are listed in OUT.h5.rejects.jsonl"},
    {.name = "output", .letter = 'o', .type = RID_OPTION_PATH, .metavar = "OUT",
     .tools = MANIFEST, .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "a directory for all documents, a name ending in .json for one, or -: stdout"},
    {.name = "output", .letter = 'o', .type = RID_OPTION_PATH, .metavar = "FILE",
     .tools = MATCH, .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "write the answers there when the input ends, not line by line to stdout"},
    {.name = "output", .letter = 'o', .type = RID_OPTION_PATH, .metavar = "OUT",
     .tools = STORE | SYNTH, .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "where the result goes; unset or -: stdout"},
    {.name = "frames", .type = RID_OPTION_CHOICE, .choices = "f32|f16|none",
     .default_text = "f32", .tools = ENCODE, .group = in_output,
     .help = "how frames are kept, for re-encoding and for manifests that show them"},
    {.name = "embeddings", .type = RID_OPTION_CHOICE, .choices = "frames|fused|none",
     .default_text = "frames", .tools = MANIFEST, .group = in_output,
     .help = "what stands in an event's embeddings: its frames, its one embedding, nothing"},
    {.name = "embeddings", .type = RID_OPTION_CHOICE, .choices = "frames|none",
     .default_text = "none", .tools = MATCH, .group = in_output,
     .help = "echo a payload's frames in its answer"},
    {.name = "skip-existing", .type = RID_OPTION_FLAG, .default_text = "false", .tools = MANIFEST,
     .group = in_output,
     .help = "leave documents made from the same inputs and settings as they are, redo the others"},
    {.name = "persist", .type = RID_OPTION_PATH, .metavar = "OUT.h5", .tools = MATCH,
     .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "write the entries of this run to a store when the input ends"},
    {.name = "json", .type = RID_OPTION_FLAG, .default_text = "false", .tools = STORE,
     .group = in_output, .help = "info and show as one JSON document, list as one object a line"},
    {.name = "format", .type = RID_OPTION_CHOICE, .choices = "jsonl|csv|npy",
     .default_text = "jsonl", .tools = STORE, .group = in_output,
     .help = "export payloads that encode to the same embeddings (jsonl), a table of metadata and "
             "embeddings (csv), the embeddings alone (npy)"},
    {.name = "gt", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = SYNTH,
     .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "write the ground truth there: a JSON object entry_id: person_id"},
    {.name = "schema-out", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = SYNTH,
     .group = in_output, .flags = RID_OPTION_NO_EMPTY, .help = "write the attribute schema there"},
    {.name = "ckpt-out", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = SYNTH,
     .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "write a random encoder there, a checkpoint that keeps cosines roughly"},
    {.name = "digits", .type = RID_OPTION_CHOICE, .choices = "double|float",
     .default_text = "double", .tools = SYNTH, .group = in_output,
     .help = "digits of a number: as Python writes tensor.tolist() (double), or as few as give the "
             "same float32"},
    {.name = "force", .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_output, .help = "replace an existing output"},
    {.name = "dry-run", .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_output, .help = "do everything but write the output"},
    {.name = "summary-json", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = ALL,
     .group = in_output, .flags = RID_OPTION_NO_EMPTY,
     .help = "write counts, rejects by reason, times and the exit code there, also of a failed "
             "run; -: stdout"},

    {.name = "config", .type = RID_OPTION_PATH, .metavar = "FILE", .tools = ALL,
     .group = in_configuration, .flags = RID_OPTION_NO_YAML | RID_OPTION_NO_EMPTY,
     .help = "YAML file of option names with _ for -; keys of the other rid binaries are fine"},
    {.name = "set", .type = RID_OPTION_LIST, .metavar = "KEY=VALUE", .tools = ALL,
     .group = in_configuration, .flags = RID_OPTION_NO_YAML | RID_OPTION_NO_EMPTY,
     .help = "as a line of the YAML file, and above it"},
    {.name = "print-config", .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_configuration, .flags = RID_OPTION_NO_YAML,
     .help = "print every value and where it came from, as YAML, and exit"},

    {.name = "threads", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = TRAIN, .group = in_general, .max = 1024,
     .help = "threads; 0: all cores available; the last bits of the weights depend on it"},
    {.name = "threads", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0",
     .tools = ALL & ~RID_TOOL_TRAIN,
     .group = in_general, .max = 1024,
     .help = "threads; 0: all cores available; the result does not depend on it"},
    {.name = "seed", .type = RID_OPTION_INT, .metavar = "N", .default_text = "0", .tools = ALL,
     .group = in_general, .max = 9e15, .help = "start of every random sequence"},
    {.name = "quiet", .letter = 'q', .type = RID_OPTION_FLAG, .default_text = "false",
     .tools = ALL, .group = in_general, .help = "errors only: no progress, no warnings"},
    {.name = "verbose", .letter = 'v', .type = RID_OPTION_FLAG, .default_text = "false",
     .tools = ALL, .group = in_general, .help = "details, and where in the source an error arose"},
    {.name = "help", .letter = 'h', .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_general, .flags = RID_OPTION_NO_YAML, .help = "print this and exit"},
    {.name = "version", .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_general, .flags = RID_OPTION_NO_YAML,
     .help = "print the version and how it was built, and exit"},
    {.name = "man", .type = RID_OPTION_FLAG, .default_text = "false", .tools = ALL,
     .group = in_general, .flags = RID_OPTION_NO_YAML | RID_OPTION_HIDDEN,
     .help = "print the manual page (troff) and exit"},
};
const size_t rid_options_count = sizeof rid_options / sizeof rid_options[0];

/* '-' and '_' count as one character where a name is compared with a key. */
static char fold(char c)
{
    return c == '_' ? '-' : c;
}

const rid_option *rid_option_find(const char *name, unsigned tools)
{
    for (size_t i = 0; i < rid_options_count; i++)
        if ((rid_options[i].tools & tools) && strcmp(rid_options[i].name, name) == 0)
            return &rid_options[i];
    return NULL;
}

void rid_option_key(const rid_option *o, char key[RID_OPTION_KEY_MAX])
{
    size_t i = 0;
    for (; o->name[i] && i + 1 < RID_OPTION_KEY_MAX; i++)
        key[i] = o->name[i] == '-' ? '_' : o->name[i];
    key[i] = '\0';
}

const rid_option *rid_option_find_key(const char *key, unsigned tools)
{
    char own[RID_OPTION_KEY_MAX];
    for (size_t i = 0; i < rid_options_count; i++) {
        const rid_option *o = &rid_options[i];
        rid_option_key(o, own);
        if ((o->tools & tools) && !(o->flags & RID_OPTION_NO_YAML) && strcmp(own, key) == 0)
            return o;
    }
    return NULL;
}

const rid_option *rid_option_find_letter(char letter, unsigned tools)
{
    for (size_t i = 0; i < rid_options_count; i++)
        if (letter && (rid_options[i].tools & tools) && rid_options[i].letter == letter)
            return &rid_options[i];
    return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *c = choices; *c;) {
        size_t len = strcspn(c, "|");
        if (len == n && strncmp(c, text, n) == 0)
            return true;
        c += len + (c[len] == '|');
    }
    return false;
}

static const char *truth_word(const char *text, const char *yes, const char *no)
{
    static const char *const words[] = {"true", "false", "on", "off", "yes", "no", "True", "False"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0)
            return i % 2 == 0 ? yes : no;
    return text;
}

const char *rid_option_canonical(const rid_option *o, const char *text)
{
    if (o->type == RID_OPTION_FLAG)
        return truth_word(text, "true", "false");
    if (o->type == RID_OPTION_CHOICE && strcmp(o->choices, "on|off") == 0)
        return truth_word(text, "on", "off");
    return text;
}

static bool has_bounds(const rid_option *o)
{
    return o->min != 0 || o->max != 0;
}

static bool check_number(const rid_option *o, const char *text, char *want, size_t size)
{
    bool whole = o->type == RID_OPTION_INT;
    int64_t integer = 0;
    double value = 0;
    bool ok = whole ? rid_num_parse_i64(rid_str_of(text), &integer)
                    : rid_num_parse_f64(rid_str_of(text), &value);
    if (whole)
        value = (double)integer;
    const char *kind = whole ? "a whole number" : "a number";
    if (!has_bounds(o))
        snprintf(want, size, "%s", kind);
    else if (o->max >= COUNT_MAX)
        snprintf(want, size, "%s, %.0f or more", kind, o->min);
    else
        snprintf(want, size, "%s from %.15g to %.15g", kind, o->min, o->max);
    return ok && (!has_bounds(o) || (value >= o->min && value <= o->max));
}

static void want_choices(const char *choices, char *want, size_t size)
{
    size_t used = 0;
    want[0] = '\0';
    for (const char *c = choices; *c && used < size;) {
        size_t len = strcspn(c, "|");
        bool last = c[len] == '\0';
        const char *join = c == choices ? "" : last ? " or " : ", ";
        int n = snprintf(want + used, size - used, "%s%.*s", join, (int)len, c);
        used += n > 0 ? (size_t)n : 0;
        c += len + !last;
    }
}

static bool is_zone(const char *text)
{
    rid_timezones *z = rid_timezones_new();
    bool known = z && rid_timezones_set(z, NULL, text, NULL) == RID_OK;
    rid_timezones_free(z);
    return known;
}

static bool check_text(const rid_option *o, const char *text, char *want, size_t size)
{
    if ((o->flags & RID_OPTION_NO_EMPTY) && *text == '\0') {
        snprintf(want, size, "a value");
        return false;
    }
    snprintf(want, size, o->flags & RID_OPTION_ZONE ? "a time zone like Europe/Berlin" : "a text");
    return !(o->flags & RID_OPTION_ZONE) || is_zone(text);
}

bool rid_option_check(const rid_option *o, const char *text, char *want, size_t want_size)
{
    uint32_t i, n;
    int64_t lo, hi;
    double value;
    bool percent;
    switch (o->type) {
    case RID_OPTION_FLAG:
        snprintf(want, want_size, "true or false");
        return is_choice("true|false", rid_option_canonical(o, text));
    case RID_OPTION_CHOICE:
        want_choices(o->choices, want, want_size);
        return is_choice(o->choices, rid_option_canonical(o, text));
    case RID_OPTION_INT:
    case RID_OPTION_FLOAT:
        return check_number(o, text, want, want_size);
    case RID_OPTION_COUNT_OR_PERCENT:
        snprintf(want, want_size, "a count like 12 or a share like 1.5%%");
        return rid_num_parse_count_or_percent(rid_str_of(text), &value, &percent);
    case RID_OPTION_SHARD:
        snprintf(want, want_size, "a shard like 0/4 (from 0/4 to 3/4)");
        return rid_num_parse_shard(rid_str_of(text), &i, &n);
    case RID_OPTION_RANGE:
        snprintf(want, want_size, "a range like 2:5");
        return rid_num_parse_range(rid_str_of(text), &lo, &hi) &&
               (!has_bounds(o) || ((double)lo >= o->min && (double)hi <= o->max));
    case RID_OPTION_STRING:
    case RID_OPTION_PATH:
    case RID_OPTION_LIST:
    case RID_OPTION_MAP:
        return check_text(o, text, want, want_size);
    }
    return false;
}

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the usual table: the row before, and one more for swapped neighbours. */
size_t rid_word_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1], n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return n > m ? n : m;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = above[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            row[j] = least(least(row[j - 1], above[j]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

static bool begins(const char *whole, const char *part)
{
    size_t i = 0;
    while (part[i] && fold(whole[i]) == fold(part[i]))
        i++;
    return i >= 3 && part[i] == '\0';
}

const rid_option *rid_option_suggest(const char *name, unsigned tools, bool key)
{
    const rid_option *near = NULL, *begun = NULL;
    size_t nearest = strlen(name) / 3 + 1;
    if (nearest > 3)
        nearest = 3;
    for (size_t i = 0; i < rid_options_count; i++) {
        const rid_option *o = &rid_options[i];
        if (!(o->tools & tools) || (o->flags & RID_OPTION_HIDDEN) ||
            (key && (o->flags & RID_OPTION_NO_YAML)))
            continue;
        size_t distance = rid_word_distance(name, o->name);
        if (distance < nearest || (distance == nearest && !near)) {
            nearest = distance;
            near = o;
        }
        if (!begun && begins(o->name, name))
            begun = o;
    }
    return begun && nearest > 0 ? begun : near;
}

const char *rid_tool_name(unsigned bit)
{
    switch (bit) {
    case RID_TOOL_ENCODE:
        return "encode";
    case RID_TOOL_MANIFEST:
        return "manifest";
    case RID_TOOL_MATCH:
        return "match";
    case RID_TOOL_STORE:
        return "store";
    case RID_TOOL_SYNTH:
        return "synth";
    case RID_TOOL_TRAIN:
        return "train";
    default:
        return "?";
    }
}
