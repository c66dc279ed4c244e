# rid-gt split: parts against an oracle, sizes, forms, what is refused.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-store rid-gt
PYTHON=/usr/bin/python3

rid-synth -q --people 9 --stores 7 --days 5 --visits 1:2 --frames 1:1 --vis-dim 4 --attrs off \
    -o p.jsonl --gt gt.json
rid-encode -q --encoder mean --frames none -o s.h5 p.jsonl
rid-store list s.h5 >list.tsv

begin 'by person: parts, and the same bytes again'
run rid-gt split --gt gt.json --by person --fractions 0.6,0.2,0.2 --seed 3 -o parts
expect_code 0
expect_empty_out
expect_err 'train: ' 'val: ' 'test: ' ' people'
expect_file parts/train.json parts/val.json parts/test.json
expect_no_temporaries .
run rid-gt split -q --gt gt.json --seed 3 --threads 3 -o again/
expect_code 0
expect_no_err
for part in train val test; do
    expect_same parts/$part.json again/$part.json
done
run rid-gt split -q --gt gt.json --seed 4 -o other/
expect_different parts/train.json other/train.json

if [ ! -x $PYTHON ]; then
    skip 'parts against an oracle' 'no /usr/bin/python3'
else
    begin 'parts against an oracle'
    for rule in 'person hash 0 0.6,0.2,0.2' 'person quota 5 0.5,0.3,0.2' 'store hash 1 0.4,0.3,0.3' \
        'store quota 2 0.6,0.2,0.2' 'day quota 0 0.6,0.2,0.2' 'day quota 9 0.34,0.33,0.33' \
        'store quota 0 0.98,0.01,0.01'; do
        read -r by assign seed fractions <<<"$rule"
        stores=s.h5 list=list.tsv
        [ "$by" != person ] || stores='' list=-
        run rid-gt split -q --gt gt.json --by "$by" --assign "$assign" --seed "$seed" --force \
            --fractions "$fractions" --names a,b,c -o o.json $stores
        expect_code 0
        run $PYTHON "$SRC/tests/cli/gt/split_oracle.py" "$by" "$assign" "$seed" "$fractions" gt.json \
            $list o-a.json o-b.json o-c.json
        [ "$CODE" -eq 0 ] || fail "$rule: $(cat .out .err)"
    done
fi

begin 'what the parts hold, as JSON'
run rid-gt split -q --gt gt.json --by store --assign quota --fractions 0.5,0.5 --json -o two s.h5
expect_code 0
expect_out '"format_version":1' '"by":"store"' '"assign":"quota"' '"n_unknown":0' '"stores":["'
expect_file two/train.json two/test.json
expect_equal entries "$(grep -oP '"n_entries":\K\d+' .out | awk '{ n += $1 } END { print n }')" "$(grep -c ': ' gt.json)"
expect_equal units "$(grep -oP '"n_units":\K\d+' .out | tr '\n' ' ')" '4 3 '

begin 'a person in two stores, entries in no store'
echo '{"x-1":"P","x-2":"P","y-1":"Q","z-9":"R"}' >few.json
{ printf '%s\n' '{"entry_id":"x-1","day_id":"2025-11-06","store_id":"x","embeddings":[[1,0]]}' \
    '{"entry_id":"x-2","day_id":"2025-11-06","store_id":"y","embeddings":[[1,0]]}' \
    '{"entry_id":"y-1","day_id":"2025-11-07","store_id":"y","embeddings":[[1,0]]}'; } >few.jsonl
rid-encode -q --encoder mean -o few.h5 few.jsonl
run rid-gt split --gt few.json --by store --assign quota --fractions 0.5,0.5 -o few few.h5 --summary-json s.json
expect_code 0
expect_err '1 entry is in no store' '1 person has entries in more than one part'
expect_equal entries "$(cat few/*.json | grep -c ': ')" 3
expect_equal unknown "$(json_value s.json unknown)" 1
run rid-gt split --gt few.json --by store --fractions 0.000001,0.999999 -o never few.h5
expect_code 65
expect_err "part 'train' gets none of the stores" '--assign quota'
expect_no_file never
run rid-gt split --gt few.json --by store --assign quota -o never few.h5
expect_code 65
expect_err '--by store: 2 units cannot make 3 parts'

begin 'persons keep alias, first_seen, include, and stay persons'
cat >persons.json <<'JSON'
{"version": 7, "persons": {
 "p1": {"alias": "Al", "first_seen": "2025-11-06", "entries": [{"entry_id": "a", "note": 1}, {"entry_id": "b", "include": false}]},
 "p2": {"include": false, "entries": [{"entry_id": "c"}]},
 "p3": {"entries": []}, "p4": {"entries": [{"entry_id": "d"}]}, "p5": {"entries": [{"entry_id": "e"}]}}}
JSON
run rid-gt split -q --gt persons.json --assign quota --fractions 0.5,0.5 --names l,r -o kept.json
expect_code 0
for text in '"version":7' '"p1": {"include": true, "alias":"Al","first_seen":"2025-11-06", "entries": [' \
    '{"entry_id": "a", "note":1}' '{"entry_id": "b", "include": false}' '"p2": {"include": false, "entries": [' \
    '"p3": {"include": true, "entries": []}'; do
    cat kept-l.json kept-r.json | grep -qF -- "$text" || fail "the parts do not hold: $text"
done
expect_equal persons "$(cat kept-?.json | grep -c '^  "p')" 5
run rid-gt split --gt persons.json --assign quota --fractions 0.5,0.5 --to entries -o plain
expect_code 0
expect_err 'lost, as this form cannot say it: 2 entries that are left out, 1 person without entries'

refused() { # NAME CODE TEXT ARGUMENT...
    begin "refused: $1"
    run rid-gt split "${@:4}"
    expect_code "$2"
    expect_err "$3"
    expect_empty_out
}
refused 'nothing' 2 'no ground truth' -o x
refused 'no output' 2 'no output: give -o DIR' --gt gt.json
refused 'standard output' 2 'parts cannot go to standard output' --gt gt.json -o -
refused 'no store' 2 '--by store needs the stores' --gt gt.json --by store -o x
refused 'a store by person' 2 'takes no stores' --gt gt.json -o x s.h5
refused 'shares' 2 "--fractions: the sum of '0.5,0.4' is 0.9, not 1" --gt gt.json --fractions 0.5,0.4 -o x
refused 'one share' 2 "'1' is not from 2 to 16 numbers above 0" --gt gt.json --fractions 1 -o x
refused 'a share of nothing' 2 'numbers above 0' --gt gt.json --fractions 0.5,0,0.5 -o x
refused 'names' 2 "--names: 'a,b' is not 3 names" --gt gt.json --names a,b -o x
refused 'more names' 2 "--names: 'a,b,c,d' is not 3 names" --gt gt.json --names a,b,c,d -o x
refused 'no name' 2 'is not 3 names' --gt gt.json --names a,,c -o x
refused 'a name twice' 2 "'a' stands twice" --gt gt.json --names a,b,a -o x
refused 'pairs' 2 '--to pairs: only convert writes them' --gt gt.json --to pairs -o x
refused 'there already' 2 'parts/val.json' --gt gt.json --names more,val,other -o parts
refused 'missing' 66 'gone.json' --gt gone.json -o x
echo '{"s0-1":"p","s0-1":"q"}' >twice.json
refused 'broken' 65 'stands twice in one object' --gt twice.json -o x
echo '{"a":"p"}' >a.json
echo '{"a":"q"}' >b.json
refused 'conflict' 65 "entry 'a': person 'p' in a.json, person 'q' in b.json" --gt a.json --gt b.json -o x
echo '{}' >empty.json
refused 'empty' 65 "part 'train' gets none of the people" --gt empty.json -o x
begin 'nothing is left of what was refused'
expect_no_file x
expect_no_temporaries .
expect_no_file parts/more.json
finish
