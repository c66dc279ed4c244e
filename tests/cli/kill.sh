# modes: release
# Killed (SIGKILL) at random moments, and around every write, fsync, rename, creation and removal:
# the output is the old one or the complete new one, the next run succeeds, and no temporary file
# outlives it. KILLS: how many random moments (default 20).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth
source "$SRC/tests/fault/harness.bash"
KILLS=${KILLS:-20}
RANDOM=${SEED:-20251106}

prepare_inputs
killed_total=0
for subject in $(subjects); do
    begin "kill: $subject at every call"
    prepare_subject "$subject"
    n=$(grep -cvE '^[0-9]+ close ' calls)
    killed=0
    for ((at = 1; at <= n + 1; at++)); do # after one call is before the next
        restore
        what=kill-before
        [ $at -le "$n" ] || what=kill-after
        { run_with_fault write,fsync,rename,create,unlink,truncate,mkdir,msync $((at > n ? n : at)) $what; } 2>/dev/null
        [ $CODE = 137 ] && killed=$((killed + 1)) || expect_code $ends_well
        expect_old_or_new "$what call $at ($(tail -n 1 hit | cut -d' ' -f2))"
        expect_recovery "$what call $at"
        [ -z "$test_why" ] || break
    done
    [ $killed -ge $((n * 9 / 10)) ] || fail "only $killed of $n runs were killed"
    killed_total=$((killed_total + killed))

    begin "kill: $subject at $KILLS random moments"
    restore
    before=${EPOCHREALTIME/./}
    "${command[@]}" >/dev/null 2>&1
    took_us=$((${EPOCHREALTIME/./} - before))
    killed=0
    for ((k = 0; k < KILLS; k++)); do
        restore
        moment=$((took_us * (RANDOM % 1000) / 1000))
        "${command[@]}" >/dev/null 2>&1 &
        pid=$!
        sleep "$(printf '0.%06d' $((moment % 1000000)))"
        kill -KILL $pid 2>/dev/null
        { wait $pid; } 2>/dev/null
        CODE=$?
        COMMAND="${command[*]}, SIGKILL after $moment us"
        [ $CODE = 137 ] && killed=$((killed + 1)) || expect_code $ends_well
        expect_old_or_new "after $moment us"
        expect_recovery "after $moment us"
        [ -z "$test_why" ] || break
    done
    killed_total=$((killed_total + killed))
done
echo "# $killed_total runs were killed"
finish
