# What rid-train refuses, and what it decides and counts instead.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode

rid-synth -q --noise 2 --people 12 --visits 1:4 --vis-dim 12 -o day.jsonl --gt gt.json \
    --schema-out schema.json
rid-encode -q --encoder mean -o day.h5 day.jsonl
settings=(--p 4 --k 2 --emb-dim 8 --init random --max-steps 3 --threads 1)
train() { rid-train "${settings[@]}" -o run --force --summary-json s.json "$@"; }
edit() { # SED-SCRIPT: gt.json, an entry a line, changed
    tr -d '{} \n' <gt.json | tr ',' '\n' | sed "$1" | paste -sd , | sed 's/^/{/;s/$/}/'
}
count() { json_value s.json "$1"; }
n_all=$(grep -c . day.jsonl)

begin 'ground truth names entries that are not there: counted, said'
edit '$s/$/,"nowhere-1":"x","nowhere-2":"x"/' >unknown.json
run train --gt unknown.json day.h5
expect_code 0
expect_err "2 of $((n_all + 2)) entries named by --gt are not in the inputs" nowhere-1 nowhere-2

begin 'all of it is about other entries'
echo '{"a":"x","b":"x","c":"y"}' >other.json
run train --gt other.json day.h5
expect_code 65
expect_err "none of $n_all entries read has ground truth"

begin 'entries without ground truth: counted, said'
edit 1,5d >fewer.json
run train --gt fewer.json day.h5
expect_code 0
expect_equal 'unlabelled' "$(count unlabelled)" 5
expect_err '5 entries have no ground truth'

begin 'a person who would train and validate'
rm -rf run
edit 3q >same.json
run train --gt gt.json --val-gt same.json day.h5
expect_code 65
expect_err 'in --gt and in --val-gt'
expect_no_file run/model.pt

begin 'one person'
edit 's/:"[^"]*"/:"one"/' >one.json
run train --gt one.json day.h5
expect_code 65
expect_err 'nothing to train with' 'another person'

begin 'no two entries of one person'
awk -F '"' 'BEGIN { RS = "," } NF >= 5 { printf "%s\"%s\":\"p%d\"", n++ ? "," : "{", $2, n }
    END { print "}" }' gt.json >single.json
run train --gt single.json day.h5
expect_code 65
expect_err '0 of them with two entries or more'

begin 'more people in a batch than there are: all of them, said'
run train --gt gt.json --p 500 day.h5
expect_code 0
expect_err '--p 500'

begin 'a filter that leaves nothing'
awk 'BEGIN { for (i = 0; i < 8; i++) printf "{\"entry_id\":\"e%d\",\"day_id\":\"2025-11-06\",\"store_id\":\"s\",\"embeddings\":[[0,0,0]]}\n", i }' >zero.jsonl
echo '{"e0":"a","e1":"a","e2":"b","e3":"b","e4":"c","e5":"c"}' >zero_gt.json
run train --gt zero_gt.json zero.jsonl
expect_code 65
expect_err 'frame'

begin 'a schema of which no entry has an attribute: said'
printf '{"schema_id":"x","fields":[{"name":"hat","type":"bool"}]}' >hat.json
run train --gt gt.json --schema hat.json day.h5
expect_code 0
expect_err 'no entry has an attribute of the schema'

begin 'a schema that is none, and one that is not the start’s'
echo '{"fields":' >bad.json
run train --gt gt.json --schema bad.json day.h5
expect_code 78
expect_err bad.json
run train --gt gt.json --schema schema.json day.h5
expect_code 0
cp run/last.pt start.pt
run train --gt gt.json --schema hat.json --init start.pt day.h5
expect_code 78
expect_err start.pt

begin 'a start that does not fit'
rid-synth -q --people 1 --vis-dim 7 --emb-dim 8 -o x.jsonl --ckpt-out other.pt
run train --gt gt.json --init other.pt day.h5
expect_code 78 65
expect_err other.pt
run train --gt gt.json --init nowhere.pt day.h5
expect_code 66
expect_err nowhere.pt

begin 'stores without frames'
rid-encode -q --encoder mean --frames none -o none.h5 day.jsonl
run train --gt gt.json none.h5
expect_code 65
expect_err none.h5 frames

begin 'no ground truth, no input, no output'
run rid-train -o run2 day.h5
expect_code 2
expect_err --gt
run rid-train --gt gt.json -o run2
expect_code 2
run rid-train --gt gt.json day.h5
expect_code 2
run train --gt nowhere.json day.h5
expect_code 66
run train --gt gt.json nowhere.h5
expect_code 66
echo '{"a":' >broken.json
run train --gt broken.json day.h5
expect_code 65
expect_err broken.json

if ! nvidia-smi -L >/dev/null 2>&1; then
    begin 'a GPU where there is none'
    run train --gt gt.json --device cuda day.h5
    expect_code 78 # retrying is useless
    expect_err 'no CUDA' '--device cpu or auto'
    run train --gt gt.json --device auto day.h5
    expect_code 0
fi

begin 'a run that --force would replace stays where the new one cannot begin'
rm -rf run
run train --gt gt.json day.h5
expect_code 0
cp -r run before
run train --gt nowhere.json day.h5
expect_code 66
run train --gt one.json day.h5
expect_code 65
for file in model.pt last.pt resume.state config.yaml; do expect_same run/$file before/$file; done

begin 'who validates: one way to say it'
run train --gt gt.json --val-gt same.json --val-fraction 0.3 day.h5
expect_code 2
expect_err '--val-gt' '--val-fraction'
run train --gt gt.json --val day.h5 day.h5
expect_code 2
expect_err '--val' '--val-gt'
edit '/p0004/d' >train_gt.json
edit '/p0004/!d' >val_gt.json
run train --gt train_gt.json --val-gt val_gt.json day.h5
expect_code 0
run train --config run/config.yaml day.h5 # which has val_fraction, too
expect_code 0
expect_err '1 validate'

begin 'training that gains nothing: exit 4 where it has to'
run train --gt gt.json --max-steps 1 --lr 1e-12 --require-improvement day.h5
expect_code 4
expect_equal improved "$(count improved)" false
expect_file run/model.pt
expect_equal exit "$(count exit)" 4

begin '--dry-run writes nothing'
rm -rf dry
run rid-train "${settings[@]}" --gt gt.json --dry-run -o dry day.h5
expect_code 0
expect_no_file dry

finish
