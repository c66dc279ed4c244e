# rid-eval: what it refuses, and with which code.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-eval

{ good a-1; good a-2; good a-3; } >p.jsonl
rid-encode -q --encoder mean -o s.h5 p.jsonl
rid-manifest -q --embeddings none -o m s.h5
echo '{"a-1":"P","a-2":"P","a-3":"Q"}' >gt.json
echo '{"x":"P"}' >other.json
printf 'qid,aid,label\na-1,a-2,1\n' >pairs.csv
printf 'qid,aid\na-1,x\n' >other.csv
document() { printf '{"day_id":"%s","store_id":"s1","people":[%s]}\n' $DAY "$1"; }

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    run rid-eval "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
}
refused 'no command' 2 'a command is missing' --gt gt.json
refused 'an unknown command' 2 "did you mean 'manifest'" manifes --gt gt.json m
refused 'no ground truth' 2 'no ground truth' manifest m
refused 'no manifest' 2 'no manifest given' manifest --gt gt.json
refused 'mistakes without ground truth' 2 '--errors needs --gt' manifest --pairs pairs.csv --errors e.csv m
refused 'mistakes on standard output' 2 '--errors - needs -o' manifest --gt gt.json --errors - m
refused 'a store' 2 'is a store' manifest --gt gt.json s.h5
refused 'no pairs' 2 'no pairs' pairs s.h5
refused 'no store' 2 'no store given' pairs --gt gt.json
refused 'pairs of other entries' 65 'no pair is of two entries' manifest --pairs other.csv m
refused 'labels of other entries' 65 'no entry of the documents has a label' manifest --gt other.json m
refused 'a document that is not there' 66 'nowhere' manifest --gt gt.json nowhere
refused 'an option of another command' 2 "--errors is no option of 'pairs'" pairs --gt gt.json --errors e s.h5
refused 'an assertion that is none' 2 'is not like' manifest --gt gt.json --assert 'pairwise_f1 = 1' m
refused 'a figure of ground truth' 2 "no figure 'fnir' without --gt FILE" manifest --pairs pairs.csv --assert 'fnir < 1' m
refused 'pairs of other entries than those of the stores' 65 'no pair is of two entries of one bucket (1 pairs' pairs --pairs other.csv s.h5
refused 'an unknown figure' 2 "no figure 'pairwise' here, but buckets, entries" manifest --gt gt.json --assert 'pairwise > 1' m
refused 'a figure that this run has not' 2 "no figure 'pairs_f1' without --pairs FILE" manifest --gt gt.json --assert 'pairs_f1 > 1' m

mkdir none
refused 'an empty directory' 66 'no manifest document' manifest --gt gt.json none
echo '{"a":1}' >plain.json
refused 'another document' 65 "plain.json: line 1, byte 0: expected a manifest" manifest --gt gt.json plain.json
printf '{"people":[{"person_id":"p",\n"events":[{"entry_id":"e","embeddings":[[1,\n2],[3,4]],"score":"x"}]}]}' >score.json
refused 'a score that is none' 65 "score.json: line 3, byte 91: expected a number or null, found a string" \
    manifest --gt gt.json score.json
printf '{"people":[{"person_id":"p",\n"events":[{"entry_id":"e","embeddings":[[1,\n2],[3,4]],"score":1]}]}' >broken.json
refused 'broken behind frames' 65 "broken.json: line 3, byte 92: expected" manifest --gt gt.json broken.json
printf '{"people":[{"person_id":"p",\n"events":[{"entry_id":"e","embeddings":[[1,\n2],[3' >cut.json
refused 'cut in frames' 65 "cut.json: line 3, byte 78: expected the end of 'embeddings'" manifest --gt gt.json cut.json
document '{"person_id":"p","events":[{"entry_id":"e"},{"entry_id":"e"}]}' >twice.json
refused 'an entry twice' 65 "twice.json: line 1, byte 93: entry 'e' stands twice" manifest --gt gt.json twice.json
document '{"person_id":"p","events":[]},{"person_id":"p","events":[]}' >person.json
refused 'a person twice' 65 "person 'p' stands twice" manifest --gt gt.json person.json
cp -r m copy
refused 'a bucket twice' 65 "bucket $DAY/s1 stands in another document, too" manifest --gt gt.json m copy
match() { printf '{"entry_id":"%s","status":"match","match_id":"%s","timestamp":"%sT0%s:00:00Z"}' "$1" "$2" $DAY "$3"; }
document "{\"person_id\":\"p\",\"events\":[$(match e e 1)]}" >self.json
refused 'an entry that joined itself' 65 "self.json: entry 'e' joined 'e', which does not come before it" \
    manifest --gt gt.json self.json
document "{\"person_id\":\"p\",\"events\":[{\"entry_id\":\"f\",\"timestamp\":\"${DAY}T02:00:00Z\"},$(match e f 1)]}" >later.json
refused 'an entry that joined a later one' 65 "later.json: entry 'e' joined 'f', which does not come before it" \
    manifest --gt gt.json later.json
document "{\"person_id\":\"p\",\"events\":[$(match e a-1 1)]}" | sed 's/"s1"/"s2"/' >across.json
refused 'an entry that joined one of another bucket' 65 "across.json: entry 'e' joined 'a-1', which is of another bucket" \
    manifest --gt gt.json m across.json
document '{"person_id":"p","events":[{"entry_id":"e","timestamp":"noon"}]}' >time.json
refused 'a time that is none' 65 'expected an RFC 3339 timestamp or null' manifest --gt gt.json time.json
document '{"person_id":"p","events":[{"entry_id":""}]}' >id.json
refused 'an empty id' 65 'expected an entry_id' manifest --gt gt.json id.json
document '{"person_id":"p","events":[{"entry_id":"e","status":"seen"}]}' >status.json
refused 'an unknown status' 65 'expected match, new or skip' manifest --gt gt.json status.json
document '{"person_id":"p"}' >events.json
refused 'no events' 65 "expected a person with an array 'events'" manifest --gt gt.json events.json

begin 'summary and figures on standard output'
run rid-eval manifest --gt gt.json --summary-json - m
expect_code 2
expect_err 'needs -o'

begin 'an existing output is refused, and replaced with --force'
run rid-eval manifest -q --gt gt.json --errors e.csv -o out.txt m
expect_code 0
run rid-eval manifest -q --gt gt.json -o out.txt m
expect_code 2
run rid-eval manifest -q --gt gt.json --errors e.csv -o new.txt m
expect_code 2
expect_no_file new.txt
run rid-eval manifest -q --gt gt.json --errors e.csv --force -o out.txt m
expect_code 0

begin 'a dry run writes nothing, and still looks at assertions'
run rid-eval manifest -q --gt gt.json --errors dry.csv -o dry.txt --dry-run --assert 'entries == 4' m
expect_code 4
expect_no_file dry.txt dry.csv
expect_no_temporaries
finish
