// SPDX-License-Identifier: Apache-2.0
//
// StagingDir: a place in the store for the unfinished work of one process. While it lives, prune
// takes nothing of the store for garbage, because the store's lock is held shared, and the
// directory has a lease (lease.h), so that it is known for garbage when its process is killed. The
// next one removes it.
//
// Thread-safety: path() and lock() may be called from several threads at once.
#ifndef VENEER_LAYERDB_CATALOG_STAGING_DIR_H_
#define VENEER_LAYERDB_CATALOG_STAGING_DIR_H_

#include <memory>
#include <string>
#include <utility>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

class StoreLayout;

class StagingDir {
 public:
  // Waits while a prune is deciding what is garbage (moments). Removes those of killed processes.
  static Result<std::unique_ptr<StagingDir>> Make(const StoreLayout& layout);
  ~StagingDir();  // as Remove()
  StagingDir(const StagingDir&) = delete;
  StagingDir& operator=(const StagingDir&) = delete;

  const std::string& path() const { return path_; }
  // The store's lock file, locked shared.
  int lock() const { return lock_.get(); }
  // Removes the directory with all that is in it; what cannot be removed is left for prune. The
  // lock is kept.
  void Remove();

 private:
  StagingDir(Fd lock, std::string path, Fd lease)
      : lock_(std::move(lock)), path_(std::move(path)), lease_(std::move(lease)) {}

  const Fd lock_;
  const std::string path_;
  const Fd lease_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_STAGING_DIR_H_
