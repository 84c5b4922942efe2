# bash completion for kymo and kymod. A test holds it against their --help.

_kymo_options() {
    case $1 in
    get) echo --json --wait --dir --help ;;
    watch) echo --streams --topic --resume --sensors --groups --json --rate --count --dir --help ;;
    top) echo --json --plain --rate --count --symbols --theme --color --dir --help ;;
    record)
        echo --streams --topic --groups --rate --for --last --recorder --force --json --dir --help
        ;;
    dump) echo --json --dir --help ;;
    replay) echo --speed --from --to --sensors --json --serve --help ;;
    export) echo --csv --json --svg --fields --sensors --from --to --help ;;
    submit)
        echo --topic --data --text --type --state --hook --session --ack --client --number --json \
            --dir --help
        ;;
    sensors) echo --groups --wait --long --json --vitals --dir --help ;;
    ping) echo --count --dir --help ;;
    doctor) echo --wait --json --dir --help ;;
    bench) echo --for --rate --json --help ;;
    stress) echo --cpu --share --memory --events --for --json --dir --help ;;
    service)
        echo install uninstall status --user --system --on-demand --config --kymod --dry-run --json \
            --help
        ;;
    toggle | status | metrics | reload | quit) echo --json --dir --help ;;
    *)
        echo get watch top record dump replay export submit toggle status sensors metrics ping doctor \
            bench stress service reload quit --metrics --version --help
        ;;
    esac
}

_kymo_values() {
    case $1 in
    --streams) echo vitals events samples processes ;;
    --groups)
        echo cpu memory filesystem disk network hwmon thermal power gpu pressure cgroup
        ;;
    --type)
        echo event transcription session_start session_end state_change notification \
            metrics_update
        ;;
    --state) echo idle recording processing error ;;
    --ack) echo received durable synced ;;
    --symbols) echo braille block ascii ;;
    --theme) echo drum paper ember ocean ;;
    --color) echo auto always never ;;
    esac
}

_kymo() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=
    ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}
    COMPREPLY=()
    case $before in
    --dir | --serve) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    --resume | --config | --kymod) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --streams | --groups | --type | --state | --ack | --symbols | --theme | --color)
        mapfile -t COMPREPLY < <(compgen -W "$(_kymo_values "$before")" -- "$word")
        ;;
    --topic | --sensors | --rate | --count | --wait | --data | --text | --hook | --session | --client | --number | --for | --last | --recorder | --cpu | --share | --memory | --events | --speed | --from | --to | --fields) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(_kymo_options "$command")" -- "$word") ;;
    esac
    # What is no option may be a recording.
    if ((${#COMPREPLY[@]} == 0)) && [[ $command == record || $command == replay || $command == export ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

_kymod() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $before in
    --config) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --dir | --state | --proc | --sys) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    --rate | --clients) ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "--dir --state --rate --clients --config \
            --check-config --proc --sys --version --help" -- "$word")
        ;;
    esac
}

complete -F _kymo kymo
complete -F _kymod kymod
