# What rid-manifest refuses and with which exit code; where its settings come from; its summary.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth

rid-synth -q --people 6 --stores 2 --days 2 --vis-dim 16 --emb-dim 8 -o day.jsonl --ckpt-out m.pt
rid-encode -q --encoder mean -o day.h5 day.jsonl
rid-encode -q --ckpt m.pt -o other.h5 day.jsonl
rid-encode -q --encoder mean --frames none -o bare.h5 day.jsonl
printf '{"entry_id":"z-1","day_id":"2025-11-06","embeddings":[[%s0]]}\n' "$(printf '0,%.0s' {1..15})" >zero.jsonl
rid-encode -q --encoder mean -o zero.h5 zero.jsonl

refuse() { # NAME CODE TEXT ARGUMENT...
    begin "refused: $1"
    local code=$2 text=$3
    shift 3
    rm -rf m
    run rid-manifest "$@"
    expect_code "$code"
    expect_empty_out
    expect_err "$text"
    [ -z "$(find m -type f 2>/dev/null)" ] || fail 'a document was written'
    expect_no_temporaries
}
refuse 'no output' 2 '-o' day.h5
refuse 'no store' 2 'STORE' -o m
refuse 'an unknown option' 2 'bogus' --bogus -o m day.h5
refuse 'a day that does not exist' 2 '2025-02-30' --day 2025-02-30 -o m day.h5
refuse 'a threshold that is no number' 2 'high' --threshold high -o m day.h5
refuse 'nn2 that is none' 2 'nearest' --nn2 nearest -o m day.h5
refuse 'several buckets for one document' 2 '2025-11-06/nc0001' -o m.json day.h5
refuse 'several buckets for standard output' 2 '2025-11-07/nc0002' -o - day.h5
refuse 'a store that is not there' 66 'gone.h5' -o m gone.h5
refuse 'payloads for a store' 65 'day.jsonl' -o m day.jsonl
refuse 'stores of different encoders' 78 'encoder_hash' -o m day.h5 other.h5
refuse 'frames of a store without them' 65 'fused' -o m bare.h5
refuse 'a folder that is a file' 2 'day.jsonl' -o day.jsonl day.h5
echo 'threshold: [' >c.yaml
refuse 'a broken configuration' 78 'c.yaml' --config c.yaml -o m day.h5

begin 'frames are not asked of a store without them: fused and none'
for what in fused none; do
    rm -rf m
    run rid-manifest -q --embeddings $what -o m bare.h5
    expect_code 0
done
begin 'no document is written where one of them may not be replaced'
rm -rf m
mkdir -p m/2025-11-07
echo old >m/2025-11-07/nc0002.json
run rid-manifest -o m day.h5
expect_code 2
expect_err '--force' '--skip-existing'
expect_equal files "$(find m -type f | wc -l)" 1
begin 'an entry nobody has: a document without people'
run rid-manifest --entry-id nobody -o - day.h5
expect_code 0
expect_equal people "$(json_value "$TMP/.out" person_count)" 0
begin 'a bucket of skips: each a person of its own, without scores'
run rid-manifest --embeddings none -o - zero.h5
expect_code 0
expect_out '"status":"skip","match_id":null,"second_id":null,"score":null,"score2":null'
expect_equal people "$(json_value "$TMP/.out" person_count)" 1

begin 'the environment counts, a flag counts more, and provenance says so'
run env THRESHOLD=0.5 MARGIN=0.1 rid-manifest -q --embeddings none --margin 0 --day 2025-11-06 --store nc0001 -o - day.h5
expect_code 0
expect_out '"threshold":0.5,"margin":0,"nn2":"neighbor","from":{"threshold":"environment","margin":"flag","nn2":"default"}'
begin 'provenance has no names of files, folders or hosts'
mkdir -p elsewhere/deep
cp day.h5 elsewhere/deep/renamed.h5
rm -rf m
rid-manifest -q -o m day.h5
(cd elsewhere && rid-manifest -q -o m2 deep/renamed.h5)
expect_equal differences "$(diff -r m elsewhere/m2 | head -n 2)" ''
for text in "$(hostname)" "$TMP" day.h5; do
    ! grep -qrF -- "$text" m || fail "a document holds $text"
done
begin 'summary and quiet'
rm -rf m
run rid-manifest -q -o m --summary-json s.json day.h5
expect_code 0
expect_no_err
expect_equal buckets "$(json_value s.json buckets)" 4
expect_equal written "$(json_value s.json written)" 4
expect_equal accepted "$(json_value s.json accepted)" "$(wc -l <day.jsonl)"
begin 'a full disk on standard output'
COMMAND='rid-manifest -o - >/dev/full'
rid-manifest -q --store nc0001 --day 2025-11-06 -o - day.h5 >/dev/full 2>"$TMP/.err"
CODE=$?
expect_code 74

# ---- the decision against another program's ----

begin 'the same decisions as a plain program makes'
if ! /usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null; then
    test_name=''
    skip 'the same decisions as a plain program makes' 'python3-h5py is not installed'
    finish
fi
rid-synth -q --people 40 --stores 2 --vis-dim 32 --visits 1:6 --noise 1.2 -o many.jsonl
rid-encode -q --encoder mean -o many.h5 many.jsonl
for nn2 in neighbor identity; do
    for point in '0.88 0.02' '0.6 0' '0.75 0.1' '-1 0'; do
        rm -rf m
        rid-manifest -q --nn2 $nn2 --threshold "${point% *}" --margin "${point#* }" --embeddings none -o m many.h5
        run /usr/bin/python3 - many.h5 $nn2 $point <<'PYTHON'
import json, sys, h5py, numpy
path, nn2_mode, threshold, margin = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
with h5py.File(path, "r") as f:
    text = lambda name: [x.decode() for x in f["/entry/" + name][:]]
    ids, days, stores = text("id"), text("day_id"), text("store_id")
    when, status, emb = f["/entry/timestamp_us"][:], f["/entry/status"][:], f["/entry/embedding"][:]
buckets = {}
for i in range(len(ids)):
    buckets.setdefault((days[i], stores[i]), []).append(i)
close = total = 0
for (day, store), rows in buckets.items():
    with open(f"m/{day}/{store}.json") as f:
        document = json.load(f)
    events = {e["entry_id"]: (p["person_id"], e) for p in document["people"] for e in p["events"]}
    rows.sort(key=lambda i: (when[i], ids[i].encode()))
    person, number, earlier = {}, 0, []
    for i in rows:
        given_person, e = events[ids[i]]
        matched = None
        if status[i] != 1 and earlier:
            scores = [float(numpy.dot(emb[i], emb[k])) for k in earlier]
            best = max(range(len(scores)), key=lambda k: (scores[k], -k))
            others = [s for k, s in enumerate(scores)
                      if k != best and (nn2_mode == "neighbor" or person[earlier[k]] != person[earlier[best]])]
            first, second = scores[best], max(others, default=-1.0)
            assert abs(e["score"] - first) < 1e-5, (ids[i], e["score"], first)
            assert abs(e["score2"] - second) < 1e-5, (ids[i], e["score2"], second)
            # What rounding decides is taken as given.
            if min(abs(first - threshold), abs(first - second - margin)) < 1e-5:
                close += 1
                matched = earlier[best] if e["match_id"] else None
            elif first >= threshold and first - second >= margin:
                matched = earlier[best]
        else:
            assert e["score"] is None and e["score2"] is None, ids[i]
        if matched is None:
            number += 1
            person[i] = f"{store}-{number:04d}"
        else:
            person[i] = person[matched]
        assert given_person == person[i], (ids[i], given_person, person[i])
        assert e["match_id"] == (None if matched is None else ids[matched]), ids[i]
        if status[i] != 1:
            earlier.append(i)
        total += 1
    assert document["person_count"] == number
assert total == len(ids) and close * 20 < total, (total, close)
PYTHON
        expect_code 0
    done
done
finish
