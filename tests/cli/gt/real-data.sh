# rid-gt on real data: at its best point the identity rule finds every person of LibriSpeech, so that the
# manifest as ground truth differs in nothing but names. Skipped where the data is not there (RID_DATA names
# its folder).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-gt

data=${RID_DATA:-$SRC/../shared/data}/librispeech
[ -d "$data" ] || { skip librispeech 'no data folder'; finish; }
gt=$data/gt_test-clean.json

begin 'what a manifest says against what people said'
rid-encode -q --encoder mean -o s.h5 "$data/test-clean.jsonl.gz"
rid-manifest -q --nn2 identity --threshold 0.5 --margin 0.1 -o m s.h5
run rid-gt merge -q -o found.json m/*/*.json
expect_code 0
run rid-gt diff -q "$gt" found.json --assert 'common == 87' --assert 'changed == 0' \
    --assert 'renamed == 40' --assert 'added == 0' --assert 'removed == 0'
expect_code 0
run rid-gt check -q --gt "$gt" --assert 'people == 40' --assert 'single == 11' --assert 'mated == 47' \
    --assert 'unknown == 0' --assert 'unlabelled == 0' s.h5
expect_code 0
finish
