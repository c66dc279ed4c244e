#include "train/synth_attrs.h"

typedef enum attr_type { ENUM, MULTILABEL, PROB_DICT, FLOAT, BOOL } attr_type;

typedef struct attr_field {
    const char *name;
    attr_type type;
    const char *const *values; /* NULL-terminated vocabulary; NULL for FLOAT and BOOL */
    double lo, hi;             /* FLOAT only */
    int uniform;               /* employees: index of the value, BOOL's value; -1 = as anybody */
} attr_field;

static const char *const type_names[] = {"enum", "multilabel", "prob_dict", "float", "bool"};
static const char *const uppers[] = {"t_shirt", "shirt", "sweater", "hoodie", "jacket",
                                     "coat",    "vest",  "dress",   NULL};
static const char *const lowers[] = {"trousers", "jeans", "shorts", "skirt", NULL};
static const char *const colours[] = {"black",  "white", "grey", "blue",   "red", "green",
                                      "yellow", "brown", "pink", "purple", NULL};
static const char *const things[] = {"glasses", "hat",   "backpack", "handbag",
                                     "scarf",   "apron", "badge",    NULL};

enum { UPPER_VEST = 6, COLOUR_RED = 4 };

static const attr_field fields[] = {
    {"upper_type", ENUM, uppers, 0, 0, UPPER_VEST},
    {"upper_color", PROB_DICT, colours, 0, 0, COLOUR_RED},
    {"lower_type", ENUM, lowers, 0, 0, -1},
    {"lower_color", PROB_DICT, colours, 0, 0, -1},
    {"accessories", MULTILABEL, things, 0, 0, -1},
    {"sleeve_length", FLOAT, NULL, 0, 1, -1},
    {"height_m", FLOAT, NULL, 1.4, 2.1, -1},
    {"uniform", BOOL, NULL, 0, 0, 1},
    {"face_mask", BOOL, NULL, 0, 0, -1},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* A true value: an index into the vocabulary (PROB_DICT: the main one), a set of labels as bits, a
 * truth value, or a measurement. */
typedef struct attr_value {
    uint32_t index, second;
    double x;
} attr_value;

static uint32_t n_values(const attr_field *f)
{
    uint32_t n = 0;
    while (f->values[n])
        n++;
    return n;
}

static void write_field(rid_jsonw *w, const attr_field *f)
{
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, "name");
    rid_jsonw_cstr(w, f->name);
    rid_jsonw_key(w, "type");
    rid_jsonw_cstr(w, type_names[f->type]);
    if (f->values) {
        rid_jsonw_key(w, "values");
        rid_jsonw_begin_array(w);
        for (uint32_t i = 0; f->values[i]; i++)
            rid_jsonw_cstr(w, f->values[i]);
        rid_jsonw_end_array(w);
    }
    if (f->type == FLOAT) {
        rid_jsonw_key(w, "range");
        rid_jsonw_begin_array(w);
        rid_jsonw_f64(w, f->lo);
        rid_jsonw_f64(w, f->hi);
        rid_jsonw_end_array(w);
    }
    rid_jsonw_end_object(w);
}

void rid_synth_schema_append(rid_buf *out)
{
    rid_jsonw w = {.out = out};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_i64(&w, 1);
    rid_jsonw_key(&w, "schema_id");
    rid_jsonw_cstr(&w, "synth-v1");
    rid_jsonw_key(&w, "fields");
    rid_jsonw_begin_array(&w);
    for (int i = 0; i < N_FIELDS; i++)
        write_field(&w, &fields[i]);
    rid_jsonw_end_array(&w);
    rid_jsonw_end_object(&w);
}

static attr_value draw_value(rid_random *r, const attr_field *f)
{
    attr_value v = {0};
    switch (f->type) {
    case ENUM:
        v.index = (uint32_t)rid_random_below(r, n_values(f));
        break;
    case PROB_DICT:
        v.index = (uint32_t)rid_random_below(r, n_values(f));
        v.second = (uint32_t)rid_random_below(r, n_values(f));
        break;
    case MULTILABEL: /* two coins: a quarter of the labels */
        v.index = (uint32_t)(rid_random_u64(r) & rid_random_u64(r)) & ((1u << n_values(f)) - 1);
        break;
    case FLOAT:
        v.x = f->lo + (f->hi - f->lo) * rid_random_uniform(r);
        break;
    case BOOL:
        v.index = rid_random_chance(r, 0.1);
        break;
    }
    return v;
}

/* Thousandths, so that the text stays short. */
static void write_rounded(rid_jsonw *w, double x)
{
    rid_jsonw_f64(w, (double)(int64_t)(x * 1000 + (x < 0 ? -0.5 : 0.5)) / 1000);
}

static void write_labels(rid_jsonw *w, const attr_field *f, uint32_t set, bool unknown)
{
    rid_jsonw_begin_array(w);
    for (uint32_t i = 0; f->values[i]; i++)
        if (set >> i & 1)
            rid_jsonw_cstr(w, f->values[i]);
    if (unknown)
        rid_jsonw_cstr(w, "umbrella");
    rid_jsonw_end_array(w);
}

/* Not summing to 1, as the models' own do not: the reader divides. */
static void write_probabilities(rid_jsonw *w, const attr_field *f, attr_value v, bool unknown,
                                double noise, rid_random *r)
{
    double doubt = noise > 0 ? 0.05 + 0.35 * rid_random_uniform(r) : 0.2;
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, f->values[v.index]);
    write_rounded(w, 0.95 - doubt);
    if (v.second != v.index) {
        rid_jsonw_key(w, f->values[v.second]);
        write_rounded(w, doubt);
    }
    if (unknown) {
        rid_jsonw_key(w, "multicolour");
        write_rounded(w, 0.2);
    }
    rid_jsonw_end_object(w);
}

static void write_value(rid_jsonw *w, const attr_field *f, attr_value v, bool unknown, double noise,
                        rid_random *r)
{
    rid_jsonw_key(w, f->name);
    switch (f->type) {
    case ENUM:
        rid_jsonw_cstr(w, unknown ? "unclear" : f->values[v.index]);
        break;
    case MULTILABEL:
        write_labels(w, f, v.index, unknown);
        break;
    case PROB_DICT:
        write_probabilities(w, f, v, unknown, noise, r);
        break;
    case FLOAT: /* outside its range as often as not: the reader clamps */
        v.x += unknown ? f->hi - f->lo : 0.3 * noise * (f->hi - f->lo) * rid_random_normal(r);
        write_rounded(w, v.x);
        break;
    case BOOL:
        if (unknown)
            rid_jsonw_cstr(w, "unclear");
        else
            rid_jsonw_bool(w, v.index != 0);
        break;
    }
}

static void write_noisy(rid_jsonw *w, const attr_field *f, attr_value v, double noise,
                        rid_random *r)
{
    enum { MISSING, NOTHING, WRONG, UNKNOWN, N_FAULTS };
    uint64_t fault = rid_random_chance(r, noise) ? rid_random_below(r, N_FAULTS) : N_FAULTS;
    if (fault == MISSING)
        return;
    if (fault == NOTHING) {
        rid_jsonw_key(w, f->name);
        rid_jsonw_null(w);
        return;
    }
    if (fault == WRONG)
        v = draw_value(r, f);
    write_value(w, f, v, fault == UNKNOWN, noise, r);
}

void rid_synth_attrs_write(rid_jsonw *w, uint64_t look, bool employee, double noise, rid_random *r)
{
    rid_random person = rid_random_of(&look, 1);
    rid_jsonw_begin_object(w);
    for (int i = 0; i < N_FIELDS; i++) {
        attr_value v = draw_value(&person, &fields[i]);
        if (employee && fields[i].uniform >= 0)
            v.index = (uint32_t)fields[i].uniform;
        write_noisy(w, &fields[i], v, noise, r);
    }
    rid_jsonw_end_object(w);
}
