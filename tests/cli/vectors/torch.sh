# modes: release
# Against PyTorch, where Debian's is installed: the reference vectors computed again, and checkpoints
# both ways.
set -u
source "$SRC/tests/cli/lib.bash"
if ! /usr/bin/python3 -c 'import torch, numpy' 2>/dev/null; then
    skip 'vectors and checkpoints against PyTorch' 'python3-torch and python3-numpy are not installed'
    finish
fi
begin 'reference vectors, computed again'
run "$SRC/scripts/make-vectors" --check
expect_code 0

begin 'checkpoints: ours in PyTorch, PyTorch’s in ours'
run /usr/bin/python3 "$SRC/tests/vectors/checkpoint_roundtrip.py" "$BIN/../test/test_checkpoint"
expect_code 0
expect_out 'checkpoints agree'

begin 'a checkpoint of rid-synth: torch.load and PyTorch give the same embeddings'
rid-synth -q --people 5 --vis-dim 24 --emb-dim 8 --attrs off -o day.jsonl --ckpt-out m.pt
rid-encode -q --ckpt m.pt --filter off -o day.h5 day.jsonl
run /usr/bin/python3 - <<'PYTHON'
import json, subprocess
import numpy, torch
c = torch.load("m.pt")
w = c["state_dict"]
lines = [json.loads(x) for x in open("day.jsonl")]
subprocess.check_call(["rid-manifest", "-q", "--embeddings", "fused", "-o", "m.json", "day.h5"])
found = {e["entry_id"]: e["embeddings"][0] for p in json.load(open("m.json"))["people"] for e in p["events"]}
lin = lambda x, n: x @ w[n + ".weight"].T + w[n + ".bias"]
worst = 0
for line in lines:
    x = torch.tensor(line["embeddings"], dtype=torch.float32)
    x = x[x.norm(dim=1) > 1e-6]
    x = x / x.norm(dim=1, keepdim=True)
    q, k, v = lin(x[0], "vis_pool.q"), lin(x, "vis_pool.k"), lin(x, "vis_pool.v")
    pooled = torch.softmax(k @ q / c["vis_dim"] ** 0.5, 0) @ v
    vis = torch.relu(lin(pooled, "vis_proj"))
    h = torch.cat([vis, torch.zeros_like(vis)])
    z = lin(torch.relu(lin(h, "fuse.0")), "fuse.3")
    z = (z / z.norm()).numpy()
    worst = max(worst, numpy.abs(z - numpy.array(found[line["entry_id"]], dtype=numpy.float32)).max())
assert len(found) == len(lines) > 5 and worst <= 2e-6, worst
PYTHON
expect_code 0
finish
