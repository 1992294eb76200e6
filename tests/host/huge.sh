# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Permissions inside blocks of 1 GiB.
# machines: max neoverse-n2
# options: --mem 3G --append hugepagesz=1G --append hugepages=1
exec abi huge
