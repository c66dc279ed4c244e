# rid-store info, list, show and verify: what they say, and of damaged stores, too.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-store rid-encode rid-synth

{
    good b-2 '"timestamp":"2025-11-06T10:00:00Z","camera":"c\n1","attrs":{"hat":"red"},"images":["x.jpg","y.jpg"],'
    good a-1
    printf '{"entry_id":"z-3","day_id":"2025-11-05","embeddings":[[0,0,0,0]]}\n'
} | rid-encode -q --encoder mean --filter off -o day.h5 -

begin 'list: bucket by bucket'
run rid-store list day.h5
expect_code 0
expect_no_err
expect_equal lines "$(tr '\t\n' ' ;' <.out)" 'z-3 2025-11-05 z;a-1 2025-11-06 s1;b-2 2025-11-06 s1;'
run rid-store list --json --limit 1 day.h5
expect_equal lines "$(wc -l <.out)" 1
run rid-store list -o ids.txt day.h5 day.h5
expect_equal lines "$(wc -l <ids.txt)" 6

begin 'show'
run rid-store show day.h5 b-2
expect_code 0
expect_out 'camera           c\n1' 'attrs            {"hat":"red"}' 'images           x.jpg' \
    '                 y.jpg' 'frames           2, kept 2: 0-1' 'status           ok'
run rid-store show day.h5 z-3
expect_out 'status           skip' 'frames           1, kept 0'
run rid-store show --json day.h5 b-2
expect_out '"camera":"c\n1"' '"attrs":{"hat":"red"}' '"frames":{"count":2,"kept":[0,1]}' '"format_version":1'
run rid-store show day.h5 b-3
expect_code 66
expect_err "day.h5: there is no entry 'b-3' among its 3"
expect_empty_out
run rid-store show day.h5
expect_code 2
run rid-store show day.h5 a-1 b-2
expect_code 2

begin 'info'
run rid-store info day.h5
expect_code 0
expect_out 'entries          3 (2 ok, 1 skip)' 'days             2 (2025-11-05 to 2025-11-06)' \
    'encoder          mean' 'schema           none' 'frames           5 (f32)'
run rid-store info --json day.h5 day.h5
expect_code 0
expect_equal documents "$(wc -l <.out)" 1
expect_equal stores "$(grep -o '"path":"day.h5"' .out | wc -l)" 2
expect_out '"entries":{"total":3,"ok":2,"skip":1,"fallback":0}' '"first_day":"2025-11-05"' \
    '"frames":{"kind":"f32","count":5}' '"schema_id":null'
rid-synth -q --people 3 --vis-dim 8 --emb-dim 4 --schema-out schema.json --ckpt-out m.pt -o s.jsonl
rid-encode -q --ckpt m.pt --frames f16 -o s.h5 s.jsonl
run rid-store info --json s.h5
expect_out '"encoder":"baseline"' '"kind":"f16"' '"vis_dim":8' '"emb_dim":4' \
    "\"schema_id\":$(json_value schema.json schema_id)"
run rid-store info day.h5 gone.h5
expect_code 66
expect_empty_out

begin 'verify: every store is looked at, a bad one does not hide the next'
run rid-store verify day.h5 s.h5
expect_code 0
expect_equal said "$(head -n 1 .out)" 'day.h5: ok (3 entries, 5 frames)'
expect_equal lines "$(wc -l <.out)" 2
printf 'no store' >text.h5
: >nothing.h5
run rid-store verify text.h5 day.h5 nothing.h5 s.h5
expect_code 65
expect_equal lines "$(wc -l <.out)" 2
expect_err 'text.h5: is no rid store' 'nothing.h5: is no rid store' '2 of 4 stores did not pass'
run rid-store verify gone.h5
expect_code 66

# ---- damage: every command says 65 and names the file; none crashes ----

everywhere() { # NAME: damaged.h5 is not read by any command
    begin "damage: $1"
    for command in verify info list 'show damaged.h5 a-1' export 'export --format csv' \
        'export --format npy' 'merge --force -o merged.h5'; do
        # shellcheck disable=SC2086 # words are meant
        run rid-store ${command% damaged.h5 a-1} damaged.h5 ${command:+$([ "${command#show}" = "$command" ] || echo a-1)}
        expect_code 65
        expect_err damaged.h5
        expect_empty_out
    done
    expect_no_file merged.h5
    expect_no_temporaries
}

patch_byte() { # OFFSET: damaged.h5 is day.h5 with one bit of it turned
    cp day.h5 damaged.h5
    local byte
    byte=$(od -An -tu1 -j "$1" -N 1 day.h5)
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %02x $((byte ^ 16)))" |
        dd of=damaged.h5 bs=1 seek="$1" conv=notrunc status=none
}

size=$(stat -c %s day.h5)
for at in 0 8 16 24 40 56 300 511; do
    patch_byte $at
    everywhere "a bit of the header, byte $at"
done
for at in 512 600 2048 $((size / 2)) $((size - 1)); do
    patch_byte "$at"
    # Frames are left to their own checksums, which reading them checks; all else to the digest.
    everywhere "a bit of the contents, byte $at"
done
text=$(grep -obaF 'b-2' day.h5 | head -n 1 | cut -d: -f1)
patch_byte "$text"
everywhere 'a bit of an id'
for n in 1 511 512 513 4096 $((size - 1)); do
    head -c "$n" day.h5 >damaged.h5
    everywhere "cut to $n bytes"
done
{ cat day.h5; printf x; } >damaged.h5
everywhere 'a byte behind the end'
: >damaged.h5
everywhere 'an empty file'
seq 1 1000 >damaged.h5
everywhere 'a text'
head -c 100000 /dev/zero >damaged.h5
everywhere 'zeros'

begin 'damage: frames'
rid-synth -q --people 5 --vis-dim 64 --attrs off -o f.jsonl
rid-encode -q --encoder mean -o frames.h5 f.jsonl
rid-store export --limit 1 -q frames.h5 >one.jsonl
# The bytes of the first frame's first two numbers, and where they stand.
pattern=$(grep -oP '"embeddings":\[\[\K[^,]*,[^,]*' one.jsonl | tr ',' '\n' |
    /usr/bin/perl -ne 'print pack("f<", $_)' | od -An -tx1 | tr -d ' \n')
at=$(od -An -v -tx1 -w1 frames.h5 | tr -d ' \n' | grep -ob "$pattern" | cut -d: -f1 | head -n 1)
if [ -n "$at" ]; then
    cp day.h5 day-kept.h5
    cp frames.h5 day.h5
    patch_byte $((at / 2 + 1))
    cp day-kept.h5 day.h5
    run rid-store verify damaged.h5
    expect_code 65
    expect_err 'damaged.h5: /frame/vector: chunk 0' fletcher32
    run rid-store export -o f-out.jsonl damaged.h5
    expect_code 65
    run rid-store merge -o f-out.h5 damaged.h5
    expect_code 65
    expect_no_file f-out.jsonl f-out.h5
    run rid-store export --format csv damaged.h5
    expect_code 0
else
    fail 'the frames were not found in the store'
fi

begin 'not a regular file'
mkdir folder.h5
mkfifo pipe.h5
for f in folder.h5 pipe.h5; do
    run timeout 20 rid-store info $f
    expect_code 66
    expect_err "$f"
done

begin 'usage'
for c in info verify list export; do
    run rid-store $c
    expect_code 2
    expect_err 'no store given'
done
run rid-store
expect_code 2
expect_err 'info, verify, merge, export, list, show'
run rid-store inof day.h5
expect_code 2
expect_err "did you mean 'info'"
run rid-store verify --json day.h5
expect_code 2
run rid-store info --summary-json - day.h5
expect_code 2
run rid-store --help
expect_code 0
expect_out merge export verify
run rid-store info --dry-run day.h5
expect_code 0
expect_empty_out

begin 'hundreds of stores'
for i in $(seq 200); do ln -sf day.h5 "many-$i.h5"; done
run bash -c 'ulimit -n 64; exec rid-store verify many-*.h5'
expect_code 0
expect_equal lines "$(wc -l <.out)" 200

finish
