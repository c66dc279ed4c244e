# rid-eval diff: by hand, against Python, two sides that are the same, what it refuses.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-manifest rid-eval

rid-synth -q --people 25 --stores 2 --days 1 --visits 1:5 --frames 2:3 --vis-dim 32 --visit-noise 0.6 --seed 4 \
    --gt gt.json -o day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
rid-encode -q --encoder mean --filter off -o off.h5 day.jsonl
make() { # FOLDER STORE OPTION...
    local folder=$1 store=$2
    shift 2
    rid-manifest -q --embeddings none "$@" -o "$folder" "$store"
}
make a day.h5 --threshold 0.7 --margin 0.02
make b day.h5 --threshold 0.65 --margin 0 --nn2 identity
make c off.h5 --threshold 0.6 --margin 0 --nn2 identity

begin 'the same on both sides'
run rid-eval diff -q --gt gt.json --json a a
expect_code 0
for figure in 'persons_split 0' 'persons_merged 0' 'decisions_lost 0' 'decisions_gained 0' 'decisions_moved 0' \
    'agreement_ari 1' 'decisions_improved 0' 'delta_pairwise_f1 0' 'delta_pairwise_f1_low 0' 'delta_fpir_high 0'; do
    expect_equal "${figure% *}" "$(json_value .out "${figure% *}")" "${figure#* }"
done
grep -q '"splits":\[\],"merges":\[\],"decisions":\[\]' .out || fail 'changes'

begin 'a store is what rid-manifest makes of it'
run rid-eval diff -q --json --threshold 0.65 --margin 0 --nn2 identity b day.h5
expect_code 0
expect_equal same "$(json_value .out persons_same)" "$(json_value .out persons_a)"
expect_equal decisions "$(grep -c '"decisions":\[\]' .out)" 1
expect_equal makers "$(grep -oE '"made_by_a":\[[^]]*' .out | cut -c 13-)" "$(grep -oE '"made_by_b":\[[^]]*' .out | cut -c 13-)"
expect_out '"threshold":0.65,"margin":0,"nn2":"identity"}]'
run rid-eval diff -q --json --threshold 0.65 --margin 0 --nn2 identity day.h5 off.h5
expect_code 0
expect_equal entries "$(json_value .out entries_common)" "$(wc -l <day.jsonl)"

for sides in 'a b' 'b a' 'b c'; do
    read -r x y <<<"$sides"
    begin "figures of each side: $sides"
    run rid-eval diff -q --gt gt.json --json --seed 7 -o "$x$y.json" $x $y
    expect_code 0
    for name in pairwise_precision pairwise_f1 bcubed_f1 v_measure ari fnir fpir; do
        expect_equal "a: $name" "$(json_value $x$y.json a_$name)" "$(rid-eval manifest -q --gt gt.json --json $x | tee m.json >/dev/null; json_value m.json $name)"
    done
    if /usr/bin/python3 -c '' 2>/dev/null; then
        begin "as Python sees it: $sides"
        run /usr/bin/python3 "$SRC/tests/cli/eval/diff_oracle.py" gt.json "$x$y.json" $x $y
        expect_code 0
        expect_empty_out
    else
        skip "as Python sees it: $sides" 'no /usr/bin/python3'
    fi
done

begin 'the same bytes for any number of threads'
rid-eval diff -q --threads 1 --gt gt.json --json --seed 7 --threshold 0.6 day.h5 off.h5 >one
rid-eval diff -q --threads 3 --gt gt.json --json --seed 7 --threshold 0.6 day.h5 off.h5 >three
expect_same one three

# A: {1 2 3} {4} {5 6}; B: {1 2} {3 4} {5 6}, and 7 in B alone. 3 joined 2, then 4's person; 6 joined 5.
event() { # ID STATUS MATCH
    printf '{"entry_id":"%s","status":"%s","match_id":%s,"timestamp":"%sT0%s:00:00Z"}' "$1" "$2" "$3" $DAY "$1"
}
person() { printf '{"person_id":"%s","events":[%s]}' "$1" "$2"; }
document() { printf '{"day_id":"%s","store_id":"s","people":[%s]}\n' $DAY "$1"; }
document "$(person p1 "$(event 1 new null),$(event 2 match '"1"'),$(event 4 match '"2"')"),$(person p2 "$(event 3 new null)"),$(person p3 "$(event 5 new null),$(event 6 match '"5"')")" >x.json
document "$(person q1 "$(event 1 new null),$(event 2 match '"1"')"),$(person q2 "$(event 3 new null),$(event 4 match '"3"')"),$(person q3 "$(event 5 new null)"),$(person q4 "$(event 6 new null),$(event 7 match '"6"')")" >y.json
echo '{"1":"A","2":"A","3":"B","4":"B","5":"C","6":"C","7":"C"}' >hand.json
begin 'by hand'
run rid-eval diff --gt hand.json --json x.json y.json
expect_code 0
expect_err 'one side alone has them: 0 of A, 1 of B'
for figure in 'entries_common 6' 'persons_a 3' 'persons_b 4' 'persons_same 0' 'persons_split 2' 'persons_merged 1' \
    'decisions_lost 1' 'decisions_gained 0' 'decisions_moved 1' 'labelled 6' 'decisions_improved 1' \
    'decisions_worsened 1' 'a_fnir 0.33333333333333337' 'b_fnir 0.33333333333333337' 'delta_fnir 0' 'a_fpir 0'; do
    expect_equal "${figure% *}" "$(json_value .out "${figure% *}")" "${figure#* }"
done
for text in '"person_a":"p1","entries":3,"into":[{"person_b":"q1","entries":2,"first_entry_id":"1"},{"person_b":"q2","entries":1,"first_entry_id":"4"}]' \
    '"person_b":"q2","entries":2,"from":[{"person_a":"p1","entries":1,"first_entry_id":"4"},{"person_a":"p2","entries":1,"first_entry_id":"3"}]' \
    '"entry_id":"4","change":"moved","person_a":"p1","status_a":"match","match_id_a":"2","score_a":null,"person_b":"q2","status_b":"match","match_id_b":"3","score_b":null,"verdict":"improved"' \
    '"entry_id":"6","change":"lost"'; do
    expect_out "$text"
done
run rid-eval diff -q --gt hand.json x.json y.json
expect_code 0
expect_out "$DAY  p1: q1 (2), q2 (1)" "$DAY  q2: p1 (1), p2 (1)" '4: match 2, match 3  improved' \
    '6: match 5, new  worsened' '6 in both' '95% interval over people'

# A: {1 2 3}, each joined the one before it; B: {2 3} {4}, without 1. 2 is the first that both have: what A
# made of it, nobody can tell here.
begin 'an entry that joined one that the other side does not have'
document "$(person p1 "$(event 1 new null),$(event 2 match '"1"'),$(event 3 match '"2"')"),$(person p2 "$(event 4 new null)")" >part_a.json
document "$(person q1 "$(event 2 new null),$(event 3 match '"2"')"),$(person q2 "$(event 4 new null)")" >part_b.json
echo '{"1":"A","2":"A","3":"A","4":"B"}' >part.json
run rid-eval diff --gt part.json --json part_a.json part_b.json
expect_code 0
expect_err 'one side alone has them: 1 of A, 0 of B' '1 labelled entries of A and 0 of B joined an entry that is not on both sides'
for figure in 'decisions_lost 1' 'decisions_improved 0' 'decisions_worsened 0' 'a_fnir 0' 'b_fnir 0' 'delta_fnir 0' \
    'a_fpir 0' 'delta_fpir 0' 'delta_fnir_low 0' 'delta_fnir_high 0'; do
    expect_equal "${figure% *}" "$(json_value .out "${figure% *}")" "${figure#* }"
done
expect_out '"entry_id":"2","change":"lost"' '"verdict":null'
run rid-eval diff --gt part.json --json part_b.json part_a.json
expect_code 0
expect_err '0 labelled entries of A and 1 of B joined'
expect_equal b_fnir "$(json_value .out b_fnir)" 0
expect_equal improved "$(json_value .out decisions_improved)" 0

begin 'a threshold is for stores'
run rid-eval diff --threshold 0.5 x.json y.json
expect_code 0
expect_err 'x.json: documents are as they are'

begin 'without ground truth'
run rid-eval diff -q x.json y.json
expect_code 0
expect_out '4: match 2, match 3'
expect_equal verdicts "$(grep -cE 'improved|worsened|FIGURE' .out)" 0

begin 'no resamples'
run rid-eval diff -q --gt hand.json --bootstrap 0 --json x.json y.json
expect_code 0
expect_equal low "$(json_value .out delta_pairwise_f1_low)" null

begin 'assertions'
run rid-eval diff -q --gt gt.json --assert 'delta_pairwise_f1_low > 1' --assert 'persons_split >= 0' a b
expect_code 4
expect_err 'assertion failed: delta_pairwise_f1_low > 1: delta_pairwise_f1_low is' '1 of 2'
run rid-eval diff -q --assert 'delta_fpir <= 0' a b
expect_code 2
expect_err "no figure 'delta_fpir' without --gt or --pairs FILE"
run rid-eval diff -q --gt gt.json --assert 'delta <= 0' a b
expect_code 2
expect_err "no figure 'delta' here, but those above" 'figures: entries_a, ' 'b_ari, delta_ari'

begin 'two that are empty'
document '' >empty.json
run rid-eval diff -q --gt hand.json --json empty.json empty.json
expect_code 0
expect_equal ari "$(json_value .out agreement_ari)" null
expect_equal f1 "$(json_value .out delta_pairwise_f1)" 0

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    run rid-eval diff "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
}
refused 'one side' 2 'diff takes two' a
refused 'three sides' 2 'diff takes two' a b c
refused 'nothing in common' 65 'have no entry in common' a x.json
refused 'labels of others' 65 'no entry that both sides have has a label' --gt gt.json x.json y.json
refused 'a side that is not there' 66 'nowhere' a nowhere
sed 's/"store_id":"s"/"store_id":"t"/' x.json >t.json
refused 'another bucket' 65 "entry '1' is in bucket $DAY/s, and in $DAY/t on the other side" x.json t.json
finish
