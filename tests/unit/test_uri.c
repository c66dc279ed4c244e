/* What is left of an address when it is shown. */
#include "tests/unit/fixture.h"

#include "data/uri.h"

static void test_public(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *shown;
    } cases[] = {
        {"", ""},
        {"images/a.jpg", "images/a.jpg"},
        {"/data/a b@c.jpg", "/data/a b@c.jpg"},
        {"a@b", "a@b"},
        {"://", "://"},
        {"//", "//"},
        {"s3://bucket/a.jpg", "s3://bucket/a.jpg"},
        {"s3://bucket/a@2x.jpg", "s3://bucket/a@2x.jpg"},
        {"file:///a/b.jpg", "file:///a/b.jpg"},
        {"rtsp://user:pw@cam1:554/a", "rtsp://cam1:554/a"},
        {"HTTP://user@cam1", "HTTP://cam1"},
        {"//user:p@w@cam1/a", "//cam1/a"},
        {"http://u:pw@cam?id=1", "http://cam?id=1"},
        {"http://cam?id=1@2", "http://cam?id=1@2"},
        {"http://cam/a?w=5&h=6#top", "http://cam/a?w=5&h=6#top"},
        {"http://cam/a?sig=x", "http://cam/a"},
        {"http://cam/a?sig=x&id=7", "http://cam/a?id=7"},
        {"http://cam/a?id=7&Access_Token=x;y=2", "http://cam/a?id=7&y=2"},
        {"http://cam/a?apikey#f", "http://cam/a#f"},
        {"http://cam/a#token=1&id=2", "http://cam/a#id=2"},
        {"http://cam/a?a=1#token=1", "http://cam/a?a=1"},
        {"/a?password=x", "/a"},
        {"https://b.s3.amazonaws.com/k.jpg?X-Amz-Algorithm=H&X-Amz-Credential=C&X-Amz-Date=D"
         "&X-Amz-Signature=S",
         "https://b.s3.amazonaws.com/k.jpg?X-Amz-Algorithm=H&X-Amz-Date=D"},
        {"https://a.blob.core.windows.net/c/k.jpg?sv=2024&se=2026&sig=S",
         "https://a.blob.core.windows.net/c/k.jpg?sv=2024&se=2026"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_buf out = {0};
        rid_uri_append_public(&out, rid_str_of(cases[i].uri));
        assert_string_equal(rid_buf_cstr(&out), cases[i].shown);
        rid_buf_free(&out);
    }
    rid_buf out = {0};
    rid_uri_append_public(&out, (rid_str){NULL, 0});
    assert_int_equal(out.len, 0);
    rid_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_public)};
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
