// The least that a program can do with payload JSON: reads a .jsonl file in blocks and parses every
// line with simdjson's DOM, one parser for all, and looks at nothing in it.
//
//     bench_dom FILE.jsonl
//
// Prints `seconds WALL cpu CPU documents N bytes N`; exit 1 where a line does not parse.
#include "tests/bench/bench.h"

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr std::size_t BLOCK_BYTES = std::size_t{1} << 20;

// Lines of a file, their text followed by the bytes that simdjson wants to be readable.
class Lines {
public:
    explicit Lines(int fd) : fd_(fd) {}
    ~Lines() { std::free(text_); }
    Lines(const Lines &) = delete;
    Lines &operator=(const Lines &) = delete;

    // False at the end of the file, or after an error: then failed() is true.
    bool next(const char **line, std::size_t *len)
    {
        std::size_t looked = at_;
        for (;;) {
            const void *newline = looked < end_ ? std::memchr(text_ + looked, '\n', end_ - looked)
                                                : nullptr;
            looked = end_;
            if (newline || (ended_ && at_ < end_)) {
                const char *end = newline ? static_cast<const char *>(newline) : text_ + end_;
                *line = text_ + at_;
                *len = static_cast<std::size_t>(end - *line);
                at_ += *len + (newline ? 1 : 0);
                return true;
            }
            if (ended_ || !read_more(&looked))
                return false;
        }
    }
    bool failed() const { return failed_; }

private:
    bool read_more(std::size_t *looked)
    {
        if (at_ > 0) {
            std::memmove(text_, text_ + at_, end_ - at_);
            *looked -= at_;
            end_ -= at_;
            at_ = 0;
        }
        if (cap_ - end_ < BLOCK_BYTES + simdjson::SIMDJSON_PADDING) {
            cap_ = 2 * cap_ + BLOCK_BYTES + simdjson::SIMDJSON_PADDING;
            void *grown = std::realloc(text_, cap_);
            failed_ = !grown;
            if (failed_)
                return false;
            text_ = static_cast<char *>(grown);
        }
        ssize_t got = read(fd_, text_ + end_, BLOCK_BYTES);
        failed_ = got < 0;
        ended_ = got <= 0;
        end_ += got > 0 ? static_cast<std::size_t>(got) : 0;
        return !failed_;
    }

    int fd_;
    char *text_ = nullptr;
    std::size_t at_ = 0, end_ = 0, cap_ = 0;
    bool ended_ = false, failed_ = false;
};

} // namespace

int main(int argc, char **argv)
{
    bench_time start = bench_now();
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0) {
        std::fprintf(stderr, "usage: bench_dom FILE.jsonl (which can be read)\n");
        return 2;
    }
    simdjson::dom::parser parser;
    Lines lines(fd);
    const char *line;
    std::size_t len, n = 0, bytes = 0;
    while (lines.next(&line, &len)) {
        simdjson::dom::element root;
        simdjson::error_code error = parser.parse(line, len, false).get(root);
        if (error) {
            std::fprintf(stderr, "document %zu: %s\n", n + 1, simdjson::error_message(error));
            return 1;
        }
        n++;
        bytes += len + 1;
    }
    close(fd);
    if (lines.failed()) {
        std::perror(argv[1]);
        return 1;
    }
    bench_time t = bench_since(start);
    std::printf("seconds %.4f cpu %.4f documents %zu bytes %zu\n", t.wall_s, t.cpu_s, n, bytes);
    return 0;
}
