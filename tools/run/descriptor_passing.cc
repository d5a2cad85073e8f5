// SPDX-License-Identifier: Apache-2.0
#include "tools/run/descriptor_passing.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace veneer {

namespace {

union Control {
  struct cmsghdr header;  // for its alignment
  char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

Sys<void> SendDescriptor(int socket, std::string_view data, int fd) {
  struct iovec part = {const_cast<char*>(data.data()), data.size()};
  Control control = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  }
  ssize_t n;
  do {
    n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return FailErrno();
  return {};
}

Sys<Fd> ReceiveMessage(int socket, char* data, size_t size, size_t* received) {
  struct iovec part = {data, size};
  Control control = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t n;
  do {
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return FailErrno();
  *received = static_cast<size_t>(n);
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return Fd();
  int fd = -1;
  memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return Fd(fd);
}

Sys<Fd> ReceiveDescriptor(int socket, char* data, size_t size) {
  size_t received = 0;
  auto fd = ReceiveMessage(socket, data, size, &received);
  if (fd && !*fd) return Fail(ENODATA);
  return fd;
}

void CloseAllBut(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd < static_cast<int>(first)) continue;
    if (static_cast<unsigned>(fd) > first) ::close_range(first, fd - 1, 0);
    first = fd + 1;
  }
  ::close_range(first, ~0U, 0);
}

}  // namespace veneer
