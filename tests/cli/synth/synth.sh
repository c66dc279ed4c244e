# rid-synth: the same seed gives the same bytes; its outputs fit each other and the other tools.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth
small=(rid-synth -q --people 8 --stores 2 --days 2 --vis-dim 16 --emb-dim 6)

begin 'the same seed gives the same bytes, on any number of threads'
for threads in 1 2 7; do
    run "${small[@]}" --seed 3 --threads $threads -o t$threads.jsonl --gt gt$threads.json \
        --schema-out s$threads.json --ckpt-out m$threads.pt
    expect_code 0
    expect_no_err
    for f in t.jsonl gt.json s.json m.pt; do
        expect_same "${f%%.*}1.${f#*.}" "${f%%.*}$threads.${f#*.}"
    done
done
begin 'another seed gives other bytes'
run "${small[@]}" --seed 4 -o other.jsonl --ckpt-out other.pt
expect_code 0
! cmp -s other.jsonl t1.jsonl || fail 'the payloads are the same'
! cmp -s other.pt m1.pt || fail 'the encoder is the same'

begin 'standard output is the default, and the same'
run "${small[@]}" --seed 3
expect_code 0
expect_same "$TMP/.out" t1.jsonl

begin 'a directory: a file for each bucket'
run "${small[@]}" --seed 3 -o folder/
expect_code 0
expect_equal files "$(cd folder && find . -type f | sort | tr '\n' ' ')" \
    './2025-11-06/nc0001.jsonl ./2025-11-06/nc0002.jsonl ./2025-11-07/nc0001.jsonl ./2025-11-07/nc0002.jsonl '
expect_same <(cat folder/*/*.jsonl) t1.jsonl

begin 'ground truth names every entry once, and nothing else'
grep -oP '"entry_id":"\K[^"]*' t1.jsonl | sort >entries
grep -oP '^"\K[^"]*(?=": ")' gt1.json | sort >labelled
expect_same entries labelled
expect_equal 'different entries' "$(sort -u entries | wc -l)" "$(wc -l <t1.jsonl)"
begin 'as many persons as asked for'
expect_equal persons "$(grep -oP '": "\K[^"]*' gt1.json | sort -u | wc -l)" 16

begin 'numbers as Python writes them, or as short as float32 allows: the same payloads'
run "${small[@]}" --seed 3 --digits float -o short.jsonl
expect_code 0
[ "$(stat -c %s short.jsonl)" -lt "$(stat -c %s t1.jsonl)" ] || fail 'not shorter'
rid-encode -q --encoder mean -o long.h5 t1.jsonl
rid-encode -q --encoder mean -o short.h5 short.jsonl
expect_same long.h5 short.h5

for fusion in baseline xattn; do
    for pool in attention mean; do
        for attrs in on off; do
            begin "an encoder: $fusion, $pool, attributes $attrs"
            rm -f e.h5
            run "${small[@]}" --force --fusion $fusion --pool $pool --attrs $attrs -o e.jsonl --ckpt-out e.pt
            expect_code 0
            run rid-encode --ckpt e.pt -o e.h5 e.jsonl
            expect_code 0
        done
    done
done

begin 'mean, threshold 0.88, margin 0.02 and identity find most visits'
rid-synth -q --people 30 --stores 1 --vis-dim 256 -o day.jsonl --gt day.gt
rid-encode -q --encoder mean -o day.h5 day.jsonl
run rid-manifest --nn2 identity --embeddings none -o day.json day.h5
people=$(json_value day.json person_count)
{ [ "$people" -ge 27 ] && [ "$people" -le 36 ]; } || fail "$people people instead of 30"

begin 'nobody: an encoder alone'
run rid-synth --people 0 --vis-dim 16 --ckpt-out alone.pt
expect_code 0
expect_empty_out
expect_file alone.pt

# ---- usage and outputs ----

usage() { # NAME ARGUMENT...
    begin "usage: $1"
    shift
    run rid-synth "$@"
    expect_code 2
    expect_empty_out
    expect_err "try 'rid-synth --help'"
}
usage 'an argument' day.jsonl
usage 'visits the wrong way round' --visits 4:1
usage 'visits that are no range' --visits x
usage 'a day that does not exist' --first-day 2025-02-29
usage 'a probability above 1' --outliers 1.5
usage 'no numbers in a frame' --vis-dim 0
begin 'usage: payloads and summary to standard output'
run rid-synth --people 1 --summary-json -
expect_code 2
expect_equal 'lines of standard output, the summary' "$(wc -l <"$TMP/.out")" 1

begin 'an existing output is refused before any work'
for f in -o --gt --schema-out --ckpt-out; do
    rm -f fresh.jsonl
    echo old >old
    case $f in
    -o) run rid-synth --people 3 -o old ;;
    *) run rid-synth --people 3 -o fresh.jsonl $f old ;;
    esac
    expect_code 2
    expect_equal "old ($f)" "$(cat old)" old
    expect_no_file fresh.jsonl
done
begin 'a bucket that exists is refused'
run "${small[@]}" -o folder/
expect_code 2
begin 'force replaces'
run "${small[@]}" --seed 3 --force -o folder/
expect_code 0
expect_same <(cat folder/*/*.jsonl) t1.jsonl
begin 'a dry run writes nothing'
run rid-synth --people 3 --dry-run -o dry.jsonl --gt dry.gt --ckpt-out dry.pt
expect_code 0
expect_no_file dry.jsonl dry.gt dry.pt
expect_err 'would write'
begin 'summary'
run "${small[@]}" --seed 3 --force -o t1.jsonl --summary-json s.json
expect_code 0
expect_equal entries "$(json_value s.json entries)" "$(wc -l <t1.jsonl)"
expect_equal bytes "$(json_value s.json bytes)" "$(stat -c %s t1.jsonl)"
expect_equal buckets "$(json_value s.json buckets)" 4
expect_equal exit "$(json_value s.json exit)" 0
begin 'a folder that is not there'
run rid-synth --people 1 --gt gone/gt.json -o x.jsonl
expect_code 66 74
expect_no_temporaries
begin 'help and version'
run rid-synth --help
expect_code 0
expect_out '--visits'
run rid-synth --version
expect_code 0
expect_out "rid-synth $(cat "$SRC/VERSION")"
finish
