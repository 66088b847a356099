# Sourced by the launcher and by setup.sh.

# is_fresh CHECKOUT: its dependencies are installed and no source is newer than its bundle. Directories count, because
# removing a file changes only them; tests are not in the bundle.
is_fresh() {
  [ -e "$1/node_modules/.package-lock.json" ] && [ -z "$(
    find "$1/src" "$1/scripts/build.ts" "$1/package.json" "$1/package-lock.json" \
      \( -type d -o -name '*.ts' -o -name '*.json' \) ! -name '*.test.ts' \
      -newer "$1/dist/current/stamp" -print -quit 2>&1
  )" ]
}
