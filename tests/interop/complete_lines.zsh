# SPDX-License-Identifier: Apache-2.0
# On a terminal, with completions in $COMPLETIONS: writes to the file $ANSWERS what zsh offers at the end of each line
# of the file $LINES_FILE: "== LINE" and the answers one a line.
fpath=($COMPLETIONS $fpath)
autoload -Uz compinit && compinit -D -u

compadd() {
  local -a hits
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then # it only asks what would match
    builtin compadd "$@"
    return
  fi
  builtin compadd -A hits "$@"
  print -rl -- $hits >> $ANSWERS
  builtin compadd "$@"
}

complete_words() {
  unset 'compstate[vared]' # a command line, not the value of a variable
  _main_complete "$@"
}
zle -C offer list-choices complete_words

answer() {
  local line
  for line in ${(f)"$(<$LINES_FILE)"}; do
    print -r -- "== $line" >> $ANSWERS
    BUFFER=$line CURSOR=$#line
    zle offer
  done
  BUFFER=
  zle accept-line
}
zle -N zle-line-init answer
vared -c scratch
