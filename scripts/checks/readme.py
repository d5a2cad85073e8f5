#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README.md and CONTRIBUTING.md tell a reader to type, exists.

Looks at the fenced blocks of shell commands: files of the project must be there and executable; `veneer COMMAND
--option` must be known to the built program's own --help; the presets named must be in CMakePresets.json; files that
the text links to must exist.
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import tree

_PAGES = ("README.md", "CONTRIBUTING.md", "bench/README.md")


def add_arguments(parser):
    parser.add_argument("--veneer", type=pathlib.Path, required=True, help="the built veneer program")
    parser.add_argument("--veneerfs", type=pathlib.Path, required=True, help="the built veneerfs program")


def command_lines(lines):
    """(line number, command) of the fenced sh and console blocks; comments, outputs and continuations resolved."""
    inside, pending, start = False, "", 0
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            inside = not inside and line.strip() in ("```sh", "```console")
            continue
        if not inside:
            continue
        start = start if pending else number
        pending += line.rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        for command in re.split(r"\s*(?:;|&&|\|)\s+", re.sub(r"\s#.*|^#.*", "", pending).lstrip("$ ")):
            if command:
                yield start, shlex.split(command)
        pending = ""


class Programs:
    """Answers what the built programs know, by asking their --help once per command."""

    def __init__(self, paths):
        self._paths = paths
        self._helps = {}

    def help_of(self, program, command=None):
        """The text of --help, or None when the program does not know the command."""
        key = (program, command)
        if key not in self._helps:
            arguments = [self._paths[program], *([command] if command else []), "--help"]
            result = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self._helps[key] = result.stdout if result.returncode == 0 else None
        return self._helps[key]


def check_veneer(words, programs):
    """What is wrong with `veneer WORDS...`, one string each."""
    if not words or words[0].startswith("-"):
        text, options = programs.help_of("veneer"), words
    else:
        text, options = programs.help_of("veneer", words[0]), words[1:]
        if text is None:
            return [f"veneer has no command '{words[0]}'"]
    if "--" in options:
        options = options[: options.index("--")]
    named = [word.split("=")[0] for word in options if re.match(r"-{1,2}[A-Za-z]", word)]
    return [f"veneer {words[0]} has no option '{option}'" for option in named
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text or "")]


def check_command(root, words, programs, presets):
    program = words[0]
    problems = []
    if program == "sudo":
        return check_command(root, words[1:], programs, presets)
    if program == "veneer":
        problems += check_veneer(words[1:], programs)
    elif program == "veneerfs":
        if programs.help_of("veneerfs") is None:
            problems.append("veneerfs --help fails")
    elif "/" in program and not program.startswith(("/", "build/", "$")):
        if not os.access(root / program, os.X_OK) or not (root / program).is_file():
            problems.append(f"{program} is not an executable file")
    for option, value in zip(words, words[1:] + [""]):
        if option == "--preset" and value not in presets:
            problems.append(f"CMakePresets.json has no preset '{value}'")
    return problems


def main():
    arguments = tree.parse_root(__doc__, add_arguments)
    root = arguments.root
    programs = Programs({"veneer": arguments.veneer, "veneerfs": arguments.veneerfs})
    presets = {preset["name"] for preset in json.loads((root / "CMakePresets.json").read_text())["configurePresets"]}
    violations, seen = [], 0
    for page in _PAGES:
        lines = tree.lines(root, page)
        for number, words in command_lines(lines):
            seen += 1
            violations += [f"{page}:{number}: {problem}" for problem in check_command(root, words, programs, presets)]
        for number, line in enumerate(lines, 1):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
                if not (root / page).parent.joinpath(target).exists():
                    violations.append(f"{page}:{number}: links to {target}, which does not exist")
    if not seen:
        violations.append("README.md:1: no command found: the check looks in the wrong place")
    tree.report(violations)


if __name__ == "__main__":
    main()
