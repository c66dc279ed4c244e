# rid-gt convert and merge: forms, manifests, pairs, what is lost, what is refused.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-manifest rid-gt

cat >persons.json <<'JSON'
{"made": {"by": "hand"}, "persons": {
 "p1": {"alias": "Al", "first_seen": "2025-11-06", "include": true, "entries": [{"entry_id": "a", "t": 1.50}, {"entry_id": "b", "include": false}]},
 "p2": {"include": false, "alias": "B", "entries": [{"entry_id": "c"}]},
 "p3": {"entries": []}}}
JSON
cat >persons.out <<'JSON'
{"format_version": 1, "made":{"by":"hand"},
 "persons": {
  "p1": {"include": true, "alias":"Al","first_seen":"2025-11-06", "entries": [
   {"entry_id": "a", "t":1.5},
   {"entry_id": "b", "include": false}]},
  "p2": {"include": false, "alias":"B", "entries": [
   {"entry_id": "c"}]},
  "p3": {"include": true, "entries": []}
 }}
JSON
cat >map.out <<'JSON'
{"format_version": 1, "made":{"by":"hand"},
 "entry_map": {
  "a": {"person_id": "p1", "t":1.5},
  "b": {"person_id": "p1", "include": false},
  "c": {"person_id": "p2", "include": false}
 }}
JSON
printf '{\n "a": "p1"\n}\n' >entries.out

begin 'persons: all is kept'
run rid-gt convert --gt persons.json --to persons
expect_code 0
expect_same .out persons.out
expect_err '1 entry of 1 person'
! grep -q lost .err || fail 'something is said to be lost'

begin 'map: what is lost'
run rid-gt convert --gt persons.json --to map -o map.json
expect_code 0
expect_same map.json map.out
expect_err "lost, as the form 'map' cannot say it: 1 person without entries, 2 objects' notes"

begin 'entries: what is lost'
run rid-gt convert --gt persons.json --to entries -o entries.json --summary-json s.json
expect_code 0
expect_same entries.json entries.out
expect_err "'entries' cannot say it: 2 entries that are left out, 1 person without entries, 4 objects' notes"
expect_equal accepted "$(json_value s.json accepted)" 1
run rid-gt convert -q --gt map.json --to persons
expect_out '"p2": {"include": true, "entries": ['

begin 'nothing to write is a document'
echo '{}' >empty.json
for form in entries persons map; do
    run rid-gt convert -q --gt empty.json --to $form -o "none-$form.json"
    expect_code 0
    run rid-gt convert -q --gt "none-$form.json" --to entries
    expect_equal "from $form" "$(cat .out)" '{}'
done

begin 'a dry run, an output that is there'
run rid-gt convert -q --gt persons.json --to map --dry-run -o dry.json
expect_code 0
expect_no_file dry.json
run rid-gt convert -q --gt persons.json --to map -o map.json
expect_code 2
run rid-gt convert -q --gt persons.json --to map -o map.json --force
expect_code 0

# ---- manifests ----

rid-synth -q --people 3 --stores 2 --days 2 --visits 2:3 --frames 1:1 --vis-dim 8 --attrs off \
    -o p.jsonl --gt synth.json
rid-encode -q --encoder mean --frames none -o s.h5 p.jsonl
rid-manifest -q --embeddings none -o manifests s.h5
mapfile -t MANIFESTS < <(find manifests -name '*.json' | sort)

begin 'manifests, whose people get the day'
run rid-gt merge -q "${MANIFESTS[@]}"
expect_code 0
expect_equal 'first_seen of each person' "$(grep -cE '^  "2025-11-0[67]/[a-z0-9]+-[0-9]{4}": \{"include": true, "first_seen":"2' .out)" \
    "$(cat "${MANIFESTS[@]}" | grep -o '"person_id":' | wc -l)"
run rid-gt merge -q "${MANIFESTS[@]}" --to entries -o qualified.json
expect_code 0
expect_equal entries "$(grep -c ': ' qualified.json)" "$(grep -c entry_id p.jsonl)"
[ -z "$(grep ': ' qualified.json | grep -vE ': "2025-11-0[67]/[a-z0-9]+-[0-9]{4}",?$')" ] ||
    fail 'a person without day'
run rid-gt check --gt qualified.json --json s.h5
expect_out '"unknown":0,"unlabelled":0,"across_stores":0,"across_days":0'

# ---- pairs ----

begin 'pairs within buckets, and what is lost'
echo '{"x-1":"P","x-2":"P","x-3":"Q","y-1":"P","gone":"P"}' >few.json
for id in x-1 x-2 x-3 x-4 y-1; do
    printf '{"entry_id":"%s","day_id":"2025-11-06","embeddings":[[1,0]]}\n' $id
done >few.jsonl
rid-encode -q --encoder mean -o few.h5 few.jsonl
run rid-gt convert --gt few.json --to pairs -o pairs.csv few.h5
expect_code 0
printf 'qid,aid,label\nx-1,x-2,1\nx-1,x-3,0\nx-2,x-3,0\n' >pairs.out
expect_same pairs.csv pairs.out
expect_err '3 pairs, 1 of one person, of 2 buckets' 'lost: 1 labelled entries that are in no store' \
    'lost: 2 pairs of one person in two buckets'
run rid-gt convert -q --gt few.json --to pairs --max-same 0 --max-different 1 --seed 1 few.h5
expect_code 0
expect_equal rows "$(wc -l <.out)" 2
expect_out ',0'

begin 'people from pairs'
printf 'qid,aid,label\nb,c,1\nx,y,0\na,b,1\nx,a,0\n' >linked.csv
run rid-gt convert -q --pairs linked.csv --to entries
expect_code 0
printf '{\n "b": "b",\n "c": "b",\n "x": "x",\n "y": "y",\n "a": "b"\n}\n' >linked.out
expect_same .out linked.out
printf 'qid,aid,label\na,b,1\na,c,0\nb,c,1\nd,e,0\n' >wrong.csv
run rid-gt convert -q --pairs wrong.csv --to entries
expect_code 65
expect_err "entries 'a' and 'c' are said to be different people, but pairs of one person connect them (1 such pairs)"

# ---- merge ----

begin 'merge: forms and notes together'
echo '{"persons": {"p1": {"alias": "Albert", "room": 4, "entries": [{"entry_id": "a"}, {"entry_id": "z"}]},
 "p2": {"entries": [{"entry_id": "q"}]}}}' >more.json
run rid-gt merge persons.json more.json
expect_code 0
expect_err '1 notes differ from file to file: the first ones count'
expect_out '"p1": {"include": true, "alias":"Al","first_seen":"2025-11-06","room":4, "entries": [' \
    '{"entry_id": "z"}]}' '"p2": {"include": true, "alias":"B", "entries": [' \
    '{"entry_id": "c", "include": false}' '{"entry_id": "q"}'
run rid-gt merge persons.json more.json --prefer last
expect_err 'the last ones count'
expect_out '"alias":"Albert","room":4,"first_seen":"2025-11-06"'

begin 'merge: labels that differ'
echo '{"a": "p1", "b": "p2", "c": "p3"}' >one.json
echo '{"c": "p4", "b": "p5", "d": "p1"}' >two.json
run rid-gt merge one.json two.json -o merged.json --cases 1
expect_code 65
expect_err "entry 'c': person 'p3' in one.json, person 'p4' in two.json" \
    '2 entries have two labels that differ; nothing is written'
! grep -q "entry 'b'" .err || fail 'more cases than asked for'
expect_no_file merged.json
expect_no_temporaries .
run rid-gt merge one.json two.json --prefer first
expect_code 0
expect_err '2 entries have two labels that differ: the first ones count'
expect_equal first "$(tr -d ' \n' <.out)" '{"a":"p1","b":"p2","c":"p3","d":"p1"}'
run rid-gt merge -q one.json two.json --prefer last
expect_equal last "$(tr -d ' \n' <.out)" '{"a":"p1","b":"p5","c":"p4","d":"p1"}'

refused() { # NAME CODE TEXT ARGUMENT...
    begin "refused: $1"
    run rid-gt "${@:4}"
    expect_code "$2"
    expect_err "$3"
    expect_empty_out
}
refused 'no command' 2 'check' -q
refused 'no input' 2 'no ground truth: give --gt FILE, or --pairs FILE' convert --to map
refused 'two inputs' 2 '--gt and --pairs both say who is who' convert --gt one.json --pairs pairs.csv --to map
refused 'no form' 2 'give --to entries, persons, map or pairs' convert --gt one.json
refused 'no store' 2 '--to pairs needs the stores' convert --gt one.json --to pairs
refused 'a store for a map' 2 'only --to pairs takes stores' convert --gt one.json --to map few.h5
refused 'an unknown form' 2 "'manifest' is not" convert --gt one.json --to manifest
refused 'labels that differ' 65 'merge --prefer' convert --gt one.json --gt two.json --to map
refused 'nothing to merge' 2 'name the files to merge' merge
refused 'merge to pairs' 2 '--to pairs: only convert' merge one.json --to pairs
refused 'missing' 66 gone.json merge one.json gone.json
finish
