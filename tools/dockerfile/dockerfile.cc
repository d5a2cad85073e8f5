// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/dockerfile.h"

#include <algorithm>
#include <array>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/directives.h"
#include "tools/dockerfile/flags.h"
#include "tools/dockerfile/heredoc.h"
#include "tools/dockerfile/json_list.h"
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// What the parser is to know of an instruction.
struct Syntax {
  std::string_view name;
  bool flags = false;
  bool list = false;
  bool heredocs = false;
};

constexpr std::array<Syntax, 18> kSyntax = {{{"ADD", true, true, true},
                                             {"ARG"},
                                             {"CMD", false, true},
                                             {"COPY", true, true, true},
                                             {"ENTRYPOINT", false, true},
                                             {"ENV"},
                                             {"EXPOSE"},
                                             {"FROM", true},
                                             {"HEALTHCHECK", true},
                                             {"LABEL"},
                                             {"MAINTAINER"},
                                             {"ONBUILD"},
                                             {"RUN", true, true, true},
                                             {"SHELL", false, true},
                                             {"STOPSIGNAL"},
                                             {"USER"},
                                             {"VOLUME", false, true},
                                             {"WORKDIR"}}};

const Syntax* FindSyntax(std::string_view name) {
  const auto found = std::ranges::find(kSyntax, name, &Syntax::name);
  return found == kSyntax.end() ? nullptr : &*found;
}

// One letter too many, missing or wrong, or the letters in another order.
bool IsSlipOf(std::string typed, std::string name) {
  const auto [a, b] = std::ranges::mismatch(typed, name);
  std::string_view left(a, typed.end());
  std::string_view right(b, name.end());
  while (!left.empty() && !right.empty() && left.back() == right.back()) {
    left.remove_suffix(1);
    right.remove_suffix(1);
  }
  if (left.size() <= 1 && right.size() <= 1) return true;
  std::ranges::sort(typed);
  std::ranges::sort(name);
  return typed == name;
}

tl::unexpected<Error> UnknownInstruction(const std::string& name) {
  std::string text = "unknown instruction: " + Printable(name.substr(0, 80));
  for (const Syntax& each : kSyntax) {
    if (!IsSlipOf(name, std::string(each.name))) continue;
    return InstructionError(text + "; did you mean " + std::string(each.name) + "?");
  }
  return InstructionError(text);
}

// An instruction whose lines are joined; the heredocs are still to come.
struct Head {
  Instruction instruction;
  bool heredocs = false;  // it may have some
};

Result<Head> ParseHead(std::string_view line) {
  Head head;
  Instruction& out = head.instruction;
  out.original = TrimBlanks(line);
  const auto [word, rest] = SplitFirstWord(line);
  out.name = UpperCase(word);
  const Syntax* const syntax = FindSyntax(out.name);
  if (syntax == nullptr) return UnknownInstruction(out.name);
  std::string_view arguments = rest;
  const auto fail = [&](Error error) { return tl::unexpected(std::move(error).Context(out.name)); };
  if (syntax->flags) {
    Result<SplitFlags> split = ParseFlags(arguments);
    if (!split) return fail(std::move(split).error());
    out.flags = std::move(split->flags);
    arguments = split->rest;
  }
  out.arguments = arguments;
  if (syntax->list) {
    auto list = ParseJsonStrings(arguments);
    if (!list) return fail(std::move(list).error());
    out.list = *std::move(list);
  }
  head.heredocs = syntax->heredocs && !out.list;
  if (out.name == "ONBUILD" && !arguments.empty()) {
    // Another ONBUILD is refused where it would be stored; a thousand of them are not read here.
    if (UpperCase(SplitFirstWord(arguments).first) == "ONBUILD") return head;
    Result<Head> inner = ParseHead(arguments);
    if (!inner) return fail(std::move(inner).error());
    head.heredocs = inner->heredocs;
  }
  return head;
}

// The lines of a text, counted.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  // With its end; nullopt: there is no more.
  std::optional<std::string_view> NextWithEnd() {
    if (text_.empty()) return std::nullopt;
    const size_t end = text_.find('\n');
    const std::string_view line = text_.substr(0, end == std::string_view::npos ? end : end + 1);
    text_.remove_prefix(line.size());
    ++number_;
    return line;
  }
  std::optional<std::string_view> Next() {
    const auto line = NextWithEnd();
    if (!line) return std::nullopt;
    return WithoutEnd(*line);
  }
  static std::string_view WithoutEnd(std::string_view line) {
    return line.substr(0, line.find_last_not_of("\r\n") + 1);
  }
  int number() const { return number_; }  // of the line that came last

 private:
  std::string_view text_;
  int number_ = 0;
};

class FileParser {
 public:
  // `directives`: the first lines may be some.
  FileParser(std::string_view text, bool directives) : lines_(text), directives_(directives) {}

  Result<Dockerfile> Run() {
    while (const auto line = lines_.Next()) {
      first_ = lines_.number();
      if (Result<void> taken = Take(*line); !taken) {
        return tl::unexpected(std::move(taken).error().Context("line " + std::to_string(first_)));
      }
    }
    return std::move(file_);
  }

 private:
  static bool IsComment(std::string_view line) { return TrimBlanks(line).starts_with('#'); }

  // The line goes on in the next one: takes the escape character at its end away. Two of them are
  // one that is escaped.
  bool TakeContinuation(std::string_view* line) const {
    const std::string_view text = line->substr(0, line->find_last_not_of(" \t") + 1);
    if (!text.ends_with(file_.escape)) return false;
    if (text.size() > 1 && text[text.size() - 2] == file_.escape) return false;
    *line = text.substr(0, text.size() - 1);
    return true;
  }

  Result<void> Take(std::string_view line) {
    if (directives_) VENEER_TRY_VOID(reader_.Take(line, &file_));
    if (IsComment(line) || TrimBlanks(line).empty()) return {};
    const std::string joined = Join(line);
    if (TrimBlanks(joined).empty()) return {};
    VENEER_TRY(Head head, ParseHead(joined));
    if (head.heredocs) VENEER_TRY_VOID(ReadHeredocs(joined, &head.instruction));
    head.instruction.first_line = first_;
    head.instruction.last_line = lines_.number();
    file_.instructions.push_back(std::move(head.instruction));
    return {};
  }

  // The lines that the first one goes on in, without comments and blank lines.
  std::string Join(std::string_view line) {
    std::string joined;
    int blank = 0;  // the first blank line
    bool warned = false;
    bool goes_on = TakeContinuation(&line);
    joined += line;
    while (goes_on) {
      const auto next = lines_.Next();
      if (!next) break;
      if (IsComment(*next)) continue;
      if (TrimBlanks(*next).empty()) {
        if (blank == 0) blank = lines_.number();
        continue;
      }
      if (blank != 0 && !warned) {
        warned = true;
        file_.warnings.push_back({blank, "this blank line does not end the instruction of line " +
                                             std::to_string(first_) + ", which ends with " +
                                             file_.escape + ": line " +
                                             std::to_string(lines_.number()) + " belongs to it"});
      }
      line = *next;
      goes_on = TakeContinuation(&line);
      joined += line;
    }
    return joined;
  }

  Result<void> ReadHeredocs(std::string_view joined, Instruction* instruction) {
    for (HeredocMark& mark : FindHeredocs(joined)) {
      Heredoc document{.name = std::move(mark.name), .content = {}, .expand = mark.expand};
      while (true) {
        auto line = lines_.NextWithEnd();
        if (!line) {
          return InstructionError(instruction->name + ": the heredoc <<" +
                                  Printable(document.name) + " does not end: no line is " +
                                  Printable(document.name));
        }
        if (mark.strip_tabs) {
          line->remove_prefix(std::min(line->find_first_not_of('\t'), line->size()));
        }
        if (Lines::WithoutEnd(*line) == document.name) break;
        document.content += *line;
      }
      instruction->heredocs.push_back(std::move(document));
    }
    return {};
  }

  Lines lines_;
  const bool directives_;
  DirectiveReader reader_;
  int first_ = 0;  // line of the instruction that is read
  Dockerfile file_;
};

Result<void> CheckText(std::string_view text) {
  if (text.size() > kMaxDockerfileBytes) {
    return InstructionError("the Dockerfile has more than 1 MiB");
  }
  if (text.find('\0') != std::string_view::npos) {
    return InstructionError("the Dockerfile is no text: there is a NUL in it");
  }
  return {};
}

}  // namespace

Result<Dockerfile> ParseDockerfile(std::string_view text) {
  VENEER_TRY_VOID(CheckText(text));
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  VENEER_TRY(Dockerfile file, FileParser(text, /*directives=*/true).Run());
  if (file.instructions.empty()) return InstructionError("the Dockerfile is empty");
  for (const Instruction& each : file.instructions) {
    if (each.name == "FROM") return file;
    if (each.name == "ARG") continue;
    return InstructionError("line " + std::to_string(each.first_line) + ": " + each.name +
                            " before the first FROM: only ARG may stand there");
  }
  return InstructionError("the Dockerfile has no FROM");
}

Result<Instruction> ParseInstruction(std::string_view text) {
  VENEER_TRY_VOID(CheckText(text));
  VENEER_TRY(Dockerfile file, FileParser(text, /*directives=*/false).Run());
  if (file.instructions.empty()) return InstructionError("the instruction is missing");
  if (file.instructions.size() > 1) {
    return InstructionError("line " + std::to_string(file.instructions[1].first_line) +
                            ": another instruction, where one is expected");
  }
  return std::move(file.instructions.front());
}

}  // namespace veneer
