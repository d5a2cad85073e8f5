# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for bash: commands, options, and the images and containers of the store.

_veneer_containers() { "${_veneer_call[@]}" ps -a -q 2> /dev/null; }

_veneer_images() {
  "${_veneer_call[@]}" images 2> /dev/null | awk 'NR > 1 && $1 != "<none>" { print $1 ":" $2 }'
}

# The command that a verb of `image`, `container` or `system` is.
_veneer_verb() {
  case $1.$2 in
    image.ls) echo images ;;
    image.rm) echo rmi ;;
    image.prune) echo image-prune ;;
    container.ls) echo ps ;;
    *) echo "$2" ;;
  esac
}

# Names hold colons, which bash takes for the end of a word.
_veneer_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
  if declare -F __ltrim_colon_completions > /dev/null; then __ltrim_colon_completions "$cur"; fi
}

_veneer() {
  local cur prev words cword
  if declare -F _init_completion > /dev/null; then
    _init_completion -n : || return
  else
    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  local commands="import load mount umount chroot diff commit export save images history ps inspect stats rm rmi tag create rename prune fsck layer image container system info version help"
  local -a _veneer_call=("${words[0]}")
  local command="" index positionals=0
  for ((index = 1; index < cword; index++)); do
    case ${words[index]} in
      --root)
        _veneer_call+=(--root "${words[index + 1]}")
        index=$((index + 1))
        ;;
      --)
        if declare -F _command_offset > /dev/null; then _command_offset $((index + 1)); fi
        return
        ;;
      -*) ;;
      *)
        if [ -z "$command" ]; then
          command=${words[index]}
        elif [[ $command == @(image|container|system) ]]; then
          command=$(_veneer_verb "$command" "${words[index]}")
        else
          positionals=$((positionals + 1))
        fi
        ;;
    esac
  done

  case $prev in
    --root | -w | --workdir)
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      return
      ;;
    --progress)
      mapfile -t COMPREPLY < <(compgen -W "auto plain none" -- "$cur")
      return
      ;;
    --platform)
      mapfile -t COMPREPLY < <(compgen -W "linux/amd64 linux/arm64" -- "$cur")
      return
      ;;
    --type)
      mapfile -t COMPREPLY < <(compgen -W "image container layer" -- "$cur")
      return
      ;;
    --format)
      mapfile -t COMPREPLY < <(compgen -W "table json raw" -- "$cur")
      return
      ;;
    --net)
      mapfile -t COMPREPLY < <(compgen -W "host none" -- "$cur")
      return
      ;;
    -o | --output)
      if [ "$command" != mount ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
      fi
      ;;
    --compress)
      mapfile -t COMPREPLY < <(compgen -W "none gzip zstd" -- "$cur")
      return
      ;;
    -e | --env)
      mapfile -t COMPREPLY < <(compgen -v -- "$cur")
      return
      ;;
    -b | --bind | -i | --input)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
  esac

  if [[ $cur == -* ]]; then
    local options="--help --root"
    case $command in
      "") options+=" --version" ;;
      import) options+=" --message --change --platform --progress" ;;
      load) options+=" --input --quiet --platform" ;;
      mount) options+=" --name --read-only --options" ;;
      umount) options+=" --lazy" ;;
      chroot) options+=" --name --bind --env --user --workdir --net --read-only --rm" ;;
      commit) options+=" --author --message --change --pause --rm" ;;
      diff) options+=" --format --stat" ;;
      create) options+=" --name" ;;
      export) options+=" --output" ;;
      save) options+=" --output --format --compress --quiet" ;;
      images) options+=" --quiet --no-trunc --all --digests --filter --format --tree --bytes" ;;
      history) options+=" --quiet --no-trunc --human --bytes --format" ;;
      ps) options+=" --all --quiet --no-trunc --filter --format --last --latest --size --bytes" ;;
      inspect) options+=" --type --format" ;;
      info) options+=" --format --bytes" ;;
      version) options+=" --format" ;;
      stats) options+=" --format --watch" ;;
      rm) options+=" --force" ;;
      rmi) options+=" --force --no-prune" ;;
      image-prune) options+=" --all --force --filter" ;;
      df) options+=" --verbose --bytes" ;;
      prune) options+=" --images --dry-run" ;;
      fsck) options+=" --progress --repair" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    return
  fi

  case $command in
    "") mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
    import)
      if [ "$positionals" -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- "$cur"); else _veneer_words "$(_veneer_images)"; fi
      ;;
    mount)
      if [ "$positionals" -eq 0 ]; then
        _veneer_words "$(_veneer_containers) $(_veneer_images)"
      else
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      fi
      ;;
    chroot)
      if [ "$positionals" -eq 0 ]; then _veneer_words "$(_veneer_containers) $(_veneer_images)"; fi
      ;;
    umount)
      _veneer_words "$(_veneer_containers)"
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
      ;;
    diff) _veneer_words "$(_veneer_containers) $(_veneer_images)" ;;
    export | rm | stats) _veneer_words "$(_veneer_containers)" ;;
    rename) if [ "$positionals" -eq 0 ]; then _veneer_words "$(_veneer_containers)"; fi ;;
    image) mapfile -t COMPREPLY < <(compgen -W "ls history inspect import load save tag rm prune" -- "$cur") ;;
    container) mapfile -t COMPREPLY < <(compgen -W "ls create inspect mount umount stats diff commit export rename rm" -- "$cur") ;;
    system) mapfile -t COMPREPLY < <(compgen -W "df info prune fsck" -- "$cur") ;;
    commit) if [ "$positionals" -eq 0 ]; then _veneer_words "$(_veneer_containers)"; else _veneer_words "$(_veneer_images)"; fi ;;
    inspect) _veneer_words "$(_veneer_containers) $(_veneer_images)" ;;
    images | history | rmi | save | tag | create) _veneer_words "$(_veneer_images)" ;;
    layer) if [ "$positionals" -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -W "tar ls" -- "$cur"); else _veneer_words "$(_veneer_images)"; fi ;;
  esac
}

complete -o filenames -o nosort -F _veneer veneer 2> /dev/null || complete -o filenames -F _veneer veneer
