# modes: asan
# A little of the fuzzing that make soak does for long.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth
if ! perl -MFile::Temp -e 1 2>/dev/null; then
    skip fuzz 'perl is not installed'
    finish
fi
COUNT=${COUNT:-320} SEED=${SEED:-1} exec perl "$SRC/tests/fuzz/run"
