// SPDX-License-Identifier: Apache-2.0
//
// SyncPoint: a place in a test's thread where it waits until the test lets it go on, so that a race
// is played in one order and not in any. A test puts Reach() into a hook that the code under test
// calls (UnionOptions::before_blocking, a fake Layer).
#ifndef VENEER_TESTS_SUPPORT_SYNC_POINT_H_
#define VENEER_TESTS_SUPPORT_SYNC_POINT_H_

#include <latch>

namespace veneer {

class SyncPoint {
 public:
  // In the thread: it is there, and waits for Release().
  void Reach() {
    reached_.count_down();
    released_.wait();
  }
  // In the test: waits until the thread is there.
  void Await() { reached_.wait(); }
  // Lets the thread go on. To be called once.
  void Release() { released_.count_down(); }

 private:
  std::latch reached_{1};
  std::latch released_{1};
};

}  // namespace veneer

#endif  // VENEER_TESTS_SUPPORT_SYNC_POINT_H_
