// SPDX-License-Identifier: Apache-2.0
//
// How a list is printed, as Docker's --format says it: a table, `table TEMPLATE`, `raw`, `json`
// (one object per line), or a template for each row. Pure.
#ifndef VENEER_TOOLS_FORMAT_LIST_FORMAT_H_
#define VENEER_TOOLS_FORMAT_LIST_FORMAT_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/go_template.h"
#include "tools/format/json.h"

namespace veneer {

// What one command can list.
struct ListShape {
  std::vector<std::pair<std::string, std::string>> fields;  // name and heading
  std::string table;                                        // templates, without the word "table"
  std::string raw;
  std::string quiet;
};

class ListFormat {
 public:
  // `format` as it was typed; empty: a table. `quiet` takes the place of tables and raw, as with
  // Docker. Usage error for a bad template and for a field that no row has.
  static Result<ListFormat> Parse(ListShape shape, std::string_view format, bool quiet);

  // True when the rows need this field; others may be left out of them.
  bool Needs(const std::string& field) const {
    return kind_ == Kind::kJson || whole_ || needed_.contains(field);
  }

  // The whole list. In a table, a tab or a new line in a value becomes a blank, and other control
  // characters become '?'; everything else is data, and shows what is there: PrintData() keeps it
  // from steering a terminal. Usage error as GoTemplate::Execute.
  Result<std::string> Render(std::vector<Json> rows) const;

 private:
  enum class Kind { kTable, kLines, kJson };

  ListFormat(ListShape shape, Kind kind) : shape_(std::move(shape)), kind_(kind) {}

  ListShape shape_;
  Kind kind_;
  std::vector<GoTemplate> row_;  // none for kJson
  std::set<std::string> needed_;
  bool whole_ = false;
};

// One value by a template of docker inspect, or as a document without one; a new line at the end.
Result<std::string> RenderOne(const Json& value, std::string_view format);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_LIST_FORMAT_H_
