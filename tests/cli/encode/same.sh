# The same payloads give the same bytes: for any number of threads, any batch, any form of input;
# shards together are the one run; a store encoded again is what its payloads give.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth

rid-synth -q --people 12 --stores 5 --days 2 --vis-dim 32 --emb-dim 8 -o day.jsonl --ckpt-out m.pt
rid-synth -q --people 12 --stores 5 --days 2 --vis-dim 32 --emb-dim 8 --fusion xattn -o again.jsonl \
    --ckpt-out x.pt --schema-out schema.json
expected=$(wc -l <day.jsonl)
# Bad payloads, duplicates and skips take part: they must not depend on threads either.
{ head -n 40 day.jsonl; echo '{"entry_id":'; sed -n '10,20p' day.jsonl; printf '{"entry_id":"z","day_id":"%s","store_id":"nc0001","embeddings":[%s]}\n' $DAY \
    "[$(printf '0,%.0s' {1..31})0]"; tail -n +41 day.jsonl; echo 'text'; } >mixed.jsonl

reference() { # ENCODER...: reference.h5 and its list of rejects
    rm -f reference.h5*
    rid-encode -q "$@" --threads 1 -o reference.h5 mixed.jsonl
    sed 's/"file":"[^"]*"/"file":""/' reference.h5.rejects.jsonl >reference.rejects
}
same() { # NAME ARGUMENT...: against the reference
    begin "same bytes: $1"
    shift
    rm -f o.h5 o.h5.rejects.jsonl
    run rid-encode "$@" -o o.h5
    expect_code 3
    expect_same o.h5 reference.h5
    expect_same <(sed 's/"file":"[^"]*"/"file":""/' o.h5.rejects.jsonl) reference.rejects
}

for encoder in '--encoder mean' '--ckpt m.pt' '--ckpt x.pt --frames f16' '--encoder mean --frames none'; do
    reference $encoder
    for threads in 1 2 7; do
        for batch in 1 3 256; do
            same "$encoder, $threads threads, batch $batch" $encoder --threads $threads --batch $batch mixed.jsonl
        done
    done
done

begin 'the kernel is named where it is forced, and AVX2 and AVX-512 agree'
reference --ckpt m.pt
if grep -q avx512f /proc/cpuinfo && grep -q avx2 /proc/cpuinfo; then
    RID_CPU=avx2 rid-encode -q --ckpt m.pt -o avx2.h5 mixed.jsonl
    RID_CPU=avx512 rid-encode -q --ckpt m.pt -o avx512.h5 mixed.jsonl
    expect_same avx2.h5 avx512.h5
    expect_same avx2.h5 reference.h5
fi
run env RID_CPU=abacus rid-encode --ckpt m.pt -o none.h5 mixed.jsonl
expect_code 78 2
expect_err RID_CPU

# ---- forms ----

gzip -nk mixed.jsonl
zstd -qk mixed.jsonl
same 'gzip' --ckpt m.pt mixed.jsonl.gz
same 'zstd' --ckpt m.pt mixed.jsonl.zst
begin 'same bytes: standard input'
rm -f o.h5
COMMAND='cat mixed.jsonl | rid-encode --ckpt m.pt -o o.h5'
cat mixed.jsonl | rid-encode -q --ckpt m.pt -o o.h5
CODE=$?
expect_code 3
expect_same o.h5 reference.h5
begin 'same bytes: standard input that comes in pieces'
rm -f o.h5
COMMAND='(slowly) | rid-encode --ckpt m.pt -o o.h5'
{ head -c 7777 mixed.jsonl; sleep 0.2; tail -c +7778 mixed.jsonl; } | rid-encode -q --ckpt m.pt -o o.h5
CODE=$?
expect_code 3
expect_same o.h5 reference.h5

begin 'same bytes: a directory of one file for each payload'
rid-encode -q --ckpt m.pt --force -o reference.h5 day.jsonl
mkdir one
awk '{ name = sprintf("one/%05d.json", NR); print >name; close(name) }' day.jsonl
run rid-encode --ckpt m.pt --threads 7 --force -o o.h5 one
expect_code 0
expect_same o.h5 reference.h5
begin 'same bytes: many files by hand'
run rid-encode --ckpt m.pt --batch 3 --force -o o.h5 one/*.json
expect_same o.h5 reference.h5
begin 'same bytes: an entry manifest'
{ echo '{'; sed -E 's/^\{"day_id":("[^"]*"),"store_id":("[^"]*"),"entry_id":("[^"]*")/\3: &/' day.jsonl | sed '$!s/$/,/'; echo '}'; } >entries.json
run rid-encode --ckpt m.pt --force -o o.h5 entries.json
expect_code 0
expect_same o.h5 reference.h5
begin 'same bytes: what rid-synth writes as an entry manifest and as a directory'
rid-synth -q --people 12 --stores 5 --days 2 --vis-dim 32 -o synth.json
rid-synth -q --people 12 --stores 5 --days 2 --vis-dim 32 -o synth/
run rid-encode --ckpt m.pt --force -o o.h5 synth.json
expect_same o.h5 reference.h5
run rid-encode --ckpt m.pt --force -o o.h5 synth
expect_same o.h5 reference.h5
begin 'the run from another folder, with other names, is the same'
mkdir elsewhere
cp day.jsonl elsewhere/other.jsonl
cp m.pt elsewhere/other.pt
(cd elsewhere && rid-encode -q --ckpt other.pt -o other.h5 other.jsonl)
expect_same elsewhere/other.h5 reference.h5

# ---- re-encoding ----

begin 're-encode: a store gives what its payloads give'
rid-encode -q --ckpt x.pt --force -o x.h5 day.jsonl
run rid-encode --ckpt x.pt --force -o o.h5 reference.h5
expect_code 0
expect_same o.h5 x.h5
begin 're-encode: from half precision'
rid-encode -q --ckpt x.pt --frames f16 -o half.h5 day.jsonl
run rid-encode --ckpt x.pt --frames f16 --threads 7 --batch 3 --force -o o.h5 half.h5
expect_code 0
expect_same o.h5 half.h5
begin 're-encode: with another filter'
rid-encode -q --encoder mean --filter off -o off.h5 day.jsonl
run rid-encode --encoder mean --filter off --force -o o.h5 reference.h5
expect_same <(rid-manifest -q --embeddings fused -o - --day $DAY --store nc0001 o.h5) \
    <(rid-manifest -q --embeddings fused -o - --day $DAY --store nc0001 off.h5)
begin 're-encode: a store and payloads together'
head -n 50 day.jsonl >head.jsonl
tail -n +51 day.jsonl >tail.jsonl
rid-encode -q --ckpt m.pt -o head.h5 head.jsonl
run rid-encode --ckpt m.pt --force -o o.h5 head.h5 tail.jsonl
expect_code 0
expect_same o.h5 reference.h5
begin 're-encode: a store without frames says so'
rid-encode -q --ckpt m.pt --frames none -o none.h5 day.jsonl
run rid-encode --ckpt m.pt --force -o new.h5 none.h5
expect_code 65
expect_err none.h5 '--frames none'
expect_no_file new.h5

# ---- shards ----

for count in 1 3 16; do
    begin "shards: $count together are the one run"
    rm -rf shard-*.h5 merged.h5 m1 m2 seen
    for ((i = 0; i < count; i++)); do
        run rid-encode --ckpt m.pt --shard $i/$count -o shard-$i.h5 day.jsonl
        expect_code 0
        { ids shard-$i.h5 | tr ' ' '\n'; echo; } >>seen
    done
    expect_equal 'entries of all shards' "$(grep -c . seen)" "$expected"
    expect_equal 'different ones' "$(sort -u seen | grep -c .)" "$expected"
    rid-manifest -q -o m1 reference.h5
    run rid-manifest -q -o m2 shard-*.h5
    expect_code 0
    expect_equal 'manifests' "$(diff -r m1 m2 2>&1 | head -n 3)" ''
    if [ -x "$BIN/rid-store" ]; then
        rid-store merge -q --force -o whole.h5 reference.h5
        run rid-store merge -o merged.h5 shard-*.h5
        expect_code 0
        expect_same merged.h5 whole.h5
        rm -rf m2
        rid-manifest -q -o m2 merged.h5
        expect_equal 'manifests of the merged store' "$(diff -r m1 m2 2>&1 | head -n 3)" ''
    fi
done
begin 'shards: of a directory and of a store, too'
run rid-encode --ckpt m.pt --shard 1/3 --force -o a.h5 synth
run rid-encode --ckpt m.pt --shard 1/3 --force -o b.h5 day.jsonl
run rid-encode --ckpt m.pt --shard 1/3 --force -o c.h5 reference.h5
expect_same a.h5 b.h5
expect_same c.h5 b.h5
begin 'shards: a bad payload is rejected once'
total=0
for i in 0 1 2; do
    rid-encode -q --ckpt m.pt --shard $i/3 --force -o a.h5 --summary-json s.json mixed.jsonl
    total=$((total + $(json_value s.json rejected)))
done
expect_equal 'rejects of all shards' $total 2
begin 'shards: one without buckets is an empty store'
sed -n 1p day.jsonl >single.jsonl
codes=''
for i in 0 1 2; do
    run rid-encode --ckpt m.pt --shard $i/3 --force -o part-$i.h5 single.jsonl
    codes+="$CODE "
done
expect_equal 'exit codes' "$codes" '0 0 0 '
run rid-manifest -q --embeddings none -o parts part-0.h5 part-1.h5 part-2.h5
expect_code 0
expect_equal documents "$(find parts -type f | wc -l)" 1

# ---- manifests ----

begin 'manifests: the same for any number of threads'
for threads in 1 2 7; do
    rm -rf "m$threads"
    rid-manifest -q --threads $threads -o m$threads reference.h5
done
expect_equal 'threads 1 and 2' "$(diff -r m1 m2 | head -n 3)" ''
expect_equal 'threads 1 and 7' "$(diff -r m1 m7 | head -n 3)" ''
finish
