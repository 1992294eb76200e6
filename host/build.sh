#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/build.sh [TARGET...]: all user-space programs, guests and tests (or the
# Makefile's TARGETs), and without TARGETs the module for both stock kernels.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"
"$top/host/in-root" make -s -j2 "$@"
if [ $# = 0 ]; then
	"$top/host/module.sh" 6.12
	"$top/host/module.sh" newest
fi
