// SPDX-License-Identifier: Apache-2.0
//
// The members of a plain tar archive: one pass over its headers, which seeks over the contents.
#include <algorithm>
#include <map>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/tar/parser.h"
#include "tools/archive/image_source.h"
#include "tools/archive/member_links.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{64} << 10;
// A layer has three members in the oldest archives and an image at most 4,096 layers.
constexpr size_t kMaxMembers = 100'000;
constexpr int kMaxHardLinks = 16;

struct Member {
  FileType type = FileType::kRegular;
  bool hard_link = false;
  bool sparse = false;
  uint64_t offset = 0;
  uint64_t size = 0;
  std::string link;
};

class TarSource : public ImageSource {
 public:
  TarSource(int fd, Fd owned, uint64_t begin, uint64_t end)
      : owned_(std::move(owned)), fd_(fd), begin_(begin), end_(end) {}

  Result<void> ReadIndex(const Cancellation* cancel);
  Result<std::optional<SourceFile>> Find(const std::string& name) override;
  Result<std::vector<std::string>> TopNames() override;

 private:
  Result<void> Add(const TarEntry& entry, uint64_t offset);
  Result<bool> Same(const Member& a, const Member& b) const;

  const Fd owned_;
  const int fd_;
  const uint64_t begin_;
  const uint64_t end_;
  std::map<std::string, Member, std::less<>> members_;
};

// Where an entry goes for those who unpack it.
Result<std::string> PlaceOfMember(std::string_view path) {
  std::string place;
  for (std::string_view rest = path; !rest.empty();) {
    const size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      place.append(place.empty() ? "" : "/").append(component);
      continue;
    }
    if (place.empty()) {
      return MakeError("the name \"" + PrintablePath(path) + "\" leaves the archive");
    }
    const size_t parent = place.rfind('/');
    place.resize(parent == std::string::npos ? 0 : parent);
  }
  return NormalizeMemberName(place);
}

Result<void> TarSource::ReadIndex(const Cancellation* cancel) {
  TarParser parser;
  std::string buffer(kReadSize, '\0');
  std::string_view input;
  uint64_t at = begin_;  // what comes behind `input`
  while (at < end_ || !input.empty()) {
    if (input.empty()) {
      VENEER_TRY_VOID(Cancellation::Check(cancel));
      const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), end_ - at));
      VENEER_TRY_CTX(const size_t read, sys::ReadAt(fd_, buffer.data(), want, at), "read");
      if (read == 0) break;  // it was cut meanwhile
      input = std::string_view(buffer).substr(0, read);
      at += read;
    }
    VENEER_TRY(const TarParser::Event event, parser.Next(&input));
    if (event == TarParser::Event::kEnd) break;
    if (event != TarParser::Event::kEntry) continue;
    VENEER_TRY_VOID(Add(parser.entry(), begin_ + parser.position()));
    const uint64_t skip = parser.SkipData();
    if (skip <= input.size()) {
      input.remove_prefix(static_cast<size_t>(skip));
      continue;
    }
    const uint64_t beyond = skip - input.size();
    if (beyond > end_ - at) {
      return MakeError("the archive is cut short within \"" + PrintablePath(parser.entry().path) +
                       "\"");
    }
    at += beyond;
    input = {};
  }
  VENEER_TRY_VOID(parser.Finish());
  if (members_.empty()) return MakeError("the archive is empty");
  return {};
}

Result<void> TarSource::Add(const TarEntry& entry, uint64_t offset) {
  if (entry.attr.type == FileType::kDirectory) {
    // Only what is in it matters, but where it would be is checked as for all others.
    const bool root = entry.path == "." || entry.path == "./";
    return root ? Result<void>() : PlaceOfMember(entry.path).map([](const std::string&) {});
  }
  VENEER_TRY(std::string name, PlaceOfMember(entry.path));
  if (members_.size() >= kMaxMembers) {
    return MakeError("more than " + std::to_string(kMaxMembers) + " members: no image archive");
  }
  Member member;
  member.type = entry.attr.type;
  member.hard_link = entry.hard_link;
  member.sparse = entry.sparse;
  member.offset = offset;
  member.size = entry.attr.size;
  member.link = entry.link;
  const auto [there, is_new] = members_.try_emplace(std::move(name), member);
  if (is_new) return {};
  VENEER_TRY(const bool same, Same(there->second, member));
  if (same) return {};
  return MakeError("\"" + PrintablePath(entry.path) +
                   "\" is in the archive twice, with different contents");
}

Result<bool> TarSource::Same(const Member& a, const Member& b) const {
  if (a.type != b.type || a.hard_link != b.hard_link || a.size != b.size || a.link != b.link ||
      a.sparse != b.sparse) {
    return false;
  }
  if (a.type != FileType::kRegular || a.hard_link) return true;
  if (a.sparse || b.offset + b.size > end_) return false;
  std::string first(kReadSize, '\0');
  std::string second(kReadSize, '\0');
  for (uint64_t at = 0; at < a.size;) {
    const auto want = static_cast<size_t>(std::min<uint64_t>(kReadSize, a.size - at));
    VENEER_TRY_CTX(const size_t one, sys::ReadAt(fd_, first.data(), want, a.offset + at), "read");
    VENEER_TRY_CTX(const size_t two, sys::ReadAt(fd_, second.data(), want, b.offset + at), "read");
    if (one != want || two != want || first.compare(0, want, second, 0, want) != 0) return false;
    at += want;
  }
  return true;
}

Result<std::optional<SourceFile>> TarSource::Find(const std::string& name) {
  VENEER_TRY(std::string place, NormalizeMemberName(name));
  const std::string shown = QuotedPath(place);
  const auto link_at = [&](const std::string& at) -> Result<std::optional<std::string>> {
    const auto found = members_.find(at);
    if (found == members_.end() || found->second.hard_link) return std::optional<std::string>();
    if (found->second.type != FileType::kSymlink) return std::optional<std::string>();
    return std::optional<std::string>(found->second.link);
  };
  for (int links = 0; links <= kMaxHardLinks; ++links) {
    std::string before = place;
    VENEER_TRY(place, FollowLinks(place, link_at));
    const auto found = members_.find(place);
    if (found == members_.end() && links == 0 && place == before) {
      return std::optional<SourceFile>();
    }
    if (found == members_.end()) {
      return MakeError(shown + " is a link to \"" + PrintablePath(place) + "\", which is missing");
    }
    const Member& member = found->second;
    if (member.hard_link) {
      Result<std::string> target = PlaceOfMember(member.link);
      if (!target) {
        return MakeError(shown + " is a link to \"" + PrintablePath(member.link) +
                         "\", which leaves the archive");
      }
      place = *std::move(target);
      continue;
    }
    if (member.type != FileType::kRegular) return MakeError(shown + " is not a regular file");
    if (member.sparse) {
      return MakeError(shown + " is stored as a sparse file; make the archive without --sparse");
    }
    return std::optional<SourceFile>(SourceFile{fd_, member.offset, member.size, {}});
  }
  return MakeError(shown + " is a link that leads to itself");
}

Result<std::vector<std::string>> TarSource::TopNames() {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) {
    std::string top = name.substr(0, name.find('/'));
    if (names.empty() || names.back() != top) names.push_back(std::move(top));
  }
  // "a-b" stands between "a" and "a/b".
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Result<std::unique_ptr<ImageSource>> OpenTarSource(int fd, Fd owned, uint64_t begin, uint64_t end,
                                                   const Cancellation* cancel) {
  auto source = std::make_unique<TarSource>(fd, std::move(owned), begin, end);
  VENEER_TRY_VOID(source->ReadIndex(cancel));
  return source;
}

}  // namespace veneer
