"""Checkpoints against PyTorch, both ways. Run from the root of the repository:

    /usr/bin/python3 tests/vectors/checkpoint_roundtrip.py build/release/test/test_checkpoint
    PYTHON tests/vectors/checkpoint_roundtrip.py --fixtures tests/vectors/ckpt torch113

The first writes variants with torch.save, has ours read and write each (`test_checkpoint --copy IN
OUT`), and loads the result with torch.load: weights must be the float32 of torch, bit for bit. The
second writes the files that tests/unit/test_checkpoint.c reads without Python; the last argument
says which writer they come from (1.13 and 2.x add different records).
"""
import collections
import os
import subprocess
import sys
import tempfile
import warnings

import torch

warnings.filterwarnings("ignore")
TORCH2 = int(torch.__version__.split(".")[0]) >= 2


def ramp(*shape, start=-1.0, dtype=torch.float32):
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(n, dtype=torch.float32) * 0.25 + start).reshape(shape).to(dtype)


def checkpoint(state, **more):
    return {"state_dict": state, "vis_dim": 4, "attr_dim": 2, "emb_dim": 3, "use_attention": True,
            "dropout": 0.1, "fusion_mode": "baseline", **more}


def all_halves(dtype):
    """Every finite 16-bit number."""
    bits = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
    values = bits.view(dtype)
    return values[torch.isfinite(values.float())].clone()


def hard_doubles():
    """Ties, float32 denormals and what rounds to the largest float32."""
    base = torch.tensor([1.0, 1 + 2.0**-24, 1 + 2.0**-23 + 2.0**-24, 1 + 2.0**-24 + 2.0**-50,
                         2.0**-149, 2.0**-150, 2.0**-150 + 2.0**-180, 1.5 * 2.0**-149, 2.0**-126,
                         2.0**-126 - 2.0**-151, 5e-324, 0.0, -0.0, 3.4028235677973362e38, 0.1],
                        dtype=torch.float64)
    g = torch.Generator().manual_seed(1)
    random = torch.randn(20000, generator=g, dtype=torch.float64)
    tiny = torch.randn(20000, generator=g, dtype=torch.float64) * 1e-41
    return torch.cat([base, -base, random, tiny])


def mixed():
    """What the fixtures hold; tests/unit/test_checkpoint.c knows the numbers."""
    base = ramp(8, 4)
    state = collections.OrderedDict()
    state["vis_proj.weight"] = ramp(4, 4)
    state["vis_proj.bias"] = torch.nn.Parameter(ramp(4, start=2.0))
    state["attr_proj.weight"] = base.t()[1:3, ::2]
    state["attr_proj.bias"] = base[3]
    state["fuse.0.weight"] = ramp(2, 3, dtype=torch.float16)
    state["fuse.0.bias"] = ramp(3, dtype=torch.bfloat16)
    state["fuse.3.weight"] = ramp(3, 2, dtype=torch.float64)
    state["fuse.3.bias"] = torch.tensor(0.5)
    state["counter"] = torch.tensor([7, 8])
    state["empty"] = torch.zeros(0, 3)
    state._metadata = collections.OrderedDict([("", {"version": 1}), ("fuse", {"version": 2})])
    return checkpoint(state, epoch=12, history=[{"loss": 0.5, "best": None}, (1, -2, 2**40)],
                      name="läden", seed=-5)


def model_state():
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7), torch.nn.Linear(7, 3))
    return model.state_dict()


def variants():
    g = torch.Generator().manual_seed(0)
    big = torch.randn(300, 257, generator=g)
    cube = torch.randn(7, 5, 9, 11, generator=g)
    yield "model", checkpoint(model_state())
    yield "mixed", mixed()
    yield "f16", checkpoint({"w": all_halves(torch.float16)})
    yield "bf16", checkpoint({"w": all_halves(torch.bfloat16)})
    yield "f64", checkpoint({"w": hard_doubles()})
    yield "views", checkpoint({
        "t": big.t(), "rows": big[::3], "cols": big[:, 5:200:7], "corner": big[10:20, 30:33],
        "perm": cube.permute(2, 0, 3, 1), "part": cube[1:6, :, ::2, 3:9].permute(3, 1, 0, 2),
        "diagonal": big.diagonal(), "one": big[7, 9], "column": cube[:, 2, 3, 4]})
    yield "half_views", checkpoint({"t": big.half().t(), "c": big.bfloat16()[:, ::3].t(),
                                    "d": big.double()[::2].t()})
    tied = torch.randn(40, 50, generator=g)
    yield "shared", checkpoint({"a": tied, "b": tied, "c": tied.t()})
    yield "many", checkpoint({"layer%d.weight" % i: ramp(3, 3, start=float(i)) for i in range(1500)})
    yield "extra", checkpoint(model_state(), nested=[[[[None]]]], size=torch.Size([2, 3]),
                              f=float("inf"), i=-(2**62), dtype=torch.float32, device=torch.device("cpu"),
                              optimizer={"state": {0: {"step": torch.tensor(3.0)}}, "param_groups":
                                         [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1]}]})
    yield "params", checkpoint({k: torch.nn.Parameter(v) for k, v in
                                [("x", torch.randn(3, 4, generator=g)), ("y", torch.randn(4))]})
    short = checkpoint(model_state())
    del short["fusion_mode"], short["dropout"]
    yield "short", short
    yield "xattn", checkpoint(model_state(), fusion_mode="xattn", use_attention=False, attr_dim=0)
    yield "empty", checkpoint(collections.OrderedDict())


def refused():
    ok = model_state()
    yield "expanded", checkpoint({"w": torch.ones(1).expand(10)}), "overlaps itself"
    yield "strided", checkpoint({"w": torch.ones(10).as_strided((4, 4), (1, 2))}), "overlaps itself"
    yield "nan", checkpoint({"w": torch.tensor([[1, 2], [3, float("nan")]])}), "element [1,1]"
    yield "inf64", checkpoint({"w": torch.tensor([1e39], dtype=torch.float64)}), "element [0]"
    yield "5d", checkpoint({"w": torch.ones(1, 1, 1, 1, 1)}), "5 dimensions"
    yield "str_dim", checkpoint(ok, vis_dim="4"), "'vis_dim': expected an integer, found a string"
    yield "bool_dim", checkpoint(ok, emb_dim=True), "'emb_dim': expected an integer, found a bool"
    yield "zero_dim", checkpoint(ok, emb_dim=0), "'emb_dim': expected 1 to"
    yield "attention", checkpoint(ok, use_attention=1), "'use_attention': expected a bool"
    yield "dropout", checkpoint(ok, dropout=1.5), "'dropout': expected 0 to 1"
    yield "mode", checkpoint(ok, fusion_mode="other"), "'fusion_mode': expected 'baseline' or 'xattn'"
    yield "rid", checkpoint(ok, rid={}), "'rid': expected a string, found a dict"
    yield "rid_text", checkpoint(ok, rid="{}"), "'weights_digest'"
    yield "not_tensor", checkpoint({"w": 1.5}), "expected a tensor 'w', found a float"
    yield "bare_state", ok, "expected a key 'vis_dim', found none"
    yield "list", [1, 2], "expected a dict, found a list"
    yield "global", checkpoint(ok, f=os.path.join), "posixpath.join"
    for key in ("state_dict", "vis_dim", "attr_dim", "emb_dim", "use_attention"):
        lacking = checkpoint(ok)
        del lacking[key]
        yield "no_" + key, lacking, "expected a key '%s', found none" % key


def load(path):
    return torch.load(path, weights_only=True) if TORCH2 else torch.load(path)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and \
        torch.equal(a.view(torch.int32) if a.dim() else a, b.view(torch.int32) if b.dim() else b)


def check_variant(copy, folder, name, ck):
    source, result = os.path.join(folder, name + ".pt"), os.path.join(folder, name + ".out.pt")
    again = os.path.join(folder, "again.pt")
    torch.save(ck, source)
    subprocess.run([copy, "--copy", source, result], check=True)
    subprocess.run([copy, "--copy", result, again], check=True)
    got = load(result)
    expected = {k: v.detach().float().contiguous() for k, v in ck["state_dict"].items()
                if v.is_floating_point()}
    assert list(got["state_dict"]) == list(expected), name
    for k, v in expected.items():
        assert same_bits(got["state_dict"][k], v), (name, k)
    for k in ("vis_dim", "attr_dim", "emb_dim", "use_attention"):
        assert got[k] == ck[k] and type(got[k]) is type(ck[k]), (name, k)
    assert got["dropout"] == ck.get("dropout", 0) and type(got["dropout"]) is float
    assert got["fusion_mode"] == ck.get("fusion_mode", "baseline")
    assert open(result, "rb").read() == open(again, "rb").read(), name
    os.remove(again)
    if name in ("model", "xattn"):
        model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7),
                                    torch.nn.Linear(7, 3))
        model.load_state_dict(got["state_dict"], strict=False)


def check_refused(copy, folder, name, ck, message):
    source = os.path.join(folder, name + ".pt")
    torch.save(ck, source)
    run = subprocess.run([copy, "--copy", source, os.path.join(folder, "no.pt")],
                         stderr=subprocess.PIPE, universal_newlines=True)
    assert run.returncode == 65 and message in run.stderr, (name, run.returncode, run.stderr)


def write_fixtures(folder, writer):
    torch.save(mixed(), os.path.join(folder, writer + "_mixed.pt"))
    torch.save(mixed(), os.path.join(folder, writer + "_legacy.pt"),
               _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), os.path.join(folder, writer + "_script.pt"))


def main():
    if sys.argv[1] == "--fixtures":
        write_fixtures(sys.argv[2], sys.argv[3])
        return
    n = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, ck in variants():
            check_variant(sys.argv[1], folder, name, ck)
            n += 1
        for name, ck, message in refused():
            check_refused(sys.argv[1], folder, name, ck, message)
            n += 1
    print("torch %s: %d checkpoints agree" % (torch.__version__, n))


main()
