// SPDX-License-Identifier: Apache-2.0
//
// veneer: the command a person uses.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "layerdb/base/log.h"
#include "tools/cli/commands.h"

namespace {

// A program started without its standard descriptors must not find a file of its own in their place.
void OpenStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number, so this one. What is written to a closed standard output is lost, which is
    // an error.
    if (::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardDescriptors();
  veneer::LogToStderr("veneer");
  try {
    return veneer::RunVeneer(argc, argv);
  } catch (const std::exception& error) {
    veneer::PrintError(error.what());
  }
  return 1;
}
