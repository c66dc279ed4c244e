# modes: release
# The reference vectors besides those of torch.sh, computed again where Debian's Python has what they need.
set -u
source "$SRC/tests/cli/lib.bash"

again() { # SCRIPT MODULES
    if ! /usr/bin/python3 -c "import $2" 2>/dev/null; then
        skip "$1" "Debian's Python has not all of $2"
        return
    fi
    begin "$1"
    run /usr/bin/python3 "$SRC/scripts/$1" --check
    expect_code 0
}
again make-ranking-vectors numpy,sklearn
again make-cluster-vectors numpy,sklearn
again make-rerank-vectors numpy
again make-calibration-vectors scipy
again make-optimizer-vectors numpy,torch
again make-training-vectors numpy,torch
finish
