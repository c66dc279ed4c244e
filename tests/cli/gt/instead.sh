# --pairs instead of --gt in rid-calibrate, rid-eval search and diff, rid-pairs: the same figures where the list
# says all, warnings with counts where it does not, contradictions, both options.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-gt rid-calibrate rid-eval rid-pairs

SYNTH=(rid-synth -q --frames 1:2 --vis-dim 24 --attrs off --visit-noise 0.4)
"${SYNTH[@]}" --people 40 --stores 3 --seed 3 --gt gt.json -o day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
rid-encode -q --encoder mean --filter off -o off.h5 day.jsonl
rid-gt convert -q --gt gt.json --to pairs -o pairs.csv day.h5
# Two days of one store, with the same people.
"${SYNTH[@]}" --people 15 --stores 1 --days 2 --seed 5 --gt gt2.json -o days.jsonl
rid-encode -q --encoder mean -o days.h5 days.jsonl
rid-gt convert -q --gt gt2.json --to pairs -o within.csv days.h5

# Every pair of the entries of a document, also across buckets.
all_pairs() { # GT
    grep -oE '"[^"]+": ?"[^"]+"' "$1" | tr -d '" ' | awk -F: 'BEGIN { n = 0; print "qid,aid,label" } {
        for (i = 0; i < n; i++) print id[i] "," $1 "," (who[i] == $2)
        id[n] = $1; who[n++] = $2 }'
}
all_pairs gt.json >every.csv
all_pairs gt2.json >every2.csv

calibrate() { # TRUTH...: to p.json, all of it but the digest of labels
    run rid-calibrate --max-fpir 0.2 --margin 0 -o p.json --force "$@"
    expect_code 0
    sed -i -E 's/"labels":"[0-9a-f]{32}"//' p.json
}
sides() { # CSV: hard pairs without the names of people
    cut -d, -f1-2,5- "$1"
}

begin 'calibrate'
calibrate --gt gt.json day.h5
mv p.json gt.point
calibrate --pairs every.csv day.h5
expect_same p.json gt.point
! grep -q 'people come from pairs' .err || fail 'a complete list is warned about'
calibrate --pairs pairs.csv day.h5
expect_same p.json gt.point
expect_err 'pairs of people (within buckets 0 of ' 'nobody is in two buckets: who comes to several counts as several'
calibrate --pairs pairs.csv --threads 3 day.h5
expect_same p.json gt.point

begin 'search'
for options in '' '--within bucket' '--rerank 8,3,0.3'; do
    run rid-eval search -q --gt gt.json --json $options day.h5
    expect_code 0
    cp .out gt.search
    for list in every pairs; do
        run rid-eval search --pairs $list.csv --json $options day.h5
        expect_code 0
        expect_same .out gt.search
        if [ $list = every ] || [ "$options" = '--within bucket' ]; then
            ! grep -q 'people come from pairs' .err || fail "$list $options is warned about"
        else
            expect_err 'are told apart by no pair, and count as different people; nobody is in two buckets'
        fi
    done
done

begin 'diff'
DIFF=(rid-eval diff -q --json --bootstrap 0 --threshold 0.7)
run "${DIFF[@]}" --gt gt.json day.h5 off.h5
expect_code 0
cp .out gt.diff
run "${DIFF[@]}" --pairs pairs.csv day.h5 off.h5
expect_code 0
expect_same .out gt.diff
expect_no_err
run rid-eval diff --json --bootstrap 20 --threshold 0.7 --pairs pairs.csv day.h5 off.h5
expect_code 0
expect_err 'nobody is in two buckets'
expect_equal a_fnir "$(json_value .out a_fnir)" "$(json_value gt.diff a_fnir)"
expect_out '"delta_pairwise_f1_low":'

begin 'hard pairs'
LIMITS=(--pos-max 0.9 --neg-min 0.2 --alias-min 0.3)
rid-pairs -q "${LIMITS[@]}" --gt gt.json -o gt.hard day.h5
[ "$(wc -l <gt.hard)" -gt 10 ] || fail 'hardly any pair'
for list in every pairs; do
    run rid-pairs "${LIMITS[@]}" --pairs $list.csv --force -o hard.csv day.h5
    expect_code 0
    expect_equal "$list" "$(sides hard.csv | md5sum)" "$(sides gt.hard | md5sum)"
done
expect_err 'people come from pairs' 'nobody is in two buckets'

begin 'people who come on two days: only pairs across buckets join them'
run rid-eval search -q --gt gt2.json --json days.h5
expect_code 0
MAP=$(json_value .out map)
cp .out gt.search
run rid-eval search --pairs every2.csv --json days.h5
expect_same .out gt.search
! grep -q 'people come from pairs' .err || fail 'a complete list is warned about'
run rid-eval search --pairs within.csv --json days.h5
expect_code 0
expect_err 'nobody is in two buckets: who comes to several counts as several people'
[ "$(json_value .out map)" != "$MAP" ] || fail 'people are joined across days'
for truth in '--gt gt2.json 15 2' '--pairs every2.csv 15 2' '--pairs within.csv 30 1'; do
    read -r option file people effect <<<"$truth"
    calibrate --scope these --confidence 0.8 $option $file days.h5
    expect_equal "people of $file" "$(json_value p.json persons)" "$people"
    expect_equal "person effect of $file" "$(json_value p.json person_effect)" "$effect"
    expect_equal "first visits of $file" "$(json_value p.json searches)" 30
done
expect_err 'nobody is in two buckets'

# Entries 1 and 2 of a, 3 of b, 4 of c: what 2 and 4 are to one another is not said, and nothing of b and c.
begin 'what is left open, by hand'
for id in 1 2 3 4; do good $id; done >four.jsonl
rid-encode -q --encoder mean -o four.h5 four.jsonl
printf 'qid,aid,label\n1,2,1\n1,3,0\n4,5,0\n' >few.csv
run rid-eval search --pairs few.csv four.h5
expect_code 0
expect_err '2 of 3 pairs of people are told apart by no pair, and count as different people' \
    '1 label is of an entry that is not in the stores'
expect_equal warnings "$(grep -c 'people come from pairs' .err)" 1

begin 'a chain of pairs is one person; a contradiction is refused'
printf 'qid,aid\n1,2\n2,3\n' >chain.csv
run rid-eval search -q --pairs chain.csv --json four.h5
expect_equal queries "$(json_value .out queries)" 3
printf 'qid,aid,label\n1,2,1\n2,3,1\n3,1,0\n' >wrong.csv
for command in 'rid-calibrate -o w.json' 'rid-eval search' 'rid-pairs' 'rid-gt convert --to map'; do
    store=four.h5
    [ "${command%% *}" != rid-gt ] || store=
    run $command -q --pairs wrong.csv $store
    expect_code 65
    expect_err "entries '3' and '1' are said to be different people"
    expect_empty_out
done
run rid-eval diff -q --pairs wrong.csv four.h5 four.h5
expect_code 65
expect_no_file w.json

begin 'both, one of them, neither'
for command in 'rid-calibrate -o w.json' 'rid-eval search' 'rid-eval diff' 'rid-pairs' 'rid-gt convert --to map'; do
    run $command --gt gt.json --pairs pairs.csv four.h5
    expect_code 2
done
echo 'pairs: [none.csv]' >pairs.yaml
run rid-pairs --config pairs.yaml --gt gt.json "${LIMITS[@]}" day.h5
expect_code 0
expect_same .out gt.hard
expect_err 'ground truth says who is who: pairs of the configuration is not used'
echo 'gt: [none.json]' >gt.yaml
run rid-pairs --config gt.yaml --pairs pairs.csv "${LIMITS[@]}" day.h5
expect_code 0
expect_err '--pairs says who is who: gt of the configuration is not used'
for command in 'rid-calibrate -o w.json' 'rid-eval search' 'rid-pairs'; do
    run $command four.h5
    expect_code 2
    expect_err 'no ground truth: give --gt FILE, or --pairs FILE'
done
finish
