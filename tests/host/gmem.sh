#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# guest_memfds in the hands of the host's memory management.
# machines: max
# also: newest
# timeout: 60
test-gmem
