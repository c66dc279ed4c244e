# What is unusual and accepted, what is kept but never matched, and what ids may look like.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth

encode() { # ARGUMENT...: day.jsonl and what it is given, afresh
    rm -rf o.h5 o.h5.rejects.jsonl
    run rid-encode --encoder mean -o o.h5 --summary-json s.json "$@"
}
accepted() { # NAME TEXT: between two good ones
    begin "accepted: $1"
    { good a; printf '%s\n' "$2"; good b; } >day.jsonl
    encode day.jsonl
    expect_code 0
    expect_no_file o.h5.rejects.jsonl
    expect_ids o.h5 a b x
}
vectors='"embeddings":[[1,0,0,0]]'
head='{"entry_id":"x","day_id":"2025-11-06","store_id":"s1"'

accepted '1 frame' "$head,$vectors}"
accepted '10,000 frames' "$head,\"embeddings\":[$(frames 10000)]}"
accepted 'no timestamp, a day given' "$head,$vectors}"
accepted 'no day, a timestamp' "{\"entry_id\":\"x\",\"timestamp\":\"2025-11-06T08:15:00.123456789+01:00\",$vectors}"
accepted 'no store' "{\"entry_id\":\"x\",\"day_id\":\"2025-11-06\",$vectors}"
accepted 'unknown keys' "{\"z\":[{}],\"\":null,\"entry_id\":\"x\",\"day_id\":\"2025-11-06\",\"y\":{\"z\":1},$vectors,\"z2\":1e300}"
accepted 'nesting 64 deep' "$head,\"z\":$(printf '[%.0s' {1..63})$(printf ']%.0s' {1..63}),$vectors}"
accepted 'numbers of every form' "$head,\"embeddings\":[[-0.0,1E+2,3.4028234e38,1e-320],[1,2,3,0.1234567890123456789]]}"
accepted 'an exponent of many zeros' "$head,\"embeddings\":[[1e00000000000000000000001,0,0,0]]}"
accepted 'blanks everywhere' $' \t{ "entry_id" : "x" , "day_id" : "2025-11-06" ,\t"embeddings" : [ [ 1 , 0 , 0 , 0 ] ] } \r'
accepted 'escapes in keys and ids' "{\"\\u0065ntry_id\":\"\\u0078\",\"day_id\":\"2025-11-06\",$vectors}"
accepted 'an empty direction' "$head,\"direction\":\"\",$vectors}"
accepted 'all keys' "$head,\"alert_id\":\"al\",\"employee_id\":\"e\",\"timestamp\":\"2025-11-06T08:15:00Z\",\"direction\":\"entry\",\"camera\":\"c\",\"images\":[\"a\",\"\"],\"attrs\":{},\"topk\":20,\"persist\":false,$vectors}"

begin 'accepted: an id of 255 bytes'
long=$(printf 'i%.0s' {1..255})
{ good a; good "$long"; } >day.jsonl
encode day.jsonl
expect_code 0
expect_ids o.h5 a "$long"

begin 'skip: all frames zero: kept, never matched'
zero='"embeddings":[[0,0,0,0],[0,0,0,1e-7]]'
{ good a; printf '{"entry_id":"z1","day_id":"%s","store_id":"s1",%s}\n' "$DAY" "$zero"
  printf '{"entry_id":"z2","day_id":"%s","store_id":"s1",%s}\n' "$DAY" "$zero"; good b; } >day.jsonl
encode day.jsonl
expect_code 0
expect_equal skipped "$(json_value s.json skipped)" 2
expect_ids o.h5 a b z1 z2
run rid-manifest -q --embeddings none -o m.json o.h5
expect_equal 'events that are skips' "$(grep -o '"status":"skip"' m.json | wc -l)" 2
grep -oP '"entry_id":"b".*?"status":"\w+","match_id":"\w+"' m.json | grep -q '"match","match_id":"a"' ||
    fail "b is not matched to a: $(cat m.json)"
expect_equal people "$(json_value m.json person_count)" 3

begin 'skip: a mean that is zero'
{ good a; echo "$head,\"embeddings\":[[1,0,0,0],[-1,0,0,0]]}"; good b; } >day.jsonl
encode day.jsonl
expect_code 0
expect_equal skipped "$(json_value s.json skipped)" 1

begin 'attributes that the schema does not know are counted by field and value'
echo '{"schema_id":"t","fields":[{"name":"hat","type":"enum","values":["cap","none"]}]}' >schema.json
{ good a '"attrs":{"hat":"cap"},'; good b '"attrs":{"hat":"beret"},'; good c '"attrs":{"hat":"beret","coat":"x"},'
  good d '"attrs":{"hat":"fez"},'; } >day.jsonl
encode --schema schema.json day.jsonl
expect_code 0
expect_equal accepted "$(json_value s.json accepted)" 4
grep -qF '"oov":{"hat":{"beret":2,"fez":1}}' s.json || fail "summary: $(cat s.json)"

# ---- whole documents ----

document() { # NAME FILE ID...
    local name=$1 file=$2
    shift 2
    begin "document: $name"
    encode "$file"
    expect_code 0
    expect_ids o.h5 "$@"
}
printf '\xef\xbb\xbf%s\n' "$(good a)" >d1.jsonl
document 'a byte order mark' d1.jsonl a
{ good a; echo; echo '   '; good b; printf '\r\n'; } >d2.jsonl
document 'blank lines' d2.jsonl a b
{ good a; good b; } | sed 's/$/\r/' >d3.jsonl
document 'CR LF' d3.jsonl a b
good a | tr -d '\n' >d4.json
document 'no newline at the end' d4.json a
printf '{\n  "entry_id": "a",\n  "day_id": "2025-11-06",\n  "embeddings": [\n    [1, 0, 0, 0],\n    [0, 1,\n 0, 0]\n  ]\n}\n' >d5.json
document 'pretty-printed' d5.json a
{ cat d5.json; good b; cat d5.json | sed 's/"a"/"c"/'; } >d6.jsonl
document 'pretty-printed payloads between others' d6.jsonl a b c
{ echo '{'; printf '"m1": %s,\n' "$(good m1)"; printf ' "m2": {"embeddings": [[1,0,0,0]], "day_id": "2025-11-06"}\n}\n'; } >d7.json
document 'an entry manifest' d7.json m1 m2
printf '{"m1":{"day_id":"2025-11-06",%s},"m\\u0032":{"day_id":"2025-11-06",%s}}' "$vectors" "$vectors" >d8.json
document 'an entry manifest on one line' d8.json m1 m2

begin 'document: a truncated pretty-printed payload costs only itself'
{ good a; head -n 5 d5.json; good b; head -n 5 d5.json; } >day.jsonl
encode day.jsonl
expect_code 3
expect_reject_count o.h5.rejects.jsonl 2
expect_ids o.h5 a b

begin 'document: a bad member of an entry manifest costs only itself'
{ echo '{'; printf '"m1": %s,\n' "$(good m1)"; echo '"m2": {"day_id": "2025-11-06", "embeddings": []},'
  printf '"m3": %s\n}\n' "$(good m3)"; } >day.json
encode day.json
expect_code 3
expect_reject o.h5.rejects.jsonl day.json 3 $(($(head -n 2 day.json | wc -c) + 6)) no_frames
expect_ids o.h5 m1 m3

begin 'document: an entry manifest that breaks off keeps what came before'
head -n 3 day.json | head -c -20 >cut.json
encode cut.json
expect_code 3
expect_reject_count o.h5.rejects.jsonl 1
expect_ids o.h5 m1

begin 'document: an entry_id that differs from its key'
printf '{"m1": %s, "m2": %s}' "$(good other)" "$(good m2)" >day.json
encode day.json
expect_code 3
expect_reject_count o.h5.rejects.jsonl 1
expect_ids o.h5 m2

# ---- ids ----

begin 'ids with slashes, dots, quotes, newlines: kept as they are, and no path'
mkdir -p jail/in jail/out
cd jail/in || exit 1
i=0
for id in '../../up' '/etc/passwd' '..' '.' 'a/b' 'q\"uote' 'new\nline' 'tab\t' 'späté' 'CON' '%2e%2e' '$(id)' '*' '-o'; do
    i=$((i + 1))
    printf '{"entry_id":"%s","store_id":"%s","day_id":"%s",%s}\n' "$id" "$id" $DAY "$vectors"
done >day.jsonl
run rid-encode --encoder mean -o o.h5 day.jsonl
expect_code 0
run rid-manifest -q --embeddings none -o ../out o.h5
expect_code 0
expect_equal documents "$(find ../out -type f | wc -l)" $i
expect_equal 'documents in the day’s folder' "$(find ../out/$DAY -maxdepth 1 -type f | wc -l)" $i
expect_equal 'files beside' "$(find .. -type f ! -path '../out/*' | sort | tr '\n' ' ')" '../in/day.jsonl ../in/o.h5 '
expect_equal 'documents with odd names' "$(find ../out -type f -printf '%f\n' | grep -vcE '^([A-Za-z0-9_-]|%[0-9A-F]{2})([A-Za-z0-9._-]|%[0-9A-F]{2})*\.json$')" 0
for id in '../../up' '/etc/passwd' '..' 'q\"uote' 'new\nline' 'späté'; do
    grep -qrF "\"entry_id\":\"$id\"" ../out || fail "no document holds $id"
done
cd "$TMP" || exit 1

begin 'stores with names of 255 bytes that differ at the end get documents of their own'
long=$(printf 's%.0s' {1..254})
{ good a | sed "s/\"s1\"/\"${long}1\"/"; good b | sed "s/\"s1\"/\"${long}2\"/"; } >day.jsonl
encode day.jsonl
expect_code 0
run rid-manifest -q --embeddings none -o longnames o.h5
expect_code 0
expect_equal documents "$(find longnames -type f | wc -l)" 2

# ---- days ----

# NAME ZONE TIMESTAMP DAY
day_of() {
    begin "day: $1"
    printf '{"entry_id":"a","timestamp":"%s",%s}\n' "$3" "$vectors" >day.jsonl
    encode --timezone "$2" day.jsonl
    expect_code 0
    rm -rf m
    run rid-manifest -q --embeddings none -o m o.h5
    expect_file "m/$4/a.json"
}
day_of 'UTC' UTC 2025-11-06T23:59:59.999999Z 2025-11-06
day_of 'an offset counts' UTC 2025-11-07T00:30:00+01:00 2025-11-06
day_of 'winter in Berlin' Europe/Berlin 2025-11-06T22:59:59Z 2025-11-06
day_of 'winter in Berlin, midnight' Europe/Berlin 2025-11-06T23:00:00Z 2025-11-07
day_of 'summer in Berlin, midnight' Europe/Berlin 2025-07-06T22:00:00Z 2025-07-07
day_of 'clocks go forward in New York' America/New_York 2025-03-09T04:59:59Z 2025-03-08
day_of 'the end of that day' America/New_York 2025-03-10T03:59:59Z 2025-03-09
day_of 'clocks go back in New York' America/New_York 2025-11-02T03:59:59Z 2025-11-01
day_of 'the end of that day, 25 hours' America/New_York 2025-11-03T04:59:59Z 2025-11-02
day_of 'half hours' Asia/Kolkata 2025-11-06T18:30:00Z 2025-11-07

begin 'day: a zone of its own for each store'
{ good a | sed 's/"day_id":"[^"]*"/"timestamp":"2025-11-06T23:30:00Z"/; s/"s1"/"berlin"/'
  good b | sed 's/"day_id":"[^"]*"/"timestamp":"2025-11-06T23:30:00Z"/; s/"s1"/"boston"/'; } >day.jsonl
printf 'timezone:\n  default: America/New_York\n  berlin: Europe/Berlin\n' >c.yaml
encode --config c.yaml day.jsonl
expect_code 0
rm -rf m
run rid-manifest -q --embeddings none -o m o.h5
expect_file m/2025-11-07/berlin.json m/2025-11-06/boston.json

begin 'day: a zone that does not exist'
encode --timezone Europe/Atlantis day.jsonl
expect_code 2 78
expect_err Atlantis
expect_no_file o.h5
finish
