"""What only shows when the sections of a spec are held against each other."""

from __future__ import annotations

import pytest

from cnnspec.spec import inspect_spec
from cnnspec.spec.amounts import in_bytes, in_words

WORDS = [
    (0, "0"),
    (1_234, "1,234"),
    (999_999_999, "999,999,999"),
    (10**9, "1 billion"),
    (1_505_290_000, "1.51 billion"),
    (10**12, "1 trillion"),
    (12 * 10**14, "1.2 quadrillion"),
    (10**18, "about 10^18"),
    (31 * 10**30, "about 10^31"),
    (10**400, "about 10^400"),
]


@pytest.mark.parametrize(("count", "words"), WORDS, ids=[words for _, words in WORDS])
def test_in_words(count: int, words: str) -> None:
    assert in_words(count) == words


BYTES = [
    (0, "0 bytes"),
    (999_999, "999,999 bytes"),
    (10**6, "1 MB"),
    (6_021_160_000, "6.02 GB"),
    (4 * 10**12, "4 TB"),
    (10**15, "1 PB"),
    (10**18, "about 10^6 TB"),
    (126 * 10**17, "about 10^7 TB"),
]


@pytest.mark.parametrize(("count", "words"), BYTES, ids=[words for _, words in BYTES])
def test_in_bytes(count: int, words: str) -> None:
    assert in_bytes(count) == words


def spec(
    input: str = "[1, 8, 8]", logits: int = 10, data: str = "", training: str = "", limits: str = ""
) -> str:
    sections = {"data": data, "training": training, "limits": limits}
    return (
        f"input: {input}\nlayers:\n  - flatten\n  - linear: {{out_features: {logits}}}\n"
        + "".join(f"{key}: {value}\n" for key, value in sections.items() if value)
    )


def norm(before: str = "flatten", data: str = "", batch_size: int = 32) -> str:
    layers = f"[{before}, batch_norm, flatten, {{linear: {{out_features: 10}}}}]"
    section = f"data: {data}\n" if data else ""
    return f"input: [1, 8, 8]\nlayers: {layers}\n{section}training: {{batch_size: {batch_size}}}\n"


ONE_PIXEL = "{conv: {out_channels: 4, kernel_size: 8}}"


def codes(text: str) -> list[str]:
    return [problem.code for problem in inspect_spec(text).diagnostics]


FITS = {
    "no data": spec(logits=3),
    "digits": spec(data="digits"),
    "mnist": spec(input="[1, 28, 28]", data="mnist"),
    "fashion": spec(input="[1, 28, 28]", data="fashion_mnist"),
    "any images in a file": spec(input="[3, 5, 7]", logits=2, data="{npz: {path: a}}"),
    "as many logits as classes": spec(logits=10, data="digits"),
    "all images": spec(data="{digits: {train_samples: 1437, test_samples: 360}}"),
    "a batch of all images": spec(data="digits", training="{batch_size: 1437}"),
    "a batch of all samples": spec(
        data="{digits: {train_samples: 20}}", training="{batch_size: 20}"
    ),
    "a mean for each channel of the data": spec(
        data="{digits: {normalize: {mean: [0.5], std: [0.5]}}}"
    ),
    "a mean for each channel of the input": spec(
        input="[2, 8, 8]",
        data="{npz: {path: a, normalize: {mean: [0.5, 0.5], std: [1, 1]}}}",
    ),
    "two values for each feature": norm(batch_size=2),
    "two images are left": norm(data="{digits: {train_samples: 12}}", batch_size=5),
    "no image is left": norm(data="{digits: {train_samples: 12}}", batch_size=4),
    "many values in one image": norm("relu", batch_size=1),
    "two pixels": norm("{pool: {kernel_size: [8, 4]}}", batch_size=1),
    "how many images a file has is not known": norm(data="{npz: {path: a}}", batch_size=2),
    "as many parameters as are allowed": spec(limits="{parameters: 650}"),
    "as many activations as are allowed": spec(
        training="{batch_size: 10}", limits="{activations: 740}"
    ),
}


@pytest.mark.parametrize("text", FITS.values(), ids=FITS)
def test_what_fits(text: str) -> None:
    assert codes(text) == []


FITS_NOT = {
    "another size": (spec(input="[1, 28, 8]", data="mnist"), ["input-mismatch"]),
    "a logit less": (spec(logits=9, data="digits"), ["too-few-logits"]),
    "a logit more": (spec(logits=11, data="digits"), ["spare-logits"]),
    "an image more to train on": (
        spec(data="{digits: {train_samples: 1438}}"),
        ["too-few-images"],
    ),
    "an image more to test on": (
        spec(data="{digits: {test_samples: 361}}"),
        ["too-few-images"],
    ),
    "a batch of an image more": (
        spec(data="digits", training="{batch_size: 1438}"),
        ["one-batch"],
    ),
    "one value for each feature": (norm(batch_size=1), ["one-value"]),
    "one value for each channel": (norm(ONE_PIXEL, batch_size=1), ["one-value"]),
    "one value, told once": (norm(f"batch_norm, {ONE_PIXEL}, batch_norm", "", 1), ["one-value"]),
    "one value in a file of any size": (
        norm(data="{npz: {path: a}}", batch_size=1),
        ["one-value"],
    ),
    "one image is left": (
        norm(data="{digits: {train_samples: 13}}", batch_size=4),
        ["one-value"],
    ),
    "one image is all": (
        norm(data="{digits: {train_samples: 1}}", batch_size=4),
        ["one-value", "one-batch"],
    ),
    "a parameter more": (spec(limits="{parameters: 649}"), ["too-many-parameters"]),
    "an activation more": (
        spec(training="{batch_size: 10}", limits="{activations: 739}"),
        ["too-many-activations"],
    ),
    "a batch is not larger than the data": (
        spec(
            data="{digits: {train_samples: 10}}",
            training="{batch_size: 11}",
            limits="{activations: 740}",
        ),
        ["one-batch"],
    ),
    "one mean for two channels": (
        spec(input="[2, 8, 8]", data="{npz: {path: a, normalize: {mean: [0], std: [1]}}}"),
        ["normalize-channels"],
    ),
    "one logit without data": (spec(logits=1), ["one-logit"]),
    "one logit for classes": (spec(logits=1, data="digits"), ["too-few-logits"]),
    "a rate of 0": (
        spec(training="{optimizer: {sgd: {learning_rate: 0}}}"),
        ["zero-learning-rate"],
    ),
}


@pytest.mark.parametrize(("text", "found"), FITS_NOT.values(), ids=FITS_NOT)
def test_what_fits_not(text: str, found: list[str]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (spec(input="[3, 28]", logits=9, data="digits"), ["wrong-length", "too-few-logits"]),
        (
            spec(input="[1, 9, 9]", data="{digits: {sample: 3}}"),
            ["input-mismatch", "unknown-option"],
        ),
        (spec(logits=9, data="{digits: {normalize: 3}}"), ["too-few-logits", "wrong-type"]),
        (
            spec(data="{digits: {train_samples: 9999, test_samples: 0}}"),
            ["too-few-images", "out-of-range"],
        ),
        (
            spec(data="digit", training="{optimizer: {sgd: {learning_rate: 0}}}"),
            ["unknown-kind", "zero-learning-rate"],
        ),
        (spec(limits="{parameters: 649, activation: 3}"), ["unknown-option"]),
    ],
    ids=[
        "input and logits",
        "input and an option of the data",
        "logits and an option of the data",
        "two options of the data",
        "data and training",
        "limits that are not valid are not held against anything",
    ],
)
def test_a_section_that_is_not_valid_hides_nothing_of_the_others(
    text: str, found: list[str]
) -> None:
    assert sorted(codes(text)) == sorted(found)
