# SPDX-License-Identifier: LGPL-2.1-or-later
# Every Debian package that this project needs, and how they get installed. Sourced by plugin/run and tests/run.

# To build; to build and run; to test as well.
build_packages=(gcc libc6-dev meson pkg-config libglib2.0-dev libdbus-1-dev libjson-glib-dev libreadline-dev)
run_packages=("${build_packages[@]}" dbus-daemon systemd)
test_packages=("${run_packages[@]}" bash-completion clang polkitd python3 python3-docutils python3-gi python3-pil python3-pyte qemu-system-common qemu-system-x86 valgrind zsh
    ca-certificates debian-archive-keyring mmdebstrap
    chromium chromium-driver cockpit-bridge cockpit-ws python3-selenium
    gir1.2-gtk-3.0 gjs xvfb
    gir1.2-spiceclientglib-2.0 vncsnapshot)

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "Neither root nor sudo; please have this done: $*" >&2
        return 1
    fi
}

# install_packages NAME...: those that are missing.
install_packages() {
    local package missing=()
    for package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "Installing: ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}")
    # The lists are fetched only where those at hand do not do.
    as_root "${install[@]}" </dev/null >/dev/null 2>&1 && return
    as_root apt-get update -qq </dev/null
    as_root "${install[@]}" </dev/null >/dev/null
}
