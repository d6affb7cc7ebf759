# Completion of pgmig-tui for bash. What is offered is quoted by the program; nothing of it is expanded or run here.
_pgmig_tui() {
    local how='' word
    COMPREPLY=()
    {
        IFS= read -r how || return 0
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done
    } < <(_PGMIG_LINE=${COMP_LINE:0:COMP_POINT} _PGMIG_BREAKS=$COMP_WORDBREAKS command "$1" _complete bash 2>/dev/null </dev/null)
    case $how in
        files) compopt -o default 2>/dev/null ;;
        folders) compopt -o default -o dirnames 2>/dev/null ;;
        nospace) compopt -o nospace 2>/dev/null ;;
    esac
}
complete -o nosort -F _pgmig_tui pgmig-tui 2>/dev/null || complete -F _pgmig_tui pgmig-tui
