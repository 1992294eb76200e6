#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/shell.sh [OPTION]... [-- SHELL-COMMAND]: build what is to be on the
# host, then run.sh with the same options; a shell if there is no command.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)

kernel=6.12
stock=
what=--shell
previous=
for word; do
	case $word in
	--debug) kernel=debug && "$top/host/debug-kernel.sh" ;;
	--stock) stock=host/direct ;;
	--) what= && break ;;
	esac
	[ "$previous" != --kernel ] || kernel=$word
	previous=$word
done
"$top/host/build.sh" all
"$top/host/module.sh" "$kernel" $stock
# shellcheck disable=SC2086 # $what is one word or none
exec "$top/host/run.sh" $what "$@"
