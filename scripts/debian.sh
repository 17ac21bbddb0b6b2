# Sourced by scripts that may need a system package.

fail() {
  printf "$(basename "$0" .sh): %s\n" "$@" >&2
  exit 1
}

apt_install() {
  local root=()
  command -v apt-get >/dev/null || fail "$* is missing; install it."
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "cannot install $*: neither root nor sudo." \
      "Have an administrator run: apt-get install $*"
    root=(sudo)
  fi
  echo "installing the system packages: $*"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
