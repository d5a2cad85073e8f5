# SPDX-License-Identifier: Apache-2.0
"""ARG, ENV and where their values are used."""

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, OLD, Case, Differs
from support.built import PATH, file, folder

TODAY = "the reference of today has it, this old version has not"
FILE = {"f": "x\n"}


def env(*more):
    """The config's variables: the base's, and these."""
    return {"Env": [PATH, *more]}


def shown(name, dockerfile, value, **rest):
    """A case whose Dockerfile writes a value to /o."""
    return Case(name, dockerfile, **({"tree": {"/o": file(value + "\n")}} | rest))


CASES = (
    shown("B33 a name and a value", "ENV A  b c\nRUN echo \"[$A]\" > /o", "[b c]", config=env("A=b c"),
          history=("-ENV A=b c", 'RUN /bin/sh -c echo "[$A]" > /o # buildkit')),
    shown("B33 several names on several lines",
          "ENV A=1 \\\n  B=\"two words\" \\\n  C='a \"b\"' D=e\\ f\nRUN echo $A,$B,$C,$D > /o",
          '1,two words,a "b",e f', config=env("A=1", "B=two words", 'C=a "b"', "D=e f"),
          history=("-ENV A=1 B=two words C=a \"b\" D=e f", "RUN /bin/sh -c echo $A,$B,$C,$D > /o # buildkit")),
    shown("B33 a later value counts and keeps its place", "ENV A=1 B=2\nENV A=3\nRUN echo $A > /o", "3",
          config=env("A=3", "B=2")),
    shown("B33 values of one line are those before it", "ENV A=1\nENV A=2 B=$A\nRUN echo $B > /o", "1", config=env("A=2", "B=1")),
    Case("B34 variables are replaced in these instructions",
         "FROM ann\nENV N=name F=f D=/dir U=5 G=6 P=80 S=INT\nCOPY --chown=$U:$G $F $D/$N\nADD $F ${D}/add\nLABEL l.$N=\"v $N\"\n"
         "EXPOSE $P/udp ${P}1\nVOLUME $D [\"/$N\"]\nUSER $U:$G\nWORKDIR $D/$N.d\nSTOPSIGNAL SIG$S", FILE, base="ann",
         tree={"/dir": folder(owner="5:6"), "/dir/name": file("x\n", owner="5:6"), "/dir/add": file("x\n"),
               "/dir/name.d": folder(owner="5:6")},
         config={**env("N=name", "F=f", "D=/dir", "U=5", "G=6", "P=80", "S=INT"), "Labels": {"l.name": "v name"}, "User": "5:6",
                 "ExposedPorts": {"80/udp": {}, "801/tcp": {}}, "Volumes": {"/dir": {}, "[/name]": {}}, "StopSignal": "SIGINT",
                 "WorkingDir": "/dir/name.d"},
         differs=(Differs(CLASSIC, "/dir/name.d", "E4: it is of root"),
                  Differs(BUILDAH, "/dir/name.d", "E5: WORKDIR makes it at the next RUN"))),
    Case("B34 E64 and not in these",
         "ENV N=name\nCMD [\"$N\"]\nENTRYPOINT [\"$N\"]\nHEALTHCHECK CMD [\"$N\"]\nONBUILD COPY $N /\n"
         "SHELL [\"/bin/$N\"]", tree={},
         config={**env("N=name"), "Cmd": ["$N"], "Entrypoint": ["$N"], "Healthcheck": {"Test": ["CMD", "$N"]},
                 "OnBuild": ["COPY $N /"], "Shell": ["/bin/$N"]}),
    shown("B34 in RUN the shell replaces them", "ENV A=a\nRUN A=b; echo $A '$A' \"\\$A\" > /o", "b $A $A", config=env("A=a")),
    shown("B35 an argument is there while building", "ARG A=d\nRUN echo $A > /o\nCMD x $A", "d",
          config={"Cmd": ["/bin/sh", "-c", "x $A"]},
          history=("-ARG A=d", "RUN |1 A=d /bin/sh -c echo $A > /o # buildkit", '-CMD ["/bin/sh" "-c" "x $A"]')),
    shown("B35 B13 --build-arg goes before the default", "ARG A=d\nARG B\nRUN echo $A $B > /o", "1 2",
          options=("--build-arg", "A=1", "--build-arg=B=2"),
          history=("-ARG A=d", "-ARG B", "RUN |2 A=1 B=2 /bin/sh -c echo $A $B > /o # buildkit")),
    shown("B13 the value of the environment", "ARG A=d\nRUN echo $A > /o", "of env", options=("--build-arg", "A"),
          environment={"A": "of env"}),
    shown("B35 an argument before its ARG is unset", "RUN echo [$A] > /o\nARG A=1", "[]", options=("--build-arg", "A=2")),
    shown("B35 several names in one ARG", "ARG A=1 B=$A C\nRUN echo $A,$B,$C > /o", "1,1,",
          history_differs="the value that it has not", differs=(
        Differs(ALL, "/o", "they see no value of the same line"),)),
    shown("E59 of ARG and ENV the later counts", "ENV Y=env\nARG Y=arg\nRUN echo $Y > /o\nWORKDIR /$Y\nLABEL a=$Y", "arg",
          tree={"/o": file("arg\n"), "/arg": folder()},
          config={**env("Y=env"), "WorkingDir": "/arg", "Labels": {"a": "arg"}}, differs=(
              Differs(OLD, ("/o", "WorkingDir", "Labels", "/arg"), "E59: ENV wins whatever the order"),
              Differs(CLASSIC, "/env", "E59: ENV wins whatever the order"),)),
    shown("E59 an ENV behind ARG", "ARG Y=arg\nENV Y=env\nRUN echo $Y > /o", "env", config=env("Y=env"),
          options=("--build-arg", "Y=given")),
    shown("E59 ENV takes the value of ARG", "ARG Y=arg\nENV Y=${Y:-none}\nRUN echo $Y > /o", "given", config=env("Y=given"),
          options=("--build-arg", "Y=given")),
    shown("E60 an argument changes PATH", "ARG PATH\nRUN echo $PATH > /o", "/x", options=("--build-arg", "PATH=/x"),
          differs=(Differs(OLD, "/o", "E60: ENV wins"),)),
    shown("E61 an ARG again without a default", "ARG A=1\nARG A\nRUN echo [$A] > /o", "[1]",
          history_differs="it has the argument twice",
          differs=(Differs(CLASSIC, "/o", "E61: it empties the value"),)),
    shown("E62 a proxy is set in both cases", "RUN echo $http_proxy,$HTTP_PROXY > /o", "p,p",
          options=("--build-arg", "http_proxy=p"), history=("RUN /bin/sh -c echo $http_proxy,$HTTP_PROXY > /o # buildkit",),
          differs=(Differs(OLD, "/o", "E62: only as it is given"),)),
    shown("E62 a proxy that is declared", "ARG http_proxy\nRUN echo $http_proxy > /o", "p",
          options=("--build-arg", "http_proxy=p"),
          history=("-ARG http_proxy", "RUN |1 http_proxy=p /bin/sh -c echo $http_proxy > /o # buildkit")),
    shown("B13 E63 an argument that nobody uses is a warning", "RUN echo x > /o", "x", options=("--build-arg", "NOPE=1"),
          prints="NOPE"),
    Case("E64 the name of a stage takes no variable", "ARG N=a\nFROM bb AS $N", error="AS|stage|name",
         differs=(Differs(BUILDAH, "outcome", "E64: it accepts it"),)),
    Case("E64 nor does --from", "FROM bb AS s\nRUN touch /f\nFROM bb\nARG S=s\nCOPY --from=$S /f /f", error="from|S"),
    Case("E64 --chmod takes variables", "ENV M=600\nCOPY --chmod=$M f /f", FILE, tree={"/f": file("x\n", 0o600)},
         config=env("M=600"),
         differs=(Differs(BUILDKIT, "/f", "it knows no variable there; " + TODAY),
                  Differs(CLASSIC, "outcome", "E36: it has no --chmod"),)),
    Case("E65 a shell's own variables are empty", "ENV A=[$10] B=[$$]", config=env("A=[]", "B=[]"),
         differs=(Differs(BUILDAH, "Env", "E65: it reads $1 and 0, and $$"),)),
    Case("E65 a default without a colon", "ENV E=\nENV A=${a-x} B=${E-x} C=${E+x}", config=env("E=", "A=x", "B=", "C=x"),
         differs=(Differs(ALL, "outcome", "E65: they do not know it; " + TODAY),)),
    Case("E65 defaults and alternatives", "ENV E= F=f\nENV A=${a:-x} B=${E:-x} C=${F:-x} D=${a:+x} G=${F:+x} H=${a:-${F}}",
         config=env("E=", "F=f", "A=x", "B=x", "C=f", "D=", "G=x", "H=f")),
    Case("E65 a message for what is not set", 'ENV A="${a:?say this}"', error="say this"),
    Case("E65 and no message for what is set", 'ENV F=f\nENV A="${F:?say this}"', config=env("F=f", "A=f"),
         differs=(Differs(BUILDAH, "outcome", "E65: it does not know it"),)),
    Case("E65 patterns cut and replace", "ENV P=/usr/lib/x.tar.gz\nENV A=${P#*/} B=${P##*/} C=${P%.*} D=${P%%.*} "
         "E=${P/\\//_} F=${P//\\//_} G=${P%none}",
         config=env("P=/usr/lib/x.tar.gz", "A=usr/lib/x.tar.gz", "B=x.tar.gz", "C=/usr/lib/x.tar", "D=/usr/lib/x",
                    "E=_usr/lib/x.tar.gz", "F=_usr_lib_x.tar.gz", "G=/usr/lib/x.tar.gz"),
         differs=(Differs(ALL, "outcome", "E65: they do not know them; " + TODAY),)),
    Case("E65 an unknown modifier", "ENV A=${a=x}", error="a="),
    Case("E66 the old form takes the rest of the line", "ENV a b=c\nENV z  two  words  and \"q\"",
         config=env("a=b=c", "z=two  words  and q")),
    Case("E66 a word without an equals sign", "ENV a=b c", error="line 2.*c"),
    Case("E71 ENV before FROM", "# no\nENV a=b\nFROM bb", error="line 2.*ENV",
         differs=(Differs(BUILDAH, "outcome", "E71: it passes"),)),
    shown("ARG before FROM is for FROM", "ARG B=bb\nFROM $B\nRUN echo [$B] > /o", "[]"),
    shown("ARG before FROM and in the stage", "ARG B=bb\nFROM ${B}\nARG B\nRUN echo [$B] > /o", "[bb]"),
    shown("ARG before FROM with a value that is given", "ARG B=nope\nFROM $B\nARG B=other\nRUN echo [$B] > /o", "[other]",
          options=("--build-arg", "B=bb"), tree={"/o": file("[bb]\n")}),
    shown("arguments end with their stage", "FROM bb AS a\nARG A=1\nENV E=1\nFROM bb\nRUN echo [$A$E] > /o", "[]"),
    shown("arguments and variables of a stage that is the base", "FROM bb AS a\nARG A=1\nENV E=1\nFROM a\nRUN echo [$A$E] > /o",
          "[11]", config=env("E=1"),
          differs=(Differs(OLD, "/o", "they forget the arguments"),)),
    shown("arguments of the platform", "ARG TARGETOS\nARG TARGETPLATFORM\nARG TARGETVARIANT=none\nARG BUILDOS\n"
          "RUN echo $TARGETOS,${TARGETPLATFORM%/*},$BUILDOS > /o", "linux,linux,linux",
          differs=(Differs(CLASSIC, "/o", "it does not know them"),)),
    shown("arguments of the platform are unknown without ARG", "RUN echo [$TARGETOS] > /o", "[]"),
    Case("an unset variable in FROM", "FROM $NOPE", error="NOPE"),
    Case("an unclosed brace", "ENV A=${a", error="line 2.*brace"),
    Case("a quote that is not closed", "ENV A=\"b", error="line 2.*quote"),
    Case("LABEL takes quotes and several names", "LABEL a=b \"c d\"='e f' \\\n  g=\"h \\\"i\\\"\"", tree={},
         config={"Labels": {"a": "b", "c d": "e f", "g": 'h "i"'}}, history=('-LABEL a=b c d=e f g=h "i"',)),
)


@cases(CASES)
class Variables(BuildCase):
    pass
