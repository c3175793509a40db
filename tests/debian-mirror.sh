# SPDX-License-Identifier: LGPL-2.1-or-later
# Where packages of another Debian come from. Sourced by tests/extract-qemu and tests/make-boot-tree; no mirror is named here.

# The mirror that this machine has its own release's main from; its lists must be there for apt to know whose it is.
read_mirror() {
    # shellcheck disable=SC2016 # apt's variables, not the shell's
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        awk -v codename="$(. /etc/os-release && echo "$VERSION_CODENAME")" \
            '$1 == "Debian" && $2 == "main" && $3 == codename && !uri { uri = $4 } END { print uri }'
}

# The same, with apt's lists fetched where there are none.
find_mirror() {
    local mirror
    mirror=$(read_mirror)
    if [[ -z $mirror ]]; then
        as_root apt-get update -qq </dev/null >&2
        mirror=$(read_mirror)
    fi
    [[ -n $mirror ]] || { echo 'apt knows no mirror of Debian' >&2; return 1; }
    echo "$mirror"
}
