// SPDX-License-Identifier: Apache-2.0
//
// Faults on purpose inside a test: the n-th system call of an operation fails, or is where the
// process is killed. The linker puts functions of the test in front of the calls that sys:: makes
// (CMakeLists.txt beside this), so that the programs have nothing of it. tests/support/fault.py
// does the same with whole programs.
#ifndef VENEER_TESTS_SUPPORT_FAULT_FAULTS_H_
#define VENEER_TESTS_SUPPORT_FAULT_FAULTS_H_

#include <functional>
#include <string_view>

namespace veneer {

// An operation, of which each system call fails in turn.
struct FaultCase {
  // Makes everything as it is before the operation.
  std::function<void()> prepare;
  // The operation. False: it reports a failure.
  std::function<bool()> act;
  // Judges what is there. `done`: the operation has reported success, so all of it must be there;
  // else nothing of it may be seen, or all.
  std::function<void(bool done)> verify;
};

// For n = 1, 2, ... until the operation makes fewer calls: prepare, act while the n-th call fails
// with EIO, and then with ENOSPC, verify; act again with nothing that fails, which must succeed,
// verify. It may be a call that the operation can do without. Calls of other threads count too.
void FailEachCall(const FaultCase& test);

// The same, but a child process acts and is killed at the n-th call. REQUIRES: this process has no
// other threads.
void KillAtEachCall(const FaultCase& test);

// While it lives, the first call of this name ("openat64", as in CMakeLists.txt) lets `hook` be
// called before it is made, in its thread: where a test wants a thread to stand (sync_point.h). One
// at a time.
class CallHook {
 public:
  CallHook(std::string_view call, std::function<void()> hook);
  ~CallHook();
  CallHook(const CallHook&) = delete;
  CallHook& operator=(const CallHook&) = delete;

 private:
  friend bool MeetsFault(std::string_view call);
  const std::string_view call_;
  const std::function<void()> hook_;
};

}  // namespace veneer

#endif  // VENEER_TESTS_SUPPORT_FAULT_FAULTS_H_
