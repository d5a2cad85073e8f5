// SPDX-License-Identifier: Apache-2.0
//
// A disk that remembers every write and every flush, to see what a power cut at any moment would
// have left:
//
//   veneer_write_log IMAGE LOG DIRECTORY
//
// serves IMAGE as DIRECTORY/disk, for a loop device, in the foreground until DIRECTORY is
// unmounted. LOG gets a record for each request in the order of their completion: u32 kind, u32
// size, u64 offset, in host order, and the bytes of a write. DIRECTORY/count holds the number of
// records so far. tests/support/fault.py reads the log.
#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

enum Kind : uint32_t { kWrite = 1, kFlush = 2, kZero = 3 };

struct Record {
  uint32_t kind;
  uint32_t size;
  uint64_t offset;
};

constexpr std::string_view kDisk = "/disk";
constexpr std::string_view kCount = "/count";

// One thread serves, so nothing needs a lock.
int g_image = -1;
int g_log = -1;
off_t g_size = 0;
uint64_t g_count = 0;

int Append(Kind kind, off_t offset, size_t size, const char* bytes) {
  const Record record{kind, static_cast<uint32_t>(size), static_cast<uint64_t>(offset)};
  std::string all(reinterpret_cast<const char*>(&record), sizeof record);
  if (bytes != nullptr) all.append(bytes, size);
  if (write(g_log, all.data(), all.size()) != static_cast<ssize_t>(all.size())) return -EIO;
  ++g_count;
  return 0;
}

int GetAttributes(const char* path, struct stat* st, fuse_file_info* /*file*/) {
  *st = {};
  st->st_nlink = 1;
  if (std::string_view(path) == "/") {
    st->st_mode = S_IFDIR | 0700;
  } else if (path == kDisk) {
    st->st_mode = S_IFREG | 0600;
    st->st_size = g_size;
  } else if (path == kCount) {
    st->st_mode = S_IFREG | 0400;
  } else {
    return -ENOENT;
  }
  return 0;
}

int Open(const char* /*path*/, fuse_file_info* file) {
  file->direct_io = 1;  // each request of the loop device comes here as it is
  return 0;
}

int Read(const char* path, char* buffer, size_t size, off_t offset, fuse_file_info* /*file*/) {
  if (path == kCount) {
    const std::string text = std::to_string(g_count);
    if (static_cast<size_t>(offset) >= text.size()) return 0;
    return static_cast<int>(text.copy(buffer, size, static_cast<size_t>(offset)));
  }
  const ssize_t n = pread(g_image, buffer, size, offset);
  return n < 0 ? -errno : static_cast<int>(n);
}

int Write(const char* path, const char* bytes, size_t size, off_t offset,
          fuse_file_info* /*file*/) {
  if (path != kDisk) return -EPERM;
  if (pwrite(g_image, bytes, size, offset) != static_cast<ssize_t>(size)) return -EIO;
  const int failed = Append(kWrite, offset, size, bytes);
  return failed != 0 ? failed : static_cast<int>(size);
}

int Flush(const char* /*path*/, int /*data_only*/, fuse_file_info* /*file*/) {
  return Append(kFlush, 0, 0, nullptr);
}

int Allocate(const char* /*path*/, int mode, off_t offset, off_t size, fuse_file_info* /*file*/) {
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0) return -EOPNOTSUPP;
  if (fallocate(g_image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) != 0) {
    return -errno;
  }
  for (constexpr off_t kMost = off_t{1} << 30; size > 0;) {
    const off_t part = std::min(size, kMost);
    if (const int failed = Append(kZero, offset, static_cast<size_t>(part), nullptr); failed != 0) {
      return failed;
    }
    offset += part;
    size -= part;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s IMAGE LOG DIRECTORY\n", argv[0]);
    return 2;
  }
  g_image = open(argv[1], O_RDWR | O_CLOEXEC);
  g_log = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  struct stat st {};
  if (g_image < 0 || g_log < 0 || fstat(g_image, &st) != 0) {
    perror("veneer_write_log");
    return 1;
  }
  g_size = st.st_size;
  fuse_operations operations{};
  operations.getattr = GetAttributes;
  operations.open = Open;
  operations.read = Read;
  operations.write = Write;
  operations.fsync = Flush;
  operations.fallocate = Allocate;
  char foreground[] = "-f";
  char one_thread[] = "-s";
  std::array<char*, 4> arguments = {argv[0], foreground, one_thread, argv[3]};
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &operations, nullptr);
}
