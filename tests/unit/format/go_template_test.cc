// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_template.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

const Json& Sample() {
  static const Json sample = {
      {"ID", "4f53cda18c2b"},
      {"Name", "hello world"},
      {"Empty", ""},
      {"Count", 3},
      {"Ratio", 1.5},
      {"On", true},
      {"Nothing", nullptr},
      {"Tags", Json::array({"a", "b", "c"})},
      {"State", {{"Pid", 7}}},
      {"Config",
       {{"Env", Json::array({"PATH=/bin", "A=1"})}, {"Labels", {{"z", "last"}, {"b", "first"}}}}}};
  return sample;
}

std::string Render(const std::string& text) {
  const auto parsed = GoTemplate::Parse(text);
  if (!parsed) return "PARSE " + parsed.error().message();
  const auto output = parsed->Execute(Sample());
  return output ? *output : "FAIL " + output.error().message();
}

TEST(GoTemplate, PrintsFieldsTextAndValuesAsGoDoes) {
  EXPECT_EQ(Render("plain"), "plain");
  EXPECT_EQ(Render("{{.ID}}: {{.Name}}!"), "4f53cda18c2b: hello world!");
  EXPECT_EQ(Render("{{.Config.Env}}"), "[PATH=/bin A=1]");
  EXPECT_EQ(Render("{{.Config.Labels}}"), "map[b:first z:last]");
  EXPECT_EQ(Render("{{.Count}} {{.Ratio}} {{.On}} {{.Nothing}}"), "3 1.5 true <nil>");
  EXPECT_EQ(Render("{{\"a\\tb\\u00e9\\x41\"}}{{`raw\\n`}}{{'a'}}"),
            "a\tb\xC3\xA9"
            "Araw\\n97");
  EXPECT_EQ(Render("}} {{/* nothing */}}x"), "}} x");
}

TEST(GoTemplate, AnUnknownFieldIsNamedAndAMissingKeyIsNone) {
  EXPECT_EQ(Render("{{.Foo}}"),
            "FAIL template: can't evaluate field Foo; there are ID, Name, Empty, Count, Ratio, On, "
            "Nothing, Tags, State, Config");
  EXPECT_EQ(Render("{{.Config.Foo}}"),
            "FAIL template: can't evaluate field Foo; there are Env, Labels");
  EXPECT_EQ(Render("{{.ID.Foo}}"), "FAIL template: can't evaluate field Foo of a string");
  EXPECT_EQ(Render("{{.Nothing.Foo}}"), "FAIL template: can't evaluate field Foo of nothing");
  EXPECT_EQ(Render("{{.Config.Labels.missing.deeper}}"), "<no value>");
  EXPECT_EQ(Render("{{.Config.Labels.maintainer}}"), "<no value>");
  EXPECT_EQ(Render("{{index .Config.Labels \"maintainer\"}}|"), "|");
}

TEST(GoTemplate, HasDockersFunctions) {
  EXPECT_EQ(Render("{{json .Tags}} {{.Config.Labels | json}}"),
            R"(["a","b","c"] {"b":"first","z":"last"})");
  EXPECT_EQ(Render("{{upper .Name}} {{lower \"ABC\"}} {{title .Name}}"),
            "HELLO WORLD abc Hello World");
  EXPECT_EQ(Render("{{join .Tags \", \"}} {{split .Name \" \"}} {{index (split .Name \" \") 1}}"),
            "a, b, c [hello world] world");
  EXPECT_EQ(
      Render("{{truncate .Name 5}}|{{truncate .Empty 5}}|{{pad .ID 2 1}}|{{pad .Empty 2 2}}|"),
      "hello||  4f53cda18c2b ||");
  EXPECT_EQ(Render("{{len .Tags}} {{len .Name}} {{len .Config.Labels}}"), "3 11 2");
  EXPECT_EQ(Render("{{slice .ID 0 4}} {{slice .Tags 1}}"), "4f53 [b c]");
  EXPECT_EQ(Render("{{println .ID 1}}{{print 1 2 \"x\" 3}}"), "4f53cda18c2b 1\n1 2x3");
}

TEST(GoTemplate, PrintfKnowsTheUsualVerbs) {
  EXPECT_EQ(Render("{{printf \"%s-%d-%v-%q\" .ID .Count .Tags .Name}}"),
            "4f53cda18c2b-3-[a b c]-\"hello world\"");
  EXPECT_EQ(
      Render("{{printf \"[%8s][%-8s][%.4s][%05d][%x][%.2f][%t][%c]%%\" \"ab\" \"ab\" .ID .Count "
             "255 .Ratio .On 'a'}}"),
      "[      ab][ab      ][4f53][00003][ff][1.50][true][a]%");
  EXPECT_EQ(Render("{{printf \"%d\" .ID}} {{printf \"%d\"}} {{printf \"x\" 1}}"),
            "%!d(string=4f53cda18c2b) %!d(MISSING) x%!(EXTRA int=1)");
  EXPECT_EQ(Render("{{printf \"%9999999999d\" 1}}"), "%!(NOVERB)%!(EXTRA int=1)");
  EXPECT_EQ(Render("{{printf \"%n|%\" 1}}"), "%!n(int=1)|%!(NOVERB)");
  EXPECT_EQ(Render("{{printf \"%[2]*[1]d|%[3]v\" 7 4}}"), "   7|%!v(BADINDEX)");
  EXPECT_EQ(Render("{{printf \"%v %+v %#v %T\" .State .State .Tags .Tags}}"),
            "{7} {Pid:7} []string{\"a\", \"b\", \"c\"} []string");
  EXPECT_EQ(
      Render("{{printf \"%08.3f|%+d|%x|%X|%o|%b|%U|%e\" 3.14159 5 \"hi\" 255 8 5 10004 1e6}}"),
      "0003.142|+5|6869|FF|10|101|U+2714|1.000000e+06");
  EXPECT_EQ(Render("{{.ID | printf \"%s %s\" .Name}}"), "hello world 4f53cda18c2b");
}

TEST(GoTemplate, Decides) {
  EXPECT_EQ(Render("{{if .On}}yes{{else}}no{{end}}{{if .Empty}}yes{{else}}no{{end}}"), "yesno");
  EXPECT_EQ(Render("{{if eq .Count 1}}1{{else if eq .Count 2 3}}2 or 3{{else}}more{{end}}"),
            "2 or 3");
  EXPECT_EQ(Render("{{and .On .Count}} {{or .Empty .Nothing .ID}} {{not .On}} {{ne .Count 3}}"),
            "3 4f53cda18c2b false false");
  EXPECT_EQ(Render("{{and .Empty (.Foo)}}|{{or .On .Foo}}"), "|true");  // the rest is not looked at
  EXPECT_EQ(Render("{{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1 2}}"), "true true true false");
  EXPECT_EQ(Render("{{with .Config}}{{.Env}}{{end}}{{with .Empty}}x{{else}}none{{end}}"),
            "[PATH=/bin A=1]none");
}

TEST(GoTemplate, Repeats) {
  EXPECT_EQ(Render("{{range .Tags}}<{{.}}>{{end}}"), "<a><b><c>");
  EXPECT_EQ(Render("{{range $i, $t := .Tags}}{{$i}}={{$t}} {{end}}"), "0=a 1=b 2=c ");
  EXPECT_EQ(Render("{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}};{{end}}"), "b:first;z:last;");
  EXPECT_EQ(Render("{{range .Config.Labels.none}}x{{else}}none{{end}}"), "none");
  EXPECT_EQ(Render("{{range .Tags}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}"), "ac");
  EXPECT_EQ(Render("{{range .Tags}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}"), "a");
  EXPECT_EQ(Render("{{range .Tags}}{{$.ID}} {{end}}"), "4f53cda18c2b 4f53cda18c2b 4f53cda18c2b ");
  EXPECT_EQ(Render("{{$n := 0}}{{range .Tags}}{{$n = .}}{{end}}{{$n}}"), "c");
  EXPECT_EQ(Render("{{range .Count}}{{end}}"), "FAIL template: range can't iterate over a number");
}

TEST(GoTemplate, CallsTemplatesByName) {
  EXPECT_EQ(Render("{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .ID}}{{template \"T\"}}"),
            "<4f53cda18c2b><<no value>>");
  EXPECT_EQ(Render("{{block \"B\" .Count}}{{$}}{{end}}"), "3");
  EXPECT_EQ(Render("{{template \"none\"}}"), "FAIL template: the template \"none\" is not defined");
  EXPECT_EQ(Render("{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}"),
            "FAIL template: templates call each other without an end");
  EXPECT_EQ(Render("{{$x := 1}}{{define \"T\"}}{{$x}}{{end}}").substr(0, 5), "PARSE");
}

TEST(GoTemplate, EscapesForOtherLanguages) {
  EXPECT_EQ(Render("{{html \"<a href='x'>&\"}} {{js \"it's <b>\"}} {{urlquery \"a b&c\" 1}}"),
            "&lt;a href=&#39;x&#39;&gt;&amp; it\\'s \\u003Cb\\u003E a+b%26c1");
}

// What Go refuses is refused: it converts nothing, and a value is no function.
TEST(GoTemplate, TakesNoValueForAnother) {
  for (const char* text : {"{{lower .Count}}",
                           "{{lower 1}}",
                           "{{pad .ID \"1\" 2}}",
                           "{{join .ID \",\"}}",
                           "{{len .Count}}",
                           "{{index .Tags \"a\"}}",
                           "{{index .Tags 3}}",
                           "{{index .Config 1}}",
                           "{{slice .Tags 2 1}}",
                           "{{eq .Count \"3\"}}",
                           "{{eq .Tags .Tags}}",
                           "{{lt .On .On}}",
                           "{{eq 1}}",
                           "{{.ID .Name}}",
                           "{{.ID | .Name}}",
                           "{{nil}}",
                           "{{call .ID}}",
                           "{{truncate .ID}}",
                           "{{18446744073709551615}}",
                           "{{$y = 1}}",
                           "{{len .Nothing}}",
                           "{{lower nil}}"}) {
    EXPECT_EQ(Render(text).substr(0, 4), "FAIL") << text;
  }
}

TEST(GoTemplate, TrimsSpacesWhereADashSaysSo) {
  EXPECT_EQ(Render("a \n {{- .Count -}} \n b {{.Count}} c"), "a3b 3 c");
  EXPECT_EQ(Render("a {{- /* note */ -}} b"), "ab");
  EXPECT_EQ(Render("{{-3}}"), "-3");
}

TEST(GoTemplate, WhatIsWrongIsSaidWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{{", "1: {{ without }}"},
      {"ab{{.ID", "3: {{ without }}"},
      {"{{}}", "1: nothing between {{ and }}"},
      {"{{foo .ID}}", "3: function \"foo\" not defined"},
      {"{{.ID | 1}}", "9: a value cannot be piped into what is no function"},
      {"{{| .ID}}", "3: a value is missing"},
      {"{{.ID\"x\"}}", "6: unexpected '\"'"},
      {"{{ /* x */}}", "4: unexpected '/'"},
      {"{{with .ID}}{{else if .ID}}{{end}}", "20: after else comes }}"},
      {"{{range .Tags}}{{break 1}}{{end}}", "24: after break comes }}"},
      {"{{1i}}", "3: '1i' is not a number"},
      {"{{\"\\q\"}}", "3: an unknown escape in a string"},
      {"{{if .ID}}", "1: {{if}} without {{end}}"},
      {"{{end}}", "1: {{end}} without if, range, with or define"},
      {"{{$x}}", "3: undefined variable $x"},
      {"{{\"a}}", "3: a string without its closing quote"},
      {"{{(.ID}}", "3: ( without )"},
      {"{{.ID)}}", "6: unexpected )"},
      {"{{break}}", "1: {{break}} outside of range"},
      {"{{if .ID}}{{define \"x\"}}{{end}}{{end}}", "13: function \"define\" not defined"},
      {"{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}",
       "23: the template \"x\" is defined twice"},
      {"{{.ID ; .Name}}", "7: unexpected ';'"},
      {"{{12x}}", "3: '12x' is not a number"},
      {"{{if .ID}}a{{else}}b{{else}}c{{end}}", "21: {{else}} twice"},
  };
  for (const auto& [text, problem] : cases) {
    const auto parsed = GoTemplate::Parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message(), "template, at byte " + problem);
    EXPECT_EQ(parsed.error().exit(), ExitCode::kUsage);
  }
}

TEST(GoTemplate, WhatGrowsWithoutEndIsRefused) {
  std::string text = "{{$x := \"aaaaaaaaaaaaaaaa\"}}";
  for (int i = 0; i < 40; ++i) text += "{{$x = print $x $x}}";
  const auto parsed = GoTemplate::Parse(text);
  ASSERT_TRUE(parsed);
  const auto made = parsed->Execute(Json::object());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().exit(), ExitCode::kUsage);
}

TEST(GoTemplate, TellsWhenTheWholeValueIsUsed) {
  for (const char* whole :
       {"{{json .}}", "{{.}}", "{{with $x := .}}{{$x.A}}{{end}}", "{{$.A}}{{$}}"}) {
    EXPECT_TRUE(GoTemplate::Parse(whole)->UsesWhole()) << whole;
  }
  for (const char* field : {"{{.A}}", "{{$.A}}", "{{json .A.B}}"}) {
    EXPECT_FALSE(GoTemplate::Parse(field)->UsesWhole()) << field;
  }
}

TEST(GoTemplate, DeepNestingIsRefusedAndNotFollowed) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{{if .ID}}";
  EXPECT_FALSE(GoTemplate::Parse(text));
  EXPECT_FALSE(GoTemplate::Parse("{{" + std::string(100'000, '(') + "}}"));
}

TEST(GoTemplate, NamesItsFieldsAndTakesHeadings) {
  const auto parsed =
      GoTemplate::Parse("{{.ID}}{{if .Name}}{{upper .Config.Env}}{{$.Tags}}{{end}}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->Fields(), (std::set<std::string>{"Config", "ID", "Name", "Tags"}));
  const auto headings = GoTemplate::Parse("{{json .ID}}\t{{truncate .Name 2}}\t{{len .Tags}}");
  EXPECT_EQ(*headings->ExecuteHeadings({{"ID", "image"}, {"Name", "name"}, {"Tags", "tags"}}),
            "image\tname\ttags");
}

TEST(UnescapeTemplate, ChangesOnlyTheText) {
  EXPECT_EQ(UnescapeTemplate(R"({{.ID}}\t{{join .Tags "\n"}}\nx\y)"),
            "{{.ID}}\t{{join .Tags \"\\n\"}}\nx\\y");
}

}  // namespace
}  // namespace veneer
