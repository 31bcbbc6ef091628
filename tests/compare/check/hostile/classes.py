"""Classes that harm whoever runs them: each a relu, and one thing that it does besides.

By name: what is done, where, and how `check` ends: 0 where the class is a right relu all the
same, 1 where it is wrong, 2 where it cannot be loaded. Nothing here harms the machine where it
runs: what would kill or stop others does so only where there are none (`alone`), and nothing
starts more than 200 processes.
"""

from __future__ import annotations

from dataclasses import dataclass

LAYER = """
import os, signal, sys, time
import numpy as np

def alone():
    return os.getppid() == 1 and os.getpid() == 2

{top}

class ReLU:
    {inside}
    def __init__(self):
        {construct}
    def forward(self, x):
        self.on = x > 0
        y = np.where(self.on, x, 0)
        {forward}
        return y
    def backward(self, grad):
        dx = np.where(self.on, grad, 0)
        {backward}
        return dx
"""


@dataclass(frozen=True)
class Hostile:
    """What a class does, and how the check of it ends."""

    code: int
    words: str = ""
    """What the document says somewhere."""
    top: str = "pass"
    inside: str = "pass"
    construct: str = "pass"
    forward: str = "pass"
    backward: str = "pass"

    @property
    def source(self) -> str:
        """Return the file."""
        indented = {
            name: getattr(self, name).replace("\n", "\n" + " " * depth)
            for name, depth in {"inside": 4, "construct": 8, "forward": 8, "backward": 8}.items()
        }
        return LAYER.format(top=self.top, **indented)


SLEEPS = "if os.fork() == 0:\n    time.sleep(1000)\n    os._exit(0)"

DAEMON = """\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for stream in range(3): os.close(stream)
        os.environ.clear()
        os.execve('/bin/sleep', ['sleep', '1000'], {'BY': 'a hostile class'})
    os._exit(0)"""

HOSTILE = {
    # Other processes.
    "kills its parent": Hostile(0, forward="if alone(): os.kill(os.getppid(), 9)"),
    "kills all": Hostile(
        0, forward="if alone():\n    try: os.kill(-1, 9)\n    except ProcessLookupError: pass"
    ),
    "kills its group": Hostile(1, "the process died: SIGKILL", forward="os.killpg(0, 9)"),
    "has another program kill all": Hostile(
        1,
        top="import subprocess",
        forward="if alone(): subprocess.run(['sh', '-c', 'kill -9 -1'])\nelse: os.abort()",
    ),
    "stops its parent": Hostile(0, forward="if alone(): os.kill(1, signal.SIGSTOP)"),
    "stops itself": Hostile(1, "does not end", forward="os.kill(os.getpid(), signal.SIGSTOP)"),
    "leaves children": Hostile(0, forward=SLEEPS),
    "leaves a daemon": Hostile(0, forward=DAEMON),
    "leaves programs": Hostile(
        0,
        top="import subprocess",
        backward="subprocess.Popen(['sleep', '1000'], env={}, start_new_session=True)",
    ),
    "leaves children that ignore signals": Hostile(
        0,
        forward="for each in range(1, 32):\n    if each not in (9, 17, 19):\n"
        "        signal.signal(each, signal.SIG_IGN)\n" + SLEEPS,
    ),
    "forks without end": Hostile(
        1,
        "starts more than 128 processes",
        forward="for _ in range(8): os.fork()\ntime.sleep(1000)",
    ),
    "forks while it is killed": Hostile(
        1,
        "starts more than 128 processes",
        forward="for n in range(200):\n    if os.fork(): time.sleep(0.001)\n"
        "    else: time.sleep(1000)",
    ),
    "runs on in a copy": Hostile(1, "the copy runs on", forward="os.fork()"),
    "runs on in a copy from its import": Hostile(2, "the copy runs on", top="os.fork()"),
    "raises in a copy": Hostile(1, "the copy runs on", backward="if os.fork() == 0: 1 / 0"),
    "becomes another program": Hostile(
        1, "the process ended with code 0", forward="os.execv('/bin/true', ['true'])"
    ),
    "becomes a program that does not end": Hostile(
        1, "does not end", forward="os.execve('/bin/sleep', ['sleep', '1000'], {})"
    ),
    # Ends.
    "exits": Hostile(1, "calls sys.exit(0)", forward="sys.exit(0)"),
    "exits at once": Hostile(1, "the process ended with code 0", backward="os._exit(0)"),
    "exits at once when it is loaded": Hostile(2, "ended with code 0", top="os._exit(0)"),
    "exits as one that is silenced": Hostile(1, "closes descriptors", forward="os._exit(117)"),
    "raises what is no Exception": Hostile(
        1, "Hidden", top="class Hidden(BaseException): pass", forward="raise Hidden"
    ),
    "interrupts": Hostile(1, "KeyboardInterrupt", forward="raise KeyboardInterrupt"),
    "raises what cannot be said": Hostile(
        1,
        "(its own message cannot be made)",
        top="class Mute(Exception):\n    def __str__(self): sys.exit(0)",
        forward="raise Mute",
    ),
    "raises with a book": Hostile(1, "xxx", forward="raise ValueError('x' * 10**7)"),
    "raises what cannot be written": Hostile(1, forward="raise ValueError('\\ud800\\x1b[31m\\0')"),
    "recurses until it crashes": Hostile(
        1,
        top="sys.setrecursionlimit(10**9)\n"
        "class Down:\n    def __repr__(self): return repr([self])",
        forward="repr(Down())",
    ),
    "reads where nothing is": Hostile(
        1, "the process died: SIGSEGV", top="import ctypes", forward="ctypes.string_at(0)"
    ),
    "exits when it has just been loaded": Hostile(
        2,
        "the process ended with code 7",
        top="def watch(frame, event, _):\n"
        "    if repr('start') in str(frame.f_locals.get('result')): os._exit(7)\n"
        "sys.setprofile(watch)",
    ),
    "loops in its import": Hostile(2, "does not end", top="while True: pass"),
    "loops in its constructor": Hostile(1, "does not end", construct="while True: pass"),
    "loops when it is deleted": Hostile(
        1, "does not end", inside="def __del__(self):\n    while True: pass"
    ),
    "loops deaf to signals": Hostile(
        1,
        "does not end",
        forward="for each in (10, 14, 15): signal.signal(each, signal.SIG_IGN)\nwhile True: pass",
    ),
    "loops at the end": Hostile(
        0, top="import atexit\n@atexit.register\ndef forever():\n    while True: pass"
    ),
    "rings a bell": Hostile(
        1, "the process died: SIGALRM", forward="signal.setitimer(0, 0.01); time.sleep(10)"
    ),
    "calls itself by a signal without end": Hostile(
        1,
        forward="signal.signal(10, lambda *_: os.kill(os.getpid(), 10))\n"
        "os.kill(os.getpid(), 10)\nwhile True: pass",
    ),
    # Memory and output.
    "allocates without end": Hostile(
        1, "MemoryError", forward="kept = []\nwhile True: kept.append(np.empty(2**28))"
    ),
    "prints without end": Hostile(1, "does not end", forward="while True: print('x' * 10**4)"),
    "prints without a line's end": Hostile(
        1, "does not end", forward="while True: sys.stdout.write('x' * 2**20)"
    ),
    "prints what is no text": Hostile(
        0, forward="os.write(1, bytes(range(256)) * 100); os.write(2, b'\\xff\\0')"
    ),
    "writes a file without end": Hostile(
        1, "File too large", forward="open('out', 'wb').truncate(2**40)"
    ),
    # Where the results go.
    "writes to every descriptor": Hostile(
        1,
        "something else than its results",
        forward="for each in range(1, 1024):\n    try: os.write(each, b'mine' * 20)\n"
        "    except OSError: pass",
    ),
    "speaks for the one who reports": Hostile(
        1,
        "something else than its results",
        top="import gc",
        forward="for each in gc.get_objects():\n    if type(each).__name__ == 'Reporter':\n"
        "        each.say(key='s0', error=[1]); each.say(key='s99', event='start')\n"
        "        each._sender.line({'key': 's0'}, {'output': np.array([None])})",
    ),
    "closes every descriptor": Hostile(1, "closes descriptors", forward="os.closerange(0, 4096)"),
    "closes every descriptor and loops": Hostile(
        1, "does not end", forward="os.closerange(0, 4096)\nwhile True: pass"
    ),
    "closes the usual descriptors": Hostile(0, forward="os.closerange(0, 256)"),
    "points every descriptor elsewhere": Hostile(
        1,
        "the process ended with code 0",
        backward="none = os.open(os.devnull, os.O_RDWR)\n"
        "for each in range(1024):\n    if each != none: os.dup2(none, each)",
    ),
    "lets no descriptor wait": Hostile(
        0,
        forward="for each in range(1024):\n    try: os.set_blocking(each, False)\n"
        "    except OSError: pass",
    ),
    # What others use.
    "calls all arrays equal": Hostile(
        1, top="np.array_equal = np.allclose = lambda *a, **k: True", forward="x *= 2"
    ),
    "puts others in NumPy": Hostile(
        2,
        "division by zero",
        top="for each in ('asarray', 'array', 'savez', 'zeros', 'frombuffer'):\n"
        "    setattr(np, each, lambda *a, **k: 1 / 0)",
    ),
    "puts others in json": Hostile(
        0,
        top="import json\njson.dumps = json.JSONEncoder.encode = None\n"
        "json.JSONEncoder.iterencode = json.encoder.c_make_encoder = None",
    ),
    "puts others in os": Hostile(
        0, top="os.getpid = lambda: 7\nos.write = os._exit = os.read = lambda *a: 0"
    ),
    "puts others in the builtins": Hostile(
        0, top="import builtins\nbuiltins.open = builtins.print = builtins.input = None"
    ),
    "puts others in the builtins that all use": Hostile(
        1, forward="import builtins\nbuiltins.isinstance = builtins.len = builtins.type = None"
    ),
    "becomes another user": Hostile(0, forward="os.getuid() or os.setuid(os.getuid())"),
    "changes its root": Hostile(
        0, forward="try: os.chroot(os.path.dirname(__file__))\nexcept OSError: pass"
    ),
    "replaces its streams": Hostile(0, top="sys.stdout = sys.stderr = sys.stdin = 3"),
    "empties the modules": Hostile(
        0,
        forward="for name in [*sys.modules]:\n"
        "    if name[:3] in ('cnn', 'jso'): del sys.modules[name]",
    ),
    "makes warnings of all and errors of warnings": Hostile(
        0, top="import warnings\nwarnings.simplefilter('error')\nnp.seterr(all='raise')"
    ),
    "leaves threads": Hostile(
        0,
        top="import threading\ndef spin():\n    while True: time.sleep(0.001)",
        construct="threading.Thread(target=spin).start()",
    ),
    "goes elsewhere": Hostile(
        0,
        forward="os.chdir('/'); os.umask(0o777); os.environ.clear()\n"
        "import locale; locale.setlocale(locale.LC_ALL, 'C')",
    ),
    "deletes its own files": Hostile(
        0, forward="import shutil; shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)"
    ),
    "lowers its limits": Hostile(
        1,
        forward="import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**20, 2**20))\n"
        "np.ones(10**7)",
    ),
    "raises its limits": Hostile(
        1,
        "Error",
        forward="import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**50, 2**50))",
    ),
    "traces what runs": Hostile(
        1,
        "Mute",
        top="class Mute(Exception): pass\ndef mute(*_): raise Mute",
        forward="sys.setprofile(mute)",
    ),
    # What it gives back.
    "gives a hostile subclass": Hostile(
        0,
        top="class Odd(np.ndarray):\n    def no(self, *a, **k): sys.exit(3)\n"
        "    __eq__ = __ne__ = __array_ufunc__ = __array_function__ = __repr__ = __len__ = no",
        forward="y = y.view(Odd)",
    ),
    "gives what exits as an array": Hostile(
        1,
        "wanted an array",
        top="class Odd:\n    def __array__(self, *a, **k): sys.exit(3)",
        forward="y = Odd()",
    ),
    "gives a sequence without end": Hostile(
        1,
        "wanted an array",
        top="class Endless:\n    def __len__(self): return 2**40\n"
        "    def __getitem__(self, n): return 1.0",
        forward="y = Endless()",
    ),
    "gives a huge array": Hostile(
        1, "Unable to allocate", forward="y = np.broadcast_to(0.0, (10**5, 10**6))"
    ),
    "has a name without end": Hostile(0, construct="setattr(self, 'w' * 10**7, np.zeros(3))"),
    "answers to every name": Hostile(
        1,
        top="class All:\n    def __getattr__(self, name): return self\n"
        "    def __call__(self, *a, **k): return self\n    __len__ = __iter__ = __call__",
        forward="y = All()",
    ),
    "gives objects": Hostile(1, forward="y = y.astype(object)"),
    "gives a generator": Hostile(1, forward="y = (each for each in iter(int, 1))"),
    "gives an array of a file": Hostile(
        0,
        forward="y, there = np.memmap('mapped', 'float64', 'w+', shape=y.shape), y\ny[...] = there",
    ),
    "gives an array of a file that shrinks": Hostile(
        1,
        "SIGBUS",
        forward="y = np.memmap('shrinks', 'float64', 'w+', shape=y.shape)\n"
        "os.truncate('shrinks', 0)",
    ),
    # Who is not there.
    "asks a question": Hostile(1, "nobody is there to answer", forward="input('how many? ')"),
    "reads all that is typed": Hostile(0, top="sys.stdin.read()"),
    "opens a browser": Hostile(
        0, top="import webbrowser", forward="webbrowser.open('http://localhost:9/')"
    ),
}
