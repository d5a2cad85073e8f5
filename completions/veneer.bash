# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for bash: commands, options and their values, and the images and containers of the store.

_veneer_commands="import load mount umount chroot diff commit export save images history ps inspect stats rm rmi tag create
  rename prune fsck layer image container system info version help"

_veneer_verbs() {
  case $1 in
    image) echo "ls list history inspect import load save tag rm remove prune" ;;
    container) echo "ls list ps create inspect mount umount stats diff commit export rename rm remove prune" ;;
    system) echo "df info prune fsck" ;;
    layer) echo "tar ls" ;;
  esac
}

# The command that a verb of `image`, `container`, `system` or `layer` is.
_veneer_command_of() {
  case $1.$2 in
    image.ls | image.list) echo images ;;
    image.rm | image.remove) echo rmi ;;
    container.ls | container.list | container.ps) echo ps ;;
    container.remove) echo rm ;;
    image.inspect | image.prune | container.inspect | container.prune | layer.*) echo "$1-$2" ;;
    *) if [[ " $(_veneer_verbs "$1") " == *" $2 "* ]]; then echo "$2"; else echo unknown; fi ;;
  esac
}

# The options of a command; = stands behind those with a value.
_veneer_options() {
  local options=
  case $1 in
    "") options="-v --version" ;;
    import) options="-m= --message= -c= --change= --platform= --exact --progress= -q --quiet" ;;
    load) options="-i= --input= -q --quiet --platform=" ;;
    mount) options="-n= --name= -r --read-only -o= --options=" ;;
    umount) options="-l --lazy" ;;
    chroot) options="-n= --name= -b= --bind= -e= --env= -u= --user= -w= --workdir= --entrypoint= --net= -r --read-only --rm" ;;
    diff) options="--format= --stat -v --verbose --bytes" ;;
    commit) options="-a= --author= -m= --message= -c= --change= -p --pause --rm" ;;
    export) options="-o= --output=" ;;
    save) options="-o= --output= --format= --compress= -q --quiet" ;;
    images) options="-q --quiet --no-trunc -a --all --digests -f= --filter= --format= --tree --bytes" ;;
    history) options="-q --quiet --no-trunc -H --human --bytes --format=" ;;
    ps) options="-a --all -q --quiet --no-trunc -f= --filter= --format= -n= --last= -l --latest -s --size --bytes" ;;
    inspect) options="--type= -f= --format=" ;;
    image-inspect | container-inspect | version) options="-f= --format=" ;;
    info) options="-f= --format= --bytes" ;;
    stats) options="--format= --watch" ;;
    rm) options="-f --force" ;;
    rmi) options="-f --force --no-prune" ;;
    create) options="-n= --name=" ;;
    image-prune) options="-a --all -f --force --filter= --bytes" ;;
    container-prune) options="-f --force --filter= --bytes" ;;
    prune) options="-i --images --dry-run --bytes" ;;
    fsck) options="--progress= --repair" ;;
    layer-ls) options="--format= --bytes" ;;
    df) options="-v --verbose --format= --bytes" ;;
  esac
  echo "-h --help --root= $options"
}

_veneer_containers() { "${_veneer_call[@]}" ps -a -q 2> /dev/null; }

_veneer_images() { "${_veneer_call[@]}" images --format '{{.Repository}}:{{.Tag}}' 2> /dev/null | grep -v '<none>'; }

_veneer_more() { compopt -o "$1" 2> /dev/null; } # fails where no completion is under way

_veneer_words() { mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_veneer_files() {
  _veneer_more filenames
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$cur")
}

# Filters: the keys, or after one the values that it takes.
_veneer_filters() {
  local key=${cur%%=*}
  if [[ $cur != *=* ]]; then
    _veneer_more nospace
    _veneer_words "$1"
    return
  fi
  cur=${cur#*=}
  lead+=$key=
  case $key in
    dangling) _veneer_words "true false" ;;
    status) _veneer_words "mounted unmounted in-use unmounting dead" ;;
    ancestor | before | since | reference) _veneer_words "$(_veneer_images)" ;;
    name) _veneer_words "$(_veneer_containers)" ;;
    until) _veneer_words "24h 168h 720h" ;;
  esac
}

# The value of an option; 1 when it takes none.
_veneer_value() {
  [[ " $(_veneer_options "$command") " == *" $1= "* ]] || return
  case $command:$1 in
    *:--root | *:-w | *:--workdir) _veneer_files -d ;;
    *:--progress) _veneer_words "auto plain none" ;;
    *:--platform) _veneer_words "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/ppc64le linux/riscv64 linux/s390x" ;;
    *:--type) _veneer_words "image container layer" ;;
    *:--net) _veneer_words "host none" ;;
    *:--compress) _veneer_words "none gzip zstd" ;;
    save:--format) _veneer_words "docker-archive oci-archive oci-dir" ;;
    diff:--format) _veneer_words "text json" ;;
    stats:--format) _veneer_words "table json" ;;
    images:--format | history:--format | ps:--format | layer-ls:--format | df:--format) _veneer_words "table json raw" ;;
    *:--format | *inspect:-f | info:-f | version:-f) _veneer_words "json" ;;
    images:-f | images:--filter) _veneer_filters "dangling= label= before= since= until= reference=" ;;
    ps:-f | ps:--filter) _veneer_filters "name= status= ancestor=" ;;
    image-prune:--filter) _veneer_filters "until= label= label!=" ;;
    container-prune:--filter) _veneer_filters "until=" ;;
    mount:-o | mount:--options)
      if [[ $cur == *,* ]]; then
        lead+=${cur%,*},
        cur=${cur##*,}
      fi
      _veneer_more nospace
      _veneer_words "suid nosuid dev nodev exec noexec atime noatime noacl volatile allow_other io=cached io=passthrough"
      ;;
    *:-e | *:--env) mapfile -t COMPREPLY < <(compgen -v -- "$cur") ;;
    *:-u | *:--user) _veneer_words "root" ;;
    export:-o | save:-o | *:--output | *:-b | *:--bind | *:-i | *:--input) _veneer_files -f ;;
  esac
}

_veneer_positional() {
  case $command.$positionals in
    .0) _veneer_words "$_veneer_commands" ;;
    help.0) _veneer_words "$_veneer_commands" ;;
    help.1) _veneer_words "$(_veneer_verbs "${words[cword - 1]}")" ;;
    image.0 | container.0 | system.0 | layer.0) _veneer_words "$(_veneer_verbs "$command")" ;;
    import.0) _veneer_files -f ;;
    mount.0 | chroot.0 | diff.0) _veneer_words "$(_veneer_containers) $(_veneer_images)" ;;
    mount.1) _veneer_files -d ;;
    umount.* | stats.0)
      if [[ $cur == [./~]* ]]; then _veneer_files -d; else _veneer_words "$(_veneer_containers)"; fi
      ;;
    export.0 | rename.0 | commit.0 | rm.* | container-inspect.*) _veneer_words "$(_veneer_containers)" ;;
    inspect.*) _veneer_words "$(_veneer_containers) $(_veneer_images)" ;;
    import.1 | diff.1 | commit.1 | tag.[01] | create.0 | images.0 | history.0 | layer-*.0) _veneer_words "$(_veneer_images)" ;;
    rmi.* | save.* | image-inspect.*) _veneer_words "$(_veneer_images)" ;;
  esac
}

# The words up to the cursor, and where bash has each of them: it takes the colons of names and = for ends of words.
_veneer_split() {
  local line=${COMP_LINE:0:COMP_POINT} index before
  words=() places=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    before=$line
    line=${line#"${line%%[![:space:]]*}"}
    local word=${COMP_WORDS[index]}
    if ((index == COMP_CWORD)); then word=$line; fi
    if ((index > 0)) && [[ -n $before && $before == "$line" && ${words[-1]}$word != *[\<\>]* ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
      places+=("$index")
    fi
    line=${line#"$word"}
  done
  cword=$((${#words[@]} - 1))
}

# What runs in a container: the word with this number and those behind it.
_veneer_program() {
  if declare -F _comp_command_offset > /dev/null; then
    _comp_command_offset "${places[$1]}"
  elif declare -F _command_offset > /dev/null; then
    _command_offset "${places[$1]}"
  elif ((cword == $1)); then
    _veneer_files -c
  else
    _veneer_files -f
  fi
}

_veneer() {
  local cur cword index option full breaks kept lead="" command="" positionals=0
  local -a words places _veneer_call
  COMPREPLY=()
  _veneer_split
  cur=${words[cword]}
  _veneer_call=("${words[0]/#\~/$HOME}")
  for ((index = 1; index < cword; index++)); do
    option=${words[index]}
    case $option in
      --root=*) _veneer_call+=(--root "${option#*=}") ;;
      *[\<\>]*)
        if ((index == cword - 1)); then
          _veneer_files -f
          return
        fi
        index=$((index + 1))
        ;;
      --)
        if [ "$command" = chroot ]; then _veneer_program $((index + 1)); fi
        return
        ;;
      -*)
        if [[ " $(_veneer_options "$command") " != *" $option= "* ]]; then continue; fi
        index=$((index + 1))
        if ((index < cword)) && [ "$option" = --root ]; then
          _veneer_call+=(--root "${words[index]/#\~/$HOME}")
        fi
        ;;
      *)
        if [ -z "$command" ]; then
          command=$option
        elif [[ $command == @(image|container|system|layer) ]]; then
          command=$(_veneer_command_of "$command" "$option")
        elif [[ $command == chroot && $positionals == 1 ]]; then
          _veneer_program "$index"
          return
        else
          positionals=$((positionals + 1))
        fi
        ;;
    esac
  done

  full=$cur
  if ((index > cword)); then
    _veneer_value "${words[cword - 1]}"
  elif [[ $cur == --*=* ]]; then
    option=${cur%%=*}
    cur=${cur#*=}
    lead=$option=
    _veneer_value "$option"
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_veneer_options "$command" | tr -d =)" -- "$cur")
  elif [[ $command == chroot && $positionals == 1 ]]; then
    _veneer_program "$cword"
    return
  else
    _veneer_positional
  fi

  # Readline puts the answer behind the last character that ends a word for it.
  breaks=${COMP_WORDBREAKS//[^:=@]/}
  kept=""
  if [[ -n $breaks && $full == *["$breaks"]* ]]; then kept=${full%"${full##*["$breaks"]}"}; fi
  for index in "${!COMPREPLY[@]}"; do
    COMPREPLY[index]=$lead${COMPREPLY[index]}
    COMPREPLY[index]=${COMPREPLY[index]#"$kept"}
  done
}

complete -o nosort -F _veneer veneer 2> /dev/null || complete -F _veneer veneer
