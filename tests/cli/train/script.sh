# scripts/train_encoder.sh: settings from the environment, a run's folder under runs/.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode
unset MODEL_RUN PK_P PK_K EPOCHS
rid-synth -q --noise 2 --people 12 --visits 1:4 --vis-dim 12 -o day.jsonl --gt gt.json
train() { "$SRC/scripts/train_encoder.sh" -q --gt gt.json --emb-dim 8 --init random "$@" day.jsonl; }

begin 'defaults'
run train --max-steps 2
expect_code 0
expect_file runs/metric_pk_v1/{model.pt,last.pt,config.yaml,metrics.jsonl,report.html}
for line in 'p: 32' 'k: 4' 'epochs: 400'; do
    grep -q "^$line\b" runs/metric_pk_v1/config.yaml || fail "config.yaml does not say $line"
done

begin 'rid-encode finds the encoder by itself'
run rid-encode -o day.h5 day.jsonl
expect_code 0
rid-store info --json day.h5 >info.json
expect_equal 'emb_dim' "$(json_value info.json emb_dim)" 8

begin 'from the environment'
MODEL_RUN=autumn PK_P=5 PK_K=3 EPOCHS=2 run train
expect_code 0
expect_equal epochs "$(wc -l <runs/autumn/metrics.jsonl)" 2
grep -q '^p: 5\b' runs/autumn/config.yaml || fail 'p is not 5'
grep -q '^k: 3\b' runs/autumn/config.yaml || fail 'k is not 3'

begin 'a complete run is refused'
MODEL_RUN=autumn run train
expect_code 2
begin 'a stopped one goes on'
rm runs/autumn/model.pt
MODEL_RUN=autumn PK_P=5 PK_K=3 EPOCHS=4 run train
expect_code 0
expect_equal epochs "$(wc -l <runs/autumn/metrics.jsonl)" 4

begin 'names that are no names'
MODEL_RUN=../x run train
expect_code 2
run "$SRC/scripts/train_encoder.sh"
expect_code 2
finish
