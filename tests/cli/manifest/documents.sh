# rid-manifest's documents: which buckets, people and events they hold, where they go, when they are
# made again, and that their bytes depend on the inputs alone.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-manifest rid-encode rid-store rid-synth

# entry ID DAY STORE CAMERA TIME X Y
entry() {
    printf '{"entry_id":"%s","day_id":"%s","store_id":"%s","camera":"%s","timestamp":"%s","direction":"entry","images":["i/%s.jpg"],"attrs":{"hat":true},"embeddings":[[%s,%s],[%s,%s]]}\n' \
        "$1" "$2" "$3" "$4" "$5" "$1" "$6" "$7" "$6" "$7"
}
day=2025-11-06
{
    entry a-1 $day s1 c1 ${day}T08:00:00Z 1 0
    entry a-2 $day s1 c2 ${day}T09:00:00Z 0 1
    entry a-3 $day s1 c2 ${day}T10:00:00Z 1 0.01
    entry a-4 $day s1 c1 ${day}T11:00:00Z 0.01 1
    entry b-1 $day s2 c1 ${day}T08:00:00Z 1 0
    entry c-1 2025-11-07 s1 c1 2025-11-07T08:00:00Z 1 0
    entry d-1 $day '../s/3' c1 ${day}T08:00:00Z 1 0
} >in.jsonl
rid-encode -q --encoder mean -o day.h5 in.jsonl
rule=(--threshold 0.9 --margin 0 --nn2 identity)
people() { tail -n +2 "$1" | grep -oE '"(person_id|entry_id)":"[^"]*"' | sed -E 's/"[a-z_]+":"(.*)"/\1/' | tr '\n' ' '; }

begin 'a document per bucket, file names made safely'
run rid-manifest -q "${rule[@]}" -o docs day.h5
expect_code 0
expect_equal files "$(find docs -type f | sort | tr '\n' ' ')" \
    "docs/$day/%2E.%2Fs%2F3.json docs/$day/s1.json docs/$day/s2.json docs/2025-11-07/s1.json "
expect_equal people "$(people docs/$day/s1.json)" 's1-0001 a-1 a-3 s1-0002 a-2 a-4 '
expect_equal counts "$(grep -c '"person_count":2,"event_count":4' docs/$day/s1.json)" 1

begin 'what an event says'
event=$(grep -o '{"entry_id":"a-3".*' docs/$day/s1.json)
for text in '"timestamp":"2025-11-06T10:00:00Z"' '"direction":"entry"' '"camera":"c2"' \
    '"alert_id":null' '"employee_id":null' '"images":["i/a-3.jpg"]' '"status":"match"' \
    '"match_id":"a-1"' '"second_id":"a-2"' '"score":0.99995' '"frames_used":1' \
    '"attrs":{"hat":true}' '"embeddings":[[1,0.01],[1,0.01]]'; do
    [[ $event == *"$text"* ]] || fail "the event does not say $text: $event"
done
first=$(grep -o '{"entry_id":"a-1".*' docs/$day/s1.json | head -1)
[[ $first == *'"status":"new","match_id":null,"second_id":null,"score":null,"score2":null'* ]] ||
    fail "the first event is $first"
second=$(grep -o '{"entry_id":"a-2".*' docs/$day/s1.json | head -1)
[[ $second == *'"score":0,"score2":-1'* ]] || fail "the second event is $second"

begin 'only where ground truth names somebody'
echo '{"b-1":"P","c-1":"P","x":"Q"}' >gt.json
run rid-manifest -q "${rule[@]}" --labelled-in gt.json -o labelled day.h5
expect_code 0
expect_equal files "$(find labelled -type f | sort | tr '\n' ' ')" \
    "labelled/$day/s2.json labelled/2025-11-07/s1.json "
expect_same labelled/$day/s2.json docs/$day/s2.json
run rid-manifest -q "${rule[@]}" --labelled-in nowhere.json -o nowhere day.h5
expect_code 66
expect_err nowhere.json
expect_no_file nowhere

begin 'one document where several buckets are left'
run rid-manifest -q -o one.json day.h5
expect_code 2
expect_err "$day/s1" "$day/s2" '2025-11-07/s1' '--day' '--store'
expect_no_file one.json

begin 'one document'
run rid-manifest -q "${rule[@]}" --day $day --store s1 -o one.json day.h5
expect_code 0
expect_same one.json docs/$day/s1.json
run rid-manifest -q "${rule[@]}" --day $day --store s1 -o - day.h5
expect_code 0
expect_same .out one.json

begin 'no bucket left'
run rid-manifest -q --day 2025-01-01 -o none.json day.h5
expect_code 0
expect_equal document "$(grep -c '"person_count":0,"event_count":0,"people":\[\]}' none.json)" 1
run rid-manifest -q --day 2025-13-01 -o none2.json day.h5
expect_code 2

begin 'cameras: view hides, match clusters alone'
run rid-manifest -q "${rule[@]}" --day $day --store s1 --camera c2 --embeddings none -o view.json day.h5
expect_equal view "$(people view.json)" 's1-0001 a-3 s1-0002 a-2 '
run rid-manifest -q "${rule[@]}" --day $day --store s1 --camera c2 --camera-scope match \
    --embeddings none -o match.json day.h5
expect_equal match "$(people match.json)" 's1-0001 a-2 s1-0002 a-3 '
run rid-manifest -q "${rule[@]}" --day $day --store s1 --camera c1 --camera c2 --embeddings none \
    -o both.json day.h5
expect_no_err
run rid-manifest --day $day --store s1 --camera typo --embeddings none -o - day.h5
expect_code 0
expect_err 'no entry is of the cameras'
run rid-manifest -q "${rule[@]}" --day $day --store s1 --camera c1 --camera c2 --embeddings none \
    --force -o both.json day.h5
expect_equal both "$(people both.json)" 's1-0001 a-1 a-3 s1-0002 a-2 a-4 '

begin 'the person who has an entry'
run rid-manifest -q "${rule[@]}" --entry-id a-4 --embeddings none -o - day.h5
expect_code 0
expect_equal people "$(people .out)" 's1-0002 a-2 a-4 '
run rid-manifest -q "${rule[@]}" --entry-id nobody --embeddings none -o - day.h5
expect_code 0
expect_out '"people":[]'

begin 'what stands in embeddings'
run rid-manifest -q "${rule[@]}" --entry-id b-1 --embeddings fused -o - day.h5
expect_out '"embeddings":[[1,0]]'
run rid-manifest -q "${rule[@]}" --entry-id b-1 --embeddings none -o - day.h5
expect_equal none "$(grep -c '"embeddings":\[' .out)" 0
rid-encode -q --encoder mean --frames none -o bare.h5 in.jsonl
run rid-manifest -q -o bare bare.h5
expect_code 65
expect_err 'no frames' '--embeddings'
run rid-manifest -q --embeddings fused -o bare bare.h5
expect_code 0
expect_equal 'frames_used' "$(grep -c '"frames_used":null' bare/$day/s2.json)" 1

begin 'existing documents'
run rid-manifest -q "${rule[@]}" -o docs day.h5
expect_code 2
expect_err exists --force --skip-existing
touch -d 2001-01-01 docs/*/*
run rid-manifest "${rule[@]}" --skip-existing --summary-json sum.json -o docs day.h5
expect_code 0
expect_equal unchanged "$(grep -o '"unchanged":4' sum.json)" '"unchanged":4'
expect_equal 'not written' "$(find docs -type f -newermt 2002-01-01 | wc -l)" 0
run rid-manifest -q --threshold 0.95 --margin 0 --nn2 identity --skip-existing -o docs day.h5
expect_equal 'other settings' "$(find docs -type f -newermt 2002-01-01 | wc -l)" 4

begin 'only the bucket that changed is made again'
{ cat in.jsonl; entry b-2 $day s2 c1 ${day}T09:00:00Z 1 0; } >more.jsonl
rid-encode -q --encoder mean -o more.h5 more.jsonl
touch -d 2001-01-01 docs/*/*
run rid-manifest -q --threshold 0.95 --margin 0 --nn2 identity --skip-existing -o docs more.h5
expect_equal written "$(find docs -type f -newermt 2002-01-01)" "docs/$day/s2.json"
truncate -s -20 docs/$day/s2.json
run rid-manifest -q --threshold 0.95 --margin 0 --nn2 identity --skip-existing -o docs more.h5
expect_equal 'a document cut short' "$(people docs/$day/s2.json)" 's2-0001 b-1 b-2 '

begin 'several stores, a later entry wins'
entry a-2 $day s1 c2 ${day}T09:00:00Z 1 0 >later.jsonl
rid-encode -q --encoder mean -o later.h5 later.jsonl
run rid-manifest -q "${rule[@]}" --day $day --store s1 --embeddings none -o - day.h5 later.h5
expect_code 0
expect_equal people "$(people .out)" 's1-0001 a-1 a-2 a-3 s1-0002 a-4 '
rid-encode -q --encoder mean --filter off -o other.h5 later.jsonl
run rid-manifest -q -o mixed day.h5 other.h5
expect_code 78
expect_err encoder_hash

begin 'no bucket left for a directory is said'
run rid-manifest --store typo -o nothing day.h5
expect_code 0
expect_err 'no bucket is left'

begin 'a dry run writes nothing'
run rid-manifest --dry-run -o dry day.h5
expect_code 0
expect_no_file dry
run rid-manifest --dry-run day.h5
expect_code 0

# ---- bytes ----
rid-synth -q --people 30 --stores 3 --vis-dim 48 --seed 9 -o synth.jsonl
rid-encode -q --encoder mean -o synth.h5 synth.jsonl
rid-manifest -q --threads 1 -o one synth.h5
begin 'the same bytes for any number of threads'
for threads in 2 7; do
    run rid-manifest -q --threads $threads --force -o many synth.h5
    run diff -r one many
    expect_code 0
done
begin 'the same bytes for any number of threads: one document, more events than threads'
for threads in 1 2 7; do
    run rid-manifest -q --threads $threads --store nc0001 --force -o single.json synth.h5
    expect_same single.json one/*/nc0001.json
done
begin 'the same frames from every kernel, whatever it scores'
frames_of() {
    sed -nE 's/.*("entry_id":"[^"]*").*("embeddings":\[\[.*\]\]).*/\1 \2/p' "$1" | sort
}
for kind in f32 f16; do
    rid-encode -q --encoder mean --frames $kind --force -o frames.h5 synth.jsonl
    run env RID_CPU=x86-64 rid-manifest -q --store nc0001 --force -o base.json frames.h5
    expect_code 0
    frames_of base.json >base
    expect_equal events "$(wc -l <base)" "$(grep -c '"entry_id":"' base.json)"
    for cpu in avx2 avx512; do
        grep -q "${cpu/512/512f}" /proc/cpuinfo || continue
        run env RID_CPU=$cpu rid-manifest -q --store nc0001 --force -o other.json frames.h5
        expect_code 0
        frames_of other.json >other
        expect_same base other
    done
done
begin 'the same bytes from shards'
for i in 0 1 2; do
    rid-encode -q --encoder mean --shard $i/3 -o shard$i.h5 synth.jsonl
done
run rid-manifest -q -o sharded shard0.h5 shard1.h5 shard2.h5
expect_code 0
run diff -r one sharded
expect_code 0
rid-store merge -q -o merged.h5 shard2.h5 shard0.h5 shard1.h5
run rid-manifest -q -o merged merged.h5
run diff -r one merged
expect_code 0
finish
