# rid-store export: payloads that encode to the same store, tables and arrays that others read.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-store rid-encode rid-synth

rid-synth -q --people 10 --stores 2 --vis-dim 20 --emb-dim 12 --schema-out schema.json \
    --ckpt-out model.pt -o day.jsonl
# What is rare: every field, signs of zero, the ends of float32 and float16, odd texts.
cat >rare.jsonl <<'END'
{"entry_id":"r-1","day_id":"2025-11-06","embeddings":[[-0.0,0.0,1,-0.0]]}
{"entry_id":"r-2","timestamp":"2025-11-06T23:59:59.123456789+01:00","embeddings":[[6.1e-5,6e-8,65504,0.1],[0,0,0,0]]}
{"entry_id":"r/3, \"x\"\n\t\\","store_id":"s\u00e9\u0001","day_id":"2025-11-07","timestamp":"2025-11-06t10:00:00z","direction":"exit","camera":"c,1","alert_id":"a\"","employee_id":"e\r","images":["","b\n","s3://x"],"attrs":{"k":"\u2028","n":{"m":[1e300,-0.5,true,null]}},"embeddings":[[1,2,3,4],[1.00001,2,3,4],[-4,3,2,1]],"topk":3,"persist":false}
{"entry_id":"r-4","day_id":"2025-11-06","attrs":{},"images":[],"direction":"","embeddings":[[0,0,0,0],[0,0,0,0]]}
END
cat >wide.jsonl <<'END'
{"entry_id":"w-1","day_id":"2025-11-06","embeddings":[[3.4028235e38,1e-45,-1.1754944e-38,16777217]]}
{"entry_id":"w-2","day_id":"2025-11-06","embeddings":[[0.1,0.2,0.3,1e10],[123456789,0.33333334,1e-10,-7]]}
END

round_trip() { # NAME INPUT ENCODER-OPTION...
    local input=$2
    begin "payloads encode to the same store: $1"
    shift 2
    run rid-encode -q --force -o first.h5 "$@" "$input"
    expect_code 0
    run rid-store export --force -o back.jsonl first.h5
    expect_code 0
    run rid-encode -q --force -o second.h5 "$@" back.jsonl
    expect_code 0
    expect_same first.h5 second.h5
    run rid-store export --threads 1 -q first.h5
    expect_same .out back.jsonl
}
round_trip 'a checkpoint, attributes' day.jsonl --ckpt model.pt
round_trip 'float16 frames' day.jsonl --ckpt model.pt --frames f16
round_trip 'the mean' day.jsonl --encoder mean
round_trip 'rare texts and numbers' rare.jsonl --encoder mean --empty fallback
round_trip 'rare texts and numbers, float16' rare.jsonl --encoder mean --frames f16
round_trip 'the ends of float32' wide.jsonl --encoder mean --filter off
round_trip 'days made in a time zone' rare.jsonl --encoder mean --timezone Pacific/Auckland

begin 'days made in a time zone come back without it'
run rid-encode -q --force -o third.h5 --encoder mean back.jsonl
expect_code 0
expect_same second.h5 third.h5

begin 'payloads need frames'
rid-encode -q --encoder mean --frames none -o none.h5 day.jsonl
run rid-store export -o none.jsonl none.h5
expect_code 65
expect_err 'none.h5: holds no frames'
expect_no_file none.jsonl
run rid-store export --format npy -o none.npy none.h5
expect_code 0
expect_no_temporaries

begin 'limit, several stores, duplicates'
{ good a; good b; } | rid-encode -q --encoder mean -o a.h5 -
{ good b '"camera":"late",'; good c; } | rid-encode -q --encoder mean -o b.h5 -
run rid-store export --format csv a.h5 b.h5
expect_equal rows "$(cut -d, -f1,4 .out | tail -n +2 | tr '\n' ' ')" 'a, b,late c, '
run rid-store export --format csv --limit 2 a.h5 b.h5
expect_equal rows "$(cut -d, -f1,4 .out | tail -n +2 | tr '\n' ' ')" 'a, b, '
run rid-store export --limit 1 a.h5
expect_equal lines "$(wc -l <.out)" 1
run rid-store export a.h5 none.h5
expect_code 78

begin 'an output is published whole, or not at all'
run rid-store export -o out.jsonl a.h5
expect_code 0
cp out.jsonl before.jsonl
run rid-store export -o out.jsonl b.h5
expect_code 2
run rid-store export --force -o out.jsonl gone.h5
expect_code 66
run rid-store export --dry-run -o out.jsonl b.h5
expect_code 0
expect_empty_out
expect_same out.jsonl before.jsonl
run rid-store export --format xml a.h5
expect_code 2
run rid-store export --json a.h5
expect_code 2
run rid-store export --summary-json - a.h5
expect_code 2
expect_no_temporaries

begin 'a reader that goes away is an error, not a crash'
rid-store export -q first.h5 2>.err | head -c 10 >/dev/null
CODE=${PIPESTATUS[0]}
expect_code 0 74

if /usr/bin/python3 -c 'import numpy, h5py' 2>/dev/null; then
    begin 'Python reads the array and the table, and finds the embeddings in them'
    rid-encode -q --force --encoder mean --empty fallback -o rare.h5 rare.jsonl
    for s in first rare; do
        run rid-store export --force --format npy -o $s.npy $s.h5
        expect_code 0
        run rid-store export --force --format csv -o $s.csv $s.h5
        expect_code 0
        run /usr/bin/python3 - $s <<'END'
import csv, h5py, numpy, sys
store, name = h5py.File(sys.argv[1] + ".h5"), sys.argv[1]
wanted = store["/entry/embedding"][:]
array = numpy.load(name + ".npy")
assert array.dtype == numpy.dtype("<f4") and array.shape == wanted.shape
assert array.tobytes() == wanted.tobytes()
with open(name + ".csv", newline="", encoding="utf-8") as f:
    head, *rows = list(csv.reader(f))
texts = ["id", "day_id", "store_id", "camera", "direction", "alert_id", "employee_id", "timestamp"]
assert head[0] == "entry_id" and head[1:8] == texts[1:] and head[8] == "status"
assert head[9:] == ["emb_%d" % i for i in range(wanted.shape[1])]
status = [["ok", "skip", "fallback"][s] for s in store["/entry/status"][:]]
assert [r[8] for r in rows] == status
numbers = numpy.array([r[9:] for r in rows], dtype=numpy.float32)
assert numbers.tobytes() == wanted.tobytes()
for i, column in enumerate(texts):
    kept = [v.decode() for v in store["/entry/" + column][:]]
    assert [r[i] for r in rows] == kept, (column, kept)
END
        expect_code 0
    done
else
    skip 'Python reads the array and the table' 'no python3-numpy and python3-h5py'
fi

finish
