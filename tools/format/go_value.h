// SPDX-License-Identifier: Apache-2.0
//
// Values as a template of Go sees them (go_template.h). Docker gives its templates structs, and
// what a template may do goes by the types: a field that a struct lacks is an error, a key that a
// map lacks is not. JSON does not tell them apart, so FromJson() does. Values are cheap to copy and
// share what they hold, which never changes; they may be read by several threads at once.
#ifndef VENEER_TOOLS_FORMAT_GO_VALUE_H_
#define VENEER_TOOLS_FORMAT_GO_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/format/json.h"

namespace veneer {

class GoValue {
 public:
  enum class Kind {
    kMissing,  // what a map does not have; also nil itself
    kNil,      // an element of a map or a list of mixed types that is null
    kPointer,  // a pointer to a struct, which is always null here
    kBool,
    kInt,
    kByte,  // a byte of a string
    kFloat,
    kString,
    kList,
    kMap,     // with strings as keys, in their order
    kStruct,  // in the order of the document
  };
  using Members = std::vector<std::pair<std::string, GoValue>>;

  GoValue() = default;  // kMissing
  static GoValue Nil() { return GoValue(Kind::kNil); }
  static GoValue Bool(bool value);
  static GoValue Int(int64_t value);
  static GoValue Byte(uint8_t value);
  static GoValue Float(double value);
  static GoValue String(std::string value);
  static GoValue StringList(std::vector<std::string> items);

  // An object is a struct, unless it stands under a name of which Docker's documents have a map
  // (Labels, Volumes, ...) or has a member whose name no Go program could read from a struct. Null
  // is a map or a list under a name of which Docker has one, else a pointer; within lists and maps,
  // kNil. Whole numbers are Go's int.
  static GoValue FromJson(const Json& json);

  Kind kind() const { return kind_; }
  bool is_missing() const { return kind_ == Kind::kMissing; }
  // REQUIRES for each: the kind.
  bool boolean() const { return number_ != 0; }
  int64_t number() const { return number_; }  // kInt, kByte
  double real() const { return real_; }
  const std::string& text() const { return *text_; }
  const Members& members() const { return *members_; }  // kMap, kStruct
  // The member of this name; nullptr when there is none.
  const GoValue* Find(std::string_view name) const;

  // Of a string, a list or a map.
  int64_t size() const;
  // Of a list: how far a slice of it may reach.
  int64_t capacity() const { return end_ - first_; }
  const GoValue& at(int64_t i) const { return (*items_)[first_ + i]; }
  // The items from `from` to before `to`, of which one can slice up to `end`.
  GoValue Slice(int64_t from, int64_t to, int64_t end) const;

  // A list or map that is null, or a pointer.
  bool is_nil() const { return nil_; }
  // What the items of a list or map are when they are not there: "", 0, {}.
  GoValue ZeroItem() const;

  // "[]string", "struct { Name string }", as Go says it.
  std::string TypeName() const;
  // False for false, 0, nil and what is empty.
  bool IsTrue() const;
  // As Docker's `json` shows it: Go's encoding/json, without the escapes for HTML.
  std::string ToJson() const;

 private:
  explicit GoValue(Kind kind) : kind_(kind) {}
  static GoValue Read(const Json& json, std::string_view name, bool in_struct);
  static GoValue ReadList(const Json& json);
  static GoValue ReadObject(const Json& json, std::string_view name);
  void AppendJson(std::string* out) const;

  Kind kind_ = Kind::kMissing;
  bool nil_ = false;
  int64_t number_ = 0;
  double real_ = 0;
  std::shared_ptr<const std::string> text_;
  std::shared_ptr<const std::vector<GoValue>> items_;
  int64_t first_ = 0, size_ = 0, end_ = 0;
  std::shared_ptr<const Members> members_;
  std::string item_type_;  // kList, kMap
};

// A number with as few digits as tell it from others, as Go's %g or its encoding/json shows it;
// they differ in where an exponent is used.
std::string ShortestFloat(double value, bool json);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_VALUE_H_
