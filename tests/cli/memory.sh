# modes: release
# alone
# Memory is bounded by the batch: PAYLOADS payloads (default 2,000; 50,000 in make soak) of 200 KB
# stream through in at most 600 MB, by pipe, whatever the number of threads.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth
PAYLOADS=${PAYLOADS:-2000}
MEMORY_MAX=$((600 * 1000 * 1000))

synth() { # STORES of 100 payloads each
    rid-synth -q --people 50 --visits 2:2 --stores "$1" --frames 10:10 -o -
}
stream() { # THREADS STORES FRAMES: about PAYLOADS payloads of 10 frames of 1,024 numbers
    synth "$2" |
        rid-encode --encoder mean --threads "$1" --frames "$3" --force -o o.h5 --summary-json s.json -
}
begin 'memory: a payload has 200 KB'
[ "$(synth 1 | wc -c)" -gt 20000000 ] || fail "100 payloads have $(synth 1 | wc -c) bytes"
for threads in 2 7; do
    begin "memory: $PAYLOADS payloads, $threads threads"
    run stream $threads $((PAYLOADS / 100)) f16
    expect_code 0
    expect_equal accepted "$(json_value s.json accepted)" "$PAYLOADS"
    expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
    echo "# $threads threads: $(json_value s.json peak_rss_bytes) bytes, $(json_value s.json wall) s"
    [ "$PAYLOADS" -le 2000 ] || break
done

begin 'memory: a manifest is bounded by its bucket'
[ "$PAYLOADS" -le 2000 ] && what=frames || what=fused # 10 GB of text otherwise
run rid-manifest -o m o.h5 --embeddings $what --summary-json s.json
expect_code 0
expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
echo "# manifests: $(json_value s.json peak_rss_bytes) bytes, $(json_value s.json wall) s"
rm -rf m

begin 'memory: encoding the store again'
run rid-encode --encoder mean --frames f16 --force -o again.h5 o.h5 --summary-json s.json
expect_code 0
expect_at_most 'peak memory' "$(json_value s.json peak_rss_bytes)" $MEMORY_MAX
expect_same again.h5 o.h5
echo "# again: $(json_value s.json peak_rss_bytes) bytes, $(json_value s.json wall) s"
finish
