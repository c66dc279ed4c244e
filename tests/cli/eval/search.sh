# rid-eval search: by hand, against numpy on the store, the same bytes for any number of threads, real data.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-eval

# Six entries of four numbers at angles 0°, 10°, … 50°, of persons a b a a b c; the sixth names no camera.
entry() { # ID ANGLE CAMERA
    awk -v id="$1" -v day=$DAY -v angle="$2" -v camera="$3" 'BEGIN {
        x = angle * atan2(0, -1) / 180
        printf "{\"entry_id\":\"%s\",\"day_id\":\"%s\",\"store_id\":\"s1\",", id, day
        if (camera != "") printf "\"camera\":\"%s\",", camera
        printf "\"embeddings\":[[%.9f,%.9f,0,0]]}\n", cos(x), sin(x) }'
}
{ entry e0 0 x; entry e1 10 y; entry e2 20 x; entry e3 31 z; entry e4 40 y; entry e5 50 ''; } >p.jsonl
rid-encode -q --encoder mean -o s.h5 p.jsonl
echo '{"e0":"a","e1":"b","e2":"a","e3":"a","e4":"b","e5":"c"}' >gt.json

figure() { # FILE NAME EXPECTED: the first eight characters
    expect_equal "$2" "$(json_value "$1" "$2" | cut -c 1-8)" "$3"
}

# e0 (a): e1 e2 e3 e4 e5: AP (1/2 + 2/3)/2. e1 (b): e0 e2 (at 10° both) e3 e4: 1/4. e2 (a): e1 e3 e0:
# (1/2 + 2/3)/2. e3 (a): e4 e2 e5 e1 e0: (1/2 + 2/5)/2. e4 (b): e3 e5 e2 e1: 1/4. e5 (c) has nobody.
begin 'leave-one-out by hand'
run rid-eval search -q --gt gt.json --json --per-query q.csv -o r.json s.h5
expect_code 0
expect_no_err
figure r.json map 0.423333
figure r.json rank1 0
figure r.json rank5 1
figure r.json minp 0.446666
figure r.json queries 5
figure r.json queries_without_positive 1
expect_equal 'CMC' "$(grep -o '"cmc":\[[^]]*' r.json | cut -d, -f1-5)" '"cmc":[0,0.6,0.6,1,1'
expect_equal 'e4' "$(grep '^e4,' q.csv | cut -d, -f1-6)" 'e4,b,1,4,0.25,0.25'
expect_equal 'e5' "$(grep '^e5,' q.csv | cut -d, -f1-7)" 'e5,c,0,,,,'
run rid-eval search -q --gt gt.json s.h5
expect_code 0
expect_out 'map                         0.423333'

# e0 loses e2: e1 e3: 1/2. e1 and e4 lose one another. e2 loses e0: e1 e3: 1/2. e3: as before.
begin 'without the same camera, by hand'
run rid-eval search --gt gt.json --exclude-same camera --json -o c.json s.h5
expect_code 0
expect_err '1 labelled entry names no camera'
figure c.json map 0.483333
figure c.json queries 3

# e0: e2 e3 e4: 1; e1: e2 e3 e4: 1/3.
begin 'queries by a list of ids'
printf 'e0\r\n\ne1 \nnobody\ne5' >ids
run rid-eval search --gt gt.json --query-ids ids --json --per-query q.csv --force -o i.json s.h5
expect_code 0
expect_err '1 id of ids: of no entry'
figure i.json map 0.666666
figure i.json queries_without_positive 1
expect_equal 'rows of queries' "$(wc -l <q.csv)" 4

begin 'ids from standard input, and compressed'
rid-eval search -q --gt gt.json --query-ids - --json s.h5 <ids >.out 2>.err
expect_equal exit $? 0
expect_same .out i.json
gzip -c ids >ids.gz
run rid-eval search -q --gt gt.json --query-ids ids.gz --json s.h5
expect_code 0
expect_same .out i.json

begin 'queries in a store of their own'
head -n 2 p.jsonl >probe.jsonl
tail -n 1 p.jsonl >>probe.jsonl
sed -n 3,5p p.jsonl >gallery.jsonl
rid-encode -q --encoder mean -o probe.h5 probe.jsonl
rid-encode -q --encoder mean -o gallery.h5 gallery.jsonl
run rid-eval search -q --gt gt.json --query probe.h5 --json -o p.json gallery.h5
expect_code 0
for name in map minp rank1 rank5 auc eer dprime queries queries_without_positive fnir_fpir_1e1 leave_one_out; do
    expect_equal $name "$(json_value p.json $name)" "$(json_value i.json $name)"
done
run rid-eval search -q --gt gt.json --query probe.h5 --json -o both.json s.h5
expect_code 0 # an entry of both is a query
expect_equal 'the same' "$(json_value both.json map)" "$(json_value p.json map)"

begin 'assertions'
run rid-eval search -q --gt gt.json --assert 'map > 0.4' --assert 'rank5 == 1' s.h5
expect_code 0
run rid-eval search -q --gt gt.json --assert 'rank1 > 0.4' s.h5
expect_code 4
expect_err 'rank1 is 0'

begin 'one class: what is not defined is null'
echo '{"e0":"a","e2":"a","e3":"a"}' >one.json
run rid-eval search -q --gt one.json --json -o one_r.json s.h5
expect_code 0
for name in auc eer dprime tar_far_1e2; do expect_equal $name "$(json_value one_r.json $name)" null; done
figure one_r.json map 1
figure one_r.json fnir_fpir_1e3 0
figure one_r.json unlabelled 3

begin 'nobody twice: no query has a positive'
echo '{"e0":"a","e1":"b"}' >two.json
run rid-eval search --gt two.json --json -o two_r.json s.h5
expect_code 0
expect_err 'warning: no query has a positive' '(queries: 2)'
for name in map rank1 minp auc fnir_fpir_1e1; do expect_equal $name "$(json_value two_r.json $name)" null; done
figure two_r.json queries_without_positive 2
expect_equal 'CMC' "$(grep -o '"cmc":\[[^]]*\]' two_r.json)" '"cmc":[]'
run rid-eval search -q --gt two.json --rerank 20,6,0.3 --assert 'map >= 0' s.h5
expect_code 4

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    run rid-eval search "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
}
echo '{"x":"P"}' >other.json
refused 'no ground truth' 2 'no ground truth' s.h5
refused 'no store' 2 'no store given' --gt gt.json
refused 'labels of other entries' 65 'no entry of the stores has a label' --gt other.json s.h5
refused 're-ranking that is none' 2 "'20,6' is not K1,K2,LAMBDA" --gt gt.json --rerank 20,6 s.h5
refused 're-ranking out of range' 2 'LAMBDA from 0 to 1' --gt gt.json --rerank 20,6,2 s.h5
refused 'two ways to name queries' 2 'give one of them' --gt gt.json --query s.h5 --query-ids ids s.h5
echo nobody >nobody
refused 'ids of nobody' 65 'nobody: no line is the id of an entry of the stores (1 id)' --gt gt.json --query-ids nobody s.h5
refused 'a list that is not there' 66 'nowhere' --gt gt.json --query-ids nowhere s.h5
refused 'a store that is not there' 66 'nowhere.h5' --gt gt.json nowhere.h5
refused 'an unknown policy' 2 'exclude-same' --gt gt.json --exclude-same person s.h5
refused 'a figure that is none here' 2 "no figure 'pairwise_f1'" --gt gt.json --assert 'pairwise_f1 > 0' s.h5

begin 'existing files are refused, and nothing is written in a dry run'
run rid-eval search -q --gt gt.json --per-query q.csv -o new.json s.h5
expect_code 2
expect_no_file new.json
run rid-eval search -q --gt gt.json --dry-run --per-query dry.csv -o dry.json s.h5
expect_code 0
expect_no_file dry.csv dry.json
expect_no_temporaries

# ---- against numpy ----

rid-synth -q --people 25 --stores 2 --days 1 --visits 1:7 --frames 2:3 --vis-dim 24 --cameras 3 \
    --visit-noise 0.8 --seed 5 --gt all.json -o synth.jsonl
zeros=$(awk 'BEGIN { for (i = 0; i < 24; i++) printf "%s0", i ? "," : "" }')
{
    sed -E '0~7 s/"camera": ?"[^"]*", ?//' synth.jsonl
    printf '{"entry_id":"nc0001-z","day_id":"%s","store_id":"nc0001","embeddings":[[%s]]}\n' $DAY "$zeros"
} >day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
grep -oE '"[^"]+": ?"[^"]+"' all.json | sed '0~8d' | { cat; echo '"nc0001-z":"nc0001-p0003"'; } | paste -sd, |
    sed 's/^/{/; s/$/}/' >day_gt.json
grep -oE '"entry_id": ?"[^"]+"' day.jsonl | cut -d'"' -f4 | sed -n '0~3p' >day_ids

oracle() { # NAME GT STORE [IDS]: of q.csv and r.json
    if ! /usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null; then
        skip "$1" 'no h5py or numpy for /usr/bin/python3'
        return
    fi
    run /usr/bin/python3 "$SRC/tests/cli/eval/search_oracle.py" "$2" "$3" r.json q.csv ${4+"$4"}
    expect_code 0
    expect_empty_out
}
for how in '' '--within bucket' '--exclude-same camera' '--query-ids day_ids' '--rerank 8,3,0.3' \
    '--rerank 20,6,0.3 --within bucket --exclude-same camera' '--rerank 5,1,0 --query-ids day_ids'; do
    name="as numpy has it: ${how:-leave-one-out}"
    begin "$name"
    # shellcheck disable=SC2086
    run rid-eval search -q --gt day_gt.json $how --json --per-query q.csv -o r.json --force --threads 1 day.h5
    expect_code 0
    for cpu in '' x86-64; do
        # shellcheck disable=SC2086
        run env RID_CPU=$cpu rid-eval search -q --gt day_gt.json $how --json --per-query q3.csv -o r3.json --force \
            --threads 3 day.h5
        expect_code 0
        [ -n "$cpu" ] || { expect_same r.json r3.json; expect_same q.csv q3.csv; }
    done
    if [ "${how/query-ids/}" = "$how" ]; then oracle "$name" day_gt.json day.h5; else
        oracle "$name" day_gt.json day.h5 day_ids; fi
done

begin 'numpy would notice'
sed -E 's/"map":0\.([0-9])/"map":0.0\1/' r.json >wrong.json
if /usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null; then
    run /usr/bin/python3 "$SRC/tests/cli/eval/search_oracle.py" day_gt.json day.h5 wrong.json q.csv day_ids
    expect_out 'map is 0.0'
else
    skip 'numpy would notice' 'no h5py or numpy for /usr/bin/python3'
fi

begin 'AVX2 and AVX-512 give the same bytes'
if grep -qw avx512dq /proc/cpuinfo; then
    for cpu in avx2 avx512; do
        run env RID_CPU=$cpu rid-eval search -q --gt day_gt.json --rerank 8,3,0.3 --json -o $cpu.json day.h5
        expect_code 0
    done
    expect_same avx2.json avx512.json
else
    skip 'AVX2 and AVX-512 give the same bytes' 'no AVX-512 here'
fi

if [ "$MODE" = release ]; then
    # A matrix of 8,004 by 8,004 numbers takes 256 MB.
    begin 'memory does not grow with the square of the entries'
    rid-synth -q --people 667 --stores 4 --visits 3:3 --frames 1:1 --vis-dim 16 --gt many.json -o - |
        rid-encode -q --encoder mean --frames none -o many.h5 -
    run rid-eval search -q --gt many.json --rerank 20,6,0.3 --summary-json summary.json -o many.txt many.h5
    expect_code 0
    expect_at_most 'peak memory' "$(json_value summary.json peak_rss_bytes)" 100000000
fi

# ---- real data ----

DATA=${RID_DATA:-$SRC/../shared/data}
if [ "$MODE" != release ] || [ ! -d "$DATA/omniglot" ]; then
    skip 'real data' "only where it is there, and with the release build"
    finish
fi
for set in omniglot/eval librispeech/test-clean; do
    gt=$DATA/${set%/*}/gt_${set#*/}.json
    rid-encode -q --encoder mean --force -o real.h5 "$DATA/$set.jsonl.gz"
    for how in '' '--rerank 20,6,0.3'; do
        begin "$set, ${how:-cosine}"
        # shellcheck disable=SC2086
        run rid-eval search -q --gt "$gt" $how --json --per-query q.csv -o r.json --force real.h5
        expect_code 0
        oracle "$set, ${how:-cosine}" "$gt" real.h5
    done
done
finish
