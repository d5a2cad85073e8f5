# SPDX-License-Identifier: Apache-2.0
"""The command itself: contexts, Dockerfiles, names, what is written to whom, options."""

import json
import os
import re

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, DOCKER, Case, Differs
from support.built import file
from support.files import read, write
from support.images import compress, member, tar

FILE = {"f": "x\n"}
X = file("x\n")
CONTEXT = tar(member("Dockerfile", b"FROM bb\nCOPY f /f\n"), member("f", b"x\n"))
DOCKERFILE = "FROM bb\nRUN echo x > /f\n"
TODAY = "the reference of today has it, this old version has not"
NO_MOUNTS = Differs(CLASSIC, "outcome", "it has no RUN --mount")

CASES = (
    Case("B2 the file Dockerfile of the context", "COPY f /f", FILE, tree={"/f": X}),
    Case("B2 no Dockerfile", context=FILE, file="", error="Dockerfile", code=3),
    Case("B3 another file", "COPY f /f", FILE, file="sub/My.file", options=("-f", "sub/My.file"), tree={"/f": X}),
    Case("B3 a file outside of the context", "COPY f /f", {"sub": FILE}, where="sub", options=("-f", "Dockerfile"),
         tree={"/f": X}),
    Case("B3 a file that is not there", "COPY f /f", FILE, options=("-f", "nope"), error="nope", code=3),
    Case("B9 a Dockerfile on standard input and a context", context=FILE, file="", options=("-f", "-"),
         input="FROM bb\nCOPY f /f\n",
         tree={"/f": X}),
    Case("B9 a Dockerfile on standard input alone", where="-", file="", input=DOCKERFILE, tree={"/f": X}),
    Case("B9 without a context nothing can be copied", where="-", file="", input="FROM bb\nCOPY f /f\n", context=FILE,
         error="context|f"),
    *(Case(f"B10 a context on standard input {kind or 'tar'}", where="-", file="", input=compress(CONTEXT, kind), tree={"/f": X})
      for kind in ("", "gzip", "bzip2", "xz")),
    Case("B10 an empty standard input", where="-", file="", input="", error="."),
    Case("B8 a context from a web server", where="URL/c.tar.gz", file="", serves={"c.tar.gz": compress(CONTEXT, "gzip")},
         tree={"/f": X}),
    Case("B8 a Dockerfile from a web server", where="URL/Dockerfile", file="", serves={"Dockerfile": DOCKERFILE.encode()},
         tree={"/f": X}),
    Case("B22 a build that fails", "RUN echo 1\nRUN false\nRUN echo 3", error=r"(?s)false"),
    Case("a context that is no directory", "FROM bb", where="Dockerfile", error="Dockerfile",
         differs=(Differs(BUILDAH, "outcome", "it takes it for the Dockerfile"),)),
    Case("an option that is not there", "FROM bb", options=("--nope",), error="nope", code=2),
    Case("label", "LABEL a=b", options=("--label", "c=d", "--label=a=z"), config={"Labels": {"a": "z", "c": "d"}}, tree={}),
    Case("secret as a file", "RUN --mount=type=secret,id=s cp /run/secrets/s /o; stat -c '%a %u:%g' /run/secrets/s >> /o",
         {"s.txt": "secret\n"},
         options=("--secret", "id=s,src=s.txt"), tree={"/o": file("secret\n400 0:0\n", 0o400)}, differs=(NO_MOUNTS,)),
    Case("secret of the environment", "RUN --mount=type=secret,id=s,target=/s,mode=0444 cat /s > /o", environment={"S": "secret"},
         options=("--secret", "id=s,env=S"), tree={"/o": file("secret")}, differs=(NO_MOUNTS,)),
    Case("secret as a variable", "RUN --mount=type=secret,id=s,env=V echo $V > /o", environment={"S": "secret"},
         options=("--secret", "id=s,env=S"), tree={"/o": file("secret\n")}, differs=(Differs(ALL, "outcome", TODAY),)),
    Case("secret whose file is not there", "RUN true", options=("--secret", "id=s,src=nope"), error="nope",
         differs=(Differs(CLASSIC, "outcome", "it ignores it"),)),
    Case("build-context", "COPY --from=other f /f\nRUN --mount=from=other,target=/m cp /m/f /g", {"sub": FILE},
         options=("--build-context", "other=sub"), tree={"/f": X, "/g": X}, differs=(
             Differs(DOCKER, "outcome", "they have no --build-context"),)),
    Case("build-context in the place of a base", "FROM base\nCOPY f /f", FILE,
         options=("--build-context", "base=docker-image://bb"),
         tree={"/f": X}, differs=(Differs(DOCKER, "outcome", "they have no --build-context"),)),
    Case("network none", "RUN test \"$(ls /sys/class/net)\" = lo && echo x > /f", options=("--network", "none"), tree={"/f": X},
         differs=(Differs(BUILDAH, "outcome", "its isolation here is chroot alone"),)),
    Case("add-host", "RUN grep some.host /etc/hosts | tr '\\t' ' ' > /o", options=("--add-host", "some.host:10.1.2.3"),
         tree={"/o": file("10.1.2.3 some.host\n")}),
    Case("shm-size", "RUN df -k /dev/shm | tail -1 | sed 's/  */ /g' | cut -d' ' -f2 > /o", options=("--shm-size", "8m"),
         tree={"/o": file("8192\n")}, differs=(Differs((BUILDKIT, BUILDAH), ("/o",), "it has no part in their RUN"),)),
    Case("ulimit", "RUN ulimit -n > /o", options=("--ulimit", "nofile=123:456"), tree={"/o": file("123\n")},
         differs=(Differs(BUILDKIT, "/o", "it ignores it"),)),
    Case("platform of this machine", "COPY f /f", FILE, options=("--platform", "linux/amd64"), tree={"/f": X}),
    Case("pull", "FROM localhost:1/nosuch", options=("--pull",), error="nosuch"),
    Case("squash", "RUN echo x > /f\nRUN echo y > /g", options=("--squash",), tree={"/f": X, "/g": file("y\n")}, layers=1, differs=(Differs(DOCKER, "outcome", "it is experimental there"),
                                    Differs(BUILDAH, "layers", "with --layers"))),
    Case("cache-from that is not there", "RUN echo x > /f", options=("--cache-from", "localhost:1/nosuch", "--retry", "0"),
         tree={"/f": X}, differs=(Differs(ALL, "outcome", "they have no --retry"),)),
)


@cases(CASES)
class Command(BuildCase):

    def build(self, *words, dockerfile=DOCKERFILE, code=0, **more):
        """Builds in self.dir/context: what it did."""
        os.makedirs(self.path("context"), exist_ok=True)
        write(self.path("context/Dockerfile"), dockerfile)
        self.own(self.path("context"))
        done = self.run_veneer("build", *words, **more)
        self.assertEqual(done.code, code, done)
        return done

    def id_of(self, name):
        return self.images()[name]

    def test_B1_the_name_moves_and_the_older_image_is_dangling(self):
        self.build("-t", "app:1", "context")
        before = self.id_of("app:1")
        self.build("context", "-t", "app:1", "-t", "other", dockerfile="FROM bb\nRUN echo y > /f\n")
        self.assertNotEqual(self.id_of("app:1"), before)
        self.assertEqual(self.id_of("other:latest"), self.id_of("app:1"))
        dangling = self.veneer("images", "-q", "--no-trunc", "-f", "dangling=true").split()
        self.assertEqual(dangling, [before])

    def test_B1_image_build_is_the_same(self):
        self.build("-t", "app:1", "context")
        self.veneer("image", "build", "-q", "-t", "app:2", "context")
        self.assertEqual(self.id_of("app:1"), self.id_of("app:2"))

    def test_B15_results_of_steps_are_hidden_images(self):
        self.build("-t", "app:1", "context", dockerfile="FROM bb\nRUN echo 1 > /f\nENV A=1\nRUN echo 2 > /g\n")
        app = self.id_of("app:1")
        shown = set(self.veneer("images", "-q", "--no-trunc").split())
        hidden = set(self.veneer("images", "-a", "-q", "--no-trunc").split()) - shown
        self.assertEqual(len(hidden), 2)
        history = self.veneer("history", "--no-trunc", "--format", "{{.ID}}", "app:1").split()
        self.assertEqual(history[0], app)
        self.assertEqual(set(history[1:3]), hidden)
        self.assertEqual(history[3], self.id_of("bb:latest"))
        self.assertEqual(self.veneer("chroot", history[2], "--", "cat", "/f", err="[^\n]*|"), "1\n")
        said = self.veneer("rmi", "app:1").splitlines()
        self.assertEqual(said[0], "Untagged: app:1")
        self.assertLessEqual({f"Deleted: {one}" for one in hidden | {app}}, set(said))
        self.assertEqual(set(self.veneer("images", "-a", "-q", "--no-trunc").split()), shown - {app})

    def test_B11_classic_lines(self):
        done = self.build("--progress", "classic", "-t", "app:1", "context", dockerfile="FROM bb\nRUN echo said\nENV A=1\n")
        text = done.out + done.err
        # B6: no service is there to which the context is sent. A container has a name alone.
        lines = (r"(?s)Step 1/3 : FROM bb\n ---> [0-9a-f]{12}\nStep 2/3 : RUN echo said\n"
                 r" ---> Running in (\w+)\nsaid\nRemoving intermediate container \1\n"
                 r" ---> [0-9a-f]{12}\nStep 3/3 : ENV A=1\n.* ---> ([0-9a-f]{12})\nSuccessfully built ([0-9a-f]{12})\n"
                 r"Successfully tagged app:1\n")
        found = re.search(lines, text)
        self.assertTrue(found, text)
        self.assertEqual(found[2], found[3])
        self.assertTrue(self.id_of("app:1").removeprefix("sha256:").startswith(found[3]))
        again = self.build("--progress", "classic", "-t", "app:1", "context", dockerfile="FROM bb\nRUN echo said\nENV A=1\n")
        self.assertEqual((again.out + again.err).count(" ---> Using cache\n"), 2)

    def test_classic_lines_have_every_instruction(self):
        done = self.build("--progress", "classic", "context", dockerfile="FROM bb\nARG V=1\nLABEL a=$V\nRUN echo $V\n")
        steps = re.findall(r"(?m)^(Step .*)$", done.out + done.err)
        self.assertEqual(steps, ["Step 1/4 : FROM bb", "Step 2/4 : ARG V=1", "Step 3/4 : LABEL a=$V", "Step 4/4 : RUN echo $V"])

    def test_an_error_before_the_first_step_shows_the_lines(self):
        done = self.build("context", dockerfile="FROM bb\nRUM true\nRUN true\n", code=1)
        self.assertRegex(done.err, r"(?sm)^Dockerfile:2\n.*FROM bb\n.*>>> RUM true\n.*RUN true\n.*veneer: line 2: .*RUM")

    def test_plain_lines_name_steps_and_the_cache(self):
        text = self.build("--progress", "plain", "-t", "app:1", "context",
                          dockerfile="FROM bb\nRUN echo said; echo wrong >&2\n").err
        self.assertRegex(text, r"(?m)^#\d+ \[2/2\] RUN echo said; echo wrong >&2$")
        self.assertRegex(text, r"(?m)^#\d+ [\d.]+ said$")
        self.assertRegex(text, r"(?m)^#\d+ [\d.]+ wrong$")
        self.assertRegex(text, r"(?m)^#\d+ DONE [\d.]+s$")
        again = self.build("--progress", "plain", "context", dockerfile="FROM bb\nRUN echo said; echo wrong >&2\n").err
        self.assertRegex(again, r"(?m)^#\d+ CACHED$")

    def test_q_writes_the_id_alone(self):
        done = self.build("-q", "-t", "app:1", "--iidfile", "id.txt", "--metadata-file", "meta.json", "context")
        self.assertEqual(done.out, self.id_of("app:1") + "\n")
        self.assert_said("", done)
        self.assertEqual(read(self.path("id.txt")).decode(), self.id_of("app:1"))
        document = json.loads(read(self.path("meta.json")))
        self.assertEqual(document, {"containerimage.config.digest": self.id_of("app:1"),
                                    "containerimage.digest": self.id_of("app:1"), "image.name": "docker.io/library/app:1"})

    def test_B22_an_error_shows_the_lines_and_the_output(self):
        dockerfile = "FROM bb\nRUN echo 1 > /kept\nRUN echo said; \\\n  exit 7\nRUN echo never\n"
        done = self.build("-t", "app:1", "context", dockerfile=dockerfile, code=1)
        self.assertNotIn("app:1", self.images())
        self.assertRegex(done.err, r"(?s)said.*Dockerfile:3.*RUN echo 1 > /kept.*RUN echo said.*exit 7.*RUN echo never")
        self.assertRegex(done.err, r"veneer: [^\n]*\b7\b[^\n]*\n\Z")
        again = self.build("-t", "app:1", "context", code=1, dockerfile=dockerfile)
        self.assertRegex(again.err, "(?m)^#\\d+ CACHED$")

    def test_a_failed_step_can_be_entered(self):
        done = self.build("context", dockerfile="FROM bb\nRUN echo 1 > /kept\nRUN exit 7\n", code=1)
        line = re.search(r"veneer (chroot [^\n`']*)", done.err)
        self.assertTrue(line, done.err)
        self.assertEqual(self.veneer(*line[1].split(), "--", "cat", "/kept", err="[^\n]*|"), "1\n")

    def test_the_same_build_gives_the_same_image(self):
        dockerfile = "FROM bb\nCOPY f /f\nWORKDIR /w\nRUN mkdir d && echo x > d/f\n"
        os.makedirs(self.path("context"))
        ids = set()
        for _ in range(2):
            write(self.path("context/f"), "x")
            os.utime(self.path("context/f"), (1000, 1000))
            words = ("-q", "--no-cache", "--timestamp", "1234567890", "context")
            ids.add(self.build(*words, dockerfile=dockerfile).out)
            ids.add(self.build("-q", "--no-cache", "context", dockerfile=dockerfile,
                               environment={"SOURCE_DATE_EPOCH": "1234567890"}).out)
        self.assertEqual(len(ids), 1)

    def test_secrets_are_in_nothing_that_stays(self):
        secret = "a-secret-that-nobody-says"
        write(self.path("s.txt"), secret)
        self.own(self.path("s.txt"))
        self.build("-t", "app:1", "--secret", "id=s,src=s.txt", "context", dockerfile="FROM bb\nRUN --mount=type=secret,id=s "
                   "grep -q secret /run/secrets/s\nRUN --mount=type=secret,id=s,env=V test -n \"$V\" && touch /done\n")
        self.veneer("save", "-o", "out.tar", "app:1")
        for folder_path, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(folder_path, name)
                if path != self.path("s.txt") and os.path.isfile(path):
                    self.assertNotIn(secret.encode(), read(path), path)

    def test_check_builds_nothing(self):
        done = self.build("--check", "-t", "app:1", "context")
        self.assertIn("no warnings", done.out)
        self.assertNotIn("app:1", self.images())
        done = self.build("--check", "context", dockerfile="FROM bb\nRUN true \\\n\nENV A=1\n", code=1)
        self.assertIn("1 warning has been found", done.out)
        self.assertRegex(done.out, r"WARNING: NoEmptyContinuation - https://.*\n.*\nDockerfile:3\n")

    def test_check_needs_no_image_and_finds_every_mistake(self):
        done = self.build("--check", "context", dockerfile="FROM not-here:1 as B\nMAINTAINER me\nCMD a\nCMD b\n", code=1)
        self.assertEqual(re.findall(r"(?m)^WARNING: (\w+) ", done.out),
                         ["FromAsCasing", "StageNameCasing", "MaintainerDeprecated", "JSONArgsRecommended",
                          "MultipleInstructionsDisallowed", "JSONArgsRecommended"])

    def test_variables_of_the_base_are_known_to_the_checks(self):
        done = self.build("context", dockerfile="FROM bb AS a\nENV A=1\nFROM a\nLABEL l=$A$PATH m=$NONE\n")
        self.assertEqual(re.findall(r"WARNING: (\w+: .*)", done.err), ["UndefinedVar: Usage of undefined variable '$NONE' (line 4)"])

    def test_a_build_fails_for_a_mistake_where_the_dockerfile_wants_it(self):
        text = "# check=error=true\nFROM bb\nMAINTAINER me\nRUN echo ran\n"
        done = self.build("-t", "app:1", "context", dockerfile=text, code=1)
        self.assertIn("lint violation found for rules: MaintainerDeprecated", done.err)
        self.assertNotIn("app:1", self.images())
        self.build("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=MaintainerDeprecated;error=true", "-t", "app:1", "context",
                   dockerfile=text)
        self.assertIn("app:1", self.images())

    def test_a_note_says_that_syntax_is_not_fetched(self):
        done = self.build("-t", "app:1", "context", dockerfile="# syntax=docker/dockerfile:1\n" + DOCKERFILE)
        self.assertIn("syntax=docker/dockerfile:1", done.err)
        self.assertIn("app:1", self.images())

    def test_what_was_built_is_the_same_in_a_mount(self):
        self.build("-t", "app:1", "context", dockerfile="FROM bb\nRUN echo x > /f && chmod 4711 /f\nWORKDIR /w\n")
        point = self.veneer("mount", "-r", "-n", "look", "app:1").strip()
        status = self.act(lambda: list(os.stat(point + "/f")[:1]) + [os.path.isdir(point + "/w")])
        self.veneer("umount", "look")
        self.veneer("rm", "look")
        self.assertEqual(status, [0o104711, True])

    def test_a_context_with_what_nobody_may_read(self):
        """A file of root alone, which root reads."""
        self.build("context", dockerfile="FROM bb\nCOPY . /c\n")
        write(self.path("context/closed"), "x")
        os.chmod(self.path("context/closed"), 0o600)
        done = self.run_veneer("build", "context")
        self.assertEqual(done.code, 1 if self.uid else 0, done)
        if self.uid:
            self.assertRegex(done.err, "closed.*Permission denied")
            write(self.path("context/.dockerignore"), "closed\n")
            self.veneer("build", "-q", "context")
