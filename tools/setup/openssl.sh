#!/bin/sh
# openssl.sh: provides OpenSSL >= 3.5.1, whose QUIC TLS API hawser uses. Where the system
# offers it, its package is installed; elsewhere a trimmed static copy is built once per
# machine, from the source package of a newer release of the distribution. Run by ./dev setup.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${HAWSER_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/hawser}
prefix=$cache/openssl
release=trixie   # the first release of Debian with OpenSSL 3.5
least=3.5.1

# Only what QUIC's TLS 1.3 needs: the X25519MLKEM768 group, X.509, and the AEADs.
options="no-shared no-module no-tests no-apps no-docs no-legacy no-dtls no-ssl3 no-tls1 no-tls1_1 no-cms no-cmp
  no-ts no-ct no-srp no-psk no-idea no-md2 no-md4 no-mdc2 no-rc2 no-rc4 no-rc5 no-bf no-cast no-seed no-camellia
  no-aria no-sm2 no-sm3 no-sm4 no-whirlpool no-rmd160 no-blake2 no-scrypt no-gost no-srtp no-nextprotoneg no-comp
  no-dso no-engine no-async no-slh-dsa no-ml-dsa no-dsa no-fips no-rfc3779 no-ui-console no-siv no-ocb"

say() { printf '%s\n' "setup: $*" >&2; }
die() { say "$*"; exit 1; }

version_of() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true; }
candidate_of() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p'; }
new_enough() { [ -n "$1" ] && [ "$1" != "(none)" ] && dpkg --compare-versions "$1" ge "$least"; }

# The stamp tells what the copy was made of; other options or another release rebuild it.
stamp() { echo "release $release, at least $least, options" $options "openssldir /etc/ssl" $(uname -m); }
copy_is_current() { [ -f "$prefix/lib/libssl.a" ] && [ "$(cat "$prefix/hawser.stamp" 2>/dev/null)" = "$(stamp)" ]; }

# Where this machine gets Debian from, as apt knows it; one line "URI SUITE" per archive.
debian_archives() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null | sort -u |
    awk -F '|' -v release="$release" '
      $1 == "Debian" && $2 == "Debian" && !main++ { print $3, release }
      $1 == "Debian" && $2 == "Debian-Security" && !security++ { print $3, release "-security" }'
}

# apt with a configuration of its own: the machine's sources and lists stay as they are.
private_apt() { with_private_lists apt-get "$@"; }
private_apt_cache() { with_private_lists apt-cache "$@"; }
with_private_lists() {
  tool=$1
  shift
  "$tool" -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Acquire::Languages=none \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

download() {
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || die "$keyring is missing; it comes with the package debian-archive-keyring"
  archives=$(debian_archives)
  if [ -z "$archives" ]; then
    # A fresh machine has no package lists yet, and apt then does not know whose archive is whose.
    if [ "$(id -u)" = 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
    archives=$(debian_archives)
  fi
  [ -n "$archives" ] || die "found no Debian archive among this machine's package sources"
  # A mirror may list a version before it carries its files, so older ones are tried in turn.
  versions=$(list_versions "$archives") || { tail -n 5 "$work/download.log" >&2; die "no package source offers openssl >= $least"; }
  for version in $versions; do
    if fetch_source "$version"; then return 0; fi
    say "the source of openssl $version did not load"
  done
  tail -n 5 "$work/download.log" >&2
  die "could not download the source of openssl"
}

# list_versions ARCHIVES: what they list that is new enough, the newest first; fails if there is none.
list_versions() {
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  echo "$1" | while read -r uri suite; do
    echo "deb-src [signed-by=$keyring] $uri $suite main"
  done >"$work/sources.list"
  private_apt update -qq >"$work/download.log" 2>&1 || true  # one archive of two is enough
  private_apt_cache showsrc openssl 2>/dev/null | sed -n 's/^Version: //p' | sort -u -V -r |
    while read -r version; do if new_enough "$version"; then echo "$version"; fi; done | grep .
}

fetch_source() {
  rm -rf "$work/source"
  mkdir -p "$work/source"
  (cd "$work/source" && private_apt source -qq --download-only "openssl=$1") >"$work/download.log" 2>&1
}

unpack() {
  cd "$work/source"
  mkdir tree
  tar -xf "$(ls openssl_*.orig.tar.* | grep -v '\.asc$')" -C tree --strip-components=1
  tar -xf "$(ls openssl_*.debian.tar.*)" -C tree
  cd tree
  # Debian's own changes, among them its security fixes, in the order of the series.
  if [ -f debian/patches/series ]; then
    sed -e 's/#.*//' -e '/^ *$/d' debian/patches/series | while read -r name flags; do
      patch -s -p1 -i "debian/patches/$name" || die "the distribution's patch $name does not apply"
    done
  fi
}

compile() {
  mkdir build
  cd build
  # shellcheck disable=SC2086 # a list of options; Configure finds the machine's kind itself
  perl ../Configure --prefix="$prefix" --libdir=lib --openssldir=/etc/ssl $options >"$work/configure.log" 2>&1 ||
    { tail -n 20 "$work/configure.log" >&2; die "configuring OpenSSL failed"; }
  { make -s -j"$(nproc)" build_libs && make -s install_dev DESTDIR="$work/stage"; } >"$work/make.log" 2>&1 ||
    { tail -n 40 "$work/make.log" >&2; die "building OpenSSL failed"; }
}

# A program that needs the QUIC TLS API must link against the copy and report its version.
verify() {
  cat >"$work/check.c" <<'C'
#include <openssl/core_dispatch.h>
#include <openssl/ssl.h>
#include <stdio.h>
int main(void) {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL* ssl = context ? SSL_new(context) : NULL;
  if (ssl == NULL || OPENSSL_VERSION_NUMBER < 0x30500010L) return 1;
  if (!SSL_set1_groups_list(ssl, "X25519MLKEM768:X25519")) return 1;
  /* An empty set of callbacks is refused: a call that succeeds would be another API. */
  static const OSSL_DISPATCH none[] = {OSSL_DISPATCH_END};
  if (SSL_set_quic_tls_cbs(ssl, none, NULL)) return 1;
  puts(OpenSSL_version(OPENSSL_VERSION));
  return 0;
}
C
  cc -o "$work/check" "$work/check.c" -I"$1/include" "$1/lib/libssl.a" "$1/lib/libcrypto.a" -pthread -ldl >&2 &&
    "$work/check" >&2 || die "the copy of OpenSSL that was just built does not work"
}

publish() {
  stamp >"$1/hawser.stamp"
  rm -rf "$prefix.old"
  [ ! -d "$prefix" ] || mv "$prefix" "$prefix.old"
  mv "$1" "$prefix"
  rm -rf "$prefix.old"
}

build_copy() {
  work=$(mktemp -d "$cache/openssl-build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  say "building a static OpenSSL into $prefix: once per machine, 1 to 3 minutes on 2 cores"
  download
  (unpack)
  (cd "$work/source/tree" && compile)
  verify "$work/stage$prefix"
  publish "$work/stage$prefix"
  say "OpenSSL is ready"
}

if new_enough "$(version_of libssl-dev)"; then exit 0; fi
if copy_is_current; then exit 0; fi
if new_enough "$(candidate_of libssl-dev)"; then exec sh "$here/packages.sh" system-openssl; fi

sh "$here/packages.sh" openssl
mkdir -p "$cache"
# Two setups at once: the second waits, then finds the work done.
exec 9>"$cache/openssl.lock"
flock 9
copy_is_current || build_copy
