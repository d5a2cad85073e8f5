// SPDX-License-Identifier: Apache-2.0
//
// veneer: the command a person uses.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "tools/cli/commands.h"

namespace {

// A program started without its standard descriptors must not find a file of its own in their
// place.
void OpenStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number, so this one. What is written to a closed standard output is lost,
    // which is an error.
    const int flags = fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    veneer::Sys<veneer::Fd> null = veneer::sys::OpenFollowing("/dev/null", flags);
    if (!null || null->get() != fd) return;
    ::fcntl(null->Release(), F_SETFD, 0);  // programs that are started have it too
  }
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardDescriptors();
  // Threads free what other threads allocated. With an arena for each of them, as malloc(3) has it,
  // a pull keeps twice the memory.
  ::mallopt(M_ARENA_MAX, 2);
  veneer::LogToStderr("veneer");
  veneer::SetLogLevel(veneer::LogLevelFromEnvironment(veneer::LogLevel::kWarning));
  try {
    return veneer::RunVeneer(argc, argv);
  } catch (const std::exception& error) {
    veneer::PrintError(error.what());
  }
  return 1;
}
