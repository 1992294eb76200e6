#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What the table of matrix.sh does not say of a device's memory; and a device given to a guest.
# machines: all
# also: newest
# options: --test-device --vfio edu
. "$(dirname "$0")/device.setup"
exec test-device
