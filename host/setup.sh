#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/setup.sh: everything that comes over the network, once: the Debian root
# and the stock kernels. A second run takes no time and no network.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
"$top/host/root.sh"
"$top/host/kernel.sh" 6.12
"$top/host/kernel.sh" newest
