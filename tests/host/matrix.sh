#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Which memory a VM may have, and what comes of each access: every row of
# tests/matrix/table.
# machines: all
# also: newest
# options: --test-device --vfio edu
. "$(dirname "$0")/device.setup"
exec test-matrix
