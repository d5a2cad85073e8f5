# SPDX-License-Identifier: Apache-2.0
"""FROM, stages, and COPY from stages and images."""

from support.build_case import BuildCase, cases
from support.builds import BUILDAH, BUILDKIT, CLASSIC, OLD, Case, Differs
from support.built import PATH, file, folder

FILE = {"f": "x\n"}
X = file("x\n")
THIRTY = "\n".join([f"FROM bb AS s{number}\nRUN echo {number} > /o{number}" + (
    f"\nCOPY --from=s{number - 1} /o* /" if number else "") for number in range(30)])

CASES = (
    Case("B43 the result is the last stage alone", "FROM bb AS one\nRUN echo x > /f && echo y > /g\nENV A=1\nFROM bb as two\n"
         "COPY --from=one /f /f", tree={"/f": X}, layers=1, history=("COPY /f /f # buildkit",)),
    Case("B27 a stage by its number",
         "FROM bb\nRUN echo x > /f\nFROM ann\nFROM bb\nCOPY --from=0 /f /f\nCOPY --from=1 /etc/group /g",
         tree={"/f": X, "/g": file(b"root:x:0:\nann:x:55:\nmany:x:77:ann\nstaff:x:50:\n")}),
    Case("B27 an image", "COPY --from=ann /etc /etc",
         tree={"/etc": folder(), "/etc/passwd": file(None), "/etc/group": file(None)}),
    Case("B27 a path of a stage is absolute", "FROM bb AS s\nWORKDIR /w\nRUN echo x > f\nFROM bb\nCOPY --from=s w/f /f\n"
         "COPY --from=s /w /v/", tree={"/f": X, "/v": folder(), "/v/f": X}),
    Case("B27 an image that is nowhere", "COPY --from=localhost:1/nosuch /f /f", error="nosuch"),
    Case("B27 a path that a stage has not", "FROM bb AS s\nFROM bb\nCOPY --from=s /nope /f", error="nope"),
    Case("B27 links of a stage stay in it", "FROM bb AS s\nRUN mkdir /d && echo x > /d/f && ln -s /d /l && ln -s ../../d/f /m\n"
         "FROM bb\nCOPY --from=s /l /c\nCOPY --from=s /m /m", tree={"/c": folder(), "/c/f": X, "/m": X}),
    Case("B27 owners of a stage stay",
         "FROM bb AS s\nRUN echo x > /f && chown 3:4 /f && mkdir -m 700 /d && chown 5:6 /d && touch /d/g\n"
         "FROM bb\nCOPY --from=s /f /d /t/\nCOPY --from=s --chown=7:8 /f /u",
         tree={"/t": folder(), "/t/f": file("x\n", owner="3:4"), "/t/g": file(), "/u": file("x\n", owner="7:8")}, many_ids=True),
    Case("B43 a stage is the base of another", "FROM bb AS a\nRUN echo x > /f\nENV A=1\nFROM a AS b\nRUN echo y > /g\nFROM b",
         tree={"/f": X, "/g": file("y\n")}, config={"Env": [PATH, "A=1"]}, layers=2),
    Case("B43 a stage that nothing needs is not built", "FROM bb AS a\nRUN false\nFROM bb\nCOPY f /f", FILE, tree={"/f": X},
         differs=(Differs(CLASSIC, "outcome", "it builds every stage"),)),
    Case("B43 stages that do not need each other", "FROM bb AS a\nRUN echo x > /f\nFROM bb AS b\nRUN echo x > /g\nFROM bb\n"
         "COPY --from=b /g /g\nCOPY --from=a /f /f", tree={"/f": X, "/g": X}),
    Case("B43 thirty stages", THIRTY, tree={f"/o{number}": file(f"{number}\n") for number in range(30)}),
    Case("B14 --target ends at a stage", "FROM bb AS a\nRUN echo x > /f\nFROM a AS b\nRUN false", options=("--target", "a"),
         tree={"/f": X}),
    Case("B14 --target of no stage", "FROM bb AS a", options=("--target", "nope"), error="nope"),
    Case("B19 scratch and a program alone", "FROM scratch\nCOPY --from=bb /bin/busybox /busybox\nCMD [\"/busybox\"]", base="",
         tree={"/busybox": file(None, 0o755)}, config={"Env": [PATH], "Cmd": ["/busybox"], "WorkingDir": "/"},
         differs=(Differs(OLD, "WorkingDir", "E83: it is BuildKit's"),)),
    Case("B19 scratch is no image", "FROM bb\nCOPY --from=scratch / /x", tree=None,
         differs=(Differs(CLASSIC, "outcome", "it refuses it; in BuildKit nothing is copied"),)),
    Case("E78 a number of a later stage", "FROM ann AS x\nCOPY --from=1 /etc/passwd /m\nFROM bb\nFROM x", base="ann", error="1",
         ),
    Case("E78 a number of no stage", "FROM bb\nCOPY --from=7 /f /m", error="7"),
    Case("E79 a stage takes nothing from itself", "FROM bb AS p\nCOPY --from=p /bin/cat /f", error=r"\bp\b"),
    Case("E79 nor from an image of its own name", "FROM bb AS ann\nCOPY --from=ann /etc/group /f", error="ann",
         differs=(Differs(OLD, "outcome", "E79: they take it from the image of that name"),)),
    Case("E80 of two stages of one name the last counts",
         "FROM bb AS a\nRUN echo 1 > /f\nFROM bb AS a\nRUN echo x > /f\nFROM bb\n"
         "COPY --from=a /f /f", tree={"/f": X}, differs=(Differs(CLASSIC, "outcome", "E80: it refuses them"),)),
    Case("E81 names of stages in any case", "FROM bb AS Build\nRUN echo x > /f\nFROM bb\nCOPY --from=bUILD /f /f", tree={"/f": X},
         differs=(Differs(BUILDAH, "outcome", "E81: it minds the case"),)),
    Case("E81 --target in any case", "FROM bb AS Build\nRUN echo x > /f\nFROM bb", options=("--target", "bUILD"), tree={"/f": X},
         differs=(Differs(BUILDAH, "outcome", "E81: it minds the case"),)),
    Case("E81 FROM in any case", "FROM bb AS b\nRUN echo x > /f\nFROM B", tree={"/f": X}, differs=(
        Differs((BUILDKIT, BUILDAH), "outcome", "E81: they look for an image; --from and --target do not"),)),
    Case("E81 a number is no name of a stage", "FROM bb AS 1", error="1",
         differs=(Differs(BUILDAH, "outcome", "E81: it takes it"),)),
    Case("E82 --target takes no number", "FROM bb\nFROM bb", options=("--target", "0"), error="0",
         differs=(Differs(BUILDAH, "outcome", "it takes it; the engine does not"),)),
    Case("stages that go round", "FROM bb AS a\nCOPY --from=b /f /f\nFROM bb AS b\nCOPY --from=a /f /f", error="line"),
    Case("B12 a base that is nowhere", "FROM localhost:1/nosuch", error="nosuch"),
    Case("from with a platform of another machine", "FROM --platform=linux/amd64 bb\nCOPY f /f", FILE, tree={"/f": X}),
    Case("from with too many words", "FROM bb AS a b", error="line 1.*FROM"),
)


@cases(CASES)
class Stages(BuildCase):
    pass
