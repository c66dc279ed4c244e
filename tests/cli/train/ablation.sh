# --ablate: its rows have the figures of runs that are configured so.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode

rid-synth -q --noise 4 --people 30 --visits 2:4 --vis-dim 24 -o day.jsonl --gt gt.json --schema-out schema.json
rid-encode -q --encoder mean --schema schema.json -o day.h5 day.jsonl
rid-encode -q --encoder mean -o bare.h5 day.jsonl
train() { # RUN MORE…
    rid-train -q --gt gt.json --p 8 --k 3 --emb-dim 16 --epochs 12 --val-every 3 --lr 3e-3 --threads 1 -o "$1" \
        --summary-json "$1.json" "${@:2}"
}
row() { # RUN NAME: a row of the report's table, but for the change, whose reference is the run's own
    tr -d '\n' <"$1/report.html" | sed 's/<tr/\n<tr/g; s/<\/table>/\n/g' |
        grep -E "^<tr[^>]*><th scope=\"row\">$2( \(model.pt\))?</th>" | grep -o '<td[^>]*>[^<]*' | sed 's/.*>//; 2d' |
        tr '\n' ' '
}

begin 'the runs'
run train all --ablate --schema schema.json day.h5
expect_code 0
run train none bare.h5
expect_code 0
run train mean --pool mean day.h5
expect_code 0

begin 'a model that was trained without ablations is the same'
run train plain day.h5
expect_code 0
map=$(json_value all.json map_trained)
expect_equal 'mAP' "$(json_value plain.json map_trained)" "$map"

begin 'without attributes: as on entries that have none'
expect_equal mAP "$(json_value all.json map_trained_no_attrs)" "$(json_value none.json map_trained)"
expect_different <(echo "$map") <(json_value none.json map_trained)
[ -n "$(row all 'trained, without attributes')" ] || fail 'the report has no such row'
expect_equal 'the row' "$(row all 'trained, without attributes')" "$(row none trained)"

begin 'with mean pooling: as with --pool mean'
expect_equal mAP "$(json_value all.json map_trained_mean_pool)" "$(json_value mean.json map_trained)"
expect_different <(echo "$map") <(json_value mean.json map_trained)
[ -n "$(row all 'trained, with mean pooling')" ] || fail 'the report has no such row'
expect_equal 'the row' "$(row all 'trained, with mean pooling')" "$(row mean trained)"

begin 'xattn: without attributes only'
run train cross --fusion xattn --ablate day.h5
expect_code 0
run train cross_none --fusion xattn bare.h5
expect_code 0
expect_equal mAP "$(json_value cross.json map_trained_no_attrs)" "$(json_value cross_none.json map_trained)"
expect_equal 'mean pooling' "$(json_value cross.json map_trained_mean_pool)" ''

begin 'nothing to leave out: no rows'
run train bare --ablate --pool mean bare.h5
expect_code 0
expect_equal rows "$(json_value bare.json map_trained_no_attrs)$(json_value bare.json map_trained_mean_pool)" ''
finish
