# rid-store merge: shards and the single run give the same bytes; what it refuses, what it leaves.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-store rid-encode rid-synth rid-manifest

rid-synth -q --people 12 --stores 3 --days 2 --visits 0:3 --vis-dim 24 --schema-out schema.json \
    --ckpt-out model.pt --emb-dim 16 -o day.jsonl
encode() { # OUT ARGUMENT...
    local out=$1
    shift
    rid-encode -q --ckpt model.pt -o "$out" --force "$@"
}
encode single.h5 day.jsonl

for n in 2 3 20; do # 20: more shards than buckets
    begin "the merge of $n shards is the merge of the single run"
    rm -f shard-*.h5
    for i in $(seq 0 $((n - 1))); do
        run encode "shard-$i.h5" --shard "$i/$n" day.jsonl
        expect_code 0
    done
    run rid-store merge --force --threads 3 -o merged.h5 shard-*.h5
    expect_code 0
    run rid-store merge --force --threads 1 -o alone.h5 single.h5
    expect_code 0
    expect_same merged.h5 alone.h5
    run rid-store verify merged.h5
    expect_code 0
    expect_no_temporaries
done

begin 'order: day, store, timestamp, id'
run rid-store list --json merged.h5
cp .out listed
run rid-store export --format csv merged.h5
cut -d, -f1 .out | tail -n +2 >in_store
grep -oP '"entry_id":"\K[^"]*' listed >in_order
expect_same in_store in_order
expect_equal entries "$(wc -l <in_order)" "$(wc -l <day.jsonl)"
grep -oP '"(day_id|store_id|timestamp)":"\K[^"]*' listed | paste - - - >keys
sort -c keys || fail 'not in order'

begin 'manifests of the merged and of the single store are the same'
run rid-manifest -q -o by-merged merged.h5
expect_code 0
run rid-manifest -q -o by-single single.h5
expect_code 0
run diff -r by-merged by-single
expect_code 0

begin 'one empty store merges to an empty store'
rid-encode -q --encoder mean --vis-dim 4 --shard 0/64 -o one.h5 <(good x)
rid-encode -q --encoder mean --vis-dim 4 --shard 1/64 -o two.h5 <(good x)
empty=$(for s in one two; do [ "$(rid-store list $s.h5 | wc -l)" -gt 0 ] || echo $s.h5; done | head -n 1)
expect_file "$empty"
run rid-store merge -o nothing.h5 "$empty" "$empty"
expect_code 0
run rid-store verify nothing.h5
expect_code 0
expect_out 'nothing.h5: ok (0 entries, 0 frames)'
run rid-store info nothing.h5
expect_code 0
run rid-store list nothing.h5
expect_code 0
expect_empty_out

begin 'a later duplicate wins, and is counted'
{ good a; good b; } | rid-encode -q --encoder mean -o a.h5 -
{ good b '"camera":"late",'; good c; } | rid-encode -q --encoder mean -o b.h5 -
run rid-store merge -o ab.h5 --summary-json s.json a.h5 b.h5
expect_code 0
expect_ids ab.h5 a b c
expect_equal duplicates "$(json_value s.json duplicates)" 1
expect_equal read "$(json_value s.json read)" 4
expect_err '1 duplicate,'
run rid-store show ab.h5 b
expect_out 'camera           late'
run rid-store merge -o ba.h5 b.h5 a.h5
run rid-store show --json ba.h5 b
expect_out '"camera":null'

begin 'different encoders: exit 78 says what differs'
good d | rid-encode -q --encoder mean --filter off -o off.h5 -
run rid-store merge -o x.h5 a.h5 off.h5
expect_code 78
expect_err a.h5 off.h5 encoder_hash
expect_no_file x.h5
good d | rid-encode -q --encoder mean --frames none -o none.h5 -
run rid-store merge -o x.h5 a.h5 none.h5
expect_code 78
expect_err 'frames is f32 in the first and none in the second'
expect_no_temporaries

begin 'an existing output stays without --force'
cp ab.h5 before.h5
run rid-store merge -o ab.h5 a.h5
expect_code 2
expect_err --force
expect_same ab.h5 before.h5
run rid-store merge --force -o ab.h5 a.h5
expect_code 0
expect_different ab.h5 before.h5

begin 'an input may be the output'
cp a.h5 grown.h5
run rid-store merge --force -o grown.h5 grown.h5 b.h5
expect_code 0
expect_same grown.h5 before.h5

begin 'a failing merge leaves the output and nothing else'
head -c 5000 b.h5 >cut.h5
run rid-store merge --force -o grown.h5 a.h5 cut.h5
expect_code 65
expect_err cut.h5
run rid-store merge --force -o grown.h5 a.h5 gone.h5
expect_code 66
run rid-store merge -o no/such/folder.h5 a.h5
expect_code 66 74
expect_same grown.h5 before.h5
expect_no_temporaries

begin 'dry run'
run rid-store merge --dry-run --summary-json - a.h5 b.h5
expect_code 0
expect_out '"duplicates":1'
run rid-store merge --dry-run -o grown.h5 a.h5 b.h5
expect_code 0
run rid-store merge --dry-run a.h5 off.h5
expect_code 78

begin 'usage'
run rid-store merge a.h5 b.h5
expect_code 2
expect_err '-o OUT.h5'
run rid-store merge -o - a.h5
expect_code 2
run rid-store merge -o y.h5
expect_code 2
expect_err 'no store given'
run rid-store merge --format csv -o y.h5 a.h5
expect_code 2
expect_err "--format is no option of 'merge'"
expect_no_file y.h5

begin 'hundreds of stores at once, more than the soft limit of open files'
for i in $(seq 300); do ln -sf "$([ $((i % 2)) = 0 ] && echo a.h5 || echo b.h5)" "many-$i.h5"; done
run bash -c 'ulimit -Sn 64; exec rid-store merge -q -o many.h5 many-*.h5'
expect_code 0
expect_ids many.h5 a b c
run bash -c 'ulimit -n 64; exec rid-store merge -q -o fewer.h5 many-*.h5'
expect_code 75
expect_err 'Too many open files'
expect_no_file fewer.h5
expect_no_temporaries

begin 'SIGTERM ends it with 143 and leaves no trace'
rid-synth -q --people 300 --visits 3:3 --frames 8:8 --vis-dim 256 --attrs off --digits float -o big.jsonl
rid-encode -q --encoder mean -o big.h5 big.jsonl
rid-store merge -q -o big-merged.h5 $(yes big.h5 | head -n 200) &
merge=$!
for _ in $(seq 2000); do # until its temporary file shows that it is at work
    ls .big-merged.h5.rid-tmp-* >/dev/null 2>&1 && break
    kill -0 $merge 2>/dev/null || break
done
kill -TERM $merge
wait $merge
CODE=$?
expect_code 143
expect_no_file big-merged.h5
expect_no_temporaries

finish
