# SPDX-License-Identifier: Apache-2.0
"""What instructions change in the config, and what the history says of them."""

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, DOCKER, OLD, Case, Differs
from support.built import PATH, file, folder, link

FILE = {"f": "x\n"}
SECOND = 10**9
OF_BASE = Differs(CLASSIC, ("/from/", "layers"), "it makes the working directory of the base")
SHELLS = Differs(BUILDAH, ("Cmd", "Entrypoint"), "E75: it does not use SHELL")


def config(name, dockerfile, history=None, **more):
    """A case of a Dockerfile that changes the config alone; `more`: values of the config by key, and of the case."""
    keys = {key: more.pop(key) for key in list(more) if key[0].isupper() or key == "author"}
    return Case(name, dockerfile, config=keys, history=history, **({"layers": 0} | more))


CASES = (
    config("B31 a command for the shell", 'CMD echo "$HOME"  x', ('-CMD ["/bin/sh" "-c" "echo \\"$HOME\\"  x"]',),
           Cmd=["/bin/sh", "-c", 'echo "$HOME"  x']),
    config("B31 a command as a list", 'CMD ["nginx", "-g", "daemon off;"]', ('-CMD ["nginx" "-g" "daemon off;"]',),
           Cmd=["nginx", "-g", "daemon off;"]),
    config("B32 an entrypoint with parameters", 'ENTRYPOINT ["k"]\nCMD ["a", "b"]', ('-ENTRYPOINT ["k"]', '-CMD ["a" "b"]'),
           Entrypoint=["k"], Cmd=["a", "b"]),
    config("B32 an entrypoint for the shell", "ENTRYPOINT k $x", Entrypoint=["/bin/sh", "-c", "k $x"], Cmd=None),
    config("E74 an entrypoint empties the command of the base", 'FROM cmd\nENTRYPOINT ["k"]', Entrypoint=["k"], Cmd=None,
           base="cmd"),
    config("E74 so does an empty entrypoint", "FROM rich\nENTRYPOINT []", Entrypoint=[], Cmd=None, base="rich",
           differs=(Differs(ALL, "Entrypoint", "they write null"), OF_BASE)),
    config("E74 a command of the same stage stays", 'FROM cmd\nCMD ["n"]\nENTRYPOINT ["k"]', Entrypoint=["k"], Cmd=["n"],
           base="cmd"),
    config("E75 SHELL is that of commands", 'SHELL ["/bin/busybox", "sh", "-c"]\nCMD c\nENTRYPOINT e',
           ("-SHELL [/bin/busybox sh -c]", '-CMD ["/bin/busybox" "sh" "-c" "c"]', '-ENTRYPOINT ["/bin/busybox" "sh" "-c" "e"]'),
           Shell=["/bin/busybox", "sh", "-c"], Cmd=["/bin/busybox", "sh", "-c", "c"],
           Entrypoint=["/bin/busybox", "sh", "-c", "e"], differs=(SHELLS,)),
    config("SHELL takes a list", "SHELL /bin/sh", error="SHELL"),
    config("E76 ONBUILD text", "ONBUILD RUN  make  all\nonbuild copy f /f",
           OnBuild=["RUN  make  all", "copy f /f"], history=()),
    config("E76 ONBUILD of an unknown instruction", "ONBUILD NOPE x", error="NOPE",
           differs=(Differs(ALL, "outcome", "E76: the text is not checked; a child would not build"),)),
    config("ONBUILD of what cannot be put off", "ONBUILD FROM bb", error="FROM"),
    config("B41 labels", "LABEL a=b c=\"d e\"\nLABEL a=z", ("-LABEL a=b c=d e", "-LABEL a=z"), Labels={"a": "z", "c": "d e"}),
    config("B41 labels of the base stay", "FROM rich\nLABEL a=b", Labels={"from": "base", "a": "b"}, base="rich",
           differs=(OF_BASE,)),
    config("B37 E92 EXPOSE", "EXPOSE 80 53/udp", ("-EXPOSE map[53/udp:{} 80/tcp:{}]",),
           ExposedPorts={"80/tcp": {}, "53/udp": {}}),
    config("E72 EXPOSE spreads ranges", "EXPOSE 80-82", ExposedPorts={"80/tcp": {}, "81/tcp": {}, "82/tcp": {}},
           differs=(Differs(BUILDAH, "ExposedPorts", "E72: as written"),)),
    config("E72 EXPOSE takes the inner port", "EXPOSE 8080:80", ExposedPorts={"80/tcp": {}},
           differs=(Differs(BUILDAH, "ExposedPorts", "E72: as written"),)),
    config("EXPOSE of no port", "EXPOSE x", error="line 2.*EXPOSE",
           differs=(Differs(BUILDAH, "outcome", "it takes any word"),)),
    config("B36 VOLUME", 'VOLUME /a /b\nVOLUME ["/c d"]', ("-VOLUME [/a /b]", "-VOLUME [/c d]"),
           Volumes={"/a": {}, "/b": {}, "/c d": {}}),
    config("B39 USER", "USER 5\nUSER ann:staff", ("-USER 5", "-USER ann:staff"), User="ann:staff"),
    config("STOPSIGNAL", "STOPSIGNAL SIGKILL\nSTOPSIGNAL 9", ("-STOPSIGNAL SIGKILL", "-STOPSIGNAL 9"), StopSignal="9"),
    config("STOPSIGNAL of no signal", "STOPSIGNAL NOPE", error="line 2.*NOPE"),
    config("B40 E92 HEALTHCHECK", "HEALTHCHECK --interval=5s CMD true",
           ("-HEALTHCHECK &{[\"CMD-SHELL\" \"true\"] \"5s\" \"0s\" \"0s\" '\\x00'}",),
           Healthcheck={"Test": ["CMD-SHELL", "true"], "Interval": 5 * SECOND}),
    config("B40 HEALTHCHECK with all options",
           'HEALTHCHECK --interval=1m30s --timeout=3s --start-period=2s --retries=4 CMD ["a", "b"]',
           ("-HEALTHCHECK &{[\"CMD\" \"a\" \"b\"] \"1m30s\" \"3s\" \"2s\" '\\x04'}",),
           Healthcheck={"Test": ["CMD", "a", "b"], "Interval": 90 * SECOND, "Timeout": 3 * SECOND, "StartPeriod": 2 * SECOND,
                        "Retries": 4}),
    config("B40 HEALTHCHECK NONE switches that of the base off", "FROM rich\nHEALTHCHECK NONE", base="rich",
           Healthcheck={"Test": ["NONE"]}, differs=(OF_BASE,)),
    config("B40 the last of several counts",
           "HEALTHCHECK CMD a\nHEALTHCHECK CMD b\nCMD a\nCMD b\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]",
           Healthcheck={"Test": ["CMD-SHELL", "b"]}, Cmd=["/bin/sh", "-c", "b"], Entrypoint=["b"]),
    config("B40 a time that is none", "HEALTHCHECK --interval=x CMD true", error="line 2.*interval"),
    config("MAINTAINER", "MAINTAINER Ann <ann@example.org>", ("-MAINTAINER Ann <ann@example.org>",),
           author="Ann <ann@example.org>"),
    config("everything of the base stays", "FROM rich", base="rich", history=()),
    config("E83 scratch alone", "FROM scratch", base="", Env=[PATH], WorkingDir="/", history=(), tree={},
           differs=(Differs(DOCKER, "outcome", "E83: classic fails, and BuildKit's cannot be saved"),
                    Differs(BUILDAH, ("WorkingDir", "layers"), "E83: it is BuildKit's"))),
    Case("E83 PATH for a base that has none", "FROM scratch\nCOPY f /f", FILE, base="", config={"Env": [PATH], "WorkingDir": "/"},
         tree={"/f": file("x\n")}, differs=(Differs(OLD, "WorkingDir", "E83: it is BuildKit's"),)),
    Case("E84 a config alone keeps the time of the base", "LABEL a=b", config={"Labels": {"a": "b"}}, created="base",
         differs=(Differs(OLD, "created", "E84: it is BuildKit's"),)),

    Case("B38 WORKDIR is made", "WORKDIR /a/b\nWORKDIR c\nRUN pwd > o",
         tree={"/a": folder(), "/a/b": folder(), "/a/b/c": folder(),
                                                                        "/a/b/c/o": file("/a/b/c\n")},
         config={"WorkingDir": "/a/b/c"}, layers=3,
         history=("WORKDIR /a/b", "WORKDIR /a/b/c", "RUN /bin/sh -c pwd > o # buildkit"),
         differs=(Differs(BUILDAH, "layers", "E5: WORKDIR makes nothing until a RUN follows"),)),
    Case("E4 WORKDIR after USER", "USER 5:6\nWORKDIR /a/b", config={"User": "5:6", "WorkingDir": "/a/b"},
         tree={"/a": folder(owner="5:6"), "/a/b": folder(owner="5:6")},
         differs=(Differs(CLASSIC, ("/a", "/a/b"), "E4: they are of root"), Differs(BUILDAH, "/a/", "E5: it makes nothing"))),
    Case("E5 WORKDIR alone", "WORKDIR /a", config={"WorkingDir": "/a"}, tree={"/a": folder()}, layers=1,
         differs=(Differs(BUILDAH, ("/a", "layers"), "E5: it makes nothing"),)),
    Case("E6 WORKDIR through a dangling link", "RUN ln -s /gone/deep /l\nWORKDIR /l/k", config={"WorkingDir": "/l/k"},
         tree={"/gone": folder(), "/gone/deep": folder(), "/gone/deep/k": folder(), "/l": link("/gone/deep")},
         differs=(Differs(BUILDAH, "/gone/", "E5: it makes nothing"),)),
    Case("E7 WORKDIR on an unset variable", "WORKDIR /a\nWORKDIR $UNSET", tree={"/a": folder()}, config={"WorkingDir": "/a"},
         differs=(Differs(CLASSIC, "outcome", "E7: it fails"), Differs(BUILDAH, "/a", "E5: it makes nothing"))),
    Case("E8 WORKDIR takes the rest of the line", "WORKDIR two \"words\"", config={"WorkingDir": "/two words"},
         tree={"/two words": folder()}, differs=(Differs(BUILDAH, "/two words", "E5: it makes nothing"),)),
    Case("E9 WORKDIR on a file", "RUN touch /f\nWORKDIR /f", error="/f.*not a directory", differs=(
        Differs(BUILDAH, "outcome", "E9: it accepts it"),)),
    Case("E10 WORKDIR of the root", "WORKDIR /", tree={}, config={"WorkingDir": "/"}, layers=0, history=("-WORKDIR /",)),
    Case("E10 WORKDIR that is there", "WORKDIR /tmp", tree={}, config={"WorkingDir": "/tmp"}, layers=1, history=("WORKDIR /tmp",),
         differs=(Differs(OLD, "layers", "E10: it drops a layer without changes"),)),

    Case("B42 ONBUILD in a child", "FROM trigger", {"f": "x\n"}, tree={"/f": file("x\n"), "/o": file("run\n")},
         before={"trigger": "ONBUILD COPY f /f\nONBUILD RUN echo run > /o\nONBUILD LABEL a=b"}, config={"Labels": {"a": "b"}}),
    Case("B42 ONBUILD does nothing in its own build", "ONBUILD RUN false", tree={}, config={"OnBuild": ["RUN false"]}),
    Case("B42 ONBUILD not in grandchildren", "FROM child\nRUN echo 2 >> /o", tree={"/o": file("run\n2\n")},
         before={"trigger": "ONBUILD RUN echo run >> /o", "child": "FROM trigger"}),
    Case("B42 ONBUILD before what follows FROM", "FROM trigger\nRUN echo 2 >> /o", tree={"/o": file("run\n2\n")},
         before={"trigger": "ONBUILD RUN echo run >> /o"}),
    Case("B42 ONBUILD in a stage", "FROM trigger AS a\nFROM bb\nCOPY --from=a /o /p", tree={"/p": file("run\n")},
         before={"trigger": "ONBUILD RUN echo run >> /o"}),
    Case("E77 ONBUILD COPY from a stage", "FROM bb\nRUN echo x > /sf\nFROM trigger", tree={"/of": file("x\n")},
         before={"trigger": "ONBUILD COPY --from=0 /sf /of"},
         differs=(Differs((BUILDKIT, BUILDAH), "outcome",
                          "E77: they do not know the stage; classic does, as the reference of today"),)),

    Case("E92 history of everything", "FROM ann\nARG V=1\nENV A=1 B=\"two words\"\nCOPY --chown=5:6 f g /y/\nADD f /z\nRUN true\n"
         "RUN [\"true\", \"a b\"]\nWORKDIR /w\nVOLUME /v\nUSER 5:6", {**FILE, "g": "y\n"}, tree=None, config=None, layers=5,
         base="ann",
         history=("-ARG V=1", "-ENV A=1 B=two words", "COPY f g /y/ # buildkit", "ADD f /z # buildkit",
                  "RUN |1 V=1 /bin/sh -c true # buildkit", "RUN |1 V=1 true a b # buildkit", "WORKDIR /w", "-VOLUME [/v]",
                  "-USER 5:6"),
         differs=(Differs(OLD, "layers", "E10: they drop layers without changes"),)),
)


@cases(CASES)
class Config(BuildCase):
    pass
