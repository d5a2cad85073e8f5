// SPDX-License-Identifier: Apache-2.0
//
// client_load: what bench/clients runs in a mounted tree. The names to work on come on standard
// input, one a line, relative to the working directory.
//
//   client_load stat|read|create CLIENTS processes|threads
//       lets so many clients, which begin together, share the names; prints the seconds until the
//       last has ended. create: each client makes, and then removes, as many files in a directory
//       of its own as it has names.
//   client_load latency SECONDS [FILE]
//       lstat(2) of one name after the other, with pauses, for so long at most; with FILE, for as
//       long as writing one byte to it takes another thread. Prints: the number of calls, their
//       p50, p99 and maximum in microseconds, and the seconds that it took.
//
// It is no script, because threads of one program are to be measured and not the lock of an
// interpreter.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Names = std::span<const std::string>;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "client_load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Stat(const std::string& name) {
  struct stat st = {};
  if (::lstat(name.c_str(), &st) != 0) Die(name);
}

void Read(const std::string& name) {
  char buffer[65536];
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) Die(name);
  ssize_t n = 0;
  while ((n = ::read(fd, buffer, sizeof(buffer))) > 0) continue;
  if (n < 0) Die(name);
  ::close(fd);
}

void CreateAndRemove(int client, size_t count) {
  const std::string directory = "client-" + std::to_string(client);
  if (::mkdir(directory.c_str(), 0755) != 0) Die(directory);
  for (size_t i = 0; i < count; ++i) {
    const std::string name = directory + "/" + std::to_string(i);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) Die(name);
    ::close(fd);
  }
  for (size_t i = 0; i < count; ++i) {
    const std::string name = directory + "/" + std::to_string(i);
    if (::unlink(name.c_str()) != 0) Die(name);
  }
  if (::rmdir(directory.c_str()) != 0) Die(directory);
}

void Work(const std::string& what, int client, Names names) {
  if (what == "create") {
    CreateAndRemove(client, names.size());
    return;
  }
  for (const std::string& name : names) what == "stat" ? Stat(name) : Read(name);
}

// Closing the one end lets all begin who wait at the other.
class Gate {
 public:
  Gate() {
    if (::pipe(ends_) != 0) Die("pipe");
  }
  void Open() { ::close(ends_[1]); }
  void Wait() const {
    char byte = 0;
    if (::read(ends_[0], &byte, 1) < 0) Die("read");
  }

 private:
  int ends_[2] = {};
};

void RunClients(const std::string& what, int clients, bool processes,
                const std::vector<std::string>& names) {
  const auto share = [&](int client) {
    const size_t from = names.size() * static_cast<size_t>(client) / static_cast<size_t>(clients);
    const size_t to = names.size() * static_cast<size_t>(client + 1) / static_cast<size_t>(clients);
    return Names(names).subspan(from, to - from);
  };
  Gate gate;
  std::vector<std::thread> threads;
  for (int client = 0; client < clients; ++client) {
    if (!processes) {
      threads.emplace_back([&, client] {
        gate.Wait();
        Work(what, client, share(client));
      });
      continue;
    }
    const pid_t pid = ::fork();
    if (pid < 0) Die("fork");
    if (pid == 0) {
      gate.Open();  // this end of it; the parent's keeps the gate shut
      gate.Wait();
      Work(what, client, share(client));
      ::_exit(0);
    }
  }
  ::usleep(20'000);  // all are at the gate
  const Clock::time_point start = Clock::now();
  gate.Open();
  for (std::thread& thread : threads) thread.join();
  bool all_well = true;
  for (int status = 0; ::wait(&status) > 0;) all_well = all_well && status == 0;
  if (!all_well) std::exit(1);
  std::printf("%.6f\n", Since(start));
}

void WriteOneByte(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::pwrite(fd, "+", 1, 0) != 1 || ::close(fd) != 0) Die(file);
}

void MeasureLatency(double seconds, const char* file, const std::vector<std::string>& names) {
  constexpr std::chrono::microseconds kPause(500);
  const Clock::time_point start = Clock::now();
  std::atomic<bool> written{false};
  double took = 0;
  std::thread writer([&] {
    if (file == nullptr) return;
    WriteOneByte(file);
    took = Since(start);
    written = true;
  });
  std::vector<double> times;
  for (const std::string& name : names) {
    if (file != nullptr ? written.load() : Since(start) > seconds) break;
    const Clock::time_point before = Clock::now();
    Stat(name);
    times.push_back(Since(before) * 1e6);
    std::this_thread::sleep_for(kPause);
  }
  writer.join();
  if (times.empty()) Die("no names");
  std::sort(times.begin(), times.end());
  const auto percentile = [&](size_t part) { return times[(times.size() - 1) * part / 100]; };
  std::printf("%zu %.1f %.1f %.1f %.3f\n", times.size(), percentile(50), percentile(99),
              times.back(), file != nullptr ? took : Since(start));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  std::vector<std::string> names;
  for (std::string line; std::getline(std::cin, line);) names.push_back(line);
  if (args.size() >= 2 && args[0] == "latency") {
    MeasureLatency(std::atof(args[1].c_str()), args.size() > 2 ? argv[3] : nullptr, names);
  } else if (args.size() == 3 && std::atoi(args[1].c_str()) > 0) {
    RunClients(args[0], std::atoi(args[1].c_str()), args[2] == "processes", names);
  } else {
    std::fputs(
        "usage: client_load stat|read|create CLIENTS processes|threads < NAMES\n"
        "       client_load latency SECONDS [FILE] < NAMES\n",
        stderr);
    return 2;
  }
  return 0;
}
