"""Which side is wrong, and why: a third judge is asked, and the closed list of causes is tried."""
