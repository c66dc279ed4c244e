# modes: release
# A training run that was killed (SIGKILL at random moments, and at every write, fsync and rename of a
# save) or stopped (SIGTERM) goes on with --resume and ends in the bytes of one that was left alone.
# KILLS: how many random moments (default 20).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode
source "$SRC/tests/fault/harness.bash"
KILLS=${KILLS:-20}
RANDOM=${SEED:-20251106}

rid-synth -q --noise 2 --people 24 --visits 1:4 --vis-dim 24 -o day.jsonl --gt gt.json \
    --schema-out attr_schema.json
rid-encode -q --encoder mean -o day.h5 day.jsonl
settings=(--gt gt.json --p 8 --k 3 --emb-dim 16 --warmup 3 --epochs 24 --val-every 3 --save-every 0
    --patience 6 --threads 1)
train() { rid-train -q "${settings[@]}" -o "$@" day.h5; }
# What must not depend on where a run was stopped. metrics.jsonl: all but the speed.
expect_same_run() { # FOLDER FOLDER
    expect_same "$1/model.pt" "$2/model.pt"
    expect_same "$1/last.pt" "$2/last.pt"
    expect_equal 'metrics' "$(sed 's/,"entries_per_s":[^,}]*//' "$1/metrics.jsonl" | cksum)" \
        "$(sed 's/,"entries_per_s":[^,}]*//' "$2/metrics.jsonl" | cksum)"
}

begin 'same seed, same bytes; another seed, others'
run train whole --ablate --refit
expect_code 0
run train again --ablate --refit
expect_code 0
expect_same_run whole again
run train other --ablate --refit --seed 1
expect_code 0
expect_different whole/model.pt other/model.pt
n_lines=$(wc -l <whole/metrics.jsonl)

begin "SIGKILL at $KILLS random moments"
settings+=(--ablate --refit)
killed=0
for ((k = 0; k < KILLS && $(test -z "$test_why" && echo 1 || echo 0); k++)); do
    rm -rf stopped
    # after so many epochs (0: while the data are read and the starts are measured), and a little
    after=$((RANDOM % (n_lines + 1)))
    train stopped >/dev/null 2>&1 &
    pid=$!
    for ((tries = 0; tries < 3000; tries++)); do
        [ "$(cat stopped/metrics.jsonl 2>/dev/null | wc -l)" -lt $after ] && kill -0 $pid 2>/dev/null || break
        sleep 0.002
    done
    sleep 0.00$((RANDOM % 10))
    kill -KILL $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
    [ $? != 137 ] || killed=$((killed + 1))
    if [ -e stopped/resume.state ]; then
        run train stopped --resume
    else
        run train stopped --force
    fi
    expect_code 0
    expect_same_run stopped whole
    [ -z "$test_why" ] || fail "killed after $after lines of metrics"
    expect_no_temporaries stopped
done
echo "# $killed of $KILLS runs were killed in time"
[ $killed -ge $((KILLS / 2)) ] || fail "only $killed runs were killed"

begin 'SIGKILL at the calls of a save'
settings=(--gt gt.json --p 8 --k 3 --emb-dim 16 --init random --max-steps 4 --val-every 2 --save-every 0
    --threads 1)
run train short
expect_code 0
out=$PWD/stopped
rm -rf stopped
FAULT_DIR=$out FAULT_LOG=$PWD/calls LD_PRELOAD=$PRELOAD train stopped >/dev/null 2>&1
n=$(grep -cvE '^[0-9]+ close ' calls)
killed=0
step=$((n / ${SAVE_KILLS:-24} + 1))
for ((at = 1 + RANDOM % step; at <= n; at += step)); do
    rm -rf stopped
    command=(train stopped)
    { run_with_fault write,fsync,rename,create,unlink,truncate,mkdir,msync $at kill-before; } 2>/dev/null
    [ $CODE = 137 ] && killed=$((killed + 1)) || expect_code 0
    if [ -e stopped/resume.state ]; then run train stopped --resume; else run train stopped --force; fi
    expect_code 0
    expect_same_run stopped short
    [ -z "$test_why" ] || { fail "killed before call $at"; break; }
done
[ $killed -ge 12 ] || fail "only $killed runs were killed"

begin 'SIGTERM: saves, exit 143, and goes on'
settings=(--gt gt.json --p 8 --k 3 --emb-dim 16 --epochs 100000 --val-every 1000 --save-every 1000
    --threads 1)
COMMAND='rid-train, SIGTERM'
rid-train "${settings[@]}" -o term day.h5 2>"$TMP/.err" &
pid=$!
for ((tries = 0; tries < 3000; tries++)); do
    [ "$(cat term/metrics.jsonl 2>/dev/null | wc -l)" -lt 40 ] || break
    sleep 0.01
done
kill -TERM $pid
wait $pid
CODE=$?
expect_code 143
expect_err 'interrupted by SIGTERM' '--resume'
expect_file term/resume.state term/last.pt
expect_no_temporaries term
stopped_at=$(wc -l <term/metrics.jsonl)
[ "$stopped_at" -ge 40 ] || fail "stopped after $stopped_at epochs"
run train term --resume --epochs $((stopped_at + 10))
expect_code 0
expect_equal 'epochs' "$(tail -n 1 term/metrics.jsonl | grep -oP '"epoch":\K[0-9]+')" $((stopped_at + 10))

begin '--resume with other settings or data is refused, and says what changed'
settings=(--gt gt.json --p 8 --k 3 --emb-dim 16 --init random --max-steps 4 --save-every 0 --threads 1)
run train base
expect_code 0
cp -a base before
run train base --resume --lr 1e-2
expect_code 2
expect_err 'lr (was 0.0003, is 0.01)'
run train base --resume --seed 5 --margin 0.4
expect_code 2
expect_err seed margin
head -n 30 day.jsonl >less.jsonl
rid-encode -q --encoder mean -o less.h5 less.jsonl
run rid-train "${settings[@]}" -o base --resume less.h5
expect_code 2
expect_err data
expect_same base/resume.state before/resume.state
expect_same base/model.pt before/model.pt
run train base --resume --max-steps 8
expect_code 0

begin 'a run that is there is refused'
run train base
expect_code 2
expect_err '--resume' '--force'
run train base --force
expect_code 0

begin 'a damaged state is refused'
cp base/resume.state good.state
printf 'x' | dd of=base/resume.state bs=1 seek=2000 conv=notrunc status=none
run train base --resume
expect_code 65
expect_err resume.state
head -c 3000 good.state >base/resume.state
run train base --resume
expect_code 65

finish
