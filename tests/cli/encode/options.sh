# Exit codes, outputs, limits, configuration, and what a run says.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth

rid-synth -q --people 6 --vis-dim 16 --emb-dim 8 -o day.jsonl --ckpt-out m.pt --schema-out schema.json
n=$(wc -l <day.jsonl)
good a >a.jsonl
good b >b.jsonl
echo '{"entry_id":' >bad.jsonl
echo '{"schema_id":"t","fields":[{"name":"hat","type":"enum","values":["cap","none"]}]}' >other.json

# ---- usage ----

usage() { # NAME ARGUMENT...: exit 2, nothing written
    begin "usage: $1"
    shift
    rm -f o.h5
    run rid-encode "$@"
    expect_code 2
    expect_empty_out
    expect_err "try 'rid-encode --help'"
    expect_no_file o.h5
}
usage 'no encoder' -o o.h5 a.jsonl
expect_err --ckpt '--encoder mean'
usage 'two encoders' --ckpt m.pt --encoder mean -o o.h5 a.jsonl
usage 'no output' --encoder mean a.jsonl
usage 'a store to standard output' --encoder mean -o - a.jsonl
usage 'an unknown option' --encoder mean --frame f32 --bogus -o o.h5 a.jsonl
usage 'an option that is nearly right' --encodr mean -o o.h5 a.jsonl
expect_err --encoder
usage 'a choice that is none' --encoder mean --frames f64 -o o.h5 a.jsonl
usage 'a number that is none' --encoder mean --batch many -o o.h5 a.jsonl
usage 'a shard beyond the last' --encoder mean --shard 3/3 -o o.h5 a.jsonl
usage 'a percentage above 100' --encoder mean --max-rejects 101% -o o.h5 a.jsonl
usage 'an output that is a folder' --encoder mean -o . a.jsonl

begin 'help: on standard output, exit 0, live defaults'
run rid-encode --help
expect_code 0
expect_no_err
expect_out '--max-rejects' '[256]' 'rejected inputs exceeded'
begin 'version: how it was built'
run rid-encode --version
expect_code 0
expect_out "rid-encode $(cat "$SRC/VERSION")" hdf5 simdjson

# ---- outputs ----

begin 'an existing output is refused, and stays'
echo old >o.h5
run rid-encode --encoder mean -o o.h5 a.jsonl
expect_code 2
expect_err o.h5 --force
expect_equal 'the old output' "$(cat o.h5)" old
begin 'force replaces it'
run rid-encode --encoder mean --force -o o.h5 a.jsonl
expect_code 0
expect_ids o.h5 a
begin 'a dangling link is an existing output'
ln -s gone link.h5
run rid-encode --encoder mean -o link.h5 a.jsonl
expect_code 2
begin 'the new file has the permissions of any new file'
rm -f o.h5
(umask 027; rid-encode -q --encoder mean -o o.h5 a.jsonl)
expect_equal permissions "$(stat -c %a o.h5)" 640
begin 'a folder that is not there'
run rid-encode --encoder mean -o gone/o.h5 a.jsonl
expect_code 66 74
expect_err gone/o.h5
begin 'a dry run reads, counts, and writes nothing'
rm -f o.h5
cat a.jsonl bad.jsonl >ab.jsonl
run rid-encode --encoder mean --dry-run -o o.h5 --summary-json s.json ab.jsonl
expect_code 3
expect_no_file o.h5 o.h5.rejects.jsonl
expect_equal accepted "$(json_value s.json accepted)" 1
expect_equal rejected "$(json_value s.json rejected)" 1
expect_no_temporaries
begin 'a dry run needs no output'
run rid-encode --encoder mean --dry-run a.jsonl
expect_code 0
begin 'an output may replace its own input'
rid-encode -q --encoder mean -o self.h5 a.jsonl b.jsonl
cp self.h5 before.h5
run rid-encode --encoder mean --force -o self.h5 self.h5
expect_code 0
expect_same self.h5 before.h5

# ---- max-rejects ----

for k in 1 2 3 4 5 6 7 8; do good g$k; [ $k -gt 2 ] || cat bad.jsonl; done >ten.jsonl # 2 of 10
limit() { # LIMIT CODE
    begin "max-rejects $1 of 2 in 10"
    rm -f o.h5*
    run rid-encode --encoder mean --max-rejects "$1" -o o.h5 --summary-json s.json ten.jsonl
    expect_code "$2"
    expect_equal exit "$(json_value s.json exit)" "$2"
    expect_file o.h5
    expect_reject_count o.h5.rejects.jsonl 2
}
limit 0 3
limit 1 3
limit 2 0
limit 100 0
limit 19% 3
limit 19.9% 3
limit 20% 0
limit 100% 0

# ---- what a run says ----

begin 'summary: its keys'
run rid-encode --encoder mean --force -o o.h5 --summary-json s.json ten.jsonl
for key in format_version tool tool_version exit read accepted rejected rejects duplicates skipped oov \
    seconds wall peak_rss_bytes; do
    grep -q "\"$key\":" s.json || fail "no $key in $(cat s.json)"
done
expect_equal read "$(json_value s.json read)" 10
expect_equal lines "$(wc -l <s.json)" 1
[ ! -x "$(command -v jq)" ] || jq -e '.exit == 3 and .rejects.syntax == 2' s.json >"$TMP/.jq" || fail 'jq reads it otherwise'
begin 'summary: of a failed run, too'
rm -f s.json
run rid-encode --encoder mean --force -o o.h5 --summary-json s.json gone.jsonl
expect_code 66
expect_equal exit "$(json_value s.json exit)" 66
begin 'summary: of wrong usage, too'
rm -f s.json
run rid-encode --summary-json s.json --bogus
expect_code 2
expect_equal exit "$(json_value s.json exit)" 2
begin 'summary: on standard output'
run rid-encode --encoder mean --force -o o.h5 --summary-json - a.jsonl
expect_code 0
expect_out '"accepted":1'
[ "$(json_value "$TMP/.out" peak_rss_bytes)" -gt 1000000 ] || fail 'peak memory below 1 MB'
begin 'quiet: errors only'
run rid-encode -q --encoder mean --force -o o.h5 a.jsonl
expect_code 0
expect_no_err
expect_empty_out
run rid-encode -q --encoder mean --force -o o.h5 gone.jsonl
expect_err 'rid-encode: error:'
begin 'quiet: rejects still end with 3'
run rid-encode -q --encoder mean --force -o o.h5 ten.jsonl
expect_code 3
expect_equal 'lines of standard error' "$(wc -l <"$TMP/.err")" 1
begin 'the first few rejects are shown, and where the rest is'
{ good a; for _ in {1..20}; do cat bad.jsonl; done; } >many.jsonl
run rid-encode --encoder mean --force -o o.h5 many.jsonl
expect_equal 'rejects shown' "$(grep -c 'rejected (syntax)' "$TMP/.err")" 5
expect_err o.h5.rejects.jsonl

# ---- limit ----

begin 'limit'
run rid-encode --encoder mean --force --limit 3 -o o.h5 ten.jsonl
expect_code 3
expect_ids o.h5 g1 g2

# ---- configuration ----

begin 'precedence: file < --set < environment < flag'
printf 'frames: none\nencoder: mean\n' >c.yaml
frames_of() { rid-encode "$@" --print-config | grep '^frames:'; }
frames_of --config c.yaml | grep -q none || fail 'the file does not count'
frames_of --config c.yaml --set frames=f16 | grep -q f16 || fail '--set does not count'
frames_of --config c.yaml --set frames=f16 --frames f32 | grep -q f32 || fail 'the flag does not count'
MODEL_CKPT=env.pt rid-encode --set ckpt=set.pt --print-config | grep -q '^ckpt: *"\?env.pt' || fail 'the environment does not count'
MODEL_CKPT=env.pt rid-encode --ckpt flag.pt --print-config | grep -q '^ckpt: *"\?flag.pt' || fail 'the flag does not win'
begin 'the printed configuration can be given back'
rid-encode --config c.yaml --batch 7 --print-config >again.yaml
run rid-encode --config again.yaml --force -o o.h5 a.jsonl
expect_code 0
begin 'an unknown key is an error, with its place'
printf 'encoder: mean\nframe: f32\n' >c.yaml
run rid-encode --config c.yaml --force -o o.h5 a.jsonl
expect_code 78
expect_err c.yaml:2 frame
begin 'a broken file is an error, with its place'
printf 'encoder: [mean\n' >c.yaml
run rid-encode --config c.yaml --force -o o.h5 a.jsonl
expect_code 78
expect_err c.yaml
begin 'the environment names the checkpoint and the schema'
rm -f o.h5
run env MODEL_CKPT=m.pt ATTR_SCHEMA=schema.json rid-encode -o o.h5 day.jsonl
expect_code 0

# ---- checkpoint and schema ----

begin 'a schema that does not fit the checkpoint: both sizes'
rm -f o.h5
run rid-encode --ckpt m.pt --schema other.json -o o.h5 day.jsonl
expect_code 78
expect_err '2 dimensions' '43'
expect_no_file o.h5
begin 'the schema it brings, given once more'
run rid-encode --ckpt m.pt --schema schema.json --force -o o.h5 day.jsonl
expect_code 0
cp o.h5 with.h5
run rid-encode --ckpt m.pt --force -o o.h5 day.jsonl
expect_same o.h5 with.h5
begin 'a schema that is none'
run rid-encode --encoder mean --schema day.jsonl --force -o o.h5 day.jsonl
expect_code 65 78
expect_err day.jsonl
begin 'a schema that is not there'
run rid-encode --encoder mean --schema gone.json --force -o o.h5 day.jsonl
expect_code 66
begin 'a checkpoint that is not there'
run rid-encode --ckpt gone.pt --force -o o.h5 day.jsonl
expect_code 66
begin 'a checkpoint cut short'
head -c 3000 m.pt >cut.pt
run rid-encode --ckpt cut.pt --force -o o.h5 day.jsonl
expect_code 65
expect_err cut.pt byte
begin 'a checkpoint that is none'
run rid-encode --ckpt day.jsonl --force -o o.h5 day.jsonl
expect_code 65
begin 'frames of another size than the checkpoint’s'
run rid-encode --ckpt m.pt --force -o new.h5 day.jsonl a.jsonl
expect_code 3
expect_reject new.h5.rejects.jsonl a.jsonl 1 0 frame_size
expect_equal accepted "$(ids new.h5 | wc -w)" "$n"

# ---- shortages ----

if [ "$MODE" = release ]; then
    begin 'too few descriptors: temporary'
    run bash -c 'ulimit -n 5; exec rid-encode --encoder mean --force -o o.h5 a.jsonl'
    expect_code 75
    begin 'too little memory: temporary'
    { good a | sed 's/"embeddings.*/"z":"/' | tr -d '\n'; head -c 200000000 /dev/zero | tr '\0' 1; echo '"}'; } >big.jsonl
    run bash -c 'ulimit -v 250000; exec rid-encode --encoder mean --threads 1 --force -o o.h5 big.jsonl'
    rm big.jsonl
    expect_code 75
    expect_err 'out of memory'
    expect_no_temporaries
fi
begin 'a file too large for the limit of the shell'
rm -f o.h5
run bash -c 'ulimit -f 4; trap "" XFSZ; exec rid-encode --encoder mean -o o.h5 day.jsonl'
expect_code 74
expect_no_file o.h5
expect_no_temporaries
begin 'a full disk for messages is no reason to fail'
rm -f o.h5
COMMAND='rid-encode 2>/dev/full'
rid-encode --encoder mean -o o.h5 a.jsonl 2>/dev/full
CODE=$?
expect_code 0
begin 'a full disk for results is'
COMMAND='rid-encode --help >/dev/full'
rid-encode --help >/dev/full 2>"$TMP/.err"
CODE=$?
expect_code 74
expect_err 'No space left'
finish
