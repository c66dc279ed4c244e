# Traced steps of rid-train, checked one by one in plain PyTorch in float64.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-train rid-synth rid-encode
if ! /usr/bin/python3 -c 'import torch, numpy, h5py' 2>/dev/null; then
    skip 'traced steps in PyTorch' 'python3-torch, python3-numpy and python3-h5py are not installed'
    finish
fi
rid-synth -q --noise 5 --people 14 --visits 1:4 --vis-dim 16 -o day.jsonl --gt gt.json --schema-out s.json
rid-encode -q --encoder mean --schema s.json -o day.h5 day.jsonl

check() { # NAME CHECKER-OPTIONS -- TRAIN-OPTIONS
    local checker=()
    begin "$1: every step as in PyTorch"
    shift
    while [ "$1" != -- ]; do checker+=("$1"); shift; done
    shift
    rm -rf trace run
    run rid-train -q --gt gt.json --p 5 --k 3 --emb-dim 12 --dropout 0 --max-steps 8 --warmup 3 --lr 3e-3 \
        --trace trace --trace-params 8 -o run "$@" day.h5
    expect_code 0
    expect_equal 'lines' "$(wc -l <trace/steps.jsonl)" 8
    run /usr/bin/python3 "$SRC/tests/vectors/check_trace.py" trace day.h5 gt.json "${checker[@]}"
    expect_code 0
    expect_out '8 steps agree'
}
check 'baseline, attention' -- --init random
check 'baseline, LDA start' --margin 1 -- --margin 1
check 'baseline, mean pooling, cosine' --distance cosine -- --init random --pool mean --distance cosine
check 'xattn' -- --fusion xattn --init random
check 'xattn, LDA start, soft margin' --loss soft -- --fusion xattn --soft-margin
check 'xattn, cosine, soft margin, without the filter' --distance cosine --loss soft -- --fusion xattn \
    --init random --distance cosine --soft-margin --filter off

embeds_alike() { # TRAIN-OPTIONS: model.pt in Python, and embeddings as rid-encode makes them
    run rid-train -q --gt gt.json --emb-dim 12 --max-steps 8 -o published --force "$@" day.h5
    expect_code 0
    rm -f again.h5
    rid-encode -q --ckpt published/model.pt --filter off -o again.h5 day.h5
    run /usr/bin/python3 - "$SRC/tests/vectors" <<'PYTHON'
import collections, json, sys
import h5py, numpy as np, torch
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from check_trace import embed

# The weights-only reader of 1.13 knows no float, which `dropout` is.
def load(path):
    return torch.load(path, weights_only=True) if int(torch.__version__.split(".")[0]) >= 2 else torch.load(path)

kinds = {"state_dict": collections.OrderedDict, "vis_dim": int, "attr_dim": int, "emb_dim": int,
         "use_attention": bool, "dropout": float, "fusion_mode": str, "rid": str}
for name in ("model.pt", "last.pt"):
    c = load("published/" + name)
    assert {k: type(v) for k, v in c.items()} == kinds, {k: type(v) for k, v in c.items()}
    for k, v in c["state_dict"].items():
        assert v.dtype == torch.float32 and v.is_contiguous() and not v.requires_grad, k
        assert v.dim() == (1 if k.endswith("bias") else 2), k
c = load("published/model.pt")
about = json.loads(c["rid"])
assert about["schema"] and about["filter"], sorted(about)
settings = about["provenance"]["settings"]
assert {"data", "ground truth and split", "schema", "seed", "rid"} <= set(settings), settings
f = h5py.File("again.h5", "r")
offset, vectors = f["frame/offset"][:], f["frame/vector"][:].astype(np.float64)
w = {k: v.double() for k, v in c["state_dict"].items()}
worst = 1
for i in range(len(f["entry/id"])):
    x = vectors[offset[i]:offset[i + 1]]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    e = embed(c, w, torch.from_numpy(x), torch.from_numpy(f["entry/attr"][i]).double())
    worst = min(worst, float(e @ torch.from_numpy(f["entry/embedding"][i]).double()))
assert worst >= 0.999999, worst
print("model.pt agrees")
PYTHON
    expect_code 0
    expect_out 'model.pt agrees'
}
begin 'model.pt: torch.load reads it, and embeds as rid-encode does'
embeds_alike
embeds_alike --fusion xattn
finish
