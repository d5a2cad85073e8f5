# SPDX-License-Identifier: Apache-2.0
# Sources the file $1, and says for each line of standard input what bash completion offers at its
# end: "== LINE", the answers one a line, and "++ OPTIONS" when the completion asks readline for
# something.
# shellcheck source=/dev/null
source "$1"
asked=""
compopt() { asked+=" $*"; }
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE}
  COMP_WORDS=()
  rest=$COMP_LINE
  # As readline splits it: colons and = are words of their own.
  while [[ $rest =~ ^[[:space:]]*([:=]+|[^[:space:]:=]+) ]]; do
    COMP_WORDS+=("${BASH_REMATCH[1]}")
    rest=${rest#"${BASH_REMATCH[0]}"}
  done
  if [ -n "$rest" ]; then COMP_WORDS+=(""); fi
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) asked="" COMPREPLY=()
  echo "== $COMP_LINE"
  _veneer
  if [ ${#COMPREPLY[@]} -gt 0 ]; then printf '%s\n' "${COMPREPLY[@]}"; fi
  if [ -n "$asked" ]; then echo "++$asked"; fi
done
