# Training that goes wrong in a known way: named, with advice, exit 1, and the best checkpoint is kept.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode

rid-synth -q --noise 2 --people 12 --visits 1:4 --vis-dim 12 -o day.jsonl --gt gt.json --schema-out schema.json
rid-encode -q --encoder mean -o day.h5 day.jsonl
settings=(--p 4 --k 2 --emb-dim 8 --warmup 0 --schedule constant --threads 1)
train() { rm -rf run; rid-train "${settings[@]}" -o run --summary-json s.json "$@"; }
# Weights grow a hundredfold with every step.
explode=(--max-steps 40 --lr 10 --weight-decay 10)
expect_best() { # STEP: best.pt can be served, and is of that step
    expect_file run/best.pt
    expect_no_file run/model.pt
    rid-encode -q --force --ckpt run/best.pt -o best.h5 day.h5 || fail 'best.pt cannot be used'
    expect_equal 'steps of best.pt' "$(grep -ao '\\\?"steps\\\?":[0-9]*' run/best.pt | grep -o '[0-9]*$')" "$1"
    expect_equal exit "$(json_value s.json exit)" 1
}

begin 'not finite: exit 1, the best of the validations is kept'
run train --gt gt.json "${explode[@]}" --val-every 1 day.h5
expect_code 1
expect_err 'training diverged' 'not finite' 'lower --lr' --warmup '--clip-norm 1' 'best.pt holds the best so far'
expect_best "$(grep -o '"val_map":[0-9.]*' run/metrics.jsonl | cut -d: -f2 | awk '$1 > m { m = $1; n = NR }
    END { print 3 * n }')"

begin 'not finite before any validation: the best start is kept'
run train --gt gt.json "${explode[@]}" --val-every 1000 day.h5
expect_code 1
expect_err 'training diverged' 'best.pt holds the best so far: the ' start
expect_best 0

begin 'not finite where a validation sees it first'
for p in 2 3 4 10; do
    run train --gt gt.json "${explode[@]}" --p $p --val-every 1 day.h5
    expect_code 1
    expect_err 'training diverged'
done

begin 'collapsed: exit 1, the best of the validations is kept'
run train --gt gt.json --init random --max-steps 400 --lr 0.3 --val-every 1 day.h5
expect_code 1
expect_err 'the spread of the embeddings vanishes' 'training collapsed' 'lower --lr' 'start from --init lda' \
    'best.pt holds the best so far'
[ "$(wc -l <run/metrics.jsonl)" -lt 100 ] || fail 'it did not end early'
expect_file run/best.pt

# Nothing can tell these persons apart; dropout alone moves their embeddings.
awk 'BEGIN { for (i = 0; i < 24; i++) printf "{\"entry_id\":\"e%d\",\"day_id\":\"2025-11-06\",\"store_id\":\"s\",\"embeddings\":[[1,2,3,4],[1,2,3,4]]}\n", i }' >same.jsonl
awk 'BEGIN { printf "{"; for (i = 0; i < 24; i++) printf "%s\"e%d\":\"p%d\"", i ? "," : "", i, i / 4; print "}" }' >same.json
for loss in '' --soft-margin; do
    begin "identical vectors, ${loss:-hinge}: collapsed"
    run train --gt same.json --init random --epochs 40 --val-every 1 $loss same.jsonl
    expect_code 1
    expect_err 'training collapsed: embeddings of different people are the same'
    expect_equal epochs "$(wc -l <run/metrics.jsonl)" 3
    run train --gt same.json --init random --epochs 40 --val-every 1 --dropout 0 $loss same.jsonl
    expect_code 1
    [ "$loss" ] && level=0.6931 || level=0.3
    expect_err "loss $level, which is where equal distances leave it"
    expect_file run/best.pt
done

begin 'identical vectors, LDA start: there is none'
run train --gt same.json same.jsonl
expect_code 65
expect_err 'all frames of the training people are the same'

begin 'no active triplet: said, and no error'
# Every person in a direction of its own, every entry a little beside it.
awk 'BEGIN { for (i = 0; i < 24; i++) {
    printf "{\"entry_id\":\"e%d\",\"day_id\":\"2025-11-06\",\"store_id\":\"s\",\"embeddings\":[[", i
    for (k = 0; k < 7; k++) printf "%s%g", k ? "," : "", k == int(i / 4) ? 1 : k == 6 ? 0.02 * (i % 4) : 0
    print "]]}" } }' >easy.jsonl
run train --gt same.json --epochs 3 --margin 0.1 easy.jsonl
expect_code 0
expect_err 'no active triplet is left' 'a larger --margin'

begin 'an ablation that collapses costs its row, not the run'
# Attributes alone tell these people apart.
sed 's/"embeddings":\[.*\]\]/"embeddings":[[1,2,3,4,5,6,7,8]]/' day.jsonl >bare.jsonl
run train --gt gt.json --schema schema.json --init random --epochs 6 --val-every 2 --lr 1e-3 --ablate bare.jsonl
expect_code 0
expect_err 'trained, without attributes: training collapsed'
expect_file run/model.pt
expect_equal 'its mAP' "$(json_value s.json map_trained_no_attrs)" null
finish
