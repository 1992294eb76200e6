# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The uABI of docs/abi.md, each ioctl with valid use and every bad input.
# machines: all
# also: newest
# timeout: 600
exec abi
