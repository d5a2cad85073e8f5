// SPDX-License-Identifier: Apache-2.0
#include "tools/format/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace veneer {

namespace {

constexpr size_t kMinColumn = 10;
constexpr size_t kPadding = 3;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Characters, not bytes, of a UTF-8 text.
size_t Width(std::string_view text) {
  return text.size() - std::ranges::count_if(text, IsContinuation);
}

}  // namespace

Table::Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }

void Table::Add(std::vector<std::string> cells) {
  for (std::string& cell : cells) {
    std::ranges::replace_if(
        cell, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    cell = Printable(cell);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const { return AlignColumns(rows_); }

std::string AlignColumns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    if (row.size() > widths.size()) widths.resize(row.size(), kMinColumn);
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], Width(row[i]) + kPadding);
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - Width(row[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

std::string HumanSize(uint64_t bytes, int digits) {
  constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  while (size >= 1000 && unit + 1 < kUnits.size()) {
    size /= 1000;
    ++unit;
  }
  std::array<char, 32> text;
  const int n = snprintf(text.data(), text.size(), "%.*g%s", size >= 999.5 ? digits + 1 : digits,
                         size, kUnits[unit]);
  return std::string(text.data(), n);
}

std::string ShowSize(uint64_t bytes, bool exact, int digits) {
  return exact ? std::to_string(bytes) : HumanSize(bytes, digits);
}

std::string Count(uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string Ellipsis(std::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  size_t kept = 0;
  size_t characters = 0;
  while (kept < text.size() && (characters + 1 < width || IsContinuation(text[kept]))) {
    if (!IsContinuation(text[kept])) ++characters;
    ++kept;
  }
  return std::string(text.substr(0, kept)) + "…";
}

}  // namespace veneer
