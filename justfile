# Short names for the commands of daily work; the scripts do the same without just.

export SQLX_OFFLINE := "true"

# run the demo from a debug build
dev *args:
    cargo run --locked -- demo {{args}}

# format and lint, the quick half of the tests
check:
    cargo fmt --check && cargo clippy --locked --all-targets -- -D warnings

# everything that has to hold before a merge
test *args:
    scripts/test {{args}}

# a psql in the running demo's database
db *args:
    psql -h "${PULSEBOARD_DATA_DIR:-$PWD/demo-data}/run" -U postgres -d postgres {{args}}

# fill an empty database with a synthetic network
seed *args:
    cargo run --locked -- seed {{args}}

# write the saved descriptions of all queries, or --check them
sqlx *args:
    scripts/sqlx {{args}}

# recompute every figure from its source rows
verify *args:
    cargo run --locked -- verify {{args}}

# measure against a bare server on this machine
bench *args:
    cargo bench --locked --bench pulseboard -- {{args}}

# Lighthouse over log-in, board, network and admin
lighthouse *args:
    scripts/lighthouse {{args}}
