# SPDX-License-Identifier: Apache-2.0
"""Random templates over a document: every action, function, verb and form of Go's text/template, and errors in all of them.

What is made mostly fits its types, for a template that fails at its first word shows little; now and then it does not, or a
character of the whole is changed, for what Go refuses must be refused.
"""

import string

WORDS = ["", "a", "-", "/", ":", " ", ",", "sha256", "x=y", "<b>&\"'", "é", "日本", "\t", "%d", "0"]
QUOTED = ['"a\\tb"', '"\\""', "`raw\\n`", '"\\x41"', '"\\u00e9"', '"\\101"', '"\\U0001F600"', '""', '"x"', '"%v"', "`a\"b`"]
NUMBERS = ["0", "1", "2", "3", "-1", "7", "42", "+5", "0x1F", "0b101", "0o17", "017", "1_000", "'a'", "'\\n'", "'é'", "1e3",
           "1.5", "-0.25", "2.0", "1e6", "1e21", ".5", "0x1p4", "123456789", "1e-7", "9223372036854775807",
           "18446744073709551615", "1.", "100000.0"]
BAD_NUMBERS = ["08", "1__0", "0x", "99999999999999999999", "'ab'", "''", "1e999", "0b2", "'\\q'", "1a", "0_", "--1"]
VERBS = "vsqdxXtcfFeEgGboOUTw"
FLAGS = "+- 0#"
TRIMMED = [("{{", "}}")] * 8 + [("{{- ", " -}}"), ("{{- ", "}}"), ("{{", " -}}"), ("{{ ", " }}"), ("{{\n", "\t}}")]


class Grammar:
    """Templates of one random generator over one document."""

    def __init__(self, rng, document):
        self.rng, self.document = rng, document
        self.variables = []
        self.templates = []
        self.within = False  # the dot is not the document

    def chance(self, part):
        return self.rng.random() < part

    # --- values

    def path(self, wanted=None):
        """A path of fields of the document, of which the last may not be there."""
        rng = self.rng
        value = self.document
        names = []
        while isinstance(value, dict) and value and (not names or self.chance(0.6)):
            name = rng.choice([one for one in value if wanted is None or isinstance(value[one], (wanted, dict))] or list(value))
            if not name or not all(c in string.ascii_letters + string.digits + "_" for c in name):
                break
            names.append(name)
            value = value[name]
        if not names or self.chance(0.02):
            names.append(rng.choice(["Missing", "missing", "Labels", "Name", "x"]))
        return "$" * self.within + "".join(f".{name}" for name in names)

    def string(self, depth):
        """Something that is mostly a string."""
        rng = self.rng
        kind = rng.randrange(12) if depth > 0 else rng.randrange(4)
        if kind < 2:
            return rng.choice(QUOTED)
        if kind < 4:
            return self.path(str)
        if kind < 6:
            return f"({rng.choice(['lower', 'upper', 'title', 'json', 'html', 'js', 'urlquery', 'print'])} {self.string(depth - 1)})"
        if kind < 7:
            return f"(join {self.strings(depth - 1)} {rng.choice(QUOTED)})"
        if kind < 8:
            return f"({self.printf(depth - 1)})"
        if kind < 9:
            return f"(truncate {self.string(depth - 1)} {rng.choice(['0', '1', '3', '40', '2.0'])})"
        if kind < 10:
            return f"(pad {self.string(depth - 1)} {rng.choice(['0', '1', '3'])} {rng.choice(['0', '2'])})"
        if kind < 11:
            return f"(slice {self.string(depth - 1)} {rng.choice(['0', '1', '0 1', '1 2', '', '2 1'])})"
        return self.value(depth - 1) if self.chance(0.2) else self.path(str)

    def strings(self, depth):
        """Something that is mostly a list."""
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0 or depth <= 0:
            return self.path(list)
        if kind == 1:
            return f"(slice {self.strings(depth - 1)} {rng.choice(['0', '1', '0 1', '0 0', '0 1 1', '0 9', '0 1 2'])})"
        if kind == 2 and self.chance(0.2):
            return self.path()
        return f"(split {self.string(depth - 1)} {rng.choice(QUOTED)})"

    def value(self, depth):
        """Anything."""
        rng = self.rng
        kind = rng.randrange(16)
        if depth <= 0 or kind < 3:
            return rng.choice([self.path, lambda: ".", lambda: rng.choice(NUMBERS), lambda: rng.choice(QUOTED), self.path,
                               lambda: rng.choice(["true", "false", "nil", "$"]), self.variable])()
        if kind < 5:
            return f"(len {rng.choice([self.value, self.string, self.strings, self.strings])(depth - 1)})"
        if kind < 6:
            return f"(index {self.strings(depth - 1)} {rng.choice(NUMBERS[:3])})"
        if kind < 7:
            return f"(index {rng.choice([self.value(depth - 1), self.path(dict)])} {rng.choice(QUOTED + [self.value(depth - 1)])})"
        if kind < 8:
            return self.strings(depth)
        if kind < 9 and self.chance(0.3):
            return rng.choice([f"({self.path()}{self.path()})", f"({self.path()}).{rng.choice(['Name', 'x', 'ID'])}"])
        if kind < 12:
            return f"({self.boolean(depth - 1)})"
        if kind < 13:
            return rng.choice(NUMBERS + BAD_NUMBERS[:1]) if self.chance(0.9) else rng.choice(BAD_NUMBERS)
        if kind < 14:
            return f"({self.pipeline(depth - 1)})"
        return self.string(depth)

    def variable(self):
        return self.rng.choice(self.variables + ["$"]) + (self.path() if self.chance(0.2) else "")

    def boolean(self, depth):
        rng = self.rng
        function = rng.choice(["eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "eq"])
        same = rng.choice([self.value, self.string, self.string, self.number, self.number])
        count = {"not": 1, "and": rng.randrange(1, 4), "or": rng.randrange(1, 4)}.get(function, 2)
        if function == "eq":
            count = rng.randrange(1, 5)
        if self.chance(0.03):
            count = rng.randrange(5)
        return " ".join([function] + [same(depth - 1) for _ in range(count)])

    def number(self, depth):
        if self.chance(0.6):
            return self.rng.choice(NUMBERS)
        return f"(len {self.strings(depth)})"

    def printf(self, depth):
        """printf with verbs, flags, widths, precisions and indexes of all kinds."""
        rng = self.rng
        text, values = "", []
        for _ in range(rng.randrange(1, 4)):
            text += rng.choice(["", "x ", "|", "100%%", "é"]) + "%"
            text += "".join(rng.choice(FLAGS) for _ in range(rng.choice([0, 0, 0, 1, 1, 2])))
            if self.chance(0.06):
                text += f"[{rng.choice(['1', '2', '3', '0', '9', 'x', ''])}]"
            text += rng.choice(["", "", "", "5", "12", "1", "*"] if self.chance(0.9) else ["99999999", "*"])
            text += rng.choice(["", "", "", "", ".2", ".0", ".", ".7", ".*"])
            verb = rng.choice(VERBS) if self.chance(0.97) else rng.choice("yzn!é")
            text += verb
            values.append(self.fitting(verb, depth))
        if self.chance(0.1):
            values = values[:-1] if self.chance(0.5) else values + [self.value(depth)]
        if self.chance(0.02):
            text += "%"
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return " ".join(["printf", quoted, *values])

    def fitting(self, verb, depth):
        if self.chance(0.25):
            return self.value(depth)
        if verb in "sqxX" and self.chance(0.6):
            return self.string(depth)
        if verb in "fFeEgG":
            return self.rng.choice(["1.5", "-0.25", "1e6", "123456789.0", "1e21", "0.0", "1e-7", ".Ratio", "2.0"])
        if verb in "dbcoOUqxX":
            return self.rng.choice(["0", "1", "-1", "42", "'a'", "'é'", "255", "1000000", "(len .)", ".Size", ".Count"])
        if verb == "t":
            return self.rng.choice(["true", "false", f"({self.boolean(depth)})"])
        return self.value(depth)

    # --- pipelines and actions

    def pipeline(self, depth):
        rng = self.rng
        kind = rng.randrange(10)
        if kind < 4:
            text = self.value(depth)
        elif kind < 6:
            text = self.printf(depth)
        elif kind < 8:
            text = self.boolean(depth)
        else:
            function = rng.choice(["print", "println", "html", "js", "urlquery", "json"])
            count = 1 if function == "json" else rng.randrange(0, 4)
            text = " ".join([function] + [self.value(depth - 1) for _ in range(count)])
        while self.chance(0.2):
            fits = ["json", "html", "js", "urlquery", "print", "println", "not", 'printf "%v"', 'printf "%q %s" "x"', "and true"]
            text += rng.choice([" | ", "|"]) + rng.choice(fits if self.chance(0.7) else [
                "json", "lower", "upper", "title", "len", "html", "js", "urlquery", "print", "println", "not", "printf \"%v\"",
                "printf \"%s-%q\" \"x\"", "eq 1", "and true", "or false", f"index {self.value(0)}", "join", "split", "slice",
                "truncate", "pad \"x\" 1", "call", self.value(0)])
        return text

    def action(self, inside):
        opening, closing = self.rng.choice(TRIMMED)
        return opening + inside + closing

    def nodes(self, depth, count=None):
        return "".join(self.node(depth) for _ in range(count or self.rng.randrange(1, 3)))

    def node(self, depth):
        rng = self.rng
        kind = rng.randrange(20)
        if kind < 3:
            return rng.choice([" text ", "\n", " } ", "{ ", "x", "é"])
        if kind < 11 or depth <= 0:
            return self.action(self.pipeline(depth))
        if kind < 12:
            return rng.choice(["{{/* c */}}", "{{- /* c */ -}}", "{{/**/}}", "{{ /* c */}}", "{{/* c */ }}"] if self.chance(0.2)
                              else ["{{/* c */}}", "{{- /* c */ -}}", "{{/**/}}"])
        if kind < 14:
            return self.assignment(depth)
        if kind < 17:
            return self.control(depth)
        return self.range(depth) if kind < 19 else self.named(depth)

    def assignment(self, depth):
        if self.variables and self.chance(0.3):
            return self.action(f"{self.rng.choice(self.variables)} = {self.pipeline(depth)}")
        name = self.rng.choice(["$a", "$b", "$c1"])
        text = self.action(f"{name} := {self.pipeline(depth)}")
        self.variables.append(name)
        return text

    def control(self, depth):
        keyword = self.rng.choice(["if", "with"])
        scope = list(self.variables)
        declared = ""
        pipeline = self.pipeline(depth - 1)
        outside, self.within = self.within, self.within or (keyword == "with" and self.chance(0.9))
        if self.chance(0.2):
            declared = "$v := "
            self.variables.append("$v")
        text = self.action(f"{keyword} {declared}{pipeline}") + self.nodes(depth - 1)
        if keyword == "if" and self.chance(0.3):
            text += self.action(f"else if {self.pipeline(depth - 1)}") + self.nodes(depth - 1)
        if self.chance(0.4):
            text += self.action("else") + self.nodes(depth - 1)
        self.variables, self.within = scope, outside
        return text + self.action("end")

    def range(self, depth):
        rng = self.rng
        scope = list(self.variables)
        over = rng.choice([self.strings, self.strings, self.value])(depth - 1)
        if self.chance(0.25):
            over = rng.choice([".", "$", self.path()])
        declared = rng.choice(["", "", "$e := ", "$i, $e := ", "$i,$e:="])
        self.variables += {"": [], "$e := ": ["$e"]}.get(declared, ["$i", "$e"])
        outside, self.within = self.within, self.chance(0.9)
        text = self.action(f"range {declared}{over}") + self.nodes(depth - 1)
        if self.chance(0.15):
            text += self.action("if " + self.boolean(0)) + self.action(rng.choice(["break", "continue"])) + self.action("end")
        text += self.nodes(depth - 1, 1)
        self.within = outside
        if self.chance(0.3):
            text += self.action("else") + self.nodes(depth - 1)
        self.variables = scope
        return text + self.action("end")

    def named(self, depth):
        rng = self.rng
        kind = rng.randrange(3)
        name = rng.choice(["t", "u"])
        if kind == 0:
            given = rng.choice(["", " .", f" {self.value(0)}", f" ({self.pipeline(0)})"])
            return self.action(f'template "{name}"{given}')
        outside, self.variables = self.variables, []
        body = self.nodes(depth - 1)
        self.variables = outside
        if kind == 1:
            return self.action(f'block "{name}" {self.value(0)}') + body + self.action("end")
        return self.action(f'define "{name}"') + body + self.action("end")

    def template(self):
        """One template; of some the text is damaged."""
        text = self.nodes(self.rng.randrange(4))
        rng = self.rng
        while self.chance(0.07):
            at = rng.randrange(len(text) + 1)
            text = rng.choice([text[:at] + text[at + 1:], text[:at] + rng.choice("{}()|.$:=,-\"'` x1%") + text[at:],
                               text[:at] + text[max(0, at - 3):], text[:at]])
        return text
