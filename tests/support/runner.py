# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests where it can harm nothing and leaves nothing.

Three processes: the outer one makes a private directory and keeps the time; its child is process 1 of a new pid
namespace and mount namespace, and collects orphans; the child of that runs the cases. When process 1 ends, however it ends,
the kernel kills every daemon and takes every mount away.

Exit code: 0 passed, 1 failed, 77 skipped (with the reason).
"""

import argparse
import contextlib
import importlib
import os
import pwd
import shutil
import signal
import stat
import sys
import time
import traceback
import unittest

from support import mounts, proc, sysio, temporary

SKIP = 77
# Ordinary users of the tests: the first has subordinate ids, the second has none.
USER_WITH_IDS, USER_WITHOUT_IDS = 4711, 4712
SUBORDINATE_START, SUBORDINATE_COUNT = 300000, 65536


def main():
    """Entry of tests/run.py."""
    parser = argparse.ArgumentParser(description="Run one file of tests.")
    parser.add_argument("file", type=os.path.abspath, help="test_*.py")
    parser.add_argument("-k", action="append", help="only cases whose name matches (as unittest -k)")
    parser.add_argument("--timeout", type=float, default=540, help="seconds for the whole file")
    parser.add_argument("-v", "--verbose", action="store_true", default=True)
    options = parser.parse_args()
    if mounts.kind() not in ("kernel", "plain") and not shutil.which(mounts.VENEERFS):
        print(f"FAILED: no program {mounts.VENEERFS!r}: set VENEERFS")
        return 1
    reason = why_not()
    if reason:
        print(f"SKIPPED: {reason}")
        return SKIP
    directory = temporary.directory("veneertest", os.environ.get("VENEER_TEST_DIR"))
    os.chmod(directory, 0o755)
    try:
        return supervise(directory, options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def why_not():
    """The reason why mounts cannot be tested here, or None."""
    if os.geteuid() != 0:
        return ("mount tests make devices, files of other users and private namespaces: run them as root "
                "(the ordinary user's tests drop the privileges themselves)")
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error.strerror}"
    return None


def fork(function, *arguments):
    """Runs a function in a child, whose exit code it gives; the process id of the child."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = function(*arguments)
    except BaseException:  # nobody above the fork may see it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def supervise(directory, options):
    """Runs the cases in a child and gives its exit code; 1 after the time is over."""
    child = fork(in_new_namespaces, directory, options)
    end = time.monotonic() + options.timeout
    with forward_signals(child):
        while True:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 1
            if time.monotonic() > end:
                print(f"FAILED: not finished after {options.timeout:.0f} s; killed", flush=True)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return 1
            time.sleep(0.02)


@contextlib.contextmanager
def forward_signals(child):
    """Ctrl-C and a polite kill end the child, and so everything, first."""
    def stop(number, _):
        os.kill(child, signal.SIGKILL)
        raise SystemExit(128 + number)
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def in_new_namespaces(directory, options):
    """Forks process 1 of new namespaces and waits for it; its exit code."""
    sysio.die_with_parent(signal.SIGKILL)
    sysio.unshare(sysio.CLONE_NEWNS | sysio.CLONE_NEWPID)
    init = fork(process_one, directory, options)
    code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
    return code if code >= 0 else 1


def process_one(directory, options):
    """Sets the namespace up, runs the cases in a child, collects orphans, looks for what was left."""
    sysio.die_with_parent(signal.SIGKILL)
    sysio.mount("none", "/", None, sysio.MS_REC | sysio.MS_PRIVATE)
    sysio.mount("proc", "/proc", "proc")
    provide_users(directory)
    cases = fork(run_cases, directory, options)
    while True:
        pid, status = os.wait()
        if pid == cases:
            code = os.waitstatus_to_exitcode(status)
            break
    if not proc.wait_until(lambda: not others(), timeout=5):
        print(f"FAILED: processes left behind: {others()}")
        code = code or 1
    stay = [point for point, _, _ in mounts.mount_info()
            if point.startswith(directory + "/") and not point.startswith(directory + "/system")]
    if stay:
        print(f"FAILED: mounts left behind: {stay}")
        code = code or 1
    return code if code >= 0 else 1


def others():
    """The processes of this namespace but process 1; collects the dead ones."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return {pid: command for pid, command in proc.processes().items() if pid != 1}


def provide_users(directory):
    """Ordinary users and a world-usable /dev/fuse, in this mount namespace only."""
    system = os.path.join(directory, "system")
    os.mkdir(system)
    sysio.mount("none", system, "tmpfs", 0, "mode=755")
    node = os.path.join(system, "fuse")
    os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 229))
    os.chmod(node, 0o666)
    sysio.mount(node, "/dev/fuse", None, sysio.MS_BIND)
    lines = {"passwd": "", "group": "", "subuid": "", "subgid": ""}
    for uid in (USER_WITH_IDS, USER_WITHOUT_IDS):
        name = f"veneer{uid}"
        home = os.path.join(system, name)
        os.mkdir(home, 0o755)
        os.chown(home, uid, uid)
        lines["passwd"] += f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n"
        lines["group"] += f"{name}:x:{uid}:\n"
    for name in ("subuid", "subgid"):
        lines[name] = f"veneer{USER_WITH_IDS}:{SUBORDINATE_START}:{SUBORDINATE_COUNT}\n"
    for name, more in lines.items():
        original = f"/etc/{name}"
        if not os.path.exists(original):
            continue  # then this machine has no subordinate ids either
        copy = os.path.join(system, name)
        shutil.copy(original, copy)
        with open(copy, "a", encoding="utf-8") as file:
            file.write(more)
        sysio.mount(copy, original, None, sysio.MS_BIND)
    pwd.getpwuid(USER_WITH_IDS)  # the set-up worked


class Result(unittest.TextTestResult):
    """Prints each case with the time it took."""

    def startTest(self, test):
        self._begin = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self._begin:.2f} s)")
        self.stream.flush()

    def getDescription(self, test):
        case = getattr(test, "test_case", test)  # a part of a case (subTest) says which
        part = f" {test._subDescription()}" if case is not test else ""
        return f"{type(case).__name__}.{getattr(case, '_testMethodName', case)}{part}"


def run_cases(directory, options):
    """Loads the file and runs its cases; 0 when all passed."""
    os.chdir(directory)
    temporary.use(directory)
    os.environ["LC_ALL"] = "C.UTF-8"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script ignores it for what it starts in the background
    folder, file = os.path.split(options.file)
    sys.path.insert(0, folder)
    module = importlib.import_module(file.removesuffix(".py"))
    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [p if "*" in p else f"*{p}*" for p in options.k]
    suite = loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    if result.testsRun == 0:
        print("FAILED: no case was run")
        return 1
    return 0 if result.wasSuccessful() else 1
