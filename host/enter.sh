# SPDX-License-Identifier: GPL-2.0-only OR MIT
# enter.sh UID:GID COMMAND...: the privileged half of in-root, already in a
# mount namespace of its own.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cwd=$(pwd -P)
owner=$1
shift

# Same path inside and out, so that messages, debug information and dependency
# files mean the same on both sides.
bind_same()
{
	[ -e "$root$1" ] || mkdir -p "$root$1"
	mount --bind "$1" "$root$1"
}

for dir in /dev /proc /sys; do
	mount --rbind "$dir" "$root$dir"
done
bind_same /tmp
for dir in "$top" "$TSR_BUILD" "$TSR_CACHE"; do
	case $dir in
	/tmp/*) ;;
	*) bind_same "$dir" ;;
	esac
done

export TSR_IN_ROOT=1 LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /
exec chroot "$root" setpriv --reuid "${owner%:*}" --regid "${owner#*:}" \
	--clear-groups sh -c 'cd "$1" && shift && exec "$@"' sh "$cwd" "$@"
