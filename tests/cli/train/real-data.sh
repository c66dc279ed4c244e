# Training on real data, measured by other means on people it has never seen: Omniglot, where it gains,
# and LibriSpeech, where there is nothing to gain. Skipped where the data is not there (RID_DATA names
# its folder). SEEDS: how many seeds (default 1; with 3 the median counts).
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-encode
SEEDS=${SEEDS:-1}
data=${RID_DATA:-$SRC/../shared/data}
if [ ! -d "$data/omniglot" ] || [ ! -d "$data/librispeech" ]; then
    skip 'training on real data' "no data in $data"
    finish
fi
if ! /usr/bin/python3 -c 'import numpy, h5py' 2>/dev/null; then
    skip 'training on real data' 'python3-numpy and python3-h5py are not installed'
    finish
fi
measure() { /usr/bin/python3 "$SRC/tests/vectors/retrieval_map.py" "$@"; }
at_least() { # WHAT FOUND LIMIT
    awk -v a="$2" -v b="$3" 'BEGIN { exit !(a >= b) }' || fail "$1: ${2:-nothing}, less than $3"
}

begin 'Omniglot: other characters, mAP at least 0.942'
o=$data/omniglot
rid-encode -q --encoder mean --filter off -o mean.h5 "$o/eval.jsonl.gz"
untrained=$(measure mean.h5 "$o/gt_eval.json")
figures=()
for ((seed = 0; seed < SEEDS; seed++)); do
    run rid-train -q --config "$SRC/configs/omniglot.yaml" --seed $seed --gt "$o/gt_train.json" -o o$seed \
        --summary-json o$seed.json "$o/train.jsonl.gz"
    expect_code 0
    expect_equal improved "$(json_value o$seed.json improved)" true
    rid-encode -q --ckpt o$seed/model.pt -o o$seed.h5 mean.h5
    figures+=("$(measure o$seed.h5 "$o/gt_eval.json")")
done
echo "# mean pooling $untrained, trained ${figures[*]}"
at_least 'median mAP' "$(printf '%s\n' "${figures[@]}" | sort -n | sed -n "$(((SEEDS + 1) / 2))p")" 0.942

begin 'LibriSpeech: ten other speakers stay at 0.98 or more, whatever the run says'
l=$data/librispeech
rid-encode -q --encoder mean -o speech.h5 "$l/test-clean.jsonl.gz"
/usr/bin/python3 - "$l/gt_test-clean.json" <<'PYTHON'
import json, sys
gt = json.load(open(sys.argv[1]))
people = sorted(set(gt.values()))
for name, chosen in ("thirty.json", people[:30]), ("ten.json", people[30:]):
    json.dump({e: p for e, p in gt.items() if p in chosen}, open(name, "w"))
PYTHON
run rid-train -q --gt thirty.json --epochs 100 -o speech --summary-json speech.json speech.h5
expect_code 0
echo "# improved: $(json_value speech.json improved)"
rid-encode -q --ckpt speech/model.pt -o speech_new.h5 speech.h5
before=$(measure speech.h5 ten.json) after=$(measure speech_new.h5 ten.json)
echo "# mean pooling $before, published $after"
at_least mAP "$after" 0.98
at_least 'mAP beside mean pooling' "$(awk "BEGIN { print $after + 0.01 }")" "$before"

finish
