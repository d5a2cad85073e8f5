// SPDX-License-Identifier: Apache-2.0
//
// ObjectStore: the objects directory, each content once. A content is found by its hash and taken
// for the same only after a comparison of all bytes, since images are untrusted and the hash is not
// cryptographic; another content of the same hash gets the next `seq`.
//
// An object is written where it will be found, without a temporary name: an object that nothing
// refers to is garbage anyway, and a half-written one is never equal to a whole one. Used through
// the store's StoreWriter, which keeps prune away meanwhile.
//
// An object with a second name is still a file of somebody's writable layer (Link()) and may be
// written to; it is shared with nobody until that name is gone. No object ever gets a second name
// later, so one that was looked at once stays sure.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_OBJECTS_OBJECT_STORE_H_
#define VENEER_LAYERDB_OBJECTS_OBJECT_STORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"

namespace veneer {

class ObjectStore {
 public:
  static Result<std::unique_ptr<ObjectStore>> Open(const std::string& dir);

  int dir_fd() const { return dir_.get(); }
  // ENOENT: there is no such object.
  Sys<Fd> OpenObject(const ObjectRef& ref) const;

  // Stores `bytes`, whose HashContent() is `hash`, unless they are there.
  Result<ObjectRef> Put(std::string_view bytes, const Hash128& hash);
  // Moves the regular file `name` in `dir_fd`, open for reading as `fd`, to the objects, or removes
  // it when its contents are there. `hash`: HashContentOf(fd). The error code is the kernel's:
  // EXDEV for another file system.
  Result<ObjectRef> Move(int dir_fd, const std::string& name, int fd, const Hash128& hash);
  // Makes the file open for reading as `fd` an object under one more name, or finds its contents
  // there; nothing of the file is changed. `own`: objects made by this, whose second name is no
  // reason not to share them; the new one is put in. `hash`: HashContentOf(fd). The error code is
  // the kernel's: EXDEV for another file system, EPERM where protected_hardlinks forbids it.
  Result<ObjectRef> Link(int fd, const Hash128& hash, std::set<ObjectRef>* own);
  // Takes away an object that Link() made, as long as its file has the other name.
  void Unlink(const ObjectRef& ref);

  // True when `ref` is there, has no second name and has the contents of `fd`.
  bool Holds(const ObjectRef& ref, int fd) const;
  // Puts the file `name` in `dir_fd` in the place of `ref`, whatever is there.
  Result<void> Replace(const ObjectRef& ref, int dir_fd, const std::string& name);

  // Makes the names of these objects durable.
  Result<void> SyncNames(std::span<const ObjectRef> refs) const;

 private:
  explicit ObjectStore(std::string path, Fd dir) : path_(std::move(path)), dir_(std::move(dir)) {}
  Sys<void> MakeParent(const std::string& path) const;
  // Calls `make`, again after making the directory of `path` where that is what it lacked.
  Sys<void> WithParent(const std::string& path, FunctionRef<Sys<void>()> make) const;
  // Calls `place` for one path after another, until it makes the object there (true) or `shared`
  // finds it there.
  Result<ObjectRef> PlaceObject(const Hash128& hash,
                                FunctionRef<Sys<void>(const std::string& path)> place,
                                FunctionRef<bool(const ObjectRef& ref, int there)> shared);

  const std::string path_;
  const Fd dir_;
  // Threads that bring one content at the same moment wait for each other, so that the second finds
  // it whole. (Two processes may make it twice, which only costs space.) By the first byte of the
  // hash.
  std::array<Mutex, 64> writing_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_OBJECT_STORE_H_
