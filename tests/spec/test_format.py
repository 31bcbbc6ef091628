"""The canonical layout: what moves, what stays, and where comments go."""

import pytest

from cnnspec.errors import SpecError
from cnnspec.spec.dump import dump_spec
from cnnspec.spec.format import format_spec
from cnnspec.spec.load import parse_spec

CASES = {
    "sections and options in order": (
        """\
training: {seed: 1, epochs: 3}
layers:
- conv: {kernel_size: 3, bias: false, out_channels: 4}
input: [1,8,8]
""",
        """\
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, bias: false}
training:
  epochs: 3
  seed: 1
""",
    ),
    "kinds without options are words": (
        """\
layers: [relu: {}, {flatten: }, relu: ~]
data: {digits: {}}
training: {optimizer: {sgd: }}
""",
        """\
layers:
  - relu
  - flatten
  - relu
data: digits
training:
  optimizer: sgd
""",
    ),
    "what fits on a line is in braces": (
        """\
data:
  mnist:
    normalize:
      mean:
        - 0.1
      std: [
        0.3]
""",
        """\
data:
  mnist: {normalize: {mean: [0.1], std: [0.3]}}
""",
    ),
    "what does not fit is broken up": (
        "layers: [conv: {name: a_name_of_some_length, out_channels: 16, kernel_size: [3, 5], "
        "padding: [1, 2]}]\n",
        """\
layers:
  - conv:
      name: a_name_of_some_length
      out_channels: 16
      kernel_size: [3, 5]
      padding: [1, 2]
""",
    ),
    "numbers and quotes stay as they are written": (
        """\
name: "a b"
input: [0x1, +8, 0o10]
training: {optimizer: {sgd: {learning_rate: 1E-3}}, precision: 'float32'}
""",
        """\
name: "a b"
input: [0x1, +8, 0o10]
training:
  optimizer: {sgd: {learning_rate: 1E-3}}
  precision: 'float32'
""",
    ),
    "texts over several lines": (
        'name: |\n  a\n  # b\ndata: {npz: {path: "a\n   b"}}\n',
        'name: "a\\n# b\\n"\ndata:\n  npz: {path: "a b"}\n',
    ),
    "short bodies are in a line, long ones in lines of their own": (
        """\
layers:
- residual: {shortcut: [], body: [{relu: }, {conv: {kernel_size: 1, out_channels: 4}}]}
- residual:
    body: [conv: {out_channels: 16, kernel_size: 3}, batch_norm, relu, flatten]
- repeat: {layers: [relu: {name: a}, conv: {}], times: 3, name: stage}
""",
        """\
layers:
  - residual:
      body: [relu, conv: {out_channels: 4, kernel_size: 1}]
      shortcut: []
  - residual:
      body:
        - conv: {out_channels: 16, kernel_size: 3}
        - batch_norm
        - relu
        - flatten
  - repeat: {name: stage, times: 3, layers: [relu: {name: a}, conv: {}]}
""",
    ),
    "paths stand behind dashes of their own": (
        """\
layers:
  - parallel:
      # three of them
      paths:
        -
          - relu  # the first
          # in between
          - flatten
        - []  # the input
        - [relu,
           flatten]
""",
        """\
layers:
  - parallel:
      # three of them
      paths:
        - - relu  # the first
          # in between
          - flatten
        - []  # the input
        - [relu, flatten]
""",
    ),
    "comments go with what they stand above or beside": (
        """\
# about the file

# about the layers
layers:  # the chain
  # the first
  - relu  # clips
  # the second
  - conv:  # sees
      kernel_size: 3  # small
      # how many
      out_channels: 4
# about the input
input: [1, 8, 8] # c x h x w
""",
        """\
# about the file

# about the layers
# about the input
input: [1, 8, 8]  # c x h x w
layers:  # the chain
  # the first
  - relu  # clips
  # the second
  - conv:  # sees
      # how many
      out_channels: 4
      kernel_size: 3  # small
""",
    ),
    "comments at the end of a section stay in it": (
        """\
layers:
  - relu
  # more to come
training:
  seed: 1

  # perhaps more epochs
# the end
""",
        """\
layers:
  - relu
  # more to come
training:
  seed: 1

  # perhaps more epochs
# the end
""",
    ),
    "comments within braces break them up": (
        "layers: [conv: {out_channels: 4, # few\n  kernel_size: 3}, relu]\n",
        """\
layers:
  - conv:
      out_channels: 4  # few
      kernel_size: 3
  - relu
""",
    ),
    "comments in a column stay in it": (
        """\
input: [1, 28, 28]                      # channels, height, width
layers:
  - relu    # a
  - conv: {out_channels: 4, kernel_size:   3}   # too long for that column
""",
        """\
input: [1, 28, 28]                      # channels, height, width
layers:
  - relu    # a
  - conv: {out_channels: 4, kernel_size: 3}     # too long for that column
""",
    ),
    "empty lines between parts stay, one of them": (
        "input: [1, 8, 8]\n\n\nlayers:\n\n  - relu\n\n  - relu\n",
        "input: [1, 8, 8]\n\nlayers:\n  - relu\n\n  - relu\n",
    ),
    "a sign that starts no comment": (
        "name: a#b\nlayers: ['#', \"a # b\", relu]#c\n",
        "name: a#b\nlayers:  #c\n  - '#'\n  - \"a # b\"\n  - relu\n",
    ),
    "what is unknown comes last": (
        "zeta: 1\nalpha: {b: 2}\nlayers: []\n",
        "layers: []\nzeta: 1\nalpha:\n  b: 2\n",
    ),
    "nothing but braces": ("{} # empty\n", "# empty\n{}\n"),
    "a key like a number that is too long": ("9" * 101 + ": 1\n", f'"{"9" * 101}": 1\n'),
    "dashes with nothing": ("layers:\n-\n- \n- relu\n", "layers:\n  -\n  -\n  - relu\n"),
    "a document mark": ("---\ninput: 3\n...\n", "input: 3\n"),
}


@pytest.mark.parametrize(("text", "neat"), CASES.values(), ids=CASES)
def test_layout(text: str, neat: str) -> None:
    assert format_spec(text) == neat
    assert format_spec(neat) == neat


def test_dumped_specs_are_canonical() -> None:
    spec = parse_spec("""
        name: x
        input: [1, 8, 8]
        layers: [conv: {out_channels: 4, kernel_size: [3, 1]}, flatten, linear: {out_features: 10}]
        data: {npz: {path: "a b.npz", normalize: {mean: [0.5], std: [0.25]}}}
        training: {optimizer: {adam: {betas: [0.8, 0.9]}}}
    """)
    for defaults in (False, True):
        text = dump_spec(spec, defaults=defaults)
        assert format_spec(text) == text


@pytest.mark.parametrize("text", ["a: [1", "", "- a", "a: *b", "a: 1\na: 2", b"a: \xff"])
def test_what_cannot_be_read_is_refused(text: str | bytes) -> None:
    with pytest.raises(SpecError):
        format_spec(text)


TWO_COMMENTS = {
    "input:  # a\n  [1, 28, 28]  # b\n": "# a\ninput: [1, 28, 28]  # b\n",
    "layers:\n  -  # first\n    pool:  # second\n      kernel_size: 2\n": (
        "layers:\n  # first\n  - pool: {kernel_size: 2}  # second\n"
    ),
    "x:  # ten\n  10  # classes\n": "# ten\nx: 10  # classes\n",
    "layers: [  # my net\n   flatten,  # f\n  ]  # end\n": (
        "# my net\nlayers:  # end\n  - flatten  # f\n"
    ),
}


@pytest.mark.parametrize(("text", "neat"), TWO_COMMENTS.items())
def test_a_line_has_room_for_one_comment(text: str, neat: str) -> None:
    assert format_spec(text) == neat
    assert format_spec(neat) == neat


def test_only_kinds_that_need_no_options_become_words() -> None:
    text = "data:\n  mine: {}\nlayers:\n  - linear:\n  - cnov: {}\n"
    assert format_spec(text) == "layers:\n  - linear:\n  - cnov: {}\ndata:\n  mine: {}\n"


@pytest.mark.parametrize("lost", ["comment", "value"])
def test_a_layout_that_would_lose_something_is_refused(
    monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    shortened = {"comment": "name: x\n", "value": "name: y  # a\n"}[lost]
    monkeypatch.setattr("cnnspec.spec.format.write", lambda root, header: shortened)
    with pytest.raises(SpecError) as caught:
        format_spec("name: x  # a\n")
    assert [found.code for found in caught.value.diagnostics] == ["not-laid-out"]
