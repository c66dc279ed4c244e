# rid-gt diff: hand-worked cases, text and JSON, exit codes.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-gt

cat >old.json <<'JSON'
{"a1": "A", "a2": "A", "a3": "A", "a4": "A", "a5": "A", "b1": "B", "b2": "B", "c1": "C", "c2": "C", "c3": "C",
 "d1": "D", "d2": "D", "e1": "E", "e2": "E", "e3": "E", "f1": "F", "f2": "F", "f3": "F", "f4": "F", "g1": "G", "g2": "G"}
JSON
# A falls into A and A2; B goes into C; D becomes Delta; e3 moves to F; g1 and G go; h1 and H come; i1 joins E.
cat >new.json <<'JSON'
{"persons": {"A": {"entries": [{"entry_id": "a1"}, {"entry_id": "a2"}, {"entry_id": "a3"}]},
 "A2": {"entries": [{"entry_id": "a4"}, {"entry_id": "a5"}]},
 "C": {"entries": [{"entry_id": "c1"}, {"entry_id": "c2"}, {"entry_id": "c3"}, {"entry_id": "b1"}, {"entry_id": "b2"}]},
 "Delta": {"entries": [{"entry_id": "d1"}, {"entry_id": "d2"}]},
 "E": {"entries": [{"entry_id": "e1"}, {"entry_id": "e2"}, {"entry_id": "i1"}]},
 "F": {"entries": [{"entry_id": "f1"}, {"entry_id": "f2"}, {"entry_id": "f3"}, {"entry_id": "f4"}, {"entry_id": "e3"}]},
 "G": {"include": false, "entries": [{"entry_id": "g1"}]},
 "H": {"entries": [{"entry_id": "h1"}]}}}
JSON

begin 'one of each'
run rid-gt diff -q old.json new.json --json
expect_code 0
expect_no_err
expect_out '"command":"diff"' '"entries_a":21,"entries_b":21,"people_a":7,"people_b":7,"common":19,"changed":5,' \
    '"split":1,"merged":1,"moved":1,"renamed":1,"added":2,"removed":2,"people_added":1,"people_removed":1,"cases":{' \
    '"split":[{"person_id":"A","into":[{"person_id":"A","entries":3},{"person_id":"A2","entries":2}]}]' \
    '"merged":[{"person_id":"C","from":[{"person_id":"B","entries":2},{"person_id":"C","entries":3}]}]' \
    '"moved":[{"entry_id":"e3","from":"E","to":"F"}]' '"renamed":[{"from":"D","to":"Delta","entries":2}]' \
    '"added":[{"entry_id":"i1","person_id":"E","left_out":false},{"entry_id":"h1","person_id":"H","left_out":false}]' \
    '"removed":[{"entry_id":"g1","person_id":"G","left_out":true},{"entry_id":"g2","person_id":"G","left_out":false}]' \
    '"people_added":[{"person_id":"H","entries":1}]' '"people_removed":[{"person_id":"G","entries":2}]'

begin 'as text'
run rid-gt diff --cases 1 old.json new.json
expect_code 0
expect_out 'split: people from whom entries were split off' '{"entry_id":"e3","from":"E","to":"F"}' '… and 1 more'

begin 'the same in another form'
run rid-gt convert -q --gt new.json --to map -o map.json
run rid-gt diff new.json map.json --assert 'changed == 0' --assert 'renamed == 0' --assert 'added == 0' \
    --assert 'removed == 0' --json
expect_code 0
expect_out '"common":21,"changed":0,"split":0,"merged":0,"moved":0,"renamed":0,"added":0,"removed":0'

begin 'names that were swapped'
echo '{"a": "P", "b": "P", "c": "Q", "d": "Q", "e": "Q"}' >p.json
echo '{"a": "Q", "b": "Q", "c": "P", "d": "P", "e": "P"}' >q.json
run rid-gt diff p.json q.json --json
expect_out '"changed":0,"split":0,"merged":0,"moved":0,"renamed":2,'

begin 'halves: the first name, whatever the order of the labels'
echo '{"a": "P", "b": "P"}' >p.json
echo '{"a": "Z", "b": "Y"}' >zy.json
echo '{"b": "Y", "a": "Z"}' >yz.json
for halves in zy yz; do
    run rid-gt diff p.json $halves.json --json
    expect_out '"renamed":[{"from":"P","to":"Y","entries":1}]'
    run rid-gt diff $halves.json p.json --json
    expect_out '"renamed":[{"from":"Y","to":"P","entries":1}]'
done

begin 'halves: the one with the name stays'
echo '{"a": "X", "b": "X", "c": "P", "d": "P"}' >x.json
echo '{"a": "P", "b": "P", "c": "P", "d": "P"}' >one.json
run rid-gt diff x.json one.json --json
expect_out '"changed":2,"split":0,"merged":1,"moved":0,"renamed":0,' \
    '"from":[{"person_id":"X","entries":2},{"person_id":"P","entries":2}]'
run rid-gt diff one.json x.json --json
expect_out '"changed":2,"split":1,"merged":0,"moved":0,"renamed":0,'

begin 'empty ones'
echo '{}' >empty.json
run rid-gt diff empty.json empty.json --json
expect_code 0
expect_out '"common":0,"changed":0,'
run rid-gt diff empty.json x.json --json
expect_out '"added":4,"removed":0,"people_added":2,'

begin 'an assertion'
run rid-gt diff old.json new.json --assert 'moved == 0' --assert 'split <= 1' -o d.txt
expect_code 4
expect_err 'assertion failed: moved == 0: moved is 1'
expect_file d.txt

refused() { # NAME CODE TEXT ARGUMENT...
    begin "refused: $1"
    run rid-gt diff "${@:4}"
    expect_code "$2"
    expect_err "$3"
    expect_empty_out
}
echo '{"persons": {"A": {"entries": [{"entry_id": "e"}]}, "B": {"entries": [{"entry_id": "e"}]}}}' >two.json
refused 'one file' 2 'diff takes two files' old.json
refused 'three files' 2 'diff takes two files' old.json new.json old.json
refused 'labels that differ' 65 "entry 'e': person 'A' in two.json, person 'B' in two.json" old.json two.json
refused 'missing' 66 gone.json old.json gone.json
refused 'no figure' 2 'no figure' old.json new.json --assert 'lost == 0'
refused 'there already' 2 d.txt old.json new.json -o d.txt
finish
