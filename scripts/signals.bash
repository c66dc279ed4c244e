# Sourced by scripts that run long programs: `passing COMMAND…` runs one as if it stood there by itself, but
# SIGINT and SIGTERM to the script go on to it, and the script ends (130, 143) when it has ended. Bash alone
# would die at once and leave it running, or not hear the signal before it ends.
running=''

stop_running() { # SIGNAL CODE
    trap - INT TERM
    if [ -n "$running" ]; then
        # Ctrl-C reaches both: what has had the signal is given the time to end, for a second one cuts it short.
        sleep 0.3
        kill -s "$1" "$running" 2>/dev/null || true
        wait "$running" || true
    fi
    exit "$2"
}
trap 'stop_running INT 130' INT
trap 'stop_running TERM 143' TERM

passing() { # COMMAND...: its exit code
    local code=0
    "$@" <&0 &
    running=$!
    wait "$running" || code=$?
    running=''
    return $code
}
