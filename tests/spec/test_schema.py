"""The JSON Schema says what the models say: of every spec, every mistake and every option."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import ValidationError

from cnnspec.errors import SpecError
from cnnspec.spec import inspect_spec
from cnnspec.spec.composites import ENTRIES
from cnnspec.spec.data import DATA_KINDS, Normalize
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.limits import MOST, Limits
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.schema import schema, schema_text
from cnnspec.spec.section import Section
from cnnspec.spec.source import read_source
from cnnspec.spec.training import Training
from tests.contract.test_random_specs import decorated_specs, specs

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)


def accepts(value: Any) -> bool:
    return bool(VALIDATOR.is_valid(value))


def problems(value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


# The schema itself.


def test_is_draft_07() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_shipped_file_is_the_schema() -> None:
    shipped = (ROOT / "cnnspec.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "renew it with: cnnspec schema > cnnspec.schema.json"


def test_is_not_imported_where_it_is_not_wanted() -> None:
    code = "import sys, cnnspec.cli.build, cnnspec.spec.load; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cnnspec.spec.load" in done.stdout.split()
    assert "cnnspec.spec.schema" not in done.stdout.split()


def nodes(written: Any) -> Iterator[dict[str, Any]]:
    if isinstance(written, dict):
        yield written
    for inner in written.values() if isinstance(written, dict) else written:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


def test_every_mapping_is_closed() -> None:
    mappings = [node for node in nodes(SCHEMA) if isinstance(node.get("properties"), dict)]
    assert len(mappings) > 10
    for node in mappings:
        assert node["additionalProperties"] is False


def test_nothing_counts_beside_a_reference() -> None:
    references = [node for node in nodes(SCHEMA) if "$ref" in node]
    assert references
    for node in references:
        assert list(node) == ["$ref"]


def test_every_definition_is_used() -> None:
    used = {node["$ref"].removeprefix("#/definitions/") for node in nodes(SCHEMA) if "$ref" in node}
    assert used == set(SCHEMA["definitions"])


# Valid specs are accepted.


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda p: p.stem)
def test_accepts_the_specs_that_are_shipped(path: Path) -> None:
    assert problems(read_source(path.read_bytes(), path.name).value) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(specs() | decorated_specs(), st.booleans())
def test_accepts_random_specs(spec: ModelSpec, defaults: bool) -> None:
    text = dump_spec(spec, defaults=defaults)
    assert problems(read_source(text, "spec.yaml").value) == []


# Mistakes that a schema can see are found.

SEEN = {
    "not-a-mapping",
    "unknown-option",
    "missing-option",
    "unknown-kind",
    "no-kind",
    "wrong-type",
    "wrong-length",
    "out-of-range",
    "wrong-value",
}

NOT_SEEN = {
    "number-with-a-point": "3.0 is a whole number to a schema",
    "number-with-an-exponent": "1e2 is read as 100.0, a whole number to a schema",
}
"""Files of the corpus whose mistakes of these codes a schema cannot see, and why."""


def corpus() -> Iterator[tuple[Path, Any]]:
    """Yield the files that are YAML as a spec may use it, and what is in them."""
    for folder in ("bad", "odd"):
        for path in sorted((Path(__file__).parent / folder).glob("*.yaml")):
            try:
                source = read_source(path.read_bytes(), path.name)
            except SpecError:
                continue
            if all(problem.severity != "error" for problem in source.diagnostics):
                yield path, source.value


CORPUS = list(corpus())


def sees_an_error(path: Path) -> bool:
    """Tell whether the file has a problem of a kind that a schema can see."""
    return not SEEN.isdisjoint(
        problem.code for problem in inspect_spec(path.read_bytes()).diagnostics
    )


def test_the_corpus_is_large() -> None:
    assert sum(sees_an_error(path) for path, _ in CORPUS) > 50
    assert sum(not sees_an_error(path) for path, _ in CORPUS) > 10


@pytest.mark.parametrize(("path", "value"), CORPUS, ids=[path.stem for path, _ in CORPUS])
def test_says_of_a_bad_file_what_the_models_say(path: Path, value: Any) -> None:
    wanted = sees_an_error(path) and path.stem not in NOT_SEEN
    assert (problems(value) != []) == wanted, problems(value)


@pytest.mark.parametrize("name", NOT_SEEN)
def test_no_exception_is_needless(name: str) -> None:
    (found,) = ((path, value) for path, value in CORPUS if path.stem == name)
    assert sees_an_error(found[0])
    assert accepts(found[1])


# Every option, walked through the models.

LEAST: dict[str, Any] = {"input": [1, 8, 8], "layers": ["flatten"]}
Place = Callable[[Any], dict[str, Any]]
"""Writes a spec in which options stand where they belong."""


def layers(value: Any) -> dict[str, Any]:
    return LEAST | {"layers": [value]}


def data(value: Any) -> dict[str, Any]:
    return LEAST | {"data": value}


def optimizer(value: Any) -> dict[str, Any]:
    return LEAST | {"training": {"optimizer": value}}


def initialization(value: Any) -> dict[str, Any]:
    return LEAST | {"initialization": value}


UNIONS: list[tuple[Place, dict[str, type[Section]]]] = [
    (layers, dict(ENTRIES)),
    (data, dict(DATA_KINDS)),
    (optimizer, OPTIMIZERS),
    (initialization, INITIALIZATIONS),
]


def under(place: Place, word: str) -> Place:
    return lambda options: place({word: options})


def sections() -> Iterator[tuple[type[Section], Place]]:
    yield ModelSpec, lambda options: LEAST | options
    yield Training, lambda options: LEAST | {"training": options}
    yield Limits, lambda options: LEAST | {"limits": options}
    yield Normalize, lambda options: data({"digits": {"normalize": options}})
    for place, kinds in UNIONS:
        for word, kind in kinds.items():
            yield kind, under(place, word)


REQUIRED: dict[str, Any] = {
    "Conv": {"out_channels": 1, "kernel_size": 1},
    "Pool": {"kernel_size": 2},
    "Linear": {"out_features": 1},
    "Normal": {"std": 1},
    "Normalize": {"mean": [0], "std": [1]},
    "NPZ": {"path": "images.npz"},
    "Residual": {"body": ["relu"]},
    "Parallel": {"paths": [[], []]},
    "Repeat": {"times": 1, "layers": ["relu"]},
}
"""Options that must be written, of every class that has some."""

OPTIONS = [(cls, place, option) for cls, place in sections() for option in cls.model_fields]
every_option = pytest.mark.parametrize(
    ("cls", "place", "option"), OPTIONS, ids=[f"{cls.__name__}-{name}" for cls, _, name in OPTIONS]
)


def written(cls: type[Section], option: str) -> dict[str, Any]:
    """Return what the schema has for an option."""
    section = SCHEMA if cls is ModelSpec else SCHEMA["definitions"][cls.__name__]
    found: dict[str, Any] = section["properties"][option]
    return found


def refused(value: Any) -> bool:
    """Tell whether the models refuse a spec for what a schema can see, too."""
    try:
        ModelSpec.model_validate(value)
    except ValidationError as error:
        return any(details["type"] != "conflict" for details in error.errors())
    return False


@every_option
def test_every_option_is_described(cls: type[Section], place: Place, option: str) -> None:
    said = written(cls, option)["description"]
    assert said[0].isupper() or said[0] in "`("
    assert said.endswith(".")
    assert said in written(cls, option)["markdownDescription"]


@pytest.mark.parametrize("name", SCHEMA["definitions"])
def test_every_section_has_a_title_and_every_class_is_described(name: str) -> None:
    definition = SCHEMA["definitions"][name]
    assert definition["title"]
    assert definition.get("description") or name.islower()


@every_option
def test_every_default_is_told(cls: type[Section], place: Place, option: str) -> None:
    field = cls.model_fields[option]
    told = written(cls, option)
    if field.is_required() or field.default is None or field.default in (Training(), Limits()):
        assert "default" not in told  # of a section, the options tell theirs
        return
    least = REQUIRED.get(cls.__name__, {})
    spelt_out = place(least | {option: told["default"]})
    assert problems(spelt_out) == []
    assert ModelSpec.model_validate(spelt_out) == ModelSpec.model_validate(place(least))


def around(bound: float) -> list[Any]:
    """Return a bound, and its neighbours."""
    found: list[Any] = [math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf)]
    return [*found, bound, *((bound - 1, bound + 1) if isinstance(bound, int) else ())]


BOUNDS = {
    node[bound]
    for node in nodes(SCHEMA)
    for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    if isinstance(node.get(bound), int | float)
}
KNOWN = [-math.inf, -1, 0, 0.5, 1, 1.5, 2, MOST, math.inf]
"""What must be tried even where the schema forgets a bound."""
NUMBERS = [
    *{
        (type(number), number): number
        for bound in [*sorted(BOUNDS), *KNOWN]
        for number in around(bound)
    }.values()
]
"""Each once; 1 and 1.0 are two."""
LISTS = [
    *([number] for number in NUMBERS),
    *([1, number] for number in NUMBERS),
    *([number, 1] for number in NUMBERS),
    *([number, 0.5] for number in NUMBERS),
    *([1, number, 1] for number in NUMBERS),
]
OTHERS = [
    *(None, True, False, [], {}, [[1, 1]], [1, 1, 1, 1], ["1", 1], {"1": 1}, [True, 1, 1]),
    *("", " ", "1", "a", "a_1", "_", "1a", "a.b", "-a", "a-b", "a b", "\u00e9", "relu", "flatten"),
    *(["relu"], ["relus"], [["relu"], []], [[], {"relu": {}}], [{"residual": {"body": []}}]),
    *([[]] * 64, [[]] * 65, [{"repeat": {"times": 2, "layers": ["relu", {"relu": {}}]}}]),
    *("same", "Same", "valid", "float16", "sgd", "mnist", "torch_default"),
    *sorted({str(word) for node in nodes(SCHEMA) for word in node.get("enum", ())} - {"same"}),
]
VALUES = [*NUMBERS, *LISTS[::4], *OTHERS]
"""A fourth of the lists: of each form some."""


def as_seen(value: Any) -> Any:
    """Return a value as a schema sees it: whole numbers have no point."""
    if isinstance(value, list):
        return [as_seen(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.slow
@every_option
def test_models_and_schema_refuse_the_same_lists(
    cls: type[Section], place: Place, option: str
) -> None:
    for value in LISTS:
        options = REQUIRED.get(cls.__name__, {}) | {option: value}
        wanted = not refused(place(options | {option: as_seen(value)}))
        assert accepts(place(options)) == wanted, f"{option}: {value!r}"


@every_option
def test_models_and_schema_refuse_the_same(cls: type[Section], place: Place, option: str) -> None:
    verdicts = set()
    for value in VALUES:
        options = REQUIRED.get(cls.__name__, {}) | {option: value}
        wanted = not refused(place(options | {option: as_seen(value)}))
        assert accepts(place(options)) == wanted, f"{option}: {value!r}"
        verdicts.add(wanted)
    assert verdicts == {True, False} or option == "layers"


@every_option
def test_models_and_schema_want_the_same(cls: type[Section], place: Place, option: str) -> None:
    least = REQUIRED.get(cls.__name__, {})
    assert not refused(place(least)), "add what is required to REQUIRED"
    left = {name: value for name, value in least.items() if name != option}
    assert accepts(place(left)) == (not refused(place(left))) == (option not in least)
    assert not accepts(place(least | {f"{option}s": 1}))


NUMERIC = [case for case in OPTIONS if case[2] not in ("layers", "optimizer", "data")]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(NUMERIC),
    st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.lists(st.integers(-1, 2) | st.floats(allow_nan=False), max_size=4),
)
def test_models_and_schema_refuse_the_same_numbers(
    case: tuple[type[Section], Place, str], value: Any
) -> None:
    cls, place, option = case
    options = REQUIRED.get(cls.__name__, {}) | {option: value}
    assert accepts(place(options)) == (not refused(place(options | {option: as_seen(value)})))


# Things with a kind.

KINDS_AT = [(place, word, kind) for place, kinds in UNIONS for word, kind in kinds.items()]


@pytest.mark.parametrize(("place", "word", "kind"), KINDS_AT, ids=[word for _, word, _ in KINDS_AT])
def test_a_kind_is_a_word_or_a_mapping_with_one_key(
    place: Place, word: str, kind: type[Section]
) -> None:
    options = REQUIRED.get(kind.__name__, {})
    for value, right in (
        ({word: options}, True),
        (word, not options),
        ({word: None}, not options),
        ({word: {}}, not options),
        ({word: [options]}, False),
        ({word: word}, False),
        ({word: {word: options}}, False),
        ({word: options, f"{word}s": {}}, False),
        ({word: options, "name": "a"}, False),
        ({f"{word}s": options}, False),
        (f"{word}s", False),
        (word.upper(), False),
        ([word], False),
        ({}, False),
        (3, False),
    ):
        assert (accepts(place(value)), not refused(place(value))) == (right, right), value


@pytest.mark.parametrize("place", [place for place, _ in UNIONS])
def test_a_thing_has_one_kind(place: Place) -> None:
    kinds = {word: REQUIRED.get(kind.__name__, {}) for at, word, kind in KINDS_AT if at is place}
    assert not accepts(place(kinds))
    assert refused(place(kinds))


# What yaml-language-server makes of it (1.25.0, driven by hand; the reasons are in its source).


@pytest.mark.parametrize("name", ["layer", "data", "optimizer", "initialization"])
def test_keys_are_offered_under_a_thing_with_a_kind(name: str) -> None:
    thing = SCHEMA["definitions"][name]
    assert "maxProperties" in thing
    assert "maxProperties" not in thing["oneOf"][0]  # beside `properties`, it hides them


def test_a_kind_that_no_word_stands_for_is_offered_in_one_line() -> None:
    def offered(option: str) -> list[str]:
        return [snippet["body"] for snippet in SCHEMA["properties"][option]["defaultSnippets"]]

    assert offered("data") == ["{npz: {path: $1}}"]
    assert offered("initialization") == ["{normal: {std: $1}}"]


def test_a_list_of_layers_is_begun_with_its_first_entry() -> None:
    def begun(kind: str) -> Any:
        (block,) = [
            written
            for place in SCHEMA["definitions"]["layer"]["oneOf"]
            for word, written in place.get("properties", {}).items()
            if word == kind
        ]
        (snippet,) = block["defaultSnippets"]
        return snippet["body"]

    assert begun("residual") == {"body": ["$1"]}
    assert begun("parallel") == {"paths": [["$1"]]}
    assert begun("repeat") == {"times": "$1", "layers": ["$2"]}


def test_a_block_is_written_once_and_holds_itself() -> None:
    body = SCHEMA["definitions"]["Residual"]["properties"]["body"]
    assert body["items"]["allOf"] == [{"$ref": "#/definitions/layer"}]
    paths = SCHEMA["definitions"]["Parallel"]["properties"]["paths"]
    assert paths["items"]["items"]["allOf"] == [{"$ref": "#/definitions/layer"}]


def test_a_list_is_written_in_one_line() -> None:
    (snippet,) = SCHEMA["properties"]["input"]["defaultSnippets"]
    assert snippet["body"] == "[${1:1}, ${2:28}, ${3:28}]"
    assert "items" not in SCHEMA["properties"]["input"]  # it would be one entry a line


# What a schema cannot see: the reasons of NOT_SEEN.


def test_a_whole_number_with_a_point_is_whole_to_a_schema() -> None:
    spec = layers({"linear": {"out_features": 3.0}})
    assert accepts(spec)
    assert refused(spec)


def test_nan_is_within_any_bounds_to_a_schema() -> None:
    spec = optimizer({"sgd": {"learning_rate": math.nan}})
    assert accepts(spec)
    assert refused(spec)
