// SPDX-License-Identifier: Apache-2.0
//
// What lists look like: columns of text under headings, sizes in Docker's units. Pure functions.
#ifndef VENEER_TOOLS_FORMAT_TABLE_H_
#define VENEER_TOOLS_FORMAT_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/printable.h"

namespace veneer {

// Rows under headings: each column as wide as its widest cell and three spaces more, at least ten;
// nothing after the last cell of a line. A tab or a new line in a cell becomes a blank, and other
// control characters become '?', so that a name in an image cannot steer the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // REQUIRES: as many cells as there are headings.
  void Add(std::vector<std::string> cells);
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Rows of cells as a Table shows them; they need not have the same number of cells.
std::string AlignColumns(const std::vector<std::vector<std::string>>& rows);

// Powers of 1000 with `digits` significant digits: "0B", "532B", "1.23MB", "117MB", "12.3GB".
std::string HumanSize(uint64_t bytes, int digits = 3);

// Docker's digits where it tells of space on disk, as in "4.096kB".
inline constexpr int kSizeDigits = 4;

// HumanSize(), or with `exact` the bytes alone: "1234567".
std::string ShowSize(uint64_t bytes, bool exact, int digits = 3);

// "1 layer", "0 layers".
std::string Count(uint64_t count, std::string_view one, std::string_view many);

// `text` cut to at most `width` characters, the last of them '…' when something was cut.
std::string Ellipsis(std::string_view text, size_t width);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_TABLE_H_
