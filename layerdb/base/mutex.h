// SPDX-License-Identifier: Apache-2.0
//
// Mutexes that Clang's thread safety analysis understands, and the annotations for what they guard:
// the preset `clang` makes a compiler error of reading or changing a guarded member without its
// lock, and of a lock that is taken twice or never given back. Other compilers see std::mutex and
// std::shared_mutex, and no annotation.
//
// A class writes GUARDED_BY(mutex_) behind each member that a mutex guards, REQUIRES(mutex_) behind
// each function that wants it held, and takes it with MutexLock, WriterLock or ReaderLock. A lock
// that is one of many (a shard's, a node's) and that callers in several classes hold has a
// LockRole: an object that stands in annotations for every lock of its kind.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#ifndef VENEER_LAYERDB_BASE_MUTEX_H_
#define VENEER_LAYERDB_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define VENEER_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define VENEER_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(name) VENEER_THREAD_ANNOTATION(capability(name))
#define SCOPED_CAPABILITY VENEER_THREAD_ANNOTATION(scoped_lockable)
// Of a member: read with the lock held at least shared, changed with it held alone. PT_: what a
// pointer points to.
#define GUARDED_BY(lock) VENEER_THREAD_ANNOTATION(guarded_by(lock))
#define PT_GUARDED_BY(lock) VENEER_THREAD_ANNOTATION(pt_guarded_by(lock))
// Of a function: held by its callers; not held by them; taken by it; given back by it; known to be
// held after it.
#define REQUIRES(...) VENEER_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) VENEER_THREAD_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) VENEER_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) VENEER_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) VENEER_THREAD_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) VENEER_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) VENEER_THREAD_ANNOTATION(release_shared_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(...) VENEER_THREAD_ANNOTATION(assert_capability(__VA_ARGS__))
#define RETURN_CAPABILITY(lock) VENEER_THREAD_ANNOTATION(lock_returned(lock))
// The analysis cannot follow this function; a comment says why it is right.
#define NO_THREAD_SAFETY_ANALYSIS VENEER_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace veneer {

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class CAPABILITY("mutex") SharedMutex {
 public:
  SharedMutex() = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }
  void LockShared() ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void UnlockShared() RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

// Holds a mutex as long as it lives.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Holds a shared mutex alone.
class SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~WriterLock() RELEASE() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Holds a shared mutex beside other readers.
class SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.LockShared();
  }
  ~ReaderLock() RELEASE() { mutex_.UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// A condition variable of a Mutex. As with all of them, a wait may end without a reason: waits
// stand in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False: the moment has come.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point moment) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool before = condition_.wait_until(lock, moment) == std::cv_status::no_timeout;
    lock.release();
    return before;
  }
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds time) REQUIRES(mutex) {
    return WaitUntil(mutex, std::chrono::steady_clock::now() + time);
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

// Stands in annotations for one kind of lock.
class CAPABILITY("role") LockRole {};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_MUTEX_H_
