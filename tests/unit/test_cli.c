#include "tools/cli.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/yaml.h"
#include "tools/cli_state.h"
#include "train/run_folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_cli_XXXXXX";
static char root[4096];

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* What the tool under test does is asked for by its first argument. */
static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *args;
    size_t n = rid_cli_args(cli, &args);
    const char *what = n ? args[0] : "";
    rid_summary *s = rid_cli_summary(cli);
    s->read = 10;
    s->accepted = 8;
    s->rejects[RID_REJECT_SYNTAX] = 2;
    rid_log(RID_LOG_DEBUG, "details");
    rid_log(RID_LOG_INFO, "news");
    rid_log(RID_LOG_WARN, "careful");
    if (strcmp(what, "fail") == 0)
        return RID_FAIL(err, RID_EDATA, "day.json: broken");
    if (strcmp(what, "rejects") == 0)
        s->exit_code = 3;
    if (strcmp(what, "term") == 0 || strcmp(what, "int") == 0) {
        raise(*what == 't' ? SIGTERM : SIGINT);
        return rid_interrupt_check(err);
    }
    printf("result\n");
    return RID_OK;
}

static rid_status run_other(rid_cli *cli, rid_err *err)
{
    (void)cli;
    (void)err;
    printf("other %zu\n", rid_cli_args(cli, &(const char *const *){NULL}));
    return RID_OK;
}

static const rid_tool encode = {.name = "encode",
                                .bit = RID_TOOL_ENCODE,
                                .summary = "payloads to a store",
                                .arguments = "-o OUT.h5 [INPUT…]",
                                .description = "First paragraph.\n\nSecond paragraph.",
                                .examples = "rid-encode -o day.h5 payloads/",
                                .run = run};
static const rid_tool manifest = {.name = "manifest",
                                  .bit = RID_TOOL_MANIFEST,
                                  .summary = "store to manifests",
                                  .arguments = "STORE.h5…",
                                  .description = "Text.",
                                  .run = run};
static const rid_tool match = {.name = "match",
                               .bit = RID_TOOL_MATCH,
                               .summary = "payloads to decisions",
                               .arguments = "[INPUT…]",
                               .description = "Text.",
                               .run = run};
static const rid_command commands[] = {
    {"info", "STORE.h5…", "what is in it", "json", run, 0},
    {"export", "STORE.h5", "its contents", "format", run_other, 0},
    {0}};
static const rid_tool store = {.name = "store",
                               .bit = RID_TOOL_STORE,
                               .summary = "look into stores",
                               .arguments = "STORE.h5…",
                               .description = "Text.",
                               .commands = commands};

enum { ARGS_MAX = 24 };
typedef char *arguments[ARGS_MAX];

/* Arguments separated by '|', which no test needs inside one. */
static int split(char *text, arguments argv)
{
    static char name[] = "rid-x";
    int argc = 0;
    argv[argc++] = name;
    for (char *at = text; at && *text && argc + 1 < ARGS_MAX;) {
        argv[argc++] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = '\0';
    }
    argv[argc] = NULL;
    return argc;
}

static char line_copy[2048];
static arguments argv_copy;

static rid_status parse(rid_cli **cli, const rid_tool *tool, const char *line, rid_err *err)
{
    *err = (rid_err){0};
    snprintf(line_copy, sizeof line_copy, "%s", line);
    int argc = split(line_copy, argv_copy);
    return rid_cli_parse(cli, tool, argc, argv_copy, err);
}

static rid_cli *parse_ok(const rid_tool *tool, const char *line)
{
    rid_cli *cli;
    rid_err err;
    if (parse(&cli, tool, line, &err) != RID_OK)
        fail_msg("%s: %s", line, err.message);
    return cli;
}

static void expect_error(const rid_tool *tool, const char *line, rid_status code,
                         const char *message)
{
    rid_cli *cli;
    rid_err err;
    assert_int_equal(parse(&cli, tool, line, &err), code);
    assert_int_equal(err.code, code);
    assert_string_equal(err.message, message);
    rid_cli_free(cli);
}

static rid_buf text_of(void (*write)(const rid_cli *, rid_buf *), const rid_cli *cli)
{
    rid_buf text = {0};
    write(cli, &text);
    assert_non_null(rid_buf_cstr(&text));
    return text;
}

/* The configuration says of a key that its value is from there. */
static void expect_source(const rid_cli *cli, const char *key, const char *source)
{
    rid_buf text = text_of(rid_cli_write_config, cli);
    char start[64];
    snprintf(start, sizeof start, "\n%s: ", key);
    const char *line = strstr(text.data, start);
    assert_non_null(line);
    const char *comment = strstr(line, "# from "), *end = strchr(line + 1, '\n');
    assert_true(comment && end && comment < end);
    comment += strlen("# from ");
    if ((size_t)(end - comment) != strlen(source) || strncmp(comment, source, strlen(source)) != 0)
        fail_msg("%s is from '%.*s', expected '%s'", key, (int)(end - comment), comment, source);
    rid_buf_free(&text);
}

/* A whole run, in a child process. */

typedef struct outcome {
    int exit_code;
    char out[16384], err[4096];
} outcome;

static void read_back(const char *name, char *text, size_t size)
{
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    fclose(f);
}

static outcome run_main(const rid_tool *tool, const char *line)
{
    static outcome o;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("out.txt", "w", stdout) || !freopen("err.txt", "w", stderr))
            _exit(99);
        snprintf(line_copy, sizeof line_copy, "%s", line);
        int argc = split(line_copy, argv_copy);
        rid_cli_main(tool, argc, argv_copy);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    o.exit_code = WEXITSTATUS(status);
    read_back("out.txt", o.out, sizeof o.out);
    read_back("err.txt", o.err, sizeof o.err);
    return o;
}

static int begin(void **state)
{
    (void)state;
    static const char *const names[] = {"MODEL_CKPT", "ATTR_SCHEMA", "THRESHOLD", "MARGIN", "TOPK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return 0;
}

static void test_defaults(void **state)
{
    (void)state;
    rid_cli *cli = parse_ok(&encode, "");
    const char *const *items;
    const rid_cli_pair *pairs;
    uint32_t i = 7, n = 7;
    assert_int_equal(cli->action, RID_CLI_RUN);
    assert_null(rid_cli_command(cli));
    assert_int_equal(rid_cli_int(cli, "batch"), 256);
    assert_true(rid_cli_float(cli, "filter-outlier-z") == -1.7);
    assert_string_equal(rid_cli_str(cli, "filter"), "on");
    assert_true(rid_cli_flag(cli, "filter"));
    assert_false(rid_cli_flag(cli, "force"));
    assert_null(rid_cli_str(cli, "output"));
    assert_null(rid_cli_str(cli, "ckpt"));
    assert_false(rid_cli_is_set(cli, "ckpt"));
    assert_int_equal(rid_cli_int(cli, "vis-dim"), 0);
    assert_false(rid_cli_shard(cli, "shard", &i, &n));
    assert_int_equal(n, 7);
    assert_int_equal(rid_cli_list(cli, "set", &items), 0);
    assert_int_equal(rid_cli_map(cli, "timezone", &pairs), 1);
    assert_string_equal(pairs[0].key, "default");
    assert_string_equal(pairs[0].value, "UTC");
    assert_int_equal(rid_cli_origin_of(cli, "batch"), RID_FROM_DEFAULT);
    expect_source(cli, "batch", "default");
    assert_true(rid_cli_threads(cli) >= 1);
    assert_int_equal(rid_cli_args(cli, &items), 0);
    rid_cli_free(cli);
}

static void test_default_file_when_it_exists(void **state)
{
    (void)state;
    assert_int_equal(mkdir("runs", 0777), 0);
    assert_int_equal(mkdir("runs/metric_pk_v1", 0777), 0);
    write_file("runs/metric_pk_v1/model.pt", "x");
    rid_cli *cli = parse_ok(&encode, "");
    assert_string_equal(rid_cli_str(cli, "ckpt"), "runs/metric_pk_v1/model.pt");
    assert_int_equal(rid_cli_origin_of(cli, "ckpt"), RID_FROM_DEFAULT);
    assert_null(rid_cli_str(cli, "schema"));
    rid_cli_free(cli);
    unlink("runs/metric_pk_v1/model.pt");
}

static void test_one_row_per_tool_under_one_name(void **state)
{
    (void)state;
    rid_cli *cli = parse_ok(&manifest, "");
    assert_string_equal(rid_cli_str(cli, "embeddings"), "frames");
    rid_cli_free(cli);
    cli = parse_ok(&match, "");
    assert_string_equal(rid_cli_str(cli, "embeddings"), "none");
    rid_cli_free(cli);
    expect_error(&match, "--embeddings|fused", RID_EUSAGE,
                 "--embeddings: 'fused' is not frames or none");
}

/* Each level alone over those below it. */
static void test_precedence(void **state)
{
    (void)state;
    write_file("p.yaml", "threshold: 0.5\nmargin: 0.1\n");
    const struct {
        const char *line, *env;
        double threshold;
        rid_cli_origin origin;
        const char *source;
    } cases[] = {
        {"", NULL, 0.88, RID_FROM_DEFAULT, "default"},
        {"--config|p.yaml", NULL, 0.5, RID_FROM_YAML, "p.yaml:1"},
        {"--set|threshold=0.6", NULL, 0.6, RID_FROM_SET, "--set"},
        {"--set|threshold=0.6|--config|p.yaml", NULL, 0.6, RID_FROM_SET, "--set"},
        {"", "0.7", 0.7, RID_FROM_ENV, "$THRESHOLD"},
        {"--config|p.yaml", "0.7", 0.7, RID_FROM_ENV, "$THRESHOLD"},
        {"--config=p.yaml|--set=threshold=0.6", "0.7", 0.7, RID_FROM_ENV, "$THRESHOLD"},
        {"--threshold|0.8", NULL, 0.8, RID_FROM_FLAG, "--threshold"},
        {"--threshold|0.8|--config|p.yaml|--set|threshold=0.6", "0.7", 0.8, RID_FROM_FLAG,
         "--threshold"},
        {"--set|threshold=0.6|--set|threshold=null|--config|p.yaml", NULL, 0.88, RID_FROM_DEFAULT,
         "default"},
        {"--config|p.yaml", "", 0.5, RID_FROM_YAML, "p.yaml:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsetenv("THRESHOLD");
        if (cases[i].env)
            setenv("THRESHOLD", cases[i].env, 1);
        rid_cli *cli = parse_ok(&manifest, cases[i].line);
        if (rid_cli_float(cli, "threshold") != cases[i].threshold)
            fail_msg("case %zu: %g", i, rid_cli_float(cli, "threshold"));
        assert_int_equal(rid_cli_origin_of(cli, "threshold"), cases[i].origin);
        expect_source(cli, "threshold", cases[i].source);
        rid_cli_free(cli);
    }
    unsetenv("THRESHOLD");
    for (int o = RID_FROM_DEFAULT; o <= RID_FROM_FLAG; o++)
        assert_true(strlen(rid_cli_origin_name((rid_cli_origin)o)) > 0);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("TOPK", "7", 1);
    setenv("MODEL_CKPT", "/m.pt", 1);
    rid_cli *cli = parse_ok(&match, "");
    assert_int_equal(rid_cli_int(cli, "topk"), 7);
    assert_string_equal(rid_cli_str(cli, "ckpt"), "/m.pt");
    rid_cli_free(cli);
    setenv("THRESHOLD", "abc", 1);
    expect_error(&match, "", RID_ECONFIG,
                 "environment variable THRESHOLD: 'abc' is not a number from -1 to 2");
    rid_cli_free(parse_ok(&encode, "")); /* which has no threshold */
    setenv("THRESHOLD", "nan", 1);
    expect_error(&manifest, "--threshold|0.5", RID_ECONFIG,
                 "environment variable THRESHOLD: 'nan' is not a number from -1 to 2");
}

static void test_forms_of_options(void **state)
{
    (void)state;
    const char *const *args;
    rid_cli *cli = parse_ok(&encode, "-qo|out.h5|a|-|--batch=9|--filter-outlier-z|-2.5|--|-v|--x");
    assert_true(rid_cli_flag(cli, "quiet"));
    assert_false(rid_cli_flag(cli, "verbose"));
    assert_string_equal(rid_cli_str(cli, "output"), "out.h5");
    expect_source(cli, "output", "-o");
    assert_int_equal(rid_cli_int(cli, "batch"), 9);
    assert_true(rid_cli_float(cli, "filter-outlier-z") == -2.5);
    assert_int_equal(rid_cli_args(cli, &args), 4);
    assert_string_equal(args[0], "a");
    assert_string_equal(args[1], "-");
    assert_string_equal(args[2], "-v");
    assert_string_equal(args[3], "--x");
    rid_cli_free(cli);
    cli = parse_ok(&encode, "-vqoout.h5|-o|-|--batch|1|--batch|2|--force=false|--dry-run=yes");
    assert_string_equal(rid_cli_str(cli, "output"), "-");
    assert_int_equal(rid_cli_int(cli, "batch"), 2);
    assert_false(rid_cli_flag(cli, "force"));
    assert_int_equal(rid_cli_origin_of(cli, "force"), RID_FROM_FLAG);
    assert_true(rid_cli_flag(cli, "dry-run"));
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--camera|a|--camera=b|--entry-id=--force|--camera|c=d");
    assert_int_equal(rid_cli_list(cli, "camera", &args), 3);
    assert_string_equal(args[2], "c=d");
    assert_string_equal(rid_cli_str(cli, "entry-id"), "--force");
    rid_cli_free(cli);
}

static void test_types(void **state)
{
    (void)state;
    uint32_t i, n;
    rid_cli *cli = parse_ok(&encode, "--shard|1/4|--max-rejects|1.5%");
    assert_true(rid_cli_shard(cli, "shard", &i, &n));
    assert_int_equal(i, 1);
    assert_int_equal(n, 4);
    assert_string_equal(rid_cli_str(cli, "shard"), "1/4");
    rid_reject_limit c = rid_cli_count_or_percent(cli, "max-rejects");
    assert_true(c.is_percent && c.value == 1.5);
    assert_false(rid_summary_exceeds(&(rid_summary){.read = 200, .rejects = {3}}, c));
    assert_true(rid_summary_exceeds(&(rid_summary){.read = 200, .rejects = {4}}, c));
    rid_cli_free(cli);
    cli = parse_ok(&encode, "--max-rejects=5");
    c = rid_cli_count_or_percent(cli, "max-rejects");
    assert_true(!c.is_percent && c.value == 5);
    assert_false(rid_summary_exceeds(&(rid_summary){.read = 5, .rejects = {5}}, c));
    assert_true(rid_summary_exceeds(&(rid_summary){.read = 1000, .rejects = {6}}, c));
    rid_summary damaged = {.read = 1000};
    damaged.rejects[RID_REJECT_INPUT] = 1;
    assert_true(rid_summary_exceeds(&damaged, c));
    rid_cli_free(cli);
    char want[64];
    rid_option range = {.name = "visits", .type = RID_OPTION_RANGE, .min = 1, .max = 9};
    assert_true(rid_option_check(&range, "2:5", want, sizeof want));
    assert_true(rid_option_check(&range, "3", want, sizeof want));
    assert_false(rid_option_check(&range, "0:5", want, sizeof want));
    assert_false(rid_option_check(&range, "2:10", want, sizeof want));
    assert_false(rid_option_check(&range, "5:2", want, sizeof want));
}

static void test_usage_errors(void **state)
{
    (void)state;
    static const struct {
        const rid_tool *tool;
        const char *line, *message;
    } cases[] = {
        {&match, "--thresold|1", "unknown option --thresold; did you mean --threshold?"},
        {&match, "--thresh|1", "unknown option --thresh; did you mean --threshold?"},
        {&match, "--persons|1", "unknown option --persons"},
        {&match, "--filter_min_keep|1",
         "unknown option --filter_min_keep; did you mean --filter-min-keep?"},
        {&match, "--zzzzzz", "unknown option --zzzzzz"},
        {&match, "--zzzzzz=5", "unknown option --zzzzzz"},
        {&encode, "--threshold|1",
         "--threshold is an option of rid-manifest, rid-match, rid-sweep, rid-eval, not of "
         "rid-encode"},
        {&encode, "--thresold|1",
         "unknown option --thresold; --threshold is an option of rid-manifest, rid-match, "
         "rid-sweep, rid-eval"},
        {&encode, "-x", "unknown option -x"},
        {&encode, "-qx", "unknown option -x"},
        {&encode, "-force", "unknown option -force; did you mean --force?"},
        {&encode, "--ckpt", "--ckpt needs a value: --ckpt FILE"},
        {&encode, "-o", "-o needs a value: -o OUT.h5"},
        {&encode, "--empty", "--empty needs a value: --empty skip|fallback"},
        {&encode, "--ckpt|--force",
         "--ckpt needs a value, and --force is an option (--ckpt=--force if it is meant)"},
        {&encode, "--ckpt=", "--ckpt: '' is not a value"},
        {&encode, "--force=maybe", "--force: 'maybe' is not true or false"},
        {&encode, "--help=true", "--help takes no value"},
        {&encode, "--batch|0", "--batch: '0' is not a whole number from 1 to 65536"},
        {&encode, "--batch|1.5", "--batch: '1.5' is not a whole number from 1 to 65536"},
        {&encode, "--batch| 1", "--batch: ' 1' is not a whole number from 1 to 65536"},
        {&encode, "--limit|-1", "--limit: '-1' is not a whole number, 0 or more"},
        {&encode, "--limit|99999999999999999999",
         "--limit: '99999999999999999999' is not a whole number, 0 or more"},
        {&match, "--margin|1e999", "--margin: '1e999' is not a number from 0 to 3"},
        {&encode, "--filter|maybe", "--filter: 'maybe' is not on or off"},
        {&encode, "--frames|f64", "--frames: 'f64' is not f32, f16 or none"},
        {&encode, "--encoder|max", "--encoder: 'max' is not mean"},
        {&encode, "--shard|4/4", "--shard: '4/4' is not a shard like 0/4 (from 0/4 to 3/4)"},
        {&encode, "--max-rejects|101%",
         "--max-rejects: '101%' is not a count like 12 or a share like 1.5%"},
        {&encode, "--timezone|Mars/Base",
         "--timezone: 'Mars/Base' is not a time zone like Europe/Berlin"},
        {&encode, "--set|batch", "--set: 'batch' is not KEY=VALUE"},
        {&encode, "--set|=5", "--set: '=5' is not KEY=VALUE"},
        {&encode, "--set|bach=5", "--set: unknown key 'bach'; did you mean 'batch'?"},
        {&encode, "--set|batch=x", "--set: batch: 'x' is not a whole number from 1 to 65536"},
        {&encode, "--set|config=x", "--set: 'config' is for the command line only (--config)"},
        {&encode, "--set|batch=[1, 2]", "--set: batch: expected one value, found a list"},
        {&encode, "--set|batch=[1, 2", "--set batch: '[1, 2' is not YAML that fits"},
        {&encode, "--set|timezone.nc1=Mars/Base",
         "--set: timezone: 'Mars/Base' is not a time zone like Europe/Berlin"},
        {&encode, "--frames|a\nb\x1b[31m", "--frames: 'a?b?[31m' is not f32, f16 or none"},
        {&store, "", "a command is missing: info, export"},
        {&store, "inof", "unknown command 'inof'; did you mean 'info'?"},
        {&store, "burn", "unknown command 'burn': there are info, export"},
        {&store, "info|--format|csv", "--format is no option of 'info'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(cases[i].tool, cases[i].line, RID_EUSAGE, cases[i].message);
}

static void test_long_text_in_a_message(void **state)
{
    (void)state;
    rid_cli *cli;
    rid_err err;
    char line[1024] = "--frames|";
    for (int i = 0; i < 400; i++)
        strcat(line, "\xC3\xA4");
    assert_int_equal(parse(&cli, &encode, line, &err), RID_EUSAGE);
    assert_true(strlen(err.message) < 160);
    assert_true(rid_utf8_valid(err.message, strlen(err.message)));
    assert_non_null(strstr(err.message, "…' is not f32, f16 or none"));
    rid_cli_free(cli);
}

static void test_configuration_errors(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"treshold: 0.9\n", "c.yaml:1:1: unknown key 'treshold'; did you mean 'threshold'?"},
        {"force: true\nmax-rejects: 5\n",
         "c.yaml:2:1: unknown key 'max-rejects'; did you mean 'max_rejects'?"},
        {"qwertyuiop: 5\n", "c.yaml:1:1: unknown key 'qwertyuiop'"},
        {"config: x.yaml\n", "c.yaml:1:1: 'config' is for the command line only (--config)"},
        {"help: true\n", "c.yaml:1:1: 'help' is for the command line only (--help)"},
        {"threshold: high\n", "c.yaml:1:12: threshold: 'high' is not a number from -1 to 2"},
        {"threshold: [1]\n", "c.yaml:1:12: threshold: expected one value, found a list"},
        {"threshold: {a: 1}\n", "c.yaml:1:12: threshold: expected one value, found a map"},
        {"warm: {a: b}\n", "c.yaml:1:7: warm: expected a list or one value, found a map"},
        {"timezone: [UTC]\n", "c.yaml:1:11: timezone: expected one value or a map, found a list"},
        {"timezone:\n  nc1: Nowhere\n",
         "c.yaml:2:8: timezone: 'Nowhere' is not a time zone like Europe/Berlin"},
        {"shard: 9/4\n", "c.yaml:1:8: shard: '9/4' is not a shard like 0/4 (from 0/4 to 3/4)"},
        {"embeddings: all\n", "c.yaml:1:13: embeddings: 'all' is not frames or none"},
        {"warm:\n  - a.h5\n  - ''\n", "c.yaml:3:5: warm: '' is not a value"},
        {"nn2: neighbor\nnn2: identity\n", "c.yaml:2:1: 'nn2' is here twice (first in line 1)"},
        {"a: &x b\n", "c.yaml:1:4: anchors are not accepted here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("c.yaml", cases[i].yaml);
        expect_error(&match, "--config|c.yaml", RID_ECONFIG, cases[i].message);
    }
    expect_error(&match, "--config|nowhere.yaml", RID_ENOINPUT,
                 "nowhere.yaml: No such file or directory");
}

static void test_configuration_of_several_tools(void **state)
{
    (void)state;
    write_file("all.yaml", "batch: 64\nshard: 0/2\nthreshold: 0.5\nembeddings: frames\n"
                           "filter: yes\nforce: True\nwarm: one.h5\nday:\n");
    rid_cli *cli = parse_ok(&encode, "--config|all.yaml");
    assert_int_equal(rid_cli_int(cli, "batch"), 64);
    assert_string_equal(rid_cli_str(cli, "filter"), "on");
    assert_true(rid_cli_flag(cli, "force"));
    rid_cli_free(cli);
    const char *const *warm;
    cli = parse_ok(&match, "--config|all.yaml|--config|all.yaml");
    assert_string_equal(rid_cli_str(cli, "embeddings"), "frames");
    assert_int_equal(rid_cli_list(cli, "warm", &warm), 1);
    assert_string_equal(warm[0], "one.h5");
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--config|all.yaml");
    assert_null(rid_cli_str(cli, "day"));
    assert_int_equal(rid_cli_origin_of(cli, "day"), RID_FROM_DEFAULT);
    rid_cli_free(cli);
}

/* embeddings: fused is rid-manifest's: rid-match keeps its default, and says so. */
static void test_value_of_another_tool(void **state)
{
    (void)state;
    write_file("e.yaml", "embeddings: fused\n");
    rid_cli *cli = parse_ok(&match, "--config|e.yaml");
    assert_string_equal(rid_cli_str(cli, "embeddings"), "none");
    assert_int_equal(rid_cli_origin_of(cli, "embeddings"), RID_FROM_DEFAULT);
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--config|e.yaml");
    assert_string_equal(rid_cli_str(cli, "embeddings"), "fused");
    rid_cli_free(cli);
    expect_error(&match, "--set|embeddings=fused", RID_EUSAGE,
                 "--set: embeddings: 'fused' is not frames or none");
    outcome o = run_main(&match, "--config|e.yaml");
    assert_int_equal(o.exit_code, 0);
    const char *warning =
        "rid-match: warning: e.yaml:1:13: embeddings: 'fused' is not frames or none, "
        "so not for rid-match: left alone\n";
    assert_int_equal(strncmp(o.err, warning, strlen(warning)), 0);
    o = run_main(&match, "--config|e.yaml|-q");
    assert_string_equal(o.err, "");
}

static void test_lists_across_levels(void **state)
{
    (void)state;
    const char *const *items;
    write_file("l.yaml", "camera: [a, b]\n");
    rid_cli *cli = parse_ok(&manifest, "--config|l.yaml");
    assert_int_equal(rid_cli_list(cli, "camera", &items), 2);
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--config|l.yaml|--set|camera=c|--set|camera=d");
    assert_int_equal(rid_cli_list(cli, "camera", &items), 2);
    assert_string_equal(items[1], "d");
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--config|l.yaml|--set|camera=[x, 'y z', w]|--set|camera=[p, q, r]");
    assert_int_equal(rid_cli_list(cli, "camera", &items), 3);
    assert_string_equal(items[0], "p");
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--camera|z|--config|l.yaml|--set|camera=c");
    assert_int_equal(rid_cli_list(cli, "camera", &items), 1);
    assert_string_equal(items[0], "z");
    rid_cli_free(cli);
    cli = parse_ok(&manifest, "--config|l.yaml|--set|camera=[]");
    assert_int_equal(rid_cli_list(cli, "camera", &items), 0);
    rid_cli_free(cli);
}

static const char *zone_of(const rid_cli *cli, const char *key)
{
    const rid_cli_pair *pairs;
    size_t n = rid_cli_map(cli, "timezone", &pairs);
    for (size_t i = 0; i < n; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return pairs[i].value;
    return NULL;
}

static void test_time_zones(void **state)
{
    (void)state;
    rid_timezones *z;
    rid_err err = {0};
    write_file("z.yaml", "timezone:\n  default: Europe/Berlin\n  nc0009: America/Chicago\n");
    rid_cli *cli = parse_ok(&encode, "--config|z.yaml|--timezone|Asia/Tokyo|--set|timezone.x1=UTC");
    assert_string_equal(zone_of(cli, "default"), "Asia/Tokyo");
    assert_string_equal(zone_of(cli, "nc0009"), "America/Chicago");
    assert_string_equal(zone_of(cli, "x1"), "UTC");
    assert_int_equal(rid_cli_origin_of(cli, "timezone"), RID_FROM_FLAG);
    assert_int_equal(rid_cli_timezones(cli, &z, &err), RID_OK);
    assert_int_equal(rid_timezones_offset_s(z, rid_str_of("else"), 0), 9 * 3600);
    assert_int_equal(rid_timezones_offset_s(z, rid_str_of("nc0009"), 0), -6 * 3600);
    rid_timezones_free(z);
    rid_cli_free(cli);
    cli = parse_ok(&encode, "--config|z.yaml|--set|timezone=Asia/Tokyo");
    assert_string_equal(zone_of(cli, "default"), "Asia/Tokyo");
    assert_string_equal(zone_of(cli, "nc0009"), "America/Chicago");
    rid_cli_free(cli);
    cli = parse_ok(&encode, "--config|z.yaml|--set|timezone={a: UTC}|--set|seed=4");
    assert_string_equal(zone_of(cli, "a"), "UTC");
    assert_int_equal(rid_cli_int(cli, "seed"), 4);
    rid_cli_free(cli);
    cli = parse_ok(&encode, "--config|z.yaml|--set|timezone=null");
    assert_string_equal(zone_of(cli, "default"), "UTC");
    assert_null(zone_of(cli, "nc0009"));
    rid_cli_free(cli);
}

static void test_actions(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        rid_cli_action action;
    } cases[] = {{"-h", RID_CLI_HELP},
                 {"a|--help|--nonsense", RID_CLI_HELP},
                 {"-qh", RID_CLI_HELP},
                 {"--version", RID_CLI_VERSION},
                 {"--man", RID_CLI_MAN},
                 {"--print-config", RID_CLI_PRINT_CONFIG},
                 {"--print-config=false", RID_CLI_RUN},
                 {"--|--help", RID_CLI_RUN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_cli *cli = parse_ok(&encode, cases[i].line);
        assert_int_equal(cli->action, cases[i].action);
        rid_cli_free(cli);
    }
    rid_cli *cli = parse_ok(&store, "--print-config"); /* no command needed */
    rid_cli_free(cli);
    const char *const *args;
    cli = parse_ok(&store, "--format|csv|export|a.h5");
    assert_string_equal(rid_cli_command(cli)->name, "export");
    assert_int_equal(rid_cli_args(cli, &args), 1);
    assert_string_equal(args[0], "a.h5");
    rid_cli_free(cli);
}

static void test_print_config(void **state)
{
    (void)state;
    write_file("pc.yaml", "batch: 32\ntimezone:\n  nc9: America/Chicago\n");
    setenv("MODEL_CKPT", "/models/a b.pt", 1);
    rid_cli *cli =
        parse_ok(&encode, "--config|pc.yaml|--print-config|--seed|3|--set|empty=fallback");
    rid_buf text = text_of(rid_cli_write_config, cli);
    static const char *const lines[] = {
        "ckpt: \"/models/a b.pt\"                  # from $MODEL_CKPT\n",
        "schema: null                            # from default (there is no attr_schema.json)\n",
        "\nbatch: 32                               # from pc.yaml:1\n",
        "\nempty: fallback                         # from --set\n",
        "\ntimezone:\n  default: UTC                          # from default\n"
        "  nc9: America/Chicago                  # from pc.yaml:3\n",
        "\nseed: 3                                 # from --seed\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text.data, lines[i]))
            fail_msg("no line '%s' in:\n%s", lines[i], text.data);
    rid_buf_free(&text);
    rid_cli_free(cli);
}

/* The same values, whatever their origin. */
static void check_same_values(const rid_cli *a, const rid_cli *b)
{
    rid_yaml ya = {0}, yb = {0};
    rid_err err = {0};
    rid_buf ta = text_of(rid_cli_write_config, a), tb = text_of(rid_cli_write_config, b);
    assert_int_equal(rid_yaml_parse(&ya, "a", rid_buf_view(&ta), &err), RID_OK);
    assert_int_equal(rid_yaml_parse(&yb, "b", rid_buf_view(&tb), &err), RID_OK);
    assert_true(ya.n > 10);
    assert_int_equal(ya.n, yb.n);
    for (size_t i = 0; i < ya.n; i++) {
        assert_string_equal(ya.entries[i].key, yb.entries[i].key);
        assert_int_equal(ya.entries[i].kind, yb.entries[i].kind);
        assert_int_equal(ya.entries[i].n_items, yb.entries[i].n_items);
        for (size_t j = 0; j < ya.entries[i].n_items; j++)
            assert_string_equal(ya.entries[i].items[j].text, yb.entries[i].items[j].text);
    }
    rid_yaml_clear(&ya);
    rid_yaml_clear(&yb);
    rid_buf_free(&ta);
    rid_buf_free(&tb);
}

static void test_printed_config_reads_back(void **state)
{
    (void)state;
    static const struct {
        const rid_tool *tool;
        const char *line;
    } cases[] = {
        {&encode, "-o|a: b #c.h5|--timezone|Asia/Tokyo|--max-rejects|5%|--filter|off|--shard|0/3"},
        {&manifest, "--camera|on|--camera|[x]|--camera|007|--day|2025-11-06|--store|null"},
        {&match, "--warm|\x7f.h5|--warm|caf\xC3\xA9|--margin|1e-3|--nn2|identity"},
        {&store, "--json|--print-config"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[512];
        snprintf(line, sizeof line, "%s|--print-config", cases[i].line);
        rid_cli *cli = parse_ok(cases[i].tool, line);
        rid_buf text = text_of(rid_cli_write_config, cli);
        write_file("rt.yaml", text.data);
        rid_cli *again = parse_ok(cases[i].tool, "--print-config|--config|rt.yaml");
        check_same_values(cli, again);
        rid_buf_free(&text);
        rid_cli_free(cli);
        rid_cli_free(again);
    }
}

/* Every tool's default of a key, "null" where unset, tied to a file, or not the same everywhere. */
static const char *documented_default(const rid_option *o)
{
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *other = rid_option_at(i);
        if (strcmp(other->name, o->name) == 0 &&
            strcmp(other->default_text ? other->default_text : "null",
                   o->default_text ? o->default_text : "null") != 0)
            return "null";
    }
    return o->default_text && !(o->flags & RID_OPTION_IF_EXISTS) ? o->default_text : "null";
}

/* configs/default.yaml with its "#key: value" lines uncommented. */
static void read_default_yaml(rid_yaml *y)
{
    char path[4200], line[512];
    rid_buf text = {0};
    rid_err err = {0};
    snprintf(path, sizeof path, "%s/configs/default.yaml", root);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is not there (run from the top of the project)", path);
    while (fgets(line, sizeof line, f))
        rid_buf_append_str(&text, line + (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z'));
    fclose(f);
    if (rid_yaml_parse(y, "default.yaml", rid_buf_view(&text), &err) != RID_OK)
        fail_msg("%s", err.message);
    rid_buf_free(&text);
}

static void test_default_yaml(void **state)
{
    (void)state;
    rid_yaml y = {0};
    char key[RID_OPTION_KEY_MAX], line[4300];
    read_default_yaml(&y);
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *o = rid_option_at(i);
        size_t at = 0;
        rid_option_key(o, key);
        while (at < y.n && strcmp(y.entries[at].key, key) != 0)
            at++;
        if (o->flags & RID_OPTION_NO_YAML)
            continue;
        if (at == y.n)
            fail_msg("configs/default.yaml does not explain '%s'", key);
        const char *shown = y.entries[at].n_items ? y.entries[at].items[0].text : "null";
        if (strcmp(shown, documented_default(o)) != 0)
            fail_msg("configs/default.yaml says %s: %s, the table %s", key, shown,
                     documented_default(o));
    }
    for (size_t i = 0; i < y.n; i++)
        if (!rid_option_find_key(y.entries[i].key, RID_TOOL_ALL))
            fail_msg("configs/default.yaml explains '%s', which no tool has", y.entries[i].key);
    rid_yaml_clear(&y);
    snprintf(line, sizeof line, "--config|%s/configs/default.yaml|--print-config", root);
    const rid_tool *const tools[] = {&encode, &manifest, &match, &store};
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        rid_cli *with = parse_ok(tools[i], line), *without = parse_ok(tools[i], "--print-config");
        check_same_values(with, without);
        rid_cli_free(with);
        rid_cli_free(without);
    }
}

static void test_table(void **state)
{
    (void)state;
    char want[128];
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *o = rid_option_at(i);
        if (!o->name || !o->help || !o->group || !(o->tools & RID_TOOL_ALL))
            fail_msg("row %zu is not complete", i);
        if (strlen(o->name) >= RID_OPTION_KEY_MAX || strchr(o->name, '_'))
            fail_msg("--%s: not a good name", o->name);
        if (o->default_text && !rid_option_check(o, o->default_text, want, sizeof want))
            fail_msg("--%s: the default '%s' is not %s", o->name, o->default_text, want);
        if (o->type == RID_OPTION_CHOICE ? !o->choices : o->type != RID_OPTION_FLAG && !o->metavar)
            fail_msg("--%s: nothing to call its value", o->name);
        const bool input = o->flags & RID_OPTION_INPUT, output = o->flags & RID_OPTION_OUTPUT;
        const bool files = o->type == RID_OPTION_LIST && strncmp(o->metavar, "KEY", 3) != 0 &&
                           strcmp(o->metavar, "CONDITION") != 0 && strcmp(o->metavar, "NAME") != 0;
        if (o->type == RID_OPTION_PATH ? input == output : output || input != files)
            fail_msg("--%s: is it read or written?", o->name);
        if (o->makes && (!output || strchr(o->makes, '*') == NULL))
            fail_msg("--%s: makes what?", o->name);
        for (size_t j = 0; j < i; j++) {
            const rid_option *other = rid_option_at(j);
            if ((other->tools & o->tools) &&
                (strcmp(other->name, o->name) == 0 || (o->letter && other->letter == o->letter)))
                fail_msg("--%s and --%s are both in one tool", other->name, o->name);
        }
    }
}

/* The files of a run are those that --output says it makes. */
static void test_table_run_folder(void **state)
{
    (void)state;
    rid_err err;
    rid_run_folder f;
    rid_buf names = {0};
    assert_int_equal(rid_run_folder_open(&f, "run-folder", false, false, &err), RID_OK);
    for (size_t i = 0; i < RID_RUN_FILES; i++)
        rid_buf_printf(&names, "%s*%s", i ? "|" : "", f.path[i] + strlen("run-folder"));
    assert_string_equal(rid_buf_cstr(&names), rid_option_find("output", RID_TOOL_TRAIN)->makes);
    rid_buf_free(&names);
    rid_run_folder_close(&f);
}

static void test_word_distance(void **state)
{
    (void)state;
    assert_int_equal(rid_word_distance("", "abc"), 3);
    assert_int_equal(rid_word_distance("abc", "abc"), 0);
    assert_int_equal(rid_word_distance("kitten", "sitting"), 3);
    assert_int_equal(rid_word_distance("inof", "info"), 1);
    assert_int_equal(rid_word_distance("max_drop", "max-drop"), 0);
    char longer[300];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(rid_word_distance(longer, "abc"), 299);
}

static void test_help_and_man(void **state)
{
    (void)state;
    const rid_tool *const tools[] = {&encode, &manifest, &match, &store};
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        rid_cli *cli = parse_ok(tools[i], "--help");
        rid_buf help = text_of(rid_cli_write_help, cli), man = text_of(rid_cli_write_man, cli);
        for (const char *at = help.data; *at;) {
            size_t n = strcspn(at, "\n"), wide = 0;
            for (size_t k = 0; k < n; k++)
                wide += ((unsigned char)at[k] & 0xC0) != 0x80;
            if (wide > 90 || (n > 0 && at[n - 1] == ' '))
                fail_msg("a bad line: %.*s", (int)n, at);
            at += n + (at[n] == '\n');
        }
        for (size_t j = 0; j < rid_option_count(); j++) {
            char name[64];
            const rid_option *o = rid_option_at(j);
            snprintf(name, sizeof name, " --%s ", o->name);
            bool shown = rid_option_find(o->name, tools[i]->bit) && !(o->flags & RID_OPTION_HIDDEN);
            if ((strstr(help.data, name) != NULL) != shown)
                fail_msg("rid-%s and %s", tools[i]->name, name);
        }
        assert_null(strstr(man.data, "\xE2"));
        assert_non_null(strstr(man.data, ".SH EXIT STATUS\n"));
        rid_buf_free(&help);
        rid_buf_free(&man);
        rid_cli_free(cli);
    }
    rid_cli *cli = parse_ok(&encode, "--version");
    rid_buf text = text_of(rid_cli_write_version, cli);
    assert_int_equal(strncmp(text.data, "rid-encode " RID_VERSION "\n", 12 + strlen(RID_VERSION)),
                     0);
    rid_buf_free(&text);
    rid_cli_free(cli);
}

static void test_no_memory(void **state)
{
    (void)state;
    write_file("m.yaml", "warm: [a, b]\ntimezone: {default: UTC, x: Asia/Tokyo}\n");
    int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_cli *cli;
        rid_err err;
        rid_mem_fail_after(nth);
        rid_status st = parse(
            &cli, &match, "--config|m.yaml|--set|warm=[c]|--set|timezone.y=UTC|-o|x|in.json", &err);
        rid_mem_fail_after(0);
        rid_cli_free(cli);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        if (st != RID_ETEMP && !strstr(err.message, "is not a time zone"))
            fail_msg("allocation %d: %s", (int)nth, err.message);
    }
}

static void test_random_command_lines(void **state)
{
    (void)state;
    static const char *const words[] = {"--config|m.yaml",
                                        "--set",
                                        "warm=[a",
                                        "--ckpt",
                                        "-o",
                                        "-qv",
                                        "--",
                                        "-",
                                        "--threads=2",
                                        "--threads",
                                        "x",
                                        "--timezone=UTC",
                                        "-",
                                        "--=",
                                        "=",
                                        "---",
                                        "--set=timezone.=x",
                                        "--set=.=",
                                        "-\xFF",
                                        "",
                                        "--set=a.b=c",
                                        "--topk",
                                        "5",
                                        "--print-config",
                                        "-h",
                                        "--set=timezone={",
                                        "-oo"};
    uint32_t seed = 5;
    int64_t before = rid_mem_live_blocks();
    for (int round = 0; round < 5000; round++) {
        char line[512] = "";
        seed = seed * 1664525u + 1013904223u;
        for (uint32_t n = seed >> 29; n > 0; n--) {
            seed = seed * 1664525u + 1013904223u;
            strcat(line, words[(seed >> 8) % (sizeof words / sizeof words[0])]);
            strcat(line, n > 1 ? "|" : "");
        }
        rid_cli *cli;
        rid_err err;
        rid_status st = parse(&cli, &match, line, &err);
        assert_true(st == RID_OK || st == RID_EUSAGE);
        assert_true(st == RID_OK || strlen(err.message) > 0);
        rid_cli_free(cli);
    }
    assert_int_equal(rid_mem_live_blocks(), before);
}

static void test_run_levels(void **state)
{
    (void)state;
    outcome o = run_main(&encode, "");
    assert_int_equal(o.exit_code, 0);
    assert_string_equal(o.out, "result\n");
    const char *closing = "rid-encode: news\nrid-encode: warning: careful\n"
                          "rid-encode: 10 read, 8 accepted, 2 rejected; ";
    assert_int_equal(strncmp(o.err, closing, strlen(closing)), 0);
    o = run_main(&encode, "-q");
    assert_string_equal(o.err, "");
    o = run_main(&encode, "-v|--threads|1");
    assert_non_null(strstr(o.err, "rid-encode: debug: details\n"));
    assert_non_null(strstr(o.err, "debug: rid " RID_VERSION ", 1 threads\n"));
}

static void test_run_failure(void **state)
{
    (void)state;
    outcome o = run_main(&encode, "fail|-q");
    assert_int_equal(o.exit_code, 65);
    assert_string_equal(o.err, "rid-encode: error: day.json: broken\n");
    o = run_main(&encode, "fail|-v");
    assert_non_null(strstr(o.err, "rid-encode: debug: at tests/unit/test_cli.c:"));
    o = run_main(&encode, "rejects|-q");
    assert_int_equal(o.exit_code, 3);
    assert_string_equal(
        o.err, "rid-encode: error: 2 of 10 rejected, more than --max-rejects allows (exit 3)\n");
    o = run_main(&encode, "term|-q");
    assert_int_equal(o.exit_code, 143);
    assert_string_equal(o.err, "rid-encode: error: interrupted by SIGTERM\n");
    o = run_main(&encode, "int|-q");
    assert_int_equal(o.exit_code, 130);
}

static void test_run_usage(void **state)
{
    (void)state;
    outcome o = run_main(&encode, "--bacth|3");
    assert_int_equal(o.exit_code, 2);
    assert_string_equal(o.out, "");
    assert_string_equal(o.err, "rid-encode: error: unknown option --bacth; did you mean --batch?\n"
                               "rid-encode: try 'rid-encode --help'\n");
    o = run_main(&encode, "--config|nowhere.yaml");
    assert_int_equal(o.exit_code, 66);
    write_file("c.yaml", "batch: x\n");
    o = run_main(&encode, "--config|c.yaml");
    assert_int_equal(o.exit_code, 78);
    assert_string_equal(
        o.err, "rid-encode: error: c.yaml:1:8: batch: 'x' is not a whole number from 1 to 65536\n");
    o = run_main(&store, "info");
    assert_int_equal(o.exit_code, 0);
    o = run_main(&store, "export|a|b");
    assert_string_equal(o.out, "other 2\n");
    assert_string_equal(o.err, "");
}

static void test_run_texts(void **state)
{
    (void)state;
    outcome o = run_main(&encode, "--help");
    assert_int_equal(o.exit_code, 0);
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "Usage: rid-encode [OPTION…] -o OUT.h5 [INPUT…]\n"));
    assert_non_null(strstr(o.out, "[256]"));
    o = run_main(&encode, "--version");
    assert_int_equal(o.exit_code, 0);
    o = run_main(&encode, "--print-config|--batch|5");
    assert_int_equal(o.exit_code, 0);
    assert_non_null(strstr(o.out, "\nbatch: 5                                # from --batch\n"));
    o = run_main(&encode, "--man");
    assert_int_equal(strncmp(o.out, ".TH RID\\-ENCODE 1 ", 18), 0);
}

static void test_run_summary(void **state)
{
    (void)state;
    char text[4096];
    write_file("s.json", "old");
    outcome o = run_main(&encode, "fail|-q|--summary-json|s.json");
    assert_int_equal(o.exit_code, 65);
    read_back("s.json", text, sizeof text);
    assert_non_null(strstr(text, "\"exit\":65,\"read\":10,\"accepted\":8,\"rejected\":2"));
    o = run_main(&encode, "--summary-json=s.json|--config|nowhere.yaml");
    assert_int_equal(o.exit_code, 66);
    read_back("s.json", text, sizeof text);
    assert_non_null(strstr(text, "\"exit\":66"));
    o = run_main(&encode, "-q|--summary-json|-");
    assert_int_equal(strncmp(o.out, "result\n{\"format_version\":1,\"tool\":\"rid-encode\"", 45),
                     0);
    o = run_main(&encode, "-q|--summary-json|nowhere/s.json");
    assert_true(o.exit_code != 0);
    assert_non_null(strstr(o.err, "--summary-json: nowhere/s.json: "));
    o = run_main(&encode, "--help|--summary-json|never.json");
    assert_int_not_equal(access("never.json", F_OK), 0);
}

static int set_up(void **state)
{
    (void)state;
    unsetenv("TERM");
    return !getcwd(root, sizeof root) || !mkdtemp(directory) || chdir(directory) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return chdir("/") != 0 || system(command) != 0;
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    setenv("OMP_WAIT_POLICY", "passive", 1); /* otherwise rid_cli_main starts this program again */
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_default_file_when_it_exists),
        TEST(test_one_row_per_tool_under_one_name),
        TEST(test_precedence),
        TEST(test_environment),
        TEST(test_forms_of_options),
        TEST(test_types),
        TEST(test_usage_errors),
        TEST(test_long_text_in_a_message),
        TEST(test_configuration_errors),
        TEST(test_configuration_of_several_tools),
        TEST(test_value_of_another_tool),
        TEST(test_lists_across_levels),
        TEST(test_time_zones),
        TEST(test_actions),
        TEST(test_print_config),
        TEST(test_printed_config_reads_back),
        TEST(test_default_yaml),
        TEST(test_table),
        TEST(test_word_distance),
        TEST(test_help_and_man),
        TEST(test_no_memory),
        TEST(test_random_command_lines),
        TEST(test_run_levels),
        TEST(test_run_failure),
        TEST(test_run_usage),
        TEST(test_run_texts),
        TEST(test_run_summary),
        TEST(test_table_run_folder),
    };
    return cmocka_run_group_tests_name("cli", tests, set_up, tear_down);
}
