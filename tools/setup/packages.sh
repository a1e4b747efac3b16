#!/bin/sh
# packages.sh GROUP...: installs the packages of the named groups that are missing, and
# nothing else. Groups: build, test, compare, lint, fuzz, openssl, system-openssl. Run by ./dev setup.
set -eu

say() { printf '%s\n' "setup: $*" >&2; }

# One package per line. `a|b` takes the first that the distribution offers; a leading `?`
# marks what the project does well enough without.
group() {
  case $1 in
    build)
      cat <<'LIST'
g++
cmake
ninja-build
ccache
libfmt-dev
libcli11-dev
libtomlplusplus-dev
libsimdjson-dev
libgtest-dev
libbenchmark-dev
iproute2
LIST
      echo '?liburing-dev'
      echo '?libisal-dev'
      echo '?liblua5.4-dev'
      [ "$(dpkg --print-architecture)" != amd64 ] || echo '?libipsec-mb-dev'
      ;;
    test) printf '%s\n' '?ngtcp2-client' '?ngtcp2-server' '?chromium' '?valgrind' '?python3' ;;
    compare) printf '%s\n' '?ngtcp2-client' '?ngtcp2-server' '?nginx-light|nginx' '?curl' '?wrk' '?openssl' ;;
    lint) printf '%s\n' clang-19 clang-format-19 clang-tidy-19 git ;;
    fuzz) printf '%s\n' clang-19 'libclang-rt-19-dev' ;;
    openssl) printf '%s\n' gcc make patch perl tar xz-utils debian-archive-keyring ;;
    system-openssl) printf '%s\n' libssl-dev ;;
    *) say "unknown group $1"; exit 2 ;;
  esac
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
offered() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

any_installed() {
  for choice in $(echo "$1" | tr '|' ' '); do
    if installed "$choice"; then return 0; fi
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "these packages are missing: $missing"
    say "run as root, or install them yourself: apt-get install $missing"
    exit 1
  fi
}

missing=
for name in "$@"; do
  for entry in $(group "$name"); do
    any_installed "${entry#\?}" || missing="$missing $entry"
  done
done
[ -n "$missing" ] || exit 0

say "refreshing the package lists, since these are missing:$missing"
as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
  say "apt-get update reported a problem; going on with the lists there are"

chosen=
for entry in $missing; do
  found=
  for choice in $(echo "${entry#\?}" | tr '|' ' '); do
    if offered "$choice"; then found=$choice; break; fi
  done
  if [ -n "$found" ]; then
    chosen="$chosen $found"
  elif [ "$entry" != "${entry#\?}" ]; then
    say "this distribution does not offer ${entry#\?}; what needs it is left out"
  else
    say "this distribution does not offer $entry, and hawser needs it"
    exit 1
  fi
done
[ -n "$chosen" ] || exit 0
# Servers that are only wanted as programs must not begin to serve: Debian asks this script.
policy=/usr/sbin/policy-rc.d
case $chosen in *nginx*)
  if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
  fi
  ;;
esac

say "installing:$chosen"
# shellcheck disable=SC2086 # a list of package names
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $chosen >&2
