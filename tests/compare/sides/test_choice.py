from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from cnnspec import BackendError, DataWarning, build, parse_spec, resolve
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.threads import ThreadLimited
from cnnspec.compare import compare_backends, parse_backend

SPEC = parse_spec("input: [1, 4, 4]\nlayers: [flatten, {linear: {out_features: 3}}]")
PLAN = resolve(SPEC)

OWN = """
from cnnspec.backends.numpy import build

def Network(plan, training, *, device):
    return build(plan, training, device=device)

number = 3
"""


def test_a_backend_alone_has_the_precision_of_the_spec() -> None:
    choice = parse_backend("numpy")
    assert choice.label == choice.backend == "numpy"
    assert choice.working_precision(SPEC.training) == "float32"
    weights = choice.build(PLAN, SPEC.training).state()
    wanted = build(PLAN, SPEC.training, "numpy").state()
    assert all(np.array_equal(weights[name], wanted[name]) for name in wanted)


def test_precision() -> None:
    choice = parse_backend("numpy@float64")
    assert choice.label == "numpy@float64"
    assert choice.build(PLAN, SPEC.training).state()["linear1.weight"].dtype == np.float64
    assert (
        choice.build(PLAN, SPEC.training, "float32").state()["linear1.weight"].dtype == np.float32
    )


def test_threads_are_limited_while_a_network_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def predict(self: NumPyNetwork, images: np.ndarray) -> np.ndarray:
        seen.append({pool["num_threads"] for pool in threadpool_info()})
        return images

    monkeypatch.setattr(NumPyNetwork, "predict", predict)
    network = parse_backend("numpy@threads=1").build(PLAN, SPEC.training)
    assert isinstance(network, ThreadLimited)
    before = [pool["num_threads"] for pool in threadpool_info()]
    network.predict(np.zeros((1, 1, 4, 4)))
    assert seen == [{1}]
    assert [pool["num_threads"] for pool in threadpool_info()] == before


@pytest.mark.torch
def test_torch_threads_are_limited_while_a_network_computes() -> None:
    import torch

    network = parse_backend("torch@threads=1+float64").build(PLAN, SPEC.training)
    seen = []
    network._network.module.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    network.predict(np.zeros((1, 1, 4, 4)))
    assert seen == [1]
    assert torch.get_num_threads() == 2


def test_device_is_for_torch_alone() -> None:
    assert parse_backend("torch", device="meta").device == "meta"
    assert parse_backend("numpy", device="meta").device == "cpu"
    assert parse_backend("torch@device=cpu", device="meta").device == "cpu"


def test_backend_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    choice = parse_backend(f"{file}:Network")
    assert choice.label == "Network"
    assert choice.build(PLAN, SPEC.training).predict(np.zeros((2, 1, 4, 4))).shape == (2, 3)
    verdict = compare_backends(SPEC, ("numpy", f"{file}:Network@float64"))
    assert verdict.backends == ("numpy", "Network@float64")
    assert verdict.verdict == "same"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jax", "unknown backend `jax`"),
        ("numpy@fast", "`numpy` has no setting `fast`; there are: float32 or float64"),
        ("numpy@threads=0", "no setting `threads=0`"),
        ("numpy@bfloat16", "`bfloat16` is a setting of the torch backend, not of `numpy`"),
        ("loops@compile", "`compile` is a setting of the torch backend, not of `loops`"),
        ("numpy@float32+float64", "two settings of one kind: `float32` and `float64`; take one"),
        ("torch@bfloat16+float16", "two settings of one kind: `bfloat16` and `float16`"),
        ("numpy@threads=1+threads=2", "two settings of one kind"),
        ("torch@float64+bfloat16", "autocast lowers float32 alone"),
        ("numpy@", "there is no setting behind `numpy@`; there are: float32 or float64"),
        ("torch@threads=100000", "`threads=100000`: wanted at most 256 threads"),
        ("no/such.py:Network", "there is no file no/such.py"),
        ("{folder}/own.py:Nothing", "has nothing to call named `Nothing`; it has Network;"),
        ("{folder}/own.py:number", "has nothing to call named `number`"),
        ("{folder}/broken.py:Network", "broken.py fails: ZeroDivisionError"),
        ("{folder}/broken.py:Network", "broken.py, line 1: 1 / 0)"),
        ("{folder}/syntax.py:Network", "syntax.py fails: SyntaxError"),
        ("{folder}/exits.py:Network", "exits.py fails: it calls sys.exit(0) ({folder}/exits.py, "),
        ("{folder}/own.py:", "the name is missing behind `{folder}/own.py:`; {folder}/own.py has"),
        ("{folder}/own.py", "write `{folder}/own.py:Network`"),
    ],
)
def test_what_is_no_choice_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "syntax.py").write_text("def (")
    (tmp_path / "exits.py").write_text("import sys\nsys.exit(0)")
    with pytest.raises(BackendError) as caught:
        parse_backend(text.format(folder=tmp_path))
    assert message.format(folder=tmp_path) in str(caught.value)


def test_no_side_is_called_as_both_are(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("both = print\n")
    assert parse_backend(f"{path}:both").label == "own.py:both"
    assert parse_backend(f"{path}:both@threads=1").label == "own.py:both@threads=1"


@pytest.mark.torch
def test_one_backend_under_two_settings() -> None:
    assert compare_backends(SPEC, ("numpy", "numpy@float64")).verdict == "same"
    assert compare_backends(SPEC, ("torch@threads=1", "torch@threads=2")).verdict == "same"
    with pytest.raises(BackendError, match="one backend under two settings"):
        compare_backends(SPEC, ("numpy", "numpy"))


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (("a.py", "b.py"), ("a.py:Network", "b.py:Network")),
        (("x/own.py", "y/own.py"), ("x/own.py:Network", "y/own.py:Network")),
        (("x/own.py", "own.py"), ("x/own.py:Network", "{folder}/own.py:Network")),
    ],
)
def test_two_files_with_the_same_name_are_told_apart(
    paths: tuple[str, str], labels: tuple[str, str], tmp_path: Path
) -> None:
    for path in paths:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(OWN)
    first, second = (f"{tmp_path / path}:Network" for path in paths)
    verdict = compare_backends(SPEC, (first, second))
    assert verdict.backends == tuple(label.format(folder=tmp_path.name) for label in labels)
    settings = compare_backends(SPEC, (f"{first}@threads=1", f"{second}@threads=1"))
    assert settings.backends[0] == f"{verdict.backends[0]}@threads=1"


def test_one_file_named_in_two_ways_is_one_backend(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    names = f"{tmp_path}/own.py:Network", f"{tmp_path}/../{tmp_path.name}/own.py:Network"
    with pytest.raises(BackendError, match="two different backends are compared"):
        compare_backends(SPEC, names)


@pytest.mark.torch
def test_autocast_is_named_for_what_it_is() -> None:
    """Even where numbers underflow: float16's smallest normal one is 6e-5."""
    spec = parse_spec(
        "input: [1, 8, 8]\nlayers: [flatten, {linear: {out_features: 10}}]\n"
        "data: {digits: {normalize: {mean: [0.0], std: [1000000.0]}}}"
    )
    for name in ("float16", "bfloat16"):
        with pytest.warns(DataWarning, match="they hardly differ"):
            verdict = compare_backends(spec, ("torch", f"torch@{name}"), steps=0)
        causes = [found.cause for found in verdict.findings]
        assert {found.quantity for found in verdict.findings} >= {"output", "grad_weight"}
        assert all(cause and f"rounded to {name} " in cause.sentence for cause in causes)
