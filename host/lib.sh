# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Read by every script of this room, after it has set $top to the top of the
# repository. Settles where things are kept and how a script speaks; knows
# nothing of QEMU or of kernels.

TSR_BUILD=${TSR_BUILD:-$top/build}
mkdir -p "$TSR_BUILD"
TSR_BUILD=$(cd "$TSR_BUILD" && pwd -P)
TSR_CACHE=${TSR_CACHE:-$TSR_BUILD/cache}
mkdir -p "$TSR_CACHE"
TSR_CACHE=$(cd "$TSR_CACHE" && pwd -P)
export TSR_BUILD TSR_CACHE

# shellcheck disable=SC2034 # for the scripts that read this one
root=$TSR_CACHE/root
# shellcheck disable=SC2034
debs=$TSR_CACHE/debs

say()
{
	printf '%s\n' "$*" >&2
}

# die TEXT: says why, and ends the script with $die_status, or 1.
die()
{
	say "$*"
	exit "${die_status:-1}"
}

# Become root for the script that calls this, once: only the root file system
# and the mounts around it need it, nothing that is built or run inside.
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		return
	fi
	command -v sudo >/dev/null || die "\
This step mounts and unpacks a Debian root, which needs root: neither are you
root nor is there sudo. Run it as root, or install sudo."
	exec sudo -E "$0" "$@"
}

# kernel_release SERIES: what uname -r says on it.
kernel_release()
{
	cat "$(kernel_dir "$1")/release" 2>/dev/null ||
		die "The kernel $1 is not set up. Run ./dev setup first."
}

# kernel_dir SERIES: the folder with vmlinuz, modules/ and release.
kernel_dir()
{
	case $1 in
	6.12 | newest) echo "$TSR_CACHE/kernel/$1" ;;
	debug) echo "$TSR_CACHE/debug-kernel" ;;
	*) die "Unknown kernel $1; there are: 6.12 newest debug." ;;
	esac
}

# kernel_headers SERIES: the folder modules are built against, as seen inside
# the root.
kernel_headers()
{
	case $1 in
	debug) echo "$(kernel_dir debug)/obj" ;;
	*) release=$(kernel_release "$1") && echo "/usr/src/linux-headers-$release" ;;
	esac
}
