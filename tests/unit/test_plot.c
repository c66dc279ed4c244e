/* Pages, axes and charts: escaping, ticks, and what is drawn of odd data. */
#include "html_check.h"

#include "data/plot.h"
#include "data/plot_axis.h"
#include "data/plot_heat.h"

static rid_buf out;
static rid_html page;

static int begin(void **state)
{
    (void)state;
    rid_buf_clear(&out);
    page = (rid_html){.out = &out};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rid_buf_free(&out);
    return 0;
}

/* What was written, well-formed. */
static const char *text(void)
{
    const char *s = rid_buf_cstr(&out);
    assert_non_null(s);
    assert_false(out.failed);
    html_check_all(s);
    return s;
}

static size_t count(const char *part)
{
    size_t n = 0;
    for (const char *at = text(); (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void assert_has(const char *part)
{
    if (count(part) == 0)
        fail_msg("no '%s' in:\n%s", part, text());
}

/* ---- pages ---- */

static void test_escape(void **state)
{
    (void)state;
    static const char odd[] = "<a href=\"x\" b='y'>&amp;\n\t\x01\x7F\xC3\xA9\xC3(\xED\xA0\x80\0z";
    rid_html_escape(&out, (rid_str){odd, sizeof odd - 1});
    assert_string_equal(text(), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;\n\t"
                                "\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD("
                                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

static void test_page(void **state)
{
    (void)state;
    const rid_html_column columns[] = {{"na<me", false}, {"n", true}},
                          no_heading[] = {{NULL, false}};
    const char *const cells[] = {"a&b", "1"};
    rid_html_begin(&page, "</title><script>");
    rid_html_element(&page, "p", "soft", "%s %d", "<script>", 5);
    rid_html_begin_table(&page, "cap>tion", columns, 2);
    rid_html_row(&page, columns, cells, 2, "strong");
    rid_html_end_table(&page);
    rid_html_begin_table(&page, NULL, no_heading, 1);
    rid_html_row(&page, no_heading, cells, 1, NULL);
    rid_html_end_table(&page);
    rid_html_begin_cards(&page, columns, 2);
    rid_html_row(&page, columns, (const char *const[]){"c", "2\n1 to <3"}, 2, NULL);
    rid_html_end_table(&page);
    rid_html_end(&page);
    assert_has("<td class=\"n\" data-name=\"n\"><span>2<small>1 to &lt;3</small></span></td>");
    assert_has("<th scope=\"row\" data-name=\"na&lt;me\"><span>c</span></th>");
    assert_has("<p class=\"soft\">&lt;script&gt; 5</p>");
    assert_has("<td class=\"n\">1</td>");
    assert_int_equal(count("<script"), 0);
    assert_int_equal(count("<thead>"), 2);
    assert_int_equal(count("<table>"), 3);
    assert_has("prefers-color-scheme:dark");
    assert_int_equal(count("http:") + count("https:") + count("url("), 0);
}

/* ---- axes ---- */

static void assert_ticks(const rid_plot_scale *s, const char *wanted)
{
    char got[512] = "";
    for (size_t i = 0; i < s->n_ticks; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", s->label[i]);
    assert_string_equal(got, wanted);
}

static void test_ticks(void **state)
{
    (void)state;
    rid_plot_scale s = rid_plot_scale_linear(0, 1, true, 6);
    assert_ticks(&s, "0 0.2 0.4 0.6 0.8 1.0");
    s = rid_plot_scale_linear(1, 400, false, 6);
    assert_ticks(&s, "100 200 300 400");
    assert_true(s.lo == 1 && s.hi == 400);
    s = rid_plot_scale_linear(0.917, 0.9448, true, 6);
    assert_ticks(&s, "0.91 0.92 0.93 0.94 0.95");
    s = rid_plot_scale_linear(-1, 1, true, 6);
    assert_ticks(&s, "−1.0 −0.5 0 0.5 1.0");
    s = rid_plot_scale_linear(0, 3e-4, true, 6);
    assert_ticks(&s, "0 0.0001 0.0002 0.0003");
    s = rid_plot_scale_linear(0, 3e-5, true, 6);
    assert_ticks(&s, "0 1e−5 2e−5 3e−5");
    s = rid_plot_scale_linear(0, 25e5, true, 6);
    assert_ticks(&s, "0 5e5 1.0e6 1.5e6 2.0e6 2.5e6");
    s = rid_plot_scale_linear(5, 5, true, 6);
    assert_ticks(&s, "4.5 5.0 5.5");
    s = rid_plot_scale_linear(0, 0, true, 6);
    assert_ticks(&s, "0 0.2 0.4 0.6 0.8 1.0");
}

static void test_log_ticks(void **state)
{
    (void)state;
    rid_plot_scale s = rid_plot_scale_log(1e-5, 1, false, 6);
    assert_ticks(&s, "1e−5 0.0001 0.001 0.01 0.1 1");
    s = rid_plot_scale_log(1e-8, 1, false, 6);
    assert_ticks(&s, "1e−8 1e−6 0.0001 0.01 1");
    s = rid_plot_scale_log(0.02, 0.7, true, 8);
    assert_ticks(&s, "0.01 0.02 0.05 0.1 0.2 0.5 1");
    s = rid_plot_scale_log(3, 3, false, 6);
    assert_ticks(&s, "2 5");
    assert_true(rid_plot_scale_place(&s, 3) > 0.49 && rid_plot_scale_place(&s, 3) < 0.51);
    assert_true(isnan(rid_plot_scale_place(&s, 0)) && isnan(rid_plot_scale_place(&s, -1)));
    s = rid_plot_scale_log(0.03, 0.4, false, 6);
    assert_ticks(&s, "0.05 0.1 0.2");
    s = rid_plot_scale_log(0.011, 0.9, false, 4);
    assert_ticks(&s, "0.03 0.1 0.3");
    s = rid_plot_scale_log(0.0021, 0.0045, false, 6);
    assert_ticks(&s, "0.0025 0.0030 0.0035 0.0040 0.0045");
    s = rid_plot_scale_log(3e-6, 0.2, false, 3);
    assert_ticks(&s, "1e−5 0.001 0.1");
}

/* Of any range: ticks ascend, have labels that say what they are, and are not too many. */
static void check_scale(const rid_plot_scale *s, double min, double max, bool round, size_t most)
{
    const double little = 1e-9 * (s->hi - s->lo) + 1e-12 * (fabs(min) + fabs(max));
    assert_true(s->lo <= min + little && s->hi >= max - little);
    assert_true(s->lo < s->hi && s->n_ticks <= most && (!round || s->n_ticks >= 2));
    for (size_t i = 0; i < s->n_ticks; i++) {
        char plain[64], *to = plain;
        for (const char *p = s->label[i]; *p; p++) {
            if ((unsigned char)*p == 0xE2)
                p += 2;
            *to++ = (unsigned char)*p == 0x92 ? '-' : *p;
        }
        *to = '\0';
        assert_true(fabs(strtod(plain, NULL) - s->tick[i]) <= 1e-6 * (s->hi - s->lo));
        assert_true(s->tick[i] >= s->lo - little && s->tick[i] <= s->hi + little);
        if (i > 0)
            assert_true(s->tick[i] > s->tick[i - 1] && strcmp(s->label[i], s->label[i - 1]));
    }
}

static void test_any_range(void **state)
{
    (void)state;
    rid_random rng = fx_random(1);
    for (int i = 0; i < 20000; i++) {
        double size = pow(10, 16 * rid_random_uniform(&rng) - 8);
        double min = size * rid_random_normal(&rng);
        double max = min + size * pow(10, -3 * rid_random_uniform(&rng));
        size_t most = 3 + rid_random_below(&rng, 9);
        bool round = rid_random_chance(&rng, 0.5);
        rid_plot_scale s = rid_plot_scale_linear(min, max, round, most);
        check_scale(&s, min, max, round, most);
        min = size;
        max = size * pow(10, 9 * rid_random_uniform(&rng));
        s = rid_plot_scale_log(min, max, round, most);
        check_scale(&s, min, max, false, most);
        assert_true(most < 6 || s.n_ticks >= 2);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.0000"},    {0.9167, "0.917"}, {-0.0213, "−0.0213"}, {12.34, "12.3"},
                 {1234.5, "1234"}, {3e-5, "3e−5"},    {-2e7, "−2e7"},       {NAN, "–"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[RID_PLOT_LABEL_MAX];
        rid_plot_number(got, cases[i].value);
        assert_string_equal(got, cases[i].text);
    }
}

/* ---- charts ---- */

static void draw(const double *x, const double *y, size_t n)
{
    const rid_plot_series s = {.name = "a<b", .x = x, .y = y, .n = n, .color = RID_PLOT_BLUE};
    begin(NULL);
    rid_plot_lines(&page, &(rid_plot){.title = "A & B", .series = &s, .n_series = 1});
}

/* The path of the first series: the one with the width of lines. */
static void first_path(char *path, size_t size)
{
    const char *group = strstr(text(), "<g "), *d = strstr(group, "<path d=\"") + 9;
    snprintf(path, size, "%.*s", (int)strcspn(d, "\""), d);
}

static size_t count_in(const char *s, char c)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

static void test_lines(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {1, 2, NAN, 3, INFINITY, 5};
    char path[1000];
    draw(x, y, 6);
    assert_has("<title id=\"t1\">A &amp; B</title>");
    assert_has(">a&lt;b: from 1.000 to 5.000, lowest 1.000, highest 5.000. </desc>");
    assert_int_equal(count("legend"), 0);
    assert_int_equal(count("<circle"), 2); /* those without a neighbour */
    first_path(path, sizeof path);
    assert_int_equal(count_in(path, 'M'), 3);
    assert_int_equal(count_in(path, 'L'), 1);
}

static void test_odd_data(void **state)
{
    (void)state;
    const double x[] = {3, 3}, y[] = {7, 7}, none[] = {NAN, NAN};
    draw(x, y, 1);
    assert_int_equal(count("<circle"), 1);
    draw(x, y, 2);
    assert_int_equal(count("no data"), 0);
    draw(x, none, 2);
    assert_has("no data");
    assert_has("no values");
    draw(none, y, 2);
    assert_has("no data");
    draw(NULL, NULL, 0);
    assert_has("no data");
    begin(NULL);
    rid_plot_lines(&page, &(rid_plot){.title = "nothing"});
    assert_has("no data");
    const double steady[] = {2, 2, 2}, three[] = {1, 2, 3};
    draw(three, steady, 3);
    assert_int_equal(count("no data"), 0);
    const double huge[] = {-1e300, 1e300, 1e-300};
    draw(three, huge, 3);
    draw(huge, three, 3);
}

static void test_many_points(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = rid_mem_alloc(N, sizeof *x), *y = rid_mem_alloc(N, sizeof *y);
    char *path = rid_mem_alloc(200000, 1);
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i;
        y[i] = i == 50000 ? 9 : (double)(i % 7);
    }
    draw(x, y, N);
    assert_true(out.len < 60000);
    first_path(path, 200000);
    assert_int_equal(count_in(path, 'M'), 1);
    assert_true(count_in(path, 'L') > 1000);
    /* The one that stands out is still there: at 9 of 0 … 10 the path comes higher than any 6. */
    double top = INFINITY;
    for (const char *p = path; *p; p += strcspn(p + 1, "ML") + 1) {
        double px, py;
        assert_int_equal(sscanf(p + 1, "%lf %lf", &px, &py), 2);
        top = fmin(top, py);
    }
    assert_true(top > 30 && top < 40);
    rid_mem_free(x);
    rid_mem_free(y);
    rid_mem_free(path);
}

static void test_legend_and_mark(void **state)
{
    (void)state;
    const double x[] = {1, 10, 100}, y[] = {0.5, 0.7, 0.9};
    const rid_plot_series two[] = {
        {.name = "before", .x = x, .y = y, .n = 3, .color = RID_PLOT_ORANGE, .dashed = true},
        {.name = "after", .x = x, .y = y, .n = 3, .color = RID_PLOT_BLUE, .dots = true},
    };
    rid_plot p = {.title = "t",
                  .note = "n&n",
                  .x = {.label = "x<", .log = true, .min = 1, .max = 100},
                  .y = {.label = "y>", .zero = true},
                  .series = two,
                  .n_series = 2,
                  .mark_label = "here",
                  .mark_x = 10};
    rid_plot_lines(&page, &p);
    rid_plot_lines(&page, &p);
    assert_int_equal(count("<ul class=\"legend\">"), 2);
    assert_int_equal(count("<circle"), 6);
    assert_int_equal(count(">here</text>"), 2);
    assert_int_equal(count("id=\"t1\""), 1); /* ids are not used twice */
    assert_int_equal(count("id=\"t2\""), 1);
    assert_has(">x&lt;</text>");
    assert_has(">0</text>");
    rid_buf first = out;
    out = (rid_buf){0};
    page.n_plots = 0;
    rid_plot_lines(&page, &p);
    rid_plot_lines(&page, &p);
    assert_int_equal(out.len, first.len);
    assert_memory_equal(out.data, first.data, out.len);
    rid_buf_free(&first);
    begin(NULL);
    p.mark_x = 1000; /* outside: left out */
    rid_plot_lines(&page, &p);
    assert_int_equal(count(">here</text>"), 0);
}

static void test_histogram(void **state)
{
    (void)state;
    const double edge[] = {-1, -0.5, 0, 0.5, 1}, a[] = {0, 10, 0, 90}, b[] = {100, 0, 0, 0};
    const rid_plot_series two[] = {
        {.name = "a<", .x = edge, .y = a, .n = 4, .color = RID_PLOT_ORANGE},
        {.name = "b", .x = edge, .y = b, .n = 4, .color = RID_PLOT_BLUE},
    };
    char path[400];
    rid_plot p = {.title = "h", .series = two, .n_series = 2};
    rid_plot_histogram(&page, &p);
    first_path(path, sizeof path);
    assert_int_equal(count_in(path, 'M'), 2); /* an outline for each run of bins */
    assert_has("−0.500 to 0.0000\na&lt;: 10.0\nb: 0.0000");
    assert_int_equal(count("fill-opacity=\"0\""), 4);
    begin(NULL);
    p.x.min = 0; /* bins outside are not asked for */
    p.x.max = 1;
    rid_plot_histogram(&page, &p);
    assert_int_equal(count("fill-opacity=\"0\""), 2);
    begin(NULL);
    rid_plot_histogram(&page, &(rid_plot){.title = "nothing"});
    assert_has("no data");
}

static void test_no_memory(void **state)
{
    (void)state;
    const double x[] = {1, 2}, y[] = {1, 2};
    const rid_plot_series s = {.name = "a", .x = x, .y = y, .n = 2};
    rid_buf_free(&out);
    for (uint64_t nth = 1; nth < 40; nth++) {
        rid_mem_fail_after(nth);
        rid_html_begin(&page, "t");
        rid_plot_lines(&page, &(rid_plot){.title = "t", .series = &s, .n_series = 1});
        rid_html_end(&page);
        bool failed = out.failed;
        rid_mem_fail_after(0);
        rid_buf_free(&out);
        out = (rid_buf){0};
        if (!failed && nth > 10)
            return;
    }
    fail_msg("a shortage of memory never ends");
}

/* ---- heat maps ---- */

static void test_heat_map(void **state)
{
    (void)state;
    const double x[] = {0.1, 0.2, 0.3}, y[] = {0, 1};
    const double value[] = {0, 0.5, NAN, 1, 1, 0};
    const uint8_t inside[] = {0, 0, 0, 1, 1, 0};
    rid_plot_heat p = {.title = "<F1>", .note = "a & b", .x_label = "threshold", .y_label = "margin",
                       .x = x, .y = y, .n_x = 3, .n_y = 2, .value = value, .inside = inside,
                       .mark_x = 1, .mark_y = 1};
    rid_plot_heat_map(&page, &p);
    assert_has("&lt;F1&gt;");
    assert_has("Values from 0.0000 to 1.000 over 3 by 2 cells. Marked: threshold 0.200, margin 1.000.");
    assert_int_equal(count("shape-rendering"), 3); /* shades: 0, 0.5, 1 */
    assert_int_equal(count("<circle"), 2);
    /* The two cells inside have one outline: no edge between them. */
    const char *contour = strstr(text(), "d=\"M0 0M");
    assert_non_null(contour);
    size_t edges = 0;
    for (const char *at = contour + 7; *at != '"'; at++)
        edges += *at == 'M';
    assert_int_equal(edges, 6);
}

static void test_heat_map_of_nothing(void **state)
{
    (void)state;
    const double one[] = {0.5}, nothing[] = {NAN};
    rid_plot_heat p = {.title = "t", .x_label = "x", .y_label = "y", .x = one, .y = one, .n_x = 1,
                       .n_y = 1, .value = nothing, .mark_x = 1};
    rid_plot_heat_map(&page, &p);
    assert_has("no data");
    assert_int_equal(count("<circle"), 0);
    p.value = one; /* all cells alike */
    rid_plot_heat_map(&page, &p);
    assert_int_equal(count("shape-rendering"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_escape, begin, end),
        cmocka_unit_test_setup_teardown(test_page, begin, end),
        cmocka_unit_test_setup_teardown(test_ticks, begin, end),
        cmocka_unit_test_setup_teardown(test_log_ticks, begin, end),
        cmocka_unit_test_setup_teardown(test_any_range, begin, end),
        cmocka_unit_test_setup_teardown(test_numbers, begin, end),
        cmocka_unit_test_setup_teardown(test_lines, begin, end),
        cmocka_unit_test_setup_teardown(test_odd_data, begin, end),
        cmocka_unit_test_setup_teardown(test_many_points, begin, end),
        cmocka_unit_test_setup_teardown(test_legend_and_mark, begin, end),
        cmocka_unit_test_setup_teardown(test_histogram, begin, end),
        cmocka_unit_test_setup_teardown(test_heat_map, begin, end),
        cmocka_unit_test_setup_teardown(test_heat_map_of_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
