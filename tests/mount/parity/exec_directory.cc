// SPDX-License-Identifier: Apache-2.0
//
// Operations on listings: complete ones, ones that go on while entries come and go, and paths as
// long as they may be. A listing is checked against itself; only the set of names is compared
// between targets.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/mount/parity/exec.h"

namespace veneer::parity {
namespace {

struct Listed {
  std::string name;
  uint8_t type;
  ino64_t ino;
  off64_t next;  // where the listing goes on after this one
};

// The next few entries; false at the end or on failure (errno 0 at the end).
bool ListChunk(int fd, size_t room, std::vector<Listed>* out) {
  alignas(dirent64) static char buffer[32768];
  errno = 0;
  const long n = ::syscall(SYS_getdents64, fd, buffer, std::min(room, sizeof buffer));
  for (long at = 0; at < n;) {
    const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
    out->push_back({entry->d_name, entry->d_type, entry->d_ino, entry->d_off});
    at += entry->d_reclen;
  }
  return n > 0;
}

std::string TypeText(uint8_t type) { return "(" + std::to_string(type) + ")"; }

void List(const Op& op, Outcome& out) {
  const Fd fd(::open(op.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return out.Set(-1);
  std::vector<Listed> entries;
  while (ListChunk(fd.get(), op.size, &entries)) {
  }
  if (errno != 0) return out.Set(-1);
  std::map<std::string, uint8_t> sorted;
  for (const Listed& entry : entries) {
    if (!sorted.emplace(entry.name, entry.type).second)
      out.detail += "listed twice: " + entry.name + "\n";
    struct stat st {};
    if (op.who != 0 || entry.name == "..") continue;
    if (::fstatat(fd.get(), entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      out.detail += entry.name + " is listed, stat gives errno " + std::to_string(errno) + "\n";
    } else if (entry.ino != st.st_ino || entry.type != IFTODT(st.st_mode)) {
      out.detail += entry.name + " is listed with another inode number or type\n";
    }
  }
  for (const auto& [name, type] : sorted) out.detail += name + TypeText(type) + "\n";
}

// Lists while names come and go. Names that stay must appear exactly once, whatever happens to the
// others; going back to a position gives what came after it.
void Walk(const Op& op, Outcome& out) {
  const Fd fd(::open(op.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return out.Set(-1);
  std::vector<Listed> entries;
  while (ListChunk(fd.get(), 32768, &entries)) {
  }
  std::set<std::string> stay, go, born;
  for (const Listed& entry : entries) {
    const bool special = entry.name == "." || entry.name == "..";
    const uint64_t dice = HashBytes(entry.name.data(), entry.name.size()) + op.pattern;
    if (!special && entry.type != DT_DIR && dice % 4 == 0) {
      go.insert(entry.name);
    } else {
      stay.insert(entry.name);
    }
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  std::vector<Listed> pass;
  // The smallest buffer that holds any entry: the listing is cut as often as possible.
  ListChunk(fd.get(), 300, &pass);
  for (int i = 0; i < 3; ++i) {
    const std::string name = "walk" + std::to_string(i);
    if (stay.count(name) != 0 || go.count(name) != 0) continue;
    const Fd file(::openat(fd.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file) born.insert(name);
  }
  for (const std::string& name : go) {
    if (::unlinkat(fd.get(), name.c_str(), 0) != 0)
      out.detail += "unlink errno " + std::to_string(errno) + "\n";
  }
  while (ListChunk(fd.get(), 300, &pass)) {
  }
  if (errno != 0) out.detail += "errno " + std::to_string(errno) + "\n";
  std::map<std::string, int> seen;
  for (const Listed& entry : pass) ++seen[entry.name];
  for (const auto& [name, times] : seen) {
    if (times > 1) out.detail += "listed twice: " + name + "\n";
    if (stay.count(name) + go.count(name) + born.count(name) == 0)
      out.detail += "never was: " + name + "\n";
  }
  for (const std::string& name : stay) {
    if (seen.count(name) == 0) out.detail += "left out: " + name + "\n";
  }
  if (!pass.empty()) {
    const size_t middle = op.pattern % pass.size();
    ::lseek(fd.get(), pass[middle].next, SEEK_SET);
    std::vector<Listed> again;
    while (ListChunk(fd.get(), 300, &again)) {
    }
    std::set<std::string> first, second;
    for (size_t i = middle + 1; i < pass.size(); ++i) {
      if (stay.count(pass[i].name) != 0) first.insert(pass[i].name);
    }
    for (const Listed& entry : again) {
      if (stay.count(entry.name) != 0) second.insert(entry.name);
    }
    if (first != second) out.detail += "going back to a position gives other names\n";
  }
  for (const std::string& name : born) {
    if (::unlinkat(fd.get(), name.c_str(), 0) != 0)
      out.detail += "unlink errno " + std::to_string(errno) + "\n";
  }
  out.detail += std::to_string(stay.size()) + " stayed, " + std::to_string(go.size()) + " went\n";
}

// Makes a chain of directories, uses a file at its end, and takes all away again. Up to PATH_MAX
// the path is given whole; for 4097 the chain is longer than any path may be, and is walked.
void LongPath(const Op& op, Outcome& out) {
  const auto step = [&](const char* what, int result) {
    if (result < 0) out.detail += std::string(what) + " errno " + std::to_string(errno) + "\n";
    return result >= 0;
  };
  const std::string name(255, 'L');
  if (op.flags == 4097) {
    std::vector<Fd> chain;
    chain.emplace_back(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < 20; ++i) {
      const int at = chain.back().get();
      if (!step("mkdirat", ::mkdirat(at, name.c_str(), 0700))) break;
      chain.emplace_back(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!step("openat", chain.back().get())) break;
    }
    const int end = chain.back().get();
    const Fd file(::openat(end, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    step("create", file.get());
    step("write", static_cast<int>(::write(file.get(), "x", 1)));
    step("rename", ::renameat(end, "file", end, "other"));
    step("unlink", ::unlinkat(end, "other", 0));
    for (size_t i = chain.size() - 1; i > 0; --i) {
      step("rmdir", ::unlinkat(chain[i - 1].get(), name.c_str(), AT_REMOVEDIR));
    }
    return;
  }
  std::vector<std::string> made;
  std::string path;
  const size_t length = static_cast<size_t>(op.flags);
  while (path.size() + 2 + name.size() < length) {
    path += path.empty() ? name : "/" + name;
    if (step("mkdir", ::mkdir(path.c_str(), 0700))) made.push_back(path);
  }
  std::string leaf = path + "/";
  leaf.append(length - leaf.size(), 'f');
  const Fd file(::open(leaf.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  step("create", file.get());
  step("write", static_cast<int>(::write(file.get(), "x", 1)));
  struct stat st {};
  step("stat", ::lstat(leaf.c_str(), &st));
  step("chmod", ::chmod(leaf.c_str(), 0640));
  step("unlink", ::unlink(leaf.c_str()));
  step("mkdir", ::mkdir(leaf.c_str(), 0700));
  step("rmdir", ::rmdir(leaf.c_str()));
  for (auto it = made.rbegin(); it != made.rend(); ++it) step("rmdir", ::rmdir(it->c_str()));
}

}  // namespace

void ExecuteOnDirectory(const Op& op, Target& /*target*/, Outcome& out) {
  if (op.kind == OpKind::kList) List(op, out);
  if (op.kind == OpKind::kWalk) Walk(op, out);
  if (op.kind == OpKind::kLongPath) LongPath(op, out);
}

}  // namespace veneer::parity
