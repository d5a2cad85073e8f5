// SPDX-License-Identifier: Apache-2.0
#include "tools/format/layer_tree.h"

#include <algorithm>
#include <span>

namespace veneer {

namespace {

class Maker {
 public:
  explicit Maker(const std::vector<std::vector<Digest>>& images) : images_(images) {}

  std::vector<LayerTreeLine> Make() {
    std::vector<size_t> order(images_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, [this](size_t a, size_t b) { return images_[a] < images_[b]; });
    // Without any layer there is nothing to share: such an image is a line of its own.
    const auto first =
        std::ranges::find_if(order, [this](size_t i) { return !images_[i].empty(); });
    for (auto at = order.begin(); at != first; ++at) {
      LayerTreeLine line;
      line.image = *at;
      line.of = *at;
      lines_.push_back(std::move(line));
    }
    Siblings(std::span(first, order.end()), 0, "", false);
    return std::move(lines_);
  }

 private:
  using Numbers = std::span<size_t>;

  // How many layers all of them begin with. REQUIRES: they are in order.
  size_t Common(Numbers images) const {
    const auto& a = images_[images.front()];
    const auto& b = images_[images.back()];
    return std::ranges::mismatch(a, b).in1 - a.begin();
  }

  // The trees of images that agree in their first `depth` layers and have more.
  void Siblings(Numbers images, size_t depth, const std::string& branch, bool inside) {
    std::vector<Numbers> groups;
    for (size_t start = 0; start < images.size();) {
      size_t end = start + 1;
      const Digest& layer = images_[images[start]][depth];
      while (end < images.size() && images_[images[end]][depth] == layer) ++end;
      groups.push_back(images.subspan(start, end - start));
      start = end;
    }
    std::ranges::sort(groups, {}, [](Numbers group) { return *std::ranges::min_element(group); });
    for (size_t i = 0; i < groups.size(); ++i) {
      Group(groups[i], depth, branch, inside, i + 1 == groups.size());
    }
  }

  // One such tree.
  void Group(Numbers images, size_t depth, const std::string& branch, bool inside, bool last) {
    const size_t common = Common(images);
    size_t here = 0;  // those that have these layers and no more
    while (here < images.size() && images_[images[here]].size() == common) ++here;
    const size_t count = std::max<size_t>(here, 1);
    for (size_t i = 0; i < count; ++i) {
      const bool end = last && i + 1 == count;
      LayerTreeLine line;
      line.branch = inside ? branch + (end ? "└─ " : "├─ ") : "";
      if (here > 0) line.image = images[i];
      line.of = images[i];
      line.first = depth;
      line.end = common;
      lines_.push_back(std::move(line));
    }
    if (here == images.size()) return;
    const std::string below = inside ? branch + (last ? "   " : "│  ") : "";
    Siblings(images.subspan(here), common, below, true);
  }

  const std::vector<std::vector<Digest>>& images_;
  std::vector<LayerTreeLine> lines_;
};

}  // namespace

std::vector<LayerTreeLine> MakeLayerTree(const std::vector<std::vector<Digest>>& images) {
  return Maker(images).Make();
}

}  // namespace veneer
