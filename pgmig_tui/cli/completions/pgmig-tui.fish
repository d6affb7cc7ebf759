# Completion of pgmig-tui for fish, which quotes what it inserts; nothing of it is expanded or run here.
function __pgmig_tui_complete
    set -l typed (commandline -opc)
    set -l current (string unescape -- (commandline -ct); or commandline -ct)
    set -lx _PGMIG_CURRENT "$current"
    set -lx _PGMIG_WORDS (string join \n -- $typed[2..-1] | string collect)
    set -l lines (command $typed[1] _complete fish 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files folders
            __fish_complete_path (commandline -ct)
        case words nospace
            printf '%s\n' $lines[2..-1]
    end
end
complete -c pgmig-tui -f -a '(__pgmig_tui_complete)'
