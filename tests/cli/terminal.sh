# What is different on a terminal: the progress bar, and a word before payloads are awaited there.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode
command -v script >/dev/null || { skip terminal 'script is not installed'; finish; }

on_terminal() { # COMMAND: its output, both streams, is in .out
    run env TERM=xterm timeout 60 script -qec "$1" /dev/null
}

mkfifo slow
feed() { { good a; sleep 1; good b; sleep 1; good c; } >slow; }

begin 'a terminal gets a progress bar in MB'
feed &
on_terminal "'$BIN/rid-encode' --encoder mean --batch 1 -o a.h5 slow" </dev/null
expect_code 0
expect_out ' MB, ' ' MB/s'
expect_ids a.h5 a b c

begin 'no bar without a terminal, or with --quiet'
feed &
run "$BIN/rid-encode" --encoder mean --batch 1 -o b.h5 slow
expect_code 0
! grep -q 'MB/s' .err || fail 'progress in a file'
feed &
on_terminal "'$BIN/rid-encode' -q --encoder mean --batch 1 -o c.h5 slow" </dev/null
expect_code 0
expect_empty_out
wait

begin 'payloads awaited from a terminal: says so'
on_terminal "'$BIN/rid-encode' --encoder mean -o d.h5" < <(good a; printf '\004')
expect_code 0
expect_out 'reading payloads from the terminal'
expect_ids d.h5 a

begin 'payloads from a pipe: nothing of the kind'
good a | run "$BIN/rid-encode" --encoder mean -o e.h5
expect_code 0
! grep -q terminal .err || fail 'speaks of a terminal'

finish
