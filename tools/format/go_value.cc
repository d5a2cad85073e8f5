// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "layerdb/base/parse.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Members of Docker's documents that are maps and lists; all other objects are structs.
constexpr std::array kMaps = {"Annotations", "Data",    "ExposedPorts",
                              "Labels",      "Options", "Volumes"};
constexpr std::array kLists = {"Blobs",  "Cmd",     "Entrypoint",  "Env",      "Images", "Layers",
                               "Mounts", "OnBuild", "RepoDigests", "RepoTags", "Shell",  "ToDo"};

template <class Names>
bool Contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// A name that a field of a struct can have, seen from another package.
bool IsExported(std::string_view name) {
  if (name.empty() || name[0] < 'A' || name[0] > 'Z') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

constexpr const char* kAnyType = "interface {}";

// The type that all have, else the one that takes all.
template <class Range, class Value>
std::string CommonType(const Range& range, Value value) {
  if (range.empty()) return "string";
  const auto type = [&](const auto& one) {
    return value(one).kind() == GoValue::Kind::kNil ? kAnyType : value(one).TypeName();
  };
  const std::string first = type(range.front());
  const bool same = std::ranges::all_of(range, [&](const auto& one) { return type(one) == first; });
  return same ? first : kAnyType;
}

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  while (!text.empty()) {
    const std::string_view before = text;
    const uint32_t c = TakeCharacter(&text);
    const size_t size = before.size() - text.size();
    constexpr std::string_view kLetters = "\b\f\n\r\t";
    const size_t known = c < 0x20 ? kLetters.find(static_cast<char>(c)) : std::string_view::npos;
    const bool coded = c < 0x20 || c == 0x2028 || c == 0x2029 || (c == kNoCharacter && size == 1);
    if (c == '"' || c == '\\') *out += '\\';
    if (known != std::string_view::npos) {
      *out += '\\';
      *out += "bfnrt"[known];
    } else if (coded) {
      std::array<char, 8> code;
      snprintf(code.data(), code.size(), "\\u%04x", c);
      *out += code.data();
    } else {
      *out += before.substr(0, size);
    }
  }
  *out += '"';
}

}  // namespace

GoValue GoValue::Bool(bool value) {
  GoValue result(Kind::kBool);
  result.number_ = value ? 1 : 0;
  return result;
}

GoValue GoValue::Int(int64_t value) {
  GoValue result(Kind::kInt);
  result.number_ = value;
  return result;
}

GoValue GoValue::Byte(uint8_t value) {
  GoValue result(Kind::kByte);
  result.number_ = value;
  return result;
}

GoValue GoValue::Float(double value) {
  GoValue result(Kind::kFloat);
  result.real_ = value;
  return result;
}

GoValue GoValue::String(std::string value) {
  GoValue result(Kind::kString);
  result.text_ = std::make_shared<const std::string>(std::move(value));
  return result;
}

GoValue GoValue::StringList(std::vector<std::string> items) {
  std::vector<GoValue> values;
  values.reserve(items.size());
  for (std::string& item : items) values.push_back(String(std::move(item)));
  GoValue result(Kind::kList);
  result.item_type_ = "string";
  result.size_ = result.end_ = static_cast<int64_t>(values.size());
  result.items_ = std::make_shared<const std::vector<GoValue>>(std::move(values));
  return result;
}

GoValue GoValue::FromJson(const Json& json) { return Read(json, "", true); }

GoValue GoValue::Read(const Json& json, std::string_view name, bool in_struct) {
  if (json.is_boolean()) return Bool(json.get<bool>());
  if (json.is_string()) return String(json.get<std::string>());
  if (json.is_number_unsigned() && json.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    return Float(json.get<double>());
  }
  if (json.is_number_integer()) return Int(json.get<int64_t>());
  if (json.is_number()) return Float(json.get<double>());
  if (json.is_array()) return ReadList(json);
  if (json.is_object()) return ReadObject(json, name);
  if (!in_struct) return Nil();
  GoValue result(Kind::kPointer);
  if (Contains(kMaps, name)) result = ReadObject(Json::object(), name);
  if (Contains(kLists, name)) result = ReadList(Json::array());
  result.nil_ = true;
  return result;
}

GoValue GoValue::ReadList(const Json& json) {
  std::vector<GoValue> items;
  items.reserve(json.size());
  for (const Json& item : json) items.push_back(Read(item, "", false));
  GoValue result(Kind::kList);
  result.item_type_ = CommonType(items, [](const GoValue& one) -> const GoValue& { return one; });
  result.size_ = result.end_ = static_cast<int64_t>(items.size());
  result.items_ = std::make_shared<const std::vector<GoValue>>(std::move(items));
  return result;
}

GoValue GoValue::ReadObject(const Json& json, std::string_view name) {
  bool map = Contains(kMaps, name);
  for (const auto& [key, value] : json.items()) map = map || !IsExported(key);
  Members members;
  members.reserve(json.size());
  for (const auto& [key, value] : json.items()) members.emplace_back(key, Read(value, key, !map));
  GoValue result(map ? Kind::kMap : Kind::kStruct);
  if (map) {
    std::ranges::sort(members, {}, &Members::value_type::first);
    result.item_type_ =
        CommonType(members, [](const auto& one) -> const GoValue& { return one.second; });
  }
  result.members_ = std::make_shared<const Members>(std::move(members));
  return result;
}

const GoValue* GoValue::Find(std::string_view name) const {
  const auto found = std::ranges::find(*members_, name, &Members::value_type::first);
  return found == members_->end() ? nullptr : &found->second;
}

int64_t GoValue::size() const {
  if (kind_ == Kind::kString) return static_cast<int64_t>(text_->size());
  return kind_ == Kind::kList ? size_ : static_cast<int64_t>(members_->size());
}

GoValue GoValue::Slice(int64_t from, int64_t to, int64_t end) const {
  GoValue result = *this;
  result.end_ = first_ + end;
  result.first_ += from;
  result.size_ = to - from;
  return result;
}

GoValue GoValue::ZeroItem() const {
  if (item_type_ == "string") return String("");
  if (item_type_ == "bool") return Bool(false);
  if (item_type_ == "int") return Int(0);
  if (item_type_ == "float64") return Float(0);
  if (item_type_ == "struct {}") return ReadObject(Json::object(), "");
  return Nil();
}

std::string GoValue::TypeName() const {
  switch (kind_) {
    case Kind::kMissing:
    case Kind::kNil: return "<nil>";
    case Kind::kPointer: return "*struct {}";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kByte: return "uint8";
    case Kind::kFloat: return "float64";
    case Kind::kString: return "string";
    case Kind::kList: return "[]" + item_type_;
    case Kind::kMap: return "map[string]" + item_type_;
    case Kind::kStruct: break;
  }
  std::string fields;
  for (const auto& [name, value] : *members_) {
    fields += (fields.empty() ? " " : "; ") + name + " " + value.TypeName();
  }
  return "struct {" + fields + (fields.empty() ? "}" : " }");
}

bool GoValue::IsTrue() const {
  switch (kind_) {
    case Kind::kMissing:
    case Kind::kNil:
    case Kind::kPointer: return false;
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kByte: return number_ != 0;
    case Kind::kFloat: return real_ != 0;
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap: return size() != 0;
    case Kind::kStruct: break;
  }
  return true;
}

std::string GoValue::ToJson() const {
  std::string text;
  AppendJson(&text);
  return text;
}

void GoValue::AppendJson(std::string* out) const {
  switch (kind_) {
    case Kind::kBool: *out += number_ != 0 ? "true" : "false"; return;
    case Kind::kInt:
    case Kind::kByte: *out += std::to_string(number_); return;
    case Kind::kFloat: *out += ShortestFloat(real_, true); return;
    case Kind::kString: AppendJsonString(*text_, out); return;
    case Kind::kList:
    case Kind::kMap:
    case Kind::kStruct: break;
    case Kind::kMissing:
    case Kind::kNil:
    case Kind::kPointer: *out += "null"; return;
  }
  if (nil_) {
    *out += "null";
    return;
  }
  const bool list = kind_ == Kind::kList;
  *out += list ? '[' : '{';
  for (int64_t i = 0; i < size(); ++i) {
    if (i > 0) *out += ',';
    if (list) {
      at(i).AppendJson(out);
      continue;
    }
    AppendJsonString((*members_)[i].first, out);
    *out += ':';
    (*members_)[i].second.AppendJson(out);
  }
  *out += list ? ']' : '}';
}

std::string ShortestFloat(double value, bool json) {
  std::array<char, 64> buffer;
  const auto read = [&](std::to_chars_result result) {
    return std::string(buffer.data(), result.ptr - buffer.data());
  };
  std::string text = read(std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                        std::chars_format::scientific));  // "1.5e+06"
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::string_view written = std::string_view(text).substr(e + 1);
  if (written.starts_with('+')) written.remove_prefix(1);
  const int exponent = ParseNumber<int>(written).value_or(0);
  // The bounds of encoding/json, and of strconv's %g when it is given no precision.
  const bool scientific =
      value != 0 && (json ? exponent < -6 || exponent >= 21 : exponent < -4 || exponent >= 6);
  if (!scientific) {
    std::array<char, 400> wide;
    const auto end =
        std::to_chars(wide.data(), wide.data() + wide.size(), value, std::chars_format::fixed);
    return {wide.data(), end.ptr};
  }
  // "1e-07" is "1e-7" in JSON.
  if (json && text[e + 2] == '0' && text.size() == e + 4) text.erase(e + 2, 1);
  return text;
}

}  // namespace veneer
