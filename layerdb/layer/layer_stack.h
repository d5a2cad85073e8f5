// SPDX-License-Identifier: Apache-2.0
//
// LayerStack: several layers merged into one tree. It alone reads Marks; what stands above it sees
// a plain tree. Rules: kernel Documentation/filesystems/overlayfs.rst, "Multiple lower layers",
// "Redirecting directories", "Metadata only copy up"; a redirect is looked up in the merged tree of
// the layers below the one that says it.
//
// The cost of a lookup depends on the number of layers that have the directory, not on how many
// there are; a listing remembers which layers have each subdirectory, so that nothing is asked
// twice.
#ifndef VENEER_LAYERDB_LAYER_LAYER_STACK_H_
#define VENEER_LAYERDB_LAYER_LAYER_STACK_H_

#include <memory>
#include <string>
#include <vector>

#include "layerdb/layer/layer.h"
#include "layerdb/threads/parallel_reads.h"

namespace veneer {

class LayerStack : public Layer {
 public:
  // `layers`: top first, at least one, at most 65,000.
  explicit LayerStack(std::vector<std::shared_ptr<const Layer>> layers, InoNumbers numbers = {});

  LayerObject Root() const override { return root_; }
  Sys<std::optional<LayerObject>> Lookup(const LayerRef& dir, std::string_view name,
                                         uint64_t hint) const override;
  Sys<void> List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const override;
  bool names_persist() const override { return false; }
  Sys<Attr> Stat(const LayerRef& ref) const override;
  Sys<std::optional<Timestamp>> BirthTime(const LayerRef& ref) const override;
  Sys<std::string> ReadLink(const LayerRef& ref) const override;
  Sys<Content> Open(const LayerRef& ref) const override;
  std::optional<uint64_t> KnownSize(const LayerRef& ref) const override;
  Sys<std::string> GetXattr(const LayerRef& ref, const std::string& name) const override;
  Sys<XattrList> ListXattrs(const LayerRef& ref) const override;
  Sys<struct statvfs> StatFs() const override;
  void LimitCached(unsigned percent) const override;

 private:
  struct Part;       // an object in one of the layers
  struct MergedDir;  // LayerRef::data of a directory
  class Listing;
  struct SplitFile;  // LayerRef::data of a file whose attributes and contents lie in different
                     // layers

  LayerRef Pack(size_t layer, const LayerRef& inner) const;
  Part TopPart(const LayerRef& ref) const;
  Part DataPart(const LayerRef& ref) const;
  LayerObject MergedRoot(size_t first) const;
  LayerObject MakeDir(std::vector<Part> parts, const Attr& attr) const;
  Sys<std::optional<LayerObject>> Find(const std::vector<Part>& parts, std::string_view name,
                                       const std::vector<uint32_t>* where, size_t first,
                                       uint64_t first_hint) const;
  Sys<LayerObject> SplitFrom(const std::vector<Part>& parts, size_t index, LayerObject meta,
                             std::string_view name) const;
  Sys<std::optional<LayerObject>> Below(size_t layer, std::string_view path) const;
  Origin OriginOf(size_t layer, uint64_t ino) const;
  // Gives `object`, whose Attr::ino is that of its layer, the number that the stack shows.
  void SetNumber(size_t layer, LayerObject& object) const;

  const std::vector<std::shared_ptr<const Layer>> layers_;
  const InoNumbers numbers_;
  mutable ParallelReads reads_;
  LayerObject root_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_LAYER_STACK_H_
