# Every way in which one payload can be bad: it is listed with file, line, byte and reason, the
# payloads before and behind it are kept, and the run ends with 3.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest

first=$(good a | wc -c) # where the bad line begins

# NAME REASON BYTE-IN-THE-LINE LINE
bad() {
    begin "reject: $1"
    rm -f o.h5 o.h5.rejects.jsonl
    { good a; printf '%s\n' "$4"; good b; } >day.jsonl
    run rid-encode --encoder mean -o o.h5 day.jsonl
    expect_code 3
    expect_reject_count o.h5.rejects.jsonl 1
    expect_reject o.h5.rejects.jsonl day.jsonl 2 $((first + $3)) "$2"
    expect_err "day.jsonl:2: rejected ($2)"
    expect_ids o.h5 a b
}

# The byte of a fault behind a text.
behind() { printf '%s' "$1" | wc -c; }

head='{"entry_id":"x","day_id":"2025-11-06","store_id":"s1"'
vectors='"embeddings":[[1,0,0,0]]'
row="$head,\"embeddings\":[[1," # up to a frame's second number

bad 'truncated in the frames' syntax "$(behind "${row}0")" "${row}0"
bad 'truncated in a string' syntax "$(behind '{"entry_id":')" '{"entry_id":"x'
bad 'truncated behind a key' syntax "$(behind '{"entry_id"')" '{"entry_id"'
bad 'two commas' syntax "$(behind "$row")" "$row,0,0]]}"
bad 'a key without quotes' syntax 1 '{entry_id:"x"}'
bad 'a comma too many' syntax "$(behind "$head,$vectors,")" "$head,$vectors,}"
bad 'two payloads glued together' syntax $((first - 1)) "$(good x | tr -d '\n')$(good y)"
bad 'text behind a payload' syntax $((first)) "$(good x) tail"
bad 'not JSON at all' syntax 0 'hello world'
bad 'NaN' syntax "$(behind "$row")" "${row}NaN,0,0]]}"
bad 'Infinity' syntax "$(behind "$row")" "${row}Infinity,0,0]]}"
bad '-Infinity' syntax "$(behind "$row")" "${row}-Infinity,0,0]]}"
bad 'a leading zero' syntax "$(behind "$row")" "${row}01,0,0]]}"
bad 'hexadecimal' syntax "$(behind "${row}0")" "${row}0x1,0,0]]}"

bad 'a key twice' duplicate_key 0 "$head,\"entry_id\":\"y\",$vectors}"
bad 'a key twice in attrs' duplicate_key 0 "$head,\"attrs\":{\"a\":1,\"a\":2},$vectors}"
bad 'a key twice in what is unknown' duplicate_key 0 "$head,\"z\":[{\"a\":1,\"a\":2}],$vectors}"
bad 'a key twice, once escaped' duplicate_key 0 "$head,\"entry\\u005fid\":\"y\",$vectors}"

bad '1e39' number_range 0 "${row}1e39,0,0]]}"
bad '-1e39' number_range 0 "${row}-1e39,0,0]]}"
bad '1e400' number_range 0 "${row}1e400,0,0]]}"
bad 'an integer of 60 digits' number_range 0 "$row$(printf '9%.0s' {1..60}),0,0]]}"

bad 'ragged frames' ragged_frames 0 "$head,\"embeddings\":[[1,0,0,0],[1,0,0]]}"
bad 'frames of another size' frame_size 0 "$head,\"embeddings\":[[1,0,0],[0,1,0]]}"
bad 'no frames' no_frames 0 "$head,\"embeddings\":[]}"
bad 'an empty frame' no_frames 0 "$head,\"embeddings\":[[]]}"
bad 'no embeddings' missing_field 0 "$head}"
bad 'a string where a number belongs' wrong_type 0 "$row\"0\",0,0]]}"
bad 'null where a number belongs' wrong_type 0 "${row}null,0,0]]}"
bad 'true where a number belongs' wrong_type 0 "${row}true,0,0]]}"
bad 'a frame that is no array' wrong_type 0 "$head,\"embeddings\":[1,0,0,0]}"
bad 'embeddings that are an object' wrong_type 0 "$head,\"embeddings\":{}}"
bad 'embeddings nested once more' wrong_type 0 "$head,\"embeddings\":[[[1,0,0,0]]]}"

bad 'bad UTF-8 in an id' utf8 "$(behind '{"entry_id":"x')" $'{"entry_id":"x\xff","day_id":"2025-11-06",'"$vectors}"
bad 'bad UTF-8 in attributes' utf8 "$(behind "$head,\"attrs\":{\"a\":\"")" "$head,\"attrs\":{\"a\":\""$'\xc3\x28'"\"},$vectors}"
bad 'UTF-8 longer than needed' utf8 "$(behind '{"entry_id":"x')" $'{"entry_id":"x\xc0\xaf",'"$vectors}"
bad 'a surrogate as UTF-8' utf8 "$(behind '{"entry_id":"x')" $'{"entry_id":"x\xed\xa0\x80",'"$vectors}"
bad 'a high surrogate alone' utf8 "$(behind '{"entry_id":"x')" '{"entry_id":"x\ud800","day_id":"2025-11-06",'"$vectors}"
bad 'a low surrogate alone' utf8 "$(behind '{"entry_id":"x')" '{"entry_id":"x\udc00y","day_id":"2025-11-06",'"$vectors}"
bad 'a lone surrogate in attributes' utf8 "$(behind "$head,\"attrs\":{\"a\":\"")" "$head,\"attrs\":{\"a\":\"\\ud800\"},$vectors}"
bad 'an escaped NUL in an id' bad_id 0 '{"entry_id":"x\u0000y","day_id":"2025-11-06",'"$vectors}"

open=$(printf '[%.0s' {1..10000})
close=$(printf ']%.0s' {1..10000})
bad 'nesting 10,000 deep' depth "$(behind "$head,\"z\":${open::63}")" "$head,\"z\":$open$close,$vectors}"
bad 'nesting 10,000 deep, never closed' depth 64 "$open"
bad 'nesting 65 deep' depth "$(behind "$head,\"z\":${open::63}")" "$head,\"z\":${open::64}${close::64},$vectors}"

bad 'a number as id' wrong_type 0 "{\"entry_id\":17,\"day_id\":\"2025-11-06\",$vectors}"
bad 'null as id' wrong_type 0 "{\"entry_id\":null,\"day_id\":\"2025-11-06\",$vectors}"
bad 'no id' missing_field 0 "{\"day_id\":\"2025-11-06\",$vectors}"
bad 'an empty id' bad_id 0 "{\"entry_id\":\"\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'an id of 256 bytes' bad_id 0 "{\"entry_id\":\"${open::256}\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'an id of 4 KB' bad_id 0 "{\"entry_id\":\"${open::4096}\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'a number as store' wrong_type 0 "{\"entry_id\":\"x\",\"store_id\":3,\"day_id\":\"2025-11-06\",$vectors}"
bad 'an empty store' bad_id 0 "{\"entry_id\":\"x\",\"store_id\":\"\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'no store, and none in the id' bad_id 0 "{\"entry_id\":\"-x\",\"day_id\":\"2025-11-06\",$vectors}"
bad 'an empty camera' bad_id 0 "$head,\"camera\":\"\",$vectors}"
bad 'a camera of 256 bytes' bad_id 0 "$head,\"camera\":\"${open::256}\",$vectors}"
bad 'a number as employee' wrong_type 0 "$head,\"employee_id\":12,$vectors}"

bad 'neither day nor timestamp' missing_field 0 "{\"entry_id\":\"x\",$vectors}"
bad 'February 29th of no leap year' bad_day 0 "{\"entry_id\":\"x\",\"day_id\":\"2025-02-29\",$vectors}"
bad 'a day of another form' bad_day 0 "{\"entry_id\":\"x\",\"day_id\":\"06.11.2025\",$vectors}"
bad 'an impossible timestamp' bad_timestamp 0 "{\"entry_id\":\"x\",\"timestamp\":\"2025-13-01T00:00:00Z\",$vectors}"
bad 'a timestamp at 25 o’clock' bad_timestamp 0 "$head,\"timestamp\":\"2025-11-06T25:00:00Z\",$vectors}"
bad 'a timestamp without a zone' bad_timestamp 0 "$head,\"timestamp\":\"2025-11-06T08:00:00\",$vectors}"
bad 'a number as timestamp' wrong_type 0 "$head,\"timestamp\":1762416000,$vectors}"

bad 'an array for a payload' wrong_type 0 '[1,2,3]'
bad 'a number for a payload' wrong_type 0 '42'
bad 'attributes in an array' wrong_type 0 "$head,\"attrs\":[],$vectors}"
bad 'images that are no strings' wrong_type 0 "$head,\"images\":[1],$vectors}"
bad 'topk that is no integer' wrong_type 0 "$head,\"topk\":\"5\",$vectors}"
bad 'persist that is no truth value' wrong_type 0 "$head,\"persist\":\"no\",$vectors}"

begin 'reject: NUL bytes'
rm -f o.h5 o.h5.rejects.jsonl
{ good a; printf '{"entry_id":"x\0y"}\n\0\0\0\n'; good b; } >day.jsonl
run rid-encode --encoder mean -o o.h5 day.jsonl
expect_code 3
expect_reject o.h5.rejects.jsonl day.jsonl 2 $((first + 14)) syntax
expect_ids o.h5 a b

begin 'reject: a number beyond float16, where frames are kept as such'
rm -f o.h5 o.h5.rejects.jsonl
{ good a; printf '%s\n' "${row}70000,0,0]]}"; good b; } >day.jsonl
run rid-encode --encoder mean --frames f16 -o o.h5 day.jsonl
expect_code 3
expect_reject o.h5.rejects.jsonl day.jsonl 2 "$first" number_range
expect_ids o.h5 a b

begin 'reject: every reason at once, counted'
rm -f o.h5 o.h5.rejects.jsonl
{
    good a; echo '{"entry_id":"x'; echo "$head,\"embeddings\":[]}"; echo "${row}1e39,0,0]]}"
    good b; echo "${row}1e39,0,0]]}"; echo "$open"; good c
} >day.jsonl
run rid-encode --encoder mean -o o.h5 --summary-json s.json day.jsonl
expect_code 3
expect_reject_count o.h5.rejects.jsonl 5
expect_reject o.h5.rejects.jsonl day.jsonl 7 "$(head -n 6 day.jsonl | cat - <(printf '%s' "${open::64}") | wc -c)" depth
grep -qF '"rejects":{"syntax":1,"depth":1,"no_frames":1,"number_range":2}' s.json || fail "summary: $(cat s.json)"
expect_equal rejected "$(json_value s.json rejected)" 5
expect_equal accepted "$(json_value s.json accepted)" 3
expect_err '5 of 8 rejected, more than --max-rejects allows (exit 3)'
expect_ids o.h5 a b c

begin 'a run without rejects removes the list of the one before'
good a >day.jsonl
run rid-encode --encoder mean --force -o o.h5 day.jsonl
expect_code 0
expect_no_file o.h5.rejects.jsonl
finish
