#include "train/picklestack.h"

#include "data/base/mem.h"

#include <stdio.h>
#include <string.h>

void rid_picklestack_free(rid_picklestack *m)
{
    if (m->stack_cap)
        rid_budget_give(m->arena->budget, m->stack_cap, sizeof *m->stack);
    if (m->memo_cap)
        rid_budget_give(m->arena->budget, m->memo_cap, sizeof *m->memo);
    rid_mem_free(m->stack);
    rid_mem_free(m->memo);
}

void rid_picklestack_fail(rid_picklestack *m, const char *fmt, ...)
{
    char text[512];
    if (m->st != RID_OK)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    m->st = RID_FAIL(m->err, RID_EDATA, "byte %zu: %s", m->op_at, text);
}

void rid_picklestack_expected(rid_picklestack *m, const char *what, const rid_pickle_value *found)
{
    rid_picklestack_fail(m, "expected %s, found %s", what, rid_pickle_type_name(found->type));
}

void rid_picklestack_refer(rid_picklestack *m, rid_status st)
{
    if (st != RID_OK)
        rid_err_prepend(m->err, "byte %zu", m->op_at);
    m->st = st;
}

void *rid_picklestack_alloc(rid_picklestack *m, size_t n, size_t size)
{
    void *p = NULL;
    if (m->st == RID_OK)
        rid_picklestack_refer(m, rid_pickle_alloc(m->arena, &p, n, size, m->err));
    return p;
}

/* Grows *p, an array of pointers, to `need`, charging old and new together while both exist. */
static bool grow(rid_picklestack *m, rid_pickle_value ***p, size_t *cap, size_t need)
{
    if (need <= *cap)
        return true;
    size_t larger = *cap + *cap / 2 > need ? *cap + *cap / 2 : need < 64 ? 64 : need;
    rid_picklestack_refer(m, rid_budget_take(m->arena->budget, larger, sizeof **p, m->err));
    if (m->st != RID_OK)
        return false;
    rid_pickle_value **grown = rid_mem_resize(*p, larger, sizeof **p);
    if (!grown) {
        m->st = RID_FAIL_NOMEM(m->err);
        return false;
    }
    if (*cap)
        rid_budget_give(m->arena->budget, *cap, sizeof **p);
    *p = grown;
    *cap = larger;
    return true;
}

size_t rid_picklestack_floor(const rid_picklestack *m)
{
    return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

void rid_picklestack_push(rid_picklestack *m, rid_pickle_value *v)
{
    if (m->n_stack == RID_UNPICKLE_STACK_MAX)
        rid_picklestack_fail(m, "more than %d values on the stack", RID_UNPICKLE_STACK_MAX);
    if (m->st == RID_OK && grow(m, &m->stack, &m->stack_cap, m->n_stack + 1))
        m->stack[m->n_stack++] = v;
}

rid_pickle_value *rid_picklestack_push_new(rid_picklestack *m, rid_pickle_type type)
{
    rid_pickle_value *v = rid_picklestack_alloc(m, 1, sizeof *v);
    if (!v)
        return &m->none;
    *v = (rid_pickle_value){.type = (uint8_t)type, .at = (uint32_t)m->op_at};
    rid_picklestack_push(m, v);
    return v;
}

rid_pickle_value *rid_picklestack_top(rid_picklestack *m)
{
    if (m->n_stack > rid_picklestack_floor(m))
        return m->stack[m->n_stack - 1];
    rid_picklestack_fail(m, "expected a value on the stack, found none");
    return &m->none;
}

rid_pickle_value *rid_picklestack_pop(rid_picklestack *m)
{
    rid_pickle_value *v = rid_picklestack_top(m);
    if (m->st == RID_OK)
        m->n_stack--;
    return v;
}

void rid_picklestack_push_mark(rid_picklestack *m)
{
    if (m->n_marks == RID_UNPICKLE_MARKS_MAX)
        rid_picklestack_fail(m, "nested deeper than %d", RID_UNPICKLE_MARKS_MAX);
    else
        m->marks[m->n_marks++] = m->n_stack;
}

rid_pickle_value **rid_picklestack_pop_mark(rid_picklestack *m, size_t *n)
{
    *n = 0;
    if (m->n_marks == 0) {
        rid_picklestack_fail(m, "expected a mark on the stack, found none");
        return NULL;
    }
    size_t from = m->marks[--m->n_marks];
    *n = m->n_stack - from;
    m->n_stack = from;
    return *n ? m->stack + from : NULL;
}

void rid_picklestack_put(rid_picklestack *m, size_t index)
{
    rid_pickle_value *v = rid_picklestack_top(m);
    if (index >= RID_UNPICKLE_MEMO_MAX)
        rid_picklestack_fail(m, "more than %d values remembered", RID_UNPICKLE_MEMO_MAX);
    if (m->st != RID_OK || !grow(m, &m->memo, &m->memo_cap, index + 1))
        return;
    while (m->n_memo <= index)
        m->memo[m->n_memo++] = NULL;
    m->memo[index] = v;
}

void rid_picklestack_get(rid_picklestack *m, size_t index)
{
    if (index >= m->n_memo || !m->memo[index])
        rid_picklestack_fail(m, "expected a remembered value, found nothing at %zu", index);
    else
        rid_picklestack_push(m, m->memo[index]);
}

const unsigned char *rid_picklestack_take(rid_picklestack *m, uint64_t n)
{
    if (n > m->n - m->at) {
        rid_picklestack_fail(m, "expected %llu more bytes, found %zu and the end",
                             (unsigned long long)n, m->n - m->at);
        return NULL;
    }
    const unsigned char *p = m->bytes + m->at;
    m->at += n;
    return p;
}

uint64_t rid_picklestack_take_uint(rid_picklestack *m, size_t n)
{
    const unsigned char *p = rid_picklestack_take(m, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

rid_str rid_picklestack_take_line(rid_picklestack *m)
{
    const unsigned char *p = m->bytes + m->at, *end = memchr(p, '\n', m->n - m->at);
    if (!end) {
        rid_picklestack_fail(m, "expected a line, found the end");
        return rid_str_of("");
    }
    m->at += (size_t)(end - p) + 1;
    return (rid_str){(const char *)p, (size_t)(end - p)};
}
