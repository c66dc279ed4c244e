# rid-gt check, diff, convert and merge against a plain computation, on random ground truth.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-store rid-gt
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || { skip 'against an oracle' "no $PYTHON"; finish; }

rid-synth -q --people 4 --stores 3 --days 3 --visits 1:3 --frames 1:1 --vis-dim 4 --attrs off \
    -o p.jsonl --gt synth.json
rid-encode -q --encoder mean --frames none -o s.h5 p.jsonl
rid-store list s.h5 >list.tsv
for job in 'documents 8' 'diff 40' 'check 20' 'pairs 8'; do
    begin "$job"
    # shellcheck disable=SC2086 # two words
    run $PYTHON "$SRC/tests/cli/gt/oracle.py" $job s.h5 list.tsv
    [ "$CODE" -eq 0 ] || fail "$(cut -c 1-600 .err)"
done
finish
