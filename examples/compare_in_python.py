"""The referee in Python: hold two backends together and read the verdict."""

from pathlib import Path

from cnnspec import compare_backends, load_spec
from cnnspec.report.address import sides_words, words

spec = load_spec(Path(__file__).parents[1] / "specs" / "digits.yaml")
verdict = compare_backends(spec, ("numpy", "torch"), steps=100)

print(f"{verdict.backends[0]} and {verdict.backends[1]}: {verdict.verdict}")
worst = max(verdict.comparisons, key=lambda quantity: quantity.ratio)
part, sides = words(worst.address), sides_words(worst.sides)
print(f"nearest to its budget: {part} {worst.quantity} ({worst.precision}, {sides})")
print(f"  {worst.difference:.1e} apart, where rounding explains {worst.budget:.1e}")
for backend, accuracy in verdict.trajectory.accuracy.items():
    print(f"{backend} after 100 steps: {100 * accuracy:.1f} %")
