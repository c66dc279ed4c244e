# modes: release asan
# What all tools refuse to write to: devices and pipes, one file for two outputs, their own inputs, a
# folder named '-'; links; a limit on the size of files.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-calibrate rid-encode rid-eval rid-gt rid-manifest rid-match rid-pairs rid-store rid-sweep rid-synth

rid-synth -q --people 8 --visits 2:3 --vis-dim 8 -o day.jsonl --gt gt.json --ckpt-out model.pt
rid-encode -q --encoder mean -o st.h5 day.jsonl
mkdir kept
cp day.jsonl gt.json model.pt st.h5 kept
expect_inputs() { # what every run has to leave as it was
    local f
    for f in day.jsonl gt.json model.pt st.h5; do expect_same $f kept/$f; done
}

refused() { # NAME TEXT COMMAND...: exit 2, TEXT is said, nothing is written
    begin "$1"
    local text=$2
    shift 2
    find . -not -path './.*' | sort >"$TMP/.before"
    run "$@"
    expect_code 2
    expect_err "$text"
    case $* in
    *'--summary-json -'*) expect_equal 'lines of standard output, the summary' "$(wc -l <"$TMP/.out")" 1 ;;
    *) expect_empty_out ;;
    esac
    expect_inputs
    find . -not -path './.*' | sort >"$TMP/.after"
    expect_same "$TMP/.before" "$TMP/.after"
    expect_no_temporaries
}

# ---- what is no regular file ----

mkfifo pipe
not_a_file() { # KIND COMMAND...: where the command's last argument is the output
    local name=${*: -1} kind=$1
    shift
    refused "$kind: $1" "$name is a $kind" "$@"
    ! grep -qF -- --force "$TMP/.err" || fail 'advises --force'
    [ -p pipe ] || fail 'the pipe is gone'
}
for force in '' --force; do
    not_a_file pipe rid-pairs $force --gt gt.json st.h5 -o pipe
    not_a_file pipe rid-manifest $force -o m st.h5 --summary-json pipe
    not_a_file pipe rid-manifest $force st.h5 -o pipe
    not_a_file pipe rid-encode $force --encoder mean day.jsonl -o pipe
    not_a_file pipe rid-match $force --encoder mean day.jsonl --persist pipe
    not_a_file pipe rid-eval search $force --gt gt.json st.h5 --per-query pipe
    not_a_file pipe rid-synth $force --people 2 -o x.jsonl --gt pipe
    not_a_file pipe rid-calibrate $force --gt gt.json st.h5 -o pipe
    not_a_file pipe rid-sweep $force --gt gt.json st.h5 -o pipe
done
mkdir out
mkfifo out/best.json
begin 'a pipe in the folder of a sweep'
for force in '' --force; do
    run rid-sweep $force -q --gt gt.json --bootstrap 0 -o out st.h5
    expect_code 2
    expect_err 'out/best.json is a pipe'
    ! grep -qF -- --force "$TMP/.err" || fail 'advises --force'
    [ -p out/best.json ] || fail 'the pipe is gone'
done
expect_no_temporaries
rm -r out
if ! mknod nul c 1 3 2>/dev/null; then
    skip 'devices' 'mknod is not allowed'
else
    for force in '' --force; do
        not_a_file device rid-pairs $force --gt gt.json st.h5 -o nul
        [ -c nul ] || fail 'the device is gone'
    done
    rm nul
fi
refused 'a folder as the summary' 'kept is a directory' rid-manifest -o m st.h5 --summary-json kept
begin 'standard output stays an output'
run rid-pairs -q --gt gt.json -o - st.h5
expect_code 0
expect_out entry_id_a

# ---- folders ----

refused 'rid-sweep -o -' "give -o DIR" rid-sweep --gt gt.json -o - st.h5
expect_no_file ./-
if [ -x "$BIN/rid-train" ]; then
    refused 'rid-train -o -' "give -o RUN_DIR" rid-train --gt gt.json -o - st.h5
    refused 'rid-train --trace -' "give --trace DIR" rid-train --gt gt.json -o run --trace - st.h5
fi
refused 'rid-gt split -o -' 'give -o DIR' rid-gt split --gt gt.json -o -
refused 'a file where a folder is meant' 'gt.json is a file, and not a directory' rid-sweep --gt kept/gt.json -o gt.json --force st.h5

# ---- two outputs of one name ----

both() { # NAME OPTION OPTION COMMAND...
    refused "$1" "$2 and $3" "${@:4}"
}
both 'search: -o and --per-query' --per-query -o rid-eval search --gt gt.json --per-query x -o x st.h5
both 'manifest: -o and --errors' --errors -o rid-eval manifest --gt gt.json --errors x -o ./x m
both 'synth: -o and --gt' -o --gt rid-synth --people 2 -o x.jsonl --gt x.jsonl
both 'synth: --gt and --schema-out' --gt --schema-out rid-synth --people 2 -o x.jsonl --gt y --schema-out y
both 'encode: -o and --summary-json' -o --summary-json rid-encode --encoder mean -o x --summary-json x day.jsonl
both 'pairs: -o and --summary-json' -o --summary-json rid-pairs --gt gt.json -o x --summary-json kept/../x st.h5
both 'store: -o and --summary-json' -o --summary-json rid-store info -o x --summary-json x st.h5
both 'calibrate: -o and --ckpt-out' -o --ckpt-out \
    rid-calibrate --gt gt.json --ckpt model.pt -o x --ckpt-out x st.h5
both 'match: -o and --persist' -o --persist rid-match --encoder mean -o x --persist ./x day.jsonl
for name in surface.csv best.json report.html; do
    both "sweep: --summary-json in its folder, $name" --summary-json -o \
        rid-sweep --gt gt.json -o d/ --summary-json ./d/$name st.h5
done
both 'encode: its list of rejects' --summary-json -o \
    rid-encode --encoder mean -o x.h5 --summary-json x.h5.rejects.jsonl day.jsonl
both 'gt split: a part' --summary-json -o rid-gt split -q --gt gt.json -o parts --summary-json parts/test.json
if [ -x "$BIN/rid-train" ]; then
    both 'train: --summary-json in its folder' --summary-json -o \
        rid-train --gt gt.json -o run --summary-json run/model.pt st.h5
fi
ln -s x to-x
both 'a link to the other' -o --summary-json rid-pairs --gt gt.json -o x --summary-json to-x st.h5
rm to-x
both 'both to standard output' -o --summary-json rid-manifest -o - --summary-json - st.h5
both 'both to standard output, the option last' --per-query -o rid-eval search --gt gt.json --per-query - -o - st.h5
for command in 'pairs --gt gt.json st.h5' 'synth --people 2' 'match --encoder mean day.jsonl' \
    'eval search --gt gt.json st.h5' 'gt check --gt gt.json' 'store info st.h5'; do
    refused "--summary-json - and results: $command" '--summary-json - needs -o' rid-$command --summary-json -
done
refused '--per-query - and results' '--per-query - needs -o' rid-eval search --gt gt.json --per-query - st.h5
begin 'the summary and a file inside the folder of results, beside them'
run rid-sweep -q --gt gt.json --bootstrap 0 -o out --summary-json out/summary.json st.h5
expect_code 0
expect_file out/summary.json out/best.json
rm -r out
begin 'a dry run leaves standard output to the summary'
run rid-pairs -q --dry-run --gt gt.json --summary-json - st.h5
expect_code 0
expect_out '"tool":"rid-pairs"'

# ---- outputs over inputs ----

input() { # NAME TEXT COMMAND...
    refused "$@"
    expect_err 'input'
}
input 'the summary over ground truth' --summary-json rid-eval search --summary-json gt.json --gt gt.json st.h5
input 'ground truth, under another name' --summary-json rid-eval search --summary-json kept/../gt.json --gt gt.json st.h5
input 'pairs over the store' st.h5 rid-pairs --gt gt.json --force -o st.h5 st.h5
input 'a point over ground truth' --gt rid-calibrate --gt gt.json -o gt.json --force st.h5
input 'a store over its checkpoint' --ckpt rid-encode --ckpt model.pt --force -o model.pt day.jsonl
input 'the summary over the payloads' day.jsonl rid-encode --encoder mean -o x.h5 --summary-json day.jsonl day.jsonl
input 'an export over its store' st.h5 rid-store export --force -o st.h5 st.h5
input 'the warm store over itself' --warm rid-match --encoder mean --warm st.h5 --persist st.h5 --force day.jsonl
input 'gt split: a part' 'kept/gt.json' rid-gt split -q --gt kept/gt.json --names gt,rest --fractions 0.5,0.5 -o kept --force
ln gt.json other-name.json
ln -s gt.json link.json
input 'a hard link' --summary-json rid-eval search --summary-json other-name.json --gt gt.json st.h5
input 'a symbolic link' --summary-json rid-eval search --summary-json link.json --gt gt.json st.h5
rm other-name.json link.json
printf 'gt: gt.json\nsummary_json: gt.json\n' >c.yaml
input 'named in the configuration' --summary-json rid-pairs --config c.yaml st.h5
input 'the configuration itself' --config rid-pairs --config c.yaml --gt gt.json --summary-json c.yaml -o x st.h5
begin 'a command line that cannot be read leaves them, too'
for wrong in '--bogus' '--threads=x' '--set nothing'; do
    run rid-eval search --summary-json gt.json $wrong --gt gt.json st.h5
    expect_code 2
    run rid-pairs $wrong --summary-json st.h5 --gt gt.json -o x st.h5
    expect_code 2
    run rid-sweep $wrong --summary-json d/best.json --gt gt.json -o d st.h5
    expect_code 2
done
expect_inputs
expect_no_file x d
begin 'show: an entry id is no file'
id=$(grep -oP '"entry_id": *"\K[^"]*' day.jsonl | head -n 1)
run rid-store show -o "$id" st.h5 "$id"
expect_code 0
run rid-store show --force -o "$id" st.h5 "$id"
expect_code 0
rm -f "$id"
begin 'a store may replace itself: encode, merge'
cp st.h5 self.h5
run rid-encode -q --encoder mean --force -o self.h5 self.h5
expect_code 0
expect_same self.h5 st.h5
run rid-store merge -q --force -o self.h5 self.h5
expect_code 0

# ---- the summary replaces an older one, links are followed ----

begin 'the summary needs no --force'
echo old >s.json
run rid-pairs -q --gt gt.json -o pairs.csv --summary-json s.json st.h5
expect_code 0
expect_equal exit "$(json_value s.json exit)" 0
run rid-pairs -q --gt gt.json -o pairs.csv --summary-json s.json st.h5
expect_code 2
expect_equal exit "$(json_value s.json exit)" 2
begin 'a link stays, what it points to is replaced'
mkdir deep
cp pairs.csv before.csv
mv pairs.csv deep/real.csv
ln -s deep/real.csv pairs.csv
run rid-pairs -q --gt gt.json -o pairs.csv st.h5
expect_code 2
expect_err --force
echo old >deep/real.csv
run rid-pairs -q --gt gt.json -o pairs.csv --force st.h5
expect_code 0
[ -L pairs.csv ] || fail 'the link is gone'
expect_same deep/real.csv before.csv
expect_no_temporaries

# ---- a limit on the size of files ----

for command in 'rid-sweep --gt gt.json --bootstrap 0 -o limited st.h5' \
    'rid-encode --encoder mean -o limited st.h5' 'rid-synth --people 100 --vis-dim 64 -o limited' \
    'rid-manifest -o limited st.h5'; do
    begin "ulimit -f: ${command%% *}"
    run bash -c "ulimit -f 2; exec $command"
    expect_code 74
    expect_err 'File too large'
    expect_no_temporaries
    rm -rf limited
done
finish
