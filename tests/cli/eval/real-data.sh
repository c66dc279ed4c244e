# rid-eval on real data, against figures computed independently (mean encoder, filter on). Skipped where the
# data is not there (RID_DATA names its folder).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-eval

data=${RID_DATA:-$SRC/../shared/data}

expect_f1() { # GT NN2 THRESHOLD MARGIN F1
    rid-manifest -q --force --embeddings none --nn2 "$2" --threshold "$3" --margin "$4" -o "$2" s.h5
    run rid-eval manifest -q --gt "$1" --json --assert 'labelled > 0' "$2"
    expect_code 0
    expect_equal "$2" "$(json_value .out pairwise_f1 | xargs printf %.3f)" "$5"
}

for set in librispeech omniglot; do
    [ -d "$data/$set" ] || { skip $set 'no data folder'; continue; }
    begin $set
    case $set in
    librispeech) payloads=test-clean.jsonl.gz gt=gt_test-clean.json neighbor='0.5 0 0.986' identity='0.5 0.1 1.000' ;;
    omniglot) payloads=eval.jsonl.gz gt=gt_eval.json neighbor='0.8 0.02 0.535' identity='0.7 0.1 0.550' ;;
    esac
    rid-encode -q --encoder mean --force -o s.h5 "$data/$set/$payloads"
    # shellcheck disable=SC2086
    expect_f1 "$data/$set/$gt" neighbor $neighbor
    # shellcheck disable=SC2086
    expect_f1 "$data/$set/$gt" identity $identity
    run rid-eval diff -q --gt "$data/$set/$gt" --json --assert 'delta_pairwise_f1 > 0' neighbor identity
    expect_code 0
    [ "$(json_value .out entries_common)" -gt 0 ] || fail 'nothing in common'
done
finish
