// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/compare.h"

#include <algorithm>
#include <cstring>

namespace veneer::parity {
namespace {

// Files are stamped with the clock of the last tick, which a busy machine may make late, or with
// the exact one (kernel: Documentation/filesystems/multigrain-ts.rst): what is done between two
// moments is stamped between the tick's clock at the first and the exact one at the second.
int64_t Read(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

int64_t Earliest() { return Read(CLOCK_REALTIME_COARSE); }
int64_t Latest() { return Read(CLOCK_REALTIME); }

// Times of the far past and future do not fit; they are not from the clock either.
bool ToNanoseconds(const timespec& t, int64_t* out) {
  if (t.tv_sec < 1'000'000'000 || t.tv_sec > 4'000'000'000) return false;
  *out = t.tv_sec * 1'000'000'000 + t.tv_nsec;
  return true;
}

std::string ResultText(const Outcome& outcome) {
  if (outcome.ret >= 0) return std::to_string(outcome.ret);
  return std::string(::strerrorname_np(outcome.error) != nullptr ? ::strerrorname_np(outcome.error)
                                                                 : "?");
}

std::string ErrorText(int error) {
  return error == 0                            ? "exists"
         : ::strerrorname_np(error) != nullptr ? ::strerrorname_np(error)
                                               : "?";
}

std::string TimeText(const timespec& t) {
  return std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec);
}

std::string Octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%06o", mode);
  return text;
}

// The bytes around the first difference.
std::string Around(const std::string& text, size_t at) {
  const size_t from = at > 40 ? at - 40 : 0;
  return Quote(text.substr(from, 80)) + " (" + std::to_string(text.size()) + " bytes, from " +
         std::to_string(from) + ")";
}

}  // namespace

Timeline::Timeline() : made_(Earliest()) {}

void Timeline::BeginStep() { steps_.emplace_back(Earliest(), 0); }

void Timeline::EndStep() { steps_.back().second = Latest(); }

bool Timeline::IsFromClock(const timespec& time) const {
  int64_t at = 0;
  return ToNanoseconds(time, &at) && at >= made_ && at <= Latest();
}

std::pair<int, int> Timeline::Steps(const timespec& time) const {
  int64_t at = 0;
  ToNanoseconds(time, &at);
  // Steps that ended before cannot have made it; those that began later neither.
  const auto first = std::lower_bound(
      steps_.begin(), steps_.end(), at,
      [](const auto& step, int64_t t) { return step.second != 0 && step.second < t; });
  const auto last = std::upper_bound(steps_.begin(), steps_.end(), at,
                                     [](int64_t t, const auto& step) { return t < step.first; });
  return {static_cast<int>(first - steps_.begin()), static_cast<int>(last - steps_.begin()) - 1};
}

Comparer::Comparer(TargetKind kind, const Timeline& plain, const Timeline& got,
                   std::set<std::string> ignored)
    : kind_(kind), plain_time_(plain), got_time_(got), ignored_(std::move(ignored)) {}

void Comparer::Report(Difference difference, const std::string& plain, const std::string& got) {
  if (leaves_ || ignored_.count(FieldName(difference.field)) != 0) return;
  if (const Excuse* const excuse = FindExcuse(kind_, difference)) {
    ++excused_[excuse->reason];
    leaves_ = excuse->leaves;
    return;
  }
  report_ += "  " + std::string(FieldName(difference.field)) +
             (difference.where.empty() ? "" : " of " + Quote(difference.where)) + ": plain " +
             plain + ", here " + got + "\n";
}

void Comparer::CompareTime(Difference where, const timespec& plain, const timespec& got,
                           bool later_is_fine) {
  const bool plain_clock = plain_time_.IsFromClock(plain), got_clock = got_time_.IsFromClock(got);
  if (!plain_clock || !got_clock) {
    // Set by hand, or before the run.
    const bool same = plain.tv_sec == got.tv_sec && plain.tv_nsec == got.tv_nsec;
    if (!same && !(later_is_fine && !plain_clock)) Report(where, TimeText(plain), TimeText(got));
    return;
  }
  const auto [plain_first, plain_last] = plain_time_.Steps(plain);
  const auto [got_first, got_last] = got_time_.Steps(got);
  if (got_last >= plain_first && (later_is_fine || got_first <= plain_last)) return;
  const auto text = [](int first, int last) {
    return "set in step " + std::to_string(first) + " to " + std::to_string(last);
  };
  Report(where, text(plain_first, plain_last), text(got_first, got_last));
}

void Comparer::CompareInode(Difference where, const Look& plain, const Look& got) {
  const auto [known, is_new] = inodes_.emplace(plain.identity, got.st.st_ino);
  if (!is_new && known->second != got.st.st_ino) {
    Report(where, "has not changed",
           "was " + std::to_string(known->second) + " is " + std::to_string(got.st.st_ino));
    known->second = got.st.st_ino;
  }
}

void Comparer::CompareLooks(Difference where, const Look& plain, const Look& got) {
  if (plain.error != 0 || got.error != 0) {
    where.field = Field::kName;
    if (plain.error != got.error) Report(where, ErrorText(plain.error), ErrorText(got.error));
    return;
  }
  where.plain_stat = &plain.st;
  where.got_stat = &got.st;
  const struct stat& a = plain.st;
  const struct stat& b = got.st;
  const auto check = [&](Field field, bool same, const std::string& x, const std::string& y) {
    where.field = field;
    if (!same) Report(where, x, y);
  };
  check(Field::kType, (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT), Octal(a.st_mode),
        Octal(b.st_mode));
  check(Field::kMode, (a.st_mode & 07777) == (b.st_mode & 07777), Octal(a.st_mode),
        Octal(b.st_mode));
  check(Field::kOwner, a.st_uid == b.st_uid && a.st_gid == b.st_gid,
        std::to_string(a.st_uid) + ":" + std::to_string(a.st_gid),
        std::to_string(b.st_uid) + ":" + std::to_string(b.st_gid));
  check(Field::kSize, a.st_size == b.st_size, std::to_string(a.st_size), std::to_string(b.st_size));
  check(Field::kLinks, a.st_nlink == b.st_nlink, std::to_string(a.st_nlink),
        std::to_string(b.st_nlink));
  if (S_ISCHR(a.st_mode) || S_ISBLK(a.st_mode)) {
    check(Field::kDevice, a.st_rdev == b.st_rdev, std::to_string(a.st_rdev),
          std::to_string(b.st_rdev));
  }
  if (S_ISREG(a.st_mode)) {
    // Where blocks are allocated is not fixed, but du must not see a sparse file grow or a full one
    // vanish.
    const bool grown = b.st_blocks > 2 * a.st_blocks + 128;
    // Reading a hole through a mapping fills it on tmpfs; the mappings of a run are smaller than
    // this.
    const bool vanished = b.st_blocks == 0 && a.st_blocks > 400;
    check(Field::kBlocks, !grown && !vanished, std::to_string(a.st_blocks),
          std::to_string(b.st_blocks));
  }
  where.field = Field::kInode;
  CompareInode(where, plain, got);
  // POSIX, mmap(): both times are marked at some point between the store and the next msync(2).
  const bool settled = dirty_.count(plain.identity) == 0;
  where.field = Field::kModifyTime;
  if (settled) CompareTime(where, a.st_mtim, b.st_mtim, false);
  where.field = Field::kAccessTime;
  CompareTime(where, a.st_atim, b.st_atim, false);
  // Copying an object up changes it, which plain does not see; being older than plain is wrong.
  where.field = Field::kChangeTime;
  if (settled) CompareTime(where, a.st_ctim, b.st_ctim, true);
}

std::string Comparer::CompareOutcomes(const Op& op, const Outcome& plain, const Outcome& got) {
  report_.clear();
  if (LeavesDirtyPages(op) && !plain.looks.empty()) dirty_.insert(plain.looks[0].second.identity);
  Difference where;
  where.op = &op;
  where.dirty = !dirty_.empty();
  where.plain_outcome = &plain;
  where.got_outcome = &got;
  if (plain.ret != got.ret || plain.error != got.error)
    Report(where, ResultText(plain), ResultText(got));
  if (plain.detail != got.detail) {
    where.field = Field::kDetail;
    const size_t at = static_cast<size_t>(std::mismatch(plain.detail.begin(), plain.detail.end(),
                                                        got.detail.begin(), got.detail.end())
                                              .first -
                                          plain.detail.begin());
    Report(where, Around(plain.detail, at), Around(got.detail, at));
  }
  if (plain.written && got.written) {
    where.where = "what was written";
    CompareLooks(where, *plain.written, *got.written);
  }
  for (size_t i = 0; i < std::min(plain.looks.size(), got.looks.size()); ++i) {
    where.where = plain.looks[i].first;
    CompareLooks(where, plain.looks[i].second, got.looks[i].second);
  }
  return std::move(report_);
}

void Comparer::CompareXattrs(Difference where, const std::string& plain, const std::string& got) {
  const size_t at = static_cast<size_t>(
      std::mismatch(plain.begin(), plain.end(), got.begin(), got.end()).first - plain.begin());
  const size_t line = at == 0 ? 0 : plain.rfind('\n', at - 1) + 1;
  where.where += ": " + plain.substr(line, plain.find('=', line) - line);
  Report(where, Around(plain, at), Around(got, at));
}

std::string Comparer::CompareTrees(const Tree& plain, const Tree& got) {
  report_.clear();
  Difference where;
  for (const Tree* tree : {&plain, &got}) {
    for (const std::string& complaint : tree->complaints) {
      where.field = Field::kListing;
      where.where = complaint;
      Report(where, tree == &plain ? "says so" : "is fine", tree == &got ? "says so" : "is fine");
    }
  }
  auto a = plain.entries.begin();
  auto b = got.entries.begin();
  std::map<ino_t, const TreeEntry*> numbers;
  while (a != plain.entries.end() || b != got.entries.end()) {
    where.field = Field::kName;
    if (b == got.entries.end() || (a != plain.entries.end() && a->path < b->path)) {
      where.where = (a++)->path;
      Report(where, "exists", "is missing");
      continue;
    }
    if (a == plain.entries.end() || b->path < a->path) {
      where.where = (b++)->path;
      Report(where, "is missing", "exists");
      continue;
    }
    where.where = a->path;
    CompareLooks(where, a->look, b->look);
    where.plain_stat = &a->look.st;
    where.got_stat = &b->look.st;
    where.field = Field::kContent;
    if (a->content != b->content)
      Report(where, std::to_string(a->content), std::to_string(b->content));
    where.field = Field::kSymlink;
    if (a->link != b->link) Report(where, Quote(a->link), Quote(b->link));
    where.field = Field::kXattrs;
    where.dirty = dirty_.count(a->look.identity) != 0;
    if (a->xattrs != b->xattrs) CompareXattrs(where, a->xattrs, b->xattrs);
    // Two inodes with one number would be hard links of each other to tar and rsync.
    const auto [other, is_new] = numbers.emplace(b->look.st.st_ino, &*a);
    where.field = Field::kInode;
    if (!is_new && other->second->look.identity != a->look.identity) {
      Report(where, "another than " + Quote(other->second->path), "the same number");
    }
    ++a;
    ++b;
  }
  return std::move(report_);
}

}  // namespace veneer::parity
