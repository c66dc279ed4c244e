# rid-gt check: a hand-worked case, the report as text and as JSON, exit codes.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-gt

entry() { # ID DAY STORE
    printf '{"entry_id":"%s","day_id":"%s","store_id":"%s","embeddings":[[1,0]]}\n' "$@"
}
{ entry x-1 2025-11-06 x; entry x-2 2025-11-06 x; entry x-3 2025-11-06 x; entry x-4 2025-11-06 x
  entry y-1 2025-11-06 y; entry y-2 2025-11-07 y; entry y-3 2025-11-07 y; } >p.jsonl
rid-encode -q --encoder mean -o s.h5 p.jsonl
cat >gt.json <<'JSON'
{"persons": {
 "P": {"entries": [{"entry_id": "x-1"}, {"entry_id": "x-2"}, {"entry_id": "y-1"}]},
 "Q": {"entries": [{"entry_id": "y-2"}, {"entry_id": "x-3", "include": false}]},
 "R": {"entries": []},
 "S": {"include": false, "entries": [{"entry_id": "y-3"}]},
 "T": {"entries": [{"entry_id": "gone-1"}, {"entry_id": "gone-2"}]}}}
JSON
FIGURES='"files":1,"entries":6,"people":3,"left_out":2,"repeated":0,"notes_differ":0'

begin 'without stores'
run rid-gt check -q --gt gt.json --json
expect_code 0
expect_no_err
expect_out '{"format_version":1,' '"command":"check"' "$FIGURES,\"conflicts\":0,\"empty\":1,\"single\":1,\"cases\":" \
    '"empty":[{"person_id":"R","left_out":0}],"single":[{"person_id":"Q","left_out":1}]}}'

begin 'with stores'
run rid-gt check -q --gt gt.json --json s.h5
expect_code 0
expect_out "$FIGURES"',"store_entries":7,"stores":2,"days":2,"buckets":3,"replaced":0,"labelled":4,"mated":1,' \
    '"unknown":2,"unlabelled":1,"across_stores":1,"across_days":0,' \
    '"unknown":[{"entry_id":"gone-1","person_id":"T"},{"entry_id":"gone-2","person_id":"T"}]' \
    '"unlabelled":[{"entry_id":"x-4","day_id":"2025-11-06","store_id":"x"}]' \
    '"across_stores":[{"person_id":"P","stores":["x","y"]}],"across_days":[]'
/usr/bin/python3 -m json.tool .out >/dev/null 2>.err || [ ! -x /usr/bin/python3 ] || fail 'not JSON'

begin 'as text, with fewer cases'
run rid-gt check --gt gt.json --cases 1 -o report.txt s.h5
expect_code 0
expect_empty_out
for text in 'across_stores' 'unknown: labelled entries that are in no store' \
    '{"entry_id":"gone-1","person_id":"T"}' '… and 1 more' '{"person_id":"P","stores":["x","y"]}'; do
    grep -qF -- "$text" report.txt || fail "the report does not say: $text"
done
! grep -q gone-2 report.txt || fail 'more cases than asked for'
expect_equal unknown "$(awk '$1 == "unknown" { print $2 }' report.txt)" 2
run rid-gt check --gt gt.json --cases 0 s.h5
! grep -q '[{…]' .out || fail 'cases that were not asked for'

begin 'assertions'
run rid-gt check --gt gt.json --assert 'unknown == 0' --assert 'across_stores <= 1' --json -o strict.json s.h5
expect_code 4
expect_err 'assertion failed: unknown == 0: unknown is 2' '1 of 2 assertions failed'
grep -qF '{"assertion":"unknown == 0","value":2,"holds":false}' strict.json || fail 'the report is not there'
run rid-gt check --gt gt.json --assert 'unknown==2' --assert 'mated > 0' s.h5
expect_code 0
run rid-gt check --gt gt.json --assert 'unknown == 0'
expect_code 2
expect_err 'unknown' 'single'

begin 'labels that differ'
echo '{"x-1": "P", "x-2": "Z", "y-3": "S"}' >more.json
run rid-gt check --gt gt.json --gt more.json --json -o conflicts.json
expect_code 65
expect_err "entry 'x-2': person 'P' in gt.json, person 'Z' in more.json: an entry is one person (the first of several"
for text in '"files":2,' '"repeated":1,' '"conflicts":2,' \
    '{"entry_id":"x-2","labels":[{"person_id":"P","include":true,"file":"gt.json"},{"person_id":"Z","include":true,"file":"more.json"}]}' \
    '{"entry_id":"y-3","labels":[{"person_id":"S","include":false,"file":"gt.json"},{"person_id":"S","include":true,"file":"more.json"}]}'; do
    grep -qF -- "$text" conflicts.json || fail "the report does not say: $text"
done
echo '{"persons": {"A": {"entries": [{"entry_id": "e"}]}, "B": {"entries": [{"entry_id": "e"}]}}}' >one.json
run rid-gt check --gt one.json --assert 'conflicts == 0'
expect_code 65
expect_err "entry 'e': person 'A' in one.json, person 'B' in one.json" 'assertion failed: conflicts == 0'

refused() { # NAME CODE TEXT ARGUMENT...
    begin "refused: $1"
    run rid-gt check "${@:4}"
    expect_code "$2"
    expect_err "$3"
    expect_empty_out
}
echo '{"e": ["p"]}' >broken.json
refused 'nothing' 2 'no ground truth: give --gt FILE'
refused 'an option of split' 2 '--by' --gt gt.json --by store
refused 'broken' 65 'broken.json: line 1, byte 6: expected a person_id, found an array' --gt broken.json
refused 'missing' 66 gone.json --gt gone.json
refused 'no store' 65 gt.json --gt gt.json gt.json
refused 'there already' 2 'report.txt' --gt gt.json -o report.txt

refused 'no figure' 2 'across_store' --gt gt.json --assert 'across_store == 0' s.h5begin 'two results on standard output'
run rid-gt check --gt gt.json --summary-json -
expect_code 2
expect_err '--summary-json - needs -o'
begin 'nothing is left behind'
expect_no_temporaries .
finish
