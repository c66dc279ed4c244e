/* The simdjson shim: the only file that includes its header. No exception leaves it (simdjson is
 * used through error codes; allocation goes through rid_mem or nothrow new). */
#include "data/json.h"

extern "C" {
#include "data/base/mem.h"
#include "data/json_scan.h"
#include "data/jsonw.h"
}

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>

namespace dom = simdjson::dom;

static_assert(RID_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "padding promised to simdjson");
static_assert(sizeof(dom::element) <= sizeof(rid_json), "a value must fit its C view");
static_assert(std::is_trivially_copyable<dom::element>::value, "a value must copy as bytes");

struct rid_json_parser {
    dom::parser parser{simdjson::SIMDJSON_MAXSIZE_BYTES};
};

namespace {

/* Above this a parser's buffers are given back after use: one huge payload must not stay for good. */
constexpr std::size_t KEEP_CAPACITY = std::size_t{16} << 20;
constexpr std::size_t FIRST_CAPACITY = std::size_t{256} << 10;

template <typename T> rid_json pack(const T &view)
{
    static_assert(sizeof(T) <= sizeof(rid_json) && std::is_trivially_copyable<T>::value, "");
    rid_json v = {nullptr, 0};
    std::memcpy(&v, &view, sizeof view);
    return v;
}

template <typename T> T unpack(const rid_json &v)
{
    T view;
    std::memcpy(static_cast<void *>(&view), &v, sizeof view);
    return view;
}

rid_str str_of(std::string_view s)
{
    return {s.data() ? s.data() : "", s.size()};
}

bool find_duplicate(dom::element e, rid_str *key);

/* Each key against those before it: for few, and where there is no memory to sort many. */
bool find_duplicate_pairwise(dom::object object, rid_str *key)
{
    for (auto a = object.begin(); a != object.end(); ++a) {
        for (auto b = object.begin(); b != a; ++b) {
            if (a.key() == b.key()) {
                *key = str_of(a.key());
                return true;
            }
        }
    }
    return false;
}

bool find_duplicate_sorted(dom::object object, std::string_view *keys, rid_str *key)
{
    std::size_t n = 0;
    for (auto [name, value] : object)
        keys[n++] = name;
    std::sort(keys, keys + n);
    for (std::size_t i = 1; i < n; i++) {
        if (keys[i] == keys[i - 1]) {
            *key = str_of(keys[i]);
            return true;
        }
    }
    return false;
}

bool find_duplicate_in_object(dom::object object, rid_str *key)
{
    constexpr std::size_t FEW = 24;
    std::size_t n = 0;
    for (auto [name, value] : object) {
        if (find_duplicate(value, key))
            return true;
        n++;
    }
    void *memory = n > FEW ? rid_mem_alloc(n, sizeof(std::string_view)) : nullptr;
    auto *keys = static_cast<std::string_view *>(memory);
    bool found = keys ? find_duplicate_sorted(object, keys, key) : find_duplicate_pairwise(object, key);
    rid_mem_free(memory);
    return found;
}

bool find_duplicate(dom::element e, rid_str *key)
{
    dom::object object;
    dom::array array;
    if (e.get_object().get(object) == simdjson::SUCCESS)
        return find_duplicate_in_object(object, key);
    if (e.get_array().get(array) == simdjson::SUCCESS)
        for (dom::element child : array)
            if (find_duplicate(child, key))
                return true;
    return false;
}

/* Reads one row into out[0..room); *n is how many it has in all. */
rid_json_matrix_fault read_row(dom::array row, float *out, std::size_t room, std::size_t *n)
{
    std::size_t i = 0;
    rid_json_matrix_fault fault = RID_JSON_MATRIX_OK;
    for (dom::element e : row) {
        double x;
        if (e.get_double().get(x) != simdjson::SUCCESS) {
            *n = i;
            return RID_JSON_MATRIX_NOT_NUMBER;
        }
        if (i < room) {
            float f = static_cast<float>(x);
            if (!(std::fabs(f) <= std::numeric_limits<float>::max())) {
                *n = i;
                return RID_JSON_MATRIX_RANGE;
            }
            out[i] = f;
        }
        i++;
    }
    *n = i;
    return fault;
}

/* JSON parsers (this one, Python's) read "-0" as the integer 0, which has no sign. */
template <class T> std::size_t write_number(char *out, T x)
{
    if (x == 0 && std::signbit(x)) {
        std::memcpy(out, "-0.0", 4);
        return 4;
    }
    return static_cast<std::size_t>(std::to_chars(out, out + RID_JSON_NUMBER_MAX, x).ptr - out);
}

/* simdjson counts a container only once something stands in it, and its limit is the first depth
 * that is refused: at ours it takes 63 levels around an empty one. One level more takes all that is
 * allowed, and what it takes too much the grammar finds. Rare: a whole second look is fine. */
simdjson::error_code parse_deep(dom::parser &parser, const char *text, std::size_t len,
                                dom::element &element)
{
    rid_json_fault fault;
    std::size_t capacity = parser.capacity();
    bool faulty = rid_json_diagnose(text, len, RID_JSON_DEPTH_MAX, &fault);
    if (faulty && fault.reason == RID_REJECT_DEPTH)
        return simdjson::DEPTH_ERROR;
    if (parser.allocate(capacity, RID_JSON_DEPTH_MAX + 1) != simdjson::SUCCESS)
        return simdjson::MEMALLOC;
    simdjson::error_code code = parser.parse(text, len, false).get(element);
    simdjson::error_code back = parser.allocate(capacity, RID_JSON_DEPTH_MAX);
    return back == simdjson::SUCCESS ? code : simdjson::MEMALLOC;
}

} // namespace

extern "C" {

rid_json_parser *rid_json_parser_new(void)
{
    void *memory = rid_mem_alloc(1, sizeof(rid_json_parser));
    return memory ? new (memory) rid_json_parser : nullptr;
}

void rid_json_parser_free(rid_json_parser *p)
{
    if (!p)
        return;
    p->~rid_json_parser();
    rid_mem_free(p);
}

rid_status rid_json_parse(rid_json_parser *p, const char *text, size_t len, rid_json *root,
                          rid_err *err)
{
    if (p->parser.capacity() > KEEP_CAPACITY && len <= KEEP_CAPACITY)
        p->parser = dom::parser{simdjson::SIMDJSON_MAXSIZE_BYTES};
    if (len > p->parser.capacity()) {
        std::size_t capacity = len < FIRST_CAPACITY ? FIRST_CAPACITY : len + len / 4;
        if (p->parser.allocate(capacity, RID_JSON_DEPTH_MAX) != simdjson::SUCCESS)
            return RID_FAIL_NOMEM(err);
    }
    dom::element element;
    simdjson::error_code code = p->parser.parse(text, len, false).get(element);
    if (code == simdjson::DEPTH_ERROR)
        code = parse_deep(p->parser, text, len, element);
    if (code == simdjson::MEMALLOC)
        return RID_FAIL_NOMEM(err);
    if (code != simdjson::SUCCESS)
        return RID_FAIL(err, RID_EDATA, "%s", simdjson::error_message(code));
    *root = pack(element);
    return RID_OK;
}

rid_json_type rid_json_type_of(rid_json v)
{
    switch (unpack<dom::element>(v).type()) {
    case dom::element_type::ARRAY:
        return RID_JSON_ARRAY;
    case dom::element_type::OBJECT:
        return RID_JSON_OBJECT;
    case dom::element_type::STRING:
        return RID_JSON_STRING;
    case dom::element_type::BOOL:
        return RID_JSON_BOOL;
    case dom::element_type::NULL_VALUE:
        return RID_JSON_NULL;
    default:
        return RID_JSON_NUMBER;
    }
}

const char *rid_json_type_name(rid_json_type t)
{
    static const char *const names[] = {"null", "a boolean", "a number", "a string", "an array",
                                        "an object"};
    return names[t];
}

bool rid_json_get_bool(rid_json v, bool *out)
{
    return unpack<dom::element>(v).get_bool().get(*out) == simdjson::SUCCESS;
}

bool rid_json_get_i64(rid_json v, int64_t *out)
{
    return unpack<dom::element>(v).get_int64().get(*out) == simdjson::SUCCESS;
}

bool rid_json_get_f64(rid_json v, double *out)
{
    return unpack<dom::element>(v).get_double().get(*out) == simdjson::SUCCESS;
}

bool rid_json_get_str(rid_json v, rid_str *out)
{
    std::string_view s;
    if (unpack<dom::element>(v).get_string().get(s) != simdjson::SUCCESS)
        return false;
    *out = str_of(s);
    return true;
}

rid_json_iter rid_json_begin(rid_json v)
{
    dom::element e = unpack<dom::element>(v);
    dom::array array;
    dom::object object;
    if (e.get_object().get(object) == simdjson::SUCCESS)
        return {pack(object.begin()), pack(object.end()), true};
    if (e.get_array().get(array) == simdjson::SUCCESS)
        return {pack(array.begin()), pack(array.end()), false};
    return {v, v, false};
}

bool rid_json_next(rid_json_iter *it, rid_str *key, rid_json *value)
{
    if (it->object) {
        auto at = unpack<dom::object::iterator>(it->at);
        if (!(at != unpack<dom::object::iterator>(it->end)))
            return false;
        if (key)
            *key = str_of(at.key());
        *value = pack(at.value());
        it->at = pack(++at);
        return true;
    }
    if (it->at.at == it->end.at)
        return false;
    auto at = unpack<dom::array::iterator>(it->at);
    *value = pack(*at);
    it->at = pack(++at);
    return true;
}

bool rid_json_find(rid_json v, const char *key, rid_json *value)
{
    dom::object object;
    dom::element found;
    if (unpack<dom::element>(v).get_object().get(object) != simdjson::SUCCESS ||
        object.at_key(key).get(found) != simdjson::SUCCESS)
        return false;
    *value = pack(found);
    return true;
}

bool rid_json_find_duplicate_key(rid_json v, rid_str *key)
{
    return find_duplicate(unpack<dom::element>(v), key);
}

rid_json_matrix_fault rid_json_read_matrix(rid_json v, rid_json_matrix *m, size_t *row,
                                           size_t *column)
{
    dom::array rows;
    m->rows = m->cols = 0;
    *row = *column = 0;
    if (unpack<dom::element>(v).get_array().get(rows) != simdjson::SUCCESS)
        return RID_JSON_MATRIX_NOT_ARRAY;
    for (dom::element e : rows) {
        dom::array elements;
        if (e.get_array().get(elements) != simdjson::SUCCESS) {
            *row = m->rows;
            *column = 0;
            return RID_JSON_MATRIX_NOT_ARRAY;
        }
        if (m->rows == 0)
            m->cols = elements.size();
        if (rid_mem_grow(&m->data, &m->cap, (m->rows + 1) * m->cols, sizeof(float)) != 0)
            return RID_JSON_MATRIX_NO_MEMORY;
        size_t n;
        rid_json_matrix_fault fault = read_row(elements, m->data + m->rows * m->cols, m->cols, &n);
        *row = m->rows;
        *column = n;
        if (fault != RID_JSON_MATRIX_OK)
            return fault;
        if (n != m->cols)
            return RID_JSON_MATRIX_RAGGED;
        m->rows++;
    }
    return m->rows == 0 || m->cols == 0 ? RID_JSON_MATRIX_NO_ROWS : RID_JSON_MATRIX_OK;
}

bool rid_json_read_number(const char *text, size_t len, double *out)
{
    std::from_chars_result r = std::from_chars(text, text + len, *out);
    return r.ec == std::errc() && r.ptr == text + len;
}

size_t rid_json_write_f32(char *out, float x)
{
    return write_number(out, x);
}

size_t rid_json_write_f64(char *out, double x)
{
    return write_number(out, x);
}

void rid_json_append(rid_buf *b, rid_json v)
{
    rid_jsonw w = {b, false};
    bool first = true;
    rid_str key = {nullptr, 0};
    rid_json child;
    rid_json_iter it = rid_json_begin(v);
    dom::element e = unpack<dom::element>(v);
    rid_str text = {nullptr, 0};
    switch (e.type()) {
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
        rid_buf_append_char(b, it.object ? '{' : '[');
        while (rid_json_next(&it, &key, &child)) {
            if (!first)
                rid_buf_append_char(b, ',');
            first = false;
            if (it.object) {
                rid_jsonw_quote(b, key);
                rid_buf_append_char(b, ':');
            }
            rid_json_append(b, child);
        }
        rid_buf_append_char(b, it.object ? '}' : ']');
        break;
    case dom::element_type::STRING:
        rid_json_get_str(v, &text);
        rid_jsonw_quote(b, text);
        break;
    case dom::element_type::INT64:
        rid_jsonw_i64(&w, int64_t{e});
        break;
    case dom::element_type::UINT64:
        rid_jsonw_u64(&w, uint64_t{e});
        break;
    case dom::element_type::DOUBLE:
        rid_jsonw_f64(&w, double{e});
        break;
    case dom::element_type::BOOL:
        rid_jsonw_bool(&w, bool{e});
        break;
    case dom::element_type::NULL_VALUE:
        rid_jsonw_null(&w);
        break;
    }
}

} // extern "C"
