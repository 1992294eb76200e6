#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The guest tests on the kernel's own KVM, as a control: what fails there and
# on tessera.ko alike is the test's fault.
#
# machines: stock
# timeout: 600
exec sh "$(dirname "$0")/guests.sh" "$@"
