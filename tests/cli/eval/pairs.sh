# rid-eval pairs: by hand, against scikit-learn, listed pairs against those of ground truth, odd inputs.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-store rid-eval

# Unit vectors at 0, 90 and about 53 degrees.
entry() { # ID STORE FRAME
    printf '{"entry_id":"%s","day_id":"%s","store_id":"%s","embeddings":[[%s]]}\n' "$1" $DAY "$2" "$3"
}
{
    entry a s1 1,0
    entry b s1 0,1
    entry c s1 0.6,0.8
    entry d s1 0,0
    entry e s2 1,0
} >hand.jsonl
rid-encode -q --encoder mean -o hand.h5 hand.jsonl
printf 'qid,aid,label\na,c,1\nb,a,0\nb,c,0\na,d,1\ne,a,1\nx,a,0\n' >hand.csv

# 0.6 of one person, 0 and 0.8 of two.
begin 'by hand'
run rid-eval pairs -q --pairs hand.csv --json hand.h5
expect_code 0
for figure in 'pairs 3' 'pairs_same 1' 'pairs_across 1' 'pairs_across_same 1' 'pairs_without_entry 1' \
    'pairs_without_score 1' 'auc 0.5' 'eer 0.5' 'dprime 0.7071068338701073' 'tar_far_1e1 0' 'tar_far_1e4 0' \
    'best_f1 0.6666666666666666' 'best_f1_threshold 0.6000000238418579'; do
    expect_equal "${figure% *}" "$(json_value .out "${figure% *}" | cut -c 1-18)" "$(cut -c 1-18 <<<"${figure#* }")"
done
expect_out '"roc":[{"threshold":null,"fpr":0,"tpr":0},' '"fpr":1,"tpr":1}]'
run rid-eval pairs -q --pairs hand.csv hand.h5
expect_code 0
expect_out 'best_f1_threshold           0.600000'

begin 'as scikit-learn has it'
rid-synth -q --people 20 --stores 2 --days 1 --visits 1:6 --frames 2:3 --vis-dim 24 --visit-noise 0.7 --seed 5 \
    --gt gt.json -o day.jsonl
entry nc0001-z nc0001 "$(awk 'BEGIN { for (i = 0; i < 24; i++) printf "%s0", i ? "," : "" }')" >>day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
{ grep -oE '"[^"]+": ?"[^"]+"' gt.json | tr -d '" ' | tr : ' '; echo 'nc0001-z nc0001-p0003'; echo 'gone nc0001-p0003'; } >labels
awk '{ id[NR] = $1; person[NR] = $2 } END { print "qid,aid,label"
    for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++)
        print id[j] "," id[i] "," (person[i] == person[j] ? 1 : 0) }' labels >pairs.csv
run rid-eval pairs -q --pairs pairs.csv --json -o r.json day.h5
expect_code 0
if ! /usr/bin/python3 -c 'import numpy, sklearn' 2>/dev/null; then
    skip 'as scikit-learn has it' 'no python3-numpy and python3-sklearn'
else
    rid-store export -q --format npy -o day.npy day.h5
    rid-store export -q --format jsonl day.h5 | sed -E 's/.*"entry_id": ?"([^"]*)".*/\1/' |
        sed -E 's/^([^-]*).*/&\t\1/' >ids
    run /usr/bin/python3 "$SRC/tests/cli/eval/pairs_oracle.py" r.json pairs.csv day.npy ids
    expect_code 0
    expect_empty_out
fi

begin 'those of ground truth are all within a bucket'
awk '{ printf("%s\"%s\":\"%s\"", (NR > 1 ? "," : "{"), $1, $2) } END { print "}" }' labels >all.json
run rid-eval pairs -q --gt all.json --json -o gt_r.json day.h5
expect_code 0
for name in pairs pairs_same pairs_without_score auc eer dprime tar_far_1e2 best_f1 best_f1_threshold; do
    expect_equal $name "$(json_value gt_r.json $name)" "$(json_value r.json $name)"
done

begin 'the same bytes for any number of threads'
rid-eval pairs -q --gt all.json --json --threads 1 day.h5 >one
rid-eval pairs -q --gt all.json --json --threads 3 day.h5 >three
expect_same one three
expect_same one gt_r.json

begin 'one class, none'
printf 'qid,aid,label\na,c,1\na,b,1\n' >positive.csv
run rid-eval pairs -q --pairs positive.csv --json hand.h5
expect_code 0
expect_equal auc "$(json_value .out auc)" null
expect_equal f1 "$(json_value .out best_f1)" 1
printf 'qid,aid,label\na,c,0\n' >negative.csv
run rid-eval pairs -q --pairs negative.csv hand.h5
expect_code 0
expect_out '(no score of one person)' '(no score of one person, or none of different persons)'
printf 'qid,aid\n' >none.csv
run rid-eval pairs -q --pairs none.csv --json hand.h5
expect_code 0
expect_equal pairs "$(json_value .out pairs)" 0
run rid-eval pairs -q --pairs negative.csv --assert 'auc > 0' hand.h5
expect_code 4

begin 'the first entries only'
run rid-eval pairs -q --pairs hand.csv --json --limit 2 hand.h5
expect_code 0
expect_equal pairs "$(json_value .out pairs)" 1
finish
