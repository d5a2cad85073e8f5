# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for bash. The program itself says what may stand at the end of a line:
# `veneer __complete`.

_veneer_more() { compopt -o "$1" 2> /dev/null; } # fails where no completion is under way

_veneer_files() {
  _veneer_more filenames
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$2")
}

# The words up to the cursor without redirections, and where bash has each of them: it takes the
# colons of names and = for ends of words. 1 when the last word is the file of a redirection, which
# stays.
_veneer_split() {
  local line=${COMP_LINE:0:COMP_POINT} index before redirected=0
  words=() places=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    before=$line
    line=${line#"${line%%[![:space:]]*}"}
    local word=${COMP_WORDS[index]}
    if ((index == COMP_CWORD)); then word=$line; fi
    if ((index > 0 && redirected != 1)) && [[ -n $before && $before == "$line" && $word != *[\<\>]* ]]; then
      words[${#words[@]} - 1]+=$word
    else
      if ((redirected == 2)); then unset "words[-1]" "places[-1]"; fi
      redirected=$((redirected == 1 ? 2 : 0))
      if [[ $word == *[\<\>]* ]]; then
        redirected=1
      else
        words+=("$word")
        places+=("$index")
      fi
    fi
    line=${line#"$word"}
  done
  return $((redirected == 2))
}

# What runs in a container: the word with this number and those behind it.
_veneer_program() {
  if declare -F _comp_command_offset > /dev/null; then
    _comp_command_offset "${places[$1]}"
  elif declare -F _command_offset > /dev/null; then
    _command_offset "${places[$1]}"
  elif ((${#words[@]} - 1 == $1)); then
    _veneer_files -c "${words[-1]}"
  else
    _veneer_files -f "${words[-1]}"
  fi
}

_veneer() {
  local answer index breaks kept="" lead=""
  local -a words places
  COMPREPLY=()
  if ! _veneer_split; then
    _veneer_files -f "${words[-1]}"
    return
  fi
  local cur=${words[-1]}
  while IFS= read -r answer; do
    case $answer in
      ":program "*)
        _veneer_program $((${answer#:program } + 1))
        return
        ;;
      ":prefix "*) lead=${answer#:prefix } ;;
      :files) _veneer_files -f "${cur#"$lead"}" ;;
      :directories) _veneer_files -d "${cur#"$lead"}" ;;
      :nospace) _veneer_more nospace ;;
      *) COMPREPLY+=("${answer%%$'\t'*}") ;;
    esac
  done < <("${words[0]/#\~/$HOME}" __complete -- "${words[@]:1}" 2> /dev/null)

  # Readline puts the answer behind the last character that ends a word for it.
  breaks=${COMP_WORDBREAKS//[^:=@]/}
  if [[ -n $breaks && $cur == *["$breaks"]* ]]; then kept=${cur%"${cur##*["$breaks"]}"}; fi
  for index in "${!COMPREPLY[@]}"; do
    COMPREPLY[index]=$lead${COMPREPLY[index]}
    COMPREPLY[index]=${COMPREPLY[index]#"$kept"}
  done
}

complete -o nosort -F _veneer veneer 2> /dev/null || complete -F _veneer veneer
