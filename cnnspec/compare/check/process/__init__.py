"""Somebody's code in a process of its own: loaded, run, limited, listened to."""
