# SPDX-License-Identifier: Apache-2.0
# Where `cmake --install` puts things, and the Debian package that `cpack` makes of them.
# Mounting needs no helper of our own: `mount -t fuse.veneerfs` and fstab go through fuse3's mount.fuse3.
install(TARGETS veneer veneerfs RUNTIME)

file(GLOB man_pages CONFIGURE_DEPENDS man/*.[1-8])
foreach(page IN LISTS man_pages)
  get_filename_component(section ${page} LAST_EXT)
  string(SUBSTRING ${section} 1 1 section)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# Debian's names of the shells' folders, which bash and fish have everywhere; other systems can say theirs.
set(VENEER_BASH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/bash-completion/completions CACHE STRING "Bash completions")
set(VENEER_ZSH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions CACHE STRING "Zsh completions")
set(VENEER_FISH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d CACHE STRING "Fish completions")
install(FILES completions/veneer.bash DESTINATION ${VENEER_BASH_COMPLETION_DIR} RENAME veneer)
install(FILES completions/_veneer DESTINATION ${VENEER_ZSH_COMPLETION_DIR})
install(FILES completions/veneer.fish DESTINATION ${VENEER_FISH_COMPLETION_DIR})

install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME veneer)
set(CPACK_PACKAGE_CONTACT "The Veneer maintainers <maintainers@veneer.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mounts image layers as one writable tree and commits what changed")
set(CPACK_PACKAGE_DESCRIPTION
    "Veneer imports root file systems into a store that keeps every file once,
mounts an image as a writable tree, shows what changed in it and makes a new
image of the change. veneerfs, the FUSE union file system it mounts with, can
be used on its own over plain directories. Neither needs root where the kernel
allows that.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/prepare.cmake)
# fusermount3 mounts for ordinary users, newuidmap and newgidmap give them more than one id; libcurl is loaded to import
# from a URL.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "fuse3, uidmap, libcurl4t64 | libcurl4")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS mmdebstrap)
include(CPack)
