# A run's validation figures, computed once more in NumPy from the embeddings that rid-encode makes.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode
if ! /usr/bin/python3 -c 'import numpy, h5py' 2>/dev/null; then
    skip 'validation figures in NumPy' 'python3-numpy and python3-h5py are not installed'
    finish
fi
rid-synth -q --noise 3 --people 60 --visits 1:5 --days 2 --stores 2 --vis-dim 24 -o day.jsonl --gt gt.json \
    --schema-out schema.json
rid-encode -q --encoder mean --schema schema.json -o day.h5 day.jsonl
# Every fourth person validates; every tenth entry has no ground truth.
tr -d '{} \n' <gt.json | tr ',' '\n' | awk -F: 'NR % 10 { if (!($2 in n)) n[$2] = ++people
    print >(n[$2] % 4 ? "train" : "val") }'
for side in train val; do paste -sd , $side | sed 's/^/{/;s/$/}/' >$side.json; done

check() { # NAME TRAIN-OPTIONS
    begin "$1: every figure as in NumPy"
    rm -rf run
    run rid-train -q --gt train.json --val-gt val.json --p 8 --k 3 --emb-dim 16 --epochs 4 -o run "${@:2}" day.h5
    expect_code 0
    rid-encode -q --force --ckpt run/last.pt -o last.h5 day.h5
    run /usr/bin/python3 "$SRC/tests/vectors/check_validation.py" run/metrics.jsonl last.h5 train.json val.json
    expect_code 0
    expect_out 'all figures agree'
    sed 's/^/# /' "$TMP/.out"
}
check 'LDA start'
check 'random start' --init random
check 'xattn, without the filter' --fusion xattn --filter off
check 'two threads' --threads 2 --init pca --lr 1e-2
finish
