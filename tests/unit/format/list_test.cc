// SPDX-License-Identifier: Apache-2.0
//
// Lists: their formats, their filters, and images as a tree.
#include <gtest/gtest.h>

#include "tools/format/layer_tree.h"
#include "tools/format/list_filter.h"
#include "tools/format/list_format.h"
#include "tools/format/moment.h"

namespace veneer {
namespace {

ListShape Shape() {
  return {{{"ID", "IMAGE ID"}, {"Name", "NAME"}}, "{{.ID}}\t{{.Name}}", "id: {{.ID}}\n", "{{.ID}}"};
}

std::string Render(const std::string& format, bool quiet = false) {
  const auto parsed = ListFormat::Parse(Shape(), format, quiet);
  if (!parsed) return "PARSE " + parsed.error().message();
  std::vector<Json> rows;
  rows.push_back({{"ID", "1"}, {"Name", "first"}});
  rows.push_back({{"ID", "2"},
                  {"Name",
                   "se\x1b"
                   "cond"}});
  const auto text = parsed->Render(std::move(rows));
  return text ? *text : "FAIL " + text.error().message();
}

TEST(ListFormat, TakesDockersWords) {
  EXPECT_EQ(Render(""), "IMAGE ID   NAME\n1          first\n2          se?cond\n");
  EXPECT_EQ(Render("table"), Render(""));
  EXPECT_EQ(Render("table {{.Name}}\\t{{upper .ID}}"),
            "NAME      IMAGE ID\nfirst     1\nse?cond   2\n");
  EXPECT_EQ(Render("raw"), "id: 1\n\nid: 2\n\n");
  EXPECT_EQ(Render("json"),
            "{\"ID\":\"1\",\"Name\":\"first\"}\n{\"ID\":\"2\",\"Name\":\"se\\u001bcond\"}\n");
  EXPECT_EQ(Render("{{.ID}}: {{.Name}}"),
            "1: first\n2: se\x1b"
            "cond\n");
}

TEST(ListFormat, ATableHasBlanksForTabsAndNewLinesAndDataHasThem) {
  const auto render = [](const std::string& format) {
    const auto parsed = ListFormat::Parse(Shape(), format, false);
    return *parsed->Render({Json{{"ID", "1"}, {"Name", "a\tb\nc\x1b[31m"}}});
  };
  EXPECT_EQ(render(""), "IMAGE ID   NAME\n1          a b c?[31m\n");
  EXPECT_EQ(render("json"), "{\"ID\":\"1\",\"Name\":\"a\\tb\\nc\\u001b[31m\"}\n");
  EXPECT_EQ(render("{{json .Name}}"), "\"a\\tb\\nc\\u001b[31m\"\n");
  EXPECT_EQ(render("{{.Name}}"), "a\tb\nc\x1b[31m\n");
}

TEST(ListFormat, QuietTakesThePlaceOfATable) {
  EXPECT_EQ(Render("", true), "1\n2\n");
  EXPECT_EQ(Render("table {{.Name}}", true), "1\n2\n");
  EXPECT_EQ(Render("raw", true), "1\n2\n");
  EXPECT_EQ(Render("{{.Name}}", true),
            "first\nse\x1b"
            "cond\n");  // data
}

TEST(ListFormat, KnowsItsFieldsBeforeThereIsARow) {
  EXPECT_EQ(Render("{{.Foo}}"), "PARSE template: can't evaluate field Foo; there are ID, Name");
  EXPECT_EQ(Render("table"), Render("table "));
  EXPECT_TRUE(ListFormat::Parse(Shape(), "{{.ID}}", false)->Needs("ID"));
  EXPECT_FALSE(ListFormat::Parse(Shape(), "{{.ID}}", false)->Needs("Name"));
  EXPECT_TRUE(ListFormat::Parse(Shape(), "json", false)->Needs("Name"));
}

TEST(ListFilters, AreKeysWithValues) {
  const auto filters =
      ParseFilters({"label=a=b", "label=c", "dangling=true"}, {"label", "dangling"});
  ASSERT_TRUE(filters);
  EXPECT_EQ(FilterValues(*filters, "label"), (std::vector<std::string>{"a=b", "c"}));
  EXPECT_EQ(FilterValues(*filters, "since").size(), 0u);
  EXPECT_EQ(*FilterSwitch(*filters, "dangling"), true);
  EXPECT_EQ(*FilterSwitch(*filters, "other"), std::nullopt);
  EXPECT_EQ(ParseFilters({"lable=a"}, {"label"}).error().message(),
            "invalid filter 'lable'; there are label");
  EXPECT_EQ(ParseFilters({"label"}, {"label"}).error().exit(), ExitCode::kUsage);
  EXPECT_FALSE(FilterSwitch(*ParseFilters({"dangling=maybe"}, {"dangling"}), "dangling"));
  EXPECT_FALSE(FilterSwitch(*ParseFilters({"d=1", "d=0"}, {"d"}), "d"));
}

TEST(MatchGlob, IsGosPathMatch) {
  const std::vector<std::pair<const char*, const char*>> yes = {
      {"*", "debian"},      {"de*an", "debian"},
      {"d?bian", "debian"}, {"[a-f]ebian", "debian"},
      {"[^x]*", "abc"},     {"a\\*", "a*"},
      {"a*b*c", "aXbXbc"},  {"*/*", "a/b"},
      {"*:1*", "deb:12"},   {"", ""},
      {"[]a]", "]"},        {"**", "ab"}};
  for (const auto& [pattern, text] : yes) EXPECT_TRUE(MatchGlob(pattern, text)) << pattern;
  const std::vector<std::pair<const char*, const char*>> no = {
      {"*", "a/b"},    {"?", "/"},  {"debian", "debian2"}, {"[a-c]", "d"},
      {"[^a-c]", "b"}, {"[a", "a"}, {"a*", "ba"},          {"*a", "ab"},
      {"", "a"},       {"a", ""},   {"[^x]", "/"}};
  for (const auto& [pattern, text] : no) EXPECT_FALSE(MatchGlob(pattern, text)) << pattern;
  EXPECT_FALSE(MatchGlob("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(20'000, 'a')));  // in no time
}

TEST(MatchReference, TakesTheNameWithItsTagOrWithout) {
  EXPECT_TRUE(MatchReference("debian", "debian:12"));
  EXPECT_TRUE(MatchReference("debian:1*", "debian:12"));
  EXPECT_TRUE(MatchReference("localhost:5000/*", "localhost:5000/team:1"));
  EXPECT_FALSE(MatchReference("debian:13", "debian:12"));
  EXPECT_FALSE(MatchReference("*", "team/app:1"));
}

TEST(HasLabel, ComparesTheValueWhereOneIsGiven) {
  const Json labels = {{"a", "1"}, {"b", ""}, {"n", 7}};
  EXPECT_TRUE(HasLabel(&labels, "a"));
  EXPECT_TRUE(HasLabel(&labels, "a=1"));
  EXPECT_TRUE(HasLabel(&labels, "b="));
  EXPECT_FALSE(HasLabel(&labels, "a=2"));
  EXPECT_FALSE(HasLabel(&labels, "c"));
  EXPECT_FALSE(HasLabel(&labels, "n=7"));
  EXPECT_FALSE(HasLabel(nullptr, "a"));
}

TEST(ParseMoment, TakesDurationsDatesAndSeconds) {
  const Timestamp now = {1'000'000, 0};
  EXPECT_EQ(ParseMoment("1h30m", now)->sec, 1'000'000 - 5400);
  EXPECT_EQ(ParseMoment("1.5s", now)->nsec, 500'000'000u);
  EXPECT_EQ(ParseMoment("0", now)->sec, 1'000'000);
  EXPECT_EQ(ParseMoment("1970-01-02", now)->sec, 86'400);
  EXPECT_EQ(ParseMoment("1970-01-02T00:01", now)->sec, 86'460);
  EXPECT_EQ(ParseMoment("1970-01-01T01:00:00+01:00", now)->sec, 0);
  EXPECT_EQ(ParseMoment("86400", now)->sec, 86'400);
  for (const char* bad : {"", "tomorrow", "5x", "h", "1e400", "nan", "1970-13-01", "1h-"}) {
    const auto moment = ParseMoment(bad, now);
    ASSERT_FALSE(moment) << bad;
    EXPECT_EQ(moment.error().exit(), ExitCode::kUsage);
  }
}

std::vector<Digest> Layers(const std::string& letters) {
  std::vector<Digest> layers;
  for (const char c : letters) layers.push_back(*Digest::FromHex(std::string(64, c)));
  return layers;
}

// "branch image first-end" per line.
std::string Tree(const std::vector<std::vector<Digest>>& images) {
  std::string text;
  for (const LayerTreeLine& line : MakeLayerTree(images)) {
    text += line.branch + (line.image ? std::to_string(*line.image) : "*") + " " +
            std::to_string(line.first) + "-" + std::to_string(line.end) + "\n";
  }
  return text;
}

TEST(LayerTree, PutsAnImageBelowTheOneItBeginsWith) {
  EXPECT_EQ(Tree({}), "");
  EXPECT_EQ(Tree({Layers("ab"), Layers("a"), Layers("abc"), Layers("f")}),
            "1 0-1\n└─ 0 1-2\n   └─ 2 2-3\n3 0-1\n");
  EXPECT_EQ(Tree({Layers("a"), Layers("abe"), Layers("abd"), Layers("ac")}),
            "0 0-1\n├─ * 1-2\n│  ├─ 1 2-3\n│  └─ 2 2-3\n└─ 3 1-2\n");
  EXPECT_EQ(Tree({Layers("a"), Layers("a"), Layers("ab")}), "0 0-1\n1 0-1\n└─ 2 1-2\n");
}

}  // namespace
}  // namespace veneer
