#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each check accepts a clean small tree and finds the fault that is planted in it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

_HERE = pathlib.Path(__file__).resolve().parent
_SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
_HASH_SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
_PAGE = """.\\" SPDX-License-Identifier: Apache-2.0
.Dd January 1, 2025
.Dt X 1
.Os
.Sh NAME
.Nm x
.Nd a page
"""
_HELP = """#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
case "$1" in
  import) echo '  --progress MODE' ;;
  --help) echo '  --root DIR' ;;
  *) exit 2 ;;
esac
"""
# Makes a package as cpack does, of folder deb/ of the tree.
_CPACK = """#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
for program in dpkg-shlibdeps file; do
  if ! command -v $program > /dev/null; then
    echo "$program is missing"
    exit 1
  fi
done
mkdir -p "$4"
cp -r "$(dirname "$0")/../deb" "$4/tree"
gzip -r "$4/tree/usr/share/man" "$4/tree/usr/share/doc/veneer/changelog"
dpkg-deb --root-owner-group --build "$4/tree" "$4/veneer.deb"
"""
# Installs under /usr/local as cmake does.
_CMAKE = """#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
mkdir -p "$DESTDIR/sbin" "$DESTDIR$4/sbin"
for helper in "$2"/deb/usr/sbin/*; do
  cp "$helper" "$DESTDIR$4/sbin/"
  ln -s "$4/sbin/$(basename "$helper")" "$DESTDIR/sbin/"
done
"""
_MOUNT_HELPER = """#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
echo "$(basename "$0"): what is to be mounted?"
exit 1
"""
_CONTROL = """Package: veneer
Version: 1
Architecture: all
Maintainer: Somebody <somebody@veneer.invalid>
Depends: libc6 (>= 2.36), libfuse3-3, liblmdb0
Description: a package
"""
_COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
The text is /usr/share/common-licenses/Apache-2.0
"""


class ChecksTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("layerdb/model/entry.h", _SPDX + "#include <string>\n")
        self.write("layerdb/store/store.cc", _SPDX + '#include "layerdb/model/entry.h"\n#include <unistd.h>\n')
        self.write("layerdb/index/db.cc", _SPDX + "#include <lmdb.h>\n")
        self.write("tests/unit/model/CMakeLists.txt", _HASH_SPDX + "veneer_test(SOURCES entry_test.cc)\n")
        self.write("tests/unit/model/entry_test.cc", _SPDX + '#include "layerdb/model/entry.h"\n')
        self.write("scripts/hello", '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho "$1"\n', 0o755)
        self.write("man/x.1", _PAGE)
        self.write("build/ignored.cc", "#include <lmdb.h>\n" * 700)
        self.write("README.md", "[more](CONTRIBUTING.md)\n```sh\nscripts/hello   # greets\nveneer import --progress=none - a; "
                   "veneer import b\n```\n")
        self.write("CONTRIBUTING.md", "```sh\nscripts/hello --preset debug\n```\n")
        self.write("bench/README.md", "")
        self.write("docs/formats.md", "")
        self.write("CMakePresets.json", '{"configurePresets": [{"name": "debug"}]}')
        self.write("bin/veneer", _HELP, 0o755)
        self.write("bin/cpack", _CPACK, 0o755)
        self.write("deb/DEBIAN/control", _CONTROL)
        for name in ("veneer", "veneerfs"):
            self.write(f"deb/usr/bin/{name}", f"#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho {name} 1\n", 0o755)
        self.write("bin/cmake", _CMAKE, 0o755)
        for name in ("mount.veneerfs", "mount.fuse.veneerfs", "umount.veneerfs", "umount.fuse.veneerfs"):
            self.write(f"deb/usr/sbin/{name}", _MOUNT_HELPER, 0o755)
        self.write("deb/usr/share/man/man1/x.1", _PAGE)
        self.write("deb/usr/share/doc/veneer/changelog", "news")
        self.write("deb/usr/share/doc/veneer/copyright", _COPYRIGHT)

    def write(self, path, text, mode=0o644):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def run_check(self, name):
        program = self.root / "bin/veneer"
        more = [f"--veneer={program}", f"--veneerfs={program}"] if name == "readme" else []
        if name == "package":
            more = [f"--build={self.root}", f"--cpack={self.root / 'bin/cpack'}", f"--cmake={self.root / 'bin/cmake'}"]
        return subprocess.run([sys.executable, _HERE / f"{name}.py", f"--root={self.root}", *more],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def assert_clean(self, name):
        result = self.run_check(name)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def assert_finds(self, name, expected):
        result = self.run_check(name)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(expected, result.stdout)

    def test_the_small_tree_is_clean(self):
        for path in sorted(_HERE.glob("*.py")):
            if path.stem not in ("tree", "checks_test"):
                with self.subTest(path.stem):
                    self.assert_clean(path.stem)

    def test_includes_finds_a_header_against_the_arrow(self):
        self.write("layerdb/model/entry.h", _SPDX + '#include "layerdb/store/store.h"\n')
        self.write("layerdb/store/store.h", _SPDX)
        self.assert_finds("includes", "layerdb/model/entry.h:2: layerdb/model must not include layerdb/store/store.h")

    def test_includes_finds_a_library_away_from_home(self):
        self.write("layerdb/store/store.cc", _SPDX + "#include <lmdb.h>\n")
        self.assert_finds("includes", "<lmdb.h> belongs to layerdb/index only")

    def test_includes_finds_an_unknown_library(self):
        self.write("layerdb/store/store.cc", _SPDX + "#include <boost/any.hpp>\n")
        self.assert_finds("includes", "<boost/any.hpp> is neither")

    def test_includes_finds_a_system_call_in_the_model(self):
        self.write("layerdb/model/entry.h", _SPDX + "#include <unistd.h>\n")
        self.assert_finds("includes", "makes no system call")

    def test_includes_finds_a_relative_path(self):
        self.write("layerdb/store/store.cc", _SPDX + '#include "../model/entry.h"\n')
        self.assert_finds("includes", "is not a path from the root")

    def test_tests_listed_finds_a_forgotten_test(self):
        self.write("tests/unit/model/other_test.cc", _SPDX)
        self.assert_finds("tests_listed", "other_test.cc:1: not named")

    def test_tests_listed_does_not_count_a_comment(self):
        self.write("tests/unit/model/CMakeLists.txt", _HASH_SPDX + "# veneer_test(SOURCES entry_test.cc)\n")
        self.assert_finds("tests_listed", "entry_test.cc:1: not named")

    def test_file_length_finds_line_601(self):
        self.write("layerdb/store/store.cc", _SPDX * 600)
        self.assert_clean("file_length")
        self.write("layerdb/store/store.cc", _SPDX * 601)
        self.assert_finds("file_length", "601 lines")

    def test_spdx_finds_a_missing_line(self):
        self.write("layerdb/store/store.cc", "int x;\n")
        self.assert_finds("spdx", "layerdb/store/store.cc:1")

    def test_spdx_finds_a_script_without_ending(self):
        self.write("scripts/hello", "#!/bin/sh\necho\n")
        self.assert_finds("spdx", "scripts/hello:1")

    def test_leftovers_finds_marks_and_disabled_tests(self):
        for text in ("TO" "DO later", "return ENOSYS;  // not imple" "mented", "TEST(A, DISAB" "LED_b)", "GTEST_" "SKIP();"):
            with self.subTest(text):
                self.write("layerdb/store/store.cc", _SPDX + f"// {text}\n")
                self.assert_finds("leftovers", "layerdb/store/store.cc:2")

    def test_command_words_finds_advice_of_the_library(self):
        for text in ('"x is damaged; run `veneer fsck`"', '"use --force"'):
            with self.subTest(text):
                self.write("layerdb/store/store.cc", _SPDX + f"auto text = {text};\n")
                self.assert_finds("command_words", "layerdb/store/store.cc:2")

    def test_comment_width_finds_column_101(self):
        self.write("layerdb/model/entry.h", _SPDX + "// " + "x" * 97 + '\nconst char* url = "https://' + "x" * 90 + '";\n')
        self.write("scripts/hello", "#!/bin/sh\n# " + "x" * 98 + "\necho " + "x" * 100 + "\n", 0o755)
        self.assert_clean("comment_width")
        self.write("scripts/hello", "#!/bin/sh\n  # " + "x" * 97 + "\n", 0o755)
        self.assert_finds("comment_width", "scripts/hello:2: 101 columns")
        self.write("layerdb/model/entry.h", _SPDX + "int a;  // " + "x" * 90 + "\n")
        self.assert_finds("comment_width", "layerdb/model/entry.h:2: 101 columns")

    def test_shell_finds_an_unquoted_variable(self):
        self.write("scripts/hello", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\nrm $1\n")
        self.assert_finds("shell", "SC2086")

    def test_type_names_finds_two_types_of_one_name(self):
        self.write("layerdb/base/twice.h", "// SPDX-License-Identifier: Apache-2.0\nstruct One {};\n")
        self.write("tools/format/twice.h", "// SPDX-License-Identifier: Apache-2.0\nclass SCOPED_CAPABILITY One final {\n")
        self.assert_finds("type_names", "tools/format/twice.h:2: One is defined at layerdb/base/twice.h:2 too")

    def test_formats_finds_a_header_that_is_missing_and_one_that_is_not_named(self):
        self.write("layerdb/index/seal.cc", _SPDX + 'constexpr std::string_view kMagic = "VNRINDEX";\n')
        self.write("docs/formats.md", "| index | [seal.h](../layerdb/index/seal.h) |\n")
        self.assert_finds("formats", "docs/formats.md:1: there is no layerdb/index/seal.h")
        self.write("layerdb/index/seal.h", _SPDX)
        self.assert_clean("formats")
        self.write("layerdb/store/store.h", _SPDX + "inline constexpr uint32_t kStoreFormat = 1;\n")
        self.assert_finds("formats", "layerdb/store/store.h:2: ")

    def test_system_calls_finds_one_away_from_home(self):
        self.write("layerdb/base/sys.cc", _SPDX + "return ::open(path, flags);\n")
        self.write("layerdb/store/store.cc", _SPDX + '// open(2)\nsys::Rename(a, b); x.open("unlink()");\n')
        self.assert_clean("system_calls")
        for call in ("open(path, flags)", "::fsync(fd)", "if (unlink(path) != 0) {", "!renameat2(a, b, c, d, 0)"):
            with self.subTest(call):
                self.write("layerdb/store/store.cc", _SPDX + call + ";\n")
                self.assert_finds("system_calls", "layerdb/store/store.cc:2: ")
        self.write("layerdb/store/store.cc", _SPDX)
        self.write("fs/help.cc", _SPDX + 'R"(\nfsync(2)\n)";\n')
        self.assert_clean("system_calls")
        self.write("tools/run/run.cc", _SPDX + 'Text(R"(\n)");\nmkdir(path, 0755);\n')
        self.assert_finds("system_calls", "tools/run/run.cc:4: ")

    def test_locks_finds_one_that_has_no_annotations(self):
        self.write("layerdb/base/mutex.h", _SPDX + "std::mutex mutex_;\n")
        self.write("layerdb/store/store.cc", _SPDX + "// a std::mutex\nMutex mutex;\n")
        self.assert_clean("locks")
        for use in ("std::mutex mutex_", "const std::lock_guard lock(x)", "std::shared_mutex m", "std::condition_variable c"):
            with self.subTest(use):
                self.write("layerdb/store/store.cc", _SPDX + use + ";\n")
                self.assert_finds("locks", "layerdb/store/store.cc:2: ")

    def test_number_parsing_finds_another_parser(self):
        self.write("layerdb/base/parse.h", _SPDX + "std::from_chars(begin, end, value);\n")
        self.write("tools/cli/ok.cc", _SPDX + "// strtoul()\nParseNumber(text, &number); history(i);\n")
        self.assert_clean("number_parsing")
        for call in ("std::stoi(text)", "strtoul(text, &end, 10)", "std::from_chars(a, b, c)", "sscanf(text, format, &x)"):
            with self.subTest(call):
                self.write("fs/fuse/x.cc", _SPDX + call + ";\n")
                self.assert_finds("number_parsing", "fs/fuse/x.cc:2: ")

    def test_temporary_finds_a_directory_that_is_made_otherwise(self):
        self.write("tests/unit/model/entry_test.cc", _SPDX + "mkdtemp(name);\n")
        self.assert_finds("temporary", "tests/unit/model/entry_test.cc:2: mkdtemp")
        self.write("tests/mount/case.py", _HASH_SPDX + "import tempfile\n")
        self.assert_finds("temporary", "tests/mount/case.py:2: tempfile")

    def test_man_pages_finds_an_unknown_macro(self):
        self.write("man/x.1", _PAGE + ".Nonsense\n")
        self.assert_finds("man_pages", "man/x.1:8")

    def test_readme_finds_what_does_not_exist(self):
        for text, expected in (("```sh\nscripts/gone\n```", "README.md:2: scripts/gone is not an executable"),
                               ("```sh\nveneer fly\n```", "veneer has no command 'fly'"),
                               ("```sh\nveneer import --fast x\n```", "veneer import has no option '--fast'"),
                               ("```sh\nscripts/hello --preset odd\n```", "no preset 'odd'"),
                               ("[x](gone.md)", "links to gone.md")):
            with self.subTest(text):
                self.write("README.md", text + "\n")
                self.assert_finds("readme", expected)

    def test_package_finds_what_is_wrong_with_one(self):
        for path, text, expected in (("deb/DEBIAN/control", _CONTROL.replace("libfuse3-3, ", ""), "Depends does not name"),
                                     ("deb/usr/bin/veneer", "#!/bin/sh\nexit 1\n", "usr/bin/veneer --version"),
                                     ("deb/usr/sbin/umount.fuse.veneerfs", "#!/bin/sh\nexit 127\n", "usr/sbin/umount.fuse.veneerfs"),
                                     ("bin/cmake", _CMAKE.replace("ln -s", "true"), "sbin/mount.veneerfs does not lead"),
                                     ("deb/usr/share/doc/veneer/copyright", "Mine.\n", "machine-readable form"),
                                     ("bin/cpack", _CPACK.replace("changelog", "copyright"), "changelog.gz"),
                                     ("bin/cpack", _CPACK.replace("dpkg-shlibdeps file", "file"), "without dpkg-shlibdeps")):
            with self.subTest(expected):
                before = (self.root / path).read_text()
                self.write(path, text, 0o644 if "control" in path or "doc" in path else 0o755)
                self.assert_finds("package", expected)
                self.write(path, before, 0o644 if "control" in path or "doc" in path else 0o755)


if __name__ == "__main__":
    unittest.main()
