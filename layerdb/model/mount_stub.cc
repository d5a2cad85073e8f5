// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/mount_stub.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "layerdb/base/hash.h"
#include "layerdb/base/parse.h"
#include "layerdb/model/dialect.h"
#include "layerdb/model/xattr_limits.h"

namespace veneer {

namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;

std::string FormatTime(Timestamp time) {
  return std::to_string(time.sec) + "." + std::to_string(time.nsec) + " ";
}

// Takes "SEC.NSEC " off the front.
std::optional<Timestamp> TakeTime(std::string_view* text) {
  const size_t space = text->find(' ');
  const size_t point = text->find('.');
  if (space == std::string_view::npos || point >= space) return std::nullopt;
  Timestamp time;
  if (!ParseNumber(text->substr(0, point), &time.sec) ||
      !ParseNumber(text->substr(point + 1, space - point - 1), &time.nsec) ||
      time.nsec >= kNanoseconds) {
    return std::nullopt;
  }
  text->remove_prefix(space + 1);
  return time;
}

std::string FormatState(const StubState& state) {
  char text[64];
  snprintf(text, sizeof text, "%o:%d%d:%016" PRIx64 " ", state.mode, state.own_uid ? 1 : 0,
           state.own_gid ? 1 : 0, state.xattrs);
  return text + FormatTime(state.mtime);
}

// Takes "MODE:UG:XATTRS MTIME " off the front.
std::optional<StubState> TakeState(std::string_view* text) {
  const size_t space = text->find(' ');
  const size_t flags = text->find(':');
  if (space == std::string_view::npos || flags >= space) return std::nullopt;
  const std::string_view rest = text->substr(flags, space - flags);  // ":UG:XATTRS"
  StubState state;
  if (rest.size() < 4 || rest[3] != ':' || !ParseNumber(text->substr(0, flags), &state.mode, 8) ||
      !ParseNumber(rest.substr(4), &state.xattrs, 16)) {
    return std::nullopt;
  }
  state.own_uid = rest[1] == '1';
  state.own_gid = rest[2] == '1';
  text->remove_prefix(space + 1);
  const std::optional<Timestamp> mtime = TakeTime(text);
  if (!mtime) return std::nullopt;
  state.mtime = *mtime;
  return state;
}

std::optional<Stub> ParseStub(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'd' && text[0] != 'f') || text[1] != ' ') return std::nullopt;
  Stub stub;
  stub.directory = text[0] == 'd';
  text.remove_prefix(2);
  const std::optional<Timestamp> before = TakeTime(&text);
  if (!before) return std::nullopt;
  stub.before = *before;
  if (!text.starts_with('/')) {
    stub.after = TakeTime(&text);
    if (!stub.after) return std::nullopt;
  }
  if (!text.starts_with('/')) {
    stub.made = TakeState(&text);
    if (!stub.made) return std::nullopt;
  }
  if (text.size() < 2 || text.front() != '/') return std::nullopt;
  stub.path = text;
  return stub;
}

}  // namespace

uint64_t XattrsHash(XattrList xattrs) {
  std::erase_if(xattrs, [](const Xattr& xattr) {
    return IsHostXattr(xattr.first) || !UnescapeXattr(xattr.first, PrivateNames{});
  });
  std::ranges::sort(xattrs);
  std::string text;
  for (const auto& [name, value] : xattrs) {
    text += name + '\0' + std::to_string(value.size()) + '\0' + value;
  }
  return Xxh64(text);
}

bool IsAsMade(const Stub& stub, const StubState& now) {
  if (!stub.made) return true;
  const StubState& made = *stub.made;
  return made.mode == now.mode && made.mtime == now.mtime && made.xattrs == now.xattrs &&
         (!made.own_uid || now.own_uid) && (!made.own_gid || now.own_gid);
}

std::string FormatStub(const Stub& stub) {
  std::string text(1, '\0');
  text += stub.directory ? "d " : "f ";
  text += FormatTime(stub.before);
  if (stub.after) text += FormatTime(*stub.after);
  if (stub.after && stub.made) text += FormatState(*stub.made);
  text += stub.path;
  text += '\0';
  return text;
}

std::vector<Stub> ParseStubs(std::string_view text) {
  std::vector<Stub> stubs;
  for (size_t end; (end = text.find('\0')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    std::optional<Stub> stub = ParseStub(text.substr(0, end));
    if (!stub) continue;
    Stub announced = *stub;
    announced.after.reset();
    announced.made.reset();
    // As a rule it is the last.
    const auto same = std::find(stubs.rbegin(), stubs.rend(), announced);
    if (stub->after && same != stubs.rend()) {
      *same = *std::move(stub);
    } else if (stub->after || std::ranges::find(stubs, stub->path, &Stub::path) == stubs.end()) {
      // Two sessions may announce what one of them makes.
      stubs.push_back(*std::move(stub));
    }
  }
  return stubs;
}

std::string ParentPath(const Stub& stub) {
  const size_t slash = stub.path.rfind('/');
  return slash == 0 ? "" : stub.path.substr(1, slash - 1);
}

Timestamp MtimeWithout(const Stub& stub, Timestamp now) {
  return stub.after == now ? stub.before : now;
}

}  // namespace veneer
