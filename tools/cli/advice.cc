// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/advice.h"

namespace veneer {

namespace {

std::string Advice(const Error& error) {
  const std::string& subject = error.subject();
  switch (error.reason()) {
    case Reason::kDamaged: return "; run `veneer fsck`";
    case Reason::kContainerInUse: return "; `veneer umount " + subject + "` first";
    case Reason::kImageInUse: return "; `veneer rm " + subject + "` first";
    case Reason::kImageHasSteps: return "; `veneer builder prune` removes them";
    case Reason::kImageHasNames: return "; remove them by name, or use --force";
    case Reason::kMountInUse: return "; --lazy unmounts all the same";
    case Reason::kNotAnImageArchive:
      return "; `veneer import` makes an image of a root file system";
    case Reason::kOtherPlatforms: return " (--platform chooses one)";
    case Reason::kAccessDenied: return "; `veneer login " + subject + "` first";
    case Reason::kStepFailed:
      return "; `veneer chroot " + subject + "` opens the tree as it was, `veneer rm " + subject +
             "` removes it";
    case Reason::kNameTaken:
    case Reason::kOther: break;
  }
  return {};
}

}  // namespace

std::string MessageWithAdvice(const Error& error) { return error.message() + Advice(error); }

std::string ProblemWithAdvice(const FsckProblem& problem) {
  if (problem.kind == FsckKind::kUpper) {
    return problem.what + "; `veneer rm " + problem.containers.at(0) + "` removes the rest";
  }
  if (problem.kind == FsckKind::kHalfRemoved) {
    return problem.what + "; if its removal was interrupted, `veneer rm " +
           problem.containers.at(0) + "` ends it";
  }
  return problem.what;
}

}  // namespace veneer
