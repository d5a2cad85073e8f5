# SPDX-License-Identifier: Apache-2.0
# Where `cmake --install` puts things, and the Debian package that `cpack` makes of them.
install(TARGETS veneer veneerfs RUNTIME)

# The helper of mount(8) and umount(8), under a name for each type. They look for it in /sbin alone,
# which is /usr/sbin today: what is installed elsewhere is linked there from /usr/local, where root
# has asked for it to be used, and not from any other place.
install(TARGETS mount.veneerfs RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(CODE "
  set(names ${VENEER_MOUNT_HELPER_NAMES})
  set(folder \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  foreach(name IN LISTS names)
    file(CREATE_LINK mount.veneerfs \"\$ENV{DESTDIR}\${folder}/\${name}\" SYMBOLIC)
  endforeach()
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr/local\")
    file(MAKE_DIRECTORY \"\$ENV{DESTDIR}/sbin\")
    foreach(name IN ITEMS mount.veneerfs LISTS names)
      message(STATUS \"Linking: \$ENV{DESTDIR}/sbin/\${name}\")
      file(CREATE_LINK \"\${folder}/\${name}\" \"\$ENV{DESTDIR}/sbin/\${name}\" SYMBOLIC)
    endforeach()
  endif()")

file(GLOB man_pages CONFIGURE_DEPENDS man/*.[1-8])
foreach(page IN LISTS man_pages)
  get_filename_component(section ${page} LAST_EXT)
  string(SUBSTRING ${section} 1 1 section)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# Debian's names of the shells' folders, which bash and fish have everywhere; other systems can say
# theirs.
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
# libarchive is loaded when it is needed and not linked, so that no tool finds it.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libarchive13t64 | libarchive13")
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/prepare.cmake)
# fusermount3 mounts for ordinary users, newuidmap and newgidmap give them more than one id; libcurl
# is loaded to import from a URL, and libisal2 to read gzip faster; golang-github-containers-common
# has the list of the system calls that a build may make. git fetches contexts of builds.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "fuse3, uidmap, libcurl4t64 | libcurl4, libisal2, golang-github-containers-common")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "git, mmdebstrap")
include(CPack)
