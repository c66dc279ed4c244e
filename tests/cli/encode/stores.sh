# Stores as input: what is no store, cut short, or damaged is told, and never crashes or hangs.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth

rid-synth -q --people 6 --vis-dim 16 -o day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
size=$(stat -c %s day.h5)
good a >a.jsonl

refuse() { # NAME FILE: by every reader, exit 65, nothing written
    begin "store: $1"
    rm -rf o.h5 m
    run rid-encode --encoder mean -o o.h5 "$2"
    expect_code "${3:-65}"
    expect_no_file o.h5
    run rid-manifest -o m "$2"
    expect_code 65
    expect_err "$2"
    [ -z "$(find m -type f 2>/dev/null)" ] || fail 'a manifest was written'
    if [ -x "$BIN/rid-store" ]; then
        run rid-store verify "$2"
        expect_code 65
    fi
}

echo 'no store' >text.h5
refuse 'a text' text.h5
head -c 100000 /dev/zero >zeros.h5
refuse 'zeros' zeros.h5
: >empty.h5
refuse 'an empty file' empty.h5
tail -c +513 day.h5 >bare.h5
refuse 'HDF5 without the user block' bare.h5
head -c 512 day.h5 >block.h5
refuse 'the user block alone' block.h5
cp a.jsonl jsonl.h5
refuse 'payloads under a wrong name' jsonl.h5
for cut in 100 600 $((size / 2)) $((size - 512)) $((size - 1)); do
    head -c "$cut" day.h5 >cut.h5
    refuse "cut at byte $cut of $size" cut.h5
done
{ cat day.h5; echo x; } >longer.h5
refuse 'something appended' longer.h5
{ head -c 8 day.h5; printf '\xff\xff'; tail -c +11 day.h5; } >version.h5
refuse 'another version' version.h5

# A flip anywhere is told, by whoever reads that part: the frames have checksums of their own.
flip() { # FILE BYTE MASK
    local value
    value=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((value ^ $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
begin 'store: a flipped bit at 60 places'
RANDOM=4711
for k in {1..60}; do
    at=$(((RANDOM * 32768 + RANDOM) % size))
    cp day.h5 flip.h5
    flip flip.h5 $at $((1 << RANDOM % 8))
    rm -rf m o.h5
    run rid-manifest -q -o m flip.h5
    expect_code 65
    [ -z "$(find m -type f 2>/dev/null)" ] || fail "byte $at: a manifest was written"
    run rid-encode -q --encoder mean -o o.h5 flip.h5
    expect_code 65
    expect_no_file o.h5
    expect_no_temporaries
    [ -z "$test_why" ] || break
done

begin 'store: a flipped bit in the first 1,024 bytes, each'
for ((at = 0; at < 1024; at += 3)); do
    cp day.h5 flip.h5
    flip flip.h5 $at $((1 << at % 8))
    rm -rf m
    run rid-manifest -q --embeddings none -o m flip.h5
    expect_code 0 65
    if [ $CODE = 0 ]; then # bytes of the user block that mean nothing
        run rid-manifest -q --embeddings none -o m2 day.h5
        diff -r m m2 >"$TMP/.diff" || fail "byte $at: read wrongly"
    fi
    [ -z "$test_why" ] || break
done

begin 'store: a damaged one beside good payloads stops the run'
cp day.h5 flip.h5
flip flip.h5 $((size / 2)) 1
run rid-encode --encoder mean --force -o o.h5 a.jsonl flip.h5
expect_code 65
expect_no_file o.h5

begin 'store: other tools made it'
if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    /usr/bin/python3 -c 'import h5py; h5py.File("foreign.h5", "w").create_dataset("x", data=[1, 2])'
    run rid-encode --encoder mean --force -o o.h5 foreign.h5
    expect_code 65
else
    test_name=''
    skip 'store: other tools made it' 'python3-h5py is not installed'
fi

begin 'store: readable with h5py'
if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    run /usr/bin/python3 - <<'PYTHON'
import json, h5py, numpy
lines = [json.loads(line) for line in open("day.jsonl")]
with h5py.File("day.h5", "r") as f:
    assert f.attrs["format"] in (b"rid-store", "rid-store"), f.attrs["format"]
    assert f.attrs["format_version"] == 1 and f.attrs["vis_dim"] == 16 and f.attrs["emb_dim"] == 16
    ids = [x.decode() for x in f["/entry/id"][:]]
    assert ids == [x["entry_id"] for x in lines]
    assert [x.decode() for x in f["/entry/day_id"][:]] == [x["day_id"] for x in lines]
    emb = f["/entry/embedding"][:]
    assert emb.dtype == numpy.float32 and emb.shape == (len(lines), 16)
    ok = f["/entry/status"][:] == 0
    assert numpy.allclose((emb[ok] ** 2).sum(1), 1, atol=1e-5)
    off, vec, kept = f["/frame/offset"][:], f["/frame/vector"][:], f["/frame/kept"][:]
    for i, x in enumerate(lines):
        given = numpy.array(x["embeddings"], dtype=numpy.float32)
        assert (vec[off[i]:off[i + 1]] == given).all(), ids[i]
        used = given[kept[off[i]:off[i + 1]] == 1].astype(float)
        mean = (used / numpy.linalg.norm(used, axis=1, keepdims=True)).mean(0)
        assert numpy.abs(mean / numpy.linalg.norm(mean) - emb[i]).max() < 2e-6, ids[i]
    images = f["/images/bytes"][:].tobytes()
    eo, io = f["/images/entry_offset"][:], f["/images/offset"][:]
    for i, x in enumerate(lines):
        uris = [images[io[k]:io[k + 1]].decode() for k in range(eo[i], eo[i + 1])]
        assert uris == x.get("images", []), ids[i]
    attrs, ao = f["/attrs/bytes"][:].tobytes(), f["/attrs/offset"][:]
    for i, x in enumerate(lines):
        text = attrs[ao[i]:ao[i + 1]]
        assert (json.loads(text) if text else None) == x.get("attrs"), ids[i]
PYTHON
    expect_code 0
else
    test_name=''
    skip 'store: readable with h5py' 'python3-h5py is not installed'
fi
finish
