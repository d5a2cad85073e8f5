# SPDX-License-Identifier: Apache-2.0
# Every library the project uses, with the oldest version it accepts (Debian 12's).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(ZLIB 1.2.11 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(tl-expected 1.0 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CURL 7.85 REQUIRED)  # its headers; see tools/registry
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive>=3.6)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate>=1.14)
pkg_check_modules(libseccomp REQUIRED IMPORTED_TARGET libseccomp>=2.5)
# Its headers alone: layerdb/tar loads the library when gzip is read, and does without it.
option(VENEER_ISAL "Decompress gzip with ISA-L where it is installed" ON)
if(VENEER_ISAL)
  find_path(ISAL_INCLUDE_DIR isa-l/igzip_lib.h)
else()
  unset(ISAL_INCLUDE_DIR CACHE)
endif()
# Another libfuse than the system's; programs that were built with it find it where it was, also
# when installed.
set(VENEER_LIBFUSE "" CACHE PATH "Prefix of the libfuse that scripts/build-libfuse has made; empty: the system's")
if(VENEER_LIBFUSE)
  if(NOT EXISTS ${VENEER_LIBFUSE}/lib/pkgconfig/fuse3.pc)
    message(FATAL_ERROR "There is no libfuse in ${VENEER_LIBFUSE}: run scripts/build-libfuse --prefix ${VENEER_LIBFUSE}")
  endif()
  list(PREPEND CMAKE_PREFIX_PATH ${VENEER_LIBFUSE})
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
endif()
pkg_check_modules(fuse3 REQUIRED IMPORTED_TARGET fuse3>=3.14)
# LMDB ships no CMake file, and a pkg-config file only on some systems.
find_path(LMDB_INCLUDE_DIR lmdb.h REQUIRED)
find_library(LMDB_LIBRARY lmdb REQUIRED)
add_library(lmdb UNKNOWN IMPORTED)
set_target_properties(lmdb PROPERTIES IMPORTED_LOCATION ${LMDB_LIBRARY}
                                      INTERFACE_INCLUDE_DIRECTORIES ${LMDB_INCLUDE_DIR})
# toml++ 3.3, of which the headers are enough; its CMake and pkg-config files ask for the library.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
if(BUILD_TESTING)
  find_package(GTest 1.12 REQUIRED)
endif()
