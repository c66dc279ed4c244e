# The sweep on real data, against figures computed independently (mean encoder, filter on). Skipped
# where the data is not there (RID_DATA names its folder).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-sweep

data=${RID_DATA:-$SRC/../shared/data}

# expect_best PAYLOADS GT THRESHOLD MARGIN F1 (neighbor), the same (identity)
expect_best() {
    rid-encode -q --encoder mean --force -o s.h5 "$1"
    run rid-sweep -q --force --gt "$2" --threshold 0.3:0.9:0.1 --margin 0,0.02,0.1 -o out s.h5
    expect_code 0
    expect_equal best "$(grep -oE '"best_of_each":\[.*\],"encoder_hash"' out/best.json |
        grep -oE '"threshold":[^,]*,"margin":[^,]*,"nn2":"[a-z]*"|"pairwise_f1":[0-9.]*' |
        sed -E 's/"threshold":([^,]*),"margin":([^,]*),"nn2":"(.*)"/\3 \1 \2/; s/"pairwise_f1"://' |
        awk '/[a-z]/ { rule = $0; next } { printf "%s %.3f;", rule, $1 }')" \
        "neighbor $3 $4 $5;identity $6 $7 $8;"
}

for set in librispeech omniglot; do
    [ -d "$data/$set" ] || { skip $set 'no data folder'; continue; }
    begin $set
    case $set in
    librispeech) expect_best "$data/$set/test-clean.jsonl.gz" "$data/$set/gt_test-clean.json" \
        0.5 0 0.986 0.5 0.1 1.000 ;;
    omniglot) expect_best "$data/$set/eval.jsonl.gz" "$data/$set/gt_eval.json" \
        0.8 0.02 0.535 0.7 0.1 0.550 ;;
    esac
done
finish
