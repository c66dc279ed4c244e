# Frames beyond --memory stay in their stores and are read as batches need them: the same bytes, in less
# memory; and what cannot be read again is refused.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode

# 1,200 entries, 10,500 frames of 64 numbers: 2.7 MB. Some ids come again, with another first frame.
rid-synth -q --noise 4 --people 200 --visits 2:4 --days 2 --vis-dim 64 -o day.jsonl --gt gt.json \
    --schema-out schema.json
split -n l/3 day.jsonl part-
sed -n '1~7s/"embeddings":\[\[[-0-9.e]*/"embeddings":[[9/p' part-aa part-ab >part-ad
for part in a b c d; do
    mv part-a$part $part.jsonl
    rid-encode -q --encoder mean --schema schema.json -o $part.h5 $part.jsonl
done
stores=({a,b,c,d}.h5)
train() { # RUN MORE…
    rid-train --gt gt.json --p 16 --k 3 --emb-dim 16 --epochs 6 --val-every 2 --lr 3e-3 --threads 1 -o "$1" --force \
        --summary-json "$1.json" "${@:2}"
}
metrics() { sed 's/,"entries_per_s":[^,}]*//' "$1/metrics.jsonl"; }
expect_same_run() { # RUN RUN
    expect_same "$1/model.pt" "$2/model.pt"
    expect_same "$1/last.pt" "$2/last.pt"
    expect_same <(metrics "$1") <(metrics "$2")
}

begin 'held, by default'
run train held "${stores[@]}"
expect_code 0
expect_equal from "$(json_value held.json frames_from)" '"memory"'
[ "$(json_value held.json duplicates)" -gt 50 ] || fail "$(json_value held.json duplicates) duplicates"

begin 'read from four stores: the same run'
run train read --memory 1 "${stores[@]}"
expect_code 0
expect_err 'the frames need more than the 1 MB of --memory: batches read theirs from the stores'
expect_equal from "$(json_value read.json frames_from)" '"stores"'
expect_same_run read held

begin 'read, with noise, dropout and a refit: the same run'
more=(--frame-noise 0.1 --attr-dropout 0.2 --refit --fusion xattn)
run train held_more "${more[@]}" "${stores[@]}"
expect_code 0
run train read_more "${more[@]}" --memory 1 "${stores[@]}"
expect_code 0
expect_same_run read_more held_more

begin 'a run that held its frames goes on reading them'
run train shorter --epochs 4 --schedule constant "${stores[@]}"
run train whole --schedule constant "${stores[@]}"
run rid-train --gt gt.json --p 16 --k 3 --emb-dim 16 --epochs 6 --val-every 2 --lr 3e-3 --threads 1 -o shorter \
    --schedule constant --memory 1 --resume "${stores[@]}"
expect_code 0
expect_same_run shorter whole

begin 'payloads, held: the same run'
run train text --schema schema.json {a,b,c,d}.jsonl
expect_code 0
expect_same_run text held
run train mixed a.h5 b.jsonl c.h5 d.jsonl
expect_code 0
expect_same_run mixed held

begin 'payloads cannot be read again: refused, and nothing is left'
for inputs in 'a.jsonl b.jsonl c.jsonl' 'a.h5 b.jsonl c.h5' 'a.h5 b.h5 c.jsonl' 'a.jsonl b.h5 c.h5'; do
    rm -rf no
    run train no --memory 1 $inputs
    expect_code 2
    expect_err 'the frames need more than --memory' '.jsonl is no store' \
        'rid-encode --encoder mean'
    expect_no_file no/model.pt no/last.pt no/config.yaml
done

begin 'payloads beside the stores that nothing is used of do no harm'
sed 's/"entry_id":"/"entry_id":"other-/' b.jsonl >others.jsonl
run train beside --memory 1 others.jsonl "${stores[@]}"
expect_code 0
expect_same_run beside read

begin 'memory is bounded'
# 26,000 frames of 512 numbers: 53 MB.
rid-synth -q --people 1000 --visits 2:4 --vis-dim 512 -o - --gt many.json | rid-encode -q --encoder mean -o many.h5 -
for name in held read; do
    [ $name = read ] && memory=1 || memory=1000
    run rid-train --gt many.json --emb-dim 16 --init random --val-fraction 0 --max-steps 5 --memory $memory \
        -o large_$name --summary-json large_$name.json many.h5
    expect_code 0
done
expect_same large_read/model.pt large_held/model.pt
frames=$(($(json_value large_held.json frames) * 512 * 4))
held=$(json_value large_held.json peak_rss_bytes) read=$(json_value large_read.json peak_rss_bytes)
echo "# $frames bytes of frames: peak $held held, $read read"
expect_at_most 'peak memory' $((read + frames / 2)) "$held"
finish
