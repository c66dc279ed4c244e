# rid-eval manifest: figures by hand, against Python on the documents, against the cell of a sweep.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-manifest rid-sweep rid-eval

# Some entries without a time, one that cannot be matched, one whose camera is not known.
rid-synth -q --people 20 --stores 2 --days 1 --visits 1:6 --frames 2:3 --vis-dim 32 --cameras 3 \
    --visit-noise 0.6 --seed 3 --gt all.json -o synth.jsonl
zeros=$(awk 'BEGIN { for (i = 0; i < 32; i++) printf "%s0", i ? "," : "" }')
{
    sed -E '0~6 s/"timestamp": ?"[^"]*", ?//' synth.jsonl
    printf '{"entry_id":"nc0001-z","day_id":"%s","store_id":"nc0001","embeddings":[[%s]]}\n' $DAY "$zeros"
} >day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
grep -oE '"[^"]+": ?"[^"]+"' all.json >labels
{
    head -n 5 labels | sed -E 's/: ?"([^"]+)"/:{"person_id":"\1","include":false}/'
    sed -n '6,$p' labels | sed -n '0~9!p' | sed -E 's/: ?"([^"]+)"/:{"person_id":"\1"}/'
    echo '"nc0001-z":{"person_id":"nc0001-p0003"}'
    echo '"gone":{"person_id":"nc0001-p0003"}'
} | paste -sd, | sed 's/^/{"entry_map":{/; s/$/}}/' >gt.json
grep -oE '"[^"]+":\{"person_id":"[^"]+"\}' gt.json | sed -E 's/:\{"person_id":("[^"]+")\}/:\1/' | paste -sd, |
    sed 's/^/{/; s/$/}/' >plain.json

for rule in 'neighbor 0.6 0' 'identity 0.7 0.05' 'identity 0.5 0' 'neighbor 0.95 0.02'; do
    read -r nn2 threshold margin <<<"$rule"
    begin "as in the sweep: $rule"
    rid-manifest -q --force --threshold "$threshold" --margin "$margin" --nn2 "$nn2" --embeddings fused -o m day.h5
    run rid-eval manifest -q --gt gt.json --json --errors e.csv --bootstrap 200 --seed 3 -o r.json --force m
    expect_code 0
    expect_empty_out
    run rid-sweep -q --gt gt.json --threshold "$threshold" --margin "$margin" --nn2 "$nn2" --bootstrap 200 \
        --seed 3 --force -o sweep day.h5
    expect_code 0
    for name in persons true_persons pairwise_precision pairwise_recall pairwise_f1 bcubed_precision \
        bcubed_recall bcubed_f1 v_measure ari mated nonmated hits wrong_matches false_matches to_unlabelled \
        fnir fpir; do
        expect_equal $name "$(json_value r.json $name)" "$(json_value sweep/best.json $name)"
    done
    for name in pairwise_precision pairwise_f1 bcubed_recall fnir fpir; do
        interval=$(grep -oE '"intervals":\{.*' sweep/best.json | grep -oE "\"$name\":\[[^]]*" | head -n 1 | cut -d[ -f2)
        awk -v a="$(json_value r.json ${name}_low),$(json_value r.json ${name}_high)" -v b="$interval" 'BEGIN {
            split(a, x, ","); split(b, y, ","); for (i = 1; i <= 2; i++) if ((d = x[i] - y[i]) * d > 1e-20 || b == "") exit 1 }' ||
            fail "interval of $name: not $interval"
    done
    if /usr/bin/python3 -c '' 2>/dev/null; then
        begin "as Python counts it: $rule"
        run /usr/bin/python3 "$SRC/tests/cli/eval/manifest_oracle.py" plain.json r.json m e.csv
        expect_code 0
        expect_empty_out
    else
        skip "as Python counts it: $rule" 'no /usr/bin/python3'
    fi
done

begin 'what is not counted is told'
expect_equal skipped "$(json_value r.json skipped)" 1
expect_equal excluded "$(json_value r.json excluded)" 5
expect_equal gone "$(json_value r.json labels_without_entry)" 1
n=$(wc -l <day.jsonl)
expect_equal entries "$(json_value r.json entries)" "$n"
expect_equal unlabelled "$(json_value r.json unlabelled)" $((n - $(grep -o '"person_id":"[^"]*"}' gt.json | wc -l) + 1))

# Three persons: a, b, c. a-2 joins a-1 (a hit); b-1 joins a-2 (false); b-2 is new (a miss); c is new; c-2 is
# skipped (a miss, and a person of its own); x has no label.
begin 'by hand'
event() { # ID STATUS MATCH TIME CAMERA
    printf '{"entry_id":"%s","status":"%s","match_id":%s,"timestamp":"%sT%s:00Z","camera":%s,"score":0.5,"score2":-1}' \
        "$1" "$2" "$3" $DAY "$4" "$5"
}
person() { printf '{"person_id":"%s","events":[%s]}' "$1" "$2"; }
document() { printf '{"day_id":"%s","store_id":"s1","people":[%s]}\n' $DAY "$1"; }
document "$(person s1-0001 "$(event a-1 new null 08:00 '"x"'),$(event a-2 match '"a-1"' 08:30 '"y"'),$(event b-1 match '"a-2"' 09:00 '"x"'),$(event x match '"a-1"' 09:30 null)"),$(person s1-0002 "$(event b-2 new null 14:00 '"x"')"),$(person s1-0003 "$(event c-1 new null 14:30 null)"),$(person s1-0004 "$(event c-2 skip null 14:30 null)")" >hand.json
echo '{"a-1":"a","a-2":"a","b-1":"b","b-2":"b","c-1":"c","c-2":"c"}' >hand_gt.json
run rid-eval manifest -q --gt hand_gt.json --json --errors hand.csv -o hand_r.json hand.json
expect_code 0
# Pairs in one person: a1a2, a1b1, a2b1; of true ones a1a2, b1b2, c1c2.
expect_equal precision "$(json_value hand_r.json pairwise_precision | cut -c 1-8)" 0.333333
expect_equal recall "$(json_value hand_r.json pairwise_recall | cut -c 1-8)" 0.333333
# (2/3 + 2/3 + 1/3 + 1 + 1 + 1) / 6, (1 + 1 + 1/2 * 4) / 6
expect_equal 'B-cubed precision' "$(json_value hand_r.json bcubed_precision | cut -c 1-8)" 0.777777
expect_equal 'B-cubed recall' "$(json_value hand_r.json bcubed_recall | cut -c 1-8)" 0.666666
for figure in 'persons 4' 'true_persons 3' 'persons_error 1' 'mated 3' 'nonmated 3' 'hits 1' 'false_matches 1' \
    'wrong_matches 0' 'to_unlabelled 0' 'false_merges 1' 'splits 2' 'unlabelled 1' 'skipped 1'; do
    expect_equal "${figure% *}" "$(json_value hand_r.json "${figure% *}")" "${figure#* }"
done
expect_equal fnir "$(json_value hand_r.json fnir | cut -c 1-8)" 0.666666
expect_equal fpir "$(json_value hand_r.json fpir | cut -c 1-8)" 0.333333
expect_equal errors "$(cut -d, -f 1-10,15,18 hand.csv | tail -n +2 | tr '\n' ' ')" \
    "false_merge,$DAY,s1,b-1,a-2,b,a,0,s1-0001,s1-0001,a-2,1 split,$DAY,s1,b-2,b-1,b,b,1,s1-0002,s1-0001,,1 $(:
    )split,$DAY,s1,c-2,c-1,c,c,1,s1-0004,s1-0003,,1 "
grep -q '{"camera_a":"","camera_b":"","true_pairs":1,"predicted_pairs":0,' hand_r.json || fail 'no pair without cameras'
grep -q '{"camera_a":"x","camera_b":"y","true_pairs":1,"predicted_pairs":2,"hit_pairs":1,' hand_r.json ||
    fail 'no pair of x and y'
grep -q '{"gap":"10-60 min","mated":1,"hits":1,' hand_r.json || fail 'no hit after half an hour'
grep -q '{"gap":"over 4 h","mated":1,"hits":0,' hand_r.json || fail 'no miss after five hours'

begin 'the list of mistakes is a file of pairs'
run rid-eval manifest -q --pairs hand.csv --json hand.json
expect_code 0
expect_equal pairs "$(json_value .out pairs)" 3
expect_equal precision "$(json_value .out pairs_precision)" 0
expect_equal recall "$(json_value .out pairs_recall)" 0
expect_equal 'figures of ground truth' "$(grep -c pairwise .out)" 0

begin 'pairs: all of ground truth give its pairwise figures'
awk -F'"' 'BEGIN { RS = "," } { id[NR] = $2; person[NR] = $4; split($2, part, "-"); store[NR] = part[1] }
    END { print "qid,aid,label"
        for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++)
            print id[j] "," id[i] "," (person[i] == person[j] ? 1 : 0) }' plain.json >pairs.csv
run rid-eval manifest -q --gt gt.json --pairs pairs.csv --json m
expect_code 0
for name in precision recall f1; do
    expect_equal $name "$(json_value .out pairs_$name)" "$(json_value .out pairwise_$name)"
done
expect_equal 'pairs of the one that is nowhere' "$(json_value .out pairs_without_entry)" \
    "$(grep -c gone pairs.csv)"
[ "$(json_value .out pairs_across)" -gt 0 ] || fail 'no pairs across'

# What is not in the documents cannot be told from what has no label. Of camera x: a-2 joined a-1 of y and has no
# mate here, b-1 joined a-1, c-2 joined c-0 of y though c-1 is here: to the unlabelled; a-3 is a hit, b-2 is wrong.
begin 'a view: entries that joined one that is not in it'
document "$(person s1-0001 "$(event a-2 match '"a-1"' 08:10 '"x"'),$(event a-3 match '"a-2"' 08:20 '"x"'),$(event b-1 match '"a-1"' 08:30 '"x"'),$(event b-2 match '"a-3"' 08:40 '"x"')"),$(person s1-0002 "$(event c-1 new null 09:00 '"x"')"),$(person s1-0003 "$(event c-2 match '"c-0"' 09:10 '"x"')")" >part.json
echo '{"a-1":"a","a-2":"a","a-3":"a","b-1":"b","b-2":"b","c-0":"c","c-1":"c","c-2":"c"}' >part_gt.json
run rid-eval manifest --gt part_gt.json --json part.json
expect_code 0
for figure in 'mated 3' 'nonmated 3' 'hits 1' 'wrong_matches 1' 'false_matches 0' 'to_unlabelled 3' 'fpir 0'; do
    expect_equal "${figure% *}" "$(json_value .out "${figure% *}")" "${figure#* }"
done
expect_equal fnir "$(json_value .out fnir | cut -c 1-8)" 0.666666
expect_err '3 labelled entries joined an entry that is not in the documents'
grep -q '"visits":"2",[^}]*"mated":3,"nonmated":3,"hits":1,' .out || fail 'by visits'
run rid-eval manifest -q --gt part_gt.json --assert 'fnir <= 0.5' part.json
expect_code 4

begin 'a view by camera'
rid-manifest -q --threshold 0.6 --margin 0 --nn2 identity --camera cam01 --embeddings none -o view day.h5
run rid-eval manifest --gt all.json --json -o view.json view
expect_code 0
expect_err 'that is not in the documents'
[ "$(json_value view.json hits)" -gt 0 ] || fail 'no hits'
[ "$(json_value view.json to_unlabelled)" -gt 0 ] || fail 'none joined one that is not there'
for name in fnir fnir_low fnir_high fpir fpir_low fpir_high; do
    awk -v x="$(json_value view.json $name)" 'BEGIN { exit !(x != "null" && x >= 0 && x <= 1) }' ||
        fail "$name is $(json_value view.json $name)"
done
if /usr/bin/python3 -c '' 2>/dev/null; then
    begin 'a view by camera, as Python counts it'
    run /usr/bin/python3 "$SRC/tests/cli/eval/manifest_oracle.py" all.json view.json view
    expect_code 0
    expect_empty_out
else
    skip 'a view by camera, as Python counts it' 'no /usr/bin/python3'
fi

begin 'documents made in two ways'
rid-manifest -q --threshold 0.61 --margin 0 --nn2 identity --embeddings none --store nc0001 -o mixed day.h5
rid-manifest -q --threshold 0.6 --margin 0 --nn2 identity --embeddings none --store nc0002 -o mixed day.h5
run rid-eval manifest --gt gt.json --json mixed
expect_code 0
expect_err 'the documents were made in 2 ways'
grep -oE '"made_by":\[[^]]*\]' .out | grep -oE '"threshold":[0-9.]+' | sort | tr '\n' ' ' >made
expect_equal thresholds "$(cat made)" '"threshold":0.6 "threshold":0.61 '

begin 'as a table'
run rid-eval manifest --gt gt.json m
expect_code 0
expect_out 'pairwise_f1 ' 'BUCKET ' "$DAY, nc0001 " 'CAMERAS ' 'cam01, cam02' 'VISITS OF A PERSON' '10 or more' \
    'SINCE THE LAST VISIT' 'over 4 h'

begin 'documents that say less: the latest of the person is taken for the one joined'
sed -E 's/"(status|match_id|score|score2)":("[^"]*"|null|-?[0-9.]+),?//g; s/,}/}/g' hand.json >less.json
run rid-eval manifest --gt hand_gt.json --json less.json
expect_code 0
expect_err '3 entries do not say which entry they joined'
expect_equal hits "$(json_value .out hits)" 1
expect_equal false "$(json_value .out false_matches)" 1
expect_equal splits "$(json_value .out splits)" 2

begin 'compressed, and from standard input'
gzip -c hand.json >z.json.gz
run rid-eval manifest -q --gt hand_gt.json --json z.json.gz
expect_code 0
sed 's/"errors[^,]*,//' hand_r.json >a && expect_same .out a
rid-eval manifest -q --gt hand_gt.json --json - <hand.json >b
expect_same b a

begin 'nothing in it, one class, nobody twice'
document '' >empty.json
run rid-eval manifest -q --gt hand_gt.json --json --bootstrap 0 hand.json
expect_code 0
expect_equal 'no resamples' "$(json_value .out pairwise_f1_low)" null
run rid-eval manifest -q --gt hand_gt.json --json empty.json
expect_code 0
expect_equal entries "$(json_value .out entries)" 0
expect_equal ari "$(json_value .out ari)" null
expect_equal f1 "$(json_value .out pairwise_f1)" 1
run rid-eval manifest -q --gt hand_gt.json empty.json
expect_code 0
expect_out '(no labelled entry)' '(no mated search)'
echo '{"a-1":"a","a-2":"a","b-1":"a"}' >one.json
run rid-eval manifest -q --gt one.json --json hand.json
expect_code 0
expect_equal ari "$(json_value .out ari)" 1
expect_equal fpir "$(json_value .out fpir)" 0
echo '{"a-1":"a","b-2":"b","c-1":"c"}' >once.json
run rid-eval manifest -q --gt once.json --json hand.json
expect_code 0
expect_equal fnir "$(json_value .out fnir)" null
expect_equal f1 "$(json_value .out pairwise_f1)" 1

# Every entry names a camera of its own; people come twice, five minutes apart.
cameras() { # ENTRIES ENTRIES-OF-A-PERSON
    awk -v n="$1" -v of="$2" -v day=$DAY 'BEGIN {
        printf "{\"day_id\":\"%s\",\"store_id\":\"s1\",\"people\":[", day
        for (i = 0; i < n; i++) printf "%s{\"entry_id\":\"e%05d\",\"camera\":\"k%d\"}%s",
            i % of ? "," : (i ? "," : "") "{\"person_id\":\"p" i / of "\",\"events\":[", i, i, i % of == of - 1 ? "]}" : ""
        print "]}" }' >cameras.json
    awk -v n="$1" -v of="$2" 'BEGIN { for (i = 0; i < n; i++)
        printf "%s\"e%05d\":\"p%d\"", i ? "," : "{", i, i / of; print "}" }' >cameras_gt.json
}
begin 'as many cameras as entries'
cameras 20000 2
run rid-eval manifest -q --gt cameras_gt.json --json --bootstrap 0 -o cameras.out cameras.json
expect_code 0
expect_equal hits "$(json_value cameras.out hits)" 10000
expect_equal 'pairs of cameras' "$(grep -o '"camera_a":' cameras.out | wc -l)" 10000
grep -q '{"camera_a":"k19998","camera_b":"k19999","true_pairs":1,"predicted_pairs":1,"hit_pairs":1,' cameras.out ||
    fail 'not the last pair'
cameras 1500 1500
run rid-eval manifest -q --gt cameras_gt.json --bootstrap 0 cameras.json
expect_code 65
expect_err 'more than 1000000 pairs of cameras'

begin 'assertions'
run rid-eval manifest -q --gt hand_gt.json hand.json
expect_code 0
grep -qE '^persons_error +1$' .out || fail 'persons_error is not shown as a whole number'
run rid-eval manifest -q --gt hand_gt.json --json --assert 'false_matches == 1' --assert 'persons_error <= 1' hand.json
expect_code 0
expect_no_err
run rid-eval manifest -q --gt hand_gt.json --assert 'fpir<=0.01' --assert 'hits == 1' --assert 'pairwise_f1 > 0.9' \
    -o out.txt hand.json
expect_code 4
expect_err 'assertion failed: fpir<=0.01: fpir is 0.333' 'assertion failed: pairwise_f1 > 0.9: pairwise_f1 is 0.333' \
    '2 of 3 assertions failed'
expect_file out.txt
run rid-eval manifest -q --gt once.json --assert 'fnir < 1' hand.json
expect_code 4
expect_err 'fnir is not defined (no mated search)'
finish
