"""Trajectories: two trainings beside each other, and whether chaos explains where they part."""

from cnnspec.compare.trajectory.run import MODES, Mode, run_trajectory

__all__ = ["MODES", "Mode", "run_trajectory"]
