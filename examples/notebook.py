# %% [markdown]
# # What was wrong with the notebook
#
# A student's convolutional network, written from scratch in NumPy, stuck at 26.8 % where
# torch's reached 98.9 %. One of its faults: the linear layer divides the gradient of its
# weights by the batch size, although the gradient of the loss was divided already. Here we
# plant that fault, see what it costs, and let the referee find it.

# %% The network and its data: cells like this one run in any editor that knows `# %%`.
from pathlib import Path

from cnnspec import build, compare_backends, load_data, load_spec, resolve, train
from cnnspec.backends.numpy.linear import LinearNumPy

spec = load_spec(
    Path(__file__).parents[1] / "specs" / "digits.yaml",
    overrides=["training.epochs=5", "training.optimizer={sgd: {learning_rate: 0.05}}"],
)
plan, data = resolve(spec), load_data(spec.data)


def accuracy() -> str:
    network = build(plan, spec.training, backend="numpy")
    return f"{100 * train(network, data, spec.training)[-1].test_accuracy:.1f} %"


# %% With right gradients
print("right gradients:", accuracy())

# %% With the notebook's fault
right = LinearNumPy.parameter_gradients


def divided_twice(self, grad_output):
    gradients = right(self, grad_output)
    return gradients | {"weight": gradients["weight"] / grad_output.shape[-1]}


LinearNumPy.parameter_gradients = divided_twice
print("divided by the batch size twice:", accuracy())

# %% The referee, which needs no tolerance, names the layer and the quantity
found = compare_backends(spec, ("numpy", "torch"), steps=0).first_divergence
print(f"first divergence: {found.layer}, {found.quantity}, in {found.precision}")
LinearNumPy.parameter_gradients = right
print("mended:", compare_backends(spec, ("numpy", "torch"), steps=0).verdict)
