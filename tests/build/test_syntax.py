# SPDX-License-Identifier: Apache-2.0
"""How a Dockerfile is read: lines, comments, directives, lists, heredocs."""

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, OLD, Case, Differs
from support.built import PATH, file

SILENT = "E67: they drop it without a word"
UNKNOWN = Differs(ALL, "outcome", "E73: heredocs are unknown; the reference of today has them")


def shown(name, dockerfile, value, **more):
    """A case whose Dockerfile writes this to /o."""
    return Case(name, dockerfile, tree={"/o": file(value + "\n")}, **more)


CASES = (
    shown("B17 lines go on and comments are left out",
          "FROM bb\n# a comment\nRUN echo 1 \\\n  # not a word\n  2 \\\n  3 > /o # a word", "1 2 3"),
    shown("B17 instructions are carried out in order", "RUN echo 1 > /o\nRUN echo 2 > /o", "2"),
    shown("B17 names of instructions in any case", "from bb\nrun echo 1 > /o\ncMd [\"x\"]", "1", config={"Cmd": ["x"]}),
    shown("B17 blanks in front and CR behind", "  FROM bb\r\n\t RUN echo 1 \\\r\n 2 > /o\r\n", "1 2"),
    Case("B18 there is no FROM", "# nothing\nRUN true", error="FROM"),
    Case("B18 there is nothing", "# nothing\n", error="empty|FROM|no instruction"),
    Case("E67 text behind a list", 'CMD ["a"] x', error="line 2.*list", differs=(Differs(ALL, "outcome", SILENT),)),
    Case("E67 a list that is none", 'CMD ["a",]', config={"Cmd": ["/bin/sh", "-c", '["a",]']}),
    Case("B31 E67 single quotes make no list", "CMD ['a']", config={"Cmd": ["/bin/sh", "-c", "['a']"]}),
    Case("E67 a list of other things", 'CMD ["a", 1]', error="line 2.*strings|line 2.*list"),
    Case("E67 a list without quotes", "VOLUME [/a]", config={"Volumes": {"[/a]": {}}}),
    Case("E68 an empty list", "CMD []", config={"Cmd": []},
         differs=(Differs((BUILDKIT, BUILDAH), "Cmd", "E68: null in BuildKit; the reference does not say"),)),
    Case("E68 CMD alone", "CMD", config={"Cmd": ["/bin/sh", "-c", ""]},
         differs=(Differs(OLD, "Cmd", "E68: without an empty command"),)),
    Case("E68 RUN alone", "RUN", tree={}, differs=(Differs(OLD, "outcome", "E68: it fails"),)),
    shown("E69 a blank line ends nothing", "RUN echo 1 > /o \\\n\nENV A=1", "1 ENV A=1",
          prints=r"(?s)line 3.*blank|blank.*line 3"),
    Case("E70 a comment turns directives off", "# hi\n# escape=`\nFROM bb\nENV A=a`b B=\\$x",
         config={"Env": [PATH, "A=a`b", "B=$x"]}),
    Case("E70 escape is a directive", "# escape=`\nFROM bb\nENV A=a`b `\n  B=c:\\d C=`$x",
         config={"Env": [PATH, "A=ab", "B=c:\\d", "C=$x"]},
         differs=(Differs(BUILDAH, "Env", "E70: it applies it to line ends only"),)),
    Case("E70 an escape character that is none", "# escape=x\nFROM bb", error="line 1.*escape"),
    Case("a directive twice", "# escape=`\n# escape=`\nFROM bb", error="line 2.*escape|ESCAPE"),
    shown("a note alone for syntax, and a check that is skipped", "# check=skip=all\nFROM bb\nRUN echo 1 > /o", "1"),
    Case("E73 a heredoc is a script", "RUN <<EOF\necho $0 > /o\necho \"2 $HOME\" >> /o\nEOF", tree={"/o": file("/bin/sh\n2 /\n")},
         differs=(UNKNOWN,)),
    Case("heredocs of a command", "RUN cat <<A > /o && cat <<'B' <<-C >> /o\n$HOME\nA\n$HOME\nB\n\tc\n\tC",
         tree={"/o": file("/\nc\n")}, differs=(UNKNOWN,)),
    Case("a heredoc with a program of its own", "RUN <<EOF\n#!/bin/cat\ntext\nEOF", tree={}, differs=(UNKNOWN,)),
    Case("a heredoc that does not end", "RUN <<EOF\necho", error="EOF"),
    Case("an unknown instruction", "RUN true\nFRMO x", error="line 3.*FRMO"),
    Case("what is meant is said", "COPI f /", error="COPI.*COPY"),
    Case("a zero byte", b"FROM bb\nRUN echo \0", error="."),
    shown("a mark of the byte order", "\ufeffFROM bb\nRUN echo 1 > /o", "1"),
    Case("a list over several lines", 'CMD [ "a", \\\n  # comment\n  "b\\u00e4\\n" \\\n ]', config={"Cmd": ["a", "bä\n"]}),
)


@cases(CASES)
class Syntax(BuildCase):
    pass
