// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// The work is the product of the lengths; the text may have a million characters.
constexpr size_t kMaxPattern = 256;

using Characters = std::vector<std::string_view>;

Characters SplitCharacters(std::string_view text) {
  Characters characters;
  while (!text.empty()) {
    const size_t size = FirstCharacter(text).size;
    characters.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return characters;
}

// What stands between two stars: characters, empty ones for `?`.
using Piece = Characters;

// One piece more than there are stars.
Result<std::vector<Piece>> ParsePattern(std::string_view pattern) {
  const Characters characters = SplitCharacters(pattern);
  if (characters.size() > kMaxPattern) {
    return InstructionError("the pattern " + QuotedExcerpt(pattern) +
                            " has more than 256 characters");
  }
  std::vector<Piece> pieces(1);
  for (size_t i = 0; i < characters.size(); ++i) {
    if (characters[i] == "*") {
      pieces.emplace_back();
    } else if (characters[i] == "?") {
      pieces.back().emplace_back();
    } else if (characters[i] == "\\") {
      ++i;
      // ${name#a\}b}: the backslash was for the end of the pattern.
      constexpr std::string_view kEscapable = "*?\\}/";
      if (i == characters.size() || kEscapable.find(characters[i]) == std::string_view::npos) {
        return InstructionError("in the pattern " + QuotedExcerpt(pattern) +
                                " a backslash stands before none of * ? \\ / }");
      }
      pieces.back().push_back(characters[i]);
    } else {
      pieces.back().push_back(characters[i]);
    }
  }
  return pieces;
}

bool MatchesAt(const Characters& text, size_t at, const Piece& piece) {
  if (piece.size() > text.size() - at) return false;
  for (size_t i = 0; i < piece.size(); ++i) {
    if (!piece[i].empty() && piece[i] != text[at + i]) return false;
  }
  return true;
}

// The end of a match that begins at `begin`, where the first piece is. Each piece is taken at its
// first place, and so the rest is as long as can be; for the longest match the last piece is taken
// at its last one.
std::optional<size_t> EndOfMatch(const Characters& text, size_t begin,
                                 const std::vector<Piece>& pieces, bool longest) {
  size_t at = begin + pieces.front().size();
  for (size_t i = 1; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    if (piece.size() > text.size() - at) return std::nullopt;
    const size_t last = text.size() - piece.size();
    if (longest && i + 1 == pieces.size()) {
      for (size_t place = last + 1; place-- > at;) {
        if (MatchesAt(text, place, piece)) return place + piece.size();
      }
      return std::nullopt;
    }
    while (at <= last && !MatchesAt(text, at, piece)) ++at;
    if (at > last) return std::nullopt;
    at += piece.size();
  }
  return at;
}

// How many characters at the beginning match.
size_t MatchingBeginning(const Characters& text, const std::vector<Piece>& pieces, bool longest) {
  if (!MatchesAt(text, 0, pieces.front())) return 0;
  return EndOfMatch(text, 0, pieces, longest).value_or(0);
}

size_t BytesOf(const Characters& text, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += text[i].size();
  return bytes;
}

}  // namespace

Result<std::string_view> CutBeginning(std::string_view text, std::string_view pattern,
                                      bool longest) {
  VENEER_TRY(const std::vector<Piece> pieces, ParsePattern(pattern));
  const Characters characters = SplitCharacters(text);
  return text.substr(BytesOf(characters, MatchingBeginning(characters, pieces, longest)));
}

Result<std::string_view> CutEnd(std::string_view text, std::string_view pattern, bool longest) {
  VENEER_TRY(std::vector<Piece> pieces, ParsePattern(pattern));
  // An end is a beginning from the other side.
  std::ranges::reverse(pieces);
  for (Piece& piece : pieces) std::ranges::reverse(piece);
  Characters characters = SplitCharacters(text);
  std::ranges::reverse(characters);
  const size_t count = MatchingBeginning(characters, pieces, longest);
  return text.substr(0, text.size() - BytesOf(characters, count));
}

Result<std::string> ReplaceMatches(std::string_view text, std::string_view pattern,
                                   std::string_view word, bool all) {
  VENEER_TRY(const std::vector<Piece> pieces, ParsePattern(pattern));
  const Characters characters = SplitCharacters(text);
  std::string out;
  size_t copied = 0;  // characters that are in `out`, or were replaced
  const auto copy_until = [&](size_t end) {
    for (; copied < end; ++copied) out += characters[copied];
  };
  for (size_t at = 0; at <= characters.size();) {
    size_t begin = at;
    while (begin <= characters.size() && !MatchesAt(characters, begin, pieces.front())) ++begin;
    if (begin > characters.size()) break;
    const auto end = EndOfMatch(characters, begin, pieces, /*longest=*/true);
    // The later pieces are not behind the first place of the first one, nor behind a later place.
    if (!end) break;
    const size_t former = copied;
    copy_until(begin);
    // An empty match at the end of the one before is none.
    if (*end > former || begin == 0) out += word;
    copied = *end;
    if (out.size() > kMaxExpandedWord) {
      return InstructionError("replacing " + QuotedExcerpt(pattern) + " makes more than 1 MiB");
    }
    if (!all) break;
    at = *end > at ? *end : at + 1;
  }
  copy_until(characters.size());
  return out;
}

}  // namespace veneer
