// SPDX-License-Identifier: Apache-2.0
//
// Executes templates by Veneer's own code, for test_templates.py: many in one process. Reads and
// writes what go_judge/main.go does.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "tools/format/go_template.h"

namespace {

std::string Hex(const std::string& bytes) {
  std::string hex;
  for (const char c : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

veneer::Result<std::string> Execute(const std::string& text, const veneer::Json& document) {
  VENEER_TRY(const veneer::GoTemplate parsed, veneer::GoTemplate::Parse(text));
  return parsed.Execute(document);
}

}  // namespace

int main() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const veneer::Json input = veneer::Json::parse(text);
  for (const veneer::Json& one : input.at("cases")) {
    const veneer::Json& document = input.at("documents").at(one.at("document").get<size_t>());
    const auto output = Execute(one.at("template").get<std::string>(), document);
    std::cout << (output ? "ok " + Hex(*output) : "error " + output.error().message()) << "\n";
  }
  return 0;
}
