// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/process_progress.h"

#include <dirent.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace veneer {
namespace {

struct ThreadState {
  char state = 'S';
  uint64_t ticks = 0;
};

// proc(5): the state is the field behind the name in parentheses, which may hold anything; utime and stime are fields 14
// and 15.
ThreadState StateOf(const std::string& path) {
  ThreadState thread;
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return thread;
  std::istringstream fields(text.substr(name_end + 1));
  fields >> thread.state;
  std::string skipped;
  for (int field = 4; field < 14; ++field) fields >> skipped;
  uint64_t user = 0;
  uint64_t system = 0;
  if (fields >> user >> system) thread.ticks = user + system;
  return thread;
}

}  // namespace

std::chrono::milliseconds ProcessProgress::StuckFor() {
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const std::unique_ptr<DIR, Close> dir(::opendir(tasks.c_str()));
  bool busy = false;
  uint64_t used = 0;
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    const ThreadState thread = StateOf(tasks + "/" + entry->d_name + "/stat");
    busy = busy || thread.state == 'R' || thread.state == 'D';
    used += thread.ticks;
  }
  const Clock::time_point now = Clock::now();
  // Also less: a thread has ended.
  if (busy || used != used_) last_ = now;
  used_ = used;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - last_);
}

}  // namespace veneer
