#include "eval/assertion.h"

#include "data/base/log.h"
#include "data/base/num.h"

#include <math.h>
#include <string.h>

/* Longer ones first: ">=" is not ">" and "=…". */
static const struct {
    const char *text;
    rid_comparison comparison;
} operators[] = {{">=", RID_GE}, {"<=", RID_LE}, {"==", RID_EQ},
                 {"!=", RID_NE}, {">", RID_GT},  {"<", RID_LT}};

static rid_str trim(rid_str s)
{
    while (s.len > 0 && strchr(" \t", s.data[0]))
        s = (rid_str){s.data + 1, s.len - 1};
    while (s.len > 0 && strchr(" \t", s.data[s.len - 1]))
        s.len--;
    return s;
}

static bool take_operator(rid_comparison *out, size_t *len, const char *at)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        *len = strlen(operators[i].text);
        *out = operators[i].comparison;
        if (strncmp(at, operators[i].text, *len) == 0)
            return true;
    }
    return false;
}

rid_status rid_assertion_parse(rid_assertion *out, const char *text, rid_err *err)
{
    const size_t at = strcspn(text, "<>=!");
    size_t len;
    *out = (rid_assertion){.text = text, .name = trim((rid_str){text, at})};
    const bool good = take_operator(&out->comparison, &len, text + at) && out->name.len > 0 &&
                      rid_num_parse_f64(trim(rid_str_of(text + at + len)), &out->bound);
    return good ? RID_OK
                : RID_FAIL(
                      err, RID_EUSAGE,
                      "--assert: '%s' is not like 'pairwise_f1 >= 0.95' (also >, <=, <, ==, !=)",
                      text);
}

/* More names than a message holds go to lines of their own. */
static void say_names(const rid_buf *list)
{
    enum { LINE = 100 };
    for (size_t at = 0, end; at < list->len; at = end + 1) {
        end = at + LINE < list->len ? at + LINE : list->len;
        while (end < list->len && list->data[end] != ' ')
            end++;
        rid_log(RID_LOG_ERROR, "%s%.*s", at == 0 ? "figures: " : "  ", (int)(end - at),
                list->data + at);
    }
}

rid_status rid_assertion_check_name(const rid_assertion *a, const rid_metric_set *names,
                                    rid_err *err)
{
    rid_buf list = {0};
    rid_status st;
    if (rid_metric_find(names, a->name))
        return RID_OK;
    for (size_t i = 0; i < names->n; i++)
        rid_buf_printf(&list, "%s%s", i > 0 ? ", " : "", names->at[i].name);
    if (!rid_buf_cstr(&list)) {
        st = RID_FAIL_NOMEM(err);
    } else if (list.len + a->name.len < RID_ERR_MESSAGE_MAX - 100) {
        st = RID_FAIL(err, RID_EUSAGE, "--assert: there is no figure '%.*s' here, but %s",
                      RID_STR(a->name), list.data);
    } else {
        say_names(&list);
        st = RID_FAIL(err, RID_EUSAGE, "--assert: there is no figure '%.*s' here, but those above",
                      RID_STR(a->name));
    }
    rid_buf_free(&list);
    return st;
}

bool rid_assertion_holds(const rid_assertion *a, const rid_metric_set *values)
{
    const double x = rid_metric_find(values, a->name)->value;
    switch (a->comparison) {
    case RID_GE:
        return x >= a->bound;
    case RID_GT:
        return x > a->bound;
    case RID_LE:
        return x <= a->bound;
    case RID_LT:
        return x < a->bound;
    case RID_EQ:
        return x == a->bound;
    case RID_NE:
        break;
    }
    return !isnan(x) && x != a->bound;
}

void rid_assertion_explain(rid_buf *out, const rid_assertion *a, const rid_metric_set *values)
{
    const rid_metric *m = rid_metric_find(values, a->name);
    rid_buf_printf(out, "%s: %s is ", a->text, m->name);
    if (!isnan(m->value))
        rid_metric_append(out, m);
    else
        rid_buf_printf(out, "not defined (%s)", m->lacks ? m->lacks : "nothing to count");
}
