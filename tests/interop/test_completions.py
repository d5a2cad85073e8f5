# SPDX-License-Identifier: Apache-2.0
"""What bash, zsh and fish offer on the command line of veneer."""

import os
import pty
import re

from support import proc
from support.images import layer
from support.stores import StoreCase

HERE = os.path.dirname(os.path.abspath(__file__))
COMPLETIONS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "completions")
COMMANDS = {}  # filled in by the first case that asks for it
GROUPS = ("image", "container", "system", "layer")

# What each line offers in all shells.
LINES = {
    "veneer im": "import images image",
    "veneer ver": "version",
    "veneer help i": "import images inspect image info",
    "veneer help sys": "system",
    "veneer help system ": "df info prune fsck",
    "veneer help rm ": "",
    "veneer layer ": "tar ls",
    "veneer system ": "df info prune fsck",
    "veneer container re": "rename remove",
    "veneer save --format ": "docker-archive oci-archive oci-dir",
    "veneer image save --format o": "oci-archive oci-dir",
    "veneer save --compress ": "none gzip zstd",
    "veneer push --compress ": "gzip zstd",
    "veneer diff --format ": "text json",
    "veneer container diff --format ": "text json",
    "veneer stats --format ": "table json",
    "veneer images --format ": "table json raw",
    "veneer image ls --format ": "table json raw",
    "veneer history --format ": "table json raw",
    "veneer ps --format ": "table json raw",
    "veneer layer ls --format ": "table json raw",
    "veneer system df --format ": "table json raw",
    "veneer inspect --format ": "json",
    "veneer inspect --type ": "image container layer",
    "veneer chroot --net ": "host none",
    "veneer import --progress ": "auto plain none",
    "veneer images -f ": "dangling= label= before= since= until= reference=",
    "veneer images --filter d": "dangling=",
    "veneer image ls -f ": "dangling= label= before= since= until= reference=",
    "veneer ps -f ": "name= id= status= ancestor=",
    "veneer container ls --filter s": "status=",
    "veneer image prune --filter ": "until= label= label!=",
    "veneer image prune --f": "--force --filter",
    "veneer container prune --f": "--force --filter",
    "veneer container prune --filter ": "until=",
    "veneer rmi ": "debian:12 localhost:5000/team/app:1",
    "veneer image rm loc": "localhost:5000/team/app:1",
    "veneer image remove deb": "debian:12",
    "veneer container rm ": "work other",
    "veneer container remove w": "work",
    "veneer rmi --force deb": "debian:12",
    "veneer inspect ": "debian:12 localhost:5000/team/app:1 work other",
    "veneer image inspect ": "debian:12 localhost:5000/team/app:1",
    "veneer container inspect ": "work other",
    "veneer mount --name work ": "debian:12 localhost:5000/team/app:1 work other",
    "veneer create deb": "debian:12",
    "veneer rename ": "work other",
    "veneer rename work ": "",
    "veneer tag debian:12 loc": "localhost:5000/team/app:1",
    "veneer layer tar ": "debian:12 localhost:5000/team/app:1",
    "veneer --root /nonexistent rmi ": "",
    "veneer --root /nonexistent image rm ": "",
}

# What bash offers where the word has a character that ends words for readline: only what comes
# behind it.
BASH_LINES = {
    "veneer rmi debian:": "12",
    "veneer rmi localhost:5000/t": "5000/team/app:1",
    "veneer rmi localhost:5000/team/app:": "1",
    "veneer save --format=oci-d": "oci-dir",
    "veneer images --filter=dangling=": "true false",
    "veneer images -f before=debian:": "12",
    "veneer ps -f status=m": "mounted",
    "veneer ps -f ancestor=deb": "debian:12",
    "veneer image ls -f dangling=f": "false",
    "veneer mount -o suid,noa": "suid,noatime suid,noacl",
    "veneer -": "--debug -h --help --root --version -v",
}


def parts(text):
    """The answers to each line of a shell that begins them with == and the line."""
    found = {}
    for line in text.splitlines():
        if line.startswith("== "):
            answers = found.setdefault(line[3:], [])
        elif line:
            answers.append(line)
    return found


class CompletionCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.write("tree.tar", layer(file=""))
        self.veneer("import", "tree.tar", "debian:12")
        self.veneer("import", "-c", "LABEL a=b", "tree.tar", "localhost:5000/team/app:1")
        self.veneer("create", "-n", "work", "debian:12")
        self.veneer("create", "-n", "other", "debian:12")
        self.environment.update(HOME=self.dir, TERM="dumb", XDG_CONFIG_HOME=self.dir, XDG_DATA_HOME=self.dir)

    def shell(self, *arguments, **more):
        """What a shell writes that succeeds without complaints."""
        done = proc.run(arguments, env=self.environment, cwd=self.dir, **more)
        self.assertEqual((done.code, done.err), (0, ""), done)
        return done.out

    def bash(self, lines):
        return parts(self.shell("bash", "--norc", os.path.join(HERE, "complete_lines.bash"),
                                os.path.join(COMPLETIONS, "veneer.bash"), input="\n".join(lines) + "\n"))

    def fish(self, lines):
        self.write("lines", "".join(line + "\n" for line in lines))
        script = ("source $argv[1]; for line in (cat $argv[2]); echo \"== $line\"; "
                  "complete -C $line | string replace -r '\\t.*' ''; end; true")
        return parts(self.shell("fish", "--no-config", "-c", script, os.path.join(COMPLETIONS, "veneer.fish"), self.path("lines")))

    def zsh(self, lines):
        self.write("lines", "".join(line + "\n" for line in lines))
        self.write("answers", b"")
        environment = {**self.environment, "COMPLETIONS": COMPLETIONS, "LINES_FILE": self.path("lines"),
                       "ANSWERS": self.path("answers")}
        child, terminal = pty.fork()
        if child == 0:
            try:
                os.chdir(self.dir)
                os.execvpe("zsh", ["zsh", "-f", os.path.join(HERE, "complete_lines.zsh")], environment)
            finally:
                os._exit(127)
        screen = b""
        try:
            while data := os.read(terminal, 65536):
                screen += data
        except OSError:
            pass  # the shell has closed its terminal
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0, screen)
        with open(self.path("answers"), encoding="utf-8") as file:
            return parts(file.read())

    def check(self, found, expected):
        for line, words in expected.items():
            with self.subTest(line=line):
                answers = [answer for answer in found[line] if not answer.startswith("++")]
                self.assertEqual(sorted(set(answers)), sorted(words.split()))

    def listed(self, *arguments):
        """The commands of a help; `ls, list` are two."""
        text = self.veneer(*arguments).partition("Subcommands:")[2]
        return [name for names in re.findall(r"^  ([a-z]+(?:, [a-z]+)*)  +\S", text, re.MULTILINE) for name in names.split(", ")]

    def commands(self):
        """Every command with the verbs of groups, and the long options of its help."""
        if not COMMANDS:
            names = [(name,) for name in self.listed("help")]
            self.assertGreater(len(names), 25)
            for group in GROUPS:
                verbs = self.listed(group, "--help")
                self.assertGreater(len(verbs), 1)
                names += [(group, verb) for verb in verbs]
            for name in names:
                options = re.findall(r"^  (?:-\w,)?(--[a-z-]+)", self.veneer(*name, "--help"), re.MULTILINE)
                COMMANDS[" ".join(name)] = options
        return COMMANDS

    def check_commands(self, complete):
        """A shell offers every command, every verb and every option."""
        commands = self.commands()
        found = complete(["veneer ", *(f"veneer {name} --" for name in commands), *(f"veneer {group} " for group in GROUPS)])
        for name, options in commands.items():
            with self.subTest(command=name):
                *group, verb = name.split()
                self.assertIn(verb, found[" ".join(["veneer", *group]) + " "])
                self.assertIn("--help", options)
                self.assertEqual(set(options) - set(found[f"veneer {name} --"]), set())


class Bash(CompletionCase):
    def test_lines(self):
        expected = {**LINES, **BASH_LINES}
        self.check(self.bash(expected), expected)

    def test_commands(self):
        self.check_commands(self.bash)

    def test_no_blank_behind_the_key_of_a_filter(self):
        found = self.bash(["veneer images -f ", "veneer images -f dangling=", "veneer images "])
        self.assertEqual([[answer for answer in answers if answer.startswith("++")] for answers in found.values()],
                         [["++ -o nospace"], [], []])

    def test_files(self):
        os.mkdir(self.path("there"))
        found = self.bash(["veneer import tre", "veneer mount debian:12 th", "veneer save -o tree", "veneer --root the",
                           "veneer export work > tre", "veneer chroot work -- base"])
        programs = found.pop("veneer chroot work -- base")
        self.assertEqual([answers[0] for answers in found.values()], ["tree.tar", "there", "tree.tar", "there", "tree.tar"])
        self.assertIn("basename", programs)


class Zsh(CompletionCase):
    def test_syntax(self):
        self.shell("zsh", "-n", os.path.join(COMPLETIONS, "_veneer"))

    def test_lines(self):
        self.check(self.zsh(LINES), LINES)

    def test_commands(self):
        self.check_commands(self.zsh)

    def test_values_of_filters(self):
        expected = {"veneer images -f dangling=": "true false", "veneer ps -f status=m": "mounted",
                    "veneer image ls -f before=deb": "debian:12", "veneer mount -o suid,noa": "noacl noatime"}
        self.check(self.zsh(expected), expected)


class Fish(CompletionCase):
    def test_lines(self):
        self.check(self.fish(LINES), LINES)

    def test_commands(self):
        self.check_commands(self.fish)

    def test_values_of_filters(self):
        expected = {"veneer images -f dangling=": "dangling=true dangling=false", "veneer ps -f status=m": "status=mounted",
                    "veneer images -f before=deb": "before=debian:12", "veneer save --format=oci-d": "--format=oci-dir",
                    "veneer image prune --": "--all --bytes --debug --filter --force --help --root"}
        self.check(self.fish(expected), expected)
