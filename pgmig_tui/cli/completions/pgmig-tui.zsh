#compdef pgmig-tui
# Completion of pgmig-tui for zsh, which quotes what it inserts; nothing of it is expanded or run here.
_pgmig_tui() {
    local how line
    local -a lines values told typed
    typed=("${(@Q)words[2,CURRENT-1]}")
    lines=("${(@f)$(_PGMIG_WORDS=${(pj:\n:)typed} _PGMIG_CURRENT=${(Q)PREFIX} command ${(Q)words[1]} _complete zsh 2>/dev/null </dev/null)}")
    how=${lines[1]}
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        if [[ -n ${line#*$'\t'} ]]; then
            told+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
        else
            told+=("${line%%$'\t'*}")
        fi
    done
    case $how in
        files) _files ;;
        folders) _files -/ ;;
        nospace) compadd -S '' -d told -a values ;;
        words) compadd -V pgmig-tui -d told -a values ;;
    esac
}
if [[ $funcstack[1] == _pgmig_tui || $funcstack[1] == _pgmig-tui ]]; then
    _pgmig_tui "$@"
else
    compdef _pgmig_tui pgmig-tui
fi
