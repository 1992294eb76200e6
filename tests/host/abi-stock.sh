# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The same tables on the stock kernel's own KVM: what they expect of mainline is what
# mainline does.
# machines: stock
# also: newest
# timeout: 240
exec abi
