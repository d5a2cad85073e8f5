# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for fish: commands, options and their values, and the images and containers of the store.

function __veneer_call
    set -l words (commandline -opc)
    set -l at (contains -i -- --root $words)
    if test -n "$at"
        $words[1] --root $words[(math $at + 1)] $argv 2>/dev/null
    else
        $words[1] $argv 2>/dev/null
    end
end

function __veneer_containers
    __veneer_call ps -a -q
end

function __veneer_images
    __veneer_call images --format '{{.Repository}}:{{.Tag}}' | string match -v '*<none>*'
end

function __veneer_verbs
    switch $argv[1]
        case image
            printf '%s\n' ls list history inspect import load save tag rm remove prune
        case container
            printf '%s\n' ls list ps create inspect mount umount stats diff commit export rename rm remove prune
        case system
            printf '%s\n' df info prune fsck
        case layer
            printf '%s\n' tar ls
    end
end

# The command that a verb of `image`, `container`, `system` or `layer` is.
function __veneer_command_of
    switch "$argv"
        case 'image ls' 'image list'
            echo images
        case 'image rm' 'image remove'
            echo rmi
        case 'container ls' 'container list' 'container ps'
            echo ps
        case 'container remove'
            echo rm
        case 'image inspect' 'image prune' 'container inspect' 'container prune' 'layer *'
            string join - $argv
        case '*'
            echo $argv[2]
    end
end

# Does the option $argv[2] of the command $argv[1] take the next word?
function __veneer_takes_value
    switch "$argv"
        case '* --root' '* --format' '* --filter' '* --platform' '* --progress' '* --message' '* --change' '* --name' \
                '* --options' '* --bind' '* --env' '* --user' '* --workdir' '* --entrypoint' '* --net' '* --author' '* --output' '* --compress' \
                '* --input' '* --last' '* --type' '* -m' '* -c' '* -n' '* -b' '* -e' '* -u' '* -w' '* -o' \
                'images -f' 'ps -f' '*inspect -f' 'info -f' 'version -f' 'commit -a' 'load -i'
            return 0
        case '*'
            return 1
    end
end

# What is on the line before the cursor: the command, and its arguments without options.
function __veneer_line
    set -l words (commandline -opc)
    set -l command
    set -l arguments
    set -l skip no
    for word in $words[2..-1]
        if test $skip = yes
            set skip no
        else if string match -q -- '-*' $word
            if __veneer_takes_value "$command" $word
                set skip yes
            end
        else if test -z "$command"
            set command $word
        else if contains -- $command image container system layer
            set command (__veneer_command_of $command $word)
        else
            set -a arguments $word
        end
    end
    printf '%s\n' "$command" $arguments
end

# Is it one of these commands?
function __veneer_using
    set -l line (__veneer_line)
    contains -- "$line[1]" $argv
end

# Is it the argument with this number, from 1, of one of these commands?
function __veneer_argument
    set -l line (__veneer_line)
    test (count $line) -eq $argv[1]; and contains -- "$line[1]" $argv[2..-1]
end

function __veneer_no_command
    set -l line (__veneer_line)
    test -z "$line[1]"
end

# The verbs of the group that `help` has before the cursor.
function __veneer_help_verbs
    set -l line (__veneer_line)
    __veneer_verbs $line[2]
end

# Filters: the keys that are given, or after one the values that it takes.
function __veneer_filters
    set -l word (string replace -r -- '^--filter=' '' (commandline -ct))
    set -l key (string match -r -- '^[^=]*=' $word)
    switch "$key"
        case dangling=
            printf '%s\n' $key{true,false}
        case status=
            printf '%s\n' $key{mounted,unmounted,in-use,unmounting,dead}
        case ancestor= before= since= reference=
            printf "$key%s\n" (__veneer_images)
        case name=
            printf "$key%s\n" (__veneer_containers)
        case until=
            printf '%s\n' $key{24h,168h,720h}
        case '*'
            printf '%s\n' $argv
    end
end

complete -c veneer -f
complete -c veneer -s h -l help -d 'Show help'
complete -c veneer -l root -x -a '(__fish_complete_directories)' -d 'The store'
complete -c veneer -n __veneer_no_command -s v -l version -d 'Show the version'
for line in 'import Make an image of an archive or a directory' 'load Load the images of an archive' 'mount Mount a container' \
        'umount Unmount containers' 'chroot Run a command in a container' 'diff List what a container changed' \
        'commit Make an image of a container' 'export Write the tree of a container' 'save Write images to an archive' \
        'images List images' 'history Show how an image came to be' 'ps List containers' 'inspect Show all there is to know' \
        'stats Show what a mounted file system has done' 'rm Remove containers' 'rmi Remove images' \
        'tag Give an image one more name' 'create Make a container' 'rename Give a container another name' \
        'prune Delete what nothing needs' 'fsck Check the store' 'layer Look at single layers' 'image Work with images' \
        'container Work with containers' 'system Work with the store' 'info Show the store' 'version Show the version' \
        'help Show help'
    set -l parts (string split -m 1 ' ' $line)
    complete -c veneer -n __veneer_no_command -a $parts[1] -d $parts[2]
    complete -c veneer -n '__veneer_argument 1 help' -a $parts[1] -d $parts[2]
end
complete -c veneer -n '__veneer_argument 2 help' -a '(__veneer_help_verbs)'
for group in image container system layer
    complete -c veneer -n "__veneer_argument 1 $group" -a "(__veneer_verbs $group)"
end

# Arguments
complete -c veneer -n '__veneer_argument 1 import' -F
complete -c veneer -n '__veneer_argument 1 mount chroot diff' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_argument 1 export rename commit stats' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_using umount rm inspect container-inspect' -a '(__veneer_containers)' -d Container
complete -c veneer -n '__veneer_argument 1 mount chroot diff tag create images history layer-tar layer-ls' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_argument 2 import diff commit tag' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_using rmi save inspect image-inspect' -a '(__veneer_images)' -d Image
complete -c veneer -n '__veneer_argument 2 mount' -a '(__fish_complete_directories)'
complete -c veneer -n '__veneer_using umount' -a '(__fish_complete_directories)'
complete -c veneer -n '__veneer_using chroot; and not __veneer_argument 1 chroot' -F -a '(__fish_complete_command)'

# Options
complete -c veneer -n '__veneer_using import commit' -s m -l message -x -d 'What history shows'
complete -c veneer -n '__veneer_using import commit' -s c -l change -x -d 'Change the config'
complete -c veneer -n '__veneer_using import load' -l platform -x -d 'What it runs on' \
    -a 'linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/ppc64le linux/riscv64 linux/s390x'
complete -c veneer -n '__veneer_using import' -l exact -d 'Keep the bytes of the archive'
complete -c veneer -n '__veneer_using import fsck' -l progress -x -a 'auto plain none' -d 'How to show progress'
complete -c veneer -n '__veneer_using load' -s i -l input -r -F -d 'The archive'
complete -c veneer -n '__veneer_using import load save' -s q -l quiet -d 'Show no progress'
complete -c veneer -n '__veneer_using mount chroot create' -s n -l name -x -d 'Name of the new container'
complete -c veneer -n '__veneer_using mount chroot' -s r -l read-only -d 'Nothing can be changed'
complete -c veneer -n '__veneer_using mount' -s o -l options -x -d 'Options for veneerfs' \
    -a '(__fish_append , suid nosuid dev nodev exec noexec atime noatime noacl volatile allow_other io=cached io=passthrough)'
complete -c veneer -n '__veneer_using umount' -s l -l lazy -d 'Also while in use'
complete -c veneer -n '__veneer_using chroot' -s b -l bind -r -F -d 'Show a file or directory of the host'
complete -c veneer -n '__veneer_using chroot' -s e -l env -x -a '(set -xn)' -d 'Set a variable'
complete -c veneer -n '__veneer_using chroot' -s u -l user -x -a root -d 'User and group'
complete -c veneer -n '__veneer_using chroot' -s w -l workdir -x -a '(__fish_complete_directories)' -d 'Directory to start in'
complete -c veneer -n '__veneer_using chroot' -l entrypoint -x -d 'Instead of that of the image'
complete -c veneer -n '__veneer_using chroot' -l net -x -a 'host none' -d Network
complete -c veneer -n '__veneer_using chroot commit' -l rm -d 'Remove the container'
complete -c veneer -n '__veneer_using diff' -l format -x -a 'text json' -d 'How to print it'
complete -c veneer -n '__veneer_using diff' -l stat -d 'With sizes'
complete -c veneer -n '__veneer_using diff' -s v -l verbose -d 'And what is another'
complete -c veneer -n '__veneer_using commit' -s a -l author -x -d 'Who made it'
complete -c veneer -n '__veneer_using commit' -s p -l pause -d 'No effect'
complete -c veneer -n '__veneer_using export save' -s o -l output -r -F -d 'Where to write'
complete -c veneer -n '__veneer_using save' -l format -x -a 'docker-archive oci-archive oci-dir' -d 'Form of the archive'
complete -c veneer -n '__veneer_using save' -l compress -x -a 'none gzip zstd' -d 'How to compress'
complete -c veneer -n '__veneer_using images history ps' -s q -l quiet -d 'Only ids or names'
complete -c veneer -n '__veneer_using images history ps' -l no-trunc -d 'Whole ids'
complete -c veneer -n '__veneer_using images history ps layer-ls df' -l format -x -a 'table json raw' -d 'How to print it'
complete -c veneer -n '__veneer_using images history ps info df diff prune image-prune container-prune layer-ls' -l bytes -d 'Sizes in bytes'
complete -c veneer -n '__veneer_using images ps' -s a -l all -d Everything
complete -c veneer -n '__veneer_using images' -s f -l filter -x -d 'Only some' \
    -a '(__veneer_filters dangling= label= before= since= until= reference=)'
complete -c veneer -n '__veneer_using images' -l digests -d 'And digests'
complete -c veneer -n '__veneer_using images' -l tree -d 'By shared layers'
complete -c veneer -n '__veneer_using history' -s H -l human -d 'As people read them'
complete -c veneer -n '__veneer_using ps' -s f -l filter -x -a '(__veneer_filters name= status= ancestor=)' -d 'Only some'
complete -c veneer -n '__veneer_using ps' -s n -l last -x -d 'So many of the newest'
complete -c veneer -n '__veneer_using ps' -s l -l latest -d 'The newest'
complete -c veneer -n '__veneer_using ps' -s s -l size -d 'And sizes'
complete -c veneer -n '__veneer_using inspect image-inspect container-inspect info version' -s f -l format -x -a json -d 'How to print it'
complete -c veneer -n '__veneer_using inspect' -l type -x -a 'image container layer' -d 'Only of this type'
complete -c veneer -n '__veneer_using stats' -l format -x -a 'table json' -d 'How to print it'
complete -c veneer -n '__veneer_using stats' -l watch -d 'Again every second'
complete -c veneer -n '__veneer_using rm' -s f -l force -d 'Also what is mounted'
complete -c veneer -n '__veneer_using rmi' -s f -l force -d 'Also what has several names'
complete -c veneer -n '__veneer_using rmi' -l no-prune -d 'Keep parents and layers'
complete -c veneer -n '__veneer_using image-prune' -s a -l all -d 'Also images with names'
complete -c veneer -n '__veneer_using image-prune container-prune' -s f -l force -d 'Do not ask'
complete -c veneer -n '__veneer_using container-prune' -l filter -x -a '(__veneer_filters until=)' -d 'Only some'
complete -c veneer -n '__veneer_using image-prune' -l filter -x -a '(__veneer_filters until= label= label!=)' -d 'Only some'
complete -c veneer -n '__veneer_using prune' -s i -l images -d 'And images without a name'
complete -c veneer -n '__veneer_using prune' -l dry-run -d 'Only count'
complete -c veneer -n '__veneer_using fsck' -l repair -d 'Put right what can be'
complete -c veneer -n '__veneer_using df' -s v -l verbose -d 'Each image and container'
