// SPDX-License-Identifier: Apache-2.0
#include "tools/format/list_format.h"

#include <algorithm>

#include "tools/format/table.h"

namespace veneer {

namespace {

constexpr std::string_view kTableWord = "table";

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// A cell of a table is on one line and between two tabs.
void MakeCells(Json* value) {
  if (value->is_string()) {
    std::string text = value->get<std::string>();
    std::ranges::replace_if(
        text, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    *value = Printable(text);
  } else if (value->is_structured()) {
    for (Json& item : *value) MakeCells(&item);
  }
}

std::vector<std::string> Cut(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (size_t end = text.find(at); end != std::string_view::npos; end = text.find(at)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.emplace_back(text);
  return parts;
}

void AddLines(const std::string& text, std::vector<std::vector<std::string>>* table) {
  for (const std::string& line : Cut(text, '\n')) table->push_back(Cut(line, '\t'));
}

}  // namespace

Result<ListFormat> ListFormat::Parse(ListShape shape, std::string_view format, bool quiet) {
  const std::string_view wanted = Trimmed(format);
  if (wanted == "json") return ListFormat(std::move(shape), Kind::kJson);
  const bool table = wanted.empty() || wanted.starts_with(kTableWord);
  const bool raw = wanted == "raw";
  std::string text = UnescapeTemplate(wanted);
  if (table) {
    text = wanted.empty() ? "" : UnescapeTemplate(Trimmed(wanted.substr(kTableWord.size())));
    if (text.empty()) text = shape.table;
  }
  if (raw) text = shape.raw;
  const bool only_ids = quiet && (table || raw);
  if (only_ids) text = shape.quiet;
  ListFormat result(std::move(shape), table && !only_ids ? Kind::kTable : Kind::kLines);
  VENEER_TRY(GoTemplate row, GoTemplate::Parse(text));
  result.needed_ = row.Fields();
  result.whole_ = row.UsesWhole();
  result.row_.push_back(std::move(row));
  for (const std::string& field : result.needed_) {
    const auto& known = result.shape_.fields;
    const auto same = [&](const auto& one) { return one.first == field; };
    if (result.whole_ || std::ranges::any_of(known, same)) continue;
    std::string names;
    for (const auto& [name, heading] : known) names += (names.empty() ? "" : ", ") + name;
    return MakeError("template: can't evaluate field " + field + "; there are " + names,
                     ExitCode::kUsage);
  }
  return result;
}

Result<std::string> ListFormat::Render(std::vector<Json> rows) const {
  std::string text;
  if (kind_ == Kind::kJson) {
    for (const Json& row : rows) text += DumpJson(row) + "\n";
    return text;
  }
  std::vector<std::vector<std::string>> table;
  if (kind_ == Kind::kTable) {
    Json headings = Json::object();
    for (const auto& [name, heading] : shape_.fields) headings[name] = heading;
    VENEER_TRY(const std::string line, row_.front().ExecuteHeadings(headings));
    AddLines(line, &table);
  }
  for (Json& row : rows) {
    if (kind_ == Kind::kTable) MakeCells(&row);
    VENEER_TRY(const std::string line, row_.front().Execute(row));
    if (kind_ == Kind::kTable) {
      AddLines(line, &table);
    } else {
      text += line + "\n";
    }
  }
  return text + AlignColumns(table);
}

Result<std::string> RenderOne(const Json& value, std::string_view format) {
  if (format.empty() || format == "json") return DumpJson(value) + "\n";
  VENEER_TRY(const GoTemplate wanted, GoTemplate::Parse(format));
  VENEER_TRY(std::string text, wanted.Execute(value));
  return text + "\n";
}

}  // namespace veneer
