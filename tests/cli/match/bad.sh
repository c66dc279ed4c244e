# rid-match: every bad payload is answered in its place, and changes nothing for the others; limits,
# outputs, signals.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-match rid-synth

head='{"entry_id":"x","day_id":"2025-11-06","store_id":"s1"'
vectors='"embeddings":[[1,0,0,0]]'
open=$(printf '[%.0s' {1..10000})
{ good a; good b; good c; } >good.jsonl
rid-match -q --encoder mean good.jsonl >good.answers

# NAME REASON TEXT: in front of, between and behind good ones
bad() {
    begin "answered in its place: $1"
    { printf '%s\n' "$3"; good a; printf '%s\n' "$3"; good b; good c; printf '%s\n' "$3"; } >day.jsonl
    run rid-match --encoder mean --summary-json s.json day.jsonl
    expect_code 3
    expect_equal 'lines' "$(wc -l <"$TMP/.out")" 6
    expect_equal 'bad ones' "$(grep -n '^{"ok":false,"error":"' "$TMP/.out" | cut -d: -f1 | tr '\n' ' ')" '1 3 6 '
    expect_equal 'their lines' "$(grep -oP '^\{"ok":false.*"line":\K\d+' "$TMP/.out" | tr '\n' ' ')" '1 3 6 '
    grep -q "\"reason\":\"$2\"" "$TMP/.out" || fail "no reason $2: $(head -n 1 "$TMP/.out")"
    expect_same <(grep '^{"ok":true' "$TMP/.out") good.answers
    expect_equal rejected "$(json_value s.json rejected)" 3
}
bad 'truncated' syntax "$head,\"embeddings\":[[1,0"
bad 'glued together' syntax "$(good x | tr -d '\n')$(good y)"
bad 'text' syntax 'hello'
bad 'a key twice' duplicate_key "$head,\"entry_id\":\"y\",$vectors}"
bad 'NaN' syntax "$head,\"embeddings\":[[1,NaN,0,0]]}"
bad '1e39' number_range "$head,\"embeddings\":[[1,1e39,0,0]]}"
bad 'ragged' ragged_frames "$head,\"embeddings\":[[1,0,0,0],[1]]}"
bad 'no frames' no_frames "$head,\"embeddings\":[]}"
bad 'a string for a number' wrong_type "$head,\"embeddings\":[[\"1\",0,0,0]]}"
bad 'bad UTF-8' utf8 $'{"entry_id":"x\xff",'"\"day_id\":\"2025-11-06\",$vectors}"
bad 'a lone surrogate' utf8 "{\"entry_id\":\"x\\ud800\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'nesting 10,000 deep' depth "$open"
bad 'a number as id' wrong_type "{\"entry_id\":17,\"day_id\":\"2025-11-06\",$vectors}"
bad 'null as id' wrong_type "{\"entry_id\":null,\"day_id\":\"2025-11-06\",$vectors}"
bad 'an id of 4 KB' bad_id "{\"entry_id\":\"${open::4096}\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'no calendar date' bad_day "{\"entry_id\":\"x\",\"day_id\":\"2025-02-30\",$vectors}"
bad 'no time' bad_timestamp "$head,\"timestamp\":\"now\",$vectors}"

begin 'frames of another size than the first'
{ good a; echo "$head,\"embeddings\":[[1,0]]}"; good b; } >day.jsonl
run rid-match --encoder mean day.jsonl
expect_code 3
expect_equal 'the second' "$(sed -n 2p "$TMP/.out" | grep -c '"ok":false.*"reason":"frame_size"')" 1
expect_equal 'the third' "$(sed -n 3p "$TMP/.out" | grep -c '"status":"match","match_id":"a"')" 1

begin 'a frame of zeros: skip, never matched'
{ echo "$head,\"embeddings\":[[0,0,0,0]]}"; good a; good b; } >day.jsonl
run rid-match --encoder mean day.jsonl
expect_code 0
expect_equal 'its answer' "$(sed -n 1p "$TMP/.out" | grep -c '"status":"skip","match_id":null,"person_id":"s1-0001","score":null')" 1
expect_equal 'the next' "$(sed -n 2p "$TMP/.out" | grep -c '"status":"new","match_id":null,"person_id":"s1-0002","score":null')" 1

begin 'as many rejects as allowed'
{ good a; echo x; echo x; } >day.jsonl
run rid-match --encoder mean --max-rejects 2 day.jsonl
expect_code 0
run rid-match --encoder mean --max-rejects 50% day.jsonl
expect_code 3
run rid-match --encoder mean --max-rejects 67% day.jsonl
expect_code 0

begin 'the answers do not depend on threads, and go to a file, too'
rid-synth -q --people 20 --stores 2 --vis-dim 32 -o many.jsonl
run rid-match -q --encoder mean --threads 1 many.jsonl
cp "$TMP/.out" one
run rid-match -q --encoder mean --threads 7 many.jsonl
expect_same "$TMP/.out" one
run rid-match -q --encoder mean -o answers.jsonl many.jsonl
expect_code 0
expect_empty_out
expect_same answers.jsonl one
run rid-match -q --encoder mean -o answers.jsonl many.jsonl
expect_code 2
begin 'what is persisted is what rid-encode makes'
rid-encode -q --encoder mean -o day.h5 many.jsonl
run rid-match -q --encoder mean --persist kept.h5 many.jsonl
expect_code 0
expect_same <(rid-manifest -q -o - --store nc0001 kept.h5) <(rid-manifest -q -o - --store nc0001 day.h5)
begin 'a damaged warm store'
head -c 5000 day.h5 >cut.h5
run rid-match -q --encoder mean --warm cut.h5 many.jsonl
expect_code 65
expect_empty_out
begin 'a warm store that is not there'
run rid-match -q --encoder mean --warm gone.h5 many.jsonl
expect_code 66
begin 'a schema that does not fit the checkpoint'
rid-synth -q --people 1 --vis-dim 4 --ckpt-out m.pt >tiny.jsonl
echo '{"schema_id":"t","fields":[{"name":"hat","type":"bool"}]}' >other.json
run rid-match --ckpt m.pt --schema other.json tiny.jsonl
expect_code 78
expect_err '1 dimensions' 43

# ---- signals ----

mkfifo pipe
exec 9<>pipe
for signal in INT TERM; do
    begin "SIG$signal: what was answered stands, nothing is persisted"
    rid-match --encoder mean --persist p.h5 - <pipe >answers 2>"$TMP/.err" &
    pid=$!
    cat good.jsonl >&9
    for _ in {1..500}; do
        [ "$(wc -l <answers)" -lt 3 ] || break
        sleep 0.02
    done
    kill -s $signal $pid
    wait $pid
    CODE=$?
    COMMAND="rid-match, SIG$signal"
    expect_code $([ $signal = INT ] && echo 130 || echo 143)
    expect_same answers good.answers
    expect_no_file p.h5
    expect_no_temporaries
done
begin 'its reader goes away'
COMMAND='rid-match | head -n 1'
{ rid-match -q --encoder mean many.jsonl many.jsonl 2>"$TMP/.err"; echo $? >code; } | head -n 1 >first
CODE=$(cat code)
expect_code 74
finish
