# SIGINT and SIGTERM in the middle of a run, and readers that go away.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth rid-eval

rid-synth -q --people 6 --vis-dim 16 -o day.jsonl
good a >a.jsonl
mkfifo pipe
exec 9<>pipe # so that it never ends

wait_for() { # CONDITION: at most 10 s
    local k
    for k in {1..500}; do
        eval "$1" && return 0
        sleep 0.02
    done
    fail "waited in vain for: $1"
}
temporaries() { find . -name '*.rid-tmp-*' | grep -q .; }

# NAME SIGNAL CODE COMMAND...: the command reads from the pipe, which breaks off in the middle
interrupt() {
    local signal=$2 code=$3 pid
    begin "$1"
    shift 3
    COMMAND="$* <pipe, SIG$signal"
    "$@" <pipe >"$TMP/.out" 2>"$TMP/.err" &
    pid=$!
    wait_for temporaries
    { cat day.jsonl; head -c 500 day.jsonl; } >&9
    sleep 0.1
    kill -s "$signal" $pid
    wait $pid
    CODE=$?
    expect_code "$code"
    expect_err "interrupted by SIG$signal"
    expect_no_temporaries
    dd if=pipe of=/dev/null bs=1M iflag=nonblock status=none 2>/dev/null # what was not read
}
interrupt 'SIGINT: exit 130, nothing written' INT 130 rid-encode --encoder mean -o o.h5 --summary-json s.json -
expect_no_file o.h5
expect_equal 'exit in the summary' "$(json_value s.json exit)" 130
interrupt 'SIGTERM: exit 143, nothing written' TERM 143 rid-encode --encoder mean -o o.h5 --summary-json s.json -
expect_no_file o.h5
expect_equal 'exit in the summary' "$(json_value s.json exit)" 143
rid-encode -q --encoder mean -o o.h5 a.jsonl
cp o.h5 before.h5
interrupt 'SIGINT: the old output stays' INT 130 rid-encode --encoder mean --force -o o.h5 -
expect_same o.h5 before.h5
interrupt 'SIGTERM: the old output stays' TERM 143 rid-encode --encoder mean --force -o o.h5 day.jsonl -
expect_same o.h5 before.h5
interrupt 'SIGTERM: with rejects' TERM 143 rid-encode --encoder mean --force -o o.h5 <(echo '{"a') -
expect_same o.h5 before.h5
expect_no_file o.h5.rejects.jsonl

begin 'SIGTERM in the middle of work'
rid-synth -q --people 300 --vis-dim 512 -o many.jsonl
COMMAND='rid-encode … , SIGTERM'
rid-encode --encoder mean --threads 1 --force -o o.h5 many.jsonl many.jsonl many.jsonl many.jsonl 2>"$TMP/.err" &
pid=$!
wait_for temporaries
sleep 0.05
kill -TERM $pid
wait $pid
CODE=$?
expect_code 143
expect_same o.h5 before.h5
expect_no_temporaries

begin 'rid-synth: SIGTERM: nothing written'
COMMAND='rid-synth … , SIGTERM'
rid-synth --people 100000 --threads 1 -o big.jsonl --gt gt.json 2>"$TMP/.err" &
pid=$!
wait_for temporaries
sleep 0.1
kill -TERM $pid
wait $pid
CODE=$?
expect_code 143
expect_no_file big.jsonl gt.json
expect_no_temporaries

begin 'rid-synth: SIGINT: nothing written'
COMMAND='rid-synth … , SIGINT'
rid-synth --people 100000 --threads 1 -o big.jsonl 2>"$TMP/.err" &
pid=$!
wait_for temporaries
kill -INT $pid
wait $pid
CODE=$?
expect_code 130
expect_no_file big.jsonl
expect_no_temporaries

begin 'rid-eval diff: SIGTERM among the resamples: nothing written'
rid-synth -q --people 1000 --frames 1:1 --vis-dim 16 --gt crowd.json -o crowd.jsonl
rid-encode -q --encoder mean -o crowd.h5 crowd.jsonl
rid-manifest -q --embeddings none -o crowd crowd.h5
COMMAND='rid-eval diff, SIGTERM'
rid-eval diff --gt crowd.json --bootstrap 100000 -o figures.txt crowd crowd 2>"$TMP/.err" &
pid=$!
wait_for temporaries
sleep 0.2
kill -TERM $pid
wait $pid
CODE=$?
expect_code 143
expect_err 'interrupted by SIGTERM'
expect_no_file figures.txt
expect_no_temporaries

# ---- readers that go away ----

begin 'rid-synth: its reader goes away: no signal, exit 74'
COMMAND='rid-synth | head -n 1'
{ rid-synth --people 2000 --vis-dim 64 2>"$TMP/.err"; echo $? >code; } | head -n 1 >first.jsonl
CODE=$(cat code)
expect_code 74
expect_err 'closed by its reader'
expect_equal 'lines' "$(wc -l <first.jsonl)" 1

begin 'rid-manifest: its reader goes away'
rid-encode -q --encoder mean --force -o many.h5 many.jsonl
COMMAND='rid-manifest -o - | head -c 1'
{ rid-manifest -o - many.h5 2>"$TMP/.err"; echo $? >code; } | head -c 1 >first
CODE=$(cat code)
expect_code 74

begin 'standard output closed'
COMMAND='rid-manifest -o - >&-'
rid-manifest --embeddings none -o - many.h5 >&- 2>"$TMP/.err"
CODE=$?
expect_code 74
begin 'standard input closed'
COMMAND='rid-encode - <&-'
rid-encode --encoder mean --force -o x.h5 - <&- 2>"$TMP/.err"
CODE=$?
expect_code 66 74
expect_no_file x.h5
begin 'standard error closed'
COMMAND='rid-encode 2>&-'
rid-encode --encoder mean --force -o x.h5 a.jsonl 2>&-
CODE=$?
expect_code 0
expect_ids x.h5 a
begin 'all three closed'
rm -f x.h5
rid-encode --encoder mean -o x.h5 a.jsonl <&- >&- 2>&-
CODE=$?
expect_code 0
expect_ids x.h5 a
finish
