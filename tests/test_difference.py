"""What changed between two specs: aligned layers, options, shapes and parameters."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from cnnspec.difference import Change, Difference, LayerDifference, Misfit, compare_specs
from cnnspec.plan import resolve, write_out
from cnnspec.spec.composites import AnyEntry, Parallel, Repeat, Residual, count_layers
from cnnspec.spec.data import NPZ, Normalize
from cnnspec.spec.initializations import Normal
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.section import Kind
from cnnspec.spec.training import Training

_Entry = TypeVar("_Entry", bound=AnyEntry)
CONV = Conv(out_channels=2, kernel_size=3, padding=1)
SMALL = [CONV, ReLU(), Conv(out_channels=4, kernel_size=3), ReLU(), Flatten()]
HEAD = Linear(out_features=10)


def model(*layers: AnyEntry, **sections: Any) -> ModelSpec:
    return ModelSpec(**{"input": (1, 6, 6), "layers": layers, **sections})


def named(layer: _Entry, name: str) -> _Entry:
    return layer.model_copy(update={"name": name})


def told(difference: Difference) -> list[tuple[str, str | None, str | None]]:
    """Return the status and both names of each layer that is not the same."""
    return [
        (at.status, at.before and at.before.name, at.after and at.after.name)
        for at in difference.layers
        if at.status != "same"
    ]


def test_a_changed_layer_and_what_follows_from_it() -> None:
    wider = Conv(out_channels=8, kernel_size=3, bias=False)
    found = compare_specs(model(*SMALL, HEAD), model(*SMALL[:2], wider, *SMALL[3:], HEAD))
    assert told(found) == [
        ("changed", "conv2", "conv2"),
        ("follows", "relu2", "relu2"),
        ("follows", "flatten1", "flatten1"),
        ("follows", "linear1", "linear1"),
    ]
    assert found.layers[2].options == (
        Change("out_channels", 4, 8),
        Change("bias", True, False),
    )
    assert [at.options for at in found.layers if at.status == "follows"] == [()] * 3
    assert found.misfits == (
        Misfit("conv2.weight", (4, 2, 3, 3), (8, 2, 3, 3)),
        Misfit("conv2.bias", (4,), None),
        Misfit("linear1.weight", (10, 64), (10, 128)),
    )
    assert found.options == ()
    assert not found.same


def test_a_layer_at_the_front_renumbers_the_others() -> None:
    point = Conv(out_channels=1, kernel_size=1)
    found = compare_specs(model(*SMALL), model(point, ReLU(), *SMALL))
    assert told(found) == [
        ("added", None, "conv1"),
        ("added", None, "relu1"),
        ("renumbered", "conv1", "conv2"),
        ("renumbered", "relu1", "relu2"),
        ("renumbered", "conv2", "conv3"),
        ("renumbered", "relu2", "relu3"),
    ]
    assert found.renamed_parameters == {
        "conv1.weight": "conv2.weight",
        "conv1.bias": "conv2.bias",
        "conv2.weight": "conv3.weight",
        "conv2.bias": "conv3.bias",
    }
    assert Misfit("conv3.weight", None, (4, 2, 3, 3)) in found.misfits


def test_names_that_a_run_folder_writes_out_align_nothing() -> None:
    before = write_out(model(*SMALL))
    after = write_out(model(Conv(out_channels=1, kernel_size=1), *SMALL))
    assert told(compare_specs(before, after)) == [
        ("added", None, "conv1"),
        ("renumbered", "conv1", "conv2"),
        ("renumbered", "conv2", "conv3"),
    ]


def test_what_repeats_is_aligned_with_the_fewest_differences() -> None:
    """The longest common run of layers starts one place off here."""
    pair = [CONV, ReLU()]
    before = model(*pair * 4, Flatten())
    after = model(*pair, Pool(kernel_size=1), *pair * 3, Flatten())
    assert told(compare_specs(before, after)) == [("added", None, "pool1")]


def test_of_equal_alignments_the_one_that_keeps_names_counts() -> None:
    before, after = (model(*[CONV] * n, Flatten()) for n in (3, 5))
    assert told(compare_specs(before, after)) == [
        ("added", None, "conv4"),
        ("added", None, "conv5"),
    ]
    assert compare_specs(before, after).renamed_parameters == {}


def test_layers_of_two_kinds_in_one_place_are_replaced() -> None:
    found = compare_specs(
        model(CONV, ReLU(), CONV, Flatten()), model(CONV, Pool(kernel_size=1), CONV, Flatten())
    )
    assert told(found) == [("replaced", "relu1", "pool1")]
    assert found.layers[1].options == ()


def test_layers_that_change_places_are_removed_and_added() -> None:
    pool = Pool(kernel_size=1)
    found = compare_specs(
        model(CONV, ReLU(), pool, Flatten()), model(CONV, pool, ReLU(), Flatten())
    )
    assert Counter(status for status, *_ in told(found)) == {"removed": 1, "added": 1}


def test_names_given_by_users_come_first() -> None:
    """By kind and options alone, `b` and `c` would be the new `a` and `b`."""
    one, two, three = (
        Conv(out_channels=n, kernel_size=n, padding=n, bias=n > 1, stride=n) for n in (1, 2, 3)
    )
    found = compare_specs(
        model(named(one, "a"), named(two, "b"), named(three, "c"), Flatten()),
        model(named(two, "a"), named(three, "b"), named(one, "c"), Flatten()),
    )
    assert told(found)[:3] == [("changed", name, name) for name in "abc"]


def test_a_layer_with_a_name_moves_past_layers_without() -> None:
    a, b = named(ReLU(), "a"), named(ReLU(), "b")
    rest = [CONV, Pool(kernel_size=1), CONV]
    found = compare_specs(model(a, *rest, b, Flatten()), model(a, b, *rest, Flatten()))
    assert [at.moved for at in found.layers] == [False, True, False, False, False, False]
    assert {status for status, *_ in told(found)} == {"follows"}


def test_layers_with_names_move() -> None:
    a, b = named(ReLU(), "a"), named(Pool(kernel_size=1), "b")
    found = compare_specs(model(a, CONV, b, Flatten()), model(b, a, CONV, Flatten()))
    assert [(at.status, at.moved) for at in found.layers] == [
        ("follows", True),
        ("same", False),
        ("same", False),
        ("same", False),
    ]
    found = compare_specs(model(a, b, Flatten()), model(b, a, Flatten()))
    assert Counter(status for status, *_ in told(found)) == {"moved": 1}


def test_parameters_of_a_replaced_layer_are_not_renamed() -> None:
    one = resolve(model(Conv(out_channels=4, kernel_size=6), Flatten()))
    two = resolve(model(Flatten(), Linear(out_features=4)))
    pairs = (LayerDifference(one.layers[0], two.layers[1]),)
    assert Difference(one, two, pairs, ()).renamed_parameters == {}


def test_a_name_that_a_user_gave_and_changed() -> None:
    found = compare_specs(model(Flatten(), named(HEAD, "head")), model(Flatten(), HEAD))
    assert told(found) == [("renamed", "head", "linear1")]
    assert found.renamed_parameters == {
        "head.weight": "linear1.weight",
        "head.bias": "linear1.bias",
    }
    assert len(found.misfits) == 4


def test_running_statistics_are_among_what_loads_and_what_is_renamed() -> None:
    norm = BatchNorm(affine=False)
    found = compare_specs(model(CONV, norm, Flatten()), model(CONV, Flatten(), norm))
    assert found.misfits == (
        Misfit("batch_norm1.running_mean", (2,), (72,)),
        Misfit("batch_norm1.running_var", (2,), (72,)),
    )
    renamed = compare_specs(model(named(norm, "norm"), Flatten()), model(norm, Flatten()))
    assert renamed.renamed_parameters == {
        "norm.running_mean": "batch_norm1.running_mean",
        "norm.running_var": "batch_norm1.running_var",
    }
    learnt = compare_specs(model(BatchNorm(), Flatten()), model(norm, Flatten()))
    assert {misfit.name for misfit in learnt.misfits} == {"batch_norm1.weight", "batch_norm1.bias"}


def test_what_is_written_out_without_need_is_no_difference() -> None:
    before = model(
        Conv(out_channels=2, kernel_size=3),
        Pool(kernel_size=2),
        Flatten(),
        HEAD,
    )
    after = model(
        Conv(name="conv1", out_channels=2, kernel_size=(3, 3), stride=1, in_channels=1, groups=1),
        Pool(kernel_size=2, stride=2),
        Flatten(name="flatten1"),
        Linear(out_features=10, in_features=8, bias=True),
        training=Training(epochs=1, optimizer=SGD(momentum=0.0)),
    )
    for pair in ((before, after), (after, before), (before, write_out(before))):
        found = compare_specs(*pair)
        assert found.same
        assert found.misfits == ()


def test_widths_that_are_asserted_follow() -> None:
    before = model(CONV, Conv(out_channels=1, kernel_size=1, in_channels=2), Flatten())
    wider = Conv(out_channels=3, kernel_size=3, padding=1)
    after = model(wider, Conv(out_channels=1, kernel_size=1, in_channels=3), Flatten())
    assert told(compare_specs(before, after))[1] == ("follows", "conv2", "conv2")


def test_a_stride_that_is_the_kernel_size_changes_with_it() -> None:
    def options(before: Pool, after: Pool) -> list[str]:
        found = compare_specs(model(before, Flatten()), model(after, Flatten()))
        return [f"{item.path} {item.before} {item.after}" for item in found.layers[0].options]

    kernel = "kernel_size 2 3"
    assert options(Pool(kernel_size=2), Pool(kernel_size=3)) == [kernel]
    assert options(Pool(kernel_size=2, stride=2), Pool(kernel_size=3)) == [kernel]
    assert options(Pool(kernel_size=2), Pool(kernel_size=3, stride=2)) == [kernel]
    assert options(Pool(kernel_size=2), Pool(kernel_size=2, stride=1)) == ["stride 2 1"]


# Trees.


def test_a_changed_layer_in_a_block() -> None:
    def block(**options: Any) -> Residual:
        body = [CONV, named(Conv(out_channels=2, kernel_size=3, padding=1, **options), "last")]
        return Residual(body=body, name="block")

    found = compare_specs(
        model(CONV, Repeat(times=2, layers=[block()]), Flatten(), HEAD),
        model(CONV, Repeat(times=3, layers=[block(bias=False)]), Flatten(), HEAD),
    )
    assert told(found) == [
        ("changed", "repeat1.0.block.body.last", "repeat1.0.block.body.last"),
        ("changed", "repeat1.1.block.body.last", "repeat1.1.block.body.last"),
        ("added", None, "repeat1.2.block.body.conv1"),
        ("added", None, "repeat1.2.block.body.last"),
        ("added", None, "repeat1.2.block.add"),
    ]


def test_repetitions_stay_themselves_where_their_layers_change() -> None:
    body = (CONV, BatchNorm(), ReLU(), CONV, BatchNorm())
    other = (CONV.model_copy(update={"padding": "same"}), *body[1:])
    before = model(CONV, Repeat(times=2, layers=(Residual(body=body), ReLU())))
    layers = Repeat(times=3, layers=(Residual(body=other), ReLU()))
    for after in (model(CONV, layers), model(CONV, named(layers, "stage"))):
        found = compare_specs(before, after)
        kept = [(at.before, at.after) for at in found.layers[1:] if at.before]
        assert len(kept) == 14
        assert all(
            new and old.name.partition(".")[2] == new.name.partition(".")[2] for old, new in kept
        )
        changed = [at.before.name for at in found.layers if at.status == "changed" and at.before]
        assert changed == [f"repeat1.{number}.residual1.body.conv1" for number in (0, 1)]
    assert compare_specs(before, model(CONV, layers)).renamed_parameters == {}


def test_a_block_in_front_renumbers_the_others() -> None:
    block, other = Residual(body=[CONV]), Residual(body=[ReLU()])
    found = compare_specs(model(CONV, block, Flatten()), model(CONV, other, block, Flatten()))
    assert told(found) == [
        ("added", None, "residual1.body.relu1"),
        ("added", None, "residual1.add"),
        ("renumbered", "residual1.body.conv1", "residual2.body.conv1"),
        ("renumbered", "residual1.add", "residual2.add"),
    ]
    assert found.renamed_parameters["residual1.body.conv1.bias"] == "residual2.body.conv1.bias"


def test_a_name_in_a_block_is_kept_where_the_block_has_one_too() -> None:
    body = [named(CONV, "first"), named(CONV, "second")]
    swapped = [*body[::-1]]
    given = compare_specs(
        model(CONV, Residual(name="stem", body=body), Flatten(), HEAD),
        model(CONV, Residual(name="stem", body=swapped), Flatten(), HEAD),
    )
    assert [status for status, *_ in told(given)] == ["moved"]
    assert all(before == after for _, before, after in told(given))
    block = Residual(body=body)
    more = compare_specs(model(CONV, block, Flatten()), model(CONV, block, block, Flatten()))
    assert Counter(status for status, *_ in told(more))["added"] == 3


def test_a_layer_that_comes_into_a_block_is_renamed() -> None:
    found = compare_specs(
        model(CONV, CONV, Flatten(), HEAD), model(CONV, Residual(body=[CONV]), Flatten(), HEAD)
    )
    assert told(found) == [
        ("renamed", "conv2", "residual1.body.conv1"),
        ("added", None, "residual1.add"),
    ]


def test_branches_that_are_joined_in_another_order() -> None:
    def paths(*paths: list[AnyEntry]) -> ModelSpec:
        return model(Parallel(paths=paths), Flatten(), HEAD)

    found = compare_specs(paths([], [ReLU()]), paths([ReLU()], []))
    assert told(found) == [
        ("renumbered", "parallel1.paths.1.relu1", "parallel1.paths.0.relu1"),
        ("changed", "parallel1.concat", "parallel1.concat"),
    ]
    assert found.layers[1].options == (
        Change(
            "inputs",
            ("input", "parallel1.paths.1.relu1"),
            ("parallel1.paths.0.relu1", "input"),
        ),
    )
    more = compare_specs(paths([], [ReLU()]), paths([], [ReLU()], []))
    assert more.layers[1].options[0].path == "inputs"
    longer = compare_specs(paths([], [ReLU()]), paths([], [ReLU(), CONV]))
    assert [status for status, *_ in told(longer)] == ["added", "follows", "follows", "follows"]


def test_another_shortcut_is_told_of_itself() -> None:
    shortcut = Residual(body=[CONV], shortcut=[Conv(out_channels=2, kernel_size=1)])
    found = compare_specs(
        model(CONV, Residual(body=[CONV]), Flatten()), model(CONV, shortcut, Flatten())
    )
    assert told(found) == [("added", None, "residual1.shortcut.conv1")]


def test_a_tree_that_is_written_out_is_no_difference() -> None:
    block = Residual(body=[CONV, BatchNorm(), Repeat(times=2, layers=[ReLU()])])
    spec = model(CONV, Parallel(paths=[[block], []]), Flatten(), HEAD)
    assert compare_specs(spec, write_out(spec)).same


def test_all_other_sections() -> None:
    before = model(
        Flatten(),
        data=NPZ(path="a.npz", normalize=Normalize(mean=(0.5,), std=(1.0,))),
        training=Training(epochs=2, optimizer=SGD(learning_rate=0.5)),
    )
    after = model(
        Flatten(),
        name="other",
        input=(1, 2, 6),
        initialization=Normal(std=0.1),
        data=NPZ(path="a.npz", normalize=Normalize(mean=(0.25,), std=(1.0,)), train_samples=10),
        training=Training(seed=3, optimizer=Adam()),
    )
    found = compare_specs(before, after)
    assert [(item.path, item.before, item.after) for item in found.options] == [
        ("name", "model", "other"),
        ("input", (1, 6, 6), (1, 2, 6)),
        ("initialization", before.initialization, Normal(std=0.1)),
        ("data.normalize.mean", (0.5,), (0.25,)),
        ("data.train_samples", None, 10),
        ("training.epochs", 2, 1),
        ("training.optimizer", SGD(learning_rate=0.5), Adam()),
        ("training.seed", 0, 3),
    ]
    assert [at for at in told(found) if at[0] != "follows"] == []
    none = compare_specs(model(Flatten()), model(Flatten(), data=after.data)).options
    assert none == (Change("data", None, after.data),)


class Flip(Kind):
    keyword = "flip"
    probability: float = 0.5


class LaterSpec(ModelSpec):
    augmentation: tuple[Flip, ...] = ()


def test_sections_that_are_added_later() -> None:
    def later(*flips: Flip) -> ModelSpec:
        return LaterSpec(input=(1, 1, 1), layers=[Flatten()], augmentation=flips)

    one, two = Flip(), Flip(probability=0.75)
    assert compare_specs(later(one, one), later(one, two)).options == (
        Change("augmentation[1].probability", 0.5, 0.75),
    )
    assert compare_specs(later(one), later(one, two)).options == (
        Change("augmentation", (one,), (one, two)),
    )


def test_neither_numpy_nor_torch_is_imported() -> None:
    code = (
        "import sys, cnnspec.difference, cnnspec.report.difference;"
        "print([name for name in ('numpy', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


normal_run = settings(max_examples=100, deadline=None, derandomize=True)

IMAGE_LAYERS = st.one_of(
    st.builds(
        Conv,
        out_channels=st.integers(1, 3),
        kernel_size=st.sampled_from([1, 3]),
        padding=st.just("same"),
        bias=st.booleans(),
    ),
    st.just(ReLU()),
    st.builds(Pool, kernel_size=st.just(1), kind=st.sampled_from(["max", "avg"])),
)
SAME_WIDTH = st.lists(st.just(ReLU()) | st.just(BatchNorm()), min_size=1, max_size=2)
BLOCKS = st.one_of(
    st.builds(Residual, body=SAME_WIDTH, name=st.sampled_from([None, "block"])),
    st.builds(Repeat, times=st.integers(1, 2), layers=SAME_WIDTH),
    st.builds(
        Parallel,
        merge=st.sampled_from(["add", "concat"]),
        paths=st.lists(SAME_WIDTH | st.just([]), min_size=2, max_size=3),
    ),
)
FEATURE_LAYERS = st.builds(Linear, out_features=st.integers(1, 3)) | st.just(ReLU())


@st.composite
def specs(draw: DrawFn) -> ModelSpec:
    """Draw a spec of few kinds of layers, some with names, so that two have much in common."""
    layers: list[AnyEntry] = [
        *draw(st.lists(IMAGE_LAYERS, max_size=4)),
        *draw(st.lists(BLOCKS, max_size=2, unique_by=lambda block: block.name or object())),
        *draw(st.lists(IMAGE_LAYERS, max_size=2)),
        Flatten(),
        *draw(st.lists(FEATURE_LAYERS, max_size=3)),
    ]
    names: Sequence[str] = draw(st.permutations("abcdefghij"))
    give = draw(st.lists(st.booleans(), min_size=len(layers), max_size=len(layers)))
    return model(
        *(
            named(at, name) if given and not at.name else at
            for at, name, given in zip(layers, names, give)
        ),
        training=Training(
            seed=draw(st.integers(0, 2)), optimizer=draw(st.sampled_from(OPTIMIZERS))
        ),
    )


OPTIMIZERS = [SGD(), SGD(momentum=0.5), Adam()]


@normal_run
@given(specs())
def test_a_spec_does_not_differ_from_itself(spec: ModelSpec) -> None:
    for other in (spec, write_out(spec)):
        found = compare_specs(spec, other)
        assert found.same
        assert found.misfits == ()
        assert found.renamed_parameters == {}
        assert len(found.layers) == count_layers(spec.layers)


def swapped(layer: LayerDifference) -> LayerDifference:
    options = tuple(Change(item.path, item.after, item.before) for item in layer.options)
    return replace(layer, before=layer.after, after=layer.before, options=options)


@normal_run
@given(specs(), specs())
def test_specs_the_other_way_round(before: ModelSpec, after: ModelSpec) -> None:
    there, back = compare_specs(before, after), compare_specs(after, before)
    assert Counter(map(repr, map(swapped, there.layers))) == Counter(map(repr, back.layers))
    assert [(item.path, item.after, item.before) for item in there.options] == [
        (item.path, item.before, item.after) for item in back.options
    ]
    assert there.same == back.same == (write_out(before) == write_out(after))


@normal_run
@given(specs(), specs())
def test_every_layer_is_told_once_and_in_order(before: ModelSpec, after: ModelSpec) -> None:
    found = compare_specs(before, after)
    assert [at.after for at in found.layers if at.after] == list(resolve(after).layers)
    stayed = [at.before for at in found.layers if at.before and not at.moved]
    assert stayed == [at for at in resolve(before).layers if at in stayed]
    told_of = Counter(at.before.name for at in found.layers if at.before)
    assert told_of == Counter(at.name for at in resolve(before).layers)


@normal_run
@given(specs(), IMAGE_LAYERS | FEATURE_LAYERS, st.integers(0, 10))
def test_one_more_layer_is_one_added_layer(spec: ModelSpec, layer: AnyLayer, place: int) -> None:
    flatten = next(i for i, at in enumerate(spec.layers) if isinstance(at, Flatten))
    assume(place <= len(spec.layers))
    assume(isinstance(layer, ReLU) or isinstance(layer, Linear) == (place > flatten))
    layers = (*spec.layers[:place], layer, *spec.layers[place:])
    found = compare_specs(spec, spec.model_copy(update={"layers": layers}))
    counts = Counter(at.status for at in found.layers)
    assert counts.pop("added") == 1
    assert set(counts) <= {"same", "follows", "renumbered"}
    assert sum(counts.values()) == count_layers(spec.layers)
