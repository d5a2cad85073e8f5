# SPDX-License-Identifier: Apache-2.0
"""RUN: what it finds inside, what stays of it, what its mounts do."""

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, OLD, Case, Differs
from support.built import file, folder

FILE = {"f": "x\n"}
X = file("x\n")
NO_MOUNTS = Differs(CLASSIC, "outcome", "it has no RUN --mount")
NO_CHROOT = "buildah's isolation here is chroot alone"


def left(judges, *paths):
    """E90: the targets of mounts stay."""
    return Differs(judges, paths, "E90: it leaves the target in the layer")


def mounted(name, dockerfile, *paths, context=None, tree=None, differs=(), **more):
    """A case of RUN --mount, whose targets other builders leave in the layer."""
    return Case(name, dockerfile, context or {}, tree=tree or {},
                differs=(*(() if "error" in more else (NO_MOUNTS,)), *((left(BUILDKIT, *paths),) if paths else ()),
                                                                        *differs), **more)


CASES = (
    Case("B20 the shell form", "RUN echo $((1 + 1)) > /o && test -f /o", tree={"/o": file("2\n")}),
    Case("B20 the form of a list runs no shell", 'RUN ["mkdir", "$HOME", "> a"]', tree={"/$HOME": folder(), "/> a": folder()}),
    Case("B20 a program that is not there", 'RUN ["/nope"]', error="nope"),
    Case("SHELL is that of RUN", 'SHELL ["/bin/busybox", "echo"]\nRUN x > /o\nSHELL ["/bin/sh", "-ec"]\nRUN echo $0 > /p',
         tree={"/p": file("/bin/sh\n")}, config={"Shell": ["/bin/sh", "-ec"]},
         history=("-SHELL [/bin/busybox echo]", "RUN /bin/busybox echo x > /o # buildkit", "-SHELL [/bin/sh -ec]",
                  "RUN /bin/sh -ec echo $0 > /p # buildkit")),
    Case("B21 nothing but files stays", "RUN cd /tmp && A=1 && export A\nRUN echo \"$A\" > world.txt",
         tree={"/world.txt": file("\n")}),
    Case("B16 a file that a later step deletes", "RUN echo 1 > /f\nRUN rm /f /bin/xargs", tree={"/bin/xargs": None}, layers=2),
    Case("B22 E94 a command that fails", "RUN echo said; exit 7", error=r"(?s)said.*\b7\b"),
    Case("B22 a command that a signal ends", "RUN sh -c 'kill -9 $$'; exit $?", error="137|signal 9|SIGKILL"),
    Case("B39 USER", "FROM ann\nUSER ann\nRUN id > /tmp/i && echo $HOME > /tmp/h", base="ann", config={"User": "ann"},
         many_ids=True,
         tree={"/tmp/i": file("uid=5(ann) gid=50(staff) groups=77(many)\n", owner="5:50"),
               "/tmp/h": file("/home/ann\n", owner="5:50")},
         differs=(Differs(CLASSIC, "/tmp/i", "it names the user's own group twice"), Differs(BUILDAH, "/tmp/i", NO_CHROOT))),
    Case("B39 a user that is not there", "FROM ann\nUSER nope\nRUN true", error="nope", base="ann"),
    Case("B39 USER with a group", "FROM ann\nUSER 5:6\nRUN echo $(id -u):$(id -g) > /tmp/i", base="ann", config={"User": "5:6"},
         many_ids=True, tree={"/tmp/i": file("5:6\n", owner="5:6")}),
    Case("E1 B36 what RUN writes below a volume stays", "RUN mkdir /data\nVOLUME /data\nRUN echo x > /data/r", tree={
        "/data": folder(), "/data/r": X}, config={"Volumes": {"/data": {}}},
        differs=(Differs(OLD, "/data/r", "E1: they throw it away"),)),
    Case("E2 what COPY writes below a volume stays", "VOLUME /data\nCOPY f /data/f", FILE, tree={"/data": folder(), "/data/f": X},
         config={"Volumes": {"/data": {}}}),
    Case("E3 a volume is not made", "VOLUME /new\nRUN ls /new", error="/new", differs=(
        Differs(OLD, "outcome", "E3: they make it at the next RUN"),)),
    Case("E10 E12 a step that changes nothing", "RUN true", tree={}, layers=1, history=("RUN /bin/sh -c true # buildkit",),
         differs=(Differs(CLASSIC, "layers", "E10: it drops the layer"),)),
    Case("E10 a file that comes and goes in one step", "RUN touch /tmp/t && rm /tmp/t", tree={}, layers=1),
    Case("E11 a chmod to the same mode", "RUN chmod 755 /bin/busybox", tree={}, layers=1),
    Case("E13 the hosts cannot be written", "FROM ann\nRUN echo x >> /etc/hosts", base="ann", error="(?i)read-only|/etc/hosts",
         differs=(Differs(OLD, "outcome", "E13: they lose what is written"),)),
    Case("E14 the hostname is a file of the image", "FROM ann\nRUN echo x > /etc/hostname", base="ann", tree={"/etc/hostname": X},
         differs=(Differs(OLD, "/etc/hostname", "E14: it is mounted"),)),
    Case("E15 hosts of the image are hidden", "COPY f /etc/hosts\nRUN ! grep ^x /etc/hosts && grep -q localhost /etc/hosts", FILE,
         tree={"/etc": folder(), "/etc/hosts": X}),
    Case("E12 mount points of the image stay",
         "RUN mkdir -m 700 /proc /sys /dev 2>/dev/null || true\nCOPY f /dev/f\nRUN test ! -e /dev/f",
         FILE, tree=None),
    Case("E85 a user of 0 without passwd", "USER 0\nRUN id -u > /o", config={"User": "0"}, tree={"/o": file("0\n")},
         differs=(Differs(BUILDKIT, "outcome", "E85: it finds no user 0; the reference of today does not say so"),)),
    Case("E85 a user by number without passwd", "USER 5:6\nRUN id -u > /tmp/o; echo $HOME >> /tmp/o", config={"User": "5:6"},
         many_ids=True,
         tree={"/tmp/o": file("5\n/\n", owner="5:6")}),
    Case("E93 RUN is process 1", "RUN echo $$ > /o; kill -9 $$", tree={"/o": file("1\n")},
         waits="a command that is process 1", differs=(Differs(BUILDAH, ("outcome",), NO_CHROOT),)),
    Case("E93 a child in the background ends", "RUN sleep 3600 & echo 1 > /o", tree={"/o": file("1\n")}),
    Case("E95 the environment", "RUN env | grep -v PATH | sort > /o; cat >> /o", tree={"/o": file(None)}),
    Case("E95 no name of the host", "RUN env | grep -c ^HOSTNAME= > /o || true", tree={"/o": file("0\n")},
         differs=(Differs(OLD, "/o", "E95: they have HOSTNAME"),)),
    Case("E95 the home of root without passwd", "RUN echo $HOME > /o", tree={"/o": file("/\n")}),
    Case("E95 standard input is empty", "RUN cat > /o", tree={"/o": file()}),
    Case("what an engine gives inside", "RUN grep CapEff /proc/self/status > /o; test -c /dev/null && test -d /dev/shm "
         "&& head -c 3 /dev/zero | wc -c >> /o; ! echo x 2>/dev/null > /proc/sys/kernel/hostname; test ! -s /proc/keys "
         "&& grep NoNewPrivs /proc/self/status >> /o",
         tree={"/o": file("CapEff:\t00000000a80425fb\n3\nNoNewPrivs:\t0\n")},
         differs=(Differs(BUILDAH, "/o", NO_CHROOT),)),
    Case("run --network=none", "RUN --network=none ls /sys/class/net > /o; test $(cat /o) = lo && rm /o", tree={},
         differs=(Differs(ALL, "outcome", "the reference of today has it, this old version has not"),)),
    Case("run --network of no kind", "RUN --network=nope true", error="network"),
    Case("run --security", "RUN --security=sandbox echo x > /o", tree={"/o": X},
         differs=(Differs(ALL, "outcome", "the reference of today has it, this old version has not"),)),
    Case("odd names", "RUN D=$(printf '/tmp/a b\\nc') && mkdir \"$D\" && echo x > \"$D/ö\"",
         tree={"/tmp/a b\nc": folder(), "/tmp/a b\nc/ö": X}),
    Case("special files that RUN makes",
         "RUN mkfifo /p && ln -s nowhere /l && ln /p /q && chmod 4755 /bin/busybox && mkdir -m 1700 /d",
         tree=None),
    Case("a step of many files", "RUN for i in $(seq 2000); do echo $i > /tmp/$i; done", layers=1,
         tree={f"/tmp/{number}": file(f"{number}\n") for number in range(1, 2001)}),

    mounted("mount bind of the context", "RUN --mount=type=bind,source=d,target=/bi cp /bi/f /o", "/bi", context={"d": FILE},
            tree={"/o": X}),
    mounted("mount bind is the default and read-only", "RUN --mount=target=/bi cp /bi/f /o; ! touch /bi/new", "/bi", context=FILE,
            tree={"/o": X}),
    mounted("mount bind that is written",
            "RUN --mount=target=/bi,rw echo y > /bi/f && cp /bi/f /o\nRUN --mount=target=/bi cp /bi/f /p",
            "/bi", context=FILE, tree={"/o": file("y\n"), "/p": X},
            differs=(Differs(BUILDAH, "/p", "it keeps what is written"),)),
    mounted("mount bind of a stage",
            "FROM bb AS s\nRUN echo x > /f\nFROM bb\nRUN --mount=from=s,source=/f,target=/mn/f cp /mn/f /o", "/mn/",
            tree={"/o": X}, differs=(left(BUILDAH, "/mn"),)),
    mounted("mount bind of an image", "RUN --mount=from=ann,source=/etc,target=/mn cp /mn/group /o", "/mn/",
            tree={"/o": file(None)}),
    mounted("mount cache is shared by steps", "RUN --mount=type=cache,target=/ca echo x > /ca/f\nRUN test ! -e /ca/f\n"
            "RUN --mount=type=cache,target=/ca cp /ca/f /o", "/ca", tree={"/o": X}),
    mounted("mount cache by id", "RUN --mount=type=cache,id=one,target=/ca echo x > /ca/f\nRUN --mount=type=cache,id=two,target=/ca "
            "test ! -e /ca/f\nRUN --mount=type=cache,id=one,target=/cb cp /cb/f /o", "/ca", "/cb", tree={"/o": X}),
    mounted("mount cache with a mode and an owner", "RUN --mount=type=cache,id=m,target=/ca,mode=0711,uid=5,gid=6 "
            "stat -c '%a %u %g' /ca > /o", "/ca", tree={"/o": file("711 5 6\n")}, many_ids=True),
    mounted("mount cache from a stage", "FROM bb AS s\nRUN mkdir /d && echo x > /d/f\nFROM bb\n"
            "RUN --mount=type=cache,from=s,source=/d,target=/ca cp /ca/f /o", "/ca", tree={"/o": X}),
    mounted("mount tmpfs", "RUN --mount=type=tmpfs,target=/tm touch /tm/f && grep -q ' /tm tmpfs ' /proc/mounts", "/tm"),
    mounted("E88 mount secret that is not given", "RUN --mount=type=secret,id=s test ! -e /run/secrets/s"),
    mounted("E88 mount secret that is required", "RUN --mount=type=secret,id=s,required true", error=r"\bs\b"),
    mounted("mount ssh without an agent", "RUN --mount=type=ssh true"),
    mounted("mount of no type", "RUN --mount=type=nope,target=/x true", error="nope"),
    mounted("mount without a target", "RUN --mount=type=tmpfs true", error="target"),
    mounted("E90 mount targets leave nothing", "RUN --mount=type=tmpfs,target=/a/b/c --mount=type=cache,target=/d true", "/a/",
            "/d",
            differs=(left(BUILDAH, "/a/"),)),
)


@cases(CASES)
class Run(BuildCase):
    pass
