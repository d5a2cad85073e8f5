# SPDX-License-Identifier: Apache-2.0
# Completion of veneer(1) for fish. The program itself says what may stand at the end of a line: `veneer __complete`.

function __veneer_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l prefix
    for answer in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $answer
            case ':program *'
                set -l first (math (string replace ':program ' '' -- $answer) + 2)
                complete -C (string join ' ' -- (string escape -- $words[$first..-1]) "$current")
            case ':prefix *'
                set prefix (string replace ':prefix ' '' -- $answer)
            case :files
                printf "$prefix%s\n" (__fish_complete_path (string sub -s (math (string length -- "$prefix") + 1) -- "$current"))
            case :directories
                printf "$prefix%s\n" (__fish_complete_directories (string sub -s (math (string length -- "$prefix") + 1) -- "$current"))
            case :nospace
            case '*'
                echo "$prefix$answer"
        end
    end
end

complete -c veneer -f -a '(__veneer_complete)'
