# SPDX-License-Identifier: GPL-2.0-only OR MIT
# huge.sh where caches are maintained for 1 GiB at a time, which takes long.
# machines: cortex-a710 cortex-a76
# only: full
# options: --mem 3G --append hugepagesz=1G --append hugepages=1
# timeout: 1500
exec abi huge
