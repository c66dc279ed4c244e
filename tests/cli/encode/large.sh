# modes: release
# alone
# What is absurdly large costs only itself, and memory stays bounded.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest

MEMORY_MAX=$((600 * 1000 * 1000))
first=$(good a | wc -c)

# NAME COMMAND-THAT-WRITES-IT REJECTS LINE BYTE: between two good ones, from a pipe
large() {
    begin "large: $1"
    rm -f o.h5 o.h5.rejects.jsonl
    run rid-encode --encoder mean -o o.h5 --summary-json s.json - < <(good a; eval "$2"; good b)
    expect_code $((${3:-0} > 0 ? 3 : 0))
    expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
    if [ "$3" -gt 0 ]; then
        expect_reject_count o.h5.rejects.jsonl "$3"
        expect_reject o.h5.rejects.jsonl - "$4" "$5" too_large
    fi
    expect_ids o.h5 a b
}
repeat() { head -c "$1" /dev/zero | tr '\0' "$2"; } # BYTES CHARACTER

large 'a line of 300 MB that begins a payload' \
    'printf "{\"entry_id\":\"x\",\"camera\":\""; repeat 300000000 1; echo "\"}"' 1 2 "$first"
large 'a line of 300 MB that is nothing' 'repeat 300000000 1; echo' 1 2 "$first"
large '300 MB of brackets' 'repeat 300000000 "["; echo' 1 2 "$first"
large 'a payload of 300 MB over many lines' \
    'echo "{\"entry_id\":\"x\",\"embeddings\":[["; yes 1, | head -n 120000000; echo "1]]}"' 1 2 "$first"

begin 'large: a payload of 200 MB is taken'
rm -f o.h5
run rid-encode --encoder mean --frames none -o o.h5 --summary-json s.json - < <(
    good a | sed 's/"embeddings.*/"z":"/' | tr -d '\n'; repeat 200000000 1
    echo '","embeddings":[[1,2,3,4]]}'; good b)
expect_code 0
expect_ids o.h5 a b

# Decompression bombs: 2 GB in 70 KB.
bomb() { # FILE CHARACTER
    repeat 134217728 "$2" | zstd -q >part.zst
    { good a | zstd -q; for _ in {1..15}; do cat part.zst; done; { echo; good b; } | zstd -q; } >"$1"
}
for what in 'letter 1' 'brace {' 'NUL \0'; do
    begin "large: a decompression bomb of 2 GB, of ${what% *}s"
    bomb bomb.jsonl.zst "${what#* }"
    expect_at_most 'bytes of the bomb' "$(stat -c %s bomb.jsonl.zst)" 200000
    rm -f o.h5 o.h5.rejects.jsonl
    run rid-encode --encoder mean -o o.h5 --summary-json s.json bomb.jsonl.zst
    expect_code 3
    expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
    expect_reject o.h5.rejects.jsonl bomb.jsonl.zst 2 "$first" too_large
    expect_ids o.h5 a b
done

begin 'large: a gzip bomb that never ends'
{ good a; repeat 400000000 x; } | gzip -1 | head -c -100 >bomb.jsonl.gz
rm -f o.h5 o.h5.rejects.jsonl
run rid-encode --encoder mean -o o.h5 --summary-json s.json bomb.jsonl.gz
expect_code 3
expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
expect_ids o.h5 a
finish
