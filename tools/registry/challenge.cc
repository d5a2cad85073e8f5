// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/challenge.h"

#include <algorithm>
#include <utility>

#include "tools/registry/url.h"

namespace veneer {

namespace {

// Reads a header from its beginning on.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  void SkipBlanks(std::string_view blanks) {
    while (!at_end() && blanks.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool Take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view Token() {
    const size_t end = std::min(text_.find_first_of(" \t,=\"", at_), text_.size());
    const std::string_view token = text_.substr(at_, end - at_);
    at_ = end;
    return token;
  }
  // Behind the first quote. False: there is no second one.
  bool QuotedString(std::string* value) {
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\' && !at_end()) c = text_[at_++];
      *value += c;
    }
    return false;
  }
  size_t at() const { return at_; }
  void GoBack(size_t at) { at_ = at; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// One "name=value"; false: there is none, and nothing was read.
bool ReadValue(HeaderReader& reader, Challenge* challenge) {
  const size_t begin = reader.at();
  const std::string name = LowerCase(reader.Token());
  reader.SkipBlanks(" \t");
  if (name.empty() || !reader.Take('=')) {
    reader.GoBack(begin);
    return false;
  }
  reader.SkipBlanks(" \t");
  std::string value;
  if (reader.Take('"')) {
    if (!reader.QuotedString(&value)) return false;
  } else {
    value = reader.Token();
  }
  challenge->values[name] = std::move(value);
  return true;
}

}  // namespace

std::vector<Challenge> ParseChallenges(std::string_view header) {
  std::vector<Challenge> challenges;
  HeaderReader reader(header);
  for (;;) {
    reader.SkipBlanks(" \t,");
    if (reader.at_end()) return challenges;
    Challenge challenge;
    challenge.scheme = LowerCase(reader.Token());
    if (challenge.scheme.empty()) return challenges;
    reader.SkipBlanks(" \t");
    while (ReadValue(reader, &challenge)) reader.SkipBlanks(" \t,");
    challenges.push_back(std::move(challenge));
  }
}

}  // namespace veneer
