# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for fish: commands, options, and the images and containers of the store.

function __veneer_call
    set -l words (commandline -opc)
    set -l at (contains -i -- --root $words)
    if test -n "$at"
        veneer --root $words[(math $at + 1)] $argv 2>/dev/null
    else
        veneer $argv 2>/dev/null
    end
end

function __veneer_containers
    __veneer_call ps -a -q
end

function __veneer_images
    __veneer_call images | awk 'NR > 1 && $1 != "<none>" { print $1 ":" $2 }'
end

function __veneer_using
    __fish_seen_subcommand_from $argv
end

set -l commands import load mount umount chroot diff commit export save images history ps inspect stats rm rmi tag create rename prune fsck layer image container system info version help
complete -c veneer -f
complete -c veneer -s h -l help -d 'Show help'
complete -c veneer -l root -r -a '(__fish_complete_directories)' -d 'The store'
complete -c veneer -n "not __fish_seen_subcommand_from $commands" -l version -d 'Show the version'
for line in 'import Make an image of an archive or a directory' 'load Load the images of an archive' 'mount Mount a container' 'umount Unmount containers' \
        'chroot Run a command in a container' 'diff List what a container changed' 'commit Make an image of a container' \
        'export Write the tree of a container' 'save Write images to an archive' 'images List images' 'history Show how an image came to be' \
        'ps List containers' 'inspect Show all there is to know' 'stats Show what a mounted file system has done' 'rm Remove containers' \
        'rmi Remove images' 'prune Delete what nothing needs' 'fsck Check the store' 'layer Look at single layers' \
        'tag Give an image one more name' 'create Make a container' 'rename Give a container another name' \
        'image Work with images' 'container Work with containers' 'system Work with the store' \
        'info Show the store' 'version Show the version' 'help Show help'
    set -l parts (string split -m 1 ' ' $line)
    complete -c veneer -n "not __fish_seen_subcommand_from $commands" -a $parts[1] -d $parts[2]
end

complete -c veneer -n '__veneer_using import' -F
complete -c veneer -n '__veneer_using load' -s i -l input -r -F -d 'The archive'
complete -c veneer -n '__veneer_using load' -s q -l quiet -d 'Show no progress'
complete -c veneer -n '__veneer_using load' -l platform -x -a 'linux/amd64 linux/arm64' -d 'Only images for it'
complete -c veneer -n '__veneer_using import commit' -s m -l message -x -d 'What history shows'
complete -c veneer -n '__veneer_using fsck' -l repair -d 'Put right what can be'
complete -c veneer -n '__veneer_using import fsck' -l progress -x -a 'auto plain none' -d 'How to show progress'
complete -c veneer -n '__veneer_using mount chroot' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using mount chroot' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using mount chroot' -s n -l name -x -d 'Name of the new container'
complete -c veneer -n '__veneer_using mount chroot' -s r -l read-only -d 'Nothing can be changed'
complete -c veneer -n '__veneer_using mount' -s o -l options -x -d 'Options for veneerfs'
complete -c veneer -n '__veneer_using import commit' -s c -l change -x -d 'Change the config'
complete -c veneer -n '__veneer_using import' -l platform -x -d 'What it runs on'
complete -c veneer -n '__veneer_using commit' -s p -l pause -d 'No effect'
complete -c veneer -n '__veneer_using diff' -l format -x -a 'text json' -d 'How to show it'
complete -c veneer -n '__veneer_using diff' -l stat -d 'With sizes'
complete -c veneer -n '__veneer_using create' -s n -l name -x -d 'Name of the container'
complete -c veneer -n '__veneer_using rename' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using diff tag create' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using rmi' -l no-prune -d 'Leave the layers'
complete -c veneer -n '__veneer_using image' -s a -l all -d 'Also images with names'
complete -c veneer -n '__veneer_using image' -s f -l force -d 'Do not ask'
complete -c veneer -n '__veneer_using image' -l filter -x -d 'Only some'
complete -c veneer -n '__veneer_using system' -s v -l verbose -d 'Each image and container'
complete -c veneer -n '__veneer_using system' -l bytes -d 'Sizes in bytes'
complete -c veneer -n '__veneer_using mount umount' -a '(__fish_complete_directories)'
complete -c veneer -n '__veneer_using umount diff commit export stats rm' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using umount' -s l -l lazy -d 'Also while in use'
complete -c veneer -n '__veneer_using chroot' -s b -l bind -r -F -d 'Show a file or directory of the host'
complete -c veneer -n '__veneer_using chroot' -s e -l env -x -a '(set -xn)' -d 'Set a variable'
complete -c veneer -n '__veneer_using chroot' -s u -l user -x -d 'User and group'
complete -c veneer -n '__veneer_using chroot' -s w -l workdir -x -d 'Directory to start in'
complete -c veneer -n '__veneer_using chroot' -l net -x -a 'host none' -d Network
complete -c veneer -n '__veneer_using chroot commit' -l rm -d 'Remove the container'
complete -c veneer -n '__veneer_using export save' -s o -l output -r -F -d 'Where to write'
complete -c veneer -n '__veneer_using save' -l format -x -a 'docker-archive oci-archive oci-dir' -d 'Form of the archive'
complete -c veneer -n '__veneer_using save' -l compress -x -a 'none gzip zstd' -d 'How to compress'
complete -c veneer -n '__veneer_using save' -s q -l quiet -d 'No progress'
complete -c veneer -n '__veneer_using save' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using stats' -l format -x -a 'table json' -d 'How to show it'
complete -c veneer -n '__veneer_using stats' -l watch -d 'Again every second'
complete -c veneer -n '__veneer_using commit' -s a -l author -x -d 'Who made it'
complete -c veneer -n '__veneer_using images history rmi' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using images history ps' -s q -l quiet -d 'Only ids or names'
complete -c veneer -n '__veneer_using images history ps' -l no-trunc -d 'Whole ids'
complete -c veneer -n '__veneer_using images ps' -s a -l all -d 'Everything'
complete -c veneer -n '__veneer_using images history ps inspect info version' -l format -x -a 'table json raw' -d 'How to print it'
complete -c veneer -n '__veneer_using images history ps info' -l bytes -d 'Sizes in bytes'
complete -c veneer -n '__veneer_using images ps' -s f -l filter -x -d 'Only some'
complete -c veneer -n '__veneer_using images' -l digests -d 'And digests'
complete -c veneer -n '__veneer_using images' -l tree -d 'By shared layers'
complete -c veneer -n '__veneer_using history' -s H -l human -d 'As people read them'
complete -c veneer -n '__veneer_using ps' -s n -l last -x -d 'So many of the newest'
complete -c veneer -n '__veneer_using ps' -s l -l latest -d 'The newest'
complete -c veneer -n '__veneer_using ps' -s s -l size -d 'And sizes'
complete -c veneer -n '__veneer_using inspect' -l type -x -a 'image container layer' -d 'Only of this type'
complete -c veneer -n '__veneer_using inspect' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using inspect' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using image' -a 'ls history inspect import load save tag rm prune'
complete -c veneer -n '__veneer_using image' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using container' -a 'ls create inspect mount umount stats diff commit export rename rm'
complete -c veneer -n '__veneer_using container' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using system' -a 'df info prune fsck'
complete -c veneer -n '__veneer_using rm rmi' -s f -l force -d 'Also what is mounted or has several names'
complete -c veneer -n '__veneer_using prune' -s i -l images -d 'And images without a name'
complete -c veneer -n '__veneer_using prune' -l dry-run -d 'Only count'
complete -c veneer -n '__veneer_using layer' -a 'tar ls'
complete -c veneer -n '__veneer_using layer' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using help' -a "$commands"
