# SPDX-License-Identifier: Apache-2.0
"""Processes: running a command with a time limit, finding those that are there, waiting for something."""

import collections
import contextlib
import glob
import os
import signal
import subprocess
import sys
import time

from support import sanitizer


class Finished:
    """What a command did."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        command = " ".join(os.fsdecode(a) for a in self.arguments)
        return f"{command[:2000]}\n  exit code {self.code}\n  stdout: {self.out!r}\n  stderr: {self.err!r}"


def run(arguments, *, check=False, timeout=120, input=None, **more):
    """Runs a command in its own process group until it ends and its output is closed. On timeout the whole
    group is killed and TimeoutError raised; with `check` a non-zero exit code raises AssertionError."""
    if input is None:
        more.setdefault("stdin", subprocess.DEVNULL)
    else:
        more["stdin"] = subprocess.PIPE
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             start_new_session=True, text=True, errors="surrogateescape", **more)
    try:
        out, err = child.communicate(input, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise TimeoutError(f"not finished, or its output not closed, after {timeout} s: "
                           f"{' '.join(map(os.fsdecode, arguments))[:2000]}") from None
    finished = Finished(arguments, child.returncode, out, err)
    if check and finished.code != 0:
        raise AssertionError(f"failed: {finished}")
    return finished


# getrusage(2) counts for a process what the one that forked it had: a small one forks.
_MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(code)
"""


def peak_memory(arguments, env=None, **more):
    """Runs a command, which must not fail; the bytes of its resident memory where it had most."""
    env = {**(os.environ if env is None else env), "ASAN_OPTIONS": sanitizer.options(sanitizer.NO_QUARANTINE)}
    resident = int(run([sys.executable, "-ISc", _MEASURE, *arguments], check=True, env=env, **more).out)
    return sanitizer.without_shadow(resident)


def wait_until(condition, timeout=10.0, interval=0.01):
    """Calls `condition` until it is true; its value, or the last false one when the time is over."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(interval)


def processes():
    """The living processes that can be seen (zombies left out): pid to command line."""
    result = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state = file.read().rpartition(b")")[2].split()[0]
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read().rstrip(b"\0").split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if state not in (b"Z", b"X") and command != [b""]:
            result[int(name)] = [os.fsdecode(argument) for argument in command]
    return result


def open_paths(pid):
    """What the descriptors of a process stand for, as /proc says it; one that is closed meanwhile is left out."""
    result = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            result.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return result


@contextlib.contextmanager
def system_calls(pid, names):
    """A Counter of the system calls of these names that a process makes meanwhile; filled in at the end."""
    counted = collections.Counter()
    with strace(pid, f"trace={','.join(names)}") as lines:
        yield counted
    for name in names:
        counted[name] = sum(f"{name}(" in line for line in lines)


@contextlib.contextmanager
def strace(pid, *expressions):
    """Meanwhile strace traces all threads of a process, as its options -e say. The lines that it writes, filled in at the end."""
    lines = []
    options = [word for expression in ("signal=none", *expressions) for word in ("-e", expression)]
    tracer = subprocess.Popen(["strace", "-f", "-qq", *options, "-p", str(pid)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        if not wait_until(lambda: tracer.poll() is not None or _is_traced(pid, tracer.pid)):
            raise AssertionError(f"strace did not attach to {pid}")
        yield lines
    finally:
        tracer.terminate()
        _, text = tracer.communicate(timeout=10)
        lines += text.splitlines()


def _is_traced(pid, tracer):
    """Are all threads of a process traced by that one? Not when there is no such process any more."""
    threads = glob.glob(f"/proc/{pid}/task/*/status")
    for status in threads:
        with open(status, encoding="ascii", errors="replace") as file:
            if f"TracerPid:\t{tracer}\n" not in file.read():
                return False
    return bool(threads)


def in_child(function, *, uid=None, gid=None, groups=(), umask=None, timeout=60):
    """Runs `function` in a forked child with these credentials and gives what it returned (None, numbers, str,
    bytes, lists of them, by repr) or raises the OSError it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            signal.alarm(timeout)
            if gid is not None:
                os.setgroups(groups)
                os.setresgid(gid, gid, gid)
            if uid is not None:
                os.setresuid(uid, uid, uid)
            if umask is not None:
                os.umask(umask)
            try:
                answer = ("value", function())
            except OSError as error:
                answer = ("errno", (error.errno, error.strerror, str(error.filename)))
            except BaseException as error:  # whatever it is, the parent must hear of it
                answer = ("other", f"{type(error).__name__}: {error}")
            os.write(writer, repr(answer).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if not text:
        raise AssertionError(f"the child ended with status {status} and no answer")
    import ast  # only needed here
    kind, value = ast.literal_eval(text)
    if kind == "errno":
        raise OSError(*value)
    if kind == "other":
        raise AssertionError(f"in the child: {value}")
    return value
