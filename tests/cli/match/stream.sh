# rid-match as a stream: answers in order and at once, bad lines, replays, replacement, warm stores,
# what is persisted, and rid-manifest's decisions bit for bit.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-match rid-encode rid-manifest rid-store rid-synth

# line ID X Y [MORE]: a payload with one frame
line() {
    printf '{"entry_id":"%s","day_id":"2025-11-06","embeddings":[[%s,%s]]%s}\n' "$1" "$2" "$3" "${4:-}"
}

# decisions FILE: "entry status match person score score2" of every event or answer, sorted
decisions() {
    tr '{' '\n' <"$1" | awk '
        function value(key,   at, rest) {
            at = index($0, "\"" key "\":")
            if (!at) return ""
            rest = substr($0, at + length(key) + 3)
            match(rest, /^("[^"]*"|[^,}]*)/)
            return substr(rest, 1, RLENGTH)
        }
        value("person_id") != "" { person = value("person_id") }
        value("status") != "" {
            print value("entry_id"), value("status"), value("match_id"), person, value("score"),
                value("score2")
        }' | sort
}

begin 'an answer a payload, bad ones in their place'
{ line a-1 1 0; echo 'not json'; line a-2 0.99 0.01; line a-3 0 1; } >in.jsonl
run rid-match --encoder mean --margin 0 in.jsonl
expect_code 3
expect_equal lines "$(wc -l <.out)" 4
expect_equal first "$(sed -n 1p .out | grep -c '"entry_id":"a-1".*"status":"new","match_id":null,"person_id":"a-0001","score":null,"score2":null')" 1
expect_equal bad "$(sed -n 2p .out | grep -c '^{"ok":false,"error":".*"line":2')" 1
expect_equal joined "$(sed -n 3p .out | grep -c '"status":"match","match_id":"a-1","person_id":"a-0001"')" 1
expect_equal other "$(sed -n 4p .out | grep -c '"status":"new","match_id":null,"person_id":"a-0002"')" 1

begin 'a coprocess is answered before it writes on'
coproc MATCH { rid-match -q --encoder mean --margin 0 2>/dev/null; }
for i in 1 2 3; do
    line "b-$i" "1" "0.0$i" >&"${MATCH[1]}"
    read -r -t 10 -u "${MATCH[0]}" answer || { fail "no answer to payload $i"; break; }
    [[ $answer == *"\"entry_id\":\"b-$i\""* ]] || fail "answer $i is $answer"
done
printf '{"entry_id":"b-4","embeddings":[[1,2\n' >&"${MATCH[1]}"
read -r -t 10 -u "${MATCH[0]}" answer || fail 'no answer to a line cut short'
[[ ${answer:-} == '{"ok":false'* ]] || fail "a line cut short was answered $answer"
pid=$MATCH_PID
eval "exec ${MATCH[1]}>&-"
wait "$pid"
expect_equal 'exit code' $? 3

begin 'a replay repeats the first answer'
{ line a-1 1 0; line a-2 1 0.1; line a-1 1 0; line a-2 1 0.1; } >in.jsonl
run rid-match -q --encoder mean --margin 0 in.jsonl
expect_code 0
expect_equal 'first again' "$(sed -n 3p .out)" "$(sed -n 1p .out)"
expect_equal 'second again' "$(sed -n 4p .out)" "$(sed -n 2p .out)"

begin 'changed contents replace the entry'
{ line a-1 1 0; line a-2 0 1; line a-1 0 1; line a-3 1 0; line a-1 0 1; } >in.jsonl
run rid-match -q --encoder mean --margin 0 in.jsonl
expect_code 0
expect_equal 'against the others' "$(sed -n 3p .out | grep -c '"match_id":"a-2".*"replaced":true')" 1
expect_equal 'the old row is gone' "$(sed -n 4p .out | grep -c '"status":"new".*"person_id":"a-0003"')" 1
expect_equal 'the new one repeats' "$(sed -n 5p .out)" "$(sed -n 3p .out)"

begin 'persist: what was seen, without what asks not to be'
{ line a-1 1 0; line a-2 0 1 ',"persist":false'; line a-3 1 1; line a-1 2 1; } >in.jsonl
run rid-match -q --encoder mean --persist kept.h5 in.jsonl
expect_code 0
expect_equal entries "$(rid-store list kept.h5 | cut -f1 | tr '\n' ' ')" 'a-1 a-3 '
run rid-store verify kept.h5
expect_code 0
run rid-match -q --encoder mean --persist kept.h5 in.jsonl
expect_code 2
expect_err kept.h5 --force

begin 'other ways to say no'
run rid-match -q in.jsonl
expect_code 2
expect_err '--ckpt' '--encoder mean'
run rid-match -q --encoder mean missing.jsonl
expect_code 66
: >empty.jsonl
run rid-match -q --encoder mean empty.jsonl
expect_code 66

# ---- against rid-manifest, on a synthetic day of two stores ----
rid-synth -q --people 25 --stores 2 --vis-dim 64 --emb-dim 32 --seed 5 \
    --schema-out schema.json --ckpt-out model.pt -o day.jsonl
for nn2 in neighbor identity; do
    rid-encode -q --ckpt model.pt --force -o day.h5 day.jsonl
    rid-manifest -q --threshold 0.9 --margin 0.01 --nn2 $nn2 --embeddings none --force -o docs day.h5
    cat docs/*/*.json >documents
    decisions documents >expected

    begin "the manifest's decisions, $nn2"
    run rid-match -q --ckpt model.pt --threshold 0.9 --margin 0.01 --nn2 $nn2 day.jsonl
    expect_code 0
    decisions .out >found
    expect_equal 'number of entries' "$(wc -l <found)" "$(wc -l <day.jsonl)"
    expect_same found expected

    begin "a warm store and the rest, $nn2"
    n=$(($(wc -l <day.jsonl) / 3))
    head -n "$n" day.jsonl >morning.jsonl
    tail -n +$((n + 1)) day.jsonl >afternoon.jsonl
    rid-encode -q --ckpt model.pt --force -o morning.h5 morning.jsonl
    run rid-match -q --ckpt model.pt --threshold 0.9 --margin 0.01 --nn2 $nn2 --warm morning.h5 \
        afternoon.jsonl
    expect_code 0
    decisions .out >found
    awk 'NR == FNR { asked[$1] } NR != FNR && $1 in asked' found expected >rest
    expect_same found rest

    begin "a replay of a warm entry, $nn2"
    run rid-match -q --ckpt model.pt --threshold 0.9 --margin 0.01 --nn2 $nn2 --warm day.h5 \
        morning.jsonl
    decisions .out >found
    awk 'NR == FNR { asked[$1] } NR != FNR && $1 in asked' found expected >rest
    expect_same found rest
done

begin 'a warm store of another encoder'
rid-encode -q --encoder mean --force -o mean.h5 day.jsonl
run rid-match -q --ckpt model.pt --warm mean.h5 day.jsonl
expect_code 78
expect_err 'another encoder'

begin 'frames are echoed when asked for'
line a-1 0.25 -1e-3 >in.jsonl
run rid-match -q --encoder mean --embeddings frames in.jsonl
expect_out '"embeddings":[[0.25,-0.001]]'
finish
