// SPDX-License-Identifier: Apache-2.0
#include "tools/build/copy_files.h"

#include <algorithm>
#include <memory>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/file_pattern.h"

namespace veneer {

namespace {

// What a source stands for: an object, and the name that it was found by.
struct FoundSource {
  LocatedObject located;
  std::string written;  // the path as it is named, wildcards replaced
};

std::string LastName(const std::string& path) {
  std::vector<std::string> names;
  AddComponents(path, &names);
  return names.empty() ? "" : names.front();
}

class Copier {
 public:
  Copier(SourceTree& from, const CopyRequest& request, CopyTree* into)
      : from_(from), request_(request), into_(*into), made_{0, 0, 0755, request.time} {
    if (request.owner) {
      made_.uid = request.owner->first;
      made_.gid = request.owner->second;
    }
  }

  Result<void> Run() {
    std::vector<FoundSource> found;
    for (const std::string& source : request_.sources) VENEER_TRY_VOID(Find(source, &found));
    const bool slash =
        request_.destination.ends_with('/') || LastComponentIsDot(request_.destination);
    if (request_.sources.size() > 1 && !slash) {
      return MakeError("several sources need a directory as the destination: write " +
                           QuotedPath(request_.destination + "/"),
                       ExitCode::kUsage);
    }
    // One pattern may stand for several files, too.
    for (const FoundSource& source : found) {
      VENEER_TRY_VOID(CopySource(source, slash || found.size() > 1));
    }
    return {};
  }

 private:
  struct Directory {
    LayerRef ref;
    std::string path;  // for errors
    IgnoreFile::Match ignored;
    IgnoreFile::Match excluded;
    // Null: it is left out, until something in it is not.
    CopyTree::Node* into = nullptr;
    Directory* parent = nullptr;
    std::string name = {};
    PutObject object = {};
  };

  static bool LastComponentIsDot(const std::string& path) {
    return path == "." || path.ends_with("/.");
  }

  // --- sources ---
  Result<void> Find(const std::string& source, std::vector<FoundSource>* found) {
    if (!HasWildcards(source)) {
      VENEER_TRY(const std::optional<LocatedObject> located,
                 LocateIn(from_.layer(), source, LastLink::kFollow));
      if (!located || IsHidden(*located)) {
        const bool ignored = located && IsHidden(*located);
        return MakeError(
            QuotedPath(source) + (ignored ? " is kept out by .dockerignore" : " is not there"),
            ExitCode::kNotFound);
      }
      found->push_back({*located, source});
      return {};
    }
    std::vector<std::string> todo;
    AddComponents(source, &todo);
    std::string path;
    for (auto name = todo.rbegin(); name != todo.rend(); ++name) path += "/" + *name;
    VENEER_TRY(const std::vector<FilePattern> pattern, ParsePathPattern(path));
    return FindMatches(pattern, 0, "", found);
  }

  // Names of a directory that a pattern matches, in byte order.
  Result<std::vector<std::string>> MatchingNames(const LayerRef& directory,
                                                 const FilePattern& pattern,
                                                 const std::string& path) const {
    std::vector<std::string> names;
    VENEER_TRY_CTX_VOID(from_.layer().List(directory,
                                           [&](const LayerDirent& entry) {
                                             if (!entry.whiteout && pattern.Matches(entry.name)) {
                                               names.emplace_back(entry.name);
                                             }
                                           }),
                        "read the directory " + QuotedPath(path));
    std::ranges::sort(names);
    return names;
  }

  // A name that a pattern matches is not left out in silence for leading nowhere.
  Result<void> CheckDangling(const std::string& path) const {
    VENEER_TRY(const std::optional<LocatedObject> link,
               LocateIn(from_.layer(), path, LastLink::kKeep));
    if (!link || IsHidden(*link)) return {};
    return MakeError(QuotedPath(path) + " is a symlink to nothing in the tree that is copied from",
                     ExitCode::kNotFound);
  }

  // As deep as the pattern has components.
  Result<void> FindMatches(const std::vector<FilePattern>& pattern, size_t depth,
                           const std::string& path, std::vector<FoundSource>* found) {
    VENEER_TRY(const std::optional<LocatedObject> located,
               LocateIn(from_.layer(), path, LastLink::kFollow));
    if (!located) return CheckDangling(path);
    if (depth == pattern.size()) {
      if (!IsHidden(*located)) found->push_back({*located, path});
      return {};
    }
    if (pattern[depth].literal()) {
      return FindMatches(pattern, depth + 1, path + "/" + *pattern[depth].literal(), found);
    }
    if (located->object.attr.type != FileType::kDirectory) return {};
    VENEER_TRY(const std::vector<std::string> names,
               MatchingNames(located->object.ref, pattern[depth], path));
    for (const std::string& name : names) {
      VENEER_TRY_VOID(FindMatches(pattern, depth + 1, path + "/" + name, found));
    }
    return {};
  }

  IgnoreFile::Match MatchOf(const std::string& path) const {
    IgnoreFile::Match match = request_.ignored->Root();
    std::vector<std::string> names;
    AddComponents(path, &names);
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      match = request_.ignored->Check(*name, match);
    }
    return match;
  }

  // Ignored, and nothing that is in it is brought back.
  bool IsHidden(const LocatedObject& located) const {
    if (request_.ignored == nullptr) return false;
    const IgnoreFile::Match match = MatchOf(located.path);
    return match.ignored &&
           !(match.exceptions_below && located.object.attr.type == FileType::kDirectory);
  }

  // --- destinations ---
  // Where --parents puts a source: below the directories that its path has behind "./".
  std::string DestinationOf(const FoundSource& source, bool is_directory) const {
    if (!request_.parents) return request_.destination;
    const size_t pivot = source.written.find("/./");
    std::string kept =
        pivot == std::string::npos ? source.written : source.written.substr(pivot + 3);
    if (!is_directory) {
      const size_t slash = kept.find_last_not_of('/') == std::string::npos
                               ? std::string::npos
                               : kept.rfind('/', kept.find_last_not_of('/'));
      kept = slash == std::string::npos ? "" : kept.substr(0, slash);
    }
    return request_.destination + "/" + kept;
  }

  Result<void> CopySource(const FoundSource& source, bool into_directory) {
    // Hard links stay within a tree that is copied; files of two sources are none (E41).
    source_ = into_.NewSource();
    const LayerObject& object = source.located.object;
    const bool is_directory = object.attr.type == FileType::kDirectory;
    const std::string destination = DestinationOf(source, is_directory);
    if (is_directory) {
      VENEER_TRY(CopyTree::Node* const into, into_.Directory(destination, made_));
      return CopyTreeOf(source, into);
    }
    if (request_.take && object.attr.type == FileType::kRegular) {
      VENEER_TRY(const bool taken, request_.take(object, source.written));
      if (taken) return {};
    }
    VENEER_TRY(const PutObject put, ObjectOf(object, source.written));
    if (!into_directory && !request_.parents) {
      VENEER_TRY(const CopyTree::Target target, into_.Locate(destination, made_));
      if (target.object == nullptr || !CopyTree::IsDirectory(*target.object)) {
        return into_.PutFile(target.directory, target.name, put, OtherType::kRefuse);
      }
    }
    VENEER_TRY(CopyTree::Node* const directory, into_.Directory(destination, made_));
    return into_.PutFile(directory, LastName(source.written), put, OtherType::kRefuse);
  }

  Result<PutObject> ObjectOf(const LayerObject& found, const std::string& path) const {
    if (found.attr.type == FileType::kSocket) {
      return MakeError(QuotedPath(path) +
                       " is a socket, which no image layer can hold; keep it out by .dockerignore");
    }
    PutObject object{found.attr, &from_, found.ref};
    if (request_.owner) {
      object.attr.uid = request_.owner->first;
      object.attr.gid = request_.owner->second;
    } else if (from_.stored() == nullptr) {
      object.attr.uid = object.attr.gid = 0;
    }
    if (request_.chmod && found.attr.type != FileType::kSymlink) {
      object.attr.mode =
          request_.chmod->Apply(found.attr.mode, found.attr.type == FileType::kDirectory);
    }
    if (found.attr.type != FileType::kDirectory && found.attr.nlink > 1) {
      object.key = {source_, found.attr.ino};
    }
    return object;
  }

  // --- trees ---
  Result<void> CopyTreeOf(const FoundSource& source, CopyTree::Node* into) {
    // All of them stay until the end: one that is left out may have to be made later.
    std::vector<std::unique_ptr<Directory>> directories;
    auto root = std::make_unique<Directory>();
    root->ref = source.located.object.ref;
    root->path = source.written;
    if (request_.ignored != nullptr) root->ignored = MatchOf(source.located.path);
    root->excluded = request_.exclude.Root();
    root->into = into;
    directories.push_back(std::move(root));
    for (size_t i = 0; i < directories.size(); ++i) {
      VENEER_TRY_VOID(Cancellation::Check(request_.cancel));
      VENEER_TRY_VOID(CopyEntries(*directories[i], &directories));
    }
    return {};
  }

  Result<void> CopyEntries(Directory& directory,
                           std::vector<std::unique_ptr<Directory>>* directories) {
    std::vector<std::pair<std::string, uint64_t>> entries;
    VENEER_TRY_CTX_VOID(from_.layer().List(directory.ref,
                                           [&](const LayerDirent& entry) {
                                             if (!entry.whiteout)
                                               entries.emplace_back(entry.name, entry.hint);
                                           }),
                        "read the directory " + QuotedPath(directory.path));
    for (const auto& [name, hint] : entries) {
      VENEER_TRY_VOID(CopyEntry(directory, name, hint, directories));
    }
    return {};
  }

  Result<void> CopyEntry(Directory& directory, const std::string& name, uint64_t hint,
                         std::vector<std::unique_ptr<Directory>>* directories) {
    IgnoreFile::Match ignored;
    if (request_.ignored != nullptr) ignored = request_.ignored->Check(name, directory.ignored);
    IgnoreFile::Match excluded = request_.exclude.Check(name, directory.excluded);
    const bool left_out = ignored.ignored || excluded.ignored;
    const bool may_hold = (!ignored.ignored || ignored.exceptions_below) &&
                          (!excluded.ignored || excluded.exceptions_below);
    if (left_out && !may_hold) return {};
    std::string path = directory.path + "/" + name;
    const Sys<std::optional<LayerObject>> found = from_.layer().Lookup(directory.ref, name, hint);
    if (!found) return MakeError(found.error(), QuotedPath(path));
    if (!*found) return {};  // removed meanwhile
    const LayerObject& object = **found;
    const bool is_directory = object.attr.type == FileType::kDirectory;
    if (left_out && !is_directory) return {};
    VENEER_TRY(PutObject put, ObjectOf(object, path));
    if (!left_out) VENEER_TRY_VOID(Make(directory));
    if (!is_directory) {
      return into_.PutFile(directory.into, name, std::move(put), OtherType::kRefuse);
    }
    auto child = std::make_unique<Directory>(Directory{object.ref, std::move(path),
                                                       std::move(ignored), std::move(excluded),
                                                       nullptr, &directory, name, std::move(put)});
    if (!left_out) VENEER_TRY_VOID(Make(*child));
    directories->push_back(std::move(child));
    return {};
  }

  // Puts a directory, and those above it that were left out so far.
  Result<void> Make(Directory& directory) {
    std::vector<Directory*> missing;
    for (Directory* at = &directory; at->into == nullptr; at = at->parent) missing.push_back(at);
    for (; !missing.empty(); missing.pop_back()) {
      Directory& next = *missing.back();
      VENEER_TRY(next.into, into_.PutDirectory(next.parent->into, next.name, std::move(next.object),
                                               OtherType::kRefuse));
    }
    return {};
  }

  SourceTree& from_;
  const CopyRequest& request_;
  CopyTree& into_;
  NewDirectory made_;
  uint64_t source_ = 0;
};

}  // namespace

Result<void> CopyFiles(SourceTree& from, const CopyRequest& request, CopyTree* into) {
  return Copier(from, request, into).Run();
}

}  // namespace veneer
