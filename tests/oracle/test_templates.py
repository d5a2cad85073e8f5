# SPDX-License-Identifier: Apache-2.0
"""Templates of --format against Go's own text/template with Docker's functions (go_judge/main.go): random ones, over the
documents that the commands show."""

import json
import os
import subprocess
import unittest

import generator
import go_program
from generator import Difference, Intended
from support import mounts
from support.stores import StoreCase
from template_grammar import Grammar

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.environ.get("TEMPLATE_PROBE",
                       os.path.join(os.path.dirname(mounts.VENEER), "..", "..", "tests", "oracle", "template_probe"))
# What no command shows, so that every kind of value is met.
VALUES = {"Name": "hello <wor>&ld", "Empty": "", "Count": 3, "Size": -12345, "Ratio": 1.5, "Large": 1e21, "On": True, "Off": False,
          "Nothing": None, "Env": ["PATH=/bin", "A=é\t\"q\"", ""], "Cmd": None, "None": [], "Numbers": [1, 2, 3],
          "Mixed": [1, "a", None, True, {"Name": "x"}], "Labels": {"z": "last", "b": "first", "Upper": "case"},
          "Volumes": {"/data": {}}, "Options": None, "Words": "日本 über",
          "State": {"Status": "mounted", "Pid": 7, "Dead": False, "Health": None},
          "Mounts": [{"Type": "bind", "RW": True}, {"Type": "tmpfs", "RW": False}], "Deep": {"Data": {"a.b": [["x"], []], "c": None}}}


INTENDED = [
    Intended("characters", "truncate counts characters, not bytes: it does not cut one in two, which a terminal shows as damage",
             ("go",), ("text",), lambda difference, template: "truncate" in template and "\\x" in difference.ours + difference.theirs),
    Intended("else with", "Go 1.23 and later take {{else with}}, which an older judge refuses",
             ("go",), ("refused by the judge",), lambda difference, template: "else with" in template),
    Intended("limit", "a text of more than 64 MiB is refused, which only a slip makes",
             ("go",), ("refused by us",), lambda difference, template: "it makes more than" in difference.ours),
    Intended("complex", "numbers such as 1i are refused: no document holds one",
             ("go",), ("refused by us",), lambda difference, template: "i' is not a number" in difference.ours),
]


class Templates(StoreCase):
    def documents(self):
        """What the commands show of a small store, and VALUES."""
        os.mkdir(self.path("tree"))
        with open(self.path("tree", "file"), "w", encoding="utf-8") as file:
            file.write("content")
        self.veneer("import", "-q", "-c", "ENV A=b", "-c", 'CMD ["sh", "-c", "a<b"]', "-c", 'LABEL a.b="x y" C=d',
                    "-c", "VOLUME /data", "-c", "EXPOSE 80", "-m", "from <tar>", "tree", "base:1")
        self.veneer("create", "-n", "web", "base:1")
        with open(self.path("store", "containers", "web", "upper", "new"), "w", encoding="utf-8") as file:
            file.write("x")
        self.veneer("commit", "-m", "second\tstep", "web", "app:2")
        lines = [self.veneer(*command, "--format", "json").splitlines()
                 for command in (["images"], ["ps", "-a"], ["history", "app:2"], ["info"], ["version"])]
        shown = [json.loads(line) for some in lines for line in some]
        for name in ("web", "app:2", "base:1", json.loads(self.veneer("inspect", "base:1"))[0]["RootFS"]["Layers"][0]):
            shown += json.loads(self.veneer("inspect", name))
        return [VALUES, *shown]

    def judge(self):
        """The program of go_judge, compiled."""
        return go_program.build("go_judge", self.dir)

    @staticmethod
    def answers(program, request):
        done = subprocess.run([program], input=request.encode(), stdout=subprocess.PIPE, check=True)
        return [line.partition(" ")[::2] for line in done.stdout.decode(errors="replace").splitlines()]

    @staticmethod
    def compare(template, ours, theirs):
        if ours[0] != theirs[0]:
            what = "refused by us" if ours[0] == "error" else "refused by the judge"
        elif ours[0] == "error" or ours[1] == theirs[1]:
            return []
        else:
            what = "text"
        shown = [answer[1] if answer[0] == "error" else "ok " + repr(bytes.fromhex(answer[1])) for answer in (ours, theirs)]
        return [Difference("go", what, template, *shown)]

    def test_random_templates(self):
        documents = self.documents()
        cases, seeds = [], list(generator.seeds(1500))
        for seed in seeds:
            rng = generator.rng(seed)
            index = 0 if rng.random() < 0.4 else rng.randrange(len(documents))
            cases.append({"document": index, "template": Grammar(rng, documents[index]).template()})
        request = json.dumps({"documents": documents, "cases": cases})
        ours, theirs = self.answers(PROBE, request), self.answers(self.judge(), request)
        self.assertEqual((len(ours), len(theirs)), (len(cases), len(cases)))
        verdict = generator.Verdict("templates", INTENDED)
        for seed, case, one, other in zip(seeds, cases, ours, theirs):
            verdict.case(seed, self.compare(case["template"], one, other), case["template"], {"go"})
        print(f"{sum(one[0] == 'ok' for one in theirs)} of them succeed;", end=" ")
        verdict.check(self)

    def test_the_command_executes_them(self):
        image = next(one for one in self.documents() if one.get("RepoTags") == ["app:2"])
        for template in ("{{.Config.Env}} {{.Config.Labels}} {{.Config.Volumes}} {{.Config.Healthcheck}} {{.Config.Entrypoint}}",
                         "{{range $i, $l := .RootFS.Layers}}{{$i}}={{$l}} {{end}}", "{{json .Config}}|{{html .Config.Cmd}}",
                         '{{define "T"}}{{.}}{{end}}{{template "T" .Id}}', '{{index .Config.Labels "a.b"}}{{len .Id}}'):
            with self.subTest(template):
                request = json.dumps({"documents": [image], "cases": [{"document": 0, "template": template}]})
                [theirs] = self.answers(self.judge(), request)
                self.assertEqual(theirs[0], "ok", theirs)
                self.assertEqual(self.veneer("inspect", "-f", template, "app:2"), bytes.fromhex(theirs[1]).decode() + "\n")


if __name__ == "__main__":
    unittest.main()
