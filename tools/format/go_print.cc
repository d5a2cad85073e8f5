// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "layerdb/base/parse.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

using Kind = GoValue::Kind;

// Widths and precisions beyond are not read by Go either.
constexpr int64_t kMaxWidth = 1'000'000;

struct Flags {
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  bool plus_v = false, sharp_v = false;  // %+v, %#v
  std::optional<int64_t> width, precision;
};

class Printer {
 public:
  bool too_long() const { return too_long_; }
  std::string Take() { return std::move(out_); }
  void Write(std::string_view text) { out_ += text; }
  Flags& flags() { return flags_; }

  // One argument. nil is told as such, and %T shows the type.
  void Argument(const GoValue& value, char32_t verb) {
    const bool nil = value.kind() == Kind::kMissing || value.kind() == Kind::kNil;
    if (nil && (verb == 'T' || verb == 'v')) return Pad("<nil>");
    if (nil) return BadVerb(value, verb);
    if (verb == 'T') return Pad(Cut(value.TypeName()));
    if (verb == 'p') return value.is_nil() ? Write("0x0") : BadVerb(value, verb);
    Value(value, verb);
  }

  void BadIndex(char32_t verb) { Complain(verb, "(BADINDEX)"); }
  void Missing(char32_t verb) { Complain(verb, "(MISSING)"); }

  void Extra(std::span<const GoValue> values) {
    flags_ = {};
    Write("%!(EXTRA ");
    for (const GoValue& value : values) {
      if (&value != &values.front()) Write(", ");
      const bool nil = value.kind() == Kind::kMissing || value.kind() == Kind::kNil;
      if (!nil) Write(value.TypeName() + "=");
      Argument(value, 'v');
    }
    Write(")");
  }

 private:
  void Complain(char32_t verb, std::string_view what) {
    Write("%!");
    AppendCharacter(verb, &out_);
    Write(what);
  }

  void BadVerb(const GoValue& value, char32_t verb) {
    Complain(verb, "(");
    const bool nil = value.kind() == Kind::kMissing || value.kind() == Kind::kNil;
    if (nil) {
      Write("<nil>");
    } else {
      Write(value.TypeName() + "=");
      Value(value, 'v');
    }
    Write(")");
  }

  void Value(const GoValue& value, char32_t verb) {
    switch (value.kind()) {
      case Kind::kMissing:
      case Kind::kNil: return Write(flags_.sharp_v ? "interface {}(nil)" : "<nil>");
      case Kind::kPointer: return Pointer(value, verb);
      case Kind::kBool:
        if (verb != 't' && verb != 'v') return BadVerb(value, verb);
        return Pad(value.boolean() ? "true" : "false");
      case Kind::kInt:
      case Kind::kByte: return Whole(value, verb);
      case Kind::kFloat: return Fraction(value, verb);
      case Kind::kString: return Text(value, verb);
      case Kind::kList:
      case Kind::kMap:
      case Kind::kStruct: break;
    }
    if (verb == 'w') return BadVerb(value, verb);
    Several(value, verb);
  }

  void Several(const GoValue& value, char32_t verb) {
    const bool list = value.kind() == Kind::kList;
    const bool map = value.kind() == Kind::kMap;
    if (flags_.sharp_v) {
      Write(value.TypeName());
      if (value.is_nil()) return Write("(nil)");
    }
    Write(flags_.sharp_v || value.kind() == Kind::kStruct ? "{" : list ? "[" : "map[");
    for (int64_t i = 0; i < value.size() && !too_long_; ++i) {
      if (i > 0) Write(flags_.sharp_v ? ", " : " ");
      if (list) {
        Value(value.at(i), verb);
        continue;
      }
      const auto& [name, member] = value.members()[i];
      if (map) {
        Value(GoValue::String(name), verb);
        Write(":");
      } else if (flags_.plus_v || flags_.sharp_v) {
        Write(name + ":");
      }
      Value(member, verb);
    }
    Write(flags_.sharp_v || value.kind() == Kind::kStruct ? "}" : "]");
  }

  void Pointer(const GoValue& value, char32_t verb) {
    if (verb == 'v')
      return flags_.sharp_v ? Write("(" + value.TypeName() + ")(nil)") : Pad("<nil>");
    if (std::u32string_view(U"bodxX").find(verb) == std::u32string_view::npos) {
      return BadVerb(value, verb);
    }
    Digits(0, false, verb == 'b' ? 2 : verb == 'o' ? 8 : verb == 'd' ? 10 : 16, verb);
  }

  // --- numbers -----------------------------------------------------------------------------------

  void Whole(const GoValue& value, char32_t verb) {
    const auto number = static_cast<uint64_t>(value.number());
    const bool is_signed = value.kind() == Kind::kInt;
    switch (verb) {
      case 'v':
        if (flags_.sharp_v && !is_signed) {
          flags_.sharp = true;
          Digits(number, false, 16, 'v');
          flags_.sharp = false;
          return;
        }
        return Digits(number, is_signed, 10, verb);
      case 'd': return Digits(number, is_signed, 10, verb);
      case 'b': return Digits(number, is_signed, 2, verb);
      case 'o':
      case 'O': return Digits(number, is_signed, 8, verb);
      case 'x':
      case 'X': return Digits(number, is_signed, 16, verb);
      case 'c':
      case 'q': {
        std::string text;
        AppendCharacter(number > kLastCharacter ? kNoCharacter : static_cast<uint32_t>(number),
                        &text);
        return Pad(verb == 'c' ? text : GoQuote(text, '\'', flags_.plus));
      }
      case 'U': return Unicode(number);
      default: return BadVerb(value, verb);
    }
  }

  void Digits(uint64_t number, bool is_signed, int base, char32_t verb) {
    const bool negative = is_signed && static_cast<int64_t>(number) < 0;
    if (negative) number = -number;
    if (flags_.precision == 0 && number == 0) return Spaces(flags_.width.value_or(0));
    int64_t least = flags_.precision.value_or(0);
    if (!flags_.precision && flags_.zero && flags_.width) {
      least = *flags_.width - (negative || flags_.plus || flags_.space ? 1 : 0);
    }
    std::array<char, 64> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, base);
    std::string text(buffer.data(), end.ptr);
    if (verb == 'X') {
      for (char& c : text) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
    }
    if (least > static_cast<int64_t>(text.size())) text.insert(0, least - text.size(), '0');
    if (flags_.sharp && base == 2) text.insert(0, "0b");
    if (flags_.sharp && base == 8 && text[0] != '0') text.insert(0, "0");
    if (flags_.sharp && base == 16) text.insert(0, verb == 'X' ? "0X" : "0x");
    if (verb == 'O') text.insert(0, "0o");
    text.insert(0, negative ? "-" : flags_.plus ? "+" : flags_.space ? " " : "");
    PadWithSpaces(text);
  }

  void Unicode(uint64_t number) {
    std::array<char, 32> digits;
    const int n =
        snprintf(digits.data(), digits.size(), "%llX", static_cast<unsigned long long>(number));
    std::string text(digits.data(), n);
    const int64_t least = std::max<int64_t>(4, flags_.precision.value_or(4));
    if (least > n) text.insert(0, least - n, '0');
    text.insert(0, "U+");
    if (flags_.sharp && number <= kLastCharacter && IsGoPrintable(static_cast<uint32_t>(number))) {
      text += " '";
      AppendCharacter(static_cast<uint32_t>(number), &text);
      text += "'";
    }
    PadWithSpaces(text);
  }

  void Fraction(const GoValue& value, char32_t verb) {
    if (std::u32string_view(U"vbgGxXfFeE").find(verb) == std::u32string_view::npos) {
      return BadVerb(value, verb);
    }
    const char letter = verb == 'v' ? 'g' : verb == 'F' ? 'f' : static_cast<char>(verb);
    const bool exact = letter == 'f' || letter == 'e' || letter == 'E';
    const int64_t precision = flags_.precision.value_or(exact ? 6 : -1);
    std::string text = FloatDigits(std::fabs(value.real()), letter, precision);
    if (flags_.sharp && letter != 'b') KeepPoint(letter, precision, &text);
    const char sign = std::signbit(value.real()) ? '-'
                      : flags_.plus              ? '+'
                      : flags_.space             ? ' '
                                                 : '\0';
    if (sign == '\0') return Pad(text);
    const auto width = static_cast<int64_t>(text.size()) + 1;
    if (flags_.zero && flags_.width && *flags_.width > width) {
      out_ += sign;
      Fill(*flags_.width - width, '0');
      return Write(text);
    }
    Pad(sign + text);
  }

  static std::string FloatDigits(double value, char letter, int64_t precision) {
    if (letter == 'b') {
      int exponent = 0;
      const double mantissa = std::frexp(value, &exponent);
      if (value == 0) exponent = -1021;  // that of the smallest number
      return std::to_string(static_cast<uint64_t>(std::ldexp(mantissa, 53))) + "p" +
             (exponent > 53 ? "+" : "") + std::to_string(exponent - 53);
    }
    if (precision < 0 && (letter == 'g' || letter == 'G')) {
      std::string text = ShortestFloat(value, false);
      if (letter == 'G') std::ranges::replace(text, 'e', 'E');
      return text;
    }
    const char kind = letter == 'x' ? 'a' : letter == 'X' ? 'A' : letter;
    const std::string format = precision < 0 ? std::string("%") + kind : std::string("%.*") + kind;
    // DBL_MAX has 309 digits before the point.
    std::string text(static_cast<size_t>(std::max<int64_t>(precision, 0)) + 400, '\0');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int n = precision < 0 ? snprintf(text.data(), text.size(), format.c_str(), value)
                                : snprintf(text.data(), text.size(), format.c_str(),
                                           static_cast<int>(precision), value);
#pragma GCC diagnostic pop
    text.resize(n < 0 ? 0 : std::min<size_t>(n, text.size() - 1));
    if (kind == 'a' || kind == 'A') MendHex(&text);
    return text;
  }

  // From how C writes a hexadecimal fraction: Go begins with a 1 also after rounding up, and its
  // exponent has at least two digits.
  static void MendHex(std::string* text) {
    const size_t p = text->find_first_of("pP");
    std::string_view written = std::string_view(*text).substr(p + 1);
    if (written.starts_with('+')) written.remove_prefix(1);
    int exponent = ParseNumber<int>(written).value_or(0);
    if ((*text)[2] == '2') {
      (*text)[2] = '1';
      ++exponent;
    }
    std::array<char, 8> digits;
    const int n = snprintf(digits.data(), digits.size(), "%+03d", exponent);
    text->replace(p + 1, std::string::npos, digits.data(), n);
  }

  // The flag #: a decimal point in every case, and for %g the zeros behind it.
  static void KeepPoint(char letter, int64_t precision, std::string* text) {
    const bool hex = letter == 'x' || letter == 'X';
    const bool general = letter == 'g' || letter == 'G' || letter == 'x';
    int64_t digits = !general ? 0 : precision < 0 ? 6 : precision;
    const size_t end = std::min(text->find_first_of(hex ? "pP" : "eEpP"), text->size());
    const std::string tail = text->substr(end);
    text->resize(end);
    bool seen = false;
    for (const char c : *text) {
      if (c == '.') continue;
      seen = seen || c != '0';
      digits -= seen ? 1 : 0;
    }
    if (text->find('.') == std::string::npos) {
      if (*text == "0") --digits;
      *text += '.';
    }
    if (digits > 0) text->append(digits, '0');
    *text += tail;
  }

  // --- strings -----------------------------------------------------------------------------------

  void Text(const GoValue& value, char32_t verb) {
    const std::string& text = value.text();
    if (verb == 's' || (verb == 'v' && !flags_.sharp_v)) return Pad(Cut(text));
    if (verb == 'x' || verb == 'X') return HexBytes(text, verb == 'X');
    if (verb != 'q' && verb != 'v') return BadVerb(value, verb);
    const std::string cut = Cut(text);
    if (flags_.sharp && CanBackquote(cut)) return Pad("`" + cut + "`");
    Pad(GoQuote(cut, '"', flags_.plus));
  }

  std::string Cut(const std::string& text) const {
    if (!flags_.precision) return text;
    std::string_view rest = text;
    for (int64_t left = *flags_.precision; left > 0 && !rest.empty(); --left) TakeCharacter(&rest);
    return text.substr(0, text.size() - rest.size());
  }

  void HexBytes(std::string_view text, bool upper) {
    if (flags_.precision) text = text.substr(0, *flags_.precision);
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    const std::string prefix = upper ? "0X" : "0x";
    std::string hex;
    for (size_t i = 0; i < text.size(); ++i) {
      if (flags_.space && i > 0) hex += ' ';
      if (flags_.sharp && (flags_.space || i == 0)) hex += prefix;
      const auto byte = static_cast<unsigned char>(text[i]);
      hex += digits[byte >> 4];
      hex += digits[byte & 15];
    }
    Pad(hex);
  }

  // --- padding -----------------------------------------------------------------------------------

  void Fill(int64_t count, char with) {
    if (count <= 0 || too_long_) return;
    too_long_ = out_.size() + static_cast<size_t>(count) > kMaxTemplateText;
    if (!too_long_) out_.append(count, with);
  }

  void Spaces(int64_t count) { Fill(count, ' '); }

  void Pad(const std::string& text) { Pad(text, flags_.zero ? '0' : ' '); }
  void PadWithSpaces(const std::string& text) { Pad(text, ' '); }

  void Pad(const std::string& text, char with) {
    if (!flags_.width) return Write(text);
    const int64_t missing = flags_.width.value_or(0) - static_cast<int64_t>(CountCharacters(text));
    if (!flags_.minus) Fill(missing, with);
    Write(text);
    if (flags_.minus) Fill(missing, with);
  }

  std::string out_;
  Flags flags_;
  bool too_long_ = false;
};

// Reads a format, and has its verbs printed.
class Format {
 public:
  Format(std::string_view format, std::span<const GoValue> values)
      : format_(format), values_(values) {}

  Result<std::string> Run() {
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      printer_.Write(format_.substr(at_, percent - at_));
      at_ = percent + 1;
      if (percent < format_.size()) Verb();
      if (printer_.too_long()) {
        return MakeError(
            "template: printf: it makes more than " + std::to_string(kMaxTemplateText) + " bytes",
            ExitCode::kUsage);
      }
    }
    if (!reordered_ && next_ < values_.size()) printer_.Extra(values_.subspan(next_));
    return printer_.Take();
  }

 private:
  bool At(char c) const { return at_ < format_.size() && format_[at_] == c; }

  void Verb() {
    good_index_ = true;
    Flags& flags = printer_.flags();
    flags = {};
    for (; at_ < format_.size(); ++at_) {
      const char c = format_[at_];
      if (c == '#') {
        flags.sharp = true;
      } else if (c == '0') {
        flags.zero = !flags.minus;
      } else if (c == '+') {
        flags.plus = true;
      } else if (c == '-') {
        flags.minus = true;
        flags.zero = false;
      } else if (c == ' ') {
        flags.space = true;
      } else {
        break;
      }
    }
    bool after_index = Index();
    after_index = Width(&flags, after_index);
    after_index = Precision(&flags, after_index);
    if (!after_index) Index();
    if (at_ >= format_.size()) return printer_.Write("%!(NOVERB)");
    std::string_view rest = format_.substr(at_);
    const char32_t verb = TakeCharacter(&rest);
    at_ = format_.size() - rest.size();
    if (verb == '%') return printer_.Write("%");
    if (!good_index_) return printer_.BadIndex(verb);
    if (next_ >= values_.size()) return printer_.Missing(verb);
    if (verb == 'v') {
      flags.sharp_v = flags.sharp;
      flags.plus_v = flags.plus;
      flags.sharp = flags.plus = false;
    }
    printer_.Argument(values_[next_++], verb);
  }

  bool Width(Flags* flags, bool after_index) {
    if (At('*')) {
      ++at_;
      flags->width = NumberArgument();
      if (!flags->width) printer_.Write("%!(BADWIDTH)");
      if (flags->width && *flags->width < 0) {
        flags->width = -*flags->width;
        flags->minus = true;
        flags->zero = false;
      }
      return false;
    }
    flags->width = Number();
    if (after_index && flags->width) good_index_ = false;
    return after_index;
  }

  bool Precision(Flags* flags, bool after_index) {
    if (!At('.') || at_ + 1 >= format_.size()) return after_index;
    ++at_;
    if (after_index) good_index_ = false;
    after_index = Index();
    if (!At('*')) {
      flags->precision = Number().value_or(0);
      return after_index;
    }
    ++at_;
    flags->precision = NumberArgument();
    if (flags->precision && *flags->precision < 0) flags->precision.reset();
    if (!flags->precision) printer_.Write("%!(BADPREC)");
    return false;
  }

  // "[3]": the argument to take. True when there is one.
  bool Index() {
    if (!At('[')) return false;
    reordered_ = true;
    const size_t close = format_.find(']', at_);
    if (close == std::string_view::npos || format_.size() - at_ < 3) {
      ++at_;
      good_index_ = false;
      return false;
    }
    const std::string_view inside = format_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    int64_t number = 0;
    const bool whole =
        !inside.starts_with('-') && ParseNumber(inside, &number) && number <= kMaxWidth;
    if (whole && number >= 1 && number <= static_cast<int64_t>(values_.size())) {
      next_ = number - 1;
      return true;
    }
    good_index_ = false;
    return whole;
  }

  std::optional<int64_t> Number() {
    std::optional<int64_t> number;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
      if (number.value_or(0) > kMaxWidth) {
        at_ = format_.size();  // as Go does with a number that is too large
        return std::nullopt;
      }
      number = number.value_or(0) * 10 + (format_[at_++] - '0');
    }
    return number;
  }

  // A width or precision that an argument gives.
  std::optional<int64_t> NumberArgument() {
    if (next_ >= values_.size()) return std::nullopt;
    const GoValue& value = values_[next_++];
    if (value.kind() != Kind::kInt && value.kind() != Kind::kByte) return std::nullopt;
    if (value.number() > kMaxWidth || value.number() < -kMaxWidth) return std::nullopt;
    return value.number();
  }

  const std::string_view format_;
  const std::span<const GoValue> values_;
  Printer printer_;
  size_t at_ = 0;
  size_t next_ = 0;  // the argument to be shown
  bool reordered_ = false;
  bool good_index_ = true;
};

}  // namespace

std::string GoText(const GoValue& value) { return GoSprint({&value, 1}); }

std::string GoSprint(std::span<const GoValue> values) {
  Printer printer;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto is_string = [&](size_t at) { return values[at].kind() == Kind::kString; };
    if (i > 0 && !is_string(i) && !is_string(i - 1)) printer.Write(" ");
    printer.Argument(values[i], 'v');
  }
  return printer.Take();
}

std::string GoSprintln(std::span<const GoValue> values) {
  Printer printer;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) printer.Write(" ");
    printer.Argument(values[i], 'v');
  }
  printer.Write("\n");
  return printer.Take();
}

Result<std::string> GoSprintf(std::string_view format, std::span<const GoValue> values) {
  return Format(format, values).Run();
}

}  // namespace veneer
